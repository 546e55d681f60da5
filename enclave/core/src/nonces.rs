//! The nonces of queries, remembered for as long as a query could be replayed.

use phala_types::{BlockNumber, Nonce, limits::NONCES_MAX};
use std::collections::{BTreeMap, BTreeSet};

/// A query names a block, and is refused once that block is too old: so its nonce need not be remembered longer.
#[derive(Default)]
pub struct Nonces {
    all: BTreeSet<Nonce>,
    /// The same, by the block that their queries name.
    by_block: BTreeMap<BlockNumber, Vec<Nonce>>,
}

/// Why a nonce was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NonceError {
    /// It was used before.
    Reused,
    /// As many are remembered as may be.
    Full,
}

impl Nonces {
    /// Forgets the nonces of blocks before `oldest`, whose queries are refused from now on.
    pub fn forget_before(&mut self, oldest: BlockNumber) {
        let kept = self.by_block.split_off(&oldest);
        let dropped = core::mem::replace(&mut self.by_block, kept);
        for nonce in dropped.into_values().flatten() {
            self.all.remove(&nonce);
        }
    }

    /// Takes the nonce of a query that names `block`, unless it was taken with any block that is remembered.
    pub fn take(&mut self, block: BlockNumber, nonce: Nonce) -> Result<(), NonceError> {
        if self.all.contains(&nonce) {
            return Err(NonceError::Reused);
        }
        if self.all.len() >= NONCES_MAX {
            return Err(NonceError::Full);
        }
        self.all.insert(nonce);
        self.by_block.entry(block).or_default().push(nonce);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonce_is_taken_once_while_it_could_be_replayed() {
        let mut nonces = Nonces::default();
        let (block, nonce) = (BlockNumber::new(5), Nonce::new([1; 32]));
        assert_eq!(nonces.take(block, nonce), Ok(()));
        assert_eq!(nonces.take(block, nonce), Err(NonceError::Reused));
        assert_eq!(nonces.take(BlockNumber::new(6), nonce), Err(NonceError::Reused));
        nonces.forget_before(block);
        assert_eq!(nonces.take(block, nonce), Err(NonceError::Reused));
        nonces.forget_before(BlockNumber::new(6));
        assert_eq!(nonces.take(BlockNumber::new(6), nonce), Ok(()));
    }

    #[test]
    fn memory_for_nonces_is_bounded() {
        let mut nonces = Nonces::default();
        for i in 0..NONCES_MAX {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&(i as u64).to_le_bytes());
            assert_eq!(nonces.take(BlockNumber::new(1), Nonce::new(bytes)), Ok(()));
        }
        assert_eq!(nonces.take(BlockNumber::new(1), Nonce::new([255; 32])), Err(NonceError::Full));
        nonces.forget_before(BlockNumber::new(2));
        assert_eq!(nonces.take(BlockNumber::new(2), Nonce::new([255; 32])), Ok(()));
    }
}
