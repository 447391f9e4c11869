// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IScaledFeatureModule} from "./IScaledFeatureModule.sol";

/// @title A feature module over vectors that publishers sign, such as a volatility surface
/// @dev `inputs` reverts with the source's NoDataPresent, with InputOutOfDomain, and with the refusals of the libraries that
/// check a surface for arbitrage.
interface IVectorModule is IScaledFeatureModule {
    /// @notice Thrown when a parameter is outside its range.
    error ConfigurationOutOfRange(bytes32 name, int256 value, int256 min, int256 max);
    /// @notice Thrown when the source has another number of components than the module reads.
    error WrongSource(address source, uint256 components, uint256 expected);
    /// @notice Thrown when a model input would lie outside the model's domain; values at 18 decimals.
    error InputOutOfDomain(uint256 column, int256 value, int256 min, int256 max);
    /// @notice Thrown when the model's outputs are not as many as the module reads.
    error OutputCountMismatch(uint256 actual, uint256 expected);
    /// @notice Thrown when a proven output lies outside what it can stand for.
    error OutputOutOfRange(int256 outputWad, int256 min, int256 max);

    /// @notice The circuit's input scale: an input v stands for v / 2^inputScaleBits.
    function inputScaleBits() external view returns (uint8);
}
