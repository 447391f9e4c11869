// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {SlotDerivation} from "@openzeppelin/contracts/utils/SlotDerivation.sol";
import {TransientSlot} from "@openzeppelin/contracts/utils/TransientSlot.sol";

import {IFeatureModule} from "../interfaces/IFeatureModule.sol";
import {IGarchBatchInputs} from "../interfaces/IGarchBatchInputs.sol";
import {IGarchVolatilityModule} from "../interfaces/IGarchVolatilityModule.sol";
import {IObservationFeed} from "../interfaces/IObservationFeed.sol";
import {ISharedInputs} from "../interfaces/ISharedInputs.sol";

/// @title Inputs of the GARCH(1,1) circuit for four assets, computed once for all modules of a group
/// @dev Twin: oracle/domain/garch_batch.py. Inputs are those of four GarchVolatilityModules.
contract GarchBatchInputs is IGarchBatchInputs {
    using SlotDerivation for bytes32;
    using TransientSlot for *;

    uint256 public constant ASSETS = 4;

    uint256 private constant MAX_SKEW = 1 days;
    /// @dev Where a round's inputs are remembered: their count, the time, then the inputs.
    bytes32 private constant PREPARED = keccak256("plumbline.GarchBatchInputs.prepared");

    address private immutable _module0;
    address private immutable _module1;
    address private immutable _module2;
    address private immutable _module3;
    /// @inheritdoc IGarchBatchInputs
    address public immutable source;
    /// @inheritdoc IGarchBatchInputs
    uint32 public immutable maxSkew;
    /// @inheritdoc IGarchBatchInputs
    uint8 public immutable inputScaleBits;

    /// @param modules_ GarchVolatilityModules; one may stand there again for an asset that is not wanted.
    /// @param maxSkew_ Seconds, at most a day; below the feeds' intervals, so that no asset lags a round.
    constructor(IGarchVolatilityModule[4] memory modules_, uint32 maxSkew_) {
        if (maxSkew_ > MAX_SKEW) revert ParameterOutOfRange("maxSkew", maxSkew_, 0, MAX_SKEW);
        for (uint256 i; i < ASSETS; ++i) {
            if (address(modules_[i]).code.length == 0) revert ModuleWithoutCode(i, address(modules_[i]));
            (uint8 bits, uint8 expected) = (modules_[i].inputScaleBits(), modules_[0].inputScaleBits());
            if (bits != expected) revert ScaleMismatch(i, bits, expected);
        }
        (_module0, _module1) = (address(modules_[0]), address(modules_[1]));
        (_module2, _module3) = (address(modules_[2]), address(modules_[3]));
        source = modules_[0].source();
        (maxSkew, inputScaleBits) = (maxSkew_, modules_[0].inputScaleBits());
    }

    /// @inheritdoc ISharedInputs
    function prepareInputs(uint64 observationRound) external {
        bytes32 slot = _prepared(observationRound);
        if (slot.asUint256().tload() != 0) return;
        (int256[] memory modelInputs, uint64 observedAt) = _compute(observationRound);
        slot.asUint256().tstore(modelInputs.length);
        slot.offset(1).asUint256().tstore(observedAt);
        for (uint256 i; i < modelInputs.length; ++i) {
            slot.offset(i + 2).asInt256().tstore(modelInputs[i]);
        }
    }

    /// @inheritdoc IGarchBatchInputs
    function inputs(uint64 observationRound) external view returns (int256[] memory modelInputs, uint64 observedAt) {
        bytes32 slot = _prepared(observationRound);
        if (slot.asUint256().tload() == 0) return _compute(observationRound);
        assembly ("memory-safe") {
            let count := tload(slot)
            observedAt := tload(add(slot, 1))
            modelInputs := mload(0x40)
            mstore(modelInputs, count)
            let to := add(modelInputs, 0x20)
            let from := add(slot, 2)
            for { let i := 0 } lt(i, count) { i := add(i, 1) } { mstore(add(to, shl(5, i)), tload(add(from, i))) }
            mstore(0x40, add(to, shl(5, count)))
        }
    }

    /// @inheritdoc IGarchBatchInputs
    function roundsFor(uint64 observationRound) public view returns (uint64[4] memory rounds, uint64 observedAt) {
        observedAt = IObservationFeed(source).observedAt(observationRound);
        rounds[0] = observationRound;
        address[4] memory all = modules();
        for (uint256 i = 1; i < ASSETS; ++i) {
            address other = IFeatureModule(all[i]).source();
            rounds[i] = other == source ? observationRound : _alignedRound(i, IObservationFeed(other), observedAt);
        }
    }

    /// @inheritdoc IGarchBatchInputs
    function modules() public view returns (address[4] memory) {
        return [_module0, _module1, _module2, _module3];
    }

    function _compute(uint64 observationRound) private view returns (int256[] memory modelInputs, uint64 observedAt) {
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

    function _prepared(uint64 observationRound) private pure returns (bytes32) {
        return keccak256(abi.encode(PREPARED, observationRound));
    }
}
