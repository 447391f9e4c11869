"""The protocols that can be replayed: how their users live, their contracts, their bars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from oracle.chain.replay.lending import LendingProduction
from oracle.chain.replay.options import OptionsProduction
from oracle.chain.replay.performance import Production
from oracle.chain.replay.perp import PerpProduction
from oracle.chain.replay.stage import Cast, Stage
from oracle.domain.replay import lending, options, perp
from oracle.domain.replay.calls import Hour
from oracle.domain.replay.population import borrowing_intents, trading_intents, writing_intents
from oracle.domain.replay.report import Bar, margin_bars
from oracle.domain.replay.runs import VariantRun
from oracle.domain.replay.statics import Statics

Run: TypeAlias = Callable[[Sequence[Hour], Statics, int], list[VariantRun]]
Produce: TypeAlias = Callable[[Stage, Cast, Sequence[Hour], Statics, str | None], Production]
Bars: TypeAlias = Callable[[Sequence[Hour], Mapping[str, VariantRun], Statics], list[Bar]]


@dataclass(frozen=True, slots=True)
class Protocol:
    """One protocol; `dynamic` and `static` are the variants whose comparison is the verdict."""

    dynamic: str
    static: str
    run: Run
    production: Produce
    bars: Bars


def _run_perp(hours: Sequence[Hour], statics: Statics, seed: int) -> list[VariantRun]:
    intents = trading_intents(seed, len(hours))
    configs = perp.variants(statics, hours[0].price)
    return [perp.run_perp(name, config, hours, statics, intents) for name, config in configs.items()]


def _perp_production(stage: Stage, cast: Cast, hours: Sequence[Hour], statics: Statics, risk: str | None) -> Production:
    return PerpProduction(stage, cast, perp.variants(statics, hours[0].price), statics, risk)


def _perp_bars(hours: Sequence[Hour], runs: Mapping[str, VariantRun], statics: Statics) -> list[Bar]:
    deep, fixed = runs[perp.DYNAMIC].outcome(), runs[perp.FIXED_DEPTH].outcome()
    gain = deep.fund_change - fixed.fund_change
    depth = Bar("fund's result with dynamic depth, over fixed depth", gain, "above 0", gain > 0)
    return [*margin_bars(hours, runs[perp.DYNAMIC], statics), depth]


def _run_options(hours: Sequence[Hour], statics: Statics, seed: int) -> list[VariantRun]:
    intents = writing_intents(seed, len(hours))
    configs = options.variants(statics, hours[0].price)
    return [options.run_options(name, config, hours, intents) for name, config in configs.items()]


def _options_production(
    stage: Stage, cast: Cast, hours: Sequence[Hour], statics: Statics, risk: str | None
) -> Production:
    return OptionsProduction(stage, cast, options.variants(statics, hours[0].price), risk)


def _options_bars(hours: Sequence[Hour], runs: Mapping[str, VariantRun], statics: Statics) -> list[Bar]:
    return margin_bars(hours, runs[options.DYNAMIC], statics)


def _run_lending(hours: Sequence[Hour], statics: Statics, seed: int) -> list[VariantRun]:
    intents = borrowing_intents(seed, len(hours))
    return [lending.run_lending(name, hours, statics, intents) for name in lending.VARIANTS]


def _lending_production(
    stage: Stage, cast: Cast, hours: Sequence[Hour], statics: Statics, risk: str | None
) -> Production:
    return LendingProduction(stage, cast, statics, risk)


def _lending_bars(hours: Sequence[Hour], runs: Mapping[str, VariantRun], statics: Statics) -> list[Bar]:
    debt = lending.foreseen_bad_debt(hours, runs[lending.DYNAMIC])
    return [Bar("bad debt after falls of no more than the foreseen 99 % move", debt, "0", debt == 0)]


PROTOCOLS: Final[dict[str, Protocol]] = {
    "lending": Protocol(lending.DYNAMIC, lending.STATIC, _run_lending, _lending_production, _lending_bars),
    "perp": Protocol(perp.DYNAMIC, perp.STATIC, _run_perp, _perp_production, _perp_bars),
    "options": Protocol(options.DYNAMIC, options.STATIC, _run_options, _options_production, _options_bars),
}
