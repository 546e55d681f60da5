// SPDX-License-Identifier: Apache-2.0
#![cfg_attr(not(feature = "std"), no_std, no_main)]
//! Many payments between two people, settled by two commands.
//!
//! The payer puts money in and then pays by *vouchers*: signed notes that say how much the payee may have had **in all**.
//! They travel by whatever way the two like, cost nothing and are instant. The payee keeps the last one and brings it
//! here whenever it suits. Outside of the two, nobody learns that they deal with each other, nor for how much.
//!
//! # Why neither can cheat
//!
//! - A voucher names this channel and the sum so far, so an old one is worth less than a new one, one for another channel
//!   is worth nothing, and bringing one twice pays once.
//! - Only the payer's key makes vouchers, and it is fixed when the channel is opened.
//! - The payer cannot run away with the money: to close the channel without the payee takes [`Channel::start_close`], and then
//!   `patience_ms` must pass, in which the payee can bring the last voucher.
//! - The payee cannot keep the payer's change: `start_close` needs nobody else.
//!
//! # What a voucher is
//!
//! An ECDSA signature on secp256k1, 65 bytes with its recovery id, over BLAKE2b-256 of the SCALE encoding of
//! `("phala example payment channel", channel: AccountId, total: Balance)`. [`Channel::voucher_hash`] computes it.

pub use channel::{Channel, ChannelRef, Error, Result};

#[ink::contract]
mod channel {
    use ink::env::hash::{Blake2x256, HashOutput};

    /// What keeps a voucher from being a signature of anything else.
    const DOMAIN: &str = "phala example payment channel";

    /// Why a message is refused.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// The caller is not the one of the two whose message this is.
        NotYours,
        /// The voucher is not signed by the payer's key, or not for this channel and sum.
        BadVoucher,
        /// The payee has had this much already.
        NothingNew,
        /// The voucher is for more than there is.
        TooMuch,
        /// The payer has not said that the channel closes, or has said so already.
        WrongTime,
        /// The payee's time is not over.
        TooEarly,
        /// The money did not move.
        PaymentFailed,
    }

    /// What a message answers.
    pub type Result<T> = core::result::Result<T, Error>;

    /// A channel between two.
    #[ink(storage)]
    pub struct Channel {
        payer: AccountId,
        payee: AccountId,
        /// The payer's key for vouchers: compressed secp256k1.
        key: [u8; 33],
        /// How long the payee has after the payer says that it closes.
        patience_ms: u64,
        /// What the payee has had.
        paid: Balance,
        /// When the payer may take what is left.
        closes_at: Option<u64>,
    }

    /// How a channel stands, for the two whose it is.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub struct Standing {
        /// What is in the channel.
        pub balance: Balance,
        /// What the payee has had.
        pub paid: Balance,
        /// When the payer may take what is left, in milliseconds since 1970.
        pub closes_at: Option<u64>,
    }

    impl Channel {
        /// Opens a channel from the caller to a payee, with what the caller sends along.
        #[ink(constructor, payable)]
        pub fn new(payee: AccountId, key: [u8; 33], patience_ms: u64) -> Self {
            Self { payer: Self::env().caller(), payee, key, patience_ms, paid: 0, closes_at: None }
        }

        /// How the channel stands. Only the two may ask.
        #[ink(message)]
        pub fn standing(&self) -> Result<Standing> {
            let caller = self.env().caller();
            if caller != self.payer && caller != self.payee {
                return Err(Error::NotYours);
            }
            Ok(Standing { balance: self.env().balance(), paid: self.paid, closes_at: self.closes_at })
        }

        /// What the payer signs to let the payee have so much in all.
        #[ink(message)]
        pub fn voucher_hash(&self, total: Balance) -> [u8; 32] {
            let mut hash = <Blake2x256 as HashOutput>::Type::default();
            ink::env::hash_encoded::<Blake2x256, _>(&(DOMAIN, self.env().account_id(), total), &mut hash);
            hash
        }

        /// Adds to the channel. Only the payer may, so that the change is the payer's.
        #[ink(message, payable)]
        pub fn deposit(&mut self) -> Result<()> {
            self.check_payer()
        }

        /// Pays the payee what a voucher adds to what was paid before.
        #[ink(message)]
        pub fn redeem(&mut self, total: Balance, voucher: [u8; 65]) -> Result<Balance> {
            self.check_payee()?;
            let more = self.worth(total, &voucher)?;
            self.paid = total;
            self.env().transfer(self.payee, more).map_err(|_| Error::PaymentFailed)?;
            Ok(more)
        }

        /// Pays a last voucher, gives the payer what is left, and ends the channel.
        #[ink(message)]
        pub fn close(&mut self, total: Balance, voucher: [u8; 65]) -> Result<()> {
            self.redeem(total, voucher)?;
            self.env().terminate_contract(self.payer)
        }

        /// The payer says that it closes: from now on the payee has `patience_ms` to redeem.
        #[ink(message)]
        pub fn start_close(&mut self) -> Result<u64> {
            self.check_payer()?;
            if self.closes_at.is_some() {
                return Err(Error::WrongTime);
            }
            let closes_at = self.env().block_timestamp().saturating_add(self.patience_ms);
            self.closes_at = Some(closes_at);
            Ok(closes_at)
        }

        /// Gives the payer what is left, once the payee's time is over, and ends the channel.
        #[ink(message)]
        pub fn finish_close(&mut self) -> Result<()> {
            self.check_payer()?;
            let closes_at = self.closes_at.ok_or(Error::WrongTime)?;
            if self.env().block_timestamp() < closes_at {
                return Err(Error::TooEarly);
            }
            self.env().terminate_contract(self.payer)
        }

        fn check_payer(&self) -> Result<()> {
            if self.env().caller() == self.payer {
                Ok(())
            } else {
                Err(Error::NotYours)
            }
        }

        fn check_payee(&self) -> Result<()> {
            if self.env().caller() == self.payee {
                Ok(())
            } else {
                Err(Error::NotYours)
            }
        }

        /// What a voucher is worth on top of what was paid.
        fn worth(&self, total: Balance, voucher: &[u8; 65]) -> Result<Balance> {
            let signer = self
                .env()
                .ecdsa_recover(voucher, &self.voucher_hash(total))
                .map_err(|_| Error::BadVoucher)?;
            if signer != self.key {
                return Err(Error::BadVoucher);
            }
            let more = total.checked_sub(self.paid).filter(|more| *more > 0).ok_or(Error::NothingNew)?;
            if more > self.env().balance() {
                return Err(Error::TooMuch);
            }
            Ok(more)
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use ink::env::{
            test::{self, DefaultAccounts},
            DefaultEnvironment,
        };
        use secp256k1::{Message, PublicKey, Secp256k1, SecretKey};

        /// Balances in tests are multiples of the least that ink!'s test environment lets an account have.
        const UNIT: Balance = 1_000_000;

        const PATIENCE_MS: u64 = 1_000;

        fn secret(byte: u8) -> SecretKey {
            SecretKey::from_slice(&[byte; 32]).unwrap()
        }

        /// What the payer's wallet does.
        fn voucher(channel: &Channel, total: Balance, secret: &SecretKey) -> [u8; 65] {
            let message = Message::from_digest(channel.voucher_hash(total));
            let signature = Secp256k1::new().sign_ecdsa_recoverable(&message, secret);
            let (recovery, compact) = signature.serialize_compact();
            let mut bytes = [recovery.to_i32() as u8; 65];
            bytes[..64].copy_from_slice(&compact);
            bytes
        }

        /// A channel of 100 units from Alice to Bob, who has nothing yet.
        fn channel() -> (Channel, DefaultAccounts<DefaultEnvironment>) {
            let people = test::default_accounts::<DefaultEnvironment>();
            call_as(people.alice);
            // Unless told, ink!'s test environment has the contract at Alice's own account.
            test::set_callee::<DefaultEnvironment>(AccountId::from([0x42; 32]));
            let key = PublicKey::from_secret_key(&Secp256k1::new(), &secret(1)).serialize();
            let channel = Channel::new(people.bob, key, PATIENCE_MS);
            test::set_account_balance::<DefaultEnvironment>(here(), 100 * UNIT);
            for account in [people.alice, people.bob] {
                test::set_account_balance::<DefaultEnvironment>(account, 0);
            }
            test::set_block_timestamp::<DefaultEnvironment>(5_000);
            (channel, people)
        }

        fn here() -> AccountId {
            test::callee::<DefaultEnvironment>()
        }

        fn call_as(account: AccountId) {
            test::set_caller::<DefaultEnvironment>(account);
        }

        fn owned(account: AccountId) -> Balance {
            test::get_account_balance::<DefaultEnvironment>(account).unwrap()
        }

        #[ink::test]
        fn a_voucher_pays_what_it_adds_and_once() {
            let (mut channel, people) = channel();
            let (first, second) =
                (voucher(&channel, 30 * UNIT, &secret(1)), voucher(&channel, 50 * UNIT, &secret(1)));
            call_as(people.bob);
            assert_eq!(channel.redeem(30 * UNIT, first), Ok(30 * UNIT));
            assert_eq!(channel.redeem(30 * UNIT, first), Err(Error::NothingNew));
            assert_eq!(channel.redeem(50 * UNIT, second), Ok(20 * UNIT));
            assert_eq!(channel.redeem(30 * UNIT, first), Err(Error::NothingNew));
            assert_eq!(owned(people.bob), 50 * UNIT);
            assert_eq!(
                channel.standing(),
                Ok(Standing { balance: 50 * UNIT, paid: 50 * UNIT, closes_at: None })
            );
        }

        #[ink::test]
        fn only_the_payers_key_makes_vouchers_for_this_channel_and_sum() {
            let (mut channel, people) = channel();
            let forged = voucher(&channel, 30 * UNIT, &secret(2));
            let good = voucher(&channel, 30 * UNIT, &secret(1));
            call_as(people.bob);
            assert_eq!(channel.redeem(30 * UNIT, forged), Err(Error::BadVoucher));
            assert_eq!(channel.redeem(31 * UNIT, good), Err(Error::BadVoucher));
            assert_eq!(channel.redeem(30 * UNIT, [0; 65]), Err(Error::BadVoucher));
            test::set_callee::<DefaultEnvironment>(people.django);
            assert_eq!(channel.redeem(30 * UNIT, good), Err(Error::BadVoucher));
        }

        #[ink::test]
        fn a_voucher_beyond_the_channel_waits_for_a_deposit() {
            let (mut channel, people) = channel();
            let good = voucher(&channel, 101 * UNIT, &secret(1));
            call_as(people.bob);
            assert_eq!(channel.redeem(101 * UNIT, good), Err(Error::TooMuch));
            assert_eq!(channel.deposit(), Err(Error::NotYours));
            call_as(people.alice);
            test::set_account_balance::<DefaultEnvironment>(people.alice, UNIT);
            assert_eq!(ink::env::pay_with_call!(channel.deposit(), UNIT), Ok(()));
            call_as(people.bob);
            assert_eq!(channel.redeem(101 * UNIT, good), Ok(101 * UNIT));
        }

        #[ink::test]
        fn strangers_learn_nothing_and_do_nothing() {
            let (mut channel, people) = channel();
            let good = voucher(&channel, 30 * UNIT, &secret(1));
            call_as(people.eve);
            assert_eq!(channel.standing(), Err(Error::NotYours));
            assert_eq!(channel.redeem(30 * UNIT, good), Err(Error::NotYours));
            assert_eq!(channel.close(30 * UNIT, good), Err(Error::NotYours));
            assert_eq!(channel.start_close(), Err(Error::NotYours));
            assert_eq!(channel.finish_close(), Err(Error::NotYours));
        }

        #[ink::test]
        fn the_payer_waits_for_the_payee() {
            let (mut channel, people) = channel();
            assert_eq!(channel.finish_close(), Err(Error::WrongTime));
            assert_eq!(channel.start_close(), Ok(6_000));
            assert_eq!(channel.start_close(), Err(Error::WrongTime));
            test::set_block_timestamp::<DefaultEnvironment>(5_999);
            assert_eq!(channel.finish_close(), Err(Error::TooEarly));
            // Meanwhile the payee redeems.
            let good = voucher(&channel, 30 * UNIT, &secret(1));
            call_as(people.bob);
            assert_eq!(channel.finish_close(), Err(Error::NotYours));
            assert_eq!(channel.redeem(30 * UNIT, good), Ok(30 * UNIT));
        }

        #[ink::test]
        fn the_payer_has_the_change_when_the_payee_closes() {
            let (mut channel, people) = channel();
            let good = voucher(&channel, 30 * UNIT, &secret(1));
            call_as(people.bob);
            test::assert_contract_termination::<DefaultEnvironment, _>(
                move || {
                    let _ = channel.close(30 * UNIT, good);
                },
                people.alice,
                70 * UNIT,
            );
            assert_eq!(owned(people.bob), 30 * UNIT);
        }

        #[ink::test]
        fn the_payer_has_the_change_when_the_payees_time_is_over() {
            let (mut channel, people) = channel();
            assert_eq!(channel.start_close(), Ok(6_000));
            test::set_block_timestamp::<DefaultEnvironment>(6_000);
            test::assert_contract_termination::<DefaultEnvironment, _>(
                move || {
                    let _ = channel.finish_close();
                },
                people.alice,
                100 * UNIT,
            );
        }
    }
}
