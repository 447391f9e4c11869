// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {LendingMath} from "../libraries/LendingMath.sol";

/// @title LendingMath on many rows at once: for differential tests only
contract LendingMathHarness {
    enum Formula {
        CollateralValue,
        HealthFactor,
        LiquidationPrice,
        SizedLtv,
        AuctionPrice,
        CostOf,
        CollateralFor,
        Utilisation,
        BorrowRate,
        Interest,
        ToSharesDown,
        ToSharesUp,
        ToAssetsDown,
        ToAssetsUp,
        StateOf
    }

    /// @param rows Arguments of the formula in its own order, the rest zero.
    function evaluate(Formula formula, uint256[6][] calldata rows) external pure returns (uint256[] memory results) {
        results = new uint256[](rows.length);
        for (uint256 i = 0; i < rows.length; ++i) {
            results[i] = formula < Formula.AuctionPrice ? _ltv(formula, rows[i]) : _money(formula, rows[i]);
        }
    }

    function _ltv(Formula formula, uint256[6] calldata r) private pure returns (uint256) {
        if (formula == Formula.CollateralValue) return LendingMath.collateralValue(r[0], r[1], r[2], r[3]);
        if (formula == Formula.HealthFactor) return LendingMath.healthFactor(r[0], r[1], r[2]);
        if (formula == Formula.LiquidationPrice) return LendingMath.liquidationPrice(r[0], r[1], r[2], r[3], r[4]);
        return LendingMath.sizedLtv(r[0], r[1], r[2]);
    }

    function _money(Formula formula, uint256[6] calldata r) private pure returns (uint256) {
        if (formula == Formula.AuctionPrice) return LendingMath.auctionPrice(r[0], r[1], r[2]);
        if (formula == Formula.CostOf) return LendingMath.costOf(r[0], r[1], r[2], r[3]);
        if (formula == Formula.CollateralFor) return LendingMath.collateralFor(r[0], r[1], r[2], r[3]);
        if (formula == Formula.Utilisation) return LendingMath.utilisation(r[0], r[1]);
        if (formula == Formula.BorrowRate) return LendingMath.borrowRate(r[0], r[1], r[2], r[3], r[4]);
        if (formula == Formula.Interest) return LendingMath.interest(r[0], r[1], r[2]);
        if (formula == Formula.ToSharesDown) return LendingMath.toSharesDown(r[0], r[1], r[2]);
        if (formula == Formula.ToSharesUp) return LendingMath.toSharesUp(r[0], r[1], r[2]);
        if (formula == Formula.ToAssetsDown) return LendingMath.toAssetsDown(r[0], r[1], r[2]);
        if (formula == Formula.ToAssetsUp) return LendingMath.toAssetsUp(r[0], r[1], r[2]);
        return uint256(LendingMath.stateOf(LendingMath.PositionFacts(r[0], r[1], r[2], r[3], r[4], r[5])));
    }
}
