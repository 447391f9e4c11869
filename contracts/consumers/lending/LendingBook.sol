// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ILendingVault} from "../../interfaces/ILendingVault.sol";
import {LendingMath} from "../../libraries/LendingMath.sol";
import {Margin} from "../../libraries/Margin.sol";
import {RiskPolicy} from "../../libraries/RiskPolicy.sol";
import {CollateralConfig, LendingConfig} from "../../types/LendingTypes.sol";
import {LendingConfigured} from "./LendingConfigured.sol";

/// @title A lending vault's storage, what its feeds say of a collateral, and what its collaterals say of an account
abstract contract LendingBook is LendingConfigured {
    struct Collateral {
        // One slot, always written as one; LTVs are WAD and of no size.
        uint64 ltvInForce; // at syncedAt
        uint64 ltvTarget; // that the ramp has been moving to since
        uint64 syncedAt;
        uint64 lastPrice; // the last fresh one, 8 decimals
        // One more.
        uint112 total; // base units
        uint64 unit; // 10^decimals
        uint80 riskScale; // Margin.quantileScale
    }

    struct Account {
        uint64 openedAt; // first borrow of this life
        uint64 warnedAt; // of the warning now in force
        uint64 alarmedAt;
        uint64 agreedLtv; // WAD, when the owner last borrowed or withdrew
        uint256 borrowShares;
        uint128 badDebt; // written off at the end of this life
        uint8 held; // bit i: has some of collateral i
        uint256[MAX_COLLATERALS] amounts;
    }

    struct Sale {
        uint64 startedAt; // 0: none
        uint192 debtShares; // still to be raised, part of the account's borrowShares
        uint128[MAX_COLLATERALS] startPrices; // WAD; 0: not for sale
    }

    struct Totals {
        uint256 supplyAssets;
        uint256 supplyShares;
        uint256 borrowAssets;
        uint256 borrowShares;
        uint256 reserve;
        uint128 badDebt;
        uint64 accruedAt;
    }

    /// @dev A collateral as its feeds say now: `price` has 8 decimals and is 0 when absent.
    struct Reading {
        uint256 price;
        uint256 lastPrice;
        uint256 ltvInForce;
        uint256 ltvTarget;
        uint256 risk;
        uint256 weight;
    }

    /// @dev An account's sums over its collaterals: values in base units of the debt asset, all but `value` times WAD.
    struct Assessment {
        uint256 debt;
        uint256 value;
        uint256 weighted;
        uint256 weightedAtTarget;
        uint256 priced; // only what has a fresh price counts
        uint256 withdrawable; // the debt that may stay when collateral leaves
        uint256 borrowable; // the debt that a borrow may reach: over what has a risk too
        address unpriced; // one without a fresh price
        address unrated; // one without a risk
        bool sellable; // whether something has a fresh price
    }

    /// @dev From a feed's 8 decimals to WAD.
    uint256 internal constant WAD_PER_PRICE = 1e10;
    uint256 private constant PRICE_UNIT = 1e8;

    /// @inheritdoc ILendingVault
    address public board;
    Totals internal _totals;
    Collateral[MAX_COLLATERALS] internal _collaterals;
    /// @dev Index + 1.
    mapping(address asset => uint256) private _places;
    mapping(address lender => uint256) internal _supplyShares;
    mapping(address account => Account) internal _accounts;
    mapping(address account => Sale) internal _sales;

    constructor(LendingConfig memory c, CollateralConfig[] memory collaterals) LendingConfigured(c, collaterals) {
        _totals.accruedAt = uint64(block.timestamp);
        for (uint256 i; i < collaterals.length; ++i) {
            CollateralConfig memory k = collaterals[i];
            _places[k.asset] = i + 1;
            Collateral storage s = _collaterals[i];
            s.unit = uint64(_unitOf(k.asset, "asset"));
            s.riskScale = uint80(Margin.quantileScale(c.liquidationDelay, k.riskHorizon));
            Reading memory r = _read(i);
            r.ltvInForce = r.ltvTarget;
            (s.ltvInForce, s.ltvTarget) = (uint64(r.ltvTarget), uint64(r.ltvTarget));
            (s.syncedAt, s.lastPrice) = (uint64(block.timestamp), uint64(r.price));
            emit LiquidationLtvUpdated(k.asset, r.ltvTarget, r.ltvTarget, r.risk != 0);
        }
    }

    // Collaterals

    function _indexOf(address asset) internal view returns (uint256) {
        uint256 place = _places[asset];
        if (place == 0) revert UnknownCollateral(asset);
        return place - 1;
    }

    function _read(uint256 i) internal view returns (Reading memory r) {
        CollateralConfig storage k = _configs[i];
        Collateral storage s = _collaterals[i];
        r.price = RiskPolicy.price(k.priceFeed, k.maxPriceAge) / WAD_PER_PRICE;
        r.lastPrice = r.price == 0 ? s.lastPrice : r.price;
        uint256 bps = s.ltvTarget < s.ltvInForce ? rampDownBpsPerHour : rampUpBpsPerHour;
        r.ltvInForce =
            Margin.ramped(s.ltvInForce, s.ltvTarget, block.timestamp - s.syncedAt, bps * (WAD / BPS), 1 hours);
        r.risk = RiskPolicy.risk(k.riskFeed, k.maxRiskAge, k.minRisk, k.maxRisk);
        if (r.risk == 0) {
            (r.ltvTarget, r.weight) = (k.floorLtv, Margin.MAX_WEIGHT);
            return r;
        }
        r.weight = RiskPolicy.weight(k.weightFeed, k.maxRiskAge);
        uint256 move = Math.ceilDiv(Margin.quantile(r.risk, s.riskScale) * r.weight, WAD);
        r.ltvTarget =
            Margin.collateralFactor(move, uint256(k.liquidationBonus) + k.slippage, k.floorLtv, k.capLtv);
    }

    /// @dev Brings the LTV in force to this block along the *stored* target, then stores the target of now.
    function _store(uint256 i, Reading memory r) internal {
        Collateral storage s = _collaterals[i];
        if (r.ltvInForce != s.ltvInForce || r.ltvTarget != s.ltvTarget) {
            emit LiquidationLtvUpdated(_configs[i].asset, r.ltvInForce, r.ltvTarget, r.risk != 0);
        }
        (s.ltvInForce, s.ltvTarget) = (uint64(r.ltvInForce), uint64(r.ltvTarget));
        (s.syncedAt, s.lastPrice) = (uint64(block.timestamp), uint64(r.lastPrice));
    }

    function _valueOf(uint256 i, uint256 amount, uint256 price) internal view returns (uint256) {
        return LendingMath.collateralValue(amount, price, debtUnit, _collaterals[i].unit * PRICE_UNIT);
    }

    // Accounts

    /// @dev The account as of now, with interest.
    function _assess(Account storage a) internal view returns (Assessment memory s) {
        s.debt = _debtOf(a);
        uint256 held = a.held;
        for (uint256 i; held != 0; (++i, held >>= 1)) {
            if (held & 1 != 0) _add(s, i, a.amounts[i], _read(i));
        }
    }

    /// @dev The account once its collaterals' LTVs have moved to now and taken their targets of now.
    function _synced(Account storage a) internal returns (Assessment memory s) {
        s.debt = _debtOf(a);
        uint256 held = a.held;
        for (uint256 i; held != 0; (++i, held >>= 1)) {
            if (held & 1 == 0) continue;
            Reading memory r = _read(i);
            _store(i, r);
            _add(s, i, a.amounts[i], r);
        }
    }

    function _add(Assessment memory s, uint256 i, uint256 amount, Reading memory r) private view {
        uint256 depth = _configs[i].depth;
        uint256 value = _valueOf(i, amount, r.lastPrice);
        uint256 weighted = value * LendingMath.sizedLtv(r.ltvInForce, amount, depth);
        s.value += value;
        s.weighted += weighted;
        s.weightedAtTarget += value * LendingMath.sizedLtv(r.ltvTarget, amount, depth);
        if (r.price == 0) {
            s.unpriced = _configs[i].asset;
            return;
        }
        uint256 limit =
            value * LendingMath.sizedLtv(Math.min(r.ltvInForce, r.ltvTarget) - borrowMargin, amount, depth);
        s.sellable = true;
        s.priced += weighted;
        s.withdrawable += limit;
        if (r.risk != 0) s.borrowable += limit;
        else s.unrated = _configs[i].asset;
    }

    /// @dev When a position may be put up for sale: at once when it is unhealthy at the LTV that its owner agreed to as well.
    function _graceEndsAt(Account storage a, Assessment memory s) internal view returns (uint256) {
        if (LendingMath.healthFactor(s.value, a.agreedLtv, s.debt) < WAD) return 0;
        return (a.warnedAt == 0 ? block.timestamp : a.warnedAt) + gracePeriod;
    }

    function _factor(uint256 weighted, uint256 debt) internal pure returns (uint256) {
        return debt == 0 ? type(uint256).max : weighted / debt;
    }

    // Debt

    /// @return added Interest since the last accrual.
    /// @return kept What of it is the reserve's.
    function _pendingInterest() internal view returns (uint256 added, uint256 kept) {
        uint256 elapsed = block.timestamp - _totals.accruedAt;
        if (elapsed == 0) return (0, 0);
        uint256 borrowed = _totals.borrowAssets;
        (, uint256 rate) = _rates(borrowed, _totals.supplyAssets + _totals.reserve);
        added = LendingMath.interest(borrowed, rate, elapsed);
        kept = added * reserveBps / BPS;
    }

    function _rates(uint256 borrowed, uint256 owned) internal view returns (uint256 used, uint256 rate) {
        used = LendingMath.utilisation(borrowed, owned);
        rate = LendingMath.borrowRate(used, baseRate, kinkUtilisation, slopeBelowKink, slopeAboveKink);
    }

    /// @dev Debt that `shares` stand for, with interest to this block.
    function _assetsOf(uint256 shares) internal view returns (uint256) {
        (uint256 added,) = _pendingInterest();
        return LendingMath.toAssetsUp(shares, _totals.borrowAssets + added, _totals.borrowShares);
    }

    function _debtOf(Account storage a) internal view returns (uint256) {
        return a.borrowShares == 0 ? 0 : _assetsOf(a.borrowShares);
    }

    /// @dev WAD; 0 when not for sale or expired.
    function _salePrice(Sale storage sale, uint256 i) internal view returns (uint256) {
        uint256 elapsed = block.timestamp - sale.startedAt;
        return elapsed > auctionTail ? 0 : LendingMath.auctionPrice(sale.startPrices[i], auctionTau, elapsed);
    }

    function _isAlarmed(Account storage a) internal view returns (bool) {
        return a.alarmedAt != 0 && block.timestamp <= a.alarmedAt + uint256(alarmPeriod);
    }
}
