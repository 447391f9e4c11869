// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {FixedPoint} from "./FixedPoint.sol";

/// @title Simple returns in units of a reference volatility, at a circuit's fixed point
/// @dev Twin: oracle/domain/features.py, bit for bit.
library StandardisedReturns {
    /// @notice Largest magnitude of a return, in units of the reference volatility.
    int256 internal constant MAX_STANDARDISED_RETURN = 32;

    /// @notice Writes (p_t - p_{t-1}) / p_{t-1} / sigmaRef for each pair of prices into `target` from its start.
    /// @dev Prices below 2^64, sigmaRef below 2^64 and scaleBits up to 30 keep every product below 2^157.
    /// @param target At least one shorter than `prices`.
    /// @param prices Positive, oldest first.
    /// @param sigmaRefWad Reference volatility of one step, 18 decimals, positive.
    /// @param scaleBits The returns stand at 2^scaleBits.
    /// @return sumOfSquares Of the returns written, at 2^(2 * scaleBits).
    function fill(int256[] memory target, uint64[] memory prices, uint256 sigmaRefWad, uint8 scaleBits)
        internal
        pure
        returns (uint256 sumOfSquares)
    {
        int256 limit = MAX_STANDARDISED_RETURN << scaleBits;
        int256 scale = FixedPoint.WAD << scaleBits;
        int256 sigmaRef = int256(sigmaRefWad);
        int256 previous = int256(uint256(prices[0]));
        unchecked {
            for (uint256 i = 1; i < prices.length; ++i) {
                int256 price = int256(uint256(prices[i]));
                int256 x = FixedPoint.divRoundUnsafe((price - previous) * scale, previous * sigmaRef);
                if (x > limit) x = limit;
                else if (x < -limit) x = -limit;
                target[i - 1] = x;
                sumOfSquares += uint256(x * x);
                previous = price;
            }
        }
    }
}
