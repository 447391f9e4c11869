// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ILendingVault} from "../interfaces/ILendingVault.sol";
import {CollateralConfig} from "../types/LendingTypes.sol";
import {PerpActor} from "./PerpHarness.sol";

/// @title Many calls of a lending vault by several accounts in one transaction, with a digest of what each did
/// @dev For differential tests only.
contract LendingHarness {
    struct Step {
        uint256 actor;
        address target;
        bytes data;
    }

    /// @notice Emitted once a run: for each step keccak256(ok, keccak256(result), market, the actor's position), and after the
    /// last one the digest of everything.
    event Ran(bytes32[] digests, bytes32 last);

    ILendingVault public immutable vault;
    PerpActor[] public actors;
    IERC20[] private _assets;

    constructor(ILendingVault vault_, uint256 count) {
        vault = vault_;
        CollateralConfig[] memory collaterals = vault_.collateralConfigs();
        for (uint256 i; i < collaterals.length; ++i) {
            _assets.push(IERC20(collaterals[i].asset));
        }
        _assets.push(IERC20(vault_.config().debtAsset));
        for (uint256 i; i < count; ++i) {
            PerpActor actor = new PerpActor();
            actors.push(actor);
            for (uint256 j; j < _assets.length; ++j) {
                actor.forward(
                    address(_assets[j]), abi.encodeCall(IERC20.approve, (address(vault_), type(uint256).max))
                );
            }
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
                    abi.encode(vault.market()),
                    abi.encode(vault.position(address(actor)))
                )
            );
        }
        emit Ran(digests, _everything());
    }

    function _everything() private view returns (bytes32 digest) {
        for (uint256 i; i < _assets.length; ++i) {
            digest = keccak256(abi.encode(digest, _assets[i].balanceOf(address(vault))));
            if (i + 1 < _assets.length) {
                digest = keccak256(bytes.concat(digest, abi.encode(vault.collateral(address(_assets[i])))));
            }
        }
        for (uint256 i; i < actors.length; ++i) {
            address a = address(actors[i]);
            digest = keccak256(
                bytes.concat(
                    digest,
                    abi.encode(vault.position(a)),
                    abi.encode(vault.holdings(a)),
                    abi.encode(vault.auction(a)),
                    abi.encode(vault.supplySharesOf(a), vault.supplyAssetsOf(a), vault.maxBorrow(a))
                )
            );
            for (uint256 j; j < _assets.length; ++j) {
                digest = keccak256(abi.encode(digest, _assets[j].balanceOf(a)));
            }
        }
    }
}
