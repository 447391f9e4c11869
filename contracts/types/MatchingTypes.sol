// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice What a trader signs (EIP-712): at most so many options of a series, at a price or better.
struct Order {
    address trader; // an EOA, or a contract with ERC-1271
    uint256 seriesId;
    bool isBuy;
    uint256 price; // WAD, of one option: the most that a buyer pays, the least that a seller takes
    uint256 amount; // WAD, a multiple of the book's lot
    uint64 expiry; // unix seconds: the last block time at which it trades
    uint256 nonce; // of the trader, used once, in any order
}

/// @notice One line of a series' log: an order, or its cancellation.
struct LogEntry {
    uint64 takenAt; // unix seconds, the operator's clock
    bool isCancel;
    Order order;
    bytes signature; // the trader's, over the order or its cancellation
}

/// @notice What a log's leaf is made of.
struct LogLeaf {
    uint256 seriesId;
    uint64 index; // in the series' log, from 0
    uint64 takenAt;
    bool isCancel;
    bytes32 digest; // of the order
    bytes32 signatureHash;
}

/// @notice What is left of an order in the book.
struct RestingOrder {
    address trader;
    uint256 nonce;
    uint256 price;
    uint256 amount; // left
    uint64 expiry;
    uint64 index; // of its entry: its time
    bytes32 digest;
}

/// @notice One committed batch of a series' log.
struct Batch {
    bytes32 root; // of its leaves
    uint64 first; // index of its first entry
    uint64 count;
    uint64 committedAt; // unix seconds
}

/// @notice What the operator signs (EIP-712) for every entry that it takes.
struct Receipt {
    bytes32 leaf;
    uint256 seriesId;
    uint64 index;
    uint64 commitBy; // unix seconds: the entry is committed by then
}

/// @notice Where a series stands.
struct SeriesLog {
    uint64 committed; // entries
    uint64 settled; // entries
    uint64 batches; // committed
    uint64 batchesSettled;
    bytes32 head; // hash chain over its batches
    bytes32 bookHash; // keccak256(abi.encode(bids, asks)); zero when it is empty
}
