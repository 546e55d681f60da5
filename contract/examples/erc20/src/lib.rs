// SPDX-License-Identifier: Apache-2.0
#![cfg_attr(not(feature = "std"), no_std, no_main)]
//! A token whose balances only their owners can read.
//!
//! It is the ERC-20 that every chain has, with one difference, which is the point of this network: on a public chain
//! anybody reads anybody's balance, and here nobody can. State, arguments and answers exist in the clear only inside a
//! worker's trusted execution environment, so the contract's own code decides who learns what.
//!
//! # How a contract keeps a secret
//!
//! 1. **Ask who asks.** [`caller`](ink::EnvAccess::caller) is an account that has *proven* who it is: in a command, by
//!    the signature inside the encrypted call; in a query, by a certificate. So a message may answer one caller and
//!    refuse the next. See `balance_of`.
//! 2. **Refuse before you look.** A refusal must not depend on what it hides: `balance_of` compares accounts, and
//!    reads the balance only after that. Whoever has no business here learns nothing, not even whether there is a balance.
//! 3. **Mind what success tells.** `transfer` fails when the sender has too little, and that tells the sender about the
//!    sender: fine. `transfer_from` fails when the *owner* has too little, and that tells the spender about the owner. It
//!    cannot be avoided, so it is bounded: the allowance is checked first, and a spender can never probe beyond it.
//! 4. **Know what is public.** The chain shows that a command was sent to this contract, when, and its padded size. It
//!    shows neither the message nor its arguments, nor who signed it, if somebody else submits it.
//!
//! # Try it
//!
//! `cargo test` runs the tests below on your machine, without a network. `phala contract build` makes
//! `target/ink/erc20.contract`, and `phala contract upload`, `deploy`, `call` and `query` take it from there.

#[ink::contract]
mod erc20 {
    use ink::storage::Mapping;

    /// Why a message is refused.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// The balance is smaller than the amount.
        InsufficientBalance,
        /// The allowance is smaller than the amount.
        InsufficientAllowance,
        /// This is somebody else's: only the owner may read a balance, only owner and spender an allowance.
        NotYours,
    }

    /// What a message answers.
    pub type Result<T> = core::result::Result<T, Error>;

    /// The token. No field can be read from outside: a reader gets what the messages below return, and no more.
    #[ink(storage)]
    #[derive(Default)]
    pub struct Erc20 {
        total_supply: Balance,
        balances: Mapping<AccountId, Balance>,
        /// By owner and spender.
        allowances: Mapping<(AccountId, AccountId), Balance>,
    }

    /// Tokens moved. Like the state, events stay inside the workers: here they are for the contract's own tools.
    #[ink(event)]
    pub struct Transfer {
        /// Who paid, or nobody: the tokens are new.
        #[ink(topic)]
        pub from: Option<AccountId>,
        /// Who was paid.
        #[ink(topic)]
        pub to: Option<AccountId>,
        /// How much.
        pub value: Balance,
    }

    /// An owner allowed a spender to spend.
    #[ink(event)]
    pub struct Approval {
        /// Whose tokens.
        #[ink(topic)]
        pub owner: AccountId,
        /// Who may spend them.
        #[ink(topic)]
        pub spender: AccountId,
        /// How many, in all.
        pub value: Balance,
    }

    impl Erc20 {
        /// Makes the token and gives all of it to the caller.
        #[ink(constructor)]
        pub fn new(total_supply: Balance) -> Self {
            let owner = Self::env().caller();
            let mut balances = Mapping::default();
            balances.insert(owner, &total_supply);
            Self::env().emit_event(Transfer { from: None, to: Some(owner), value: total_supply });
            Self { total_supply, balances, allowances: Mapping::default() }
        }

        /// How many tokens there are. Anybody may know.
        #[ink(message)]
        pub fn total_supply(&self) -> Balance {
            self.total_supply
        }

        /// The balance of an account. Only that account may ask.
        #[ink(message)]
        pub fn balance_of(&self, owner: AccountId) -> Result<Balance> {
            if self.env().caller() != owner {
                return Err(Error::NotYours);
            }
            Ok(self.balance(&owner))
        }

        /// How much a spender may spend for an owner. Only these two may ask.
        #[ink(message)]
        pub fn allowance(&self, owner: AccountId, spender: AccountId) -> Result<Balance> {
            let caller = self.env().caller();
            if caller != owner && caller != spender {
                return Err(Error::NotYours);
            }
            Ok(self.allowed(&owner, &spender))
        }

        /// Pays from the caller's balance.
        #[ink(message)]
        pub fn transfer(&mut self, to: AccountId, value: Balance) -> Result<()> {
            let from = self.env().caller();
            self.pay(&from, &to, value)
        }

        /// Allows a spender to spend up to an amount of the caller's. Replaces what was allowed before.
        #[ink(message)]
        pub fn approve(&mut self, spender: AccountId, value: Balance) -> Result<()> {
            let owner = self.env().caller();
            self.allowances.insert((owner, spender), &value);
            self.env().emit_event(Approval { owner, spender, value });
            Ok(())
        }

        /// Pays from an owner's balance, within what the owner allowed the caller.
        #[ink(message)]
        pub fn transfer_from(&mut self, from: AccountId, to: AccountId, value: Balance) -> Result<()> {
            let spender = self.env().caller();
            // First the allowance, then the balance: see rule 3 above.
            let left =
                self.allowed(&from, &spender).checked_sub(value).ok_or(Error::InsufficientAllowance)?;
            self.pay(&from, &to, value)?;
            self.allowances.insert((from, spender), &left);
            Ok(())
        }

        fn balance(&self, owner: &AccountId) -> Balance {
            self.balances.get(owner).unwrap_or_default()
        }

        fn allowed(&self, owner: &AccountId, spender: &AccountId) -> Balance {
            self.allowances.get((owner, spender)).unwrap_or_default()
        }

        fn pay(&mut self, from: &AccountId, to: &AccountId, value: Balance) -> Result<()> {
            let left = self.balance(from).checked_sub(value).ok_or(Error::InsufficientBalance)?;
            self.balances.insert(from, &left);
            // Read after the write, so that a payment to oneself changes nothing. All balances together are the supply,
            // so the sum fits.
            let credited = self.balance(to).saturating_add(value);
            self.balances.insert(to, &credited);
            self.env().emit_event(Transfer { from: Some(*from), to: Some(*to), value });
            Ok(())
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use ink::env::{test, DefaultEnvironment};

        struct People {
            alice: AccountId,
            bob: AccountId,
            charlie: AccountId,
        }

        /// A token of 100, all of it Alice's, and three people.
        fn token() -> (Erc20, People) {
            let accounts = test::default_accounts::<DefaultEnvironment>();
            call_as(accounts.alice);
            (Erc20::new(100), People { alice: accounts.alice, bob: accounts.bob, charlie: accounts.charlie })
        }

        fn call_as(account: AccountId) {
            test::set_caller::<DefaultEnvironment>(account);
        }

        #[ink::test]
        fn the_maker_owns_the_whole_supply() {
            let (token, people) = token();
            assert_eq!(token.total_supply(), 100);
            assert_eq!(token.balance_of(people.alice), Ok(100));
            assert_eq!(test::recorded_events().count(), 1);
        }

        #[ink::test]
        fn a_balance_is_told_to_its_owner_only() {
            let (token, people) = token();
            call_as(people.bob);
            assert_eq!(token.balance_of(people.alice), Err(Error::NotYours));
            assert_eq!(token.balance_of(people.bob), Ok(0));
            // The refusal is the same for an account that has nothing.
            assert_eq!(token.balance_of(people.charlie), Err(Error::NotYours));
        }

        #[ink::test]
        fn a_transfer_moves_tokens_and_makes_none() {
            let (mut token, people) = token();
            assert_eq!(token.transfer(people.bob, 30), Ok(()));
            assert_eq!(token.balance_of(people.alice), Ok(70));
            call_as(people.bob);
            assert_eq!(token.balance_of(people.bob), Ok(30));
            assert_eq!(token.total_supply(), 100);
            assert_eq!(test::recorded_events().count(), 2);
        }

        #[ink::test]
        fn a_transfer_beyond_the_balance_changes_nothing() {
            let (mut token, people) = token();
            assert_eq!(token.transfer(people.bob, 101), Err(Error::InsufficientBalance));
            assert_eq!(token.balance_of(people.alice), Ok(100));
            assert_eq!(test::recorded_events().count(), 1);
        }

        #[ink::test]
        fn a_transfer_to_oneself_changes_nothing() {
            let (mut token, people) = token();
            assert_eq!(token.transfer(people.alice, 40), Ok(()));
            assert_eq!(token.balance_of(people.alice), Ok(100));
        }

        #[ink::test]
        fn an_allowance_is_told_to_its_owner_and_its_spender_only() {
            let (mut token, people) = token();
            assert_eq!(token.approve(people.bob, 20), Ok(()));
            assert_eq!(token.allowance(people.alice, people.bob), Ok(20));
            call_as(people.bob);
            assert_eq!(token.allowance(people.alice, people.bob), Ok(20));
            call_as(people.charlie);
            assert_eq!(token.allowance(people.alice, people.bob), Err(Error::NotYours));
        }

        #[ink::test]
        fn a_spender_spends_what_was_allowed_and_no_more() {
            let (mut token, people) = token();
            assert_eq!(token.approve(people.bob, 20), Ok(()));
            call_as(people.bob);
            assert_eq!(token.transfer_from(people.alice, people.charlie, 15), Ok(()));
            assert_eq!(
                token.transfer_from(people.alice, people.charlie, 6),
                Err(Error::InsufficientAllowance)
            );
            assert_eq!(token.allowance(people.alice, people.bob), Ok(5));
            call_as(people.charlie);
            assert_eq!(token.balance_of(people.charlie), Ok(15));
        }

        #[ink::test]
        fn a_spender_cannot_probe_a_balance_beyond_the_allowance() {
            let (mut token, people) = token();
            assert_eq!(token.approve(people.bob, 20), Ok(()));
            call_as(people.bob);
            // Both are refused for the same reason, whether the balance would be enough or not.
            assert_eq!(token.transfer_from(people.alice, people.bob, 21), Err(Error::InsufficientAllowance));
            assert_eq!(token.transfer_from(people.alice, people.bob, 101), Err(Error::InsufficientAllowance));
        }

        #[ink::test]
        fn a_failed_payment_leaves_the_allowance() {
            let (mut token, people) = token();
            assert_eq!(token.approve(people.bob, 500), Ok(()));
            call_as(people.bob);
            assert_eq!(token.transfer_from(people.alice, people.bob, 101), Err(Error::InsufficientBalance));
            assert_eq!(token.allowance(people.alice, people.bob), Ok(500));
        }
    }
}
