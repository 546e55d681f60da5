// SPDX-License-Identifier: Apache-2.0

/// A market of two tokens, and the factory that makes one per pair.
///
/// Every price is x * y = k with a fee of 0.3 %. Who trades how much is nobody's business but the trader's: reserves can be
/// asked for, since prices follow from them; shares only by their owner.

/// What a market takes for money here: a ledger that it can move with the owner's leave.
contract Token {
    mapping(address => uint128) private balances;
    mapping(address => mapping(address => uint128)) private allowances;

    constructor(uint128 supply) {
        balances[msg.sender] = supply;
    }

    function balanceOf(address account) public view returns (uint128) {
        require(msg.sender == account, "not yours");
        return balances[account];
    }

    function approve(address spender, uint128 amount) public {
        allowances[msg.sender][spender] = amount;
    }

    function transfer(address to, uint128 amount) public {
        require(balances[msg.sender] >= amount, "balance too small");
        balances[msg.sender] -= amount;
        balances[to] += amount;
    }

    function transferFrom(address from, address to, uint128 amount) public {
        require(allowances[from][msg.sender] >= amount, "allowance too small");
        require(balances[from] >= amount, "balance too small");
        allowances[from][msg.sender] -= amount;
        balances[from] -= amount;
        balances[to] += amount;
    }
}

/// One market.
contract Pair {
    Token private first;
    Token private second;
    uint128 private reserveFirst;
    uint128 private reserveSecond;
    uint128 private shares;
    mapping(address => uint128) private sharesOf;

    event Swapped(bool firstForSecond, uint128 paid, uint128 got);

    constructor(address a, address b) {
        first = Token(a);
        second = Token(b);
    }

    function reserves() public view returns (uint128, uint128) {
        return (reserveFirst, reserveSecond);
    }

    function mySharesOf() public view returns (uint128) {
        return sharesOf[msg.sender];
    }

    /// Adds to both sides, at the present price unless the market is empty. Returns the shares.
    function add(uint128 amountFirst, uint128 amountSecond) public returns (uint128) {
        uint128 made;
        if (shares == 0) {
            made = root(uint256(amountFirst) * uint256(amountSecond));
        } else {
            uint256 byFirst = uint256(amountFirst) * shares / reserveFirst;
            uint256 bySecond = uint256(amountSecond) * shares / reserveSecond;
            made = uint128(byFirst < bySecond ? byFirst : bySecond);
        }
        require(made > 0, "too little");
        first.transferFrom(msg.sender, address(this), amountFirst);
        second.transferFrom(msg.sender, address(this), amountSecond);
        reserveFirst += amountFirst;
        reserveSecond += amountSecond;
        shares += made;
        sharesOf[msg.sender] += made;
        return made;
    }

    /// Takes a part of both sides out again.
    function remove(uint128 amount) public {
        require(sharesOf[msg.sender] >= amount && amount > 0, "not that many shares");
        uint128 outFirst = uint128(uint256(amount) * reserveFirst / shares);
        uint128 outSecond = uint128(uint256(amount) * reserveSecond / shares);
        sharesOf[msg.sender] -= amount;
        shares -= amount;
        reserveFirst -= outFirst;
        reserveSecond -= outSecond;
        first.transfer(msg.sender, outFirst);
        second.transfer(msg.sender, outSecond);
    }

    /// Trades, and refuses to for less than the trader wants.
    function swap(bool firstForSecond, uint128 paid, uint128 atLeast) public returns (uint128) {
        uint128 reserveIn = firstForSecond ? reserveFirst : reserveSecond;
        uint128 reserveOut = firstForSecond ? reserveSecond : reserveFirst;
        require(paid > 0 && reserveIn > 0, "nothing to trade");
        uint256 afterFee = uint256(paid) * 997;
        uint128 got = uint128(afterFee * reserveOut / (uint256(reserveIn) * 1000 + afterFee));
        require(got >= atLeast && got > 0, "the price moved");
        if (firstForSecond) {
            reserveFirst += paid;
            reserveSecond -= got;
            first.transferFrom(msg.sender, address(this), paid);
            second.transfer(msg.sender, got);
        } else {
            reserveSecond += paid;
            reserveFirst -= got;
            second.transferFrom(msg.sender, address(this), paid);
            first.transfer(msg.sender, got);
        }
        emit Swapped(firstForSecond, paid, got);
        return got;
    }

    /// The whole part of a square root, by Newton's method.
    function root(uint256 square) private pure returns (uint128) {
        if (square == 0) {
            return 0;
        }
        uint256 guess = square;
        uint256 better = (square + 1) / 2;
        while (better < guess) {
            guess = better;
            better = (square / guess + guess) / 2;
        }
        return uint128(guess);
    }
}

/// Makes markets, one per pair of tokens.
contract Factory {
    mapping(address => mapping(address => address)) private pairs;
    uint32 public count;

    event Created(address first, address second, address pair);

    function createPair(address a, address b) public returns (address) {
        require(a != b, "one token is no pair");
        require(pairs[a][b] == address(0), "it exists");
        count += 1;
        Pair pair = new Pair(a, b);
        pairs[a][b] = address(pair);
        pairs[b][a] = address(pair);
        emit Created(a, b, address(pair));
        return address(pair);
    }

    function pairOf(address a, address b) public view returns (address) {
        return pairs[a][b];
    }
}
