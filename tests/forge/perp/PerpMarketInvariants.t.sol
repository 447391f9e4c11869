// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {PerpConfig, PerpPositionView, PerpState} from "../../../contracts/types/PerpTypes.sol";
import {PerpHandler} from "./PerpHandler.sol";

/// @title What holds of a perpetual market after any sequence of calls
/// @dev FOUNDRY_INVARIANT_RUNS and FOUNDRY_INVARIANT_DEPTH set how many.
contract PerpMarketInvariants {
    /// @dev Funding is rounded against those who pay and those who receive: by at most a wei for each base, in each accrual.
    uint256 private constant DUST = 1e9;

    PerpHandler public handler;

    function setUp() external {
        handler = new PerpHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev Every token is somebody's, to the wei: what is not an account's, the reserves', the fund's or the protocol's is
    /// rounded-off funding, and never negative.
    function invariant_cashIsConserved() external view {
        PerpState memory s = handler.market().state();
        assert(handler.token().balanceOf(address(handler.market())) * 1e12 == s.cash);
        int256 rest = int256(s.cash + s.deficit) - int256(s.fund + s.protocolFees) - s.poolQuote;
        for (uint256 i; i < handler.ACTORS(); ++i) {
            rest -= handler.market().position(handler.actor(i)).cash;
        }
        assert(rest >= 0 && rest <= int256(DUST));
    }

    function invariant_reservesPayEverybodyOut() external view {
        PerpState memory s = handler.market().state();
        uint256 flat = s.baseReserve + s.longs - s.shorts;
        int256 owed = int256(s.quoteReserve) - int256(s.quoteReserve * s.baseReserve / flat);
        assert(s.poolQuote >= owed - 1);
    }

    function invariant_depthIsAFunctionOfItsRatio() external view {
        PerpState memory s = handler.market().state();
        PerpConfig memory c = handler.market().config();
        assert(s.baseReserve + s.longs - s.shorts == uint256(c.baseDepth) * s.depthRatio / 1e18);
        assert(s.depthRatio >= c.minDepthRatio && s.depthRatio <= c.maxDepthRatio);
        assert(s.marginInForce >= c.minMargin && s.marginInForce <= c.maxMargin);
    }

    function invariant_openInterestIsThePositions() external view {
        (uint256 longs, uint256 shorts) = (0, 0);
        for (uint256 i; i < handler.ACTORS(); ++i) {
            int256 base = handler.market().position(handler.actor(i)).base;
            if (base > 0) longs += uint256(base);
            else shorts += uint256(-base);
        }
        PerpState memory s = handler.market().state();
        assert(longs == s.longs && shorts == s.shorts);
    }

    function invariant_deficitOnlyWithoutFund() external view {
        PerpState memory s = handler.market().state();
        assert(s.deficit == 0 || s.fund == 0);
    }

    function invariant_nothingIsWonByARoundTrip() external view {
        assert(!handler.roundTripProfit());
        assert(!handler.priceIgnored());
    }
}
