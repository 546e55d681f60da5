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
    /// What runs contracts. Both do the same; the interpreter is some ten times slower, needs no executable memory, and
    /// lets nothing but gas end a query.
    #[arg(long, value_enum, default_value_t = EngineKind::Compiler)]
    pub engine: EngineKind,
}

/// What runs contracts.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum EngineKind {
    /// Compiles them to native code when they are uploaded.
    Compiler,
    /// Interprets them.
    Interpreter,
}
