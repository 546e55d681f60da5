// SPDX-License-Identifier: Apache-2.0
#![cfg_attr(not(feature = "std"), no_std, no_main)]
//! A number that its maker lets others add to.
//!
//! `contract/examples/cross_contract` makes one of these and calls it. To a contract that is called, a contract that calls is
//! an account like any other: `caller()` is the contract's account, proven by the worker, and not the person behind it. So
//! the maker here may be a contract, and what it lets others do is its own matter.

pub use crate::accumulator::{Accumulator, AccumulatorRef, Error};

#[ink::contract]
mod accumulator {
    use ink::storage::Mapping;

    /// Why a message is refused.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// The maker did not allow it.
        NotAllowed,
        /// The sum does not fit.
        TooLarge,
    }

    /// The number.
    #[ink(storage)]
    pub struct Accumulator {
        maker: AccountId,
        value: u64,
        allowed: Mapping<AccountId, ()>,
    }

    impl Accumulator {
        /// Starts at a number. Whoever makes it may add to it and read it.
        #[ink(constructor)]
        pub fn new(value: u64) -> Self {
            Self { maker: Self::env().caller(), value, allowed: Mapping::default() }
        }

        /// Lets somebody add and read.
        #[ink(message)]
        pub fn allow(&mut self, account: AccountId) -> Result<(), Error> {
            if self.env().caller() != self.maker {
                return Err(Error::NotAllowed);
            }
            self.allowed.insert(account, &());
            Ok(())
        }

        /// Adds, and answers the sum.
        #[ink(message)]
        pub fn add(&mut self, by: u64) -> Result<u64, Error> {
            self.check()?;
            self.value = self.value.checked_add(by).ok_or(Error::TooLarge)?;
            Ok(self.value)
        }

        /// The sum so far.
        #[ink(message)]
        pub fn get(&self) -> Result<u64, Error> {
            self.check()?;
            Ok(self.value)
        }

        fn check(&self) -> Result<(), Error> {
            let caller = self.env().caller();
            if caller == self.maker || self.allowed.contains(caller) {
                Ok(())
            } else {
                Err(Error::NotAllowed)
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use ink::env::{test, DefaultEnvironment};

        fn call_as(account: AccountId) {
            test::set_caller::<DefaultEnvironment>(account);
        }

        #[ink::test]
        fn the_maker_adds_and_reads() {
            let mut number = Accumulator::new(1);
            assert_eq!(number.add(2), Ok(3));
            assert_eq!(number.get(), Ok(3));
            assert_eq!(number.add(u64::MAX), Err(Error::TooLarge));
            assert_eq!(number.get(), Ok(3));
        }

        #[ink::test]
        fn others_do_so_when_the_maker_allows_it() {
            let people = test::default_accounts::<DefaultEnvironment>();
            call_as(people.alice);
            let mut number = Accumulator::new(1);
            call_as(people.bob);
            assert_eq!(number.add(1), Err(Error::NotAllowed));
            assert_eq!(number.get(), Err(Error::NotAllowed));
            assert_eq!(number.allow(people.bob), Err(Error::NotAllowed));
            call_as(people.alice);
            assert_eq!(number.allow(people.bob), Ok(()));
            call_as(people.bob);
            assert_eq!(number.add(1), Ok(2));
            assert_eq!(number.allow(people.eve), Err(Error::NotAllowed));
        }
    }
}
