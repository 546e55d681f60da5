//! What an operator sets. It can change where the worker listens and writes, never whom it trusts.

use std::{net::SocketAddr, path::PathBuf};

/// A confidential worker.
#[derive(clap::Parser, Clone, Debug)]
#[command(version, about)]
pub struct Config {
    /// The folder of the worker's sealed records. An empty one makes a new worker.
    #[arg(long, default_value = ".phala/worker")]
    pub dir: PathBuf,
    /// Where clients send queries. Loopback by default, since opening it to the world is the operator's decision.
    #[arg(long, default_value = "127.0.0.1:8100")]
    pub public: SocketAddr,
    /// Where the relay sends blocks and messages. It is not authenticated: all of it is verified. Keep it on loopback
    /// all the same, since whoever reaches it can keep the worker busy.
    #[arg(long, default_value = "127.0.0.1:8101")]
    pub relay: SocketAddr,
}
