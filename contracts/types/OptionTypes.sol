// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice Everything an options book is fixed to for ever. Ratios and amounts are WAD unless named Bps or Secs.
struct OptionsConfig {
    address collateralAsset; // ERC-20 of 6 to 18 decimals: the quote, in which everything is paid
    address priceFeed; // IQuorumFeed, 8 decimals: the underlying in the quote
    address riskFeed; // IRiskFeed, 18 decimals: volatility or quantile of that price; zero: fixed shocks
    address weightFeed; // IRiskFeed, 18 decimals: risk weight; zero for a weight of 1
    address pegFeed; // AggregatorV2V3Interface, 8 decimals: the collateral in what it stands for; zero for 1
    address confidenceFeed; // IRiskFeed, 18 decimals: confidence in the marks, 0 to 1; zero for 1
    uint32 maxPriceAge; // seconds; also of the peg
    uint32 maxRiskAge; // seconds; of every proven feed
    uint32 riskHorizon; // 0: riskFeed is an annualised volatility; else the seconds of its 99 % quantile
    uint32 marginPeriod; // seconds that the 99 % move is taken over
    uint32 rampInterval; // seconds in which the shock of existing accounts moves by at most 50 bps
    uint64 minShock; // the grid's shock, least; with fixed shocks, the shock: .15 is Derive's
    uint64 maxShock; // and most; also the shock without a risk feed's answer
    uint64 minRisk; // answers of riskFeed below
    uint64 maxRisk; // or above are not used
    uint64 minVolatility; // answers of volatility feeds below
    uint64 maxVolatility; // or above are not used
    uint64 rate; // continuous interest, a year
    uint32 minTenor; // seconds from listing to expiry, at least
    uint32 maxTenor; // and at most
    uint32 expiryStep; // seconds: expiries are multiples of it
    uint96 strikeStep; // strikes are multiples of it
    uint8 maxStrikeRatio; // strikes are listed from price / ratio to price * ratio
    uint8 maxPositions; // of one account
    uint112 lotSize; // amounts are multiples of it
    uint112 maxOpenInterest; // of each series, long or short
    uint32 auctionPeriod; // seconds of each of an auction's two halves
    uint16 startDiscountBps; // of the account's equity, at which an auction starts
    uint16 penaltyBps; // of the loss in the worst scenario, for the insurance fund
}

/// @notice A proven implied volatility at the money of a constant maturity.
struct VolatilityPillar {
    address feed; // IRiskFeed, 18 decimals
    uint32 tenor; // seconds
}

/// @notice A European option on one unit of the underlying, settled in cash.
struct OptionSeries {
    uint40 expiry; // unix seconds
    bool isCall;
    uint96 strike; // WAD
}

/// @notice A position: amount is WAD, negative when short.
struct OptionPosition {
    uint40 expiry;
    bool isCall;
    uint96 strike;
    int112 amount;
}

/// @notice One part of a trade: what the taker's position in a series changes by.
struct OptionLeg {
    uint256 seriesId;
    int256 amount;
}

/// @notice The book's own figures, WAD of the quote.
struct OptionsState {
    uint128 cash; // collateral held
    uint128 insurance;
    uint128 deficit; // bad debt that the fund could not pay
    int128 clearing; // paid in by settled shorts and not yet out to settled longs; negative the other way round
    uint64 shockInForce; // of existing accounts
    uint64 shockTarget; // of new trades, as of the last block's action
    uint64 syncedAt; // unix seconds
}

/// @notice An account in memory; the first `count` positions count.
struct OptionAccount {
    int256 cash;
    uint256 auctionStartedAt; // unix seconds; 0: none
    uint256 count;
    OptionPosition[] positions;
}

/// @notice What the feeds say in this block.
struct OptionsMarket {
    uint256 timestamp;
    uint256 spot; // WAD; 0 when absent
    uint256 rate;
    uint256 peg; // WAD; 0 when absent
    uint256 confidence; // WAD; 0 when absent
    bool riskFresh;
    bool marksFresh; // the price and every volatility are there
    uint256[] volatilities; // of the pillars
    uint256[] tenors;
}

/// @notice What a portfolio is worth and may lose, WAD.
struct PortfolioRisk {
    int256 value; // at the marks
    int256 loss; // L, at most 0
    uint256 gross; // sum of sizes
}

/// @notice An account as reads show it.
struct OptionAccountView {
    int256 cash;
    OptionPosition[] positions;
    bool valued; // whether the rest could be computed: marks are there and nothing waits for settlement
    int256 value;
    int256 initialMargin; // what is left above the requirement; negative: short of it
    int256 maintenanceMargin;
    bool liquidatable;
    uint256 auctionStartedAt;
}
