//! PHA, and what a transaction costs.

use crate::{AccountId, Authorship, Balances};
use polkadot_sdk::*;

use frame_support::{
    traits::{ConstU128, OnUnbalanced, fungible},
    weights::{ConstantMultiplier, Weight, constants::ExtrinsicBaseWeight},
};

/// An amount of PHA in its smallest unit.
pub type Balance = u128;

/// One PHA. The token has 12 decimals, as on the Phala parachain.
pub const PHA: Balance = 1_000_000_000_000;

/// A hundredth of a PHA.
pub const CENTS: Balance = PHA / 100;

/// A hundred-thousandth of a PHA.
pub const MILLICENTS: Balance = CENTS / 1_000;

/// Decimals of PHA, for wallets.
pub const TOKEN_DECIMALS: u8 = 12;

/// The token's symbol, for wallets.
pub const TOKEN_SYMBOL: &str = "PHA";

/// The address prefix of Phala in the SS58 registry.
pub const SS58_PREFIX: u16 = 30;

/// The least balance that keeps an account alive: 0.01 PHA, as on the Phala parachain.
pub const EXISTENTIAL_DEPOSIT: Balance = CENTS;

/// What each byte of a transaction costs: 0.00001 PHA. A mailbox message stays in every node's storage until a
/// checkpoint covers it, so bytes must cost more than the time to carry them: the largest code, 2 MiB, costs 21 PHA.
pub const TRANSACTION_BYTE_FEE: Balance = MILLICENTS;

/// Turns weight into PHA: a transaction that does nothing costs 0.001 PHA, and the rest is in proportion to time.
pub struct WeightToFee;

impl frame_support::weights::WeightToFee for WeightToFee {
    type Balance = Balance;

    fn weight_to_fee(weight: &Weight) -> Balance {
        let base = Balance::from(ExtrinsicBaseWeight::get().ref_time()).max(1);
        (CENTS / 10).saturating_mul(Balance::from(weight.ref_time())) / base
    }
}

/// Turns bytes into PHA.
pub type LengthToFee = ConstantMultiplier<Balance, ConstU128<TRANSACTION_BYTE_FEE>>;

/// Fees and tips go to the block's author, until there is a treasury to share them with.
pub struct ToAuthor;

impl OnUnbalanced<fungible::Credit<AccountId, Balances>> for ToAuthor {
    fn on_nonzero_unbalanced(fee: fungible::Credit<AccountId, Balances>) {
        match Authorship::author() {
            // What cannot be paid out (the author has no account and the fee is below the existential deposit) is
            // burned with the credit that comes back.
            Some(author) => drop(<Balances as fungible::Balanced<_>>::resolve(&author, fee)),
            None => drop(fee),
        }
    }
}
