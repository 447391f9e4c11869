// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IModelRegistry} from "../../../contracts/interfaces/IModelRegistry.sol";
import {ModelRegistry} from "../../../contracts/registry/ModelRegistry.sol";
import {ModelStatus, VerifierSpec} from "../../../contracts/types/ModelTypes.sol";
import {Models} from "./YesVerifier.sol";
import {vm} from "./Vm.sol";

/// @title Owners, a guardian and strangers who do to models whatever they can
contract RegistryHandler {
    uint256 private constant ACTORS = 4; // the last is the guardian, and owns nothing
    uint64 private constant DELAY = 1 days;

    Models public immutable models = new Models(address(this));
    ModelRegistry public immutable registry;
    uint256 public now_ = 1_700_000_000;
    uint256 public accepted;
    uint256 public refused;
    uint256 public served;
    string public fault;

    /// @dev What a version was when it was bound, and the furthest state that it was seen in.
    mapping(uint256 modelId => mapping(uint32 version => bytes32)) private _bound;
    mapping(uint256 modelId => mapping(uint32 version => ModelStatus)) private _seen;
    mapping(uint256 modelId => mapping(uint32 version => uint256)) private _boundAt;
    mapping(uint256 modelId => address) private _owner;

    constructor() {
        vm.warp(now_);
        registry = new ModelRegistry(address(this), actor(ACTORS - 1), DELAY);
    }

    function actor(uint256 i) public pure returns (address) {
        return address(uint160(0xA0000 + i));
    }

    // Calls

    function register(uint256 who, uint256 mark) external {
        who %= ACTORS - 1;
        if (_act(who, abi.encodeCall(registry.registerModel, (models.commitment(1 + mark % 1e9))))) {
            _owner[registry.modelCount()] = actor(who);
        }
    }

    function update(uint256 who, uint256 model, uint256 mark) external {
        _act(who, abi.encodeCall(registry.updateModel, (_model(model), models.commitment(1 + mark % 1e9))));
    }

    function bind(uint256 who, uint256 model, uint32 inputs, uint32 outputs, uint8 scale) external {
        VerifierSpec memory spec = models.spec(inputs % 50, outputs % 4, scale % 70);
        if (inputs % 7 == 0) spec.verifierCodeHash ^= bytes32(uint256(1));
        uint256 id = _model(model);
        if (!_act(who, abi.encodeCall(registry.bindVerifier, (id, spec)))) return;
        if (spec.verifierCodeHash != spec.verifier.codehash) fault = "bound to other code";
        uint32 version = registry.latestVersion(id);
        if (_bound[id][version] != 0) fault = "bound twice";
        _bound[id][version] = _identity(id, version);
        _boundAt[id][version] = now_;
    }

    function activate(uint256 who, uint256 model) external {
        uint256 id = _model(model);
        if (!_act(who, abi.encodeCall(registry.activate, (id)))) return;
        uint32 version = registry.currentVersion(id);
        if (now_ < _boundAt[id][version] + DELAY) fault = "the timelock was skipped";
    }

    function revoke(uint256 who, uint256 model, uint32 version) external {
        uint256 id = _model(model);
        bool ok = _act(who, abi.encodeCall(registry.revokeVersion, (id, 1 + version % 4)));
        if (ok && actor(who % ACTORS) != _owner[id] && who % ACTORS != ACTORS - 1) fault = "a stranger revoked";
    }

    function deprecate(uint256 who, uint256 model) external {
        if (model % 5 != 0) return; // a deprecated model is of no more use
        uint256 id = _model(model);
        bool ok = _act(who, abi.encodeCall(registry.deprecateModel, (id)));
        if (ok && actor(who % ACTORS) != _owner[id]) fault = "a stranger deprecated";
    }

    function wait(uint256 secs) external {
        now_ += secs % (2 days);
        vm.warp(now_);
    }

    // What is held against the registry

    function check() external {
        uint256 count = registry.modelCount();
        for (uint256 id = count > 6 ? count - 5 : 1; id <= count; ++id) {
            uint32 latest = registry.latestVersion(id);
            uint256 active;
            for (uint32 version = 1; version <= latest; ++version) {
                if (_checkVersion(id, version) == ModelStatus.Active) ++active;
            }
            if (active > 1) fault = "two versions are active";
        }
    }

    function _checkVersion(uint256 id, uint32 version) private returns (ModelStatus status) {
        status = registry.getVersion(id, version).status;
        ModelStatus before = _seen[id][version];
        if (status < before && before != ModelStatus.None) fault = "a version went back";
        _seen[id][version] = status;
        bytes32 bound = _bound[id][version];
        if (bound != 0 && bound != _identity(id, version)) fault = "a bound version changed";
        (,, address owner) = registry.getModel(id);
        if (owner != _owner[id]) fault = "a model changed hands";
        bool usable = status == ModelStatus.Active || status == ModelStatus.Superseded;
        try registry.verifierOf(id, version) {
            ++served;
            if (!usable) fault = "proofs of this version would be accepted";
        } catch {
            if (usable) fault = "a usable version is refused";
        }
    }

    // Means

    function _identity(uint256 id, uint32 version) private view returns (bytes32) {
        IModelRegistry.ModelVersion memory v = registry.getVersion(id, version);
        return keccak256(abi.encode(v.commitment, v.spec, v.activatableAt));
    }

    function _model(uint256 seed) private view returns (uint256) {
        uint256 count = registry.modelCount();
        return count == 0 ? 1 : count - seed % (count < 3 ? count : 3);
    }

    function _act(uint256 who, bytes memory data) private returns (bool ok) {
        vm.warp(now_);
        vm.prank(actor(who % ACTORS));
        (ok,) = address(registry).call(data);
        if (ok) ++accepted;
        else ++refused;
    }
}
