// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {AggregatorV2V3Interface} from "./AggregatorV2V3Interface.sol";

/// @title What a quorum of publishers observed, whatever it is; round n is the n-th observation
/// @dev `startedAt` is the observation time, `updatedAt` the publication's block time. Before the first round `latestRound`
/// is 0 and the other latest reads revert with NoDataPresent(0). Reads never revert for age.
/// @custom:invariant observedAt strictly rises from round to round and never exceeds the block's time
interface IQuorumFeed is AggregatorV2V3Interface {
    struct Limits {
        uint32 minInterval; // seconds between observations, at least
        uint32 maxInterval; // a longer gap starts a new segment, and windows do not cross segments
        uint32 maxReportAge; // seconds from observation to publication, at most
        uint16 maxSpreadBps; // of one report from the median
        uint16 maxMoveBps; // of the median from the last answer, unless every publisher has signed
    }

    /// @notice Emitted when the publishers change.
    event PublishersChanged(uint32 indexed publisherSetVersion, address[] publishers, uint8 quorum);
    /// @notice Emitted when the limits change.
    event LimitsChanged(Limits limits);

    /// @notice Thrown when fewer reports came than the quorum.
    error QuorumNotReached(uint256 reports, uint256 quorum);
    /// @notice Thrown when reports and signatures differ in number.
    error ArrayLengthMismatch(uint256 reports, uint256 signatures);
    /// @notice Thrown when a signature is no publisher's.
    error NotPublisher(address signer);
    /// @notice Thrown when signers are not in strictly rising order, so also when one signs twice.
    error SignersNotSorted(address previous, address current);
    /// @notice Thrown when a report is for another round than the next.
    error WrongRound(uint64 reported, uint64 expected);
    /// @notice Thrown when a report was signed under another set of publishers.
    error PublisherSetChanged(uint32 reported, uint32 current);
    /// @notice Thrown when reports of one round differ in their observation time.
    error ObservedAtMismatch(uint64 first, uint64 other);
    /// @notice Thrown when the observation is not later than the last by `minInterval`.
    error ObservationTooEarly(uint64 observedAt, uint64 earliest);
    /// @notice Thrown when the observation time lies after the block's.
    error ObservationFromFuture(uint64 observedAt, uint256 blockTimestamp);
    /// @notice Thrown when the report is older than `maxReportAge`.
    error StaleReport(uint256 age, uint256 maxReportAge);
    /// @notice Thrown when a round never was, or has left the ring buffer.
    error NoDataPresent(uint256 roundId);
    /// @notice Thrown when a publisher set, limits or the capacity make no sense.
    error InvalidConfiguration();

    /// @notice The observation time of a round, unix seconds.
    function observedAt(uint256 roundId) external view returns (uint64);

    /// @notice First round that the ring buffer still holds; 0 before the first round.
    function earliestRound() external view returns (uint64);

    /// @notice Rounds that the ring buffer holds.
    function capacity() external view returns (uint32);

    function publishers() external view returns (address[] memory);

    function quorum() external view returns (uint8);

    function publisherSetVersion() external view returns (uint32);

    function limits() external view returns (Limits memory);

    function setPublishers(address[] calldata newPublishers, uint8 newQuorum) external;

    function setLimits(Limits calldata newLimits) external;
}
