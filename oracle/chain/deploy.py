"""Brings the project's contracts onto a chain, one recorded step at a time; a second run skips what stands.

A step is skipped when the record holds it with the same creation code and arguments, and the chain has the recorded
code at its address. So a change of source or arguments deploys that contract anew, and what refers to it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from eth_utils.crypto import keccak
from filelock import FileLock
from hexbytes import HexBytes
from web3.contract.contract import ContractConstructor

from oracle.chain import build, solc
from oracle.chain.accounts import refuse_well_known
from oracle.chain.board import MARKET_INPUTS
from oracle.chain.client import ChainClient, checked_address
from oracle.chain.feeds import RiskFeed
from oracle.chain.models import ModelRegistry
from oracle.chain.records import load_deployment, record_path, save_deployment
from oracle.chain.registration import ModelEntry, register
from oracle.chain.sender import Sender
from oracle.chain.verifier_cache import compiled_verifier
from oracle.constants import ANSWER_DECIMALS, DEV_S_G2_X, PRICE_DECIMALS, PROOF_SYSTEM_ID, SAFE_SRS_KINDS
from oracle.domain.deployment import (
    ZERO_ADDRESS,
    BoardPlan,
    CircuitFacts,
    CollateralPlan,
    CollateralRecord,
    ContractPlan,
    ContractRecord,
    Deployment,
    FeatureFeedPlan,
    FeedAddress,
    FeedRecord,
    InputScale,
    LendingPlan,
    LendingRecord,
    ModelRecord,
    PriceFeedPlan,
    TokenRecord,
    VectorFeedPlan,
    VolatilityFeedPlan,
)
from oracle.errors import ConfigurationError, InvalidInput, UnsafeSetup

Say = Callable[[str], None]


class Deployer:
    """Deploys with one sender, who becomes admin, guardian and owner where nobody else is named."""

    def __init__(self, client: ChainClient, sender: Sender, say: Say = lambda _: None) -> None:
        self._client = client
        self._sender = sender
        self._say = say
        self._settings = client.settings
        self._lock = threading.RLock()
        self._deployment = self._recorded()

    @property
    def deployment(self) -> Deployment:
        """What stands on the chain so far."""
        return self._deployment

    def deploy_core(self, *, admin: str = "", guardian: str = "", activation_delay: int = 0) -> Deployment:
        """ModelRegistry and InferenceVerifier. `activation_delay`: seconds between a verifier's binding and its use."""
        with self._exclusive():
            registry = self._ensure(
                "registry",
                self._artifact("ModelRegistry"),
                self._party(admin),
                self._party(guardian),
                activation_delay,
            )
            verifier = self._ensure("inference-verifier", self._artifact("InferenceVerifier"), registry)
            self._save(registry=registry, inference_verifier=verifier, deployer=self._sender.address)
        return self._deployment

    def deploy_coordinator(self, owner: str = "") -> Deployment:
        """The InferenceCoordinator, whose owner sets prices. The core stands already."""
        if not self._deployment.inference_verifier:
            raise ConfigurationError("there is no verifier yet", remedy="Deploy the core first (plumbline deploy).")
        with self._exclusive():
            artifact = self._artifact("InferenceCoordinator")
            block = self._client.head().number
            address = self._ensure("coordinator", artifact, self._deployment.inference_verifier, self._party(owner))
            if address != self._deployment.coordinator:
                self._save(coordinator=address, coordinator_block=block)
        return self._deployment

    def deploy_token(self, symbol: str, name: str, decimals: int) -> TokenRecord:
        """A token that anyone can mint. Raises UnsafeSetup off local chains."""
        if not self._client.is_local:
            raise UnsafeSetup(f"a token that anyone can mint has no place on chain {self._client.chain_id}")
        with self._exclusive():
            address = self._ensure(f"token/{symbol}", self._artifact("TestERC20"), name, symbol, decimals)
            return self._save_token(TokenRecord(symbol=symbol, address=address, decimals=decimals))

    def use_token(self, symbol: str, address: str) -> TokenRecord:
        """Records an ERC-20 that stands on the chain already. Raises ArtifactMismatch when there is none."""
        token = self._client.contract("TestERC20", address)
        decimals = int(self._client.call(token.functions.decimals()))
        with self._exclusive():
            return self._save_token(TokenRecord(symbol=symbol, address=checked_address(address), decimals=decimals))

    def deploy_model(
        self, manifest: CircuitFacts, verifier_source: Path, proof_system_id: bytes = PROOF_SYSTEM_ID
    ) -> ModelRecord:
        """A circuit's verifier, registered and, unless the registry's timelock runs, active.

        A name known with other hashes becomes a new version of its model. proof_system_id: ERC-7992's. Raises
        UnsafeSetup for a set-up made on a developer's machine off local chains, ModelRejected for a verifier above
        24,576 bytes.
        """
        if not self._client.is_local:
            refuse_unsafe_srs(manifest, verifier_source)
        artifact = compiled_verifier(self._settings, verifier_source, solc.VERIFIER_CONTRACTS[proof_system_id])
        solc.check_code_size(artifact)
        with self._exclusive():
            verifier = self._ensure(f"verifier/{manifest.circuit_id}", artifact)
            return self._register(ModelEntry.of(manifest, verifier, self._client.code_hash(verifier), proof_system_id))

    def deploy_price_feed(self, plan: PriceFeedPlan) -> FeedRecord:
        """An ObservationFeed. Raises UnsafeSetup for a publisher whose key is public, off local chains."""
        publishers = self._checked_publishers(plan.publishers)
        with self._exclusive():
            address = self._ensure(
                f"feed/{plan.name}",
                self._artifact("ObservationFeed"),
                plan.description,
                plan.capacity,
                self._party(""),
                list(publishers),
                plan.quorum,
                plan.limits.as_tuple(),
            )
            return self._save_feed(
                FeedRecord(
                    name=plan.name,
                    kind="price",
                    address=address,
                    decimals=PRICE_DECIMALS,
                    description=plan.description,
                    publishers=publishers,
                    quorum=plan.quorum,
                    heartbeat=plan.limits.max_interval,
                    limits=plan.limits,
                )
            )

    def deploy_volatility_feed(self, plan: VolatilityFeedPlan) -> FeedRecord:
        """A GarchVolatilityModule and the RiskFeed over it; its price feed and its model stand already.

        Raises NotFound for either, InvalidInput for a model that is not active or has a scale for each input.
        """
        plan.params.validate()
        feed = FeatureFeedPlan(
            name=plan.name,
            description=plan.description,
            kind="volatility",
            unit="annualised volatility",
            observations=plan.observations,
            model=plan.model,
            module="GarchVolatilityModule",
            arguments=(FeedAddress(plan.observations), _garch_tuple(plan), InputScale()),
            guards=plan.guards,
            decimals=ANSWER_DECIMALS,
            params=plan.params,
        )
        return self.deploy_feature_feed(feed)

    def deploy_vector_feed(self, plan: VectorFeedPlan) -> FeedRecord:
        """A VectorObservationFeed. Raises UnsafeSetup for a publisher whose key is public, off local chains."""
        publishers = self._checked_publishers(plan.publishers)
        components = [(_bytes32(c.name), c.low, c.high) for c in plan.components]
        with self._exclusive():
            address = self._ensure(
                f"feed/{plan.name}",
                self._artifact("VectorObservationFeed"),
                plan.description,
                plan.decimals,
                plan.capacity,
                components,
                self._party(""),
                list(publishers),
                plan.quorum,
                plan.limits.as_tuple(),
            )
            return self._save_feed(
                FeedRecord(
                    name=plan.name,
                    kind="vector",
                    address=address,
                    decimals=plan.decimals,
                    description=plan.description,
                    publishers=publishers,
                    quorum=plan.quorum,
                    heartbeat=plan.limits.max_interval,
                    unit=", ".join(component.name for component in plan.components),
                    limits=plan.limits,
                )
            )

    def deploy_feature_feed(self, plan: FeatureFeedPlan) -> FeedRecord:
        """A feature module and the RiskFeed over it; the feeds that it reads and its model stand already.

        Raises NotFound for either, InvalidInput for a model that is not active or has a scale for each input.
        """
        with self._exclusive():
            model = self._deployment.model(plan.model)
            if not model.active or len(model.input_scale_bits) != 1:
                raise InvalidInput(f"{plan.model} cannot drive a feed: active {model.active}, scales differ")
            arguments = [self._resolved(argument, model) for argument in plan.arguments]
            self._deployment.feed(plan.observations)
            module = self._ensure(f"module/{plan.name}", self._artifact(plan.module), *arguments)
            verifier = self._deployment.inference_verifier
            if plan.group:
                shared = self._artifact("SharedProofVerifier")
                verifier = self._ensure(f"group/{plan.group}", shared, verifier)
            address, first_version = self._ensure_risk_feed(plan, model, module, verifier)
            return self._save_feed(
                FeedRecord(
                    name=plan.name,
                    kind=plan.kind,
                    address=address,
                    decimals=plan.decimals,
                    description=plan.description,
                    observations=plan.observations,
                    model=plan.model,
                    first_model_version=first_version,
                    feature_module=module,
                    heartbeat=plan.guards.heartbeat,
                    unit=plan.unit,
                    group=plan.group,
                    verifier=verifier if plan.group else "",
                    params=plan.params,
                    guards=plan.guards,
                )
            )

    def deploy_feed(self, prices: PriceFeedPlan, volatility: VolatilityFeedPlan) -> tuple[FeedRecord, FeedRecord]:
        """Both feeds of one market."""
        return self.deploy_price_feed(prices), self.deploy_volatility_feed(volatility)

    def deploy_lending(self, plan: LendingPlan) -> LendingRecord:
        """A LendingVault. Raises NotFound for a token or feed that is not there."""
        with self._exclusive():
            config = (self._deployment.token(plan.debt).address, plan.board_setter, *plan.terms.as_tuple())
            collaterals = [self._collateral_config(collateral) for collateral in plan.collaterals]
            block, earlier = self._client.head().number, self._deployment.lending.get(plan.name)
            address = self._ensure(f"lending/{plan.name}", self._artifact("LendingVault"), config, collaterals)
            record = LendingRecord(
                name=plan.name,
                address=address,
                debt=plan.debt,
                collaterals=tuple(
                    CollateralRecord(
                        symbol=c.symbol, price_feed=c.price_feed, risk_feed=c.risk_feed, weight_feed=c.weight_feed
                    )
                    for c in plan.collaterals
                ),
                first_block=earlier.first_block if earlier and earlier.address == address else block,
            )
            self._save(lending={**self._deployment.lending, plan.name: record})
        return record

    def deploy_board(self, plan: BoardPlan) -> FeedRecord:
        """A LiquidationBoard, named to its vault where this sender may; its vault, prices and model stand already.

        Raises NotFound for one of them, InvalidInput for a model that is not active or no liquidation circuit.
        """
        with self._exclusive():
            model = self._deployment.model(plan.model)
            places = model.input_count - MARKET_INPUTS
            if not model.active or len(model.input_scale_bits) != 1 or model.output_count != places + 1:
                raise InvalidInput(
                    f"{plan.model} cannot drive a liquidation board: active {model.active}, "
                    f"{model.input_count} inputs, {model.output_count} outputs",
                    remedy="name liquidation-1, liquidation-16 or liquidation-64",
                )
            lending = self._deployment.vault(plan.lending)
            vault = lending.address
            prices = self._deployment.feed(plan.observations).address

            def config(version: int) -> tuple[object, ...]:
                parties = (self._party(""), self._party(""), self._deployment.inference_verifier)
                sizes = (plan.stride, plan.max_age, model.input_scale_bits[0], places)
                return (*parties, model.model_id, version, vault, prices, *sizes)

            address, first_version = self._ensure_versioned(plan.name, "LiquidationBoard", model.version, config)
            self._name_board(vault, address)
            return self._save_feed(
                FeedRecord(
                    name=plan.name,
                    kind="liquidation",
                    address=address,
                    decimals=ANSWER_DECIMALS,
                    description=plan.description,
                    observations=plan.observations,
                    model=plan.model,
                    first_model_version=first_version,
                    heartbeat=plan.heartbeat,
                    unit="highest probability of liquidation within 7 days",
                    lending=plan.lending,
                    first_block=lending.first_block,
                )
            )

    # --- steps

    def _name_board(self, vault: str, board: str) -> None:
        """Has the vault take alarms from the board, if it has none yet and this sender may name it."""
        functions = self._client.contract("LendingVault", vault).functions
        if self._client.call(functions.board()) != ZERO_ADDRESS:
            return
        setter = self._client.call(functions.config())[1]
        if setter == self._sender.address:
            self._sender.transact(f"name-board/{vault}/{board}", functions.nameBoard(checked_address(board)))
        else:
            self._say("the vault takes no alarms from this board: its board setter is another")

    def _collateral_config(self, plan: CollateralPlan) -> tuple[object, ...]:
        """CollateralConfig, in the ABI's order."""
        return (
            self._deployment.token(plan.symbol).address,
            self._deployment.feed(plan.price_feed).address,
            self._deployment.feed(plan.risk_feed).address,
            self._deployment.feed(plan.weight_feed).address if plan.weight_feed else ZERO_ADDRESS,
            *plan.terms.as_tuple(),
        )

    def _ensure(self, step: str, artifact: build.ContractArtifact, *arguments: object) -> str:
        standing = self._standing(step, artifact, *arguments)
        if standing is not None:
            return standing
        constructor = self._client.constructor(artifact, *arguments)
        creation_hash = _creation_hash(constructor)
        self._say(f"deploying {step}")
        receipt = self._sender.create(f"deploy/{step}/{creation_hash}", constructor)
        address = receipt["contractAddress"]
        if address is None:
            raise ConfigurationError(f"the receipt of {step} names no contract")
        record = ContractRecord(
            contract=artifact.name,
            address=address,
            creation_hash=creation_hash,
            code_hash=HexBytes(self._client.code_hash(address)).to_0x_hex(),
        )
        self._save(contracts={**self._deployment.contracts, step: record})
        return str(address)

    def _standing(self, step: str, artifact: build.ContractArtifact, *arguments: object) -> str | None:
        """Where the recorded contract of a step stands, if it is this one and its code is on chain."""
        known = self._deployment.contracts.get(step)
        if known is None or known.creation_hash != _creation_hash(self._client.constructor(artifact, *arguments)):
            return None
        code = self._client.code(known.address)
        return known.address if code and keccak(code) == bytes(HexBytes(known.code_hash)) else None

    def _register(self, entry: ModelEntry) -> ModelRecord:
        if not self._deployment.registry:
            raise ConfigurationError("there is no registry yet", remedy="Deploy the core first (plumbline deploy).")
        registry = ModelRegistry(self._client, self._deployment.registry)
        known = self._deployment.models.get(entry.name)
        record = register(self._client, self._sender, registry, entry, known=known, say=self._say)
        self._save(models={**self._deployment.models, entry.name: record})
        return record

    def _ensure_risk_feed(
        self, plan: FeatureFeedPlan, model: ModelRecord, module: str, verifier: str
    ) -> tuple[str, int]:
        """The feed's address and the model version it was deployed with: a newer version is set, not deployed."""
        return self._ensure_versioned(
            plan.name,
            "RiskFeed",
            model.version,
            lambda version: self._feed_config(plan, model.model_id, version, module, verifier),
        )

    def _ensure_versioned(
        self, name: str, contract: str, version: int, config: Callable[[int], tuple[object, ...]]
    ) -> tuple[str, int]:
        """Address and first version of what is proven with a model, `config` being its constructor's argument."""
        step, artifact = f"feed/{name}", self._artifact(contract)
        earlier = self._deployment.feeds.get(name)
        if earlier is not None:
            standing = self._standing(step, artifact, config(earlier.first_model_version))
            if standing is not None:
                self._move_to_version(standing, version)
                return standing, earlier.first_model_version
        return self._ensure(step, artifact, config(version)), version

    def _move_to_version(self, feed: str, version: int) -> None:
        risk_feed = RiskFeed(self._client, feed)
        if risk_feed.model_version() != version:
            call = risk_feed.contract.functions.setModelVersion(version)
            self._sender.transact(f"set-version/{feed}/{version}", call)

    def _feed_config(
        self, plan: FeatureFeedPlan, model_id: int, version: int, module: str, verifier: str
    ) -> tuple[object, ...]:
        return (
            self._party(""),
            self._party(""),
            verifier,
            model_id,
            version,
            module,
            plan.description,
            plan.decimals,
            plan.guards.as_tuple(),
        )

    def _resolved(self, argument: object, model: ModelRecord) -> object:
        """A constructor's argument with names replaced by what stands for them."""
        if isinstance(argument, FeedAddress):
            return self._deployment.feed(argument.feed).address
        if isinstance(argument, InputScale):
            return model.input_scale_bits[0]
        if isinstance(argument, ContractPlan):
            arguments = [self._resolved(part, model) for part in argument.arguments]
            return self._ensure(f"module/{argument.name}", self._artifact(argument.contract), *arguments)
        if isinstance(argument, tuple | list):
            return tuple(self._resolved(part, model) for part in argument)
        return argument

    def _checked_publishers(self, addresses: tuple[str, ...]) -> tuple[str, ...]:
        publishers = tuple(checked_address(publisher) for publisher in addresses)
        for publisher in publishers:
            refuse_well_known(publisher, self._client.chain_id)
        return publishers

    def _artifact(self, name: str) -> build.ContractArtifact:
        return build.load(self._settings, name)

    def _party(self, address: str) -> str:
        return checked_address(address) if address else self._sender.address

    # --- the record

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """One process at a time, on the record as it is now."""
        lock = record_path(self._settings, self._client.chain_id).with_suffix(".lock")
        lock.parent.mkdir(parents=True, exist_ok=True)
        with self._lock, FileLock(lock):
            self._deployment = self._recorded()
            yield

    def _recorded(self) -> Deployment:
        chain_id, chain_key = self._client.chain_id, self._client.chain_key
        recorded = load_deployment(self._settings, chain_id, chain_key)
        return recorded or Deployment(chain_id=chain_id, chain_key=chain_key)

    def _save(self, **changes: object) -> None:
        self._deployment = self._deployment.with_(**changes)
        save_deployment(self._settings, self._deployment)

    def _save_feed(self, record: FeedRecord) -> FeedRecord:
        self._save(feeds={**self._deployment.feeds, record.name: record})
        return record

    def _save_token(self, record: TokenRecord) -> TokenRecord:
        self._save(tokens={**self._deployment.tokens, record.symbol: record})
        return record


def _creation_hash(constructor: ContractConstructor) -> str:
    return HexBytes(keccak(HexBytes(constructor.data_in_transaction))).to_0x_hex()


def _bytes32(name: str) -> bytes:
    text = name.encode()
    if not 0 < len(text) < 32:
        raise InvalidInput(f"{name!r} is no name of 1 to 31 letters")
    return text.ljust(32, b"\0")


def refuse_unsafe_srs(manifest: CircuitFacts, verifier_source: Path) -> None:
    """Raises UnsafeSetup for a set-up under which proofs can be forged, by its kind and by the verifier's constants."""
    text = verifier_source.read_text().lower()
    development = any(coordinate.lstrip("0") in text for coordinate in DEV_S_G2_X)
    if manifest.srs_kind not in SAFE_SRS_KINDS or development:
        kind = "dev" if development else manifest.srs_kind
        raise UnsafeSetup(
            f"{manifest.circuit_id} was set up with a {kind} SRS: whoever made it can forge proofs",
            remedy="Rebuild it on a public ceremony's SRS: plumbline srs import, then plumbline model rebuild.",
        )


def _garch_tuple(plan: VolatilityFeedPlan) -> tuple[int, ...]:
    params = plan.params
    return (
        params.sigma_ref_wad,
        params.omega_wad,
        params.alpha_wad,
        params.beta_wad,
        params.horizon,
        params.periods_per_year,
    )
