// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title The proof systems that models may be registered with: ERC-7992's proofSystemId
/// @notice Verifiers of each have one entry, `verifyProof(bytes,uint256[])`, of inputs and then outputs as field elements,
/// and refuse a bad proof; what a proof is made of is theirs alone.
library ProofSystems {
    /// @notice First 4 bytes of keccak256("halo2-kzg-bn254-v1"): ezkl's circuits.
    bytes4 internal constant HALO2_KZG = 0x301c92ec;
    /// @notice First 4 bytes of keccak256("groth16-bn254-v1"): small networks; its proofs are malleable, statements are not.
    bytes4 internal constant GROTH16 = 0x0550d137;

    function isKnown(bytes4 proofSystemId) internal pure returns (bool) {
        return proofSystemId == HALO2_KZG || proofSystemId == GROTH16;
    }
}
