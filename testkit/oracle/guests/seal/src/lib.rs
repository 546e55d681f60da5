// SPDX-License-Identifier: Apache-2.0
//! The loops as a contract of the seal interface.
//!
//! The input is a byte that says what to do, a count of 32 bits, and for calls the address of the callee.
#![no_std]

use core::{panic::PanicInfo, ptr};

use bench_loops::{fibonacci, sha256_chain};

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

#[link(wasm_import_module = "seal0")]
unsafe extern "C" {
    fn input(out: *mut u8, len: *mut u32);
    fn seal_return(flags: u32, data: *const u8, len: u32) -> !;
}

#[link(wasm_import_module = "seal1")]
unsafe extern "C" {
    fn get_storage(key: *const u8, key_len: u32, out: *mut u8, out_len: *mut u32) -> u32;
    #[link_name = "call"]
    fn call_contract(
        flags: u32,
        callee: *const u8,
        gas: u64,
        value: *const u8,
        input: *const u8,
        input_len: u32,
        out: *mut u8,
        out_len: *mut u32,
    ) -> u32;
}

#[link(wasm_import_module = "seal2")]
unsafe extern "C" {
    fn set_storage(key: *const u8, key_len: u32, value: *const u8, value_len: u32) -> u32;
}

/// Nothing: what is called many times.
const NOTHING: u8 = 0;
const SHA256: u8 = 1;
const FIBONACCI: u8 = 2;
const STORAGE: u8 = 3;
const CALLS: u8 = 4;

/// Makes a contract.
#[unsafe(no_mangle)]
pub extern "C" fn deploy() {}

/// Does what the input says.
#[unsafe(export_name = "call")]
pub extern "C" fn entry() {
    let mut request = [0u8; 37];
    let mut len = request.len() as u32;
    // SAFETY: the host writes no more than the length says.
    unsafe { input(request.as_mut_ptr(), &mut len) };
    let count = u32::from_le_bytes([request[1], request[2], request[3], request[4]]);
    match request[0] {
        NOTHING => answer(&[]),
        SHA256 => answer(&sha256_chain(count)),
        FIBONACCI => answer(&fibonacci(count).to_le_bytes()),
        STORAGE => answer(&count_up(count).to_le_bytes()),
        CALLS => answer(&calls(&request[5..], count).to_le_bytes()),
        _ => core::arch::wasm32::unreachable(),
    }
}

fn answer(data: &[u8]) -> ! {
    // SAFETY: the data is there for as long as the host reads it.
    unsafe { seal_return(0, data.as_ptr(), data.len() as u32) }
}

/// Adds one to each of so many values, and returns their sum.
fn count_up(values: u32) -> u64 {
    let mut sum = 0u64;
    for key in 0..values {
        let key = key.to_le_bytes();
        let mut value = [0u8; 8];
        let mut len = 8u32;
        // SAFETY: the host reads the key, and writes no more than the length says.
        unsafe { get_storage(key.as_ptr(), 4, value.as_mut_ptr(), &mut len) };
        let next = u64::from_le_bytes(value) + 1;
        sum += next;
        // SAFETY: the host reads the key and the value.
        unsafe { set_storage(key.as_ptr(), 4, next.to_le_bytes().as_ptr(), 8) };
    }
    sum
}

/// Calls a contract so often, and returns how often it succeeded.
fn calls(callee: &[u8], count: u32) -> u32 {
    let (value, nothing) = (0u128.to_le_bytes(), [NOTHING, 0, 0, 0, 0]);
    let mut succeeded = 0;
    for _ in 0..count {
        let none = u32::MAX as *mut u8;
        // SAFETY: the host reads what is there, and writes nothing.
        let code = unsafe {
            call_contract(0, callee.as_ptr(), 0, value.as_ptr(), nothing.as_ptr(), 5, none, ptr::null_mut())
        };
        succeeded += u32::from(code == 0);
    }
    succeeded
}
