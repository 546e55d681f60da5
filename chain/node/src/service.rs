//! How the node's parts are put together: database, BABE, GRANDPA, network, RPC.

use crate::{finality::FinalityProofs, rpc};
use phala_runtime::{Hash, apis::RuntimeApi, opaque::Block};
use polkadot_sdk::*;

use sc_client_api::BlockBackend as _;
use sc_consensus::{BoxBlockImport, DefaultImportQueue};
use sc_consensus_babe::{BabeLink, BabeWorkerHandle, SlotProportion};
use sc_consensus_grandpa::{SharedVoterState, VotingRule, VotingRulesBuilder};
use sc_executor::{DEFAULT_HEAP_ALLOC_STRATEGY, HeapAllocStrategy};
use sc_network::{NetworkBackend, config::FullNetworkConfiguration, service::traits::NetworkService};
use sc_service::{
    BuildNetworkParams, ChainType, Configuration, PartialComponents, SpawnTasksParams, TaskManager,
    WarpSyncConfig, error::Error as ServiceError,
};
use sc_telemetry::{Telemetry, TelemetryWorker};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use std::{sync::Arc, time::Duration};

/// The runtime's executor, with the standard host functions.
pub type Executor = sc_executor::WasmExecutor<sp_io::SubstrateHostFunctions>;
/// Blocks and state.
pub type Client = sc_service::TFullClient<Block, RuntimeApi, Executor>;
/// The database.
pub type Backend = sc_service::TFullBackend<Block>;
/// The longest chain, over the finalized one.
pub type SelectChain = sc_consensus::LongestChain<Backend, Block>;
/// Transactions that are not in a block yet.
pub type Pool = sc_transaction_pool::TransactionPoolHandle<Block, Client>;
type GrandpaLink = sc_consensus_grandpa::LinkHalf<Block, Client, SelectChain>;

/// Keep the justification of every round, not only of one round in some hundred: a receipt names the finalized block
/// that its worker had verified, and whoever checks the receipt years later asks for the justification of that block.
/// It costs about 100 bytes per validator and round.
const JUSTIFICATION_PERIOD: u32 = 1;

/// What only running a node needs of the parts.
pub struct Other {
    /// Imports blocks through BABE and GRANDPA.
    pub block_import: BoxBlockImport<Block>,
    /// To GRANDPA.
    pub grandpa: GrandpaLink,
    /// To BABE.
    pub babe: BabeLink<Block>,
    /// BABE's epochs, for RPC.
    pub babe_worker: BabeWorkerHandle<Block>,
    /// Where the operator wants reports sent, if anywhere.
    pub telemetry: Option<Telemetry>,
}

/// The parts that every command needs, without network.
pub type Parts = PartialComponents<Client, Backend, SelectChain, DefaultImportQueue<Block>, Pool, Other>;

/// Opens the database and puts BABE and GRANDPA before it.
pub fn parts(config: &Configuration) -> Result<Parts, ServiceError> {
    let telemetry = config
        .telemetry_endpoints
        .clone()
        .filter(|endpoints| !endpoints.is_empty())
        .map(|endpoints| -> Result<_, sc_telemetry::Error> {
            let worker = TelemetryWorker::new(16)?;
            let telemetry = worker.handle().new_telemetry(endpoints);
            Ok((worker, telemetry))
        })
        .transpose()?;

    let executor = executor(config)?;
    let (client, backend, keystore_container, task_manager) =
        sc_service::new_full_parts::<Block, RuntimeApi, _>(
            config,
            telemetry.as_ref().map(|(_, telemetry)| telemetry.handle()),
            executor,
            Vec::new(),
        )?;
    let client = Arc::new(client);
    let telemetry = telemetry.map(|(worker, telemetry)| {
        task_manager.spawn_handle().spawn("telemetry", None, worker.run());
        telemetry
    });

    let select_chain = SelectChain::new(backend.clone());
    let transaction_pool = Arc::from(
        sc_transaction_pool::Builder::new(
            task_manager.spawn_essential_handle(),
            client.clone(),
            config.role.is_authority().into(),
        )
        .with_options(config.transaction_pool.clone())
        .with_prometheus(config.prometheus_registry())
        .build(),
    );

    let (grandpa_import, grandpa) = sc_consensus_grandpa::block_import(
        client.clone(),
        JUSTIFICATION_PERIOD,
        &client,
        select_chain.clone(),
        telemetry.as_ref().map(Telemetry::handle),
    )?;
    let babe_config = sc_consensus_babe::configuration(&*client)?;
    let slot_duration = babe_config.slot_duration();
    let (babe_import, babe) = sc_consensus_babe::block_import(
        babe_config,
        grandpa_import.clone(),
        client.clone(),
        move |_, ()| async move { Ok(inherents(slot_duration)) },
        select_chain.clone(),
        OffchainTransactionPoolFactory::new(Arc::clone(&transaction_pool)),
    )?;
    let (import_queue, babe_worker) =
        sc_consensus_babe::import_queue(sc_consensus_babe::ImportQueueParams {
            link: babe.clone(),
            block_import: babe_import.clone(),
            justification_import: Some(Box::new(grandpa_import)),
            client: client.clone(),
            slot_duration,
            spawner: &task_manager.spawn_essential_handle(),
            registry: config.prometheus_registry(),
            telemetry: telemetry.as_ref().map(Telemetry::handle),
        })?;

    let other = Other { block_import: Box::new(babe_import), grandpa, babe, babe_worker, telemetry };
    Ok(PartialComponents {
        client,
        backend,
        task_manager,
        keystore_container,
        select_chain,
        import_queue,
        transaction_pool,
        other,
    })
}

/// The runtime's executor as `sc_service` makes it, and with a folder for native code, so that the WebAssembly is compiled
/// once and not at each start. The folder is the node's own and as trusted as its database.
fn executor(config: &Configuration) -> Result<Executor, ServiceError> {
    let settings = &config.executor;
    let heap = settings
        .default_heap_pages
        .map_or(DEFAULT_HEAP_ALLOC_STRATEGY, |pages| HeapAllocStrategy::Static { extra_pages: pages as u32 });
    // The cache takes no relative path.
    let cache = std::path::absolute(config.data_path.join("wasm"))?;
    Ok(Executor::builder()
        .with_execution_method(settings.wasm_method)
        .with_onchain_heap_alloc_strategy(heap)
        .with_offchain_heap_alloc_strategy(heap)
        .with_max_runtime_instances(settings.max_runtime_instances)
        .with_runtime_cache_size(settings.runtime_cache_size)
        .with_cache_path(cache)
        .build())
}

/// What a block's author tells the runtime: the time and, from it, the slot.
fn inherents(
    slot_duration: sp_consensus_babe::SlotDuration,
) -> (sp_consensus_babe::inherents::InherentDataProvider, sp_timestamp::InherentDataProvider) {
    let now = sp_timestamp::InherentDataProvider::from_system_time();
    let slot = sp_consensus_babe::inherents::InherentDataProvider::from_timestamp_and_slot_duration(
        *now,
        slot_duration,
    );
    (slot, now)
}

/// How long a GRANDPA message may take to reach everybody. A round takes a few of these, so it follows the slot: 83 ms
/// where blocks come each second among a few machines, half a second on the live network.
pub fn gossip_duration(slot_duration: Duration) -> Duration {
    (slot_duration / 12).clamp(Duration::from_millis(50), Duration::from_millis(1_000))
}

/// For which block this node votes. A development network has no forks to be careful of, so it finalizes its best
/// block; others stay two blocks behind it. Either is safe: the rule only decides what is proposed.
fn voting_rule(chain_type: &ChainType) -> impl VotingRule<Block, Client> + Clone + 'static {
    match chain_type {
        ChainType::Development => VotingRulesBuilder::new(),
        _ => VotingRulesBuilder::default(),
    }
    .build()
}

/// Starts a node.
pub fn start<N: NetworkBackend<Block, Hash>>(config: Configuration) -> Result<TaskManager, ServiceError> {
    let PartialComponents {
        client,
        backend,
        mut task_manager,
        import_queue,
        keystore_container,
        select_chain,
        transaction_pool,
        other: Other { block_import, grandpa, babe, babe_worker, mut telemetry },
    } = parts(&config)?;

    let metrics = N::register_notification_metrics(config.prometheus_registry());
    let mut net_config =
        FullNetworkConfiguration::<_, _, N>::new(&config.network, config.prometheus_registry().cloned());
    let genesis =
        client.block_hash(0)?.ok_or_else(|| ServiceError::Other("the database has no block 0".into()))?;
    let grandpa_protocol = sc_consensus_grandpa::protocol_standard_name(&genesis, &config.chain_spec);
    let (grandpa_protocol_config, grandpa_notifications) =
        sc_consensus_grandpa::grandpa_peers_set_config::<_, N>(
            grandpa_protocol.clone(),
            metrics.clone(),
            net_config.peer_store_handle(),
        );
    net_config.add_notification_protocol(grandpa_protocol_config);
    let warp_sync = Arc::new(sc_consensus_grandpa::warp_proof::NetworkProvider::new(
        backend.clone(),
        grandpa.shared_authority_set().clone(),
        Vec::new(),
    ));

    let (network, system_rpc_tx, tx_handler_controller, sync_service, _bitswap) =
        sc_service::build_network(BuildNetworkParams {
            config: &config,
            net_config,
            client: client.clone(),
            transaction_pool: transaction_pool.clone(),
            spawn_handle: task_manager.spawn_handle(),
            spawn_essential_handle: task_manager.spawn_essential_handle(),
            import_queue,
            block_announce_validator_builder: None,
            warp_sync_config: Some(WarpSyncConfig::WithProvider(warp_sync)),
            block_relay: None,
            metrics,
            gap_sync_body_policy: None,
        })?;

    let voter_state = SharedVoterState::empty();
    let rpc_sources = rpc::Sources {
        client: client.clone(),
        pool: transaction_pool.clone(),
        select_chain: select_chain.clone(),
        keystore: keystore_container.keystore(),
        babe: babe_worker,
        voter_state: voter_state.clone(),
        authorities: grandpa.shared_authority_set().clone(),
        justifications: grandpa.justification_stream(),
        finality_proofs: Arc::new(FinalityProofs::new(
            backend.clone(),
            grandpa.shared_authority_set().clone(),
        )),
        backend: backend.clone(),
    };

    let role = config.role;
    let name = config.network.node_name.clone();
    let force_authoring = config.force_authoring;
    let run_grandpa = !config.disable_grandpa;
    let prometheus = config.prometheus_registry().cloned();
    let chain_type = config.chain_spec.chain_type();
    sc_service::spawn_tasks(SpawnTasksParams {
        config,
        client: client.clone(),
        backend,
        task_manager: &mut task_manager,
        keystore: keystore_container.keystore(),
        transaction_pool: transaction_pool.clone(),
        rpc_builder: Box::new(move |executor| {
            rpc::module(&rpc_sources, executor).map_err(|e| ServiceError::Other(e.to_string()))
        }),
        network: Arc::clone(&network) as Arc<dyn NetworkService>,
        system_rpc_tx,
        tx_handler_controller,
        sync_service: sync_service.clone(),
        telemetry: telemetry.as_mut(),
        tracing_execute_block: None,
    })?;

    let slot_duration = babe.config().slot_duration();
    if role.is_authority() {
        let proposer = sc_basic_authorship::ProposerFactory::new(
            task_manager.spawn_handle(),
            client.clone(),
            transaction_pool.clone(),
            prometheus.as_ref(),
            telemetry.as_ref().map(Telemetry::handle),
        );
        let authoring = sc_consensus_babe::start_babe(sc_consensus_babe::BabeParams {
            keystore: keystore_container.keystore(),
            client,
            select_chain,
            env: proposer,
            block_import,
            sync_oracle: sync_service.clone(),
            justification_sync_link: sync_service.clone(),
            create_inherent_data_providers: move |_, ()| async move { Ok(inherents(slot_duration)) },
            force_authoring,
            backoff_authoring_blocks: Some(
                sc_consensus_slots::BackoffAuthoringOnFinalizedHeadLagging::default(),
            ),
            babe_link: babe,
            // The rest of the slot is for the block to reach the others.
            block_proposal_slot_portion: SlotProportion::new(0.5),
            max_block_proposal_slot_portion: None,
            telemetry: telemetry.as_ref().map(Telemetry::handle),
        })?;
        task_manager.spawn_essential_handle().spawn_blocking("babe", Some("block-authoring"), authoring);
    }

    if run_grandpa {
        let voter = sc_consensus_grandpa::run_grandpa_voter(sc_consensus_grandpa::GrandpaParams {
            config: sc_consensus_grandpa::Config {
                gossip_duration: gossip_duration(slot_duration.as_duration()),
                justification_generation_period: JUSTIFICATION_PERIOD,
                observer_enabled: false,
                local_role: role,
                name: Some(name),
                keystore: role.is_authority().then(|| keystore_container.keystore()),
                telemetry: telemetry.as_ref().map(Telemetry::handle),
                protocol_name: grandpa_protocol,
            },
            link: grandpa,
            network,
            sync: sync_service,
            notification_service: grandpa_notifications,
            voting_rule: voting_rule(&chain_type),
            prometheus_registry: prometheus,
            shared_voter_state: voter_state,
            telemetry: telemetry.as_ref().map(Telemetry::handle),
            offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(transaction_pool),
        })?;
        task_manager.spawn_essential_handle().spawn_blocking("grandpa-voter", None, voter);
    }
    Ok(task_manager)
}
