// SPDX-License-Identifier: Apache-2.0
#![cfg_attr(not(feature = "std"), no_std, no_main)]
//! A purse that opens when enough of its owners agree, and whose owners nobody else knows.
//!
//! On a public chain everybody sees who guards a treasury, who has agreed so far and who hesitates: a list of whom to
//! threaten or bribe. Here only an owner learns that, and to everyone else every message answers `Error::NotAnOwner`.
//!
//! # How it works
//!
//! An owner *proposes* an `Action`, which counts as the owner's own agreement. Others *confirm*. As soon as the
//! requirement is met, any owner *executes* it: the purse pays, calls another contract, or changes its own owners.
//! Changing owners needs the same agreement as paying, so nobody takes over from inside.
//!
//! # What is worth a look
//!
//! - **An owner who leaves takes their word along.** Agreement is counted among the owners of *now*, when it matters.
//! - **A changed requirement counts at once**, for proposals that are already there too.
//! - **Once.** A proposal is removed before its action runs, and a contract that is called cannot call back: nothing is
//!   executed twice. If the action fails, the message fails with it, and the proposal is there again.
//! - **An answer is an answer.** A contract that is called and answers an error has done nothing; its answer is returned,
//!   and the proposal is closed. Propose it again if it should be tried again.
//! - **Bounds.** Up to `OWNERS_MAX` owners and `PROPOSALS_MAX` open proposals, so that no list grows out of hand.

#[ink::contract]
mod multisig {
    use ink::{
        env::call::{build_call, ExecutionInput, Selector},
        prelude::vec::Vec,
        scale::{Encode, Output},
    };

    /// Owners of one purse: enough for any board.
    pub const OWNERS_MAX: usize = 32;

    /// Proposals that are open at a time.
    pub const PROPOSALS_MAX: usize = 32;

    /// Bytes of a call's arguments.
    pub const INPUT_BYTES_MAX: usize = 1024;

    /// Why a message is refused.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// The caller is none.
        NotAnOwner,
        /// There is no such proposal, or not any more.
        NoSuchProposal,
        /// Not enough owners agree.
        NotAgreed,
        /// The account is an owner, or is named twice.
        OwnerTwice,
        /// There must be an owner, and no more owners agreeing than there are owners.
        Requirement,
        /// More owners, proposals or bytes than there may be.
        TooMany,
        /// The purse has too little.
        PaymentFailed,
        /// The contract that was called failed, or there is none.
        CallFailed,
    }

    /// What a message answers.
    pub type Result<T> = core::result::Result<T, Error>;

    /// What the purse may do.
    #[derive(Debug, Clone, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    #[cfg_attr(feature = "std", derive(ink::storage::traits::StorageLayout))]
    pub enum Action {
        /// Pay an account.
        Pay {
            /// Whom.
            to: AccountId,
            /// How much.
            value: Balance,
        },
        /// Call a contract.
        Call {
            /// Which.
            to: AccountId,
            /// What it is paid.
            value: Balance,
            /// Which message.
            selector: [u8; 4],
            /// Its arguments, encoded.
            input: Vec<u8>,
        },
        /// Take somebody in.
        AddOwner(AccountId),
        /// Let somebody go.
        RemoveOwner(AccountId),
        /// How many must agree from now on.
        SetRequirement(u32),
    }

    /// An action, and who agrees.
    #[derive(Debug, Clone, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    #[cfg_attr(feature = "std", derive(ink::storage::traits::StorageLayout))]
    pub struct Proposal {
        /// Its number.
        pub id: u32,
        /// What would be done.
        pub action: Action,
        /// Who agrees, in the order of agreeing. Some may be owners no longer.
        pub agreeing: Vec<AccountId>,
    }

    /// The purse.
    #[ink(storage)]
    pub struct Multisig {
        owners: Vec<AccountId>,
        requirement: u32,
        proposals: Vec<Proposal>,
        next: u32,
    }

    /// An action was done.
    #[ink(event)]
    pub struct Executed {
        /// The proposal's number.
        #[ink(topic)]
        pub id: u32,
        /// Who had it done.
        pub by: AccountId,
    }

    /// Bytes that are encoded already.
    struct Encoded(Vec<u8>);

    impl Encode for Encoded {
        fn encode_to<T: Output + ?Sized>(&self, output: &mut T) {
            output.write(&self.0);
        }
    }

    impl Multisig {
        /// A purse of these owners, of which so many must agree.
        #[ink(constructor, payable)]
        pub fn new(owners: Vec<AccountId>, requirement: u32) -> Result<Self> {
            if owners.len() > OWNERS_MAX {
                return Err(Error::TooMany);
            }
            let mut others = owners.as_slice();
            while let Some((owner, rest)) = others.split_first() {
                if rest.contains(owner) {
                    return Err(Error::OwnerTwice);
                }
                others = rest;
            }
            check_requirement(requirement, owners.len())?;
            Ok(Self { owners, requirement, proposals: Vec::new(), next: 0 })
        }

        /// The owners.
        #[ink(message)]
        pub fn owners(&self) -> Result<Vec<AccountId>> {
            self.owner()?;
            Ok(self.owners.clone())
        }

        /// How many owners must agree.
        #[ink(message)]
        pub fn requirement(&self) -> Result<u32> {
            self.owner()?;
            Ok(self.requirement)
        }

        /// What is in the purse.
        #[ink(message)]
        pub fn balance(&self) -> Result<Balance> {
            self.owner()?;
            Ok(self.env().balance())
        }

        /// The open proposals.
        #[ink(message)]
        pub fn proposals(&self) -> Result<Vec<Proposal>> {
            self.owner()?;
            Ok(self.proposals.clone())
        }

        /// Puts money into the purse. Anybody may.
        #[ink(message, payable)]
        pub fn deposit(&self) {}

        /// Proposes an action, agrees to it, and answers its number.
        #[ink(message)]
        pub fn propose(&mut self, action: Action) -> Result<u32> {
            let owner = self.owner()?;
            let is_long = matches!(&action, Action::Call { input, .. } if input.len() > INPUT_BYTES_MAX);
            if is_long || self.proposals.len() >= PROPOSALS_MAX {
                return Err(Error::TooMany);
            }
            let id = self.next;
            self.next = id.wrapping_add(1);
            self.proposals.push(Proposal { id, action, agreeing: Vec::from([owner]) });
            Ok(id)
        }

        /// Agrees to a proposal. Agreeing again changes nothing.
        #[ink(message)]
        pub fn confirm(&mut self, id: u32) -> Result<()> {
            let owner = self.owner()?;
            let proposal = self.proposal(id)?;
            if !proposal.agreeing.contains(&owner) {
                proposal.agreeing.push(owner);
            }
            Ok(())
        }

        /// Agrees no longer. A proposal to which nobody agrees is dropped.
        #[ink(message)]
        pub fn revoke(&mut self, id: u32) -> Result<()> {
            let owner = self.owner()?;
            self.proposal(id)?.agreeing.retain(|agreeing| *agreeing != owner);
            self.proposals.retain(|proposal| !proposal.agreeing.is_empty());
            Ok(())
        }

        /// Does what enough owners agree to, and answers what a called contract returned.
        #[ink(message)]
        pub fn execute(&mut self, id: u32) -> Result<Vec<u8>> {
            let by = self.owner()?;
            let proposal = self.proposal(id)?.clone();
            let agreeing = proposal.agreeing.iter().filter(|account| self.owners.contains(account)).count();
            if agreeing < self.requirement as usize {
                return Err(Error::NotAgreed);
            }
            self.proposals.retain(|open| open.id != id);
            let returned = self.perform(proposal.action)?;
            self.env().emit_event(Executed { id, by });
            Ok(returned)
        }

        /// The caller, if an owner.
        fn owner(&self) -> Result<AccountId> {
            let caller = self.env().caller();
            if self.owners.contains(&caller) {
                Ok(caller)
            } else {
                Err(Error::NotAnOwner)
            }
        }

        fn proposal(&mut self, id: u32) -> Result<&mut Proposal> {
            self.proposals.iter_mut().find(|proposal| proposal.id == id).ok_or(Error::NoSuchProposal)
        }

        fn perform(&mut self, action: Action) -> Result<Vec<u8>> {
            match action {
                Action::Pay { to, value } => {
                    if self.env().balance() < value {
                        return Err(Error::PaymentFailed);
                    }
                    self.env().transfer(to, value).map_err(|_| Error::PaymentFailed)?;
                }
                Action::Call { to, value, selector, input } => {
                    return Self::call(to, value, selector, input);
                }
                Action::AddOwner(account) => {
                    if self.owners.contains(&account) {
                        return Err(Error::OwnerTwice);
                    }
                    if self.owners.len() >= OWNERS_MAX {
                        return Err(Error::TooMany);
                    }
                    self.owners.push(account);
                }
                Action::RemoveOwner(account) => {
                    if !self.owners.contains(&account) {
                        return Err(Error::NotAnOwner);
                    }
                    check_requirement(self.requirement, self.owners.len().saturating_sub(1))?;
                    self.owners.retain(|owner| *owner != account);
                }
                Action::SetRequirement(requirement) => {
                    check_requirement(requirement, self.owners.len())?;
                    self.requirement = requirement;
                }
            }
            Ok(Vec::new())
        }

        /// Calls a contract. It cannot call this one back: that is refused unless a call allows it.
        fn call(to: AccountId, value: Balance, selector: [u8; 4], input: Vec<u8>) -> Result<Vec<u8>> {
            let called = build_call::<Environment>()
                .call(to)
                .transferred_value(value)
                .exec_input(ExecutionInput::new(Selector::new(selector)).push_arg(Encoded(input)))
                .returns::<Rest>()
                .try_invoke();
            called.map_err(|_| Error::CallFailed)?.map(|rest| rest.0).map_err(|_| Error::CallFailed)
        }
    }

    /// All bytes that are left, as they are.
    struct Rest(Vec<u8>);

    impl ink::scale::Decode for Rest {
        fn decode<I: ink::scale::Input>(input: &mut I) -> core::result::Result<Self, ink::scale::Error> {
            let length = input.remaining_len()?.ok_or("the length is not known")?;
            let mut bytes = ink::prelude::vec![0; length];
            input.read(&mut bytes)?;
            Ok(Self(bytes))
        }
    }

    fn check_requirement(requirement: u32, owners: usize) -> Result<()> {
        let is_possible = requirement > 0 && requirement as usize <= owners;
        if is_possible {
            Ok(())
        } else {
            Err(Error::Requirement)
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use ink::env::{
            test::{self, DefaultAccounts},
            DefaultEnvironment,
        };

        /// Balances in tests are multiples of the least that ink!'s test environment lets an account have.
        const UNIT: Balance = 1_000_000;

        /// A purse of 100 units in the hands of Alice, Bob and Charlie, two of whom must agree.
        fn purse() -> (Multisig, DefaultAccounts<DefaultEnvironment>) {
            let people = test::default_accounts::<DefaultEnvironment>();
            let purse = Multisig::new(vec![people.alice, people.bob, people.charlie], 2).unwrap();
            test::set_account_balance::<DefaultEnvironment>(test::callee::<DefaultEnvironment>(), 100 * UNIT);
            call_as(people.alice);
            (purse, people)
        }

        fn call_as(account: AccountId) {
            test::set_caller::<DefaultEnvironment>(account);
        }

        /// Proposes as Alice, and Bob agrees.
        fn agreed(purse: &mut Multisig, people: &DefaultAccounts<DefaultEnvironment>, action: Action) -> u32 {
            call_as(people.alice);
            let id = purse.propose(action).unwrap();
            call_as(people.bob);
            assert_eq!(purse.confirm(id), Ok(()));
            id
        }

        #[ink::test]
        fn a_purse_must_be_possible_to_open() {
            let people = test::default_accounts::<DefaultEnvironment>();
            let refused = |owners: Vec<AccountId>, requirement| Multisig::new(owners, requirement).err();
            assert_eq!(refused(vec![], 0), Some(Error::Requirement));
            assert_eq!(refused(vec![people.alice], 0), Some(Error::Requirement));
            assert_eq!(refused(vec![people.alice], 2), Some(Error::Requirement));
            assert_eq!(refused(vec![people.alice, people.alice], 1), Some(Error::OwnerTwice));
            assert_eq!(refused(vec![people.alice; OWNERS_MAX + 1], 1), Some(Error::TooMany));
        }

        #[ink::test]
        fn strangers_learn_nothing_and_do_nothing() {
            let (mut purse, people) = purse();
            assert_eq!(purse.propose(Action::Pay { to: people.alice, value: 1 * UNIT }), Ok(0));
            call_as(people.eve);
            assert_eq!(purse.owners(), Err(Error::NotAnOwner));
            assert_eq!(purse.requirement(), Err(Error::NotAnOwner));
            assert_eq!(purse.balance(), Err(Error::NotAnOwner));
            assert_eq!(purse.proposals(), Err(Error::NotAnOwner));
            assert_eq!(purse.propose(Action::SetRequirement(1)), Err(Error::NotAnOwner));
            // The same whether there is such a proposal or not.
            for id in [0, 1] {
                assert_eq!(purse.confirm(id), Err(Error::NotAnOwner));
                assert_eq!(purse.revoke(id), Err(Error::NotAnOwner));
                assert_eq!(purse.execute(id), Err(Error::NotAnOwner));
            }
        }

        #[ink::test]
        fn it_pays_when_enough_agree_and_once() {
            let (mut purse, people) = purse();
            test::set_account_balance::<DefaultEnvironment>(people.eve, 0);
            let id = purse.propose(Action::Pay { to: people.eve, value: 30 * UNIT }).unwrap();
            assert_eq!(purse.execute(id), Err(Error::NotAgreed));
            // Agreeing twice is agreeing once.
            assert_eq!(purse.confirm(id), Ok(()));
            assert_eq!(purse.execute(id), Err(Error::NotAgreed));
            call_as(people.charlie);
            assert_eq!(purse.confirm(id), Ok(()));
            assert_eq!(purse.execute(id), Ok(vec![]));
            assert_eq!(test::get_account_balance::<DefaultEnvironment>(people.eve), Ok(30 * UNIT));
            assert_eq!(purse.balance(), Ok(70 * UNIT));
            assert_eq!(purse.execute(id), Err(Error::NoSuchProposal));
            assert_eq!(test::recorded_events().count(), 1);
        }

        #[ink::test]
        fn it_does_not_pay_what_it_has_not() {
            let (mut purse, people) = purse();
            let id = agreed(&mut purse, &people, Action::Pay { to: people.eve, value: 101 * UNIT });
            assert_eq!(purse.execute(id), Err(Error::PaymentFailed));
        }

        #[ink::test]
        fn who_takes_back_their_word_counts_no_more() {
            let (mut purse, people) = purse();
            let id = agreed(&mut purse, &people, Action::Pay { to: people.eve, value: 1 * UNIT });
            assert_eq!(purse.revoke(id), Ok(()));
            assert_eq!(purse.execute(id), Err(Error::NotAgreed));
            call_as(people.alice);
            assert_eq!(purse.revoke(id), Ok(()));
            assert_eq!(purse.proposals(), Ok(vec![]));
            assert_eq!(purse.revoke(id), Err(Error::NoSuchProposal));
        }

        #[ink::test]
        fn an_owner_who_leaves_takes_their_word_along() {
            let (mut purse, people) = purse();
            let payment = agreed(&mut purse, &people, Action::Pay { to: people.eve, value: 1 * UNIT });
            let removal = agreed(&mut purse, &people, Action::RemoveOwner(people.alice));
            assert_eq!(purse.execute(removal), Ok(vec![]));
            assert_eq!(purse.execute(payment), Err(Error::NotAgreed));
            call_as(people.alice);
            assert_eq!(purse.execute(payment), Err(Error::NotAnOwner));
            call_as(people.charlie);
            assert_eq!(purse.confirm(payment), Ok(()));
            assert_eq!(purse.execute(payment), Ok(vec![]));
        }

        #[ink::test]
        fn owners_change_as_owners_agree() {
            let (mut purse, people) = purse();
            let id = agreed(&mut purse, &people, Action::AddOwner(people.eve));
            assert_eq!(purse.execute(id), Ok(vec![]));
            call_as(people.eve);
            assert_eq!(purse.owners(), Ok(vec![people.alice, people.bob, people.charlie, people.eve]));
            let id = agreed(&mut purse, &people, Action::AddOwner(people.eve));
            assert_eq!(purse.execute(id), Err(Error::OwnerTwice));
            let id = agreed(&mut purse, &people, Action::RemoveOwner(people.frank));
            assert_eq!(purse.execute(id), Err(Error::NotAnOwner));
        }

        #[ink::test]
        fn nobody_can_make_a_purse_that_does_not_open() {
            let (mut purse, people) = purse();
            let id = agreed(&mut purse, &people, Action::SetRequirement(4));
            assert_eq!(purse.execute(id), Err(Error::Requirement));
            let id = agreed(&mut purse, &people, Action::SetRequirement(3));
            assert_eq!(purse.execute(id), Ok(vec![]));
            assert_eq!(purse.requirement(), Ok(3));
            let id = agreed(&mut purse, &people, Action::RemoveOwner(people.alice));
            // The new requirement counts at once.
            assert_eq!(purse.execute(id), Err(Error::NotAgreed));
            call_as(people.charlie);
            assert_eq!(purse.confirm(id), Ok(()));
            assert_eq!(purse.execute(id), Err(Error::Requirement));
        }

        #[ink::test]
        fn lists_and_arguments_have_an_end() {
            let (mut purse, people) = purse();
            let input = vec![0; INPUT_BYTES_MAX + 1];
            let long = Action::Call { to: people.eve, value: 0, selector: [0; 4], input };
            assert_eq!(purse.propose(long), Err(Error::TooMany));
            for _ in 0..PROPOSALS_MAX {
                assert!(purse.propose(Action::SetRequirement(1)).is_ok());
            }
            assert_eq!(purse.propose(Action::SetRequirement(1)), Err(Error::TooMany));
            assert_eq!(purse.revoke(0), Ok(()));
            assert_eq!(purse.propose(Action::SetRequirement(1)), Ok(PROPOSALS_MAX as u32));
        }

        #[ink::test]
        fn anybody_may_put_money_in() {
            let (purse, people) = purse();
            call_as(people.eve);
            test::set_account_balance::<DefaultEnvironment>(people.eve, 5 * UNIT);
            ink::env::pay_with_call!(purse.deposit(), 5 * UNIT);
            call_as(people.alice);
            assert_eq!(purse.balance(), Ok(105 * UNIT));
        }

        #[ink::test]
        fn a_call_sends_its_arguments_as_they_are_encoded() {
            let arguments = (7_u32, true).encode();
            let input = ExecutionInput::new(Selector::new([1, 2, 3, 4])).push_arg(Encoded(arguments));
            assert_eq!(input.encode(), [1, 2, 3, 4, 7, 0, 0, 0, 1]);
            let rest: Rest = ink::scale::Decode::decode(&mut [9_u8, 8, 7].as_slice()).unwrap();
            assert_eq!(rest.0, [9, 8, 7]);
        }
    }
}
