// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {PerpConfig, PerpState} from "../../types/PerpTypes.sol";
import {PerpBook} from "./PerpBook.sol";

/// @title How collateral comes into a perpetual market and leaves it
abstract contract PerpCash is PerpBook {
    using SafeERC20 for IERC20;

    /// @dev Of the collateral that is held, and of any amount in a call.
    uint256 internal constant MAX_AMOUNT = type(uint112).max;

    constructor(PerpConfig memory c) PerpBook(c) {}

    /// @dev Base units to WAD; bounds all the cash that the market may hold.
    function _takeCash(PerpState memory s, uint256 amount) internal view returns (uint256 wad) {
        if (amount > MAX_AMOUNT / unitWad) revert AmountTooLarge(amount, MAX_AMOUNT / unitWad);
        wad = amount * unitWad;
        s.cash += wad;
        if (s.cash > MAX_AMOUNT) revert AmountTooLarge(s.cash, MAX_AMOUNT);
    }

    /// @dev `wad` rounded down to what is paid in base units.
    /// @param reserved Cash that belongs to others than the one who asks.
    function _giveCash(PerpState memory s, uint256 wad, uint256 reserved)
        internal
        view
        returns (uint256 amount, uint256 paidWad)
    {
        amount = wad / unitWad;
        if (amount == 0) revert ZeroAmount();
        paidWad = amount * unitWad;
        uint256 available = s.cash > reserved ? s.cash - reserved : 0;
        if (paidWad > available) revert InsufficientLiquidity(paidWad, available);
        s.cash -= paidWad;
    }

    function _sync() internal returns (PerpState memory s) {
        int256 fundPaid;
        (s, fundPaid) = _synced();
        if (s.syncedAt == _state.syncedAt) return s;
        emit Synced(s.indexPrice, s.priceFresh, s.riskFresh, s.marginInForce, s.depthRatio, fundPaid);
    }

    function _checkTransfer(uint256 amount, address to) internal pure {
        if (amount == 0) revert ZeroAmount();
        if (to == address(0)) revert ZeroAddress();
    }

    function _pull(uint256 amount) internal {
        IERC20 asset = IERC20(collateralAsset);
        uint256 balanceBefore = asset.balanceOf(address(this));
        asset.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = asset.balanceOf(address(this)) - balanceBefore;
        if (received != amount) revert TransferAmountMismatch(address(asset), received, amount);
    }

    function _push(address to, uint256 amount) internal {
        IERC20(collateralAsset).safeTransfer(to, amount);
    }
}
