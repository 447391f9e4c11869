// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title From the variance of the next step to the average over a horizon, and to a yearly volatility
/// @dev Baillie and Bollerslev (1992). Twin: oracle/domain/garch.py, bit for bit.
library GarchForecast {
    uint256 private constant WAD = 1e18;

    /// @notice (a, b) at 18 decimals: the average variance of a step over `horizon` steps is a * h + b.
    /// @dev With phi the persistence and k the horizon: a = (1/k) sum_{j<k} phi^j, and b = (omega/k) sum_{j=1..k-1}
    /// (k-j) phi^(j-1), the latter as the sum of the former's partial sums; each multiplication rounded down.
    function horizonWeightsWad(uint256 omegaWad, uint256 persistenceWad, uint256 horizon)
        internal
        pure
        returns (uint256 aWad, uint256 bWad)
    {
        uint256 power = WAD;
        uint256 total;
        uint256 inner;
        for (uint256 j; j < horizon; ++j) {
            inner += total;
            total += power;
            power = power * persistenceWad / WAD;
        }
        aWad = total / horizon;
        bWad = omegaWad * inner / WAD / horizon;
    }

    /// @notice sqrt(variance * sigmaRef^2 * periodsPerYear) at 18 decimals, rounded up.
    /// @param variance In units of sigmaRef squared, 18 decimals, below 2^128.
    function annualised(uint256 variance, uint256 sigmaRefWad, uint256 periodsPerYear) internal pure returns (int256) {
        // Below 2^128 * 2^127 * 2^25 before the division, which mulDiv does in 512 bits.
        uint256 yearly = Math.mulDiv(variance, sigmaRefWad * sigmaRefWad * periodsPerYear, WAD);
        return int256(Math.sqrt(yearly, Math.Rounding.Ceil));
    }
}
