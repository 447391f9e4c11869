// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title What several modules of a group have in common: inputs that are computed once in a transaction
interface ISharedInputs {
    /// @notice Computes the inputs for a round and remembers them, in transient storage, to the transaction's end. Anyone
    /// may call: what is remembered is what `inputs` would compute. Reverts as `inputs` does.
    function prepareInputs(uint64 observationRound) external;
}
