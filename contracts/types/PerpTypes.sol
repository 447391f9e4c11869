// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice Everything a perpetual market is fixed to for ever. Ratios and amounts are WAD unless named Bps or Secs.
struct PerpConfig {
    address collateralAsset; // ERC-20 of 6 to 18 decimals: the quote
    address priceFeed; // AggregatorV2V3Interface, 8 decimals: quote for one base
    address riskFeed; // IRiskFeed, 18 decimals: volatility or quantile of that price
    address weightFeed; // IRiskFeed, 18 decimals: risk weight; zero for a weight of 1
    address feeRecipient; // of the protocol's share of fees
    uint32 maxPriceAge; // seconds; also the longest time that funding runs on one price
    uint32 maxRiskAge; // seconds, of both risk feeds
    uint32 riskHorizon; // 0: riskFeed is an annualised volatility; else the seconds of its 99 % quantile
    uint32 marginPeriod; // seconds that the 99 % move is taken over
    uint64 minMargin; // initial margin, least
    uint64 maxMargin; // and most; also the margin without a risk feed
    uint32 rampInterval; // seconds in which the margin of existing positions moves by at most 50 bps
    uint64 minRisk; // answers of riskFeed below
    uint64 maxRisk; // or above are not used
    uint16 feeBps; // of every trade's quote
    uint16 protocolShareBps; // of that fee; the rest is the fund's
    uint16 liquidationFeeBps; // of the quote that a liquidation closes
    uint16 liquidatorShareBps; // of that; the rest is the fund's
    uint16 closeFactorBps; // share of a position that a mild liquidation closes
    uint16 maxDivergenceBps; // of the mark from the index, beyond which nothing may push it further
    uint32 fundingPeriod; // seconds in which a premium is paid in full
    uint16 maxPremiumBps; // of the index, that funding counts
    uint128 maxOpenInterest; // base, of each side
    uint16 maxSkewFundBps; // value of longs minus shorts, of the fund, that a trade may leave
    uint128 minPosition; // quote: smallest position that a trade may leave
    uint128 baseDepth; // base reserve at no skew and referenceRisk
    uint64 referenceRisk; // risk at which the depth is baseDepth
    uint64 minDepthRatio; // of baseDepth
    uint64 maxDepthRatio;
    uint16 depthRampBpsPerHour; // of baseDepth; zero: fixed depth
    uint16 premiumDecayBpsPerHour; // share of the premium over the index that fades
    uint16 fundUseBps; // of the fund, that following the index and deepening may cost in one block
    uint32 fundCooldown; // seconds from a request to the window, as long again, in which shares are redeemed
}

/// @notice The whole market. Amounts WAD (of quote unless said), whatever the decimals of the collateral.
struct PerpState {
    uint256 baseReserve; // base; baseReserve + longs - shorts = baseDepth * depthRatio
    uint256 quoteReserve;
    uint256 longs; // base
    uint256 shorts; // base
    int256 fundingLong; // quote that one base of a long has owed since the start; negative: received
    int256 fundingShort;
    int256 poolQuote; // what traders have paid into the reserves; never less than closing all would pay out
    int256 fundingEscrow; // funding that was paid and not yet received
    uint256 fund; // the liquidity providers'
    uint256 deficit; // bad debt that the fund could not pay: shared by withdrawals
    uint256 cash; // of the collateral that is held
    uint256 protocolFees; // to be claimed
    uint256 indexPrice; // last usable
    uint256 depthRatio; // in force
    uint256 depthTarget; // that the ramp moves to
    uint256 marginInForce; // before impact
    uint256 marginTarget; // that the ramp moves to
    uint256 syncedAt; // unix seconds
    bool priceFresh; // at syncedAt
    bool riskFresh;
}

/// @notice A trader.
struct PerpAccount {
    int256 base; // positive: long
    int256 cash; // quote; collateral less what was paid for the position, negative when leveraged
    int256 fundingIndex; // of its side, settled up to
}

/// @notice A trader as of this block, funding included.
struct PerpPositionView {
    int256 base;
    int256 cash;
    int256 equity; // cash and position at the index
    int256 closingEquity; // cash and what closing on the reserves would bring, before fees
    uint256 notional; // at the index
    uint256 initialMargin; // quote needed to add to the position or to withdraw
    uint256 maintenanceMargin; // quote below which it is liquidated
    bool liquidatable; // never without a usable price
}
