// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {LogEntry, LogLeaf, Order, Receipt, RestingOrder, SeriesLog, Batch} from "../types/MatchingTypes.sol";
import {IOptionsMargin} from "./IOptionsMargin.sol";

/// @title An order book of options: kept off chain, matched again on chain, settled on an IOptionsMargin
/// @notice No owner and no funds: traders allow this contract as their operator on the options book. Each series has a log of its
/// own: signed orders and cancellations in the order in which the operator took them.
///
/// Commit, then settle. The operator commits the log in batches: the Merkle root of a batch's leaves, and a hash chain over batches.
/// Then anyone gives the batch's entries with the book of before, and this contract matches them itself, in price-time order:
/// fills are computed here, never reported. So no fill can skip a better order, none can overfill, and no crossed book can be left;
/// what the operator could still do is to leave an entry out, or to move it.
///
/// Omission and reordering. Each entry that the operator takes gets its signed receipt: leaf, index, and by when it is committed.
/// A receipt whose entry is not committed in time, or whose index was committed with another leaf, ends the operator's
/// rights for good (`challengeOverdue`, `challengeReplaced`).
///
/// Matching. An incoming order trades with the best opposite order, the earlier one at the same price, at the resting order's price, as
/// long as prices cross. The cash of a fill is rounded to the wei against the incoming order. What is left rests, up to MAX_RESTING on
/// each side; an order that has met MAX_TRADES resting orders, and would meet another, goes. A resting order that expired or was cancelled goes when an incoming one meets it. When the options book refuses a trade, the
/// order of the account that the refusal names goes, and without such a name the incoming one; the other stays. An order that meets its own
/// trader goes (the incoming one). An entry that cannot be taken (a bad signature, a used nonce, ...) changes nothing but its place
/// in the log: OrderRefused tells with which of these errors.
/// @custom:invariant after every batch the best bid is below the best ask, and both sides are in price-time order
/// @custom:invariant the fills of an order never exceed its amount; a nonce of a trader places at most one order
interface IOrderMatching {
    event BatchCommitted(
        uint256 indexed seriesId, uint64 indexed batch, bytes32 root, uint64 first, uint64 count, bytes32 head
    );
    /// @notice Emitted for each call of `settle`.
    /// @param settled Entries of the log that are settled by now.
    event EntriesSettled(uint256 indexed seriesId, uint64 settled, RestingOrder[] bids, RestingOrder[] asks);
    /// @notice Emitted for each fill; the indices are the entries' in the log, `taker` the incoming order's.
    event OrderFilled(
        uint256 indexed seriesId,
        uint64 takerIndex,
        uint64 makerIndex,
        bytes32 takerDigest,
        bytes32 makerDigest,
        uint256 amount,
        uint256 price
    );
    /// @notice Emitted for an entry that changed nothing; `reason` is an error of this interface.
    event OrderRefused(uint256 indexed seriesId, uint64 index, bytes32 digest, bytes reason);
    /// @notice Emitted when what is left of an order goes; `reason` is an error of this interface or of the options book, or
    /// empty for a cancellation in the log.
    event OrderDropped(uint256 indexed seriesId, uint64 index, bytes32 digest, bytes reason);
    event NonceCancelled(address indexed trader, uint256 indexed nonce);
    event OperatorFaulted(uint256 indexed seriesId, uint64 indexed index, bytes32 leaf);

    /// @notice Thrown by the constructor without a book or an operator.
    error InvalidConfiguration();
    /// @notice Thrown when somebody else than the operator commits.
    error NotBookOperator(address caller);
    /// @notice Thrown after a successful challenge, for ever.
    error OperatorAtFault();
    /// @notice Thrown when a batch has no entries or too many.
    error BatchSizeOutOfRange(uint256 count, uint256 max);
    /// @notice Thrown when a batch does not follow on what is committed.
    error BatchNotNext(uint256 first, uint256 expected);
    /// @notice Thrown when a batch is settled that was not committed, or again.
    error BatchNotCommitted(uint256 seriesId, uint256 batch);
    /// @notice Thrown when entries are not those that were committed.
    error EntriesMismatch(bytes32 root, bytes32 expected);
    /// @notice Thrown when the book of before is not the one that the last batch left.
    error BookMismatch(bytes32 actual, bytes32 expected);
    /// @notice Thrown when a call has not enough gas to let every check and trade run to its end.
    error GasTooLow(uint256 available, uint256 needed);
    /// @notice A reason: the entry belongs to another series.
    error SeriesMismatch(uint256 seriesId, uint256 expected);
    /// @notice A reason: price or amount is zero, or beyond what the arithmetic is safe for.
    error OrderOutOfRange(uint256 price, uint256 amount, uint256 max);
    /// @notice A reason: the amount is not a multiple of the lot.
    error OrderLotMismatch(uint256 amount, uint256 lotSize);
    /// @notice A reason: the block is later than the order's expiry.
    error OrderExpired(uint256 expiry, uint256 timestamp);
    /// @notice Thrown, or a reason, when a nonce was used by another order or cancelled.
    error NonceUsed(address trader, uint256 nonce);
    /// @notice Thrown, or a reason, when a signature is not the account's, under EIP-712 or ERC-1271.
    error InvalidSignature(address signer, bytes32 digest);
    /// @notice A reason: an order would trade with its own trader.
    error SelfTrade(address trader);
    /// @notice A reason: the side has MAX_RESTING orders.
    error BookFull(uint256 resting, uint256 max);
    /// @notice A reason: the order has met MAX_TRADES resting orders already and would meet another.
    error TradeLimitReached(uint256 trades);
    /// @notice A reason: the order to cancel is not in the book.
    error OrderNotResting(bytes32 digest);
    /// @notice Thrown when a challenge shows nothing: the receipt's time has not passed, or its index is committed.
    error NotOverdue(uint256 commitBy, uint256 committed);
    /// @notice Thrown when a challenge shows nothing: the leaf that was committed is the receipt's.
    error NotReplaced(bytes32 leaf);
    /// @notice Thrown when a leaf is not in the batch that it is said to be in.
    error LeafNotCommitted(bytes32 leaf, uint256 batch);

    /// @notice Commits the next `count` entries of a series' log, operator only.
    /// @dev Reverts: NotBookOperator, OperatorAtFault, BatchSizeOutOfRange, BatchNotNext.
    /// @return batch Its number, from 0.
    function commit(uint256 seriesId, uint64 first, uint64 count, bytes32 root) external returns (uint64 batch);

    /// @notice Matches and settles entries of the oldest batch that is not settled; anyone.
    /// @param entries All of the batch.
    /// @param count How many to settle of those that are left; all when there are fewer.
    /// @param bids The book that the last settled entry left, the best order first.
    /// @return fills Their number.
    /// @dev Reverts: OperatorAtFault, BatchNotCommitted, BatchSizeOutOfRange, EntriesMismatch, BookMismatch,
    /// GasTooLow. Takes at most CHECK_GAS + MAX_TRADES * TRADE_GAS for an entry, and what calldata and storage cost.
    function settle(
        uint256 seriesId,
        LogEntry[] calldata entries,
        uint256 count,
        RestingOrder[] calldata bids,
        RestingOrder[] calldata asks
    ) external returns (uint256 fills);

    /// @notice Makes orders of the caller void at once, whatever the log says. Reverts: NonceUsed, for one cancelled already.
    function cancel(uint256[] calldata nonces) external;

    /// @notice Ends the operator's rights by a receipt that was not honoured in time.
    /// @dev Reverts: OperatorAtFault, InvalidSignature, NotOverdue.
    function challengeOverdue(Receipt calldata receipt, bytes calldata signature) external;

    /// @notice Ends the operator's rights by a receipt whose index was committed with another leaf.
    /// @dev Reverts: OperatorAtFault, InvalidSignature, NotReplaced, LeafNotCommitted.
    function challengeReplaced(
        Receipt calldata receipt,
        bytes calldata signature,
        uint64 batch,
        LogLeaf calldata committed,
        bytes32[] calldata proof
    ) external;

    /// @notice Whether an entry could be taken now; else reverts with the reason.
    /// @dev Reverts: SeriesMismatch, OrderOutOfRange, OrderLotMismatch, OrderExpired, NonceUsed, InvalidSignature.
    function requireAcceptable(uint256 seriesId, LogEntry calldata entry) external view;

    function orderDigest(Order calldata order) external view returns (bytes32);

    /// @notice The EIP-712 digest that cancels an order.
    function cancelDigest(bytes32 orderDigest_) external view returns (bytes32);

    function receiptDigest(Receipt calldata receipt) external view returns (bytes32);

    function leafOf(LogLeaf calldata leaf) external pure returns (bytes32);

    function logOf(uint256 seriesId) external view returns (SeriesLog memory);

    function batchOf(uint256 seriesId, uint64 batch) external view returns (Batch memory);

    /// @notice Whether the trader cancelled the nonce by `cancel`.
    function isNonceCancelled(address trader, uint256 nonce) external view returns (bool);

    /// @notice Whether an order with this nonce was taken.
    function isNonceUsed(address trader, uint256 nonce) external view returns (bool);

    function book() external view returns (IOptionsMargin);

    function operator() external view returns (address);
}
