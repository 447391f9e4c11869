"""Protocol constants, each under its source."""

from __future__ import annotations

from typing import Final

# BN254 (alt_bn128): https://eips.ethereum.org/EIPS/eip-197
BN254_SCALAR_FIELD: Final = 21888242871839275222246405745257275088548364400416034343698204186575808495617

# EIP-170, largest code of a contract: https://eips.ethereum.org/EIPS/eip-170
MAX_CODE_SIZE: Final = 24_576

# ERC-7992, first 4 bytes of keccak256("halo2-kzg-bn254-v1")
PROOF_SYSTEM_NAME: Final = "halo2-kzg-bn254-v1"
PROOF_SYSTEM_ID: Final = bytes.fromhex("301c92ec")
# The same of keccak256("groth16-bn254-v1"), for small networks
GROTH16_SYSTEM_NAME: Final = "groth16-bn254-v1"
GROTH16_SYSTEM_ID: Final = bytes.fromhex("0550d137")

# contracts/verification: the tags under which commitments and roots are hashed
INPUT_COMMITMENT_TAG_TEXT: Final = "plumbline.input-commitment.v1"
FEED_ROOT_TAG_TEXT: Final = "plumbline.feed-root.v1"

# Decoded instances must be smaller than this in magnitude (contracts/libraries/FieldElements.sol)
MAX_INSTANCE_MAGNITUDE: Final = 1 << 63

# Chains on which the well-known development keys and a set-up made on this machine may be used: Anvil, Hardhat, Ganache
LOCAL_CHAIN_IDS: Final = frozenset({31337, 1337})

# Set-ups that may serve other chains: a known public ceremony's, and one whose hash the operator vouched for
SAFE_SRS_KINDS: Final = frozenset({"public", "trusted"})

# The x coordinate of s*G2 of the development set-up, both parts, as a generated verifier holds them
DEV_S_G2_X: Final = (
    "1ea8889889860a10492cd873d00eefbd812cff05cd684b29b4e40280c5bfc225",
    "2e2f184f5881fc743cc8df97d944a9736012ed533a55d4c6a4ad8c528fd5f042",
)

# The mnemonic that Anvil prints at every start: public, so worth nothing anywhere else
ANVIL_MNEMONIC: Final = "test test test test test test test test test test test junk"

PRICE_DECIMALS: Final = 8
ANSWER_DECIMALS: Final = 18

# The version of ezkl whose circuits and verifiers this release speaks
EZKL_VERSION: Final = "23.0.5"
