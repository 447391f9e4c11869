// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {RestingOrder} from "../../types/MatchingTypes.sol";

/// @title Both sides of a book in memory, each with its best order first
/// @dev Twin: oracle/domain/matching.py.
library MatchingBook {
    struct Side {
        bool isBid;
        uint256 count;
        RestingOrder[] orders; // the first `count` count
    }

    /// @notice A side with room for `room` orders more.
    function load(RestingOrder[] calldata orders, bool isBid, uint256 room) internal pure returns (Side memory side) {
        side.isBid = isBid;
        side.count = orders.length;
        side.orders = new RestingOrder[](orders.length + room);
        for (uint256 i; i < orders.length; ++i) {
            side.orders[i] = orders[i];
        }
    }

    /// @notice Whether an order on the other side at `price` trades with this side's best.
    function crosses(Side memory side, uint256 price) internal pure returns (bool) {
        if (side.count == 0) return false;
        uint256 best = side.orders[0].price;
        return side.isBid ? best >= price : best <= price;
    }

    /// @notice Puts an order behind every one of the same price or a better one.
    function insert(Side memory side, RestingOrder memory order) internal pure {
        uint256 i = side.count;
        while (i != 0 && _isBetter(side.isBid, order.price, side.orders[i - 1].price)) {
            side.orders[i] = side.orders[i - 1];
            --i;
        }
        side.orders[i] = order;
        ++side.count;
    }

    /// @notice Takes the order at `i` out.
    function remove(Side memory side, uint256 i) internal pure {
        for (--side.count; i < side.count; ++i) {
            side.orders[i] = side.orders[i + 1];
        }
    }

    /// @notice The place of an order, or `count` without it.
    function find(Side memory side, bytes32 digest) internal pure returns (uint256 i) {
        while (i < side.count && side.orders[i].digest != digest) ++i;
    }

    /// @notice The orders that count.
    function cut(Side memory side) internal pure returns (RestingOrder[] memory orders) {
        orders = side.orders;
        uint256 count = side.count;
        assembly ("memory-safe") {
            mstore(orders, count)
        }
    }

    function _isBetter(bool isBid, uint256 price, uint256 than) private pure returns (bool) {
        return isBid ? price > than : price < than;
    }
}
