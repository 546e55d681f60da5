// SPDX-License-Identifier: Apache-2.0
//! What a command has of the extensions: only what is the same on every replica.

use super::Backend;
use super::keys::ClusterKey;
use super::query::QueryExtensions;
use crate::host::AccountBytes;

/// The extensions during one command.
#[derive(Debug)]
pub struct CommandExtensions {
    keys: ClusterKey,
    tip: [u8; 32],
    number: u64,
}

impl CommandExtensions {
    /// For the command of this number, after which its topic's hash chain has this tip: the tip depends on every message
    /// of the cluster so far, and on the blocks that hold them.
    pub fn new(keys: ClusterKey, tip: [u8; 32], number: u64) -> Self {
        Self { keys, tip, number }
    }
}

impl Backend for CommandExtensions {
    fn keys(&self) -> &ClusterKey {
        &self.keys
    }

    fn beacon(&self, contract: &AccountBytes, subject: &[u8]) -> [u8; 32] {
        self.keys.contract(contract).beacon(&self.tip, self.number, subject)
    }

    fn query(&mut self) -> Option<&mut QueryExtensions> {
        None
    }
}
