// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IPerpMarket} from "../interfaces/IPerpMarket.sol";
import {CallHarness} from "./CallHarness.sol";

/// @title Many calls of a perpetual market by several accounts in one transaction
/// @dev For differential tests only.
contract PerpHarness is CallHarness {
    IPerpMarket public immutable market;

    constructor(IPerpMarket market_, uint256 count) CallHarness(count) {
        market = market_;
        address asset = market_.config().collateralAsset;
        for (uint256 i; i < count; ++i) {
            actors[i].forward(asset, abi.encodeCall(IERC20.approve, (address(market_), type(uint256).max)));
        }
    }

    function _seenBy(address account) internal view override returns (bytes memory) {
        return bytes.concat(abi.encode(market.state()), abi.encode(market.position(account)));
    }

    function _everything() internal view override returns (bytes32 digest) {
        IERC20 asset = IERC20(market.config().collateralAsset);
        digest = keccak256(abi.encode(market.totalFundShares(), asset.balanceOf(address(market))));
        for (uint256 i; i < actors.length; ++i) {
            address a = address(actors[i]);
            digest = keccak256(
                bytes.concat(
                    digest,
                    abi.encode(market.position(a)),
                    abi.encode(market.fundSharesOf(a), market.fundAssetsOf(a), asset.balanceOf(a))
                )
            );
        }
    }
}
