// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {LendingVault} from "../../../contracts/consumers/lending/LendingVault.sol";
import {
    CollateralConfig,
    CollateralView,
    HoldingView,
    MarketView,
    PositionState,
    PositionView
} from "../../../contracts/types/LendingTypes.sol";
import {LendingHandler} from "./LendingHandler.sol";

/// @title What holds of a lending vault after any sequence of calls
/// @dev FOUNDRY_INVARIANT_RUNS and FOUNDRY_INVARIANT_DEPTH set how many.
contract LendingVaultInvariants {
    LendingHandler public handler;

    function setUp() external {
        handler = new LendingHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_cashIsConserved() external view {
        LendingVault vault = handler.vault();
        MarketView memory m = vault.market();
        uint256 cash = handler.debt().balanceOf(address(vault));
        assert(m.totalSupplyAssets + m.reserve >= m.totalBorrowAssets);
        uint256 idle = m.totalSupplyAssets + m.reserve - m.totalBorrowAssets;
        // Repaid debt is rounded up against each borrower: the dust stays as cash and is nobody's.
        assert(cash >= idle && cash - idle <= handler.calls());
    }

    function invariant_collateralIsAllThereAndNothingIsSkippedWonOrLost() external view {
        LendingVault vault = handler.vault();
        for (uint256 i; i < 2; ++i) {
            address asset = address(handler.tokens(i));
            uint256 sum;
            for (uint256 j; j < handler.ACTORS(); ++j) {
                HoldingView[] memory held = vault.holdings(handler.actor(j));
                for (uint256 k; k < held.length; ++k) {
                    if (held[k].asset == asset) sum += held[k].amount;
                }
            }
            CollateralView memory c = vault.collateral(asset);
            assert(sum == c.total && handler.tokens(i).balanceOf(address(vault)) == c.total);
            assert(c.liquidationLtv >= 0.5e18 && c.liquidationLtv <= 0.93e18);
        }
        assert(!handler.stateSkipped() && !handler.roundTripProfit() && !handler.sharesLostWorth());
        assert(!handler.ltvJumped() && !handler.soldTooCheap());
    }

    function invariant_lendersAreSolvent() external view {
        LendingVault vault = handler.vault();
        MarketView memory m = vault.market();
        (uint256 worth, uint256 owed, uint256 shares) = (0, 0, 0);
        for (uint256 i; i < handler.ACTORS(); ++i) {
            worth += vault.supplyAssetsOf(handler.actor(i));
            shares += vault.supplySharesOf(handler.actor(i));
            owed += vault.debtOf(handler.actor(i));
        }
        assert(worth <= m.totalSupplyAssets && shares == m.totalSupplyShares);
        assert(owed + 1 >= m.totalBorrowAssets);
    }

    function invariant_statesFollowFromTheFacts() external view {
        LendingVault vault = handler.vault();
        for (uint256 i; i < handler.ACTORS(); ++i) {
            PositionView memory v = vault.position(handler.actor(i));
            bool isOver = v.state == PositionState.Closed || v.state == PositionState.Insolvent;
            assert((v.debt == 0) == (isOver || v.state == PositionState.None));
            assert((v.badDebt != 0) == (v.state == PositionState.Insolvent));
            bool isWarned = v.warnedAt != 0 || v.alarmedAt != 0;
            assert(v.state != PositionState.Open || !isWarned);
            assert(v.state != PositionState.Warned || isWarned);
            assert((vault.auction(handler.actor(i)).startedAt != 0) == (v.state == PositionState.Auction));
        }
    }
}
