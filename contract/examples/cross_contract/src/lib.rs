// SPDX-License-Identifier: Apache-2.0
#![cfg_attr(not(feature = "std"), no_std, no_main)]
//! A contract that makes another one and calls it.
//!
//! Contracts of one cluster call each other within one command or query: at once, in the clear inside of the worker, and
//! invisible outside of it. The chain shows that a command was sent to *this* contract, and not that it called another.
//!
//! # What is worth a look
//!
//! - **A dependency, not an interface file.** The callee's crate is a dependency with the feature `ink-as-dependency`, so
//!   that arguments and answers have their true types. `Accumulator` then is a reference: an account that can be called.
//! - **Two things can go wrong**, and `add` tells them apart: the callee says no (`Error::Refused`); it could not be
//!   called, or trapped (`Error::Failed`). Whatever a callee that fails has changed is undone; what *this* contract has
//!   changed is not, unless this message fails too.
//! - **Who calls whom.** The accumulator sees this contract as its caller. So this contract must ask who its own caller is:
//!   everybody may look at `total` here, and only the owner may `add`.
//! - **Not back.** While the accumulator runs it cannot call this contract: that is refused unless a call allows it.
//!
//! # Deploy it
//!
//! Upload the accumulator's code first, then deploy this one with the hash of that code.

pub use caller::{Caller, CallerRef, Error};

#[ink::contract]
mod caller {
    use accumulator::AccumulatorRef;
    use ink::{codegen::TraitCallBuilder, env::call::FromAccountId, primitives::MessageResult};

    /// Why a message is refused.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// Only the owner may.
        NotYours,
        /// The accumulator said no, for this reason.
        Refused(accumulator::Error),
        /// The accumulator could not be made or called, or did not come to an end.
        Failed,
    }

    /// What a message answers.
    pub type Result<T> = core::result::Result<T, Error>;

    /// A contract with an accumulator.
    #[ink(storage)]
    pub struct Caller {
        owner: AccountId,
        accumulator: AccumulatorRef,
    }

    impl Caller {
        /// Makes an accumulator of this code, and calls it from now on. The salt makes its address: another one for
        /// another accumulator.
        #[ink(constructor)]
        pub fn new(code_hash: Hash, value: u64, salt: [u8; 4]) -> Self {
            let accumulator =
                AccumulatorRef::new(value).code_hash(code_hash).endowment(0).salt_bytes(salt).instantiate();
            Self { owner: Self::env().caller(), accumulator }
        }

        /// Calls an accumulator that is there. Its maker must allow it.
        #[ink(constructor)]
        pub fn with(accumulator: AccountId) -> Self {
            Self { owner: Self::env().caller(), accumulator: AccumulatorRef::from_account_id(accumulator) }
        }

        /// Which accumulator it calls.
        #[ink(message)]
        pub fn accumulator(&self) -> AccountId {
            *self.accumulator.as_ref()
        }

        /// Adds, and answers the sum. Only the owner may.
        #[ink(message)]
        pub fn add(&mut self, by: u64) -> Result<u64> {
            if self.env().caller() != self.owner {
                return Err(Error::NotYours);
            }
            answer(self.accumulator.call_mut().add(by).try_invoke())
        }

        /// Adds several numbers, all of them or none: if one is refused this message fails, and with it all that the
        /// accumulator has changed before.
        #[ink(message)]
        pub fn add_all(&mut self, numbers: ink::prelude::vec::Vec<u64>) -> Result<()> {
            for number in numbers {
                self.add(number)?;
            }
            Ok(())
        }

        /// The sum so far. Anybody may ask.
        #[ink(message)]
        pub fn total(&self) -> Result<u64> {
            answer(self.accumulator.call().get().try_invoke())
        }
    }

    /// What came of a call: an answer within an answer within an answer.
    fn answer<T>(
        called: ink::env::Result<MessageResult<core::result::Result<T, accumulator::Error>>>,
    ) -> Result<T> {
        let message = called.map_err(|_| Error::Failed)?;
        let answer = message.map_err(|_| Error::Failed)?;
        answer.map_err(Error::Refused)
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use ink::{
            env::{test, DefaultEnvironment},
            primitives::LangError,
            scale::Encode,
        };

        #[ink::test]
        fn it_knows_which_accumulator_it_calls() {
            let caller = Caller::with(AccountId::from([7; 32]));
            assert_eq!(caller.accumulator(), AccountId::from([7; 32]));
        }

        #[ink::test]
        fn only_the_owner_adds() {
            let people = test::default_accounts::<DefaultEnvironment>();
            test::set_caller::<DefaultEnvironment>(people.alice);
            let mut caller = Caller::with(AccountId::from([7; 32]));
            test::set_caller::<DefaultEnvironment>(people.eve);
            assert_eq!(caller.add(1), Err(Error::NotYours));
            assert_eq!(caller.add_all(vec![1]), Err(Error::NotYours));
            assert_eq!(caller.add_all(vec![]), Ok(()));
        }

        #[ink::test]
        fn a_call_names_the_message_and_its_argument() {
            let mut caller = Caller::with(AccountId::from([7; 32]));
            let call = caller.accumulator.call_mut().add(5).params();
            assert_eq!(call.callee(), &AccountId::from([7; 32]));
            // The selector is the beginning of BLAKE2b-256 of the message's name.
            let selector = ink::selector_bytes!("add");
            assert_eq!(call.exec_input().encode(), (selector, 5_u64).encode());
        }

        #[ink::test]
        fn what_went_wrong_is_told_apart() {
            assert_eq!(answer(Ok(Ok(Ok(3)))), Ok(3));
            let refused = answer::<u64>(Ok(Ok(Err(accumulator::Error::NotAllowed))));
            assert_eq!(refused, Err(Error::Refused(accumulator::Error::NotAllowed)));
            assert_eq!(answer::<u64>(Ok(Err(LangError::CouldNotReadInput))), Err(Error::Failed));
            let trapped = ink::env::Error::ReturnError(ink::env::ReturnErrorCode::CalleeTrapped);
            assert_eq!(answer::<u64>(Err(trapped)), Err(Error::Failed));
        }
    }
}
