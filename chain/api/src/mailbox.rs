//! Messages to workers, as the chain stores them.

use crate::{NodeError, node::Node};
use codec::DecodeAll as _;
use phala_light::keys;
use phala_types::{
    BlockHash, MessageNumber, Untrusted,
    mailbox::{Message, Topic},
};
use subxt::utils::H256;

/// Messages asked for at once. The answer to a batch of large messages may be over the node's bound: then the batch is
/// halved.
const BATCH_MAX: u64 = 64;

impl Node {
    /// Messages of a topic from number `from`, at most `limit` of them, up to the first one that the block's storage
    /// does not have. Stops early once they take more than `bytes_max` bytes.
    pub async fn messages(
        &self,
        topic: Topic,
        from: MessageNumber,
        limit: u64,
        bytes_max: usize,
        at: BlockHash,
    ) -> Result<Untrusted<Vec<Message>>, NodeError> {
        let mut messages = Vec::new();
        let mut bytes = 0usize;
        let mut batch = BATCH_MAX;
        while (messages.len() as u64) < limit && bytes < bytes_max {
            let done = messages.len() as u64;
            let first = from.value().saturating_add(done);
            let count = batch.min(limit - done);
            let values = match self.message_batch(topic, first, count, at).await {
                Err(NodeError::Refused { .. } | NodeError::Malformed { .. }) if batch > 1 => {
                    batch /= 2;
                    continue;
                }
                values => values?,
            };
            let complete = values.len() as u64 == count;
            for value in values {
                bytes = bytes.saturating_add(value.len());
                messages.push(decode(&value)?);
            }
            if !complete {
                break;
            }
        }
        Ok(Untrusted::new(messages))
    }

    /// The raw values of up to `count` messages, up to the first one that is not there.
    async fn message_batch(
        &self,
        topic: Topic,
        first: u64,
        count: u64,
        at: BlockHash,
    ) -> Result<Vec<Vec<u8>>, NodeError> {
        let keys: Vec<_> = (first..first.saturating_add(count))
            .map(|number| keys::message(topic, MessageNumber::new(number)))
            .collect();
        let changes = self
            .methods
            .state_query_storage_at(keys.iter().map(Vec::as_slice), Some(H256(*at.as_bytes())))
            .await
            .map_err(|error| NodeError::from_rpc("state_queryStorageAt", error))?;
        let mut found: std::collections::BTreeMap<_, _> = changes
            .into_iter()
            .flat_map(|set| set.changes)
            .filter_map(|(key, value)| value.map(|value| (key.0, value.0)))
            .collect();
        Ok(keys.iter().map_while(|key| found.remove(key)).collect())
    }
}

fn decode(value: &[u8]) -> Result<Message, NodeError> {
    Message::decode_all(&mut &value[..])
        .map_err(|error| NodeError::malformed("state_queryStorageAt", format!("is not a message: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Encode as _;
    use phala_types::{BlockNumber, CodeHash, ContractId, Millis, cluster::ClusterMessage};

    #[test]
    fn message_is_decoded_whole_or_not_at_all() {
        let message = Message {
            number: MessageNumber::new(3),
            block: BlockNumber::new(2),
            timestamp: Millis::new(1),
            body: ClusterMessage::ContractDeployed {
                contract: ContractId::new([1; 32]),
                code_hash: CodeHash::new([2; 32]),
                envelope: vec![5; 10].try_into().unwrap(),
            },
        };
        let mut bytes = message.encode();
        assert_eq!(decode(&bytes).unwrap(), message);
        assert!(decode(&bytes[..bytes.len() - 1]).is_err());
        bytes.push(0);
        assert!(decode(&bytes).is_err());
    }
}
