// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IFeatureModule} from "../interfaces/IFeatureModule.sol";
import {IObservationFeed} from "../interfaces/IObservationFeed.sol";
import {IWindowModule} from "../interfaces/IWindowModule.sol";
import {FixedPoint} from "../libraries/FixedPoint.sol";
import {GarchForecast} from "../libraries/GarchForecast.sol";
import {StandardisedReturns} from "../libraries/StandardisedReturns.sol";
import {WindowModule} from "./WindowModule.sol";

/// @title GJR-GARCH volatility of one asset: window and parameters in, annualised volatility out
/// @dev Glosten, Jagannathan and Runkle (1993). Twin: oracle/domain/gjr.py, bit for bit. Inputs: 32 standardised returns
/// oldest first, the variance at the first of them, omega, alpha, gamma, beta, and the horizon's weights a and b.
contract GjrVolatilityModule is WindowModule {
    struct GjrParams {
        uint256 sigmaRefWad; // reference volatility of one step, in (0, 10]
        uint256 omegaWad; // in units of sigmaRef^2, in (0, 1024]
        uint256 alphaWad; // alpha + gamma / 2 + beta below 1
        uint256 gammaWad;
        uint256 betaWad;
        uint16 horizon; // steps that the forecast averages over, 1 to 365
        uint32 periodsPerYear; // steps of a year, 1 to 31,557,600
    }

    /// @notice Returns in the model's window; it takes one price more.
    uint256 public constant WINDOW = 32;
    /// @notice Inputs of the model.
    uint256 public constant MODEL_INPUTS = WINDOW + 7;

    uint256 internal constant WAD = 1e18;
    uint256 private constant MAX_SIGMA_REF_WAD = 10e18;
    uint256 private constant MAX_OMEGA_WAD = 1024e18;
    uint256 private constant MAX_HORIZON = 365;
    uint256 private constant MAX_PERIODS_PER_YEAR = 31_557_600;
    int256 internal constant MAX_VARIANCE_WAD = (1 << 128) - 1;

    uint256 internal immutable SIGMA_REF_WAD;
    uint256 private immutable OMEGA_WAD;
    uint256 private immutable ALPHA_WAD;
    uint256 private immutable GAMMA_WAD;
    uint256 private immutable BETA_WAD;
    uint16 internal immutable HORIZON;
    uint32 private immutable PERIODS_PER_YEAR;

    int256 private immutable OMEGA;
    int256 private immutable ALPHA;
    int256 private immutable GAMMA;
    int256 private immutable BETA;
    int256 private immutable A;
    int256 private immutable B;

    /// @notice Reverts with ParameterOutOfRange or SourceWithoutCode.
    constructor(IObservationFeed observations, GjrParams memory p, uint8 scaleBits) WindowModule(observations, scaleBits) {
        _requireRange("sigmaRefWad", p.sigmaRefWad, 1, MAX_SIGMA_REF_WAD);
        _requireRange("omegaWad", p.omegaWad, 1, MAX_OMEGA_WAD);
        _requireRange("alphaWad", p.alphaWad, 0, WAD - 1);
        _requireRange("gammaWad", p.gammaWad, 0, 2 * WAD - 1);
        _requireRange("betaWad", p.betaWad, 0, WAD - 1);
        uint256 persistence = p.alphaWad + p.gammaWad / 2 + p.betaWad;
        _requireRange("alpha+gamma/2+beta", persistence, 0, WAD - 1);
        _requireRange("horizon", p.horizon, 1, MAX_HORIZON);
        _requireRange("periodsPerYear", p.periodsPerYear, 1, MAX_PERIODS_PER_YEAR);
        SIGMA_REF_WAD = p.sigmaRefWad;
        OMEGA_WAD = p.omegaWad;
        ALPHA_WAD = p.alphaWad;
        GAMMA_WAD = p.gammaWad;
        BETA_WAD = p.betaWad;
        HORIZON = p.horizon;
        PERIODS_PER_YEAR = p.periodsPerYear;

        OMEGA = _quantised(p.omegaWad, scaleBits);
        ALPHA = _quantised(p.alphaWad, scaleBits);
        GAMMA = _quantised(p.gammaWad, scaleBits);
        BETA = _quantised(p.betaWad, scaleBits);
        _requireRange("omega", uint256(OMEGA), 1, type(uint256).max);
        uint256 twice = uint256(2 * ALPHA + GAMMA + 2 * BETA);
        _requireRange("2alpha+gamma+2beta", twice, 0, (uint256(2) << scaleBits) - 1);
        (uint256 aWad, uint256 bWad) = GarchForecast.horizonWeightsWad(p.omegaWad, persistence, p.horizon);
        A = _quantised(aWad, scaleBits);
        B = _quantised(bWad, scaleBits);
    }

    /// @inheritdoc IFeatureModule
    function inputs(uint64 observationRound) external view virtual returns (int256[] memory x, uint64 observedAt) {
        x = new int256[](MODEL_INPUTS);
        observedAt = _fill(x, observationRound);
    }

    /// @dev Writes the recursion's inputs from the start of `x` on.
    function _fill(int256[] memory x, uint64 observationRound) internal view returns (uint64 observedAt) {
        uint64[] memory prices;
        (prices, observedAt) = SOURCE.window(observationRound, WINDOW + 1);
        uint256 sum = StandardisedReturns.fill(x, prices, SIGMA_REF_WAD, inputScaleBits);
        if (sum == 0) revert FlatWindow(WINDOW + 1);
        x[WINDOW] = int256(sum / (WINDOW << inputScaleBits));
        x[WINDOW + 1] = OMEGA;
        x[WINDOW + 2] = ALPHA;
        x[WINDOW + 3] = GAMMA;
        x[WINDOW + 4] = BETA;
        x[WINDOW + 5] = A;
        x[WINDOW + 6] = B;
    }

    /// @inheritdoc IFeatureModule
    /// @dev Annualised volatility, 18 decimals, rounded up.
    function answer(int256[] calldata outputsWad) external view virtual returns (int256) {
        int256 variance = _output(outputsWad, 0, 1);
        _requireOutput(variance, 0, MAX_VARIANCE_WAD);
        return GarchForecast.annualised(uint256(variance), SIGMA_REF_WAD, PERIODS_PER_YEAR);
    }

    /// @inheritdoc IWindowModule
    function windowPrices() external pure returns (uint256) {
        return WINDOW + 1;
    }

    /// @notice The asset's parameters as given at deployment.
    function params() external view returns (GjrParams memory) {
        return GjrParams(SIGMA_REF_WAD, OMEGA_WAD, ALPHA_WAD, GAMMA_WAD, BETA_WAD, HORIZON, PERIODS_PER_YEAR);
    }

    function _quantised(uint256 valueWad, uint8 scaleBits) internal pure returns (int256) {
        return FixedPoint.scaledFromWad(int256(valueWad), scaleBits);
    }
}
