//! Proofs that blocks are final, from where a light client stands to the chain's head.

use crate::{NodeError, node::Node};
use codec::Decode;
use phala_light::keys;
use phala_types::{
    BlockHash, BlockNumber, BlockRef, Bytes, Untrusted,
    finality::{FinalityProof, GenesisProof},
    limits::{HANDOFFS_MAX, JUSTIFICATION_BYTES_MAX},
};
use std::borrow::Cow;
use subxt::rpcs::{client::RpcSubscription, client::rpc_params};

/// What a node says whose newest justification is a moment older than its newest finalized block.
const NOT_YET: &str = "not yet finalized";

/// A finality proof and what it is for. Nothing of it is verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FinalityStep {
    /// The block that the proof is for.
    pub block: BlockRef,
    /// Whether the block hands over to new authorities, so that no light client can skip it.
    pub is_handoff: bool,
    /// The proof.
    pub proof: FinalityProof,
}

impl Node {
    /// Where a light client begins. The node must have kept the state of block 0 (`--state-pruning archive`).
    pub async fn genesis_proof(&self) -> Result<Untrusted<GenesisProof>, NodeError> {
        let hash = BlockHash::new(*self.genesis_hash().as_unverified().as_bytes());
        let header = self.header(hash).await?.unverified();
        let authorities = self.storage_proof(&[keys::grandpa_authorities()], hash).await?.unverified();
        Ok(Untrusted::new(GenesisProof { header: header.scale, authorities }))
    }

    /// Proofs for each hand-off after the block `known`, and last, unless it is `known` itself, for the newest
    /// justified block.
    pub async fn finality_after(
        &self,
        known: BlockNumber,
    ) -> Result<Vec<Untrusted<FinalityStep>>, NodeError> {
        const CALL: &str = "grandpa_proveFinality";
        let head = self.finalized_head().await?.unverified().block.number;
        let mut steps: Vec<FinalityStep> = Vec::new();
        let mut from = known;
        while let Some(next) = from.next().filter(|next| *next <= head) {
            // More would not fit a receipt. Whoever is so far behind asks again from where these end.
            if steps.len() >= HANDOFFS_MAX as usize {
                break;
            }
            let Some(step) = self.prove_finality(next).await? else { break };
            if step.block.number < next {
                return Err(NodeError::malformed(CALL, "proves an earlier block than was asked for"));
            }
            from = step.block.number;
            steps.push(step);
        }
        Ok(steps.into_iter().map(Untrusted::new).collect())
    }

    /// A proof that covers a block: for the last block of its authorities' time, or, if that lasts, for the newest
    /// justified block. `None` if the node has no such justification yet.
    async fn prove_finality(&self, number: BlockNumber) -> Result<Option<FinalityStep>, NodeError> {
        const CALL: &str = "grandpa_proveFinality";
        let answer = self.rpc.request(CALL, rpc_params![number.value()]).await;
        let answer: Option<Cow<'_, str>> = match answer.map_err(|error| NodeError::from_rpc(CALL, error)) {
            Err(NodeError::Refused { reason, .. }) if reason.contains(NOT_YET) => return Ok(None),
            answer => answer?,
        };
        let Some(answer) = answer else { return Ok(None) };
        let (hash, justification) = parse_finality(&from_hex(CALL, &answer)?)?;
        self.step(CALL, hash, justification).await.map(Some)
    }

    /// A proof for each block that the node finalizes from now on. Blocks may be missing between two of them.
    pub async fn subscribe_finality(&self) -> Result<FinalityStream, NodeError> {
        const CALL: &str = "grandpa_subscribeJustifications";
        let inner = self
            .rpc
            .subscribe(CALL, rpc_params![], "grandpa_unsubscribeJustifications")
            .await
            .map_err(|error| NodeError::from_rpc(CALL, error))?;
        Ok(FinalityStream { node: self.clone(), inner })
    }

    async fn step(
        &self,
        call: &'static str,
        hash: BlockHash,
        justification: Vec<u8>,
    ) -> Result<FinalityStep, NodeError> {
        let justification: Bytes<JUSTIFICATION_BYTES_MAX> = justification
            .try_into()
            .map_err(|_| NodeError::malformed(call, "has a justification over the limit"))?;
        let header = self.header(hash).await?.unverified();
        Ok(FinalityStep {
            block: header.block,
            is_handoff: header.changes_authorities,
            proof: FinalityProof { header: header.scale, justification },
        })
    }
}

/// Proofs of blocks as they become final.
pub struct FinalityStream {
    node: Node,
    inner: RpcSubscription<String>,
}

impl FinalityStream {
    /// The next proof. Older ones that wait behind it are skipped if nothing is lost by it: none of them hands over
    /// to new authorities as far as is known here, and [`Node::finality_after`] finds those that do.
    pub async fn next(&mut self) -> Result<Untrusted<FinalityStep>, NodeError> {
        const CALL: &str = "grandpa_subscribeJustifications";
        let ended = || NodeError::Lost { call: CALL, source: "the subscription ended".into() };
        let mut newest = self.inner.next().await.ok_or_else(ended)?;
        while let Some(waiting) = futures::FutureExt::now_or_never(self.inner.next()) {
            newest = waiting.ok_or_else(ended)?;
        }
        let text = newest.map_err(|error| NodeError::from_rpc(CALL, error))?;
        let justification = from_hex(CALL, &text)?;
        let target = justification_target(&justification)
            .ok_or_else(|| NodeError::malformed(CALL, "is too short for a justification"))?;
        self.node.step(CALL, target, justification).await.map(Untrusted::new)
    }
}

/// `FinalityProof` of sc-consensus-grandpa: the block's hash, the justification, and headers that are not needed.
fn parse_finality(mut bytes: &[u8]) -> Result<(BlockHash, Vec<u8>), NodeError> {
    <(BlockHash, Vec<u8>)>::decode(&mut bytes).map_err(|error| {
        NodeError::malformed("grandpa_proveFinality", format!("is not a finality proof: {error}"))
    })
}

/// The target of a `GrandpaJustification` of sc-consensus-grandpa: after the 8-byte round, the commit begins with it.
fn justification_target(bytes: &[u8]) -> Option<BlockHash> {
    <(u64, BlockHash)>::decode(&mut &bytes[..]).ok().map(|(_, target)| target)
}

fn from_hex(call: &'static str, text: &str) -> Result<Vec<u8>, NodeError> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text))
        .map_err(|error| NodeError::malformed(call, format!("is not hexadecimal: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Encode as _;

    #[test]
    fn finality_proof_is_read_up_to_its_justification() {
        let justification = (5u64, BlockHash::new([7; 32]), 9u32).encode();
        let proof = (BlockHash::new([7; 32]), &justification, vec![1u8, 2, 3]).encode();
        let (hash, found) = parse_finality(&proof).unwrap();
        assert_eq!((hash, &found), (BlockHash::new([7; 32]), &justification));
        assert_eq!(justification_target(&found), Some(hash));
    }

    #[test]
    fn truncated_proof_is_an_error() {
        let proof = (BlockHash::new([7; 32]), vec![0u8; 40]).encode();
        assert!(matches!(parse_finality(&proof[..50]), Err(NodeError::Malformed { .. })));
        assert_eq!(justification_target(&[0; 39]), None);
        assert!(matches!(from_hex("x", "0xzz"), Err(NodeError::Malformed { .. })));
    }
}
