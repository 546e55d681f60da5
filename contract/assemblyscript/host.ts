// SPDX-License-Identifier: Apache-2.0
/** The host functions that `index.ts` uses. Pointers of lengths are read and written: room before, length after. */

@external("seal0", "input")
export declare function input(out: usize, length: usize): void;
@external("seal0", "seal_return")
export declare function seal_return(flags: u32, data: usize, length: u32): void;
@external("seal1", "get_storage")
export declare function get_storage(key: usize, keyLength: u32, out: usize, length: usize): u32;
@external("seal2", "set_storage")
export declare function set_storage(key: usize, keyLength: u32, value: usize, length: u32): u32;
@external("seal1", "clear_storage")
export declare function clear_storage(key: usize, keyLength: u32): u32;
@external("seal0", "caller")
export declare function caller(out: usize, length: usize): void;
@external("seal0", "address")
export declare function address(out: usize, length: usize): void;
@external("seal0", "value_transferred")
export declare function value_transferred(out: usize, length: usize): void;
@external("seal0", "balance")
export declare function balance(out: usize, length: usize): void;
@external("seal0", "now")
export declare function now(out: usize, length: usize): void;
@external("seal0", "block_number")
export declare function block_number(out: usize, length: usize): void;
@external("seal0", "transfer")
export declare function transfer(account: usize, accountLength: u32, value: usize, valueLength: u32): u32;
@external("seal0", "deposit_event")
export declare function deposit_event(topics: usize, topicsLength: u32, data: usize, length: u32): void;
@external("seal0", "hash_blake2_256")
export declare function hash_blake2_256(data: usize, length: u32, out: usize): void;
