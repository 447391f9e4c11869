// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {AggregatorV2V3Interface} from "../../interfaces/AggregatorV2V3Interface.sol";
import {ILendingVault} from "../../interfaces/ILendingVault.sol";
import {CollateralConfig, LendingConfig} from "../../types/LendingTypes.sol";

/// @title What a lending vault is fixed to: checked once; the vault's own terms are part of its code
abstract contract LendingConfigured is ILendingVault {
    uint256 internal constant WAD = 1e18;
    uint256 internal constant BPS = 1e4;
    uint256 internal constant MAX_COLLATERALS = 8;
    /// @dev Of a yearly rate or slope: 1,000 %.
    uint256 private constant MAX_RATE = 10e18;
    uint8 private constant PRICE_DECIMALS = 8;
    uint8 private constant RISK_DECIMALS = 18;

    IERC20 internal immutable debtAsset;
    address internal immutable boardSetter;
    uint32 internal immutable liquidationDelay;
    uint64 internal immutable borrowMargin;
    uint16 internal immutable rampDownBpsPerHour;
    uint16 internal immutable rampUpBpsPerHour;
    uint32 internal immutable gracePeriod;
    uint64 internal immutable alarmProbability;
    uint32 internal immutable alarmPeriod;
    uint32 internal immutable maxAssessmentAge;
    uint16 internal immutable closeFactorBps;
    uint64 internal immutable fullCloseHealthFactor;
    uint16 internal immutable auctionStartBps;
    uint32 internal immutable auctionTau;
    uint32 internal immutable auctionTail;
    uint16 internal immutable reserveBps;
    uint64 internal immutable baseRate;
    uint64 internal immutable kinkUtilisation;
    uint64 internal immutable slopeBelowKink;
    uint64 internal immutable slopeAboveKink;
    uint112 internal immutable minDebt;

    /// @dev Derived: 10^decimals of the debt asset.
    uint256 internal immutable debtUnit;

    CollateralConfig[] internal _configs;

    constructor(LendingConfig memory c, CollateralConfig[] memory collaterals) {
        _checkTerms(c);
        _checkAuctionAndRates(c);
        debtUnit = _unitOf(c.debtAsset, "debtAsset");
        _require(collaterals.length != 0 && collaterals.length <= MAX_COLLATERALS, "collaterals");
        for (uint256 i; i < collaterals.length; ++i) {
            _checkCollateral(c, collaterals[i]);
            _configs.push(collaterals[i]);
        }
        debtAsset = IERC20(c.debtAsset);
        boardSetter = c.boardSetter;
        liquidationDelay = c.liquidationDelay;
        borrowMargin = c.borrowMargin;
        rampDownBpsPerHour = c.rampDownBpsPerHour;
        rampUpBpsPerHour = c.rampUpBpsPerHour;
        gracePeriod = c.gracePeriod;
        alarmProbability = c.alarmProbability;
        alarmPeriod = c.alarmPeriod;
        maxAssessmentAge = c.maxAssessmentAge;
        closeFactorBps = c.closeFactorBps;
        fullCloseHealthFactor = c.fullCloseHealthFactor;
        auctionStartBps = c.auctionStartBps;
        auctionTau = c.auctionTau;
        auctionTail = c.auctionTail;
        reserveBps = c.reserveBps;
        baseRate = c.baseRate;
        kinkUtilisation = c.kinkUtilisation;
        slopeBelowKink = c.slopeBelowKink;
        slopeAboveKink = c.slopeAboveKink;
        minDebt = c.minDebt;
    }

    /// @inheritdoc ILendingVault
    function config() external view returns (LendingConfig memory c) {
        c.debtAsset = address(debtAsset);
        c.boardSetter = boardSetter;
        c.liquidationDelay = liquidationDelay;
        c.borrowMargin = borrowMargin;
        c.rampDownBpsPerHour = rampDownBpsPerHour;
        c.rampUpBpsPerHour = rampUpBpsPerHour;
        c.gracePeriod = gracePeriod;
        c.alarmProbability = alarmProbability;
        c.alarmPeriod = alarmPeriod;
        c.maxAssessmentAge = maxAssessmentAge;
        c.closeFactorBps = closeFactorBps;
        c.fullCloseHealthFactor = fullCloseHealthFactor;
        c.auctionStartBps = auctionStartBps;
        c.auctionTau = auctionTau;
        c.auctionTail = auctionTail;
        c.reserveBps = reserveBps;
        c.baseRate = baseRate;
        c.kinkUtilisation = kinkUtilisation;
        c.slopeBelowKink = slopeBelowKink;
        c.slopeAboveKink = slopeAboveKink;
        c.minDebt = minDebt;
    }

    /// @inheritdoc ILendingVault
    function collateralConfigs() external view returns (CollateralConfig[] memory) {
        return _configs;
    }

    function _checkCollateral(LendingConfig memory c, CollateralConfig memory k) private view {
        _require(k.asset.code.length != 0 && k.asset != c.debtAsset, "asset");
        for (uint256 i; i < _configs.length; ++i) {
            _require(_configs[i].asset != k.asset, "asset");
        }
        _require(_hasDecimals(k.priceFeed, PRICE_DECIMALS), "priceFeed");
        _require(_hasDecimals(k.riskFeed, RISK_DECIMALS), "riskFeed");
        _require(k.weightFeed == address(0) || _hasDecimals(k.weightFeed, RISK_DECIMALS), "weightFeed");
        _require(k.maxPriceAge != 0, "maxPriceAge");
        _require(k.maxRiskAge != 0, "maxRiskAge");
        _require(k.minRisk != 0, "minRisk");
        _require(k.maxRisk >= k.minRisk, "maxRisk");
        uint256 haircut = uint256(k.liquidationBonus) + k.slippage;
        _require(k.capLtv <= WAD * WAD / (WAD + haircut) && k.capLtv < WAD, "capLtv");
        _require(k.floorLtv > c.borrowMargin && k.floorLtv <= k.capLtv, "floorLtv");
        _require(k.supplyCap != 0, "supplyCap");
    }

    function _checkTerms(LendingConfig memory c) private view {
        _require(c.debtAsset.code.length != 0, "debtAsset");
        _require(c.liquidationDelay != 0, "liquidationDelay");
        _require(c.borrowMargin != 0, "borrowMargin");
        _require(c.rampDownBpsPerHour != 0, "rampDownBpsPerHour");
        _require(c.rampUpBpsPerHour != 0 && c.rampUpBpsPerHour <= c.rampDownBpsPerHour, "rampUpBpsPerHour");
        _require(c.alarmProbability != 0 && c.alarmProbability <= WAD, "alarmProbability");
    }

    function _checkAuctionAndRates(LendingConfig memory c) private pure {
        _require(c.closeFactorBps != 0 && c.closeFactorBps <= BPS, "closeFactorBps");
        _require(c.fullCloseHealthFactor <= WAD, "fullCloseHealthFactor");
        _require(c.auctionStartBps >= BPS && c.auctionStartBps <= 2 * BPS, "auctionStartBps");
        _require(c.auctionTail != 0 && c.auctionTail < c.auctionTau, "auctionTail");
        _require(c.reserveBps <= BPS, "reserveBps");
        _require(c.baseRate <= MAX_RATE, "baseRate");
        _require(c.kinkUtilisation != 0 && c.kinkUtilisation < WAD, "kinkUtilisation");
        _require(c.slopeBelowKink <= MAX_RATE, "slopeBelowKink");
        _require(c.slopeAboveKink <= MAX_RATE, "slopeAboveKink");
    }

    function _hasDecimals(address feed, uint8 decimals) private view returns (bool) {
        return feed.code.length != 0 && AggregatorV2V3Interface(feed).decimals() == decimals;
    }

    function _unitOf(address asset, bytes32 field) internal view returns (uint256) {
        uint8 decimals = IERC20Metadata(asset).decimals();
        _require(decimals >= 6 && decimals <= 18, field);
        return 10 ** decimals;
    }

    function _require(bool condition, bytes32 field) private pure {
        if (!condition) revert InvalidConfig(field);
    }
}
