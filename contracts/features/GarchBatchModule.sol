// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IFeatureModule} from "../interfaces/IFeatureModule.sol";
import {IGarchBatchModule} from "../interfaces/IGarchBatchModule.sol";
import {IGarchVolatilityModule} from "../interfaces/IGarchVolatilityModule.sol";
import {IObservationFeed} from "../interfaces/IObservationFeed.sol";

/// @title GARCH(1,1) volatility of four assets by one proof
/// @dev Twin: oracle/domain/garch_batch.py. Inputs and answer are those of four GarchVolatilityModules. One module for each
/// asset, alike but for `place`; behind a SharedProofVerifier one proof serves the four feeds.
contract GarchBatchModule is IGarchBatchModule {
    uint256 public constant ASSETS = 4;

    uint256 private constant MAX_SKEW = 1 days;

    address private immutable _module0;
    address private immutable _module1;
    address private immutable _module2;
    address private immutable _module3;
    /// @inheritdoc IFeatureModule
    address public immutable source;
    /// @inheritdoc IGarchBatchModule
    uint32 public immutable maxSkew;
    /// @inheritdoc IGarchBatchModule
    uint8 public immutable place;
    /// @inheritdoc IGarchBatchModule
    uint8 public immutable inputScaleBits;

    /// @param modules_ GarchVolatilityModules; one may stand there again for an asset that is not wanted.
    /// @param maxSkew_ Seconds, at most a day; below the feeds' intervals, so that no asset lags a round.
    constructor(IGarchVolatilityModule[4] memory modules_, uint32 maxSkew_, uint8 place_) {
        _requireAtMost("maxSkew", maxSkew_, MAX_SKEW);
        _requireAtMost("place", place_, ASSETS - 1);
        for (uint256 i; i < ASSETS; ++i) {
            if (address(modules_[i]).code.length == 0) revert ModuleWithoutCode(i, address(modules_[i]));
            (uint8 bits, uint8 expected) = (modules_[i].inputScaleBits(), modules_[0].inputScaleBits());
            if (bits != expected) revert ScaleMismatch(i, bits, expected);
        }
        (_module0, _module1) = (address(modules_[0]), address(modules_[1]));
        (_module2, _module3) = (address(modules_[2]), address(modules_[3]));
        source = modules_[0].source();
        (maxSkew, place, inputScaleBits) = (maxSkew_, place_, modules_[0].inputScaleBits());
    }

    /// @inheritdoc IFeatureModule
    function inputs(uint64 observationRound) external view returns (int256[] memory modelInputs, uint64 observedAt) {
        uint64[4] memory rounds;
        (rounds, observedAt) = roundsFor(observationRound);
        address[4] memory all = modules();
        for (uint256 i; i < ASSETS; ++i) {
            (int256[] memory row,) = IFeatureModule(all[i]).inputs(rounds[i]);
            uint256 width = row.length;
            if (i == 0) modelInputs = new int256[](ASSETS * width);
            for (uint256 c; c < width; ++c) {
                modelInputs[i * width + c] = row[c];
            }
        }
    }

    /// @inheritdoc IFeatureModule
    function answer(int256[] calldata outputsWad) external view returns (int256) {
        if (outputsWad.length != ASSETS) revert OutputCountMismatch(outputsWad.length, ASSETS);
        return IFeatureModule(modules()[place]).answer(outputsWad[place:place + 1]);
    }

    /// @inheritdoc IGarchBatchModule
    function roundsFor(uint64 observationRound) public view returns (uint64[4] memory rounds, uint64 observedAt) {
        observedAt = IObservationFeed(source).observedAt(observationRound);
        rounds[0] = observationRound;
        address[4] memory all = modules();
        for (uint256 i = 1; i < ASSETS; ++i) {
            address other = IFeatureModule(all[i]).source();
            rounds[i] = other == source ? observationRound : _alignedRound(i, IObservationFeed(other), observedAt);
        }
    }

    /// @inheritdoc IGarchBatchModule
    function modules() public view returns (address[4] memory) {
        return [_module0, _module1, _module2, _module3];
    }

    /// @dev Steps that double lead back from the newest round, halves to the first that is not too early.
    function _alignedRound(uint256 asset, IObservationFeed feed, uint64 time) private view returns (uint64) {
        uint256 from = time > maxSkew ? time - maxSkew : 0;
        uint256 high = feed.latestRound();
        uint64 found = feed.observedAt(high);
        if (found < from) revert WindowsNotAligned(asset, found, time, maxSkew);
        uint256 before = feed.earliestRound() - 1; // taken to be too early; no window ends at the round after it
        uint256 low = high - 1;
        for (uint256 step = 1; low > before; step *= 2) {
            uint64 seen = feed.observedAt(low);
            if (seen < from) break;
            (high, found) = (low, seen);
            low = low > before + step ? low - step : before;
        }
        while (high - low > 1) {
            uint256 middle = (high + low) / 2;
            uint64 seen = feed.observedAt(middle);
            if (seen < from) low = middle;
            else (high, found) = (middle, seen);
        }
        if (found > uint256(time) + maxSkew) revert WindowsNotAligned(asset, found, time, maxSkew);
        // forge-lint: disable-next-line(unsafe-typecast) a round's id
        return uint64(high);
    }

    function _requireAtMost(bytes32 name, uint256 value, uint256 max) private pure {
        if (value > max) revert ParameterOutOfRange(name, value, 0, max);
    }
}
