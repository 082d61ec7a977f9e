// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

/// @title Checkpoints of transparency logs, anchored by the agencies of a consortium.
/// @notice For each log the contract keeps every anchored tree size with its root hash. Two keys are needed to anchor: an
/// account that the members made a writer, and the log's own P-256 key. Whatever changes who may do what needs the approval
/// of more than half of the members; nobody holds the administrator role of AccessControl, so there is no other way.
/// @dev There is no proxy: code that has been read stays as it is. A new version is a new contract that names its predecessor
/// and carries on from where each log stood there.
contract AttestryAnchors is AccessControl {
    /// @notice An agency. Proposes and approves.
    bytes32 public constant MEMBER_ROLE = keccak256("MEMBER_ROLE");
    /// @notice An account that a member's notary sends anchors from.
    bytes32 public constant WRITER_ROLE = keccak256("WRITER_ROLE");
    /// @notice A proposal that is older than this can no longer be approved.
    uint256 public constant PROPOSAL_LIFETIME = 30 days;

    /// @dev What the log's key signs begins with one of these; nothing else that it signs does.
    bytes32 private constant ANCHOR_TAG = "attestry/anchor/v1";
    bytes32 private constant ROTATION_TAG = "attestry/log-key-rotation/v1";

    /// @notice A log. `keyNumber` counts its keys; 0 is a log that was never registered.
    struct Log {
        bytes32 keyX;
        bytes32 keyY;
        uint64 latestSize;
        uint64 keyNumber;
    }

    /// @notice A call of this contract to itself that members are asked to approve. `deadline` 0: there is none, or it is done.
    struct Proposal {
        bytes action;
        uint64 deadline;
    }

    struct NewWriter {
        address member;
        address account;
    }

    struct NewLog {
        string origin;
        bytes32 keyX;
        bytes32 keyY;
    }

    /// @dev At a fixed place (ERC-7201), because proofs of storage are made against it: `roots` stays the first of its members.
    /// @custom:storage-location erc7201:attestry.anchors.v1
    struct Anchors {
        mapping(bytes32 originHash => mapping(uint64 size => bytes32 root)) roots;
        mapping(bytes32 originHash => Log) logs;
    }

    bytes32 private constant ANCHORS_SLOT =
        keccak256(abi.encode(uint256(keccak256("attestry.anchors.v1")) - 1)) & ~bytes32(uint256(0xff));

    /// @notice The contract that this one replaces, or zero.
    AttestryAnchors public predecessor;
    /// @notice The member that a writer belongs to.
    mapping(address writer => address member) public memberOf;
    /// @notice Proposals by their id.
    mapping(bytes32 id => Proposal) public proposals;

    address[] private _members;
    address[] private _writers;
    /// @dev Each time that an account becomes a member it gets a new number, and approvals are kept under the number: those of
    /// a removed member do not count, not even once it has been added again.
    mapping(address member => uint256 number) private _membership;
    mapping(bytes32 id => mapping(uint256 membership => bool)) private _approved;
    uint256 private _memberships;
    uint256 private _proposalCount;

    event Anchored(bytes32 indexed originHash, uint64 indexed size, bytes32 root, address writer);
    event LogRegistered(bytes32 indexed originHash, string origin);
    event LogKeySet(bytes32 indexed originHash, uint64 keyNumber, bytes32 keyX, bytes32 keyY);
    event Proposed(bytes32 indexed id, address indexed member, bytes action);
    event Approved(bytes32 indexed id, address indexed member);
    event Executed(bytes32 indexed id);

    error UnknownLog(bytes32 originHash);
    error SizeNotGrown(uint64 latestSize, uint64 size);
    error EmptyRoot();
    error BadLogSignature();
    error InvalidKey();
    error OnlyByApproval();
    error UnknownProposal(bytes32 id);
    error ProposalLapsed(bytes32 id, uint64 deadline);
    error InvalidAccount(address account);
    error LastMember();

    modifier onlyByApproval() {
        if (msg.sender != address(this)) revert OnlyByApproval();
        _;
    }

    /// @param members The first members; at least one.
    /// @param predecessor_ The contract that this one replaces, or zero: see `setLogKey`.
    constructor(address[] memory members, NewWriter[] memory writers, NewLog[] memory logs, AttestryAnchors predecessor_) {
        if (members.length == 0) revert LastMember();
        predecessor = predecessor_;
        for (uint256 i = 0; i < members.length; i++) _addMember(members[i]);
        for (uint256 i = 0; i < writers.length; i++) _addWriter(writers[i].member, writers[i].account);
        for (uint256 i = 0; i < logs.length; i++) _setLogKey(logs[i].origin, logs[i].keyX, logs[i].keyY);
    }

    // Anchoring

    /// @notice Anchors a checkpoint.
    /// @param originHash SHA-256 of the log's origin in UTF-8.
    /// @param size Larger than every size anchored for this log before: so there is one root to a size, for ever.
    /// @param r,s The log's ES256 signature over `anchorMessage`, with s in the lower half of its range.
    function anchor(bytes32 originHash, uint64 size, bytes32 root, bytes32 r, bytes32 s) external onlyRole(WRITER_ROLE) {
        Log storage log = _anchors().logs[originHash];
        if (log.keyNumber == 0) revert UnknownLog(originHash);
        if (size <= log.latestSize) revert SizeNotGrown(log.latestSize, size);
        if (root == 0) revert EmptyRoot();
        _checkLogSignature(log, anchorMessage(originHash, size, root), r, s);
        log.latestSize = size;
        _anchors().roots[originHash][size] = root;
        emit Anchored(originHash, size, root, msg.sender);
    }

    /// @notice Gives a log its next key, with the consent of the one it has.
    /// @param r,s The present key's ES256 signature over `rotationMessage`, with s in the lower half of its range.
    function rotateLogKey(bytes32 originHash, bytes32 keyX, bytes32 keyY, bytes32 r, bytes32 s) external onlyRole(WRITER_ROLE) {
        Log storage log = _anchors().logs[originHash];
        if (log.keyNumber == 0) revert UnknownLog(originHash);
        _checkLogSignature(log, rotationMessage(originHash, keyX, keyY), r, s);
        _changeKey(log, originHash, keyX, keyY);
    }

    /// @notice What a log signs to have a checkpoint anchored here and nowhere else.
    function anchorMessage(bytes32 originHash, uint64 size, bytes32 root) public view returns (bytes memory) {
        return abi.encode(ANCHOR_TAG, block.chainid, address(this), originHash, size, root);
    }

    /// @notice What a log's present key signs to hand over to the next; good once, since it names the key's number.
    function rotationMessage(bytes32 originHash, bytes32 keyX, bytes32 keyY) public view returns (bytes memory) {
        uint64 keyNumber = _anchors().logs[originHash].keyNumber;
        return abi.encode(ROTATION_TAG, block.chainid, address(this), originHash, keyNumber, keyX, keyY);
    }

    // What members decide together

    /// @notice Proposes a call of this contract to itself, one of the functions below, and approves it for the caller.
    /// @return id Names the proposal and its content, so that nobody approves another one than was read.
    function propose(bytes calldata action) external onlyRole(MEMBER_ROLE) returns (bytes32 id) {
        id = keccak256(abi.encode(++_proposalCount, action));
        proposals[id] = Proposal(action, uint64(block.timestamp + PROPOSAL_LIFETIME));
        emit Proposed(id, msg.sender, action);
        _approve(id);
    }

    /// @notice Approves a proposal; it is carried out once more than half of the present members have approved. Approving
    /// twice counts once.
    function approve(bytes32 id) external onlyRole(MEMBER_ROLE) {
        uint64 deadline = proposals[id].deadline;
        if (deadline == 0) revert UnknownProposal(id);
        if (block.timestamp > deadline) revert ProposalLapsed(id, deadline);
        _approve(id);
    }

    function addMember(address member) external onlyByApproval {
        _addMember(member);
    }

    /// @notice Its writers go with it.
    function removeMember(address member) external onlyByApproval {
        if (!_revokeRole(MEMBER_ROLE, member)) revert InvalidAccount(member);
    }

    function addWriter(address member, address account) external onlyByApproval {
        _addWriter(member, account);
    }

    function removeWriter(address account) external onlyByApproval {
        if (!_revokeRole(WRITER_ROLE, account)) revert InvalidAccount(account);
    }

    /// @notice Registers a log, or replaces its key without the consent of the present one (which may be lost). A log that the
    /// predecessor knows carries on from its latest checkpoint there.
    function setLogKey(string calldata origin, bytes32 keyX, bytes32 keyY) external onlyByApproval {
        _setLogKey(origin, keyX, keyY);
    }

    // Reading

    /// @notice The latest anchored checkpoint of a log; zeros when there is none.
    function latest(bytes32 originHash) external view returns (uint64 size, bytes32 root) {
        size = _anchors().logs[originHash].latestSize;
        root = _anchors().roots[originHash][size];
    }

    /// @notice The root hash anchored for a size, or zero.
    function rootAt(bytes32 originHash, uint64 size) external view returns (bytes32) {
        return _anchors().roots[originHash][size];
    }

    function logOf(bytes32 originHash) external view returns (Log memory) {
        return _anchors().logs[originHash];
    }

    function getMembers() external view returns (address[] memory) {
        return _members;
    }

    function getWriters() external view returns (address[] memory) {
        return _writers;
    }

    /// @notice How many of the present members have approved a proposal.
    function approvalsOf(bytes32 id) public view returns (uint256 count) {
        for (uint256 i = 0; i < _members.length; i++) {
            if (_approved[id][_membership[_members[i]]]) count++;
        }
    }

    // Inside

    function _checkLogSignature(Log storage log, bytes memory message, bytes32 r, bytes32 s) private view {
        if (!P256.verify(sha256(message), r, s, log.keyX, log.keyY)) revert BadLogSignature();
    }

    function _changeKey(Log storage log, bytes32 originHash, bytes32 keyX, bytes32 keyY) private {
        if (!P256.isValidPublicKey(keyX, keyY)) revert InvalidKey();
        (log.keyX, log.keyY) = (keyX, keyY);
        emit LogKeySet(originHash, ++log.keyNumber, keyX, keyY);
    }

    function _setLogKey(string memory origin, bytes32 keyX, bytes32 keyY) private {
        bytes32 originHash = sha256(bytes(origin));
        Log storage log = _anchors().logs[originHash];
        if (log.keyNumber == 0) {
            emit LogRegistered(originHash, origin);
            if (address(predecessor) != address(0)) {
                (uint64 size, bytes32 root) = predecessor.latest(originHash);
                log.latestSize = size;
                _anchors().roots[originHash][size] = root;
            }
        }
        _changeKey(log, originHash, keyX, keyY);
    }

    function _approve(bytes32 id) private {
        _approved[id][_membership[msg.sender]] = true;
        emit Approved(id, msg.sender);
        if (approvalsOf(id) * 2 <= _members.length) return;
        bytes memory action = proposals[id].action;
        delete proposals[id];
        emit Executed(id);
        Address.functionCall(address(this), action);
    }

    function _addMember(address member) private {
        if (member == address(0) || !_grantRole(MEMBER_ROLE, member)) revert InvalidAccount(member);
        _members.push(member);
        _membership[member] = ++_memberships;
    }

    function _addWriter(address member, address account) private {
        if (!hasRole(MEMBER_ROLE, member)) revert InvalidAccount(member);
        if (account == address(0) || !_grantRole(WRITER_ROLE, account)) revert InvalidAccount(account);
        _writers.push(account);
        memberOf[account] = member;
    }

    /// @dev Every way out of a role leads through here, an account's own `renounceRole` included.
    function _revokeRole(bytes32 role, address account) internal override returns (bool) {
        if (!super._revokeRole(role, account)) return false;
        if (role == WRITER_ROLE) {
            _remove(_writers, account);
            delete memberOf[account];
        } else {
            if (_members.length == 1) revert LastMember();
            _remove(_members, account);
            for (uint256 i = _writers.length; i > 0; i--) {
                if (memberOf[_writers[i - 1]] == account) _revokeRole(WRITER_ROLE, _writers[i - 1]);
            }
        }
        return true;
    }

    function _remove(address[] storage list, address account) private {
        uint256 last = list.length - 1;
        for (uint256 i = 0; i < last; i++) {
            if (list[i] == account) list[i] = list[last];
        }
        list.pop();
    }

    function _anchors() private pure returns (Anchors storage anchors) {
        bytes32 slot = ANCHORS_SLOT;
        assembly ("memory-safe") {
            anchors.slot := slot
        }
    }
}
