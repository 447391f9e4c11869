// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IPerpMarket} from "../../interfaces/IPerpMarket.sol";
import {PerpMath} from "../../libraries/PerpMath.sol";
import {Vamm} from "../../libraries/Vamm.sol";
import {PerpAccount, PerpConfig, PerpPositionView, PerpState} from "../../types/PerpTypes.sol";
import {PerpFund} from "./PerpFund.sol";

/// @title A perpetual market's reads
abstract contract PerpViews is PerpFund {
    constructor(PerpConfig memory c) PerpFund(c) {}

    /// @inheritdoc IPerpMarket
    function state() external view returns (PerpState memory s) {
        (s,) = _synced();
    }

    /// @inheritdoc IPerpMarket
    function position(address account) external view returns (PerpPositionView memory v) {
        (PerpState memory s,) = _synced();
        PerpAccount memory a = _account(account);
        PerpMath.settle(s, a);
        (v.base, v.cash) = (a.base, a.cash);
        (v.equity, v.notional) = PerpMath.valueAtIndex(a, s.indexPrice);
        (v.closingEquity,) = PerpMath.valueAtReserves(s, a);
        v.initialMargin = _initialMargin(s, a, v.notional);
        v.maintenanceMargin = _maintenanceMargin(s, a, v.notional);
        v.liquidatable = s.priceFresh && v.base != 0 && v.equity < int256(v.maintenanceMargin);
    }

    /// @inheritdoc IPerpMarket
    function markPrice() external view returns (uint256) {
        (PerpState memory s,) = _synced();
        return Vamm.markPrice(s.baseReserve, s.quoteReserve);
    }

    /// @inheritdoc IPerpMarket
    function depth(uint256 moveBps, bool up) external view returns (uint256) {
        if (moveBps > BPS) revert AmountTooLarge(moveBps, BPS);
        (PerpState memory s,) = _synced();
        return Vamm.depth(s.quoteReserve, moveBps, up);
    }

    /// @inheritdoc IPerpMarket
    function previewIncrease(bool isLong, uint256 quote) external view returns (uint256) {
        if (quote > MAX_AMOUNT) revert AmountTooLarge(quote, MAX_AMOUNT);
        (PerpState memory s,) = _synced();
        if (!isLong && quote >= s.quoteReserve) revert DepthExceeded(quote, s.quoteReserve);
        return Vamm.baseForQuote(s.baseReserve, s.quoteReserve, quote, isLong);
    }
}
