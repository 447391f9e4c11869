// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Conversions between WAD (1e18) and a circuit's signed integers at a power of two
/// @dev Twins in oracle/units.py. Products must fit in int256; callers bound their operands.
library FixedPoint {
    int256 internal constant WAD = 1e18;

    /// @notice numerator / denominator, rounded half away from zero.
    /// @param denominator Positive.
    function divRound(int256 numerator, int256 denominator) internal pure returns (int256) {
        int256 half = denominator / 2;
        // Adding half of an odd denominator rounded down is right: no numerator then lies exactly between.
        return (numerator < 0 ? numerator - half : numerator + half) / denominator;
    }

    /// @notice As `divRound`, without overflow checks: for |numerator| + denominator below 2^255.
    function divRoundUnsafe(int256 numerator, int256 denominator) internal pure returns (int256) {
        unchecked {
            int256 half = denominator >> 1;
            return (numerator < 0 ? numerator - half : numerator + half) / denominator;
        }
    }

    /// @notice value / 1e18 * 2^scaleBits, rounded half away from zero.
    function scaledFromWad(int256 valueWad, uint8 scaleBits) internal pure returns (int256) {
        return divRound(valueWad * int256(uint256(1) << scaleBits), WAD);
    }
}
