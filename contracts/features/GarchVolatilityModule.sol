// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IFeatureModule} from "../interfaces/IFeatureModule.sol";
import {IGarchVolatilityModule} from "../interfaces/IGarchVolatilityModule.sol";
import {IObservationFeed} from "../interfaces/IObservationFeed.sol";
import {FixedPoint} from "../libraries/FixedPoint.sol";
import {GarchForecast} from "../libraries/GarchForecast.sol";
import {StandardisedReturns} from "../libraries/StandardisedReturns.sol";

/// @title GARCH(1,1) volatility of one asset: window and parameters in, annualised volatility out
/// @dev Twins: oracle/domain/features.py (inputs) and oracle/domain/garch.py (weights, answer), bit for bit.
contract GarchVolatilityModule is IGarchVolatilityModule {
    /// @notice Returns in the model's window; it takes one price more.
    uint256 public constant WINDOW = 32;
    /// @notice Inputs of the model.
    uint256 public constant MODEL_INPUTS = WINDOW + 6;

    uint256 private constant WAD = 1e18;
    uint256 private constant MIN_SCALE_BITS = 8;
    uint256 private constant MAX_SCALE_BITS = 30;
    uint256 private constant MAX_SIGMA_REF_WAD = 10e18;
    uint256 private constant MAX_OMEGA_WAD = 1024e18;
    uint256 private constant MAX_HORIZON = 365;
    uint256 private constant MAX_PERIODS_PER_YEAR = 31_557_600; // steps of one second
    int256 private constant MAX_VARIANCE_WAD = 1 << 128;

    IObservationFeed private immutable SOURCE;
    uint8 public immutable inputScaleBits;

    uint256 private immutable SIGMA_REF_WAD;
    uint256 private immutable OMEGA_WAD;
    uint256 private immutable ALPHA_WAD;
    uint256 private immutable BETA_WAD;
    uint16 private immutable HORIZON;
    uint32 private immutable PERIODS_PER_YEAR;

    int256 private immutable OMEGA;
    int256 private immutable ALPHA;
    int256 private immutable BETA;
    int256 private immutable A;
    int256 private immutable B;

    /// @notice Reverts with ParameterOutOfRange or SourceWithoutCode.
    /// @param scaleBits The circuit's input scale, 8 to 30.
    constructor(IObservationFeed observations, GarchParams memory p, uint8 scaleBits) {
        if (address(observations).code.length == 0) revert SourceWithoutCode(address(observations));
        _requireRange("sigmaRefWad", p.sigmaRefWad, 1, MAX_SIGMA_REF_WAD);
        _requireRange("omegaWad", p.omegaWad, 1, MAX_OMEGA_WAD);
        _requireRange("alphaWad", p.alphaWad, 0, WAD - 1);
        _requireRange("betaWad", p.betaWad, 0, WAD - 1);
        _requireRange("alphaWad+betaWad", p.alphaWad + p.betaWad, 0, WAD - 1);
        _requireRange("horizon", p.horizon, 1, MAX_HORIZON);
        _requireRange("periodsPerYear", p.periodsPerYear, 1, MAX_PERIODS_PER_YEAR);
        _requireRange("inputScaleBits", scaleBits, MIN_SCALE_BITS, MAX_SCALE_BITS);

        SOURCE = observations;
        inputScaleBits = scaleBits;
        SIGMA_REF_WAD = p.sigmaRefWad;
        OMEGA_WAD = p.omegaWad;
        ALPHA_WAD = p.alphaWad;
        BETA_WAD = p.betaWad;
        HORIZON = p.horizon;
        PERIODS_PER_YEAR = p.periodsPerYear;

        OMEGA = _quantise(p.omegaWad, scaleBits);
        ALPHA = _quantise(p.alphaWad, scaleBits);
        BETA = _quantise(p.betaWad, scaleBits);
        _requireRange("omega", uint256(OMEGA), 1, type(uint256).max);
        _requireRange("alpha+beta", uint256(ALPHA + BETA), 0, (uint256(1) << scaleBits) - 1);

        (uint256 aWad, uint256 bWad) =
            GarchForecast.horizonWeightsWad(p.omegaWad, p.alphaWad + p.betaWad, p.horizon);
        A = _quantise(aWad, scaleBits);
        B = _quantise(bWad, scaleBits);
    }

    /// @inheritdoc IFeatureModule
    function inputs(uint64 observationRound) external view returns (int256[] memory modelInputs, uint64 observedAt) {
        uint64[] memory prices;
        (prices, observedAt) = SOURCE.window(observationRound, WINDOW + 1);
        modelInputs = new int256[](MODEL_INPUTS);
        uint256 sumOfSquares = StandardisedReturns.fill(modelInputs, prices, SIGMA_REF_WAD, inputScaleBits);
        modelInputs[WINDOW] = int256(sumOfSquares / (WINDOW << inputScaleBits));
        modelInputs[WINDOW + 1] = OMEGA;
        modelInputs[WINDOW + 2] = ALPHA;
        modelInputs[WINDOW + 3] = BETA;
        modelInputs[WINDOW + 4] = A;
        modelInputs[WINDOW + 5] = B;
    }

    /// @inheritdoc IFeatureModule
    /// @dev Annualised volatility, 18 decimals, rounded up: sqrt(variance * sigmaRef^2 * periodsPerYear).
    function answer(int256[] calldata outputsWad) external view returns (int256) {
        if (outputsWad.length != 1) revert OutputCountMismatch(outputsWad.length, 1);
        int256 variance = outputsWad[0];
        if (variance < 0) revert NegativeVariance(variance);
        if (variance >= MAX_VARIANCE_WAD) revert VarianceOutOfRange(variance);
        return GarchForecast.annualised(uint256(variance), SIGMA_REF_WAD, PERIODS_PER_YEAR);
    }

    /// @inheritdoc IFeatureModule
    function source() external view returns (address) {
        return address(SOURCE);
    }

    /// @inheritdoc IGarchVolatilityModule
    function params() external view returns (GarchParams memory) {
        return GarchParams(SIGMA_REF_WAD, OMEGA_WAD, ALPHA_WAD, BETA_WAD, HORIZON, PERIODS_PER_YEAR);
    }

    /// @inheritdoc IGarchVolatilityModule
    function quantisedParameters() external view returns (int256 omega, int256 alpha, int256 beta, int256 a, int256 b) {
        return (OMEGA, ALPHA, BETA, A, B);
    }

    function _quantise(uint256 valueWad, uint8 scaleBits) private pure returns (int256) {
        return FixedPoint.scaledFromWad(int256(valueWad), scaleBits);
    }

    function _requireRange(bytes32 name, uint256 value, uint256 min, uint256 max) private pure {
        if (value < min || value > max) revert ParameterOutOfRange(name, value, min, max);
    }
}
