// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IWindowModule} from "../interfaces/IWindowModule.sol";
import {FixedPoint} from "./FixedPoint.sol";

/// @title Simple returns of a window and their sums of squares, at fixed binary scales
/// @dev Twin: oracle/domain/window.py, bit for bit. Returns stand at 2^48, squares at 2^96; a return is at most 8 (a price
/// nine times the one before), so that a sum of 1,024 squares stays below 2^113.
library WindowReturns {
    uint256 internal constant BITS = 48;
    int256 internal constant MAX_RETURN = 8 << 48;
    int256 private constant WAD = 1e18;

    /// @notice Every `stride`-th price against the one `stride` before, rounded half away from zero, oldest first.
    /// @param prices A multiple of `stride`, plus one.
    function simple(uint64[] memory prices, uint256 stride) internal pure returns (int256[] memory returns_) {
        uint256 count = (prices.length - 1) / stride;
        returns_ = new int256[](count);
        int256 previous = int256(uint256(prices[0]));
        unchecked {
            for (uint256 i; i < count; ++i) {
                int256 price = int256(uint256(prices[(i + 1) * stride]));
                int256 r = FixedPoint.divRoundUnsafe((price - previous) << BITS, previous);
                if (r > MAX_RETURN) {
                    revert IWindowModule.ReturnOutOfRange(i, (price - previous) * WAD / previous, 8 * WAD);
                }
                returns_[i] = r;
                previous = price;
            }
        }
    }

    /// @notice Sum of the squares of returns `first` to `end` - 1, at 2^96.
    function squares(int256[] memory returns_, uint256 first, uint256 end) internal pure returns (uint256 sum) {
        unchecked {
            for (uint256 i = first; i < end; ++i) {
                sum += uint256(returns_[i] * returns_[i]);
            }
        }
    }

    /// @notice As `squares` of all; reverts when it is zero.
    function positiveSquares(int256[] memory returns_) internal pure returns (uint256 sum) {
        sum = squares(returns_, 0, returns_.length);
        if (sum == 0) revert IWindowModule.FlatWindow(returns_.length + 1);
    }

    /// @notice sqrt(numerator / denominator) at 2^scaleBits, rounded down.
    /// @param numerator Below 2^(256 - 2 * scaleBits).
    function rootOfRatio(uint256 numerator, uint256 denominator, uint256 scaleBits) internal pure returns (uint256) {
        return Math.sqrt((numerator << (2 * scaleBits)) / denominator);
    }
}
