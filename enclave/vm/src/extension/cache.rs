// SPDX-License-Identifier: Apache-2.0
//! What contracts remember in one worker, across queries: for what can be had again.
//!
//! It is in memory only, and never decides an outcome: commands do not see it. Time is the chain's, so that what has
//! expired stays expired when the host turns its clock back.

use std::collections::{BTreeMap, BTreeSet};

use crate::host::AccountBytes;

/// The longest key.
pub const KEY_BYTES_MAX: usize = 256;
/// The longest value: an ink! buffer.
pub const VALUE_BYTES_MAX: usize = 16 * 1024;
/// What one contract may have.
pub const CONTRACT_BYTES_MAX: usize = 1024 * 1024;
/// What all contracts have together, as in the Phala network.
pub const CACHE_BYTES_MAX: usize = 20 * 1024 * 1024;
/// How long an item lives, at most and unless the contract says less: a week.
pub const TTL_SECONDS_MAX: u64 = 7 * 24 * 3600;
/// What an item takes besides its key and value, in two maps and a set that hold the key twice.
const ITEM_OVERHEAD_BYTES: usize = 256;

#[derive(Clone, PartialEq, Eq, Debug)]
struct Item {
    value: Vec<u8>,
    expires_at: u64,
}

fn item_bytes(key: &[u8], item: &Item) -> usize {
    key.len().saturating_mul(2).saturating_add(item.value.len()).saturating_add(ITEM_OVERHEAD_BYTES)
}

/// What all contracts of a worker remember.
#[derive(Debug, Default)]
pub struct Cache {
    contracts: BTreeMap<AccountBytes, Section>,
    by_expiry: BTreeSet<(u64, AccountBytes, Vec<u8>)>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Section {
    items: BTreeMap<Vec<u8>, Item>,
    bytes: usize,
}

/// The contract has no room for the item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuotaExceeded;

/// What one query changes, until it is known how it ends.
#[derive(Debug, Default)]
pub(super) struct Changes(BTreeMap<AccountBytes, Patch>);

#[derive(Debug)]
struct Patch {
    items: BTreeMap<Vec<u8>, Option<Item>>,
    /// What the contract has with these changes.
    bytes: usize,
}

impl Cache {
    /// Drops what has expired.
    pub fn expire(&mut self, now_seconds: u64) {
        while let Some((expires_at, contract, key)) = self.by_expiry.first().cloned() {
            if expires_at > now_seconds {
                break;
            }
            self.remove(&contract, &key);
        }
    }

    /// How much is in it.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn item(&self, contract: &AccountBytes, key: &[u8]) -> Option<&Item> {
        self.contracts.get(contract)?.items.get(key)
    }

    fn remove(&mut self, contract: &AccountBytes, key: &[u8]) {
        let Some(section) = self.contracts.get_mut(contract) else { return };
        if let Some((key, item)) = section.items.remove_entry(key) {
            let bytes = item_bytes(&key, &item);
            section.bytes = section.bytes.saturating_sub(bytes);
            self.bytes = self.bytes.saturating_sub(bytes);
            self.by_expiry.remove(&(item.expires_at, *contract, key));
        }
        if section.items.is_empty() {
            self.contracts.remove(contract);
        }
    }

    /// Makes changes, and room for them: what would expire first goes.
    pub(super) fn apply(&mut self, changes: Changes) {
        for (contract, patch) in changes.0 {
            for (key, item) in patch.items {
                self.remove(&contract, &key);
                let Some(item) = item else { continue };
                let bytes = item_bytes(&key, &item);
                self.by_expiry.insert((item.expires_at, contract, key.clone()));
                let section = self.contracts.entry(contract).or_default();
                section.items.insert(key, item);
                section.bytes = section.bytes.saturating_add(bytes);
                self.bytes = self.bytes.saturating_add(bytes);
            }
        }
        while self.bytes > CACHE_BYTES_MAX {
            let Some((_, contract, key)) = self.by_expiry.first().cloned() else { break };
            self.remove(&contract, &key);
        }
    }
}

impl Changes {
    fn patch(&mut self, cache: &Cache, contract: &AccountBytes) -> &mut Patch {
        self.0.entry(*contract).or_insert_with(|| Patch {
            items: BTreeMap::new(),
            bytes: cache.contracts.get(contract).map_or(0, |section| section.bytes),
        })
    }

    fn item<'a>(&'a self, cache: &'a Cache, contract: &AccountBytes, key: &[u8]) -> Option<&'a Item> {
        match self.0.get(contract).and_then(|patch| patch.items.get(key)) {
            Some(changed) => changed.as_ref(),
            None => cache.item(contract, key),
        }
    }

    pub(super) fn get(&self, cache: &Cache, contract: &AccountBytes, key: &[u8]) -> Option<Vec<u8>> {
        self.item(cache, contract, key).map(|item| item.value.clone())
    }

    fn put(&mut self, cache: &Cache, contract: &AccountBytes, key: Vec<u8>, item: Option<Item>) {
        let old = self.item(cache, contract, &key).map_or(0, |item| item_bytes(&key, item));
        let new = item.as_ref().map_or(0, |item| item_bytes(&key, item));
        let patch = self.patch(cache, contract);
        patch.bytes = patch.bytes.saturating_sub(old).saturating_add(new);
        patch.items.insert(key, item);
    }

    pub(super) fn set(
        &mut self,
        cache: &Cache,
        contract: &AccountBytes,
        key: Vec<u8>,
        value: Vec<u8>,
        now_seconds: u64,
    ) -> Result<(), QuotaExceeded> {
        if key.len() > KEY_BYTES_MAX || value.len() > VALUE_BYTES_MAX {
            return Err(QuotaExceeded);
        }
        let item = Item { value, expires_at: now_seconds.saturating_add(TTL_SECONDS_MAX) };
        let old = self.item(cache, contract, &key).map_or(0, |item| item_bytes(&key, item));
        let others = self.patch(cache, contract).bytes.saturating_sub(old);
        if others.saturating_add(item_bytes(&key, &item)) > CONTRACT_BYTES_MAX {
            return Err(QuotaExceeded);
        }
        self.put(cache, contract, key, Some(item));
        Ok(())
    }

    pub(super) fn set_expiration(
        &mut self,
        cache: &Cache,
        contract: &AccountBytes,
        key: Vec<u8>,
        seconds: u64,
        now_seconds: u64,
    ) {
        let Some(mut item) = self.item(cache, contract, &key).cloned() else { return };
        item.expires_at = now_seconds.saturating_add(seconds.min(TTL_SECONDS_MAX));
        self.put(cache, contract, key, (seconds > 0).then_some(item));
    }

    pub(super) fn remove(&mut self, cache: &Cache, contract: &AccountBytes, key: Vec<u8>) -> Option<Vec<u8>> {
        let value = self.get(cache, contract, &key)?;
        self.put(cache, contract, key, None);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: AccountBytes = [1; 32];
    const B: AccountBytes = [2; 32];

    /// Sets values of a contract, in a query of their own.
    fn set(
        cache: &mut Cache,
        contract: AccountBytes,
        keys: std::ops::Range<u32>,
        bytes: usize,
        now: u64,
    ) -> usize {
        let mut changes = Changes::default();
        let kept = keys
            .filter(|key| {
                changes.set(cache, &contract, key.to_be_bytes().to_vec(), vec![7; bytes], now).is_ok()
            })
            .count();
        cache.apply(changes);
        kept
    }

    fn get(cache: &Cache, contract: AccountBytes, key: u32) -> Option<usize> {
        Changes::default().get(cache, &contract, &key.to_be_bytes()).map(|value| value.len())
    }

    #[test]
    fn an_item_is_the_contracts_own_until_it_expires() {
        let mut cache = Cache::default();
        set(&mut cache, A, 0..1, 10, 1000);
        assert_eq!((get(&cache, A, 0), get(&cache, B, 0)), (Some(10), None));
        cache.expire(1000 + TTL_SECONDS_MAX - 1);
        assert_eq!(get(&cache, A, 0), Some(10));
        cache.expire(1000 + TTL_SECONDS_MAX);
        assert_eq!(get(&cache, A, 0), None);
        assert_eq!(cache.bytes(), 0);
    }

    #[test]
    fn an_expiration_is_at_most_a_week_and_zero_removes() {
        let mut cache = Cache::default();
        set(&mut cache, A, 0..2, 10, 1000);
        let mut changes = Changes::default();
        changes.set_expiration(&cache, &A, 0u32.to_be_bytes().to_vec(), 60, 1000);
        changes.set_expiration(&cache, &A, 1u32.to_be_bytes().to_vec(), u64::MAX, 1000);
        changes.set_expiration(&cache, &A, b"nothing".to_vec(), 60, 1000);
        cache.apply(changes);
        cache.expire(1060);
        assert_eq!((get(&cache, A, 0), get(&cache, A, 1)), (None, Some(10)));
        cache.expire(1000 + TTL_SECONDS_MAX);
        assert_eq!(get(&cache, A, 1), None);
        set(&mut cache, A, 0..1, 10, 2000);
        let mut changes = Changes::default();
        changes.set_expiration(&cache, &A, 0u32.to_be_bytes().to_vec(), 0, 2000);
        cache.apply(changes);
        assert_eq!(get(&cache, A, 0), None);
    }

    #[test]
    fn a_contract_has_a_quota_that_replacing_does_not_use_up() {
        let mut cache = Cache::default();
        let kept = set(&mut cache, A, 0..100, VALUE_BYTES_MAX, 0);
        assert_eq!(kept, CONTRACT_BYTES_MAX / (VALUE_BYTES_MAX + ITEM_OVERHEAD_BYTES + 8));
        for _ in 0..3 {
            assert_eq!(set(&mut cache, A, 0..1, VALUE_BYTES_MAX, 0), 1);
        }
        assert_eq!(set(&mut cache, A, 1000..1001, VALUE_BYTES_MAX, 0), 0);
        assert_eq!(set(&mut cache, B, 0..1, VALUE_BYTES_MAX, 0), 1);
        let mut changes = Changes::default();
        assert_eq!(changes.set(&cache, &B, vec![0; KEY_BYTES_MAX + 1], vec![], 0), Err(QuotaExceeded));
        assert_eq!(changes.set(&cache, &B, vec![], vec![0; VALUE_BYTES_MAX + 1], 0), Err(QuotaExceeded));
    }

    #[test]
    fn many_contracts_never_take_more_than_the_caches_size() {
        let mut cache = Cache::default();
        for contract in 0..60u8 {
            set(&mut cache, [contract; 32], 0..100, VALUE_BYTES_MAX, contract.into());
            assert!(cache.bytes() <= CACHE_BYTES_MAX);
        }
        // What would expire first went.
        assert_eq!(get(&cache, [0; 32], 0), None);
        assert_eq!(get(&cache, [59; 32], 0), Some(VALUE_BYTES_MAX));
        cache.expire(u64::MAX);
        assert_eq!((cache.bytes(), cache.by_expiry.len(), cache.contracts.len()), (0, 0, 0));
    }
}
