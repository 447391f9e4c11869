// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IFeatureModule} from "../interfaces/IFeatureModule.sol";
import {IObservationFeed} from "../interfaces/IObservationFeed.sol";
import {IWindowModule} from "../interfaces/IWindowModule.sol";
import {FixedPoint} from "../libraries/FixedPoint.sol";
import {Logistic} from "../libraries/Logistic.sol";
import {WindowReturns} from "../libraries/WindowReturns.sol";
import {WindowModule} from "./WindowModule.sol";

/// @title Probability that the next price is above this one: 32 returns in units of their own root mean square
/// @dev Twin: oracle/domain/direction.py, bit for bit. The answer is a probability at 18 decimals.
contract DirectionModule is WindowModule {
    /// @notice Returns in the model's window, and inputs of the model.
    uint256 public constant WINDOW = 32;

    /// @dev Bits by which the root mean square is finer than a return.
    uint256 private constant EXTRA_BITS = 16;
    /// @dev sqrt(32) rounded up: what a single move among none reaches.
    uint256 private constant LIMIT_MILLIS = 5657;

    constructor(IObservationFeed observations, uint8 scaleBits) WindowModule(observations, scaleBits) {}

    /// @inheritdoc IFeatureModule
    function inputs(uint64 observationRound) external view returns (int256[] memory modelInputs, uint64 observedAt) {
        uint64[] memory prices;
        (prices, observedAt) = SOURCE.window(observationRound, WINDOW + 1);
        modelInputs = WindowReturns.simple(prices, 1);
        uint256 sum = WindowReturns.positiveSquares(modelInputs);
        int256 root = int256(WindowReturns.rootOfRatio(sum, WINDOW, EXTRA_BITS)); // at 2^(48 + EXTRA_BITS)
        int256 limit = int256((LIMIT_MILLIS << inputScaleBits) / 1000);
        uint256 shift = EXTRA_BITS + inputScaleBits;
        for (uint256 i; i < WINDOW; ++i) {
            int256 z = FixedPoint.divRound(modelInputs[i] << shift, root);
            modelInputs[i] = z > limit ? limit : z < -limit ? -limit : z;
        }
    }

    /// @inheritdoc IFeatureModule
    function answer(int256[] calldata outputsWad) external pure returns (int256) {
        return int256(Logistic.probability(_output(outputsWad, 0, 1)));
    }

    /// @inheritdoc IWindowModule
    function windowPrices() external pure returns (uint256) {
        return WINDOW + 1;
    }
}
