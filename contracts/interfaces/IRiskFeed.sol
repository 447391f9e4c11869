// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {AggregatorV2V3Interface} from "./AggregatorV2V3Interface.sol";

/// @title A feed whose every answer was proven from observations on this chain
/// @dev `updatedAt` is the publication's block time, `observedAt` the time of the newest observation that went in; so is
/// `startedAt`.
/// Reads never revert for age: consumers decide, or use `latestAnswerNoOlderThan`.
/// @custom:invariant answer stays within [minAnswer, maxAnswer] from the first round on
/// @custom:invariant observedAt strictly rises from round to round
interface IRiskFeed is AggregatorV2V3Interface {
    /// @dev Rates bound the move of `answer` from the last one, for each hour between the two observation times; zero freezes
    /// that direction. They count from the last answer's magnitude or, where that is smaller, from a basis point of
    /// maxAnswer - minAnswer, so that an answer of zero can move. The first answer is bound by minAnswer and maxAnswer
    /// alone, and these win over the rates when guards change. Bounds lie within int112.
    struct Guards {
        int192 minAnswer;
        int192 maxAnswer;
        int192 fallbackAnswer; // the conservative value when stale or paused
        uint32 riseBpsPerHour;
        uint32 fallBpsPerHour;
        uint32 heartbeat; // seconds after which the answer is stale
        uint16 maxObservationLag; // how many observations a proof may be behind the newest
    }

    struct Round {
        int256 answer; // what consumers read: provenAnswer, its move bounded
        int256 provenAnswer; // what the proof says
        uint64 observedAt;
        uint64 updatedAt;
        uint64 observationRound;
    }

    /// @notice Emitted for every round, with all that is needed to verify it again.
    event RoundProven(
        uint256 indexed roundId,
        uint256 indexed modelId,
        uint32 version,
        bytes32 inputCommitment,
        uint64 observationRound,
        uint64 observedAt,
        int256 provenAnswer,
        int256 answer,
        bytes32 proofHash,
        bytes32 root
    );
    /// @notice Emitted when guards change.
    event GuardsChanged(Guards guards);
    /// @notice Emitted when the feed moves to another version of its model.
    event ModelVersionChanged(uint32 indexed version);

    /// @notice Thrown when the window's end is not newer than the last round's.
    error ObservationNotNewer(uint64 observationRound, uint64 last);
    /// @notice Thrown when newer observations exist than the lag allows.
    error ObservationLagged(uint64 observationRound, uint64 latest, uint16 maxObservationLag);
    /// @notice Thrown when the newest observation is older than the heartbeat.
    error ObservationStale(uint256 age, uint256 heartbeat);
    /// @notice Thrown when a proven answer lies outside the absolute bounds.
    error AnswerOutOfBounds(int256 answer, int256 minAnswer, int256 maxAnswer);
    /// @notice Thrown when a round never was.
    error NoDataPresent(uint256 roundId);
    /// @notice Thrown by reads that demand a fresh answer.
    error StaleAnswer(uint256 age, uint256 maxStaleness);
    /// @notice Thrown when guards make no sense.
    error InvalidGuards();
    /// @notice Thrown when a feed is made without an admin or a guardian.
    error InvalidConfiguration();

    /// @notice Proves and publishes the next round. Anyone may call; the proof decides.
    /// @param observationRound Round of the observation feed at which the window ends.
    /// @param outputInstances The model's outputs as field elements.
    function submitRound(uint64 observationRound, uint256[] calldata outputInstances, bytes calldata zkProof)
        external
        returns (uint80 roundId);

    /// @notice The inputs that a proof for `observationRound` must carry, and the commitment it will have as the next round.
    function expectedInputs(uint64 observationRound)
        external
        view
        returns (int256[] memory modelInputs, uint64 observedAt, bytes32 commitment);

    function round(uint256 roundId) external view returns (Round memory);

    /// @notice The observation time of a round, unix seconds.
    function observedAt(uint256 roundId) external view returns (uint64);

    /// @notice The hash chain's head: root_n = keccak256(abi.encode(root_{n-1}, roundId, modelId, version, inputCommitment,
    /// observationRound, observedAt, provenAnswer, answer, proofHash)), root_0 = keccak256(abi.encode(ROOT_TAG, chainid, this)),
    /// ROOT_TAG = keccak256("plumbline.feed-root.v1"), proofHash = keccak256(zkProof).
    function root() external view returns (bytes32);

    /// @notice True when paused, without rounds, or with an observation older than the heartbeat.
    function isStale() external view returns (bool);

    /// @notice The latest answer; reverts when its observation is older than `maxStaleness` seconds or the feed is paused.
    function latestAnswerNoOlderThan(uint256 maxStaleness) external view returns (int256);

    /// @notice The latest answer, or `fallbackAnswer` when stale; and which of the two.
    function conservativeAnswer() external view returns (int256 answer, bool stale);

    function guards() external view returns (Guards memory);

    function modelId() external view returns (uint256);

    function modelVersion() external view returns (uint32);

    function featureModule() external view returns (address);

    function inferenceVerifier() external view returns (address);

    function pause() external;

    function unpause() external;

    function setGuards(Guards calldata newGuards) external;

    function setModelVersion(uint32 version) external;
}
