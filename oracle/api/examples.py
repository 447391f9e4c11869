"""An example of each document that the API answers with, for the OpenAPI document; a test holds them to the schemas."""

from __future__ import annotations

from typing import Any, Final

_HASH: Final = "0x" + "1f" * 32
_ADDRESS: Final = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
_REQUEST_ID: Final = "0123456789abcdef0123456789abcdef"
_FEED: Final = {
    "name": "spx-volatility",
    "kind": "volatility",
    "address": _ADDRESS,
    "decimals": 18,
    "description": "SPX 1h GARCH volatility",
    "roundId": 7,
    "answer": "412345678901234567",
    "observedAt": 1221495600,
    "updatedAt": 1221495612,
    "ageSecs": 12,
    "stale": False,
    "heartbeat": 86400,
    "source": "",
    "observations": "spx-usd",
    "model": "garch-vol-32",
    "unit": "annualised volatility",
}
_ROUND: Final = {
    "feed": "spx-volatility",
    "roundId": 7,
    "answer": "412345678901234567",
    "provenAnswer": "412345678901234567",
    "observedAt": 1221495600,
    "updatedAt": 1221495612,
    "observationRound": 40,
}
_POSITION: Final = {
    "account": _ADDRESS,
    "roundId": 7,
    "probability": "41234567890123456",
    "confidence": "912345678901234567",
    "observedAt": 1221495600,
}
_CHECK: Final = {"name": "proof", "status": "ok", "expected": "valid", "actual": "valid", "detail": ""}
_MODEL: Final = {
    "name": "mynet",
    "circuitId": "mynet",
    "modelHash": _HASH,
    "circuitHash": _HASH,
    "vkHash": _HASH,
    "srsKind": "dev",
    "logrows": 11,
    "inputShapes": [[1, 2]],
    "inputCount": 2,
    "outputCount": 1,
    "maxError": 0.002,
    "domain": [{"low": -1.0, "high": 1.0}],
    "measured": {"prove_seconds": 0.4, "peak_memory_mb": 210},
    "modelId": "1",
    "version": 1,
    "verifier": _ADDRESS,
    "active": True,
}
_REQUEST: Final = {
    "id": _REQUEST_ID,
    "kind": "proof",
    "subject": "mynet",
    "priority": "normal",
    "state": "running",
    "step": "prove",
    "createdAt": 1764340000.5,
    "updatedAt": 1764340001.0,
    "finishedAt": None,
    "idempotencyKey": "order-7-proof-1",
    "result": None,
    "cause": None,
    "problem": None,
}
_PROOF: Final = {"model": "mynet", "proof": "0x0102", "instances": ["12", "7", "42"]}

_SERIES: Final = "345327251227266232"
_ORDER: Final = {
    "trader": _ADDRESS,
    "seriesId": _SERIES,
    "isBuy": True,
    "price": "250000000000000000",
    "amount": "1000000000000000000",
    "expiry": 1221580800,
    "nonce": "1",
    "signature": "0x0102",
}
_ENTRY: Final = _ORDER | {"index": 4, "leaf": _HASH, "takenAt": 1221495600, "isCancel": False}
_LEVEL: Final = {"price": "250000000000000000", "amount": "1000000000000000000"}
_FILL: Final = {
    "takerIndex": 4,
    "makerIndex": 2,
    "amount": "1000000000000000000",
    "price": "250000000000000000",
    "seq": 1,
    "txHash": _HASH,
}

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "FeedOut": _FEED,
    "FeedsOut": {"feeds": [_FEED]},
    "RoundOut": _ROUND,
    "RoundsOut": {"rounds": [_ROUND]},
    "PositionOut": _POSITION,
    "PositionsOut": {"positions": [_POSITION]},
    "EvidenceOut": {
        "chainId": 31337,
        "feed": _ADDRESS,
        "description": "SPX 1h GARCH volatility",
        "roundId": 7,
        "txHash": _HASH,
        "blockNumber": 120,
        "observationRound": 40,
        "observedAt": 1221495600,
        "updatedAt": 1221495612,
        "answer": "412345678901234567",
        "provenAnswer": "412345678901234567",
        "modelId": 1,
        "modelVersion": 1,
        "modelHash": _HASH,
        "circuitHash": _HASH,
        "vkHash": _HASH,
        "verifier": _ADDRESS,
        "verifierCodeHash": _HASH,
        "inputCommitment": _HASH,
        "proofHash": _HASH,
        "root": _HASH,
        "prices": ["125105000000", "125170000000"],
        "inputs": ["12", "7"],
        "outputsWad": ["412345678901234567"],
        "instances": ["12", "7", "42"],
        "zkProof": "0x0102",
        "checks": [_CHECK],
        "ok": True,
    },
    "VerificationOut": {"feed": "spx-volatility", "roundId": 7, "ok": True, "checks": [_CHECK]},
    "ModelOut": _MODEL,
    "CardOut": {"name": "mynet", "text": "# mynet\n\nUploaded by request ...", "report": None},
    "ModelsOut": {"models": [_MODEL]},
    "RequestOut": _REQUEST,
    "RequestsOut": {"requests": [_REQUEST]},
    "ProofOut": _PROOF,
    "VerifyOut": {"valid": True, "outputs": [0.42], "reason": ""},
    "HealthOut": {"ok": True, "checks": [{"name": "rpc", "ok": True, "detail": "chain 31337, block 120"}]},
    "LiveOut": {"ok": True},
    "OrderIn": _ORDER,
    "CancelIn": {"order": _HASH, "signature": "0x0102"},
    "TakenOut": {
        "seriesId": _SERIES,
        "index": 4,
        "order": _HASH,
        "leaf": _HASH,
        "commitBy": 1221495900,
        "signature": "0x0102",
    },
    "DepthOut": {"bids": [_LEVEL], "asks": [], "entries": 5, "settled": 3},
    "FillsOut": {"settled": [_FILL], "pending": [_FILL | {"seq": None, "txHash": None}]},
    "LogOut": {"entries": [_ENTRY]},
    "InclusionOut": {"entry": _ENTRY, "batch": 2, "root": _HASH, "proof": [_HASH]},
}
# Of an upload
FORM: Final[dict[str, Any]] = {
    "name": "mynet",
    "model": "(the ONNX file)",
    "samples": '{"input_data": [[0.5, -0.25]]}',
    "objective": "balanced",
    "maxError": 0.002,
    "domain": "-4:4",
    "deploy": True,
}
# Of each event; OpenAPI 3.1 has no word for the stream itself
EVENT_STREAM: Final[dict[str, Any]] = {
    "schema": {
        "type": "object",
        "required": ["id", "event", "data"],
        "properties": {
            "id": {"type": "string", "pattern": "^[0-9]+$", "description": "Orders the events; for Last-Event-ID."},
            "event": {"type": "string", "description": "A state, a step that begins, or progress within one."},
            "data": {"type": "string", "contentMediaType": "application/json"},
        },
    },
    "example": {"id": "3", "event": "running", "data": '{"at": 1764340000.5, "step": "prove"}'},
}
METRICS: Final = '# TYPE plumbline_queue_requests gauge\nplumbline_queue_requests{state="running"} 1.0\n'
