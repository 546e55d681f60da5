// SPDX-License-Identifier: Apache-2.0

/// Things of which there is one each, and whose content only their owners can read.
contract Erc721 {
    address private minter;
    mapping(uint256 => address) private owners;
    mapping(uint256 => address) private approved;
    mapping(uint256 => string) private contents;
    mapping(address => uint256) private counts;
    mapping(address => mapping(address => bool)) private operators;

    event Transfer(address indexed from, address indexed to, uint256 indexed id);

    constructor() {
        minter = msg.sender;
    }

    function mint(address to, uint256 id, string content) public {
        require(msg.sender == minter, "not the minter");
        require(owners[id] == address(0), "it exists");
        owners[id] = to;
        counts[to] += 1;
        contents[id] = content;
        emit Transfer(address(0), to, id);
    }

    function ownerOf(uint256 id) public view returns (address) {
        require(owners[id] != address(0), "there is none");
        return owners[id];
    }

    /// The point of it: what is inside is for its owner.
    function contentOf(uint256 id) public view returns (string) {
        require(msg.sender == owners[id], "not yours");
        return contents[id];
    }

    function balanceOf(address account) public view returns (uint256) {
        return counts[account];
    }

    function approve(address to, uint256 id) public {
        require(msg.sender == owners[id], "not yours");
        approved[id] = to;
    }

    function setApprovalForAll(address operator, bool allowed) public {
        operators[msg.sender][operator] = allowed;
    }

    function transferFrom(address from, address to, uint256 id) public {
        address owner = owners[id];
        require(owner != address(0) && owner == from, "not its owner");
        require(to != address(0), "nobody's account");
        require(
            msg.sender == owner || msg.sender == approved[id] || operators[owner][msg.sender],
            "not allowed"
        );
        approved[id] = address(0);
        counts[from] -= 1;
        counts[to] += 1;
        owners[id] = to;
        emit Transfer(from, to, id);
    }

    function burn(uint256 id) public {
        require(msg.sender == owners[id], "not yours");
        counts[msg.sender] -= 1;
        owners[id] = address(0);
        approved[id] = address(0);
        contents[id] = "";
        emit Transfer(msg.sender, address(0), id);
    }
}
