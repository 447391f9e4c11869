// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {FeedReads} from "./FeedReads.sol";
import {Margin} from "./Margin.sol";

/// @title What a protocol takes from a feed, and what it does without
/// @notice The policy, the same for every protocol of this project (each one's reactions: docs/risk-policy.md):
///
/// | feed | counts as absent when | then |
/// | --- | --- | --- |
/// | price | reverting, out of gas, short answer, zero, negative, above 2^53 (8 decimals), older than its limit by observation or publication, or from the future | nothing opens or grows on it, nothing is liquidated at it, no collateral leaves a position that needs it; closing, adding collateral and leaving without a position stay possible |
/// | risk (volatility or quantile) | the same, also paused, or outside the bounds that the protocol fixed | margin goes to its maximum and collateral factors to their floor, by the ramp for what exists and at once for what is new; nothing opens |
/// | weight | the same, or below .5 | weight 3 |
///
/// Low confidence is part of the weight (Margin.riskWeight): it rises to 3. None of these reads can make a caller revert,
/// but for NotEnoughGas: a caller that could starve a read could choose its outcome.
library RiskPolicy {
    /// @notice Thrown when the transaction brings too little gas for a feed read that must not fail for want of it.
    error NotEnoughGas(uint256 available, uint256 required);

    /// @dev 8 decimals: 90 million for one unit.
    uint256 internal constant MAX_PRICE = 2 ** 53;
    uint256 internal constant WAD_PER_PRICE = 1e10;

    /// @notice The price of an AggregatorV2V3 feed with 8 decimals, as WAD.
    /// @return price 0 when absent.
    function price(address feed, uint256 maxAge) internal view returns (uint256) {
        _checkGas();
        (bool ok, int256 answer, uint256 startedAt, uint256 updatedAt) = FeedReads.tryLatestRound(feed);
        if (!ok || answer <= 0 || answer > int256(MAX_PRICE)) return 0;
        if (startedAt > block.timestamp || updatedAt > block.timestamp) return 0;
        if (block.timestamp - Math.min(startedAt, updatedAt) > maxAge) return 0;
        return uint256(answer) * WAD_PER_PRICE;
    }

    /// @notice The answer of an IRiskFeed with 18 decimals.
    /// @return value 0 when absent or outside [lo, hi]; lo > 0.
    function risk(address feed, uint256 maxAge, uint256 lo, uint256 hi) internal view returns (uint256 value) {
        _checkGas();
        (bool ok, int256 answer) = FeedReads.tryAnswerNoOlderThan(feed, maxAge);
        if (!ok || answer <= 0) return 0;
        value = uint256(answer);
        return value < lo || value > hi ? 0 : value;
    }

    /// @notice The risk weight of an IRiskFeed with 18 decimals: at most 3, and 3 when absent.
    /// @param feed Zero for a protocol without one: weight 1.
    function weight(address feed, uint256 maxAge) internal view returns (uint256) {
        if (feed == address(0)) return Margin.WAD;
        uint256 value = risk(feed, maxAge, Margin.MIN_WEIGHT, Margin.MAX_WEIGHT);
        return value == 0 ? Margin.MAX_WEIGHT : value;
    }

    function _checkGas() private view {
        if (gasleft() < FeedReads.CALLER_GAS) revert NotEnoughGas(gasleft(), FeedReads.CALLER_GAS);
    }
}
