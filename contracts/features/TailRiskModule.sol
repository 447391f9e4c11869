// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IFeatureModule} from "../interfaces/IFeatureModule.sol";
import {IObservationFeed} from "../interfaces/IObservationFeed.sol";
import {GarchForecast} from "../libraries/GarchForecast.sol";
import {GjrVolatilityModule} from "./GjrVolatilityModule.sol";

/// @title Value at Risk or expected shortfall over the horizon, from one circuit with two outputs
/// @dev Twin: oracle/domain/tail_risk.py, bit for bit. Inputs: GJR's 39, then the squares of the quantile and of the
/// shortfall in units of the volatility. One module for each of the two answers; behind a SharedProofVerifier one proof
/// serves both feeds. The answer is a fraction of the price: sigmaRef * sqrt(horizon * output), 18 decimals, rounded up.
contract TailRiskModule is GjrVolatilityModule {
    struct TailParams {
        GjrParams gjr;
        uint256 quantileSquaredWad; // 1 to 16
        uint256 shortfallSquaredWad; // 1 to 16
        uint8 place; // 0 Value at Risk, 1 expected shortfall
    }

    uint256 private constant OUTPUTS = 2;
    uint256 private constant MIN_MULTIPLE = 1e18;
    uint256 private constant MAX_MULTIPLE = 16e18;

    /// @notice Square of the quantile in units of the volatility, 18 decimals.
    uint256 public immutable quantileSquaredWad;
    /// @notice Square of the shortfall in units of the volatility, 18 decimals.
    uint256 public immutable shortfallSquaredWad;

    int256 private immutable QUANTILE_SQUARED;
    int256 private immutable SHORTFALL_SQUARED;
    /// @notice Which output this module answers with: 0 Value at Risk, 1 expected shortfall.
    uint8 public immutable place;

    constructor(IObservationFeed observations, TailParams memory p, uint8 scaleBits)
        GjrVolatilityModule(observations, p.gjr, scaleBits)
    {
        _requireRange("quantileSquaredWad", p.quantileSquaredWad, MIN_MULTIPLE, MAX_MULTIPLE);
        _requireRange("shortfallSquaredWad", p.shortfallSquaredWad, MIN_MULTIPLE, MAX_MULTIPLE);
        _requireRange("place", p.place, 0, OUTPUTS - 1);
        quantileSquaredWad = p.quantileSquaredWad;
        shortfallSquaredWad = p.shortfallSquaredWad;
        QUANTILE_SQUARED = _quantised(p.quantileSquaredWad, scaleBits);
        SHORTFALL_SQUARED = _quantised(p.shortfallSquaredWad, scaleBits);
        place = p.place;
    }

    /// @inheritdoc IFeatureModule
    function inputs(uint64 observationRound) external view override returns (int256[] memory x, uint64 observedAt) {
        x = new int256[](MODEL_INPUTS + OUTPUTS);
        observedAt = _fill(x, observationRound);
        x[MODEL_INPUTS] = QUANTILE_SQUARED;
        x[MODEL_INPUTS + 1] = SHORTFALL_SQUARED;
    }

    /// @inheritdoc IFeatureModule
    function answer(int256[] calldata outputsWad) external view override returns (int256) {
        int256 square = _output(outputsWad, place, OUTPUTS);
        _requireOutput(square, 0, MAX_VARIANCE_WAD);
        return GarchForecast.annualised(uint256(square), SIGMA_REF_WAD, HORIZON);
    }
}
