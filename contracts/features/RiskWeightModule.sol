// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IFeatureModule} from "../interfaces/IFeatureModule.sol";
import {IObservationFeed} from "../interfaces/IObservationFeed.sol";
import {IWindowModule} from "../interfaces/IWindowModule.sol";
import {FixedPoint} from "../libraries/FixedPoint.sol";
import {MarketState} from "../libraries/MarketState.sol";
import {WindowModule} from "./WindowModule.sol";

/// @title Risk weight of an asset: its expected shortfall against the long run's, marked up for want of confidence
/// @dev Twin: oracle/domain/risk_weight.py, bit for bit; definitions as in models/_risk_weight_net.py. Inputs: a week's standard
/// deviation over the long-run one, week, day, trend, confidence; the last from this configuration. The answer is the
/// weight, 18 decimals, rounded up to a basis point.
contract RiskWeightModule is WindowModule {
    struct RiskWeightParams {
        uint32 stride; // prices that make 8 hours, 1 to 8
        uint256 sigmaRefWad; // the asset's long-run standard deviation of a week, in (0, 10]
        uint256 confidenceWad; // 0 to 1
    }

    uint256 public constant MODEL_INPUTS = 5;

    uint256 private constant WAD = 1e18;
    uint256 private constant BASIS_POINT = 1e14;
    uint256 private constant OUTPUTS = 2;
    int256 private constant MAX_WEIGHT = 10e18;

    uint256 public immutable stride;
    uint256 public immutable sigmaRefWad;
    uint256 public immutable confidenceWad;

    constructor(IObservationFeed observations, RiskWeightParams memory p, uint8 scaleBits)
        WindowModule(observations, scaleBits)
    {
        _requireRange("stride", p.stride, 1, 8);
        _requireRange("sigmaRefWad", p.sigmaRefWad, 1, 10 * WAD);
        _requireRange("confidenceWad", p.confidenceWad, 0, WAD);
        (stride, sigmaRefWad, confidenceWad) = (p.stride, p.sigmaRefWad, p.confidenceWad);
    }

    /// @inheritdoc IFeatureModule
    function inputs(uint64 observationRound) external view returns (int256[] memory x, uint64 observedAt) {
        uint64[] memory prices;
        (prices, observedAt) = SOURCE.window(observationRound, windowPrices());
        x = new int256[](MODEL_INPUTS);
        uint256 week = MarketState.fill(x, prices, stride, inputScaleBits);
        uint256 ratio = (week * WAD / sigmaRefWad) >> (MarketState.ROOT_BITS - inputScaleBits);
        uint256 one = uint256(1) << inputScaleBits;
        uint256 least = (one + 19) / 20;
        x[0] = int256(ratio < least ? least : ratio > 8 * one ? 8 * one : ratio);
        x[4] = FixedPoint.scaledFromWad(int256(confidenceWad), inputScaleBits);
    }

    /// @inheritdoc IFeatureModule
    function answer(int256[] calldata outputsWad) external pure returns (int256) {
        int256 weight = _output(outputsWad, 0, OUTPUTS);
        _requireOutput(weight, 0, MAX_WEIGHT);
        return int256((uint256(weight) + BASIS_POINT - 1) / BASIS_POINT * BASIS_POINT);
    }

    /// @inheritdoc IWindowModule
    function windowPrices() public view returns (uint256) {
        return MarketState.RETURNS * stride + 1;
    }
}
