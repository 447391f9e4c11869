// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {OptionsMargin} from "../../../contracts/consumers/options/OptionsMargin.sol";
import {StubRounds} from "../../../contracts/testing/StubRounds.sol";
import {TestERC20} from "../../../contracts/testing/TestERC20.sol";
import {OptionAccountView, OptionsConfig, VolatilityPillar} from "../../../contracts/types/OptionTypes.sol";
import {vm} from "./Vm.sol";

/// @title An options book, four accounts with keys, and calls of theirs that are random but mostly sensible
abstract contract OptionsHandler {
    uint256 public constant ACTORS = 4;
    uint256 internal constant WAD = 1e18;
    uint256 internal constant UNIT = 1e6;
    uint256 internal constant START_PRICE = 2_000e8;
    uint256 internal constant LOT = 1e15;
    uint256 private constant EXPIRY_STEP = 1 days;

    TestERC20 public immutable token = new TestERC20("Quote", "QUO", 6);
    StubRounds public immutable priceFeed = new StubRounds(8);
    StubRounds public immutable volatilityFeed = new StubRounds(18);
    OptionsMargin public immutable book;

    uint256 public now_ = 1_700_000_000;
    uint256 public succeeded;
    bool public roundTripProfit;
    bool public replayed;
    uint256[] public series;
    uint256 internal nonce;

    constructor() {
        vm.warp(now_);
        priceFeed.push(int256(START_PRICE), now_);
        volatilityFeed.push(0.6e18, now_);
        VolatilityPillar[] memory pillars = new VolatilityPillar[](1);
        pillars[0] = VolatilityPillar(address(volatilityFeed), 30 days);
        book = new OptionsMargin(_config(), pillars);
        for (uint256 i; i < ACTORS; ++i) {
            token.mint(actor(i), 1e12 * UNIT);
            vm.prank(actor(i));
            token.approve(address(book), type(uint256).max);
            vm.prank(actor(i));
            book.deposit(50_000 * UNIT, actor(i));
        }
        _list(7, 2_000e18, true);
        _list(7, 1_900e18, false);
        _list(30, 2_100e18, true);
    }

    function actor(uint256 i) public pure returns (address) {
        return vm.addr(_key(i));
    }

    function seriesCount() external view returns (uint256) {
        return series.length;
    }

    // Calls

    function deposit(uint256 who, uint256 amount) external {
        _act(who, abi.encodeCall(book.deposit, (1 + amount % (20_000 * UNIT), _actor(who))));
    }

    function withdraw(uint256 who, uint256 share) external {
        int256 cash = book.accountOf(_actor(who)).cash;
        if (cash <= 0) return;
        _act(who, abi.encodeCall(book.withdraw, (uint256(cash) / 1e12 * (share % 101) / 100, _actor(who))));
    }

    function donate(uint256 who, uint256 amount) external {
        _act(who, abi.encodeCall(book.donate, (1 + amount % (100 * UNIT))));
    }

    function auction(uint256 who, uint256 victim, uint256 fraction) external {
        for (uint256 i; i < ACTORS; ++i) {
            OptionAccountView memory v = book.accountOf(_actor(victim % ACTORS + i));
            if (v.liquidatable && v.auctionStartedAt == 0) {
                _act(who, abi.encodeCall(book.startAuction, (_actor(victim % ACTORS + i))));
            }
            if (v.auctionStartedAt != 0) {
                _bid(who, _actor(victim % ACTORS + i), fraction);
                _act(who, abi.encodeCall(book.endAuction, (_actor(victim % ACTORS + i))));
            }
        }
    }

    function movePrice(uint256 seed, uint256 secs) external {
        uint256[9] memory percents = [uint256(75), 90, 96, 99, 100, 101, 104, 112, 130];
        uint256 price = uint256(priceFeed.answer()) * percents[seed % 9] / 100;
        if (price < 500e8 || price > 8_000e8) price = START_PRICE;
        now_ += 1 + secs % 40_000;
        vm.warp(now_);
        priceFeed.push(int256(price), now_);
        volatilityFeed.push(int256((30 + seed % 120) * 1e16), now_);
        _settleExpiries();
        if (seed % 4 == 0) _list(1 + seed % 40, (price / 1e9 * 10) * 1e18, seed % 8 == 0);
    }

    // Means

    function _list(uint256 inDays, uint256 strike, bool isCall) private {
        uint256 expiry = (now_ / EXPIRY_STEP + 1 + inDays) * EXPIRY_STEP;
        // forge-lint: disable-next-line(unsafe-typecast) a test's time and strike
        try book.list(uint40(expiry), uint96(strike), isCall) returns (uint256 id) {
            series.push(id);
        } catch {}
    }

    /// @dev With everybody's positions paid out at once, so that the sums below are of what is stored.
    function _settleExpiries() private {
        uint256 last = priceFeed.latestRound();
        for (uint256 i; i < series.length; ++i) {
            uint256 expiry = series[i] >> 104;
            if (expiry > now_ || book.settlementPrice(expiry) != 0) continue;
            uint256 first = last;
            while (first > 1 && _observedAt(first - 1) >= expiry) --first;
            // forge-lint: disable-next-line(unsafe-typecast) an id of this time
            book.settleExpiry(uint40(expiry), uint80(first));
        }
        for (uint256 i; i < ACTORS; ++i) {
            book.settle(actor(i));
        }
        uint256 kept;
        for (uint256 i; i < series.length; ++i) {
            if (series[i] >> 104 > now_) series[kept++] = series[i];
        }
        while (series.length > kept) {
            series.pop();
        }
    }

    function _observedAt(uint256 roundId) private view returns (uint256 observedAt) {
        // forge-lint: disable-next-line(unsafe-typecast) a round of this test
        (,, observedAt,,) = priceFeed.getRoundData(uint80(roundId));
    }

    function _bid(uint256 who, address victim, uint256 fraction) private {
        if (victim == _actor(who)) who = who % ACTORS + 1;
        bytes memory data = abi.encodeCall(book.bid, (victim, 1 + fraction % WAD, type(int256).max, type(uint256).max));
        _act(who, data);
    }

    function _markOf(uint256 id) internal view returns (uint256) {
        try book.markOf(id) returns (uint256 mark) {
            return mark;
        } catch {
            return 0;
        }
    }

    function _pick(uint256 seed) internal view returns (uint256) {
        return series.length == 0 ? 0 : series[seed % series.length];
    }

    function _key(uint256 i) internal pure returns (uint256) {
        return 0xA11CE + i % ACTORS;
    }

    function _actor(uint256 who) internal pure returns (address) {
        return actor(who % ACTORS);
    }

    function _signed(uint256 who, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_key(who), digest);
        return abi.encodePacked(r, s, v);
    }

    function _act(uint256 who, bytes memory data) internal returns (bool) {
        return _call(who, address(book), data);
    }

    function _call(uint256 who, address target, bytes memory data) internal returns (bool ok) {
        vm.warp(now_);
        vm.prank(_actor(who));
        (ok,) = target.call(data);
        if (ok) ++succeeded;
    }

    function _config() private view returns (OptionsConfig memory c) {
        (c.collateralAsset, c.priceFeed) = (address(token), address(priceFeed));
        (c.maxPriceAge, c.maxRiskAge) = (2 hours, 6 hours);
        (c.marginPeriod, c.rampInterval) = (1 days, 1 hours);
        (c.minShock, c.maxShock) = (0.15e18, 0.15e18);
        (c.minRisk, c.maxRisk) = (0.01e18, 10e18);
        (c.minVolatility, c.maxVolatility, c.rate) = (0.05e18, 5e18, 0.05e18);
        (c.minTenor, c.maxTenor, c.expiryStep) = (1 hours, 365 days, uint32(EXPIRY_STEP));
        (c.strikeStep, c.maxStrikeRatio, c.maxPositions) = (10e18, 5, 4);
        (c.lotSize, c.maxOpenInterest) = (uint112(LOT), 100_000e18);
        (c.auctionPeriod, c.startDiscountBps, c.penaltyBps) = (900, 500, 100);
    }
}
