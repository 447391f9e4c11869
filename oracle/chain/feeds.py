"""Observation feeds, feature modules and RiskFeed: typed reads, and calls to send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_typing import HexStr
from web3.contract.contract import ContractFunction
from web3.types import BlockIdentifier

from oracle.chain import reverts
from oracle.chain.client import ChainClient
from oracle.domain.deployment import FeedGuards, ObservationLimits
from oracle.domain.garch import GarchParams
from oracle.domain.observations import VECTOR_DOMAIN_NAME, Observation, Report, ReportDomain, VectorReport
from oracle.errors import ArtifactMismatch, ContractRevert, InvalidInput

MAX_ROUND: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class FeedRound:
    """What any Chainlink reader sees: answer at the feed's decimals, times in unix seconds.

    `started_at` is the observation's time, `updated_at` the publication's block time.
    """

    round_id: int
    answer: int
    started_at: int
    updated_at: int

    @property
    def observed_at(self) -> int:
        """The time of the newest observation in it."""
        return self.started_at


@dataclass(frozen=True, slots=True)
class ProvenAnswer:
    """IRiskFeed.Round: `answer` is what consumers read, `proven_answer` what the proof says; both WAD."""

    round_id: int
    answer: int
    proven_answer: int
    observed_at: int
    updated_at: int
    observation_round: int


@dataclass(frozen=True, slots=True)
class ExpectedInputs:
    """What a proof for an observation round must carry as the feed's next round."""

    inputs: tuple[int, ...]  # signed integers at the model's input scale
    observed_at: int
    commitment: bytes


class AggregatorFeed:
    """The reads that every feed has."""

    def __init__(self, client: ChainClient, address: str, contract: str = "AggregatorV2V3Interface") -> None:
        self._client = client
        self.contract = client.contract(contract, address)

    @property
    def address(self) -> str:
        """The feed's contract."""
        return str(self.contract.address)

    def decimals(self) -> int:
        """Decimals of the answers."""
        return int(self._read("decimals"))

    def description(self) -> str:
        """Such as "SPX / USD"."""
        return str(self._read("description"))

    def latest_round(self) -> int:
        """The newest round's id; 0 before the first."""
        return int(self._read("latestRound"))

    def latest(self) -> FeedRound | None:
        """The newest round; None before the first."""
        try:
            return _feed_round(self._read("latestRoundData"))
        except reverts.NoDataPresent:
            return None

    def round_data(self, round_id: int) -> FeedRound:
        """One round. Raises reverts.NoDataPresent when it never was, or left the ring buffer."""
        return _feed_round(self._read("getRoundData", checked_round(round_id)))

    def _read(self, function: str, *arguments: object, block: BlockIdentifier = "latest") -> Any:
        return self._client.call(self.contract.functions[function](*arguments), block=block)


class ObservationFeed(AggregatorFeed):
    """Prices of 8 decimals, by publishers."""

    def __init__(self, client: ChainClient, address: str) -> None:
        super().__init__(client, address, "ObservationFeed")

    def report_domain(self) -> ReportDomain:
        """The EIP-712 domain under which its publishers sign."""
        return ReportDomain(self._client.chain_id, self.address)

    def publisher_set_version(self) -> int:
        """Part of every report."""
        return int(self._read("publisherSetVersion"))

    def publishers(self) -> list[str]:
        """Addresses."""
        return list(self._read("publishers"))

    def quorum(self) -> int:
        """Reports that an observation needs."""
        return int(self._read("quorum"))

    def limits(self) -> ObservationLimits:
        """Intervals, age, spread and move."""
        return ObservationLimits(*self._read("limits"))

    def segment_start(self) -> int:
        """First round after the last gap; windows do not reach before it."""
        return int(self._read("segmentStart"))

    def window(self, round_id: int, count: int, block: BlockIdentifier = "latest") -> tuple[list[int], int]:
        """`count` prices, oldest first, that end at a round, and the time of the last.

        Raises reverts.NoDataPresent, reverts.WindowNotAvailable.
        """
        prices, observed_at = self._read("window", checked_round(round_id), count, block=block)
        return list(prices), int(observed_at)

    def next_report(self, observation: Observation) -> Report:
        """What a publisher signs to make this observation the next round."""
        return Report(self.latest_round() + 1, observation.observed_at, observation.price, self.publisher_set_version())

    def submit(self, reports: Sequence[Report], signatures: Sequence[bytes]) -> ContractFunction:
        """The call that records one observation; reports in rising order of their signers."""
        return self.contract.functions.submit([report.as_tuple() for report in reports], list(signatures))

    def submit_many(
        self, reports: Sequence[Sequence[Report]], signatures: Sequence[Sequence[bytes]]
    ) -> ContractFunction:
        """The call that records several observations in order."""
        return self.contract.functions.submitMany(
            [[report.as_tuple() for report in batch] for batch in reports], [list(batch) for batch in signatures]
        )


class VectorObservationFeed(AggregatorFeed):
    """Vectors, by publishers; to readers of one answer the first component."""

    def __init__(self, client: ChainClient, address: str) -> None:
        super().__init__(client, address, "VectorObservationFeed")

    def report_domain(self) -> ReportDomain:
        """The EIP-712 domain under which its publishers sign."""
        return ReportDomain(self._client.chain_id, self.address, VECTOR_DOMAIN_NAME)

    def vector(self, round_id: int, block: BlockIdentifier = "latest") -> tuple[list[int], int]:
        """A round's values at the feed's decimals and its observation time. Raises reverts.NoDataPresent."""
        values, observed_at = self._read("vector", checked_round(round_id), block=block)
        return list(values), int(observed_at)

    def next_report(self, observed_at: int, values: Sequence[int]) -> VectorReport:
        """What a publisher signs to make this vector the next round."""
        return VectorReport(self.latest_round() + 1, observed_at, tuple(values), int(self._read("publisherSetVersion")))

    def submit(self, reports: Sequence[VectorReport], signatures: Sequence[bytes]) -> ContractFunction:
        """The call that records one vector; reports in rising order of their signers."""
        return self.contract.functions.submit([report.as_tuple() for report in reports], list(signatures))


class FeatureModule:
    """Any feature module: what a proof's inputs must be, and what its outputs stand for."""

    def __init__(self, client: ChainClient, address: str) -> None:
        self._client = client
        self.contract = client.contract("IScaledFeatureModule", address)

    @property
    def address(self) -> str:
        """The module's contract."""
        return str(self.contract.address)

    def source(self) -> str:
        """Address of the observation feed."""
        return str(self._client.call(self.contract.functions.source()))

    def inputs(self, observation_round: int, block: BlockIdentifier = "latest") -> tuple[list[int], int]:
        """The model's inputs for the window that ends at a round, and its last observation's time.

        Raises reverts.NoDataPresent, reverts.WindowNotAvailable, and the module's own refusals.
        """
        inputs, observed_at = self._client.call(
            self.contract.functions.inputs(checked_round(observation_round)), block=block
        )
        return list(inputs), int(observed_at)

    def answer(self, outputs_wad: Sequence[int], inputs: Sequence[int] = (), observation_round: int = 0) -> int:
        """The feed's answer that the model's outputs stand for, on these inputs of that observation round.

        Raises the module's refusals.
        """
        functions = self.contract.functions
        if self.answers_from_inputs():
            return int(self._client.call(functions.answerFor(observation_round, list(inputs), list(outputs_wad))))
        return int(self._client.call(functions.answer(list(outputs_wad))))

    def answers_from_inputs(self) -> bool:
        """Whether the answer depends on the inputs too (IScaledFeatureModule)."""
        try:
            return bool(self._client.call(self.contract.functions.answersFromInputs()))
        except (ContractRevert, ArtifactMismatch):
            return False


class GarchModule(FeatureModule):
    """GarchVolatilityModule: a feature module whose parameters can be read."""

    def __init__(self, client: ChainClient, address: str) -> None:
        super().__init__(client, address)
        self._own = client.contract("GarchVolatilityModule", address)

    def params(self) -> GarchParams:
        """The asset's parameters. Raises ArtifactMismatch when the module is of another kind."""
        return GarchParams(*self._client.call(self._own.functions.params()))

    def input_scale_bits(self) -> int:
        """Inputs are integers at 2^bits."""
        return int(self._client.call(self._own.functions.inputScaleBits()))


class SharedProofVerifier:
    """One proof for several feeds."""

    def __init__(self, client: ChainClient, address: str) -> None:
        self._client = client
        self.contract = client.contract("SharedProofVerifier", address)

    def inference_verifier(self) -> str:
        """Address of the InferenceVerifier behind. Raises a revert for a contract of another kind."""
        return str(self._client.call(self.contract.functions.inferenceVerifier()))

    def submit_rounds(
        self, feeds: Sequence[str], observation_round: int, output_instances: Sequence[int], zk_proof: bytes
    ) -> ContractFunction:
        """The call that proves once and publishes the next round of each feed."""
        return self.contract.functions.submitRounds(list(feeds), observation_round, list(output_instances), zk_proof)

    def decode_submit(self, data: bytes) -> tuple[list[str], int, list[int], bytes]:
        """Feeds, observation round, outputs and proof of a submitRounds' calldata. Raises ValueError for another."""
        function, arguments = self.contract.decode_function_input(HexStr("0x" + data.hex()))
        if function.fn_name != "submitRounds":
            raise ValueError(f"the call is {function.fn_name}, not submitRounds")
        return (
            list(arguments["feeds"]),
            int(arguments["observationRound"]),
            list(arguments["outputInstances"]),
            bytes(arguments["zkProof"]),
        )


class RiskFeed(AggregatorFeed):
    """Proven answers of 18 decimals."""

    def __init__(self, client: ChainClient, address: str) -> None:
        super().__init__(client, address, "RiskFeed")

    def round(self, round_id: int) -> ProvenAnswer:
        """One round. Raises reverts.NoDataPresent."""
        answer, proven, observed_at, updated_at, observation_round = self._read("round", checked_round(round_id))
        return ProvenAnswer(
            round_id, int(answer), int(proven), int(observed_at), int(updated_at), int(observation_round)
        )

    def expected_inputs(self, observation_round: int) -> ExpectedInputs:
        """What the proof for the next round must carry. Raises reverts.NoDataPresent, reverts.WindowNotAvailable."""
        inputs, observed_at, commitment = self._read("expectedInputs", checked_round(observation_round))
        return ExpectedInputs(tuple(inputs), int(observed_at), bytes(commitment))

    def submit_round(
        self, observation_round: int, output_instances: Sequence[int], zk_proof: bytes
    ) -> ContractFunction:
        """The call that proves and publishes the next round."""
        return self.contract.functions.submitRound(observation_round, list(output_instances), zk_proof)

    def guards(self) -> FeedGuards:
        """Bounds, rates, heartbeat and lag."""
        return FeedGuards(*self._read("guards"))

    def is_stale(self) -> bool:
        """Paused, without rounds, or with an observation older than the heartbeat."""
        return bool(self._read("isStale"))

    def paused(self) -> bool:
        """Whether the guardian has stopped it."""
        return bool(self._read("paused"))

    def conservative_answer(self) -> tuple[int, bool]:
        """The latest answer or the fallback, and whether it is the fallback."""
        answer, stale = self._read("conservativeAnswer")
        return int(answer), bool(stale)

    def root(self) -> bytes:
        """The hash chain's head."""
        return bytes(self._read("root"))

    def model_id(self) -> int:
        """The registered model."""
        return int(self._read("modelId"))

    def model_version(self) -> int:
        """The version that the next round is proven with."""
        return int(self._read("modelVersion"))

    def inference_verifier(self) -> str:
        """Address of the InferenceVerifier."""
        return str(self._read("inferenceVerifier"))

    def feature_module(self) -> FeatureModule:
        """What computes the inputs."""
        return FeatureModule(self._client, self._read("featureModule"))

    def decode_submit(self, data: bytes) -> tuple[int, list[int], bytes]:
        """Observation round, output instances and proof of a submitRound's calldata. Raises ValueError for another."""
        function, arguments = self.contract.decode_function_input(HexStr("0x" + data.hex()))
        if function.fn_name != "submitRound":
            raise ValueError(f"the call is {function.fn_name}, not submitRound")
        return int(arguments["observationRound"]), list(arguments["outputInstances"]), bytes(arguments["zkProof"])


def checked_round(round_id: int) -> int:
    """The id. Raises InvalidInput for one that no round can have: feeds count within uint64."""
    if not 0 <= round_id <= MAX_ROUND:
        raise InvalidInput(f"{round_id} is no round id: rounds count from 1 to {MAX_ROUND}")
    return round_id


def _feed_round(raw: Sequence[Any]) -> FeedRound:
    round_id, answer, started_at, updated_at, _ = raw
    return FeedRound(int(round_id), int(answer), int(started_at), int(updated_at))
