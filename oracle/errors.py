"""Every error that this product raises.

OracleError
├── Retry                    the same call may succeed later: wait and repeat
│   ├── RpcUnavailable
│   │   └── RpcRefused       the node answered, with an error that is no revert
│   ├── SourceUnavailable
│   ├── ServiceUnavailable
│   ├── DatabaseUnavailable
│   ├── SignerUnavailable
│   ├── TransactionNotMined
│   ├── RateLimitExceeded    an API key asked too often
│   ├── QuotaExceeded        an API key's proofs of the day are used up
│   └── FeeAboveCap
├── SkipCycle                nothing to do now, or these facts are not acceptable: go on with the next cycle
│   ├── ContractRevert       the chain refused; subclasses in oracle.chain.reverts, one for each ABI error
│   ├── ObservationRejected
│   ├── SourceExhausted
│   ├── FeatureUnavailable
│   ├── RequestNotOpen       a request on chain that an answer would not be paid for
│   └── AnsweredByAnother
├── Halt                     a person has to act
│   ├── ConfigurationError
│   ├── WrongChain
│   ├── UnfundedKey
│   ├── ArtifactMismatch     a key, circuit or set-up on disk is not the pinned one
│   │   └── VerifierNotUnderstood  ezkl generated Solidity of a form that is not known here
│   ├── UnsafeSetup          a set-up made on this machine, or a well-known key, outside a local chain
│   ├── SandboxUnavailable   this machine cannot confine what reads a stranger's model
│   ├── StorageFull
│   └── ToolMissing
└── InvalidInput             the caller's data is at fault
    ├── ModelRejected        an ONNX file that cannot be proven, or not soundly
    ├── InputRejected        inputs of wrong shape, not finite, or outside the circuit's domain
    ├── ProofRejected
    ├── NotFound
    ├── Unauthorized         no API key, or one that opens nothing
    ├── Forbidden            the API key's role does not allow it
    ├── Conflict
    │   └── NonceTaken
    ├── FieldElementError
    └── ValueOutOfRange
"""

from __future__ import annotations


class OracleError(Exception):
    """Root. `remedy` says in one sentence what the user can do; empty where the message already does."""

    remedy: str = ""

    def __init__(self, *args: object, remedy: str = "") -> None:
        super().__init__(*args)
        if remedy:
            self.remedy = remedy


class Retry(OracleError):
    """The same call may succeed later."""


class RpcUnavailable(Retry):
    """The chain's RPC does not answer."""


class RpcRefused(RpcUnavailable):
    """The RPC answered with an error that is no revert; `code` and `message` are its own."""

    def __init__(self, code: int, message: str, *, remedy: str = "") -> None:
        super().__init__(f"the RPC refused: {message} ({code})", remedy=remedy)
        self.code = code
        self.message = message


class SourceUnavailable(Retry):
    """A market source does not answer."""


class ServiceUnavailable(Retry):
    """The Plumbline service does not answer."""


class DatabaseUnavailable(Retry):
    """The database does not answer: it restarts, its connections broke, or all of them are in use."""


class SignerUnavailable(Retry):
    """The remote signer does not answer."""


class TransactionNotMined(Retry):
    """A sent transaction is not in a block yet."""


class RateLimitExceeded(Retry):
    """An API key asked more often than it may."""


class QuotaExceeded(Retry):
    """An API key has used up its proofs of the day."""


class FeeAboveCap(Retry):
    """The chain's base fee, in wei, is above what may be paid."""

    def __init__(self, base_fee: int, cap: int, *, remedy: str = "") -> None:
        super().__init__(f"the base fee of {base_fee} wei is above the cap of {cap} wei", remedy=remedy)
        self.base_fee = base_fee
        self.cap = cap


class SkipCycle(OracleError):
    """Nothing to do in this cycle."""


class ContractRevert(SkipCycle):
    """The chain refused a call; `name` and `args_` are the ABI error's."""

    def __init__(self, name: str, args_: tuple[object, ...] = (), *, remedy: str = "") -> None:
        super().__init__(f"{name}({', '.join(map(str, args_))})", remedy=remedy)
        self.name = name
        self.args_ = args_


class ObservationRejected(SkipCycle):
    """An observation does not fit the feed's rules."""


class SourceExhausted(SkipCycle):
    """A replayed source has no further observation."""


class FeatureUnavailable(SkipCycle):
    """There are not yet enough observations in one segment for the model's window."""


class RequestNotOpen(SkipCycle):
    """A request on chain is expired, refunded, answered or gone: an answer would not be paid."""


class AnsweredByAnother(SkipCycle):
    """Somebody else answered a request on chain first."""


class Halt(OracleError):
    """A person has to act."""


class ConfigurationError(Halt):
    """A setting is missing or wrong."""


class WrongChain(Halt):
    """The RPC serves another chain than configured."""


class UnfundedKey(Halt):
    """A sending key cannot pay for its transactions."""


class ArtifactMismatch(Halt):
    """An artifact's hash is not the pinned one."""


class VerifierNotUnderstood(ArtifactMismatch):
    """The Solidity that ezkl generated has a form that is not known here, so it is neither trusted nor rewritten."""

    remedy = "install the pinned ezkl by make setup; `plumbline model refresh-verifier NAME --plain` writes it unread"


class UnsafeSetup(Halt):
    """Something that is only safe on a local chain was about to be used on another."""


class SandboxUnavailable(Halt):
    """This machine cannot confine the process that would read a stranger's model, so it is not read."""


class StorageFull(Halt):
    """A disk is full; nothing was half-written."""


class ToolMissing(Halt):
    """An external tool is missing or has the wrong version."""


class InvalidInput(OracleError):
    """The caller's data is at fault."""


class ModelRejected(InvalidInput):
    """The ONNX file cannot be proven, or not soundly; `node` names the one at fault where one is."""

    node: str = ""

    def __init__(self, *args: object, remedy: str = "", node: str = "") -> None:
        super().__init__(*args, remedy=remedy)
        self.node = node


class InputRejected(InvalidInput):
    """Model inputs of wrong shape, not finite, or outside the circuit's domain."""


class ProofRejected(InvalidInput):
    """A proof does not verify, or does not belong to what it is claimed for."""


class NotFound(InvalidInput):
    """No such model, feed, round or request."""


class Unauthorized(InvalidInput):
    """There is no API key, or one that opens nothing."""


class Forbidden(InvalidInput):
    """The API key's role does not allow it."""


class Conflict(InvalidInput):
    """The request contradicts an earlier one under the same key or name."""


class NonceTaken(Conflict):
    """Another pending transaction of the same key has this nonce."""

    def __init__(self, sender: str, nonce: int) -> None:
        super().__init__(f"nonce {nonce} of {sender} belongs to another pending transaction")
        self.sender = sender
        self.nonce = nonce


class FieldElementError(InvalidInput):
    """A number is not below the BN254 scalar field's modulus."""

    def __init__(self, felt: int) -> None:
        super().__init__(f"{felt} is not a BN254 scalar field element")
        self.felt = felt


class ValueOutOfRange(InvalidInput):
    """A decoded value's magnitude reaches 2^63."""

    def __init__(self, value: int) -> None:
        super().__init__(f"{value} is 2^63 or larger in magnitude")
        self.value = value
