// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IFeatureModule} from "../interfaces/IFeatureModule.sol";
import {IHarVolatilityModule} from "../interfaces/IHarVolatilityModule.sol";
import {IObservationFeed} from "../interfaces/IObservationFeed.sol";
import {IWindowModule} from "../interfaces/IWindowModule.sol";
import {FixedPoint} from "../libraries/FixedPoint.sol";
import {RealisedVariance} from "../libraries/RealisedVariance.sol";
import {Transcendental} from "../libraries/Transcendental.sol";
import {WindowModule} from "./WindowModule.sol";

/// @title HAR-RV in logarithms: realised variances of 721 hourly prices, weekends and an asset's coefficients
/// @dev Twin: oracle/domain/har.py, bit for bit; definitions as in models/_rv_baselines.py.
contract HarVolatilityModule is WindowModule, IHarVolatilityModule {
    /// @notice Inputs of the model.
    uint256 public constant MODEL_INPUTS = 11;

    uint256 private constant WAD = 1e18;
    uint256 private constant MAX_SIGMA_REF_WAD = 1e18;
    int256 private constant MAX_COEFFICIENT = 2e18;
    int256 private constant MAX_CONSTANT = 4e18;
    /// @dev Added to a variance over sigmaRef^2, so that a day without a move has a logarithm: 2^-14.
    uint256 private constant FLOOR = 61035156250000;
    /// @dev The month's mean variance stays below 8^2 of sigmaRef^2.
    uint256 private constant MAX_MONTH = 64e18;
    /// @dev sqrt(365) rounded up, 18 decimals.
    uint256 private constant ROOT_OF_YEAR = 19_104973174542800180;
    int256 private constant MAX_OUTPUT = 64e18;

    uint256 private immutable SIGMA_REF_WAD;
    int256 private immutable DAY_WAD;
    int256 private immutable WEEK_WAD;
    int256 private immutable MONTH_WAD;
    int256 private immutable WEEKEND_AHEAD_WAD;
    int256 private immutable WEEKEND_BEHIND_WAD;
    int256 private immutable CONSTANT_WAD;

    constructor(IObservationFeed observations, HarParams memory p, uint8 scaleBits)
        WindowModule(observations, scaleBits)
    {
        _requireRange("sigmaRefWad", p.sigmaRefWad, 1, MAX_SIGMA_REF_WAD);
        _requireWithin("dayWad", p.dayWad, MAX_COEFFICIENT);
        _requireWithin("weekWad", p.weekWad, MAX_COEFFICIENT);
        _requireWithin("monthWad", p.monthWad, MAX_COEFFICIENT);
        _requireWithin("weekendAheadWad", p.weekendAheadWad, MAX_COEFFICIENT);
        _requireWithin("weekendBehindWad", p.weekendBehindWad, MAX_COEFFICIENT);
        _requireWithin("constantWad", p.constantWad, MAX_CONSTANT);
        int256 persistence = p.dayWad + p.weekWad + p.monthWad;
        if (persistence >= int256(WAD)) revert NotStationary(persistence, int256(WAD));
        SIGMA_REF_WAD = p.sigmaRefWad;
        (DAY_WAD, WEEK_WAD, MONTH_WAD) = (p.dayWad, p.weekWad, p.monthWad);
        (WEEKEND_AHEAD_WAD, WEEKEND_BEHIND_WAD) = (p.weekendAheadWad, p.weekendBehindWad);
        CONSTANT_WAD = p.constantWad;
    }

    /// @inheritdoc IFeatureModule
    function inputs(uint64 observationRound) external view returns (int256[] memory modelInputs, uint64 observedAt) {
        uint64[] memory prices;
        (prices, observedAt) = SOURCE.window(observationRound, RealisedVariance.PRICES);
        modelInputs = new int256[](MODEL_INPUTS);
        _logarithms(modelInputs, prices);
        uint256 hour = observedAt / 1 hours;
        modelInputs[3] = RealisedVariance.weekendShare(hour, inputScaleBits);
        modelInputs[4] = RealisedVariance.weekendShare(hour - RealisedVariance.HOURS, inputScaleBits);
        modelInputs[5] = _quantise(DAY_WAD);
        modelInputs[6] = _quantise(WEEK_WAD);
        modelInputs[7] = _quantise(MONTH_WAD);
        modelInputs[8] = _quantise(WEEKEND_AHEAD_WAD);
        modelInputs[9] = _quantise(WEEKEND_BEHIND_WAD);
        modelInputs[10] = _quantise(CONSTANT_WAD);
    }

    /// @inheritdoc IFeatureModule
    /// @dev Annualised volatility, 18 decimals, rounded up: sigmaRef * exp(output / 2) * sqrt(365).
    function answer(int256[] calldata outputsWad) external view returns (int256) {
        int256 log = _output(outputsWad, 0, 1);
        _requireOutput(log, -MAX_OUTPUT, MAX_OUTPUT);
        // one more than the nearest: at least the value
        uint256 ratio = uint256(Transcendental.expWad(log / 2)) + 1;
        return int256(Math.mulDiv(ratio * SIGMA_REF_WAD, ROOT_OF_YEAR, WAD * WAD, Math.Rounding.Ceil));
    }

    /// @inheritdoc IWindowModule
    function windowPrices() external pure returns (uint256) {
        return RealisedVariance.PRICES;
    }

    /// @inheritdoc IHarVolatilityModule
    function params() external view returns (HarParams memory) {
        return HarParams(
            SIGMA_REF_WAD, DAY_WAD, WEEK_WAD, MONTH_WAD, WEEKEND_AHEAD_WAD, WEEKEND_BEHIND_WAD, CONSTANT_WAD
        );
    }

    /// @dev Inputs 0 to 2.
    function _logarithms(int256[] memory x, uint64[] memory prices) private view {
        (uint256 day, uint256 week, uint256 month) = RealisedVariance.sums(prices);
        uint256 level = _relative(month, RealisedVariance.DAYS);
        if (level >= MAX_MONTH) revert MonthOutOfRange(level, MAX_MONTH);
        x[0] = _quantise(Transcendental.lnWad(int256(_relative(day, 1) + FLOOR)));
        x[1] = _quantise(Transcendental.lnWad(int256(_relative(week, RealisedVariance.WEEK) + FLOOR)));
        x[2] = _quantise(Transcendental.lnWad(int256(level + FLOOR)));
    }

    /// @dev A sum of squares at 2^96, a day of so many, over sigmaRef^2; 18 decimals, rounded down.
    function _relative(uint256 sum, uint256 days_) private view returns (uint256) {
        return Math.mulDiv(sum, WAD * WAD * WAD, (days_ * SIGMA_REF_WAD * SIGMA_REF_WAD) << 96);
    }

    function _quantise(int256 valueWad) private view returns (int256) {
        return FixedPoint.scaledFromWad(valueWad, inputScaleBits);
    }

    function _requireWithin(bytes32 name, int256 value, int256 limit) private pure {
        if (value < -limit || value > limit) revert CoefficientOutOfRange(name, value, -limit, limit);
    }
}
