// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {NormalDistribution} from "./NormalDistribution.sol";
import {Transcendental} from "./Transcendental.sol";

/// @title European options on a forward: Black (1976), undiscounted, with Greeks and the implied volatility
/// @dev Twin: oracle/domain/black76.py, bit for bit. Money is at 18 decimals, in the forward's unit. A year is 365.25
/// days, as on Deribit. The option that is out of the money is computed, the other follows by put-call parity: so parity
/// holds to the unit, and no value is negative nor below its intrinsic value.
library Black76 {
    int256 internal constant WAD = 1e18;
    uint256 internal constant YEAR = 365.25 days;
    int256 internal constant MAX_MONEY = 1 << 120;
    int256 internal constant MIN_VOLATILITY = 1e16;
    int256 internal constant MAX_VOLATILITY = 10e18;
    uint256 internal constant MAX_SECONDS = 20 * YEAR;
    /// @dev The solver stops when its bracket is this narrow, or its step this small.
    int256 private constant TOLERANCE = 1e6;
    uint256 private constant MAX_STEPS = 128;

    /// @notice Sensitivities of an option in the forward's unit.
    struct Greeks {
        int256 delta; // to the forward, WAD
        int256 gamma; // of delta to the forward, WAD
        int256 vega; // to the volatility, where 1e18 is 100 %
    }

    /// @notice Thrown when the forward is not positive, or not below 2^120.
    error ForwardOutOfRange(int256 forward, int256 max);
    /// @notice Thrown when the strike is not positive, or not below 2^120.
    error StrikeOutOfRange(int256 strike, int256 max);
    /// @notice Thrown when the volatility is below 1 % or above 1,000 %.
    error VolatilityOutOfRange(int256 volatilityWad, int256 min, int256 max);
    /// @notice Thrown when sigma sqrt(T) is not positive.
    error DeviationNotPositive(int256 deviationWad);
    /// @notice Thrown when the expiry is not after the present time.
    error ExpiryPassed(uint256 expiry, uint256 timestamp);
    /// @notice Thrown when the expiry is more than 20 years away.
    error ExpiryTooFar(uint256 secs, uint256 max);
    /// @notice Thrown when no volatility in range gives that value.
    error OptionPriceOutOfRange(int256 value, int256 min, int256 max);

    /// @notice sigma sqrt(T) as WAD, rounded down.
    /// @dev Reverts: VolatilityOutOfRange, ExpiryPassed, ExpiryTooFar.
    function deviation(int256 volatilityWad, uint256 expiry, uint256 timestamp) internal pure returns (int256) {
        bool inRange = volatilityWad >= MIN_VOLATILITY && volatilityWad <= MAX_VOLATILITY;
        if (!inRange) revert VolatilityOutOfRange(volatilityWad, MIN_VOLATILITY, MAX_VOLATILITY);
        return volatilityWad * rootYears(expiry, timestamp) / WAD;
    }

    /// @notice sqrt(T) as WAD, rounded down; T the years from `timestamp` to `expiry`.
    /// @dev Reverts: ExpiryPassed, ExpiryTooFar.
    function rootYears(uint256 expiry, uint256 timestamp) internal pure returns (int256) {
        if (expiry <= timestamp) revert ExpiryPassed(expiry, timestamp);
        uint256 secs = expiry - timestamp;
        if (secs > MAX_SECONDS) revert ExpiryTooFar(secs, MAX_SECONDS);
        return Transcendental.sqrtWad(int256(secs * 1e18 / YEAR));
    }

    /// @notice The option's value, not discounted.
    /// @param deviationWad sigma sqrt(T), see `deviation`.
    function value(int256 forward, int256 strike, int256 deviationWad, bool isCall) internal pure returns (int256) {
        _requireOption(forward, strike, deviationWad);
        return _value(forward, strike, _logMoneyness(forward, strike), deviationWad, isCall);
    }

    /// @notice Delta, gamma and vega.
    /// @param deviationWad sigma sqrt(T), see `deviation`.
    /// @param rootYearsWad sqrt(T), see `rootYears`.
    function greeks(int256 forward, int256 strike, int256 deviationWad, int256 rootYearsWad, bool isCall)
        internal
        pure
        returns (Greeks memory g)
    {
        _requireOption(forward, strike, deviationWad);
        int256 d1 = _d1(_logMoneyness(forward, strike), deviationWad);
        int256 density = NormalDistribution.pdf(d1);
        int256 delta = NormalDistribution.cdf(d1);
        g.delta = isCall ? delta : delta - WAD;
        g.gamma = density * WAD / deviationWad * WAD / forward;
        g.vega = forward * density / WAD * rootYearsWad / WAD;
    }

    /// @notice The volatility, WAD, at which the option is worth `price`; Newton's steps inside a bisected bracket.
    /// @dev Reverts: ForwardOutOfRange, StrikeOutOfRange, ExpiryPassed, ExpiryTooFar, OptionPriceOutOfRange.
    function impliedVolatility(
        int256 forward,
        int256 strike,
        uint256 expiry,
        uint256 timestamp,
        int256 price,
        bool isCall
    ) internal pure returns (int256) {
        _requireMoney(forward, strike);
        int256 root = rootYears(expiry, timestamp);
        // What is left is all time value: that of the out-of-the-money option of this strike
        int256 target = price;
        if (isCall != (strike >= forward)) target -= isCall ? forward - strike : strike - forward;
        return _timeValueDeviation(forward, strike, target, root) * WAD / root;
    }

    function _timeValueDeviation(int256 forward, int256 strike, int256 target, int256 root)
        private
        pure
        returns (int256)
    {
        int256 k = _logMoneyness(forward, strike);
        int256 low = MIN_VOLATILITY * root / WAD;
        int256 high = MAX_VOLATILITY * root / WAD;
        int256 least = _outOfTheMoney(forward, strike, k, low);
        int256 most = _outOfTheMoney(forward, strike, k, high);
        if (target < least || target > most) revert OptionPriceOutOfRange(target, least, most);
        return _solve(forward, strike, k, target, low, high);
    }

    /// @dev The deviation between `low` and `high` that gives `target`, starting where vega is largest.
    function _solve(int256 forward, int256 strike, int256 k, int256 target, int256 low, int256 high)
        private
        pure
        returns (int256 v)
    {
        v = k == 0 ? (low + high) / 2 : Transcendental.sqrtWad(2 * (k < 0 ? -k : k));
        if (v <= low || v >= high) v = (low + high) / 2;
        for (uint256 i; i < MAX_STEPS && high - low > TOLERANCE; ++i) {
            int256 gap = _outOfTheMoney(forward, strike, k, v) - target;
            if (gap == 0) return v;
            if (gap < 0) low = v;
            else high = v;
            int256 slope = forward * NormalDistribution.pdf(_d1(k, v)) / WAD;
            int256 next = slope == 0 ? low : v - gap * WAD / slope;
            if (next <= low || next >= high) next = (low + high) / 2;
            int256 step = next > v ? next - v : v - next;
            v = next;
            if (step <= TOLERANCE) return v;
        }
    }

    function _value(int256 forward, int256 strike, int256 k, int256 v, bool isCall) private pure returns (int256) {
        int256 timeValue = _outOfTheMoney(forward, strike, k, v);
        if (isCall == (strike >= forward)) return timeValue;
        return timeValue + (isCall ? forward - strike : strike - forward);
    }

    /// @dev F N(d1) - K N(d2), or K N(-d2) - F N(-d1); never negative. `k` is ln(K / F), `v` is sigma sqrt(T).
    function _outOfTheMoney(int256 forward, int256 strike, int256 k, int256 v) private pure returns (int256) {
        int256 d1 = _d1(k, v);
        int256 d2 = d1 - v;
        int256 worth = strike >= forward
            ? forward * NormalDistribution.cdf(d1) - strike * NormalDistribution.cdf(d2)
            : strike * NormalDistribution.cdf(-d2) - forward * NormalDistribution.cdf(-d1);
        return worth <= 0 ? int256(0) : worth / WAD;
    }

    function _d1(int256 k, int256 v) private pure returns (int256) {
        return v / 2 - k * WAD / v;
    }

    /// @dev ln(K / F): of the quotient that is at least 1, so that it keeps its digits.
    function _logMoneyness(int256 forward, int256 strike) private pure returns (int256) {
        return strike >= forward
            ? Transcendental.lnWad(strike * WAD / forward)
            : -Transcendental.lnWad(forward * WAD / strike);
    }

    function _requireOption(int256 forward, int256 strike, int256 v) private pure {
        _requireMoney(forward, strike);
        if (v <= 0) revert DeviationNotPositive(v);
    }

    function _requireMoney(int256 forward, int256 strike) private pure {
        if (forward <= 0 || forward >= MAX_MONEY) revert ForwardOutOfRange(forward, MAX_MONEY);
        if (strike <= 0 || strike >= MAX_MONEY) revert StrikeOutOfRange(strike, MAX_MONEY);
    }
}
