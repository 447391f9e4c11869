// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {AggregatorV2V3Interface} from "../interfaces/AggregatorV2V3Interface.sol";
import {IQuorumFeed} from "../interfaces/IQuorumFeed.sol";
import {IVectorObservationFeed} from "../interfaces/IVectorObservationFeed.sol";
import {Median} from "../libraries/Median.sol";
import {VectorRing} from "../libraries/VectorRing.sol";
import {QuorumFeed} from "./QuorumFeed.sol";

/// @title Vectors observed by a quorum of publishers
/// @dev A report names its round and the publisher set, so a signature serves once and not under another set; the typed
/// data has another name and domain than a price's, so no signature serves in both kinds of feed.
contract VectorObservationFeed is IVectorObservationFeed, EIP712, QuorumFeed {
    using VectorRing for VectorRing.Ring;

    /// @notice Components at most; bounds the gas of one observation.
    uint256 public constant MAX_COMPONENTS = 64;

    bytes32 private constant REPORT_TYPEHASH =
        keccak256("VectorReport(uint64 roundId,uint64 observedAt,int256[] values,uint32 publisherSetVersion)");

    struct Bounds {
        int128 min;
        int128 max;
    }

    struct Latest {
        uint64 roundId;
        uint40 observedAt;
    }

    /// @inheritdoc IQuorumFeed
    uint32 public immutable capacity;
    /// @inheritdoc AggregatorV2V3Interface
    uint8 public immutable decimals;
    /// @inheritdoc AggregatorV2V3Interface
    string public description;

    Latest private _latest;
    Bounds[] private _bounds;
    bytes32[] private _names;
    VectorRing.Ring private _ring;

    /// @param description_ Such as "BTC volatility surface".
    /// @param decimals_ Of every component.
    /// @param capacity_ Rounds kept, at least 2.
    /// @param owner_ May change publishers and limits.
    constructor(
        string memory description_,
        uint8 decimals_,
        uint32 capacity_,
        Component[] memory components_,
        address owner_,
        address[] memory publishers_,
        uint8 quorum_,
        Limits memory limits_
    ) EIP712("Plumbline VectorObservationFeed", "1") Ownable(owner_) {
        uint256 count = components_.length;
        if (capacity_ < 2 || count == 0 || count > MAX_COMPONENTS) revert InvalidConfiguration();
        for (uint256 i; i < count; ++i) {
            Component memory c = components_[i];
            if (c.min >= c.max) revert InvalidConfiguration();
            _bounds.push(Bounds(c.min, c.max));
            _names.push(c.name);
        }
        (capacity, decimals, description) = (capacity_, decimals_, description_);
        _setPublishers(publishers_, quorum_);
        _setLimits(limits_);
    }

    /// @inheritdoc IVectorObservationFeed
    function submit(VectorReport[] calldata reports, bytes[] calldata signatures) external returns (uint64 roundId) {
        Latest memory last = _latest;
        Config memory config = _config;
        roundId = last.roundId + 1;
        _authenticate(reports, signatures, roundId, config);
        uint64 time = reports[0].observedAt;
        _requireTimely(time, last.roundId, last.observedAt, config.minInterval, config.maxReportAge);
        int256[] memory values = _agree(reports, config);
        if (last.roundId != 0 && reports.length < config.publisherCount) {
            _requireSmallMoves(_ring.read(capacity, last.roundId, values.length), values, config.maxMoveBps);
        }
        _store(roundId, values, time, reports.length);
    }

    /// @inheritdoc IVectorObservationFeed
    function vector(uint64 roundId) external view returns (int256[] memory values, uint64 observedAt_) {
        uint64 id = _requireRound(roundId);
        return (_ring.read(capacity, id, _bounds.length), _ring.timesOf(capacity, id).observedAt);
    }

    /// @inheritdoc IVectorObservationFeed
    function components() external view returns (Component[] memory all) {
        all = new Component[](_bounds.length);
        for (uint256 i; i < all.length; ++i) {
            all[i] = Component(_names[i], _bounds[i].min, _bounds[i].max);
        }
    }

    /// @inheritdoc IVectorObservationFeed
    function componentCount() external view returns (uint256) {
        return _bounds.length;
    }

    /// @inheritdoc IVectorObservationFeed
    function reportDigest(VectorReport calldata report) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    REPORT_TYPEHASH,
                    report.roundId,
                    report.observedAt,
                    keccak256(abi.encodePacked(report.values)),
                    report.publisherSetVersion
                )
            )
        );
    }

    // --- Reads: Chainlink's ---

    /// @inheritdoc AggregatorV2V3Interface
    function getRoundData(uint80 _roundId) public view returns (uint80, int256, uint256, uint256, uint80) {
        uint64 id = _requireRound(_roundId);
        VectorRing.Times memory times = _ring.timesOf(capacity, id);
        return (id, _firstOf(id), times.observedAt, times.updatedAt, id);
    }

    /// @inheritdoc AggregatorV2V3Interface
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return getRoundData(_latest.roundId);
    }

    /// @inheritdoc AggregatorV2V3Interface
    function latestAnswer() external view returns (int256) {
        return _firstOf(_requireRound(_latest.roundId));
    }

    /// @inheritdoc AggregatorV2V3Interface
    function latestTimestamp() external view returns (uint256) {
        return _ring.timesOf(capacity, _requireRound(_latest.roundId)).updatedAt;
    }

    /// @inheritdoc AggregatorV2V3Interface
    function latestRound() external view returns (uint256) {
        return _latest.roundId;
    }

    /// @inheritdoc AggregatorV2V3Interface
    function getAnswer(uint256 roundId) external view returns (int256) {
        return _firstOf(_requireRound(roundId));
    }

    /// @inheritdoc AggregatorV2V3Interface
    function getTimestamp(uint256 roundId) external view returns (uint256) {
        return _ring.timesOf(capacity, _requireRound(roundId)).updatedAt;
    }

    /// @inheritdoc IQuorumFeed
    function observedAt(uint256 roundId) external view returns (uint64) {
        return _ring.timesOf(capacity, _requireRound(roundId)).observedAt;
    }

    /// @inheritdoc IQuorumFeed
    function earliestRound() external view returns (uint64) {
        return _earliestRound(_latest.roundId);
    }

    /// @inheritdoc AggregatorV2V3Interface
    function version() external pure returns (uint256) {
        return 1;
    }

    // --- Helpers ---

    function _authenticate(
        VectorReport[] calldata reports,
        bytes[] calldata signatures,
        uint64 roundId,
        Config memory config
    ) private view {
        uint256 count = reports.length;
        if (count != signatures.length) revert ArrayLengthMismatch(count, signatures.length);
        if (count < config.quorum) revert QuorumNotReached(count, config.quorum);
        address previous;
        for (uint256 i; i < count; ++i) {
            VectorReport calldata report = reports[i];
            if (report.roundId != roundId) revert WrongRound(report.roundId, roundId);
            if (report.publisherSetVersion != config.publisherSetVersion) {
                revert PublisherSetChanged(report.publisherSetVersion, config.publisherSetVersion);
            }
            if (report.observedAt != reports[0].observedAt) {
                revert ObservedAtMismatch(reports[0].observedAt, report.observedAt);
            }
            address signer = ECDSA.recoverCalldata(reportDigest(report), signatures[i]);
            if (signer <= previous) revert SignersNotSorted(previous, signer);
            if (_memberOf[signer] != config.publisherSetVersion) revert NotPublisher(signer);
            previous = signer;
        }
    }

    /// @dev The medians, when every report is within bounds and near them.
    function _agree(VectorReport[] calldata reports, Config memory config) private view returns (int256[] memory agreed) {
        uint256 count = _bounds.length;
        for (uint256 i; i < reports.length; ++i) {
            uint256 given = reports[i].values.length;
            if (given != count) revert ComponentCountMismatch(given, count);
        }
        agreed = new int256[](count);
        int256[] memory values = new int256[](reports.length);
        for (uint256 c; c < count; ++c) {
            Bounds memory bounds = _bounds[c];
            for (uint256 i; i < reports.length; ++i) {
                int256 value = reports[i].values[c];
                bool within = value >= bounds.min && value <= bounds.max;
                if (!within) revert ComponentOutOfBounds(c, value, bounds.min, bounds.max);
                values[i] = value;
            }
            agreed[c] = Median.sortAndTakeSigned(values);
            _requireNarrow(c, values, agreed[c], bounds, config.maxSpreadBps);
        }
    }

    /// @dev `values` are sorted: when the first and the last are near the median, all are.
    function _requireNarrow(uint256 c, int256[] memory values, int256 median, Bounds memory bounds, uint256 maxSpreadBps)
        private
        pure
    {
        uint256 room = maxSpreadBps * _span(bounds);
        (int256 low, int256 high) = (values[0], values[values.length - 1]);
        if (uint256(median - low) * BPS > room) revert ComponentDeviates(c, low, median);
        if (uint256(high - median) * BPS > room) revert ComponentDeviates(c, high, median);
    }

    function _requireSmallMoves(int256[] memory from, int256[] memory to, uint256 maxMoveBps) private view {
        for (uint256 c; c < to.length; ++c) {
            if (SignedMath.abs(to[c] - from[c]) * BPS > maxMoveBps * _span(_bounds[c])) {
                revert ComponentMoveNeedsAllPublishers(c, from[c], to[c]);
            }
        }
    }

    function _span(Bounds memory bounds) private pure returns (uint256) {
        return uint256(int256(bounds.max) - bounds.min);
    }

    function _store(uint64 roundId, int256[] memory values, uint64 time, uint256 reportCount) private {
        // forge-lint: disable-next-line(unsafe-typecast) time <= block.timestamp
        _latest = Latest(roundId, uint40(time));
        _ring.write(capacity, roundId, values, time, uint64(block.timestamp));
        emit NewRound(roundId, msg.sender, time);
        emit AnswerUpdated(values[0], roundId, block.timestamp);
        emit VectorRecorded(roundId, values, time, reportCount);
    }

    function _firstOf(uint64 roundId) private view returns (int256) {
        return _ring.read(capacity, roundId, _bounds.length)[0];
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
}
