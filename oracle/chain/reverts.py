"""Every error that a contract of this project can revert with, as an exception of the same name and arguments.

`decode_revert` picks the class by the selector. tests/unit/chain/test_reverts.py compares this list with build/.
"""

from __future__ import annotations

from typing import Final

from oracle.chain.abi_revert import AbiRevert, decode_registered
from oracle.errors import ContractRevert

# https://docs.soliditylang.org/en/latest/control-structures.html#panic-via-assert-and-error-via-require
PANIC_MEANINGS: Final = {
    0x01: "assertion failed",
    0x11: "arithmetic overflow",
    0x12: "division by zero",
    0x21: "no such enum value",
    0x22: "broken storage array",
    0x31: "pop of an empty array",
    0x32: "index out of bounds",
    0x41: "out of memory",
    0x51: "call of an unset function",
}


def decode_revert(data: bytes) -> ContractRevert:
    """The exception for a call's revert data, ready to be raised."""
    revert = decode_registered(data)
    if isinstance(revert, Panic) and isinstance(code := revert.args_[0], int):
        revert.remedy = PANIC_MEANINGS.get(code, "")
    return revert


class TransactionReverted(ContractRevert):
    """A transaction failed on chain for a reason that cannot be had any more; `args_` holds its hash."""

    def __init__(self, tx_hash: str, *, remedy: str = "") -> None:
        super().__init__("TransactionReverted", (tx_hash,), remedy=remedy)


class Error(AbiRevert):
    """`require` and `revert` with a text, in contracts that are not ours."""

    abi = ("Error(string message)",)


class Panic(AbiRevert):
    """Solidity's own checks."""

    abi = ("Panic(uint256 code)",)


# --- declared by contracts, by name


class AccessControlBadConfirmation(AbiRevert):
    abi = ("AccessControlBadConfirmation()",)


class AccessControlUnauthorizedAccount(AbiRevert):
    remedy = "Send it with a key that has this role."
    abi = ("AccessControlUnauthorizedAccount(address account, bytes32 neededRole)",)


class AccountHealthy(AbiRevert):
    abi = (
        "AccountHealthy(int256 equity, uint256 required)",
        "AccountHealthy(address account, int256 maintenanceMargin)",
    )


class AccountUnhealthy(AbiRevert):
    abi = ("AccountUnhealthy(address account, int256 maintenanceMargin)",)


class AccountsNotSorted(AbiRevert):
    remedy = "Name the accounts once each, in rising order."
    abi = ("AccountsNotSorted(address previous, address current)",)


class ActivationTooEarly(AbiRevert):
    remedy = "Activate the version when its timelock has run out."
    abi = ("ActivationTooEarly(uint256 modelId, uint32 version, uint64 activatableAt)",)


class AlreadyCommitted(AbiRevert):
    abi = ("AlreadyCommitted(bytes32 commitment)",)


class AlreadyLiquidatable(AbiRevert):
    remedy = "Leave the account out of the batch: its auction can start now."
    abi = ("AlreadyLiquidatable(address account, uint256 healthFactor)",)


class AlreadySettled(AbiRevert):
    abi = ("AlreadySettled(uint256 expiry)",)


class AmountTooLarge(AbiRevert):
    abi = ("AmountTooLarge(uint256 amount, uint256 max)",)


class AnswerOutOfBounds(AbiRevert):
    remedy = "Check observations and model; only the feed's admin can change the bounds."
    abi = ("AnswerOutOfBounds(int256 answer, int256 minAnswer, int256 maxAnswer)",)


class ArgumentOutOfRange(AbiRevert):
    abi = ("ArgumentOutOfRange(int256 valueWad, int256 max)",)


class ArrayLengthMismatch(AbiRevert):
    abi = ("ArrayLengthMismatch(uint256 reports, uint256 signatures)",)


class AssignedToAnother(AbiRevert):
    abi = ("AssignedToAnother(address prover, uint64 assignedUntil)",)


class AuctionExpired(AbiRevert):
    abi = ("AuctionExpired(uint256 expiresAt)",)


class AuctionInProgress(AbiRevert):
    abi = ("AuctionInProgress(address account, uint256 expiresAt)",)


class BatchNotCommitted(AbiRevert):
    abi = ("BatchNotCommitted(uint256 seriesId, uint256 batch)",)


class BatchNotFound(AbiRevert):
    abi = ("BatchNotFound(bytes32 batchId)",)


class BatchNotNext(AbiRevert):
    abi = ("BatchNotNext(uint256 first, uint256 expected)",)


class BatchSizeOutOfRange(AbiRevert):
    abi = ("BatchSizeOutOfRange(uint256 size, uint256 max)",)


class BatchWithoutCode(AbiRevert):
    abi = ("BatchWithoutCode(address batch)",)


class Blocked(AbiRevert):
    abi = ("Blocked(address account)",)


class BoardNamedAlready(AbiRevert):
    abi = ("BoardNamedAlready(address board)",)


class BookFull(AbiRevert):
    abi = ("BookFull(uint256 resting, uint256 max)",)


class BookMismatch(AbiRevert):
    abi = ("BookMismatch(bytes32 actual, bytes32 expected)",)


class BorrowLimitExceeded(AbiRevert):
    abi = ("BorrowLimitExceeded(uint256 debt, uint256 limit)",)


class ButterflyArbitrage(AbiRevert):
    abi = ("ButterflyArbitrage(int256 k, int256 densityFactor, int256 min)",)


class CalendarArbitrage(AbiRevert):
    abi = ("CalendarArbitrage(int256 k, int256 earlier, int256 later)",)


class CoefficientOutOfRange(AbiRevert):
    abi = ("CoefficientOutOfRange(bytes32 name, int256 value, int256 min, int256 max)",)


class ComponentCountMismatch(AbiRevert):
    abi = ("ComponentCountMismatch(uint256 values, uint256 components)",)


class ComponentDeviates(AbiRevert):
    abi = ("ComponentDeviates(uint256 component, int256 value, int256 median)",)


class ComponentMoveNeedsAllPublishers(AbiRevert):
    remedy = "Have every publisher sign this observation."
    abi = ("ComponentMoveNeedsAllPublishers(uint256 component, int256 from, int256 to)",)


class ComponentOutOfBounds(AbiRevert):
    abi = ("ComponentOutOfBounds(uint256 component, int256 value, int256 min, int256 max)",)


class ConfidenceOutOfRange(AbiRevert):
    abi = ("ConfidenceOutOfRange(int256 confidenceWad)",)


class ConfigurationOutOfRange(AbiRevert):
    abi = ("ConfigurationOutOfRange(bytes32 name, int256 value, int256 min, int256 max)",)


class DeadlineOutOfRange(AbiRevert):
    abi = ("DeadlineOutOfRange(uint64 deadline, uint64 earliest, uint64 latest)",)


class DeadlinePassed(AbiRevert):
    abi = ("DeadlinePassed(uint256 deadline, uint256 timestamp)",)


class DebtBelowMinimum(AbiRevert):
    abi = ("DebtBelowMinimum(uint256 debt, uint256 minDebt)",)


class DeficitOutstanding(AbiRevert):
    abi = ("DeficitOutstanding(uint256 deficit)",)


class DensityBelowMargin(AbiRevert):
    abi = ("DensityBelowMargin(int256 density, int256 min)",)


class DepthExceeded(AbiRevert):
    abi = ("DepthExceeded(uint256 quote, uint256 quoteReserve)",)


class DeviationNotPositive(AbiRevert):
    abi = ("DeviationNotPositive(int256 deviationWad)",)


class DeviationTooLarge(AbiRevert):
    abi = ("DeviationTooLarge(uint256 maxDeviationBps, uint256 limit)",)


class ECDSAInvalidSignature(AbiRevert):
    abi = ("ECDSAInvalidSignature()",)


class ECDSAInvalidSignatureLength(AbiRevert):
    abi = ("ECDSAInvalidSignatureLength(uint256 length)",)


class ECDSAInvalidSignatureS(AbiRevert):
    abi = ("ECDSAInvalidSignatureS(bytes32 s)",)


class ERC20InsufficientAllowance(AbiRevert):
    remedy = "Approve the contract for the token first."
    abi = ("ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)",)


class ERC20InsufficientBalance(AbiRevert):
    remedy = "Get more of the token first."
    abi = ("ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)",)


class ERC20InvalidApprover(AbiRevert):
    abi = ("ERC20InvalidApprover(address approver)",)


class ERC20InvalidReceiver(AbiRevert):
    abi = ("ERC20InvalidReceiver(address receiver)",)


class ERC20InvalidSender(AbiRevert):
    abi = ("ERC20InvalidSender(address sender)",)


class ERC20InvalidSpender(AbiRevert):
    abi = ("ERC20InvalidSpender(address spender)",)


class EmptyBook(AbiRevert):
    abi = ("EmptyBook()",)


class EmptyWindow(AbiRevert):
    abi = ("EmptyWindow()",)


class EnforcedPause(AbiRevert):
    remedy = "The guardian has paused it; its admin can resume it."
    abi = ("EnforcedPause()",)


class EntriesMismatch(AbiRevert):
    abi = ("EntriesMismatch(bytes32 root, bytes32 expected)",)


class ExpectedPause(AbiRevert):
    abi = ("ExpectedPause()",)


class ExpiryOutOfRange(AbiRevert):
    abi = ("ExpiryOutOfRange(uint256 expiry, uint256 earliest, uint256 latest)",)


class ExpiryPassed(AbiRevert):
    abi = ("ExpiryPassed(uint256 expiry, uint256 timestamp)",)


class ExpiryTooFar(AbiRevert):
    abi = ("ExpiryTooFar(uint256 secs, uint256 max)",)


class ExponentTooLarge(AbiRevert):
    abi = ("ExponentTooLarge(int256 exponentWad, int256 max)",)


class FeeBelowQuote(AbiRevert):
    abi = ("FeeBelowQuote(uint256 fee, uint256 quote)",)


class FlatWindow(AbiRevert):
    remedy = "Wait until the market moves: a flat window has no volatility to measure."
    abi = ("FlatWindow(uint256 prices)",)


class ForwardOutOfRange(AbiRevert):
    abi = ("ForwardOutOfRange(int256 forward, int256 max)",)


class FractionOutOfRange(AbiRevert):
    abi = ("FractionOutOfRange(uint256 fraction)",)


class FundDiluted(AbiRevert):
    abi = ("FundDiluted(uint256 shares, uint256 fund)",)


class GasTooLow(AbiRevert):
    abi = ("GasTooLow(uint256 available, uint256 needed)",)


class GraceNotOver(AbiRevert):
    abi = ("GraceNotOver(address account, uint256 endsAt)",)


class ImpactTooSteep(AbiRevert):
    abi = ("ImpactTooSteep(uint256 level, int256 slopeWad, int256 maxWad)",)


class InferenceNotFound(AbiRevert):
    abi = ("InferenceNotFound(bytes32 inferenceId)",)


class InputCommitmentMismatch(AbiRevert):
    abi = ("InputCommitmentMismatch()",)


class InputCountMismatch(AbiRevert):
    abi = ("InputCountMismatch(uint256 actual, uint256 expected)",)


class InputOutOfDomain(AbiRevert):
    abi = ("InputOutOfDomain(uint256 column, int256 value, int256 min, int256 max)",)


class InputOutOfRange(AbiRevert):
    abi = ("InputOutOfRange(uint256 index, int256 value)",)


class InputsMismatch(AbiRevert):
    abi = ("InputsMismatch(bytes32 actual, bytes32 expected)",)


class InputsNeeded(AbiRevert):
    abi = ("InputsNeeded()",)


class InstanceCountMismatch(AbiRevert):
    abi = ("InstanceCountMismatch(uint256 actual, uint256 expected)",)


class InstanceNotInField(AbiRevert):
    abi = ("InstanceNotInField(uint256 index, uint256 value)",)


class InsufficientBalance(AbiRevert):
    abi = ("InsufficientBalance(uint256 requested, int256 available)",)


class InsufficientCallbackGas(AbiRevert):
    abi = ("InsufficientCallbackGas(uint256 available, uint256 needed)",)


class InsufficientCollateral(AbiRevert):
    abi = ("InsufficientCollateral(uint256 requested, uint256 available)",)


class InsufficientLiquidity(AbiRevert):
    abi = ("InsufficientLiquidity(uint256 requested, uint256 available)",)


class InsufficientMargin(AbiRevert):
    abi = ("InsufficientMargin(int256 equity, uint256 required)", "InsufficientMargin(address account, int256 margin)")


class InsufficientShares(AbiRevert):
    abi = ("InsufficientShares(uint256 requested, uint256 available)",)


class InvalidAssignment(AbiRevert):
    abi = ("InvalidAssignment(address prover, uint64 assignedUntil)",)


class InvalidBatchProof(AbiRevert):
    abi = ("InvalidBatchProof()",)


class InvalidCallback(AbiRevert):
    abi = ("InvalidCallback(address consumer, uint32 callbackGas)",)


class InvalidCommitment(AbiRevert):
    abi = ("InvalidCommitment()",)


class InvalidConfig(AbiRevert):
    abi = ("InvalidConfig(bytes32 field)",)


class InvalidConfiguration(AbiRevert):
    abi = ("InvalidConfiguration()",)


class InvalidGuards(AbiRevert):
    abi = ("InvalidGuards()",)


class InvalidProof(AbiRevert):
    remedy = "Prove again for exactly these inputs."
    abi = ("InvalidProof()",)


class InvalidShortString(AbiRevert):
    abi = ("InvalidShortString()",)


class InvalidSignature(AbiRevert):
    abi = ("InvalidSignature(address signer, bytes32 digest)",)


class InvalidSubscription(AbiRevert):
    abi = ("InvalidSubscription()",)


class InvalidVerifierSpec(AbiRevert):
    abi = ("InvalidVerifierSpec()",)


class LeafNotCommitted(AbiRevert):
    abi = ("LeafNotCommitted(bytes32 leaf, uint256 batch)",)


class LegsMismatch(AbiRevert):
    abi = ("LegsMismatch(uint256 legs, uint256 prices)",)


class LegsNotSorted(AbiRevert):
    abi = ("LegsNotSorted(uint256 previous, uint256 current)",)


class LegsOutOfRange(AbiRevert):
    abi = ("LegsOutOfRange(uint256 legs, uint256 max)",)


class LevelOutOfRange(AbiRevert):
    abi = ("LevelOutOfRange(uint256 level, uint256 max)",)


class LimitExceeded(AbiRevert):
    abi = ("LimitExceeded(uint256 amount, uint256 limit)", "LimitExceeded(int256 price, int256 limit)")


class LotMismatch(AbiRevert):
    abi = ("LotMismatch(int256 amount, uint256 lotSize)",)


class MarkDiverged(AbiRevert):
    abi = ("MarkDiverged(uint256 markPrice, uint256 indexPrice)",)


class MarksUnavailable(AbiRevert):
    abi = ("MarksUnavailable()",)


class ModelIsDeprecated(AbiRevert):
    abi = ("ModelIsDeprecated(uint256 modelId)",)


class ModelMismatch(AbiRevert):
    remedy = "Prove again with the model's current version."
    abi = ("ModelMismatch()",)


class ModelNotFound(AbiRevert):
    abi = ("ModelNotFound(uint256 modelId)",)


class ModelNotOffered(AbiRevert):
    abi = ("ModelNotOffered(uint256 modelId, address token)",)


class ModuleWithoutCode(AbiRevert):
    abi = ("ModuleWithoutCode(uint256 asset, address module)",)


class MonthOutOfRange(AbiRevert):
    abi = ("MonthOutOfRange(uint256 varianceWad, uint256 limitWad)",)


class MoveNeedsAllPublishers(AbiRevert):
    remedy = "Collect every publisher's signature for so large a move."
    abi = ("MoveNeedsAllPublishers(uint256 moveBps, uint256 maxMoveBps)",)


class NegativeCash(AbiRevert):
    abi = ("NegativeCash(address account, int256 cash)",)


class NegativeDebt(AbiRevert):
    abi = ("NegativeDebt(uint256 bucket, int256 debt)",)


class NegativeVariance(AbiRevert):
    abi = ("NegativeVariance(int256 variance)",)


class NoAuction(AbiRevert):
    abi = ("NoAuction(address account)",)


class NoBoard(AbiRevert):
    abi = ("NoBoard()",)


class NoDataPresent(AbiRevert):
    abi = ("NoDataPresent(uint256 roundId)",)


class NoDebt(AbiRevert):
    abi = ("NoDebt(address account)",)


class NoFailedCallback(AbiRevert):
    abi = ("NoFailedCallback(uint256 requestId, uint8 status)",)


class NoFeeds(AbiRevert):
    abi = ("NoFeeds()",)


class NoPosition(AbiRevert):
    abi = ("NoPosition(address account)",)


class NonceUsed(AbiRevert):
    abi = ("NonceUsed(address maker, uint256 nonce)",)


class NotAssessed(AbiRevert):
    abi = ("NotAssessed(address account)",)


class NotAuthorised(AbiRevert):
    abi = ("NotAuthorised(address caller)",)


class NotBoardSetter(AbiRevert):
    abi = ("NotBoardSetter(address caller)",)


class NotBookOperator(AbiRevert):
    abi = ("NotBookOperator(address caller)",)


class NotCommitted(AbiRevert):
    abi = ("NotCommitted(bytes32 commitment)",)


class NotDue(AbiRevert):
    abi = ("NotDue(uint256 subscriptionId)",)


class NotEnoughGas(AbiRevert):
    abi = ("NotEnoughGas(uint256 available, uint256 required)",)


class NotForSale(AbiRevert):
    abi = ("NotForSale(address asset)",)


class NotHarness(AbiRevert):
    abi = ("NotHarness(address caller)",)


class NotInGroup(AbiRevert):
    abi = ("NotInGroup(address feed, address inferenceVerifier)",)


class NotModelOwner(AbiRevert):
    abi = ("NotModelOwner(uint256 modelId, address caller)",)


class NotOperator(AbiRevert):
    abi = ("NotOperator(address account, address caller)",)


class NotOverdue(AbiRevert):
    abi = ("NotOverdue(uint256 commitBy, uint256 committed)",)


class NotOwner(AbiRevert):
    abi = ("NotOwner(address caller)",)


class NotPublisher(AbiRevert):
    remedy = "Sign with a key of the feed's current publishers."
    abi = ("NotPublisher(address signer)",)


class NotReplaced(AbiRevert):
    abi = ("NotReplaced(bytes32 leaf)",)


class NotStationary(AbiRevert):
    abi = ("NotStationary(int256 persistenceWad, int256 limitWad)",)


class NothingToDo(AbiRevert):
    abi = ("NothingToDo()",)


class ObservationFromFuture(AbiRevert):
    remedy = "Wait for the next block, or correct the publisher's clock."
    abi = ("ObservationFromFuture(uint64 observedAt, uint256 blockTimestamp)",)


class ObservationLagged(AbiRevert):
    remedy = "Newer observations came in meanwhile: prove the newest window."
    abi = ("ObservationLagged(uint64 observationRound, uint64 latest, uint16 maxObservationLag)",)


class ObservationNotNewer(AbiRevert):
    remedy = "That window is published already: take the next observation."
    abi = ("ObservationNotNewer(uint64 observationRound, uint64 last)",)


class ObservationStale(AbiRevert):
    remedy = "Publish a newer observation first."
    abi = ("ObservationStale(uint256 age, uint256 heartbeat)",)


class ObservationTooEarly(AbiRevert):
    abi = ("ObservationTooEarly(uint64 observedAt, uint64 earliest)",)


class ObservedAtMismatch(AbiRevert):
    abi = ("ObservedAtMismatch(uint64 first, uint64 other)",)


class OpenInterestCapReached(AbiRevert):
    abi = ("OpenInterestCapReached(uint256 openInterest, uint256 cap)",)


class OperatorAtFault(AbiRevert):
    abi = ("OperatorAtFault()",)


class OppositePosition(AbiRevert):
    abi = ("OppositePosition(int256 base)",)


class OptionPriceOutOfRange(AbiRevert):
    abi = ("OptionPriceOutOfRange(int256 value, int256 min, int256 max)",)


class OrderExpired(AbiRevert):
    abi = ("OrderExpired(uint256 expiry, uint256 timestamp)",)


class OrderLotMismatch(AbiRevert):
    abi = ("OrderLotMismatch(uint256 amount, uint256 lotSize)",)


class OrderNotResting(AbiRevert):
    abi = ("OrderNotResting(bytes32 digest)",)


class OrderOutOfRange(AbiRevert):
    abi = ("OrderOutOfRange(uint256 price, uint256 amount, uint256 max)",)


class OutputCountMismatch(AbiRevert):
    abi = ("OutputCountMismatch(uint256 actual, uint256 expected)",)


class OutputMismatch(AbiRevert):
    abi = ("OutputMismatch()",)


class OutputOutOfRange(AbiRevert):
    abi = ("OutputOutOfRange(int256 outputWad, int256 min, int256 max)",)


class OutputsMismatch(AbiRevert):
    abi = ("OutputsMismatch(bytes32 actual, bytes32 expected)",)


class OutputsOutOfRange(AbiRevert):
    abi = ("OutputsOutOfRange(uint256 first, uint256 count, uint256 available)",)


class OwnableInvalidOwner(AbiRevert):
    abi = ("OwnableInvalidOwner(address owner)",)


class OwnableUnauthorizedAccount(AbiRevert):
    remedy = "Send it with the owner's key."
    abi = ("OwnableUnauthorizedAccount(address account)",)


class PackedLengthMismatch(AbiRevert):
    abi = ("PackedLengthMismatch(uint256 actual, uint256 expected)",)


class ParameterOutOfRange(AbiRevert):
    abi = ("ParameterOutOfRange(bytes32 name, uint256 value, uint256 min, uint256 max)",)


class PlaceOutOfRange(AbiRevert):
    abi = ("PlaceOutOfRange(uint8 place, uint8 max)",)


class PositionAlarmed(AbiRevert):
    abi = ("PositionAlarmed(address account, uint256 until)",)


class PositionBelowMinimum(AbiRevert):
    abi = ("PositionBelowMinimum(uint256 notional, uint256 minPosition)",)


class PositionHealthy(AbiRevert):
    abi = ("PositionHealthy(uint256 healthFactor)",)


class PositionUnhealthy(AbiRevert):
    abi = ("PositionUnhealthy(uint256 healthFactor)",)


class PositionWithoutDebt(AbiRevert):
    remedy = "Leave the account out of the batch."
    abi = ("PositionWithoutDebt(address account)",)


class PriceAboveLimit(AbiRevert):
    abi = ("PriceAboveLimit(uint256 price, uint256 maxPrice)",)


class PriceOutOfRange(AbiRevert):
    abi = ("PriceOutOfRange(int256 price)",)


class PriceOutsideBand(AbiRevert):
    abi = ("PriceOutsideBand(uint256 seriesId, uint256 price, uint256 mark, uint256 maxDeviationBps)",)


class PriceUnavailable(AbiRevert):
    abi = ("PriceUnavailable()", "PriceUnavailable(address asset)")


class PublisherSetChanged(AbiRevert):
    remedy = "Sign again under the current set of publishers."
    abi = ("PublisherSetChanged(uint32 reported, uint32 current)",)


class QuorumNotReached(AbiRevert):
    remedy = "Collect the signatures of more publishers."
    abi = ("QuorumNotReached(uint256 reports, uint256 quorum)",)


class QuoteExpired(AbiRevert):
    abi = ("QuoteExpired(uint256 expiry, uint256 timestamp)",)


class QuoteModelMismatch(AbiRevert):
    abi = ("QuoteModelMismatch(address feed, uint256 modelId, uint256 expected)",)


class QuoteTooLarge(AbiRevert):
    abi = ("QuoteTooLarge(uint256 value, uint256 max)",)


class RedemptionNotOpen(AbiRevert):
    abi = ("RedemptionNotOpen(uint256 opensAt, uint256 closesAt)",)


class ReentrancyGuardReentrantCall(AbiRevert):
    abi = ("ReentrancyGuardReentrantCall()",)


class Refused(AbiRevert):
    abi = ("Refused()",)


class ReportDeviates(AbiRevert):
    abi = ("ReportDeviates(address signer, uint64 price, uint64 median)",)


class ReturnOutOfRange(AbiRevert):
    abi = ("ReturnOutOfRange(uint256 index, int256 returnWad, int256 maxWad)",)


class RiskUnavailable(AbiRevert):
    abi = ("RiskUnavailable()", "RiskUnavailable(address asset)")


class RoundBeforeExpiry(AbiRevert):
    abi = ("RoundBeforeExpiry(uint256 observedAt, uint256 expiry)",)


class RoundNotFirst(AbiRevert):
    abi = ("RoundNotFirst(uint256 previousObservedAt, uint256 expiry)",)


class SafeCastOverflowedIntDowncast(AbiRevert):
    abi = ("SafeCastOverflowedIntDowncast(uint8 bits, int256 value)",)


class SafeCastOverflowedUintDowncast(AbiRevert):
    abi = ("SafeCastOverflowedUintDowncast(uint8 bits, uint256 value)",)


class SafeERC20FailedOperation(AbiRevert):
    abi = ("SafeERC20FailedOperation(address token)",)


class ScaleMismatch(AbiRevert):
    abi = ("ScaleMismatch(uint256 asset, uint8 scaleBits, uint8 expected)",)


class SelfLiquidation(AbiRevert):
    abi = ("SelfLiquidation(address account)",)


class SelfQuote(AbiRevert):
    abi = ("SelfQuote(address account)",)


class SelfTrade(AbiRevert):
    abi = ("SelfTrade(address account)",)


class SeriesExists(AbiRevert):
    abi = ("SeriesExists(uint256 seriesId)",)


class SeriesExpired(AbiRevert):
    abi = ("SeriesExpired(uint256 seriesId, uint256 timestamp)",)


class SeriesMismatch(AbiRevert):
    abi = ("SeriesMismatch(uint256 seriesId, uint256 expected)",)


class SeriesNotListed(AbiRevert):
    abi = ("SeriesNotListed(uint256 seriesId)",)


class SettlementPending(AbiRevert):
    abi = ("SettlementPending(address account, uint256 expiry)",)


class SignersNotSorted(AbiRevert):
    abi = ("SignersNotSorted(address previous, address current)",)


class SkewCapReached(AbiRevert):
    abi = ("SkewCapReached(uint256 skew, uint256 cap)",)


class SourceWithoutCode(AbiRevert):
    abi = ("SourceWithoutCode(address source)",)


class StaleAnswer(AbiRevert):
    abi = ("StaleAnswer(uint256 age, uint256 maxStaleness)",)


class StaleAssessment(AbiRevert):
    abi = ("StaleAssessment(uint256 age, uint256 maxStaleness)",)


class StaleReport(AbiRevert):
    remedy = "Publish sooner, or take a newer observation."
    abi = ("StaleReport(uint256 age, uint256 maxReportAge)",)


class StepFailed(AbiRevert):
    abi = ("StepFailed(uint256 index, bytes reason)",)


class StrikeNotAllowed(AbiRevert):
    abi = ("StrikeNotAllowed(uint256 strike, uint256 lowest, uint256 highest)",)


class StrikeOutOfRange(AbiRevert):
    abi = ("StrikeOutOfRange(int256 strike, int256 max)",)


class StringTooLong(AbiRevert):
    abi = ("StringTooLong(string str)",)


class SubscriptionEmpty(AbiRevert):
    abi = ("SubscriptionEmpty(uint256 subscriptionId, uint256 balance, uint256 needed)",)


class SubscriptionNotActive(AbiRevert):
    abi = ("SubscriptionNotActive(uint256 subscriptionId)",)


class SupplyCapExceeded(AbiRevert):
    abi = ("SupplyCapExceeded(address asset, uint256 total, uint256 cap)",)


class SupplyDiluted(AbiRevert):
    abi = ("SupplyDiluted(uint256 shares, uint256 assets)",)


class SviParameterOutOfRange(AbiRevert):
    abi = ("SviParameterOutOfRange(bytes32 name, int256 value, int256 min, int256 max)",)


class TooManyPositions(AbiRevert):
    abi = ("TooManyPositions(address account, uint256 max)",)


class TradeLimitReached(AbiRevert):
    abi = ("TradeLimitReached(uint256 trades)",)


class TransferAmountMismatch(AbiRevert):
    abi = ("TransferAmountMismatch(address asset, uint256 received, uint256 expected)",)


class TransferFailed(AbiRevert):
    abi = ("TransferFailed(address to, uint256 amount)",)


class UnknownBatch(AbiRevert):
    abi = ("UnknownBatch(uint256 batchId, bytes32 contentHash)",)


class UnknownCollateral(AbiRevert):
    abi = ("UnknownCollateral(address asset)",)


class UnsupportedProofSystem(AbiRevert):
    abi = ("UnsupportedProofSystem(bytes4 proofSystemId)",)


class ValueOutOfRange(AbiRevert):
    abi = ("ValueOutOfRange(uint256 index, uint256 felt)",)


class VarianceOutOfRange(AbiRevert):
    abi = ("VarianceOutOfRange(int256 variance)",)


class VarianceRateNotPositive(AbiRevert):
    abi = ("VarianceRateNotPositive(int256 rate)",)


class VarianceTooSmall(AbiRevert):
    abi = ("VarianceTooSmall(int256 variance, int256 min)",)


class VerificationRefused_ModelDeprecated(AbiRevert):  # noqa: N801  ERC-7992's name
    abi = ("VerificationRefused_ModelDeprecated(uint256 modelId)",)


class VerifierCodeMismatch(AbiRevert):
    remedy = "Deploy the model's verifier again as a new version."
    abi = ("VerifierCodeMismatch(address verifier, bytes32 expected, bytes32 actual)",)


class VersionNotFound(AbiRevert):
    abi = ("VersionNotFound(uint256 modelId, uint32 version)",)


class VolatilityOutOfRange(AbiRevert):
    abi = ("VolatilityOutOfRange(int256 volatilityWad, int256 min, int256 max)",)


class VolatilityUnavailable(AbiRevert):
    remedy = "Push the volatility feed."
    abi = ("VolatilityUnavailable()",)


class WindowNotAvailable(AbiRevert):
    remedy = "Wait until one segment holds enough observations for the model's window."
    abi = ("WindowNotAvailable(uint64 firstRound, uint64 earliest)",)


class WindowsNotAligned(AbiRevert):
    abi = ("WindowsNotAligned(uint256 asset, uint64 observedAt, uint64 expected, uint32 maxSkew)",)


class WingTooSteep(AbiRevert):
    abi = ("WingTooSteep(int256 slope, int256 max)",)


class WrongAmountReceived(AbiRevert):
    abi = ("WrongAmountReceived(address token, uint256 received, uint256 expected)",)


class WrongBoard(AbiRevert):
    abi = ("WrongBoard(address board)",)


class WrongCount(AbiRevert):
    abi = ("WrongCount(uint256 asked, uint256 present)",)


class WrongModelStatus(AbiRevert):
    abi = ("WrongModelStatus(uint256 modelId, uint32 version, uint8 status)",)


class WrongRequestStatus(AbiRevert):
    abi = ("WrongRequestStatus(uint256 requestId, uint8 status)",)


class WrongRound(AbiRevert):
    remedy = "Another observation was recorded first: sign for the next round."
    abi = ("WrongRound(uint64 reported, uint64 expected)",)


class WrongSource(AbiRevert):
    abi = ("WrongSource(address source, uint256 components, uint256 expected)",)


class WrongValue(AbiRevert):
    abi = ("WrongValue(uint256 sent, uint256 due)",)


class ZeroAddress(AbiRevert):
    abi = ("ZeroAddress()",)


class ZeroAmount(AbiRevert):
    abi = ("ZeroAmount()",)


class ZeroPrice(AbiRevert):
    abi = ("ZeroPrice()",)
