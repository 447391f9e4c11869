// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title ERC-7992 verifier, ERC-165 id 0x5df65472
interface IERCZKMLVerifier {
    /// @notice Emitted when an inference was verified by a transaction.
    event InferenceVerified(
        uint256 indexed modelId, bytes32 indexed inputCommitment, bytes output, address indexed caller
    );

    /// @notice Thrown when the proof does not verify, or is not encoded as documented.
    error InvalidProof();
    /// @notice Thrown when the proof was made for another model or version.
    error ModelMismatch();
    /// @notice Thrown when the inputs in the proof do not give the claimed commitment.
    error InputCommitmentMismatch();
    /// @notice Thrown when the outputs in the proof are not the claimed output.
    error OutputMismatch();
    /// @notice Thrown when the model uses another proof system.
    error UnsupportedProofSystem(bytes4 proofSystemId);
    /// @notice Thrown when the model was deprecated.
    error VerificationRefused_ModelDeprecated(uint256 modelId);

    /// @notice Returns if, and only if, the proof shows `output` for inputs behind `inputCommitment`.
    /// @param output abi.encode(int256[]): the model's outputs as 18-decimal fixed point.
    /// @param proof abi.encode(bytes zkProof, uint256[] instances, InferenceContext context).
    function verifyInference(uint256 modelId, bytes32 inputCommitment, bytes calldata output, bytes calldata proof)
        external;

    function proofSystemOf(uint256 modelId) external view returns (bytes4);

    function registry() external view returns (address registryAddress);
}
