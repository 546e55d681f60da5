// SPDX-License-Identifier: Apache-2.0
//! The loops and a token as a CosmWasm contract.
//!
//! It speaks the interface of version 8 without CosmWasm's standard library, which needs Rust's: so it does less than a
//! usual contract before it begins to work. The token does what cw20-base does in a transfer: it validates the
//! receiver's address, changes two balances under `balance` keys, and answers with four attributes.
#![no_std]

extern crate alloc;

use alloc::{boxed::Box, format, string::String, vec::Vec};
use core::{mem, panic::PanicInfo};

use bench_loops::{fibonacci, sha256_chain};
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// A piece of memory, as both sides see it.
#[repr(C)]
pub struct Region {
    offset: u32,
    capacity: u32,
    length: u32,
}

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn db_read(key: *const Region) -> *mut Region;
    fn db_write(key: *const Region, value: *const Region);
    fn addr_validate(address: *const Region) -> *mut Region;
}

/// Says which interface this is.
#[unsafe(no_mangle)]
pub extern "C" fn interface_version_8() {}

/// Makes room for what the host writes.
#[unsafe(no_mangle)]
pub extern "C" fn allocate(size: u32) -> *mut Region {
    let mut room = mem::ManuallyDrop::new(Vec::<u8>::with_capacity(size as usize));
    Box::into_raw(Box::new(Region { offset: room.as_mut_ptr() as u32, capacity: size, length: 0 }))
}

/// Frees what `allocate` made.
#[unsafe(no_mangle)]
pub extern "C" fn deallocate(region: *mut Region) {
    drop(take(region));
}

/// The bytes of a region that is ours now.
fn take(region: *mut Region) -> Vec<u8> {
    // SAFETY: every region that comes here was made by `allocate`, and comes once.
    unsafe {
        let region = Box::from_raw(region);
        Vec::from_raw_parts(region.offset as *mut u8, region.length as usize, region.capacity as usize)
    }
}

/// A region for the host to read.
fn lend(bytes: &[u8]) -> Region {
    Region { offset: bytes.as_ptr() as u32, capacity: bytes.len() as u32, length: bytes.len() as u32 }
}

/// A region that the host frees.
fn give(bytes: Vec<u8>) -> *mut Region {
    let bytes = mem::ManuallyDrop::new(bytes);
    let (capacity, length) = (bytes.capacity() as u32, bytes.len() as u32);
    Box::into_raw(Box::new(Region { offset: bytes.as_ptr() as u32, capacity, length }))
}

fn read(key: &[u8]) -> Option<Vec<u8>> {
    // SAFETY: the host reads the key and gives a region of `allocate` or none.
    let found = unsafe { db_read(&lend(key)) };
    (!found.is_null()).then(|| take(found))
}

fn write(key: &[u8], value: &[u8]) {
    // SAFETY: the host reads both.
    unsafe { db_write(&lend(key), &lend(value)) };
}

#[derive(Deserialize)]
struct Info {
    sender: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message {
    Nothing {},
    Sha256 { count: u32 },
    Fibonacci { count: u32 },
    Storage { count: u32 },
    Transfer { recipient: String, amount: String },
}

#[derive(Serialize)]
struct Attribute<'a> {
    key: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct Response<'a> {
    messages: [(); 0],
    attributes: &'a [Attribute<'a>],
    events: [(); 0],
    data: Option<()>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer<'a> {
    Ok(Response<'a>),
    #[serde(rename = "error")]
    Error(&'a str),
}

fn answer(attributes: &[Attribute<'_>]) -> *mut Region {
    tell(&Answer::Ok(Response { messages: [], attributes, events: [], data: None }))
}

fn tell(answer: &Answer<'_>) -> *mut Region {
    match serde_json_wasm::to_vec(answer) {
        Ok(json) => give(json),
        Err(_) => core::arch::wasm32::unreachable(),
    }
}

/// Gives the maker all there is.
#[unsafe(no_mangle)]
pub extern "C" fn instantiate(_env: *mut Region, info: *mut Region, _message: *mut Region) -> *mut Region {
    let Ok(info) = serde_json_wasm::from_slice::<Info>(&take(info)) else {
        return tell(&Answer::Error("who?"));
    };
    set_balance(&info.sender, u128::MAX);
    answer(&[])
}

/// Does what the message says.
#[unsafe(no_mangle)]
pub extern "C" fn execute(_env: *mut Region, info: *mut Region, message: *mut Region) -> *mut Region {
    let (info, message) = (take(info), take(message));
    let (Ok(info), Ok(message)) =
        (serde_json_wasm::from_slice::<Info>(&info), serde_json_wasm::from_slice::<Message>(&message))
    else {
        return tell(&Answer::Error("what?"));
    };
    match message {
        Message::Nothing {} => answer(&[]),
        Message::Sha256 { count } => number(first_eight(&sha256_chain(count))),
        Message::Fibonacci { count } => number(fibonacci(count)),
        Message::Storage { count } => number(count_up(count)),
        Message::Transfer { recipient, amount } => transfer(&info.sender, &recipient, &amount),
    }
}

fn number(value: u64) -> *mut Region {
    answer(&[Attribute { key: "result", value: &format!("{value}") }])
}

fn first_eight(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// Adds one to each of so many values, and returns their sum.
fn count_up(values: u32) -> u64 {
    let mut sum = 0u64;
    for key in 0..values {
        let key = key.to_le_bytes();
        let value = read(&key).and_then(|value| value.try_into().ok()).map_or(0, u64::from_le_bytes);
        sum += value + 1;
        write(&key, &(value + 1).to_le_bytes());
    }
    sum
}

fn balance_key(of: &str) -> Vec<u8> {
    [b"\0\x07balance", of.as_bytes()].concat()
}

fn balance(of: &str) -> u128 {
    // A number as CosmWasm stores one: decimal, as a string of JSON.
    let stored = read(&balance_key(of)).and_then(|json| serde_json_wasm::from_slice::<String>(&json).ok());
    stored.and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn set_balance(of: &str, amount: u128) {
    write(&balance_key(of), format!("\"{amount}\"").as_bytes());
}

fn transfer(from: &str, to: &str, amount: &str) -> *mut Region {
    // SAFETY: the host reads the address, and gives the reason of a refusal or nothing.
    if !unsafe { addr_validate(&lend(to.as_bytes())) }.is_null() {
        return tell(&Answer::Error("no such address"));
    }
    let Ok(moved) = amount.parse::<u128>() else { return tell(&Answer::Error("no number")) };
    let Some(rest) = balance(from).checked_sub(moved) else { return tell(&Answer::Error("too little")) };
    set_balance(from, rest);
    let Some(sum) = balance(to).checked_add(moved) else { return tell(&Answer::Error("too much")) };
    set_balance(to, sum);
    answer(&[
        Attribute { key: "action", value: "transfer" },
        Attribute { key: "from", value: from },
        Attribute { key: "to", value: to },
        Attribute { key: "amount", value: amount },
    ])
}
