// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title A constant-product market maker of virtual reserves: dB = |B - QB / (Q +- dq)|, one wei against the trader
/// @dev B base and Q quote, both WAD, B < 2^97, Q < 2^124. The product never falls by a trade. Twin of oracle/domain/vamm.py.
library Vamm {
    uint256 private constant WAD = 1e18;
    uint256 private constant BPS = 1e4;

    /// @notice Base that a long receives (rounded down) or a short owes (rounded up) for `quote`; quote < Q for a short.
    function baseForQuote(uint256 b, uint256 q, uint256 quote, bool isLong) internal pure returns (uint256) {
        return isLong ? b - Math.ceilDiv(b * q, q + quote) : Math.ceilDiv(b * q, q - quote) - b;
    }

    /// @notice Quote that closing `base` of a long brings (rounded down) or of a short costs (rounded up); base < B for a short.
    function quoteForBase(uint256 b, uint256 q, uint256 base, bool isLong) internal pure returns (uint256) {
        return isLong ? q - Math.ceilDiv(b * q, b + base) : Math.ceilDiv(b * q, b - base) - q;
    }

    /// @notice Quote for one base, rounded down.
    function markPrice(uint256 b, uint256 q) internal pure returns (uint256) {
        return q * WAD / b;
    }

    /// @notice Quote that the reserves pay out when all positions close, net: Q - QB / (B + net), rounded up or down.
    function closingValue(uint256 b, uint256 q, int256 net, bool roundUp) internal pure returns (int256) {
        uint256 flat = uint256(int256(b) + net);
        uint256 left = roundUp ? b * q / flat : Math.ceilDiv(b * q, flat);
        return int256(q) - int256(left);
    }

    /// @notice Share of its value that closing `base` loses to the reserves, rounded up: base / (B +- base).
    function impact(uint256 b, uint256 base, bool isLong) internal pure returns (uint256) {
        return Math.ceilDiv(base * WAD, isLong ? b + base : b - base);
    }

    /// @notice Quote that moves the mark price by `moveBps`: Q (sqrt(1 + x) - 1) upwards, Q (1 - sqrt(1 - x)) downwards.
    function depth(uint256 q, uint256 moveBps, bool up) internal pure returns (uint256) {
        uint256 root = Math.sqrt((up ? BPS + moveBps : BPS - moveBps) * WAD * WAD / BPS);
        return q * (up ? root - WAD : WAD - root) / WAD;
    }
}
