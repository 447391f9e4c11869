// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title The last `capacity` vectors, two values of 128 bits a slot, and beside them a slot of times each
/// @dev A round's place is its id modulo the capacity. Callers check that a round is one that the ring holds.
library VectorRing {
    struct Times {
        uint64 observedAt;
        uint64 updatedAt;
    }

    struct Ring {
        mapping(uint256 word => uint256) values;
        mapping(uint256 place => Times) times;
    }

    /// @notice Writes a round over the one that is `capacity` older. Values fit in int128.
    function write(
        Ring storage ring,
        uint32 capacity,
        uint64 roundId,
        int256[] memory values,
        uint64 observedAt,
        uint64 updatedAt
    ) internal {
        uint256 place = roundId % capacity;
        uint256 words = (values.length + 1) / 2;
        for (uint256 i; i < words; ++i) {
            uint256 low = uint128(uint256(values[2 * i]));
            uint256 high = 2 * i + 1 < values.length ? uint256(values[2 * i + 1]) << 128 : 0;
            ring.values[place * words + i] = high | low;
        }
        ring.times[place] = Times(observedAt, updatedAt);
    }

    /// @notice The `count` values of a round.
    function read(Ring storage ring, uint32 capacity, uint64 roundId, uint256 count)
        internal
        view
        returns (int256[] memory values)
    {
        values = new int256[](count);
        uint256 words = (count + 1) / 2;
        uint256 first = (roundId % capacity) * words;
        for (uint256 i; i < words; ++i) {
            uint256 word = ring.values[first + i];
            values[2 * i] = int128(uint128(word));
            if (2 * i + 1 < count) values[2 * i + 1] = int256(word) >> 128;
        }
    }

    /// @notice When a round was observed and when published, unix seconds.
    function timesOf(Ring storage ring, uint32 capacity, uint64 roundId) internal view returns (Times memory) {
        return ring.times[roundId % capacity];
    }
}
