// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {FixedPoint} from "./FixedPoint.sol";
import {WindowReturns} from "./WindowReturns.sol";

/// @title Four figures of a market from 30 days of prices, 8 hours apart
/// @dev Definitions: models/_liquidation_features.py. Twin: oracle/domain/market_state.py, bit for bit.
library MarketState {
    uint256 internal constant RETURNS = 90;
    uint256 internal constant WEEK = 21;
    uint256 internal constant DAY = 3;
    uint256 internal constant INPUTS = 4;
    /// @dev The week's standard deviation stands at 2^64.
    uint256 internal constant ROOT_BITS = 64;

    /// @notice Writes volatility, week, day and trend at 2^scaleBits to the start of `x`.
    /// @param prices 90 * stride + 1, oldest first; `stride` of them make 8 hours.
    /// @return week_ Standard deviation of a week, at 2^64; positive.
    function fill(int256[] memory x, uint64[] memory prices, uint256 stride, uint256 scaleBits)
        internal
        pure
        returns (uint256 week_)
    {
        int256[] memory r = WindowReturns.simple(prices, stride);
        uint256 all = WindowReturns.positiveSquares(r);
        uint256 week = WindowReturns.squares(r, RETURNS - WEEK, RETURNS);
        uint256 day = WindowReturns.squares(r, RETURNS - DAY, RETURNS);
        week_ = WindowReturns.rootOfRatio(WEEK * all, RETURNS, ROOT_BITS - WindowReturns.BITS);
        int256 one = int256(uint256(1) << scaleBits);
        x[0] = _clip(int256((10 * week_) >> (ROOT_BITS - scaleBits)), (one + 9) / 10, 10 * one);
        x[1] = _clip(int256(WindowReturns.rootOfRatio(week * RETURNS, WEEK * all, scaleBits)), 0, 5 * one / 2);
        x[2] = _clip(int256(WindowReturns.rootOfRatio(day * RETURNS, DAY * all, scaleBits)), 0, 4 * one);
        int256 before = int256(uint256(prices[(RETURNS - WEEK) * stride]));
        int256 last = int256(uint256(prices[RETURNS * stride]));
        int256 trend = FixedPoint.divRound((last - before) << WindowReturns.BITS, before);
        trend = FixedPoint.divRound(trend << (ROOT_BITS - WindowReturns.BITS + scaleBits), int256(week_));
        x[3] = _clip(trend, -4 * one, 4 * one);
    }

    function _clip(int256 value, int256 low, int256 high) private pure returns (int256) {
        return value < low ? low : value > high ? high : value;
    }
}
