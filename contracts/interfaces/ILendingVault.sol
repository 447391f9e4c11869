// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {AuctionView, LendingConfig, MarketView, PositionView} from "../types/LendingTypes.sol";

/// @title Over-collateralised lending whose liquidation LTV follows a proven volatility
/// @notice One collateral, one debt asset, no owner: everything is fixed at construction and nobody can take funds.
///
/// Liquidation LTV. target = clip(1 / (1 + liquidationBonus + q99 + slippage), floorLtv, capLtv), where
/// q99 = z99 * volatility * sqrt(liquidationDelay / 365 days), z99 the normal 99 % quantile; rounded against the borrower.
/// It covers a fall to 1 / (1 + q99) between breach and sale, and a sale at 1 / (1 + liquidationBonus) of the market, as
/// long as liquidationBonus * q99 <= slippage.
/// The LTV in force moves towards the target *stored by the last transaction* at the configured rates, so it is a function
/// of time alone between transactions, and within one block no update of a feed can move it (no update sandwich).
/// borrowLtv = min(LTV in force, target now) - borrowMargin: new debt feels a tighter target at once.
///
/// When the volatility is stale, paused, reverting or not positive: the target is floorLtv (approached by the ramp, not by a
/// jump), new debt is refused; collateral may leave a position with debt down to the borrowLtv that belongs to floorLtv.
/// When the price is stale, reverting or out of range: no borrow, no withdrawal of collateral with debt, no start and no
/// cancelling of auctions, no warning. A running auction goes on, since its price needs no oracle, and ends by itself at its tail.
/// In every case lenders may withdraw idle cash, anyone may repay or add collateral, and collateral without debt is free.
///
/// Auction (Dutch). Started by anyone when healthFactor < 1e18; price(t) = start * (tau - t) / tau, rounded up, until the tail;
/// then it has to be started anew from a fresh price. It sells just enough collateral to repay closeFactorBps of the debt, or
/// all of it at or below fullCloseHealthFactor. Unsold collateral stays in the position as the borrower's own, to be withdrawn
/// by them: no transfer to a borrower can block a sale. When the collateral runs out first, the rest of the debt is written off
/// and every lender bears it by share. A repay or added collateral that makes the position healthy ends the auction.
///
/// Rounding is always against the acting user: shares down on supply and up on withdraw, debt up, collateral sold down.
/// @custom:invariant totalSupplyAssets - totalBorrowAssets <= balance of the debt asset
/// @custom:invariant sum of collateral <= balance of the collateral asset
/// @custom:invariant floorLtv <= liquidationLtv <= capLtv, and it does not change within a block
interface ILendingVault {
    /// @notice Emitted when interest is added to all debts.
    event InterestAccrued(uint256 interest, uint256 borrowRate);
    /// @notice Emitted when the LTV in force or its target changes.
    event LiquidationLtvUpdated(uint256 liquidationLtv, uint256 target, bool volatilityFresh);
    event Supplied(address indexed sender, address indexed receiver, uint256 assets, uint256 shares);
    event Withdrawn(address indexed lender, address indexed receiver, uint256 assets, uint256 shares);
    event CollateralAdded(address indexed sender, address indexed account, uint256 amount);
    event CollateralWithdrawn(address indexed account, address indexed receiver, uint256 amount);
    event Borrowed(address indexed account, address indexed receiver, uint256 assets, uint256 shares);
    event Repaid(address indexed sender, address indexed account, uint256 assets, uint256 shares);
    /// @notice Emitted when a position is first seen unhealthy at the LTV in force or at its target.
    event PositionWarned(address indexed account, uint256 healthFactor, uint256 healthFactorAtTarget);
    /// @notice Emitted when a warned position is seen healthy again.
    event WarningCleared(address indexed account, uint256 healthFactor);
    /// @notice Emitted when an auction starts, also anew after its tail.
    /// @param startPrice WAD: debt tokens for one collateral token.
    event AuctionStarted(
        address indexed account, uint256 healthFactor, uint256 debt, uint256 collateral, uint256 startPrice
    );
    /// @notice Emitted for every purchase.
    /// @param price WAD: debt tokens for one collateral token.
    event AuctionTaken(
        address indexed account,
        address indexed buyer,
        address indexed recipient,
        uint256 collateral,
        uint256 paid,
        uint256 price
    );
    /// @notice Emitted when an auction ends.
    /// @param cured True when the position became healthy, false when the debt was raised, repaid or the collateral ran out.
    event AuctionEnded(address indexed account, bool cured);
    /// @notice Emitted when the rest of a debt is written off against the lenders.
    event BadDebtSocialised(address indexed account, uint256 badDebt);

    /// @notice Thrown by the constructor; `field` is the name of the offending member of LendingConfig.
    error InvalidConfig(bytes32 field);
    /// @notice Thrown when an amount is zero.
    error ZeroAmount();
    /// @notice Thrown when an address argument is zero.
    error ZeroAddress();
    /// @notice Thrown when an amount exceeds what the arithmetic is safe for.
    error AmountTooLarge(uint256 amount, uint256 max);
    /// @notice Thrown when an asset delivered another amount than asked for, such as one that takes a fee.
    error TransferAmountMismatch(address asset, uint256 received, uint256 expected);
    /// @notice Thrown when there is not enough idle cash.
    error InsufficientLiquidity(uint256 requested, uint256 available);
    /// @notice Thrown when a lender has fewer shares.
    error InsufficientShares(uint256 requested, uint256 available);
    /// @notice Thrown when a borrower has less collateral.
    error InsufficientCollateral(uint256 requested, uint256 available);
    /// @notice Thrown when the debt would exceed borrowLtv of the collateral's value.
    error BorrowLimitExceeded(uint256 debt, uint256 limit);
    /// @notice Thrown when a debt would be left that is too small to be worth an auction.
    error DebtBelowMinimum(uint256 debt, uint256 minDebt);
    /// @notice Thrown when the account owes nothing.
    error NoDebt(address account);
    /// @notice Thrown when the price's observation is too old.
    error PriceStale(uint256 age, uint256 maxPriceAge);
    /// @notice Thrown when the price feed reverts, or answers zero, less, too much, or from the future.
    error PriceUnavailable();
    /// @notice Thrown on a borrow while the volatility is stale, paused, reverting or not positive.
    error VolatilityUnavailable();
    /// @notice Thrown when the transaction brings too little gas for a feed read that must not fail for want of it.
    error NotEnoughGas(uint256 available, uint256 required);
    /// @notice Thrown when an auction is started on a healthy position.
    error PositionHealthy(uint256 healthFactor);
    /// @notice Thrown when an auction is cancelled on an unhealthy position.
    error PositionUnhealthy(uint256 healthFactor);
    /// @notice Thrown when the account's auction runs, until `expiresAt`.
    error AuctionInProgress(address account, uint256 expiresAt);
    /// @notice Thrown when the account has no auction.
    error NoAuction(address account);
    /// @notice Thrown on a purchase after the tail; start the auction anew.
    error AuctionExpired(uint256 expiresAt);
    /// @notice Thrown when the auction's price is above the buyer's limit.
    error PriceAboveLimit(uint256 price, uint256 maxPrice);

    // Lenders

    /// @notice Lends `assets` of the debt asset; the shares, rounded down, belong to `receiver`.
    function supply(uint256 assets, address receiver) external returns (uint256 shares);

    /// @notice Takes `assets` back for shares of the caller, rounded up.
    function withdraw(uint256 assets, address receiver) external returns (uint256 shares);

    /// @notice Takes back what `shares` of the caller are worth, rounded down.
    function redeem(uint256 shares, address receiver) external returns (uint256 assets);

    // Borrowers

    /// @notice Adds collateral to `account`. Always possible.
    function addCollateral(uint256 amount, address account) external;

    /// @notice Takes the caller's collateral out, as far as borrowLtv allows.
    function withdrawCollateral(uint256 amount, address receiver) external;

    /// @notice Borrows `assets` against the caller's collateral, as far as borrowLtv allows.
    function borrow(uint256 assets, address receiver) external returns (uint256 shares);

    /// @notice Repays up to `assets` of the debt of `account`. Always possible; takes no more than is owed.
    function repay(uint256 assets, address account) external returns (uint256 paid);

    // Keepers: anyone

    /// @notice Adds interest, moves the liquidation LTV, and warns `account` or clears its warning. Never needs a feed to work.
    function poke(address account) external;

    /// @notice Starts the auction of an unhealthy position, or starts it anew after its tail.
    function startAuction(address account) external;

    /// @notice Ends the auction of a position that is healthy again.
    function cancelAuction(address account) external;

    /// @notice Buys up to `maxCollateral` of a position's collateral at the auction's price, for `recipient`.
    /// @param maxPrice WAD: debt tokens for one collateral token, at most.
    /// @return collateral Bought, rounded down.
    /// @return paid In the debt asset, rounded up.
    function take(address account, uint256 maxCollateral, uint256 maxPrice, address recipient)
        external
        returns (uint256 collateral, uint256 paid);

    // Reads; these never revert for a feed's sake unless said

    function position(address account) external view returns (PositionView memory);

    function auction(address account) external view returns (AuctionView memory);

    function market() external view returns (MarketView memory);

    /// @notice Health factor at the LTV in force, WAD; max uint without debt. Reverts without a fresh price.
    function healthFactor(address account) external view returns (uint256);

    /// @notice Debt with interest, base units of the debt asset, rounded up.
    function debtOf(address account) external view returns (uint256);

    /// @notice The LTV in force, WAD: above it a position is liquidatable.
    function liquidationLtv() external view returns (uint256);

    /// @notice The LTV that the feeds ask for now, WAD.
    function targetLiquidationLtv() external view returns (uint256);

    /// @notice The LTV up to which may be borrowed, WAD.
    function borrowLtv() external view returns (uint256);

    /// @notice What may still be borrowed by `account`; 0 without fresh feeds or during an auction.
    function maxBorrow(address account) external view returns (uint256 assets);

    function supplySharesOf(address lender) external view returns (uint256);

    /// @notice What the shares of `lender` are worth, base units of the debt asset, rounded down.
    function supplyAssetsOf(address lender) external view returns (uint256);

    /// @notice Shares for `assets` supplied now, rounded down.
    function convertToShares(uint256 assets) external view returns (uint256);

    /// @notice Assets for `shares` redeemed now, rounded down.
    function convertToAssets(uint256 shares) external view returns (uint256);

    function config() external view returns (LendingConfig memory);
}
