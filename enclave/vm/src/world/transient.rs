// SPDX-License-Identifier: Apache-2.0
//! Transient storage: values that live as long as the outermost call, and are undone with the frame that wrote them.
//!
//! What a write counts for, and how much of the room a frame leaves to its callees, are pallet-contracts' rules, so that
//! the same writes fail.

use std::collections::BTreeMap;

use crate::Trap;
use crate::host::{AccountBytes, HostError, StorageKey};

/// What all writes of one call may count for: as in the pallet's reference configuration.
pub const TRANSIENT_BYTES_MAX: u32 = 1024 * 1024;
/// A frame's callees get what is left to it but for one part in so many.
const KEPT_BACK: u32 = 16;
/// What the name of a value counts for, beyond its key: an account and a hash.
const NAME_BYTES: u32 = 32 + 16;
/// What remembering the value before a write counts for, beyond the name.
const UNDO_BYTES: u32 = 48;
/// What a value that was not there counts for, beyond a second copy of its name.
const NEW_BYTES: u32 = 24;

type Name = (AccountBytes, StorageKey);

/// The values, and how to undo each write.
pub(super) struct Transient {
    values: BTreeMap<Name, Vec<u8>>,
    /// What was there before each write, oldest first.
    undo: Vec<(Name, Option<Vec<u8>>)>,
    frames: Vec<Room>,
}

/// What one frame, with the callees that succeeded, has written.
struct Room {
    used: u32,
    limit: u32,
    /// How long the list of undos was when the frame began.
    began_at: usize,
}

impl Transient {
    pub(super) fn new() -> Self {
        Self { values: BTreeMap::new(), undo: Vec::new(), frames: Vec::new() }
    }

    /// A frame begins.
    pub(super) fn begin(&mut self) {
        let limit = self.frames.last().map_or(TRANSIENT_BYTES_MAX, |room| {
            let left = room.limit.saturating_sub(room.used);
            left.saturating_sub(left.checked_div(KEPT_BACK).unwrap_or(0))
        });
        self.frames.push(Room { used: 0, limit, began_at: self.undo.len() });
    }

    /// The innermost frame ends, and its writes stay or go.
    pub(super) fn end(&mut self, keep: bool) {
        let Some(room) = self.frames.pop() else { return };
        if keep {
            if let Some(below) = self.frames.last_mut() {
                below.used = below.used.saturating_add(room.used);
            }
            return;
        }
        while self.undo.len() > room.began_at {
            match self.undo.pop() {
                Some((name, Some(value))) => self.values.insert(name, value),
                Some((name, None)) => self.values.remove(&name),
                None => return,
            };
        }
    }

    pub(super) fn get(&self, account: &AccountBytes, key: &StorageKey) -> Option<&Vec<u8>> {
        self.values.get(&(*account, key.clone()))
    }

    /// Writes or removes, and returns what was there.
    pub(super) fn set(
        &mut self,
        account: &AccountBytes,
        key: &StorageKey,
        value: Option<Vec<u8>>,
    ) -> Result<Option<Vec<u8>>, HostError> {
        let name = (*account, key.clone());
        let old = self.values.get(&name).cloned();
        if old == value {
            return Ok(old);
        }
        if let Some(value) = &value {
            self.charge(key, value.len(), old.is_none())?;
        }
        match value {
            Some(value) => self.values.insert(name.clone(), value),
            None => self.values.remove(&name),
        };
        self.undo.push((name, old.clone()));
        Ok(old)
    }

    fn charge(&mut self, key: &StorageKey, value_bytes: usize, is_new: bool) -> Result<(), HostError> {
        let full = HostError::Denied(Trap::TransientStorageFull);
        let name = u32::try_from(key.as_bytes().len()).map_err(|_| full)?.saturating_add(NAME_BYTES);
        let value = u32::try_from(value_bytes).map_err(|_| full)?;
        let mut bytes = value.saturating_add(name).saturating_add(UNDO_BYTES);
        if is_new {
            bytes = bytes.saturating_add(name).saturating_add(NEW_BYTES);
        }
        let room = self.frames.last_mut().ok_or(HostError::Fault)?;
        let used = room.used.saturating_add(bytes);
        if used > room.limit {
            return Err(full);
        }
        room.used = used;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: AccountBytes = [1; 32];

    fn key(byte: u8) -> StorageKey {
        StorageKey::Variable(vec![byte])
    }

    #[test]
    fn a_frame_that_fails_undoes_its_writes_and_those_of_its_callees() {
        let mut transient = Transient::new();
        transient.begin();
        transient.set(&A, &key(1), Some(vec![1])).unwrap();
        transient.begin();
        transient.set(&A, &key(1), Some(vec![2])).unwrap();
        transient.begin();
        transient.set(&A, &key(1), None).unwrap();
        transient.set(&A, &key(2), Some(vec![3])).unwrap();
        transient.end(true);
        assert_eq!(transient.get(&A, &key(1)), None);
        transient.end(false);
        assert_eq!(transient.get(&A, &key(1)), Some(&vec![1]));
        assert_eq!(transient.get(&A, &key(2)), None);
    }

    #[test]
    fn room_is_bounded_and_given_back_by_a_frame_that_fails() {
        let mut transient = Transient::new();
        transient.begin();
        let full = Err(HostError::Denied(Trap::TransientStorageFull));
        let most = vec![0; TRANSIENT_BYTES_MAX as usize / 2];
        transient.set(&A, &key(1), Some(most.clone())).unwrap();
        assert_eq!(transient.set(&A, &key(2), Some(most.clone())), full);
        transient.begin();
        let nearly = vec![0; TRANSIENT_BYTES_MAX as usize * 7 / 16];
        transient.set(&A, &key(2), Some(nearly.clone())).unwrap();
        transient.end(false);
        transient.begin();
        transient.set(&A, &key(2), Some(nearly.clone())).unwrap();
        transient.end(true);
        assert_eq!(transient.set(&A, &key(3), Some(nearly)), full);
    }

    #[test]
    fn a_write_that_changes_nothing_costs_nothing() {
        let mut transient = Transient::new();
        transient.begin();
        let most = vec![7; TRANSIENT_BYTES_MAX as usize - 1024];
        for _ in 0..3 {
            transient.set(&A, &key(1), Some(most.clone())).unwrap();
        }
        assert_eq!(transient.set(&A, &key(9), None), Ok(None));
    }
}
