// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {OrderMatching} from "../../../contracts/consumers/matching/OrderMatching.sol";
import {RfqSettlement} from "../../../contracts/consumers/rfq/RfqSettlement.sol";
import {IOrderMatching} from "../../../contracts/interfaces/IOrderMatching.sol";
import {LogEntry, LogLeaf, Order, RestingOrder} from "../../../contracts/types/MatchingTypes.sol";
import {OptionLeg} from "../../../contracts/types/OptionTypes.sol";
import {Quote} from "../../../contracts/types/RfqTypes.sol";
import {OptionsHandler} from "./OptionsHandler.sol";
import {Vm, vm} from "./Vm.sol";

/// @title Quotes and orders of the four accounts on one options book
contract TradingHandler is OptionsHandler {
    RfqSettlement public immutable rfq;
    OrderMatching public immutable matching;

    uint256 public fills;
    uint256 public quotes;
    bool public overfilled;
    bool public unsettled;
    mapping(bytes32 digest => uint256) public filled;
    mapping(bytes32 digest => uint256) public amountOf;
    mapping(uint256 seriesId => bytes) private _books;

    constructor() {
        rfq = new RfqSettlement(book, 2_000);
        matching = new OrderMatching(book, address(this));
        for (uint256 i; i < ACTORS; ++i) {
            vm.prank(actor(i));
            book.setOperator(address(rfq), true);
            vm.prank(actor(i));
            book.setOperator(address(matching), true);
        }
    }

    function bookOf(uint256 seriesId) public view returns (RestingOrder[] memory bids, RestingOrder[] memory asks) {
        if (_books[seriesId].length != 0) {
            (bids, asks) = abi.decode(_books[seriesId], (RestingOrder[], RestingOrder[]));
        }
    }

    /// @dev A quote near the mark; sent again it must not settle.
    function quote(uint256 maker, uint256 taker, uint256 seed, uint256 amount, uint256 off) external {
        Quote memory q = _quote(maker, taker, seed, int256(1 + amount % 20_000) * int256(LOT), off);
        if (q.maker == q.taker || q.prices[0] == 0) return;
        if (seed % 2 == 0) q.legs[0].amount = -q.legs[0].amount;
        if (!_settleQuote(maker, taker, q)) return;
        ++quotes;
        if (_settleQuote(maker, taker, q)) replayed = true;
    }

    /// @dev Bought and sold at one price, a taker has no more than before.
    function roundTrip(uint256 maker, uint256 taker, uint256 seed, uint256 amount, uint256 off) external {
        Quote memory q = _quote(maker, taker, seed, int256(1 + amount % 5_000) * int256(LOT), off);
        if (q.maker == q.taker || q.prices[0] == 0) return;
        int256 before = book.accountOf(q.taker).cash;
        if (!_settleQuote(maker, taker, q)) return;
        q.legs[0].amount = -q.legs[0].amount;
        q.nonce = ++nonce;
        if (_settleQuote(maker, taker, q) && book.accountOf(q.taker).cash > before) roundTripProfit = true;
    }

    /// @dev A batch of one or two orders around the mark, committed and settled; the second one may repeat the first's nonce.
    function order(uint256 who, uint256 seed, uint256 amount, uint256 off, bool isBuy, uint256 kind) external {
        uint256 id = _pick(seed);
        uint256 mark = id == 0 ? 0 : _markOf(id);
        if (mark < 1e12) return;
        LogEntry[] memory entries = new LogEntry[](1 + kind % 2);
        uint256 price = mark * (9_000 + off % 2_001) / 10_000;
        entries[0] =
            _entry(who, Order(_actor(who), id, isBuy, price, (1 + amount % 9_000) * LOT, type(uint64).max, ++nonce));
        if (entries.length == 2) {
            uint256 used = kind % 3 == 0 ? nonce : ++nonce;
            who = who % ACTORS + kind % 5;
            Order memory second =
                Order(_actor(who), id, !isBuy, price, (1 + amount % 7_000) * LOT, type(uint64).max, used);
            entries[1] = _entry(who, second);
        }
        _run(id, entries);
    }

    function cancelResting(uint256 seed) external {
        uint256 id = _pick(seed);
        (RestingOrder[] memory bids,) = bookOf(id);
        if (bids.length == 0) return;
        uint256[] memory nonces = new uint256[](1);
        nonces[0] = bids[seed % bids.length].nonce;
        vm.prank(bids[seed % bids.length].trader);
        try matching.cancel(nonces) {} catch {}
    }

    // Means

    function _quote(uint256 maker, uint256 taker, uint256 seed, int256 amount, uint256 off)
        private
        returns (Quote memory q)
    {
        q.legs = new OptionLeg[](1);
        q.prices = new uint256[](1);
        (q.maker, q.taker) = (_actor(maker), _actor(taker));
        uint256 id = _pick(seed);
        if (id == 0) return q;
        q.legs[0] = OptionLeg(id, amount);
        q.prices[0] = _markOf(id) * (9_500 + off % 1_001) / 10_000;
        (q.expiry, q.nonce, q.maxDeviationBps) = (type(uint64).max, ++nonce, 600);
    }

    function _settleQuote(uint256 maker, uint256 taker, Quote memory q) private returns (bool) {
        bytes memory signature = _signed(maker, rfq.quoteDigest(q));
        return _call(taker, address(rfq), abi.encodeCall(rfq.settle, (q, signature, "")));
    }

    function _entry(uint256 who, Order memory o) private returns (LogEntry memory) {
        bytes32 digest = matching.orderDigest(o);
        amountOf[digest] = o.amount;
        // forge-lint: disable-next-line(unsafe-typecast) a test's time
        return LogEntry(uint64(now_), false, o, _signed(who, digest));
    }

    function _run(uint256 id, LogEntry[] memory entries) private {
        uint64 first = matching.logOf(id).committed;
        bytes32 root = _leaf(id, first, entries[0]);
        if (entries.length == 2) {
            bytes32 second = _leaf(id, first + 1, entries[1]);
            root = root < second ? keccak256(abi.encode(root, second)) : keccak256(abi.encode(second, root));
        }
        vm.warp(now_);
        matching.commit(id, first, uint64(entries.length), root);
        (RestingOrder[] memory bids, RestingOrder[] memory asks) = bookOf(id);
        vm.recordLogs();
        try matching.settle(id, entries, type(uint256).max, bids, asks) returns (uint256) {
            ++succeeded;
        } catch {
            unsettled = true;
        }
        _read(id, vm.getRecordedLogs());
    }

    function _leaf(uint256 id, uint64 index, LogEntry memory e) private view returns (bytes32) {
        bytes32 digest = matching.orderDigest(e.order);
        return matching.leafOf(LogLeaf(id, index, e.takenAt, e.isCancel, digest, keccak256(e.signature)));
    }

    function _read(uint256 id, Vm.Log[] memory logs) private {
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != address(matching)) continue;
            if (logs[i].topics[0] == IOrderMatching.OrderFilled.selector) {
                (,, bytes32 taker, bytes32 maker, uint256 amount,) =
                    abi.decode(logs[i].data, (uint64, uint64, bytes32, bytes32, uint256, uint256));
                ++fills;
                _count(taker, amount);
                _count(maker, amount);
            }
            if (logs[i].topics[0] == IOrderMatching.EntriesSettled.selector) {
                (, RestingOrder[] memory bids, RestingOrder[] memory asks) =
                    abi.decode(logs[i].data, (uint64, RestingOrder[], RestingOrder[]));
                _books[id] = abi.encode(bids, asks);
            }
        }
    }

    function _count(bytes32 digest, uint256 amount) private {
        filled[digest] += amount;
        if (filled[digest] > amountOf[digest]) overfilled = true;
    }
}
