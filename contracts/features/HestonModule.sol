// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IFeatureModule} from "../interfaces/IFeatureModule.sol";
import {IScaledFeatureModule} from "../interfaces/IScaledFeatureModule.sol";
import {IVectorObservationFeed} from "../interfaces/IVectorObservationFeed.sol";
import {Transcendental} from "../libraries/Transcendental.sol";
import {VectorModule} from "./VectorModule.sol";

/// @title Implied volatility at one maturity and moneyness, from a signed Heston surface
/// @dev Twin: oracle/domain/heston.py, bit for bit; the inputs' formulas stand in models/heston.py. The vector is v0, kappa,
/// theta, xi, rho. The answer is the implied volatility, 18 decimals: output * sqrt(mean variance), rounded down.
contract HestonModule is VectorModule {
    uint256 public constant COMPONENTS = 5;
    uint256 public constant MODEL_INPUTS = 8;

    /// @notice The option's time to expiry in years, 18 decimals.
    int256 public immutable yearsWad;
    /// @notice ln(K / F), 18 decimals.
    int256 public immutable logMoneynessWad;

    struct Variance {
        int256 decay; // exp(-kappa T)
        int256 total; // w, expected total variance
        int256 deviation; // sqrt(V) / kappa
        int256 rootMean; // s = sqrt(w / T)
    }

    /// @param yearsWad_ From a month to a year.
    /// @param logMoneynessWad_ Within +-3; what counts is its size in standard deviations, at most 2.
    constructor(IVectorObservationFeed observations, int256 yearsWad_, int256 logMoneynessWad_, uint8 scaleBits)
        VectorModule(observations, COMPONENTS, scaleBits)
    {
        _requireRange("yearsWad", yearsWad_, WAD / 12, WAD);
        _requireRange("logMoneynessWad", logMoneynessWad_, -3 * WAD, 3 * WAD);
        yearsWad = yearsWad_;
        logMoneynessWad = logMoneynessWad_;
    }

    /// @inheritdoc IFeatureModule
    function inputs(uint64 observationRound) external view returns (int256[] memory x, uint64 observedAt) {
        int256[] memory p;
        (p, observedAt) = SOURCE.vector(observationRound);
        Variance memory v = _variance(p);
        int256 root = Transcendental.sqrtWad(v.total);
        int256 nu = p[3] * v.deviation / v.total;
        int256 z = logMoneynessWad * WAD / root;
        x = new int256[](MODEL_INPUTS);
        x[0] = _quantised(0, z, -2e18, 2e18);
        x[1] = _quantised(1, root, 0.08e18, 1.125e18);
        x[2] = _quantised(2, Transcendental.sqrtWad(p[0]) * WAD / v.rootMean, 0.25e18, 2.125e18);
        x[3] = _quantised(3, p[4], -0.8e18, 0.2e18);
        x[4] = _quantised(4, nu, 0.03e18, 3.25e18);
        x[5] = _quantised(5, p[4] * nu / WAD * z / WAD, -5.2e18, 5.2e18);
        x[6] = _quantised(6, nu * z / WAD * z / WAD, 0, 13e18);
        x[7] = _quantised(7, v.decay, 0, 0.9375e18);
    }

    /// @inheritdoc IScaledFeatureModule
    function answerFor(uint64 observationRound, int256[] calldata, int256[] calldata outputsWad)
        external
        view
        returns (int256)
    {
        (int256[] memory p,) = SOURCE.vector(observationRound);
        return _ratio(outputsWad, 0, 1) * _variance(p).rootMean / WAD;
    }

    function _variance(int256[] memory p) private view returns (Variance memory v) {
        _requireRange("v0", p[0], 0.09e18, 1.21e18);
        _requireRange("kappa", p[1], 1e18, 6e18);
        _requireRange("theta", p[2], 0.09e18, 1.21e18);
        _requireRange("xi", p[3], 0.3e18, 2.5e18);
        _requireRange("rho", p[4], -0.8e18, 0.2e18);
        int256 term = yearsWad;
        int256 gap = p[0] - p[2];
        v.decay = Transcendental.expWad(-(p[1] * term / WAD));
        int256 phi = (WAD - v.decay) * WAD / p[1];
        int256 bent = phi * (WAD + v.decay) / WAD;
        v.total = (p[2] * term + gap * phi) / WAD;
        int256 spread = (p[2] * (term - 2 * phi + bent / 2) + gap * (bent - 2 * term * v.decay / WAD)) / WAD;
        v.deviation = Transcendental.sqrtWad(spread) * WAD / p[1];
        v.rootMean = Transcendental.sqrtWad(v.total * WAD / term);
    }
}
