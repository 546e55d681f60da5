// SPDX-License-Identifier: Apache-2.0
//! Storage deposits: what the origin of a call puts down for what its contracts store, and gets back for what they remove.
//!
//! The rules and the roundings are those of pallet-contracts. Each frame counts what it adds and removes. When it ends, the
//! count becomes an amount, which is added to the frame below; nothing is paid before the outermost frame has ended.

use std::collections::BTreeMap;

use codec::{Decode, Encode};

use super::schema::{CodeInfo, Contract, Key};
use crate::host::{AccountBytes, Balance};

/// What storage costs in a cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Held for each byte of a value.
    pub deposit_per_byte: Balance,
    /// Held for each value.
    pub deposit_per_item: Balance,
    /// The part of a code's deposit, in hundredths, that is held again by each contract that runs the code or depends on it.
    pub code_lockup_percent: u8,
    /// The most that a call without a limit of its own may have held.
    pub default_deposit_limit: Balance,
    /// The least balance with which an account exists.
    pub existential_deposit: Balance,
    /// The price of one unit of gas, which contracts may ask for. Nothing here charges it.
    pub fee_per_gas: Balance,
}

/// The bytes of a code's record as pallet-contracts counts them: the owner, the deposit and the count of contracts as numbers
/// of fixed length, the code's length, and a byte for the kind of code, of which there is one here.
const CODE_RECORD_BYTES: Balance = 61;
/// A code is two entries: its bytes and its record.
const CODE_ITEMS: Balance = 2;

impl Terms {
    /// What is held for a code of this length while it is in the state.
    #[must_use]
    pub fn code_deposit(&self, code_bytes: u32) -> Balance {
        let bytes = Balance::from(code_bytes).saturating_add(CODE_RECORD_BYTES);
        let bytes = self.deposit_per_byte.saturating_mul(bytes);
        bytes.saturating_add(self.deposit_per_item.saturating_mul(CODE_ITEMS))
    }

    /// What a contract that runs this code, or depends on it, has held for that. Rounded up.
    #[must_use]
    pub fn lockup(&self, code: &CodeInfo) -> Balance {
        part_rounded_up(code.deposit, self.code_lockup_percent.into(), 100)
    }

    /// What is held for a contract itself, by the code that it runs.
    #[must_use]
    pub(super) fn base_deposit(
        &self,
        address: &AccountBytes,
        contract: &Contract,
        code: &CodeInfo,
    ) -> Balance {
        let bytes = contract.encoded_size().saturating_add(Key::Contract(*address).encoded_size());
        let bytes = Balance::try_from(bytes).unwrap_or(Balance::MAX);
        let record = self.deposit_per_byte.saturating_mul(bytes).saturating_add(self.deposit_per_item);
        record.saturating_add(self.lockup(code))
    }
}

/// An amount that the origin of a call puts down or gets back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Deposit {
    /// It gets this back.
    #[codec(index = 0)]
    Refund(Balance),
    /// It puts this down.
    #[codec(index = 1)]
    Charge(Balance),
}

impl Default for Deposit {
    fn default() -> Self {
        Self::Charge(0)
    }
}

impl Deposit {
    /// Both together. Saturates, since nobody has that much.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        use Deposit::{Charge, Refund};
        match (self, other) {
            (Charge(a), Charge(b)) => Charge(a.saturating_add(b)),
            (Refund(a), Refund(b)) => Refund(a.saturating_add(b)),
            (Charge(charge), Refund(refund)) | (Refund(refund), Charge(charge)) => {
                match charge.checked_sub(refund) {
                    Some(rest) => Charge(rest),
                    None => Refund(refund.saturating_sub(charge)),
                }
            }
        }
    }

    /// What is put down in place of what was before.
    pub(super) fn between(before: Balance, now: Balance) -> Self {
        Self::Charge(now).and(Self::Refund(before))
    }

    /// What is left of a limit.
    fn leaves(self, limit: Balance) -> Balance {
        match self {
            Self::Charge(amount) => limit.saturating_sub(amount),
            Self::Refund(amount) => limit.saturating_add(amount),
        }
    }
}

/// What one frame added to its contract's storage and removed from it. Saturates: storage is bounded far below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Diff {
    pub(super) bytes_added: u32,
    pub(super) bytes_removed: u32,
    pub(super) items_added: u32,
    pub(super) items_removed: u32,
}

impl Diff {
    /// A value of one length, or none, in place of another.
    pub(super) fn of(old: Option<u32>, new: Option<u32>) -> Self {
        let (before, now) = (old.unwrap_or(0), new.unwrap_or(0));
        Self {
            bytes_added: now.saturating_sub(before),
            bytes_removed: before.saturating_sub(now),
            items_added: u32::from(old.is_none() && new.is_some()),
            items_removed: u32::from(old.is_some() && new.is_none()),
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.bytes_added = self.bytes_added.saturating_add(other.bytes_added);
        self.bytes_removed = self.bytes_removed.saturating_add(other.bytes_removed);
        self.items_added = self.items_added.saturating_add(other.items_added);
        self.items_removed = self.items_removed.saturating_add(other.items_removed);
    }

    /// Brings the contract's record up to date, and says what that costs. What is removed gives back its part of what is
    /// held, whatever the price was when it was stored.
    fn settle(self, contract: &mut Contract, terms: &Terms) -> Deposit {
        let bytes = settle_one(
            (self.bytes_added, self.bytes_removed),
            terms.deposit_per_byte,
            &mut contract.storage_bytes,
            &mut contract.byte_deposit,
        );
        let items = settle_one(
            (self.items_added, self.items_removed),
            terms.deposit_per_item,
            &mut contract.storage_items,
            &mut contract.item_deposit,
        );
        bytes.and(items)
    }
}

fn settle_one((added, removed): (u32, u32), price: Balance, count: &mut u32, held: &mut Balance) -> Deposit {
    if let Some(more) = added.checked_sub(removed) {
        *count = count.saturating_add(more);
        let charge = price.saturating_mul(more.into());
        *held = held.saturating_add(charge);
        return Deposit::Charge(charge);
    }
    let fewer = removed.saturating_sub(added);
    let refund = share(*held, fewer, *count);
    *count = count.saturating_sub(fewer);
    *held = held.saturating_sub(refund);
    Deposit::Refund(refund)
}

/// The precision with which the pallet divides.
const UNIT: Balance = 1_000_000_000_000_000_000;

/// The part of what is held that belongs to `removed` of `count`, rounded down twice as the pallet does.
fn share(held: Balance, removed: u32, count: u32) -> Balance {
    let ratio = Balance::from(removed).saturating_mul(UNIT).checked_div(count.into()).unwrap_or(0).min(UNIT);
    // `held * ratio / UNIT` without the product, which would not fit.
    let whole = held.checked_div(UNIT).unwrap_or(0).saturating_mul(ratio);
    let rest = held.checked_rem(UNIT).unwrap_or(0).saturating_mul(ratio).checked_div(UNIT).unwrap_or(0);
    whole.saturating_add(rest)
}

/// `amount * part / whole`, rounded up, without the product, which might not fit. `part` and `whole` are small.
fn part_rounded_up(amount: Balance, part: Balance, whole: Balance) -> Balance {
    let parts = amount.checked_div(whole).unwrap_or(0).saturating_mul(part);
    let rest = amount.checked_rem(whole).unwrap_or(0).saturating_mul(part).div_ceil(whole);
    parts.saturating_add(rest)
}

/// What a frame has cost so far.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// The most that the frame, with its callees, may charge.
    limit: Balance,
    /// Whether the caller set that limit for this frame alone: then it is enforced when the frame ends, and else when the
    /// outermost frame does, so that a later refund can make up for an earlier charge.
    has_own_limit: bool,
    /// What is charged already: by callees that ended, and for what is not storage.
    total: Deposit,
    own: Own,
    /// The same by contract, with what the contract itself stored once the frame has ended.
    by_contract: BTreeMap<AccountBytes, Deposit>,
    /// Contracts that ended, and who gets what they have, in their order.
    ended: Vec<(AccountBytes, AccountBytes)>,
}

/// What the frame's own contract stored.
#[derive(Debug)]
enum Own {
    /// Not yet settled.
    Open(Diff),
    /// Settled: the contract's record has it.
    Settled(Deposit),
    /// The contract ended and gives back all it had.
    Ended(Deposit),
}

impl Default for Own {
    fn default() -> Self {
        Self::Open(Diff::default())
    }
}

/// What a call charges and pays once it has ended.
#[derive(Debug, Default)]
pub(super) struct Bill {
    pub(super) total: Deposit,
    pub(super) by_contract: BTreeMap<AccountBytes, Deposit>,
    pub(super) ended: Vec<(AccountBytes, AccountBytes)>,
}

impl Meter {
    /// The meter of the whole call.
    pub(super) fn outermost(limit: Balance) -> Self {
        Self { limit, ..Self::default() }
    }

    /// The meter of a callee. A limit of zero stands for all that is left.
    pub(super) fn nested(&self, limit: Balance) -> Self {
        let left = self.total.leaves(self.limit);
        match limit.min(left) {
            0 => Self { limit: left, ..Self::default() },
            limit => Self { limit, has_own_limit: true, ..Self::default() },
        }
    }

    pub(super) fn has_own_limit(&self) -> bool {
        self.has_own_limit
    }

    /// Counts what the contract stored.
    pub(super) fn store(&mut self, diff: Diff) {
        if let Own::Open(own) = &mut self.own {
            own.add(diff);
        }
    }

    /// What the contract stored in this frame and is not in its record.
    pub(super) fn unsettled(&self) -> Diff {
        match &self.own {
            Own::Open(diff) => *diff,
            Own::Settled(_) | Own::Ended(_) => Diff::default(),
        }
    }

    /// Charges or refunds what is not storage.
    pub(super) fn charge(&mut self, contract: &AccountBytes, amount: Deposit) {
        self.total = self.total.and(amount);
        self.book(contract, amount);
    }

    /// Counts what was paid to a new contract already.
    pub(super) fn count_paid(&mut self, amount: Balance) {
        self.total = self.total.and(Deposit::Charge(amount));
    }

    /// The frame's contract ended.
    pub(super) fn end_contract(
        &mut self,
        contract: &AccountBytes,
        refund: Balance,
        beneficiary: &AccountBytes,
    ) {
        self.own = Own::Ended(Deposit::Refund(refund));
        self.ended.push((*contract, *beneficiary));
    }

    /// Whether the frame's contract ended in it.
    pub(super) fn is_ended(&self) -> bool {
        matches!(self.own, Own::Ended(_))
    }

    /// Turns what the contract stored into an amount. Returns whether its record changed.
    pub(super) fn settle(&mut self, contract: Option<&mut Contract>, terms: &Terms) -> bool {
        let (Own::Open(diff), Some(contract)) = (&self.own, contract) else { return false };
        let diff = *diff;
        self.own = Own::Settled(diff.settle(contract, terms));
        diff != Diff::default()
    }

    /// Whether what was charged is within the limit. To be asked once it is settled.
    pub(super) fn is_within_limit(&self) -> bool {
        match self.total.and(self.own_amount()) {
            Deposit::Charge(amount) => amount <= self.limit,
            Deposit::Refund(_) => true,
        }
    }

    /// Takes over what a callee that succeeded has cost.
    pub(super) fn absorb(&mut self, callee: Self, contract: &AccountBytes) {
        let own = callee.own_amount();
        self.total = self.total.and(callee.total).and(own);
        for (contract, amount) in callee.by_contract {
            self.book(&contract, amount);
        }
        self.book(contract, own);
        self.ended.extend(callee.ended);
    }

    /// What is to be paid in the end.
    pub(super) fn bill(self) -> Bill {
        Bill { total: self.total, by_contract: self.by_contract, ended: self.ended }
    }

    fn own_amount(&self) -> Deposit {
        match self.own {
            Own::Open(_) => Deposit::default(),
            Own::Settled(amount) | Own::Ended(amount) => amount,
        }
    }

    fn book(&mut self, contract: &AccountBytes, amount: Deposit) {
        let booked = self.by_contract.entry(*contract).or_default();
        *booked = booked.and(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms {
        deposit_per_byte: 3,
        deposit_per_item: 100,
        code_lockup_percent: 30,
        default_deposit_limit: 0,
        existential_deposit: 1,
        fee_per_gas: 0,
    };

    #[test]
    fn what_is_removed_gives_back_its_part_of_what_is_held() {
        let mut contract = Contract::new([0; 32]);
        let added = Diff { bytes_added: 7, items_added: 3, ..Diff::default() };
        assert_eq!(added.settle(&mut contract, &TERMS), Deposit::Charge(321));
        // Prices fell since: what was held at the old price is given back by its part.
        let cheap = Terms { deposit_per_byte: 1, deposit_per_item: 1, ..TERMS };
        let removed = Diff { bytes_removed: 2, items_removed: 1, ..Diff::default() };
        // 2/7 of 21 is 6, but two sevenths do not have 18 digits: rounded down twice it is 5. So is a third of 300.
        assert_eq!(removed.settle(&mut contract, &cheap), Deposit::Refund(5 + 99));
        assert_eq!((contract.storage_bytes, contract.storage_items), (5, 2));
        let rest = Diff { bytes_removed: 5, items_removed: 2, ..Diff::default() };
        assert_eq!(rest.settle(&mut contract, &cheap), Deposit::Refund(16 + 201));
        assert_eq!(contract.total_deposit(), 0);
    }

    #[test]
    fn a_share_of_the_largest_balance_does_not_overflow() {
        assert_eq!(share(Balance::MAX, 5, 5), Balance::MAX);
        assert!(share(Balance::MAX, 1, 2) <= Balance::MAX / 2);
        assert_eq!(share(1_000, 1, 0), 0);
    }

    #[test]
    fn a_lockup_is_rounded_up() {
        let code = |deposit| CodeInfo { owner: [0; 32], deposit, references: 0, code_bytes: 0 };
        assert_eq!(TERMS.lockup(&code(10)), 3);
        assert_eq!(TERMS.lockup(&code(11)), 4);
        assert_eq!(Terms { code_lockup_percent: 100, ..TERMS }.lockup(&code(Balance::MAX)), Balance::MAX);
    }

    #[test]
    fn charges_and_refunds_add_up_whatever_their_order() {
        let (charge, refund) = (Deposit::Charge(5), Deposit::Refund(8));
        assert_eq!(charge.and(refund), Deposit::Refund(3));
        assert_eq!(refund.and(charge), Deposit::Refund(3));
        assert_eq!(Deposit::between(5, 8), Deposit::Charge(3));
        assert_eq!(Deposit::between(8, 5), Deposit::Refund(3));
    }

    #[test]
    fn a_callee_without_a_limit_of_its_own_has_what_is_left() {
        let mut meter = Meter::outermost(100);
        meter.charge(&[1; 32], Deposit::Charge(40));
        assert_eq!(meter.nested(0).limit, 60);
        assert_eq!(meter.nested(1_000).limit, 60);
        assert_eq!(meter.nested(10).limit, 10);
        assert!(meter.nested(10).has_own_limit && !meter.nested(0).has_own_limit);
        meter.charge(&[1; 32], Deposit::Refund(50));
        assert_eq!(meter.nested(0).limit, 110);
    }
}
