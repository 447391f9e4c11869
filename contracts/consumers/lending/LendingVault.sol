// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ILendingVault} from "../../interfaces/ILendingVault.sol";
import {LendingMath} from "../../libraries/LendingMath.sol";
import {CollateralConfig, LendingConfig} from "../../types/LendingTypes.sol";
import {LendingAuction} from "./LendingAuction.sol";

/// @title Lending against proven risks: what lenders and borrowers do
contract LendingVault is LendingAuction {
    using SafeERC20 for IERC20;

    constructor(LendingConfig memory c, CollateralConfig[] memory collaterals) LendingAuction(c, collaterals) {}

    // Lenders

    /// @inheritdoc ILendingVault
    function supply(uint256 assets, address receiver) external nonReentrant returns (uint256 shares) {
        _checkTransfer(assets, receiver);
        _accrue();
        // Each is below 2^112, so that the sum cannot overflow: more than that no token of the vault's bounds has.
        if (assets > type(uint112).max) revert AmountTooLarge(assets, type(uint112).max);
        uint256 supplied = _totals.supplyAssets;
        uint256 owned = supplied + _totals.reserve + assets;
        if (owned > type(uint112).max) revert AmountTooLarge(owned, type(uint112).max);
        uint256 total = _totals.supplyShares;
        if (total >> 128 > supplied) revert SupplyDiluted(total, supplied); // else no sum of shares overflows
        shares = LendingMath.toSharesDown(assets, supplied, total);
        if (shares == 0) revert ZeroAmount();
        _totals.supplyAssets += assets;
        _totals.supplyShares += shares;
        _supplyShares[receiver] += shares;
        emit Supplied(msg.sender, receiver, assets, shares);
        _pull(debtAsset, assets);
    }

    /// @inheritdoc ILendingVault
    function withdraw(uint256 assets, address receiver) external nonReentrant returns (uint256 shares) {
        _checkTransfer(assets, receiver);
        _accrue();
        _checkLiquidity(assets); // first: no more than there is can overflow nothing below
        shares = LendingMath.toSharesUp(assets, _totals.supplyAssets, _totals.supplyShares);
        _checkShares(shares);
        _withdraw(assets, shares, receiver);
    }

    /// @inheritdoc ILendingVault
    function redeem(uint256 shares, address receiver) external nonReentrant returns (uint256 assets) {
        _checkTransfer(shares, receiver);
        _accrue();
        _checkShares(shares);
        assets = LendingMath.toAssetsDown(shares, _totals.supplyAssets, _totals.supplyShares);
        if (assets == 0) revert ZeroAmount();
        _checkLiquidity(assets);
        _withdraw(assets, shares, receiver);
    }

    function _withdraw(uint256 assets, uint256 shares, address receiver) private {
        _supplyShares[msg.sender] -= shares;
        _totals.supplyShares -= shares;
        _totals.supplyAssets -= assets;
        emit Withdrawn(msg.sender, receiver, assets, shares);
        debtAsset.safeTransfer(receiver, assets);
    }

    // Borrowers

    /// @inheritdoc ILendingVault
    function addCollateral(address asset, uint256 amount, address account) external nonReentrant {
        _checkTransfer(amount, account);
        _accrue();
        uint256 i = _indexOf(asset);
        uint256 cap = _configs[i].supplyCap;
        if (amount > cap) revert SupplyCapExceeded(asset, amount, cap);
        uint256 total = _collaterals[i].total + amount;
        if (total > cap) revert SupplyCapExceeded(asset, total, cap);
        _collaterals[i].total = uint112(total);
        Account storage a = _accounts[account];
        if (a.amounts[i] == 0) a.held |= uint8(1 << i);
        a.amounts[i] += amount;
        _endSaleIfCured(account);
        emit CollateralAdded(msg.sender, account, asset, amount);
        _pull(IERC20(asset), amount);
    }

    /// @inheritdoc ILendingVault
    function withdrawCollateral(address asset, uint256 amount, address receiver) external nonReentrant {
        _checkTransfer(amount, receiver);
        _accrue();
        uint256 i = _indexOf(asset);
        Account storage a = _accounts[msg.sender];
        if (amount > a.amounts[i]) revert InsufficientCollateral(amount, a.amounts[i]);
        _takeOut(a, i, amount);
        if (a.borrowShares != 0) {
            _checkUnrestricted(a);
            Assessment memory s = _synced(a);
            _checkLimit(s, s.withdrawable, address(0));
            _agree(a, s);
        }
        emit CollateralWithdrawn(msg.sender, receiver, asset, amount);
        IERC20(asset).safeTransfer(receiver, amount);
    }

    /// @inheritdoc ILendingVault
    function borrow(uint256 assets, address receiver) external nonReentrant returns (uint256 shares) {
        _checkTransfer(assets, receiver);
        _accrue();
        _checkLiquidity(assets);
        Account storage a = _accounts[msg.sender];
        _checkUnrestricted(a);
        shares = LendingMath.toSharesUp(assets, _totals.borrowAssets, _totals.borrowShares);
        _totals.borrowAssets += assets;
        _totals.borrowShares += shares;
        if (a.borrowShares == 0) (a.openedAt, a.badDebt) = (uint64(block.timestamp), 0);
        a.borrowShares += shares;
        Assessment memory s = _synced(a);
        _checkLimit(s, s.borrowable, s.unrated);
        if (s.debt < minDebt) revert DebtBelowMinimum(s.debt, minDebt);
        _agree(a, s);
        emit Borrowed(msg.sender, receiver, assets, shares);
        debtAsset.safeTransfer(receiver, assets);
    }

    /// @inheritdoc ILendingVault
    function repay(uint256 assets, address account) external nonReentrant returns (uint256 paid) {
        _checkTransfer(assets, account);
        _accrue();
        Account storage a = _accounts[account];
        if (a.borrowShares == 0) revert NoDebt(account);
        uint256 debt = _debtOf(a);
        paid = Math.min(assets, debt);
        uint256 shares = paid == debt
            ? a.borrowShares
            : LendingMath.toSharesDown(paid, _totals.borrowAssets, _totals.borrowShares);
        _burnDebt(a, shares, paid);
        Sale storage sale = _sales[account];
        if (sale.startedAt != 0) {
            sale.debtShares = uint192(Math.saturatingSub(sale.debtShares, shares));
            if (sale.debtShares == 0) _endSale(account, false);
            else _endSaleIfCured(account);
        }
        emit Repaid(msg.sender, account, paid, shares);
        _pull(debtAsset, paid);
    }

    // Parts of them

    /// @dev The owner takes the LTVs in force as they are; within its limit a position is healthy, also at their targets.
    function _agree(Account storage a, Assessment memory s) private {
        if (a.warnedAt != 0) emit WarningCleared(msg.sender, _factor(s.weighted, s.debt));
        (a.warnedAt, a.agreedLtv) = (0, uint64(s.weighted / s.value));
    }

    /// @dev No new debt and no withdrawal during an auction or an alarm.
    function _checkUnrestricted(Account storage a) private view {
        uint256 startedAt = _sales[msg.sender].startedAt;
        if (startedAt != 0) revert AuctionInProgress(msg.sender, startedAt + auctionTail);
        if (_isAlarmed(a)) revert PositionAlarmed(msg.sender, a.alarmedAt + uint256(alarmPeriod));
    }

    function _checkLimit(Assessment memory s, uint256 weighted, address unrated) private pure {
        uint256 limit = weighted / WAD;
        if (s.debt <= limit) return;
        if (s.unpriced != address(0)) revert PriceUnavailable(s.unpriced);
        if (unrated != address(0)) revert RiskUnavailable(unrated);
        revert BorrowLimitExceeded(s.debt, limit);
    }

    function _checkShares(uint256 shares) private view {
        uint256 owned = _supplyShares[msg.sender];
        if (shares > owned) revert InsufficientShares(shares, owned);
    }

    function _checkLiquidity(uint256 assets) private view {
        uint256 idle = _totals.supplyAssets + _totals.reserve - _totals.borrowAssets;
        if (assets > idle) revert InsufficientLiquidity(assets, idle);
    }
}
