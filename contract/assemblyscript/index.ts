// SPDX-License-Identifier: Apache-2.0
/**
 * What a contract in AssemblyScript needs: its input, its answer, its storage, its world.
 *
 * A contract is one source file and a `contract.toml` that lists its constructors, messages and events. The builder
 * makes the entry points of the latter: they choose a function by the call's selector, refuse PHA that nobody asked for,
 * and send what the function wrote. The author exports, for each constructor and message, a function
 *
 *     export function NAME(): void
 *
 * that reads its arguments in order from `input` and writes its answer to `output`. A function that returns keeps its
 * changes; `revert()` sends the answer and undoes them; `trap()` undoes them and says nothing.
 *
 * A contract lives for one call: its memory begins as zeroes and nothing is ever freed. There are no floating-point
 * numbers on the network.
 */

import * as host from "./host";

/** The longest input: as an ink! contract has it. */
const BUFFER_BYTES: u32 = 16384;
/** The longest answer, value or event. */
const WRITER_BYTES_MAX: u32 = 16384;

/** Ends the call and undoes what it changed. The caller learns only that. */
export function trap(): void {
  unreachable();
}

/** An account or a contract. */
export class Account {
  readonly bytes: StaticArray<u8> = new StaticArray<u8>(32);

  /** Whether two are the same one. */
  equals(other: Account): bool {
    return memory.compare(changetype<usize>(this.bytes), changetype<usize>(other.bytes), 32) == 0;
  }
}

/** A number of 128 bits, such as an amount of PHA in its smallest unit. What does not fit ends the call. */
export class U128 {
  constructor(
    readonly low: u64 = 0,
    readonly high: u64 = 0,
  ) {}

  equals(other: U128): bool {
    return this.low == other.low && this.high == other.high;
  }

  lessThan(other: U128): bool {
    return this.high < other.high || (this.high == other.high && this.low < other.low);
  }

  plus(other: U128): U128 {
    const low = this.low + other.low;
    const carry: u64 = low < this.low ? 1 : 0;
    const half = this.high + other.high;
    const high = half + carry;
    if (half < this.high || high < half) trap();
    return new U128(low, high);
  }

  minus(other: U128): U128 {
    if (this.lessThan(other)) trap();
    const borrow: u64 = this.low < other.low ? 1 : 0;
    return new U128(this.low - other.low, this.high - other.high - borrow);
  }
}

/** Bytes that grow: an answer, a key, a value, an event. */
export class Writer {
  private start: usize = heap.alloc(64);
  private capacity: u32 = 64;
  private used: u32 = 0;

  get pointer(): usize {
    return this.start;
  }

  get length(): u32 {
    return this.used;
  }

  /** Where `size` more bytes go. */
  private room(size: u32): usize {
    if (size > WRITER_BYTES_MAX - this.used) trap();
    const needed = this.used + size;
    if (needed > this.capacity) {
      let capacity = this.capacity;
      while (capacity < needed) capacity *= 2;
      const start = heap.alloc(capacity);
      memory.copy(start, this.start, this.used);
      this.start = start;
      this.capacity = capacity;
    }
    const at = this.start + this.used;
    this.used = needed;
    return at;
  }

  /** Bytes as they are. */
  raw(from: usize, length: u32): Writer {
    memory.copy(this.room(length), from, length);
    return this;
  }

  u8(value: u8): Writer {
    store<u8>(this.room(1), value);
    return this;
  }

  bool(value: bool): Writer {
    return this.u8(value ? 1 : 0);
  }

  u16(value: u16): Writer {
    store<u16>(this.room(2), value);
    return this;
  }

  u32(value: u32): Writer {
    store<u32>(this.room(4), value);
    return this;
  }

  u64(value: u64): Writer {
    store<u64>(this.room(8), value);
    return this;
  }

  u128(value: U128): Writer {
    return this.u64(value.low).u64(value.high);
  }

  account(value: Account): Writer {
    return this.raw(changetype<usize>(value.bytes), 32);
  }

  /** The length before a list. */
  size(length: u32): Writer {
    if (length < 1 << 6) return this.u8(<u8>(length << 2));
    if (length < 1 << 14) return this.u16(<u16>((length << 2) | 1));
    if (length >= 1 << 30) trap();
    return this.u32((length << 2) | 2);
  }

  /** A list of bytes. */
  bytes(value: StaticArray<u8>): Writer {
    return this.size(value.length).raw(changetype<usize>(value), value.length);
  }

  /** A text. */
  text(value: string): Writer {
    const length = <u32>String.UTF8.byteLength(value);
    this.size(length);
    const at = this.room(length);
    String.UTF8.encodeUnsafe(changetype<usize>(value), value.length, at);
    return this;
  }
}

/** Bytes to read, in order. What is not there ends the call. */
export class Reader {
  private at: usize;
  private end: usize;

  constructor(
    start: usize,
    length: u32,
    /** Of the input: a call that ends too early was none of this contract's. */
    private readonly isInput: bool = false,
  ) {
    this.at = start;
    this.end = start + length;
  }

  private take(size: u32): usize {
    const at = this.at;
    if (size > <u32>(this.end - at)) {
      if (this.isInput) notDispatched();
      trap();
    }
    this.at = at + size;
    return at;
  }

  u8(): u8 {
    return load<u8>(this.take(1));
  }

  bool(): bool {
    const value = this.u8();
    if (value > 1) notDispatched();
    return value == 1;
  }

  u16(): u16 {
    return load<u16>(this.take(2));
  }

  u32(): u32 {
    return load<u32>(this.take(4));
  }

  u64(): u64 {
    return load<u64>(this.take(8));
  }

  u128(): U128 {
    const low = this.u64();
    return new U128(low, this.u64());
  }

  account(): Account {
    const account = new Account();
    memory.copy(changetype<usize>(account.bytes), this.take(32), 32);
    return account;
  }

  /** The length before a list. */
  size(): u32 {
    const first = <u32>this.u8();
    if ((first & 3) == 0) return first >> 2;
    if ((first & 3) == 1) return (first | (<u32>this.u8() << 8)) >> 2;
    if ((first & 3) == 3) notDispatched();
    const middle = <u32>this.u8();
    return (first | (middle << 8) | (<u32>this.u16() << 16)) >> 2;
  }

  /** A list of bytes. */
  bytes(): StaticArray<u8> {
    const length = this.size();
    const from = this.take(length);
    const value = new StaticArray<u8>(length);
    memory.copy(changetype<usize>(value), from, length);
    return value;
  }

  /** A text. */
  text(): string {
    const length = this.size();
    return String.UTF8.decodeUnsafe(this.take(length), length);
  }
}

/** The call's arguments. */
export const input: Reader = readInput();

/** The call's answer. */
export const output: Writer = new Writer();

function readInput(): Reader {
  const length = memory.data(4);
  store<u32>(length, BUFFER_BYTES);
  const buffer = heap.alloc(BUFFER_BYTES);
  host.input(buffer, length);
  return new Reader(buffer, load<u32>(length), true);
}

/** For entry points: the selector, as it is written: 0x633aa551 begins with the byte 0x63. */
export function begin(): u32 {
  const selector = bswap<u32>(input.u32());
  // What a function returns is the good case of a Result.
  output.u8(0);
  return selector;
}

/** For entry points: keeps what changed, and answers. */
export function finish(): void {
  host.seal_return(0, output.pointer, output.length);
}

/** Ends the call with what was written as its answer, and undoes what it changed. */
export function revert(): void {
  host.seal_return(1, output.pointer, output.length);
}

/** Ends a call that is none of this contract's: no such function, or arguments that end too early. */
export function notDispatched(): void {
  const answer = new Writer().u8(1).u8(1);
  host.seal_return(1, answer.pointer, answer.length);
}

/** For entry points of functions that take no PHA. */
export function refuseValue(): void {
  if (!value().equals(new U128())) trap();
}

function fact(read: (out: usize, length: usize) => void, size: u32): Reader {
  const out = heap.alloc(size);
  const length = memory.data(4);
  store<u32>(length, size);
  read(out, length);
  return new Reader(out, load<u32>(length));
}

/** Who calls: proven by a signature or a certificate. */
export function caller(): Account {
  return fact((out, length) => host.caller(out, length), 32).account();
}

/** This contract. */
export function address(): Account {
  return fact((out, length) => host.address(out, length), 32).account();
}

/** PHA that came with this call. */
export function value(): U128 {
  return fact((out, length) => host.value_transferred(out, length), 16).u128();
}

/** PHA that this contract has. */
export function balance(): U128 {
  return fact((out, length) => host.balance(out, length), 16).u128();
}

/** The block's time in milliseconds since 1970. */
export function now(): u64 {
  return fact((out, length) => host.now(out, length), 8).u64();
}

export function blockNumber(): u32 {
  return fact((out, length) => host.block_number(out, length), 4).u32();
}

/** Pays from this contract. False if it cannot. */
export function transfer(to: Account, amount: U128): bool {
  const bytes = new Writer().u128(amount);
  return host.transfer(changetype<usize>(to.bytes), 32, bytes.pointer, 16) == 0;
}

/** BLAKE2b with 32 bytes. */
export function blake2(data: Writer): StaticArray<u8> {
  const hash = new StaticArray<u8>(32);
  host.hash_blake2_256(data.pointer, data.length, changetype<usize>(hash));
  return hash;
}

/** A key of storage: a number that the contract gives to each of its variables. */
export function variable(number: u32): Writer {
  return new Writer().u32(number);
}

/** Reads a value, or nothing if there is none. */
export function read(key: Writer): Reader | null {
  const out = heap.alloc(WRITER_BYTES_MAX);
  const length = memory.data(4);
  store<u32>(length, WRITER_BYTES_MAX);
  if (host.get_storage(key.pointer, key.length, out, length) != 0) return null;
  return new Reader(out, load<u32>(length));
}

/** Keeps a value. */
export function write(key: Writer, value: Writer): void {
  host.set_storage(key.pointer, key.length, value.pointer, value.length);
}

/** Removes a value. */
export function clear(key: Writer): void {
  host.clear_storage(key.pointer, key.length);
}

/** Announces an event with its topic, which is in the generated `interface.ts`, and its fields as SCALE. */
export function emit(topic: StaticArray<u8>, data: Writer): void {
  const topics = new Writer().size(1).raw(changetype<usize>(topic), 32);
  host.deposit_event(topics.pointer, topics.length, data.pointer, data.length);
}
