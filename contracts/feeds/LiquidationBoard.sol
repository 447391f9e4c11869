// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IInferenceVerifier} from "../interfaces/IInferenceVerifier.sol";
import {ILendingVault} from "../interfaces/ILendingVault.sol";
import {ILiquidationBoard} from "../interfaces/ILiquidationBoard.sol";
import {IObservationFeed} from "../interfaces/IObservationFeed.sol";
import {Logistic} from "../libraries/Logistic.sol";
import {MarketState} from "../libraries/MarketState.sol";
import {Transcendental} from "../libraries/Transcendental.sol";
import {InferenceContext} from "../types/ModelTypes.sol";

/// @title Proven probabilities of liquidation, of many positions of one vault by one proof
/// @dev Twin of the inputs: oracle/domain/market_state.py. Inputs: the market's four figures, then each position's distance
/// ln(health factor) / week's standard deviation, empty places at MAX_DISTANCE. Outputs: a logit a place, the confidence.
contract LiquidationBoard is ILiquidationBoard, AccessControl, Pausable {
    struct Config {
        address admin; // may be a timelock
        address guardian; // may pause, and nothing else
        address inferenceVerifier;
        uint256 modelId;
        uint32 modelVersion;
        address vault;
        address prices; // ObservationFeed of the vault's collateral
        uint32 stride; // prices that make 8 hours
        uint32 maxAge; // seconds from the newest price to the snapshot
        uint8 inputScaleBits;
        uint32 places;
    }

    struct Batch {
        bytes32 contentHash; // of accounts and inputs
        uint64 observedAt;
    }

    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");

    uint256 private constant MAX_DISTANCE = 8;
    uint256 private constant WAD = 1e18;
    /// @dev Beyond, a position is as far away as an input can say.
    uint256 private constant MAX_HEALTH_FACTOR = 1e36;
    /// @dev By so much a circuit's rounding may miss 0 or 1.
    int256 private constant CONFIDENCE_SLACK = 0.01e18;

    address public immutable inferenceVerifier;
    uint256 public immutable modelId;
    /// @inheritdoc ILiquidationBoard
    address public immutable vault;
    address public immutable prices;
    uint256 public immutable stride;
    uint256 public immutable maxAge;
    uint256 public immutable inputScaleBits;
    /// @inheritdoc ILiquidationBoard
    uint256 public immutable places;

    uint32 public modelVersion;
    uint256 public batchCount;
    mapping(uint256 batchId => Batch) private _batches;
    mapping(address account => Assessment) private _assessments;

    constructor(Config memory c) {
        bool named = c.admin != address(0) && c.guardian != address(0) && c.inferenceVerifier.code.length != 0
            && c.vault.code.length != 0 && c.prices.code.length != 0;
        if (!named || c.stride == 0 || c.maxAge == 0 || c.places == 0 || c.inputScaleBits > MarketState.ROOT_BITS) {
            revert InvalidConfiguration();
        }
        inferenceVerifier = c.inferenceVerifier;
        modelId = c.modelId;
        vault = c.vault;
        prices = c.prices;
        stride = c.stride;
        maxAge = c.maxAge;
        inputScaleBits = c.inputScaleBits;
        places = c.places;
        _grantRole(DEFAULT_ADMIN_ROLE, c.admin);
        _grantRole(GUARDIAN_ROLE, c.guardian);
        modelVersion = c.modelVersion;
    }

    /// @inheritdoc ILiquidationBoard
    function snapshot(address[] calldata accounts, uint64 observationRound)
        external
        whenNotPaused
        returns (uint256 batchId, int256[] memory inputs)
    {
        uint64 observedAt;
        (inputs, observedAt) = expectedInputs(accounts, observationRound);
        batchId = ++batchCount;
        _batches[batchId] = Batch(keccak256(abi.encode(accounts, inputs)), observedAt);
        emit BatchTaken(batchId, accounts, inputs, observedAt);
    }

    /// @inheritdoc ILiquidationBoard
    function prove(
        uint256 batchId,
        address[] calldata accounts,
        int256[] calldata inputs,
        uint256[] calldata outputInstances,
        bytes calldata zkProof
    ) external whenNotPaused {
        uint64 observedAt = _batches[batchId].observedAt;
        bytes32 contentHash = keccak256(abi.encode(accounts, inputs));
        if (_batches[batchId].contentHash != contentHash) revert UnknownBatch(batchId, contentHash);
        delete _batches[batchId];
        InferenceContext memory context = InferenceContext({
            version: modelVersion,
            observedAt: observedAt,
            nonce: keccak256(abi.encode(address(this), batchId))
        });
        (int256[] memory outputs, bytes32 commitment) = IInferenceVerifier(inferenceVerifier)
            .verifyInputs(modelId, context, inputs, outputInstances, zkProof);
        _assess(batchId, accounts, outputs, observedAt);
        emit BatchProven(batchId, commitment, keccak256(zkProof));
    }

    /// @notice The inputs that a snapshot would take now, and the time of its newest price.
    function expectedInputs(address[] calldata accounts, uint64 observationRound)
        public
        view
        returns (int256[] memory inputs, uint64 observedAt)
    {
        uint256 count = accounts.length;
        if (count == 0 || count > places) revert BatchSizeOutOfRange(count, places);
        uint64[] memory window;
        (window, observedAt) = IObservationFeed(prices).window(observationRound, MarketState.RETURNS * stride + 1);
        if (block.timestamp > observedAt + maxAge) revert ObservationStale(block.timestamp - observedAt, maxAge);
        inputs = new int256[](MarketState.INPUTS + places);
        uint256 week = MarketState.fill(inputs, window, stride, inputScaleBits);
        address previous;
        for (uint256 i; i < places; ++i) {
            uint256 distance = MAX_DISTANCE << inputScaleBits;
            if (i < count) {
                if (accounts[i] <= previous) revert AccountsNotSorted(previous, accounts[i]);
                previous = accounts[i];
                distance = _distance(previous, week);
            }
            inputs[MarketState.INPUTS + i] = int256(distance);
        }
    }

    // --- Control ---

    /// @notice Stops snapshots and proofs.
    function pause() external onlyRole(GUARDIAN_ROLE) {
        _pause();
    }

    /// @notice Ends a pause.
    function unpause() external onlyRole(DEFAULT_ADMIN_ROLE) {
        _unpause();
    }

    /// @notice Moves to another version of the model.
    function setModelVersion(uint32 version) external onlyRole(DEFAULT_ADMIN_ROLE) {
        modelVersion = version;
        emit ModelVersionChanged(version);
    }

    // --- Reads ---

    /// @inheritdoc ILiquidationBoard
    function assessmentOf(address account) public view returns (Assessment memory found) {
        found = _assessments[account];
        if (found.updatedAt == 0) revert NotAssessed(account);
    }

    /// @inheritdoc ILiquidationBoard
    function probabilityNoOlderThan(address account, uint256 maxStaleness)
        external
        view
        whenNotPaused
        returns (uint256)
    {
        Assessment memory found = assessmentOf(account);
        uint256 age = block.timestamp > found.observedAt ? block.timestamp - found.observedAt : 0;
        if (age > maxStaleness) revert StaleAssessment(age, maxStaleness);
        return found.probabilityWad;
    }

    // --- Helpers ---

    /// @dev ln(health factor) in units of the week's standard deviation, cut, at the input scale, rounded down: towards
    /// liquidation.
    function _distance(address account, uint256 week) private view returns (uint256) {
        uint256 healthFactor = ILendingVault(vault).healthFactor(account);
        if (healthFactor == type(uint256).max) revert PositionWithoutDebt(account);
        if (healthFactor < WAD) revert AlreadyLiquidatable(account, healthFactor);
        uint256 cut = MAX_DISTANCE << inputScaleBits;
        if (healthFactor > MAX_HEALTH_FACTOR) return cut;
        uint256 log = uint256(Transcendental.lnWad(int256(healthFactor)));
        uint256 distance = (log << (MarketState.ROOT_BITS + inputScaleBits)) / (WAD * week);
        return distance < cut ? distance : cut;
    }

    function _assess(uint256 batchId, address[] calldata accounts, int256[] memory outputs, uint64 observedAt) private {
        int256 confidence = outputs[places];
        if (confidence < -CONFIDENCE_SLACK || confidence > int256(WAD) + CONFIDENCE_SLACK) {
            revert ConfidenceOutOfRange(confidence);
        }
        uint64 confidenceWad = confidence < 0 ? 0 : confidence > int256(WAD) ? uint64(WAD) : uint64(uint256(confidence));
        for (uint256 i; i < accounts.length; ++i) {
            if (observedAt < _assessments[accounts[i]].observedAt) continue;
            uint256 probability = Logistic.probability(outputs[i]);
            _assessments[accounts[i]] =
                Assessment(uint64(probability), confidenceWad, SafeCast.toUint40(observedAt), uint40(block.timestamp));
            emit PositionAssessed(accounts[i], batchId, probability, confidenceWad, observedAt);
        }
    }
}
