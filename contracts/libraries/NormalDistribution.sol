// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Transcendental} from "./Transcendental.sol";

/// @title The standard normal distribution at 18 decimals
/// @dev Twin: oracle/domain/normal.py, bit for bit. Within 1e-18 of the true values.
library NormalDistribution {
    int256 private constant WAD = 1e18;
    /// @dev Beyond it the tail is below half a unit of the last decimal.
    int256 internal constant LARGEST = 9e18;
    /// @dev 1 / sqrt(2 pi) at 2^96.
    int256 private constant DENSITY_AT_ZERO = 31607463825455920808620519744;

    /// @notice N(x), in [0, 1e18]; N(x) + N(-x) is 1e18 exactly.
    function cdf(int256 xWad) internal pure returns (int256) {
        if (xWad >= LARGEST) return WAD;
        if (xWad <= -LARGEST) return 0;
        unchecked {
            int256 size = xWad < 0 ? -xWad : xWad;
            int256 tail = _mills(size) * Transcendental.expWad(-size * size / (2 * WAD)) >> 96;
            return xWad < 0 ? tail : WAD - tail;
        }
    }

    /// @notice The density e^(-x^2/2) / sqrt(2 pi).
    function pdf(int256 xWad) internal pure returns (int256) {
        if (xWad >= LARGEST || xWad <= -LARGEST) return 0;
        unchecked {
            return DENSITY_AT_ZERO * Transcendental.expWad(-xWad * xWad / (2 * WAD)) >> 96;
        }
    }

    /// @dev N(-x) e^(x^2/2) at 2^96, for 0 <= x <= 10: a polynomial in q = (x - 4) / (x + 4), in which the function is
    /// nearly a straight line (Shepherd and Laframboise 1981); interpolated at Chebyshev's points, 2e-20 off.
    function _mills(int256 xWad) private pure returns (int256) {
        unchecked {
            int256 q = ((xWad - 4e18) << 96) / (xWad + 4e18);
            int256 m = 173691669870281015;
            m = (m * q >> 96) + 50121441579383101188;
            m = (m * q >> 96) + 389440619613794072824;
            m = (m * q >> 96) + 1117021447418953578997;
            m = (m * q >> 96) + 560807605739671727982;
            m = (m * q >> 96) - 4383452397776404941055;
            m = (m * q >> 96) - 7446075219171771412363;
            m = (m * q >> 96) + 16396896935286748073955;
            m = (m * q >> 96) + 52412860261902593599751;
            m = (m * q >> 96) - 65732273037774723744248;
            m = (m * q >> 96) - 340962297362236276066613;
            m = (m * q >> 96) + 366954429763824792340198;
            m = (m * q >> 96) + 2269755207410942878113034;
            m = (m * q >> 96) - 3609231429172294584648706;
            m = (m * q >> 96) - 14830265619994133659903739;
            m = (m * q >> 96) + 50612047766738454991841246;
            m = (m * q >> 96) + 40213210556613432813620897;
            m = (m * q >> 96) - 672813120950841267301769261;
            m = (m * q >> 96) + 2445361715706839039409195633;
            m = (m * q >> 96) - 5681246122030542253845499843;
            m = (m * q >> 96) + 9854339855422334840073400749;
            m = (m * q >> 96) - 13500298374901390610197653567;
            m = (m * q >> 96) + 7479981632148311744511082895;
            return m;
        }
    }
}
