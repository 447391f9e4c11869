// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Median of a few values
library Median {
    /// @notice Sorts in place, smallest first, and returns the median: the middle value, or of an even number the mean
    /// of the middle two rounded down.
    /// @param values Not empty.
    function sortAndTake(uint64[] memory values) internal pure returns (uint64) {
        uint256 count = values.length;
        unchecked {
            for (uint256 i = 1; i < count; ++i) {
                uint64 value = values[i];
                uint256 j = i;
                for (; j > 0 && values[j - 1] > value; --j) {
                    values[j] = values[j - 1];
                }
                values[j] = value;
            }
            if (count % 2 == 1) return values[count / 2];
            return uint64((uint256(values[count / 2 - 1]) + values[count / 2]) / 2);
        }
    }

    /// @notice As `sortAndTake`, for signed values within int128.
    function sortAndTakeSigned(int256[] memory values) internal pure returns (int256) {
        uint256 count = values.length;
        unchecked {
            for (uint256 i = 1; i < count; ++i) {
                int256 value = values[i];
                uint256 j = i;
                for (; j > 0 && values[j - 1] > value; --j) {
                    values[j] = values[j - 1];
                }
                values[j] = value;
            }
            if (count % 2 == 1) return values[count / 2];
            return (values[count / 2 - 1] + values[count / 2]) >> 1;
        }
    }
}
