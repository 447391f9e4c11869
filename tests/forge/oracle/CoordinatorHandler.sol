// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {InferenceCoordinator} from "../../../contracts/requests/InferenceCoordinator.sol";
import {InferenceConsumer} from "../../../contracts/testing/InferenceConsumers.sol";
import {TestERC20} from "../../../contracts/testing/TestERC20.sol";
import {
    Fulfilment,
    Price,
    Request,
    RequestStatus,
    RequestTerms,
    Subscription,
    SubscriptionTerms
} from "../../../contracts/types/RequestTypes.sol";
import {Models} from "./YesVerifier.sol";
import {vm} from "./Vm.sol";

/// @title Requesters, provers and thieves at one coordinator, with its money counted beside it
contract CoordinatorHandler {
    uint256 private constant ACTORS = 4;
    uint128 private constant FEE = 1e15;
    bytes private constant PROOF = "proof";

    Models public immutable models = new Models(address(this));
    InferenceCoordinator public immutable coordinator;
    TestERC20 public immutable token = new TestERC20("Fee", "FEE", 6);
    InferenceConsumer public immutable consumer;
    uint256 public immutable modelId;

    uint256 public now_ = 1_700_000_000;
    uint256 public block_ = 1_000;
    uint256 public accepted;
    uint256 public refused;
    uint256 public ended;
    string public fault;

    mapping(address token => uint256) private _in;
    mapping(address token => uint256) private _out;
    mapping(uint256 requestId => uint256) private _ends; // how often a request ended: paid, or refunded
    mapping(uint256 requestId => bool) private _committed;

    constructor() {
        vm.warp(now_);
        modelId = models.add(2, 1, 13);
        coordinator = new InferenceCoordinator(models.verifier(), address(this));
        consumer = new InferenceConsumer(coordinator);
        consumer.setInputs(_inputs());
        for (uint256 i; i < ACTORS; ++i) {
            vm.deal(actor(i), 1e30);
            token.mint(actor(i), 1e30);
            vm.prank(actor(i));
            token.approve(address(coordinator), type(uint256).max);
        }
        coordinator.setPrice(modelId, address(0), Price(true, FEE, 0));
        coordinator.setPrice(modelId, address(token), Price(true, FEE, 0));
    }

    function actor(uint256 i) public pure returns (address) {
        return address(uint160(0xA0000 + i));
    }

    // Calls

    function request(uint256 who, uint128 fee, uint64 life, bool native, bool assigned) external {
        RequestTerms memory terms;
        terms.modelId = modelId;
        terms.feeToken = native ? address(0) : address(token);
        terms.fee = FEE / 2 + fee % (4 * FEE); // some of them below the quote
        terms.deadline = uint64(now_) + life % 4_000;
        if (assigned) (terms.prover, terms.assignedUntil) = (actor(life % ACTORS), terms.deadline);
        if (fee % 3 == 0) (terms.consumer, terms.callbackGas) = (address(consumer), 100_000);
        consumer.setManner(InferenceConsumer.Manner(life % 4));
        _pay(who, terms.feeToken, terms.fee, abi.encodeCall(coordinator.request, (terms, _inputs())));
    }

    function topUp(uint256 who, uint256 which, uint128 amount) external {
        uint256 id = _request(which);
        amount = amount % FEE;
        _pay(who, coordinator.requestOf(id).feeToken, amount, abi.encodeCall(coordinator.topUp, (id, amount)));
    }

    function cancel(uint256 who, uint256 which) external {
        _act(who, abi.encodeCall(coordinator.cancel, (_request(which))));
    }

    function refund(uint256 who, uint256 which) external {
        uint256 id = _request(which);
        bool before = coordinator.statusOf(id) == RequestStatus.Expired;
        if (!_act(who, abi.encodeCall(coordinator.refund, (id)))) return;
        if (!before) fault = "refunded before it expired";
        ++_ends[id];
        ++ended;
    }

    function commit(uint256 who, uint256 which, uint256 payee) external {
        uint256 id = _request(which);
        bytes32 made = coordinator.fulfilmentCommitment(id, actor(payee % ACTORS), keccak256(PROOF), bytes32(payee));
        if (_act(who, abi.encodeCall(coordinator.commitFulfilment, (id, made)))) _committed[uint256(made)] = true;
        _mine();
    }

    /// @dev With the money of the payee counted before and after; sometimes twice in one transaction.
    function fulfil(uint256 who, uint256 which, uint256 payee, bool twice, bool bare) public {
        uint256 id = _request(which);
        address paid = actor(payee % ACTORS);
        Fulfilment memory f =
            Fulfilment(id, _inputs(), new uint256[](1), bare ? bytes("") : PROOF, paid, bytes32(payee));
        Request memory r = coordinator.requestOf(id);
        RequestStatus status = coordinator.statusOf(id);
        uint256 credit = coordinator.creditOf(paid, r.feeToken);
        bytes32 made = coordinator.fulfilmentCommitment(id, paid, keccak256(PROOF), bytes32(payee));
        bool entitled = r.prover == actor(who % ACTORS) && now_ <= r.assignedUntil || _committed[uint256(made)]
            && (r.prover == address(0) || now_ > r.assignedUntil);
        if (twice) {
            Fulfilment[] memory both = new Fulfilment[](2);
            (both[0], both[1]) = (f, f);
            _act(who, abi.encodeCall(coordinator.fulfilMany, (both)));
        } else {
            _act(who, abi.encodeCall(coordinator.fulfil, (f)));
        }
        uint256 gained = coordinator.creditOf(paid, r.feeToken) - credit;
        bool now_fulfilled = coordinator.statusOf(id) == RequestStatus.Fulfilled && status != RequestStatus.Fulfilled;
        if (gained != (now_fulfilled ? r.fee : 0)) fault = "paid another amount than the fee";
        if (!now_fulfilled) return;
        if (bare) fault = "fulfilled without a proof";
        if (status != RequestStatus.Open) fault = "fulfilled though not open";
        if (!entitled) fault = "fulfilled by somebody without a right to it";
        ++_ends[id];
        ++ended;
    }

    function commitAndFulfil(uint256 who, uint256 which, uint256 payee) external {
        this.commit(who, which, payee);
        fulfil(who, which, payee, false, false);
    }

    function retry(uint256 who, uint256 which) external {
        consumer.setManner(InferenceConsumer.Manner.Accept);
        int256[] memory outputs = new int256[](1);
        _act(who, abi.encodeCall(coordinator.retryCallback, (_request(which), outputs)));
    }

    function withdraw(uint256 who, bool native) external {
        address asset = native ? address(0) : address(token);
        uint256 owed = coordinator.creditOf(actor(who % ACTORS), asset);
        bytes memory call_ = abi.encodeCall(coordinator.withdraw, (asset, actor(who % ACTORS)));
        uint256 held = _held(asset);
        if (!_act(who, call_)) return;
        if (held - _held(asset) != owed) fault = "another amount than the credit left";
        _out[asset] += owed;
    }

    function subscribe(uint256 who, uint128 funding, uint32 interval, bool native) external {
        SubscriptionTerms memory terms;
        terms.modelId = modelId;
        terms.consumer = address(consumer);
        terms.feeToken = native ? address(0) : address(token);
        terms.feePerRun = FEE;
        terms.interval = 1 + interval % 3_000;
        terms.runSecs = 10 + interval % 600;
        funding %= 4 * FEE;
        _pay(who, terms.feeToken, funding, abi.encodeCall(coordinator.subscribe, (terms, funding)));
    }

    function fund(uint256 who, uint256 which, uint128 amount) external {
        uint256 id = _subscription(which);
        amount %= FEE;
        address asset = coordinator.subscriptionOf(id).terms.feeToken;
        _pay(who, asset, amount, abi.encodeCall(coordinator.fundSubscription, (id, amount)));
    }

    function run(uint256 who, uint256 which) external {
        _act(who, abi.encodeCall(coordinator.run, (_subscription(which))));
    }

    function end(uint256 who, uint256 which) external {
        if (which % 4 == 0) _act(who, abi.encodeCall(coordinator.endSubscription, (_subscription(which))));
    }

    function wait(uint256 secs) external {
        now_ += secs % 2_000;
        _mine();
    }

    // What is held against the coordinator

    /// @dev Every unit held belongs to an open request, a credit or a subscription; and what came in less what went out is held.
    function check() external {
        address[2] memory assets = [address(0), address(token)];
        for (uint256 i; i < 2; ++i) {
            uint256 owed;
            for (uint256 a; a < ACTORS; ++a) {
                owed += coordinator.creditOf(actor(a), assets[i]);
            }
            for (uint256 id = 1; id <= coordinator.requestCount(); ++id) {
                Request memory r = coordinator.requestOf(id);
                if (r.feeToken != assets[i]) continue;
                RequestStatus status = coordinator.statusOf(id);
                if (status == RequestStatus.Open || status == RequestStatus.Expired) owed += r.fee;
                if (_ends[id] > 1) fault = "a request ended twice";
                bool over = status == RequestStatus.Fulfilled || status == RequestStatus.Refunded;
                if (over != (_ends[id] == 1)) fault = "a request ended without its end being seen";
            }
            for (uint256 id = 1; id <= coordinator.subscriptionCount(); ++id) {
                Subscription memory s = coordinator.subscriptionOf(id);
                if (s.terms.feeToken == assets[i]) owed += s.balance;
            }
            if (_held(assets[i]) != owed) fault = "the escrow is not conserved";
            if (_held(assets[i]) != _in[assets[i]] - _out[assets[i]]) fault = "money moved unseen";
        }
    }

    // Means

    function _inputs() private pure returns (int256[] memory inputs) {
        inputs = new int256[](2);
        (inputs[0], inputs[1]) = (3, -4);
    }

    function _held(address asset) private view returns (uint256) {
        return asset == address(0) ? address(coordinator).balance : token.balanceOf(address(coordinator));
    }

    function _request(uint256 seed) private view returns (uint256) {
        uint256 count = coordinator.requestCount();
        return count == 0 ? 1 : count - seed % (count < 8 ? count : 8);
    }

    function _subscription(uint256 seed) private view returns (uint256) {
        uint256 count = coordinator.subscriptionCount();
        return count == 0 ? 1 : count - seed % (count < 4 ? count : 4);
    }

    function _pay(uint256 who, address asset, uint256 amount, bytes memory data) private {
        vm.warp(now_);
        vm.prank(actor(who % ACTORS));
        (bool ok,) = address(coordinator).call{value: asset == address(0) ? amount : 0}(data);
        if (ok) {
            ++accepted;
            _in[asset] += amount;
        } else {
            ++refused;
        }
    }

    function _act(uint256 who, bytes memory data) private returns (bool ok) {
        vm.warp(now_);
        vm.prank(actor(who % ACTORS));
        (ok,) = address(coordinator).call(data);
        if (ok) ++accepted;
        else ++refused;
    }

    function _mine() private {
        ++block_;
        vm.roll(block_);
        vm.warp(now_);
    }
}
