"""The options book's variants on the stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from web3.contract import Contract

from oracle.chain.replay.feeding import Stub
from oracle.chain.replay.performance import compare
from oracle.chain.replay.perp import NOBODY, fund_everybody
from oracle.chain.replay.stage import Cast, Stage, Step
from oracle.domain.options_margin import OptionsBook
from oracle.domain.options_types import OptionsAccount, OptionsConfig, OptionsState
from oracle.domain.replay.calls import Call, Hour
from oracle.domain.replay.options import DECIMALS, MARK_TENOR, VARIANTS, mark_volatility
from oracle.domain.replay.runs import VariantRun, deployed_at

_NOT_IN_CONTRACT: Final = ("decimals", "has_risk", "has_weight", "has_peg", "has_confidence")


class OptionsProduction:
    """Books over one price feed and one volatility. `risk`: the real feed's address, or None for the stub."""

    def __init__(self, stage: Stage, cast: Cast, configs: Mapping[str, OptionsConfig], risk: str | None) -> None:
        self._stage, self._cast, self._configs = stage, cast, configs
        self._stub = None if risk else Stub(stage)
        self._marks = Stub(stage)
        self._risk = risk or (self._stub.address if self._stub else "")
        self._tokens = {name: stage.deploy("TestERC20", "Replay Dollar", "RUSD", DECIMALS) for name in configs}
        self.contracts: dict[str, Contract] = {}
        self._first_round = 0

    def open(self, first: Hour) -> None:
        """Deploys the books; everybody gets tokens."""
        stage = self._stage
        self._first_round = stage.rounds
        for place, name in enumerate(VARIANTS):
            config = self._configs[name]
            risk = self._risk if config.has_risk else NOBODY
            feeds = (self._tokens[name].address, stage.prices.address, risk, NOBODY, NOBODY, NOBODY)
            values = [getattr(config, f.name) for f in fields(OptionsConfig) if f.name not in _NOT_IN_CONTRACT]
            stage.client.set_next_block_timestamp(deployed_at(first.observed_at, place))
            pillars = [(self._marks.address, MARK_TENOR)]
            self.contracts[name] = stage.deploy("OptionsMargin", (*feeds, *values), pillars)
        stage.run(fund_everybody(stage, self._cast, self._tokens, self.contracts), deployed_at(first.observed_at, 30))

    def feeds(self, hour: Hour) -> list[Step]:
        """The hour's answer, and the volatility of the marks."""
        said = [self._marks.says(mark_volatility(hour), hour.observed_at)]
        if self._stub is not None and hour.risk:
            said.append(self._stub.says(hour.risk, hour.observed_at))
        return said

    def translate(self, call: Call, cast: Cast) -> Step:
        """As it is, but for an expiry's settlement: the contract wants the feed's round of that hour."""
        contract = self.contracts[call.variant]
        if call.function != "settleExpiry":
            return cast.step(contract, call)
        expiry, hour = call.args
        return self._stage.step(
            cast.number(call.sender), contract, "settleExpiry", expiry, self._first_round + int(hour)
        )

    def compare(self, run: VariantRun) -> int:
        """The whole state and every account, position by position."""
        book: OptionsBook = run.twin
        contract, read = self.contracts[run.name], self._stage.client.call
        names = [f.name for f in fields(OptionsState)]
        twin: dict[str, Any] = {name: getattr(book.state, name) for name in names}
        chain: dict[str, Any] = dict(zip(names, read(contract.functions.state()), strict=True))
        for name in self._cast.names:
            account = book.accounts.get(name, OptionsAccount())
            twin[f"cash of {name}"] = account.cash
            twin[f"auction of {name}"] = account.auction_started_at
            twin[f"positions of {name}"] = [(s.expiry, s.is_call, s.strike, n) for s, n in account.positions.items()]
            view = read(contract.functions.accountOf(self._cast.address(name)))
            chain[f"cash of {name}"], chain[f"auction of {name}"] = view[0], view[7]
            chain[f"positions of {name}"] = [tuple(position) for position in view[1]]
        twin["tokens held"] = book.state.cash // book.unit_wad
        chain["tokens held"] = read(self._tokens[run.name].functions.balanceOf(contract.address))
        return compare(run.name, twin, chain)
