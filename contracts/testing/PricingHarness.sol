// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Black76} from "../libraries/Black76.sol";
import {NormalDistribution} from "../libraries/NormalDistribution.sol";
import {Svi} from "../libraries/Svi.sol";
import {Transcendental} from "../libraries/Transcendental.sol";

/// @title The pricing libraries, one call or many rows at once: for tests only
contract PricingHarness {
    enum Formula {
        Exp,
        Ln,
        Sqrt,
        Cdf,
        Pdf
    }

    struct Terms {
        int256 forward;
        int256 strike;
        int256 volatilityWad;
        uint256 expiry;
        uint256 timestamp;
        uint256 isCall;
    }

    struct Valuation {
        int256 value;
        int256 delta;
        int256 gamma;
        int256 vega;
    }

    /// @notice One function of one argument, for many arguments.
    function evaluate(Formula formula, int256[] calldata arguments) external pure returns (int256[] memory results) {
        results = new int256[](arguments.length);
        for (uint256 i; i < arguments.length; ++i) {
            results[i] = _evaluate(formula, arguments[i]);
        }
    }

    /// @notice Value and Greeks of many options.
    function valueMany(Terms[] calldata terms) external pure returns (Valuation[] memory results) {
        results = new Valuation[](terms.length);
        for (uint256 i; i < terms.length; ++i) {
            results[i] = valueOf(terms[i]);
        }
    }

    /// @notice Implied volatilities of many prices.
    function impliedMany(Terms[] calldata terms, int256[] calldata prices)
        external
        pure
        returns (int256[] memory results)
    {
        results = new int256[](terms.length);
        for (uint256 i; i < terms.length; ++i) {
            results[i] = impliedVolatility(terms[i], prices[i]);
        }
    }

    /// @notice One option's implied volatility; the terms' own volatility is not looked at.
    function impliedVolatility(Terms calldata t, int256 worth) public pure returns (int256) {
        return Black76.impliedVolatility(t.forward, t.strike, t.expiry, t.timestamp, worth, t.isCall != 0);
    }

    /// @notice One option's value and Greeks.
    function valueOf(Terms calldata t) public pure returns (Valuation memory v) {
        int256 deviation = Black76.deviation(t.volatilityWad, t.expiry, t.timestamp);
        int256 root = Black76.rootYears(t.expiry, t.timestamp);
        bool isCall = t.isCall != 0;
        v.value = Black76.value(t.forward, t.strike, deviation, isCall);
        Black76.Greeks memory g = Black76.greeks(t.forward, t.strike, deviation, root, isCall);
        (v.delta, v.gamma, v.vega) = (g.delta, g.gamma, g.vega);
    }

    /// @notice One option's value.
    function price(int256 forward, int256 strike, int256 deviationWad, bool isCall) external pure returns (int256) {
        return Black76.value(forward, strike, deviationWad, isCall);
    }

    /// @notice A smile's total variance, slope, curvature and density factor at each k.
    function sviMany(Svi.Slice calldata p, int256[] calldata ks) external pure returns (int256[4][] memory results) {
        results = new int256[4][](ks.length);
        for (uint256 i; i < ks.length; ++i) {
            Svi.Point memory point = Svi.pointAt(p, ks[i]);
            results[i] = [point.variance, point.slope, point.curvature, Svi.densityFactor(point, ks[i])];
        }
    }

    /// @notice Dupire's local volatility.
    function localVolatility(Svi.Slice calldata p, int256 k, int256 varianceRate) external pure returns (int256) {
        return Svi.localVolatility(p, k, varianceRate);
    }

    /// @notice Refuses smiles that allow a riskless butterfly.
    function requireButterflyFree(Svi.Slice calldata p) external pure {
        Svi.requireButterflyFree(p);
    }

    /// @notice Refuses two smiles that allow a riskless calendar spread.
    function requireCalendarFree(Svi.Slice calldata earlier, Svi.Slice calldata later) external pure {
        Svi.requireCalendarFree(earlier, later);
    }

    /// @notice For each smile the first word of what `requireButterflyFree` reverts with; 0 where it does not.
    function butterflyMany(Svi.Slice[] calldata smiles) external view returns (bytes4[] memory refusals) {
        refusals = new bytes4[](smiles.length);
        for (uint256 i; i < smiles.length; ++i) {
            try this.requireButterflyFree(smiles[i]) {}
            catch (bytes memory reason) {
                refusals[i] = bytes4(reason);
            }
        }
    }

    /// @notice As `butterflyMany`, for pairs of smiles and `requireCalendarFree`.
    function calendarMany(Svi.Slice[2][] calldata pairs) external view returns (bytes4[] memory refusals) {
        refusals = new bytes4[](pairs.length);
        for (uint256 i; i < pairs.length; ++i) {
            try this.requireCalendarFree(pairs[i][0], pairs[i][1]) {}
            catch (bytes memory reason) {
                refusals[i] = bytes4(reason);
            }
        }
    }

    function _evaluate(Formula formula, int256 x) private pure returns (int256) {
        if (formula == Formula.Exp) return Transcendental.expWad(x);
        if (formula == Formula.Ln) return Transcendental.lnWad(x);
        if (formula == Formula.Sqrt) return Transcendental.sqrtWad(x);
        if (formula == Formula.Cdf) return NormalDistribution.cdf(x);
        return NormalDistribution.pdf(x);
    }
}
