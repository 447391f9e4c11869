// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {FieldElements} from "../../contracts/libraries/FieldElements.sol";
import {Margin} from "../../contracts/libraries/Margin.sol";
import {Median} from "../../contracts/libraries/Median.sol";

/// @dev Calls from outside, so that a refusal is a path of its own.
contract Decoder {
    function toInt(uint256 felt) external pure returns (int256) {
        return FieldElements.toInt(felt, 0);
    }

    function fromInt(int256 value) external pure returns (uint256) {
        return FieldElements.fromInt(value, 0);
    }
}

/// @title What holds of the money's arithmetic for every value, proven by halmos
/// @dev Run by `make assurance`. Rounding by a division that is not a shift is beyond its solvers: tests/forge fuzzes that. A path that reverts proves nothing and harms nothing: only a false assertion fails.
contract DecodingProofs {
    uint256 private constant P = FieldElements.MODULUS;
    int256 private constant LIMIT = 1 << 63;
    Decoder private decoder;

    function setUp() external {
        decoder = new Decoder();
    }

    /// @dev Exactly the field elements of small magnitude decode, each to the integer that it stands for.
    function check_toInt_everyWord(uint256 felt) external view {
        (bool ok, bytes memory out) = address(decoder).staticcall(abi.encodeCall(Decoder.toInt, (felt)));
        bool positive = felt < uint256(LIMIT);
        bool negative = felt < P && felt > P - uint256(LIMIT);
        assert(ok == (positive || negative));
        if (!ok) return;
        int256 value = abi.decode(out, (int256));
        assert(value < LIMIT && value > -LIMIT);
        assert(positive ? value == int256(felt) : value == -int256(P - felt));
    }

    /// @dev No two words stand for one integer: what is verified has one encoding.
    function check_toInt_injective(uint256 one, uint256 two) external pure {
        assert(one == two || FieldElements.toInt(one, 0) != FieldElements.toInt(two, 0));
    }

    function check_fromInt_inverse(int256 value) external view {
        (bool ok, bytes memory out) = address(decoder).staticcall(abi.encodeCall(Decoder.fromInt, (value)));
        assert(ok == (value < LIMIT && value > -LIMIT));
        if (ok) assert(FieldElements.toInt(abi.decode(out, (uint256)), 0) == value);
    }

    /// @dev Towards zero, at 16 bits: q 2^16 <= v 1e18 < (q + 1) 2^16, and the same mirrored.
    function check_toWad_towardsZero(int64 value) external pure {
        int256 wad = FieldElements.toWad(value, 16);
        int256 exact = int256(value) * 1e18;
        if (value >= 0) assert(wad << 16 <= exact && exact < (wad + 1) << 16);
        else assert(wad << 16 >= exact && exact > (wad - 1) << 16);
    }
}

contract RampProofs {
    uint256 private constant WAD = 1e18;

    /// @dev As LendingBook._read has it: the rate of the direction, basis points an hour.
    function rampedLtv(uint256 ltv, uint256 target, uint256 elapsed, uint256 down, uint256 up)
        private
        pure
        returns (uint256)
    {
        return Margin.ramped(ltv, target, elapsed, (target < ltv ? down : up) * 1e14, 1 hours);
    }

    /// @dev Never past its target, never away from it, never faster than its rate; still where the rate is zero.
    function check_rampedLtv_rateAndTarget(uint64 ltv, uint64 target, uint32 elapsed, uint16 down, uint16 up)
        external
        pure
    {
        uint256 after_ = rampedLtv(ltv, target, elapsed, down, up);
        if (target < ltv) {
            assert(after_ >= target && after_ <= ltv);
            assert(ltv - after_ <= uint256(down) * elapsed * 1e14 / 3600);
        } else {
            assert(after_ >= ltv && after_ <= target);
            assert(after_ - ltv <= uint256(up) * elapsed * 1e14 / 3600);
        }
    }

    /// @dev Nothing moves in the second of an update: no threshold falls within its own block.
    function check_rampedLtv_stillInItsOwnBlock(uint256 ltv, uint256 target, uint16 down, uint16 up) external pure {
        assert(rampedLtv(ltv, target, 0, down, up) == ltv);
    }

    function check_clip_between(uint256 value, uint256 lo, uint256 hi) external pure {
        if (lo > hi) return;
        uint256 clipped = Margin.clip(value, lo, hi);
        assert(lo <= clipped && clipped <= hi);
        assert(value < lo || value > hi || clipped == value);
    }

    function check_ramped_rateAndTarget(uint64 value, uint64 target, uint32 elapsed, uint64 step, uint32 interval)
        external
        pure
    {
        if (interval == 0) return;
        uint256 after_ = Margin.ramped(value, target, elapsed, step, interval);
        uint256 allowed = uint256(step) * elapsed / interval;
        if (target < value) assert(after_ >= target && after_ <= value && value - after_ <= allowed);
        else assert(after_ >= value && after_ <= target && after_ - value <= allowed);
    }
}

contract MedianProofs {
    function check_median_ofThree(uint64 a, uint64 b, uint64 c) external pure {
        uint64[] memory values = new uint64[](3);
        (values[0], values[1], values[2]) = (a, b, c);
        _check(values, 3, a, b, c);
    }

    function check_median_ofFive(uint64 a, uint64 b, uint64 c, uint64 d, uint64 e) external pure {
        uint64[] memory values = new uint64[](5);
        (values[0], values[1], values[2], values[3], values[4]) = (a, b, c, d, e);
        uint64[5] memory before = [a, b, c, d, e];
        uint64 median = Median.sortAndTake(values);
        (uint256 below, uint256 above) = (0, 0);
        for (uint256 i; i < 5; ++i) {
            below += _less(before[i], median);
            above += _less(median, before[i]);
        }
        assert(below <= 2 && above <= 2); // and so it is one of them
    }

    /// @dev Without a branch: five values have 120 orders already.
    function _less(uint256 a, uint256 b) private pure returns (uint256 less) {
        assembly ("memory-safe") {
            less := lt(a, b)
        }
    }

    /// @dev One liar among three cannot carry the median beyond the two honest values.
    function check_median_oneLiarOfThree(uint64 honest, uint64 other, uint64 lie) external pure {
        uint64[] memory values = new uint64[](3);
        (values[0], values[1], values[2]) = (lie, honest, other);
        uint64 median = Median.sortAndTake(values);
        (uint64 lo, uint64 hi) = honest < other ? (honest, other) : (other, honest);
        assert(lo <= median && median <= hi);
    }

    function check_median_ofTwo_down(uint64 a, uint64 b) external pure {
        uint64[] memory values = new uint64[](2);
        (values[0], values[1]) = (a, b);
        uint256 median = Median.sortAndTake(values);
        assert(2 * median <= uint256(a) + b && uint256(a) + b <= 2 * median + 1);
    }

    function _check(uint64[] memory values, uint256 count, uint64 a, uint64 b, uint64 c) private pure {
        uint64 median = Median.sortAndTake(values);
        assert(median == values[count / 2]);
        assert(values[0] <= values[1] && values[1] <= values[2]);
        assert(median == a || median == b || median == c);
        assert(uint256(values[0]) + values[1] + values[2] == uint256(a) + b + c);
    }
}
