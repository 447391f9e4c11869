// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {Margin} from "../../libraries/Margin.sol";
import {PerpMath} from "../../libraries/PerpMath.sol";
import {RiskPolicy} from "../../libraries/RiskPolicy.sol";
import {Vamm} from "../../libraries/Vamm.sol";
import {PerpAccount, PerpConfig, PerpState} from "../../types/PerpTypes.sol";
import {PerpConfigured} from "./PerpConfigured.sol";

/// @title A perpetual market's storage, and what a new block does to it
abstract contract PerpBook is PerpConfigured {
    using SafeCast for uint256;
    using SafeCast for int256;

    struct StoredState {
        uint128 baseReserve;
        uint128 quoteReserve;
        uint128 longs;
        uint128 shorts;
        int128 fundingLong;
        int128 fundingShort;
        int128 poolQuote;
        int128 fundingEscrow;
        uint128 fund;
        uint128 deficit;
        uint128 cash;
        uint128 protocolFees;
        uint128 indexPrice;
        uint64 depthRatio;
        uint64 depthTarget;
        uint64 marginInForce;
        uint64 marginTarget;
        uint64 syncedAt;
        bool priceFresh;
        bool riskFresh;
    }

    struct StoredAccount {
        int128 base;
        int128 cash;
        int128 fundingIndex;
    }

    StoredState internal _state;
    mapping(address account => StoredAccount) internal _accounts;

    constructor(PerpConfig memory c) PerpConfigured(c) {
        PerpState memory s;
        s.indexPrice = RiskPolicy.price(priceFeed, maxPriceAge);
        if (s.indexPrice == 0) revert PriceUnavailable();
        s.priceFresh = true;
        s.depthRatio = Margin.clip(WAD, minDepthRatio, maxDepthRatio);
        _readRisk(s);
        (s.depthRatio, s.marginInForce) = (s.depthTarget, s.marginTarget);
        s.baseReserve = _depthAt(s.depthRatio);
        s.quoteReserve = s.baseReserve * s.indexPrice / WAD;
        s.syncedAt = block.timestamp;
        _save(s);
        emit Synced(s.indexPrice, true, s.riskFresh, s.marginInForce, s.depthRatio, 0);
    }

    /// @dev The state as the first action of this block finds it: the stored one when there was an action before.
    /// @return s All of it.
    /// @return fundPaid By the fund for the move of the reserves; negative: received.
    function _synced() internal view returns (PerpState memory s, int256 fundPaid) {
        s = _load();
        uint256 elapsed = block.timestamp - s.syncedAt;
        if (elapsed == 0) return (s, 0);
        PerpMath.accrueFunding(s, Math.min(elapsed, maxPriceAge), fundingPeriod, maxPremiumBps);
        s.marginInForce =
            Margin.ramped(s.marginInForce, s.marginTarget, elapsed, Margin.RAMP_STEP, rampInterval);
        uint256 price = RiskPolicy.price(priceFeed, maxPriceAge);
        s.priceFresh = price != 0;
        if (price != 0) fundPaid = _moveReserves(s, price, elapsed);
        _readRisk(s);
        s.syncedAt = block.timestamp;
    }

    /// @dev Targets as the feeds say now; without a usable risk the depth's stays.
    function _readRisk(PerpState memory s) private view {
        uint256 risk = RiskPolicy.risk(riskFeed, maxRiskAge, minRisk, maxRisk);
        s.riskFresh = risk != 0;
        if (s.depthTarget == 0) s.depthTarget = s.depthRatio;
        if (risk == 0) {
            s.marginTarget = maxMargin;
            return;
        }
        uint256 weight = RiskPolicy.weight(weightFeed, maxRiskAge);
        s.marginTarget = Margin.initialMargin(Margin.quantile(risk, riskScale), weight, 0, minMargin, maxMargin);
        if (depthRampBpsPerHour == 0) return;
        s.depthTarget = Margin.clip(uint256(referenceRisk) * WAD / risk, minDepthRatio, maxDepthRatio);
    }

    /// @dev Follows the index, and the depth's target as of the last action: all of it, without the deepening, or in part, as
    /// far as the fund pays.
    function _moveReserves(PerpState memory s, uint256 price, uint256 elapsed) private view returns (int256 cost) {
        uint256 budget = s.fund * fundUseBps / BPS;
        uint256 left = WAD - Math.min(WAD, premiumDecayBpsPerHour * elapsed * (WAD / BPS) / 1 hours);
        uint256 ratio = Margin.ramped(
            s.depthRatio, s.depthTarget, elapsed, depthRampBpsPerHour * (WAD / BPS), 1 hours
        );
        uint256 b = uint256(int256(_depthAt(ratio)) - PerpMath.net(s));
        uint256 q = PerpMath.repegged(s, b, price, left);
        cost = PerpMath.costOfMove(s, b, q);
        if (cost > int256(budget)) {
            (ratio, b) = (s.depthRatio, s.baseReserve);
            q = PerpMath.repegged(s, b, price, left);
            cost = PerpMath.costOfMove(s, b, q);
        }
        if (cost > int256(budget)) {
            uint256 share = Math.mulDiv(budget, WAD, uint256(cost));
            q = q > s.quoteReserve
                ? s.quoteReserve + (q - s.quoteReserve) * share / WAD
                : s.quoteReserve - (s.quoteReserve - q) * share / WAD;
            cost = PerpMath.costOfMove(s, b, q);
        }
        s.indexPrice = price;
        if (cost > int256(s.fund)) return 0;
        s.depthRatio = ratio;
        PerpMath.move(s, b, q, cost);
    }

    /// @dev Base reserve at no skew.
    function _depthAt(uint256 ratio) internal view returns (uint256) {
        return uint256(baseDepth) * ratio / WAD;
    }

    /// @dev Quote that a position needs to be opened, added to or withdrawn from.
    function _initialMargin(PerpState memory s, PerpAccount memory a, uint256 notional)
        internal
        view
        returns (uint256)
    {
        return _margin(s, a, Math.max(s.marginInForce, s.marginTarget), notional);
    }

    /// @dev Quote below which a position is liquidated.
    function _maintenanceMargin(PerpState memory s, PerpAccount memory a, uint256 notional)
        internal
        view
        returns (uint256)
    {
        return Margin.maintenanceMargin(_margin(s, a, s.marginInForce, notional));
    }

    function _margin(PerpState memory s, PerpAccount memory a, uint256 ratio, uint256 notional)
        private
        view
        returns (uint256)
    {
        if (a.base == 0) return 0;
        uint256 impact = Vamm.impact(s.baseReserve, SignedMath.abs(a.base), a.base > 0);
        return Math.ceilDiv(Margin.clip(ratio + impact, minMargin, maxMargin) * notional, WAD);
    }

    function _account(address account) internal view returns (PerpAccount memory) {
        StoredAccount storage a = _accounts[account];
        return PerpAccount(a.base, a.cash, a.fundingIndex);
    }

    function _saveAccount(address account, PerpAccount memory a) internal {
        _accounts[account] = StoredAccount(a.base.toInt128(), a.cash.toInt128(), a.fundingIndex.toInt128());
    }

    function _load() internal view returns (PerpState memory s) {
        StoredState storage t = _state;
        (s.baseReserve, s.quoteReserve) = (t.baseReserve, t.quoteReserve);
        (s.longs, s.shorts) = (t.longs, t.shorts);
        (s.fundingLong, s.fundingShort) = (t.fundingLong, t.fundingShort);
        (s.poolQuote, s.fundingEscrow) = (t.poolQuote, t.fundingEscrow);
        (s.fund, s.deficit) = (t.fund, t.deficit);
        (s.cash, s.protocolFees) = (t.cash, t.protocolFees);
        (s.indexPrice, s.depthRatio, s.depthTarget) = (t.indexPrice, t.depthRatio, t.depthTarget);
        (s.marginInForce, s.marginTarget, s.syncedAt) = (t.marginInForce, t.marginTarget, t.syncedAt);
        (s.priceFresh, s.riskFresh) = (t.priceFresh, t.riskFresh);
    }

    function _save(PerpState memory s) internal {
        StoredState storage t = _state;
        (t.baseReserve, t.quoteReserve) = (s.baseReserve.toUint128(), s.quoteReserve.toUint128());
        (t.longs, t.shorts) = (s.longs.toUint128(), s.shorts.toUint128());
        (t.fundingLong, t.fundingShort) = (s.fundingLong.toInt128(), s.fundingShort.toInt128());
        (t.poolQuote, t.fundingEscrow) = (s.poolQuote.toInt128(), s.fundingEscrow.toInt128());
        (t.fund, t.deficit) = (s.fund.toUint128(), s.deficit.toUint128());
        (t.cash, t.protocolFees) = (s.cash.toUint128(), s.protocolFees.toUint128());
        t.indexPrice = s.indexPrice.toUint128();
        (t.depthRatio, t.depthTarget) = (s.depthRatio.toUint64(), s.depthTarget.toUint64());
        (t.marginInForce, t.marginTarget) = (s.marginInForce.toUint64(), s.marginTarget.toUint64());
        (t.syncedAt, t.priceFresh, t.riskFresh) = (uint64(s.syncedAt), s.priceFresh, s.riskFresh);
    }
}
