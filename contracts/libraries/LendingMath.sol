// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {PositionState} from "../types/LendingTypes.sol";

/// @title The lending vault's arithmetic
/// @dev Ratios, rates and auction prices are WAD; feed prices have 8 decimals; amounts are base units. Safe from overflow
/// for collateral and debt below 2^112, prices below 2^64 and tokens of 6 to 18 decimals. Twin of oracle/domain/lending.py,
/// wei exact.
library LendingMath {
    uint256 internal constant WAD = 1e18;
    uint256 internal constant YEAR = 365 days;
    /// @dev Added to totals when converting, so that the first supplier cannot set the price of a share (OpenZeppelin ERC-4626).
    uint256 internal constant VIRTUAL_SHARES = 1e6;
    uint256 internal constant VIRTUAL_ASSETS = 1;

    /// @notice What the state of a position depends on; all of it stored.
    struct PositionFacts {
        uint256 openedAt;
        uint256 borrowShares;
        uint256 warnedAt;
        uint256 alarmedAt;
        uint256 auctionStartedAt;
        uint256 badDebt;
    }

    /// @notice State of a position: a pure function.
    function stateOf(PositionFacts memory f) internal pure returns (PositionState) {
        if (f.openedAt == 0) return PositionState.None;
        if (f.borrowShares == 0) return f.badDebt == 0 ? PositionState.Closed : PositionState.Insolvent;
        if (f.auctionStartedAt != 0) return PositionState.Auction;
        return f.warnedAt != 0 || f.alarmedAt != 0 ? PositionState.Warned : PositionState.Open;
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

    /// @notice The LTV of `amount` base units for sale at once: ltv / (1 + ltv * impact), rounded down; impact = amount / (100 *
    /// depth), rounded up. With ltv = 1 / (1 + haircut + q99) this is 1 / (1 + haircut + q99 + impact).
    /// @param depth Base units whose sale moves the price by 1 %; 0: size does not matter.
    function sizedLtv(uint256 ltv, uint256 amount, uint256 depth) internal pure returns (uint256) {
        if (depth == 0) return ltv;
        uint256 impact = Math.ceilDiv(amount * WAD, 100 * depth);
        return ltv * WAD * WAD / (WAD * WAD + ltv * impact);
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
