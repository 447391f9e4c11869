// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {OptionLeg} from "./OptionTypes.sol";

/// @notice What a market maker offers, signed off chain (EIP-712).
struct Quote {
    address maker; // an EOA, or a contract with ERC-1271
    address taker; // zero: whoever sends it
    OptionLeg[] legs; // in rising order of their series; amounts are the taker's changes, WAD
    uint256[] prices; // of each leg, for one option, WAD; not negative by type
    uint64 expiry; // unix seconds: the last block time at which it settles
    uint256 nonce; // of the maker, used once, in any order
    uint256 modelId; // that the book's volatilities must come from
    uint16 maxDeviationBps; // of each price from the proven mark
}
