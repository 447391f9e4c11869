// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IOptionsMargin} from "../../interfaces/IOptionsMargin.sol";
import {
    OptionAccount,
    OptionsConfig,
    OptionsMarket,
    OptionsState,
    PortfolioRisk,
    VolatilityPillar
} from "../../types/OptionTypes.sol";
import {OptionsBook} from "./OptionsBook.sol";
import {ScenarioEngine} from "./ScenarioEngine.sol";
import {ScenarioMargin} from "./ScenarioMargin.sol";

/// @title How collateral comes into an options book and leaves it, and what must be left behind
abstract contract OptionsCash is OptionsBook, ReentrancyGuard {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    /// @dev Of the collateral that is held, and of any amount in a call.
    uint256 internal constant MAX_AMOUNT = type(uint112).max;

    /// @notice Values portfolios; no state.
    ScenarioEngine public immutable engine;

    constructor(OptionsConfig memory c, VolatilityPillar[] memory p) OptionsBook(c, p) {
        engine = new ScenarioEngine();
    }

    /// @inheritdoc IOptionsMargin
    function deposit(uint256 amount, address account) external nonReentrant {
        if (account == address(0)) revert ZeroAddress();
        OptionsConfig memory c = config();
        OptionsState memory s = _loadState();
        OptionAccount memory a = _load(account, c.maxPositions);
        a.cash += int256(_takeCash(s, amount));
        _save(account, a);
        _saveState(s);
        emit Deposited(msg.sender, account, amount);
        _pull(c.collateralAsset, amount);
    }

    /// @inheritdoc IOptionsMargin
    function donate(uint256 amount) external nonReentrant {
        OptionsState memory s = _loadState();
        _credit(s, _takeCash(s, amount));
        _saveState(s);
        emit Donated(msg.sender, amount);
        _pull(config().collateralAsset, amount);
    }

    /// @inheritdoc IOptionsMargin
    function withdraw(uint256 amount, address receiver) external nonReentrant returns (uint256 paid) {
        if (receiver == address(0)) revert ZeroAddress();
        uint256 wad = _toWad(amount);
        OptionsConfig memory c = config();
        (OptionsState memory s, OptionsMarket memory m) = _synced(c);
        OptionAccount memory a = _open(s, msg.sender, c.maxPositions);
        _requireNoAuction(a, msg.sender);
        if (a.cash < int256(wad)) revert InsufficientBalance(wad, a.cash);
        a.cash -= int256(wad);
        if (a.count != 0) {
            _requireNothingPending(a, msg.sender);
            if (!m.marksFresh) revert MarksUnavailable();
            int256 margin = _initialMargin(s, m, a);
            if (margin < 0) revert InsufficientMargin(msg.sender, margin);
        }
        uint256 haircut;
        (paid, haircut) = _pay(s, wad);
        _save(msg.sender, a);
        _saveState(s);
        emit Withdrawn(msg.sender, receiver, paid, haircut);
        IERC20(c.collateralAsset).safeTransfer(receiver, paid);
    }

    /// @dev At the larger of the shock of now and the one in force; marks must be there.
    function _initialMargin(OptionsState memory s, OptionsMarket memory m, OptionAccount memory a)
        internal
        view
        returns (int256)
    {
        uint256 shock = Math.max(s.shockInForce, s.shockTarget);
        return ScenarioMargin.initial(engine.riskOf(a.positions, a.count, m, shock), a.cash, m);
    }

    /// @dev At the shock in force; marks must be there.
    function _maintenance(OptionsState memory s, OptionsMarket memory m, OptionAccount memory a)
        internal
        view
        returns (int256 margin, PortfolioRisk memory risk)
    {
        risk = engine.riskOf(a.positions, a.count, m, s.shockInForce);
        margin = ScenarioMargin.maintenance(risk, a.cash);
    }

    function _requireNoAuction(OptionAccount memory a, address account) internal pure {
        if (a.auctionStartedAt != 0) revert AuctionInProgress(account, a.auctionStartedAt);
    }

    function _toWad(uint256 amount) private view returns (uint256) {
        if (amount == 0) revert ZeroAmount();
        if (amount > MAX_AMOUNT / unitWad) revert AmountTooLarge(amount, MAX_AMOUNT / unitWad);
        return amount * unitWad;
    }

    function _takeCash(OptionsState memory s, uint256 amount) private view returns (uint256 wad) {
        wad = _toWad(amount);
        uint256 held = s.cash + wad;
        if (held > MAX_AMOUNT) revert AmountTooLarge(held, MAX_AMOUNT);
        s.cash = held.toUint128();
    }

    /// @dev What an account gets for `wad` of its cash: less its share of the deficit, rounded down to base units.
    function _pay(OptionsState memory s, uint256 wad) private view returns (uint256 amount, uint256 haircut) {
        if (s.deficit != 0) {
            uint256 claims = uint256(s.cash) + s.deficit;
            haircut = Math.min(wad, Math.mulDiv(wad, s.deficit, claims, Math.Rounding.Ceil));
        }
        amount = (wad - haircut) / unitWad;
        if (amount == 0) revert ZeroAmount();
        uint256 paidWad = amount * unitWad;
        if (paidWad > s.cash) revert InsufficientLiquidity(paidWad, s.cash);
        s.cash -= paidWad.toUint128();
        _credit(s, wad - paidWad);
    }

    function _pull(address asset, uint256 amount) private {
        uint256 balanceBefore = IERC20(asset).balanceOf(address(this));
        IERC20(asset).safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = IERC20(asset).balanceOf(address(this)) - balanceBefore;
        if (received != amount) revert TransferAmountMismatch(asset, received, amount);
    }
}
