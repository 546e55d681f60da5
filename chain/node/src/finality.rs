//! Proofs that blocks of the past are final: what `grandpa_proveFinality` answers.
//!
//! Substrate's own answer is not enough for light clients. It refuses every block as long as the first authorities are
//! in office, and it adds all headers up to the proven block, which for a set that lasts a day is more than a reply may
//! hold. This one answers from block 1 on, and leaves the headers out: who needs one asks for it.

use crate::service::Backend;
use phala_runtime::{BlockNumber, Hash, opaque::Block};
use polkadot_sdk::*;

use codec::Encode as _;
use sc_consensus_grandpa::{
    FinalityProof, FinalityProofError, FinalityProofProvider, GrandpaJustification, SharedAuthoritySet,
};
use std::sync::Arc;

/// What proofs are made from.
pub struct FinalityProofs {
    backend: Arc<Backend>,
    authorities: SharedAuthoritySet<Hash, BlockNumber>,
    provider: FinalityProofProvider<Backend, Block>,
}

impl FinalityProofs {
    /// From the database and GRANDPA's authorities.
    pub fn new(backend: Arc<Backend>, authorities: SharedAuthoritySet<Hash, BlockNumber>) -> Self {
        let provider = FinalityProofProvider::new(backend.clone(), Some(authorities.clone()));
        Self { backend, authorities, provider }
    }

    /// SCALE of a `FinalityProof` for a block: the justification of the last block that its authorities finalized, or, if
    /// they are still in office, of the newest finalized block. `None` if the node has no such justification.
    pub fn prove(&self, block: BlockNumber) -> Result<Option<Vec<u8>>, FinalityProofError> {
        let proof = if self.authorities.set_id() == 0 {
            self.prove_by_first_authorities(block)?
        } else {
            self.provider.prove_finality_proof(block, false)?
        };
        Ok(proof.map(|proof| proof.encode()))
    }

    fn prove_by_first_authorities(
        &self,
        block: BlockNumber,
    ) -> Result<Option<FinalityProof<phala_runtime::Header>>, FinalityProofError> {
        let newest: Option<GrandpaJustification<Block>> =
            sc_consensus_grandpa::best_justification(&*self.backend)?;
        let Some(justification) = newest else { return Ok(None) };
        let (number, hash) = justification.target();
        if number < block {
            return Err(FinalityProofError::BlockNotYetFinalized);
        }
        Ok(Some(FinalityProof {
            block: hash,
            justification: justification.encode(),
            unknown_headers: Vec::new(),
        }))
    }
}
