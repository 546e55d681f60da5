// SPDX-License-Identifier: Apache-2.0
#![cfg_attr(not(feature = "std"), no_std, no_main)]
//! A contract whose code can be replaced, and whose address and state stay.
//!
//! The proxy has the address, the state and the money; another contract's *code* has the logic. Every message that is not the
//! proxy's own runs that code **as if it were the proxy's**: a delegate call. To upgrade is to name other code.
//! `contract/examples/upgradeable_proxy/counter` is such code.
//!
//! # Who may upgrade may read
//!
//! State here is secret, and code decides who reads it. So whoever may replace the code can read everything and use every
//! key of the contract: they only need to upload code that tells. An upgradeable contract keeps its secrets from the
//! world, and not from its admin. That is why
//!
//! - an upgrade is *announced*, and can be done only `notice_ms` later: time in which users can look at the code, which is
//!   public, and leave;
//! - the admin may give the role away, or give it up for ever ([`Request::Renounce`]).
//!
//! # Two contracts, one storage
//!
//! Proxy and logic write into the same storage, so they must not write the same cells. The proxy's state is in one cell
//! under a key of its own, [`STATE_KEY`]. The cell with key 0 is where ink! writes whatever of a contract is in no cell of its
//! own; the proxy has nothing there, and writes that nothing. So the logic must keep **all** its state in `Lazy` and
//! `Mapping`, under keys that it names. Logic of a later version must read what an earlier one wrote: append fields, and never
//! reorder them.
//!
//! # Two kinds of messages
//!
//! [`Proxy::manage`] is the proxy's own. It has the one selector that ink! lets a contract have beside a wildcard, and so it
//! takes a [`Request`]. [`Proxy::forward`] is the wildcard: everything else.

pub use proxy::{Admin, Error, Proxy, ProxyRef, Request, Result, Upgrade, NOTICE_MS_MAX, STATE_KEY};

#[ink::contract]
mod proxy {
    use ink::{
        env::{call::build_call, CallFlags},
        storage::{traits::ManualKey, Lazy},
    };

    /// Where the proxy keeps what is its own: the beginning of BLAKE2b-256 of `phala example proxy`.
    pub const STATE_KEY: u32 = 0x5c9b_27e4;

    /// The longest notice: a year. A longer one would be a way to say never without saying it.
    pub const NOTICE_MS_MAX: u64 = 365 * 24 * 3600 * 1000;

    /// Why a message is refused.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// Only the admin may.
        NotTheAdmin,
        /// No upgrade was announced.
        NothingAnnounced,
        /// The announced time has not come.
        TooEarly,
        /// A notice is at most a year.
        NoticeTooLong,
    }

    /// What a message answers.
    pub type Result<T> = core::result::Result<T, Error>;

    /// Code that was announced.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    #[cfg_attr(feature = "std", derive(ink::storage::traits::StorageLayout))]
    pub struct Upgrade {
        /// The code.
        pub code_hash: Hash,
        /// From when on it may be used, in milliseconds since 1970.
        pub not_before: u64,
    }

    /// What the proxy knows about itself. Anybody may read it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    #[cfg_attr(feature = "std", derive(ink::storage::traits::StorageLayout))]
    pub struct Admin {
        /// Who may upgrade, or nobody for ever.
        pub admin: Option<AccountId>,
        /// The code that runs.
        pub code_hash: Hash,
        /// How long before it happens an upgrade is announced.
        pub notice_ms: u64,
        /// The upgrade that is announced.
        pub announced: Option<Upgrade>,
    }

    /// What the proxy itself is asked.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Request {
        /// What the proxy knows about itself.
        Look,
        /// Announce other code, instead of what was announced before.
        Announce(Hash),
        /// Take the announcement back.
        Withdraw,
        /// Use the announced code from now on.
        Upgrade,
        /// Give the role to somebody.
        SetAdmin(AccountId),
        /// Give the role up: the code is final.
        Renounce,
    }

    /// The proxy. Its own storage is one cell; all others belong to the logic.
    #[ink(storage)]
    pub struct Proxy {
        state: Lazy<Admin, ManualKey<STATE_KEY>>,
    }

    /// Other code was announced, or the announcement was taken back.
    #[ink(event)]
    pub struct Announced {
        /// The code, and from when on.
        pub upgrade: Option<Upgrade>,
    }

    /// Other code runs.
    #[ink(event)]
    pub struct Upgraded {
        /// What ran.
        #[ink(topic)]
        pub from: Hash,
        /// What runs.
        #[ink(topic)]
        pub to: Hash,
    }

    impl Proxy {
        /// A proxy for this code, of the caller's, who must announce upgrades so long before.
        ///
        /// The code's own constructor is not run: logic for a proxy begins with empty storage.
        #[ink(constructor, payable)]
        pub fn new(code_hash: Hash, notice_ms: u64) -> Result<Self> {
            if notice_ms > NOTICE_MS_MAX {
                return Err(Error::NoticeTooLong);
            }
            let admin = Some(Self::env().caller());
            let mut state = Lazy::new();
            state.set(&Admin { admin, code_hash, notice_ms, announced: None });
            Ok(Self { state })
        }

        /// What the proxy itself is asked. Anybody may look, and only the admin may do more.
        #[ink(message, selector = @)]
        pub fn manage(&mut self, request: Request) -> Result<Admin> {
            let mut state = self.state();
            if request == Request::Look {
                return Ok(state);
            }
            if state.admin != Some(self.env().caller()) {
                return Err(Error::NotTheAdmin);
            }
            match request {
                Request::Look => {}
                Request::Announce(code_hash) => {
                    let not_before = self.env().block_timestamp().saturating_add(state.notice_ms);
                    state.announced = Some(Upgrade { code_hash, not_before });
                    self.env().emit_event(Announced { upgrade: state.announced });
                }
                Request::Withdraw => {
                    state.announced.take().ok_or(Error::NothingAnnounced)?;
                    self.env().emit_event(Announced { upgrade: None });
                }
                Request::Upgrade => {
                    let upgrade = state.announced.take().ok_or(Error::NothingAnnounced)?;
                    if self.env().block_timestamp() < upgrade.not_before {
                        return Err(Error::TooEarly);
                    }
                    self.env().emit_event(Upgraded { from: state.code_hash, to: upgrade.code_hash });
                    state.code_hash = upgrade.code_hash;
                }
                Request::SetAdmin(admin) => state.admin = Some(admin),
                Request::Renounce => (state.admin, state.announced) = (None, None),
            }
            self.state.set(&state);
            Ok(state)
        }

        /// Any other message: runs the logic's code on this contract's storage, and answers what it answers.
        #[ink(message, payable, selector = _)]
        pub fn forward(&self) {
            // The input is passed on as it came, and the answer too: a tail call does not come back.
            build_call::<Environment>()
                .delegate(self.state().code_hash)
                .call_flags(CallFlags::FORWARD_INPUT | CallFlags::TAIL_CALL)
                .invoke();
        }

        fn state(&self) -> Admin {
            // The constructor wrote it, and logic has no business there: without it there is nothing to run.
            self.state.get().expect("the proxy's own cell is written by its constructor")
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use ink::env::{
            test::{self, DefaultAccounts},
            DefaultEnvironment,
        };

        const NOTICE_MS: u64 = 1_000;

        fn code(byte: u8) -> Hash {
            Hash::from([byte; 32])
        }

        /// A proxy of Alice's for code 1, at 5 s.
        fn proxy() -> (Proxy, DefaultAccounts<DefaultEnvironment>) {
            let people = test::default_accounts::<DefaultEnvironment>();
            call_as(people.alice);
            test::set_block_timestamp::<DefaultEnvironment>(5_000);
            (Proxy::new(code(1), NOTICE_MS).unwrap(), people)
        }

        fn call_as(account: AccountId) {
            test::set_caller::<DefaultEnvironment>(account);
        }

        #[ink::test]
        fn anybody_sees_what_runs_and_what_is_announced() {
            let (mut proxy, people) = proxy();
            assert!(proxy.manage(Request::Announce(code(2))).is_ok());
            call_as(people.eve);
            let announced = Some(Upgrade { code_hash: code(2), not_before: 6_000 });
            let expected =
                Admin { admin: Some(people.alice), code_hash: code(1), notice_ms: NOTICE_MS, announced };
            assert_eq!(proxy.manage(Request::Look), Ok(expected));
        }

        #[ink::test]
        fn an_upgrade_waits_for_its_time() {
            let (mut proxy, _) = proxy();
            assert_eq!(proxy.manage(Request::Upgrade), Err(Error::NothingAnnounced));
            assert!(proxy.manage(Request::Announce(code(2))).is_ok());
            test::set_block_timestamp::<DefaultEnvironment>(5_999);
            assert_eq!(proxy.manage(Request::Upgrade), Err(Error::TooEarly));
            test::set_block_timestamp::<DefaultEnvironment>(6_000);
            let state = proxy.manage(Request::Upgrade).unwrap();
            assert_eq!((state.code_hash, state.announced), (code(2), None));
            assert_eq!(proxy.manage(Request::Upgrade), Err(Error::NothingAnnounced));
        }

        #[ink::test]
        fn a_new_announcement_starts_the_time_anew() {
            let (mut proxy, _) = proxy();
            assert!(proxy.manage(Request::Announce(code(2))).is_ok());
            test::set_block_timestamp::<DefaultEnvironment>(6_000);
            assert!(proxy.manage(Request::Announce(code(3))).is_ok());
            assert_eq!(proxy.manage(Request::Upgrade), Err(Error::TooEarly));
            assert!(proxy.manage(Request::Withdraw).is_ok());
            assert_eq!(proxy.manage(Request::Withdraw), Err(Error::NothingAnnounced));
            assert_eq!(proxy.manage(Request::Upgrade), Err(Error::NothingAnnounced));
            assert_eq!(test::recorded_events().count(), 3);
        }

        #[ink::test]
        fn nobody_but_the_admin_changes_anything() {
            let (mut proxy, people) = proxy();
            call_as(people.eve);
            for request in [
                Request::Announce(code(2)),
                Request::Withdraw,
                Request::Upgrade,
                Request::SetAdmin(people.eve),
                Request::Renounce,
            ] {
                assert_eq!(proxy.manage(request), Err(Error::NotTheAdmin));
            }
        }

        #[ink::test]
        fn the_role_can_be_given_away() {
            let (mut proxy, people) = proxy();
            assert!(proxy.manage(Request::SetAdmin(people.bob)).is_ok());
            assert_eq!(proxy.manage(Request::Announce(code(2))), Err(Error::NotTheAdmin));
            call_as(people.bob);
            assert!(proxy.manage(Request::Announce(code(2))).is_ok());
        }

        #[ink::test]
        fn a_role_given_up_is_gone_with_what_was_announced() {
            let (mut proxy, _) = proxy();
            assert!(proxy.manage(Request::Announce(code(2))).is_ok());
            let state = proxy.manage(Request::Renounce).unwrap();
            assert_eq!((state.admin, state.announced, state.code_hash), (None, None, code(1)));
            test::set_block_timestamp::<DefaultEnvironment>(7_000);
            assert_eq!(proxy.manage(Request::Upgrade), Err(Error::NotTheAdmin));
        }

        #[ink::test]
        fn never_is_not_a_notice() {
            assert_eq!(Proxy::new(code(1), NOTICE_MS_MAX + 1).err(), Some(Error::NoticeTooLong));
            assert!(Proxy::new(code(1), NOTICE_MS_MAX).is_ok());
        }
    }
}
