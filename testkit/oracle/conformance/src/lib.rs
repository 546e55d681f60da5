// SPDX-License-Identifier: Apache-2.0
//! The same contracts and the same calls on our engine and on `pallet-contracts`, side by side.
//!
//! Our engine owns its side of the seal interface, and the pallet is the oracle of what the interface means. A [`Duel`]
//! has both as a [`Machine`], does every step on both, and keeps each divergence: in what a call returned, in its events,
//! in its deposit, in storage, in balances. Where the two differ on purpose, [`differences`] says so and why, and a test
//! holds that list to be exactly what diverges.
//!
//! What is compared is meaning, not price: the pallet's weights and our gas have nothing in common.
//!
//! Where to look next: [`machine`] is what both can do, [`pallet`] and [`ours`] do it, [`puppet`] is the contract that does
//! what its input says, [`cases`] has the cases by topic.
#![forbid(unsafe_code)]

pub mod cases;
pub mod differences;
pub mod duel;
pub mod examples;
pub mod ink;
pub mod machine;
pub mod ours;
pub mod pallet;
pub mod puppet;

pub use duel::{Divergence, Duel};
pub use machine::{Account, Answer, Call, End, Event, Hash, Instantiate, Machine, Ran};
