// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice Everything a lending vault is fixed to for ever. Ratios and yearly rates are WAD (1e18 = 1) unless named Bps.
struct LendingConfig {
    address collateralAsset; // ERC-20 of 6 to 18 decimals
    address debtAsset; // ERC-20 of 6 to 18 decimals
    address priceFeed; // AggregatorV2V3Interface, 8 decimals: debt asset for one whole collateral token
    address volatilityFeed; // IRiskFeed, 18 decimals: annualised volatility of that price
    uint32 maxPriceAge; // seconds from the price's observation
    uint32 maxVolatilityAge; // seconds from the volatility's newest observation
    uint32 liquidationDelay; // seconds from breach to sale that the 99 % move is taken over
    uint64 liquidationBonus; // what the buyer of collateral is expected to earn
    uint64 slippage; // of selling the collateral
    uint64 floorLtv; // the liquidation LTV never targets less
    uint64 capLtv; // nor more
    uint64 borrowMargin; // borrowLtv lies this much below
    uint16 rampDownBpsPerHour; // of the liquidation LTV when it tightens
    uint16 rampUpBpsPerHour; // when it loosens; not faster than down
    uint16 closeFactorBps; // share of the debt put up for auction in a mild breach
    uint64 fullCloseHealthFactor; // at or below this health factor all of the debt is put up
    uint16 auctionStartBps; // the auction's first price, of the market price
    uint32 auctionTau; // seconds in which the price would fall to zero
    uint32 auctionTail; // seconds after which the auction must be started anew; below auctionTau
    uint64 baseRate; // yearly interest at no utilisation
    uint64 kinkUtilisation; // where the steeper slope starts
    uint64 slopeBelowKink; // added from 0 to the kink
    uint64 slopeAboveKink; // added from the kink to full utilisation
    uint112 minDebt; // smallest debt a borrow may leave, base units of the debt asset
}

/// @notice Life of a debt. Only ever None -> Open <-> Warned -> Auction -> Open | Warned | Closed | Insolvent; a new borrow
/// after Closed or Insolvent is Open again.
enum PositionState {
    None, // never borrowed
    Open, // healthy at the LTV in force and at the LTV it is moving to
    Warned, // unhealthy at one of the two: liquidatable now, or will be when the ramp has arrived
    Auction, // collateral is for sale
    Closed, // the debt was repaid, by the borrower or by an auction
    Insolvent // the collateral ran out before the debt; the rest was written off
}

/// @notice One borrower, as of this block with interest. Amounts in base units of their asset.
struct PositionView {
    uint256 collateral;
    uint256 debt;
    uint256 collateralValue; // in the debt asset, at the price below
    uint256 healthFactor; // WAD at liquidationLtv(); max uint without debt, 0 without a usable price
    uint256 healthFactorAtTarget; // WAD at targetLiquidationLtv()
    uint256 liquidationPrice; // 8 decimals: lowest price that is still healthy; 0 without debt, max uint without collateral
    uint256 price; // 8 decimals, the feed's latest, also when stale; 0 when it has none
    bool priceFresh;
    PositionState state;
    uint64 openedAt; // unix seconds of the first borrow of this life
    uint64 warnedAt; // unix seconds of the warning now in force, 0 without
    uint256 badDebt; // written off at the end of this life
}

/// @notice A position's auction. All zero without one.
struct AuctionView {
    uint64 startedAt; // unix seconds
    uint64 expiresAt; // last second at which it can be taken
    uint256 debt; // debt asset still to be raised
    uint256 collateral; // collateral for sale
    uint256 startPrice; // WAD: debt tokens for one collateral token
    uint256 price; // WAD now; 0 when expired
}

/// @notice The whole market, as of this block with interest.
struct MarketView {
    uint256 totalSupplyAssets; // what lenders own, lent out or not
    uint256 totalSupplyShares;
    uint256 totalBorrowAssets;
    uint256 totalBorrowShares;
    uint256 totalBadDebt; // written off since the start
    uint256 utilisation; // WAD
    uint256 borrowRate; // WAD, yearly
    uint256 liquidationLtv; // WAD, in force
    uint256 targetLiquidationLtv; // WAD, where a poke now would send it
    uint256 borrowLtv; // WAD
    uint256 price; // 8 decimals; 0 when the feed has none
    bool priceFresh;
    uint256 volatility; // WAD, annualised; 0 when not fresh
    bool volatilityFresh;
}
