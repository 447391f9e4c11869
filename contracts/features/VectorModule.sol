// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IFeatureModule} from "../interfaces/IFeatureModule.sol";
import {IScaledFeatureModule} from "../interfaces/IScaledFeatureModule.sol";
import {IVectorModule} from "../interfaces/IVectorModule.sol";
import {IVectorObservationFeed} from "../interfaces/IVectorObservationFeed.sol";
import {FixedPoint} from "../libraries/FixedPoint.sol";

/// @title What every module over signed vectors shares
abstract contract VectorModule is IVectorModule {
    int256 internal constant WAD = 1e18;
    int256 private constant MIN_SCALE_BITS = 8;
    int256 private constant MAX_SCALE_BITS = 30;
    /// @dev A volatility's ratio beyond is a broken model.
    int256 internal constant MAX_RATIO = 100e18;

    IVectorObservationFeed internal immutable SOURCE;
    /// @inheritdoc IVectorModule
    uint8 public immutable inputScaleBits;

    constructor(IVectorObservationFeed observations, uint256 components, uint8 scaleBits) {
        uint256 present = address(observations).code.length == 0 ? 0 : observations.componentCount();
        if (present != components) revert WrongSource(address(observations), present, components);
        _requireRange("inputScaleBits", int256(uint256(scaleBits)), MIN_SCALE_BITS, MAX_SCALE_BITS);
        SOURCE = observations;
        inputScaleBits = scaleBits;
    }

    /// @inheritdoc IFeatureModule
    function source() external view returns (address) {
        return address(SOURCE);
    }

    /// @inheritdoc IFeatureModule
    function answer(int256[] calldata) external pure returns (int256) {
        revert InputsNeeded();
    }

    /// @inheritdoc IScaledFeatureModule
    function answersFromInputs() external pure returns (bool) {
        return true;
    }

    /// @dev `value` at the circuit's scale; reverts outside the model's domain.
    function _quantised(uint256 column, int256 value, int256 min, int256 max) internal view returns (int256) {
        if (value < min || value > max) revert InputOutOfDomain(column, value, min, max);
        return FixedPoint.scaledFromWad(value, inputScaleBits);
    }

    /// @dev Output `place` of `count`, from 0 to MAX_RATIO.
    function _ratio(int256[] calldata outputsWad, uint256 place, uint256 count) internal pure returns (int256 ratio) {
        if (outputsWad.length != count) revert OutputCountMismatch(outputsWad.length, count);
        ratio = outputsWad[place];
        if (ratio < 0 || ratio > MAX_RATIO) revert OutputOutOfRange(ratio, 0, MAX_RATIO);
    }

    function _requireRange(bytes32 name, int256 value, int256 min, int256 max) internal pure {
        if (value < min || value > max) revert ConfigurationOutOfRange(name, value, min, max);
    }
}
