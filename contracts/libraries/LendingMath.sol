// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {PositionState} from "../types/LendingTypes.sol";
import {Margin} from "./Margin.sol";

/// @title The lending vault's arithmetic
/// @dev Ratios, rates and auction prices are WAD; feed prices have 8 decimals; amounts are base units. Safe from overflow
/// for collateral and debt below 2^112, prices below 2^64 and tokens of 6 to 18 decimals. Twin of oracle/domain/lending.py,
/// wei exact.
library LendingMath {
    uint256 internal constant WAD = 1e18;
    uint256 internal constant BPS = 1e4;
    uint256 internal constant YEAR = 365 days;
    uint256 internal constant Z99 = Margin.Z99;
    /// @dev A volatility beyond 1e9 (100 billion %) is taken as that: every floor is reached long before.
    uint256 internal constant MAX_VOLATILITY = Margin.MAX_RISK;
    /// @dev Added to totals when converting, so that the first supplier cannot set the price of a share (OpenZeppelin ERC-4626).
    uint256 internal constant VIRTUAL_SHARES = 1e6;
    uint256 internal constant VIRTUAL_ASSETS = 1;

    /// @notice What pure position state depends on; all of it stored, or computed from stored facts and the feeds.
    struct PositionFacts {
        uint256 openedAt;
        uint256 borrowShares;
        uint256 auctionStartedAt;
        uint256 badDebt;
        uint256 healthFactor;
        uint256 healthFactorAtTarget;
    }

    /// @notice State of a position.
    function stateOf(PositionFacts memory f) internal pure returns (PositionState) {
        if (f.openedAt == 0) return PositionState.None;
        if (f.borrowShares == 0) return f.badDebt == 0 ? PositionState.Closed : PositionState.Insolvent;
        if (f.auctionStartedAt != 0) return PositionState.Auction;
        return Math.min(f.healthFactor, f.healthFactorAtTarget) < WAD ? PositionState.Warned : PositionState.Open;
    }

    /// @notice Value in the debt asset's base units, rounded down.
    /// @param debtUnit 10^decimals of the debt asset.
    /// @param collateralScale 10^(decimals of the collateral + 8).
    function collateralValue(uint256 collateral, uint256 price, uint256 debtUnit, uint256 collateralScale)
        internal
        pure
        returns (uint256)
    {
        return collateral * price * debtUnit / collateralScale;
    }

    /// @notice value * ltv / debt as WAD, rounded down; max uint without debt.
    function healthFactor(uint256 value, uint256 ltv, uint256 debt) internal pure returns (uint256) {
        return debt == 0 ? type(uint256).max : value * ltv / debt;
    }

    /// @notice The lowest price, 8 decimals, at which the health factor is not below 1; 0 without debt, max uint without
    /// collateral.
    function liquidationPrice(
        uint256 collateral,
        uint256 debt,
        uint256 ltv,
        uint256 debtUnit,
        uint256 collateralScale
    ) internal pure returns (uint256) {
        if (debt == 0) return 0;
        if (collateral == 0) return type(uint256).max;
        uint256 neededValue = Math.mulDiv(debt, WAD, ltv, Math.Rounding.Ceil);
        return Math.mulDiv(neededValue, collateralScale, collateral * debtUnit, Math.Rounding.Ceil);
    }

    /// @notice sqrt(secs / 365 days) as WAD, rounded up.
    function sqrtYears(uint256 secs) internal pure returns (uint256) {
        return Math.sqrt(Math.ceilDiv(secs * WAD * WAD, YEAR), Math.Rounding.Ceil);
    }

    /// @notice clip(1 / (1 + haircut + z99 * volatility * sqrtDelay), floorLtv, capLtv), rounded down.
    /// @param haircut liquidationBonus + slippage.
    function targetLtv(uint256 volatility, uint256 sqrtDelay, uint256 haircut, uint256 floorLtv, uint256 capLtv)
        internal
        pure
        returns (uint256)
    {
        uint256 q99 = Math.ceilDiv(Z99 * Math.min(volatility, MAX_VOLATILITY), WAD);
        q99 = Math.ceilDiv(q99 * sqrtDelay, WAD);
        uint256 ltv = WAD * WAD / (WAD + haircut + q99);
        return Math.max(floorLtv, Math.min(capLtv, ltv));
    }

    /// @notice `ltv` after `elapsed` seconds on its way to `target`; the step is rounded down.
    function rampedLtv(uint256 ltv, uint256 target, uint256 elapsed, uint256 downBpsPerHour, uint256 upBpsPerHour)
        internal
        pure
        returns (uint256)
    {
        if (target < ltv) {
            uint256 fall = downBpsPerHour * elapsed * (WAD / BPS) / 1 hours;
            return fall >= ltv - target ? target : ltv - fall;
        }
        uint256 rise = upBpsPerHour * elapsed * (WAD / BPS) / 1 hours;
        return rise >= target - ltv ? target : ltv + rise;
    }

    /// @notice start * (tau - elapsed) / tau, rounded up; elapsed <= tau.
    function auctionPrice(uint256 startPrice, uint256 tau, uint256 elapsed) internal pure returns (uint256) {
        return Math.ceilDiv(startPrice * (tau - elapsed), tau);
    }

    /// @notice What `collateral` costs at `price` (WAD), rounded up.
    /// @param debtUnit 10^decimals of the debt asset.
    /// @param collateralUnitWad 10^(decimals of the collateral + 18).
    function costOf(uint256 collateral, uint256 price, uint256 debtUnit, uint256 collateralUnitWad)
        internal
        pure
        returns (uint256)
    {
        return Math.mulDiv(collateral * price, debtUnit, collateralUnitWad, Math.Rounding.Ceil);
    }

    /// @notice Collateral that `debt` buys at `price` (WAD), rounded down.
    function collateralFor(uint256 debt, uint256 price, uint256 debtUnit, uint256 collateralUnitWad)
        internal
        pure
        returns (uint256)
    {
        return Math.mulDiv(debt, collateralUnitWad, price * debtUnit);
    }

    /// @notice Share of the supplied assets that is lent out, WAD, rounded up.
    function utilisation(uint256 borrowAssets, uint256 supplyAssets) internal pure returns (uint256) {
        return supplyAssets == 0 ? 0 : Math.mulDiv(borrowAssets, WAD, supplyAssets, Math.Rounding.Ceil);
    }

    /// @notice Yearly rate, WAD: baseRate + slopeBelow * min(u, kink) / kink + slopeAbove * max(0, u - kink) / (1 - kink); each
    /// rounded up.
    function borrowRate(uint256 used, uint256 baseRate, uint256 kink, uint256 slopeBelow, uint256 slopeAbove)
        internal
        pure
        returns (uint256)
    {
        uint256 rate = baseRate + Math.ceilDiv(slopeBelow * Math.min(used, kink), kink);
        return used <= kink ? rate : rate + Math.ceilDiv(slopeAbove * (used - kink), WAD - kink);
    }

    /// @notice borrowAssets * rate * elapsed / year, rounded up.
    function interest(uint256 borrowAssets, uint256 rate, uint256 elapsed) internal pure returns (uint256) {
        return Math.mulDiv(borrowAssets, rate * elapsed, WAD * YEAR, Math.Rounding.Ceil);
    }

    function toSharesDown(uint256 assets, uint256 totalAssets, uint256 totalShares) internal pure returns (uint256) {
        return Math.mulDiv(assets, totalShares + VIRTUAL_SHARES, totalAssets + VIRTUAL_ASSETS);
    }

    function toSharesUp(uint256 assets, uint256 totalAssets, uint256 totalShares) internal pure returns (uint256) {
        return Math.mulDiv(assets, totalShares + VIRTUAL_SHARES, totalAssets + VIRTUAL_ASSETS, Math.Rounding.Ceil);
    }

    function toAssetsDown(uint256 shares, uint256 totalAssets, uint256 totalShares) internal pure returns (uint256) {
        return Math.mulDiv(shares, totalAssets + VIRTUAL_ASSETS, totalShares + VIRTUAL_SHARES);
    }

    function toAssetsUp(uint256 shares, uint256 totalAssets, uint256 totalShares) internal pure returns (uint256) {
        return Math.mulDiv(shares, totalAssets + VIRTUAL_ASSETS, totalShares + VIRTUAL_SHARES, Math.Rounding.Ceil);
    }
}
