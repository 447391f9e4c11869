// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IFeatureModule} from "./IFeatureModule.sol";

/// @title Inputs and answer of the GARCH(1,1) circuit for one asset
/// @dev Everything is fixed at deployment. Inputs, 38 integers at 2^inputScaleBits: 32 standardised returns oldest first,
/// the variance at the first of them, omega, alpha, beta, and the horizon's weights a and b: the circuit's output is
/// a * h + b, the average variance of a step over the horizon, in units of sigmaRef squared.
interface IGarchVolatilityModule is IFeatureModule {
    struct GarchParams {
        uint256 sigmaRefWad; // reference volatility of one step, in (0, 10]
        uint256 omegaWad; // in units of sigmaRef^2, in (0, 1024]
        uint256 alphaWad; // alpha + beta below 1
        uint256 betaWad;
        uint16 horizon; // steps that the forecast averages over, 1 to 365
        uint32 periodsPerYear; // steps of a year, 1 to 31,557,600
    }

    /// @notice Thrown when a parameter is outside its range, or cannot be held at the circuit's scale.
    error ParameterOutOfRange(bytes32 name, uint256 value, uint256 min, uint256 max);
    /// @notice Thrown when the source of observations is not a contract.
    error SourceWithoutCode(address source);
    /// @notice Thrown when the model's outputs are not exactly one.
    error OutputCountMismatch(uint256 actual, uint256 expected);
    /// @notice Thrown when the proven variance is negative.
    error NegativeVariance(int256 variance);
    /// @notice Thrown when the proven variance reaches 2^128.
    error VarianceOutOfRange(int256 variance);

    /// @notice The asset's parameters as given at deployment.
    function params() external view returns (GarchParams memory);

    /// @notice The circuit's input scale: an input v stands for v / 2^inputScaleBits.
    function inputScaleBits() external view returns (uint8);

    /// @notice The five inputs that do not depend on prices, as integers at 2^inputScaleBits.
    function quantisedParameters() external view returns (int256 omega, int256 alpha, int256 beta, int256 a, int256 b);
}
