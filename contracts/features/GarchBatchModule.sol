// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IFeatureModule} from "../interfaces/IFeatureModule.sol";
import {IGarchBatchInputs} from "../interfaces/IGarchBatchInputs.sol";
import {IGarchBatchModule} from "../interfaces/IGarchBatchModule.sol";
import {ISharedInputs} from "../interfaces/ISharedInputs.sol";

/// @title GARCH(1,1) volatility of one of four assets that one proof serves
/// @dev Twin: oracle/domain/garch_batch.py. One module for each asset over the same GarchBatchInputs; behind a
/// SharedProofVerifier one proof, and one computation of the inputs, serves the four feeds.
contract GarchBatchModule is IGarchBatchModule {
    uint256 public constant ASSETS = 4;

    /// @inheritdoc IGarchBatchModule
    address public immutable batch;
    /// @inheritdoc IGarchBatchModule
    uint8 public immutable place;

    address private immutable _module;

    constructor(IGarchBatchInputs batch_, uint8 place_) {
        if (address(batch_).code.length == 0) revert BatchWithoutCode(address(batch_));
        if (place_ >= ASSETS) revert PlaceOutOfRange(place_, uint8(ASSETS - 1));
        (batch, place, _module) = (address(batch_), place_, batch_.modules()[place_]);
    }

    /// @inheritdoc ISharedInputs
    function prepareInputs(uint64 observationRound) external {
        ISharedInputs(batch).prepareInputs(observationRound);
    }

    /// @inheritdoc IFeatureModule
    function inputs(uint64 observationRound) external view returns (int256[] memory, uint64) {
        bytes memory asked = abi.encodeCall(IGarchBatchInputs.inputs, (observationRound));
        address from = batch;
        // handed on as it is, an error too: decoding it and encoding it again costs more than the call
        assembly {
            let ok := staticcall(gas(), from, add(asked, 0x20), mload(asked), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch ok
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
        }
    }

    /// @inheritdoc IFeatureModule
    function answer(int256[] calldata outputsWad) external view returns (int256) {
        if (outputsWad.length != ASSETS) revert OutputCountMismatch(outputsWad.length, ASSETS);
        return IFeatureModule(_module).answer(outputsWad[place:place + 1]);
    }

    /// @inheritdoc IFeatureModule
    function source() external view returns (address) {
        return IGarchBatchInputs(batch).source();
    }

    /// @inheritdoc IGarchBatchModule
    function inputScaleBits() external view returns (uint8) {
        return IGarchBatchInputs(batch).inputScaleBits();
    }
}
