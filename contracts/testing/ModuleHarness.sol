// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IFeatureModule} from "../interfaces/IFeatureModule.sol";
import {IScaledFeatureModule} from "../interfaces/IScaledFeatureModule.sol";
import {ISharedInputs} from "../interfaces/ISharedInputs.sol";

/// @title A source whose windows and vectors the test chooses, and many calls of a module on it in one
/// @dev For tests: never deployed beside a real feed.
contract ModuleHarness {
    uint64[] private _prices;
    int256[] private _values;
    uint64 private _observedAt;

    error WrongCount(uint256 asked, uint256 present);

    /// @notice As IObservationFeed.
    function window(uint64, uint256 count) external view returns (uint64[] memory, uint64) {
        if (count != _prices.length) revert WrongCount(count, _prices.length);
        return (_prices, _observedAt);
    }

    /// @notice As IVectorObservationFeed.
    function vector(uint64) external view returns (int256[] memory, uint64) {
        return (_values, _observedAt);
    }

    /// @notice As IVectorObservationFeed.
    function componentCount() external view returns (uint256) {
        return _values.length;
    }

    /// @notice Sets what `vector` returns.
    function setVector(int256[] memory values, uint64 observedAt) public {
        (_values, _observedAt) = (values, observedAt);
    }

    /// @notice A module's inputs for many windows, or the error instead.
    /// @param packed Prices of 8 bytes each, one window after another: arrays of words take long to encode.
    function inputsOfWindows(IFeatureModule module, uint256 count, bytes calldata packed, uint64[] calldata observedAts)
        external
        returns (int256[][] memory inputs, bytes[] memory errors)
    {
        uint256 windows = observedAts.length;
        inputs = new int256[][](windows);
        errors = new bytes[](windows);
        uint64[] memory prices = new uint64[](count);
        for (uint256 w; w < windows; ++w) {
            for (uint256 i; i < count; ++i) {
                uint256 from = 8 * (w * count + i);
                prices[i] = uint64(bytes8(packed[from:from + 8]));
            }
            (_prices, _observedAt) = (prices, observedAts[w]);
            (inputs[w], errors[w]) = _inputs(module);
        }
    }

    /// @notice A module's inputs for many vectors, or the error instead.
    function inputsOfVectors(IFeatureModule module, int256[][] calldata vectors, uint64[] calldata observedAts)
        external
        returns (int256[][] memory inputs, bytes[] memory errors)
    {
        inputs = new int256[][](vectors.length);
        errors = new bytes[](vectors.length);
        for (uint256 v; v < vectors.length; ++v) {
            setVector(vectors[v], observedAts[v]);
            (inputs[v], errors[v]) = _inputs(module);
        }
    }

    /// @notice A module's answers, or the error instead.
    /// @param inputs Empty for a module that answers from outputs alone.
    function answersOf(IFeatureModule module, int256[][] calldata inputs, int256[][] calldata outputs)
        external
        view
        returns (int256[] memory answers, bytes[] memory errors)
    {
        answers = new int256[](outputs.length);
        errors = new bytes[](outputs.length);
        for (uint256 i; i < outputs.length; ++i) {
            bytes memory call = inputs.length == 0
                ? abi.encodeCall(IFeatureModule.answer, (outputs[i]))
                : abi.encodeCall(IScaledFeatureModule.answerFor, (1, inputs[i], outputs[i]));
            (bool ok, bytes memory result) = address(module).staticcall(call);
            if (ok) answers[i] = abi.decode(result, (int256));
            else errors[i] = result;
        }
    }

    /// @notice Shared inputs as they are read in the transaction that prepared them.
    function preparedInputs(address module, uint64 round) external returns (int256[] memory, uint64) {
        ISharedInputs(module).prepareInputs(round);
        return IFeatureModule(module).inputs(round);
    }

    function _inputs(IFeatureModule module) private view returns (int256[] memory inputs, bytes memory error_) {
        try module.inputs(1) returns (int256[] memory found, uint64) {
            inputs = found;
        } catch (bytes memory reason) {
            error_ = reason;
        }
    }
}
