// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {
    AuctionView,
    CollateralConfig,
    CollateralView,
    HoldingView,
    LendingConfig,
    MarketView,
    PositionView
} from "../types/LendingTypes.sol";

/// @title Over-collateralised lending whose liquidation LTVs follow proven risks
/// @notice Up to eight collaterals, one debt asset, no owner: everything is fixed at construction and nobody can take funds.
///
/// Health. healthFactor = sum(amount * price * LTV(amount)) / debt. For each collateral target = clip(1 / (1 + liquidationBonus +
/// slippage + q99 * weight), floorLtv, capLtv), q99 the 99 % move over liquidationDelay by its risk feed, and for an amount
/// LTV(amount) = 1 / (1 / LTV + amount / (100 * depth)): what is sold at once slips.
/// The LTV in force moves towards the target *stored by the last transaction* at the configured rates, so it is a function
/// of time alone between transactions, and within one block no update of a feed can move it (no update sandwich).
/// Debt may reach the sum at min(LTV in force, target now) - borrowMargin: new debt feels a tighter target at once.
///
/// Warnings. poke stores when a position is unhealthy at its LTVs in force or at their targets. warn stores an alarm when the
/// LiquidationBoard has proven a probability of alarmProbability or more: for alarmPeriod no new debt and no withdrawals
/// under debt; it never liquidates.
///
/// Grace. A position that is healthy at agreedLtv, the LTV of when its owner last borrowed or withdrew, is unhealthy only because
/// LTVs fell: it goes to auction no sooner than gracePeriod after its warning. It still covers its debt by what was asked then.
///
/// Broken feeds, each collateral by itself. Without a usable risk: the target is floorLtv (approached by the ramp, not by a
/// jump), and nothing is borrowed against it; without a usable weight the weight is 3. Without a fresh price: nothing is
/// borrowed against it and it covers no withdrawal; it is not put up for sale; it counts at its last fresh price when
/// others would be sold, and not at all when an auction would be ended as cured. A running auction needs no oracle.
/// In every case lenders may withdraw idle cash, anyone may repay or (within caps) add collateral, and collateral without debt is
/// free. One broken feed does not touch positions without that collateral.
///
/// Auction (Dutch). Started by anyone when healthFactor < 1e18: each collateral with a fresh price falls from its own start, price(t) =
/// start * (tau - t) / tau, rounded up, until the tail; then it has to be started anew. It sells just enough to repay
/// closeFactorBps of the debt, or all of it at or below fullCloseHealthFactor. Unsold collateral stays the borrower's own, to be
/// withdrawn by them: no transfer to a borrower can block a sale. When nothing (or dust, a ten-thousandth of the debt) is left,
/// the rest of the debt is written off: the reserve bears it first, then every lender by share.
///
/// Rounding is always against the acting user: shares down on supply and up on withdraw, debt up, collateral sold down.
/// @custom:invariant totalSupplyAssets + reserve - totalBorrowAssets <= balance of the debt asset
/// @custom:invariant sum of an asset's amounts = its total <= balance of the asset
/// @custom:invariant floorLtv <= liquidationLtv <= capLtv, and it does not change within a block
interface ILendingVault {
    /// @notice Emitted when interest is added to all debts.
    event InterestAccrued(uint256 interest, uint256 toReserve);
    /// @notice Emitted when the LTV in force of a collateral or its target changes.
    event LiquidationLtvUpdated(address indexed asset, uint256 liquidationLtv, uint256 target, bool riskFresh);
    event Supplied(address indexed sender, address indexed receiver, uint256 assets, uint256 shares);
    event Withdrawn(address indexed lender, address indexed receiver, uint256 assets, uint256 shares);
    event CollateralAdded(address indexed sender, address indexed account, address indexed asset, uint256 amount);
    event CollateralWithdrawn(
        address indexed account, address indexed receiver, address indexed asset, uint256 amount
    );
    event Borrowed(address indexed account, address indexed receiver, uint256 assets, uint256 shares);
    event Repaid(address indexed sender, address indexed account, uint256 assets, uint256 shares);
    /// @notice Emitted when a position is first seen unhealthy at the LTVs in force or at their targets.
    event PositionWarned(address indexed account, uint256 healthFactor, uint256 healthFactorAtTarget);
    /// @notice Emitted when a warned position is seen healthy again.
    event WarningCleared(address indexed account, uint256 healthFactor);
    /// @notice Emitted when a proven probability of liquidation is an alarm, and when a later one ends it.
    event AlarmRaised(address indexed account, uint256 probability);
    event AlarmEnded(address indexed account);
    /// @notice Emitted when the board is named.
    event BoardNamed(address board);
    /// @notice Emitted when an auction starts, also anew after its tail.
    event AuctionStarted(address indexed account, uint256 healthFactor, uint256 debt);
    /// @notice Emitted for each collateral of an auction that starts.
    /// @param startPrice WAD: debt tokens for one collateral token.
    event CollateralForSale(address indexed account, address indexed asset, uint256 amount, uint256 startPrice);
    /// @notice Emitted for every purchase.
    /// @param price WAD: debt tokens for one collateral token.
    event AuctionTaken(
        address indexed account,
        address indexed buyer,
        address indexed asset,
        address recipient,
        uint256 collateral,
        uint256 paid,
        uint256 price
    );
    /// @notice Emitted when an auction ends.
    /// @param cured True when the position became healthy, false when the debt was raised, repaid or what was for sale ran out.
    event AuctionEnded(address indexed account, bool cured);
    /// @notice Emitted when the rest of a debt is written off against the reserve and the lenders.
    event BadDebtWrittenOff(address indexed account, uint256 badDebt, uint256 fromReserve);

    /// @notice Thrown by the constructor; `field` is the name of the offending member of a config.
    error InvalidConfig(bytes32 field);
    /// @notice Thrown when an amount is zero.
    error ZeroAmount();
    /// @notice Thrown when an address argument is zero.
    error ZeroAddress();
    /// @notice Thrown when an amount exceeds what the arithmetic is safe for.
    error AmountTooLarge(uint256 amount, uint256 max);
    /// @notice Thrown when an asset is no collateral of this vault.
    error UnknownCollateral(address asset);
    /// @notice Thrown when the vault would hold more of a collateral than it takes.
    error SupplyCapExceeded(address asset, uint256 total, uint256 cap);
    /// @notice Thrown when an asset delivered another amount than asked for, such as one that takes a fee.
    error TransferAmountMismatch(address asset, uint256 received, uint256 expected);
    /// @notice Thrown when there is not enough idle cash.
    error InsufficientLiquidity(uint256 requested, uint256 available);
    /// @notice Thrown when a lender has fewer shares.
    error InsufficientShares(uint256 requested, uint256 available);
    /// @notice Thrown when a borrower has less collateral.
    error InsufficientCollateral(uint256 requested, uint256 available);
    /// @notice Thrown when the debt would exceed what the collateral allows.
    error BorrowLimitExceeded(uint256 debt, uint256 limit);
    /// @notice Thrown when a debt would be left that is too small to be worth an auction.
    error DebtBelowMinimum(uint256 debt, uint256 minDebt);
    /// @notice Thrown when the account owes nothing.
    error NoDebt(address account);
    /// @notice Thrown when a collateral that the call depends on has no fresh price.
    error PriceUnavailable(address asset);
    /// @notice Thrown when a collateral that new debt would depend on has no usable risk.
    error RiskUnavailable(address asset);
    /// @notice Thrown when new debt or a withdrawal is asked for under an alarm.
    error PositionAlarmed(address account, uint256 until);
    /// @notice Thrown on a warning when no board was named.
    error NoBoard();
    /// @notice Thrown when somebody else names the board, when it was named before, or when it watches another vault.
    error NotBoardSetter(address caller);
    error BoardNamedAlready(address board);
    error WrongBoard(address board);
    /// @notice Thrown when the transaction brings too little gas for a feed read that must not fail for want of it.
    error NotEnoughGas(uint256 available, uint256 required);
    /// @notice Thrown when lenders have lost so much, so often, that a base unit of what they own has 2^128 shares.
    error SupplyDiluted(uint256 shares, uint256 assets);
    /// @notice Thrown when an auction is started on a healthy position.
    error PositionHealthy(uint256 healthFactor);
    /// @notice Thrown when an auction is started too early after the warning; without a warning, poke first.
    error GraceNotOver(address account, uint256 endsAt);
    /// @notice Thrown when an auction is cancelled on an unhealthy position.
    error PositionUnhealthy(uint256 healthFactor);
    /// @notice Thrown when the account's auction runs, until `expiresAt`.
    error AuctionInProgress(address account, uint256 expiresAt);
    /// @notice Thrown when the account has no auction.
    error NoAuction(address account);
    /// @notice Thrown when the auction does not sell this collateral.
    error NotForSale(address asset);
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

    /// @notice Adds collateral to `account`, as far as its cap allows.
    function addCollateral(address asset, uint256 amount, address account) external;

    /// @notice Takes the caller's collateral out, as far as their debt allows.
    function withdrawCollateral(address asset, uint256 amount, address receiver) external;

    /// @notice Borrows `assets` against the caller's collateral, as far as its limit allows.
    function borrow(uint256 assets, address receiver) external returns (uint256 shares);

    /// @notice Repays up to `assets` of the debt of `account`. Always possible; takes no more than is owed.
    function repay(uint256 assets, address account) external returns (uint256 paid);

    // Keepers: anyone

    /// @notice Adds interest, moves the LTVs of the account's collaterals, and warns `account` or clears its warning. Never
    /// needs a feed to work.
    function poke(address account) external;

    /// @notice Moves the LTV of a collateral that perhaps nobody holds.
    function sync(address asset) external;

    /// @notice Takes the board's probability of `account`: from alarmProbability on it is an alarm, below it ends one. Reverts as
    /// the board does when there is none that is fresh.
    function warn(address account) external;

    /// @notice Starts the auction of an unhealthy position, or starts it anew after its tail.
    function startAuction(address account) external;

    /// @notice Ends the auction of a position that is healthy again by what has a fresh price.
    function cancelAuction(address account) external;

    /// @notice Buys up to `maxCollateral` of a position's collateral at its price in the auction, for `recipient`.
    /// @param maxPrice WAD: debt tokens for one collateral token, at most.
    /// @return collateral Bought, rounded down.
    /// @return paid In the debt asset, rounded up.
    function take(address account, address asset, uint256 maxCollateral, uint256 maxPrice, address recipient)
        external
        returns (uint256 collateral, uint256 paid);

    /// @notice Names the LiquidationBoard of this vault, once and for ever. By boardSetter alone.
    function nameBoard(address board) external;

    // Reads; these never revert for a feed's sake unless said

    function position(address account) external view returns (PositionView memory);

    /// @notice What `account` holds, in the order of the vault's collaterals.
    function holdings(address account) external view returns (HoldingView[] memory);

    function auction(address account) external view returns (AuctionView memory);

    function market() external view returns (MarketView memory);

    function collateral(address asset) external view returns (CollateralView memory);

    /// @notice Health factor at the LTVs in force, WAD; max uint without debt. Reverts without a fresh price of everything held.
    function healthFactor(address account) external view returns (uint256);

    /// @notice Debt with interest, base units of the debt asset, rounded up.
    function debtOf(address account) external view returns (uint256);

    /// @notice What may still be borrowed by `account`; 0 during an auction or an alarm.
    function maxBorrow(address account) external view returns (uint256 assets);

    function supplySharesOf(address lender) external view returns (uint256);

    /// @notice What the shares of `lender` are worth, base units of the debt asset, rounded down.
    function supplyAssetsOf(address lender) external view returns (uint256);

    /// @notice Shares for `assets` supplied now, rounded down.
    function convertToShares(uint256 assets) external view returns (uint256);

    /// @notice Assets for `shares` redeemed now, rounded down.
    function convertToAssets(uint256 shares) external view returns (uint256);

    /// @notice The LiquidationBoard; zero until it is named.
    function board() external view returns (address);

    function config() external view returns (LendingConfig memory);

    function collateralConfigs() external view returns (CollateralConfig[] memory);
}
