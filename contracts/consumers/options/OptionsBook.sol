// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IOptionsMargin} from "../../interfaces/IOptionsMargin.sol";
import {Margin} from "../../libraries/Margin.sol";
import {
    OptionAccount,
    OptionPosition,
    OptionSeries,
    OptionsConfig,
    OptionsMarket,
    OptionsState,
    VolatilityPillar
} from "../../types/OptionTypes.sol";
import {OptionsConfigured} from "./OptionsConfigured.sol";
import {ScenarioMargin} from "./ScenarioMargin.sol";

/// @title Accounts, positions and series of an options book: how they are kept, moved and settled
abstract contract OptionsBook is OptionsConfigured {
    using SafeCast for uint256;
    using SafeCast for int256;

    struct StoredAccount {
        int128 cash;
        uint64 auctionStartedAt;
        OptionPosition[] positions;
    }

    struct Interest {
        uint128 longs;
        uint128 shorts;
    }

    OptionsState private _state;
    mapping(address account => StoredAccount) private _accounts;
    mapping(uint256 seriesId => bool) internal _listed;
    mapping(uint256 seriesId => Interest) private _interest;
    /// @inheritdoc IOptionsMargin
    mapping(uint256 expiry => uint256) public settlementPrice;

    constructor(OptionsConfig memory c, VolatilityPillar[] memory p) OptionsConfigured(c, p) {
        (, uint256 target) = _read(c);
        _state.shockInForce = target.toUint64();
        _state.shockTarget = target.toUint64();
        _state.syncedAt = block.timestamp.toUint64();
    }

    /// @inheritdoc IOptionsMargin
    function openInterest(uint256 seriesId) external view returns (uint256, uint256) {
        return (_interest[seriesId].longs, _interest[seriesId].shorts);
    }

    /// @inheritdoc IOptionsMargin
    function isListed(uint256 seriesId) external view returns (bool) {
        return _listed[seriesId];
    }

    // State

    /// @dev The state with the shock in force moved to now. The target is the feed's; within a block it may change, not so
    /// the shock in force: a feed's update and a liquidation by it never share a block.
    function _synced(OptionsConfig memory c)
        internal
        view
        returns (OptionsState memory s, OptionsMarket memory m)
    {
        s = _state;
        uint256 target;
        (m, target) = _read(c);
        uint256 elapsed = block.timestamp - s.syncedAt;
        s.shockInForce =
            Margin.ramped(s.shockInForce, s.shockTarget, elapsed, Margin.RAMP_STEP, c.rampInterval).toUint64();
        s.shockTarget = target.toUint64();
        s.syncedAt = block.timestamp.toUint64();
    }

    function _loadState() internal view returns (OptionsState memory) {
        return _state;
    }

    function _saveState(OptionsState memory s) internal {
        _state = s;
    }

    /// @dev To the deficit first.
    function _credit(OptionsState memory s, uint256 wad) internal pure {
        uint256 repaid = Math.min(wad, s.deficit);
        s.deficit -= repaid.toUint128();
        s.insurance += (wad - repaid).toUint128();
    }

    /// @dev Writes off what an account without positions owes.
    function _absorb(OptionsState memory s, OptionAccount memory a, address account) internal {
        if (a.count != 0 || a.cash >= 0) return;
        uint256 loss = uint256(-a.cash);
        uint256 paid = Math.min(loss, s.insurance);
        s.insurance -= paid.toUint128();
        s.deficit += (loss - paid).toUint128();
        a.cash = 0;
        emit BadDebt(account, loss, paid, s.deficit);
    }

    // Accounts

    /// @dev The account after its expired positions were paid out, as far as their settlement price is known.
    function _open(OptionsState memory s, address account, uint256 maxPositions)
        internal
        returns (OptionAccount memory a)
    {
        a = _load(account, maxPositions);
        uint256 i;
        while (i < a.count) {
            OptionPosition memory p = a.positions[i];
            (bool due, int256 paid) = _payoff(p);
            if (!due) {
                ++i;
                continue;
            }
            a.cash += paid;
            s.clearing -= paid.toInt128();
            uint256 id = _idOf(p);
            _changeInterest(id, p.amount, 0);
            _remove(a, i);
            emit PositionSettled(account, id, p.amount, paid);
        }
        _absorb(s, a, account);
    }

    /// @dev As `_open`, for reads.
    function _preview(address account, uint256 maxPositions) internal view returns (OptionAccount memory a) {
        a = _load(account, maxPositions);
        uint256 i;
        while (i < a.count) {
            (bool due, int256 paid) = _payoff(a.positions[i]);
            if (due) {
                a.cash += paid;
                _remove(a, i);
            } else {
                ++i;
            }
        }
        if (a.count == 0 && a.cash < 0) a.cash = 0;
    }

    function _load(address account, uint256 maxPositions) internal view returns (OptionAccount memory a) {
        StoredAccount storage stored = _accounts[account];
        (a.cash, a.auctionStartedAt, a.count) = (stored.cash, stored.auctionStartedAt, stored.positions.length);
        a.positions = new OptionPosition[](maxPositions);
        for (uint256 i; i < a.count; ++i) {
            a.positions[i] = stored.positions[i];
        }
    }

    function _save(address account, OptionAccount memory a) internal {
        StoredAccount storage stored = _accounts[account];
        stored.cash = a.cash.toInt128();
        stored.auctionStartedAt = a.auctionStartedAt.toUint64();
        uint256 length = stored.positions.length;
        for (; length > a.count; --length) {
            stored.positions.pop();
        }
        for (uint256 i; i < a.count; ++i) {
            if (i < length) stored.positions[i] = a.positions[i];
            else stored.positions.push(a.positions[i]);
        }
    }

    function _copy(OptionAccount memory a) internal pure returns (OptionAccount memory b) {
        (b.cash, b.auctionStartedAt, b.count) = (a.cash, a.auctionStartedAt, a.count);
        b.positions = new OptionPosition[](a.positions.length);
        for (uint256 i; i < a.count; ++i) {
            OptionPosition memory p = a.positions[i];
            b.positions[i] = OptionPosition(p.expiry, p.isCall, p.strike, p.amount);
        }
    }

    /// @dev Adds `amount` to a position.
    /// @return reduces Whether it only became smaller.
    function _move(OptionAccount memory a, address account, uint256 seriesId, int256 amount)
        internal
        returns (bool reduces)
    {
        OptionSeries memory series = _seriesOf(seriesId);
        uint256 i;
        while (i < a.count && _idOf(a.positions[i]) != seriesId) ++i;
        int256 before = i < a.count ? int256(a.positions[i].amount) : int256(0);
        int256 later = before + amount;
        _changeInterest(seriesId, before, later);
        reduces = (before > 0) != (amount > 0) && SignedMath.abs(amount) <= SignedMath.abs(before);
        if (later == 0) {
            _remove(a, i);
        } else if (i < a.count) {
            a.positions[i].amount = later.toInt112();
        } else {
            if (i == a.positions.length) revert TooManyPositions(account, i);
            a.positions[i] = OptionPosition(series.expiry, series.isCall, series.strike, later.toInt112());
            ++a.count;
        }
    }

    /// @dev The order of what stays is kept.
    function _remove(OptionAccount memory a, uint256 i) internal pure {
        for (--a.count; i < a.count; ++i) {
            a.positions[i] = a.positions[i + 1];
        }
    }

    /// @dev Reverts when something expired and was not settled: it cannot be valued.
    function _requireNothingPending(OptionAccount memory a, address account) internal view {
        for (uint256 i; i < a.count; ++i) {
            uint256 expiry = a.positions[i].expiry;
            if (expiry <= block.timestamp) revert SettlementPending(account, expiry);
        }
    }

    // Series

    function _idOf(OptionPosition memory p) internal pure returns (uint256) {
        return _seriesId(p.expiry, p.strike, p.isCall);
    }

    function _seriesId(uint40 expiry, uint96 strike, bool isCall) internal pure returns (uint256) {
        return uint256(expiry) << 104 | (isCall ? 1 << 96 : 0) | strike;
    }

    function _seriesOf(uint256 id) internal pure returns (OptionSeries memory) {
        // forge-lint: disable-next-line(unsafe-typecast) cut to its fields
        return OptionSeries(uint40(id >> 104), id >> 96 & 1 == 1, uint96(id));
    }

    function _requireTradable(uint256 seriesId) internal view {
        if (!_listed[seriesId]) revert SeriesNotListed(seriesId);
        if (seriesId >> 104 <= block.timestamp) revert SeriesExpired(seriesId, block.timestamp);
    }

    function _changeInterest(uint256 seriesId, int256 before, int256 later) private {
        Interest memory n = _interest[seriesId];
        n.longs = (n.longs + _positive(later) - _positive(before)).toUint128();
        n.shorts = (n.shorts + _positive(-later) - _positive(-before)).toUint128();
        _interest[seriesId] = n;
    }

    function _requireInterest(uint256 seriesId, uint256 cap) internal view {
        if (_interest[seriesId].longs > cap) revert OpenInterestCapReached(_interest[seriesId].longs, cap);
    }

    function _positive(int256 value) private pure returns (uint256) {
        return value > 0 ? uint256(value) : 0;
    }

    function _payoff(OptionPosition memory p) private view returns (bool due, int256 paid) {
        if (p.expiry > block.timestamp) return (false, 0);
        uint256 price = settlementPrice[p.expiry];
        if (price == 0) return (false, 0);
        uint256 unit = p.isCall ? Math.saturatingSub(price, p.strike) : Math.saturatingSub(p.strike, price);
        return (true, ScenarioMargin.mulFloor(p.amount, int256(unit)));
    }
}
