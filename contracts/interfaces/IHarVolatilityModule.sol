// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IWindowModule} from "./IWindowModule.sol";

/// @title Inputs and answer of the HAR-RV circuit for one asset
/// @dev Everything is fixed at deployment. Inputs, 11 integers at 2^inputScaleBits: ln(variance / sigmaRef^2 + 2^-14) of the
/// last day, the last week's mean and the month's mean; shares of weekend in the day ahead and the day behind; their five
/// coefficients; the constant. The circuit's output is ln(variance of the day to come / sigmaRef^2).
interface IHarVolatilityModule is IWindowModule {
    struct HarParams {
        uint256 sigmaRefWad; // the asset's long-run volatility of a day, in (0, 1]
        int256 dayWad; // coefficients, within 2; these three sum to less than 1
        int256 weekWad;
        int256 monthWad;
        int256 weekendAheadWad;
        int256 weekendBehindWad;
        int256 constantWad; // within 4
    }

    /// @notice Thrown when a coefficient is outside its range.
    error CoefficientOutOfRange(bytes32 name, int256 value, int256 min, int256 max);
    /// @notice Thrown when the logarithms' coefficients sum to 1 or more: such a model has no mean.
    error NotStationary(int256 persistenceWad, int256 limitWad);
    /// @notice Thrown when the month's mean variance reaches 64 times sigmaRef^2: the inputs hold no more; 18 decimals.
    error MonthOutOfRange(uint256 varianceWad, uint256 limitWad);

    /// @notice The asset's parameters as given at deployment.
    function params() external view returns (HarParams memory);
}
