//! The command line.

use crate::{chain_spec, service};
use phala_runtime::{money, opaque::Block};
use polkadot_sdk::*;

use clap::Parser;
use sc_cli::{DatabasePruningMode, PruningParams, SubstrateCli};
use sc_service::PartialComponents;
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};

/// Makes, finalizes, stores and serves blocks of a Phala network.
#[derive(Debug, Parser)]
pub struct Cli {
    /// What to do instead of running a node.
    #[command(subcommand)]
    pub subcommand: Option<Subcommand>,

    /// How to run a node.
    #[command(flatten)]
    pub run: sc_cli::RunCmd,
}

/// What to do instead of running a node.
#[derive(Debug, clap::Subcommand)]
#[allow(clippy::large_enum_variant)]
pub enum Subcommand {
    /// Make and inspect keys.
    #[command(subcommand)]
    Key(sc_cli::KeySubcommand),
    /// Write a network's chain specification, for instance to complete the live one.
    ExportChainSpec(sc_cli::ExportChainSpecCmd),
    /// Check again a block that the node has.
    CheckBlock(sc_cli::CheckBlockCmd),
    /// Write blocks to a file.
    ExportBlocks(sc_cli::ExportBlocksCmd),
    /// Write the state of a block as a chain specification.
    ExportState(sc_cli::ExportStateCmd),
    /// Read blocks from a file.
    ImportBlocks(sc_cli::ImportBlocksCmd),
    /// Remove everything the node stored of a network.
    PurgeChain(sc_cli::PurgeChainCmd),
    /// Go back a number of blocks.
    Revert(sc_cli::RevertCmd),
    /// Show what the node stored of a network.
    ChainInfo(sc_cli::ChainInfoCmd),
}

impl SubstrateCli for Cli {
    fn impl_name() -> String {
        "Phala Node".into()
    }

    fn impl_version() -> String {
        env!("CARGO_PKG_VERSION").into()
    }

    fn description() -> String {
        env!("CARGO_PKG_DESCRIPTION").into()
    }

    fn author() -> String {
        "Phala Network".into()
    }

    fn support_url() -> String {
        concat!(env!("CARGO_PKG_REPOSITORY"), "/issues").into()
    }

    fn copyright_start_year() -> i32 {
        2019
    }

    fn load_spec(&self, id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
        Ok(match id {
            // These two are only ever run. The live network's is completed by people first, so it stays readable.
            "dev" => {
                Box::new(chain_spec::with_native_genesis(chain_spec::development()?, DEV_RUNTIME_PRESET)?)
            }
            "local" => {
                let spec = chain_spec::local_testnet()?;
                Box::new(chain_spec::with_native_genesis(spec, LOCAL_TESTNET_RUNTIME_PRESET)?)
            }
            _ => readable_spec(id)?,
        })
    }
}

/// A network's specification in the form that people read and change.
fn readable_spec(id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
    Ok(match id {
        "dev" => Box::new(chain_spec::development()?),
        "local" => Box::new(chain_spec::local_testnet()?),
        "live" => Box::new(chain_spec::live()?),
        "" => {
            return Err("which network? --dev, or --chain dev, local or a chain specification's path. \
                        `--chain live` has the live network's parameters, but no validators yet"
                .into());
        }
        path => Box::new(chain_spec::ChainSpec::from_json_file(path.into())?),
    })
}

/// Keeps all finalized state unless told otherwise: a light client begins with a storage proof at block 0, and a
/// receipt is checked against a block of any age, so a node that prunes cannot serve newcomers.
pub fn keep_state(pruning: &mut PruningParams) {
    pruning.state_pruning.get_or_insert(DatabasePruningMode::ArchiveCanonical);
}

/// Does what the command line says.
pub fn run() -> sc_cli::Result<()> {
    sp_core::crypto::set_default_ss58_version(money::SS58_PREFIX.into());
    let mut cli = Cli::from_args();
    keep_state(&mut cli.run.import_params.pruning_params);
    match cli.subcommand.take() {
        None => {
            let runner = cli.create_runner(&cli.run)?;
            runner.run_node_until_exit(|config| async move {
                match config.network.network_backend {
                    sc_network::config::NetworkBackendType::Libp2p => {
                        service::start::<sc_network::NetworkWorker<_, _>>(config)
                    }
                    sc_network::config::NetworkBackendType::Litep2p => {
                        service::start::<sc_network::Litep2pNetworkBackend>(config)
                    }
                }
                .map_err(sc_cli::Error::Service)
            })
        }
        Some(Subcommand::Key(cmd)) => cmd.run(&cli),
        Some(Subcommand::ExportChainSpec(cmd)) => cmd.run(readable_spec(&cmd.chain)?),
        Some(Subcommand::CheckBlock(cmd)) => cli.create_runner(&cmd)?.async_run(|config| {
            let PartialComponents { client, task_manager, import_queue, .. } = service::parts(&config)?;
            Ok((cmd.run::<Block, _, _>(client, import_queue), task_manager))
        }),
        Some(Subcommand::ExportBlocks(cmd)) => cli.create_runner(&cmd)?.async_run(|config| {
            let PartialComponents { client, task_manager, .. } = service::parts(&config)?;
            Ok((cmd.run::<Block, _>(client, config.database), task_manager))
        }),
        Some(Subcommand::ExportState(cmd)) => cli.create_runner(&cmd)?.async_run(|config| {
            let PartialComponents { client, task_manager, .. } = service::parts(&config)?;
            Ok((cmd.run::<Block, _, _>(client, config.chain_spec), task_manager))
        }),
        Some(Subcommand::ImportBlocks(mut cmd)) => {
            keep_state(&mut cmd.import_params.pruning_params);
            cli.create_runner(&cmd)?.async_run(|config| {
                let PartialComponents { client, task_manager, import_queue, .. } = service::parts(&config)?;
                Ok((cmd.run::<Block, _, _>(client, import_queue), task_manager))
            })
        }
        Some(Subcommand::PurgeChain(cmd)) => {
            cli.create_runner(&cmd)?.sync_run(|config| cmd.run(config.database))
        }
        Some(Subcommand::Revert(cmd)) => cli.create_runner(&cmd)?.async_run(|config| {
            let PartialComponents { client, task_manager, backend, .. } = service::parts(&config)?;
            let consensus = Box::new(|client: std::sync::Arc<service::Client>, backend, blocks| {
                sc_consensus_babe::revert(client.clone(), backend, blocks)?;
                sc_consensus_grandpa::revert(client, blocks)?;
                Ok(())
            });
            Ok((cmd.run(client, backend, Some(consensus)), task_manager))
        }),
        Some(Subcommand::ChainInfo(cmd)) => {
            cli.create_runner(&cmd)?.sync_run(|config| cmd.run::<Block>(&config))
        }
    }
}
