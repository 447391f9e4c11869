// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ILendingVault} from "../interfaces/ILendingVault.sol";
import {CollateralConfig} from "../types/LendingTypes.sol";
import {CallHarness} from "./CallHarness.sol";

/// @title Many calls of a lending vault by several accounts in one transaction
/// @dev For differential tests only.
contract LendingHarness is CallHarness {
    ILendingVault public immutable vault;
    IERC20[] private _assets;

    constructor(ILendingVault vault_, uint256 count) CallHarness(count) {
        vault = vault_;
        CollateralConfig[] memory collaterals = vault_.collateralConfigs();
        for (uint256 i; i < collaterals.length; ++i) {
            _assets.push(IERC20(collaterals[i].asset));
        }
        _assets.push(IERC20(vault_.config().debtAsset));
        for (uint256 i; i < count * _assets.length; ++i) {
            address asset = address(_assets[i % _assets.length]);
            actors[i / _assets.length].forward(
                asset, abi.encodeCall(IERC20.approve, (address(vault_), type(uint256).max))
            );
        }
    }

    function _seenBy(address account) internal view override returns (bytes memory) {
        return bytes.concat(abi.encode(vault.market()), abi.encode(vault.position(account)));
    }

    function _everything() internal view override returns (bytes32 digest) {
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
