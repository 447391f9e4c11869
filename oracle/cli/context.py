"""What every command gets: settings, built once, and how it shall print."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

import typer

from oracle.errors import ConfigurationError, InvalidInput
from oracle.paths import absolute

if TYPE_CHECKING:
    from oracle.settings import Settings


@dataclass
class Invocation:
    """One call of the command line."""

    as_json: bool = False
    verbose: bool = False
    overrides: dict[str, object] = field(default_factory=dict)

    @cached_property
    def settings(self) -> Settings:
        """The settings, read from the environment now. Raises ConfigurationError naming each wrong variable."""
        return load_settings(**self.overrides)


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment and these overrides, folders as absolute paths."""
    from pydantic import ValidationError

    from oracle.settings import Settings

    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = "; ".join(f"PLUMBLINE_{_name(item['loc'])}: {item['msg']}" for item in error.errors())
        raise ConfigurationError(wrong, remedy="unset the variable or give it a value of the kind named") from None
    found = {}
    for name in ("state_dir", "cache_dir", "circuits_dir", "build_dir"):
        try:
            found[name] = absolute(getattr(settings, name))
        except InvalidInput as error:
            raise ConfigurationError(f"PLUMBLINE_{name.upper()}: {error}", remedy="name a folder") from None
    return settings.model_copy(update=found)


def _name(location: tuple[int | str, ...]) -> str:
    return "_".join(str(part) for part in location).upper()


def invocation(ctx: typer.Context) -> Invocation:
    """The invocation that `main` put into the context."""
    found = ctx.find_object(Invocation)
    return found if found is not None else Invocation()


def _set_json(ctx: typer.Context, value: bool) -> bool:
    if value:
        invocation(ctx).as_json = True
    return value


JsonOption = Annotated[
    bool, typer.Option("--json", help="Print facts as JSON.", callback=_set_json, is_eager=True, show_default=False)
]


class ProofSystem(StrEnum):
    """What proves a circuit."""

    EZKL = "ezkl"
    GROTH16 = "groth16"


SystemOption = Annotated[
    ProofSystem, typer.Option("--system", help="groth16: for small networks, after `plumbline groth16 setup`.")
]
