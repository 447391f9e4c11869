// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {PerpConfig, PerpPositionView, PerpState} from "../types/PerpTypes.sol";

/// @title A perpetual market on virtual reserves whose margin and depth follow a proven risk
/// @notice One base, one quote, no owner: everything is fixed at construction and nobody can take funds.
///
/// Reserves. Trades run along B * Q = k, one wei against the trader. Liquidity providers own the *fund*; it is the
/// counterparty of what longs and shorts do not cover of each other. Once a block (a second of chain time), before its first
/// action, the market reads its feeds and moves the reserves:
/// (1) the mark follows the index by the same ratio, and the premium of the mark over the index fades;
/// (2) the depth moves towards baseDepth * referenceRisk / risk (k ~ 1 / risk^2) at constant mark, by the ramp.
/// A move changes what closing all positions would pay out, Q - QB / (B + net). The fund receives a fall of it and pays a
/// rise, at most fundUseBps of itself in one block: first the deepening is left out, then the index is followed in part.
/// So poolQuote covers the pay-out of all positions at any time. Nothing of this happens between two actions of one block,
/// and the premium fades at least as fast as the depth can grow, so that nobody can buy thin and sell deep.
///
/// Margin. quantile = 99 % move over marginPeriod from the proven risk; initial = clip(quantile * weight + impact, minMargin,
/// maxMargin), impact what closing loses to the reserves; maintenance = .8 initial. New trades need the larger of the margin
/// of now and the one in force; for existing positions it moves by at most 50 bps in each rampInterval towards the target
/// *stored by the last block's action*. A trade or a withdrawal needs the initial margin at the index and at the reserves.
///
/// Funding. The mark's premium over the index, as each block's last action left it, times the seconds until the next, over
/// fundingPeriod: the time-weighted average of both. The side that is ahead pays; the other receives no more than is paid,
/// and what it does not receive is the fund's.
///
/// Liquidation by anyone when the equity at the index is below maintenance: closeFactorBps of the position, all of it below
/// half of maintenance or when too little would be left. The fee comes out of what the account has left.
/// Bad debt is the fund's. What the fund cannot pay is the *deficit*: while it lasts, nothing opens, and every withdrawal by a
/// trader bears its share of it, in proportion; whatever the fund earns goes there first. When bad debt takes all of the
/// fund, its shares are void and new ones start.
///
/// Feeds: see RiskPolicy. Without a usable price: no new or larger position, no liquidation, no withdrawal from a position, no
/// funding after maxPriceAge; closing is possible, in part as far as the rest keeps the maintenance of maxMargin at the reserves.
/// Without a usable risk: nothing opens, margin goes to maxMargin.
/// @custom:invariant balance of the collateral >= cash = sum of accounts + poolQuote + fundingEscrow + fund + protocolFees - deficit
/// @custom:invariant poolQuote >= quoteReserve - quoteReserve * baseReserve / (baseReserve + longs - shorts)
/// @custom:invariant baseReserve + longs - shorts = baseDepth * depthRatio, rounded down
interface IPerpMarket {
    event Deposited(address indexed sender, address indexed account, uint256 amount);
    /// @notice Emitted on a trader's withdrawal.
    /// @param haircut WAD: the share of the deficit that it bore.
    event Withdrawn(address indexed account, address indexed receiver, uint256 amount, uint256 haircut);
    /// @notice Emitted for every trade; amounts WAD.
    event PositionIncreased(
        address indexed account, bool isLong, uint256 base, uint256 quote, uint256 fee, uint256 markPrice
    );
    event PositionDecreased(
        address indexed account, bool isLong, uint256 base, uint256 quote, uint256 fee, uint256 markPrice
    );
    /// @notice Emitted for every liquidation.
    /// @param penalty WAD: taken from the account; `reward` of it went to the liquidator's account here.
    event Liquidated(
        address indexed account,
        address indexed liquidator,
        uint256 base,
        uint256 quote,
        uint256 penalty,
        uint256 reward,
        uint256 markPrice
    );
    /// @notice Emitted when a closed position owed more than it had.
    event BadDebt(address indexed account, uint256 loss, uint256 fromFund, uint256 deficit);
    /// @notice Emitted when the fund was used up and its shares became void.
    event FundWiped(uint256 indexed epoch, uint256 shares);
    /// @notice Emitted once a block, before its first action.
    /// @param fundPaid WAD: by the fund for following the index and deepening; negative: received.
    event Synced(
        uint256 indexPrice, bool priceFresh, bool riskFresh, uint256 margin, uint256 depthRatio, int256 fundPaid
    );
    event LiquidityProvided(address indexed sender, address indexed receiver, uint256 amount, uint256 shares);
    event RedemptionRequested(address indexed provider, uint256 opensAt, uint256 closesAt);
    event LiquidityRedeemed(address indexed provider, address indexed receiver, uint256 amount, uint256 shares);
    event Donated(address indexed sender, uint256 amount);
    event FeesClaimed(uint256 amount);

    /// @notice Thrown by the constructor; `field` is the name of the offending member of PerpConfig.
    error InvalidConfig(bytes32 field);
    /// @notice Thrown when an amount is zero, or so small that nothing would come of it.
    error ZeroAmount();
    /// @notice Thrown when an address argument is zero.
    error ZeroAddress();
    /// @notice Thrown when an amount exceeds what the arithmetic is safe for.
    error AmountTooLarge(uint256 amount, uint256 max);
    /// @notice Thrown when the collateral delivered another amount than asked for, such as one that takes a fee.
    error TransferAmountMismatch(address asset, uint256 received, uint256 expected);
    /// @notice Thrown when the block is later than the trader allows.
    error DeadlinePassed(uint256 deadline, uint256 timestamp);
    /// @notice Thrown when the trade comes out worse than the trader's limit.
    error LimitExceeded(uint256 amount, uint256 limit);
    /// @notice Thrown on an increase against the side of the position: close it first.
    error OppositePosition(int256 base);
    /// @notice Thrown when the account has no position.
    error NoPosition(address account);
    /// @notice Thrown when a short asks for more quote than the reserves have.
    error DepthExceeded(uint256 quote, uint256 quoteReserve);
    /// @notice Thrown when a side would become larger than its cap; base.
    error OpenInterestCapReached(uint256 openInterest, uint256 cap);
    /// @notice Thrown when a trade would leave the fund with more exposure than it can carry; quote.
    error SkewCapReached(uint256 skew, uint256 cap);
    /// @notice Thrown when an increase would push the mark away from the index, beyond the limit.
    error MarkDiverged(uint256 markPrice, uint256 indexPrice);
    /// @notice Thrown when the equity would be below what is required.
    error InsufficientMargin(int256 equity, uint256 required);
    /// @notice Thrown when an account without a position withdraws more than it has.
    error InsufficientBalance(uint256 requested, int256 available);
    /// @notice Thrown when a position would be left that is too small.
    error PositionBelowMinimum(uint256 notional, uint256 minPosition);
    /// @notice Thrown on the liquidation of an account that has its margin.
    error AccountHealthy(int256 equity, uint256 required);
    /// @notice Thrown when an account liquidates itself: it can close its position.
    error SelfLiquidation(address account);
    /// @notice Thrown when the price feed gives nothing that RiskPolicy lets through.
    error PriceUnavailable();
    /// @notice Thrown on an increase when the risk feed gives nothing that RiskPolicy lets through.
    error RiskUnavailable();
    /// @notice Thrown on an increase, or on providing liquidity, while there is a deficit.
    error DeficitOutstanding(uint256 deficit);
    /// @notice Thrown when more would be paid out than there is cash for.
    error InsufficientLiquidity(uint256 requested, uint256 available);
    /// @notice Thrown when the fund has lost so much, so often, that a wei of it has 2^128 shares.
    error FundDiluted(uint256 shares, uint256 fund);
    /// @notice Thrown when a provider has fewer shares.
    error InsufficientShares(uint256 requested, uint256 available);
    /// @notice Thrown when shares are redeemed outside the window of the last request; both 0 without one.
    error RedemptionNotOpen(uint256 opensAt, uint256 closesAt);

    // Traders

    /// @notice Adds `amount` of collateral, base units, to `account`. Always possible.
    function deposit(uint256 amount, address account) external;

    /// @notice Takes collateral, base units, out of the caller's account, less its share of a deficit.
    /// @return paid Base units.
    function withdraw(uint256 amount, address receiver) external returns (uint256 paid);

    /// @notice Opens or adds to the caller's position for `quote`, WAD, fee not included.
    /// @param baseLimit WAD: a long receives at least this, a short owes at most this.
    /// @param deadline Unix seconds: the last block time at which it may happen.
    function increase(bool isLong, uint256 quote, uint256 baseLimit, uint256 deadline) external returns (uint256 base);

    /// @notice Closes up to `maxBase`, WAD, of the caller's position.
    /// @param quoteLimit WAD, before the fee: a long receives at least this, a short pays at most this.
    /// @param deadline Unix seconds.
    function decrease(uint256 maxBase, uint256 quoteLimit, uint256 deadline)
        external
        returns (uint256 base, uint256 quote);

    // Keepers: anyone

    /// @notice Closes some or all of an account's position. The reward is added to the caller's account here.
    function liquidate(address account) external returns (uint256 base, uint256 reward);

    /// @notice Reads the feeds, accrues funding and moves the reserves.
    function poke() external;

    /// @notice Pays the protocol's fees to feeRecipient.
    function claimFees() external returns (uint256 paid);

    // Liquidity providers

    /// @notice Adds collateral, base units, to the fund; the shares, rounded down, belong to `receiver`.
    function provide(uint256 amount, address receiver) external returns (uint256 shares);

    /// @notice Announces that the caller will redeem: possible from fundCooldown on, for as long again.
    function requestRedemption() external;

    /// @notice Takes what `shares` of the caller are worth, rounded down; in the window of a request.
    function redeem(uint256 shares, address receiver) external returns (uint256 amount);

    /// @notice Gives collateral, base units, to the fund, or to the deficit first.
    function donate(uint256 amount) external;

    // Reads, as if the market were poked now; they never revert for a feed's sake

    function state() external view returns (PerpState memory);

    function position(address account) external view returns (PerpPositionView memory);

    /// @notice Quote for one base at the reserves, WAD, rounded down.
    function markPrice() external view returns (uint256);

    /// @notice Quote that moves the mark by `moveBps`, WAD: Q (sqrt(1 + x) - 1) upwards, Q (1 - sqrt(1 - x)) downwards.
    function depth(uint256 moveBps, bool up) external view returns (uint256);

    /// @notice What `increase` would give for `quote` by the reserves alone.
    function previewIncrease(bool isLong, uint256 quote) external view returns (uint256 base);

    function fundSharesOf(address provider) external view returns (uint256);

    /// @notice Shares of the fund's present epoch.
    function totalFundShares() external view returns (uint256);

    /// @notice What the shares of `provider` are worth, WAD, rounded down.
    function fundAssetsOf(address provider) external view returns (uint256);

    function config() external view returns (PerpConfig memory);
}
