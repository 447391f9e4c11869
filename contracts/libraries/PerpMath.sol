// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {PerpAccount, PerpState} from "../types/PerpTypes.sol";
import {Vamm} from "./Vamm.sol";

/// @title A perpetual market's bookkeeping on its state in memory
/// @dev All WAD. Each amount that leaves one member of PerpState enters another, so that cash is conserved to the wei. Twin of
/// oracle/domain/perp_book.py.
library PerpMath {
    uint256 internal constant WAD = 1e18;
    uint256 internal constant BPS = 1e4;

    function net(PerpState memory s) internal pure returns (int256) {
        return int256(s.longs) - int256(s.shorts);
    }

    /// @notice Income of the fund; a deficit takes it first.
    function credit(PerpState memory s, uint256 amount) internal pure {
        uint256 cured = Math.min(s.deficit, amount);
        s.deficit -= cured;
        s.fund += amount - cured;
    }

    /// @notice Charges the premium of the last `elapsed` seconds to the side that is ahead.
    function accrueFunding(PerpState memory s, uint256 elapsed, uint256 fundingPeriod, uint256 maxPremiumBps)
        internal
        pure
    {
        if (!s.priceFresh) return;
        uint256 mark = Vamm.markPrice(s.baseReserve, s.quoteReserve);
        bool longsPay = mark > s.indexPrice;
        uint256 premium = longsPay ? mark - s.indexPrice : s.indexPrice - mark;
        premium = Math.min(premium, s.indexPrice * maxPremiumBps / BPS);
        uint256 rate = premium * elapsed / fundingPeriod;
        (uint256 payers, uint256 receivers) = longsPay ? (s.longs, s.shorts) : (s.shorts, s.longs);
        if (payers == 0 || rate == 0) return;
        uint256 received = receivers <= payers ? (receivers == 0 ? 0 : rate) : Math.mulDiv(rate, payers, receivers);
        if (longsPay) (s.fundingLong, s.fundingShort) = (s.fundingLong + int256(rate), s.fundingShort - int256(received));
        else (s.fundingShort, s.fundingLong) = (s.fundingShort + int256(rate), s.fundingLong - int256(received));
        uint256 surplus =
            Math.saturatingSub(Math.mulDiv(rate, payers, WAD), Math.mulDiv(received, receivers, WAD, Math.Rounding.Ceil));
        s.fundingEscrow -= int256(surplus);
        credit(s, surplus);
    }

    /// @notice Settles an account's funding, rounded against it.
    function settle(PerpState memory s, PerpAccount memory a) internal pure {
        if (a.base == 0) return;
        int256 index = a.base > 0 ? s.fundingLong : s.fundingShort;
        int256 owed = mulUp(SignedMath.abs(a.base), index - a.fundingIndex);
        a.fundingIndex = index;
        a.cash -= owed;
        s.fundingEscrow += owed;
    }

    /// @notice Trades `quote` into more base.
    function open(PerpState memory s, PerpAccount memory a, bool isLong, uint256 quote)
        internal
        pure
        returns (uint256 base)
    {
        base = Vamm.baseForQuote(s.baseReserve, s.quoteReserve, quote, isLong);
        if (isLong) {
            (s.baseReserve, s.quoteReserve, s.longs) = (s.baseReserve - base, s.quoteReserve + quote, s.longs + base);
            (a.base, a.cash, a.fundingIndex) = (a.base + int256(base), a.cash - int256(quote), s.fundingLong);
            s.poolQuote += int256(quote);
        } else {
            (s.baseReserve, s.quoteReserve, s.shorts) = (s.baseReserve + base, s.quoteReserve - quote, s.shorts + base);
            (a.base, a.cash, a.fundingIndex) = (a.base - int256(base), a.cash + int256(quote), s.fundingShort);
            s.poolQuote -= int256(quote);
        }
    }

    /// @notice Trades `base` of a position back.
    function close(PerpState memory s, PerpAccount memory a, uint256 base) internal pure returns (uint256 quote) {
        bool isLong = a.base > 0;
        quote = Vamm.quoteForBase(s.baseReserve, s.quoteReserve, base, isLong);
        if (isLong) {
            (s.baseReserve, s.quoteReserve, s.longs) = (s.baseReserve + base, s.quoteReserve - quote, s.longs - base);
            (a.base, a.cash) = (a.base - int256(base), a.cash + int256(quote));
            s.poolQuote -= int256(quote);
        } else {
            (s.baseReserve, s.quoteReserve, s.shorts) = (s.baseReserve - base, s.quoteReserve + quote, s.shorts - base);
            (a.base, a.cash) = (a.base + int256(base), a.cash - int256(quote));
            s.poolQuote += int256(quote);
        }
    }

    /// @notice Charges a trade's fee: the protocol's share, rounded down, and the fund's.
    function chargeFee(PerpState memory s, PerpAccount memory a, uint256 quote, uint256 feeBps, uint256 protocolShareBps)
        internal
        pure
        returns (uint256 fee)
    {
        fee = Math.ceilDiv(quote * feeBps, BPS);
        a.cash -= int256(fee);
        uint256 share = fee * protocolShareBps / BPS;
        s.protocolFees += share;
        credit(s, fee - share);
    }

    /// @notice The fund pays what a closed account owes; the rest becomes the deficit.
    /// @return loss All of it.
    /// @return paid The fund's part.
    function absorb(PerpState memory s, PerpAccount memory a) internal pure returns (uint256 loss, uint256 paid) {
        loss = uint256(-a.cash);
        paid = Math.min(loss, s.fund);
        s.fund -= paid;
        s.deficit += loss - paid;
        a.cash = 0;
    }

    /// @notice Equity at the index, rounded down, and the position's value there, rounded up.
    function valueAtIndex(PerpAccount memory a, uint256 indexPrice)
        internal
        pure
        returns (int256 equity, uint256 notional)
    {
        uint256 size = SignedMath.abs(a.base);
        notional = Math.ceilDiv(size * indexPrice, WAD);
        equity = a.cash + (a.base > 0 ? int256(size * indexPrice / WAD) : -int256(notional));
    }

    /// @notice Equity when the position is closed on the reserves now, before fees; and what the closing moves.
    function valueAtReserves(PerpState memory s, PerpAccount memory a)
        internal
        pure
        returns (int256 equity, uint256 quote)
    {
        if (a.base == 0) return (a.cash, 0);
        quote = Vamm.quoteForBase(s.baseReserve, s.quoteReserve, SignedMath.abs(a.base), a.base > 0);
        equity = a.cash + (a.base > 0 ? int256(quote) : -int256(quote));
    }

    /// @notice What changing the reserves to (b, q) at the same net position costs, rounded against the fund.
    function costOfMove(PerpState memory s, uint256 b, uint256 q) internal pure returns (int256) {
        int256 skew = net(s);
        return Vamm.closingValue(b, q, skew, true) - Vamm.closingValue(s.baseReserve, s.quoteReserve, skew, false);
    }

    /// @notice Changes the reserves at `cost` of the fund, which is at most all of it.
    function move(PerpState memory s, uint256 b, uint256 q, int256 cost) internal pure {
        (s.baseReserve, s.quoteReserve) = (b, q);
        s.poolQuote += cost;
        if (cost > 0) s.fund -= uint256(cost);
        else credit(s, uint256(-cost));
    }

    /// @notice The quote reserve that leaves `b` at the new index with what is left of the premium over the last one. A mark
    /// below half of the index or above twice, where the fund could not pay for following it, is drawn back to that.
    /// @param left WAD: share of the premium that has not faded.
    function repegged(PerpState memory s, uint256 b, uint256 newIndex, uint256 left) internal pure returns (uint256) {
        uint256 fair = s.indexPrice * s.baseReserve / WAD;
        int256 premium = (int256(s.quoteReserve) - int256(fair)) * int256(WAD) / int256(fair);
        premium = SignedMath.max(-int256(WAD / 2), SignedMath.min(int256(WAD), premium));
        uint256 newFair = newIndex * b / WAD;
        return uint256(int256(newFair) + int256(newFair) * (premium * int256(left) / int256(WAD)) / int256(WAD));
    }

    /// @notice size * perUnit / WAD, rounded up, towards more.
    function mulUp(uint256 size, int256 perUnit) internal pure returns (int256) {
        return perUnit >= 0
            ? int256(Math.mulDiv(size, uint256(perUnit), WAD, Math.Rounding.Ceil))
            : -int256(Math.mulDiv(size, uint256(-perUnit), WAD));
    }
}
