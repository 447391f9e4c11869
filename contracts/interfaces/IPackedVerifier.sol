// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title The second entry of a rewritten verifier: instances as packed integers
interface IPackedVerifier {
    /// @notice Returns true for a valid proof; a bad one reverts without data.
    /// @param inputs Signed big-endian integers of 4 bytes each, as many as the circuit has inputs.
    /// @param outputs Signed big-endian integers of 8 bytes each, as many as the circuit has outputs.
    function verifyPacked(bytes calldata proof, bytes calldata inputs, bytes calldata outputs)
        external
        view
        returns (bool);
}
