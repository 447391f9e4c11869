"""The replay: at each step of the market a decision, a proof where it says so, and the loan's keeper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from oracle.chain.feeds import ObservationFeed
from oracle.cli.demo.loan import Loan
from oracle.cli.demo.report import RoundRow, sample_volatility
from oracle.cli.embedded import push
from oracle.cli.market_plan import MarketNames
from oracle.daemon.feeder import Feeder, FeederRule
from oracle.daemon.observing import Observer
from oracle.daemon.service import OracleService
from oracle.domain.features import PRICES
from oracle.domain.push_policy import Push
from oracle.errors import SourceExhausted
from oracle.market.base import MarketSource

# A new proof when the expected answer has moved so far; a live feed is set finer
DEVIATION_BPS: Final = 500
# Observations at most for each proof: an endless market that never moves would otherwise never end
STEPS_PER_ROUND: Final = 20
HEALTHY: Final = 1 << 255


@dataclass(frozen=True, slots=True)
class Progress:
    """What the replay tells while it runs."""

    observation: Callable[[int, int, str], None]  # observed at, price, the feeder's reason
    round: Callable[[RoundRow], None]


@dataclass
class Replay:
    """Steps a market through the service until it ends or enough rounds are proven."""

    service: OracleService
    source: MarketSource
    names: MarketNames
    open_loan: Callable[[], Loan]  # called once, after the first proven round
    progress: Progress
    loan: Loan | None = None
    rows: list[RoundRow] = field(default_factory=list)
    steps: int = 0

    def run(self, rounds: int) -> None:
        """All steps. Raises the error that a request failed with."""
        parts = self.service.parts
        volatility = parts.feed(self.names.volatility)
        feeder = Feeder(
            parts,
            Observer(parts),
            feeds=lambda: [volatility],
            push=lambda name: None,
            idle=lambda: False,
            on_fatal=lambda error: None,
            rule=FeederRule(deviation_threshold_bps=DEVIATION_BPS),
        )
        while len(self.rows) < rounds and self.steps < rounds * STEPS_PER_ROUND:
            decision = feeder.decision(volatility)
            proven = decision.push is Push.YES
            try:
                result = push(self.service, self.names.volatility if proven else self.names.price)
            except SourceExhausted:
                return
            self.steps += 1
            observed_at, price = int(result["observedAt"]), int(result["price"])
            self.progress.observation(observed_at, price, decision.reason)
            if self.loan is None:
                self.loan = self.open_loan()
                self.loan.open(observed_at)
            self.loan.step(observed_at)
            if proven:
                self._add(result, self.loan)

    def _add(self, result: dict[str, Any], loan: Loan) -> None:
        feed = ObservationFeed(self.service.parts.client, self.service.parts.feed(self.names.price).address)
        prices, _ = feed.window(int(result["observationRound"]), PRICES)
        position = loan.position()
        row = RoundRow(
            round_id=int(result["roundId"]),
            observed_at=int(result["observedAt"]),
            price=int(result["price"]),
            observed_vol=sample_volatility(prices, self.source.periods_per_year),
            proven_vol_wad=int(result["provenAnswer"]),
            liquidation_ltv_wad=loan.liquidation_ltv(),
            health_factor_wad=position.health_factor if position.health_factor < HEALTHY else None,
            state=position.state.name.lower(),
            gas=int(result["gasUsed"]),
            seconds=result["seconds"],
            tx_hash=str(result["txHash"]),
        )
        self.rows.append(row)
        self.progress.round(row)
