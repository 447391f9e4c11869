// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IVectorModule} from "./IVectorModule.sol";

/// @title A book's cascade risk from a signed histogram of its debts
/// @dev `inputs` reverts, in this order, with NoDataPresent, ConfigurationOutOfRange (sigma, depth), NegativeDebt, EmptyBook,
/// then level by level InputOutOfDomain and ImpactTooSteep.
interface ICascadeModule is IVectorModule {
    /// @notice Thrown when a bucket's debt is negative.
    error NegativeDebt(uint256 bucket, int256 debt);
    /// @notice Thrown when no bucket holds any debt.
    error EmptyBook();
    /// @notice Thrown when the price would run away: the impact rises more than this by sigma, up to `level`; 18 decimals.
    error ImpactTooSteep(uint256 level, int256 slopeWad, int256 maxWad);

    /// @notice -ln(liquidation threshold * 1.05), 18 decimals.
    function bufferWad() external view returns (int256);

    /// @notice Which figure this module answers with: 0 LaR95, 1 VaR95, 2 EVaR99, 3 amplification.
    function place() external view returns (uint8);
}
