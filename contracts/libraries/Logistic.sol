// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {Transcendental} from "./Transcendental.sol";

/// @title The logistic function: a probability from log-odds
/// @dev Twin: oracle/domain/logistic.py, bit for bit.
library Logistic {
    int256 private constant WAD = 1e18;
    /// @dev Log-odds beyond are a probability of 0 or 1 at 18 decimals.
    int256 internal constant LIMIT = 42e18;

    /// @notice 1 / (1 + e^-x) at 18 decimals, rounded down; from 0 to 1e18, and never falling in x.
    function probability(int256 logitWad) internal pure returns (uint256) {
        if (logitWad >= LIMIT) return uint256(WAD);
        if (logitWad <= -LIMIT) return 0;
        // e^|x| keeps the precision that e^-|x| would lose
        int256 power = Transcendental.expWad(int256(SignedMath.abs(logitWad)));
        return uint256((logitWad < 0 ? WAD : power) * WAD / (WAD + power));
    }
}
