// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title exp, ln and square root at 18 decimals
/// @dev Twin: oracle/domain/transcendental.py, bit for bit. Within one unit of the last decimal, or 2^-90 of the result
/// where that is larger.
library Transcendental {
    int256 internal constant WAD = 1e18;
    /// @dev 1 and ln 2 at 2^96, the scale inside.
    int256 internal constant ONE = 1 << 96;
    int256 private constant LN2 = 54916777467707473351141471128;
    /// @dev ln 1e18 at 2^96: what an argument at 18 decimals is too large by.
    int256 private constant LN_WAD = 3283732547111784853622338894909;
    /// @dev Beyond, exp rounds to 0.
    int256 internal constant MIN_EXPONENT = -42e18;
    int256 internal constant MAX_EXPONENT = 88e18;

    /// @notice Thrown when exp's argument is above MAX_EXPONENT.
    error ExponentTooLarge(int256 exponentWad, int256 max);
    /// @notice Thrown when a logarithm's or a square root's argument is not positive, or not below 2^128.
    error ArgumentOutOfRange(int256 valueWad, int256 max);

    /// @notice e^x, rounded to nearest.
    /// @dev x = n ln 2 + r with |r| <= ln 2 / 2, and e^r by its [7/7] Pade approximant, 3e-23 off.
    function expWad(int256 xWad) internal pure returns (int256) {
        if (xWad > MAX_EXPONENT) revert ExponentTooLarge(xWad, MAX_EXPONENT);
        if (xWad < MIN_EXPONENT) return 0;
        unchecked {
            int256 r = (xWad << 96) / WAD;
            int256 n = ((r << 96) / LN2 + (1 << 95)) >> 96;
            r -= n * LN2;
            int256 square = r * r >> 96;
            int256 even = 56 * square + (25_200 << 96);
            even = (even * square >> 96) + (1_995_840 << 96);
            even = (even * square >> 96) + (17_297_280 << 96);
            int256 odd = square + (1_512 << 96);
            odd = (odd * square >> 96) + (277_200 << 96);
            odd = (odd * square >> 96) + (8_648_640 << 96);
            odd = odd * r >> 96;
            int256 power = ((even + odd) << 96) / (even - odd) * WAD;
            // n is at most 127 and at least -61
            if (n >= 96) return power << uint256(n - 96);
            uint256 shift = uint256(96 - n);
            return (power + (int256(1) << (shift - 1))) >> shift;
        }
    }

    /// @notice ln x, rounded to nearest, for 0 < x < 2^128.
    /// @dev x = 2^n m with m in [1/sqrt 2, sqrt 2], and ln m = 2 artanh((m - 1) / (m + 1)) by 14 terms, 1e-22 off.
    function lnWad(int256 xWad) internal pure returns (int256) {
        _requirePositive(xWad);
        unchecked {
            int256 n = int256(Math.log2(uint256(xWad)));
            int256 m = n <= 96 ? xWad << uint256(96 - n) : xWad >> uint256(n - 96);
            if (m > 112045541949572279837463876454) {
                // above sqrt 2
                m >>= 1;
                ++n;
            }
            int256 y = ((m - ONE) << 96) / (m + ONE);
            int256 square = y * y >> 96;
            int256 sum = ONE / 27;
            for (int256 term = 25; term > 0; term -= 2) {
                sum = (sum * square >> 96) + ONE / term;
            }
            int256 result = (2 * y * sum >> 96) + n * LN2 - LN_WAD;
            return (result * WAD + (1 << 95)) >> 96;
        }
    }

    /// @notice The square root, rounded down, for 0 < x < 2^128.
    function sqrtWad(int256 xWad) internal pure returns (int256) {
        _requirePositive(xWad);
        unchecked {
            return int256(Math.sqrt(uint256(xWad * WAD)));
        }
    }

    function _requirePositive(int256 xWad) private pure {
        bool inRange = xWad > 0 && xWad < 1 << 128;
        if (!inRange) revert ArgumentOutOfRange(xWad, 1 << 128);
    }
}
