// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IInferenceVerifier} from "../../../contracts/interfaces/IInferenceVerifier.sol";
import {FieldElements} from "../../../contracts/libraries/FieldElements.sol";
import {FixedPoint} from "../../../contracts/libraries/FixedPoint.sol";
import {Median} from "../../../contracts/libraries/Median.sol";
import {vm} from "./Vm.sol";

/// @title What an instance, a scale and a list of prices mean, said a second way
contract DecodingTest {
    uint256 private constant P = FieldElements.MODULUS;
    int256 private constant LIMIT = 1 << 63;

    // --- FieldElements ---

    function toInt(uint256 felt, uint256 index) external pure returns (int256) {
        return FieldElements.toInt(felt, index);
    }

    function fromInt(int256 value, uint256 index) external pure returns (uint256) {
        return FieldElements.fromInt(value, index);
    }

    function testFuzz_fieldElement_roundTrip(int64 value, uint256 index) external pure {
        vm.assume(value != type(int64).min);
        uint256 felt = FieldElements.fromInt(value, index);
        assert(felt < P);
        assert(addmod(felt, value < 0 ? uint256(-int256(value)) : 0, P) == (value < 0 ? 0 : uint256(int256(value))));
        assert(FieldElements.toInt(felt, index) == value);
    }

    function testFuzz_toInt_everyWord(uint256 felt, uint256 index) external view {
        _decodes(felt, index);
        _decodes(felt % P, index);
        _decodes(felt % uint256(LIMIT), index);
        _decodes(P - 1 - felt % uint256(LIMIT), index);
    }

    function test_toInt_edges() external view {
        uint256[14] memory words = [
            uint256(0),
            1,
            uint256(LIMIT) - 1,
            uint256(LIMIT),
            P / 2,
            P / 2 + 1,
            P - uint256(LIMIT),
            P - uint256(LIMIT) + 1,
            P - 1,
            P,
            P + 1,
            P + uint256(LIMIT),
            2 * P,
            type(uint256).max
        ];
        for (uint256 i; i < words.length; ++i) {
            _decodes(words[i], i);
        }
    }

    /// @dev The value, or exactly one of the two refusals with what was refused.
    function _decodes(uint256 felt, uint256 index) private view {
        bytes memory expected;
        if (felt >= P) {
            expected = abi.encodeCall(this.notInField, (index, felt));
        } else if (felt >= uint256(LIMIT) && P - felt >= uint256(LIMIT)) {
            expected = abi.encodeCall(this.outOfRange, (index, felt));
        }
        try this.toInt(felt, index) returns (int256 value) {
            require(expected.length == 0, "decoded what is to be refused");
            require(value == (felt < uint256(LIMIT) ? int256(felt) : -int256(P - felt)), "another value");
        } catch (bytes memory reason) {
            require(expected.length != 0, "refused what is a value");
            require(_arguments(reason) == _arguments(expected), "other arguments");
            bytes4 selector = felt >= P
                ? IInferenceVerifier.InstanceNotInField.selector
                : IInferenceVerifier.ValueOutOfRange.selector;
            require(bytes4(reason) == selector, "another error");
        }
    }

    function testFuzz_fromInt_everyInteger(int256 value, uint256 index) external view {
        _encodes(value, index);
        _encodes(value % LIMIT, index);
    }

    function test_fromInt_edges() external view {
        int256[9] memory values =
            [int256(0), 1, -1, LIMIT - 1, LIMIT, -LIMIT, 1 - LIMIT, type(int256).max, type(int256).min];
        for (uint256 i; i < values.length; ++i) {
            _encodes(values[i], i);
        }
        _encodes(int256(P), 3);
        _encodes(-int256(P), 4);
        _encodes(int256(P) + 5, 5);
        _encodes(-int256(P) - 6, 6);
    }

    function _encodes(int256 value, uint256 index) private view {
        bool valid = value < LIMIT && value > -LIMIT;
        uint256 reduced = value >= 0
            ? uint256(value) % P
            : (P - (value == type(int256).min ? uint256(1) << 255 : uint256(-value)) % P) % P;
        try this.fromInt(value, index) returns (uint256 felt) {
            require(valid && felt == reduced, "another element");
        } catch (bytes memory reason) {
            require(!valid, "refused what is in range");
            require(
                keccak256(reason)
                    == keccak256(abi.encodeWithSelector(IInferenceVerifier.ValueOutOfRange.selector, index, reduced)),
                "another error"
            );
        }
    }

    function testFuzz_fromInts_eachInItsPlace(int32[5] memory small) external pure {
        int256[] memory values = new int256[](5);
        for (uint256 i; i < 5; ++i) {
            values[i] = small[i];
        }
        uint256[] memory felts = FieldElements.fromInts(values);
        assert(felts.length == 5);
        for (uint256 i; i < 5; ++i) {
            assert(felts[i] == FieldElements.fromInt(small[i], 0));
        }
    }

    function test_fromInts_error_namesThePlace() external view {
        int256[] memory values = new int256[](3);
        values[2] = LIMIT;
        try this.fromInts(values) {
            revert("encoded what is out of range");
        } catch (bytes memory reason) {
            require(
                keccak256(reason)
                    == keccak256(
                        abi.encodeWithSelector(IInferenceVerifier.ValueOutOfRange.selector, 2, uint256(LIMIT))
                    ),
                "another place"
            );
        }
    }

    function fromInts(int256[] memory values) external pure returns (uint256[] memory) {
        return FieldElements.fromInts(values);
    }

    /// @dev Towards zero, for every scale: |q| 2^s <= |v| 1e18 < (|q| + 1) 2^s.
    function testFuzz_toWad_towardsZero(int64 value, uint8 scale) external pure {
        scale %= 64;
        int256 wad = FieldElements.toWad(value, scale);
        uint256 exact = _abs(value) * 1e18;
        assert(_abs(wad) << scale <= exact && exact < (_abs(wad) + 1) << scale);
        assert(wad == 0 || (wad < 0) == (value < 0));
    }

    // --- FixedPoint ---

    /// @dev Nearest, half away from zero: |2 n - 2 q d| <= d, and on a tie the larger magnitude.
    function testFuzz_divRound_nearest(int128 n, uint120 d) external pure {
        vm.assume(d != 0);
        _nearest(n, int256(uint256(d)));
        _nearest(n % 1_000, int256(uint256(d % 12 + 1)));
    }

    function _nearest(int256 n, int256 d) private pure {
        int256 q = FixedPoint.divRound(n, d);
        assert(FixedPoint.divRoundUnsafe(n, d) == q);
        uint256 off = _abs(2 * n - 2 * q * d);
        assert(off < uint256(d) || (off == uint256(d) && _abs(q * d) > _abs(n)));
    }

    function testFuzz_scaledFromWad_nearest(int128 value, uint8 scale) external pure {
        scale %= 31;
        int256 q = FixedPoint.scaledFromWad(value, scale);
        int256 exact = int256(value) << scale;
        uint256 off = _abs(2 * exact - 2 * q * 1e18);
        assert(off < 1e18 || (off == 1e18 && _abs(q) * 1e18 > _abs(exact)));
    }

    // --- Median ---

    /// @dev By counting: a sorted copy of the same values, whose middle has half of them on either side.
    function testFuzz_median_ofAny(uint64[] memory values, uint8 shape) external pure {
        uint256 count = values.length > 32 ? 32 : values.length;
        if (count == 0) return;
        uint64[] memory list = new uint64[](count);
        for (uint256 i; i < count; ++i) {
            list[i] = shape % 2 == 0 ? values[i] : values[i] % (1 + shape % 5);
        }
        uint64[] memory sorted = new uint64[](count);
        int256[] memory signed = new int256[](count);
        for (uint256 i; i < count; ++i) {
            sorted[i] = list[i];
            signed[i] = int256(uint256(list[i])) - int256(uint256(1) << 63);
        }
        uint64 median = Median.sortAndTake(sorted);
        _sortedCopy(sorted, list);
        (uint256 low, uint256 high) = (sorted[(count - 1) / 2], sorted[count / 2]);
        assert(median == (low + high) / 2);
        int256 shifted = Median.sortAndTakeSigned(signed);
        assert(shifted == int256((low + high) / 2) - int256(uint256(1) << 63));
        for (uint256 i; i < count; ++i) {
            assert(signed[i] == int256(uint256(sorted[i])) - int256(uint256(1) << 63));
        }
    }

    function _sortedCopy(uint64[] memory sorted, uint64[] memory list) private pure {
        for (uint256 i; i < list.length; ++i) {
            assert(i == 0 || sorted[i - 1] <= sorted[i]);
            (uint256 here, uint256 there) = (0, 0);
            for (uint256 j; j < list.length; ++j) {
                if (list[j] == list[i]) ++here;
                if (sorted[j] == list[i]) ++there;
            }
            assert(here == there);
        }
    }

    function test_median_signed_roundsDown() external pure {
        int256[] memory values = new int256[](2);
        (values[0], values[1]) = (-1, -2);
        assert(Median.sortAndTakeSigned(values) == -2);
        (values[0], values[1]) = (1, 2);
        assert(Median.sortAndTakeSigned(values) == 1);
    }

    // Means

    function notInField(uint256 index, uint256 felt) external pure {}

    function outOfRange(uint256 index, uint256 felt) external pure {}

    function _arguments(bytes memory data) private pure returns (bytes32 hash) {
        require(data.length == 68, "an error of two words");
        assembly ("memory-safe") {
            hash := keccak256(add(data, 0x24), 0x40)
        }
    }

    function _abs(int256 value) private pure returns (uint256) {
        return uint256(value < 0 ? -value : value);
    }
}
