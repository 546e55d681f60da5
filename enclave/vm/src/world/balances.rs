// SPDX-License-Identifier: Apache-2.0
//! Balances inside a cluster, by the rules of the chain's own balances: an account exists from the existential deposit on.

use codec::Encode;

use super::deposit::{Bill, Deposit};
use super::schema::{Account, Key};
use super::{State, World};
use crate::Trap;
use crate::engine::Engine;
use crate::host::{AccountBytes, Balance, HostError};

/// The balance does not allow it. What was changed on the way is to be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotPayable;

impl From<HostError> for NotPayable {
    fn from(_: HostError) -> Self {
        Self
    }
}

impl<E: Engine, S: State + ?Sized> World<'_, E, S> {
    pub(super) fn account(&self, id: &AccountBytes) -> Account {
        self.decoded(&Key::Account(*id)).unwrap_or_default()
    }

    /// What an account can pay without ceasing to exist.
    pub(super) fn spendable(&self, id: &AccountBytes) -> Balance {
        self.account(id).free.saturating_sub(self.terms.existential_deposit)
    }

    /// Moves an amount. Both accounts must exist after it.
    pub(super) fn pay(
        &mut self,
        from: &AccountBytes,
        to: &AccountBytes,
        amount: Balance,
    ) -> Result<(), NotPayable> {
        if amount == 0 || from == to {
            return Ok(());
        }
        let (mut payer, mut payee) = (self.account(from), self.account(to));
        payer.free = self.enough(payer.free.checked_sub(amount))?;
        payee.free = self.enough(payee.free.checked_add(amount))?;
        payee.free.checked_add(payee.held).ok_or(NotPayable)?;
        self.set_account(from, payer)?;
        self.set_account(to, payee)?;
        Ok(())
    }

    /// Puts an account's own money aside.
    pub(super) fn hold(&mut self, id: &AccountBytes, amount: Balance) -> Result<(), NotPayable> {
        self.hold_for(id, id, amount)
    }

    /// Gives an account's own money back to it. Never more than is held.
    pub(super) fn release(&mut self, id: &AccountBytes, amount: Balance) -> Result<(), NotPayable> {
        self.release_to(id, id, amount)
    }

    /// Pays refunds, then what ended contracts have, then charges: so that a refund can pay a charge.
    pub(super) fn settle(&mut self, origin: &AccountBytes, bill: Bill) -> Result<(), Trap> {
        for (contract, amount) in &bill.by_contract {
            if let Deposit::Refund(amount) = amount {
                self.release_to(contract, origin, *amount).map_err(|NotPayable| Trap::DepositNotPayable)?;
            }
        }
        for (contract, beneficiary) in &bill.ended {
            self.pay_all(contract, beneficiary).map_err(|NotPayable| Trap::TransferFailed)?;
        }
        for (contract, amount) in &bill.by_contract {
            if let Deposit::Charge(amount) = amount {
                self.hold_for(origin, contract, *amount).map_err(|NotPayable| Trap::DepositNotPayable)?;
            }
        }
        Ok(())
    }

    /// Moves an amount into what is held on another account.
    fn hold_for(
        &mut self,
        from: &AccountBytes,
        on: &AccountBytes,
        amount: Balance,
    ) -> Result<(), NotPayable> {
        if amount == 0 {
            return Ok(());
        }
        let mut payer = self.account(from);
        payer.free = self.enough(payer.free.checked_sub(amount))?;
        self.set_account(from, payer)?;
        let mut holder = self.account(on);
        self.enough(Some(holder.free))?;
        holder.held = holder.held.checked_add(amount).ok_or(NotPayable)?;
        holder.held.checked_add(holder.free).ok_or(NotPayable)?;
        self.set_account(on, holder)?;
        Ok(())
    }

    /// Gives what is held on one account to another.
    fn release_to(
        &mut self,
        on: &AccountBytes,
        to: &AccountBytes,
        amount: Balance,
    ) -> Result<(), NotPayable> {
        let mut holder = self.account(on);
        let amount = amount.min(holder.held);
        if amount == 0 {
            return Ok(());
        }
        holder.held = holder.held.saturating_sub(amount);
        self.set_account(on, holder)?;
        let mut payee = self.account(to);
        payee.free = self.enough(payee.free.checked_add(amount))?;
        self.set_account(to, payee)?;
        Ok(())
    }

    /// Moves all that an account can spend, and the account with it.
    fn pay_all(&mut self, from: &AccountBytes, to: &AccountBytes) -> Result<(), NotPayable> {
        let mut payer = self.account(from);
        // A contract that was made anew at the same address in the same call must go on existing.
        let stays = if self.contract(from).is_some() { self.terms.existential_deposit } else { 0 };
        let amount = payer.free.saturating_sub(stays);
        if amount == 0 || from == to {
            return Ok(());
        }
        payer.free = payer.free.saturating_sub(amount);
        self.set_account(from, payer)?;
        let mut payee = self.account(to);
        payee.free = self.enough(payee.free.checked_add(amount))?;
        self.set_account(to, payee)?;
        Ok(())
    }

    /// The balance, if an account exists with it.
    fn enough(&self, balance: Option<Balance>) -> Result<Balance, NotPayable> {
        balance.filter(|balance| *balance >= self.terms.existential_deposit).ok_or(NotPayable)
    }

    fn set_account(&mut self, id: &AccountBytes, account: Account) -> Result<(), HostError> {
        let exists = account != Account::default();
        self.write(Key::Account(*id).encode(), exists.then(|| account.encode()))
    }
}
