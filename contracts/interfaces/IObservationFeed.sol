// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {AggregatorV2V3Interface} from "./AggregatorV2V3Interface.sol";

/// @title Prices observed by a quorum of publishers; round n is the n-th observation
/// @dev Answers are 8-decimal prices: the median of the reports, for an even number the mean of the middle two rounded
/// down. `startedAt` is the observation time, `updatedAt` the publication's block time. Before the first round
/// `latestRound` is 0 and the other latest reads revert with NoDataPresent(0). Reads never revert for age.
/// @custom:invariant observedAt strictly rises from round to round and never exceeds the block's time
interface IObservationFeed is AggregatorV2V3Interface {
    /// @dev EIP-712: Report(uint64 roundId,uint64 observedAt,uint64 price,uint32 publisherSetVersion)
    struct Report {
        uint64 roundId;
        uint64 observedAt;
        uint64 price;
        uint32 publisherSetVersion;
    }

    struct Limits {
        uint32 minInterval; // seconds between observations, at least
        uint32 maxInterval; // a longer gap starts a new segment, and windows do not cross segments
        uint32 maxReportAge; // seconds from observation to publication, at most
        uint16 maxSpreadBps; // of one report from the median
        uint16 maxMoveBps; // of the median from the last answer, unless every publisher has signed
    }

    /// @notice Emitted for every observation.
    event ObservationRecorded(
        uint64 indexed roundId, uint64 price, uint64 observedAt, uint64 segmentStart, uint256 reportCount
    );
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
    /// @notice Thrown when a price is zero.
    error ZeroPrice();
    /// @notice Thrown when a report lies too far from the median.
    error ReportDeviates(address signer, uint64 price, uint64 median);
    /// @notice Thrown when the median moved too far for a mere quorum.
    error MoveNeedsAllPublishers(uint256 moveBps, uint256 maxMoveBps);
    /// @notice Thrown when a round never was, or has left the ring buffer.
    error NoDataPresent(uint256 roundId);
    /// @notice Thrown when a window would reach before the segment's or the buffer's start.
    error WindowNotAvailable(uint64 firstRound, uint64 earliest);
    /// @notice Thrown when a window of no prices is asked for.
    error EmptyWindow();
    /// @notice Thrown when a batch is empty or larger than its gas bound.
    error BatchSizeOutOfRange(uint256 size, uint256 max);
    /// @notice Thrown when a publisher set, limits or the capacity make no sense.
    error InvalidConfiguration();

    /// @notice Records the next observation. Anyone may call; the signatures decide.
    /// @param reports One for each signer, in rising order of the signers' addresses.
    function submit(Report[] calldata reports, bytes[] calldata signatures) external returns (uint64 roundId);

    /// @notice Records several observations in order; all or none. For the history that a window needs before its first
    /// use: `maxReportAge` holds for the last of them, the others may be up to 2^23 - 1 seconds old. Their time of
    /// observation stays their own, their `updatedAt` is this block's.
    function submitMany(Report[][] calldata reports, bytes[][] calldata signatures) external returns (uint64 roundId);

    /// @notice `count` consecutive prices, oldest first, that end at `roundId`, all of one segment; and the time of the last.
    function window(uint64 roundId, uint256 count) external view returns (uint64[] memory prices, uint64 observedAt);

    /// @notice The observation time of a round, unix seconds.
    function observedAt(uint256 roundId) external view returns (uint64);

    /// @notice First round after the last gap longer than `maxInterval`; 0 before the first round.
    function segmentStart() external view returns (uint64);

    /// @notice First round that the ring buffer still holds; 0 before the first round.
    function earliestRound() external view returns (uint64);

    /// @notice Rounds that the ring buffer holds.
    function capacity() external view returns (uint32);

    function publishers() external view returns (address[] memory);

    function quorum() external view returns (uint8);

    function publisherSetVersion() external view returns (uint32);

    function limits() external view returns (Limits memory);

    /// @notice The EIP-712 digest that a publisher signs.
    function reportDigest(Report calldata report) external view returns (bytes32);

    function setPublishers(address[] calldata newPublishers, uint8 newQuorum) external;

    function setLimits(Limits calldata newLimits) external;
}
