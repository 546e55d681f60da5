// SPDX-License-Identifier: Apache-2.0
#![cfg_attr(not(feature = "std"), no_std, no_main)]
//! What the proxy runs: a counter.
//!
//! It is a contract like any other, and works on its own too. To be the logic of a proxy
//! (`contract/examples/upgradeable_proxy`) it keeps three rules:
//!
//! - It does not rely on its constructor, which a proxy does not run: empty storage is a counter at zero. That is what
//!   `Lazy` is for: a cell that nobody has written is there to be asked about.
//! - Its state is under a key that it chose itself, [`COUNT_KEY`], which no other version may use for anything else, and
//!   which is not the proxy's.
//! - It has no message with the selector of the proxy's own.

pub use crate::counter::{Counter, CounterRef, Error, COUNT_KEY};

#[ink::contract]
mod counter {
    use ink::storage::{traits::ManualKey, Lazy};

    /// Where the count is.
    pub const COUNT_KEY: u32 = 0x0000_c001;

    /// Why a message is refused.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// The count would be more than a number can say.
        TooLarge,
    }

    /// The counter.
    #[ink(storage)]
    #[derive(Default)]
    pub struct Counter {
        count: Lazy<u64, ManualKey<COUNT_KEY>>,
    }

    impl Counter {
        /// A counter at zero.
        #[ink(constructor)]
        pub fn new() -> Self {
            Self::default()
        }

        /// Adds to the count, and answers it.
        #[ink(message)]
        pub fn add(&mut self, by: u64) -> Result<u64, Error> {
            let count = self.get().checked_add(by).ok_or(Error::TooLarge)?;
            self.count.set(&count);
            Ok(count)
        }

        /// The count.
        #[ink(message)]
        pub fn get(&self) -> u64 {
            self.count.get().unwrap_or_default()
        }

        /// Which version of the logic this is: a later one says more.
        #[ink(message)]
        pub fn version(&self) -> u32 {
            1
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[ink::test]
        fn empty_storage_is_a_counter_at_zero() {
            let mut counter = Counter::default();
            assert_eq!(counter.get(), 0);
            assert_eq!(counter.add(2), Ok(2));
            assert_eq!(counter.add(3), Ok(5));
            assert_eq!(counter.get(), 5);
            assert_eq!(counter.version(), 1);
        }

        #[ink::test]
        fn a_count_that_does_not_fit_changes_nothing() {
            let mut counter = Counter::new();
            assert_eq!(counter.add(u64::MAX), Ok(u64::MAX));
            assert_eq!(counter.add(1), Err(Error::TooLarge));
            assert_eq!(counter.get(), u64::MAX);
        }
    }
}
