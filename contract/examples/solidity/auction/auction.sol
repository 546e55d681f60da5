// SPDX-License-Identifier: Apache-2.0

/// An auction whose bids stay secret: while it runs from everybody, and afterwards, but for the winning one, for ever.
///
/// On a public chain bids are hidden as hashes, and must be opened before they count: whoever loses has shown what the
/// thing was worth to them. Here a bid is encrypted on its way and private where it lies, so nothing has to be opened to be
/// compared. A bidder may still commit to a bid first and name it later, so that not even its size on the wire or its time
/// says anything: `commit` takes a hash and `reveal` what is in it, as auctions on public chains have it.
contract Auction {
    address private seller;
    uint64 private commitsUntil;
    uint64 private revealsUntil;
    mapping(address => bytes32) private commitments;
    mapping(address => uint128) private bids;
    address private winner;
    uint128 private best;
    uint128 private second;
    bool private settled;

    event Settled(address winner, uint128 price);

    /// Times are in seconds, from now on.
    constructor(uint64 commitFor, uint64 revealFor) {
        seller = msg.sender;
        commitsUntil = uint64(block.timestamp) + commitFor;
        revealsUntil = commitsUntil + revealFor;
    }

    /// What a bidder commits to. It is computed here only for convenience: a query leaves no trace.
    function commitmentOf(uint128 amount, bytes32 salt) public view returns (bytes32) {
        return keccak256(abi.encode(msg.sender, amount, salt));
    }

    function commit(bytes32 commitment) public {
        require(uint64(block.timestamp) <= commitsUntil, "too late to commit");
        require(msg.sender != seller, "the seller does not bid");
        commitments[msg.sender] = commitment;
    }

    function reveal(uint128 amount, bytes32 salt) public {
        require(uint64(block.timestamp) > commitsUntil, "too early to reveal");
        require(uint64(block.timestamp) <= revealsUntil, "too late to reveal");
        require(commitments[msg.sender] == commitmentOf(amount, salt), "not what was committed");
        require(bids[msg.sender] == 0 && amount > 0, "one bid each");
        bids[msg.sender] = amount;
        if (amount > best) {
            second = best;
            best = amount;
            winner = msg.sender;
        } else if (amount > second) {
            second = amount;
        }
    }

    /// Only the bidder's own, for ever.
    function myBid() public view returns (uint128) {
        return bids[msg.sender];
    }

    /// The highest bidder pays what the next one bid. Nothing else of any bid is ever told.
    function settle() public returns (address, uint128) {
        require(uint64(block.timestamp) > revealsUntil, "it is not over");
        require(!settled, "it is settled");
        require(winner != address(0), "nobody bid");
        settled = true;
        emit Settled(winner, second);
        return (winner, second);
    }

    function result() public view returns (address, uint128) {
        require(settled, "it is not over");
        return (winner, second);
    }
}
