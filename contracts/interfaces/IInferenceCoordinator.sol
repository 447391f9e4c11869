// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {
    CallbackStatus,
    Fulfilment,
    Price,
    Request,
    RequestStatus,
    RequestTerms,
    Subscription,
    SubscriptionTerms
} from "../types/RequestTypes.sol";

/// @title Inference on request: a fee in escrow, a deadline, a proof over exactly the inputs that were asked about
/// @dev Payments and refunds are credited and withdrawn by their owners, so no receiver can block anybody.
/// @custom:invariant for each token: balance held == fees of requests open or expired + subscriptions' balances + credits
/// @custom:invariant a request pays once: to a payee or back to its payer
interface IInferenceCoordinator {
    event Requested(
        uint256 indexed requestId,
        uint256 indexed modelId,
        address indexed payer,
        uint32 version,
        uint64 observedAt,
        int256[] inputs,
        RequestTerms terms
    );
    event FeeRaised(uint256 indexed requestId, uint128 fee);
    /// @notice Emitted when the payer withdraws the request: its deadline comes forward.
    event CancelAnnounced(uint256 indexed requestId, uint64 deadline);
    event Refunded(uint256 indexed requestId, address indexed payer, uint128 fee);
    event FulfilmentCommitted(uint256 indexed requestId, address indexed by, bytes32 commitment);
    event Fulfilled(
        uint256 indexed requestId,
        address indexed payee,
        bytes32 inputCommitment,
        bytes32 proofHash,
        uint128 fee,
        int256[] outputsWad
    );
    event CallbackDone(uint256 indexed requestId, bool success);
    /// @notice Emitted for each fulfilment of a batch that failed; `reason` is at most 256 bytes of its revert data.
    event FulfilmentSkipped(uint256 indexed requestId, bytes reason);
    event Credited(address indexed owner, address indexed token, uint256 amount);
    event Withdrawn(address indexed owner, address indexed token, address to, uint256 amount);
    event PriceSet(uint256 indexed modelId, address indexed token, Price price);
    event Subscribed(uint256 indexed subscriptionId, address indexed owner, SubscriptionTerms terms);
    event SubscriptionFunded(uint256 indexed subscriptionId, uint256 balance);
    event SubscriptionRun(uint256 indexed subscriptionId, uint256 indexed requestId);
    event SubscriptionEnded(uint256 indexed subscriptionId, uint256 returned);

    /// @notice Thrown when the model is not offered for this token.
    error ModelNotOffered(uint256 modelId, address token);
    /// @notice Thrown when the fee is below the quote.
    error FeeBelowQuote(uint256 fee, uint256 quote);
    /// @notice Thrown when the native coin sent is not the amount due; zero is due for tokens.
    error WrongValue(uint256 sent, uint256 due);
    /// @notice Thrown when a token moved another amount than asked.
    error WrongAmountReceived(address token, uint256 received, uint256 expected);
    /// @notice Thrown when a deadline lies outside [earliest, latest].
    error DeadlineOutOfRange(uint64 deadline, uint64 earliest, uint64 latest);
    /// @notice Thrown when the assignment ends after the deadline, or names nobody.
    error InvalidAssignment(address prover, uint64 assignedUntil);
    /// @notice Thrown when the callback's gas is above the limit, or is given without a consumer.
    error InvalidCallback(address consumer, uint32 callbackGas);
    /// @notice Thrown when the number of inputs is not the model's.
    error InputCountMismatch(uint256 actual, uint256 expected);
    /// @notice Thrown when an input's magnitude reaches 2^63.
    error InputOutOfRange(uint256 index, int256 value);
    /// @notice Thrown when the request's status does not allow the call.
    error WrongRequestStatus(uint256 requestId, RequestStatus status);
    /// @notice Thrown when the caller may not act on this request, subscription or price.
    error NotAuthorised(address caller);
    /// @notice Thrown when a fulfilment's inputs are not those of the request.
    error InputsMismatch(bytes32 actual, bytes32 expected);
    /// @notice Thrown when outputs are not those that were proven.
    error OutputsMismatch(bytes32 actual, bytes32 expected);
    /// @notice Thrown before the assignment ends, to all but the assigned prover.
    error AssignedToAnother(address prover, uint64 assignedUntil);
    /// @notice Thrown when no commitment to this proof and payee was made in an earlier block.
    error NotCommitted(bytes32 commitment);
    /// @notice Thrown when a commitment stands already.
    error AlreadyCommitted(bytes32 commitment);
    /// @notice Thrown when the gas left would not give the callback all that was paid for.
    error InsufficientCallbackGas(uint256 available, uint256 needed);
    /// @notice Thrown when there is no failed callback to try again.
    error NoFailedCallback(uint256 requestId, CallbackStatus status);
    /// @notice Thrown when there is nothing to withdraw, fund or raise.
    error NothingToDo();
    /// @notice Thrown when a payee, receiver or consumer is the zero address.
    error ZeroAddress();
    /// @notice Thrown when the native coin could not be sent to `to`.
    error TransferFailed(address to, uint256 amount);
    /// @notice Thrown when there is no such subscription, or it has ended.
    error SubscriptionNotActive(uint256 subscriptionId);
    /// @notice Thrown when terms of a subscription make no sense.
    error InvalidSubscription();
    /// @notice Thrown when neither time nor deviation has come, or the last run is still open.
    error NotDue(uint256 subscriptionId);
    /// @notice Thrown when a subscription cannot pay its next run.
    error SubscriptionEmpty(uint256 subscriptionId, uint256 balance, uint256 needed);

    // --- Requests ---

    /// @notice Asks for an inference over `inputs`. The fee is taken now; for the native coin it is the value sent.
    function request(RequestTerms calldata terms, int256[] calldata inputs) external payable returns (uint256 requestId);

    /// @notice As `request`, over what the consumer's own view `inputs(requestId)` says now.
    function requestPulled(RequestTerms calldata terms) external payable returns (uint256 requestId);

    /// @notice Raises an open request's fee by `amount`. Anyone.
    function topUp(uint256 requestId, uint128 amount) external payable;

    /// @notice Withdraws an open request. A proof that is under way is still paid for CANCEL_NOTICE seconds.
    function cancel(uint256 requestId) external;

    /// @notice Credits the fee of an expired request to its payer. Anyone.
    function refund(uint256 requestId) external;

    // --- Fulfilment ---

    /// @notice Binds a proof to its payee, one block or more before `fulfil`, for who is not the assigned prover.
    /// @param commitment `fulfilmentCommitment(...)`
    function commitFulfilment(uint256 requestId, bytes32 commitment) external;

    function fulfil(Fulfilment calldata fulfilment) external;

    /// @notice Each fulfilment for itself: one that fails is skipped and the others stand.
    function fulfilMany(Fulfilment[] calldata fulfilments) external returns (bool[] memory done);

    /// @notice Calls a consumer again whose callback failed. Anyone; the outputs must be those proven.
    function retryCallback(uint256 requestId, int256[] calldata outputsWad) external;

    /// @notice Sends what is credited to the caller.
    function withdraw(address token, address to) external returns (uint256 amount);

    // --- Subscriptions ---

    function subscribe(SubscriptionTerms calldata terms, uint256 funding)
        external
        payable
        returns (uint256 subscriptionId);

    /// @notice Adds to a subscription's balance. Anyone.
    function fundSubscription(uint256 subscriptionId, uint256 amount) external payable;

    /// @notice Makes the next run's request when it is due. Anyone.
    function run(uint256 subscriptionId) external returns (uint256 requestId);

    /// @notice Ends a subscription and credits its balance to its owner. A run that is open goes on.
    function endSubscription(uint256 subscriptionId) external;

    // --- Views ---

    /// @notice The least fee, in the token's units.
    function quote(uint256 modelId, address token, uint32 callbackGas) external view returns (uint256);

    function statusOf(uint256 requestId) external view returns (RequestStatus);

    function requestOf(uint256 requestId) external view returns (Request memory);

    function subscriptionOf(uint256 subscriptionId) external view returns (Subscription memory);

    /// @notice Whether `run` would make a request now, apart from the balance.
    function isDue(uint256 subscriptionId) external view returns (bool);

    function creditOf(address owner, address token) external view returns (uint256);

    /// @notice The nonce of a request's input commitment: keccak256(abi.encode(coordinator, requestId)).
    function nonceOf(uint256 requestId) external view returns (bytes32);

    /// @notice keccak256(abi.encode(chainid, coordinator, requestId, payee, keccak256(zkProof), salt)).
    function fulfilmentCommitment(uint256 requestId, address payee, bytes32 proofHash, bytes32 salt)
        external
        view
        returns (bytes32);

    /// @notice Whether these are the proven outputs of a fulfilled request.
    function isAnswer(uint256 requestId, int256[] calldata outputsWad) external view returns (bool);
}
