// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {StubFeed} from "./StubFeed.sol";

/// @title A feed that misbehaves on demand and also keeps rounds and a model: for tests only
contract StubRounds is StubFeed {
    struct Kept {
        int256 answer;
        uint256 observedAt;
    }

    /// @notice As IQuorumFeed's.
    error NoDataPresent(uint256 roundId);

    uint256 public modelId;
    uint64 public earliestRound = 1;
    Kept[] private _rounds;

    constructor(uint8 decimals_) StubFeed(decimals_) {}

    /// @notice Adds a round, published when observed, which also becomes the latest answer.
    function push(int256 answer_, uint256 observedAt_) external {
        _rounds.push(Kept(answer_, observedAt_));
        (answer, observedAt, updatedAt) = (answer_, observedAt_, observedAt_);
    }

    /// @notice Forgets rounds below `roundId`.
    function forget(uint64 roundId) external {
        earliestRound = roundId;
    }

    function setModel(uint256 modelId_) external {
        modelId = modelId_;
    }

    function latestRound() external view returns (uint256) {
        return _rounds.length;
    }

    function getRoundData(uint80 roundId) external view returns (uint80, int256, uint256, uint256, uint80) {
        if (roundId < earliestRound || roundId > _rounds.length) revert NoDataPresent(roundId);
        Kept memory kept = _rounds[roundId - 1];
        return (roundId, kept.answer, kept.observedAt, kept.observedAt, roundId);
    }
}
