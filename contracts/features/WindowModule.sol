// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IFeatureModule} from "../interfaces/IFeatureModule.sol";
import {IObservationFeed} from "../interfaces/IObservationFeed.sol";
import {IWindowModule} from "../interfaces/IWindowModule.sol";

/// @title What every module over a window of prices shares
abstract contract WindowModule is IWindowModule {
    uint256 private constant MIN_SCALE_BITS = 8;
    uint256 private constant MAX_SCALE_BITS = 30;

    IObservationFeed internal immutable SOURCE;
    /// @inheritdoc IWindowModule
    uint8 public immutable inputScaleBits;

    constructor(IObservationFeed observations, uint8 scaleBits) {
        if (address(observations).code.length == 0) revert SourceWithoutCode(address(observations));
        _requireRange("inputScaleBits", scaleBits, MIN_SCALE_BITS, MAX_SCALE_BITS);
        SOURCE = observations;
        inputScaleBits = scaleBits;
    }

    /// @inheritdoc IFeatureModule
    function source() external view returns (address) {
        return address(SOURCE);
    }

    /// @dev The `place`-th of exactly `count` outputs.
    function _output(int256[] calldata outputsWad, uint256 place, uint256 count) internal pure returns (int256) {
        if (outputsWad.length != count) revert OutputCountMismatch(outputsWad.length, count);
        return outputsWad[place];
    }

    function _requireOutput(int256 value, int256 min, int256 max) internal pure {
        if (value < min || value > max) revert OutputOutOfRange(value, min, max);
    }

    function _requireRange(bytes32 name, uint256 value, uint256 min, uint256 max) internal pure {
        if (value < min || value > max) revert ParameterOutOfRange(name, value, min, max);
    }
}
