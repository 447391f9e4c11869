// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {IInferenceCoordinator} from "../interfaces/IInferenceCoordinator.sol";
import {IInferenceVerifier} from "../interfaces/IInferenceVerifier.sol";
import {FeedReads} from "../libraries/FeedReads.sol";
import {Request, RequestStatus, RequestTerms, Subscription, SubscriptionTerms} from "../types/RequestTypes.sol";
import {FeeEscrow} from "./FeeEscrow.sol";
import {InferenceRequests} from "./InferenceRequests.sol";

/// @title Requests, and subscriptions that make them
contract InferenceCoordinator is InferenceRequests {
    uint256 private constant BPS = 10_000;

    uint256 public subscriptionCount;
    mapping(uint256 subscriptionId => Subscription) private _subscriptions;

    constructor(IInferenceVerifier verifier_, address owner_) InferenceRequests(verifier_) FeeEscrow(owner_) {}

    /// @inheritdoc IInferenceCoordinator
    function subscribe(SubscriptionTerms calldata terms, uint256 funding)
        external
        payable
        nonReentrant
        returns (uint256 subscriptionId)
    {
        _requireSubscription(terms);
        _requireQuoted(terms.modelId, terms.feeToken, terms.callbackGas, terms.feePerRun);
        subscriptionId = ++subscriptionCount;
        Subscription storage s = _subscriptions[subscriptionId];
        s.owner = msg.sender;
        s.terms = terms;
        s.balance = funding;
        emit Subscribed(subscriptionId, msg.sender, terms);
        _take(terms.feeToken, funding);
    }

    /// @inheritdoc IInferenceCoordinator
    function fundSubscription(uint256 subscriptionId, uint256 amount) external payable nonReentrant {
        Subscription storage s = _requireSubscribed(subscriptionId);
        if (amount == 0) revert NothingToDo();
        s.balance += amount;
        emit SubscriptionFunded(subscriptionId, s.balance);
        _take(s.terms.feeToken, amount);
    }

    /// @inheritdoc IInferenceCoordinator
    function run(uint256 subscriptionId) external nonReentrant returns (uint256 requestId) {
        Subscription storage s = _requireSubscribed(subscriptionId);
        if (!isDue(subscriptionId)) revert NotDue(subscriptionId);
        SubscriptionTerms memory terms = s.terms;
        if (s.balance < terms.feePerRun) revert SubscriptionEmpty(subscriptionId, s.balance, terms.feePerRun);
        requestId = ++requestCount;
        s.balance -= terms.feePerRun;
        s.lastRunAt = uint64(block.timestamp);
        s.lastRequestId = requestId;
        (bool known, int256 answer) = _triggerAnswer(terms.trigger);
        if (known) s.lastTriggerAnswer = answer;
        emit SubscriptionRun(subscriptionId, requestId);
        _open(
            requestId,
            _runTerms(terms),
            _pull(terms.consumer, requestId),
            s.owner,
            uint128(subscriptionId)
        );
    }

    /// @inheritdoc IInferenceCoordinator
    function endSubscription(uint256 subscriptionId) external {
        Subscription storage s = _requireSubscribed(subscriptionId);
        if (msg.sender != s.owner) revert NotAuthorised(msg.sender);
        uint256 balance = s.balance;
        s.balance = 0;
        s.ended = true;
        emit SubscriptionEnded(subscriptionId, balance);
        _credit(msg.sender, s.terms.feeToken, balance);
    }

    /// @inheritdoc IInferenceCoordinator
    function subscriptionOf(uint256 subscriptionId) external view returns (Subscription memory) {
        return _subscriptions[subscriptionId];
    }

    /// @inheritdoc IInferenceCoordinator
    function isDue(uint256 subscriptionId) public view returns (bool) {
        Subscription storage s = _subscriptions[subscriptionId];
        if (s.owner == address(0) || s.ended || statusOf(s.lastRequestId) == RequestStatus.Open) return false;
        if (s.lastRunAt == 0) return true;
        SubscriptionTerms storage terms = s.terms;
        if (terms.interval != 0 && block.timestamp >= uint256(s.lastRunAt) + terms.interval) return true;
        (bool known, int256 answer) = _triggerAnswer(terms.trigger);
        return known && _deviates(answer, s.lastTriggerAnswer, terms.deviationBps);
    }

    // --- Helpers ---

    /// @dev A run's fee that bought nothing goes back to where it came from.
    function _returnFee(Request storage r) internal override {
        Subscription storage s = _subscriptions[r.subscriptionId];
        if (r.subscriptionId == 0 || s.ended) {
            _credit(r.payer, r.feeToken, r.fee);
        } else {
            s.balance += r.fee;
            emit SubscriptionFunded(r.subscriptionId, s.balance);
        }
    }

    function _runTerms(SubscriptionTerms memory s) private view returns (RequestTerms memory) {
        bool assigned = s.prover != address(0);
        return RequestTerms({
            modelId: s.modelId,
            consumer: s.consumer,
            callbackGas: s.callbackGas,
            feeToken: s.feeToken,
            fee: s.feePerRun,
            deadline: uint64(block.timestamp) + s.runSecs,
            prover: s.prover,
            assignedUntil: assigned ? uint64(block.timestamp) + s.assignedSecs : 0
        });
    }

    /// @dev A trigger that misbehaves says nothing: it then starts no run, and time still does.
    function _triggerAnswer(address trigger) private view returns (bool known, int256 answer) {
        if (trigger != address(0)) (known, answer,,) = FeedReads.tryLatestRound(trigger);
    }

    /// @dev |answer - last| >= |last| * bps / 10,000, without overflow at any two answers (magnitudes reach 2^255).
    function _deviates(int256 answer, int256 last, uint16 bps) private pure returns (bool) {
        uint256 magnitude = SignedMath.abs(last);
        uint256 now_ = SignedMath.abs(answer);
        bool opposed = (answer < 0) != (last < 0);
        uint256 gap = opposed ? now_ + magnitude : (now_ > magnitude ? now_ - magnitude : magnitude - now_);
        if (gap == 0) return false;
        return gap >= Math.mulDiv(magnitude, bps, BPS, Math.Rounding.Ceil);
    }

    function _requireSubscribed(uint256 subscriptionId) private view returns (Subscription storage s) {
        s = _subscriptions[subscriptionId];
        if (s.owner == address(0) || s.ended) revert SubscriptionNotActive(subscriptionId);
    }

    function _requireSubscription(SubscriptionTerms calldata terms) private view {
        bool triggered = terms.trigger != address(0);
        bool sound = terms.consumer.code.length != 0 && (terms.interval != 0 || triggered)
            && triggered == (terms.deviationBps != 0) && (!triggered || terms.trigger.code.length != 0)
            && terms.runSecs >= MIN_LIFE && terms.runSecs <= MAX_LIFE && terms.callbackGas <= MAX_CALLBACK_GAS
            && (terms.prover == address(0) ? terms.assignedSecs == 0 : terms.assignedSecs != 0)
            && terms.assignedSecs <= terms.runSecs;
        if (!sound) revert InvalidSubscription();
    }
}
