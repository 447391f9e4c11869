// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IFeatureModule} from "../interfaces/IFeatureModule.sol";
import {IScaledFeatureModule} from "../interfaces/IScaledFeatureModule.sol";
import {IVectorObservationFeed} from "../interfaces/IVectorObservationFeed.sol";
import {Black76} from "../libraries/Black76.sol";
import {Transcendental} from "../libraries/Transcendental.sol";
import {VectorModule} from "./VectorModule.sol";

/// @title Implied volatility of one of eight strikes of an expiry, from the three signed numbers that quote its smile
/// @dev Twin: oracle/domain/option_marks.py, bit for bit; the inputs' formulas stand in models/option_marks.py. The vector is
/// forward, atm, rr, bf. One module for each strike; behind a SharedProofVerifier one proof serves all eight feeds. The
/// answer is the mark's implied volatility, 18 decimals: output * atm, rounded down; Black76 turns it into a value.
contract OptionMarkModule is VectorModule {
    uint256 public constant COMPONENTS = 4;
    uint256 public constant STRIKES = 8;
    uint256 public constant COLUMNS = 6;

    int256 private constant MIN_ATM = 0.01e18;
    int256 private constant MAX_ATM = 5e18;

    int256 private immutable _strike0;
    int256 private immutable _strike1;
    int256 private immutable _strike2;
    int256 private immutable _strike3;
    int256 private immutable _strike4;
    int256 private immutable _strike5;
    int256 private immutable _strike6;
    int256 private immutable _strike7;
    /// @notice Unix seconds.
    uint64 public immutable expiry;
    /// @notice Which strike this module answers for, 0 to 7.
    uint8 public immutable place;

    constructor(
        IVectorObservationFeed observations,
        int256[8] memory strikesWad,
        uint64 expiry_,
        uint8 place_,
        uint8 scaleBits
    ) VectorModule(observations, COMPONENTS, scaleBits) {
        for (uint256 i; i < STRIKES; ++i) {
            _requireRange("strikeWad", strikesWad[i], 1, 1e36);
        }
        _requireRange("place", int256(uint256(place_)), 0, int256(STRIKES - 1));
        (_strike0, _strike1, _strike2, _strike3) = (strikesWad[0], strikesWad[1], strikesWad[2], strikesWad[3]);
        (_strike4, _strike5, _strike6, _strike7) = (strikesWad[4], strikesWad[5], strikesWad[6], strikesWad[7]);
        (expiry, place) = (expiry_, place_);
    }

    /// @inheritdoc IFeatureModule
    function inputs(uint64 observationRound) external view returns (int256[] memory x, uint64 observedAt) {
        int256[] memory p;
        (p, observedAt) = SOURCE.vector(observationRound);
        _requireRange("forward", p[0], 1, 1e36);
        _requireRange("atm", p[1], MIN_ATM, MAX_ATM);
        int256 root = Black76.rootYears(expiry, observedAt);
        (int256 skew, int256 wings) = (p[2] * WAD / p[1], p[3] * WAD / p[1]);
        int256[8] memory all = strikes();
        x = new int256[](STRIKES * COLUMNS);
        for (uint256 i; i < STRIKES; ++i) {
            int256 moneyness = Transcendental.lnWad(all[i]) - Transcendental.lnWad(p[0]);
            int256 z = moneyness * WAD / (p[1] * root / WAD);
            uint256 c = COLUMNS * i;
            x[c] = _quantised(c, z, -3e18, 3e18);
            x[c + 1] = _quantised(c + 1, root, 0.0625e18, WAD);
            x[c + 2] = _quantised(c + 2, skew, -0.3e18, 0.2e18);
            x[c + 3] = _quantised(c + 3, wings, -0.01e18, 0.07e18);
            x[c + 4] = _quantised(c + 4, z * skew / WAD, -0.9e18, 0.9e18);
            x[c + 5] = _quantised(c + 5, z * z / WAD * wings / WAD, -0.09e18, 0.63e18);
        }
    }

    /// @inheritdoc IScaledFeatureModule
    function answerFor(uint64 observationRound, int256[] calldata, int256[] calldata outputsWad)
        external
        view
        returns (int256)
    {
        (int256[] memory p,) = SOURCE.vector(observationRound);
        return _ratio(outputsWad, place, STRIKES) * p[1] / WAD;
    }

    /// @notice The strikes, 18 decimals.
    function strikes() public view returns (int256[8] memory) {
        return [_strike0, _strike1, _strike2, _strike3, _strike4, _strike5, _strike6, _strike7];
    }
}
