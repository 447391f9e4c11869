// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IQuorumFeed} from "./IQuorumFeed.sol";

/// @title Prices observed by a quorum of publishers
/// @dev Answers are 8-decimal prices: the median of the reports, for an even number the mean of the middle two rounded
/// down.
interface IObservationFeed is IQuorumFeed {
    /// @dev EIP-712: Report(uint64 roundId,uint64 observedAt,uint64 price,uint32 publisherSetVersion)
    struct Report {
        uint64 roundId;
        uint64 observedAt;
        uint64 price;
        uint32 publisherSetVersion;
    }

    /// @notice Emitted for every observation.
    event ObservationRecorded(
        uint64 indexed roundId, uint64 price, uint64 observedAt, uint64 segmentStart, uint256 reportCount
    );
    /// @notice Thrown when a price is zero.
    error ZeroPrice();
    /// @notice Thrown when a report lies too far from the median.
    error ReportDeviates(address signer, uint64 price, uint64 median);
    /// @notice Thrown when the median moved too far for a mere quorum.
    error MoveNeedsAllPublishers(uint256 moveBps, uint256 maxMoveBps);
    /// @notice Thrown when a window would reach before the segment's or the buffer's start.
    error WindowNotAvailable(uint64 firstRound, uint64 earliest);
    /// @notice Thrown when a window of no prices is asked for.
    error EmptyWindow();
    /// @notice Thrown when a batch is empty or larger than its gas bound.
    error BatchSizeOutOfRange(uint256 size, uint256 max);
    /// @notice Records the next observation. Anyone may call; the signatures decide.
    /// @param reports One for each signer, in rising order of the signers' addresses.
    function submit(Report[] calldata reports, bytes[] calldata signatures) external returns (uint64 roundId);

    /// @notice Records several observations in order; all or none. For the history that a window needs before its first
    /// use: `maxReportAge` holds for the last of them, the others may be up to 2^23 - 1 seconds old. Their time of
    /// observation stays their own, their `updatedAt` is this block's.
    function submitMany(Report[][] calldata reports, bytes[][] calldata signatures) external returns (uint64 roundId);

    /// @notice `count` consecutive prices, oldest first, that end at `roundId`, all of one segment; and the time of the last.
    function window(uint64 roundId, uint256 count) external view returns (uint64[] memory prices, uint64 observedAt);

    /// @notice First round after the last gap longer than `maxInterval`; 0 before the first round.
    function segmentStart() external view returns (uint64);

    /// @notice The EIP-712 digest that a publisher signs.
    function reportDigest(Report calldata report) external view returns (bytes32);

}
