// SPDX-License-Identifier: Apache-2.0
#![cfg_attr(not(feature = "std"), no_std, no_main)]
//! Things that are one of a kind, and whose owners only the owners know.
//!
//! The ERC-721 of public chains tells everybody who owns what. Here the owner of a token knows it, whom the owner
//! approved knows it, and nobody else does. Read `contract/examples/erc20` first: the four rules of keeping a secret are
//! there, and this contract follows them.
//!
//! # What leaks, and what does not
//!
//! - `owner_of` answers `Error::NotYours` to strangers whether the token exists or not, so nobody can count tokens or
//!   find out which numbers are taken by asking.
//! - `mint` must refuse a number that is taken, and so tells that it is taken. That is why only the maker of the contract
//!   may mint: nobody else can probe.
//! - `transfer_from` says `NotYours` to everyone who may not move the token, for the same reason.
//!
//! # Who may move a token
//!
//! Its owner; one account per token that the owner *approved* (forgotten when the token moves); and *operators*, which
//! an owner trusts with all tokens, present and future, until the owner says otherwise.

#[ink::contract]
mod erc721 {
    use ink::storage::Mapping;

    /// The number of a token.
    pub type TokenId = u32;

    /// Why a message is refused.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// The caller has no business with this token or account, or there is no such token.
        NotYours,
        /// Only the maker of the contract makes tokens.
        NotTheMaker,
        /// There is a token of this number.
        Taken,
        /// Nobody approves themselves.
        Yourself,
    }

    /// What a message answers.
    pub type Result<T> = core::result::Result<T, Error>;

    /// The tokens.
    #[ink(storage)]
    pub struct Erc721 {
        maker: AccountId,
        owners: Mapping<TokenId, AccountId>,
        balances: Mapping<AccountId, u32>,
        approved: Mapping<TokenId, AccountId>,
        /// By owner and operator.
        operators: Mapping<(AccountId, AccountId), ()>,
    }

    /// A token moved, was made or was destroyed.
    #[ink(event)]
    pub struct Transfer {
        /// Who had it, or nobody: it is new.
        #[ink(topic)]
        pub from: Option<AccountId>,
        /// Who has it, or nobody: it is gone.
        #[ink(topic)]
        pub to: Option<AccountId>,
        /// The token.
        #[ink(topic)]
        pub id: TokenId,
    }

    /// An owner let somebody move a token.
    #[ink(event)]
    pub struct Approval {
        /// The owner.
        #[ink(topic)]
        pub owner: AccountId,
        /// Who may move it.
        #[ink(topic)]
        pub approved: AccountId,
        /// The token.
        #[ink(topic)]
        pub id: TokenId,
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

    impl Erc721 {
        /// A collection without tokens. The caller may make them.
        #[ink(constructor)]
        pub fn new() -> Self {
            Self {
                maker: Self::env().caller(),
                owners: Mapping::default(),
                balances: Mapping::default(),
                approved: Mapping::default(),
                operators: Mapping::default(),
            }
        }

        /// How many tokens an account has. Only that account may ask.
        #[ink(message)]
        pub fn balance_of(&self, owner: AccountId) -> Result<u32> {
            if self.env().caller() != owner {
                return Err(Error::NotYours);
            }
            Ok(self.balances.get(owner).unwrap_or_default())
        }

        /// Who owns a token. Only those may ask who may move it.
        #[ink(message)]
        pub fn owner_of(&self, id: TokenId) -> Result<AccountId> {
            self.movable(id)
        }

        /// Whom the owner approved for a token. Only those may ask who may move it.
        #[ink(message)]
        pub fn approved(&self, id: TokenId) -> Result<Option<AccountId>> {
            self.movable(id)?;
            Ok(self.approved.get(id))
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

        /// Makes a token and gives it to somebody.
        #[ink(message)]
        pub fn mint(&mut self, to: AccountId, id: TokenId) -> Result<()> {
            if self.env().caller() != self.maker {
                return Err(Error::NotTheMaker);
            }
            if self.owners.contains(id) {
                return Err(Error::Taken);
            }
            self.credit(&to, id);
            self.env().emit_event(Transfer { from: None, to: Some(to), id });
            Ok(())
        }

        /// Destroys a token of the caller's.
        #[ink(message)]
        pub fn burn(&mut self, id: TokenId) -> Result<()> {
            let owner = self.owned(id)?;
            self.debit(&owner, id);
            self.env().emit_event(Transfer { from: Some(owner), to: None, id });
            Ok(())
        }

        /// Lets somebody move a token of the caller's, once.
        #[ink(message)]
        pub fn approve(&mut self, to: AccountId, id: TokenId) -> Result<()> {
            let owner = self.owned(id)?;
            if owner == to {
                return Err(Error::Yourself);
            }
            self.approved.insert(id, &to);
            self.env().emit_event(Approval { owner, approved: to, id });
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

        /// Gives a token of the caller's to somebody.
        #[ink(message)]
        pub fn transfer(&mut self, to: AccountId, id: TokenId) -> Result<()> {
            let owner = self.owned(id)?;
            self.give(owner, to, id);
            Ok(())
        }

        /// Gives an owner's token to somebody, as the owner, as approved or as an operator.
        #[ink(message)]
        pub fn transfer_from(&mut self, from: AccountId, to: AccountId, id: TokenId) -> Result<()> {
            let owner = self.movable(id)?;
            if owner != from {
                return Err(Error::NotYours);
            }
            self.give(owner, to, id);
            Ok(())
        }

        /// The owner of a token, if it is the caller.
        fn owned(&self, id: TokenId) -> Result<AccountId> {
            let caller = self.env().caller();
            self.owners.get(id).filter(|owner| *owner == caller).ok_or(Error::NotYours)
        }

        /// The owner of a token, if the caller may move it.
        fn movable(&self, id: TokenId) -> Result<AccountId> {
            let caller = self.env().caller();
            let owner = self.owners.get(id).ok_or(Error::NotYours)?;
            let may_move = caller == owner
                || self.approved.get(id) == Some(caller)
                || self.operators.contains((owner, caller));
            if may_move {
                Ok(owner)
            } else {
                Err(Error::NotYours)
            }
        }

        fn give(&mut self, from: AccountId, to: AccountId, id: TokenId) {
            self.debit(&from, id);
            self.credit(&to, id);
            self.env().emit_event(Transfer { from: Some(from), to: Some(to), id });
        }

        fn debit(&mut self, owner: &AccountId, id: TokenId) {
            self.owners.remove(id);
            self.approved.remove(id);
            // An owner has the tokens that are written down, so there is one to take away.
            let left = self.balances.get(owner).unwrap_or_default().saturating_sub(1);
            self.balances.insert(owner, &left);
        }

        fn credit(&mut self, owner: &AccountId, id: TokenId) {
            self.owners.insert(id, owner);
            // There are no more tokens than numbers, so the sum fits.
            let more = self.balances.get(owner).unwrap_or_default().saturating_add(1);
            self.balances.insert(owner, &more);
        }
    }

    impl Default for Erc721 {
        fn default() -> Self {
            Self::new()
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use ink::env::{
            test::{self, DefaultAccounts},
            DefaultEnvironment,
        };

        /// A collection of Alice's, with token 1 in Alice's hands.
        fn collection() -> (Erc721, DefaultAccounts<DefaultEnvironment>) {
            let people = test::default_accounts::<DefaultEnvironment>();
            call_as(people.alice);
            let mut tokens = Erc721::new();
            assert_eq!(tokens.mint(people.alice, 1), Ok(()));
            (tokens, people)
        }

        fn call_as(account: AccountId) {
            test::set_caller::<DefaultEnvironment>(account);
        }

        #[ink::test]
        fn only_the_maker_makes_tokens_and_each_once() {
            let (mut tokens, people) = collection();
            assert_eq!(tokens.mint(people.bob, 1), Err(Error::Taken));
            assert_eq!(tokens.mint(people.bob, 2), Ok(()));
            call_as(people.bob);
            assert_eq!(tokens.mint(people.bob, 3), Err(Error::NotTheMaker));
            // Not even for a number that is taken: nobody else can probe.
            assert_eq!(tokens.mint(people.bob, 1), Err(Error::NotTheMaker));
            assert_eq!(tokens.balance_of(people.bob), Ok(1));
            assert_eq!(test::recorded_events().count(), 2);
        }

        #[ink::test]
        fn strangers_learn_nothing_not_even_what_exists() {
            let (tokens, people) = collection();
            assert_eq!(tokens.owner_of(1), Ok(people.alice));
            call_as(people.bob);
            assert_eq!(tokens.owner_of(1), Err(Error::NotYours));
            assert_eq!(tokens.owner_of(2), Err(Error::NotYours));
            assert_eq!(tokens.approved(1), Err(Error::NotYours));
            assert_eq!(tokens.balance_of(people.alice), Err(Error::NotYours));
            assert_eq!(tokens.is_operator(people.alice, people.charlie), Err(Error::NotYours));
        }

        #[ink::test]
        fn an_owner_gives_a_token_away_and_has_it_no_more() {
            let (mut tokens, people) = collection();
            assert_eq!(tokens.transfer(people.bob, 1), Ok(()));
            assert_eq!(tokens.balance_of(people.alice), Ok(0));
            assert_eq!(tokens.owner_of(1), Err(Error::NotYours));
            assert_eq!(tokens.transfer(people.charlie, 1), Err(Error::NotYours));
            call_as(people.bob);
            assert_eq!(tokens.owner_of(1), Ok(people.bob));
            assert_eq!(tokens.balance_of(people.bob), Ok(1));
        }

        #[ink::test]
        fn a_token_given_to_oneself_is_still_one() {
            let (mut tokens, people) = collection();
            assert_eq!(tokens.transfer(people.alice, 1), Ok(()));
            assert_eq!(tokens.balance_of(people.alice), Ok(1));
        }

        #[ink::test]
        fn an_approval_is_for_one_token_and_one_move() {
            let (mut tokens, people) = collection();
            assert_eq!(tokens.mint(people.alice, 2), Ok(()));
            assert_eq!(tokens.approve(people.alice, 1), Err(Error::Yourself));
            assert_eq!(tokens.approve(people.bob, 1), Ok(()));
            assert_eq!(tokens.approved(1), Ok(Some(people.bob)));
            call_as(people.bob);
            assert_eq!(tokens.transfer_from(people.alice, people.bob, 2), Err(Error::NotYours));
            assert_eq!(tokens.transfer_from(people.alice, people.charlie, 1), Ok(()));
            assert_eq!(tokens.transfer_from(people.charlie, people.bob, 1), Err(Error::NotYours));
            call_as(people.charlie);
            assert_eq!(tokens.approved(1), Ok(None));
        }

        #[ink::test]
        fn the_approved_cannot_approve() {
            let (mut tokens, people) = collection();
            assert_eq!(tokens.approve(people.bob, 1), Ok(()));
            call_as(people.bob);
            assert_eq!(tokens.approve(people.charlie, 1), Err(Error::NotYours));
            assert_eq!(tokens.burn(1), Err(Error::NotYours));
        }

        #[ink::test]
        fn a_transfer_names_the_true_owner() {
            let (mut tokens, people) = collection();
            assert_eq!(tokens.transfer_from(people.bob, people.charlie, 1), Err(Error::NotYours));
            assert_eq!(tokens.owner_of(1), Ok(people.alice));
        }

        #[ink::test]
        fn an_operator_moves_all_tokens_until_no_longer_trusted() {
            let (mut tokens, people) = collection();
            assert_eq!(tokens.mint(people.alice, 2), Ok(()));
            assert_eq!(tokens.set_operator(people.alice, true), Err(Error::Yourself));
            assert_eq!(tokens.set_operator(people.bob, true), Ok(()));
            assert_eq!(tokens.is_operator(people.alice, people.bob), Ok(true));
            call_as(people.bob);
            assert_eq!(tokens.transfer_from(people.alice, people.charlie, 1), Ok(()));
            call_as(people.alice);
            assert_eq!(tokens.set_operator(people.bob, false), Ok(()));
            call_as(people.bob);
            assert_eq!(tokens.is_operator(people.alice, people.bob), Ok(false));
            assert_eq!(tokens.transfer_from(people.alice, people.charlie, 2), Err(Error::NotYours));
        }

        #[ink::test]
        fn a_burnt_token_is_gone_and_its_number_is_free() {
            let (mut tokens, people) = collection();
            assert_eq!(tokens.burn(1), Ok(()));
            assert_eq!(tokens.balance_of(people.alice), Ok(0));
            assert_eq!(tokens.burn(1), Err(Error::NotYours));
            assert_eq!(tokens.mint(people.bob, 1), Ok(()));
        }
    }
}
