// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title The risk engine's arithmetic: from a proven volatility or quantile to margins, haircuts and weights
/// @dev WAD everywhere unless named Bps. Rounded against the account: margins and weights up, collateral factors down. Safe
/// from overflow for every value that RiskPolicy lets through. Twin of oracle/domain/margin.py, wei exact.
library Margin {
    uint256 internal constant WAD = 1e18;
    uint256 internal constant BPS = 1e4;
    uint256 internal constant YEAR = 365 days;
    /// @dev The normal distribution's 99 % quantile, rounded up.
    uint256 internal constant Z99 = 2_326347874040841101;
    /// @dev A risk beyond 1e9 is taken as that: every limit is reached long before.
    uint256 internal constant MAX_RISK = 1e27;
    /// @dev Existing positions feel a new margin by at most 50 bps an interval.
    uint256 internal constant RAMP_STEP = 5e15;
    uint256 internal constant MAINTENANCE_TENTHS = 8;
    uint256 internal constant MIN_WEIGHT = 0.5e18;
    uint256 internal constant MAX_WEIGHT = 3e18;

    /// @notice sqrt(secs / period), rounded up.
    function sqrtRatio(uint256 secs, uint256 period) internal pure returns (uint256) {
        return Math.sqrt(Math.ceilDiv(secs * WAD * WAD, period), Math.Rounding.Ceil);
    }

    /// @notice What turns a feed's answer into the 99 % move over `secs`, rounded up: z99 * sqrt(secs / year) for an annualised
    /// volatility, sqrt(secs / horizon) for a 99 % quantile of `horizon` seconds.
    /// @param horizon Seconds; 0 for an annualised volatility.
    function quantileScale(uint256 secs, uint256 horizon) internal pure returns (uint256) {
        if (horizon != 0) return sqrtRatio(secs, horizon);
        return Math.ceilDiv(Z99 * sqrtRatio(secs, YEAR), WAD);
    }

    /// @notice The 99 % move, rounded up.
    function quantile(uint256 risk, uint256 scale) internal pure returns (uint256) {
        return Math.ceilDiv(Math.min(risk, MAX_RISK) * scale, WAD);
    }

    /// @notice clip(quantile * weight + impact, lo, hi), rounded up: the initial margin of a delta-one position.
    function initialMargin(uint256 quantile99, uint256 weight, uint256 impact, uint256 lo, uint256 hi)
        internal
        pure
        returns (uint256)
    {
        return clip(Math.ceilDiv(quantile99 * weight, WAD) + impact, lo, hi);
    }

    /// @notice .8 of the initial margin, rounded up.
    function maintenanceMargin(uint256 initial) internal pure returns (uint256) {
        return Math.ceilDiv(initial * MAINTENANCE_TENTHS, 10);
    }

    /// @notice clip(1 / (1 + quantile + addOns), floor, cap), rounded down: how much of a collateral's value counts.
    /// @param addOns Liquidation bonus and slippage, together.
    function collateralFactor(uint256 quantile99, uint256 addOns, uint256 floor, uint256 cap)
        internal
        pure
        returns (uint256)
    {
        return clip(WAD * WAD / (WAD + quantile99 + addOns), floor, cap);
    }

    /// @notice clip(shortfall / reference, .5, 3) * (1 + lambda * (1 - confidence)), at most 3, rounded up: dearer where the
    /// expected shortfall is above its long-run level or the model is unsure.
    /// @param confidence At most 1; below 0 is not possible.
    function riskWeight(uint256 shortfall, uint256 referenceShortfall, uint256 lambda, uint256 confidence)
        internal
        pure
        returns (uint256)
    {
        uint256 ratio = clip(Math.mulDiv(shortfall, WAD, referenceShortfall, Math.Rounding.Ceil), MIN_WEIGHT, MAX_WEIGHT);
        uint256 doubt = WAD + Math.mulDiv(lambda, WAD - Math.min(confidence, WAD), WAD, Math.Rounding.Ceil);
        return Math.min(MAX_WEIGHT, Math.mulDiv(ratio, doubt, WAD, Math.Rounding.Ceil));
    }

    /// @notice `value` after `elapsed` seconds on its way to `target`, at `step` in each `interval` seconds, rounded down.
    function ramped(uint256 value, uint256 target, uint256 elapsed, uint256 step, uint256 interval)
        internal
        pure
        returns (uint256)
    {
        uint256 move = step * elapsed / interval;
        if (target < value) return move >= value - target ? target : value - move;
        return move >= target - value ? target : value + move;
    }

    function clip(uint256 value, uint256 lo, uint256 hi) internal pure returns (uint256) {
        return Math.max(lo, Math.min(hi, value));
    }
}
