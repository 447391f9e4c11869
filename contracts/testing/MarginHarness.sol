// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Margin} from "../libraries/Margin.sol";
import {RiskPolicy} from "../libraries/RiskPolicy.sol";
import {Vamm} from "../libraries/Vamm.sol";

/// @title Margin and Vamm on many rows at once, and RiskPolicy behind calls: for tests only
contract MarginHarness {
    enum Formula {
        QuantileScale,
        Quantile,
        InitialMargin,
        MaintenanceMargin,
        CollateralFactor,
        RiskWeight,
        Ramped,
        Depth,
        Impact,
        BaseForQuote,
        QuoteForBase
    }

    /// @param rows Arguments of the formula in its own order, the rest zero; a flag is 0 or 1.
    function evaluate(Formula formula, uint256[6][] calldata rows) external pure returns (uint256[] memory results) {
        results = new uint256[](rows.length);
        for (uint256 i = 0; i < rows.length; ++i) {
            results[i] = formula < Formula.Depth ? _margin(formula, rows[i]) : _vamm(formula, rows[i]);
        }
    }

    function price(address feed, uint256 maxAge) external view returns (uint256) {
        return RiskPolicy.price(feed, maxAge);
    }

    function risk(address feed, uint256 maxAge, uint256 lo, uint256 hi) external view returns (uint256) {
        return RiskPolicy.risk(feed, maxAge, lo, hi);
    }

    function weight(address feed, uint256 maxAge) external view returns (uint256) {
        return RiskPolicy.weight(feed, maxAge);
    }

    function _margin(Formula formula, uint256[6] calldata r) private pure returns (uint256) {
        if (formula == Formula.QuantileScale) return Margin.quantileScale(r[0], r[1]);
        if (formula == Formula.Quantile) return Margin.quantile(r[0], r[1]);
        if (formula == Formula.InitialMargin) return Margin.initialMargin(r[0], r[1], r[2], r[3], r[4]);
        if (formula == Formula.MaintenanceMargin) return Margin.maintenanceMargin(r[0]);
        if (formula == Formula.CollateralFactor) return Margin.collateralFactor(r[0], r[1], r[2], r[3]);
        if (formula == Formula.RiskWeight) return Margin.riskWeight(r[0], r[1], r[2], r[3]);
        return Margin.ramped(r[0], r[1], r[2], r[3], r[4]);
    }

    function _vamm(Formula formula, uint256[6] calldata r) private pure returns (uint256) {
        if (formula == Formula.Depth) return Vamm.depth(r[0], r[1], r[2] == 1);
        if (formula == Formula.Impact) return Vamm.impact(r[0], r[1], r[2] == 1);
        if (formula == Formula.BaseForQuote) return Vamm.baseForQuote(r[0], r[1], r[2], r[3] == 1);
        return Vamm.quoteForBase(r[0], r[1], r[2], r[3] == 1);
    }
}
