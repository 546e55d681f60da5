// SPDX-License-Identifier: Apache-2.0
#![cfg_attr(not(feature = "std"), no_std, no_main)]
//! Many kinds of tokens in one contract, with balances that only their owners can read.
//!
//! An ERC-1155 holds coins, tickets and treasures side by side, and moves several kinds in one call. Read
//! `contract/examples/erc20` first for how a contract keeps a secret.
//!
//! # What is worth a look
//!
//! - **All or nothing.** `transfer_batch` checks all before it changes anything. A message that returns an error keeps
//!   none of its changes, but a contract that calls this one may carry on after an error, so it is better not to begin.
//! - **The same kind twice.** A batch may name a kind twice, and each takes from what the one before left. Kinds are
//!   therefore paid one after the other, each from what is in storage.
//! - **Bounds.** A batch has at most `BATCH_MAX` entries: whoever pays for gas sees the end of it.
//! - **Not here.** The public standard calls the receiver back. A call to a stranger's contract tells that contract of the
//!   payment, which is the receiver's secret to tell, so this contract does not do it.

#[ink::contract]
mod erc1155 {
    use ink::{prelude::vec::Vec, storage::Mapping};

    /// The number of a kind of tokens.
    pub type Kind = u128;

    /// Entries of one batch: as many as fit well into an ink! contract's buffer of 16 KiB.
    pub const BATCH_MAX: usize = 128;

    /// Why a message is refused.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// This is somebody else's.
        NotYours,
        /// Nobody has made this kind.
        NoSuchKind,
        /// The balance is smaller than the amount.
        InsufficientBalance,
        /// Nobody trusts themselves: they may anyway.
        Yourself,
        /// More than [`BATCH_MAX`] entries.
        BatchTooLong,
        /// There would be more tokens of the kind than a number can say.
        SupplyTooLarge,
    }

    /// What a message answers.
    pub type Result<T> = core::result::Result<T, Error>;

    /// The tokens.
    #[ink(storage)]
    #[derive(Default)]
    pub struct Erc1155 {
        /// By owner and kind.
        balances: Mapping<(AccountId, Kind), Balance>,
        /// By owner and operator.
        operators: Mapping<(AccountId, AccountId), ()>,
        /// Who made a kind, and how much there is of it.
        kinds: Mapping<Kind, (AccountId, Balance)>,
        /// The next kind's number.
        next: Kind,
    }

    /// Tokens moved, or were made.
    #[ink(event)]
    pub struct Transfer {
        /// Who called.
        #[ink(topic)]
        pub operator: AccountId,
        /// Who had them, or nobody: they are new.
        #[ink(topic)]
        pub from: Option<AccountId>,
        /// Who has them.
        #[ink(topic)]
        pub to: Option<AccountId>,
        /// Which kind.
        pub kind: Kind,
        /// How many.
        pub value: Balance,
    }

    /// An owner trusts somebody with all tokens, or no longer.
    #[ink(event)]
    pub struct ApprovalForAll {
        /// The owner.
        #[ink(topic)]
        pub owner: AccountId,
        /// Who is trusted.
        #[ink(topic)]
        pub operator: AccountId,
        /// Whether it is so from now on.
        pub is_trusted: bool,
    }

    impl Erc1155 {
        /// A contract without tokens.
        #[ink(constructor)]
        pub fn new() -> Self {
            Self::default()
        }

        /// The balance of an account in a kind. Only the account and its operators may ask.
        #[ink(message)]
        pub fn balance_of(&self, owner: AccountId, kind: Kind) -> Result<Balance> {
            self.check_trusted(&owner)?;
            Ok(self.balance(&owner, kind))
        }

        /// The balances of an account in several kinds.
        #[ink(message)]
        pub fn balance_of_batch(&self, owner: AccountId, kinds: Vec<Kind>) -> Result<Vec<Balance>> {
            self.check_trusted(&owner)?;
            check_length(kinds.len())?;
            Ok(kinds.into_iter().map(|kind| self.balance(&owner, kind)).collect())
        }

        /// How many tokens there are of a kind. Anybody may know.
        #[ink(message)]
        pub fn total_supply(&self, kind: Kind) -> Result<Balance> {
            self.kinds.get(kind).map(|(_, supply)| supply).ok_or(Error::NoSuchKind)
        }

        /// Whether an owner trusts an operator. Only these two may ask.
        #[ink(message)]
        pub fn is_operator(&self, owner: AccountId, operator: AccountId) -> Result<bool> {
            let caller = self.env().caller();
            if caller != owner && caller != operator {
                return Err(Error::NotYours);
            }
            Ok(self.operators.contains((owner, operator)))
        }

        /// Makes a new kind, all of it the caller's, and answers its number.
        #[ink(message)]
        pub fn create(&mut self, value: Balance) -> Kind {
            let maker = self.env().caller();
            let kind = self.next;
            // One more each time: the numbers outlast the chain.
            self.next = kind.saturating_add(1);
            self.kinds.insert(kind, &(maker, value));
            self.balances.insert((maker, kind), &value);
            self.env().emit_event(Transfer { operator: maker, from: None, to: Some(maker), kind, value });
            kind
        }

        /// Makes more of a kind of the caller's.
        #[ink(message)]
        pub fn mint(&mut self, kind: Kind, value: Balance) -> Result<()> {
            let caller = self.env().caller();
            let (maker, supply) = self.kinds.get(kind).ok_or(Error::NoSuchKind)?;
            if caller != maker {
                return Err(Error::NotYours);
            }
            let supply = supply.checked_add(value).ok_or(Error::SupplyTooLarge)?;
            self.kinds.insert(kind, &(maker, supply));
            // A balance is at most the supply, which fits.
            let credited = self.balance(&caller, kind).saturating_add(value);
            self.balances.insert((caller, kind), &credited);
            self.env().emit_event(Transfer { operator: caller, from: None, to: Some(caller), kind, value });
            Ok(())
        }

        /// Trusts somebody with all tokens of the caller, or no longer.
        #[ink(message)]
        pub fn set_operator(&mut self, operator: AccountId, is_trusted: bool) -> Result<()> {
            let owner = self.env().caller();
            if owner == operator {
                return Err(Error::Yourself);
            }
            if is_trusted {
                self.operators.insert((owner, operator), &());
            } else {
                self.operators.remove((owner, operator));
            }
            self.env().emit_event(ApprovalForAll { owner, operator, is_trusted });
            Ok(())
        }

        /// Pays of one kind, as the owner or as an operator.
        #[ink(message)]
        pub fn transfer_from(
            &mut self,
            from: AccountId,
            to: AccountId,
            kind: Kind,
            value: Balance,
        ) -> Result<()> {
            self.check_trusted(&from)?;
            if self.balance(&from, kind) < value {
                return Err(Error::InsufficientBalance);
            }
            self.pay(from, to, kind, value);
            Ok(())
        }

        /// Pays of several kinds, all or none.
        #[ink(message)]
        pub fn transfer_batch(
            &mut self,
            from: AccountId,
            to: AccountId,
            batch: Vec<(Kind, Balance)>,
        ) -> Result<()> {
            self.check_trusted(&from)?;
            check_length(batch.len())?;
            for (kind, _) in &batch {
                let mut same = batch.iter().filter(|(other, _)| other == kind);
                let sum = same.try_fold(0, |sum: Balance, (_, value)| sum.checked_add(*value));
                if sum.is_none_or(|sum| self.balance(&from, *kind) < sum) {
                    return Err(Error::InsufficientBalance);
                }
            }
            for (kind, value) in batch {
                self.pay(from, to, kind, value);
            }
            Ok(())
        }

        /// Whether the caller may see and move what an account has.
        fn check_trusted(&self, owner: &AccountId) -> Result<()> {
            let caller = self.env().caller();
            if caller == *owner || self.operators.contains((owner, caller)) {
                Ok(())
            } else {
                Err(Error::NotYours)
            }
        }

        fn balance(&self, owner: &AccountId, kind: Kind) -> Balance {
            self.balances.get((owner, kind)).unwrap_or_default()
        }

        /// Moves tokens. The caller of this function has checked that they are there.
        fn pay(&mut self, from: AccountId, to: AccountId, kind: Kind, value: Balance) {
            let left = self.balance(&from, kind).saturating_sub(value);
            self.balances.insert((from, kind), &left);
            // Read after the write, so that a payment to oneself changes nothing.
            let credited = self.balance(&to, kind).saturating_add(value);
            self.balances.insert((to, kind), &credited);
            let operator = self.env().caller();
            self.env().emit_event(Transfer { operator, from: Some(from), to: Some(to), kind, value });
        }
    }

    fn check_length(length: usize) -> Result<()> {
        if length > BATCH_MAX {
            Err(Error::BatchTooLong)
        } else {
            Ok(())
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use ink::env::{
            test::{self, DefaultAccounts},
            DefaultEnvironment,
        };

        /// Kinds 0, of which Alice has 100, and 1, of which she has 7.
        fn tokens() -> (Erc1155, DefaultAccounts<DefaultEnvironment>) {
            let people = test::default_accounts::<DefaultEnvironment>();
            call_as(people.alice);
            let mut tokens = Erc1155::new();
            assert_eq!(tokens.create(100), 0);
            assert_eq!(tokens.create(7), 1);
            (tokens, people)
        }

        fn call_as(account: AccountId) {
            test::set_caller::<DefaultEnvironment>(account);
        }

        #[ink::test]
        fn each_kind_has_a_number_and_a_supply() {
            let (tokens, people) = tokens();
            assert_eq!(tokens.total_supply(0), Ok(100));
            assert_eq!(tokens.total_supply(1), Ok(7));
            assert_eq!(tokens.total_supply(2), Err(Error::NoSuchKind));
            assert_eq!(tokens.balance_of_batch(people.alice, vec![1, 0, 2]), Ok(vec![7, 100, 0]));
        }

        #[ink::test]
        fn only_a_kinds_maker_makes_more_of_it() {
            let (mut tokens, people) = tokens();
            assert_eq!(tokens.mint(1, 3), Ok(()));
            assert_eq!(tokens.total_supply(1), Ok(10));
            assert_eq!(tokens.balance_of(people.alice, 1), Ok(10));
            assert_eq!(tokens.mint(1, Balance::MAX), Err(Error::SupplyTooLarge));
            assert_eq!(tokens.mint(2, 1), Err(Error::NoSuchKind));
            call_as(people.bob);
            assert_eq!(tokens.mint(1, 3), Err(Error::NotYours));
        }

        #[ink::test]
        fn balances_are_told_to_owners_and_operators_only() {
            let (mut tokens, people) = tokens();
            call_as(people.bob);
            assert_eq!(tokens.balance_of(people.alice, 0), Err(Error::NotYours));
            assert_eq!(tokens.balance_of_batch(people.alice, vec![0]), Err(Error::NotYours));
            assert_eq!(tokens.is_operator(people.alice, people.charlie), Err(Error::NotYours));
            call_as(people.alice);
            assert_eq!(tokens.set_operator(people.bob, true), Ok(()));
            call_as(people.bob);
            assert_eq!(tokens.balance_of(people.alice, 0), Ok(100));
            assert_eq!(tokens.is_operator(people.alice, people.bob), Ok(true));
        }

        #[ink::test]
        fn a_transfer_moves_one_kind_and_leaves_the_others() {
            let (mut tokens, people) = tokens();
            assert_eq!(tokens.transfer_from(people.alice, people.bob, 0, 30), Ok(()));
            assert_eq!(tokens.balance_of_batch(people.alice, vec![0, 1]), Ok(vec![70, 7]));
            assert_eq!(
                tokens.transfer_from(people.alice, people.bob, 0, 71),
                Err(Error::InsufficientBalance)
            );
            assert_eq!(tokens.transfer_from(people.bob, people.alice, 0, 1), Err(Error::NotYours));
            call_as(people.bob);
            assert_eq!(tokens.balance_of(people.bob, 0), Ok(30));
        }

        #[ink::test]
        fn a_transfer_to_oneself_changes_nothing() {
            let (mut tokens, people) = tokens();
            assert_eq!(tokens.transfer_from(people.alice, people.alice, 0, 30), Ok(()));
            assert_eq!(tokens.balance_of(people.alice, 0), Ok(100));
        }

        #[ink::test]
        fn a_batch_is_paid_whole_or_not_at_all() {
            let (mut tokens, people) = tokens();
            assert_eq!(
                tokens.transfer_batch(people.alice, people.bob, vec![(0, 10), (1, 8)]),
                Err(Error::InsufficientBalance)
            );
            assert_eq!(tokens.balance_of_batch(people.alice, vec![0, 1]), Ok(vec![100, 7]));
            assert_eq!(tokens.transfer_batch(people.alice, people.bob, vec![(0, 10), (1, 7)]), Ok(()));
            assert_eq!(tokens.balance_of_batch(people.alice, vec![0, 1]), Ok(vec![90, 0]));
        }

        #[ink::test]
        fn a_kind_named_twice_is_paid_twice_and_no_more_than_there_is() {
            let (mut tokens, people) = tokens();
            assert_eq!(
                tokens.transfer_batch(people.alice, people.bob, vec![(0, 60), (0, 60)]),
                Err(Error::InsufficientBalance)
            );
            assert_eq!(
                tokens.transfer_batch(people.alice, people.bob, vec![(0, Balance::MAX), (0, 1)]),
                Err(Error::InsufficientBalance)
            );
            assert_eq!(tokens.transfer_batch(people.alice, people.bob, vec![(0, 60), (0, 40)]), Ok(()));
            call_as(people.bob);
            assert_eq!(tokens.balance_of(people.bob, 0), Ok(100));
        }

        #[ink::test]
        fn a_batch_has_an_end() {
            let (mut tokens, people) = tokens();
            let batch = vec![(0, 0); BATCH_MAX];
            assert_eq!(tokens.transfer_batch(people.alice, people.bob, batch), Ok(()));
            let batch = vec![(0, 0); BATCH_MAX + 1];
            assert_eq!(tokens.transfer_batch(people.alice, people.bob, batch), Err(Error::BatchTooLong));
            let kinds = vec![0; BATCH_MAX + 1];
            assert_eq!(tokens.balance_of_batch(people.alice, kinds), Err(Error::BatchTooLong));
        }

        #[ink::test]
        fn an_operator_pays_until_no_longer_trusted() {
            let (mut tokens, people) = tokens();
            assert_eq!(tokens.set_operator(people.alice, true), Err(Error::Yourself));
            assert_eq!(tokens.set_operator(people.bob, true), Ok(()));
            call_as(people.bob);
            assert_eq!(tokens.transfer_from(people.alice, people.charlie, 0, 5), Ok(()));
            call_as(people.alice);
            assert_eq!(tokens.set_operator(people.bob, false), Ok(()));
            call_as(people.bob);
            assert_eq!(tokens.transfer_from(people.alice, people.charlie, 0, 5), Err(Error::NotYours));
            assert_eq!(tokens.transfer_batch(people.alice, people.charlie, vec![]), Err(Error::NotYours));
        }
    }
}
