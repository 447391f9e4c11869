// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IGarchVolatilityModule} from "../../../contracts/interfaces/IGarchVolatilityModule.sol";
import {IObservationFeed} from "../../../contracts/interfaces/IObservationFeed.sol";
import {IQuorumFeed} from "../../../contracts/interfaces/IQuorumFeed.sol";
import {IRiskFeed} from "../../../contracts/interfaces/IRiskFeed.sol";
import {GarchVolatilityModule} from "../../../contracts/features/GarchVolatilityModule.sol";
import {RiskFeed} from "../../../contracts/feeds/RiskFeed.sol";
import {ObservationFeed} from "../../../contracts/observations/ObservationFeed.sol";
import {Models} from "./YesVerifier.sol";
import {vm} from "./Vm.sol";

/// @title A prover who may claim any output, an admin who moves the guards, and what consumers then read
contract RiskFeedHandler {
    uint256 private constant BPS = 10_000;
    uint256 private constant KEY = 7;
    uint8 private constant SCALE = 13;
    uint256 private constant HISTORY = 40;

    Models public immutable models = new Models(address(this));
    ObservationFeed public immutable source;
    GarchVolatilityModule public immutable module;
    RiskFeed public immutable feed;
    uint256 public immutable modelId;

    uint256 public now_ = 1_700_000_000;
    uint256 public accepted;
    uint256 public limited;
    uint256 public refused;
    string public fault;

    struct Seen {
        int256 answer;
        int256 proven;
        uint64 observedAt;
        uint64 updatedAt;
        uint64 observationRound;
    }

    Seen[] private _seen;
    bytes32 private _root;
    uint256 private _price = 100e8;

    constructor() {
        vm.warp(now_);
        address[] memory publishers = new address[](1);
        publishers[0] = vm.addr(KEY);
        IQuorumFeed.Limits memory limits = IQuorumFeed.Limits(60, 7_200, 3_600, 200, 10_000);
        source = new ObservationFeed("TEST / USD", 64, address(this), publishers, 1, limits);
        IGarchVolatilityModule.GarchParams memory params =
            IGarchVolatilityModule.GarchParams(5e15, 0.1e18, 0.1e18, 0.8e18, 24, 8_766);
        module = new GarchVolatilityModule(source, params, SCALE);
        modelId = models.add(38, 1, SCALE);
        feed = new RiskFeed(
            RiskFeed.Config(
                address(this),
                address(this),
                address(models.verifier()),
                modelId,
                1,
                address(module),
                "TEST",
                18,
                _guards(0)
            )
        );
        _root = feed.root();
        for (uint256 i; i < HISTORY; ++i) {
            observe(i, 3_600);
        }
    }

    // Calls

    function observe(uint256 move, uint256 secs) public {
        _wait(60 + secs % 7_000);
        uint256 price = _price * (9_000 + move % 2_200) / BPS;
        if (price < 1e8 || price > 1e14) price = 100e8;
        IObservationFeed.Report[] memory reports = new IObservationFeed.Report[](1);
        reports[0] = IObservationFeed.Report(
            uint64(source.latestRound() + 1), uint64(now_), uint64(price), source.publisherSetVersion()
        );
        bytes[] memory signatures = new bytes[](1);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, source.reportDigest(reports[0]));
        signatures[0] = abi.encodePacked(r, s, v);
        try source.submit(reports, signatures) {
            _price = price;
        } catch {}
    }

    /// @dev Any output over the newest windows: small, large, negative, and what no integer is.
    function publish(uint256 output, uint256 back, uint256 secs) public {
        _wait(secs % 1_800);
        uint64 newest = uint64(source.latestRound());
        uint64 observationRound = newest - uint64(back % 4);
        uint256[] memory outputs = new uint256[](1);
        outputs[0] = _instance(output);
        (, uint64 expectedAt, bytes32 commitment) = _expected(observationRound);
        bytes memory proof = abi.encodePacked(uint8(1), output);
        try feed.submitRound(observationRound, outputs, proof) returns (uint80 roundId) {
            _accept(roundId, observationRound, outputs[0], commitment, expectedAt, proof);
        } catch {
            ++refused;
            _unchanged();
        }
    }

    /// @dev What must never pass: an empty proof, an aliased output, two outputs, a round that was.
    function forge(uint256 kind, uint256 output) external {
        uint64 newest = uint64(source.latestRound());
        uint256[] memory outputs = new uint256[](kind % 4 == 2 ? 2 : 1);
        outputs[0] = output % 1e9;
        bytes memory proof = kind % 4 == 0 ? bytes("") : bytes("x");
        if (kind % 4 == 1) outputs[0] += 21888242871839275222246405745257275088548364400416034343698204186575808495617;
        if (kind % 4 == 3) newest = _seen.length == 0 ? 0 : _seen[_seen.length - 1].observationRound;
        try feed.submitRound(newest, outputs, proof) {
            fault = "a forged round was accepted";
        } catch {
            ++refused;
        }
        _unchanged();
    }

    function setGuards(uint256 seed) external {
        feed.setGuards(_guards(seed));
        _unchanged();
    }

    function pause(bool stop) external {
        if (stop == feed.paused()) return;
        if (stop) feed.pause();
        else feed.unpause();
        _unchanged();
    }

    // What is held against the feed

    function check() external {
        if (feed.latestRound() != _seen.length) fault = "rounds are not consecutive";
        if (feed.root() != _root) fault = "the hash chain is another";
        uint256 from = _seen.length > 8 ? _seen.length - 8 : 0;
        for (uint256 i = from; i < _seen.length; ++i) {
            IRiskFeed.Round memory r = feed.round(i + 1);
            Seen memory s = _seen[i];
            bool same = r.answer == s.answer && r.provenAnswer == s.proven && r.observedAt == s.observedAt
                && r.updatedAt == s.updatedAt && r.observationRound == s.observationRound;
            if (!same) fault = "history moved";
            if (i != 0 && s.observedAt <= _seen[i - 1].observedAt) fault = "time does not rise";
        }
        _checkReads();
    }

    function _checkReads() private {
        (int256 answer, bool stale) = feed.conservativeAnswer();
        IRiskFeed.Guards memory g = feed.guards();
        bool old = _seen.length == 0 || now_ - _seen[_seen.length - 1].observedAt > g.heartbeat || feed.paused();
        if (stale != old) fault = "staleness is not what age and pause say";
        if (stale && answer != g.fallbackAnswer) fault = "a stale feed does not fall back";
        if (!stale && answer != _seen[_seen.length - 1].answer) fault = "a fresh feed falls back";
    }

    // Means

    function _accept(
        uint80 roundId,
        uint64 observationRound,
        uint256 output,
        bytes32 commitment,
        uint64 expectedAt,
        bytes memory proof
    ) private {
        ++accepted;
        IRiskFeed.Round memory r = feed.round(roundId);
        IRiskFeed.Guards memory g = feed.guards();
        if (roundId != _seen.length + 1) fault = "a round was left out";
        if (feed.paused()) fault = "a paused feed took a round";
        if (r.observedAt != expectedAt || r.updatedAt != now_) fault = "times are not the window's and the block's";
        if (now_ - r.observedAt > g.heartbeat) fault = "a window older than the heartbeat";
        if (source.latestRound() - observationRound > g.maxObservationLag) fault = "a window beyond the lag";
        if (r.provenAnswer != _meaning(output)) fault = "another answer than the proven output";
        if (r.provenAnswer < g.minAnswer || r.provenAnswer > g.maxAnswer) fault = "an answer beyond the bounds";
        if (_seen.length != 0) _checkRates(r, _seen[_seen.length - 1], g);
        else if (r.answer != r.provenAnswer) fault = "the first answer was limited";
        _seen.push(Seen(r.answer, r.provenAnswer, r.observedAt, r.updatedAt, r.observationRound));
        _root = keccak256(
            abi.encode(
                _root,
                roundId,
                modelId,
                uint32(1),
                commitment,
                observationRound,
                r.observedAt,
                r.provenAnswer,
                r.answer,
                keccak256(proof)
            )
        );
    }

    /// @dev No step beyond the rate except where a bound asks for it; no step short of what was proven without need.
    function _checkRates(IRiskFeed.Round memory r, Seen memory last, IRiskFeed.Guards memory g) private {
        bool rises = r.provenAnswer > last.answer;
        uint256 size = uint256(last.answer < 0 ? -last.answer : last.answer);
        uint256 least = uint256(int256(g.maxAnswer) - g.minAnswer) / BPS;
        if (least > size) size = least;
        uint256 allowed =
            size * (rises ? g.riseBpsPerHour : g.fallBpsPerHour) * (r.observedAt - last.observedAt) / (3_600 * BPS);
        uint256 step = uint256(r.answer > last.answer ? r.answer - last.answer : last.answer - r.answer);
        bool atBound = r.answer == g.minAnswer || r.answer == g.maxAnswer;
        if (step > allowed && !atBound) fault = "faster than its rate";
        if (r.answer == r.provenAnswer) return;
        ++limited;
        if (step < allowed && !atBound) fault = "held back without need";
        bool between = rises
            ? r.answer >= last.answer && r.answer <= r.provenAnswer
            : r.answer <= last.answer && r.answer >= r.provenAnswer;
        if (!between && !atBound) fault = "moved away from what was proven";
    }

    function _unchanged() private {
        if (feed.latestRound() != _seen.length || feed.root() != _root) fault = "something but a proof made a round";
    }

    function _meaning(uint256 output) private view returns (int256) {
        int256[] memory outputs = new int256[](1);
        outputs[0] = int256(output) * 1e18 / int256(1 << SCALE);
        return module.answer(outputs);
    }

    function _instance(uint256 seed) private pure returns (uint256) {
        uint256 kind = seed % 8;
        if (kind == 0) return 0;
        if (kind == 1) {
            return 21888242871839275222246405745257275088548364400416034343698204186575808495617 - seed % 1e6;
        }
        if (kind == 2) return seed; // mostly no field element
        return 1 + seed % 500_000; // a variance up to 61 reference variances
    }

    function _expected(uint64 observationRound) private view returns (int256[] memory, uint64, bytes32) {
        try feed.expectedInputs(observationRound) returns (int256[] memory inputs, uint64 at, bytes32 commitment) {
            return (inputs, at, commitment);
        } catch {
            return (new int256[](0), 0, 0);
        }
    }

    function _guards(uint256 seed) private pure returns (IRiskFeed.Guards memory) {
        int192 low = int192(uint192(0.01e18 + seed % 0.2e18));
        int192 high = int192(uint192(2e18 + seed % 8e18));
        uint32 rise = uint32(uint256(keccak256(abi.encode(seed))) % 3 == 0 ? 0 : seed % 30_000);
        uint32 fall = uint32(seed / 30_000 % 5_000);
        return IRiskFeed.Guards(low, high, high, rise, fall, uint32(3_600 + seed % 7_200), uint16(seed % 3));
    }

    function _wait(uint256 secs) private {
        now_ += secs;
        vm.warp(now_);
    }
}
