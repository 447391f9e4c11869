"""The one settings object: built once by the CLI, passed down, frozen."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from platformdirs import user_cache_path
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1"})
PROJECT_ROOT: Final = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Where things are and how the service behaves; every field can be set as PLUMBLINE_<NAME> in the environment."""

    model_config = SettingsConfigDict(env_prefix="PLUMBLINE_", frozen=True, extra="ignore")

    # Folders
    state_dir: Path = Field(
        PROJECT_ROOT / ".plumbline", description="Databases, logs, proofs and the running stack's record."
    )
    cache_dir: Path = Field(
        default_factory=lambda: user_cache_path("plumbline"), description="Rebuildable: set-ups and proving keys."
    )
    circuits_dir: Path = Field(PROJECT_ROOT / "circuits", description="Circuits that ship with the project.")
    build_dir: Path = Field(PROJECT_ROOT / "build", description="Compiled contracts.")

    # Chain
    rpc_url: str = Field("", description="Empty: the embedded Anvil.")
    chain_id: int = Field(31337, description="The chain id that the RPC must report.")
    operator_key: SecretStr | None = Field(
        None, description="Private key that pays; empty: Anvil's second account, local chains only."
    )
    keystore: Path | None = Field(None, description="Encrypted keystore file instead of operator_key.")
    keystore_password_file: Path | None = Field(None, description="File with the keystore's password.")
    signer_url: str = Field("", description="Remote signer (eth_signTransaction) instead of a key.")
    signer_address: str = Field("", description="The account that the remote signer signs for.")
    sender_keys: SecretStr | None = Field(
        None, description="More private keys that send, by commas; each transaction goes to the least busy one."
    )
    balance_floor_eth: float = Field(0.2, ge=0, description="A sending key below it is not used, and not ready.")
    confirmations: int = Field(0, ge=0, description="Blocks on top of a transaction's block before it counts.")
    max_fee_gwei: int = Field(200, gt=0, description="Cap on maxFeePerGas, also for replacements.")
    chain_poll_secs: float = Field(
        0.05, gt=0, description="Between two looks for a new block, of all that wait for one together."
    )
    tx_timeout_secs: float = Field(60.0, gt=0, description="Seconds in the pool before a transaction is replaced.")

    # Proving
    prove_timeout_secs: float = Field(120.0, gt=0, description="A worker that proves longer is killed.")
    prove_memory_mb: int = Field(8192, gt=0, description="A worker that grows beyond is killed.")
    max_workers: int = Field(2, gt=0, description="Proving processes at most.")

    # Uploads
    upload_sandbox: Literal["full", "weaker"] = Field(
        "full", description="weaker: uploads are read even where the kernel lacks a part of the sandbox."
    )
    upload_memory_mb: int = Field(2048, gt=0, description="A worker that reads an upload and grows beyond is killed.")
    upload_timeout_secs: float = Field(1800.0, gt=0, description="An upload that is not a circuit by then fails.")

    # Inference on request
    payee: str = Field("", description="Who is paid for answers on chain; empty: the operator.")
    fee_over_gas: float = Field(
        1.0, ge=0, description="A request on chain is answered when its fee is so many times its gas; 0: always."
    )
    fee_token_wei: str = Field("", description="What a base unit of a fee token is worth: 0xtoken=1e12,0xother=...")

    # Service
    database_url: str = Field("", description="SQLAlchemy URL; empty: SQLite in state_dir.")
    book_address: str = Field("", description="OrderMatching contract whose book this service keeps; empty: none.")
    circuit_queues: str = Field(
        "",
        description="Circuits with a queue of their own, by commas, which `worker --circuit` serves: keys stay warm.",
    )
    serve_proves: bool = Field(True, description="Whether `serve` proves too, or leaves that to workers.")
    silence_secs: float = Field(
        25.0, gt=0, description="A process over PostgreSQL that is not heard of for so long is dead; it beats 5 times."
    )
    artifacts_url: str = Field(
        "", description="Where proofs are kept, an fsspec URL (s3://..., gs://...); empty: in state_dir."
    )
    api_host: str = Field("127.0.0.1", description="Address that the API listens on.")
    api_port: int = Field(0, ge=0, le=65535, description="0: a free port.")
    otlp_endpoint: str = Field("", description="OpenTelemetry collector (OTLP over HTTP); empty: no traces.")
    api_keys: Literal["auto", "required", "off"] = Field(
        "auto", description="Who must have a key: auto is nobody on loopback, everybody elsewhere."
    )
    api_key: SecretStr | None = Field(None, description="The key that this command line sends to the API.")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_json: bool = Field(False, description="One JSON object a line instead of text.")
