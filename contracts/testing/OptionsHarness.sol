// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IOptionsMargin} from "../interfaces/IOptionsMargin.sol";
import {CallHarness} from "./CallHarness.sol";

/// @title Many calls of an options book, and of what settles on it, by several accounts in one transaction
/// @dev For differential tests only. Every actor is every other's operator.
contract OptionsHarness is CallHarness {
    IOptionsMargin public immutable book;

    constructor(IOptionsMargin book_, uint256 count) CallHarness(count) {
        book = book_;
        address asset = book_.config().collateralAsset;
        for (uint256 i; i < count; ++i) {
            actors[i].forward(asset, abi.encodeCall(IERC20.approve, (address(book_), type(uint256).max)));
        }
        for (uint256 i; i < count * count; ++i) {
            address operator = address(actors[i % count]);
            actors[i / count].forward(address(book_), abi.encodeCall(IOptionsMargin.setOperator, (operator, true)));
        }
    }

    function _seenBy(address account) internal view override returns (bytes memory) {
        return bytes.concat(abi.encode(book.state()), abi.encode(book.accountOf(account)));
    }

    function _everything() internal view override returns (bytes32 digest) {
        IERC20 asset = IERC20(book.config().collateralAsset);
        digest = keccak256(abi.encode(asset.balanceOf(address(book))));
        for (uint256 i; i < actors.length; ++i) {
            address a = address(actors[i]);
            digest = keccak256(bytes.concat(digest, abi.encode(book.accountOf(a)), abi.encode(asset.balanceOf(a))));
        }
    }
}
