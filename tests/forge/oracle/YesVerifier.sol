// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {InferenceVerifier} from "../../../contracts/verification/InferenceVerifier.sol";
import {ModelRegistry} from "../../../contracts/registry/ModelRegistry.sol";
import {IERCZKMLRegistry} from "../../../contracts/interfaces/IERCZKMLRegistry.sol";
import {VerifierSpec} from "../../../contracts/types/ModelTypes.sol";

/// @dev Accepts a proof that is not empty. What it stands for, the pairing, is tried with real proofs in tests/attacks;
/// everything around it here is the real thing.
contract YesVerifier {
    function verifyProof(bytes calldata proof, uint256[] calldata) external pure returns (bool) {
        return proof.length != 0;
    }
}

/// @dev A registry without delay, a verifier, and models of any shape.
contract Models {
    ModelRegistry public immutable registry;
    InferenceVerifier public immutable verifier;
    YesVerifier public immutable yes = new YesVerifier();

    constructor(address guardian) {
        registry = new ModelRegistry(address(this), guardian, 0);
        verifier = new InferenceVerifier(registry);
    }

    function add(uint32 inputCount, uint32 outputCount, uint8 scale) external returns (uint256) {
        return registry.registerModelWithVerifier(commitment(1), spec(inputCount, outputCount, scale));
    }

    function spec(uint32 inputCount, uint32 outputCount, uint8 scale) public view returns (VerifierSpec memory) {
        bytes memory scales = abi.encodePacked(scale);
        return VerifierSpec(address(yes), address(yes).codehash, inputCount, outputCount, scales, scales);
    }

    function commitment(uint256 mark) public pure returns (IERCZKMLRegistry.ModelCommitment memory) {
        return IERCZKMLRegistry.ModelCommitment(bytes32(mark), bytes32(mark), bytes32(mark), 0x301c92ec, "test:any");
    }
}
