// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";

import {IQuorumFeed} from "../interfaces/IQuorumFeed.sol";
import {ObservationRing} from "../libraries/ObservationRing.sol";

/// @title Publishers, quorum and limits of a feed that is fed by signed reports
/// @dev The owner (a timelock, where there is governance) sets publishers and limits and can do nothing else: nothing is
/// recorded without a majority of the publishers.
abstract contract QuorumFeed is IQuorumFeed, Ownable2Step {
    /// @notice Publishers at most; bounds the gas of one observation.
    uint256 public constant MAX_PUBLISHERS = 32;

    uint256 internal constant BPS = 10_000;

    struct Config {
        uint32 minInterval;
        uint32 maxInterval;
        uint32 maxReportAge;
        uint16 maxSpreadBps;
        uint16 maxMoveBps;
        uint32 publisherSetVersion;
        uint8 quorum;
        uint8 publisherCount;
    }

    Config internal _config;
    address[] private _publishers;
    mapping(address publisher => uint32 version) internal _memberOf; // the newest set that it belongs to

    /// @inheritdoc IQuorumFeed
    function setPublishers(address[] calldata newPublishers, uint8 newQuorum) external onlyOwner {
        _setPublishers(newPublishers, newQuorum);
    }

    /// @inheritdoc IQuorumFeed
    function setLimits(Limits calldata newLimits) external onlyOwner {
        _setLimits(newLimits);
    }

    /// @inheritdoc IQuorumFeed
    function publishers() external view returns (address[] memory) {
        return _publishers;
    }

    /// @inheritdoc IQuorumFeed
    function quorum() external view returns (uint8) {
        return _config.quorum;
    }

    /// @inheritdoc IQuorumFeed
    function publisherSetVersion() external view returns (uint32) {
        return _config.publisherSetVersion;
    }

    /// @inheritdoc IQuorumFeed
    function limits() external view returns (Limits memory) {
        Config memory c = _config;
        return Limits(c.minInterval, c.maxInterval, c.maxReportAge, c.maxSpreadBps, c.maxMoveBps);
    }

    function _requireTimely(uint64 time, uint64 lastRound, uint40 lastTime, uint32 minInterval, uint256 maxAge) internal view {
        if (time > block.timestamp) revert ObservationFromFuture(time, block.timestamp);
        if (lastRound != 0 && time < uint256(lastTime) + minInterval) {
            revert ObservationTooEarly(time, uint64(lastTime) + minInterval);
        }
        if (block.timestamp - time > maxAge) revert StaleReport(block.timestamp - time, maxAge);
    }

    /// @dev A majority, so that no two quorums are without a common publisher.
    function _setPublishers(address[] memory newPublishers, uint8 newQuorum) internal {
        uint256 count = newPublishers.length;
        if (count == 0 || count > MAX_PUBLISHERS || newQuorum > count || uint256(newQuorum) * 2 <= count) {
            revert InvalidConfiguration();
        }
        uint32 newVersion = _config.publisherSetVersion + 1;
        for (uint256 i; i < count; ++i) {
            address publisher = newPublishers[i];
            if (publisher == address(0) || _memberOf[publisher] == newVersion) revert InvalidConfiguration();
            _memberOf[publisher] = newVersion;
        }
        _publishers = newPublishers;
        _config.publisherSetVersion = newVersion;
        _config.quorum = newQuorum;
        // forge-lint: disable-next-line(unsafe-typecast) at most MAX_PUBLISHERS
        _config.publisherCount = uint8(count);
        emit PublishersChanged(newVersion, newPublishers, newQuorum);
    }

    function _setLimits(Limits memory l) internal {
        bool ordered = l.minInterval > 0 && l.maxInterval >= l.minInterval;
        if (!ordered || l.maxReportAge == 0 || l.maxReportAge > ObservationRing.MAX_DELAY || l.maxSpreadBps > BPS) {
            revert InvalidConfiguration();
        }
        Config memory config = _config;
        config.minInterval = l.minInterval;
        config.maxInterval = l.maxInterval;
        config.maxReportAge = l.maxReportAge;
        config.maxSpreadBps = l.maxSpreadBps;
        config.maxMoveBps = l.maxMoveBps;
        _config = config;
        emit LimitsChanged(l);
    }
}
