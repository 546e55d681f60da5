// SPDX-License-Identifier: Apache-2.0
//! The cases, by topic. Each is a story of a few steps on a [`Duel`] and says what the oracle has to answer.

use crate::duel::Duel;

mod calls;
mod code;
mod compute;
mod deposits;
mod facts;
mod frames;
mod generated;
mod program;
mod storage;
mod transient;
mod world;

pub use generated::{Move, play_moves};

/// A case: its name, which is the promise that it checks, and its steps.
#[derive(Clone, Copy)]
pub struct Case {
    /// Unique.
    pub name: &'static str,
    /// What is done.
    pub story: fn(&mut Duel),
}

/// All cases.
#[must_use]
pub fn all() -> Vec<Case> {
    [
        storage::CASES,
        transient::CASES,
        facts::CASES,
        world::CASES,
        calls::CASES,
        frames::CASES,
        code::CASES,
        deposits::CASES,
        compute::CASES,
        program::CASES,
    ]
    .concat()
}

/// Makes a list of cases from functions: the name is the function's.
macro_rules! cases {
    ($($story:ident),* $(,)?) => {
        pub(super) const CASES: &[super::Case] =
            &[$(super::Case { name: stringify!($story), story: $story }),*];
    };
}
use cases;

/// The success code.
const SUCCESS: u64 = 0;
/// What a length is when there is nothing.
const NOTHING: u64 = u32::MAX as u64;
/// As an output pointer: no output, please.
const SENTINEL: u64 = u32::MAX as u64;
/// An address outside of every puppet's memory.
const OUTSIDE: u64 = 0x7fff_0000;
