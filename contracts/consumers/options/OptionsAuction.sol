// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IOptionsMargin} from "../../interfaces/IOptionsMargin.sol";
import {
    OptionAccount,
    OptionPosition,
    OptionsConfig,
    OptionsMarket,
    OptionsState,
    PortfolioRisk,
    VolatilityPillar
} from "../../types/OptionTypes.sol";
import {OptionsCash} from "./OptionsCash.sol";

/// @title The Dutch auction of an account that lacks its maintenance margin
abstract contract OptionsAuction is OptionsCash {
    /// @dev What a bid works on, in memory.
    struct Sale {
        OptionsConfig c;
        OptionsState s;
        OptionsMarket m;
        OptionAccount seller;
        OptionAccount bidder;
        uint256 loss; // |L|
        int256 equity;
        uint256 discount; // of the whole portfolio
        uint256 penalty;
    }

    constructor(OptionsConfig memory c, VolatilityPillar[] memory p) OptionsCash(c, p) {}

    /// @inheritdoc IOptionsMargin
    function startAuction(address account) external nonReentrant {
        (OptionsState memory s, OptionsMarket memory m, OptionAccount memory a) = _touch(account);
        _requireNoAuction(a, account);
        int256 margin = _requireValued(s, m, a, account);
        if (_healthy(a, margin)) revert AccountHealthy(account, margin);
        a.auctionStartedAt = block.timestamp;
        _save(account, a);
        _saveState(s);
        emit AuctionStarted(account, margin);
    }

    /// @inheritdoc IOptionsMargin
    function endAuction(address account) external nonReentrant {
        (OptionsState memory s, OptionsMarket memory m, OptionAccount memory a) = _touch(account);
        if (a.auctionStartedAt == 0) revert NoAuction(account);
        int256 margin = a.cash;
        if (a.count != 0) {
            margin = _requireValued(s, m, a, account);
            if (!_healthy(a, margin)) revert AccountUnhealthy(account, margin);
        }
        a.auctionStartedAt = 0;
        _save(account, a);
        _saveState(s);
        emit AuctionEnded(account);
    }

    /// @inheritdoc IOptionsMargin
    function bid(address account, uint256 fraction, int256 maxPrice, uint256 deadline)
        external
        nonReentrant
        returns (uint256 taken, int256 price)
    {
        if (block.timestamp > deadline) revert DeadlinePassed(deadline, block.timestamp);
        if (account == msg.sender) revert SelfTrade(account);
        if (fraction == 0 || fraction > WAD) revert FractionOutOfRange(fraction);
        Sale memory sale = _openSale(account);
        taken = Math.min(fraction, _neededFraction(sale));
        price = _take(sale, account, taken);
        if (price > maxPrice) revert LimitExceeded(price, maxPrice);
        _closeSale(sale, account);
        emit AuctionTaken(account, msg.sender, taken, price, sale.penalty);
    }

    function _openSale(address account) private returns (Sale memory sale) {
        sale.c = config();
        (sale.s, sale.m) = _synced(sale.c);
        sale.seller = _open(sale.s, account, sale.c.maxPositions);
        sale.bidder = _open(sale.s, msg.sender, sale.c.maxPositions);
        if (sale.seller.auctionStartedAt == 0) revert NoAuction(account);
        _requireNoAuction(sale.bidder, msg.sender);
        _requireNothingPending(sale.bidder, msg.sender);
        _requireNothingPending(sale.seller, account);
        if (sale.seller.count == 0) revert NoAuction(account);
        if (!sale.m.marksFresh) revert MarksUnavailable();
        (int256 margin, PortfolioRisk memory risk) = _maintenance(sale.s, sale.m, sale.seller);
        if (_healthy(sale.seller, margin)) revert AccountHealthy(account, margin);
        sale.loss = uint256(-risk.loss);
        sale.equity = risk.value + sale.seller.cash;
        sale.discount = _discount(sale);
    }

    /// @dev First from startDiscountBps to all of the equity, then to the whole loss; rounded down.
    function _discount(Sale memory sale) private view returns (uint256) {
        uint256 own = Math.min(sale.equity > 0 ? uint256(sale.equity) : 0, sale.loss);
        uint256 elapsed = block.timestamp - sale.seller.auctionStartedAt;
        uint256 period = sale.c.auctionPeriod;
        if (elapsed < period) {
            uint256 start = sale.c.startDiscountBps;
            return own * (start * period + (BPS - start) * elapsed) / (BPS * period);
        }
        return own + (sale.loss - own) * Math.min(elapsed - period, period) / period;
    }

    /// @dev Brings equity back to 1.25 L, and cash to zero; all of it when nothing less does. Rounded up.
    function _neededFraction(Sale memory sale) private pure returns (uint256) {
        int256 aim = int256(Math.ceilDiv(sale.loss * 5, 4));
        uint256 fraction = _ratio(aim - sale.equity, aim - int256(sale.discount));
        if (sale.seller.cash < 0) {
            int256 proceeds = sale.equity - sale.seller.cash - int256(sale.discount);
            fraction = Math.max(fraction, _ratio(-sale.seller.cash, proceeds));
        }
        return fraction;
    }

    function _ratio(int256 part, int256 whole) private pure returns (uint256) {
        if (whole <= 0 || part >= whole) return WAD;
        return part <= 0 ? 0 : Math.mulDiv(uint256(part), WAD, uint256(whole), Math.Rounding.Ceil);
    }

    /// @dev Moves positions, lots rounded up, and cash; the price is the mark of what moved less the discount's fraction.
    function _take(Sale memory sale, address account, uint256 fraction) private returns (int256 price) {
        OptionAccount memory a = sale.seller;
        OptionPosition[] memory moved = _copy(a).positions;
        uint256 count = a.count;
        for (uint256 i; i < count; ++i) {
            uint256 size = SignedMath.abs(moved[i].amount);
            uint256 lots = Math.ceilDiv(Math.mulDiv(size, fraction, WAD, Math.Rounding.Ceil), sale.c.lotSize);
            // forge-lint: disable-next-line(unsafe-typecast) at most the position
            int112 part = int112(int256(Math.min(size, lots * sale.c.lotSize)));
            moved[i].amount = moved[i].amount < 0 ? -part : part;
        }
        price = engine.valueOf(moved, count, sale.m) - int256(Math.mulDiv(sale.discount, fraction, WAD));
        for (uint256 i; i < count; ++i) {
            uint256 id = _idOf(moved[i]);
            _move(a, account, id, -int256(moved[i].amount));
            _move(sale.bidder, msg.sender, id, moved[i].amount);
        }
        a.cash += price;
        sale.bidder.cash -= price;
        uint256 penalty = Math.mulDiv(sale.loss * sale.c.penaltyBps / BPS, fraction, WAD);
        int256 left = sale.equity - int256(Math.mulDiv(sale.discount, fraction, WAD, Math.Rounding.Ceil));
        left = SignedMath.max(0, SignedMath.min(left, a.cash));
        sale.penalty = Math.min(penalty, uint256(left));
        a.cash -= int256(sale.penalty);
        _credit(sale.s, sale.penalty);
    }

    function _closeSale(Sale memory sale, address account) private {
        OptionAccount memory a = sale.seller;
        int256 margin;
        if (a.count != 0) (margin,) = _maintenance(sale.s, sale.m, a);
        _absorb(sale.s, a, account);
        if (a.count == 0 || _healthy(a, margin)) {
            a.auctionStartedAt = 0;
            emit AuctionEnded(account);
        }
        if (sale.bidder.cash < 0) revert NegativeCash(msg.sender, sale.bidder.cash);
        int256 bidderMargin = _initialMargin(sale.s, sale.m, sale.bidder);
        if (bidderMargin < 0) revert InsufficientMargin(msg.sender, bidderMargin);
        _save(account, a);
        _save(msg.sender, sale.bidder);
        _saveState(sale.s);
    }

    function _touch(address account)
        private
        returns (OptionsState memory s, OptionsMarket memory m, OptionAccount memory a)
    {
        OptionsConfig memory c = config();
        (s, m) = _synced(c);
        a = _open(s, account, c.maxPositions);
    }

    function _requireValued(OptionsState memory s, OptionsMarket memory m, OptionAccount memory a, address account)
        private
        view
        returns (int256 margin)
    {
        _requireNothingPending(a, account);
        if (!m.marksFresh) revert MarksUnavailable();
        (margin,) = _maintenance(s, m, a);
    }

    function _healthy(OptionAccount memory a, int256 margin) internal pure returns (bool) {
        return margin >= 0 && a.cash >= 0;
    }
}
