// SPDX-License-Identifier: Apache-2.0
#![cfg_attr(not(feature = "std"), no_std, no_main)]
//! Names for accounts: anyone may look a name up, and nobody can list them.
//!
//! Whoever registers a name first has it, points it at an account, and may give it away. Read `contract/examples/erc20`
//! first for how a contract keeps a secret.
//!
//! # What is worth a look
//!
//! - **Nobody runs ahead.** On a public chain a robot sees that you are about to register a name, and registers it a moment
//!   before you; contracts there ask people to commit to a hash and come back later. Here the command is encrypted until it
//!   has its place in the order, so there is nothing to run ahead of, and one call is enough.
//! - **Found by name only.** `address_of` answers anybody, but only about a name that the asker knows already. Who
//!   holds a name is the holder's secret.
//! - **Bounds.** A name has 1 to `NAME_BYTES_MAX` bytes of lower-case letters, digits and `-`: names that look alike and
//!   are not would be a trap for readers.

#[ink::contract]
mod dns {
    use ink::{prelude::string::String, storage::Mapping};

    /// The longest name: that of one label in the internet's own names (RFC 1035, section 2.3.4).
    pub const NAME_BYTES_MAX: usize = 63;

    /// Why a message is refused.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// Not 1 to 63 lower-case letters, digits and `-`.
        NotAName,
        /// Somebody has this name.
        Taken,
        /// The name is somebody else's, or nobody's.
        NotYours,
    }

    /// What a message answers.
    pub type Result<T> = core::result::Result<T, Error>;

    /// Who has a name, and where it leads.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    #[cfg_attr(feature = "std", derive(ink::storage::traits::StorageLayout))]
    pub struct Entry {
        /// Who may change it.
        pub holder: AccountId,
        /// Where it leads.
        pub address: AccountId,
    }

    /// The names.
    #[ink(storage)]
    #[derive(Default)]
    pub struct Dns {
        names: Mapping<String, Entry>,
    }

    /// Somebody registered a name.
    #[ink(event)]
    pub struct Registered {
        /// The name.
        #[ink(topic)]
        pub name: String,
        /// Who has it.
        #[ink(topic)]
        pub holder: AccountId,
    }

    /// A name leads somewhere else.
    #[ink(event)]
    pub struct Pointed {
        /// The name.
        #[ink(topic)]
        pub name: String,
        /// Where it led.
        pub from: AccountId,
        /// Where it leads.
        pub to: AccountId,
    }

    /// A name was given away.
    #[ink(event)]
    pub struct Given {
        /// The name.
        #[ink(topic)]
        pub name: String,
        /// Who had it.
        pub from: AccountId,
        /// Who has it.
        pub to: AccountId,
    }

    impl Dns {
        /// No names yet.
        #[ink(constructor)]
        pub fn new() -> Self {
            Self::default()
        }

        /// Takes a name, which then leads to the caller.
        #[ink(message)]
        pub fn register(&mut self, name: String) -> Result<()> {
            check(&name)?;
            if self.names.contains(&name) {
                return Err(Error::Taken);
            }
            let holder = self.env().caller();
            self.names.insert(&name, &Entry { holder, address: holder });
            self.env().emit_event(Registered { name, holder });
            Ok(())
        }

        /// Gives a name up: anybody may take it then.
        #[ink(message)]
        pub fn release(&mut self, name: String) -> Result<()> {
            self.held(&name)?;
            self.names.remove(&name);
            Ok(())
        }

        /// Points a name of the caller's at an account.
        #[ink(message)]
        pub fn point(&mut self, name: String, to: AccountId) -> Result<()> {
            let entry = self.held(&name)?;
            self.names.insert(&name, &Entry { address: to, ..entry });
            self.env().emit_event(Pointed { name, from: entry.address, to });
            Ok(())
        }

        /// Gives a name of the caller's to somebody. It leads where it led, until they point it elsewhere.
        #[ink(message)]
        pub fn give(&mut self, name: String, to: AccountId) -> Result<()> {
            let entry = self.held(&name)?;
            self.names.insert(&name, &Entry { holder: to, ..entry });
            self.env().emit_event(Given { name, from: entry.holder, to });
            Ok(())
        }

        /// Where a name leads. Anybody who knows the name may ask.
        #[ink(message)]
        pub fn address_of(&self, name: String) -> Option<AccountId> {
            self.names.get(name).map(|entry| entry.address)
        }

        /// Whether the caller holds a name.
        #[ink(message)]
        pub fn is_mine(&self, name: String) -> bool {
            self.held(&name).is_ok()
        }

        /// The entry of a name that the caller holds.
        fn held(&self, name: &String) -> Result<Entry> {
            let caller = self.env().caller();
            self.names.get(name).filter(|entry| entry.holder == caller).ok_or(Error::NotYours)
        }
    }

    fn check(name: &str) -> Result<()> {
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_letter);
        if is_name {
            Ok(())
        } else {
            Err(Error::NotAName)
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use ink::env::{
            test::{self, DefaultAccounts},
            DefaultEnvironment,
        };

        /// Names, of which Alice has `alice`.
        fn names() -> (Dns, DefaultAccounts<DefaultEnvironment>) {
            let people = test::default_accounts::<DefaultEnvironment>();
            call_as(people.alice);
            let mut names = Dns::new();
            assert_eq!(names.register("alice".into()), Ok(()));
            (names, people)
        }

        fn call_as(account: AccountId) {
            test::set_caller::<DefaultEnvironment>(account);
        }

        #[ink::test]
        fn a_name_is_the_first_ones_and_leads_to_them() {
            let (mut names, people) = names();
            call_as(people.bob);
            assert_eq!(names.register("alice".into()), Err(Error::Taken));
            assert_eq!(names.address_of("alice".into()), Some(people.alice));
            assert_eq!(names.address_of("bob".into()), None);
        }

        #[ink::test]
        fn who_holds_a_name_is_the_holders_secret() {
            let (mut names, people) = names();
            assert_eq!(names.point("alice".into(), people.charlie), Ok(()));
            assert!(names.is_mine("alice".into()));
            call_as(people.charlie);
            // Though it leads here.
            assert!(!names.is_mine("alice".into()));
            assert!(!names.is_mine("nobody".into()));
        }

        #[ink::test]
        fn only_the_holder_changes_a_name() {
            let (mut names, people) = names();
            call_as(people.bob);
            for name in ["alice", "nobody"] {
                assert_eq!(names.point(name.into(), people.bob), Err(Error::NotYours));
                assert_eq!(names.give(name.into(), people.bob), Err(Error::NotYours));
                assert_eq!(names.release(name.into()), Err(Error::NotYours));
            }
            assert_eq!(names.address_of("alice".into()), Some(people.alice));
        }

        #[ink::test]
        fn a_name_that_is_given_away_still_leads_where_it_led() {
            let (mut names, people) = names();
            assert_eq!(names.give("alice".into(), people.bob), Ok(()));
            assert_eq!(names.address_of("alice".into()), Some(people.alice));
            assert_eq!(names.point("alice".into(), people.eve), Err(Error::NotYours));
            call_as(people.bob);
            assert_eq!(names.point("alice".into(), people.bob), Ok(()));
            assert_eq!(names.address_of("alice".into()), Some(people.bob));
            assert_eq!(test::recorded_events().count(), 3);
        }

        #[ink::test]
        fn a_name_that_is_given_up_is_free() {
            let (mut names, people) = names();
            assert_eq!(names.release("alice".into()), Ok(()));
            assert_eq!(names.address_of("alice".into()), None);
            call_as(people.bob);
            assert_eq!(names.register("alice".into()), Ok(()));
        }

        #[ink::test]
        fn names_that_could_fool_a_reader_are_none() {
            let (mut names, _) = names();
            let long = "a".repeat(NAME_BYTES_MAX + 1);
            for name in ["", "Alice", "al ice", "alice.", "аlice", long.as_str()] {
                assert_eq!(names.register(name.into()), Err(Error::NotAName), "{name}");
            }
            assert_eq!(names.register("a".repeat(NAME_BYTES_MAX)), Ok(()));
            assert_eq!(names.register("a-1".into()), Ok(()));
        }
    }
}
