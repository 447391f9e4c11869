"""The perpetual market's variants on the stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from web3.contract import Contract

from oracle.chain.replay.feeding import Stub
from oracle.chain.replay.performance import compare
from oracle.chain.replay.stage import Cast, Stage, Step
from oracle.domain.perp import PerpMarket
from oracle.domain.perp_book import PerpAccount, PerpState
from oracle.domain.perp_types import PerpConfig
from oracle.domain.replay.calls import Call, Hour
from oracle.domain.replay.perp import DECIMALS, STATIC, VARIANTS
from oracle.domain.replay.runs import VariantRun, deployed_at
from oracle.domain.replay.statics import Statics

MINTED: Final = 10**27
MAX_UINT: Final = 2**256 - 1
NOBODY: Final = "0x" + "0" * 40
_NOT_IN_CONTRACT: Final = ("decimals", "has_weight")


class PerpProduction:
    """Three markets over one price feed. `risk`: the real feed's address, or None for the stub."""

    def __init__(
        self, stage: Stage, cast: Cast, configs: Mapping[str, PerpConfig], statics: Statics, risk: str | None
    ) -> None:
        self._stage, self._cast, self._configs, self._statics = stage, cast, configs, statics
        self._stub = None if risk else Stub(stage)
        self._constant = Stub(stage)
        self._risk = risk or (self._stub.address if self._stub else "")
        self._tokens = {name: stage.deploy("TestERC20", "Replay Dollar", "RUSD", DECIMALS) for name in configs}
        self.contracts: dict[str, Contract] = {}

    def open(self, first: Hour) -> None:
        """Deploys the markets; everybody gets tokens."""
        stage = self._stage
        for place, name in enumerate(VARIANTS):
            risk = self._constant.address if name == STATIC else self._risk
            token = self._tokens[name]
            config = (token.address, stage.prices.address, risk, NOBODY, stage.sender.address)
            values = [
                getattr(self._configs[name], f.name) for f in fields(PerpConfig) if f.name not in _NOT_IN_CONTRACT
            ]
            stage.client.set_next_block_timestamp(deployed_at(first.observed_at, place))
            self.contracts[name] = stage.deploy("PerpMarket", (*config, *values))
        stage.run(fund_everybody(stage, self._cast, self._tokens, self.contracts), deployed_at(first.observed_at, 30))

    def feeds(self, hour: Hour) -> list[Step]:
        """The hour's answer, and the static margin."""
        said = [self._constant.says(self._statics.margin, hour.observed_at)]
        if self._stub is not None and hour.risk:
            said.append(self._stub.says(hour.risk, hour.observed_at))
        return said

    def translate(self, call: Call, cast: Cast) -> Step:
        """As it is."""
        return cast.step(self.contracts[call.variant], call)

    def compare(self, run: VariantRun) -> int:
        """The whole state and every account."""
        market: PerpMarket = run.twin
        contract, read = self.contracts[run.name], self._stage.client.call
        state = read(contract.functions.state())
        names = [f.name for f in fields(PerpState)]
        twin: dict[str, Any] = {name: getattr(market.state, name) for name in names}
        chain: dict[str, Any] = dict(zip(names, state, strict=True))
        for name in self._cast.names:
            account = market.accounts.get(name, PerpAccount())
            twin[f"base of {name}"], twin[f"cash of {name}"] = account.base, account.cash
            position = read(contract.functions.position(self._cast.address(name)))
            chain[f"base of {name}"], chain[f"cash of {name}"] = position[0], position[1]
        twin["tokens held"] = market.state.cash // market.unit_wad
        chain["tokens held"] = read(self._tokens[run.name].functions.balanceOf(contract.address))
        return compare(run.name, twin, chain)


def fund_everybody(
    stage: Stage, cast: Cast, tokens: Mapping[str, Contract], contracts: Mapping[str, Contract]
) -> list[Step]:
    """The calls by which every actor gets every token and lets its contract take it."""
    steps = []
    for name, token in tokens.items():
        for actor in map(cast.number, cast.names):
            steps.append(stage.step(actor, token, "mint", stage.addresses[actor], MINTED))
            steps.append(stage.step(actor, token, "approve", contracts[name].address, MAX_UINT))
    return steps
