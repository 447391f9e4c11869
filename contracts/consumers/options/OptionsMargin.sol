// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IOptionsMargin} from "../../interfaces/IOptionsMargin.sol";
import {IQuorumFeed} from "../../interfaces/IQuorumFeed.sol";
import {RiskPolicy} from "../../libraries/RiskPolicy.sol";
import {
    OptionAccount,
    OptionAccountView,
    OptionLeg,
    OptionPosition,
    OptionsConfig,
    OptionsMarket,
    OptionsState,
    PortfolioRisk,
    VolatilityPillar
} from "../../types/OptionTypes.sol";
import {OptionsAuction} from "./OptionsAuction.sol";

/// @title An options book: listing, trading, settlement, and its reads
contract OptionsMargin is OptionsAuction {
    /// @notice Legs of a trade, at most.
    uint256 public constant MAX_LEGS = 8;

    /// @inheritdoc IOptionsMargin
    mapping(address account => mapping(address operator => bool)) public isOperator;

    /// @dev A trade in memory.
    struct Side {
        address account;
        OptionAccount before;
        OptionAccount later;
        bool reducing;
    }

    constructor(OptionsConfig memory c, VolatilityPillar[] memory p) OptionsAuction(c, p) {}

    // Series

    /// @inheritdoc IOptionsMargin
    function list(uint40 expiry, uint96 strike, bool isCall) external returns (uint256 seriesId) {
        OptionsConfig memory c = config();
        uint256 spot = RiskPolicy.price(c.priceFeed, c.maxPriceAge);
        if (spot == 0) revert MarksUnavailable();
        (uint256 earliest, uint256 latest) = (block.timestamp + c.minTenor, block.timestamp + c.maxTenor);
        if (expiry < earliest || expiry > latest || expiry % c.expiryStep != 0) {
            revert ExpiryOutOfRange(expiry, earliest, latest);
        }
        (uint256 lowest, uint256 highest) = (spot / c.maxStrikeRatio, spot * c.maxStrikeRatio);
        if (strike == 0 || strike < lowest || strike > highest || strike % c.strikeStep != 0) {
            revert StrikeNotAllowed(strike, lowest, highest);
        }
        seriesId = _seriesId(expiry, strike, isCall);
        if (_listed[seriesId]) revert SeriesExists(seriesId);
        _listed[seriesId] = true;
        emit SeriesListed(seriesId, expiry, strike, isCall);
    }

    /// @inheritdoc IOptionsMargin
    function settleExpiry(uint40 expiry, uint80 roundId) external {
        if (settlementPrice[expiry] != 0) revert AlreadySettled(expiry);
        IQuorumFeed feed = IQuorumFeed(config().priceFeed);
        (, int256 price, uint256 observedAt,,) = feed.getRoundData(roundId);
        if (expiry > block.timestamp || observedAt < expiry) revert RoundBeforeExpiry(observedAt, expiry);
        if (roundId != feed.earliestRound()) {
            (,, uint256 previous,,) = feed.getRoundData(roundId - 1);
            if (previous >= expiry) revert RoundNotFirst(previous, expiry);
        }
        if (price <= 0 || price > int256(RiskPolicy.MAX_PRICE)) revert PriceOutOfRange(price);
        settlementPrice[expiry] = uint256(price) * RiskPolicy.WAD_PER_PRICE;
        emit ExpirySettled(expiry, settlementPrice[expiry], roundId);
    }

    /// @inheritdoc IOptionsMargin
    function settle(address account) external nonReentrant {
        OptionsState memory s = _loadState();
        OptionAccount memory a = _open(s, account, config().maxPositions);
        _save(account, a);
        _saveState(s);
    }

    // Trades

    /// @inheritdoc IOptionsMargin
    function setOperator(address operator, bool allowed) external {
        if (operator == address(0)) revert ZeroAddress();
        isOperator[msg.sender][operator] = allowed;
        emit OperatorSet(msg.sender, operator, allowed);
    }

    /// @inheritdoc IOptionsMargin
    function trade(address maker, address taker, OptionLeg[] calldata legs, int256 cash) external nonReentrant {
        if (maker == taker) revert SelfTrade(maker);
        _requireConsent(maker);
        _requireConsent(taker);
        if (legs.length == 0 || legs.length > MAX_LEGS) revert LegsOutOfRange(legs.length, MAX_LEGS);
        if (cash > int256(MAX_AMOUNT) || cash < -int256(MAX_AMOUNT)) {
            revert AmountTooLarge(cash < 0 ? uint256(-(cash + 1)) : uint256(cash), MAX_AMOUNT);
        }
        OptionsConfig memory c = config();
        (OptionsState memory s, OptionsMarket memory m) = _synced(c);
        Side memory made = _side(s, maker, c.maxPositions);
        Side memory took = _side(s, taker, c.maxPositions);
        _moveLegs(c, made, took, legs);
        made.later.cash += cash;
        took.later.cash -= cash;
        _checkSide(s, m, made);
        _checkSide(s, m, took);
        _save(maker, made.later);
        _save(taker, took.later);
        _saveState(s);
        emit Traded(maker, taker, msg.sender, legs, cash);
    }

    // Reads

    /// @inheritdoc IOptionsMargin
    function accountOf(address account) external view returns (OptionAccountView memory v) {
        OptionsConfig memory c = config();
        (OptionsState memory s, OptionsMarket memory m) = _synced(c);
        OptionAccount memory a = _preview(account, c.maxPositions);
        (v.cash, v.auctionStartedAt, v.valued) = (a.cash, a.auctionStartedAt, m.marksFresh || a.count == 0);
        v.positions = new OptionPosition[](a.count);
        for (uint256 i; i < a.count; ++i) {
            v.positions[i] = a.positions[i];
            if (a.positions[i].expiry <= block.timestamp) v.valued = false;
        }
        if (!v.valued) return v;
        PortfolioRisk memory risk;
        (v.maintenanceMargin, risk) = _maintenance(s, m, a);
        v.value = risk.value;
        v.initialMargin = _initialMargin(s, m, a);
        v.liquidatable = a.count != 0 && !_healthy(a, v.maintenanceMargin);
    }

    /// @inheritdoc IOptionsMargin
    function state() external view returns (OptionsState memory s) {
        (s,) = _synced(config());
    }

    /// @inheritdoc IOptionsMargin
    function market() external view returns (OptionsMarket memory m) {
        (, m) = _synced(config());
    }

    /// @inheritdoc IOptionsMargin
    function markOf(uint256 seriesId) external view returns (uint256) {
        _requireTradable(seriesId);
        (, OptionsMarket memory m) = _synced(config());
        if (!m.marksFresh) revert MarksUnavailable();
        OptionPosition[] memory one = new OptionPosition[](1);
        (one[0].expiry, one[0].isCall, one[0].strike) =
            (_seriesOf(seriesId).expiry, _seriesOf(seriesId).isCall, _seriesOf(seriesId).strike);
        one[0].amount = int112(int256(WAD));
        return uint256(engine.valueOf(one, 1, m));
    }

    // Parts of them

    function _requireConsent(address account) private view {
        if (account != msg.sender && !isOperator[account][msg.sender]) revert NotOperator(account, msg.sender);
    }

    function _side(OptionsState memory s, address account, uint256 maxPositions) private returns (Side memory side) {
        side.account = account;
        side.before = _open(s, account, maxPositions);
        _requireNoAuction(side.before, account);
        _requireNothingPending(side.before, account);
        side.later = _copy(side.before);
        side.reducing = true;
    }

    function _moveLegs(OptionsConfig memory c, Side memory made, Side memory took, OptionLeg[] calldata legs) private {
        uint256 previous;
        for (uint256 i; i < legs.length; ++i) {
            (uint256 id, int256 amount) = (legs[i].seriesId, legs[i].amount);
            if (id <= previous) revert LegsNotSorted(previous, id);
            previous = id;
            _requireTradable(id);
            if (amount == 0) revert ZeroAmount();
            if (amount % int256(uint256(c.lotSize)) != 0) revert LotMismatch(amount, c.lotSize);
            if (amount > int256(uint256(c.maxOpenInterest)) || amount < -int256(uint256(c.maxOpenInterest))) {
                revert OpenInterestCapReached(amount < 0 ? uint256(-(amount + 1)) : uint256(amount), c.maxOpenInterest);
            }
            if (!_move(took.later, took.account, id, amount)) took.reducing = false;
            if (!_move(made.later, made.account, id, -amount)) made.reducing = false;
            _requireInterest(id, c.maxOpenInterest);
        }
    }

    /// @dev After a trade: an account that closed everything must owe nothing; any other needs marks and its margin.
    function _checkSide(OptionsState memory s, OptionsMarket memory m, Side memory side) private view {
        (int256 cash, int256 cashBefore) = (side.later.cash, side.before.cash);
        if (cash < 0 && (cash < cashBefore || side.later.count == 0)) revert NegativeCash(side.account, cash);
        if (side.later.count == 0) return;
        if (!m.marksFresh) revert MarksUnavailable();
        if (!side.reducing) {
            if (!m.riskFresh) revert RiskUnavailable();
            if (s.deficit != 0) revert DeficitOutstanding(s.deficit);
        }
        int256 margin = _initialMargin(s, m, side.later);
        if (margin >= 0) return;
        if (!side.reducing || margin < _initialMargin(s, m, side.before)) {
            revert InsufficientMargin(side.account, margin);
        }
    }
}
