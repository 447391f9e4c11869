// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice Everything a lending vault is fixed to for ever. Ratios, probabilities and yearly rates are WAD (1e18 = 1) unless
/// named Bps.
struct LendingConfig {
    address debtAsset; // ERC-20 of 6 to 18 decimals
    address boardSetter; // may name the LiquidationBoard, once; zero: there will be none
    uint32 liquidationDelay; // seconds from breach to sale that the 99 % move is taken over
    uint64 borrowMargin; // what may be borrowed lies this much below the liquidation LTV
    uint16 rampDownBpsPerHour; // of a liquidation LTV when it tightens
    uint16 rampUpBpsPerHour; // when it loosens; not faster than down
    uint32 gracePeriod; // seconds from warning to auction where only a falling LTV made a position unhealthy
    uint64 alarmProbability; // a proven probability of liquidation from here on is an alarm
    uint32 alarmPeriod; // seconds that an alarm restricts
    uint32 maxAssessmentAge; // seconds from the newest price of a probability
    uint16 closeFactorBps; // share of the debt put up for auction in a mild breach
    uint64 fullCloseHealthFactor; // at or below this health factor all of the debt is put up
    uint16 auctionStartBps; // the auction's first price, of the market price
    uint32 auctionTau; // seconds in which the price would fall to zero
    uint32 auctionTail; // seconds after which the auction must be started anew; below auctionTau
    uint16 reserveBps; // share of the interest that is kept against bad debt
    uint64 baseRate; // yearly interest at no utilisation
    uint64 kinkUtilisation; // where the steeper slope starts
    uint64 slopeBelowKink; // added from 0 to the kink
    uint64 slopeAboveKink; // added from the kink to full utilisation
    uint112 minDebt; // smallest debt a borrow may leave, base units of the debt asset
}

/// @notice What one collateral is fixed to.
struct CollateralConfig {
    address asset; // ERC-20 of 6 to 18 decimals
    address priceFeed; // AggregatorV2V3Interface, 8 decimals: debt asset for one whole token
    address riskFeed; // IRiskFeed, 18 decimals
    address weightFeed; // IRiskFeed, 18 decimals: the risk weight of the 99 % move; zero: 1
    uint32 riskHorizon; // 0: the risk is an annualised volatility; else the 99 % quantile of so many seconds
    uint32 maxPriceAge; // seconds from the price's observation
    uint32 maxRiskAge; // seconds from the newest observation of risk and weight
    uint64 minRisk; // a risk outside these two is none
    uint64 maxRisk;
    uint64 liquidationBonus; // what the buyer of collateral is expected to earn
    uint64 slippage; // of a sale of no size
    uint112 depth; // base units whose sale moves the price by 1 %; 0: size does not matter
    uint64 floorLtv; // the liquidation LTV of no size never targets less
    uint64 capLtv; // nor more
    uint112 supplyCap; // base units in the vault at most
}

/// @notice Life of a debt, a pure function of what is stored. Only ever None -> Open <-> Warned -> Auction -> Open | Warned |
/// Closed | Insolvent, and Open | Warned -> Closed by repaying; a new borrow after Closed or Insolvent is Open again.
enum PositionState {
    None, // never borrowed
    Open, // neither of the next
    Warned, // was seen unhealthy at the LTV in force or at its target, or its proven probability was an alarm
    Auction, // collateral is for sale
    Closed, // the debt was repaid, by the borrower or by an auction
    Insolvent // the collateral ran out before the debt; the rest was written off
}

/// @notice One borrower, as of this block with interest. Amounts in base units of the debt asset.
struct PositionView {
    uint256 debt;
    uint256 collateralValue; // at the prices below
    uint256 healthFactor; // WAD at the LTVs in force and the last fresh prices; max uint without debt
    uint256 healthFactorAtTarget; // WAD at the LTVs that the feeds ask for now
    uint256 pricedHealthFactor; // WAD, counting only what has a fresh price
    uint256 borrowLimit; // debt that a borrow may reach
    bool priced; // whether every collateral has a fresh price
    bool liquidatable; // whether startAuction would succeed
    PositionState state;
    uint64 openedAt; // unix seconds of the first borrow of this life
    uint64 warnedAt; // unix seconds of the warning now in force, 0 without
    uint64 alarmedAt; // unix seconds of the alarm, 0 without
    uint64 agreedLtv; // WAD, of the position when its owner last borrowed or withdrew
    uint256 badDebt; // written off at the end of this life
}

/// @notice What a position holds of one collateral.
struct HoldingView {
    address asset;
    uint256 amount; // base units
    uint256 value; // base units of the debt asset, at the last fresh price
    uint256 liquidationLtv; // WAD, in force at this size
    uint256 salePrice; // WAD: debt tokens for one collateral token in the auction now; 0 when not for sale
}

/// @notice A position's auction. All zero without one; prices are in its holdings.
struct AuctionView {
    uint64 startedAt; // unix seconds
    uint64 expiresAt; // last second at which it can be taken
    uint256 debt; // debt asset still to be raised
}

/// @notice One collateral, as of this block. LTVs are WAD and of no size.
struct CollateralView {
    uint256 price; // 8 decimals; 0 when there is no fresh one
    uint256 lastPrice; // 8 decimals, the last fresh one that the vault has seen
    uint256 risk; // WAD; 0 when there is none that is fresh and within its bounds
    uint256 weight; // WAD
    uint256 liquidationLtv; // in force
    uint256 targetLiquidationLtv; // where a sync now would send it
    uint256 borrowLtv;
    uint256 total; // base units in the vault
}

/// @notice The whole market, as of this block with interest.
struct MarketView {
    uint256 totalSupplyAssets; // what lenders own, lent out or not
    uint256 totalSupplyShares;
    uint256 totalBorrowAssets;
    uint256 totalBorrowShares;
    uint256 reserve; // kept from interest, first to bear bad debt
    uint256 totalBadDebt; // written off since the start
    uint256 utilisation; // WAD
    uint256 borrowRate; // WAD, yearly
}
