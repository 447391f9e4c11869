// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IFeatureModule} from "../interfaces/IFeatureModule.sol";
import {IObservationFeed} from "../interfaces/IObservationFeed.sol";
import {IScaledFeatureModule} from "../interfaces/IScaledFeatureModule.sol";
import {IWindowModule} from "../interfaces/IWindowModule.sol";
import {RealisedVariance} from "../libraries/RealisedVariance.sol";
import {WindowReturns} from "../libraries/WindowReturns.sol";
import {WindowModule} from "./WindowModule.sol";

/// @title Realised and range variances of the last day, week and month, from 721 hourly prices
/// @dev Twin: oracle/domain/realised_volatility.py, bit for bit; definitions as in models/_rv_features.py. The answer is the
/// annualised volatility of the day to come: output * level * sigmaRef * sqrt(365), 18 decimals, rounded up.
contract RealisedVolatilityModule is WindowModule, IScaledFeatureModule {
    uint256 public constant HOURS = RealisedVariance.HOURS;
    uint256 public constant DAYS = RealisedVariance.DAYS;
    uint256 public constant WEEK = RealisedVariance.WEEK;
    /// @notice Inputs of the model.
    uint256 public constant MODEL_INPUTS = 8;

    uint256 private constant WAD = 1e18;
    uint256 private constant CUT = 8;
    uint256 private constant MAX_SIGMA_REF_WAD = 1e18;
    /// @dev 4 ln 2 (Parkinson 1980), 18 decimals.
    uint256 private constant PARKINSON = 2_772588722239781237;
    /// @dev sqrt(365) rounded up, 18 decimals.
    uint256 private constant ROOT_OF_YEAR = 19_104973174542800180;
    /// @dev A day's range beyond 2^16 is cut far above what the inputs keep of it.
    uint256 private constant MAX_SPREAD = 1 << 64;
    uint256 private constant ROOT_BITS = 64;
    int256 private constant MAX_OUTPUT = 100e18;

    /// @notice The asset's long-run volatility of a day, 18 decimals.
    uint256 public immutable sigmaRefWad;

    /// @notice Thrown when the month's volatility is more than eight times the long-run one: the input holds no more.
    error LevelOutOfRange(uint256 level, uint256 max);

    /// @param sigmaRefWad_ In (0, 1].
    constructor(IObservationFeed observations, uint256 sigmaRefWad_, uint8 scaleBits)
        WindowModule(observations, scaleBits)
    {
        _requireRange("sigmaRefWad", sigmaRefWad_, 1, MAX_SIGMA_REF_WAD);
        sigmaRefWad = sigmaRefWad_;
    }

    /// @inheritdoc IFeatureModule
    function inputs(uint64 observationRound) external view returns (int256[] memory modelInputs, uint64 observedAt) {
        uint64[] memory prices;
        (prices, observedAt) = SOURCE.window(observationRound, windowPrices());
        modelInputs = new int256[](MODEL_INPUTS);
        uint256 month = _variances(modelInputs, prices);
        _ranges(modelInputs, prices, month);
        _levels(modelInputs, prices, month);
        modelInputs[6] = RealisedVariance.weekendShare(observedAt / 1 hours, inputScaleBits);
        modelInputs[7] = RealisedVariance.weekendShare(observedAt / 1 hours - HOURS, inputScaleBits);
    }

    /// @inheritdoc IFeatureModule
    function answer(int256[] calldata) external pure returns (int256) {
        revert InputsNeeded();
    }

    /// @inheritdoc IScaledFeatureModule
    function answerFor(uint64, int256[] calldata modelInputs, int256[] calldata outputsWad)
        external
        view
        returns (int256)
    {
        int256 ratio = _output(outputsWad, 0, 1);
        _requireOutput(ratio, 0, MAX_OUTPUT);
        uint256 scaled = uint256(ratio) * uint256(modelInputs[4]) * sigmaRefWad;
        return int256(Math.mulDiv(scaled, ROOT_OF_YEAR, WAD * WAD << inputScaleBits, Math.Rounding.Ceil));
    }

    /// @inheritdoc IScaledFeatureModule
    function answersFromInputs() external pure returns (bool) {
        return true;
    }

    /// @inheritdoc IWindowModule
    function windowPrices() public pure returns (uint256) {
        return RealisedVariance.PRICES;
    }

    /// @dev Inputs 0 and 1; returns the month's sum of squares at 2^96.
    function _variances(int256[] memory x, uint64[] memory prices) private view returns (uint256 month) {
        uint256 day;
        uint256 week;
        (day, week, month) = RealisedVariance.sums(prices);
        x[0] = int256(WindowReturns.rootOfRatio(day * DAYS, month, inputScaleBits));
        x[1] = int256(WindowReturns.rootOfRatio(week * DAYS, WEEK * month, inputScaleBits));
    }

    /// @dev Inputs 2 and 3.
    function _ranges(int256[] memory x, uint64[] memory prices, uint256 month) private view {
        uint256 week;
        for (uint256 d; d < WEEK; ++d) {
            uint256 spread = _spread(prices, prices.length - 1 - d * HOURS);
            week += spread * spread;
            if (d == 0) x[2] = _rangeRatio(week, month);
        }
        x[3] = _rangeRatio(week, WEEK * month);
    }

    /// @dev max / min - 1 of the 25 prices that end at `last`, at 2^48, rounded down.
    function _spread(uint64[] memory prices, uint256 last) private pure returns (uint256) {
        uint256 high = prices[last];
        uint256 low = high;
        unchecked {
            for (uint256 i = last - HOURS; i < last; ++i) {
                uint256 price = prices[i];
                if (price > high) high = price;
                if (price < low) low = price;
            }
        }
        return Math.min(((high - low) << WindowReturns.BITS) / low, MAX_SPREAD);
    }

    /// @dev sqrt(squares / PARKINSON / (variance / DAYS)), cut.
    function _rangeRatio(uint256 squares, uint256 variance) private view returns (int256) {
        uint256 root = Math.sqrt(Math.mulDiv(squares << (2 * inputScaleBits), DAYS * WAD, PARKINSON * variance));
        return int256(Math.min(root, CUT << inputScaleBits));
    }

    /// @dev Inputs 4 and 5.
    function _levels(int256[] memory x, uint64[] memory prices, uint256 month) private view {
        uint256 cut = CUT << inputScaleBits;
        uint256 root = WindowReturns.rootOfRatio(month, DAYS, ROOT_BITS - WindowReturns.BITS); // at 2^ROOT_BITS
        uint256 level = (root * WAD / sigmaRefWad) >> (ROOT_BITS - inputScaleBits);
        if (level >= cut) revert LevelOutOfRange(level, cut);
        x[4] = int256(level);
        (uint256 before, uint256 last) = (prices[prices.length - 1 - HOURS], prices[prices.length - 1]);
        if (last >= before) return;
        uint256 drop = ((before - last) << ROOT_BITS) / before;
        x[5] = int256(Math.min((drop << inputScaleBits) / root, cut));
    }
}
