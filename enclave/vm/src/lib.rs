// SPDX-License-Identifier: Apache-2.0
//! One contract call under limits.
//!
//! A contract is WebAssembly that speaks the pallet-contracts "seal" interface: that is what ink! 5, Solang and the
//! contracts of earlier networks were compiled for. This crate admits such code ([`Engine::prepare`]) and runs one
//! call of it ([`Engine::run`]) against a [`Host`], which is the contract's world: its storage, its balance, other
//! contracts.
//!
//! What it promises:
//!
//! - **Determinism.** Equal code, input, context, gas limit and host answers give an equal [`Execution`], gas included,
//!   on every machine and with every engine. There are no floats, threads, clocks or random numbers.
//! - **Bounds.** Gas bounds time, [`limits::MEMORY_PAGES_MAX`] bounds memory, [`abi::STACK_BYTES`] bounds the stack,
//!   and [`CodeRefusal`] names every limit that keeps a small program from being expensive to compile.
//! - **Isolation.** Each call gets a fresh instance whose memory is zero but for the contract's own data segments.
//!
//! An engine knows one frame. Rolling state back after a trap or a revert, call depth, reentrancy, balances, storage
//! deposits and who may call whom belong to the [`Host`], and [`world::World`] is the one that workers use.
//!
//! Where to look next: [`world`] is all contracts and what they own, [`host`] what an engine asks of it, [`engine`] the call,
//! [`Trap`] every way a call may end badly, [`code`] what is admitted, [`gas`] what things cost, `seal` the host functions,
//! `guest` how any engine begins and ends a call, `jit` the wasmtime engine, `interpreter` the one without native code.
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

pub mod abi;
pub mod code;
pub mod engine;
pub mod extension;
pub mod gas;
mod guest;
pub mod host;
mod interpreter;
mod jit;
mod seal;
pub mod world;

pub use engine::{Call, Context, Engine, Entry, Execution, Return};
pub use host::{
    AccountBytes, Balance, CallRequest, CodeChange, DelegateRequest, Event, ExtensionReply, FrameError,
    FrameOutcome, HashBytes, Host, HostError, InstantiateRequest, Instantiation, Payment, StorageKey,
};
pub use interpreter::{InterpretedContract, WasmiEngine};
pub use jit::{CompiledContract, MAX_CONCURRENT_FRAMES, SetupError, WasmtimeEngine};
pub use phala_types::{code::CodeRefusal, limits, trap::Trap};
