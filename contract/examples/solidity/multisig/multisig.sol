// SPDX-License-Identifier: Apache-2.0

/// Money that moves when enough of its owners agree. Proposals and votes are for owners only.
contract Multisig {
    struct Proposal {
        address to;
        uint128 amount;
        uint32 votes;
        bool done;
    }

    mapping(address => bool) private isOwner;
    mapping(uint32 => Proposal) private proposals;
    mapping(uint32 => mapping(address => bool)) private voted;
    uint32 private count;
    uint32 private owners;
    uint32 public needed;

    event Paid(uint32 proposal, address to, uint128 amount);

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

    /// Whoever proposes votes for it.
    function propose(address to, uint128 amount) public onlyOwners returns (uint32) {
        uint32 id = count;
        count += 1;
        proposals[id] = Proposal(to, amount, 0, false);
        vote(id);
        return id;
    }

    /// The vote that is needed pays.
    function vote(uint32 id) public onlyOwners {
        require(id < count, "there is none");
        require(!proposals[id].done, "it is paid");
        require(!voted[id][msg.sender], "voted already");
        voted[id][msg.sender] = true;
        proposals[id].votes += 1;
        if (proposals[id].votes >= needed) {
            proposals[id].done = true;
            payable(proposals[id].to).transfer(proposals[id].amount);
            emit Paid(id, proposals[id].to, proposals[id].amount);
        }
    }

    function votesOf(uint32 id) public view onlyOwners returns (uint32, bool) {
        return (proposals[id].votes, proposals[id].done);
    }

    function funds() public view onlyOwners returns (uint128) {
        return uint128(address(this).balance);
    }
}
