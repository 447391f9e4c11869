// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ILendingVault} from "../../interfaces/ILendingVault.sol";
import {LendingMath} from "../../libraries/LendingMath.sol";
import {
    AuctionView,
    CollateralConfig,
    CollateralView,
    HoldingView,
    LendingConfig,
    MarketView,
    PositionView
} from "../../types/LendingTypes.sol";
import {LendingBook} from "./LendingBook.sol";

/// @title Everything of a lending vault that only reads
abstract contract LendingViews is LendingBook {
    constructor(LendingConfig memory c, CollateralConfig[] memory collaterals) LendingBook(c, collaterals) {}

    /// @inheritdoc ILendingVault
    function position(address account) external view returns (PositionView memory v) {
        Account storage a = _accounts[account];
        Sale storage sale = _sales[account];
        Assessment memory s = _assess(a);
        v.debt = s.debt;
        v.collateralValue = s.value;
        v.healthFactor = _factor(s.weighted, s.debt);
        v.healthFactorAtTarget = _factor(s.weightedAtTarget, s.debt);
        v.pricedHealthFactor = _factor(s.priced, s.debt);
        v.borrowLimit = s.borrowable / WAD;
        v.priced = s.unpriced == address(0);
        v.liquidatable = v.healthFactor < WAD && (sale.startedAt == 0 || block.timestamp > sale.startedAt + auctionTail)
            && s.sellable && _graceEndsAt(a, s) <= block.timestamp;
        v.state = LendingMath.stateOf(
            LendingMath.PositionFacts(
                a.openedAt, a.borrowShares, a.warnedAt, a.alarmedAt, sale.startedAt, a.badDebt
            )
        );
        (v.openedAt, v.warnedAt, v.alarmedAt, v.agreedLtv) = (a.openedAt, a.warnedAt, a.alarmedAt, a.agreedLtv);
        v.badDebt = a.badDebt;
    }

    /// @inheritdoc ILendingVault
    function holdings(address account) external view returns (HoldingView[] memory found) {
        Account storage a = _accounts[account];
        found = new HoldingView[](_configs.length);
        uint256 count;
        for (uint256 i; i < found.length; ++i) {
            uint256 amount = a.amounts[i];
            if (amount == 0) continue;
            Reading memory r = _read(i);
            HoldingView memory v = found[count++];
            (v.asset, v.amount) = (_configs[i].asset, amount);
            v.value = _valueOf(i, amount, r.lastPrice);
            v.liquidationLtv = LendingMath.sizedLtv(r.ltvInForce, amount, _configs[i].depth);
            v.salePrice = _salePrice(_sales[account], i);
        }
        assembly ("memory-safe") {
            mstore(found, count)
        }
    }

    /// @inheritdoc ILendingVault
    function auction(address account) external view returns (AuctionView memory v) {
        Sale storage sale = _sales[account];
        if (sale.startedAt == 0) return v;
        v.startedAt = sale.startedAt;
        v.expiresAt = sale.startedAt + auctionTail;
        v.debt = _assetsOf(sale.debtShares);
    }

    /// @inheritdoc ILendingVault
    function market() external view returns (MarketView memory v) {
        (uint256 added, uint256 kept) = _pendingInterest();
        v.totalSupplyAssets = _totals.supplyAssets + added - kept;
        v.totalSupplyShares = _totals.supplyShares;
        v.totalBorrowAssets = _totals.borrowAssets + added;
        v.totalBorrowShares = _totals.borrowShares;
        v.reserve = _totals.reserve + kept;
        v.totalBadDebt = _totals.badDebt;
        (v.utilisation, v.borrowRate) = _rates(v.totalBorrowAssets, v.totalSupplyAssets + v.reserve);
    }

    /// @inheritdoc ILendingVault
    function collateral(address asset) external view returns (CollateralView memory v) {
        uint256 i = _indexOf(asset);
        Reading memory r = _read(i);
        (v.price, v.lastPrice, v.risk, v.weight) = (r.price, r.lastPrice, r.risk, r.weight);
        (v.liquidationLtv, v.targetLiquidationLtv) = (r.ltvInForce, r.ltvTarget);
        v.borrowLtv = Math.min(r.ltvInForce, r.ltvTarget) - borrowMargin;
        v.total = _collaterals[i].total;
    }

    /// @inheritdoc ILendingVault
    function healthFactor(address account) external view returns (uint256) {
        Assessment memory s = _assess(_accounts[account]);
        if (s.unpriced != address(0)) revert PriceUnavailable(s.unpriced);
        return _factor(s.weighted, s.debt);
    }

    /// @inheritdoc ILendingVault
    function debtOf(address account) external view returns (uint256) {
        return _debtOf(_accounts[account]);
    }

    /// @inheritdoc ILendingVault
    function maxBorrow(address account) external view returns (uint256) {
        Account storage a = _accounts[account];
        if (_sales[account].startedAt != 0 || _isAlarmed(a)) return 0;
        Assessment memory s = _assess(a);
        // One less: the debt after a borrow may be rounded up once more.
        uint256 room = Math.saturatingSub(s.borrowable / WAD, s.debt + 1);
        return Math.min(room, _totals.supplyAssets + _totals.reserve - _totals.borrowAssets);
    }

    /// @inheritdoc ILendingVault
    function supplySharesOf(address lender) external view returns (uint256) {
        return _supplyShares[lender];
    }

    /// @inheritdoc ILendingVault
    function supplyAssetsOf(address lender) external view returns (uint256) {
        return convertToAssets(_supplyShares[lender]);
    }

    /// @inheritdoc ILendingVault
    function convertToShares(uint256 assets) external view returns (uint256) {
        (uint256 added, uint256 kept) = _pendingInterest();
        return LendingMath.toSharesDown(assets, _totals.supplyAssets + added - kept, _totals.supplyShares);
    }

    /// @inheritdoc ILendingVault
    function convertToAssets(uint256 shares) public view returns (uint256) {
        (uint256 added, uint256 kept) = _pendingInterest();
        return LendingMath.toAssetsDown(shares, _totals.supplyAssets + added - kept, _totals.supplyShares);
    }
}
