// SPDX-License-Identifier: Apache-2.0
//
// What a contract in C needs: its input, its answer, its storage, its world.
//
// A contract is one source file and a contract.toml that lists its constructors, messages and events. The builder makes
// the entry points of the latter: they choose a function by the call's selector, refuse PHA that nobody asked for, and
// send what the function wrote. The author writes, for each of them,
//
//     void constructor_NAME(void);
//     void message_NAME(void);
//
// which read their arguments in order (phala_read_...), and write their answer (phala_write_...). A function that
// returns keeps its changes; one that calls phala_revert() answers and undoes them; one that calls phala_trap() undoes
// them and says nothing.
//
// There is no library below this file: no malloc, no stdio. Numbers are little-endian in memory and in SCALE alike.
#ifndef PHALA_H
#define PHALA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned __int128 uint128_t;

// An account or a contract.
typedef struct {
  uint8_t bytes[32];
} phala_account;

// A hash, or the topic of an event.
typedef struct {
  uint8_t bytes[32];
} phala_hash;

// The longest input and answer, and the longest value in storage: as an ink! contract has it.
#define PHALA_BUFFER_BYTES 16384u
// The longest key in storage, which is the network's bound.
#define PHALA_KEY_BYTES 128u

// ------------------------------------------------------------------------------------------------ host functions

#define PHALA_IMPORT(module, name) __attribute__((import_module(module), import_name(name))) extern

PHALA_IMPORT("seal0", "input") void phala_host_input(void *out, uint32_t *len);
PHALA_IMPORT("seal0", "seal_return") _Noreturn void phala_host_return(uint32_t flags, const void *data, uint32_t len);
PHALA_IMPORT("seal1", "get_storage")
uint32_t phala_host_get(const void *key, uint32_t key_len, void *out, uint32_t *len);
PHALA_IMPORT("seal2", "set_storage")
uint32_t phala_host_set(const void *key, uint32_t key_len, const void *value, uint32_t len);
PHALA_IMPORT("seal1", "clear_storage") uint32_t phala_host_clear(const void *key, uint32_t key_len);
PHALA_IMPORT("seal0", "caller") void phala_host_caller(void *out, uint32_t *len);
PHALA_IMPORT("seal0", "address") void phala_host_address(void *out, uint32_t *len);
PHALA_IMPORT("seal0", "balance") void phala_host_balance(void *out, uint32_t *len);
PHALA_IMPORT("seal0", "value_transferred") void phala_host_value(void *out, uint32_t *len);
PHALA_IMPORT("seal0", "now") void phala_host_now(void *out, uint32_t *len);
PHALA_IMPORT("seal0", "block_number") void phala_host_block(void *out, uint32_t *len);
PHALA_IMPORT("seal0", "transfer")
uint32_t phala_host_transfer(const void *account, uint32_t account_len, const void *value, uint32_t value_len);
PHALA_IMPORT("seal0", "deposit_event")
void phala_host_event(const void *topics, uint32_t topics_len, const void *data, uint32_t data_len);
PHALA_IMPORT("seal0", "hash_blake2_256") void phala_host_blake2(const void *data, uint32_t len, void *out);
PHALA_IMPORT("seal0", "hash_sha2_256") void phala_host_sha2(const void *data, uint32_t len, void *out);
PHALA_IMPORT("seal0", "hash_keccak_256") void phala_host_keccak(const void *data, uint32_t len, void *out);

// ------------------------------------------------------------------------------------------------ memory

// The compiler itself calls these three. Without the attribute it would turn each into a call of itself.
#define PHALA_PLAIN __attribute__((no_builtin, used, visibility("hidden")))

PHALA_PLAIN void *memcpy(void *to, const void *from, size_t len) {
  for (size_t i = 0; i < len; i++) ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
  return to;
}

PHALA_PLAIN void *memset(void *to, int byte, size_t len) {
  for (size_t i = 0; i < len; i++) ((uint8_t *)to)[i] = (uint8_t)byte;
  return to;
}

PHALA_PLAIN int memcmp(const void *a, const void *b, size_t len) {
  for (size_t i = 0; i < len; i++) {
    int difference = (int)((const uint8_t *)a)[i] - (int)((const uint8_t *)b)[i];
    if (difference != 0) return difference;
  }
  return 0;
}

#define PHALA_FUNCTION static inline __attribute__((unused))

// Ends the call and undoes what it changed. The caller learns only that.
PHALA_FUNCTION _Noreturn void phala_trap(void) { __builtin_trap(); }

PHALA_FUNCTION bool phala_same(phala_account a, phala_account b) { return memcmp(a.bytes, b.bytes, 32) == 0; }

// ------------------------------------------------------------------------------------------------ answering

static uint8_t phala_out[PHALA_BUFFER_BYTES];
static uint32_t phala_out_len;

PHALA_FUNCTION void phala_write(const void *data, uint32_t len) {
  if (len > PHALA_BUFFER_BYTES - phala_out_len) phala_trap();
  memcpy(phala_out + phala_out_len, data, len);
  phala_out_len += len;
}

PHALA_FUNCTION void phala_write_u8(uint8_t value) { phala_write(&value, 1); }
PHALA_FUNCTION void phala_write_bool(bool value) { phala_write_u8(value ? 1 : 0); }
PHALA_FUNCTION void phala_write_u16(uint16_t value) { phala_write(&value, 2); }
PHALA_FUNCTION void phala_write_u32(uint32_t value) { phala_write(&value, 4); }
PHALA_FUNCTION void phala_write_u64(uint64_t value) { phala_write(&value, 8); }
PHALA_FUNCTION void phala_write_u128(uint128_t value) { phala_write(&value, 16); }
PHALA_FUNCTION void phala_write_account(phala_account value) { phala_write(value.bytes, 32); }

// The length before a list or a text.
PHALA_FUNCTION void phala_write_length(uint32_t length) {
  if (length < 1u << 6) phala_write_u8((uint8_t)(length << 2));
  else if (length < 1u << 14) phala_write_u16((uint16_t)(length << 2 | 1));
  else if (length < 1u << 30) phala_write_u32(length << 2 | 2);
  else phala_trap();
}

// A text or bytes.
PHALA_FUNCTION void phala_write_bytes(const void *data, uint32_t len) {
  phala_write_length(len);
  phala_write(data, len);
}

// Ends the call, and keeps what it changed. Entry points call it after the author's function.
PHALA_FUNCTION _Noreturn void phala_return(void) { phala_host_return(0, phala_out, phala_out_len); }

// Ends the call with what was written as its answer, and undoes what it changed.
PHALA_FUNCTION _Noreturn void phala_revert(void) { phala_host_return(1, phala_out, phala_out_len); }

// Ends a call that is none of this contract's: no such function, or arguments that end too early.
PHALA_FUNCTION _Noreturn void phala_not_dispatched(void) {
  const uint8_t could_not_read_input[2] = {1, 1};
  phala_host_return(1, could_not_read_input, 2);
}

// ------------------------------------------------------------------------------------------------ reading arguments

static uint8_t phala_in[PHALA_BUFFER_BYTES];
static uint32_t phala_in_len, phala_in_at;

PHALA_FUNCTION void phala_read(void *out, uint32_t len) {
  if (len > phala_in_len - phala_in_at) phala_not_dispatched();
  memcpy(out, phala_in + phala_in_at, len);
  phala_in_at += len;
}

PHALA_FUNCTION uint8_t phala_read_u8(void) { uint8_t value; phala_read(&value, 1); return value; }
PHALA_FUNCTION uint16_t phala_read_u16(void) { uint16_t value; phala_read(&value, 2); return value; }
PHALA_FUNCTION uint32_t phala_read_u32(void) { uint32_t value; phala_read(&value, 4); return value; }
PHALA_FUNCTION uint64_t phala_read_u64(void) { uint64_t value; phala_read(&value, 8); return value; }
PHALA_FUNCTION uint128_t phala_read_u128(void) { uint128_t value; phala_read(&value, 16); return value; }
PHALA_FUNCTION phala_account phala_read_account(void) { phala_account value; phala_read(&value, 32); return value; }

PHALA_FUNCTION bool phala_read_bool(void) {
  uint8_t value = phala_read_u8();
  if (value > 1) phala_not_dispatched();
  return value == 1;
}

// The length before a list or a text.
PHALA_FUNCTION uint32_t phala_read_length(void) {
  uint32_t first = phala_read_u8(), second, rest;
  switch (first & 3) {
    case 0: return first >> 2;
    case 1: second = phala_read_u8(); return (first | second << 8) >> 2;
    case 2: rest = phala_read_u8(); rest |= (uint32_t)phala_read_u16() << 8; return (first | rest << 8) >> 2;
    default: phala_not_dispatched();
  }
}

// A text or bytes of at most `max`. Returns how many there are.
PHALA_FUNCTION uint32_t phala_read_bytes(void *out, uint32_t max) {
  uint32_t len = phala_read_length();
  if (len > max) phala_not_dispatched();
  phala_read(out, len);
  return len;
}

// For entry points: takes the input and returns the selector, as it is written: 0x633aa551 begins with the byte 0x63.
PHALA_FUNCTION uint32_t phala_begin(void) {
  phala_in_len = PHALA_BUFFER_BYTES;
  phala_host_input(phala_in, &phala_in_len);
  // What a function returns is the good case of a Result.
  phala_write_u8(0);
  return __builtin_bswap32(phala_read_u32());
}

// ------------------------------------------------------------------------------------------------ the world

// Who calls: proven by a signature or a certificate.
PHALA_FUNCTION phala_account phala_caller(void) {
  phala_account account; uint32_t len = 32;
  phala_host_caller(&account, &len);
  return account;
}

// This contract.
PHALA_FUNCTION phala_account phala_address(void) {
  phala_account account; uint32_t len = 32;
  phala_host_address(&account, &len);
  return account;
}

// PHA that came with this call, in its smallest unit.
PHALA_FUNCTION uint128_t phala_value(void) {
  uint128_t value; uint32_t len = 16;
  phala_host_value(&value, &len);
  return value;
}

// PHA that this contract has.
PHALA_FUNCTION uint128_t phala_balance(void) {
  uint128_t value; uint32_t len = 16;
  phala_host_balance(&value, &len);
  return value;
}

// The block's time in milliseconds since 1970.
PHALA_FUNCTION uint64_t phala_now(void) {
  uint64_t value; uint32_t len = 8;
  phala_host_now(&value, &len);
  return value;
}

PHALA_FUNCTION uint32_t phala_block_number(void) {
  uint32_t value; uint32_t len = 4;
  phala_host_block(&value, &len);
  return value;
}

// Pays from this contract. False if it cannot.
PHALA_FUNCTION bool phala_transfer(phala_account to, uint128_t value) {
  return phala_host_transfer(to.bytes, 32, &value, 16) == 0;
}

// For entry points of functions that take no PHA.
PHALA_FUNCTION void phala_refuse_value(void) {
  if (phala_value() != 0) phala_trap();
}

PHALA_FUNCTION phala_hash phala_blake2_256(const void *data, uint32_t len) {
  phala_hash hash;
  phala_host_blake2(data, len, hash.bytes);
  return hash;
}

PHALA_FUNCTION phala_hash phala_sha2_256(const void *data, uint32_t len) {
  phala_hash hash;
  phala_host_sha2(data, len, hash.bytes);
  return hash;
}

PHALA_FUNCTION phala_hash phala_keccak_256(const void *data, uint32_t len) {
  phala_hash hash;
  phala_host_keccak(data, len, hash.bytes);
  return hash;
}

// ------------------------------------------------------------------------------------------------ storage

// A key: a number that the contract gives to each of its variables, and for a map what it is mapped from.
typedef struct {
  uint8_t bytes[PHALA_KEY_BYTES];
  uint32_t len;
} phala_key;

PHALA_FUNCTION phala_key phala_key_with(phala_key key, const void *data, uint32_t len) {
  if (len > PHALA_KEY_BYTES - key.len) phala_trap();
  memcpy(key.bytes + key.len, data, len);
  key.len += len;
  return key;
}

PHALA_FUNCTION phala_key phala_variable(uint32_t number) {
  phala_key key;
  key.len = 0;
  return phala_key_with(key, &number, 4);
}

PHALA_FUNCTION phala_key phala_by_account(uint32_t number, phala_account account) {
  return phala_key_with(phala_variable(number), account.bytes, 32);
}

// Reads a value of exactly this size. False, and nothing read, if there is none.
PHALA_FUNCTION bool phala_load(phala_key key, void *out, uint32_t size) {
  uint32_t len = size;
  if (phala_host_get(key.bytes, key.len, out, &len) != 0) return false;
  if (len != size) phala_trap();
  return true;
}

PHALA_FUNCTION void phala_store(phala_key key, const void *value, uint32_t size) {
  phala_host_set(key.bytes, key.len, value, size);
}

PHALA_FUNCTION void phala_clear(phala_key key) { phala_host_clear(key.bytes, key.len); }

// A number, which is 0 until it is stored.
PHALA_FUNCTION uint128_t phala_load_u128(phala_key key) {
  uint128_t value = 0;
  phala_load(key, &value, 16);
  return value;
}

PHALA_FUNCTION void phala_store_u128(phala_key key, uint128_t value) { phala_store(key, &value, 16); }

// ------------------------------------------------------------------------------------------------ events

// An event: its topics, of which the first is EVENT_NAME from the builder, and its fields as SCALE. Topics are where
// indexed fields go once more; a contract whose events nobody filters has one.
PHALA_FUNCTION void phala_emit(const phala_hash *topics, uint32_t count, const void *data, uint32_t len) {
  uint8_t list[1 + 4 * 32];
  if (count > 4) phala_trap();
  list[0] = (uint8_t)(count << 2);
  memcpy(list + 1, topics, count * 32);
  phala_host_event(list, 1 + count * 32, data, len);
}

#endif
