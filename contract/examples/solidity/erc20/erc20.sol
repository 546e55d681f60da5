// SPDX-License-Identifier: Apache-2.0

/// A token whose balances only their owners can read.
///
/// The ERC-20 that every chain has, but for who may ask: a query proves its caller, so `balanceOf` answers the account
/// itself and refuses everybody else, before it looks.
contract Erc20 {
    string public name;
    uint256 public totalSupply;
    mapping(address => uint256) private balances;
    mapping(address => mapping(address => uint256)) private allowances;

    event Transfer(address indexed from, address indexed to, uint256 amount);
    event Approval(address indexed owner, address indexed spender, uint256 amount);

    constructor(string label, uint256 supply) {
        name = label;
        totalSupply = supply;
        balances[msg.sender] = supply;
        emit Transfer(address(0), msg.sender, supply);
    }

    function balanceOf(address account) public view returns (uint256) {
        require(msg.sender == account, "not yours");
        return balances[account];
    }

    function allowance(address owner, address spender) public view returns (uint256) {
        require(msg.sender == owner || msg.sender == spender, "not yours");
        return allowances[owner][spender];
    }

    function transfer(address to, uint256 amount) public returns (bool) {
        move(msg.sender, to, amount);
        return true;
    }

    function approve(address spender, uint256 amount) public returns (bool) {
        allowances[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
        return true;
    }

    /// The allowance is looked at first: a spender can never learn more of a balance than that it covers the allowance.
    function transferFrom(address from, address to, uint256 amount) public returns (bool) {
        uint256 allowed = allowances[from][msg.sender];
        require(allowed >= amount, "allowance too small");
        allowances[from][msg.sender] = allowed - amount;
        move(from, to, amount);
        return true;
    }

    function move(address from, address to, uint256 amount) private {
        require(to != address(0), "nobody's account");
        uint256 balance = balances[from];
        require(balance >= amount, "balance too small");
        balances[from] = balance - amount;
        balances[to] += amount;
        emit Transfer(from, to, amount);
    }
}
