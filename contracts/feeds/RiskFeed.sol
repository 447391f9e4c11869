// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {AggregatorV2V3Interface} from "../interfaces/AggregatorV2V3Interface.sol";
import {IFeatureModule} from "../interfaces/IFeatureModule.sol";
import {IInferenceVerifier} from "../interfaces/IInferenceVerifier.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IRiskFeed} from "../interfaces/IRiskFeed.sol";
import {IScaledFeatureModule} from "../interfaces/IScaledFeatureModule.sol";
import {FieldElements} from "../libraries/FieldElements.sol";
import {InferenceContext} from "../types/ModelTypes.sol";

/// @title A feed whose rounds are proofs
/// @dev The instances that a proof is checked against are built from the feature module's inputs; the prover brings the
/// output and the proof, nothing else. `startedAt` is the observation time, as in the observation feed.
contract RiskFeed is IRiskFeed, AccessControl, Pausable {
    struct Config {
        address admin; // may be a timelock
        address guardian; // may pause, and nothing else
        address inferenceVerifier;
        uint256 modelId;
        uint32 modelVersion;
        address featureModule;
        string description;
        uint8 decimals;
        Guards guards;
    }

    /// @dev One slot. An answer that guards let through fits: their bounds are within int112.
    struct PackedRound {
        int112 answer;
        uint40 observedAt;
        uint40 updatedAt;
        uint56 observationRound;
        bool limited; // the proven answer differs and stands in _limitedProvenAnswers
    }

    /// @dev Two slots, of which a read of the bounds or of staleness needs the first alone.
    struct PackedGuards {
        int112 minAnswer;
        int112 maxAnswer;
        uint32 heartbeat;
        int112 fallbackAnswer;
        uint32 riseBpsPerHour;
        uint32 fallBpsPerHour;
        uint16 maxObservationLag;
    }

    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");
    bytes32 public constant ROOT_TAG = keccak256("plumbline.feed-root.v1");
    uint256 public constant override version = 1;

    uint256 private constant BPS = 10_000;
    uint256 private constant SECS_PER_HOUR = 3600;

    address public immutable inferenceVerifier;
    address public immutable featureModule;
    uint256 public immutable modelId;
    uint8 public immutable decimals;
    AggregatorV2V3Interface private immutable _source;
    bool private immutable _answersFromInputs;

    // These two share their slot with Pausable's flag: keep them first.
    uint64 private _latestRound;
    uint32 public modelVersion;

    bytes32 public root;
    PackedGuards private _guards;
    mapping(uint256 roundId => PackedRound) private _rounds;
    mapping(uint256 roundId => int256) private _limitedProvenAnswers;
    string public description;

    constructor(Config memory config) {
        if (config.admin == address(0) || config.guardian == address(0)) revert InvalidConfiguration();
        inferenceVerifier = config.inferenceVerifier;
        featureModule = config.featureModule;
        modelId = config.modelId;
        decimals = config.decimals;
        description = config.description;
        _source = AggregatorV2V3Interface(IFeatureModule(config.featureModule).source());
        try IScaledFeatureModule(config.featureModule).answersFromInputs() returns (bool fromInputs) {
            _answersFromInputs = fromInputs;
        } catch {}
        root = keccak256(abi.encode(ROOT_TAG, block.chainid, address(this)));
        _grantRole(DEFAULT_ADMIN_ROLE, config.admin);
        _grantRole(GUARDIAN_ROLE, config.guardian);
        _setGuards(config.guards);
        _setModelVersion(config.inferenceVerifier, config.modelId, config.modelVersion);
    }

    // --- Rounds ---

    /// @inheritdoc IRiskFeed
    function submitRound(uint64 observationRound, uint256[] calldata outputInstances, bytes calldata zkProof)
        external
        whenNotPaused
        returns (uint80 roundId)
    {
        PackedRound memory last = _rounds[_latestRound];
        PackedGuards memory limits = _guards;
        _requireTimely(observationRound, last, limits);
        Round memory next;
        int256[] memory modelInputs;
        (modelInputs, next.observedAt) = IFeatureModule(featureModule).inputs(observationRound);
        next.observationRound = observationRound;
        _requireFresh(next, last, limits);

        roundId = _latestRound + 1;
        bytes32 commitment = _prove(roundId, next, modelInputs, outputInstances, zkProof);
        if (next.provenAnswer < limits.minAnswer || next.provenAnswer > limits.maxAnswer) {
            revert AnswerOutOfBounds(next.provenAnswer, limits.minAnswer, limits.maxAnswer);
        }
        next.answer = roundId == 1 ? next.provenAnswer : _limited(next, last, limits);
        _store(roundId, next);
        _extendRoot(roundId, next, commitment, keccak256(zkProof));
    }

    /// @inheritdoc IRiskFeed
    function expectedInputs(uint64 observationRound)
        external
        view
        returns (int256[] memory modelInputs, uint64 inputsObservedAt, bytes32 commitment)
    {
        (modelInputs, inputsObservedAt) = IFeatureModule(featureModule).inputs(observationRound);
        InferenceContext memory context = _context(_latestRound + 1, inputsObservedAt);
        uint256[] memory instances = FieldElements.fromInts(modelInputs);
        commitment = IInferenceVerifier(inferenceVerifier).inputCommitment(modelId, context, instances);
    }

    // --- Control ---

    /// @inheritdoc IRiskFeed
    function pause() external onlyRole(GUARDIAN_ROLE) {
        _pause();
    }

    /// @inheritdoc IRiskFeed
    function unpause() external onlyRole(DEFAULT_ADMIN_ROLE) {
        _unpause();
    }

    /// @inheritdoc IRiskFeed
    function setGuards(Guards calldata newGuards) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _setGuards(newGuards);
    }

    /// @inheritdoc IRiskFeed
    function setModelVersion(uint32 newVersion) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _setModelVersion(inferenceVerifier, modelId, newVersion);
    }

    // --- Reads: Plumbline's ---

    /// @inheritdoc IRiskFeed
    function round(uint256 roundId) external view returns (Round memory) {
        PackedRound memory stored = _requireRound(roundId);
        return Round({
            answer: stored.answer,
            provenAnswer: stored.limited ? _limitedProvenAnswers[roundId] : stored.answer,
            observedAt: stored.observedAt,
            updatedAt: stored.updatedAt,
            observationRound: stored.observationRound
        });
    }

    /// @inheritdoc IRiskFeed
    function observedAt(uint256 roundId) external view returns (uint64) {
        return _requireRound(roundId).observedAt;
    }

    /// @inheritdoc IRiskFeed
    function isStale() public view returns (bool) {
        return paused() || _latestRound == 0 || _age(_rounds[_latestRound].observedAt) > _guards.heartbeat;
    }

    /// @inheritdoc IRiskFeed
    function latestAnswerNoOlderThan(uint256 maxStaleness) external view whenNotPaused returns (int256) {
        PackedRound memory latest = _requireRound(_latestRound);
        uint256 age = _age(latest.observedAt);
        if (age > maxStaleness) revert StaleAnswer(age, maxStaleness);
        return latest.answer;
    }

    /// @inheritdoc IRiskFeed
    function conservativeAnswer() external view returns (int256 answer, bool stale) {
        stale = isStale();
        answer = stale ? _guards.fallbackAnswer : _rounds[_latestRound].answer;
    }

    /// @inheritdoc IRiskFeed
    function guards() external view returns (Guards memory) {
        PackedGuards memory stored = _guards;
        return Guards({
            minAnswer: stored.minAnswer,
            maxAnswer: stored.maxAnswer,
            fallbackAnswer: stored.fallbackAnswer,
            riseBpsPerHour: stored.riseBpsPerHour,
            fallBpsPerHour: stored.fallBpsPerHour,
            heartbeat: stored.heartbeat,
            maxObservationLag: stored.maxObservationLag
        });
    }

    // --- Reads: Chainlink's ---

    /// @inheritdoc AggregatorV2V3Interface
    function getRoundData(uint80 _roundId) public view returns (uint80, int256, uint256, uint256, uint80) {
        PackedRound memory stored = _requireRound(_roundId);
        return (_roundId, stored.answer, stored.observedAt, stored.updatedAt, _roundId);
    }

    /// @inheritdoc AggregatorV2V3Interface
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return getRoundData(_latestRound);
    }

    /// @inheritdoc AggregatorV2V3Interface
    function latestAnswer() external view returns (int256) {
        return _requireRound(_latestRound).answer;
    }

    /// @inheritdoc AggregatorV2V3Interface
    function latestTimestamp() external view returns (uint256) {
        return _requireRound(_latestRound).updatedAt;
    }

    /// @inheritdoc AggregatorV2V3Interface
    function latestRound() external view returns (uint256) {
        return _latestRound;
    }

    /// @inheritdoc AggregatorV2V3Interface
    function getAnswer(uint256 roundId) external view returns (int256) {
        return _requireRound(roundId).answer;
    }

    /// @inheritdoc AggregatorV2V3Interface
    function getTimestamp(uint256 roundId) external view returns (uint256) {
        return _requireRound(roundId).updatedAt;
    }

    // --- Helpers ---

    function _requireTimely(uint64 observationRound, PackedRound memory last, PackedGuards memory limits) private view {
        if (observationRound <= last.observationRound) {
            revert ObservationNotNewer(observationRound, last.observationRound);
        }
        uint64 newest = SafeCast.toUint64(_source.latestRound());
        if (newest > observationRound && newest - observationRound > limits.maxObservationLag) {
            revert ObservationLagged(observationRound, newest, limits.maxObservationLag);
        }
    }

    function _requireFresh(Round memory next, PackedRound memory last, PackedGuards memory limits) private view {
        if (next.observedAt <= last.observedAt) {
            revert ObservationNotNewer(next.observationRound, last.observationRound);
        }
        uint256 age = _age(next.observedAt);
        if (age > limits.heartbeat) revert ObservationStale(age, limits.heartbeat);
    }

    /// @dev Writes `next.provenAnswer`; reverts unless the proof shows it for `modelInputs`.
    function _prove(
        uint80 roundId,
        Round memory next,
        int256[] memory modelInputs,
        uint256[] calldata outputInstances,
        bytes calldata zkProof
    ) private view returns (bytes32 commitment) {
        int256[] memory outputsWad;
        (outputsWad, commitment) = IInferenceVerifier(inferenceVerifier)
            .verifyInputs(modelId, _context(roundId, next.observedAt), modelInputs, outputInstances, zkProof);
        next.provenAnswer = _answersFromInputs
            ? IScaledFeatureModule(featureModule).answerFor(next.observationRound, modelInputs, outputsWad)
            : IFeatureModule(featureModule).answer(outputsWad);
    }

    function _context(uint80 roundId, uint64 inputsObservedAt) private view returns (InferenceContext memory) {
        bytes32 nonce = keccak256(abi.encode(address(this), roundId));
        return InferenceContext({version: modelVersion, observedAt: inputsObservedAt, nonce: nonce});
    }

    /// @dev `proven`, at most as far from the last answer as the rates allow; the bounds win over the rates. A rate
    /// counts from the last answer or, near zero, from a basis point of the bounds' span, so that zero is no trap.
    function _limited(Round memory next, PackedRound memory last, PackedGuards memory limits)
        private
        pure
        returns (int256 answer)
    {
        int256 lastAnswer = last.answer;
        uint256 span = uint256(int256(limits.maxAnswer) - limits.minAnswer);
        uint256 base = Math.max(SignedMath.abs(lastAnswer), span / BPS);
        uint256 elapsed = next.observedAt - last.observedAt;
        uint256 rate = next.provenAnswer > lastAnswer ? limits.riseBpsPerHour : limits.fallBpsPerHour;
        int256 allowed = int256(base * rate * elapsed / (SECS_PER_HOUR * BPS));
        answer = SignedMath.max(SignedMath.min(next.provenAnswer, lastAnswer + allowed), lastAnswer - allowed);
        return SignedMath.max(SignedMath.min(answer, limits.maxAnswer), limits.minAnswer);
    }

    function _store(uint80 roundId, Round memory next) private {
        bool limited = next.answer != next.provenAnswer;
        _latestRound = uint64(roundId);
        _rounds[roundId] = PackedRound({
            answer: int112(next.answer),
            observedAt: SafeCast.toUint40(next.observedAt),
            updatedAt: uint40(block.timestamp),
            observationRound: SafeCast.toUint56(next.observationRound),
            limited: limited
        });
        if (limited) _limitedProvenAnswers[roundId] = next.provenAnswer;
        emit NewRound(roundId, msg.sender, next.observedAt);
        emit AnswerUpdated(next.answer, roundId, block.timestamp);
    }

    function _extendRoot(uint80 roundId, Round memory next, bytes32 commitment, bytes32 proofHash) private {
        bytes32 newRoot = keccak256(
            abi.encode(
                root,
                roundId,
                modelId,
                modelVersion,
                commitment,
                next.observationRound,
                next.observedAt,
                next.provenAnswer,
                next.answer,
                proofHash
            )
        );
        root = newRoot;
        emit RoundProven(
            roundId,
            modelId,
            modelVersion,
            commitment,
            next.observationRound,
            next.observedAt,
            next.provenAnswer,
            next.answer,
            proofHash,
            newRoot
        );
    }

    function _requireRound(uint256 roundId) private view returns (PackedRound memory stored) {
        stored = _rounds[roundId];
        if (stored.updatedAt == 0) revert NoDataPresent(roundId);
    }

    /// @dev Zero when a node answers a call under an earlier block's time.
    function _age(uint256 time) private view returns (uint256) {
        return block.timestamp > time ? block.timestamp - time : 0;
    }

    function _setGuards(Guards memory newGuards) private {
        bool ordered = newGuards.minAnswer < newGuards.maxAnswer && newGuards.minAnswer <= newGuards.fallbackAnswer
            && newGuards.fallbackAnswer <= newGuards.maxAnswer;
        bool representable =
            newGuards.minAnswer >= type(int112).min && newGuards.maxAnswer <= type(int112).max;
        if (!ordered || !representable || newGuards.heartbeat == 0) revert InvalidGuards();
        _guards = PackedGuards({
            minAnswer: int112(newGuards.minAnswer),
            maxAnswer: int112(newGuards.maxAnswer),
            heartbeat: newGuards.heartbeat,
            fallbackAnswer: int112(newGuards.fallbackAnswer),
            riseBpsPerHour: newGuards.riseBpsPerHour,
            fallBpsPerHour: newGuards.fallBpsPerHour,
            maxObservationLag: newGuards.maxObservationLag
        });
        emit GuardsChanged(newGuards);
    }

    /// @dev Refused by the registry unless proofs against that version are accepted now.
    function _setModelVersion(address verifier_, uint256 modelId_, uint32 newVersion) private {
        IModelRegistry(IInferenceVerifier(verifier_).registry()).verifierOf(modelId_, newVersion);
        modelVersion = newVersion;
        emit ModelVersionChanged(newVersion);
    }
}
