// SPDX-License-Identifier: Apache-2.0
/**
 * A coin whose side only its owner sees.
 *
 * `phala contract build` makes target/ink/flipper.contract of this file and contract.toml; `phala contract test` runs
 * tests.toml. The library `phala` comes with the builder.
 */

import { Reader, Writer, caller, emit, input, output, read, revert, trap, variable, write } from "phala";
import { EVENT_Flipped } from "phala/interface";

const OWNER: u32 = 0;
const VALUE: u32 = 1;
const FLIPS: u32 = 2;

// Why a message is refused, in the order of contract.toml.
const NOT_YOURS: u8 = 0;

/** Before anything is read: a refusal must not depend on what it hides. */
function onlyOwner(): void {
  const owner = read(variable(OWNER));
  if (owner && owner.account().equals(caller())) return;
  output.u8(1).u8(NOT_YOURS);
  revert();
}

function flipsSoFar(): u32 {
  const flips = read(variable(FLIPS));
  return flips ? flips.u32() : 0;
}

function side(): bool {
  const value: Reader | null = read(variable(VALUE));
  return value ? value.bool() : false;
}

export function new_(): void {
  write(variable(OWNER), new Writer().account(caller()));
  write(variable(VALUE), new Writer().bool(input.bool()));
}

export function flip(): void {
  onlyOwner();
  const value = !side();
  const flips = flipsSoFar();
  if (flips == u32.MAX_VALUE) trap();
  write(variable(VALUE), new Writer().bool(value));
  write(variable(FLIPS), new Writer().u32(flips + 1));
  emit(EVENT_Flipped, new Writer().bool(value));
  output.u8(0);
}

export function get(): void {
  onlyOwner();
  output.u8(0).bool(side());
}

export function flips(): void {
  output.u32(flipsSoFar());
}
