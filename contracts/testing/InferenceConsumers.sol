// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IInferenceConsumer, IInferenceInputs} from "../interfaces/IInferenceConsumer.sol";
import {IInferenceCoordinator} from "../interfaces/IInferenceCoordinator.sol";
import {Fulfilment, RequestTerms} from "../types/RequestTypes.sol";

/// @title A consumer for tests: gives inputs, takes answers, and misbehaves when told
contract InferenceConsumer is IInferenceConsumer, IInferenceInputs {
    enum Manner {
        Accept,
        Revert,
        EatGas,
        ReturnBomb,
        Reenter,
        AskAgain
    }

    error Refused();

    IInferenceCoordinator public immutable coordinator;
    Manner public manner;
    int256[] private _inputs;
    uint256 public calls;
    uint256 public lastRequestId;
    int256[] private _outputs;
    Fulfilment private _again;
    RequestTerms private _terms;
    bool public reentered;

    constructor(IInferenceCoordinator coordinator_) {
        coordinator = coordinator_;
    }

    receive() external payable {}

    function setManner(Manner manner_) external {
        manner = manner_;
    }

    function setInputs(int256[] calldata inputs_) external {
        _inputs = inputs_;
    }

    /// @notice What a re-entering consumer tries to do again.
    function setAgain(Fulfilment calldata fulfilment) external {
        _again = fulfilment;
    }

    /// @notice What a consumer that asks again asks for.
    function setTerms(RequestTerms calldata terms) external {
        _terms = terms;
    }

    function inputs(uint256) external view returns (int256[] memory) {
        return _inputs;
    }

    function outputs() external view returns (int256[] memory) {
        return _outputs;
    }

    function onInference(uint256 requestId, int256[] calldata outputsWad) external {
        if (msg.sender != address(coordinator)) revert Refused();
        if (manner == Manner.Revert) revert Refused();
        if (manner == Manner.EatGas) _eat();
        if (manner == Manner.ReturnBomb) {
            assembly ("memory-safe") {
                revert(0, 1000000)
            }
        }
        if (manner == Manner.Reenter) _reenter(requestId, outputsWad);
        if (manner == Manner.AskAgain) coordinator.requestPulled{value: _terms.fee}(_terms);
        ++calls;
        lastRequestId = requestId;
        _outputs = outputsWad;
    }

    function _eat() private view {
        uint256 sum;
        while (gasleft() > 100) sum += gasleft();
    }

    function _reenter(uint256 requestId, int256[] calldata outputsWad) private {
        bool done;
        try coordinator.fulfil(_again) {
            done = true;
        } catch {}
        try coordinator.refund(requestId) {
            done = true;
        } catch {}
        try coordinator.retryCallback(requestId, outputsWad) {
            done = true;
        } catch {}
        try coordinator.cancel(requestId) {
            done = true;
        } catch {}
        if (done) reentered = true;
    }
}
