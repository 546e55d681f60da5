//! The measured event loop around the core: a disk, two sockets and a log.
//!
//! All decisions are in `phala-core`. Here inputs are read, effects are carried out in their order (what is to be
//! written is durable before anything after it leaves), and one thread owns the core.
//!
//! The program is the same on every platform: a binary links this crate with one `phala_platform::Platform`.
//!
//! [`config`] is what an operator sets, and none of it can change whom the worker trusts; [`disk`] keeps sealed records;
//! [`engine_room`] is the thread that owns the core; [`http`] has the two listeners; [`fetch`]
//! fetches what contracts ask for in queries.
#![forbid(unsafe_code)]

pub mod config;
pub mod disk;
pub mod engine_room;
pub mod fetch;
pub mod http;

use anyhow::Context as _;
use clap::Parser as _;
use config::{Config, EngineKind};
use disk::Disk;
use engine_room::Outside;
use fetch::{Fetcher, PublicInternet};
use phala_core::Core;
use phala_platform::Platform;
use phala_types::limits::TICK_MS;
use phala_vm::{Engine, WasmiEngine, WasmtimeEngine};
use std::{path::Path, sync::Arc, time::Duration};

/// Runs a worker until it is told to stop. `open` gives the platform, which may keep files of its own in the folder.
pub fn run<P: Platform + 'static>(open: impl FnOnce(&Path) -> anyhow::Result<P>) -> anyhow::Result<()> {
    let config = Config::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    std::fs::create_dir_all(&config.dir).with_context(|| {
        format!("the folder {} cannot be made; choose another with --dir", config.dir.display())
    })?;
    let platform = open(&config.dir)?;
    tracing::info!(tier = %platform.tier(), "the platform is open");
    match config.engine {
        EngineKind::Compiler => serve(WasmtimeEngine::new().context(NO_ENGINE)?, &config, platform),
        EngineKind::Interpreter => serve(WasmiEngine::new().context(NO_ENGINE)?, &config, platform),
    }
}

const NO_ENGINE: &str = "the contract engine does not start; try the other one with --engine";

fn serve<E, P>(engine: E, config: &Config, platform: P) -> anyhow::Result<()>
where
    E: Engine + Clone + Send + Sync + 'static,
    P: Platform + 'static,
{
    let disk = Disk::open(&config.dir)?;
    let clock = engine.clone();
    let sealing_key = platform.sealing_key().context("the platform gave no sealing key")?;
    let entropy = engine_room::entropy(&platform)?;
    let (core, effects) = Core::boot(engine, platform.tier(), &sealing_key, disk.records()?, entropy)?;
    tracing::info!(worker = %core.status().worker, "the worker has started");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(HTTP_THREADS)
        .enable_all()
        .build()
        .context("the operating system gave no threads")?;
    // The public internet, as a type: nothing that can be configured leads to another one.
    let outside: Outside<PublicInternet> =
        Outside { fetcher: Arc::new(Fetcher::public()), runtime: runtime.handle().clone() };
    let room = engine_room::start(core, effects, platform, disk, outside)?;
    runtime.spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(TICK_MS));
        loop {
            ticks.tick().await;
            clock.tick();
        }
    });
    runtime.block_on(http::serve(config, Arc::new(room)))
}

/// Sockets wait far more than they work: the core's thread does the work.
const HTTP_THREADS: usize = 2;
