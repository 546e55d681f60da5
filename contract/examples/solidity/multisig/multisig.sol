// SPDX-License-Identifier: Apache-2.0

/// An account of several people: it pays, and calls other contracts, when enough of them agree. Proposals and votes are
/// for owners only.
contract Multisig {
    struct Proposal {
        address to;
        uint128 amount;
        bytes data;
        uint32 votes;
        bool done;
    }

    mapping(address => bool) private isOwner;
    mapping(uint32 => Proposal) private proposals;
    mapping(uint32 => mapping(address => bool)) private voted;
    uint32 private count;
    uint32 private owners;
    uint32 public needed;

    event Executed(uint32 proposal, address to, uint128 amount);

    modifier onlyOwners() {
        require(isOwner[msg.sender], "not an owner");
        _;
    }

    constructor(address[] list, uint32 threshold) payable {
        for (uint32 i = 0; i < list.length; i++) {
            require(!isOwner[list[i]], "an owner twice");
            isOwner[list[i]] = true;
        }
        owners = uint32(list.length);
        require(threshold > 0 && threshold <= owners, "no such majority");
        needed = threshold;
    }

    /// Whoever proposes votes for it. Without data it is a payment.
    function propose(address to, uint128 amount, bytes data) public onlyOwners returns (uint32) {
        uint32 id = count;
        count += 1;
        proposals[id] = Proposal(to, amount, data, 0, false);
        vote(id);
        return id;
    }

    /// The vote that is needed carries it out.
    function vote(uint32 id) public onlyOwners {
        require(id < count, "there is none");
        require(!proposals[id].done, "it is done");
        require(!voted[id][msg.sender], "voted already");
        voted[id][msg.sender] = true;
        proposals[id].votes += 1;
        if (proposals[id].votes >= needed) {
            // Before anybody else runs, who might vote again.
            proposals[id].done = true;
            execute(proposals[id].to, proposals[id].amount, proposals[id].data);
            emit Executed(id, proposals[id].to, proposals[id].amount);
        }
    }

    function execute(address to, uint128 amount, bytes data) private {
        if (data.length == 0) {
            payable(to).transfer(amount);
            return;
        }
        (bool done, ) = to.call{value: amount}(data);
        require(done, "the call failed");
    }

    function votesOf(uint32 id) public view onlyOwners returns (uint32, bool) {
        return (proposals[id].votes, proposals[id].done);
    }

    function funds() public view onlyOwners returns (uint128) {
        return uint128(address(this).balance);
    }
}

/// Something to own: opened by its owner alone, who may be a multisig.
contract Safe {
    address private owner;
    bool private opened;

    constructor(address whose) {
        owner = whose;
    }

    /// The selector is said, so that a proposal can name it.
    @selector([0x0b, 0xe4, 0x0e, 0x01])
    function open() public {
        require(msg.sender == owner, "not the owner");
        opened = true;
    }

    function isOpen() public view returns (bool) {
        return opened;
    }
}
