// SPDX-License-Identifier: Apache-2.0
//! The cases, by topic. Each is a story of a few steps on a [`Duel`] and says what the oracle has to answer.

use crate::{
    duel::Duel,
    puppet::{Played, Script},
};

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

/// How many stories by chance a test plays: so many, or what `PROPTEST_CASES` says, for a long search by hand.
///
/// # Panics
/// If that is no number.
#[must_use]
pub fn stories(usual: u32) -> u32 {
    let said = std::env::var("PROPTEST_CASES");
    said.map_or(usual, |number| number.parse().expect("PROPTEST_CASES is a number"))
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

/// Asks for the input, which is longer than any room in it: keeps its length, and its beginning.
fn ask_input(s: &mut Script) -> [u64; 2] {
    const ABOVE_ALL: u64 = 6 * 65_536;
    let len = s.length(100_000);
    s.call("seal0.input", &[ABOVE_ALL, len]);
    let beginning = s.room(INPUT_KEPT);
    s.call("puppet.copy", &[beginning, ABOVE_ALL, INPUT_KEPT as u64]);
    [beginning, len]
}

/// How many bytes of the input are kept.
const INPUT_KEPT: usize = 64;

/// Whether that was the script's own input.
fn is_input(p: &Played, [beginning, len]: [u64; 2], s: &Script) -> bool {
    let input = s.input();
    p.at(len, 4) == (input.len() as u32).to_le_bytes() && p.at(beginning, INPUT_KEPT) == &input[..INPUT_KEPT]
}
