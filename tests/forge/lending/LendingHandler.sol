// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {LendingVault} from "../../../contracts/consumers/lending/LendingVault.sol";
import {StubBoard} from "../../../contracts/testing/StubBoard.sol";
import {StubFeed} from "../../../contracts/testing/StubFeed.sol";
import {TestERC20} from "../../../contracts/testing/TestERC20.sol";
import {
    CollateralConfig,
    HoldingView,
    LendingConfig,
    PositionState,
    PositionView
} from "../../../contracts/types/LendingTypes.sol";
import {vm} from "../perp/Vm.sol";

/// @title Random but mostly sensible calls of a lending vault of two collaterals by five accounts
contract LendingHandler {
    uint256 public constant ACTORS = 5;
    uint256 private constant UNIT = 1e6;
    uint256 private constant MINTED = 1e12;

    LendingVault public immutable vault;
    TestERC20 public immutable debt = new TestERC20("Dollar", "USD", 6);
    StubBoard public immutable board;
    TestERC20[2] public tokens;
    StubFeed[2] public priceFeeds;
    StubFeed[2] public riskFeeds;

    uint256 public now_ = 1_700_000_000;
    uint256 public calls;
    uint256 public succeeded;
    uint256 public sales;
    uint256 public writeOffs;
    bool public stateSkipped;
    bool public roundTripProfit;
    bool public sharesLostWorth;
    bool public ltvJumped;
    bool public soldTooCheap;

    constructor() {
        vm.warp(now_);
        CollateralConfig[] memory collaterals = new CollateralConfig[](2);
        for (uint256 i; i < 2; ++i) {
            tokens[i] = new TestERC20("Collateral", "COL", i == 0 ? 18 : 8);
            (priceFeeds[i], riskFeeds[i]) = (new StubFeed(8), new StubFeed(18));
            priceFeeds[i].set(_startPrice(i), now_, now_);
            riskFeeds[i].set(0.6e18, now_, now_);
            collaterals[i] = _collateral(i);
        }
        vault = new LendingVault(_config(), collaterals);
        board = new StubBoard(address(vault));
        vault.nameBoard(address(board));
        for (uint256 i; i < ACTORS; ++i) {
            _fund(debt, actor(i), 6);
            _fund(tokens[0], actor(i), 18);
            _fund(tokens[1], actor(i), 8);
        }
        vm.prank(actor(0));
        vault.supply(1_000_000 * UNIT, actor(0));
    }

    function actor(uint256 i) public pure returns (address) {
        return address(uint160(0xB0000 + i));
    }

    // Calls

    function supply(uint256 who, uint256 amount) external {
        _act(who, abi.encodeCall(vault.supply, (1 + amount % (100_000 * UNIT), _actor(who))));
    }

    function redeem(uint256 who, uint256 share) external {
        uint256 shares = vault.supplySharesOf(_actor(who)) * (share % 101) / 200;
        _act(who, abi.encodeCall(vault.redeem, (shares, _actor(who))));
    }

    function addCollateral(uint256 who, uint256 which, uint256 amount) external {
        uint256 i = which % 2;
        uint256 most = i == 0 ? 50e18 : 3e8;
        _act(who, abi.encodeCall(vault.addCollateral, (address(tokens[i]), 1 + amount % most, _actor(who))));
    }

    function withdrawCollateral(uint256 who, uint256 which, uint256 share) external {
        HoldingView[] memory held = vault.holdings(_actor(who));
        if (held.length == 0) return;
        HoldingView memory h = held[which % held.length];
        _act(who, abi.encodeCall(vault.withdrawCollateral, (h.asset, h.amount * (share % 101) / 100, _actor(who))));
    }

    function borrow(uint256 who, uint256 share) external {
        uint256 room = vault.maxBorrow(_actor(who));
        _act(who, abi.encodeCall(vault.borrow, (room * (1 + share % 100) / 100, _actor(who))));
    }

    function repay(uint256 who, uint256 whose, uint256 share) external {
        uint256 owed = vault.debtOf(_actor(whose));
        _act(who, whose, abi.encodeCall(vault.repay, (owed * (1 + share % 110) / 100, _actor(whose))));
    }

    function poke(uint256 who, uint256 whose) external {
        _act(who, whose, abi.encodeCall(vault.poke, (_actor(whose))));
    }

    function warn(uint256 who, uint256 whose, uint256 probability) external {
        board.set(_actor(whose), 1 + probability % 1e18);
        _act(who, whose, abi.encodeCall(vault.warn, (_actor(whose))));
    }

    function startAuction(uint256 who, uint256 whose) public {
        for (uint256 i; i < ACTORS; ++i) {
            address account = _actor(whose % ACTORS + i);
            if (vault.debtOf(account) != 0 && vault.position(account).liquidatable) {
                if (_act(who, whose % ACTORS + i, abi.encodeCall(vault.startAuction, (account)))) ++sales;
                return;
            }
        }
    }

    function cancelAuction(uint256 who, uint256 whose) external {
        _act(who, whose, abi.encodeCall(vault.cancelAuction, (_actor(whose))));
    }

    function take(uint256 who, uint256 whose, uint256 which, uint256 share) public {
        for (uint256 i; i < ACTORS; ++i) {
            address account = _actor(whose % ACTORS + i);
            if (vault.auction(account).startedAt == 0) continue;
            HoldingView[] memory held = vault.holdings(account);
            if (held.length == 0) return;
            _take(who, whose % ACTORS + i, held[which % held.length], share);
            return;
        }
    }

    /// @dev Supplied and redeemed in one block: never more than before.
    function roundTrip(uint256 who, uint256 amount) external {
        address me = _actor(who);
        uint256 before = debt.balanceOf(me);
        uint256 shares = vault.supplySharesOf(me);
        if (!_act(who, abi.encodeCall(vault.supply, (1 + amount % (10_000 * UNIT), me)))) return;
        shares = vault.supplySharesOf(me) - shares;
        if (!_act(who, abi.encodeCall(vault.redeem, (shares, me)))) return;
        if (debt.balanceOf(me) > before) roundTripProfit = true;
    }

    /// @dev Borrowed and repaid in one block: never for less.
    function loanTrip(uint256 who, uint256 share) external {
        address me = _actor(who);
        if (vault.debtOf(me) != 0) return;
        uint256 before = debt.balanceOf(me);
        uint256 room = vault.maxBorrow(me) * (1 + share % 100) / 100;
        if (!_act(who, abi.encodeCall(vault.borrow, (room, me)))) return;
        if (!_act(who, abi.encodeCall(vault.repay, (type(uint256).max, me)))) return;
        if (debt.balanceOf(me) > before) roundTripProfit = true;
    }

    // Surroundings

    function movePrices(uint256 seed, uint256 secs) public {
        uint256[9] memory percents = [uint256(60), 82, 94, 99, 100, 101, 106, 120, 160];
        _wait(secs % 4_000);
        for (uint256 i; i < 2; ++i) {
            int256 price = priceFeeds[i].answer() * int256(percents[(seed >> (8 * i)) % 9]) / 100;
            if (price < _startPrice(i) / 20 || price > _startPrice(i) * 20) price = _startPrice(i);
            priceFeeds[i].set(price, now_, now_);
            riskFeeds[i].set(riskFeeds[i].answer(), now_, now_);
        }
    }

    /// @dev A move, somebody who was waiting for it, and a buyer.
    function moveAndSell(uint256 seed, uint256 who, uint256 share) external {
        movePrices(seed, seed >> 32);
        startAuction(who, seed >> 40);
        _wait(seed % 3_000);
        take(who, seed >> 16, seed >> 24, share);
    }

    function moveRisk(uint256 seed) external {
        uint256[7] memory percents = [uint256(0), 20, 40, 60, 90, 150, 300];
        riskFeeds[seed % 2].set(int256(percents[(seed >> 8) % 7] * 1e16), now_, now_);
    }

    function breakFeed(uint256 seed) external {
        StubFeed feed = seed % 2 == 0 ? priceFeeds[(seed >> 8) % 2] : riskFeeds[(seed >> 8) % 2];
        feed.setMode((seed >> 16) % 3 == 0 ? StubFeed.Mode.Reverting : StubFeed.Mode.Normal);
    }

    function wait(uint256 secs) external {
        _wait(secs);
    }

    // Means

    function _take(uint256 who, uint256 whose, HoldingView memory h, uint256 share) private {
        (address me, address account) = (_actor(who), _actor(whose));
        uint256 most = share % 3 == 0 ? type(uint256).max : 1 + h.amount * (share % 101) / 100;
        TestERC20 token = TestERC20(h.asset);
        (uint256 cash, uint256 got) = (debt.balanceOf(me), token.balanceOf(me));
        bytes memory data = abi.encodeCall(vault.take, (account, h.asset, most, type(uint256).max, me));
        if (!_act(who, whose, data)) return;
        if (vault.position(account).state == PositionState.Insolvent) ++writeOffs;
        (cash, got) = (cash - debt.balanceOf(me), token.balanceOf(me) - got);
        // Paid at least the price: cash * unit >= got * price.
        if (cash * 10 ** token.decimals() * 1e18 < got * h.salePrice * UNIT) soldTooCheap = true;
    }

    function _wait(uint256 secs) private {
        now_ += 1 + secs % 20_000;
        vm.warp(now_);
    }

    function _actor(uint256 who) private pure returns (address) {
        return actor(who % ACTORS);
    }

    function _act(uint256 who, bytes memory data) private returns (bool ok) {
        return _act(who, who, data);
    }

    /// @dev A call by one account on another's position; no state may be skipped, no LTV may jump, no share may lose worth.
    function _act(uint256 who, uint256 whose, bytes memory data) private returns (bool ok) {
        ++calls;
        vm.warp(now_);
        address[2] memory touched = [_actor(who), _actor(whose)];
        PositionState[2] memory before;
        uint256[2] memory ltvs;
        for (uint256 i; i < 2; ++i) {
            before[i] = vault.position(touched[i]).state;
        }
        for (uint256 i; i < 2; ++i) {
            ltvs[i] = vault.collateral(address(tokens[i])).liquidationLtv;
        }
        uint256 worth = vault.convertToAssets(1e18);
        uint256 bad = vault.market().totalBadDebt;
        vm.prank(_actor(who));
        (ok,) = address(vault).call(data);
        if (!ok) return false;
        ++succeeded;
        bool isStart = bytes4(data) == vault.startAuction.selector;
        for (uint256 i; i < 2; ++i) {
            if (!_isLegal(before[i], vault.position(touched[i]).state, isStart)) stateSkipped = true;
        }
        for (uint256 i; i < 2; ++i) {
            if (vault.collateral(address(tokens[i])).liquidationLtv != ltvs[i]) ltvJumped = true;
        }
        if (vault.market().totalBadDebt == bad && vault.convertToAssets(1e18) < worth) sharesLostWorth = true;
    }

    /// @dev startAuction stores the warning and the auction in one call.
    function _isLegal(PositionState a, PositionState b, bool isStart) private pure returns (bool) {
        if (a == b) return true;
        if (b == PositionState.Auction) return a == PositionState.Warned || (isStart && a == PositionState.Open);
        if (b == PositionState.Insolvent) return a == PositionState.Auction;
        if (b == PositionState.Warned) return a == PositionState.Open || a == PositionState.Auction;
        if (b == PositionState.Closed) {
            return a == PositionState.Open || a == PositionState.Warned || a == PositionState.Auction;
        }
        return b == PositionState.Open;
    }

    function _fund(TestERC20 token, address account, uint256 decimals) private {
        token.mint(account, MINTED * 10 ** decimals);
        vm.prank(account);
        token.approve(address(vault), type(uint256).max);
    }

    function _startPrice(uint256 i) private pure returns (int256) {
        return i == 0 ? int256(2_000e8) : int256(30_000e8);
    }

    function _collateral(uint256 i) private view returns (CollateralConfig memory c) {
        c.asset = address(tokens[i]);
        (c.priceFeed, c.riskFeed) = (address(priceFeeds[i]), address(riskFeeds[i]));
        (c.maxPriceAge, c.maxRiskAge) = (8 hours, 8 hours);
        (c.minRisk, c.maxRisk) = (0.01e18, 10e18);
        (c.liquidationBonus, c.slippage, c.depth) = (0.05e18, 0.01e18, i == 0 ? uint112(1_000e18) : uint112(50e8));
        (c.floorLtv, c.capLtv, c.supplyCap) = (0.5e18, 0.93e18, i == 0 ? uint112(2_000e18) : type(uint112).max);
    }

    function _config() private view returns (LendingConfig memory c) {
        (c.debtAsset, c.boardSetter) = (address(debt), address(this));
        (c.liquidationDelay, c.borrowMargin) = (6 hours, 0.05e18);
        (c.rampDownBpsPerHour, c.rampUpBpsPerHour, c.gracePeriod) = (50, 5, 1 hours);
        (c.alarmProbability, c.alarmPeriod, c.maxAssessmentAge) = (0.2e18, 8 hours, 8 hours);
        (c.closeFactorBps, c.fullCloseHealthFactor) = (5_000, 0.95e18);
        (c.auctionStartBps, c.auctionTau, c.auctionTail) = (10_500, 6 hours, 1 hours);
        (c.reserveBps, c.baseRate, c.kinkUtilisation) = (1_000, 0.01e18, 0.8e18);
        (c.slopeBelowKink, c.slopeAboveKink, c.minDebt) = (0.04e18, 0.6e18, uint112(100 * UNIT));
    }
}
