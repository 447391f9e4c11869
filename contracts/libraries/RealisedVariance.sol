// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {FixedPoint} from "./FixedPoint.sol";
import {WindowReturns} from "./WindowReturns.sol";

/// @title Realised variances of the last day, week and month of hourly prices, and the weekend's share of a day
/// @dev Twin: oracle/domain/realised_volatility.py. A day is the 24 hours that end at the newest price.
library RealisedVariance {
    uint256 internal constant HOURS = 24;
    uint256 internal constant DAYS = 30;
    uint256 internal constant WEEK = 7;
    uint256 internal constant PRICES = DAYS * HOURS + 1;

    /// @notice Sums of squared returns, at 2^96, of the last day, of seven days and of all thirty; reverts when nothing moved.
    function sums(uint64[] memory prices) internal pure returns (uint256 day, uint256 week, uint256 month) {
        int256[] memory r = WindowReturns.simple(prices, 1);
        month = WindowReturns.positiveSquares(r);
        day = WindowReturns.squares(r, r.length - HOURS, r.length);
        week = WindowReturns.squares(r, r.length - WEEK * HOURS, r.length);
    }

    /// @notice Share of the 24 hours from `hour` on (since 1970) that are on a Saturday or Sunday, UTC, at 2^scaleBits.
    function weekendShare(uint256 hour, uint8 scaleBits) internal pure returns (int256) {
        uint256 count;
        for (uint256 i; i < HOURS; ++i) {
            // 1970-01-01 was a Thursday: days 2 and 3 from there are the weekend
            uint256 weekday = ((hour + i) / HOURS) % 7;
            if (weekday == 2 || weekday == 3) ++count;
        }
        return FixedPoint.divRound(int256(count << scaleBits), int256(HOURS));
    }
}
