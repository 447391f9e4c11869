// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IFeatureModule} from "./IFeatureModule.sol";

/// @title A feature module over a window of prices; everything is fixed at deployment
/// @dev `inputs` reverts with the source's NoDataPresent and WindowNotAvailable, FlatWindow, ReturnOutOfRange.
interface IWindowModule is IFeatureModule {
    /// @notice Thrown when a parameter is outside its range, or cannot be held at the circuit's scale.
    error ParameterOutOfRange(bytes32 name, uint256 value, uint256 min, uint256 max);
    /// @notice Thrown when the source of observations is not a contract.
    error SourceWithoutCode(address source);
    /// @notice Thrown when the model's outputs are not as many as the module reads.
    error OutputCountMismatch(uint256 actual, uint256 expected);
    /// @notice Thrown when no price of the window differs from the one before.
    error FlatWindow(uint256 prices);
    /// @notice Thrown when a price is more than nine times the one before; `index` counts the window's returns from 0.
    error ReturnOutOfRange(uint256 index, int256 returnWad, int256 maxWad);
    /// @notice Thrown when the proven output lies outside what it can stand for.
    error OutputOutOfRange(int256 outputWad, int256 min, int256 max);

    /// @notice Prices that a window takes.
    function windowPrices() external view returns (uint256);

    /// @notice The circuit's input scale: an input v stands for v / 2^inputScaleBits.
    function inputScaleBits() external view returns (uint8);
}
