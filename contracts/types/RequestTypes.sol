// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice Where a request stands. Derived from its facts at the time of asking, never stored.
enum RequestStatus {
    None, // never made
    Open, // a proof that comes now is paid
    Expired, // the deadline passed without one: the fee waits to be refunded
    Fulfilled, // proven; the fee belongs to the prover
    Refunded // the fee went back to who paid it
}

/// @notice What became of the callback.
enum CallbackStatus {
    None, // no consumer asked for one, or not fulfilled yet
    Delivered,
    Failed // the consumer reverted; anyone may try again
}

/// @notice What a requester asks for.
struct RequestTerms {
    uint256 modelId;
    address consumer; // called back with the outputs; zero for none
    uint32 callbackGas; // gas that the callback gets
    address feeToken; // zero for the chain's native coin
    uint128 fee; // in the token's units, at least the quote
    uint64 deadline; // unix seconds; a proof in this very second still counts
    address prover; // who alone may fulfil until `assignedUntil`; zero for nobody
    uint64 assignedUntil; // unix seconds
}

/// @notice The facts of a request.
struct Request {
    address payer; // who may withdraw it and gets a refund; for a subscription's run its owner
    uint64 createdAt;
    uint32 version; // of the model, pinned when the request was made
    uint256 modelId;
    bytes32 inputsHash; // keccak256(abi.encode(int256[] inputs))
    address feeToken;
    uint64 deadline;
    uint32 callbackGas;
    uint128 fee;
    uint128 subscriptionId; // whose balance a refund goes to; zero for a request of its own
    address prover;
    uint64 assignedUntil;
    bool refunded;
    CallbackStatus callback;
    address consumer;
    uint64 fulfilledAt; // zero until then
    bytes32 outputsHash; // keccak256(abi.encode(int256[] outputsWad)); zero until fulfilled
}

/// @notice A prover's answer to one request.
struct Fulfilment {
    uint256 requestId;
    int256[] inputs; // those of the request, at the model's input scale
    uint256[] outputInstances; // field elements
    bytes zkProof;
    address payee; // who is paid
    bytes32 salt; // of the commitment; any value for the assigned prover
}

/// @notice What a subscriber asks for.
struct SubscriptionTerms {
    uint256 modelId;
    address consumer; // gives the inputs by its own view, and is called back
    uint32 callbackGas;
    address feeToken;
    uint128 feePerRun;
    uint32 interval; // seconds from one run to the next; zero when only deviation triggers
    address trigger; // an aggregator whose answer is watched; zero when only time triggers
    uint16 deviationBps; // of the trigger's answer since the last run
    uint32 runSecs; // seconds that a run's proof may take
    address prover;
    uint32 assignedSecs;
}

/// @notice The facts of a subscription.
struct Subscription {
    address owner;
    uint64 lastRunAt;
    bool ended;
    uint256 lastRequestId;
    int256 lastTriggerAnswer;
    uint256 balance; // of the fee token
    SubscriptionTerms terms;
}

/// @notice The least fee for a model in one token: base + perCallbackGas * callbackGas.
struct Price {
    bool offered;
    uint128 base;
    uint64 perCallbackGas;
}
