// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {GarchVolatilityModule} from "../features/GarchVolatilityModule.sol";
import {IGarchVolatilityModule} from "../interfaces/IGarchVolatilityModule.sol";
import {IObservationFeed} from "../interfaces/IObservationFeed.sol";
import {IQuorumFeed} from "../interfaces/IQuorumFeed.sol";
import {FixedPoint} from "../libraries/FixedPoint.sol";
import {Median} from "../libraries/Median.sol";
import {StandardisedReturns} from "../libraries/StandardisedReturns.sol";

/// @title Many calls of the libraries in one, and a source whose windows the test chooses
/// @dev For tests: never deployed beside a real feed.
contract FeatureHarness {
    uint64[] private _prices;
    uint64 private _observedAt;

    /// @notice The window that `window` hands out.
    function setWindow(uint64[] calldata prices, uint64 observedAt) external {
        _prices = prices;
        _observedAt = observedAt;
    }

    /// @notice As IObservationFeed; refuses another count than the window that was set.
    function window(uint64 roundId, uint256 count) external view returns (uint64[] memory, uint64) {
        if (count != _prices.length) revert IQuorumFeed.NoDataPresent(roundId);
        return (_prices, _observedAt);
    }

    /// @notice For each window its 32 returns and, as the 33rd value, the sum of their squares.
    /// @dev Fixed sizes, so that a test encodes and decodes thousands of windows as plain words.
    function fillMany(uint64[33][] calldata windows, uint256[] calldata sigmaRefsWad, uint8[] calldata scaleBits)
        external
        pure
        returns (int256[33][] memory results)
    {
        results = new int256[33][](windows.length);
        uint64[] memory prices = new uint64[](33);
        int256[] memory x = new int256[](32);
        for (uint256 i; i < windows.length; ++i) {
            for (uint256 j; j < 33; ++j) {
                prices[j] = windows[i][j];
            }
            results[i][32] = int256(StandardisedReturns.fill(x, prices, sigmaRefsWad[i], scaleBits[i]));
            for (uint256 j; j < 32; ++j) {
                results[i][j] = x[j];
            }
        }
    }

    /// @notice The whole module over many windows of one asset: a module is deployed in the call, which reads back from here.
    function inputsMany(
        uint64[][] calldata windows,
        IGarchVolatilityModule.GarchParams calldata params,
        uint8 scaleBits
    ) external returns (int256[][] memory modelInputs) {
        GarchVolatilityModule module = new GarchVolatilityModule(IObservationFeed(address(this)), params, scaleBits);
        modelInputs = new int256[][](windows.length);
        for (uint256 i; i < windows.length; ++i) {
            _prices = windows[i];
            (modelInputs[i],) = module.inputs(1);
        }
    }

    /// @notice Quantised parameters of many assets, one module each; empty where the constructor reverts.
    function parametersMany(IGarchVolatilityModule.GarchParams[] calldata params, uint8[] calldata scaleBits)
        external
        returns (int256[5][] memory quantised, bytes4[] memory errors)
    {
        quantised = new int256[5][](params.length);
        errors = new bytes4[](params.length);
        for (uint256 i; i < params.length; ++i) {
            IObservationFeed self = IObservationFeed(address(this));
            try new GarchVolatilityModule(self, params[i], scaleBits[i]) returns (GarchVolatilityModule module) {
                (quantised[i][0], quantised[i][1], quantised[i][2], quantised[i][3], quantised[i][4]) =
                    module.quantisedParameters();
            } catch (bytes memory reason) {
                errors[i] = bytes4(reason);
            }
        }
    }

    /// @notice The answers of one asset's module for many variances.
    function answersMany(int256[] calldata outputsWad, IGarchVolatilityModule.GarchParams calldata params)
        external
        returns (int256[] memory answers)
    {
        GarchVolatilityModule module = new GarchVolatilityModule(IObservationFeed(address(this)), params, 16);
        answers = new int256[](outputsWad.length);
        int256[] memory output = new int256[](1);
        for (uint256 i; i < outputsWad.length; ++i) {
            output[0] = outputsWad[i];
            answers[i] = module.answer(output);
        }
    }

    /// @notice FixedPoint.divRound of many pairs.
    function divRoundMany(int256[] calldata numerators, int256[] calldata denominators)
        external
        pure
        returns (int256[] memory quotients)
    {
        quotients = new int256[](numerators.length);
        for (uint256 i; i < numerators.length; ++i) {
            quotients[i] = FixedPoint.divRound(numerators[i], denominators[i]);
        }
    }

    /// @notice FixedPoint.scaledFromWad of many values.
    function scaledFromWadMany(int256[] calldata values, uint8[] calldata scaleBits)
        external
        pure
        returns (int256[] memory scaled)
    {
        scaled = new int256[](values.length);
        for (uint256 i; i < values.length; ++i) {
            scaled[i] = FixedPoint.scaledFromWad(values[i], scaleBits[i]);
        }
    }

    /// @notice Medians of many lists.
    function mediansMany(uint64[][] calldata lists) external pure returns (uint64[] memory medians) {
        medians = new uint64[](lists.length);
        for (uint256 i; i < lists.length; ++i) {
            medians[i] = Median.sortAndTake(lists[i]);
        }
    }
}
