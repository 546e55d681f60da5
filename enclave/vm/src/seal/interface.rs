// SPDX-License-Identifier: Apache-2.0
//! The table of the interface: each host function's module, name, alias and signature, and what it calls.
//!
//! One table makes both what is admitted ([`IMPORTS`]) and what is linked for each engine, so that they cannot differ.
//! The functions that the pallet calls unstable are offered: they are deterministic. Those that it calls deprecated are
//! linked, and new code that imports them is refused when it is uploaded.

use super::storage::KeyAt::{Fixed, Variable};
use super::{compute, deprecated, facts, frames, storage, transient, world};
use crate::abi::{CALL_ALLOW_REENTRY, ReturnCode, SENTINEL};
use crate::interpreter;
use crate::jit;

/// The type of a parameter or of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nothing,
    I32,
    I64,
}

/// The WebAssembly type of a Rust type in a signature.
trait HasKind {
    const KIND: Kind;
}
impl HasKind for () {
    const KIND: Kind = Kind::Nothing;
}
impl HasKind for u32 {
    const KIND: Kind = Kind::I32;
}
impl HasKind for u64 {
    const KIND: Kind = Kind::I64;
}

/// A host function that code may import.
#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) module: &'static str,
    /// Its name, and the older name that some have as well.
    pub(crate) names: &'static [&'static str],
    pub(crate) parameters: &'static [Kind],
    pub(crate) result: Kind,
}

/// The host function of this name.
pub(crate) fn find(module: &str, name: &str) -> Option<&'static Import> {
    IMPORTS.iter().find(|import| import.module == module && import.names.contains(&name))
}

macro_rules! interface {
    ($($module:literal [$($name:literal),+] |$session:ident $(, $argument:ident: $type:ty)*| -> $result:ty { $body:expr })*) => {
        /// Everything that code may import, besides its memory.
        pub(crate) const IMPORTS: &[Import] = &[$(Import {
            module: $module,
            names: &[$($name),+],
            parameters: &[$(<$type as HasKind>::KIND),*],
            result: <$result as HasKind>::KIND,
        }),*];

        /// Defines everything in [`IMPORTS`] for wasmtime.
        pub(crate) fn link_jit(linker: &mut wasmtime::Linker<jit::Frame>) -> wasmtime::Result<()> {
            $(for name in [$($name),+] {
                linker.func_wrap($module, name, |caller: wasmtime::Caller<'_, jit::Frame>, $($argument: $type),*| {
                    jit::enter::<$result>(caller, |$session| $body)
                })?;
            })*
            Ok(())
        }

        /// Defines everything in [`IMPORTS`] for wasmi.
        pub(crate) fn link_interpreter(
            linker: &mut wasmi::Linker<interpreter::Frame>,
        ) -> Result<(), wasmi::errors::LinkerError> {
            $(for name in [$($name),+] {
                linker.func_wrap(
                    $module,
                    name,
                    |caller: wasmi::Caller<'_, interpreter::Frame>, $($argument: $type),*| {
                        interpreter::enter::<$result>(caller, |$session| $body)
                    },
                )?;
            })*
            Ok(())
        }
    };
}

interface! {
    // Storage.
    "seal0" ["set_storage", "seal_set_storage"] |s, key: u32, ptr: u32, len: u32| -> () {
        storage::set(s, Fixed(key), ptr, len).map(|_| ())
    }
    "seal1" ["set_storage", "seal_set_storage"] |s, key: u32, ptr: u32, len: u32| -> u32 {
        storage::set(s, Fixed(key), ptr, len)
    }
    "seal2" ["set_storage", "seal_set_storage"] |s, key: u32, key_len: u32, ptr: u32, len: u32| -> u32 {
        storage::set(s, Variable(key, key_len), ptr, len)
    }
    "seal0" ["clear_storage", "seal_clear_storage"] |s, key: u32| -> () {
        storage::clear(s, Fixed(key)).map(|_| ())
    }
    "seal1" ["clear_storage", "seal_clear_storage"] |s, key: u32, key_len: u32| -> u32 {
        storage::clear(s, Variable(key, key_len))
    }
    "seal0" ["get_storage", "seal_get_storage"] |s, key: u32, ptr: u32, len_ptr: u32| -> u32 {
        storage::get(s, Fixed(key), ptr, len_ptr)
    }
    "seal1" ["get_storage", "seal_get_storage"] |s, key: u32, key_len: u32, ptr: u32, len_ptr: u32| -> u32 {
        storage::get(s, Variable(key, key_len), ptr, len_ptr)
    }
    "seal0" ["contains_storage", "seal_contains_storage"] |s, key: u32| -> u32 {
        storage::contains(s, Fixed(key))
    }
    "seal1" ["contains_storage", "seal_contains_storage"] |s, key: u32, key_len: u32| -> u32 {
        storage::contains(s, Variable(key, key_len))
    }
    "seal0" ["take_storage", "seal_take_storage"] |s, key: u32, key_len: u32, ptr: u32, len_ptr: u32| -> u32 {
        storage::take(s, Variable(key, key_len), ptr, len_ptr)
    }

    // Transient storage.
    "seal0" ["set_transient_storage"] |s, key: u32, key_len: u32, ptr: u32, len: u32| -> u32 {
        transient::set(s, Variable(key, key_len), ptr, len)
    }
    "seal0" ["clear_transient_storage"] |s, key: u32, key_len: u32| -> u32 {
        transient::clear(s, Variable(key, key_len))
    }
    "seal0" ["get_transient_storage"] |s, key: u32, key_len: u32, ptr: u32, len_ptr: u32| -> u32 {
        transient::get(s, Variable(key, key_len), ptr, len_ptr)
    }
    "seal0" ["contains_transient_storage"] |s, key: u32, key_len: u32| -> u32 {
        transient::contains(s, Variable(key, key_len))
    }
    "seal0" ["take_transient_storage"] |s, key: u32, key_len: u32, ptr: u32, len_ptr: u32| -> u32 {
        transient::take(s, Variable(key, key_len), ptr, len_ptr)
    }

    // Facts.
    "seal0" ["input", "seal_input"] |s, ptr: u32, len_ptr: u32| -> () { facts::input(s, ptr, len_ptr) }
    "seal0" ["caller", "seal_caller"] |s, ptr: u32, len_ptr: u32| -> () { facts::caller(s, ptr, len_ptr) }
    "seal0" ["caller_is_origin", "seal_caller_is_origin"] |s| -> u32 { facts::caller_is_origin(s) }
    "seal0" ["caller_is_root"] |s| -> u32 { facts::caller_is_root(s) }
    "seal0" ["address", "seal_address"] |s, ptr: u32, len_ptr: u32| -> () { facts::address(s, ptr, len_ptr) }
    "seal0" ["balance", "seal_balance"] |s, ptr: u32, len_ptr: u32| -> () { facts::balance(s, ptr, len_ptr) }
    "seal0" ["value_transferred", "seal_value_transferred"] |s, ptr: u32, len_ptr: u32| -> () {
        facts::value_transferred(s, ptr, len_ptr)
    }
    "seal0" ["now", "seal_now"] |s, ptr: u32, len_ptr: u32| -> () { facts::now(s, ptr, len_ptr) }
    "seal0" ["block_number", "seal_block_number"] |s, ptr: u32, len_ptr: u32| -> () {
        facts::block_number(s, ptr, len_ptr)
    }
    "seal0" ["minimum_balance", "seal_minimum_balance"] |s, ptr: u32, len_ptr: u32| -> () {
        facts::minimum_balance(s, ptr, len_ptr)
    }
    "seal0" ["gas_left", "seal_gas_left"] |s, ptr: u32, len_ptr: u32| -> () { facts::gas_left(s, ptr, len_ptr) }
    "seal0" ["weight_to_fee", "seal_weight_to_fee"] |s, gas: u64, ptr: u32, len_ptr: u32| -> () {
        facts::weight_to_fee(s, gas, ptr, len_ptr)
    }
    "seal1" ["gas_left"] |s, ptr: u32, len_ptr: u32| -> () {
        facts::gas_left_in_two_dimensions(s, ptr, len_ptr)
    }
    "seal1" ["weight_to_fee"] |s, gas: u64, _proof_size: u64, ptr: u32, len_ptr: u32| -> () {
        facts::weight_to_fee(s, gas, ptr, len_ptr)
    }
    "seal0" ["reentrance_count"] |s| -> u32 { facts::reentrance_count(s) }
    "seal0" ["account_reentrance_count"] |s, account: u32| -> u32 {
        facts::account_reentrance_count(s, account)
    }
    "seal0" ["is_contract", "seal_is_contract"] |s, account: u32| -> u32 { facts::is_contract(s, account) }
    "seal0" ["code_hash", "seal_code_hash"] |s, account: u32, ptr: u32, len_ptr: u32| -> u32 {
        facts::code_hash(s, account, ptr, len_ptr)
    }
    "seal0" ["own_code_hash", "seal_own_code_hash"] |s, ptr: u32, len_ptr: u32| -> () {
        facts::own_code_hash(s, ptr, len_ptr)
    }
    "seal0" ["instantiation_nonce"] |s| -> u64 { facts::instantiation_nonce(s) }
    "seal0" ["debug_message", "seal_debug_message"] |s, ptr: u32, len: u32| -> u32 {
        facts::debug_message(s, ptr, len)
    }

    // The world.
    "seal0" ["seal_return"] |s, flags: u32, ptr: u32, len: u32| -> () { world::seal_return(s, flags, ptr, len) }
    "seal0" ["deposit_event", "seal_deposit_event"]
        |s, topics: u32, topics_len: u32, data: u32, data_len: u32| -> () {
        world::deposit_event(s, topics, topics_len, data, data_len)
    }
    // Lengths of values whose length is fixed are relics: like the pallet, nobody looks at them.
    "seal0" ["transfer", "seal_transfer"]
        |s, account: u32, _account_len: u32, value: u32, _value_len: u32| -> u32 {
        world::transfer(s, account, value)
    }
    "seal0" ["terminate", "seal_terminate"] |s, beneficiary: u32, _beneficiary_len: u32| -> () {
        world::terminate(s, beneficiary)
    }
    "seal1" ["terminate", "seal_terminate"] |s, beneficiary: u32| -> () { world::terminate(s, beneficiary) }
    "seal0" ["set_code_hash", "seal_set_code_hash"] |s, hash: u32| -> u32 { world::set_code_hash(s, hash) }
    "seal0" ["call_chain_extension", "seal_call_chain_extension"]
        |s, id: u32, input: u32, input_len: u32, output: u32, output_len: u32| -> u32 {
        world::call_chain_extension(s, id, [input, input_len, output, output_len])
    }
    "seal0" ["call_runtime"] |s, ptr: u32, len: u32| -> u32 {
        world::refuse(s, ptr, len, ReturnCode::CallRuntimeFailed)
    }
    "seal0" ["xcm_execute"] |s, ptr: u32, len: u32| -> u32 {
        world::refuse(s, ptr, len, ReturnCode::XcmExecutionFailed)
    }
    "seal0" ["xcm_send"] |s, _destination: u32, ptr: u32, len: u32, _id: u32| -> u32 {
        world::refuse(s, ptr, len, ReturnCode::XcmSendFailed)
    }
    "seal0" ["lock_delegate_dependency"] |s, hash: u32| -> () {
        world::lock_delegate_dependency(s, hash)
    }
    "seal0" ["unlock_delegate_dependency"] |s, hash: u32| -> () {
        world::unlock_delegate_dependency(s, hash)
    }

    // Other contracts. The first versions had no flags and allowed to be entered again.
    "seal0" ["call", "seal_call"]
        |s, callee: u32, _callee_len: u32, gas: u64, value: u32, _value_len: u32,
         input: u32, input_len: u32, output: u32, output_len: u32| -> u32 {
        frames::call(s, CALL_ALLOW_REENTRY, callee, gas, SENTINEL, value, [input, input_len, output, output_len])
    }
    "seal1" ["call", "seal_call"]
        |s, flags: u32, callee: u32, gas: u64, value: u32,
         input: u32, input_len: u32, output: u32, output_len: u32| -> u32 {
        frames::call(s, flags, callee, gas, SENTINEL, value, [input, input_len, output, output_len])
    }
    // There is one dimension of gas here: the second limit is not looked at.
    "seal2" ["call"]
        |s, flags: u32, callee: u32, gas: u64, _proof_size: u64, deposit: u32, value: u32,
         input: u32, input_len: u32, output: u32, output_len: u32| -> u32 {
        frames::call(s, flags, callee, gas, deposit, value, [input, input_len, output, output_len])
    }
    "seal0" ["delegate_call", "seal_delegate_call"]
        |s, flags: u32, hash: u32, input: u32, input_len: u32, output: u32, output_len: u32| -> u32 {
        frames::delegate_call(s, flags, hash, [input, input_len, output, output_len])
    }
    "seal0" ["instantiate", "seal_instantiate"]
        |s, hash: u32, _hash_len: u32, gas: u64, value: u32, _value_len: u32, input: u32, input_len: u32,
         address: u32, address_len: u32, output: u32, output_len: u32, salt: u32, salt_len: u32| -> u32 {
        frames::instantiate(
            s, hash, gas, [SENTINEL, value], [address, address_len], [salt, salt_len], [input, input_len, output, output_len],
        )
    }
    "seal1" ["instantiate", "seal_instantiate"]
        |s, hash: u32, gas: u64, value: u32, input: u32, input_len: u32,
         address: u32, address_len: u32, output: u32, output_len: u32, salt: u32, salt_len: u32| -> u32 {
        frames::instantiate(
            s, hash, gas, [SENTINEL, value], [address, address_len], [salt, salt_len], [input, input_len, output, output_len],
        )
    }
    "seal2" ["instantiate"]
        |s, hash: u32, gas: u64, _proof_size: u64, deposit: u32, value: u32, input: u32, input_len: u32,
         address: u32, address_len: u32, output: u32, output_len: u32, salt: u32, salt_len: u32| -> u32 {
        frames::instantiate(
            s, hash, gas, [deposit, value], [address, address_len], [salt, salt_len], [input, input_len, output, output_len],
        )
    }

    // Computing.
    "seal0" ["hash_sha2_256", "seal_hash_sha2_256"] |s, ptr: u32, len: u32, output: u32| -> () {
        compute::sha2_256(s, [ptr, len, output])
    }
    "seal0" ["hash_keccak_256", "seal_hash_keccak_256"] |s, ptr: u32, len: u32, output: u32| -> () {
        compute::keccak_256(s, [ptr, len, output])
    }
    "seal0" ["hash_blake2_256", "seal_hash_blake2_256"] |s, ptr: u32, len: u32, output: u32| -> () {
        compute::blake2_256(s, [ptr, len, output])
    }
    "seal0" ["hash_blake2_128", "seal_hash_blake2_128"] |s, ptr: u32, len: u32, output: u32| -> () {
        compute::blake2_128(s, [ptr, len, output])
    }
    "seal0" ["ecdsa_recover", "seal_ecdsa_recover"] |s, signature: u32, hash: u32, output: u32| -> u32 {
        compute::ecdsa_recover(s, signature, hash, output)
    }
    "seal0" ["ecdsa_to_eth_address", "seal_ecdsa_to_eth_address"] |s, key: u32, output: u32| -> u32 {
        compute::ecdsa_to_eth_address(s, key, output)
    }
    "seal0" ["sr25519_verify"] |s, signature: u32, key: u32, len: u32, ptr: u32| -> u32 {
        compute::sr25519_verify(s, signature, key, len, ptr)
    }

    // What new code may not import.
    "seal0" ["random", "seal_random"] |s, _subject: u32, _subject_len: u32, _output: u32, _output_len: u32| -> () {
        deprecated::random(s)
    }
    "seal1" ["random", "seal_random"] |s, _subject: u32, _subject_len: u32, _output: u32, _output_len: u32| -> () {
        deprecated::random(s)
    }
    "seal0" ["tombstone_deposit", "seal_tombstone_deposit"] |s, ptr: u32, len_ptr: u32| -> () {
        deprecated::tombstone_deposit(s, ptr, len_ptr)
    }
    "seal0" ["restore_to", "seal_restore_to"]
        |s, _destination: u32, _destination_len: u32, _hash: u32, _hash_len: u32, _rent: u32, _rent_len: u32,
         _delta: u32, _delta_count: u32| -> () {
        deprecated::no_effect(s)
    }
    "seal1" ["restore_to", "seal_restore_to"]
        |s, _destination: u32, _hash: u32, _rent: u32, _delta: u32, _delta_count: u32| -> () {
        deprecated::no_effect(s)
    }
    "seal0" ["set_rent_allowance", "seal_set_rent_allowance"] |s, _value: u32, _value_len: u32| -> () {
        deprecated::no_effect(s)
    }
    "seal1" ["set_rent_allowance", "seal_set_rent_allowance"] |s, _value: u32| -> () {
        deprecated::no_effect(s)
    }
    "seal0" ["rent_allowance", "seal_rent_allowance"] |s, ptr: u32, len_ptr: u32| -> () {
        deprecated::rent_allowance(s, ptr, len_ptr)
    }
}
