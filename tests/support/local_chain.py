"""A real Anvil for the tests, with its clock under control, and the few calls that tests make on it."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import HTTPProvider, Web3
from web3.contract import Contract
from web3.contract.contract import ContractConstructor, ContractFunction
from web3.exceptions import Web3RPCError
from web3.logs import DISCARD
from web3.types import TxReceipt

from oracle.chain import build
from oracle.constants import ANVIL_MNEMONIC
from oracle.settings import PROJECT_ROOT, Settings

GENESIS_TIME = 1_700_000_000
GAS_TIME = 2_000_000_000  # where gas is measured: timestamps are calldata
GAS_DEPLOYER = 19  # deploys nothing else, so addresses, and signatures over them, are the same in every run
ACCOUNT_COUNT = 20
START_TIMEOUT_SECS = 30.0
MAX_GAS = 30_000_000


@dataclass
class AnvilServer:
    """A running Anvil process; `stop` ends it."""

    process: subprocess.Popen[str]
    rpc_url: str

    @classmethod
    def start(cls, log_file: Path, *extra: str, timestamp: int = GENESIS_TIME) -> AnvilServer:
        """Starts Anvil on a free port and waits until it listens."""
        options = ["--port", "0", "--accounts", str(ACCOUNT_COUNT), "--timestamp", str(timestamp), *extra]
        with log_file.open("w") as log:
            process = subprocess.Popen([anvil_program(), *options], stdout=log, stderr=subprocess.STDOUT, text=True)
        deadline = time.monotonic() + START_TIMEOUT_SECS
        while time.monotonic() < deadline and process.poll() is None:
            if match := re.search(r"Listening on ([\d.]+:\d+)", log_file.read_text()):
                return cls(process, f"http://{match[1]}")
            time.sleep(0.05)
        process.kill()
        raise RuntimeError(f"Anvil does not start: {log_file.read_text()[-500:]}")

    def stop(self) -> None:
        """Ends the process, by force when it does not go."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class LocalChain:
    """What tests do with a chain: deploy, send, set the clock. Each block is one second after the last unless told."""

    def __init__(self, settings: Settings, rpc_url: str) -> None:
        self.settings = settings
        self.rpc_url = rpc_url
        self.web3 = Web3(HTTPProvider(rpc_url, request_kwargs={"timeout": 60}))
        self.web3.middleware_onion.remove("validation")  # asks for the chain id with every call
        self.rpc("anvil_setBlockTimestampInterval", 1)
        self.mine()  # an eth_call on the genesis block sees time 1

    def rpc(self, method: str, *params: Any) -> Any:
        """The result of a raw JSON-RPC call."""
        answer = self.web3.provider.make_request(method, list(params))  # type: ignore[arg-type]
        if "error" in answer:
            raise Web3RPCError(f"{method}: {answer['error']}")
        return answer["result"]

    def deploy(self, name: str, *args: Any, sender: str | None = None) -> Contract:
        """Deploys a compiled contract of this project and returns it."""
        artifact = build.load(self.settings, name)
        factory = self.web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
        receipt = self.send(factory.constructor(*args), sender)
        return self.at(name, str(receipt["contractAddress"]))

    def at(self, name: str, address: str) -> Contract:
        """The contract at `address` with the ABI of `name`."""
        return self.web3.eth.contract(
            address=Web3.to_checksum_address(address), abi=build.load(self.settings, name).abi
        )

    def send(
        self, call: ContractFunction | ContractConstructor, sender: str | None = None, *, value: int = 0
    ) -> TxReceipt:
        """Sends a call as a transaction and returns its receipt; a revert raises as `eth_call` does."""
        transaction = {"from": sender or self.address(0), "value": value}
        sent = call.transact({**transaction, "gas": self._gas(call, transaction)})  # type: ignore[arg-type]
        receipt = self.web3.eth.wait_for_transaction_receipt(sent, timeout=60, poll_latency=0.01)
        assert receipt["status"] == 1, f"transaction reverted: {sent.to_0x_hex()}"
        return receipt

    def events(self, contract: Contract, name: str, receipt: TxReceipt) -> list[dict[str, Any]]:
        """The arguments of every event `name` of `contract` in a receipt."""
        logs = contract.events[name]().process_receipt(receipt, errors=DISCARD)
        return [dict(log["args"]) for log in logs if log["address"] == contract.address]

    def log(self, contract: Contract, receipt: TxReceipt) -> list[tuple[str, dict[str, Any]]]:
        """Name and arguments of every event of `contract` in a receipt, in their order."""
        names = dict.fromkeys(entry["name"] for entry in contract.abi if entry["type"] == "event")
        found = [log for name in names for log in contract.events[name]().process_receipt(receipt, errors=DISCARD)]
        ours = sorted((log for log in found if log["address"] == contract.address), key=lambda log: log["logIndex"])
        return [(log["event"], dict(log["args"])) for log in ours]

    def now(self) -> int:
        """Time of the newest block, unix seconds."""
        return int(self.web3.eth.get_block("latest")["timestamp"])

    def set_next_time(self, timestamp: int) -> None:
        """The next block gets this time."""
        self.rpc("evm_setNextBlockTimestamp", timestamp)

    def mine(self, timestamp: int | None = None) -> None:
        """Mines one block, at `timestamp` when given."""
        if timestamp is not None:
            self.set_next_time(timestamp)
        self.rpc("evm_mine")

    def address(self, index: int) -> str:
        """Address of the development account `index`; all are unlocked and funded."""
        return account(index).address

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """Whatever happens inside is reverted at the end."""
        snapshot = self.rpc("evm_snapshot")
        try:
            yield
        finally:
            self.rpc("evm_revert", snapshot)

    def _gas(self, call: ContractFunction | ContractConstructor, transaction: dict[str, Any]) -> int:
        call.estimate_gas(transaction)  # type: ignore[arg-type]
        return MAX_GAS


def account(index: int) -> LocalAccount:
    """Development account `index` of the mnemonic that Anvil itself prints."""
    return _ACCOUNTS[index]


def anvil_program() -> str:
    """The Anvil of node_modules, else the one on PATH."""
    local = PROJECT_ROOT / "node_modules" / ".bin" / "anvil"
    found = str(local) if local.exists() else shutil.which("anvil")
    if found is None:
        raise RuntimeError("Anvil is missing: run make setup")
    return found


Account.enable_unaudited_hdwallet_features()
_ACCOUNTS: list[LocalAccount] = [
    Account.from_mnemonic(ANVIL_MNEMONIC, account_path=f"m/44'/60'/0'/0/{i}") for i in range(ACCOUNT_COUNT)
]
