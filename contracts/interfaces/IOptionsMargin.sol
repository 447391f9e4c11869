// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {
    OptionAccountView,
    OptionLeg,
    OptionsConfig,
    OptionsMarket,
    OptionsState,
    VolatilityPillar
} from "../types/OptionTypes.sol";

/// @title A book of European options, settled in cash, with portfolio margin on proven shocks and volatilities
/// @notice One underlying, one quote, no owner: everything is fixed at construction and nobody can take funds. Amounts are WAD
/// but for collateral that comes or goes, which is in base units.
///
/// Series. An expiry, a strike, call or put; anyone lists one within the bounds. Its id is expiry << 104 | isCall << 96 | strike.
/// The sum of all positions of a series is zero: trades move positions between two accounts.
///
/// Marks. Black-76 on the forward price e^(r tau), discounted, at the implied volatility of the expiry: constant-maturity proven
/// feeds ("pillars"), total variance linear between, flat outside, the same for every strike. What a smile adds is left to the
/// volatility shocks of the grid and to the prices that traders agree on.
///
/// Margin. ScenarioMargin's grid. The shock is fixed (riskFeed zero), or clip(z99 sigma sqrt(marginPeriod) weight, minShock,
/// maxShock) of the proven risk. New trades need the larger of the shock of now and the one in force; for existing
/// accounts it moves by at most 50 bps in each rampInterval towards the target stored by the last block's action. A trade, a
/// withdrawal and a bid need IM >= 0 (or a reduction that does not worsen a negative IM); below MM 0, or with negative cash, an
/// account can be auctioned. A trade must not take cash below zero, or further below it.
///
/// Auction. Dutch, on all positions: the price falls from the mark less startDiscountBps of the account's equity to the mark less
/// all of that equity in one auctionPeriod, and in a second one to the mark less the whole loss L, the difference paid by the
/// insurance fund. A bidder takes at most the fraction that brings the account back to 1.25 L and to no debt, lots rounded up.
///
/// Settlement. At the first observation of priceFeed at or after the expiry; when the feed keeps no observation of before, at
/// the oldest that it keeps. Positions settle lazily, when their account is touched, or by anyone.
///
/// Bad debt is the insurance fund's. What it cannot pay is the *deficit*: while it lasts, nothing opens and each withdrawal bears its
/// share, in proportion; whatever the fund earns goes there first.
///
/// Feeds: see RiskPolicy. Without price or any volatility ("marks"): no trade but one that closes everything that both have, no
/// auction, no bid, no withdrawal from an account with positions. Without risk: nothing opens, the shock goes to maxShock, by the
/// ramp for what exists. Without peg or confidence, where there is a feed for it: taken as 0. An account with a position that
/// expired and has no settlement price yet can only receive deposits.
/// @custom:invariant collateral balance >= cash; cash + deficit = sum of accounts' cash + insurance + clearing
/// @custom:invariant for each series: sum of long positions = sum of short positions
interface IOptionsMargin {
    event SeriesListed(uint256 indexed seriesId, uint40 expiry, uint96 strike, bool isCall);
    event Deposited(address indexed sender, address indexed account, uint256 amount);
    /// @notice Emitted on a withdrawal.
    /// @param haircut WAD: the share of the deficit that it bore.
    event Withdrawn(address indexed account, address indexed receiver, uint256 amount, uint256 haircut);
    event Donated(address indexed sender, uint256 amount);
    event OperatorSet(address indexed account, address indexed operator, bool allowed);
    /// @notice Emitted for every trade; amounts are the taker's changes, `cash` what the taker paid the maker, WAD.
    event Traded(
        address indexed maker, address indexed taker, address indexed operator, OptionLeg[] legs, int256 cash
    );
    event ExpirySettled(uint40 indexed expiry, uint256 price, uint80 roundId);
    event PositionSettled(address indexed account, uint256 indexed seriesId, int256 amount, int256 paid);
    event AuctionStarted(address indexed account, int256 maintenanceMargin);
    event AuctionEnded(address indexed account);
    /// @notice Emitted for every bid.
    /// @param price WAD: paid by the bidder, to it when negative; `penalty` was the account's, for the insurance fund.
    event AuctionTaken(
        address indexed account, address indexed bidder, uint256 fraction, int256 price, uint256 penalty
    );
    event BadDebt(address indexed account, uint256 loss, uint256 fromInsurance, uint256 deficit);

    /// @notice Thrown by the constructor; `field` is the name of the offending member.
    error InvalidConfig(bytes32 field);
    /// @notice Thrown when an amount is zero, or so small that nothing would come of it.
    error ZeroAmount();
    /// @notice Thrown when an address argument is zero.
    error ZeroAddress();
    /// @notice Thrown when an amount exceeds what the arithmetic is safe for.
    error AmountTooLarge(uint256 amount, uint256 max);
    /// @notice Thrown when the collateral delivered another amount than asked for, such as one that takes a fee.
    error TransferAmountMismatch(address asset, uint256 received, uint256 expected);
    /// @notice Thrown when the block is later than the caller allows.
    error DeadlinePassed(uint256 deadline, uint256 timestamp);
    /// @notice Thrown when an expiry is too near, too far or off its step.
    error ExpiryOutOfRange(uint256 expiry, uint256 earliest, uint256 latest);
    /// @notice Thrown when a strike is too low, too high or off its step.
    error StrikeNotAllowed(uint256 strike, uint256 lowest, uint256 highest);
    /// @notice Thrown when a series is listed again.
    error SeriesExists(uint256 seriesId);
    /// @notice Thrown when a series was never listed.
    error SeriesNotListed(uint256 seriesId);
    /// @notice Thrown on a trade in a series that has expired.
    error SeriesExpired(uint256 seriesId, uint256 timestamp);
    /// @notice Thrown when a trade has no legs or too many.
    error LegsOutOfRange(uint256 legs, uint256 max);
    /// @notice Thrown when legs are not in strictly rising order of their series.
    error LegsNotSorted(uint256 previous, uint256 current);
    /// @notice Thrown when an amount is not a multiple of the lot.
    error LotMismatch(int256 amount, uint256 lotSize);
    /// @notice Thrown when somebody would trade with itself, or bid for its own account.
    error SelfTrade(address account);
    /// @notice Thrown when neither the account itself calls nor an operator that it allowed.
    error NotOperator(address account, address caller);
    /// @notice Thrown when an account would have more positions than allowed.
    error TooManyPositions(address account, uint256 max);
    /// @notice Thrown when a series would have more open interest than allowed.
    error OpenInterestCapReached(uint256 openInterest, uint256 cap);
    /// @notice Thrown when the price feed or a volatility feed gives nothing that RiskPolicy lets through.
    error MarksUnavailable();
    /// @notice Thrown on opening when the risk feed gives nothing that RiskPolicy lets through.
    error RiskUnavailable();
    /// @notice Thrown on opening while there is a deficit.
    error DeficitOutstanding(uint256 deficit);
    /// @notice Thrown when a trade would leave, or deepen, negative cash.
    error NegativeCash(address account, int256 cash);
    /// @notice Thrown when the initial margin would be negative.
    error InsufficientMargin(address account, int256 margin);
    /// @notice Thrown when more is withdrawn than the account's cash.
    error InsufficientBalance(uint256 requested, int256 available);
    /// @notice Thrown when more would be paid out than there is cash for.
    error InsufficientLiquidity(uint256 requested, uint256 available);
    /// @notice Thrown when a position of the account expired and awaits its settlement price.
    error SettlementPending(address account, uint256 expiry);
    /// @notice Thrown when an expiry has its settlement price already.
    error AlreadySettled(uint256 expiry);
    /// @notice Thrown when the round was observed before the expiry.
    error RoundBeforeExpiry(uint256 observedAt, uint256 expiry);
    /// @notice Thrown when an earlier round was observed at or after the expiry.
    error RoundNotFirst(uint256 previousObservedAt, uint256 expiry);
    /// @notice Thrown when a round's price cannot be used.
    error PriceOutOfRange(int256 price);
    /// @notice Thrown when an account that has its margin is auctioned.
    error AccountHealthy(address account, int256 maintenanceMargin);
    /// @notice Thrown when an auction of the account runs.
    error AuctionInProgress(address account, uint256 startedAt);
    /// @notice Thrown when no auction of the account runs.
    error NoAuction(address account);
    /// @notice Thrown when an auction is ended whose account has not got its margin back.
    error AccountUnhealthy(address account, int256 maintenanceMargin);
    /// @notice Thrown when the fraction is zero or above 1.
    error FractionOutOfRange(uint256 fraction);
    /// @notice Thrown when the price is worse than the bidder allows.
    error LimitExceeded(int256 price, int256 limit);

    /// @notice Lists a series. Reverts: MarksUnavailable, ExpiryOutOfRange, StrikeNotAllowed, SeriesExists.
    function list(uint40 expiry, uint96 strike, bool isCall) external returns (uint256 seriesId);

    /// @notice Adds `amount` of collateral, base units, to `account`. Always possible.
    function deposit(uint256 amount, address account) external;

    /// @notice Takes collateral, base units, out of the caller's account, less its share of a deficit.
    /// @return paid Base units.
    function withdraw(uint256 amount, address receiver) external returns (uint256 paid);

    /// @notice Gives collateral, base units, to the insurance fund, or to the deficit first.
    function donate(uint256 amount) external;

    /// @notice Lets `operator` trade for the caller: its whole cash and every position. Only for contracts that ask for a consent
    /// of their own, such as a signed quote.
    function setOperator(address operator, bool allowed) external;

    /// @notice Moves positions from maker to taker for cash; both must be the caller or have allowed it, and are margined after.
    /// @param legs In rising order of their series; amounts are the taker's changes, multiples of the lot.
    /// @param cash WAD: what the taker pays the maker; negative: the other way.
    function trade(address maker, address taker, OptionLeg[] calldata legs, int256 cash) external;

    /// @notice Fixes the settlement price of an expiry: `roundId` is the first round at or after it.
    function settleExpiry(uint40 expiry, uint80 roundId) external;

    /// @notice Pays out the expired positions of an account whose settlement price is there.
    function settle(address account) external;

    /// @notice Starts the auction of an account below its maintenance margin, or with negative cash.
    function startAuction(address account) external;

    /// @notice Ends the auction of an account that has its margin again.
    function endAuction(address account) external;

    /// @notice Takes a part of an auctioned account's positions into the caller's account.
    /// @param fraction WAD; no more is taken than needed.
    /// @param maxPrice WAD: the most that the caller pays; negative: the least that it receives.
    function bid(address account, uint256 fraction, int256 maxPrice, uint256 deadline)
        external
        returns (uint256 taken, int256 price);

    // Reads, as if the book were touched now; they never revert for a feed's sake

    function accountOf(address account) external view returns (OptionAccountView memory);

    /// @notice The stored state, its shock moved to now.
    function state() external view returns (OptionsState memory);

    function market() external view returns (OptionsMarket memory);

    /// @notice A series' mark, WAD.
    /// @dev Reverts: SeriesNotListed, SeriesExpired, MarksUnavailable.
    function markOf(uint256 seriesId) external view returns (uint256);

    function openInterest(uint256 seriesId) external view returns (uint256 longs, uint256 shorts);

    function isListed(uint256 seriesId) external view returns (bool);

    /// @notice WAD; 0 before settlement.
    function settlementPrice(uint256 expiry) external view returns (uint256);

    function isOperator(address account, address operator) external view returns (bool);

    function config() external view returns (OptionsConfig memory);

    function pillars() external view returns (VolatilityPillar[] memory);
}
