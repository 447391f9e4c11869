// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IObservationFeed} from "../../../contracts/interfaces/IObservationFeed.sol";
import {IQuorumFeed} from "../../../contracts/interfaces/IQuorumFeed.sol";
import {ObservationFeed} from "../../../contracts/observations/ObservationFeed.sol";
import {vm} from "./Vm.sol";

/// @title Publishers who sign truly, falsely and out of turn; and what they got recorded
contract ObservationHandler {
    uint256 private constant BPS = 10_000;
    uint256 private constant KEYS = 6;
    uint32 private constant CAPACITY = 64;

    ObservationFeed public immutable feed;
    uint256 public now_ = 1_700_000_000;
    uint256 public accepted;
    uint256 public refused;
    /// @dev What was seen and must not be; empty when all is well.
    string public fault;

    uint256[] private _keys; // of the publishers, by rising address
    uint256 private _outsider;
    uint8 private _quorum;
    uint64[] private _prices;
    uint64[] private _times;
    uint64[] private _published;

    constructor() {
        vm.warp(now_);
        for (uint256 key = 1; key <= KEYS; ++key) {
            _insert(key);
        }
        _outsider = _keys[_keys.length - 1];
        _keys.pop();
        _quorum = 3;
        IQuorumFeed.Limits memory limits = IQuorumFeed.Limits(60, 7_200, 3_600, 200, 1_000);
        feed = new ObservationFeed("TEST / USD", CAPACITY, address(this), _addresses(), _quorum, limits);
    }

    // Calls

    /// @dev A true report of the next round by some of the publishers, around a price that moved.
    function observe(uint256 signers, uint256 move, uint256 secs, uint256 spread) public {
        _wait(30 + secs % 9_000);
        IObservationFeed.Report[] memory reports = _reports(1 + signers % _keys.length, move, spread);
        _submit(reports, _signed(reports, 0));
    }

    /// @dev A batch of two rounds of the same publishers.
    function observeTwice(uint256 move, uint256 secs) external {
        uint256 gap = 60 + secs % 3_000;
        _wait(gap);
        IObservationFeed.Report[][] memory reports = new IObservationFeed.Report[][](2);
        bytes[][] memory signatures = new bytes[][](2);
        for (uint256 i; i < 2; ++i) {
            reports[i] = _reports(_keys.length, move % 3_000 + i, 0);
            for (uint256 j; j < reports[i].length; ++j) {
                reports[i][j].roundId += uint64(i);
                reports[i][j].observedAt = uint64(now_ - (1 - i) * (gap / 2));
            }
            signatures[i] = _signed(reports[i], 0);
        }
        uint256 before = feed.latestRound();
        try feed.submitMany(reports, signatures) {
            for (uint256 i; i < 2; ++i) {
                _record(reports[i]);
            }
        } catch {
            ++refused;
            if (feed.latestRound() != before) fault = "a refused batch left a round";
        }
    }

    /// @dev One thing wrong with an otherwise true submission: nothing of it may be recorded.
    function lie(uint256 kind, uint256 value, uint256 secs) external {
        _wait(60 + secs % 3_000);
        IObservationFeed.Report[] memory reports = _reports(_keys.length, 0, 0);
        bytes[] memory signatures = _signed(reports, 0);
        uint256 place = value % reports.length;
        kind %= 9;
        if (kind == 0) reports[place].price += 1; // after it was signed
        else if (kind == 1) reports[place].observedAt -= 1;
        else if (kind == 2) (reports, signatures) = _resigned(reports, place, uint64(2 + value % 5), 0);
        else if (kind == 3) (reports, signatures) = _resigned(reports, place, 0, uint32(1 + value % 3));
        else if (kind == 4) signatures = _signed(reports, _outsider);
        else if (kind == 5) (reports[0], signatures[0]) = (reports[1], signatures[1]); // one publisher twice
        else if (kind == 6) (signatures[0], signatures[1]) = (signatures[1], signatures[0]);
        else if (kind == 7) signatures[place] = _mirrored(signatures[place]);
        else (reports, signatures) = _fewer(reports, signatures);
        uint256 before = feed.latestRound();
        try feed.submit(reports, signatures) {
            fault = "a false submission was accepted";
        } catch {
            ++refused;
        }
        if (feed.latestRound() != before) fault = "a false submission left a round";
    }

    /// @dev The oldest submission again, as it was signed.
    function replay(uint256 secs) external {
        IObservationFeed.Report[] memory reports = _reports(_keys.length, 0, 0);
        bytes[] memory signatures = _signed(reports, 0);
        if (!_submit(reports, signatures)) return;
        _wait(60 + secs % 3_000);
        try feed.submit(reports, signatures) {
            fault = "reports served twice";
        } catch {
            ++refused;
        }
    }

    /// @dev The owner changes the set while a report is on its way.
    function rotate(uint256 quorum) external {
        _wait(90);
        IObservationFeed.Report[] memory reports = _reports(_keys.length, 0, 0);
        bytes[] memory signatures = _signed(reports, 0);
        _quorum = uint8(_keys.length / 2 + 1 + quorum % (_keys.length - _keys.length / 2));
        feed.setPublishers(_addresses(), _quorum);
        try feed.submit(reports, signatures) {
            fault = "a report of another publisher set was accepted";
        } catch {
            ++refused;
        }
    }

    function setLimits(uint32 minInterval, uint16 spread, uint16 move) external {
        minInterval = 1 + minInterval % 600;
        try feed.setLimits(IQuorumFeed.Limits(minInterval, minInterval + 7_200, 3_600, spread % 10_001, move)) {}
            catch {}
    }

    // What is held against the feed

    function check() external {
        uint256 count = _prices.length;
        if (feed.latestRound() != count) fault = "rounds are not consecutive";
        uint256 earliest = count > CAPACITY ? count - CAPACITY + 1 : 1;
        for (uint256 id = earliest; id <= count; ++id) {
            (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) =
                feed.getRoundData(uint80(id));
            bool same = roundId == id && answeredIn == id && answer == int256(uint256(_prices[id - 1]))
                && startedAt == _times[id - 1] && updatedAt == _published[id - 1];
            if (!same) fault = "history moved";
            if (id > earliest && _times[id - 1] <= _times[id - 2]) fault = "time does not rise";
            if (startedAt > updatedAt) fault = "observed after it was published";
        }
    }

    // Means

    function _submit(IObservationFeed.Report[] memory reports, bytes[] memory signatures) private returns (bool) {
        uint256 count = _prices.length;
        IQuorumFeed.Limits memory limits = feed.limits();
        try feed.submit(reports, signatures) {
            uint64 median = _median(reports);
            if (reports.length < _quorum) fault = "below the quorum";
            if (count != 0 && reports.length < _keys.length) {
                uint256 last = _prices[count - 1];
                uint256 move = median > last ? median - last : last - median;
                if (move * BPS > limits.maxMoveBps * last) fault = "moved too far without all";
            }
            if (count != 0 && reports[0].observedAt < _times[count - 1] + limits.minInterval) fault = "too early";
            for (uint256 i; i < reports.length; ++i) {
                uint256 price = reports[i].price;
                uint256 off = price > median ? price - median : median - price;
                if (off * BPS > limits.maxSpreadBps * uint256(median)) fault = "a report far from the median";
            }
            _record(reports);
            return true;
        } catch {
            ++refused;
            if (feed.latestRound() != count) fault = "a refused submission left a round";
            return false;
        }
    }

    function _record(IObservationFeed.Report[] memory reports) private {
        ++accepted;
        _prices.push(_median(reports));
        _times.push(reports[0].observedAt);
        _published.push(uint64(block.timestamp));
    }

    /// @dev By counting, not by sorting: the value with at most half below and at most half above.
    function _median(IObservationFeed.Report[] memory reports) private pure returns (uint64) {
        uint256 count = reports.length;
        uint64 low = _ranked(reports, (count - 1) / 2);
        uint64 high = _ranked(reports, count / 2);
        return uint64((uint256(low) + high) / 2);
    }

    function _ranked(IObservationFeed.Report[] memory reports, uint256 rank) private pure returns (uint64) {
        for (uint256 i; i < reports.length; ++i) {
            (uint256 below, uint256 equal) = (0, 0);
            for (uint256 j; j < reports.length; ++j) {
                if (reports[j].price < reports[i].price) ++below;
                else if (reports[j].price == reports[i].price) ++equal;
            }
            if (below <= rank && rank < below + equal) return reports[i].price;
        }
        revert("no such rank");
    }

    function _reports(uint256 count, uint256 move, uint256 spread)
        private
        view
        returns (IObservationFeed.Report[] memory reports)
    {
        uint256 last = _prices.length == 0 ? 100e8 : _prices[_prices.length - 1];
        uint256 price = last * (8_500 + move % 3_001) / BPS;
        if (price < 1e8 || price > 1e14) price = 100e8;
        reports = new IObservationFeed.Report[](count);
        for (uint256 i; i < count; ++i) {
            uint256 own = price * (BPS + (uint256(keccak256(abi.encode(spread, i))) % 250) * (spread % 3)) / BPS;
            reports[i] = IObservationFeed.Report(
                uint64(_prices.length + 1), uint64(now_), uint64(own), feed.publisherSetVersion()
            );
        }
    }

    /// @dev By the first publishers in rising order; the last by `instead` when given.
    function _signed(IObservationFeed.Report[] memory reports, uint256 instead)
        private
        view
        returns (bytes[] memory signatures)
    {
        signatures = new bytes[](reports.length);
        for (uint256 i; i < reports.length; ++i) {
            uint256 key = instead != 0 && i + 1 == reports.length ? instead : _keys[i];
            signatures[i] = _sign(key, reports[i]);
        }
    }

    function _sign(uint256 key, IObservationFeed.Report memory report) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, feed.reportDigest(report));
        return abi.encodePacked(r, s, v);
    }

    function _resigned(IObservationFeed.Report[] memory reports, uint256 place, uint64 rounds, uint32 versions)
        private
        view
        returns (IObservationFeed.Report[] memory, bytes[] memory)
    {
        reports[place].roundId += rounds;
        reports[place].publisherSetVersion += versions;
        return (reports, _signed(reports, 0));
    }

    function _fewer(IObservationFeed.Report[] memory reports, bytes[] memory signatures)
        private
        view
        returns (IObservationFeed.Report[] memory some, bytes[] memory theirs)
    {
        some = new IObservationFeed.Report[](_quorum - 1);
        theirs = new bytes[](_quorum - 1);
        for (uint256 i; i < some.length; ++i) {
            (some[i], theirs[i]) = (reports[i], signatures[i]);
        }
    }

    function _mirrored(bytes memory signature) private pure returns (bytes memory) {
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        (bytes32 r, uint256 s) = (0, 0);
        assembly ("memory-safe") {
            r := mload(add(signature, 0x20))
            s := mload(add(signature, 0x40))
        }
        return abi.encodePacked(r, order - s, uint8(55 - uint8(signature[64])));
    }

    function _insert(uint256 key) private {
        _keys.push(key);
        for (uint256 i = _keys.length - 1; i > 0 && vm.addr(_keys[i - 1]) > vm.addr(_keys[i]); --i) {
            (_keys[i - 1], _keys[i]) = (_keys[i], _keys[i - 1]);
        }
    }

    function _addresses() private view returns (address[] memory addresses) {
        addresses = new address[](_keys.length);
        for (uint256 i; i < addresses.length; ++i) {
            addresses[i] = vm.addr(_keys[i]);
        }
    }

    function _wait(uint256 secs) private {
        now_ += secs;
        vm.warp(now_);
    }
}
