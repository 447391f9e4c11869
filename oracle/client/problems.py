"""Problem documents (RFC 9457) as the errors that the service raised."""

from __future__ import annotations

import httpx

from oracle import errors
from oracle.errors import ContractRevert, InvalidInput, ModelRejected, OracleError, Retry, ServiceUnavailable


def problem_error(response: httpx.Response) -> OracleError:
    """The error that a problem document stands for; by status where it names none that we know."""
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    detail = str(problem.get("detail") or problem.get("title") or f"the service answered {response.status_code}")
    remedy = str(problem.get("remedy") or "")
    revert = problem.get("revert")
    if isinstance(revert, dict):
        return ContractRevert(str(revert.get("name")), tuple(revert.get("args") or ()), remedy=remedy)
    node = str(problem.get("node") or "")
    fallback = Retry if response.status_code >= 500 or response.status_code == 429 else InvalidInput
    error = named_error(str(problem.get("error") or ""), detail, remedy, fallback)
    if isinstance(error, ModelRejected):
        error.node = node
    return error


def named_error(name: str, message: str, remedy: str, fallback: type[OracleError] = OracleError) -> OracleError:
    """An error of the class of that name, or of `fallback` where there is none, with this message and remedy."""
    known = getattr(errors, name, None)
    kind = known if isinstance(known, type) and issubclass(known, OracleError) else fallback
    error = kind.__new__(kind)
    OracleError.__init__(error, message, remedy=remedy)
    return error


def no_answer(base_url: str, error: httpx.HTTPError) -> ServiceUnavailable:
    """What it means that nothing answers."""
    return ServiceUnavailable(
        f"no answer from {base_url}: {error or type(error).__name__}",
        remedy="see `plumbline status`; start the stack with `plumbline up`",
    )
