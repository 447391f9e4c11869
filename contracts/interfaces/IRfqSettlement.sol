// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Quote} from "../types/RfqTypes.sol";

/// @title Settles signed quotes of options on an IOptionsMargin, near the proven marks only
/// @notice No owner and no funds: both accounts allow this contract as their operator on the book. A quote is signed by its
/// maker, and taken by its taker, who sends it or signs the same quote. Either all legs settle, with both accounts margined by the
/// book, or nothing does. Each leg's price must lie within maxDeviationBps of the book's mark of this block, which comes from
/// feeds of `modelId`; without marks nothing settles. The cash is the sum of amount * price, each leg rounded
/// up to the wei of what the taker pays, down of what it receives.
/// @custom:invariant a nonce of a maker settles at most once
interface IRfqSettlement {
    event QuoteSettled(
        bytes32 indexed digest, address indexed maker, address indexed taker, uint256 nonce, int256 cash
    );
    event NonceCancelled(address indexed maker, uint256 indexed nonce);

    /// @notice Thrown by the constructor without a book, or with a deviation limit of zero or above 10,000.
    error InvalidConfiguration();
    /// @notice Thrown when the block is later than the quote's expiry.
    error QuoteExpired(uint256 expiry, uint256 timestamp);
    /// @notice Thrown when legs and prices differ in number, or there are none.
    error LegsMismatch(uint256 legs, uint256 prices);
    /// @notice Thrown when maker and taker are the same.
    error SelfQuote(address account);
    /// @notice Thrown when a signature is not the account's, under EIP-712 or ERC-1271.
    error InvalidSignature(address signer, bytes32 digest);
    /// @notice Thrown when the quote was settled or cancelled.
    error NonceUsed(address maker, uint256 nonce);
    /// @notice Thrown when the quote allows more deviation than this contract.
    error DeviationTooLarge(uint256 maxDeviationBps, uint256 limit);
    /// @notice Thrown when a volatility of the book comes from another model.
    error QuoteModelMismatch(address feed, uint256 modelId, uint256 expected);
    /// @notice Thrown when a leg's price is too far from its mark.
    error PriceOutsideBand(uint256 seriesId, uint256 price, uint256 mark, uint256 maxDeviationBps);
    /// @notice Thrown when a size or a price is beyond what the arithmetic is safe for.
    error QuoteTooLarge(uint256 value, uint256 max);

    /// @notice Settles a quote.
    /// @param takerSignature Empty when the caller is the taker, or the quote names none.
    /// @return cash WAD: what the taker paid; negative: received.
    function settle(Quote calldata quote, bytes calldata makerSignature, bytes calldata takerSignature)
        external
        returns (int256 cash);

    /// @notice Makes quotes of the caller void.
    function cancel(uint256[] calldata nonces) external;

    /// @notice Whether a quote with this nonce can no longer settle.
    function isNonceUsed(address maker, uint256 nonce) external view returns (bool);

    /// @notice The EIP-712 digest that maker and taker sign.
    function quoteDigest(Quote calldata quote) external view returns (bytes32);

    /// @notice What the taker pays, WAD; negative: receives.
    function cashOf(Quote calldata quote) external pure returns (int256);
}
