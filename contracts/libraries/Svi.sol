// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Transcendental} from "./Transcendental.sol";

/// @title Gatheral's SVI smile, its local volatility, and the tests for arbitrage
/// @dev Total variance w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + s^2)), k = ln(K / F); Gatheral and Jacquier (2014),
/// "Arbitrage-free SVI volatility surfaces". All values are WAD. Twin: oracle/domain/svi.py, bit for bit.
library Svi {
    int256 internal constant WAD = 1e18;
    int256 internal constant MAX_A = 10e18;
    int256 internal constant MAX_B = 10e18;
    int256 internal constant MAX_M = 10e18;
    int256 internal constant MIN_S = 1e14;
    int256 internal constant MAX_S = 10e18;
    int256 internal constant MAX_K = 20e18;
    /// @dev Smallest total variance of a slice: 1 % of volatility over nine hours.
    int256 internal constant MIN_VARIANCE = 1e11;
    /// @dev The density factor must not be below this at any knot, so that it cannot be negative between two.
    int256 internal constant DENSITY_MARGIN = 5e15;
    /// @dev Lee's bound on the wings' slopes is 2; a little less, as for the density.
    int256 internal constant MAX_WING_SLOPE = 1.99e18;
    /// @dev Knots k = m + s sinh(t), t from -5 in 160 steps of 1/16, so within 74 s of m.
    uint256 internal constant KNOTS = 161;
    int256 private constant SINH_STEP = 62540698052191821;
    int256 private constant COSH_STEP = 1_001953760865667607;
    int256 private constant SINH_START = -74_203210577788758977;
    int256 private constant COSH_START = 74_209948524787844444;

    /// @notice One expiry's smile.
    struct Slice {
        int256 a;
        int256 b;
        int256 rho;
        int256 m;
        int256 s;
    }

    /// @notice Total variance with its first and second derivatives in k.
    struct Point {
        int256 variance;
        int256 slope;
        int256 curvature;
    }

    /// @dev A place where two smiles are compared.
    struct Knot {
        int256 k;
        int256 earlier;
        Point later;
    }

    /// @notice Thrown when a parameter is outside its range.
    error SviParameterOutOfRange(bytes32 name, int256 value, int256 min, int256 max);
    /// @notice Thrown when the smile's least total variance is too small or negative.
    error VarianceTooSmall(int256 variance, int256 min);
    /// @notice Thrown when a wing is steeper than prices can be.
    error WingTooSteep(int256 slope, int256 max);
    /// @notice Thrown when the implied density is negative, or too near to it, at `k`.
    error ButterflyArbitrage(int256 k, int256 densityFactor, int256 min);
    /// @notice Thrown when a later expiry's total variance may be the smaller one near `k`.
    error CalendarArbitrage(int256 k, int256 earlier, int256 later);
    /// @notice Thrown when the total variance does not grow with time.
    error VarianceRateNotPositive(int256 rate);

    /// @notice Total variance, slope and curvature at `k`.
    /// @dev Reverts: those of `requireParameters`, SviParameterOutOfRange.
    function pointAt(Slice memory p, int256 k) internal pure returns (Point memory) {
        requireParameters(p);
        _requireRange("k", k, -MAX_K, MAX_K);
        int256 y = k - p.m;
        return _point(p, y, int256(Math.sqrt(uint256(y * y + p.s * p.s))));
    }

    /// @notice (1 - k w'/(2w))^2 - w'^2/4 (1/w + 1/4) + w''/2: the implied density over a positive function.
    function densityFactor(Point memory p, int256 k) internal pure returns (int256) {
        unchecked {
            int256 lean = WAD - k * p.slope / (2 * p.variance);
            int256 square = p.slope * p.slope;
            return lean * lean / WAD - square / (4 * p.variance) - square / (16 * WAD) + p.curvature / 2;
        }
    }

    /// @notice sqrt(w_T / densityFactor): Dupire's local volatility (Gatheral 2006, "The volatility surface", 1.10).
    /// @param varianceRate w_T, the growth of total variance at this k in a year.
    /// @dev Reverts: VarianceRateNotPositive, those of `pointAt`, ButterflyArbitrage.
    function localVolatility(Slice memory p, int256 k, int256 varianceRate) internal pure returns (int256) {
        if (varianceRate <= 0) revert VarianceRateNotPositive(varianceRate);
        int256 factor = densityFactor(pointAt(p, k), k);
        if (factor < DENSITY_MARGIN) revert ButterflyArbitrage(k, factor, DENSITY_MARGIN);
        return Transcendental.sqrtWad(varianceRate * WAD / factor);
    }

    /// @notice Refuses a smile whose prices allow a riskless butterfly, or are too near to it.
    /// @dev Reverts: SviParameterOutOfRange, VarianceTooSmall, WingTooSteep, ButterflyArbitrage.
    function requireButterflyFree(Slice memory p) internal pure {
        requireParameters(p);
        int256 sinh = SINH_START;
        int256 cosh = COSH_START;
        Point memory point;
        unchecked {
            for (uint256 i; i < KNOTS; ++i) {
                int256 y = p.s * sinh / WAD;
                _fill(point, p, y, p.s * cosh / WAD);
                int256 factor = densityFactor(point, p.m + y);
                if (factor < DENSITY_MARGIN) revert ButterflyArbitrage(p.m + y, factor, DENSITY_MARGIN);
                (sinh, cosh) = _step(sinh, cosh);
            }
        }
    }

    /// @notice Refuses parameters out of range, a negative variance, and wings too steep.
    function requireParameters(Slice memory p) internal pure {
        _requireRange("a", p.a, -MAX_A, MAX_A);
        _requireRange("b", p.b, 0, MAX_B);
        _requireRange("rho", p.rho, -WAD, WAD);
        _requireRange("m", p.m, -MAX_M, MAX_M);
        _requireRange("s", p.s, MIN_S, MAX_S);
        int256 least = p.a + p.b * p.s / WAD * int256(Math.sqrt(uint256(WAD * WAD - p.rho * p.rho))) / WAD;
        if (least < MIN_VARIANCE) revert VarianceTooSmall(least, MIN_VARIANCE);
        int256 wing = p.b * (WAD + (p.rho < 0 ? -p.rho : p.rho)) / WAD;
        if (wing > MAX_WING_SLOPE) revert WingTooSteep(wing, MAX_WING_SLOPE);
    }

    /// @notice Refuses two smiles of which the later may have the smaller total variance anywhere.
    /// @dev Total variance is convex in k: between two knots the earlier one lies below its chord and the later one
    /// above its tangents, so a crossing between knots is refused too. Beyond the last knots the wings' slopes decide.
    /// Reverts: CalendarArbitrage. Both slices have passed `requireParameters`.
    function requireCalendarFree(Slice memory earlier, Slice memory later) internal pure {
        _requireWings(earlier, later);
        int256 sinh = SINH_START;
        int256 cosh = COSH_START;
        Knot memory left;
        Knot memory right;
        unchecked {
            for (uint256 i; i < KNOTS; ++i) {
                _fillKnot(right, earlier, later, earlier.s * sinh / WAD, earlier.s * cosh / WAD);
                if (i > 0) _requireAbove(left, right);
                (left, right) = (right, left);
                (sinh, cosh) = _step(sinh, cosh);
            }
        }
    }

    /// @dev `y` and `root` are of the earlier smile. Reverts: CalendarArbitrage.
    function _fillKnot(Knot memory knot, Slice memory earlier, Slice memory later, int256 y, int256 root) private pure {
        unchecked {
            knot.k = earlier.m + y;
            knot.earlier = _variance(earlier, y, root);
            int256 z = knot.k - later.m;
            _fill(knot.later, later, z, int256(Math.sqrt(uint256(z * z + later.s * later.s))));
        }
        if (knot.later.variance < knot.earlier) {
            revert CalendarArbitrage(knot.k, knot.earlier, knot.later.variance);
        }
    }

    /// @dev At the kink where the later smile's two tangents meet, they must not be below the earlier one's chord.
    function _requireAbove(Knot memory left, Knot memory right) private pure {
        unchecked {
            int256 width = right.k - left.k;
            int256 bend = right.later.slope - left.later.slope;
            if (bend <= 0 || width <= 0) return;
            int256 rise = right.later.slope * width / WAD;
            // Of the kink from the left knot
            int256 distance = (left.later.variance - right.later.variance + rise) * WAD / bend;
            if (distance < 0) distance = 0;
            if (distance > width) distance = width;
            int256 tangent = left.later.variance + left.later.slope * distance / WAD;
            int256 chord = left.earlier + (right.earlier - left.earlier) * distance / width;
            if (tangent < chord) revert CalendarArbitrage(left.k + distance, chord, tangent);
        }
    }

    function _requireWings(Slice memory earlier, Slice memory later) private pure {
        int256 earlierRight = earlier.b * (WAD + earlier.rho) / WAD;
        int256 laterRight = later.b * (WAD + later.rho) / WAD;
        if (laterRight < earlierRight) revert CalendarArbitrage(type(int256).max, earlierRight, laterRight);
        int256 earlierLeft = earlier.b * (WAD - earlier.rho) / WAD;
        int256 laterLeft = later.b * (WAD - later.rho) / WAD;
        if (laterLeft < earlierLeft) revert CalendarArbitrage(type(int256).min, earlierLeft, laterLeft);
    }

    /// @dev `y` is k - m, `root` is sqrt(y^2 + s^2).
    function _point(Slice memory p, int256 y, int256 root) private pure returns (Point memory point) {
        _fill(point, p, y, root);
    }

    /// @dev As `_point`, into memory that is there already. Parameters in range keep every product below 2^200.
    function _fill(Point memory point, Slice memory p, int256 y, int256 root) private pure {
        unchecked {
            int256 b = p.b;
            int256 share = p.s * WAD / root;
            point.variance = _variance(p, y, root);
            point.slope = b * (p.rho + y * WAD / root) / WAD;
            point.curvature = b * share / WAD * share / root;
        }
    }

    function _variance(Slice memory p, int256 y, int256 root) private pure returns (int256) {
        unchecked {
            return p.a + p.b * (p.rho * y / WAD + root) / WAD;
        }
    }

    /// @dev sinh and cosh of t + 1/16 from those of t.
    function _step(int256 sinh, int256 cosh) private pure returns (int256, int256) {
        unchecked {
            return ((sinh * COSH_STEP + cosh * SINH_STEP) / WAD, (cosh * COSH_STEP + sinh * SINH_STEP) / WAD);
        }
    }

    function _requireRange(bytes32 name, int256 value, int256 min, int256 max) private pure {
        if (value < min || value > max) revert SviParameterOutOfRange(name, value, min, max);
    }
}
