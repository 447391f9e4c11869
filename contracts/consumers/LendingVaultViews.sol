// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ILendingVault} from "../interfaces/ILendingVault.sol";
import {FeedReads} from "../libraries/FeedReads.sol";
import {LendingMath} from "../libraries/LendingMath.sol";
import {AuctionView, LendingConfig, MarketView, PositionView} from "../types/LendingTypes.sol";
import {LendingVaultConfig} from "./LendingVaultConfig.sol";

/// @title Lending against a proven volatility: what is stored, and everything that only reads
abstract contract LendingVaultViews is LendingVaultConfig {
    /// @dev One slot, always written as one.
    struct LtvState {
        uint64 inForce; // WAD at updatedAt
        uint64 target; // WAD, that the ramp has been moving to since
        uint64 updatedAt;
    }

    struct Account {
        uint112 collateral;
        uint64 openedAt; // first borrow of this life
        uint64 warnedAt; // of the warning now in force
        uint256 borrowShares;
        uint256 badDebt; // written off at the end of this life
    }

    struct Sale {
        uint64 startedAt; // 0: none
        uint192 startPrice; // WAD
        uint256 debtShares; // still to be raised, part of the account's borrowShares
    }

    struct Totals {
        uint256 supplyAssets;
        uint256 supplyShares;
        uint256 borrowAssets;
        uint256 borrowShares;
        uint256 badDebt;
        uint64 accruedAt;
    }

    /// @dev From a feed's 8 decimals to WAD.
    uint256 internal constant WAD_PER_PRICE = 1e10;
    uint256 private constant PRICE_UNIT = 1e8;

    LtvState internal _ltv;
    Totals internal _totals;
    mapping(address lender => uint256) internal _supplyShares;
    mapping(address account => Account) internal _accounts;
    mapping(address account => Sale) internal _sales;

    constructor(LendingConfig memory c) LendingVaultConfig(c) {
        (uint256 target, bool volatilityFresh) = _targetLtv();
        _ltv = LtvState(uint64(target), uint64(target), uint64(block.timestamp));
        _totals.accruedAt = uint64(block.timestamp);
        emit LiquidationLtvUpdated(target, target, volatilityFresh);
    }

    /// @inheritdoc ILendingVault
    function position(address account) external view returns (PositionView memory v) {
        Account storage a = _accounts[account];
        (uint256 target,) = _targetLtv();
        uint256 age;
        (v.price, age) = _readPrice();
        v.priceFresh = v.price != 0 && age <= maxPriceAge;
        v.collateral = a.collateral;
        v.debt = _debtOf(a);
        v.collateralValue = _valueOf(a, v.price);
        v.healthFactor = _healthFactor(a, v.price, liquidationLtv());
        v.healthFactorAtTarget = _healthFactor(a, v.price, target);
        v.liquidationPrice = LendingMath.liquidationPrice(
            v.collateral, v.debt, liquidationLtv(), debtUnit, collateralUnit * PRICE_UNIT
        );
        v.state = LendingMath.stateOf(
            LendingMath.PositionFacts({
                openedAt: a.openedAt,
                borrowShares: a.borrowShares,
                auctionStartedAt: _sales[account].startedAt,
                badDebt: a.badDebt,
                healthFactor: v.healthFactor,
                healthFactorAtTarget: v.healthFactorAtTarget
            })
        );
        v.openedAt = a.openedAt;
        v.warnedAt = a.warnedAt;
        v.badDebt = a.badDebt;
    }

    /// @inheritdoc ILendingVault
    function auction(address account) external view returns (AuctionView memory v) {
        Sale storage sale = _sales[account];
        if (sale.startedAt == 0) return v;
        v.startedAt = sale.startedAt;
        v.expiresAt = sale.startedAt + auctionTail;
        v.debt = _assetsOf(sale.debtShares);
        v.collateral = _accounts[account].collateral;
        v.startPrice = sale.startPrice;
        v.price = _salePrice(sale);
    }

    /// @inheritdoc ILendingVault
    function market() external view returns (MarketView memory v) {
        (v.totalSupplyAssets, v.totalBorrowAssets) = _accruedTotals();
        v.totalSupplyShares = _totals.supplyShares;
        v.totalBorrowShares = _totals.borrowShares;
        v.totalBadDebt = _totals.badDebt;
        v.utilisation = LendingMath.utilisation(v.totalBorrowAssets, v.totalSupplyAssets);
        v.borrowRate =
            LendingMath.borrowRate(v.utilisation, baseRate, kinkUtilisation, slopeBelowKink, slopeAboveKink);
        (v.volatility, v.volatilityFresh) = _readVolatility();
        v.liquidationLtv = liquidationLtv();
        v.targetLiquidationLtv = targetLiquidationLtv();
        v.borrowLtv = _borrowLtv(v.targetLiquidationLtv);
        uint256 age;
        (v.price, age) = _readPrice();
        v.priceFresh = v.price != 0 && age <= maxPriceAge;
    }

    /// @inheritdoc ILendingVault
    function healthFactor(address account) external view returns (uint256) {
        return _healthFactor(_accounts[account], _freshPrice(), liquidationLtv());
    }

    /// @inheritdoc ILendingVault
    function debtOf(address account) external view returns (uint256) {
        return _debtOf(_accounts[account]);
    }

    /// @inheritdoc ILendingVault
    function liquidationLtv() public view returns (uint256) {
        LtvState memory s = _ltv;
        return LendingMath.rampedLtv(
            s.inForce, s.target, block.timestamp - s.updatedAt, rampDownBpsPerHour, rampUpBpsPerHour
        );
    }

    /// @inheritdoc ILendingVault
    function targetLiquidationLtv() public view returns (uint256 target) {
        (target,) = _targetLtv();
    }

    /// @inheritdoc ILendingVault
    function borrowLtv() external view returns (uint256) {
        return _borrowLtv(targetLiquidationLtv());
    }

    /// @inheritdoc ILendingVault
    function maxBorrow(address account) external view returns (uint256) {
        (uint256 target, bool volatilityFresh) = _targetLtv();
        (uint256 price, uint256 age) = _readPrice();
        if (!volatilityFresh || price == 0 || age > maxPriceAge || _sales[account].startedAt != 0) return 0;
        Account storage a = _accounts[account];
        (uint256 supplied, uint256 borrowed) = _accruedTotals();
        // One less: the debt after a borrow may be rounded up once more.
        uint256 room = Math.saturatingSub(_borrowLimit(a, price, target), _debtOf(a) + 1);
        return Math.min(room, supplied - borrowed);
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
        (uint256 supplied,) = _accruedTotals();
        return LendingMath.toSharesDown(assets, supplied, _totals.supplyShares);
    }

    /// @inheritdoc ILendingVault
    function convertToAssets(uint256 shares) public view returns (uint256) {
        (uint256 supplied,) = _accruedTotals();
        return LendingMath.toAssetsDown(shares, supplied, _totals.supplyShares);
    }

    function _pendingInterest() internal view returns (uint256 added, uint256 rate) {
        uint256 used = LendingMath.utilisation(_totals.borrowAssets, _totals.supplyAssets);
        rate = LendingMath.borrowRate(used, baseRate, kinkUtilisation, slopeBelowKink, slopeAboveKink);
        added = LendingMath.interest(_totals.borrowAssets, rate, block.timestamp - _totals.accruedAt);
    }

    function _accruedTotals() internal view returns (uint256 supplyAssets, uint256 borrowAssets) {
        (uint256 added,) = _pendingInterest();
        return (_totals.supplyAssets + added, _totals.borrowAssets + added);
    }

    /// @dev Debt that `shares` stand for, with interest to this block.
    function _assetsOf(uint256 shares) internal view returns (uint256) {
        (, uint256 borrowed) = _accruedTotals();
        return LendingMath.toAssetsUp(shares, borrowed, _totals.borrowShares);
    }

    function _debtOf(Account storage a) internal view returns (uint256) {
        return a.borrowShares == 0 ? 0 : _assetsOf(a.borrowShares);
    }

    function _valueOf(Account storage a, uint256 price) internal view returns (uint256) {
        return LendingMath.collateralValue(a.collateral, price, debtUnit, collateralUnit * PRICE_UNIT);
    }

    function _healthFactor(Account storage a, uint256 price, uint256 ltv) internal view returns (uint256) {
        return LendingMath.healthFactor(_valueOf(a, price), ltv, _debtOf(a));
    }

    function _borrowLtv(uint256 target) internal view returns (uint256) {
        return Math.min(liquidationLtv(), target) - borrowMargin;
    }

    function _borrowLimit(Account storage a, uint256 price, uint256 target) internal view returns (uint256) {
        return _valueOf(a, price) * _borrowLtv(target) / WAD;
    }

    /// @dev WAD; 0 when expired.
    function _salePrice(Sale storage sale) internal view returns (uint256) {
        uint256 elapsed = block.timestamp - sale.startedAt;
        return elapsed > auctionTail ? 0 : LendingMath.auctionPrice(sale.startPrice, auctionTau, elapsed);
    }

    /// @return target The floor unless the volatility is fresh and positive.
    function _targetLtv() internal view returns (uint256 target, bool volatilityFresh) {
        uint256 volatility;
        (volatility, volatilityFresh) = _readVolatility();
        if (!volatilityFresh) return (floorLtv, false);
        uint256 haircut = uint256(liquidationBonus) + slippage;
        target = LendingMath.targetLtv(volatility, sqrtDelay, haircut, floorLtv, capLtv);
    }

    function _readVolatility() private view returns (uint256, bool) {
        _checkFeedGas();
        (bool ok, int256 answer) = FeedReads.tryAnswerNoOlderThan(volatilityFeed, maxVolatilityAge);
        return ok && answer > 0 ? (uint256(answer), true) : (0, false);
    }

    /// @return price 8 decimals; 0 when unavailable.
    /// @return age Seconds from the observation, which a feed names as `startedAt`, or from the publication where that is older.
    function _readPrice() internal view returns (uint256 price, uint256 age) {
        _checkFeedGas();
        (bool ok, int256 answer, uint256 startedAt, uint256 updatedAt) = FeedReads.tryLatestRound(priceFeed);
        if (!ok || answer <= 0 || answer > int256(uint256(type(uint64).max))) return (0, 0);
        if (startedAt > block.timestamp || updatedAt > block.timestamp) return (0, 0);
        return (uint256(answer), block.timestamp - Math.min(startedAt, updatedAt));
    }

    function _freshPrice() internal view returns (uint256 price) {
        uint256 age;
        (price, age) = _readPrice();
        if (price == 0) revert PriceUnavailable();
        if (age > maxPriceAge) revert PriceStale(age, maxPriceAge);
    }

    /// @dev A read that fails for want of gas would look like a broken feed: the caller of a poke could choose the LTV's target.
    function _checkFeedGas() private view {
        if (gasleft() < FeedReads.CALLER_GAS) revert NotEnoughGas(gasleft(), FeedReads.CALLER_GAS);
    }
}
