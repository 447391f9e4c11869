// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ILendingVault} from "../../interfaces/ILendingVault.sol";
import {ILiquidationBoard} from "../../interfaces/ILiquidationBoard.sol";
import {LendingMath} from "../../libraries/LendingMath.sol";
import {CollateralConfig, LendingConfig} from "../../types/LendingTypes.sol";
import {LendingViews} from "./LendingViews.sol";

/// @title What keepers do at a lending vault: warnings, alarms, auctions, bad debt
abstract contract LendingAuction is LendingViews, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    constructor(LendingConfig memory c, CollateralConfig[] memory collaterals) LendingViews(c, collaterals) {}

    /// @inheritdoc ILendingVault
    function poke(address account) external nonReentrant {
        _accrue();
        Account storage a = _accounts[account];
        Assessment memory s = _synced(a);
        if (a.borrowShares == 0 || _sales[account].startedAt != 0) return;
        if (a.alarmedAt != 0 && !_isAlarmed(a)) _endAlarm(account, a);
        _updateWarning(account, a, s);
    }

    /// @inheritdoc ILendingVault
    function sync(address asset) external nonReentrant {
        _accrue();
        uint256 i = _indexOf(asset);
        _store(i, _read(i));
    }

    /// @inheritdoc ILendingVault
    function nameBoard(address board_) external {
        if (msg.sender != boardSetter) revert NotBoardSetter(msg.sender);
        if (board != address(0)) revert BoardNamedAlready(board);
        if (board_.code.length == 0 || ILiquidationBoard(board_).vault() != address(this)) revert WrongBoard(board_);
        board = board_;
        emit BoardNamed(board_);
    }

    /// @inheritdoc ILendingVault
    function warn(address account) external nonReentrant {
        _accrue();
        Account storage a = _accounts[account];
        if (a.borrowShares == 0) revert NoDebt(account);
        if (board == address(0)) revert NoBoard();
        uint256 probability = ILiquidationBoard(board).probabilityNoOlderThan(account, maxAssessmentAge);
        if (probability >= alarmProbability) {
            a.alarmedAt = uint64(block.timestamp);
            emit AlarmRaised(account, probability);
        } else if (a.alarmedAt != 0) {
            _endAlarm(account, a);
        }
    }

    /// @inheritdoc ILendingVault
    function startAuction(address account) external nonReentrant {
        _accrue();
        Account storage a = _accounts[account];
        if (a.borrowShares == 0) revert NoDebt(account);
        Sale storage sale = _sales[account];
        if (sale.startedAt != 0 && block.timestamp <= sale.startedAt + auctionTail) {
            revert AuctionInProgress(account, sale.startedAt + auctionTail);
        }
        Assessment memory s = _synced(a);
        uint256 factor = _factor(s.weighted, s.debt);
        if (factor >= WAD) revert PositionHealthy(factor);
        uint256 endsAt = _graceEndsAt(a, s);
        if (block.timestamp < endsAt) revert GraceNotOver(account, endsAt);
        if (!s.sellable) revert PriceUnavailable(s.unpriced);
        _updateWarning(account, a, s);
        sale.startedAt = uint64(block.timestamp);
        sale.debtShares = uint192(_sharesToSell(a, factor));
        emit AuctionStarted(account, factor, _assetsOf(sale.debtShares));
        _putUpForSale(account, a, sale);
    }

    /// @inheritdoc ILendingVault
    function cancelAuction(address account) external nonReentrant {
        _accrue();
        if (_sales[account].startedAt == 0) revert NoAuction(account);
        Account storage a = _accounts[account];
        Assessment memory s = _assess(a);
        uint256 factor = _factor(s.priced, s.debt);
        if (factor < WAD) revert PositionUnhealthy(factor);
        _endSale(account, true);
        _updateWarning(account, a, s);
    }

    /// @inheritdoc ILendingVault
    function take(address account, address asset, uint256 maxCollateral, uint256 maxPrice, address recipient)
        external
        nonReentrant
        returns (uint256 amount, uint256 paid)
    {
        _checkTransfer(maxCollateral, recipient);
        _accrue();
        uint256 price;
        (amount, paid, price) = _sell(account, _indexOf(asset), maxCollateral, maxPrice);
        emit AuctionTaken(account, msg.sender, asset, recipient, amount, paid, price);
        _settleSale(account);
        _pull(debtAsset, paid);
        IERC20(asset).safeTransfer(recipient, amount);
    }

    // Parts of them

    function _sell(address account, uint256 i, uint256 maxCollateral, uint256 maxPrice)
        private
        returns (uint256 amount, uint256 paid, uint256 price)
    {
        price = _priceToTake(account, i, maxPrice);
        Sale storage sale = _sales[account];
        Account storage a = _accounts[account];
        uint256 unit = _collaterals[i].unit * WAD;
        uint256 shares = sale.debtShares;
        uint256 owed = _assetsOf(shares);
        amount = Math.min(maxCollateral, a.amounts[i]);
        paid = LendingMath.costOf(amount, price, debtUnit, unit);
        if (paid >= owed) {
            paid = owed;
            // What is owed was rounded up, so it may buy more than is for sale.
            amount = Math.min(amount, LendingMath.collateralFor(owed, price, debtUnit, unit));
        } else {
            shares = LendingMath.toSharesDown(paid, _totals.borrowAssets, _totals.borrowShares);
        }
        if (amount == 0) revert ZeroAmount();
        _takeOut(a, i, amount);
        sale.debtShares -= uint192(shares);
        _burnDebt(a, shares, paid);
    }

    function _putUpForSale(address account, Account storage a, Sale storage sale) private {
        for (uint256 i; i < _configs.length; ++i) {
            uint256 price = a.amounts[i] == 0 ? 0 : _read(i).price;
            uint256 start = Math.ceilDiv(price * WAD_PER_PRICE * auctionStartBps, BPS);
            if (sale.startPrices[i] != start) sale.startPrices[i] = uint128(start);
            if (start != 0) emit CollateralForSale(account, _configs[i].asset, a.amounts[i], start);
        }
    }

    function _updateWarning(address account, Account storage a, Assessment memory s) private {
        uint256 factor = _factor(s.weighted, s.debt);
        uint256 factorAtTarget = _factor(s.weightedAtTarget, s.debt);
        bool unhealthy = Math.min(factor, factorAtTarget) < WAD;
        if (unhealthy == (a.warnedAt != 0)) return;
        a.warnedAt = unhealthy ? uint64(block.timestamp) : 0;
        if (unhealthy) emit PositionWarned(account, factor, factorAtTarget);
        else emit WarningCleared(account, factor);
    }

    function _endAlarm(address account, Account storage a) private {
        a.alarmedAt = 0;
        emit AlarmEnded(account);
    }

    /// @dev All of the debt in a deep breach, or when the rest would be too small to be worth another auction.
    function _sharesToSell(Account storage a, uint256 factor) private view returns (uint256 shares) {
        shares = a.borrowShares;
        if (factor <= fullCloseHealthFactor) return shares;
        uint256 part = Math.ceilDiv(shares * closeFactorBps, BPS);
        if (_assetsOf(shares - part) >= minDebt) shares = part;
    }

    function _priceToTake(address account, uint256 i, uint256 maxPrice) private view returns (uint256 price) {
        Sale storage sale = _sales[account];
        if (sale.startedAt == 0) revert NoAuction(account);
        if (sale.startPrices[i] == 0) revert NotForSale(_configs[i].asset);
        price = _salePrice(sale, i);
        if (price == 0) revert AuctionExpired(sale.startedAt + auctionTail);
        if (price > maxPrice) revert PriceAboveLimit(price, maxPrice);
    }

    /// @dev After a purchase: ends an auction that has raised its debt or has nothing left, writes off what nothing is left
    /// for, and refuses to leave dust that nobody would buy.
    function _settleSale(address account) private {
        Account storage a = _accounts[account];
        Sale storage sale = _sales[account];
        if (sale.debtShares != 0 && _hasMore(a, sale)) {
            uint256 left = _assetsOf(sale.debtShares);
            if (left < minDebt) revert DebtBelowMinimum(left, minDebt);
            return;
        }
        _endSale(account, false);
        if (a.borrowShares == 0) return;
        Assessment memory s = _assess(a);
        if (s.value * BPS < s.debt) _writeOff(account, a, s.debt);
        else _updateWarning(account, a, s);
    }

    function _hasMore(Account storage a, Sale storage sale) private view returns (bool) {
        uint256 held = a.held;
        for (uint256 i; held != 0; (++i, held >>= 1)) {
            if (held & 1 != 0 && sale.startPrices[i] != 0) return true;
        }
        return false;
    }

    function _writeOff(address account, Account storage a, uint256 debt) private {
        uint256 loss = Math.min(debt, _totals.borrowAssets);
        _burnDebt(a, a.borrowShares, loss);
        uint256 fromReserve = Math.min(loss, _totals.reserve);
        _totals.reserve -= fromReserve;
        _totals.supplyAssets -= loss - fromReserve;
        _totals.badDebt += uint128(loss);
        a.badDebt = uint128(loss);
        emit BadDebtWrittenOff(account, loss, fromReserve);
    }

    // Shared with lenders' and borrowers' calls

    /// @dev Adds the interest since the last accrual to all debts, to the reserve and to what lenders own.
    function _accrue() internal {
        if (block.timestamp == _totals.accruedAt) return;
        (uint256 added, uint256 kept) = _pendingInterest();
        _totals.accruedAt = uint64(block.timestamp);
        if (added == 0) return;
        _totals.borrowAssets += added;
        _totals.reserve += kept;
        _totals.supplyAssets += added - kept;
        emit InterestAccrued(added, kept);
    }

    function _takeOut(Account storage a, uint256 i, uint256 amount) internal {
        uint256 left = a.amounts[i] - amount;
        a.amounts[i] = left;
        if (left == 0) a.held &= ~uint8(1 << i);
        _collaterals[i].total -= uint112(amount);
    }

    function _burnDebt(Account storage a, uint256 shares, uint256 assets) internal {
        a.borrowShares -= shares;
        if (a.borrowShares == 0) (a.warnedAt, a.alarmedAt, a.agreedLtv) = (0, 0, 0);
        _totals.borrowShares -= shares;
        _totals.borrowAssets = Math.saturatingSub(_totals.borrowAssets, assets);
    }

    function _endSaleIfCured(address account) internal {
        if (_sales[account].startedAt == 0) return;
        Account storage a = _accounts[account];
        Assessment memory s = _assess(a);
        if (_factor(s.priced, s.debt) < WAD) return;
        _endSale(account, true);
        _updateWarning(account, a, s);
    }

    function _endSale(address account, bool cured) internal {
        Sale storage sale = _sales[account];
        (sale.startedAt, sale.debtShares) = (0, 0);
        emit AuctionEnded(account, cured);
    }

    function _pull(IERC20 asset, uint256 amount) internal {
        uint256 balanceBefore = asset.balanceOf(address(this));
        asset.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = asset.balanceOf(address(this)) - balanceBefore;
        if (received != amount) revert TransferAmountMismatch(address(asset), received, amount);
    }

    function _checkTransfer(uint256 amount, address to) internal pure {
        if (amount == 0) revert ZeroAmount();
        if (to == address(0)) revert ZeroAddress();
    }
}
