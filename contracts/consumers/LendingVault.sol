// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ILendingVault} from "../interfaces/ILendingVault.sol";
import {LendingMath} from "../libraries/LendingMath.sol";
import {LendingConfig} from "../types/LendingTypes.sol";
import {LendingVaultViews} from "./LendingVaultViews.sol";

/// @title Lending against a proven volatility: everything that changes state
contract LendingVault is LendingVaultViews, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    constructor(LendingConfig memory c) LendingVaultViews(c) {}

    // Lenders

    /// @inheritdoc ILendingVault
    function supply(uint256 assets, address receiver) external nonReentrant returns (uint256 shares) {
        _checkTransfer(assets, receiver);
        _accrue();
        _checkAmount(_totals.supplyAssets + assets);
        shares = LendingMath.toSharesDown(assets, _totals.supplyAssets, _totals.supplyShares);
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
        shares = LendingMath.toSharesUp(assets, _totals.supplyAssets, _totals.supplyShares);
        _withdraw(assets, shares, receiver);
    }

    /// @inheritdoc ILendingVault
    function redeem(uint256 shares, address receiver) external nonReentrant returns (uint256 assets) {
        _checkTransfer(shares, receiver);
        _accrue();
        assets = LendingMath.toAssetsDown(shares, _totals.supplyAssets, _totals.supplyShares);
        _withdraw(assets, shares, receiver);
    }

    function _withdraw(uint256 assets, uint256 shares, address receiver) private {
        uint256 owned = _supplyShares[msg.sender];
        if (shares > owned) revert InsufficientShares(shares, owned);
        _checkLiquidity(assets);
        _supplyShares[msg.sender] = owned - shares;
        _totals.supplyShares -= shares;
        _totals.supplyAssets -= assets;
        emit Withdrawn(msg.sender, receiver, assets, shares);
        debtAsset.safeTransfer(receiver, assets);
    }

    // Borrowers

    /// @inheritdoc ILendingVault
    function addCollateral(uint256 amount, address account) external nonReentrant {
        _checkTransfer(amount, account);
        _accrue();
        Account storage a = _accounts[account];
        uint256 collateral = uint256(a.collateral) + amount;
        _checkAmount(collateral);
        a.collateral = uint112(collateral);
        _endSaleIfCured(account);
        emit CollateralAdded(msg.sender, account, amount);
        _pull(collateralAsset, amount);
    }

    /// @inheritdoc ILendingVault
    function withdrawCollateral(uint256 amount, address receiver) external nonReentrant {
        _checkTransfer(amount, receiver);
        _accrue();
        Account storage a = _accounts[msg.sender];
        if (amount > a.collateral) revert InsufficientCollateral(amount, a.collateral);
        a.collateral -= uint112(amount);
        if (a.borrowShares != 0) {
            _syncLtv();
            _checkBorrowLimit(msg.sender);
        }
        emit CollateralWithdrawn(msg.sender, receiver, amount);
        collateralAsset.safeTransfer(receiver, amount);
    }

    /// @inheritdoc ILendingVault
    function borrow(uint256 assets, address receiver) external nonReentrant returns (uint256 shares) {
        _checkTransfer(assets, receiver);
        _accrue();
        if (!_syncLtv()) revert VolatilityUnavailable();
        _checkLiquidity(assets);
        shares = LendingMath.toSharesUp(assets, _totals.borrowAssets, _totals.borrowShares);
        _totals.borrowAssets += assets;
        _totals.borrowShares += shares;
        Account storage a = _accounts[msg.sender];
        if (a.borrowShares == 0) (a.openedAt, a.badDebt) = (uint64(block.timestamp), 0);
        a.borrowShares += shares;
        uint256 debt = _checkBorrowLimit(msg.sender);
        if (debt < minDebt) revert DebtBelowMinimum(debt, minDebt);
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
        sale.debtShares = Math.saturatingSub(sale.debtShares, shares);
        if (sale.startedAt != 0 && sale.debtShares == 0) _endSale(account, false);
        else _endSaleIfCured(account);
        emit Repaid(msg.sender, account, paid, shares);
        _pull(debtAsset, paid);
    }

    // Keepers

    /// @inheritdoc ILendingVault
    function poke(address account) external nonReentrant {
        _accrue();
        _syncLtv();
        Account storage a = _accounts[account];
        if (a.borrowShares == 0 || _sales[account].startedAt != 0) return;
        (uint256 price, uint256 age) = _readPrice();
        if (price == 0 || age > maxPriceAge) return;
        _updateWarning(account, price);
    }

    /// @inheritdoc ILendingVault
    function startAuction(address account) external nonReentrant {
        _accrue();
        _syncLtv();
        Account storage a = _accounts[account];
        if (a.borrowShares == 0) revert NoDebt(account);
        Sale storage sale = _sales[account];
        if (sale.startedAt != 0 && block.timestamp <= sale.startedAt + auctionTail) {
            revert AuctionInProgress(account, sale.startedAt + auctionTail);
        }
        uint256 price = _freshPrice();
        uint256 factor = _healthFactor(a, price, liquidationLtv());
        if (factor >= WAD) revert PositionHealthy(factor);
        _updateWarning(account, price);
        sale.startedAt = uint64(block.timestamp);
        sale.startPrice = uint192(Math.ceilDiv(price * WAD_PER_PRICE * auctionStartBps, BPS));
        sale.debtShares = _sharesToSell(a, factor);
        emit AuctionStarted(account, factor, _assetsOf(sale.debtShares), a.collateral, sale.startPrice);
    }

    /// @inheritdoc ILendingVault
    function cancelAuction(address account) external nonReentrant {
        _accrue();
        if (_sales[account].startedAt == 0) revert NoAuction(account);
        uint256 factor = _healthFactor(_accounts[account], _freshPrice(), liquidationLtv());
        if (factor < WAD) revert PositionUnhealthy(factor);
        _endSale(account, true);
    }

    /// @inheritdoc ILendingVault
    function take(address account, uint256 maxCollateral, uint256 maxPrice, address recipient)
        external
        nonReentrant
        returns (uint256 collateral, uint256 paid)
    {
        _checkTransfer(maxCollateral, recipient);
        _accrue();
        uint256 price = _priceToTake(account, maxPrice);
        Sale storage sale = _sales[account];
        Account storage a = _accounts[account];
        uint256 owed = _assetsOf(sale.debtShares);
        collateral = Math.min(maxCollateral, a.collateral);
        paid = LendingMath.costOf(collateral, price, debtUnit, collateralUnit * WAD);
        uint256 shares = sale.debtShares;
        if (paid >= owed) {
            paid = owed;
            // What is owed was rounded up, so it may buy more than is for sale.
            collateral = Math.min(collateral, LendingMath.collateralFor(owed, price, debtUnit, collateralUnit * WAD));
            if (collateral == 0) revert ZeroAmount();
        } else {
            shares = LendingMath.toSharesDown(paid, _totals.borrowAssets, _totals.borrowShares);
        }
        a.collateral -= uint112(collateral);
        sale.debtShares -= shares;
        _burnDebt(a, shares, paid);
        emit AuctionTaken(account, msg.sender, recipient, collateral, paid, price);
        _settleSale(account, a, sale);
        _pull(debtAsset, paid);
        collateralAsset.safeTransfer(recipient, collateral);
    }

    // Parts of them

    /// @dev Adds the interest since the last accrual to all debts and to what lenders own.
    function _accrue() private {
        if (block.timestamp == _totals.accruedAt) return;
        (uint256 added, uint256 rate) = _pendingInterest();
        _totals.accruedAt = uint64(block.timestamp);
        if (added == 0) return;
        _totals.borrowAssets += added;
        _totals.supplyAssets += added;
        emit InterestAccrued(added, rate);
    }

    /// @dev Brings the LTV in force to this block along the *stored* target, then stores the target of now: the two and their
    /// time are one slot, written together.
    function _syncLtv() private returns (bool volatilityFresh) {
        uint256 target;
        (target, volatilityFresh) = _targetLtv();
        LtvState memory old = _ltv;
        uint256 inForce = liquidationLtv();
        _ltv = LtvState(uint64(inForce), uint64(target), uint64(block.timestamp));
        if (inForce != old.inForce || target != old.target) emit LiquidationLtvUpdated(inForce, target, volatilityFresh);
    }

    function _burnDebt(Account storage a, uint256 shares, uint256 assets) private {
        a.borrowShares -= shares;
        if (a.borrowShares == 0) a.warnedAt = 0;
        _totals.borrowShares -= shares;
        _totals.borrowAssets = Math.saturatingSub(_totals.borrowAssets, assets);
    }

    function _updateWarning(address account, uint256 price) private {
        Account storage a = _accounts[account];
        uint256 factor = _healthFactor(a, price, liquidationLtv());
        uint256 factorAtTarget = _healthFactor(a, price, _ltv.target);
        bool unhealthy = Math.min(factor, factorAtTarget) < WAD;
        if (unhealthy == (a.warnedAt != 0)) return;
        a.warnedAt = unhealthy ? uint64(block.timestamp) : 0;
        if (unhealthy) emit PositionWarned(account, factor, factorAtTarget);
        else emit WarningCleared(account, factor);
    }

    /// @dev All of the debt in a deep breach, or when the rest would be too small to be worth another auction.
    function _sharesToSell(Account storage a, uint256 factor) private view returns (uint256 shares) {
        shares = a.borrowShares;
        if (factor <= fullCloseHealthFactor) return shares;
        uint256 part = Math.ceilDiv(shares * closeFactorBps, BPS);
        if (_assetsOf(shares - part) >= minDebt) shares = part;
    }

    function _priceToTake(address account, uint256 maxPrice) private view returns (uint256 price) {
        Sale storage sale = _sales[account];
        if (sale.startedAt == 0) revert NoAuction(account);
        price = _salePrice(sale);
        if (price == 0) revert AuctionExpired(sale.startedAt + auctionTail);
        if (price > maxPrice) revert PriceAboveLimit(price, maxPrice);
    }

    /// @dev After a purchase: writes off what no collateral is left for, ends the auction when it has raised its debt, and
    /// refuses to leave dust that nobody would buy.
    function _settleSale(address account, Account storage a, Sale storage sale) private {
        if (a.collateral == 0 && a.borrowShares != 0) {
            uint256 loss = Math.min(_debtOf(a), _totals.borrowAssets);
            _burnDebt(a, a.borrowShares, loss);
            _totals.supplyAssets -= loss;
            _totals.badDebt += loss;
            a.badDebt = loss;
            _endSale(account, false);
            emit BadDebtSocialised(account, loss);
        } else if (sale.debtShares == 0) {
            _endSale(account, false);
        } else {
            uint256 left = _assetsOf(sale.debtShares);
            if (left < minDebt) revert DebtBelowMinimum(left, minDebt);
        }
    }

    function _endSaleIfCured(address account) private {
        if (_sales[account].startedAt == 0) return;
        (uint256 price, uint256 age) = _readPrice();
        if (price == 0 || age > maxPriceAge) return;
        if (_healthFactor(_accounts[account], price, liquidationLtv()) >= WAD) _endSale(account, true);
    }

    function _endSale(address account, bool cured) private {
        delete _sales[account];
        emit AuctionEnded(account, cured);
    }

    /// @return debt Of the account, which is within borrowLtv of its collateral's value at a fresh price, and not for sale.
    function _checkBorrowLimit(address account) private view returns (uint256 debt) {
        Sale storage sale = _sales[account];
        if (sale.startedAt != 0) revert AuctionInProgress(account, sale.startedAt + auctionTail);
        Account storage a = _accounts[account];
        debt = _debtOf(a);
        uint256 limit = _borrowLimit(a, _freshPrice(), _ltv.target);
        if (debt > limit) revert BorrowLimitExceeded(debt, limit);
    }

    function _checkLiquidity(uint256 assets) private view {
        uint256 idle = _totals.supplyAssets - _totals.borrowAssets;
        if (assets > idle) revert InsufficientLiquidity(assets, idle);
    }

    function _checkTransfer(uint256 amount, address to) private pure {
        if (amount == 0) revert ZeroAmount();
        if (to == address(0)) revert ZeroAddress();
    }

    function _checkAmount(uint256 amount) private pure {
        if (amount > type(uint112).max) revert AmountTooLarge(amount, type(uint112).max);
    }

    function _pull(IERC20 asset, uint256 amount) private {
        uint256 balanceBefore = asset.balanceOf(address(this));
        asset.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = asset.balanceOf(address(this)) - balanceBefore;
        if (received != amount) revert TransferAmountMismatch(address(asset), received, amount);
    }
}
