// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// A token with nothing but what a transfer needs.
contract Token {
    mapping(address => uint256) public balanceOf;

    event Transfer(address indexed from, address indexed to, uint256 value);

    constructor() {
        balanceOf[msg.sender] = type(uint256).max;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        uint256 balance = balanceOf[msg.sender];
        require(balance >= value, "too little");
        unchecked {
            balanceOf[msg.sender] = balance - value;
        }
        balanceOf[to] += value;
        emit Transfer(msg.sender, to, value);
        return true;
    }
}

/// The loops. SHA-256 is written out: a precompile would be this machine's, and no engine but this one has it.
contract Loops {
    mapping(uint32 => uint64) values;

    function nothing() external pure {}

    function fibonacci(uint32 steps) external pure returns (uint64 it) {
        unchecked {
            uint64 next = 1;
            for (uint32 i = 0; i < steps; i++) {
                (it, next) = (next, it + next);
            }
        }
    }

    function countUp(uint32 count) external returns (uint64 sum) {
        unchecked {
            for (uint32 key = 0; key < count; key++) {
                uint64 next = values[key] + 1;
                values[key] = next;
                sum += next;
            }
        }
    }

    function calls(Loops callee, uint32 count) external pure returns (uint32 succeeded) {
        unchecked {
            for (uint32 i = 0; i < count; i++) {
                callee.nothing();
                succeeded++;
            }
        }
    }

    function sha256Chain(uint32 rounds) external pure returns (bytes32 digest) {
        uint32[64] memory k = constants();
        for (uint32 i = 0; i < rounds; i++) {
            digest = sha256Of(digest, k);
        }
    }

    function rotate(uint32 x, uint32 by) private pure returns (uint32) {
        unchecked {
            return (x >> by) | (x << (32 - by));
        }
    }

    /// FIPS 180-4, section 6.2, for a message of 32 bytes, which fills one block with its padding.
    function sha256Of(bytes32 message, uint32[64] memory k) private pure returns (bytes32) {
        unchecked {
            uint32[64] memory w;
            for (uint256 t = 0; t < 8; t++) {
                w[t] = uint32(uint256(message) >> (224 - 32 * t));
            }
            w[8] = 0x80000000;
            w[15] = 256;
            for (uint256 t = 16; t < 64; t++) {
                uint32 a = w[t - 15];
                uint32 b = w[t - 2];
                uint32 s0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >> 3);
                uint32 s1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >> 10);
                w[t] = w[t - 16] + s0 + w[t - 7] + s1;
            }
            uint32[8] memory start = [
                uint32(0x6a09e667), 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
            ];
            uint32[8] memory h;
            for (uint256 i = 0; i < 8; i++) {
                h[i] = start[i];
            }
            for (uint256 t = 0; t < 64; t++) {
                step(h, k[t] + w[t]);
            }
            uint256 digest;
            for (uint256 i = 0; i < 8; i++) {
                digest = (digest << 32) | uint256(start[i] + h[i]);
            }
            return bytes32(digest);
        }
    }

    function step(uint32[8] memory h, uint32 word) private pure {
        unchecked {
            uint32 e = h[4];
            uint32 a = h[0];
            uint32 t1 = h[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & h[5]) ^ (~e & h[6])) + word;
            uint32 t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & h[1]) ^ (a & h[2]) ^ (h[1] & h[2]));
            (h[7], h[6], h[5], h[4]) = (h[6], h[5], e, h[3] + t1);
            (h[3], h[2], h[1], h[0]) = (h[2], h[1], a, t1 + t2);
        }
    }

    /// FIPS 180-4, section 4.2.2, eight words in each number.
    function constants() private pure returns (uint32[64] memory k) {
        uint256[8] memory packed = [
            0x428a2f9871374491b5c0fbcfe9b5dba53956c25b59f111f1923f82a4ab1c5ed5,
            0xd807aa9812835b01243185be550c7dc372be5d7480deb1fe9bdc06a7c19bf174,
            0xe49b69c1efbe47860fc19dc6240ca1cc2de92c6f4a7484aa5cb0a9dc76f988da,
            0x983e5152a831c66db00327c8bf597fc7c6e00bf3d5a7914706ca635114292967,
            0x27b70a852e1b21384d2c6dfc53380d13650a7354766a0abb81c2c92e92722c85,
            0xa2bfe8a1a81a664bc24b8b70c76c51a3d192e819d6990624f40e3585106aa070,
            0x19a4c1161e376c082748774c34b0bcb5391c0cb34ed8aa4a5b9cca4f682e6ff3,
            0x748f82ee78a5636f84c878148cc7020890befffaa4506cebbef9a3f7c67178f2
        ];
        for (uint256 t = 0; t < 64; t++) {
            k[t] = uint32(packed[t / 8] >> (224 - 32 * (t % 8)));
        }
    }
}
