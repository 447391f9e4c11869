// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Proven probabilities of liquidation within a week, of many positions by one proof
/// @dev Health factors change with every second, so a batch takes two transactions: `snapshot` has the chain compute the
/// inputs from the vault's own view and keeps their hash, `prove` brings a proof over exactly these. Anyone may call both.
/// @custom:invariant a position's probability is never replaced by one observed earlier
interface ILiquidationBoard {
    /// @dev One slot.
    struct Assessment {
        uint64 probabilityWad; // of liquidation within seven days
        uint64 confidenceWad; // 0 to 1, of the whole batch
        uint40 observedAt; // time of the newest price that went in
        uint40 updatedAt; // block time of the proof
    }

    /// @notice Emitted for every snapshot, with all that a prover needs.
    event BatchTaken(uint256 indexed batchId, address[] accounts, int256[] inputs, uint64 observedAt);
    /// @notice Emitted when a batch is proven.
    event BatchProven(uint256 indexed batchId, bytes32 inputCommitment, bytes32 proofHash);
    /// @notice Emitted for every position of a proven batch that has no newer assessment.
    event PositionAssessed(
        address indexed account, uint256 indexed batchId, uint256 probabilityWad, uint256 confidenceWad, uint64 observedAt
    );
    /// @notice Emitted when the board moves to another version of its model.
    event ModelVersionChanged(uint32 indexed version);

    /// @notice Thrown by the constructor for an account or contract that is none, or a number that no batch could use.
    error InvalidConfiguration();
    /// @notice Thrown when a batch has no accounts, or more than the model has places.
    error BatchSizeOutOfRange(uint256 size, uint256 max);
    /// @notice Thrown when accounts are not in strictly rising order, so also when one comes twice.
    error AccountsNotSorted(address previous, address current);
    /// @notice Thrown when an account owes nothing.
    error PositionWithoutDebt(address account);
    /// @notice Thrown when an account can be liquidated already.
    error AlreadyLiquidatable(address account, uint256 healthFactor);
    /// @notice Thrown when the newest price of the window is older than the board allows.
    error ObservationStale(uint256 age, uint256 maxAge);
    /// @notice Thrown when a batch is unknown, proven already, or was taken with other accounts or inputs.
    error UnknownBatch(uint256 batchId, bytes32 contentHash);
    /// @notice Thrown when the proven confidence lies outside 0 to 1 by more than a circuit's rounding.
    error ConfidenceOutOfRange(int256 confidenceWad);
    /// @notice Thrown when a position was never assessed.
    error NotAssessed(address account);
    /// @notice Thrown by reads that demand a fresh assessment.
    error StaleAssessment(uint256 age, uint256 maxStaleness);

    /// @notice Has the chain compute the inputs of these positions at this block.
    /// @param accounts In rising order, each with debt and healthy.
    /// @param observationRound Round of the price feed at which the market's window ends.
    function snapshot(address[] calldata accounts, uint64 observationRound)
        external
        returns (uint256 batchId, int256[] memory inputs);

    /// @notice Proves a batch and stores what it says of each position.
    /// @param accounts, inputs As BatchTaken told them.
    /// @param outputInstances The logits of all places, then the confidence, as field elements.
    function prove(
        uint256 batchId,
        address[] calldata accounts,
        int256[] calldata inputs,
        uint256[] calldata outputInstances,
        bytes calldata zkProof
    ) external;

    /// @notice The newest assessment; reverts when there is none.
    function assessmentOf(address account) external view returns (Assessment memory);

    /// @notice The probability at 18 decimals; reverts when it was observed more than `maxStaleness` seconds ago.
    function probabilityNoOlderThan(address account, uint256 maxStaleness) external view returns (uint256);

    /// @notice The lending vault whose positions are assessed.
    function vault() external view returns (address);

    /// @notice Positions of one batch at most.
    function places() external view returns (uint256);
}
