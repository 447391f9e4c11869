// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IQuorumFeed} from "./IQuorumFeed.sol";

/// @title Vectors observed by a quorum of publishers: what a model needs and no price says, such as a volatility surface
/// @dev Components, their bounds and decimals are fixed for ever. Each component's value is the median of the reports, for
/// an even number the mean of the middle two rounded down. To readers of Chainlink's interface the answer is the first
/// component. `Limits.maxSpreadBps` and `maxMoveBps` are of a component's span, max - min.
/// @custom:invariant every component of every round lies within its bounds
interface IVectorObservationFeed is IQuorumFeed {
    struct Component {
        bytes32 name;
        int128 min;
        int128 max;
    }

    /// @dev EIP-712: VectorReport(uint64 roundId,uint64 observedAt,int256[] values,uint32 publisherSetVersion)
    struct VectorReport {
        uint64 roundId;
        uint64 observedAt;
        int256[] values; // one for each component, at the feed's decimals
        uint32 publisherSetVersion;
    }

    /// @notice Emitted for every observation.
    event VectorRecorded(uint64 indexed roundId, int256[] values, uint64 observedAt, uint256 reportCount);

    /// @notice Thrown when a report has another number of values than the feed has components.
    error ComponentCountMismatch(uint256 values, uint256 components);
    /// @notice Thrown when a reported value lies outside its component's bounds.
    error ComponentOutOfBounds(uint256 component, int256 value, int256 min, int256 max);
    /// @notice Thrown when a report's value lies too far from the component's median.
    error ComponentDeviates(uint256 component, int256 value, int256 median);
    /// @notice Thrown when a component's median moved too far for a mere quorum.
    error ComponentMoveNeedsAllPublishers(uint256 component, int256 from, int256 to);

    /// @notice Records the next observation. Anyone may call; the signatures decide.
    /// @param reports One for each signer, in rising order of the signers' addresses.
    function submit(VectorReport[] calldata reports, bytes[] calldata signatures) external returns (uint64 roundId);

    /// @notice A round's values in the order of the components, and its observation time.
    function vector(uint64 roundId) external view returns (int256[] memory values, uint64 observedAt);

    /// @notice Names and bounds.
    function components() external view returns (Component[] memory);

    function componentCount() external view returns (uint256);

    /// @notice The EIP-712 digest that a publisher signs.
    function reportDigest(VectorReport calldata report) external view returns (bytes32);
}
