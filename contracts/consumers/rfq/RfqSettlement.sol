// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IOptionsMargin} from "../../interfaces/IOptionsMargin.sol";
import {IRfqSettlement} from "../../interfaces/IRfqSettlement.sol";
import {IRiskFeed} from "../../interfaces/IRiskFeed.sol";
import {VolatilityPillar} from "../../types/OptionTypes.sol";
import {Quote} from "../../types/RfqTypes.sol";
import {ScenarioMargin} from "../options/ScenarioMargin.sol";

/// @title Signed quotes of options, settled on chain near the proven marks
contract RfqSettlement is IRfqSettlement, EIP712 {
    bytes32 public constant LEG_TYPEHASH = keccak256("OptionLeg(uint256 seriesId,int256 amount)");
    bytes32 public constant QUOTE_TYPEHASH = keccak256(
        "Quote(address maker,address taker,OptionLeg[] legs,uint256[] prices,uint64 expiry,uint256 nonce,uint256 modelId,uint16 maxDeviationBps)OptionLeg(uint256 seriesId,int256 amount)"
    );
    uint256 private constant BPS = 1e4;
    /// @dev Of a size and a price: their product stays within the book's own limit times 2^84.
    uint256 private constant MAX_VALUE = 2 ** 112 - 1;

    IOptionsMargin public immutable book;
    /// @notice The most deviation from a mark that a quote may allow.
    uint16 public immutable deviationLimitBps;

    mapping(address maker => mapping(uint256 word => uint256 bits)) private _used;

    constructor(IOptionsMargin book_, uint16 deviationLimitBps_) EIP712("Plumbline RfqSettlement", "1") {
        if (address(book_).code.length == 0 || deviationLimitBps_ == 0 || deviationLimitBps_ > BPS) {
            revert InvalidConfiguration();
        }
        (book, deviationLimitBps) = (book_, deviationLimitBps_);
    }

    /// @inheritdoc IRfqSettlement
    function settle(Quote calldata quote, bytes calldata makerSignature, bytes calldata takerSignature)
        external
        returns (int256 cash)
    {
        address taker = quote.taker == address(0) ? msg.sender : quote.taker;
        if (block.timestamp > quote.expiry) revert QuoteExpired(quote.expiry, block.timestamp);
        if (taker == quote.maker) revert SelfQuote(taker);
        if (quote.maxDeviationBps > deviationLimitBps) {
            revert DeviationTooLarge(quote.maxDeviationBps, deviationLimitBps);
        }
        cash = cashOf(quote);
        _use(quote.maker, quote.nonce);
        bytes32 digest = quoteDigest(quote);
        _requireSigned(quote.maker, digest, makerSignature);
        if (taker != msg.sender) _requireSigned(taker, digest, takerSignature);
        _requireModel(quote.modelId);
        for (uint256 i; i < quote.legs.length; ++i) {
            _requireNearMark(quote.legs[i].seriesId, quote.prices[i], quote.maxDeviationBps);
        }
        book.trade(quote.maker, taker, quote.legs, cash);
        emit QuoteSettled(digest, quote.maker, taker, quote.nonce, cash);
    }

    /// @inheritdoc IRfqSettlement
    function cancel(uint256[] calldata nonces) external {
        for (uint256 i; i < nonces.length; ++i) {
            _use(msg.sender, nonces[i]);
            emit NonceCancelled(msg.sender, nonces[i]);
        }
    }

    /// @inheritdoc IRfqSettlement
    function isNonceUsed(address maker, uint256 nonce) external view returns (bool) {
        return _used[maker][nonce >> 8] >> (nonce & 0xff) & 1 == 1;
    }

    /// @inheritdoc IRfqSettlement
    function quoteDigest(Quote calldata quote) public view returns (bytes32) {
        bytes32[] memory legs = new bytes32[](quote.legs.length);
        for (uint256 i; i < legs.length; ++i) {
            legs[i] = keccak256(abi.encode(LEG_TYPEHASH, quote.legs[i].seriesId, quote.legs[i].amount));
        }
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    QUOTE_TYPEHASH,
                    quote.maker,
                    quote.taker,
                    keccak256(abi.encodePacked(legs)),
                    keccak256(abi.encodePacked(quote.prices)),
                    quote.expiry,
                    quote.nonce,
                    quote.modelId,
                    quote.maxDeviationBps
                )
            )
        );
    }

    /// @inheritdoc IRfqSettlement
    function cashOf(Quote calldata quote) public pure returns (int256 cash) {
        uint256 count = quote.legs.length;
        if (count == 0 || count != quote.prices.length) revert LegsMismatch(count, quote.prices.length);
        for (uint256 i; i < count; ++i) {
            (int256 amount, uint256 price) = (quote.legs[i].amount, quote.prices[i]);
            if (SignedMath.abs(amount) > MAX_VALUE) revert QuoteTooLarge(SignedMath.abs(amount), MAX_VALUE);
            if (price > MAX_VALUE) revert QuoteTooLarge(price, MAX_VALUE);
            cash -= ScenarioMargin.mulFloor(-amount, int256(price));
        }
    }

    function _use(address maker, uint256 nonce) private {
        uint256 bit = 1 << (nonce & 0xff);
        uint256 word = _used[maker][nonce >> 8];
        if (word & bit != 0) revert NonceUsed(maker, nonce);
        _used[maker][nonce >> 8] = word | bit;
    }

    function _requireSigned(address signer, bytes32 digest, bytes calldata signature) private view {
        if (!SignatureChecker.isValidSignatureNow(signer, digest, signature)) revert InvalidSignature(signer, digest);
    }

    function _requireModel(uint256 modelId) private view {
        VolatilityPillar[] memory pillars = book.pillars();
        for (uint256 i; i < pillars.length; ++i) {
            uint256 actual = IRiskFeed(pillars[i].feed).modelId();
            if (actual != modelId) revert QuoteModelMismatch(pillars[i].feed, actual, modelId);
        }
    }

    function _requireNearMark(uint256 seriesId, uint256 price, uint256 maxDeviationBps) private view {
        uint256 mark = book.markOf(seriesId);
        uint256 gap = price > mark ? price - mark : mark - price;
        if (gap * BPS > mark * maxDeviationBps) revert PriceOutsideBand(seriesId, price, mark, maxDeviationBps);
    }
}
