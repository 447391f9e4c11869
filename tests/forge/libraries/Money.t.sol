// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {LendingMath} from "../../../contracts/libraries/LendingMath.sol";
import {Margin} from "../../../contracts/libraries/Margin.sol";
import {PositionState} from "../../../contracts/types/LendingTypes.sol";

/// @title The arithmetic that money rests on: each value between two neighbours, on the right side of the exact one
contract MoneyTest {
    uint256 private constant WAD = 1e18;
    uint256 private constant BPS = 1e4;
    uint256 private constant YEAR = 365 days;
    uint256 private constant UNIT = 1e6;
    uint256 private constant COLLATERAL_SCALE = 1e26; // 18 decimals and 8
    uint256 private constant UNIT_WAD = 1e36;

    // --- LendingMath: values and prices ---

    function testFuzz_collateralValue_down(uint96 collateral, uint64 price) external pure {
        uint256 value = LendingMath.collateralValue(collateral, price, UNIT, COLLATERAL_SCALE);
        _down(value, uint256(collateral) * price * UNIT, COLLATERAL_SCALE);
    }

    function testFuzz_healthFactor_down(uint96 value, uint64 ltv, uint96 debt) external pure {
        uint256 found = LendingMath.healthFactor(value, ltv, debt);
        if (debt == 0) assert(found == type(uint256).max);
        else _down(found, uint256(value) * ltv, debt);
    }

    /// @dev At the price healthy, one below it not: the lowest price at which the debt is covered.
    function testFuzz_liquidationPrice_isTheLowestThatCovers(uint96 collateral, uint64 debt, uint64 ltvSeed)
        external
        pure
    {
        uint256 ltv = WAD / 10 + ltvSeed % WAD;
        uint256 held = 1e15 + uint256(collateral) % 1e25;
        uint256 price = LendingMath.liquidationPrice(held, debt, ltv, UNIT, COLLATERAL_SCALE);
        if (debt == 0) {
            assert(price == 0);
            return;
        }
        uint256 needed = _ceil(uint256(debt) * WAD, ltv);
        assert(held * price * UNIT >= needed * COLLATERAL_SCALE);
        assert(price == 0 || held * (price - 1) * UNIT < needed * COLLATERAL_SCALE);
        assert(needed * ltv >= uint256(debt) * WAD && (needed - 1) * ltv < uint256(debt) * WAD);
    }

    function test_liquidationPrice_withoutDebtOrCollateral() external pure {
        assert(LendingMath.liquidationPrice(0, 0, WAD, UNIT, COLLATERAL_SCALE) == 0);
        assert(LendingMath.liquidationPrice(0, 1, WAD, UNIT, COLLATERAL_SCALE) == type(uint256).max);
    }

    function testFuzz_costOf_up_collateralFor_down(uint96 collateral, uint64 priceSeed, uint96 debt) external pure {
        uint256 price = uint256(priceSeed) * 1e6 + 1;
        _up(LendingMath.costOf(collateral, price, UNIT, UNIT_WAD), uint256(collateral) * price * UNIT, UNIT_WAD);
        _down(LendingMath.collateralFor(debt, price, UNIT, UNIT_WAD), uint256(debt) * UNIT_WAD, price * UNIT);
    }

    function testFuzz_auctionPrice_up(uint96 start, uint32 tauSeed, uint32 elapsedSeed) external pure {
        uint256 tau = 1 + uint256(tauSeed);
        uint256 elapsed = elapsedSeed % (tau + 1);
        uint256 price = LendingMath.auctionPrice(start, tau, elapsed);
        _up(price, uint256(start) * (tau - elapsed), tau);
        assert(elapsed != 0 || price == start);
        assert(elapsed != tau || price == 0);
    }

    // --- LendingMath: the LTV of a size ---

    function testFuzz_sizedLtv_down(uint64 ltvSeed, uint112 amount, uint112 depth) external pure {
        uint256 ltv = ltvSeed % WAD;
        uint256 sized = LendingMath.sizedLtv(ltv, amount, depth);
        assert(sized <= ltv && (depth != 0 || sized == ltv));
        if (depth == 0) return;
        uint256 impact = _ceil(uint256(amount) * WAD, 100 * uint256(depth));
        _down(sized, ltv * WAD * WAD, WAD * WAD + ltv * impact);
    }

    // --- LendingMath: interest and shares ---

    function testFuzz_utilisation_up(uint112 borrowed, uint112 supplied) external pure {
        uint256 used = LendingMath.utilisation(borrowed, supplied);
        if (supplied == 0) assert(used == 0);
        else _up(used, uint256(borrowed) * WAD, supplied);
    }

    function testFuzz_borrowRate_eachPartUp(uint64 used, uint64 base, uint64 below, uint64 above, uint64 kinkSeed)
        external
        pure
    {
        uint256 u = uint256(used) % (12 * WAD / 10);
        uint256 kink = 1 + kinkSeed % (WAD - 1);
        uint256 rate = LendingMath.borrowRate(u, base, kink, below, above);
        uint256 expected = uint256(base) + _ceil(uint256(below) * (u < kink ? u : kink), kink);
        if (u > kink) expected += _ceil(uint256(above) * (u - kink), WAD - kink);
        assert(rate == expected);
    }

    function testFuzz_borrowRate_atTheKink(uint64 base, uint64 below, uint64 above) external pure {
        uint256 kink = 8 * WAD / 10;
        assert(LendingMath.borrowRate(kink, base, kink, below, above) == uint256(base) + below);
        assert(LendingMath.borrowRate(WAD, base, kink, below, above) == uint256(base) + below + above);
    }

    function testFuzz_interest_up(uint96 borrowed, uint64 rate, uint32 elapsed) external pure {
        _up(LendingMath.interest(borrowed, rate, elapsed), uint256(borrowed) * rate * elapsed, WAD * YEAR);
    }

    function testFuzz_shares_neverInFavour(uint96 assets, uint96 shares, uint96 totalAssets, uint112 totalShares)
        external
        pure
    {
        (uint256 a, uint256 s) = (uint256(totalAssets) + 1, uint256(totalShares) + 1e6);
        _down(LendingMath.toSharesDown(assets, totalAssets, totalShares), assets * s, a);
        _up(LendingMath.toSharesUp(assets, totalAssets, totalShares), assets * s, a);
        _down(LendingMath.toAssetsDown(shares, totalAssets, totalShares), shares * a, s);
        _up(LendingMath.toAssetsUp(shares, totalAssets, totalShares), shares * a, s);
    }

    // --- LendingMath: states ---

    function testFuzz_stateOf_inItsOrder(bool opened, bool owes, bool auction, bool bad, bool warned, bool alarmed)
        external
        pure
    {
        LendingMath.PositionFacts memory f = LendingMath.PositionFacts(
            opened ? 1 : 0, owes ? 1 : 0, warned ? 1 : 0, alarmed ? 1 : 0, auction ? 1 : 0, bad ? 1 : 0
        );
        PositionState expected = PositionState.Open;
        if (warned || alarmed) expected = PositionState.Warned;
        if (auction) expected = PositionState.Auction;
        if (!owes) expected = bad ? PositionState.Insolvent : PositionState.Closed;
        if (!opened) expected = PositionState.None;
        assert(LendingMath.stateOf(f) == expected);
    }

    // --- Margin ---

    function testFuzz_sqrtRatio_up(uint40 secs, uint40 periodSeed) external pure {
        uint256 period = 1 + uint256(periodSeed);
        _root(Margin.sqrtRatio(secs, period), secs, period);
    }

    function testFuzz_quantileScale_ofBothKinds(uint32 secs, uint32 horizon) external pure {
        assert(Margin.quantileScale(secs, uint256(horizon) + 1) == Margin.sqrtRatio(secs, uint256(horizon) + 1));
        _up(Margin.quantileScale(secs, 0), 2_326347874040841101 * Margin.sqrtRatio(secs, YEAR), WAD);
    }

    function testFuzz_quantile_upAndCapped(uint128 risk, uint64 scale) external pure {
        _up(Margin.quantile(risk, scale), uint256(risk > 1e27 ? 1e27 : risk) * scale, WAD);
    }

    function testFuzz_initialMargin_clipped(uint96 q, uint64 weight, uint64 impact, uint64 a, uint64 b) external pure {
        (uint256 lo, uint256 hi) = a < b ? (a, b) : (b, a);
        uint256 raw = _ceil(uint256(q) * weight, WAD) + impact;
        uint256 expected = raw < lo ? lo : raw > hi ? hi : raw;
        assert(Margin.initialMargin(q, weight, impact, lo, hi) == expected);
    }

    function testFuzz_maintenanceMargin_up(uint128 initial) external pure {
        _up(Margin.maintenanceMargin(initial), uint256(initial) * 8, 10);
    }

    function testFuzz_collateralFactor_clippedAndDown(uint96 q, uint64 addOns, uint64 a, uint64 b) external pure {
        (uint256 lo, uint256 hi) = a < b ? (a, b) : (b, a);
        uint256 raw = WAD * WAD / (WAD + q + addOns);
        uint256 expected = raw < lo ? lo : raw > hi ? hi : raw;
        assert(Margin.collateralFactor(q, addOns, lo, hi) == expected);
    }

    function testFuzz_riskWeight_upAndAtMostThree(
        uint64 shortfall,
        uint64 referenceSeed,
        uint64 lambda,
        uint64 confidence
    ) external pure {
        uint256 reference_ = 1e15 + uint256(referenceSeed) % WAD;
        uint256 ratio = _ceil(uint256(shortfall) * WAD, reference_);
        if (ratio < WAD / 2) ratio = WAD / 2;
        if (ratio > 3 * WAD) ratio = 3 * WAD;
        uint256 doubt = WAD + _ceil(uint256(lambda) * (confidence < WAD ? WAD - confidence : 0), WAD);
        uint256 expected = _ceil(ratio * doubt, WAD);
        if (expected > 3 * WAD) expected = 3 * WAD;
        assert(Margin.riskWeight(shortfall, reference_, lambda, confidence) == expected);
    }

    function testFuzz_ramped_rateAndTarget(
        uint64 value,
        uint64 target,
        uint32 elapsed,
        uint64 step,
        uint32 intervalSeed
    ) external pure {
        uint256 interval = 1 + uint256(intervalSeed) % 100_000;
        uint256 allowed = uint256(step) * elapsed / interval;
        uint256 gap = value > target ? value - target : target - value;
        uint256 after_ = Margin.ramped(value, target, elapsed, step, interval);
        uint256 moved = value > target ? value - after_ : after_ - value;
        assert(moved == (allowed < gap ? allowed : gap));
    }

    function testFuzz_clip_between(uint128 value, uint128 a, uint128 b) external pure {
        (uint256 lo, uint256 hi) = a < b ? (a, b) : (b, a);
        assert(Margin.clip(value, lo, hi) == (value < lo ? lo : value > hi ? hi : value));
    }

    // Means

    /// @dev q <= n/d < q + 1
    function _down(uint256 q, uint256 n, uint256 d) private pure {
        assert(q * d <= n && n < (q + 1) * d);
    }

    /// @dev q - 1 < n/d <= q
    function _up(uint256 q, uint256 n, uint256 d) private pure {
        assert(n <= q * d && (q == 0 || (q - 1) * d < n));
    }

    function _ceil(uint256 n, uint256 d) private pure returns (uint256) {
        return (n + d - 1) / d;
    }

    /// @dev The smallest r whose square is at least ceil(secs 1e36 / period).
    function _root(uint256 r, uint256 secs, uint256 period) private pure {
        uint256 square = _ceil(secs * WAD * WAD, period);
        assert(r * r >= square && (r == 0 || (r - 1) * (r - 1) < square));
    }
}
