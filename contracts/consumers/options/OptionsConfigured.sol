// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {AggregatorV2V3Interface} from "../../interfaces/AggregatorV2V3Interface.sol";
import {IOptionsMargin} from "../../interfaces/IOptionsMargin.sol";
import {Black76} from "../../libraries/Black76.sol";
import {Margin} from "../../libraries/Margin.sol";
import {RiskPolicy} from "../../libraries/RiskPolicy.sol";
import {OptionsConfig, OptionsMarket, VolatilityPillar} from "../../types/OptionTypes.sol";

/// @title What an options book is fixed to, checked once, and what it reads from its feeds
abstract contract OptionsConfigured is IOptionsMargin {
    uint256 internal constant WAD = 1e18;
    uint256 internal constant BPS = 1e4;
    uint256 private constant MAX_PILLARS = 4;
    uint256 private constant MOST_POSITIONS = 16;
    uint256 private constant MAX_TENOR = 2 * Black76.YEAR;

    OptionsConfig private _config;
    VolatilityPillar[] private _pillars;
    /// @dev WAD for one base unit of the collateral; WAD that turns an answer of riskFeed into the 99 % move over marginPeriod.
    uint256 internal immutable unitWad;
    uint256 private immutable _riskScale;

    constructor(OptionsConfig memory c, VolatilityPillar[] memory p) {
        _checkFeeds(c);
        _checkPillars(p);
        _checkMargin(c);
        _checkSeries(c);
        _config = c;
        for (uint256 i; i < p.length; ++i) {
            _pillars.push(p[i]);
        }
        uint8 decimals = IERC20Metadata(c.collateralAsset).decimals();
        _require(decimals >= 6 && decimals <= 18, "collateralAsset");
        unitWad = 10 ** (18 - decimals);
        _riskScale = Margin.quantileScale(c.marginPeriod, c.riskHorizon);
    }

    /// @inheritdoc IOptionsMargin
    function config() public view returns (OptionsConfig memory) {
        return _config;
    }

    /// @inheritdoc IOptionsMargin
    function pillars() public view returns (VolatilityPillar[] memory) {
        return _pillars;
    }

    /// @dev The feeds of now, and the shock that they ask for.
    function _read(OptionsConfig memory c) internal view returns (OptionsMarket memory m, uint256 shockTarget) {
        m.timestamp = block.timestamp;
        m.rate = c.rate;
        m.spot = RiskPolicy.price(c.priceFeed, c.maxPriceAge);
        m.marksFresh = m.spot != 0;
        m.peg = c.pegFeed == address(0) ? WAD : RiskPolicy.price(c.pegFeed, c.maxPriceAge);
        m.confidence = c.confidenceFeed == address(0) ? WAD : RiskPolicy.risk(c.confidenceFeed, c.maxRiskAge, 1, WAD);
        VolatilityPillar[] memory p = pillars();
        (m.volatilities, m.tenors) = (new uint256[](p.length), new uint256[](p.length));
        for (uint256 i; i < p.length; ++i) {
            m.tenors[i] = p[i].tenor;
            m.volatilities[i] = RiskPolicy.risk(p[i].feed, c.maxRiskAge, c.minVolatility, c.maxVolatility);
            if (m.volatilities[i] == 0) m.marksFresh = false;
        }
        (shockTarget, m.riskFresh) = _shock(c);
    }

    function _shock(OptionsConfig memory c) private view returns (uint256, bool) {
        if (c.riskFeed == address(0)) return (c.minShock, true);
        uint256 risk = RiskPolicy.risk(c.riskFeed, c.maxRiskAge, c.minRisk, c.maxRisk);
        if (risk == 0) return (c.maxShock, false);
        uint256 weight = RiskPolicy.weight(c.weightFeed, c.maxRiskAge);
        uint256 quantile = Margin.quantile(risk, _riskScale);
        return (Margin.initialMargin(quantile, weight, 0, c.minShock, c.maxShock), true);
    }

    function _checkFeeds(OptionsConfig memory c) private view {
        _require(c.collateralAsset.code.length != 0, "collateralAsset");
        _checkFeed(c.priceFeed, 8, "priceFeed");
        if (c.riskFeed != address(0)) _checkFeed(c.riskFeed, 18, "riskFeed");
        if (c.weightFeed != address(0)) _checkFeed(c.weightFeed, 18, "weightFeed");
        if (c.pegFeed != address(0)) _checkFeed(c.pegFeed, 8, "pegFeed");
        if (c.confidenceFeed != address(0)) _checkFeed(c.confidenceFeed, 18, "confidenceFeed");
    }

    function _checkPillars(VolatilityPillar[] memory p) private view {
        _require(p.length != 0 && p.length <= MAX_PILLARS, "pillars");
        for (uint256 i; i < p.length; ++i) {
            _checkFeed(p[i].feed, 18, "pillars");
            _require(p[i].tenor > (i == 0 ? 0 : p[i - 1].tenor), "pillars");
        }
    }

    function _checkFeed(address feed, uint8 decimals, bytes32 field) private view {
        _require(feed.code.length != 0, field);
        _require(AggregatorV2V3Interface(feed).decimals() == decimals, field);
    }

    function _checkMargin(OptionsConfig memory c) private pure {
        _require(c.maxPriceAge != 0, "maxPriceAge");
        _require(c.maxRiskAge != 0, "maxRiskAge");
        _require(c.marginPeriod != 0, "marginPeriod");
        _require(c.rampInterval != 0, "rampInterval");
        // Four thirds of the shock must leave a price
        _require(c.maxShock != 0 && c.maxShock <= 0.7e18, "maxShock");
        _require(c.minShock != 0 && c.minShock <= c.maxShock, "minShock");
        _require(c.minRisk != 0 && c.minRisk <= c.maxRisk, "minRisk");
        _require(c.maxVolatility <= uint256(Black76.MAX_VOLATILITY), "maxVolatility");
        _require(c.minVolatility >= uint256(Black76.MIN_VOLATILITY), "minVolatility");
        _require(c.minVolatility <= c.maxVolatility, "minVolatility");
        _require(c.rate <= WAD, "rate");
        _require(c.auctionPeriod != 0, "auctionPeriod");
        _require(c.startDiscountBps <= BPS, "startDiscountBps");
        _require(c.penaltyBps <= BPS / 10, "penaltyBps");
    }

    function _checkSeries(OptionsConfig memory c) private pure {
        _require(c.minTenor != 0, "minTenor");
        _require(c.maxTenor >= c.minTenor && c.maxTenor <= MAX_TENOR, "maxTenor");
        _require(c.expiryStep != 0, "expiryStep");
        _require(c.strikeStep != 0, "strikeStep");
        _require(c.maxStrikeRatio > 1 && c.maxStrikeRatio <= 20, "maxStrikeRatio");
        _require(c.maxPositions != 0 && c.maxPositions <= MOST_POSITIONS, "maxPositions");
        _require(c.lotSize != 0, "lotSize");
        _require(c.maxOpenInterest >= c.lotSize && c.maxOpenInterest <= 2 ** 96, "maxOpenInterest");
    }

    function _require(bool condition, bytes32 field) private pure {
        if (!condition) revert InvalidConfig(field);
    }
}
