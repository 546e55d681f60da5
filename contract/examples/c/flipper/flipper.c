// SPDX-License-Identifier: Apache-2.0
//
// A coin whose side only its owner sees.
//
// `phala contract build` makes target/ink/flipper.contract of this file and contract.toml; `phala contract test` runs
// tests.toml. The whole of the library is in phala.h, which the builder brings.
#include "phala.h"

enum { OWNER, VALUE, FLIPS };

// Why a message is refused, in the order of contract.toml.
enum error { NOT_YOURS };

static _Noreturn void refuse(enum error error) {
  phala_write_u8(1);
  phala_write_u8((uint8_t)error);
  phala_revert();
}

// Before anything is read: a refusal must not depend on what it hides.
static void only_owner(void) {
  phala_account owner;
  if (!phala_load(phala_variable(OWNER), &owner, sizeof owner) || !phala_same(owner, phala_caller())) refuse(NOT_YOURS);
}

void constructor_new(void) {
  bool value = phala_read_bool();
  phala_account owner = phala_caller();
  phala_store(phala_variable(OWNER), &owner, sizeof owner);
  phala_store(phala_variable(VALUE), &value, sizeof value);
}

void message_flip(void) {
  only_owner();
  bool value = false;
  uint32_t flips = 0;
  phala_load(phala_variable(VALUE), &value, sizeof value);
  phala_load(phala_variable(FLIPS), &flips, sizeof flips);
  value = !value;
  if (__builtin_add_overflow(flips, 1u, &flips)) phala_trap();
  phala_store(phala_variable(VALUE), &value, sizeof value);
  phala_store(phala_variable(FLIPS), &flips, sizeof flips);
  phala_emit(&EVENT_Flipped, 1, &value, sizeof value);
  phala_write_u8(0);
}

void message_get(void) {
  only_owner();
  bool value = false;
  phala_load(phala_variable(VALUE), &value, sizeof value);
  phala_write_u8(0);
  phala_write_bool(value);
}

void message_flips(void) {
  uint32_t flips = 0;
  phala_load(phala_variable(FLIPS), &flips, sizeof flips);
  phala_write_u32(flips);
}
