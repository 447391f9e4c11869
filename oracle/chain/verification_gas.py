"""What a chain takes for verifying one proof: a real transaction on an Anvil of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from web3 import HTTPProvider, Web3

from oracle.chain.anvil import AnvilProcess
from oracle.chain.build import ContractArtifact
from oracle.errors import ProofRejected
from oracle.settings import Settings

GAS_LIMIT = 29_000_000


def verification_gas(settings: Settings, verifier: ContractArtifact, proof: dict[str, Any]) -> int:
    """gasUsed of a transaction to verifyProof(bytes, uint256[]); `proof` as a worker returns it.

    Raises ProofRejected when the chain does not accept it.
    """
    instances = [int.from_bytes(bytes.fromhex(text), "little") for text in proof["instances"]]
    with tempfile.TemporaryDirectory(prefix="plumbline-gas-") as scratch:
        anvil = AnvilProcess.start(settings.model_copy(update={"state_dir": Path(scratch)}))
        try:
            web3 = Web3(HTTPProvider(anvil.rpc_url))
            sender = web3.eth.accounts[0]
            contract = web3.eth.contract(abi=list(verifier.abi), bytecode=verifier.bytecode)
            deployed = web3.eth.wait_for_transaction_receipt(
                contract.constructor().transact({"from": sender, "gas": GAS_LIMIT})
            )
            at = web3.eth.contract(address=deployed["contractAddress"], abi=list(verifier.abi))
            call = at.functions.verifyProof(bytes.fromhex(proof["proof"]), instances)
            receipt = web3.eth.wait_for_transaction_receipt(call.transact({"from": sender, "gas": GAS_LIMIT}))
            if receipt["status"] != 1:
                raise ProofRejected("the verifier on chain refuses the proof")
            return int(receipt["gasUsed"])
        finally:
            anvil.stop()
