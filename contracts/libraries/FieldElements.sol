// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IInferenceVerifier} from "../interfaces/IInferenceVerifier.sol";

/// @title Signed integers as elements of BN254's scalar field, and back
/// @dev A negative v stands as MODULUS + v. Magnitudes stay below 2^63, so no product with WAD can overflow.
/// Twin: oracle/units.py. `index` is the value's place in its array and only serves the error.
library FieldElements {
    uint256 internal constant MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617;
    int256 private constant MAGNITUDE_LIMIT = 1 << 63;
    int256 private constant WAD = 1e18;

    /// @notice The field element that stands for `value`.
    function fromInt(int256 value, uint256 index) internal pure returns (uint256 felt) {
        bool inRange = value < MAGNITUDE_LIMIT && value > -MAGNITUDE_LIMIT;
        if (!inRange) revert IInferenceVerifier.ValueOutOfRange(index, _reduced(value));
        unchecked {
            felt = value < 0 ? MODULUS - uint256(-value) : uint256(value);
        }
    }

    /// @notice The field elements that stand for `values`.
    function fromInts(int256[] memory values) internal pure returns (uint256[] memory felts) {
        felts = new uint256[](values.length);
        for (uint256 i; i < values.length; ++i) {
            felts[i] = fromInt(values[i], i);
        }
    }

    /// @notice The signed integer that `felt` stands for.
    function toInt(uint256 felt, uint256 index) internal pure returns (int256 value) {
        if (felt >= MODULUS) revert IInferenceVerifier.InstanceNotInField(index, felt);
        unchecked {
            value = felt > MODULUS / 2 ? -int256(MODULUS - felt) : int256(felt);
        }
        bool inRange = value < MAGNITUDE_LIMIT && value > -MAGNITUDE_LIMIT;
        if (!inRange) revert IInferenceVerifier.ValueOutOfRange(index, felt);
    }

    /// @notice value / 2^scaleBits at 18 decimals, rounded towards zero. `value` below 2^63 in magnitude.
    function toWad(int256 value, uint256 scaleBits) internal pure returns (int256) {
        unchecked {
            return value * WAD / int256(1 << scaleBits);
        }
    }

    /// @dev `value` modulo the field, for the error alone.
    function _reduced(int256 value) private pure returns (uint256) {
        if (value >= 0) return uint256(value) % MODULUS;
        unchecked {
            uint256 magnitude = uint256(-value) % MODULUS; // -type(int256).min wraps to 2^255, which is right here
            return magnitude == 0 ? 0 : MODULUS - magnitude;
        }
    }
}
