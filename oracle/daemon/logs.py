"""Structured logs: one line an event, with the request's id from the API call to the transaction."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

import structlog

from oracle.errors import ConfigurationError
from oracle.settings import Settings

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
# Libraries that tell every request at INFO
_CHATTY: Final = ("httpx", "httpcore", "urllib3", "web3", "uvicorn.access", "asyncio")


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Sends every log of this process to `stream` (stderr), as text or as JSON lines.

    Raises ConfigurationError for an unknown level.
    """
    level = settings.log_level.upper()
    if level not in LEVELS:
        raise ConfigurationError(f"{settings.log_level!r} is no log level", remedy=f"choose one of {', '.join(LEVELS)}")
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    final: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if settings.log_json
        # Not rich's: it prints every local variable, secrets too, and takes seconds over it
        else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final]
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


@contextmanager
def bound(**values: object) -> Iterator[None]:
    """Adds these values to every log line written inside, in this thread or task."""
    with structlog.contextvars.bound_contextvars(**values):
        yield
