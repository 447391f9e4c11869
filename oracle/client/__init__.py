"""The typed client of the API, for programs: `Client` and `AsyncClient`.

    with Client("http://127.0.0.1:8000", key="plk_...") as oracle:
        print(oracle.feed("spx-volatility").answer)
        request = oracle.request_proof("garch-vol-32", [inputs])
        for event in oracle.events(request.id):
            print(event.name, event.data)
        proof = oracle.proof(request.id)

Answers are the API's own documents (oracle.api.schemas). Errors are those of oracle.errors that the service raised.
"""

from __future__ import annotations

from oracle.client.asynchronous import AsyncClient
from oracle.client.calls import Event
from oracle.client.synchronous import Client

__all__ = ["AsyncClient", "Client", "Event"]
