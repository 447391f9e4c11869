// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {AggregatorV2V3Interface} from "../interfaces/AggregatorV2V3Interface.sol";
import {IRiskFeed} from "../interfaces/IRiskFeed.sol";

/// @title Reads of feeds that may revert, burn gas, or return too little or too much: none of it harms the caller
/// @dev Gas is capped at FEED_GAS and no more than the wanted words are copied. A caller for whom a failed read has
/// consequences must first make sure that CALLER_GAS is left, or its own caller could fail the read by starving it.
library FeedReads {
    uint256 internal constant FEED_GAS = 200_000;
    /// @dev FEED_GAS * 64 / 63, since a call gets at most 63/64 of what is left, and the cost of the call itself.
    uint256 internal constant CALLER_GAS = FEED_GAS * 64 / 63 + 10_000;

    /// @notice Fields of `latestRoundData`; not ok when the feed fails.
    function tryLatestRound(address feed)
        internal
        view
        returns (bool ok, int256 answer, uint256 startedAt, uint256 updatedAt)
    {
        bytes memory callData = abi.encodeCall(AggregatorV2V3Interface.latestRoundData, ());
        uint256[5] memory words;
        ok = _read(feed, callData, words, 160);
        (answer, startedAt, updatedAt) = (int256(words[1]), words[2], words[3]);
    }

    /// @notice The answer when its observation is at most `maxAge` seconds old; not ok when older, paused, or the feed fails.
    function tryAnswerNoOlderThan(address feed, uint256 maxAge) internal view returns (bool ok, int256 answer) {
        bytes memory callData = abi.encodeCall(IRiskFeed.latestAnswerNoOlderThan, (maxAge));
        uint256[5] memory words;
        ok = _read(feed, callData, words, 32);
        answer = int256(words[0]);
    }

    function _read(address feed, bytes memory callData, uint256[5] memory words, uint256 size)
        private
        view
        returns (bool ok)
    {
        assembly ("memory-safe") {
            ok := staticcall(FEED_GAS, feed, add(callData, 32), mload(callData), words, size)
            ok := and(ok, iszero(lt(returndatasize(), size)))
        }
    }
}
