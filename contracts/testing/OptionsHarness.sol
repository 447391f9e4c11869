// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IOptionsMargin} from "../interfaces/IOptionsMargin.sol";
import {PerpActor} from "./PerpHarness.sol";

/// @title Many calls of an options book by several accounts in one transaction, with a digest of what each did
/// @dev For differential tests only. Every actor is every other's operator.
contract OptionsHarness {
    struct Step {
        uint256 actor;
        address target;
        bytes data;
    }

    /// @notice Emitted once a run: for each step keccak256(ok, keccak256(result), state, the actor's account), and after the
    /// last one the digest of every account.
    event Ran(bytes32[] digests, bytes32 last);

    IOptionsMargin public immutable book;
    PerpActor[] public actors;

    constructor(IOptionsMargin book_, uint256 count) {
        book = book_;
        address asset = book_.config().collateralAsset;
        for (uint256 i; i < count; ++i) {
            actors.push(new PerpActor());
            actors[i].forward(asset, abi.encodeCall(IERC20.approve, (address(book_), type(uint256).max)));
        }
        for (uint256 i; i < count * count; ++i) {
            address operator = address(actors[i % count]);
            actors[i / count].forward(address(book_), abi.encodeCall(IOptionsMargin.setOperator, (operator, true)));
        }
    }

    function run(Step[] calldata steps) external {
        bytes32[] memory digests = new bytes32[](steps.length);
        for (uint256 i; i < steps.length; ++i) {
            PerpActor actor = actors[steps[i].actor];
            (bool ok, bytes memory result) = actor.forward(steps[i].target, steps[i].data);
            digests[i] = keccak256(
                bytes.concat(
                    abi.encode(ok, keccak256(result)),
                    abi.encode(book.state()),
                    abi.encode(book.accountOf(address(actor)))
                )
            );
        }
        emit Ran(digests, _everything());
    }

    function _everything() private view returns (bytes32 digest) {
        IERC20 asset = IERC20(book.config().collateralAsset);
        digest = keccak256(abi.encode(asset.balanceOf(address(book))));
        for (uint256 i; i < actors.length; ++i) {
            address a = address(actors[i]);
            digest = keccak256(bytes.concat(digest, abi.encode(book.accountOf(a)), abi.encode(asset.balanceOf(a))));
        }
    }
}
