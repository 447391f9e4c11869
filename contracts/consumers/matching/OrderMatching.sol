// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IOptionsMargin} from "../../interfaces/IOptionsMargin.sol";
import {IOrderMatching} from "../../interfaces/IOrderMatching.sol";
import {Batch, LogEntry, Order, RestingOrder, SeriesLog} from "../../types/MatchingTypes.sol";
import {OptionLeg} from "../../types/OptionTypes.sol";
import {ScenarioMargin} from "../options/ScenarioMargin.sol";
import {MatchingBook} from "./MatchingBook.sol";
import {OrderLog} from "./OrderLog.sol";

/// @title Price-time matching of committed logs, and the settlement of its fills
/// @dev Twin: oracle/domain/matching.py.
contract OrderMatching is OrderLog, ReentrancyGuardTransient {
    using MatchingBook for MatchingBook.Side;

    /// @notice Resting orders of each side of a series, at most.
    uint256 public constant MAX_RESTING = 32;
    /// @notice Resting orders that one incoming order can meet.
    uint256 public constant MAX_TRADES = 3;
    /// @notice Gas that the checks of one entry may take, a contract's ERC-1271 included.
    uint256 public constant CHECK_GAS = 300_000;
    /// @notice Gas that one trade on the options book may take.
    uint256 public constant TRADE_GAS = 5_000_000;
    uint256 private constant MAX_VALUE = 2 ** 112 - 1;

    IOptionsMargin public immutable book;
    uint256 public immutable lotSize;

    mapping(address trader => mapping(uint256 word => uint256 bits)) private _used;
    mapping(address trader => mapping(uint256 word => uint256 bits)) private _cancelled;

    /// @dev What is on its way through one call, in memory.
    struct Run {
        uint256 seriesId;
        MatchingBook.Side bids;
        MatchingBook.Side asks;
        uint256 fills;
    }

    /// @dev Which entries of a batch are settled now.
    struct Span {
        uint64 first; // index of the batch's first entry
        uint256 start;
        uint256 end;
        bytes32[] digests;
    }

    constructor(IOptionsMargin book_, address operator_) OrderLog(operator_) {
        if (address(book_).code.length == 0) revert InvalidConfiguration();
        book = book_;
        lotSize = book_.config().lotSize;
    }

    /// @inheritdoc IOrderMatching
    function settle(
        uint256 seriesId,
        LogEntry[] calldata entries,
        uint256 count,
        RestingOrder[] calldata bids,
        RestingOrder[] calldata asks
    ) external nonReentrant returns (uint256) {
        _requireFaultless();
        Span memory span = _span(seriesId, entries, count);
        Run memory run = _load(seriesId, bids, asks, span.end - span.start);
        for (uint256 i = span.start; i < span.end; ++i) {
            _enter(run, entries[i], span.first + uint64(i), span.digests[i]);
        }
        _store(run, span.first + uint64(span.end), span.end == entries.length);
        return run.fills;
    }

    /// @inheritdoc IOrderMatching
    function cancel(uint256[] calldata nonces) external {
        for (uint256 i; i < nonces.length; ++i) {
            _set(_cancelled, msg.sender, nonces[i]);
            emit NonceCancelled(msg.sender, nonces[i]);
        }
    }

    /// @inheritdoc IOrderMatching
    function isNonceCancelled(address trader, uint256 nonce) public view returns (bool) {
        return _cancelled[trader][nonce >> 8] >> (nonce & 0xff) & 1 == 1;
    }

    /// @inheritdoc IOrderMatching
    function isNonceUsed(address trader, uint256 nonce) public view returns (bool) {
        return _used[trader][nonce >> 8] >> (nonce & 0xff) & 1 == 1;
    }

    /// @inheritdoc IOrderMatching
    function requireAcceptable(uint256 seriesId, LogEntry calldata entry) external view {
        Order calldata o = entry.order;
        if (o.seriesId != seriesId) revert SeriesMismatch(o.seriesId, seriesId);
        bytes32 digest = orderDigest(o);
        if (entry.isCancel) {
            digest = cancelDigest(digest);
        } else {
            if (o.price == 0 || o.amount == 0 || o.price > MAX_VALUE || o.amount > MAX_VALUE) {
                revert OrderOutOfRange(o.price, o.amount, MAX_VALUE);
            }
            if (o.amount % lotSize != 0) revert OrderLotMismatch(o.amount, lotSize);
            if (block.timestamp > o.expiry) revert OrderExpired(o.expiry, block.timestamp);
            if (isNonceUsed(o.trader, o.nonce) || isNonceCancelled(o.trader, o.nonce)) {
                revert NonceUsed(o.trader, o.nonce);
            }
        }
        if (!SignatureChecker.isValidSignatureNowCalldata(o.trader, digest, entry.signature)) {
            revert InvalidSignature(o.trader, digest);
        }
    }

    // One entry

    function _enter(Run memory run, LogEntry calldata entry, uint64 index, bytes32 digest) private {
        bytes memory reason = _check(run.seriesId, entry, digest);
        if (reason.length == 0 && entry.isCancel) reason = _cancelResting(run, digest);
        if (reason.length != 0) {
            emit OrderRefused(run.seriesId, index, digest, reason);
        } else if (!entry.isCancel) {
            _set(_used, entry.order.trader, entry.order.nonce);
            _place(run, _incoming(entry.order, index, digest), entry.order.isBuy);
        }
    }

    function _incoming(Order calldata o, uint64 index, bytes32 digest) private pure returns (RestingOrder memory) {
        return RestingOrder(o.trader, o.nonce, o.price, o.amount, o.expiry, index, digest);
    }

    /// @dev A check that ends without words ran out of its gas: the signature's, whose contract is not ours.
    function _check(uint256 seriesId, LogEntry calldata entry, bytes32 digest) private view returns (bytes memory) {
        _requireGas(CHECK_GAS);
        try this.requireAcceptable{gas: CHECK_GAS}(seriesId, entry) {
            return "";
        } catch (bytes memory reason) {
            if (reason.length != 0) return reason;
            return abi.encodeWithSelector(InvalidSignature.selector, entry.order.trader, digest);
        }
    }

    function _cancelResting(Run memory run, bytes32 digest) private returns (bytes memory) {
        MatchingBook.Side memory side = run.bids;
        uint256 i = side.find(digest);
        if (i == side.count) {
            side = run.asks;
            i = side.find(digest);
        }
        if (i == side.count) return abi.encodeWithSelector(OrderNotResting.selector, digest);
        emit OrderDropped(run.seriesId, side.orders[i].index, digest, "");
        side.remove(i);
        return "";
    }

    /// @dev Trades as long as prices cross; what is left rests.
    function _place(Run memory run, RestingOrder memory incoming, bool isBuy) private {
        MatchingBook.Side memory other = isBuy ? run.asks : run.bids;
        uint256 trades;
        while (incoming.amount != 0 && other.crosses(incoming.price)) {
            RestingOrder memory best = other.orders[0];
            bytes memory reason = _staleness(best);
            if (reason.length != 0) {
                _drop(run, best, reason);
                other.remove(0);
                continue;
            }
            reason = _obstacle(incoming, best, trades);
            if (reason.length != 0) return _drop(run, incoming, reason);
            ++trades;
            uint256 amount = Math.min(incoming.amount, best.amount);
            reason = _trade(run.seriesId, best, incoming.trader, amount, isBuy);
            if (reason.length == 0) {
                _fill(run, incoming, best, amount);
            } else if (_names(reason, best.trader)) {
                best.amount = 0;
                _drop(run, best, reason);
            } else {
                return _drop(run, incoming, reason);
            }
            if (best.amount == 0) other.remove(0);
        }
        if (incoming.amount != 0) _rest(run, incoming, isBuy ? run.bids : run.asks);
    }

    function _rest(Run memory run, RestingOrder memory incoming, MatchingBook.Side memory side) private {
        if (side.count < MAX_RESTING) return side.insert(incoming);
        _drop(run, incoming, abi.encodeWithSelector(BookFull.selector, side.count, MAX_RESTING));
    }

    function _fill(Run memory run, RestingOrder memory incoming, RestingOrder memory best, uint256 amount) private {
        incoming.amount -= amount;
        best.amount -= amount;
        ++run.fills;
        emit OrderFilled(run.seriesId, incoming.index, best.index, incoming.digest, best.digest, amount, best.price);
    }

    function _drop(Run memory run, RestingOrder memory order, bytes memory reason) private {
        emit OrderDropped(run.seriesId, order.index, order.digest, reason);
    }

    /// @dev What forbids a resting order to trade; empty when nothing does.
    function _staleness(RestingOrder memory o) private view returns (bytes memory) {
        if (block.timestamp > o.expiry) {
            return abi.encodeWithSelector(OrderExpired.selector, o.expiry, block.timestamp);
        }
        if (isNonceCancelled(o.trader, o.nonce)) {
            return abi.encodeWithSelector(NonceUsed.selector, o.trader, o.nonce);
        }
        return "";
    }

    function _obstacle(RestingOrder memory incoming, RestingOrder memory best, uint256 trades)
        private
        pure
        returns (bytes memory)
    {
        if (best.trader == incoming.trader) {
            return abi.encodeWithSelector(SelfTrade.selector, incoming.trader);
        }
        if (trades == MAX_TRADES) return abi.encodeWithSelector(TradeLimitReached.selector, trades);
        return "";
    }

    /// @dev At the resting order's price, rounded against the incoming one. A refusal without words is one for want of gas.
    function _trade(uint256 seriesId, RestingOrder memory best, address taker, uint256 amount, bool isBuy)
        private
        returns (bytes memory)
    {
        _requireGas(TRADE_GAS);
        OptionLeg[] memory legs = new OptionLeg[](1);
        legs[0] = OptionLeg(seriesId, isBuy ? int256(amount) : -int256(amount));
        int256 cash = -ScenarioMargin.mulFloor(-legs[0].amount, int256(best.price));
        try book.trade{gas: TRADE_GAS}(best.trader, taker, legs, cash) {
            return "";
        } catch (bytes memory reason) {
            if (reason.length != 0) return reason;
            return abi.encodeWithSelector(GasTooLow.selector, TRADE_GAS, TRADE_GAS);
        }
    }

    /// @dev Whether the first argument of an error is an account.
    function _names(bytes memory reason, address account) private pure returns (bool) {
        if (reason.length < 36) return false;
        uint256 word;
        assembly ("memory-safe") {
            word := mload(add(reason, 36))
        }
        return word == uint160(account);
    }

    // What surrounds it

    function _span(uint256 seriesId, LogEntry[] calldata entries, uint256 count)
        private
        view
        returns (Span memory span)
    {
        SeriesLog memory log = _logs[seriesId];
        Batch memory batch = _batches[seriesId][log.batchesSettled];
        if (count == 0) revert BatchSizeOutOfRange(0, MAX_BATCH);
        if (batch.count == 0) revert BatchNotCommitted(seriesId, log.batchesSettled);
        if (entries.length != batch.count) revert BatchSizeOutOfRange(entries.length, batch.count);
        bytes32 root;
        (root, span.digests) = _rootOf(seriesId, batch.first, entries);
        if (root != batch.root) revert EntriesMismatch(root, batch.root);
        (span.first, span.start) = (batch.first, log.settled - batch.first);
        span.end = Math.min(entries.length, Math.saturatingAdd(span.start, count));
    }

    function _load(uint256 seriesId, RestingOrder[] calldata bids, RestingOrder[] calldata asks, uint256 room)
        private
        view
        returns (Run memory run)
    {
        bytes32 expected = _logs[seriesId].bookHash;
        bytes32 actual = bids.length + asks.length == 0 ? bytes32(0) : keccak256(abi.encode(bids, asks));
        if (actual != expected) revert BookMismatch(actual, expected);
        run.seriesId = seriesId;
        run.bids = MatchingBook.load(bids, true, room);
        run.asks = MatchingBook.load(asks, false, room);
    }

    function _store(Run memory run, uint64 settled, bool finished) private {
        (RestingOrder[] memory bids, RestingOrder[] memory asks) = (run.bids.cut(), run.asks.cut());
        SeriesLog storage log = _logs[run.seriesId];
        log.settled = settled;
        if (finished) ++log.batchesSettled;
        log.bookHash = bids.length + asks.length == 0 ? bytes32(0) : keccak256(abi.encode(bids, asks));
        emit EntriesSettled(run.seriesId, settled, bids, asks);
    }

    function _set(mapping(address => mapping(uint256 => uint256)) storage bits, address trader, uint256 nonce) private {
        uint256 bit = 1 << (nonce & 0xff);
        uint256 word = bits[trader][nonce >> 8];
        if (word & bit != 0) revert NonceUsed(trader, nonce);
        bits[trader][nonce >> 8] = word | bit;
    }

    /// @dev All but a 64th of the gas goes with a call.
    function _requireGas(uint256 needed) private view {
        uint256 available = gasleft() * 63 / 64;
        if (available < needed + 50_000) revert GasTooLow(available, needed + 50_000);
    }
}
