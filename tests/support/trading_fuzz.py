"""What random histories of quotes and of orders have in common: an options book under them, signers, events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeVar

from eth_abi import encode
from eth_account import Account
from eth_keys.exceptions import BadSignature, ValidationError
from eth_utils.crypto import keccak
from web3.contract import Contract

from oracle.domain.options_types import OptionsRefusal
from tests.support.call_harness import Step, actor_signature, revert_data, selector
from tests.support.histories import histories
from tests.support.local_chain import LocalChain, account
from tests.support.options import FEEDS as ALL_FEEDS
from tests.support.options import HOUR, WAD, OptionsWorld, deploy_options
from tests.support.options_fuzz import Fuzzer, call_data, warmed

EOA: Final = 8  # the development account that trades beside the contracts
Log = tuple[tuple[bytes, ...], bytes]
# An options book's own calls, as often as keeps quotes and orders meeting something new
AROUND: Final = {"deposit": 3, "withdraw": 2, "list": 2, "settle": 2, "start": 1, "end": 1, "bid": 2, "price": 3}
FEEDS: Final = {"risk": 1, "volatility": 2, "other": 1, "mode": 1, "consent": 1}

HISTORY: Final = 2_500  # cases on one book
WAITS: Final = (1, 12, 12, 60, 300, 600, 1_800, 7_100, 43_200)  # seconds between blocks
BOOKS: Final[dict[str, dict[str, Any]]] = {
    "fixed shocks, 18 decimals": {
        "decimals": 18,
        "feeds": ("priceFeed",),
        "pillars": 1,
        "minShock": 15 * WAD // 100,
        "maxShock": 15 * WAD // 100,
    },
    "all feeds, 6 decimals": {"decimals": 6, "feeds": ALL_FEEDS, "pillars": 2},
    "quantile, 8 decimals, dear lots": {
        "decimals": 8,
        "feeds": ("priceFeed", "riskFeed"),
        "pillars": 1,
        "riskHorizon": 24 * HOUR,
        "lotSize": WAD,
        "maxOpenInterest": 200 * WAD,
    },
}


@dataclass
class TradingFuzzer(Fuzzer):
    """Calls of a contract that trades on the book for its signers, beside the book's own."""

    contract: Contract | None = field(default=None, init=False)  # deployed when there are accounts
    cases: int = field(default=0, init=False)
    logs: list[Log] = field(default_factory=list, init=False)  # that the contract will emit in this block
    nonces: int = field(default=0, init=False)

    # Both sides

    def run(self, steps: list[Step]) -> dict[str, Any]:
        """As for the book alone; the contract's events and the key's account are compared too."""
        receipt = super().run(steps)
        if self.contract is None:
            return receipt
        mine = [log for log in receipt["logs"] if log["address"] == self.contract.address.lower()]
        seen = [(tuple(map(_bytes, log["topics"])), _bytes(log["data"])) for log in mine]
        assert seen == self.logs, f"at {self.model.now}, after {steps}"
        self.logs.clear()
        cash, positions, *figures = self.world.book.functions.accountOf(self.eoa).call()
        assert (cash, [tuple(p) for p in positions], *figures) == self._view(self.eoa)
        return receipt

    def _call_twin(self, account: str, step: Step) -> tuple[bool, bytes]:
        if step.target is None:
            return super()._call_twin(account, step)
        self.cases += 1
        try:
            result = self._call_contract(account, step)
        except OptionsRefusal as refusal:
            step.outcome = refusal.name
            return False, self.reason(refusal)
        step.outcome = "ok"
        return True, result

    def _call_contract(self, caller: str, step: Step) -> bytes:
        """The twin's result, encoded; what it emits goes into `logs`."""
        raise NotImplementedError

    def reason(self, refusal: OptionsRefusal) -> bytes:
        """A refusal of the contract, or of the book under it."""
        return revert_data([*self.contract.abi, *self.world.book.abi], refusal)

    def emitted(self, signature: str, indexed: Sequence[Any], types: Sequence[str], values: Sequence[Any]) -> None:
        """Expects an event; indexed arguments as integers, addresses or 32 bytes."""
        self.logs.append(((event_topic(signature), *map(topic, indexed)), encode(types, values)))

    # Signers

    @property
    def eoa(self) -> str:
        """The account of a key."""
        return account(EOA).address

    def sign(self, signer: str, digest: bytes) -> bytes:
        """A contract's signature or a key's; sometimes one of somebody else, cut off, or none."""
        odd = self.draw.random()
        if odd < 0.03:
            return self.draw.choice([b"", bytes(65), actor_signature(self._anyone(), digest)[:31], bytes(32)])
        by = self._anyone() if odd < 0.04 else signer
        if by == self.eoa:
            return bytes(Account.unsafe_sign_hash(digest, account(EOA).key).signature)
        return actor_signature(by, digest)

    def is_signed(self, signer: str, digest: bytes, signature: bytes) -> bool:
        """As SignatureChecker sees it."""
        if signer != self.eoa:
            return signer in self.actors and signature == actor_signature(signer, digest)
        if len(signature) != 65:
            return False
        try:
            return bool(Account._recover_hash(digest, signature=signature) == signer)
        except (BadSignature, ValueError, ValidationError):
            return False

    def _trader(self) -> str:
        return self.eoa if self.draw.random() < 0.08 else self._anyone()

    def _draw_consent(self, actor: int) -> Step:
        """Mostly given: taken back it refuses whatever its account signed."""
        return Step(actor, "setOperator", (self.contract.address, self.draw.random() < 0.95))

    def mark(self, series_id: int) -> int:
        """A series' mark, or something in its place."""
        try:
            return self.model.mark_of(series_id)
        except OptionsRefusal:
            return 50 * WAD

    def _live(self) -> list[int]:
        """Few series, so that accounts of few positions meet in them again."""
        return super()._live()[:3]


T = TypeVar("T", bound=TradingFuzzer)


def started(
    world: OptionsWorld,
    seed: int,
    kind: type[T],
    calls: dict[str, tuple[str, tuple[str, ...]]],
    deploy: Callable[[list[str]], Contract],
) -> T:
    """A fuzzer whose accounts have cash and allowed the contract that `deploy` makes for them.

    `calls`: by a step's function the contract's and its argument types.
    """

    def data(step: Step) -> bytes:
        if step.function not in calls:
            return call_data(step)
        name, types = calls[step.function]
        return selector(f"{name}({','.join(types)})") + encode(types, step.args)

    fuzzer = warmed(world, seed, kind, data)
    fuzzer.contract = deploy(fuzzer.actors)
    world.call("setOperator", fuzzer.contract.address, True, sender=fuzzer.eoa)
    fuzzer.model.operators.add((fuzzer.eoa, fuzzer.contract.address))
    fuzzer.model.now = world.chain.now() + 1
    steps = [Step(0, "deposit", (40_000 * world.unit, fuzzer.eoa))]
    steps += [Step(i, "setOperator", (fuzzer.contract.address, True)) for i in range(len(fuzzer.actors))]
    fuzzer.run([fuzzer.predict(step) for step in steps])
    return fuzzer


def compare(
    chain: LocalChain,
    name: str,
    cases: int,
    begin: Callable[[OptionsWorld, int], TradingFuzzer],
    blocks: Sequence[int],
    *,
    record: Callable[[str, object], None],
) -> set[str]:
    """Random histories on that book until so many cases are done, and recorded; the outcomes that were seen."""

    def live(fuzzer: TradingFuzzer, left: int) -> int:
        while fuzzer.cases < min(HISTORY, left):
            fuzzer.block(fuzzer.draw.choice(blocks), fuzzer.draw.choice(WAITS))
            fuzzer.settle_expiries()
        return fuzzer.cases

    def fresh(seed: int) -> TradingFuzzer:
        return begin(deploy_options(chain, maxPositions=2, **BOOKS[name]), seed)

    return set(histories(chain, list(BOOKS).index(name), cases, fresh, live, record=record))


@cache
def event_topic(signature: str) -> bytes:
    """An event's first topic."""
    return keccak(text=signature)


def topic(value: Any) -> bytes:
    """An indexed argument."""
    if isinstance(value, str):
        return _bytes(value).rjust(32, b"\0")
    return value if isinstance(value, bytes) else int(value).to_bytes(32)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])
