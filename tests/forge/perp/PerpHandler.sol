// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {PerpMarket} from "../../../contracts/consumers/perp/PerpMarket.sol";
import {StubFeed} from "../../../contracts/testing/StubFeed.sol";
import {TestERC20} from "../../../contracts/testing/TestERC20.sol";
import {PerpConfig, PerpPositionView, PerpState} from "../../../contracts/types/PerpTypes.sol";
import {vm} from "./Vm.sol";

/// @title Random but mostly sensible calls of a perpetual market by five accounts
contract PerpHandler {
    uint256 public constant ACTORS = 5;
    uint256 private constant WAD = 1e18;
    uint256 private constant UNIT = 1e6;
    uint256 private constant START_PRICE = 2_000e8;

    PerpMarket public immutable market;
    TestERC20 public immutable token = new TestERC20("Quote", "QUO", 6);
    StubFeed public immutable priceFeed = new StubFeed(8);
    StubFeed public immutable riskFeed = new StubFeed(18);

    uint256 public now_ = 1_700_000_000;
    uint256 public calls;
    uint256 public succeeded;
    uint256 public liquidations;
    uint256 public badDebts;
    bool public roundTripProfit;
    bool public priceIgnored;

    constructor() {
        vm.warp(now_);
        priceFeed.set(int256(START_PRICE), now_, now_);
        riskFeed.set(0.6e18, now_, now_);
        market = new PerpMarket(_config());
        for (uint256 i; i < ACTORS; ++i) {
            token.mint(actor(i), 1e12 * UNIT);
            vm.prank(actor(i));
            token.approve(address(market), type(uint256).max);
        }
        vm.prank(actor(0));
        market.provide(20_000 * UNIT, actor(0));
    }

    function actor(uint256 i) public pure returns (address) {
        return address(uint160(0xA0000 + i));
    }

    // Calls

    function deposit(uint256 who, uint256 amount) external {
        _act(who, abi.encodeCall(market.deposit, (1 + amount % (5_000 * UNIT), _actor(who))));
    }

    function withdraw(uint256 who, uint256 share) external {
        PerpPositionView memory v = market.position(_actor(who));
        if (v.equity <= 0) return;
        _act(who, abi.encodeCall(market.withdraw, (uint256(v.equity) / 1e12 * (share % 101) / 100, _actor(who))));
    }

    function increase(uint256 who, bool isLong, uint256 leverage) external {
        PerpPositionView memory v = market.position(_actor(who));
        if (v.equity <= 0) return;
        if (v.base != 0) isLong = v.base > 0;
        uint256 quote = uint256(v.equity) * (1 + leverage % 120) / 10;
        _act(who, abi.encodeCall(market.increase, (isLong, quote, isLong ? 0 : type(uint256).max, now_)));
    }

    function decrease(uint256 who, uint256 share) external {
        int256 base = market.position(_actor(who)).base;
        if (base == 0) return;
        uint256 size = uint256(base > 0 ? base : -base) * (1 + share % 100) / 100;
        _act(who, abi.encodeCall(market.decrease, (size, base > 0 ? 0 : type(uint256).max, now_)));
    }

    function liquidate(uint256 who, uint256 victim) public {
        for (uint256 i; i < ACTORS; ++i) {
            if (market.position(_actor(victim % ACTORS + i)).liquidatable) {
                uint256 deficit = market.state().deficit;
                if (_act(who, abi.encodeCall(market.liquidate, (_actor(victim % ACTORS + i))))) ++liquidations;
                if (market.state().deficit > deficit) ++badDebts;
                return;
            }
        }
        _act(who, abi.encodeCall(market.liquidate, (_actor(victim))));
    }

    function provide(uint256 who, uint256 amount) external {
        _act(who, abi.encodeCall(market.provide, (1 + amount % (2_000 * UNIT), _actor(who))));
    }

    function redeem(uint256 who, uint256 share) external {
        uint256 shares = market.fundSharesOf(_actor(who)) * (share % 101) / 100;
        if (!_act(who, abi.encodeCall(market.redeem, (shares, _actor(who))))) {
            _act(who, abi.encodeCall(market.requestRedemption, ()));
        }
    }

    function donate(uint256 who, uint256 amount) external {
        _act(who, abi.encodeCall(market.donate, (1 + amount % (100 * UNIT))));
    }

    function claimFees(uint256 who) external {
        _act(who, abi.encodeCall(market.claimFees, ()));
    }

    /// @dev A position opened and closed in one block leaves its owner with less.
    function roundTrip(uint256 who, bool isLong, uint256 leverage) external {
        address me = _actor(who);
        PerpPositionView memory v = market.position(me);
        if (v.base != 0 || v.cash <= 0) return;
        uint256 quote = uint256(v.cash) * (1 + leverage % 60) / 10;
        uint256 limit = isLong ? 0 : type(uint256).max;
        if (!_act(who, abi.encodeCall(market.increase, (isLong, quote, limit, now_)))) return;
        if (!_act(who, abi.encodeCall(market.decrease, (type(uint256).max, limit, now_)))) return;
        if (market.position(me).cash >= v.cash) roundTripProfit = true;
    }

    // Surroundings

    function movePrice(uint256 seed, uint256 secs) public {
        uint256[9] memory percents = [uint256(60), 82, 94, 99, 100, 101, 106, 120, 160];
        uint256 price = uint256(priceFeed.answer()) * percents[seed % 9] / 100;
        if (price < 100e8 || price > 100_000e8) price = START_PRICE;
        _wait(secs);
        priceFeed.set(int256(price), now_, now_);
        riskFeed.set(riskFeed.answer(), now_, now_);
        vm.prank(actor(seed % ACTORS));
        market.poke();
        if (market.state().indexPrice != price * 1e10) priceIgnored = true;
    }

    /// @dev A move, and somebody who was waiting for it.
    function moveAndLiquidate(uint256 seed, uint256 secs, uint256 who) external {
        movePrice(seed, secs % 4_000);
        for (uint256 i; i < ACTORS; ++i) {
            liquidate(who, i);
        }
    }

    function moveRisk(uint256 seed) external {
        uint256[7] memory percents = [uint256(0), 20, 40, 60, 90, 150, 300];
        riskFeed.set(int256(percents[seed % 7] * 1e16), now_, now_);
    }

    function wait(uint256 secs) external {
        _wait(secs);
    }

    // Means

    function _wait(uint256 secs) private {
        now_ += 1 + secs % 20_000;
        vm.warp(now_);
    }

    function _actor(uint256 who) private pure returns (address) {
        return actor(who % ACTORS);
    }

    function _act(uint256 who, bytes memory data) private returns (bool ok) {
        ++calls;
        vm.warp(now_);
        vm.prank(_actor(who));
        (ok,) = address(market).call(data);
        if (ok) ++succeeded;
    }

    function _config() private view returns (PerpConfig memory c) {
        c.collateralAsset = address(token);
        (c.priceFeed, c.riskFeed) = (address(priceFeed), address(riskFeed));
        c.feeRecipient = address(0xFEE);
        (c.maxPriceAge, c.maxRiskAge, c.marginPeriod) = (2 hours, 6 hours, 1 days);
        (c.minMargin, c.maxMargin, c.rampInterval) = (0.03e18, 0.5e18, 1 hours);
        (c.minRisk, c.maxRisk) = (0.01e18, 10e18);
        (c.feeBps, c.protocolShareBps) = (10, 2_000);
        (c.liquidationFeeBps, c.liquidatorShareBps, c.closeFactorBps) = (100, 5_000, 5_000);
        (c.maxDivergenceBps, c.fundingPeriod, c.maxPremiumBps) = (1_000, 1 days, 500);
        (c.maxOpenInterest, c.maxSkewFundBps, c.minPosition) = (1_000e18, 65_535, 10e18);
        (c.baseDepth, c.referenceRisk) = (20_000e18, 0.6e18);
        (c.minDepthRatio, c.maxDepthRatio) = (0.25e18, 2e18);
        (c.depthRampBpsPerHour, c.premiumDecayBpsPerHour) = (100, 1_000);
        (c.fundUseBps, c.fundCooldown) = (2_500, 1 hours);
    }
}
