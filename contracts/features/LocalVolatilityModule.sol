// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IFeatureModule} from "../interfaces/IFeatureModule.sol";
import {IScaledFeatureModule} from "../interfaces/IScaledFeatureModule.sol";
import {IVectorObservationFeed} from "../interfaces/IVectorObservationFeed.sol";
import {Svi} from "../libraries/Svi.sol";
import {Transcendental} from "../libraries/Transcendental.sol";
import {VectorModule} from "./VectorModule.sol";

/// @title Dupire's local volatility at one maturity and moneyness, from two signed SVI smiles
/// @dev Twin: oracle/domain/local_volatility.py, bit for bit; the inputs' formulas stand in models/local_volatility.py. The
/// vector is a, b, rho, m, s of the maturity and then of the one before. Smiles with butterfly or calendar arbitrage are
/// refused by Svi's errors. The answer is the local volatility, 18 decimals: output * omega / sqrt T, rounded down.
contract LocalVolatilityModule is VectorModule {
    uint256 public constant COMPONENTS = 10;
    uint256 public constant MODEL_INPUTS = 7;
    /// @notice The proven density factor from which on an answer is given.
    int256 public constant MIN_DENSITY = 0.05e18;

    uint256 private constant OUTPUTS = 2;

    /// @notice Maturity in years, 18 decimals.
    int256 public immutable yearsWad;
    /// @notice The earlier maturity in years, 18 decimals.
    int256 public immutable yearsBeforeWad;
    /// @notice ln(K / F), 18 decimals.
    int256 public immutable logMoneynessWad;

    /// @notice Thrown when the proven density factor is below MIN_DENSITY.
    error DensityBelowMargin(int256 density, int256 min);

    constructor(
        IVectorObservationFeed observations,
        int256 yearsWad_,
        int256 yearsBeforeWad_,
        int256 logMoneynessWad_,
        uint8 scaleBits
    ) VectorModule(observations, COMPONENTS, scaleBits) {
        _requireRange("yearsWad", yearsWad_, WAD / 1000, 10 * WAD);
        _requireRange("yearsBeforeWad", yearsBeforeWad_, WAD / 10_000, yearsWad_ - WAD / 10_000);
        _requireRange("logMoneynessWad", logMoneynessWad_, -3 * WAD, 3 * WAD);
        yearsWad = yearsWad_;
        yearsBeforeWad = yearsBeforeWad_;
        logMoneynessWad = logMoneynessWad_;
    }

    /// @inheritdoc IFeatureModule
    function inputs(uint64 observationRound) external view returns (int256[] memory x, uint64 observedAt) {
        int256[] memory p;
        (p, observedAt) = SOURCE.vector(observationRound);
        (Svi.Slice memory later, Svi.Slice memory earlier) = (_slice(p, 0), _slice(p, 5));
        Svi.requireButterflyFree(later);
        Svi.requireButterflyFree(earlier);
        Svi.requireCalendarFree(earlier, later);
        int256 k = logMoneynessWad;
        int256 w = Svi.pointAt(later, k).variance;
        int256 rate = (w - Svi.pointAt(earlier, k).variance) * WAD / (yearsWad - yearsBeforeWad);
        int256 omega = Transcendental.sqrtWad(w);
        x = new int256[](MODEL_INPUTS);
        x[0] = _quantised(0, k * WAD / omega, -2.5e18, 2.5e18);
        x[1] = _quantised(1, later.b * WAD / omega, 0, 1.5e18);
        x[2] = _quantised(2, later.rho, -0.9e18, 0.9e18);
        x[3] = _quantised(3, (k - later.m) * WAD / later.s, -12e18, 12e18);
        x[4] = _quantised(4, later.b * WAD / later.s, 0, 4e18);
        x[5] = _quantised(5, omega, 0.05e18, 1.125e18);
        x[6] = _quantised(6, yearsWad * rate / w, 0.0625e18, 2e18);
    }

    /// @inheritdoc IScaledFeatureModule
    function answerFor(uint64 observationRound, int256[] calldata, int256[] calldata outputsWad)
        external
        view
        returns (int256)
    {
        int256 ratio = _ratio(outputsWad, 0, OUTPUTS);
        if (outputsWad[1] < MIN_DENSITY) revert DensityBelowMargin(outputsWad[1], MIN_DENSITY);
        (int256[] memory p,) = SOURCE.vector(observationRound);
        int256 omega = Transcendental.sqrtWad(Svi.pointAt(_slice(p, 0), logMoneynessWad).variance);
        return ratio * omega / Transcendental.sqrtWad(yearsWad);
    }

    function _slice(int256[] memory p, uint256 first) private pure returns (Svi.Slice memory) {
        return Svi.Slice(p[first], p[first + 1], p[first + 2], p[first + 3], p[first + 4]);
    }
}
