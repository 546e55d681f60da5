// SPDX-License-Identifier: Apache-2.0
//! Compiled code, kept so that it is compiled once and not in every call.

use std::collections::BTreeMap;

use phala_types::code::CodeRefusal;

use crate::engine::Engine;
use crate::host::HashBytes;

/// The most bytes of WebAssembly whose compiled forms are kept. Each of two forms takes four to eight times as much memory:
/// half of the 1 GiB that a worker is meant to have. An eviction costs time and never changes an outcome.
pub const CODES_BYTES_MAX: usize = 32 * 1024 * 1024;
/// What the smallest code counts for: its compiled form has pages of memory of its own. It bounds how many are kept.
const CODE_BYTES_LEAST: usize = 16 * 1024;

/// Compiled code by its hash. When it takes more than [`CODES_BYTES_MAX`], what was not used for longest goes.
pub struct Codes<E: Engine> {
    kept: BTreeMap<HashBytes, Kept<E::Artifact>>,
    bytes: usize,
    bytes_max: usize,
    clock: u64,
}

struct Kept<A> {
    artifact: A,
    bytes: usize,
    used_at: u64,
}

impl<E: Engine> Default for Codes<E> {
    fn default() -> Self {
        Self::with_bytes_max(CODES_BYTES_MAX)
    }
}

impl<E: Engine> Codes<E> {
    /// None yet, and room for this many bytes of WebAssembly. The newest code is kept in any case.
    #[must_use]
    pub fn with_bytes_max(bytes_max: usize) -> Self {
        Self { kept: BTreeMap::new(), bytes: 0, bytes_max, clock: 0 }
    }

    /// The compiled form of code, which is compiled now unless it is kept. The hash must be the code's.
    ///
    /// # Errors
    /// [`CodeRefusal`], by the engine.
    pub fn artifact(
        &mut self,
        engine: &E,
        hash: &HashBytes,
        wasm: &[u8],
    ) -> Result<E::Artifact, CodeRefusal> {
        // Wraps after more calls than there will be.
        self.clock = self.clock.wrapping_add(1);
        if let Some(kept) = self.kept.get_mut(hash) {
            kept.used_at = self.clock;
            return Ok(kept.artifact.clone());
        }
        let artifact = engine.prepare(wasm)?;
        let bytes = wasm.len().max(CODE_BYTES_LEAST);
        self.make_room(bytes);
        self.bytes = self.bytes.saturating_add(bytes);
        self.kept.insert(*hash, Kept { artifact: artifact.clone(), bytes, used_at: self.clock });
        Ok(artifact)
    }

    /// How many codes are kept.
    #[must_use]
    pub fn count(&self) -> usize {
        self.kept.len()
    }

    /// Whether this code is kept.
    #[must_use]
    pub fn contains(&self, hash: &HashBytes) -> bool {
        self.kept.contains_key(hash)
    }

    fn make_room(&mut self, bytes: usize) {
        while self.bytes.saturating_add(bytes) > self.bytes_max {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.used_at).map(|(hash, _)| *hash);
            let Some(removed) = oldest.and_then(|hash| self.kept.remove(&hash)) else { return };
            self.bytes = self.bytes.saturating_sub(removed.bytes);
        }
    }
}
