// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IPerpMarket} from "../../interfaces/IPerpMarket.sol";
import {Margin} from "../../libraries/Margin.sol";
import {PerpMath} from "../../libraries/PerpMath.sol";
import {Vamm} from "../../libraries/Vamm.sol";
import {PerpAccount, PerpConfig, PerpState} from "../../types/PerpTypes.sol";
import {PerpViews} from "./PerpViews.sol";

/// @title A perpetual market on a proven risk: what traders and keepers do
contract PerpMarket is PerpViews {
    constructor(PerpConfig memory c) PerpViews(c) {}

    // Traders

    /// @inheritdoc IPerpMarket
    function deposit(uint256 amount, address account) external nonReentrant {
        _checkTransfer(amount, account);
        PerpState memory s = _load();
        PerpAccount memory a = _account(account);
        a.cash += int256(_takeCash(s, amount));
        _saveAccount(account, a);
        _save(s);
        emit Deposited(msg.sender, account, amount);
        _pull(amount);
    }

    /// @inheritdoc IPerpMarket
    function withdraw(uint256 amount, address receiver) external nonReentrant returns (uint256 paid) {
        _checkTransfer(amount, receiver);
        if (amount > MAX_AMOUNT / unitWad) revert AmountTooLarge(amount, MAX_AMOUNT / unitWad);
        (PerpState memory s, PerpAccount memory a) = _open(msg.sender);
        uint256 wad = amount * unitWad;
        if (a.base == 0 && a.cash < int256(wad)) revert InsufficientBalance(wad, a.cash);
        a.cash -= int256(wad);
        if (a.base != 0) {
            if (!s.priceFresh) revert PriceUnavailable();
            _checkInitialMargin(s, a);
        }
        uint256 haircut;
        (paid, haircut) = _payTrader(s, wad);
        _close(msg.sender, s, a);
        emit Withdrawn(msg.sender, receiver, paid, haircut);
        _push(receiver, paid);
    }

    /// @inheritdoc IPerpMarket
    function increase(bool isLong, uint256 quote, uint256 baseLimit, uint256 deadline)
        external
        nonReentrant
        returns (uint256 base)
    {
        _checkDeadline(deadline);
        _checkQuote(quote);
        (PerpState memory s, PerpAccount memory a) = _open(msg.sender);
        _checkMayIncrease(s, a, isLong, quote);
        (int256 skewBefore, uint256 gapBefore) = (PerpMath.net(s), _gap(s));
        base = PerpMath.open(s, a, isLong, quote);
        if (base == 0) revert ZeroAmount();
        if (isLong ? base < baseLimit : base > baseLimit) revert LimitExceeded(base, baseLimit);
        uint256 fee = PerpMath.chargeFee(s, a, quote, feeBps, protocolShareBps);
        _checkExposure(s, isLong, skewBefore, gapBefore);
        _checkMinPosition(_checkInitialMargin(s, a));
        _close(msg.sender, s, a);
        emit PositionIncreased(msg.sender, isLong, base, quote, fee, Vamm.markPrice(s.baseReserve, s.quoteReserve));
    }

    /// @inheritdoc IPerpMarket
    function decrease(uint256 maxBase, uint256 quoteLimit, uint256 deadline)
        external
        nonReentrant
        returns (uint256 base, uint256 quote)
    {
        _checkDeadline(deadline);
        if (maxBase == 0) revert ZeroAmount();
        (PerpState memory s, PerpAccount memory a) = _open(msg.sender);
        if (a.base == 0) revert NoPosition(msg.sender);
        bool isLong = a.base > 0;
        base = Math.min(maxBase, SignedMath.abs(a.base));
        quote = PerpMath.close(s, a, base);
        if (isLong ? quote < quoteLimit : quote > quoteLimit) revert LimitExceeded(quote, quoteLimit);
        uint256 fee = PerpMath.chargeFee(s, a, quote, feeBps, protocolShareBps);
        _checkRest(s, a);
        _close(msg.sender, s, a);
        emit PositionDecreased(msg.sender, isLong, base, quote, fee, Vamm.markPrice(s.baseReserve, s.quoteReserve));
    }

    // Keepers

    /// @inheritdoc IPerpMarket
    function liquidate(address account) external nonReentrant returns (uint256 base, uint256 reward) {
        if (account == msg.sender) revert SelfLiquidation(account);
        (PerpState memory s, PerpAccount memory a) = _open(account);
        base = _baseToLiquidate(s, a, account);
        uint256 quote = PerpMath.close(s, a, base);
        uint256 penalty;
        (penalty, reward) = _chargePenalty(s, a, quote);
        emit Liquidated(
            account, msg.sender, base, quote, penalty, reward, Vamm.markPrice(s.baseReserve, s.quoteReserve)
        );
        if (a.base == 0 && a.cash < 0) {
            (uint256 loss, uint256 paid) = PerpMath.absorb(s, a);
            emit BadDebt(account, loss, paid, s.deficit);
            _endUsedUp(s.fund);
        }
        _close(account, s, a);
        PerpAccount memory keeper = _account(msg.sender);
        keeper.cash += int256(reward);
        _saveAccount(msg.sender, keeper);
    }

    /// @inheritdoc IPerpMarket
    function poke() external nonReentrant {
        _save(_sync());
    }

    /// @inheritdoc IPerpMarket
    function claimFees() external nonReentrant returns (uint256 paid) {
        PerpState memory s = _sync();
        uint256 paidWad;
        (paid, paidWad) = _giveCash(s, s.protocolFees, 0);
        s.protocolFees -= paidWad;
        _save(s);
        emit FeesClaimed(paid);
        _push(feeRecipient, paid);
    }

    // Parts of them

    function _open(address account) private returns (PerpState memory s, PerpAccount memory a) {
        s = _sync();
        a = _account(account);
        PerpMath.settle(s, a);
    }

    function _close(address account, PerpState memory s, PerpAccount memory a) private {
        _saveAccount(account, a);
        _save(s);
    }

    /// @dev What a trader gets for `wad` of its cash: less its share of the deficit, rounded down to base units. Traders come
    /// before the fund: its paper gains do not hold back their cash.
    function _payTrader(PerpState memory s, uint256 wad) private view returns (uint256 amount, uint256 haircut) {
        if (s.deficit != 0) {
            uint256 claims = Math.saturatingSub(s.cash + s.deficit, s.fund + s.protocolFees);
            haircut = claims <= s.deficit ? wad : Math.mulDiv(wad, s.deficit, claims, Math.Rounding.Ceil);
        }
        uint256 paidWad;
        (amount, paidWad) = _giveCash(s, wad - haircut, s.protocolFees);
        PerpMath.credit(s, wad - paidWad);
    }

    function _checkMayIncrease(PerpState memory s, PerpAccount memory a, bool isLong, uint256 quote) private pure {
        if (!s.priceFresh) revert PriceUnavailable();
        if (!s.riskFresh) revert RiskUnavailable();
        if (s.deficit != 0) revert DeficitOutstanding(s.deficit);
        if (a.base != 0 && (a.base > 0) != isLong) revert OppositePosition(a.base);
        if (!isLong && quote >= s.quoteReserve) revert DepthExceeded(quote, s.quoteReserve);
    }

    /// @dev Caps of open interest and skew, and the mark's distance from the index, after an increase.
    function _checkExposure(PerpState memory s, bool isLong, int256 skewBefore, uint256 gapBefore) private view {
        uint256 openInterest = isLong ? s.longs : s.shorts;
        if (openInterest > maxOpenInterest) revert OpenInterestCapReached(openInterest, maxOpenInterest);
        uint256 skew = SignedMath.abs(PerpMath.net(s));
        if (skew > SignedMath.abs(skewBefore)) {
            uint256 value = Math.ceilDiv(skew * s.indexPrice, WAD);
            uint256 cap = s.fund * maxSkewFundBps / BPS;
            if (value > cap) revert SkewCapReached(value, cap);
        }
        uint256 gap = _gap(s);
        if (gap > gapBefore && gap * BPS > s.indexPrice * maxDivergenceBps) {
            revert MarkDiverged(Vamm.markPrice(s.baseReserve, s.quoteReserve), s.indexPrice);
        }
    }

    /// @dev At the index and at the reserves.
    function _checkInitialMargin(PerpState memory s, PerpAccount memory a) private view returns (uint256 notional) {
        int256 equity;
        (equity, notional) = PerpMath.valueAtIndex(a, s.indexPrice);
        (int256 closing,) = PerpMath.valueAtReserves(s, a);
        uint256 required = _initialMargin(s, a, notional);
        equity = SignedMath.min(equity, closing);
        if (equity < int256(required)) revert InsufficientMargin(equity, required);
    }

    /// @dev After a decrease: nothing may be owed, and what is left of the position has its maintenance margin.
    function _checkRest(PerpState memory s, PerpAccount memory a) private view {
        if (a.base == 0) {
            if (a.cash < 0) revert InsufficientMargin(a.cash, 0);
            return;
        }
        (int256 equity, uint256 notional) =
            s.priceFresh ? PerpMath.valueAtIndex(a, s.indexPrice) : PerpMath.valueAtReserves(s, a);
        uint256 required = s.priceFresh
            ? _maintenanceMargin(s, a, notional)
            : Math.ceilDiv(Margin.maintenanceMargin(maxMargin) * notional, WAD);
        if (equity < int256(required)) revert InsufficientMargin(equity, required);
        _checkMinPosition(notional);
    }

    /// @dev All of it below half of maintenance, or when the rest would be too small.
    function _baseToLiquidate(PerpState memory s, PerpAccount memory a, address account)
        private
        view
        returns (uint256 base)
    {
        if (a.base == 0) revert NoPosition(account);
        if (!s.priceFresh) revert PriceUnavailable();
        (int256 equity, uint256 notional) = PerpMath.valueAtIndex(a, s.indexPrice);
        uint256 required = _maintenanceMargin(s, a, notional);
        if (equity >= int256(required)) revert AccountHealthy(equity, required);
        uint256 size = SignedMath.abs(a.base);
        if (equity * 2 < int256(required)) return size;
        base = Math.ceilDiv(size * closeFactorBps, BPS);
        if ((size - base) * s.indexPrice / WAD < minPosition) base = size;
    }

    /// @dev At most what the account has left, at the index.
    function _chargePenalty(PerpState memory s, PerpAccount memory a, uint256 quote)
        private
        view
        returns (uint256 penalty, uint256 reward)
    {
        (int256 equity,) = PerpMath.valueAtIndex(a, s.indexPrice);
        penalty = Math.min(Math.ceilDiv(quote * liquidationFeeBps, BPS), equity > 0 ? uint256(equity) : 0);
        reward = penalty * liquidatorShareBps / BPS;
        a.cash -= int256(penalty);
        PerpMath.credit(s, penalty - reward);
    }

    function _gap(PerpState memory s) private pure returns (uint256) {
        uint256 mark = Vamm.markPrice(s.baseReserve, s.quoteReserve);
        return mark > s.indexPrice ? mark - s.indexPrice : s.indexPrice - mark;
    }

    function _checkMinPosition(uint256 notional) private view {
        if (notional < minPosition) revert PositionBelowMinimum(notional, minPosition);
    }

    function _checkQuote(uint256 quote) private pure {
        if (quote == 0) revert ZeroAmount();
        if (quote > MAX_AMOUNT) revert AmountTooLarge(quote, MAX_AMOUNT);
    }

    function _checkDeadline(uint256 deadline) private view {
        if (block.timestamp > deadline) revert DeadlinePassed(deadline, block.timestamp);
    }
}
