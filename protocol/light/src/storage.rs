//! Values from storage proofs.

use crate::ProofError;
use alloc::{collections::BTreeMap, vec::Vec};
use codec::Decode;
use phala_types::{Untrusted, decode_exact, finality::StorageProof};
use sp_core::{Blake2Hasher, H256};
use sp_trie::{EMPTY_PREFIX, HashDBT, LayoutV1, MemoryDB, TrieError, read_trie_value};

/// The node of a trie without values.
pub(crate) const EMPTY_TRIE: &[u8] = &[0];

/// Values that were proven, and keys that were proven to have none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Values(BTreeMap<Vec<u8>, Option<Vec<u8>>>);

impl Values {
    /// The value at `key`, or `None` if it is proven absent. A key that was not read is an error and not absent.
    pub fn get(&self, key: &[u8]) -> Result<Option<&[u8]>, ProofError> {
        self.0.get(key).map(Option::as_deref).ok_or(ProofError::NotRead)
    }

    /// The value at `key`, decoded whole.
    pub fn decode<T: Decode>(&self, key: &[u8]) -> Result<Option<T>, ProofError> {
        let value = self.get(key)?;
        value.map(decode_exact).transpose().map_err(|_| ProofError::MalformedValue)
    }

    /// The value at `key`, which has to be there.
    pub fn decode_present<T: Decode>(&self, key: &[u8]) -> Result<T, ProofError> {
        self.decode(key)?.ok_or(ProofError::AbsentValue)
    }
}

/// Reads `keys` below `root`. Nodes that are not needed are not an error: they prove nothing.
///
/// Tries of state version 0 and 1 read alike, so a chain may move from one to the other.
pub(crate) fn read(
    root: &[u8; 32],
    proof: Untrusted<&StorageProof>,
    keys: &[Vec<u8>],
) -> Result<Values, ProofError> {
    let mut nodes = MemoryDB::<Blake2Hasher>::new(EMPTY_TRIE);
    for node in &proof.unverified().nodes {
        // Stored by its hash, so that each node is found only as what a hash above it names.
        nodes.insert(EMPTY_PREFIX, node);
    }
    let root = H256::from(root);
    let read_one = |key: &Vec<u8>| {
        let value = read_trie_value::<LayoutV1<Blake2Hasher>, _>(&nodes, &root, key, None, None);
        Ok((key.clone(), value.map_err(|error| proof_error(&error))?))
    };
    keys.iter().map(read_one).collect::<Result<_, _>>().map(Values)
}

fn proof_error(error: &TrieError<LayoutV1<Blake2Hasher>>) -> ProofError {
    type Error = TrieError<LayoutV1<Blake2Hasher>>;
    match error {
        Error::InvalidStateRoot(_) => ProofError::ForeignRoot,
        Error::IncompleteDatabase(_) => ProofError::MissingNode,
        Error::ValueAtIncompleteKey(..) | Error::DecoderError(..) | Error::InvalidHash(..) => {
            ProofError::MalformedNode
        }
    }
}
