//! What clients can ask beyond the standard set (state, chain, author, system, chainHead, archive).

use crate::{
    finality::FinalityProofs,
    service::{Backend, Client, Pool, SelectChain},
};
use phala_runtime::{BlockNumber, Hash, opaque::Block};
use polkadot_sdk::*;

use jsonrpsee::{
    RpcModule,
    types::{ErrorObjectOwned, Params},
};
use sc_consensus_babe::BabeWorkerHandle;
use sc_consensus_grandpa::{
    FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState,
};
use sc_rpc::SubscriptionTaskExecutor;
use sp_core::Bytes;
use std::sync::Arc;

/// What the answers are made from.
pub struct Sources {
    /// Blocks and state.
    pub client: Arc<Client>,
    /// Transactions that are not in a block yet.
    pub pool: Arc<Pool>,
    /// The best chain.
    pub select_chain: SelectChain,
    /// This node's keys.
    pub keystore: sp_keystore::KeystorePtr,
    /// BABE's epochs.
    pub babe: BabeWorkerHandle<Block>,
    /// GRANDPA's round.
    pub voter_state: SharedVoterState,
    /// GRANDPA's authorities.
    pub authorities: SharedAuthoritySet<Hash, BlockNumber>,
    /// Justifications as they are made. The relay and clients live on them.
    pub justifications: GrandpaJustificationStream<Block>,
    /// Justifications of the past.
    pub finality_proofs: Arc<FinalityProofs>,
    /// The database.
    pub backend: Arc<Backend>,
}

/// The methods: `system_accountNextIndex`, `payment_*`, `babe_*` and `grandpa_*`.
pub fn module(
    sources: &Sources,
    executor: SubscriptionTaskExecutor,
) -> Result<RpcModule<()>, jsonrpsee::core::RegisterMethodError> {
    use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
    use sc_consensus_babe_rpc::{Babe, BabeApiServer};
    use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
    use substrate_frame_rpc_system::{System, SystemApiServer};

    let Sources {
        client,
        pool,
        select_chain,
        keystore,
        babe,
        voter_state,
        authorities,
        justifications,
        finality_proofs,
        backend,
    } = sources;
    let mut module = RpcModule::new(());
    module.merge(System::new(client.clone(), pool.clone()).into_rpc())?;
    module.merge(TransactionPayment::new(client.clone()).into_rpc())?;
    module
        .merge(Babe::new(client.clone(), babe.clone(), keystore.clone(), select_chain.clone()).into_rpc())?;
    let substrate_proofs = FinalityProofProvider::new(backend.clone(), Some(authorities.clone()));
    let mut grandpa = Grandpa::new(
        executor,
        authorities.clone(),
        voter_state.clone(),
        justifications.clone(),
        Arc::new(substrate_proofs),
    )
    .into_rpc();
    grandpa.remove_method(PROVE_FINALITY);
    module.merge(grandpa)?;
    let finality_proofs = finality_proofs.clone();
    module.register_method(PROVE_FINALITY, move |params, _, _| prove_finality(&finality_proofs, &params))?;
    Ok(module)
}

/// The one method that is answered by [`FinalityProofs`] instead of Substrate.
const PROVE_FINALITY: &str = "grandpa_proveFinality";

/// The error code that Substrate gives when it cannot prove finality.
const PROVE_FINALITY_FAILED: i32 = 4;

fn prove_finality(proofs: &FinalityProofs, params: &Params<'_>) -> Result<Option<Bytes>, ErrorObjectOwned> {
    let proof = proofs.prove(params.one()?).map_err(|error| {
        // The words are Substrate's too, for clients that look at them.
        let text = format!("GRANDPA prove finality rpc failed: {error}");
        ErrorObjectOwned::owned(PROVE_FINALITY_FAILED, text, None::<()>)
    })?;
    Ok(proof.map(Bytes))
}
