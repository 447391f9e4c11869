// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {RestingOrder} from "../../../contracts/types/MatchingTypes.sol";
import {OptionsState} from "../../../contracts/types/OptionTypes.sol";
import {TradingHandler} from "./TradingHandler.sol";

/// @title What holds of an options book, of quotes and of orders on it, after any sequence of calls
contract OptionsInvariants {
    TradingHandler public handler;

    function setUp() external {
        handler = new TradingHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev The handler's calls do what they are for: else every invariant would hold of nothing.
    function test_handler_quotesSettleAndOrdersFill() external {
        handler.quote(0, 1, 0, 999, 500);
        handler.roundTrip(1, 2, 0, 999, 500);
        handler.order(0, 0, 999, 1_000, true, 5);
        handler.order(1, 0, 999, 1_000, false, 8);
        assert(handler.quotes() == 1 && handler.fills() > 0 && handler.succeeded() > 4);
    }

    /// @dev Nor do its own sums end a sequence: whoever calls may be named by any number.
    function test_handler_numbersNearTheTop_areTaken() external {
        uint256 top = type(uint256).max;
        for (uint256 kind = top - 10; kind < top; ++kind) {
            handler.order(top, 0, top, 1_000, true, kind);
            handler.quote(top, kind, top, top, top);
        }
        handler.movePrice(0, 0);
        for (uint256 victim; victim < handler.ACTORS(); ++victim) {
            handler.auction(top, victim, top);
        }
    }

    /// @dev To the wei: everybody's cash, the fund's and what is on its way between settled positions is what there is.
    function invariant_cashIsConserved() external view {
        OptionsState memory s = handler.book().state();
        assert(handler.token().balanceOf(address(handler.book())) * 1e12 == s.cash);
        int256 sum = int256(uint256(s.insurance)) + s.clearing;
        for (uint256 i; i < handler.ACTORS(); ++i) {
            sum += handler.book().accountOf(handler.actor(i)).cash;
        }
        assert(int256(uint256(s.cash) + s.deficit) == sum);
        assert(s.deficit == 0 || s.insurance == 0);
    }

    function invariant_longsAreShorts() external view {
        for (uint256 i; i < handler.seriesCount(); ++i) {
            (uint256 longs, uint256 shorts) = handler.book().openInterest(handler.series(i));
            assert(longs == shorts);
        }
    }

    function invariant_quotesAndFillsOnlyOnce() external view {
        assert(!handler.replayed() && !handler.roundTripProfit());
        assert(!handler.overfilled() && !handler.unsettled());
        assert(handler.token().balanceOf(address(handler.rfq())) == 0);
        assert(handler.token().balanceOf(address(handler.matching())) == 0);
    }

    function invariant_noCrossedBookAndPriceTimeOrder() external view {
        for (uint256 i; i < handler.seriesCount(); ++i) {
            (RestingOrder[] memory bids, RestingOrder[] memory asks) = handler.bookOf(handler.series(i));
            if (bids.length != 0 && asks.length != 0) assert(bids[0].price < asks[0].price);
            _requireSorted(bids, true);
            _requireSorted(asks, false);
        }
    }

    function _requireSorted(RestingOrder[] memory side, bool isBid) private pure {
        for (uint256 i = 1; i < side.length; ++i) {
            (RestingOrder memory a, RestingOrder memory b) = (side[i - 1], side[i]);
            assert(a.amount != 0 && b.amount != 0);
            assert(a.price == b.price ? a.index < b.index : (a.price > b.price) == isBid);
        }
    }
}
