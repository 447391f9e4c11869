// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {Black76} from "../../libraries/Black76.sol";
import {Transcendental} from "../../libraries/Transcendental.sol";
import {OptionPosition, OptionsMarket, PortfolioRisk} from "../../types/OptionTypes.sol";

/// @title Portfolio margin over 23 scenarios, after Derive's PMRM
/// @notice Moves of 0, +-s/3, +-2s/3, +-s, each with volatility up, same and down, and +-4s/3 with volatility up; s = 15 % gives
/// Derive's own 5, 10, 15 and 20 %. Volatility goes to v (1 + .6 (30 / max(DTE, 1))^p) or v (1 - .3 (30 / max(DTE, 1))^p), p = .3 up to
/// 30 days and .13 beyond. A shocked expiry of positive value counts .95 e^(-tau (r + .12)) of it. Basis contingency: the sum
/// over expiries of min(dV(+s/3), dV(-s/3), 0) (1 + 1.2 tau). L = min(basis, scenarios) - 2 % of the price for each option short
/// that no long of the same kind and expiry covers. A book without perpetuals or base has no linear contingency. Tau counts years
/// of 365 days, as Derive's does: so do the volatilities of marks and shocks here (Black76's own year is Deribit's).
/// @dev Twin: oracle/domain/options_scenarios.py, wei exact. Everything is floored: against the account, long or short.
library ScenarioMargin {
    int256 internal constant WAD = 1e18;
    uint256 private constant YEAR = 365 days;
    uint256 internal constant SCENARIOS = 23;
    uint256 private constant UNSHOCKED = 10;
    uint256 private constant BASIS_DOWN = 7;
    uint256 private constant BASIS_UP = 13;
    int256 private constant UP = 0.6e18;
    int256 private constant DOWN = 0.3e18;
    int256 private constant NEAR_POWER = 0.3e18;
    int256 private constant FAR_POWER = 0.13e18;
    int256 private constant STATIC_DISCOUNT = 0.95e18;
    int256 private constant DISCOUNT_RATE = 0.12e18;
    int256 private constant BASIS_SLOPE = 1.2e18;
    uint256 private constant NAKED_SHORT = 0.02e18;
    int256 private constant INITIAL_FACTOR = 1.25e18;
    uint256 private constant PEG_LEVEL = 0.99e18;
    uint256 private constant PEG_FACTOR = 4;
    uint256 private constant MIN_CONFIDENCE = 0.55e18;

    /// @dev One expiry of a portfolio.
    struct Expiry {
        uint256 expiry;
        int256 forward;
        int256 discount; // e^(-r tau)
        int256 staticDiscount;
        int256 basisFactor;
        int256[3] deviations; // with volatility down, same, up
        int256 calls; // net
        int256 puts;
        int256[SCENARIOS] values;
    }

    /// @notice Value and loss of `count` positions, none expired, at a shock below .75.
    function riskOf(OptionPosition[] memory positions, uint256 count, OptionsMarket memory m, uint256 shock)
        internal
        pure
        returns (PortfolioRisk memory risk)
    {
        Expiry[] memory expiries = new Expiry[](count);
        uint256 used;
        int256[SCENARIOS] memory moves = _moves(int256(shock));
        for (uint256 i; i < count; ++i) {
            OptionPosition memory p = positions[i];
            Expiry memory e;
            (e, used) = _expiryOf(expiries, used, p.expiry, m);
            risk.gross += SignedMath.abs(p.amount);
            if (p.isCall) e.calls += p.amount;
            else e.puts += p.amount;
            for (uint256 s; s < SCENARIOS; ++s) {
                e.values[s] += _valueOf(p, e, mulFloor(e.forward, moves[s]), e.deviations[_direction(s)]);
            }
        }
        risk.loss = _loss(expiries, used, m.spot);
        for (uint256 i; i < used; ++i) {
            risk.value += expiries[i].values[UNSHOCKED];
        }
    }

    /// @notice Value of `count` positions at the marks, each floored.
    function valueOf(OptionPosition[] memory positions, uint256 count, OptionsMarket memory m)
        internal
        pure
        returns (int256 value)
    {
        Expiry[] memory expiries = new Expiry[](count);
        uint256 used;
        for (uint256 i; i < count; ++i) {
            Expiry memory e;
            (e, used) = _expiryOf(expiries, used, positions[i].expiry, m);
            value += _valueOf(positions[i], e, e.forward, e.deviations[1]);
        }
    }

    /// @notice MM = L + value + cash.
    function maintenance(PortfolioRisk memory r, int256 cash) internal pure returns (int256) {
        return r.loss + r.value + cash;
    }

    /// @notice IM = L (1.25 + 4 max(0, .99 - peg)) - (1 - confidence) gross price, below a confidence of .55, + value + cash.
    function initial(PortfolioRisk memory r, int256 cash, OptionsMarket memory m) internal pure returns (int256 margin) {
        int256 factor = INITIAL_FACTOR + int256(PEG_FACTOR * Math.saturatingSub(PEG_LEVEL, m.peg));
        margin = mulFloor(r.loss, factor) + r.value + cash;
        if (m.confidence < MIN_CONFIDENCE) {
            uint256 doubtful = Math.mulDiv(r.gross, m.spot, uint256(WAD), Math.Rounding.Ceil);
            margin -= int256(Math.mulDiv(doubtful, uint256(WAD) - m.confidence, uint256(WAD), Math.Rounding.Ceil));
        }
    }

    /// @notice a * b / 1e18, rounded down, also below zero.
    function mulFloor(int256 a, int256 b) internal pure returns (int256 result) {
        int256 product = a * b;
        result = product / WAD;
        if (product < 0 && result * WAD != product) --result;
    }

    /// @notice Volatility at the money for `secs`, from the pillars: flat outside, total variance linear in time between.
    function volatilityAt(OptionsMarket memory m, uint256 secs) internal pure returns (uint256) {
        uint256 last = m.tenors.length - 1;
        if (secs <= m.tenors[0]) return m.volatilities[0];
        if (secs >= m.tenors[last]) return m.volatilities[last];
        uint256 i;
        while (secs > m.tenors[i + 1]) ++i;
        (uint256 t0, uint256 t1) = (m.tenors[i], m.tenors[i + 1]);
        uint256 early = m.volatilities[i] ** 2 * t0;
        uint256 late = m.volatilities[i + 1] ** 2 * t1;
        return Math.sqrt((early * (t1 - secs) + late * (secs - t0)) / (t1 - t0) / secs);
    }

    /// @dev Scenario 3 i + j: a move of (i - 3) s / 3 with volatility down, same, up for j = 0, 1, 2; then the two tails.
    function _moves(int256 shock) private pure returns (int256[SCENARIOS] memory moves) {
        for (uint256 s; s < 21; ++s) {
            moves[s] = WAD + shock * (int256(s / 3) - 3) / 3;
        }
        moves[21] = WAD - shock * 4 / 3;
        moves[22] = WAD + shock * 4 / 3;
    }

    function _direction(uint256 scenario) private pure returns (uint256) {
        return scenario < 21 ? scenario % 3 : 2;
    }

    function _expiryOf(Expiry[] memory expiries, uint256 used, uint256 expiry, OptionsMarket memory m)
        private
        pure
        returns (Expiry memory, uint256)
    {
        for (uint256 i; i < used; ++i) {
            if (expiries[i].expiry == expiry) return (expiries[i], used);
        }
        Expiry memory e = expiries[used];
        e.expiry = expiry;
        uint256 secs = expiry - m.timestamp;
        int256 tau = int256(secs * uint256(WAD) / YEAR);
        e.discount = Transcendental.expWad(-(int256(m.rate) * tau / WAD));
        e.forward = int256(m.spot) * WAD / e.discount;
        int256 decay = Transcendental.expWad(-((int256(m.rate) + DISCOUNT_RATE) * tau / WAD));
        e.staticDiscount = STATIC_DISCOUNT * decay / WAD;
        e.basisFactor = WAD + BASIS_SLOPE * tau / WAD;
        _setDeviations(e, int256(volatilityAt(m, secs)), secs, Transcendental.sqrtWad(tau));
        return (e, used + 1);
    }

    function _setDeviations(Expiry memory e, int256 volatility, uint256 secs, int256 root) private pure {
        int256 dte = SignedMath.max(int256(secs * uint256(WAD) / 1 days), WAD);
        int256 power = dte <= 30 * WAD ? NEAR_POWER : FAR_POWER;
        int256 scale = Transcendental.expWad(power * Transcendental.lnWad(30 * WAD * WAD / dte) / WAD);
        e.deviations[0] = _clipped(volatility * (WAD - DOWN * scale / WAD) / WAD) * root / WAD;
        e.deviations[1] = volatility * root / WAD;
        e.deviations[2] = _clipped(volatility * (WAD + UP * scale / WAD) / WAD) * root / WAD;
    }

    function _clipped(int256 volatility) private pure returns (int256) {
        return SignedMath.max(Black76.MIN_VOLATILITY, SignedMath.min(volatility, Black76.MAX_VOLATILITY));
    }

    function _valueOf(OptionPosition memory p, Expiry memory e, int256 forward, int256 deviation)
        private
        pure
        returns (int256)
    {
        int256 undiscounted = Black76.value(forward, int256(uint256(p.strike)), deviation, p.isCall);
        return mulFloor(p.amount, undiscounted * e.discount / WAD);
    }

    function _loss(Expiry[] memory expiries, uint256 used, uint256 spot) private pure returns (int256 loss) {
        int256 basis;
        uint256 naked;
        for (uint256 i; i < used; ++i) {
            Expiry memory e = expiries[i];
            int256 worst = SignedMath.min(e.values[BASIS_DOWN], e.values[BASIS_UP]) - e.values[UNSHOCKED];
            basis += mulFloor(SignedMath.min(worst, 0), e.basisFactor);
            if (e.calls < 0) naked += uint256(-e.calls);
            if (e.puts < 0) naked += uint256(-e.puts);
        }
        loss = basis;
        for (uint256 s; s < SCENARIOS; ++s) {
            int256 change;
            for (uint256 i; i < used; ++i) {
                Expiry memory e = expiries[i];
                int256 value = e.values[s];
                change += (value > 0 ? mulFloor(value, e.staticDiscount) : value) - e.values[UNSHOCKED];
            }
            loss = SignedMath.min(loss, change);
        }
        uint256 price = Math.mulDiv(spot, NAKED_SHORT, uint256(WAD), Math.Rounding.Ceil);
        loss -= int256(Math.mulDiv(naked, price, uint256(WAD), Math.Rounding.Ceil));
    }
}
