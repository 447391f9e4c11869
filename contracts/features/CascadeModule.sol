// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {ICascadeModule} from "../interfaces/ICascadeModule.sol";
import {IFeatureModule} from "../interfaces/IFeatureModule.sol";
import {IScaledFeatureModule} from "../interfaces/IScaledFeatureModule.sol";
import {IVectorObservationFeed} from "../interfaces/IVectorObservationFeed.sol";
import {FixedPoint} from "../libraries/FixedPoint.sol";
import {VectorModule} from "./VectorModule.sol";

/// @title Liquidations, losses or amplification of a lending book under forced sales, from a signed histogram of its debts
/// @dev Twin: oracle/domain/cascade.py, bit for bit; the inputs' formulas stand in models/cascade.py. The vector is sigma
/// (deviation of ln price over the horizon), depth (value sold that moves ln price by 1), and the debts of 16 buckets of
/// ln(health factor). Sigma is signed with the book, so that an old round's inputs never depend on another feed's ring. One
/// module for each figure; behind a SharedProofVerifier one proof serves all four. LaR95, VaR95 and EVaR99 are in the
/// debts' unit, output * depth * sigma / 1.05, rounded up; amplification is the output itself.
contract CascadeModule is ICascadeModule, VectorModule {
    uint256 public constant BUCKETS = 16;
    uint256 public constant COMPONENTS = BUCKETS + 2;
    uint256 public constant LEVELS = 18;
    uint256 public constant FIGURES = 4;
    uint8 public constant AMPLIFICATION = 3;

    int256 private constant MIN_SIGMA = 0.01e18;
    int256 private constant MAX_SIGMA = 0.3e18;
    int256 private constant MAX_MONEY = 1e36;
    int256 private constant MAX_IMPACT = 4e18;
    int256 private constant MAX_SLOPE = 3e18;
    int256 private constant MAX_BETA = 8e18;
    /// @dev 1 + liquidation bonus, 36 decimals.
    int256 private constant ONE_AND_BONUS = 1.05e36;
    /// @dev Buckets' edges in steps of .005: 0, .02 to .1 by .02, to .2 by .025, to .4 by .05, .5, .6, .8.
    bytes17 private constant EDGES = 0x0004080C1014191E2328323C46506478A0;
    int256 private constant EDGE_STEP = 0.005e18;
    /// @dev Levels z_k in quarters of sigma above the first, 2010/1024 - 1.5; the shock's own quantile is level 3.
    bytes18 private constant STEPS = 0x000204060708090A0B0C0D0E10121416181C;
    int256 private constant FIRST_LEVEL = 0.462890625e18;
    int256 private constant LEVEL_STEP = 0.25e18;
    uint256 private constant SHOCK_LEVEL = 3;

    /// @inheritdoc ICascadeModule
    int256 public immutable bufferWad;
    /// @inheritdoc ICascadeModule
    uint8 public immutable place;

    struct Walk {
        uint256 bucket; // the one that the distance lies in
        int256 below; // debt of all buckets before it
    }

    /// @param bufferWad_ 0 to 3.
    /// @param place_ 0 LaR95, 1 VaR95, 2 EVaR99, 3 amplification.
    constructor(IVectorObservationFeed observations, int256 bufferWad_, uint8 place_, uint8 scaleBits)
        VectorModule(observations, COMPONENTS, scaleBits)
    {
        _requireRange("bufferWad", bufferWad_, 0, 3 * WAD);
        _requireRange("place", int256(uint256(place_)), 0, int256(FIGURES - 1));
        (bufferWad, place) = (bufferWad_, place_);
    }

    /// @inheritdoc IFeatureModule
    function inputs(uint64 observationRound) external view returns (int256[] memory x, uint64 observedAt) {
        int256[] memory p;
        (p, observedAt) = SOURCE.vector(observationRound);
        _requireBook(p);
        int256 sigma = p[0];
        x = new int256[](LEVELS + 2);
        Walk memory walk;
        int256 before;
        int256 levelBefore;
        for (uint256 k; k < LEVELS; ++k) {
            int256 level = FIRST_LEVEL + int256(uint256(uint8(STEPS[k]))) * LEVEL_STEP;
            int256 impact = _within(p, walk, level * sigma / WAD) * ONE_AND_BONUS / (p[1] * sigma);
            x[k] = _quantised(k, impact, 0, MAX_IMPACT);
            if (k > SHOCK_LEVEL) {
                int256 slope = (impact - before) * WAD / (level - levelBefore);
                if (slope > MAX_SLOPE) revert ImpactTooSteep(k, slope, MAX_SLOPE);
            }
            (before, levelBefore) = (impact, level);
        }
        x[LEVELS] = FixedPoint.scaledFromWad(10 * sigma, inputScaleBits);
        int256 beta = SignedMath.min(2 * bufferWad * WAD / sigma, MAX_BETA);
        x[LEVELS + 1] = FixedPoint.scaledFromWad(beta, inputScaleBits);
    }

    /// @inheritdoc IScaledFeatureModule
    function answerFor(uint64 observationRound, int256[] calldata, int256[] calldata outputsWad)
        external
        view
        returns (int256)
    {
        int256 ratio = _ratio(outputsWad, place, FIGURES);
        if (place == AMPLIFICATION) return ratio;
        (int256[] memory p,) = SOURCE.vector(observationRound);
        return (ratio * (p[1] * p[0]) + ONE_AND_BONUS - 1) / ONE_AND_BONUS;
    }

    function _requireBook(int256[] memory p) private pure {
        _requireRange("sigma", p[0], MIN_SIGMA, MAX_SIGMA);
        _requireRange("depth", p[1], 1, MAX_MONEY);
        int256 total;
        for (uint256 i; i < BUCKETS; ++i) {
            if (p[2 + i] < 0) revert NegativeDebt(i, p[2 + i]);
            total += p[2 + i];
        }
        if (total == 0) revert EmptyBook();
    }

    /// @dev Debt within a distance, which only grows from call to call: even within a bucket, rounded down.
    function _within(int256[] memory p, Walk memory walk, int256 distance) private pure returns (int256) {
        while (walk.bucket < BUCKETS && distance >= _edge(walk.bucket + 1)) {
            walk.below += p[2 + walk.bucket];
            ++walk.bucket;
        }
        if (walk.bucket == BUCKETS) return walk.below;
        int256 edge = _edge(walk.bucket);
        return walk.below + p[2 + walk.bucket] * (distance - edge) / (_edge(walk.bucket + 1) - edge);
    }

    function _edge(uint256 i) private pure returns (int256) {
        return int256(uint256(uint8(EDGES[i]))) * EDGE_STEP;
    }
}
