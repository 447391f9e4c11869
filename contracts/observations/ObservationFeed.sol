// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {AggregatorV2V3Interface} from "../interfaces/AggregatorV2V3Interface.sol";
import {IObservationFeed} from "../interfaces/IObservationFeed.sol";
import {IQuorumFeed} from "../interfaces/IQuorumFeed.sol";
import {Median} from "../libraries/Median.sol";
import {ObservationRing} from "../libraries/ObservationRing.sol";
import {QuorumFeed} from "./QuorumFeed.sol";

/// @title Prices observed by a quorum of publishers
/// @dev A report names its round and the publisher set, so a signature serves once and not under another set.
contract ObservationFeed is IObservationFeed, EIP712, QuorumFeed {
    using ObservationRing for ObservationRing.Ring;

    /// @notice Observations of one `submitMany` at most; bounds its gas.
    uint256 public constant MAX_BATCH = 64;

    bytes32 private constant REPORT_TYPEHASH =
        keccak256("Report(uint64 roundId,uint64 observedAt,uint64 price,uint32 publisherSetVersion)");
    uint32 private constant MIN_CAPACITY = 64;

    struct Latest {
        uint64 roundId;
        uint64 segmentStart;
        uint64 price;
        uint40 observedAt;
        uint24 delay; // seconds from observation to publication
    }

    /// @inheritdoc IQuorumFeed
    uint32 public immutable capacity;
    /// @inheritdoc AggregatorV2V3Interface
    string public description;

    Latest private _latest;
    ObservationRing.Ring private _ring;

    /// @param description_ Such as "SPX / USD".
    /// @param capacity_ Rounds kept; a power of two, at least 64.
    /// @param owner_ May change publishers and limits.
    constructor(
        string memory description_,
        uint32 capacity_,
        address owner_,
        address[] memory publishers_,
        uint8 quorum_,
        Limits memory limits_
    ) EIP712("Plumbline ObservationFeed", "1") Ownable(owner_) {
        if (capacity_ < MIN_CAPACITY || capacity_ & (capacity_ - 1) != 0) {
            revert InvalidConfiguration();
        }
        capacity = capacity_;
        description = description_;
        _setPublishers(publishers_, quorum_);
        _setLimits(limits_);
    }

    /// @inheritdoc IObservationFeed
    function submit(Report[] calldata reports, bytes[] calldata signatures) external returns (uint64 roundId) {
        return _record(reports, signatures, _config.maxReportAge);
    }

    /// @inheritdoc IObservationFeed
    function submitMany(Report[][] calldata reports, bytes[][] calldata signatures) external returns (uint64 roundId) {
        uint256 count = reports.length;
        if (count != signatures.length) revert ArrayLengthMismatch(count, signatures.length);
        if (count == 0 || count > MAX_BATCH) revert BatchSizeOutOfRange(count, MAX_BATCH);
        for (uint256 i; i + 1 < count; ++i) {
            _record(reports[i], signatures[i], ObservationRing.MAX_DELAY);
        }
        return _record(reports[count - 1], signatures[count - 1], _config.maxReportAge);
    }

    /// @inheritdoc IObservationFeed
    function window(uint64 roundId, uint256 count) external view returns (uint64[] memory prices, uint64 observedAt_) {
        if (count == 0) revert EmptyWindow();
        Latest memory latest = _latest;
        uint64 earliest = _earliestRound(latest.roundId);
        if (roundId == 0 || roundId > latest.roundId || roundId < earliest) revert NoDataPresent(roundId);
        // forge-lint: disable-next-line(unsafe-typecast) count <= roundId here
        uint64 first = count > roundId ? 0 : uint64(roundId + 1 - count);
        if (first < latest.segmentStart || first < earliest) {
            uint64 start = _ring.segmentStartOf(capacity, roundId, first < earliest ? earliest : first);
            if (first < start) revert WindowNotAvailable(first, start);
        }
        prices = _ring.pricesFrom(capacity, first, count);
        (observedAt_,,) = _ring.timesOf(capacity, roundId);
    }

    /// @inheritdoc AggregatorV2V3Interface
    function getRoundData(uint80 _roundId)
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        uint64 id = _requireRound(_roundId);
        (startedAt, updatedAt,) = _ring.timesOf(capacity, id);
        return (id, _priceOf(id), startedAt, updatedAt, id);
    }

    /// @inheritdoc AggregatorV2V3Interface
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        Latest memory latest = _requireLatest();
        roundId = latest.roundId;
        return (roundId, _toAnswer(latest.price), latest.observedAt, _updatedAt(latest), roundId);
    }

    /// @inheritdoc AggregatorV2V3Interface
    function latestAnswer() external view returns (int256) {
        return _toAnswer(_requireLatest().price);
    }

    /// @inheritdoc AggregatorV2V3Interface
    function latestTimestamp() external view returns (uint256) {
        return _updatedAt(_requireLatest());
    }

    /// @inheritdoc AggregatorV2V3Interface
    function latestRound() external view returns (uint256) {
        return _latest.roundId;
    }

    /// @inheritdoc AggregatorV2V3Interface
    function getAnswer(uint256 roundId) external view returns (int256) {
        return _priceOf(_requireRound(roundId));
    }

    /// @inheritdoc AggregatorV2V3Interface
    function getTimestamp(uint256 roundId) external view returns (uint256 updatedAt) {
        (, updatedAt,) = _ring.timesOf(capacity, _requireRound(roundId));
    }

    /// @inheritdoc IQuorumFeed
    function observedAt(uint256 roundId) external view returns (uint64 time) {
        (time,,) = _ring.timesOf(capacity, _requireRound(roundId));
    }

    /// @inheritdoc IObservationFeed
    function segmentStart() external view returns (uint64) {
        return _latest.segmentStart;
    }

    /// @inheritdoc IQuorumFeed
    function earliestRound() external view returns (uint64) {
        return _earliestRound(_latest.roundId);
    }

    /// @inheritdoc AggregatorV2V3Interface
    function decimals() external pure returns (uint8) {
        return 8;
    }

    /// @inheritdoc AggregatorV2V3Interface
    function version() external pure returns (uint256) {
        return 1;
    }

    /// @inheritdoc IObservationFeed
    function reportDigest(Report calldata report) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(REPORT_TYPEHASH, report.roundId, report.observedAt, report.price, report.publisherSetVersion)
            )
        );
    }

    function _record(Report[] calldata reports, bytes[] calldata signatures, uint256 maxAge)
        private
        returns (uint64 roundId)
    {
        Latest memory last = _latest;
        Config memory config = _config;
        roundId = last.roundId + 1;
        uint64[] memory prices = _authenticate(reports, signatures, roundId, config);
        uint64 time = reports[0].observedAt;
        _requireTimely(time, last.roundId, last.observedAt, config.minInterval, maxAge);
        uint64 price = _agree(prices, last, config, reports, signatures);
        _store(last, config.maxInterval, price, time, reports.length);
    }

    /// @dev The median, when no report is far from it and it is not far from the last one.
    function _agree(
        uint64[] memory prices,
        Latest memory last,
        Config memory config,
        Report[] calldata reports,
        bytes[] calldata signatures
    ) private view returns (uint64 median) {
        median = Median.sortAndTake(prices);
        _requireNarrow(prices, median, config.maxSpreadBps, reports, signatures);
        if (last.roundId != 0 && reports.length < config.publisherCount) {
            _requireSmallMove(last.price, median, config.maxMoveBps);
        }
    }

    /// @dev Checks everything that a single report can be wrong in; returns the reported prices.
    function _authenticate(Report[] calldata reports, bytes[] calldata signatures, uint64 roundId, Config memory config)
        private
        view
        returns (uint64[] memory prices)
    {
        uint256 count = reports.length;
        if (count != signatures.length) revert ArrayLengthMismatch(count, signatures.length);
        if (count < config.quorum) revert QuorumNotReached(count, config.quorum);
        prices = new uint64[](count);
        address previous;
        for (uint256 i; i < count; ++i) {
            Report calldata report = reports[i];
            if (report.roundId != roundId) revert WrongRound(report.roundId, roundId);
            if (report.publisherSetVersion != config.publisherSetVersion) {
                revert PublisherSetChanged(report.publisherSetVersion, config.publisherSetVersion);
            }
            if (report.observedAt != reports[0].observedAt) {
                revert ObservedAtMismatch(reports[0].observedAt, report.observedAt);
            }
            if (report.price == 0) revert ZeroPrice();
            address signer = ECDSA.recoverCalldata(reportDigest(report), signatures[i]);
            if (signer <= previous) revert SignersNotSorted(previous, signer);
            if (_memberOf[signer] != config.publisherSetVersion) revert NotPublisher(signer);
            prices[i] = report.price;
            previous = signer;
        }
    }

    /// @dev `prices` are the reports', sorted: when the first and the last are near the median, all are.
    function _requireNarrow(
        uint64[] memory prices,
        uint64 median,
        uint256 maxSpreadBps,
        Report[] calldata reports,
        bytes[] calldata signatures
    ) private view {
        uint256 room = maxSpreadBps * median;
        bool lowIsNear = (median - prices[0]) * BPS <= room;
        bool highIsNear = (prices[prices.length - 1] - median) * BPS <= room;
        if (lowIsNear && highIsNear) return;
        uint64 far = lowIsNear ? prices[prices.length - 1] : prices[0];
        uint256 i;
        while (reports[i].price != far) ++i;
        revert ReportDeviates(ECDSA.recoverCalldata(reportDigest(reports[i]), signatures[i]), far, median);
    }

    function _requireSmallMove(uint256 from, uint256 to, uint256 maxMoveBps) private pure {
        uint256 move = from < to ? to - from : from - to;
        if (move * BPS > maxMoveBps * from) {
            revert MoveNeedsAllPublishers(Math.ceilDiv(move * BPS, from), maxMoveBps);
        }
    }

    function _store(Latest memory last, uint32 maxInterval, uint64 price, uint64 time, uint256 reportCount) private {
        uint64 roundId = last.roundId + 1;
        bool startsSegment = roundId == 1 || time - last.observedAt > maxInterval;
        uint64 segment = startsSegment ? roundId : last.segmentStart;
        // forge-lint: disable-next-line(unsafe-typecast) time <= block.timestamp, and the age was checked
        (uint40 time40, uint24 delay) = (uint40(time), uint24(block.timestamp - time));
        _latest = Latest(roundId, segment, price, time40, delay);
        _ring.write(capacity, roundId, price, time40, delay, startsSegment);
        emit NewRound(roundId, msg.sender, time);
        emit AnswerUpdated(_toAnswer(price), roundId, block.timestamp);
        emit ObservationRecorded(roundId, price, time, segment, reportCount);
    }

    function _requireLatest() private view returns (Latest memory latest) {
        latest = _latest;
        if (latest.roundId == 0) revert NoDataPresent(0);
    }

    function _requireRound(uint256 roundId) private view returns (uint64) {
        uint64 latest = _latest.roundId;
        if (roundId == 0 || roundId > latest || roundId < _earliestRound(latest)) revert NoDataPresent(roundId);
        // forge-lint: disable-next-line(unsafe-typecast) at most `latest`
        return uint64(roundId);
    }

    function _earliestRound(uint64 latest) private view returns (uint64) {
        if (latest == 0) return 0;
        return latest > capacity ? latest - capacity + 1 : 1;
    }

    function _priceOf(uint64 roundId) private view returns (int256) {
        return _toAnswer(_ring.priceOf(capacity, roundId));
    }

    function _updatedAt(Latest memory latest) private pure returns (uint256) {
        return uint256(latest.observedAt) + latest.delay;
    }

    function _toAnswer(uint64 price) private pure returns (int256) {
        return int256(uint256(price));
    }
}
