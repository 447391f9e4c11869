// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IOrderMatching} from "../../interfaces/IOrderMatching.sol";
import {Batch, LogEntry, LogLeaf, Order, Receipt, SeriesLog} from "../../types/MatchingTypes.sol";

/// @title Each series' committed log, and what becomes of an operator that does not keep to its receipts
/// @dev Leaves are hashed twice, nodes in sorted pairs (OpenZeppelin's MerkleProof); a node without a neighbour goes up as it is.
abstract contract OrderLog is IOrderMatching, EIP712 {
    bytes32 public constant ORDER_TYPEHASH = keccak256(
        "Order(address trader,uint256 seriesId,bool isBuy,uint256 price,uint256 amount,uint64 expiry,uint256 nonce)"
    );
    bytes32 public constant CANCEL_TYPEHASH = keccak256("Cancel(bytes32 order)");
    bytes32 public constant RECEIPT_TYPEHASH =
        keccak256("Receipt(bytes32 leaf,uint256 seriesId,uint64 index,uint64 commitBy)");
    /// @notice Entries of a batch, at most.
    uint256 public constant MAX_BATCH = 32;

    address public immutable operator;
    /// @notice Whether a challenge has ended the operator's rights.
    bool public faulted;

    mapping(uint256 seriesId => SeriesLog) internal _logs;
    mapping(uint256 seriesId => mapping(uint64 batch => Batch)) internal _batches;

    constructor(address operator_) EIP712("Plumbline OrderMatching", "1") {
        if (operator_ == address(0)) revert InvalidConfiguration();
        operator = operator_;
    }

    /// @inheritdoc IOrderMatching
    function commit(uint256 seriesId, uint64 first, uint64 count, bytes32 root) external returns (uint64 batch) {
        if (msg.sender != operator) revert NotBookOperator(msg.sender);
        _requireFaultless();
        if (count == 0 || count > MAX_BATCH) revert BatchSizeOutOfRange(count, MAX_BATCH);
        SeriesLog storage log = _logs[seriesId];
        if (first != log.committed) revert BatchNotNext(first, log.committed);
        batch = log.batches++;
        log.committed += count;
        log.head = keccak256(abi.encode(log.head, root, first, count));
        _batches[seriesId][batch] = Batch(root, first, count, uint64(block.timestamp));
        emit BatchCommitted(seriesId, batch, root, first, count, log.head);
    }

    /// @inheritdoc IOrderMatching
    function challengeOverdue(Receipt calldata receipt, bytes calldata signature) external {
        _requireReceipt(receipt, signature);
        uint256 committed = _logs[receipt.seriesId].committed;
        if (block.timestamp <= receipt.commitBy || receipt.index < committed) {
            revert NotOverdue(receipt.commitBy, committed);
        }
        _fault(receipt);
    }

    /// @inheritdoc IOrderMatching
    function challengeReplaced(
        Receipt calldata receipt,
        bytes calldata signature,
        uint64 batch,
        LogLeaf calldata committed,
        bytes32[] calldata proof
    ) external {
        _requireReceipt(receipt, signature);
        bytes32 leaf = leafOf(committed);
        if (leaf == receipt.leaf) revert NotReplaced(leaf);
        bool same = committed.seriesId == receipt.seriesId && committed.index == receipt.index;
        bytes32 root = _batches[receipt.seriesId][batch].root;
        if (!same || root == 0 || !MerkleProof.verifyCalldata(proof, root, leaf)) {
            revert LeafNotCommitted(leaf, batch);
        }
        _fault(receipt);
    }

    /// @inheritdoc IOrderMatching
    function logOf(uint256 seriesId) external view returns (SeriesLog memory) {
        return _logs[seriesId];
    }

    /// @inheritdoc IOrderMatching
    function batchOf(uint256 seriesId, uint64 batch) external view returns (Batch memory) {
        return _batches[seriesId][batch];
    }

    /// @inheritdoc IOrderMatching
    function orderDigest(Order calldata o) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(abi.encode(ORDER_TYPEHASH, o.trader, o.seriesId, o.isBuy, o.price, o.amount, o.expiry, o.nonce))
        );
    }

    /// @inheritdoc IOrderMatching
    function cancelDigest(bytes32 order) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CANCEL_TYPEHASH, order)));
    }

    /// @inheritdoc IOrderMatching
    function receiptDigest(Receipt calldata r) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(RECEIPT_TYPEHASH, r.leaf, r.seriesId, r.index, r.commitBy)));
    }

    /// @inheritdoc IOrderMatching
    function leafOf(LogLeaf memory leaf) public pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(leaf))));
    }

    function _rootOf(uint256 seriesId, uint64 first, LogEntry[] calldata entries)
        internal
        view
        returns (bytes32 root, bytes32[] memory digests)
    {
        digests = new bytes32[](entries.length);
        bytes32[] memory nodes = new bytes32[](entries.length);
        for (uint256 i; i < entries.length; ++i) {
            LogEntry calldata entry = entries[i];
            digests[i] = orderDigest(entry.order);
            nodes[i] = leafOf(
                LogLeaf(
                    seriesId, first + uint64(i), entry.takenAt, entry.isCancel, digests[i], keccak256(entry.signature)
                )
            );
        }
        for (uint256 width = nodes.length; width > 1; width = (width + 1) / 2) {
            for (uint256 i; i < width; i += 2) {
                nodes[i / 2] = i + 1 < width ? Hashes.commutativeKeccak256(nodes[i], nodes[i + 1]) : nodes[i];
            }
        }
        root = nodes[0];
    }

    function _requireFaultless() internal view {
        if (faulted) revert OperatorAtFault();
    }

    function _requireReceipt(Receipt calldata receipt, bytes calldata signature) private view {
        _requireFaultless();
        bytes32 digest = receiptDigest(receipt);
        if (!SignatureChecker.isValidSignatureNowCalldata(operator, digest, signature)) {
            revert InvalidSignature(operator, digest);
        }
    }

    function _fault(Receipt calldata receipt) private {
        faulted = true;
        emit OperatorFaulted(receipt.seriesId, receipt.index, receipt.leaf);
    }
}
