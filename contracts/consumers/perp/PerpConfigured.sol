// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {AggregatorV2V3Interface} from "../../interfaces/AggregatorV2V3Interface.sol";
import {IPerpMarket} from "../../interfaces/IPerpMarket.sol";
import {Margin} from "../../libraries/Margin.sol";
import {PerpConfig} from "../../types/PerpTypes.sol";

/// @title What a perpetual market is fixed to: checked once, then part of its code
abstract contract PerpConfigured is IPerpMarket {
    uint256 internal constant WAD = 1e18;
    uint256 internal constant BPS = 1e4;
    /// @dev 2^96: so that a product of reserves, and a price of them, stay within what is stored.
    uint256 private constant MAX_BASE_RESERVE = 2 ** 96;
    uint8 private constant PRICE_DECIMALS = 8;
    uint8 private constant RISK_DECIMALS = 18;

    address internal immutable collateralAsset;
    address internal immutable priceFeed;
    address internal immutable riskFeed;
    address internal immutable weightFeed;
    address internal immutable feeRecipient;
    uint32 internal immutable maxPriceAge;
    uint32 internal immutable maxRiskAge;
    uint32 internal immutable riskHorizon;
    uint32 internal immutable marginPeriod;
    uint64 internal immutable minMargin;
    uint64 internal immutable maxMargin;
    uint32 internal immutable rampInterval;
    uint64 internal immutable minRisk;
    uint64 internal immutable maxRisk;
    uint16 internal immutable feeBps;
    uint16 internal immutable protocolShareBps;
    uint16 internal immutable liquidationFeeBps;
    uint16 internal immutable liquidatorShareBps;
    uint16 internal immutable closeFactorBps;
    uint16 internal immutable maxDivergenceBps;
    uint32 internal immutable fundingPeriod;
    uint16 internal immutable maxPremiumBps;
    uint128 internal immutable maxOpenInterest;
    uint16 internal immutable maxSkewFundBps;
    uint128 internal immutable minPosition;
    uint128 internal immutable baseDepth;
    uint64 internal immutable referenceRisk;
    uint64 internal immutable minDepthRatio;
    uint64 internal immutable maxDepthRatio;
    uint16 internal immutable depthRampBpsPerHour;
    uint16 internal immutable premiumDecayBpsPerHour;
    uint16 internal immutable fundUseBps;
    uint32 internal immutable fundCooldown;

    /// @dev Derived: WAD that turns an answer of riskFeed into the 99 % move over marginPeriod; WAD for one base unit.
    uint256 internal immutable riskScale;
    uint256 internal immutable unitWad;

    constructor(PerpConfig memory c) {
        _checkAddresses(c);
        _checkMargin(c);
        _checkFees(c);
        _checkReserves(c);
        collateralAsset = c.collateralAsset;
        priceFeed = c.priceFeed;
        riskFeed = c.riskFeed;
        weightFeed = c.weightFeed;
        feeRecipient = c.feeRecipient;
        maxPriceAge = c.maxPriceAge;
        maxRiskAge = c.maxRiskAge;
        riskHorizon = c.riskHorizon;
        marginPeriod = c.marginPeriod;
        minMargin = c.minMargin;
        maxMargin = c.maxMargin;
        rampInterval = c.rampInterval;
        minRisk = c.minRisk;
        maxRisk = c.maxRisk;
        feeBps = c.feeBps;
        protocolShareBps = c.protocolShareBps;
        liquidationFeeBps = c.liquidationFeeBps;
        liquidatorShareBps = c.liquidatorShareBps;
        closeFactorBps = c.closeFactorBps;
        maxDivergenceBps = c.maxDivergenceBps;
        fundingPeriod = c.fundingPeriod;
        maxPremiumBps = c.maxPremiumBps;
        maxOpenInterest = c.maxOpenInterest;
        maxSkewFundBps = c.maxSkewFundBps;
        minPosition = c.minPosition;
        baseDepth = c.baseDepth;
        referenceRisk = c.referenceRisk;
        minDepthRatio = c.minDepthRatio;
        maxDepthRatio = c.maxDepthRatio;
        depthRampBpsPerHour = c.depthRampBpsPerHour;
        premiumDecayBpsPerHour = c.premiumDecayBpsPerHour;
        fundUseBps = c.fundUseBps;
        fundCooldown = c.fundCooldown;
        riskScale = Margin.quantileScale(c.marginPeriod, c.riskHorizon);
        uint8 decimals = IERC20Metadata(c.collateralAsset).decimals();
        _require(decimals >= 6 && decimals <= 18, "collateralAsset");
        unitWad = 10 ** (18 - decimals);
    }

    /// @inheritdoc IPerpMarket
    function config() external view returns (PerpConfig memory c) {
        c.collateralAsset = collateralAsset;
        c.priceFeed = priceFeed;
        c.riskFeed = riskFeed;
        c.weightFeed = weightFeed;
        c.feeRecipient = feeRecipient;
        c.maxPriceAge = maxPriceAge;
        c.maxRiskAge = maxRiskAge;
        c.riskHorizon = riskHorizon;
        c.marginPeriod = marginPeriod;
        c.minMargin = minMargin;
        c.maxMargin = maxMargin;
        c.rampInterval = rampInterval;
        c.minRisk = minRisk;
        c.maxRisk = maxRisk;
        c.feeBps = feeBps;
        c.protocolShareBps = protocolShareBps;
        c.liquidationFeeBps = liquidationFeeBps;
        c.liquidatorShareBps = liquidatorShareBps;
        c.closeFactorBps = closeFactorBps;
        c.maxDivergenceBps = maxDivergenceBps;
        c.fundingPeriod = fundingPeriod;
        c.maxPremiumBps = maxPremiumBps;
        c.maxOpenInterest = maxOpenInterest;
        c.maxSkewFundBps = maxSkewFundBps;
        c.minPosition = minPosition;
        c.baseDepth = baseDepth;
        c.referenceRisk = referenceRisk;
        c.minDepthRatio = minDepthRatio;
        c.maxDepthRatio = maxDepthRatio;
        c.depthRampBpsPerHour = depthRampBpsPerHour;
        c.premiumDecayBpsPerHour = premiumDecayBpsPerHour;
        c.fundUseBps = fundUseBps;
        c.fundCooldown = fundCooldown;
    }

    function _checkAddresses(PerpConfig memory c) private view {
        _require(c.collateralAsset.code.length != 0, "collateralAsset");
        _checkFeed(c.priceFeed, PRICE_DECIMALS, "priceFeed");
        _checkFeed(c.riskFeed, RISK_DECIMALS, "riskFeed");
        if (c.weightFeed != address(0)) _checkFeed(c.weightFeed, RISK_DECIMALS, "weightFeed");
        _require(c.feeRecipient != address(0), "feeRecipient");
    }

    function _checkFeed(address feed, uint8 decimals, bytes32 field) private view {
        _require(feed.code.length != 0, field);
        _require(AggregatorV2V3Interface(feed).decimals() == decimals, field);
    }

    function _checkMargin(PerpConfig memory c) private pure {
        _require(c.maxPriceAge != 0, "maxPriceAge");
        _require(c.maxRiskAge != 0, "maxRiskAge");
        _require(c.marginPeriod != 0, "marginPeriod");
        _require(c.maxMargin != 0 && c.maxMargin <= WAD, "maxMargin");
        _require(c.minMargin != 0 && c.minMargin <= c.maxMargin, "minMargin");
        _require(c.rampInterval != 0, "rampInterval");
        _require(c.maxRisk != 0, "maxRisk");
        _require(c.minRisk != 0 && c.minRisk <= c.maxRisk, "minRisk");
    }

    function _checkFees(PerpConfig memory c) private pure {
        _require(c.feeBps <= BPS / 10, "feeBps");
        _require(c.protocolShareBps <= BPS, "protocolShareBps");
        // What a liquidation takes from an account must leave the rest of it better off.
        uint256 maintenance = Margin.maintenanceMargin(c.minMargin);
        _require(uint256(c.liquidationFeeBps) * WAD / BPS < maintenance / 2, "liquidationFeeBps");
        _require(c.liquidatorShareBps <= BPS, "liquidatorShareBps");
        _require(c.closeFactorBps != 0 && c.closeFactorBps <= BPS, "closeFactorBps");
        _require(c.maxDivergenceBps != 0 && c.maxDivergenceBps < BPS, "maxDivergenceBps");
        _require(c.fundingPeriod != 0, "fundingPeriod");
        _require(c.maxPremiumBps != 0 && c.maxPremiumBps <= BPS, "maxPremiumBps");
    }

    function _checkReserves(PerpConfig memory c) private pure {
        _require(c.referenceRisk != 0, "referenceRisk");
        _require(c.maxDepthRatio >= c.minDepthRatio, "maxDepthRatio");
        _require(uint256(c.baseDepth) * c.maxDepthRatio / WAD <= MAX_BASE_RESERVE, "baseDepth");
        uint256 least = uint256(c.baseDepth) * c.minDepthRatio / WAD;
        _require(least >= WAD, "minDepthRatio");
        _require(c.maxOpenInterest != 0 && 4 * uint256(c.maxOpenInterest) <= least, "maxOpenInterest");
        _require(c.premiumDecayBpsPerHour <= BPS, "premiumDecayBpsPerHour");
        // A premium must fade no slower than the depth can grow.
        uint256 growth = uint256(c.depthRampBpsPerHour) * WAD / c.minDepthRatio;
        _require(growth <= c.premiumDecayBpsPerHour, "depthRampBpsPerHour");
        _require(c.fundUseBps <= BPS, "fundUseBps");
    }

    function _require(bool condition, bytes32 field) private pure {
        if (!condition) revert InvalidConfig(field);
    }
}
