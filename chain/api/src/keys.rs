//! Keys of the chain's storage.

use codec::Encode;
use phala_types::{
    ClusterId, ContractId, MessageNumber, WorkerId,
    mailbox::Topic,
    storage::{self, Item},
};
use sp_crypto_hashing::{blake2_128, twox_64, twox_128};

/// What all keys of an item begin with, which is the key itself if the item is a plain value.
pub fn prefix(item: Item) -> Vec<u8> {
    [twox_128(item.pallet.as_bytes()), twox_128(item.name.as_bytes())].concat()
}

/// The GRANDPA authorities.
pub fn grandpa_authorities() -> Vec<u8> {
    prefix(storage::GRANDPA_AUTHORITIES)
}

/// The block's time.
pub fn timestamp() -> Vec<u8> {
    prefix(storage::TIMESTAMP_NOW)
}

/// A topic's tip.
pub fn tip(topic: Topic) -> Vec<u8> {
    blake2_128_concat(storage::MAILBOX_TIPS, &topic)
}

/// A message of a topic.
pub fn message(topic: Topic, number: MessageNumber) -> Vec<u8> {
    let mut key = blake2_128_concat(storage::MAILBOX_MESSAGES, &topic);
    let number = number.encode();
    key.extend(twox_64(&number));
    key.extend(number);
    key
}

/// A worker's record.
pub fn worker(id: &WorkerId) -> Vec<u8> {
    blake2_128_concat(storage::WORKERS, id)
}

/// A worker's cluster.
pub fn membership(id: &WorkerId) -> Vec<u8> {
    blake2_128_concat(storage::MEMBERSHIPS, id)
}

/// A contract's record.
pub fn contract(id: &ContractId) -> Vec<u8> {
    blake2_128_concat(storage::CONTRACTS, id)
}

/// A cluster's newest checkpoint.
pub fn checkpoint(cluster: ClusterId) -> Vec<u8> {
    blake2_128_concat(storage::CHECKPOINTS, &cluster)
}

fn blake2_128_concat(item: Item, key: &impl Encode) -> Vec<u8> {
    let mut bytes = prefix(item);
    let key = key.encode();
    bytes.extend(blake2_128(&key));
    bytes.extend(key);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_value_has_the_key_that_all_substrate_chains_give_it() {
        // `Timestamp.Now` and `Grandpa.Authorities`, as polkadot.js apps show them for any chain.
        let hex = |bytes: Vec<u8>| hex::encode(bytes);
        assert_eq!(hex(timestamp()), "f0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb");
        assert_eq!(
            hex(grandpa_authorities()),
            "5f9cc45b7a00c5899361e1c6099678dc5e0621c4869aa60c02be9adcc98a0d1d"
        );
    }
}
