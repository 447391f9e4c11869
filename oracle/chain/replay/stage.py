"""A local chain as a replay's stage: feeds, actors, and an hour's calls of all of them in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from eth_abi.abi import encode
from eth_utils.abi import abi_to_signature, function_signature_to_4byte_selector, get_abi_input_types
from hexbytes import HexBytes
from web3.contract import Contract

from oracle.chain import build
from oracle.chain.accounts import local_roles
from oracle.chain.client import ChainClient, node_errors
from oracle.chain.deploy import Deployer
from oracle.chain.feeds import ObservationFeed
from oracle.chain.sender import Sender
from oracle.domain.deployment import FeedRecord, ObservationLimits, PriceFeedPlan
from oracle.domain.observations import Observation, Report, ReportDomain
from oracle.domain.replay.calls import Call
from oracle.errors import ArtifactMismatch, RpcUnavailable
from oracle.units import SECS_PER_HOUR

PRICES: Final = "replay-prices"
# Everybody's calls of one hour go into one block, also in a crash
BLOCK_GAS: Final = 2_000_000_000
SUBMITTED_AT_ONCE: Final = 20
MINED_WITHIN_SECS: Final = 120.0
FEED_ACTOR: Final = 0
LIMITS: Final = ObservationLimits(SECS_PER_HOUR // 2, 6 * SECS_PER_HOUR, SECS_PER_HOUR, 100, 8_000)

# A publisher's key, the feed's domain and a report: the report and its signature, as the feed takes them
Sign = Callable[[bytes, ReportDomain, Report], tuple[list[Report], list[bytes]]]


@dataclass(frozen=True, slots=True)
class Step:
    """A call by an actor, encoded."""

    actor: int
    target: str
    data: bytes


class Stage:
    """A fresh local chain with a price feed of one publisher and numbered actors; the first of them feeds the stubs."""

    def __init__(self, client: ChainClient, deployer: Deployer, sender: Sender, actors: int, *, sign: Sign) -> None:
        self.client, self.deployer, self.sender, self._sign = client, deployer, sender, sign
        client.rpc("anvil_setBlockGasLimit", hex(BLOCK_GAS))
        client.rpc("anvil_mine", hex(1))
        self._caller = local_roles(client.chain_id).liquidator.address
        self._publisher = local_roles(client.chain_id).publishers[0]
        self._created = 0
        self._actors = self.deploy("ReplayActors", actors)
        self.addresses: list[str] = list(client.call(self._actors.functions.all()))
        self.prices = self._price_feed()
        self._feed = ObservationFeed(client, self.prices.address)
        self._domain = self._feed.report_domain()
        self.rounds = 0

    def deploy(self, name: str, *arguments: object) -> Contract:
        """A compiled contract, created and ready to call."""
        artifact = build.load(self.client.settings, name)
        self._created += 1
        receipt = self.sender.create(f"replay/{self._created}", self.client.constructor(artifact, *arguments))
        return self.client.contract(name, str(receipt["contractAddress"]))

    def transact(self, call: Any, time: int | None = None) -> None:
        """A call by the sender, in a block at `time` when given."""
        if time is not None:
            self.client.set_next_block_timestamp(time)
        self._created += 1
        self.sender.transact(f"replay/{self._created}", call)

    def record_history(self, history: Sequence[Observation]) -> None:
        """Observations from before the sample."""
        for first in range(0, len(history), SUBMITTED_AT_ONCE):
            part = history[first : first + SUBMITTED_AT_ONCE]
            signed = [self._signed(observation) for observation in part]
            call = self._feed.submit_many([reports for reports, _ in signed], [each for _, each in signed])
            self.transact(call, part[-1].observed_at)

    def observe(self, observation: Observation) -> Step:
        """The call that records the next observation."""
        reports, signatures = self._signed(observation)
        return self.step(FEED_ACTOR, self._feed.contract, "submit", [r.as_tuple() for r in reports], signatures)

    def step(self, actor: int, contract: Contract, function: str, *arguments: object) -> Step:
        """An actor's call."""
        selector, types = _encoding(_Abi(contract), function)
        return Step(actor, str(contract.address), selector + encode(types, arguments))

    def run(self, steps: Iterable[Step], time: int) -> None:
        """All of them in one transaction of a block at `time`. Raises ArtifactMismatch when one reverts."""
        given = [(s.actor, s.target, s.data) for s in steps]
        self.client.set_next_block_timestamp(time)
        selector, types = _encoding(_Abi(self._actors), "run")
        transaction = {
            "from": self._caller,
            "to": self._actors.address,
            "gas": hex(BLOCK_GAS // 2),
            "data": "0x" + (selector + encode(types, (given,))).hex(),
        }
        sent = HexBytes(self.client.rpc("eth_sendTransaction", transaction))
        if self._mined(sent) != 1:
            reason = self._reason(transaction)
            raise ArtifactMismatch(f"the contracts refuse at {time} what their twin takes: {reason}")

    def _mined(self, sent: HexBytes) -> int:
        deadline = time.monotonic() + MINED_WITHIN_SECS
        while time.monotonic() < deadline:
            receipt = self.client.receipt(bytes(sent))
            if receipt is not None:
                return int(receipt["status"])
            time.sleep(0.002)
        raise RpcUnavailable(f"the chain did not mine {sent.to_0x_hex()}")

    def _reason(self, transaction: Mapping[str, str]) -> str:
        try:
            with node_errors():
                self.client.web3.eth.call(dict(transaction))  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the reason
            return str(error)
        return "no reason when tried again"

    def _price_feed(self) -> FeedRecord:
        plan = PriceFeedPlan(PRICES, "replayed prices", (self._publisher.address,), 1, LIMITS)
        return self.deployer.deploy_price_feed(plan)

    def _signed(self, observation: Observation) -> tuple[list[Report], list[bytes]]:
        self.rounds += 1
        report = Report(self.rounds, observation.observed_at, observation.price, 1)
        return self._sign(bytes(self._publisher.key), self._domain, report)


class Cast:
    """Names to actors: the twin's accounts are strings, the contracts' are addresses."""

    def __init__(self, stage: Stage, names: Sequence[str]) -> None:
        self._stage = stage
        self._numbers = {name: at + 1 for at, name in enumerate(names)}

    @property
    def names(self) -> list[str]:
        """Everybody."""
        return list(self._numbers)

    def number(self, name: str) -> int:
        """The actor of a name."""
        return self._numbers[name]

    def address(self, name: str) -> str:
        """The actor's address."""
        return self._stage.addresses[self._numbers[name]]

    def step(self, contract: Contract, call: Call) -> Step:
        """The twin's call as the contract's."""
        arguments = [self.address(value) if isinstance(value, str) else value for value in call.args]
        return self._stage.step(self.number(call.sender), contract, call.function, *arguments)


@dataclass(frozen=True)
class _Abi:
    """A contract by its address, so that encodings are looked up once."""

    contract: Contract

    def __hash__(self) -> int:
        return hash(self.contract.address)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Abi) and other.contract.address == self.contract.address


@cache
def _encoding(abi: _Abi, function: str) -> tuple[bytes, tuple[str, ...]]:
    entry = next(e for e in abi.contract.abi if e["type"] == "function" and e["name"] == function)
    return function_signature_to_4byte_selector(abi_to_signature(entry)), tuple(get_abi_input_types(entry))
