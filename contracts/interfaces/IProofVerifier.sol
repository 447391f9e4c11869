// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title The entry of a generated verifier, of any proof system
interface IProofVerifier {
    /// @notice Returns true for a valid proof; a bad one reverts without data.
    function verifyProof(bytes calldata proof, uint256[] calldata instances) external returns (bool);
}
