// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {AggregatorV2V3Interface} from "../interfaces/AggregatorV2V3Interface.sol";
import {ILendingVault} from "../interfaces/ILendingVault.sol";
import {LendingMath} from "../libraries/LendingMath.sol";
import {LendingConfig} from "../types/LendingTypes.sol";

/// @title What a lending vault is fixed to: checked once, then part of its code
abstract contract LendingVaultConfig is ILendingVault {
    uint256 internal constant WAD = 1e18;
    uint256 internal constant BPS = 1e4;
    /// @dev Of a yearly rate or slope: 1,000 %.
    uint256 private constant MAX_RATE = 10e18;
    uint8 private constant PRICE_DECIMALS = 8;
    uint8 private constant VOLATILITY_DECIMALS = 18;

    IERC20 internal immutable collateralAsset;
    IERC20 internal immutable debtAsset;
    address internal immutable priceFeed;
    address internal immutable volatilityFeed;
    uint32 internal immutable maxPriceAge;
    uint32 internal immutable maxVolatilityAge;
    uint32 internal immutable liquidationDelay;
    uint64 internal immutable liquidationBonus;
    uint64 internal immutable slippage;
    uint64 internal immutable floorLtv;
    uint64 internal immutable capLtv;
    uint64 internal immutable borrowMargin;
    uint16 internal immutable rampDownBpsPerHour;
    uint16 internal immutable rampUpBpsPerHour;
    uint16 internal immutable closeFactorBps;
    uint64 internal immutable fullCloseHealthFactor;
    uint16 internal immutable auctionStartBps;
    uint32 internal immutable auctionTau;
    uint32 internal immutable auctionTail;
    uint64 internal immutable baseRate;
    uint64 internal immutable kinkUtilisation;
    uint64 internal immutable slopeBelowKink;
    uint64 internal immutable slopeAboveKink;
    uint112 internal immutable minDebt;

    /// @dev Derived: sqrt(liquidationDelay in years), WAD; 10^decimals of the debt asset and of the collateral.
    uint256 internal immutable sqrtDelay;
    uint256 internal immutable debtUnit;
    uint256 internal immutable collateralUnit;

    constructor(LendingConfig memory c) {
        _checkAddresses(c);
        _checkLtv(c);
        _checkAuctionAndRates(c);
        collateralAsset = IERC20(c.collateralAsset);
        debtAsset = IERC20(c.debtAsset);
        priceFeed = c.priceFeed;
        volatilityFeed = c.volatilityFeed;
        maxPriceAge = c.maxPriceAge;
        maxVolatilityAge = c.maxVolatilityAge;
        liquidationDelay = c.liquidationDelay;
        liquidationBonus = c.liquidationBonus;
        slippage = c.slippage;
        floorLtv = c.floorLtv;
        capLtv = c.capLtv;
        borrowMargin = c.borrowMargin;
        rampDownBpsPerHour = c.rampDownBpsPerHour;
        rampUpBpsPerHour = c.rampUpBpsPerHour;
        closeFactorBps = c.closeFactorBps;
        fullCloseHealthFactor = c.fullCloseHealthFactor;
        auctionStartBps = c.auctionStartBps;
        auctionTau = c.auctionTau;
        auctionTail = c.auctionTail;
        baseRate = c.baseRate;
        kinkUtilisation = c.kinkUtilisation;
        slopeBelowKink = c.slopeBelowKink;
        slopeAboveKink = c.slopeAboveKink;
        minDebt = c.minDebt;
        sqrtDelay = LendingMath.sqrtYears(c.liquidationDelay);
        debtUnit = _unitOf(c.debtAsset, "debtAsset");
        collateralUnit = _unitOf(c.collateralAsset, "collateralAsset");
    }

    /// @inheritdoc ILendingVault
    function config() external view returns (LendingConfig memory c) {
        c.collateralAsset = address(collateralAsset);
        c.debtAsset = address(debtAsset);
        c.priceFeed = priceFeed;
        c.volatilityFeed = volatilityFeed;
        c.maxPriceAge = maxPriceAge;
        c.maxVolatilityAge = maxVolatilityAge;
        c.liquidationDelay = liquidationDelay;
        c.liquidationBonus = liquidationBonus;
        c.slippage = slippage;
        c.floorLtv = floorLtv;
        c.capLtv = capLtv;
        c.borrowMargin = borrowMargin;
        c.rampDownBpsPerHour = rampDownBpsPerHour;
        c.rampUpBpsPerHour = rampUpBpsPerHour;
        c.closeFactorBps = closeFactorBps;
        c.fullCloseHealthFactor = fullCloseHealthFactor;
        c.auctionStartBps = auctionStartBps;
        c.auctionTau = auctionTau;
        c.auctionTail = auctionTail;
        c.baseRate = baseRate;
        c.kinkUtilisation = kinkUtilisation;
        c.slopeBelowKink = slopeBelowKink;
        c.slopeAboveKink = slopeAboveKink;
        c.minDebt = minDebt;
    }

    function _checkAddresses(LendingConfig memory c) private view {
        _require(c.collateralAsset.code.length != 0, "collateralAsset");
        _require(c.debtAsset.code.length != 0 && c.debtAsset != c.collateralAsset, "debtAsset");
        _require(c.priceFeed.code.length != 0, "priceFeed");
        _require(AggregatorV2V3Interface(c.priceFeed).decimals() == PRICE_DECIMALS, "priceFeed");
        _require(c.volatilityFeed.code.length != 0, "volatilityFeed");
        _require(AggregatorV2V3Interface(c.volatilityFeed).decimals() == VOLATILITY_DECIMALS, "volatilityFeed");
    }

    function _checkLtv(LendingConfig memory c) private pure {
        _require(c.maxPriceAge != 0, "maxPriceAge");
        _require(c.maxVolatilityAge != 0, "maxVolatilityAge");
        _require(c.liquidationDelay != 0, "liquidationDelay");
        uint256 haircut = uint256(c.liquidationBonus) + c.slippage;
        _require(c.capLtv <= WAD * WAD / (WAD + haircut) && c.capLtv < WAD, "capLtv");
        _require(c.floorLtv != 0 && c.floorLtv <= c.capLtv, "floorLtv");
        _require(c.borrowMargin != 0 && c.borrowMargin < c.floorLtv, "borrowMargin");
        _require(c.rampDownBpsPerHour != 0, "rampDownBpsPerHour");
        _require(c.rampUpBpsPerHour != 0 && c.rampUpBpsPerHour <= c.rampDownBpsPerHour, "rampUpBpsPerHour");
    }

    function _checkAuctionAndRates(LendingConfig memory c) private pure {
        _require(c.closeFactorBps != 0 && c.closeFactorBps <= BPS, "closeFactorBps");
        _require(c.fullCloseHealthFactor <= WAD, "fullCloseHealthFactor");
        _require(c.auctionStartBps >= BPS && c.auctionStartBps <= 2 * BPS, "auctionStartBps");
        _require(c.auctionTail != 0 && c.auctionTail < c.auctionTau, "auctionTail");
        _require(c.baseRate <= MAX_RATE, "baseRate");
        _require(c.kinkUtilisation != 0 && c.kinkUtilisation < WAD, "kinkUtilisation");
        _require(c.slopeBelowKink <= MAX_RATE, "slopeBelowKink");
        _require(c.slopeAboveKink <= MAX_RATE, "slopeAboveKink");
    }

    function _unitOf(address asset, bytes32 field) private view returns (uint256) {
        uint8 decimals = IERC20Metadata(asset).decimals();
        _require(decimals >= 6 && decimals <= 18, field);
        return 10 ** decimals;
    }

    function _require(bool condition, bytes32 field) private pure {
        if (!condition) revert InvalidConfig(field);
    }
}
