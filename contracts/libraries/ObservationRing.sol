// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title The last `capacity` observations: four prices a slot, and beside them four times a slot
/// @dev A round's place is its id modulo the capacity, a power of two and at least 4, so a slot never spans the seam. A time
/// lane holds 40 bits observation time, 23 bits publication delay, 1 bit "first of its segment". Callers check that a round
/// is one that the ring holds.
library ObservationRing {
    /// @notice Largest publication delay in seconds, about 97 days.
    uint256 internal constant MAX_DELAY = (1 << 23) - 1;

    uint256 private constant SEGMENT_FLAG = 1 << 63;
    uint256 private constant TIME_MASK = (1 << 40) - 1;

    struct Ring {
        mapping(uint256 slot => uint256) prices;
        mapping(uint256 slot => uint256) times;
    }

    /// @notice Writes a round over the one that is `capacity` older.
    function write(
        Ring storage ring,
        uint32 capacity,
        uint64 roundId,
        uint64 price,
        uint40 observedAt,
        uint24 delay,
        bool startsSegment
    ) internal {
        uint256 place = roundId & (capacity - 1);
        uint256 time = uint256(observedAt) | uint256(delay) << 40 | (startsSegment ? SEGMENT_FLAG : 0);
        _writeLane(ring.prices, place, price);
        _writeLane(ring.times, place, time);
    }

    /// @notice The price of a round, 8 decimals.
    function priceOf(Ring storage ring, uint32 capacity, uint64 roundId) internal view returns (uint64) {
        return uint64(_readLane(ring.prices, roundId & (capacity - 1)));
    }

    /// @notice When a round was observed and when published, unix seconds, and whether a segment starts with it.
    function timesOf(Ring storage ring, uint32 capacity, uint64 roundId)
        internal
        view
        returns (uint64 observedAt, uint64 updatedAt, bool startsSegment)
    {
        uint256 lane = _readLane(ring.times, roundId & (capacity - 1));
        observedAt = uint64(lane & TIME_MASK);
        updatedAt = observedAt + uint64(lane >> 40 & MAX_DELAY);
        startsSegment = lane & SEGMENT_FLAG != 0;
    }

    /// @notice `count` consecutive prices from round `first` on; reads each slot once.
    function pricesFrom(Ring storage ring, uint32 capacity, uint64 first, uint256 count)
        internal
        view
        returns (uint64[] memory prices)
    {
        prices = new uint64[](count);
        uint256 place = first & (capacity - 1);
        uint256 word = ring.prices[place >> 2] >> ((place & 3) << 6);
        unchecked {
            for (uint256 i; i < count; ++i) {
                prices[i] = uint64(word);
                place = (place + 1) & (capacity - 1);
                word = place & 3 == 0 && i + 1 < count ? ring.prices[place >> 2] : word >> 64;
            }
        }
    }

    /// @notice The round that starts the segment of `roundId`, or `stopAt` when none does after it.
    function segmentStartOf(Ring storage ring, uint32 capacity, uint64 roundId, uint64 stopAt)
        internal
        view
        returns (uint64 start)
    {
        for (start = roundId; start > stopAt; --start) {
            if (_readLane(ring.times, start & (capacity - 1)) & SEGMENT_FLAG != 0) return start;
        }
    }

    function _readLane(mapping(uint256 => uint256) storage lanes, uint256 place) private view returns (uint256) {
        return uint64(lanes[place >> 2] >> ((place & 3) << 6));
    }

    function _writeLane(mapping(uint256 => uint256) storage lanes, uint256 place, uint256 value) private {
        uint256 shift = (place & 3) << 6;
        uint256 cleared = lanes[place >> 2] & ~(uint256(type(uint64).max) << shift);
        lanes[place >> 2] = cleared | value << shift;
    }
}
