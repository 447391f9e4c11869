// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IInferenceCoordinator} from "../interfaces/IInferenceCoordinator.sol";
import {IInferenceConsumer, IInferenceInputs} from "../interfaces/IInferenceConsumer.sol";
import {IInferenceVerifier} from "../interfaces/IInferenceVerifier.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {CallbackStatus, Fulfilment, Request, RequestStatus, RequestTerms} from "../types/RequestTypes.sol";
import {InferenceContext} from "../types/ModelTypes.sol";
import {FeeEscrow} from "./FeeEscrow.sol";

/// @title Requests and their fulfilment
/// @dev The assigned prover fulfils in one transaction. Anybody else first commits to (proof, payee), a block before: who
/// copies a proof from the mempool has no commitment to it, and proofs are blinded, so it must be proven anew.
abstract contract InferenceRequests is FeeEscrow {
    /// @notice Seconds for which a withdrawn request still pays a proof that is under way.
    uint64 public constant CANCEL_NOTICE = 5 minutes;
    /// @notice Bounds of a request's life, seconds.
    uint64 public constant MIN_LIFE = 10 seconds;
    uint64 public constant MAX_LIFE = 30 days;
    /// @notice The most gas a callback can buy.
    uint32 public constant MAX_CALLBACK_GAS = 5_000_000;

    int256 private constant MAGNITUDE_LIMIT = 1 << 63;
    /// @dev What is left to do after a callback, and the call itself.
    uint256 private constant CALLBACK_RESERVE = 20_000;
    uint256 private constant MAX_REASON = 256;

    IInferenceVerifier public immutable verifier;
    IModelRegistry public immutable registry;

    uint256 public requestCount;
    mapping(uint256 requestId => Request) internal _requests;
    /// @dev The block of each commitment.
    mapping(bytes32 commitment => uint256) private _committedAt;

    constructor(IInferenceVerifier verifier_) {
        verifier = verifier_;
        registry = IModelRegistry(verifier_.registry());
    }

    // --- Requests ---

    /// @inheritdoc IInferenceCoordinator
    function request(RequestTerms calldata terms, int256[] calldata inputs)
        external
        payable
        nonReentrant
        returns (uint256 requestId)
    {
        requestId = ++requestCount;
        _open(requestId, terms, inputs, msg.sender, 0);
        _take(terms.feeToken, terms.fee);
    }

    /// @inheritdoc IInferenceCoordinator
    function requestPulled(RequestTerms calldata terms) external payable nonReentrant returns (uint256 requestId) {
        requestId = ++requestCount;
        _open(requestId, terms, _pull(terms.consumer, requestId), msg.sender, 0);
        _take(terms.feeToken, terms.fee);
    }

    /// @inheritdoc IInferenceCoordinator
    function topUp(uint256 requestId, uint128 amount) external payable nonReentrant {
        Request storage r = _requireOpen(requestId);
        if (amount == 0) revert NothingToDo();
        r.fee += amount;
        _take(r.feeToken, amount);
        emit FeeRaised(requestId, r.fee);
    }

    /// @inheritdoc IInferenceCoordinator
    function cancel(uint256 requestId) external {
        Request storage r = _requireOpen(requestId);
        if (msg.sender != r.payer) revert NotAuthorised(msg.sender);
        uint64 ends = uint64(block.timestamp) + CANCEL_NOTICE;
        if (ends >= r.deadline) revert NothingToDo();
        r.deadline = ends;
        emit CancelAnnounced(requestId, ends);
    }

    /// @inheritdoc IInferenceCoordinator
    function refund(uint256 requestId) external {
        RequestStatus status = statusOf(requestId);
        if (status != RequestStatus.Expired) revert WrongRequestStatus(requestId, status);
        Request storage r = _requests[requestId];
        r.refunded = true;
        emit Refunded(requestId, r.payer, r.fee);
        _returnFee(r);
    }

    // --- Fulfilment ---

    /// @inheritdoc IInferenceCoordinator
    function commitFulfilment(uint256 requestId, bytes32 commitment) external {
        _requireOpen(requestId);
        if (_committedAt[commitment] != 0) revert AlreadyCommitted(commitment);
        _committedAt[commitment] = block.number;
        emit FulfilmentCommitted(requestId, msg.sender, commitment);
    }

    /// @inheritdoc IInferenceCoordinator
    function fulfil(Fulfilment calldata fulfilment) external {
        _fulfil(msg.sender, fulfilment);
    }

    /// @inheritdoc IInferenceCoordinator
    function fulfilMany(Fulfilment[] calldata fulfilments) external returns (bool[] memory done) {
        done = new bool[](fulfilments.length);
        for (uint256 i; i < fulfilments.length; ++i) {
            try this.fulfilFor(msg.sender, fulfilments[i]) {
                done[i] = true;
            } catch (bytes memory reason) {
                if (reason.length > MAX_REASON) {
                    assembly ("memory-safe") {
                        mstore(reason, MAX_REASON)
                    }
                }
                emit FulfilmentSkipped(fulfilments[i].requestId, reason);
            }
        }
    }

    /// @notice One fulfilment of a batch. This contract only.
    function fulfilFor(address prover, Fulfilment calldata fulfilment) external {
        if (msg.sender != address(this)) revert NotAuthorised(msg.sender);
        _fulfil(prover, fulfilment);
    }

    /// @inheritdoc IInferenceCoordinator
    function retryCallback(uint256 requestId, int256[] calldata outputsWad) external {
        Request storage r = _requests[requestId];
        if (r.callback != CallbackStatus.Failed) revert NoFailedCallback(requestId, r.callback);
        bytes32 actual = keccak256(abi.encode(outputsWad));
        if (actual != r.outputsHash) revert OutputsMismatch(actual, r.outputsHash);
        _callBack(requestId, r, outputsWad);
    }

    // --- Views ---

    /// @inheritdoc IInferenceCoordinator
    function statusOf(uint256 requestId) public view returns (RequestStatus) {
        Request storage r = _requests[requestId];
        if (r.createdAt == 0) return RequestStatus.None;
        if (r.fulfilledAt != 0) return RequestStatus.Fulfilled;
        if (r.refunded) return RequestStatus.Refunded;
        return block.timestamp > r.deadline ? RequestStatus.Expired : RequestStatus.Open;
    }

    /// @inheritdoc IInferenceCoordinator
    function requestOf(uint256 requestId) external view returns (Request memory) {
        return _requests[requestId];
    }

    /// @inheritdoc IInferenceCoordinator
    function nonceOf(uint256 requestId) public view returns (bytes32) {
        return keccak256(abi.encode(address(this), requestId));
    }

    /// @inheritdoc IInferenceCoordinator
    function fulfilmentCommitment(uint256 requestId, address payee, bytes32 proofHash, bytes32 salt)
        public
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(block.chainid, address(this), requestId, payee, proofHash, salt));
    }

    /// @inheritdoc IInferenceCoordinator
    function isAnswer(uint256 requestId, int256[] calldata outputsWad) external view returns (bool) {
        Request storage r = _requests[requestId];
        return r.fulfilledAt != 0 && r.outputsHash == keccak256(abi.encode(outputsWad));
    }

    // --- Helpers ---

    function _open(
        uint256 requestId,
        RequestTerms memory terms,
        int256[] memory inputs,
        address payer,
        uint128 subscriptionId
    ) internal {
        _requireTerms(terms);
        _requireQuoted(terms.modelId, terms.feeToken, terms.callbackGas, terms.fee);
        uint32 version = registry.currentVersion(terms.modelId);
        _requireInputs(inputs, registry.verifierOf(terms.modelId, version).inputCount);

        Request storage r = _requests[requestId];
        r.payer = payer;
        r.createdAt = uint64(block.timestamp);
        r.version = version;
        r.modelId = terms.modelId;
        r.inputsHash = keccak256(abi.encode(inputs));
        r.feeToken = terms.feeToken;
        r.deadline = terms.deadline;
        r.callbackGas = terms.callbackGas;
        r.fee = terms.fee;
        if (subscriptionId != 0) r.subscriptionId = subscriptionId;
        if (terms.prover != address(0)) {
            r.prover = terms.prover;
            r.assignedUntil = terms.assignedUntil;
        }
        if (terms.consumer != address(0)) r.consumer = terms.consumer;
        emit Requested(requestId, terms.modelId, payer, version, r.createdAt, inputs, terms);
    }

    function _pull(address consumer, uint256 requestId) internal view returns (int256[] memory) {
        if (consumer == address(0)) revert ZeroAddress();
        return IInferenceInputs(consumer).inputs(requestId);
    }

    /// @dev Where the fee of a request that ended without a proof goes.
    function _returnFee(Request storage r) internal virtual;

    /// @dev Verification and payment come before the callback, which may ask for more inferences.
    function _fulfil(address prover, Fulfilment calldata f) private {
        Request storage r = _requests[f.requestId];
        int256[] memory outputsWad = _settle(prover, f, r);
        if (r.consumer != address(0) && r.callbackGas != 0) _callBack(f.requestId, r, outputsWad);
    }

    function _settle(address prover, Fulfilment calldata f, Request storage r)
        private
        nonReentrant
        returns (int256[] memory outputsWad)
    {
        _requireOpen(f.requestId);
        if (f.payee == address(0)) revert ZeroAddress();
        bytes32 proofHash = keccak256(f.zkProof);
        _requireRight(prover, f, r, proofHash);
        bytes32 inputsHash = keccak256(abi.encode(f.inputs));
        if (inputsHash != r.inputsHash) revert InputsMismatch(inputsHash, r.inputsHash);

        bytes32 commitment;
        (outputsWad, commitment) = verifier.verifyInputs(
            r.modelId,
            InferenceContext(r.version, r.createdAt, nonceOf(f.requestId)),
            f.inputs,
            f.outputInstances,
            f.zkProof
        );
        r.fulfilledAt = uint64(block.timestamp);
        r.outputsHash = keccak256(abi.encode(outputsWad));
        emit Fulfilled(f.requestId, f.payee, commitment, proofHash, r.fee, outputsWad);
        _credit(f.payee, r.feeToken, r.fee);
    }

    function _requireRight(address prover, Fulfilment calldata f, Request storage r, bytes32 proofHash) private view {
        if (r.prover != address(0) && block.timestamp <= r.assignedUntil) {
            if (prover != r.prover) revert AssignedToAnother(r.prover, r.assignedUntil);
            return;
        }
        bytes32 commitment = fulfilmentCommitment(f.requestId, f.payee, proofHash, f.salt);
        uint256 since = _committedAt[commitment];
        if (since == 0 || since >= block.number) revert NotCommitted(commitment);
    }

    /// @dev Copies none of what the consumer returns; a failure is kept and changes nothing else. The status is set
    /// before the call, so that a consumer that re-enters finds its callback under way and not failed.
    function _callBack(uint256 requestId, Request storage r, int256[] memory outputsWad) private {
        uint256 callbackGas = r.callbackGas;
        address consumer = r.consumer;
        bytes memory data = abi.encodeCall(IInferenceConsumer.onInference, (requestId, outputsWad));
        r.callback = CallbackStatus.Delivered;
        uint256 needed = callbackGas + callbackGas / 63 + CALLBACK_RESERVE;
        if (gasleft() < needed) revert InsufficientCallbackGas(gasleft(), needed);
        bool success = consumer.code.length != 0;
        assembly ("memory-safe") {
            if success { success := call(callbackGas, consumer, 0, add(data, 0x20), mload(data), 0, 0) }
        }
        if (!success) r.callback = CallbackStatus.Failed;
        emit CallbackDone(requestId, success);
    }

    function _requireOpen(uint256 requestId) private view returns (Request storage r) {
        RequestStatus status = statusOf(requestId);
        if (status != RequestStatus.Open) revert WrongRequestStatus(requestId, status);
        return _requests[requestId];
    }

    function _requireTerms(RequestTerms memory terms) private view {
        uint64 earliest = uint64(block.timestamp) + MIN_LIFE;
        uint64 latest = uint64(block.timestamp) + MAX_LIFE;
        if (terms.deadline < earliest || terms.deadline > latest) {
            revert DeadlineOutOfRange(terms.deadline, earliest, latest);
        }
        bool assigned = terms.prover != address(0);
        if (terms.assignedUntil > terms.deadline || assigned != (terms.assignedUntil != 0)) {
            revert InvalidAssignment(terms.prover, terms.assignedUntil);
        }
        if (terms.callbackGas > MAX_CALLBACK_GAS || (terms.callbackGas != 0 && terms.consumer == address(0))) {
            revert InvalidCallback(terms.consumer, terms.callbackGas);
        }
    }

    function _requireInputs(int256[] memory inputs, uint256 expected) private pure {
        if (inputs.length != expected) revert InputCountMismatch(inputs.length, expected);
        for (uint256 i; i < inputs.length; ++i) {
            if (inputs[i] >= MAGNITUDE_LIMIT || inputs[i] <= -MAGNITUDE_LIMIT) revert InputOutOfRange(i, inputs[i]);
        }
    }
}
