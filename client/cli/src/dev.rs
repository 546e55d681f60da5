//! `phala dev`: a network on this machine, from nothing to serving, until Ctrl-C.

mod program;

use crate::{
    args::{DevArgs, Ports},
    context::Context,
    failure::advise,
};
use anyhow::{Context as _, Result};
use phala_sdk::{
    Client, Trust, WorkerUrl,
    node::{Account, Node},
};
use phala_types::{
    BlockNumber,
    relay::{Phase, WorkerStatus},
};
pub use program::binary;
use program::{Program, Programs};
use serde_json::json;
use std::{
    net::TcpListener,
    path::Path,
    time::{Duration, Instant},
};
use tokio::signal::unix::{SignalKind, signal};

/// From the start of the programs to the first answer. It takes seconds on an idle machine.
const READY_AT_MOST: Duration = Duration::from_secs(180);

/// Between two looks at a condition.
const POLL: Duration = Duration::from_millis(100);

/// The programs of a network that run, and end with this value.
pub struct Network {
    programs: Programs,
    ports: Ports,
}

pub async fn run(context: &Context, args: DevArgs) -> Result<()> {
    let dir = context.store.dir();
    check_ports(args.ports)?;
    if args.fresh {
        remove_network(dir)?;
        context.say("starting over: the network's chain and worker were removed");
    }
    let began = Instant::now();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut network = Network::start(context, dir, args.ports)?;
    let ready = async {
        network.wait_until_ready(context).await?;
        tell(context, args.ports, began).await
    };
    let ended = tokio::select! {
        ready = ready => ready,
        _ = tokio::signal::ctrl_c() => Ok(false),
        _ = terminate.recv() => Ok(false),
    };
    let outcome = match ended {
        Ok(true) => tokio::select! {
            failed = network.programs.wait_for_any() => Err(failed),
            _ = tokio::signal::ctrl_c() => Ok(()),
            _ = terminate.recv() => Ok(()),
        },
        Ok(false) => Ok(()),
        Err(error) => Err(error),
    };
    context.say("stopping");
    network.stop().await;
    context.say(format_args!("stopped; `phala dev` goes on from {}", dir.display()));
    outcome
}

impl Network {
    /// Starts the programs, each with its log in `dir/logs`.
    pub fn start(context: &Context, dir: &Path, ports: Ports) -> Result<Self> {
        let programs = Programs::start(dir, &Program::all(dir, ports))?;
        context.say(format_args!(
            "started node, worker and relay; their logs are in {}",
            dir.join("logs").display()
        ));
        Ok(Self { programs, ports })
    }

    /// The node's address.
    pub fn node_url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.ports.rpc_port)
    }

    /// Waits until the worker answers queries, and tells what happens meanwhile.
    pub async fn wait_until_ready(&mut self, context: &Context) -> Result<()> {
        let began = Instant::now();
        let (url, worker) = (self.node_url(), worker_url(self.ports));
        let mut told = String::new();
        while began.elapsed() < READY_AT_MOST {
            self.programs.check()?;
            let (line, is_ready) = progress(&url, &worker).await;
            if line != told {
                context.say(format_args!("  {:>4.1} s  {line}", began.elapsed().as_secs_f64()));
                told = line;
            }
            if is_ready {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
        Err(advise(
            format!("the network is not ready after {} s; the last was: {told}", READY_AT_MOST.as_secs()),
            format!("read {}, or start over with `phala dev --fresh`", self.programs.logs().display()),
        ))
    }

    /// Asks the programs to end, and waits until they have.
    pub async fn stop(&mut self) {
        self.programs.stop().await;
    }
}

fn worker_url(ports: Ports) -> WorkerUrl {
    WorkerUrl::new(&format!("http://127.0.0.1:{}", ports.worker_port), WorkerUrl::client())
}

/// Where the start of the network is, and whether that is its end.
async fn progress(url: &str, worker: &WorkerUrl) -> (String, bool) {
    let Ok(node) = Node::connect(url).await else { return ("the node starts".to_owned(), false) };
    let Ok(head) = node.finalized_head().await else { return ("the node starts".to_owned(), false) };
    if head.as_unverified().block.number == BlockNumber::new(0) {
        return ("the node makes blocks; none is final yet".to_owned(), false);
    }
    let Ok(status) = worker.status().await else { return ("the worker starts".to_owned(), false) };
    describe(status.as_unverified())
}

fn describe(status: &WorkerStatus) -> (String, bool) {
    let line = match (status.phase, status.registered, status.cluster) {
        (Phase::Halted(reason), ..) => format!("the worker has halted: {reason}"),
        (Phase::Serving, ..) => return ("the worker serves".to_owned(), true),
        (Phase::New, ..) => "the relay tells the worker of the network".to_owned(),
        (Phase::Syncing, false, _) => "the relay registers the worker".to_owned(),
        (Phase::Syncing, true, None) => "the worker joins its cluster".to_owned(),
        (Phase::Syncing, true, Some(_)) => "the worker catches up with the chain".to_owned(),
    };
    (line, false)
}

/// Says what there is now, and what to do with it.
async fn tell(context: &Context, ports: Ports, began: Instant) -> Result<bool> {
    let url = format!("ws://127.0.0.1:{}", ports.rpc_port);
    let client = Client::connect(&url, None, Trust::insecure_simulated()).await?;
    context.store.remember_network(client.genesis())?;
    let head = client.head().await?;
    let chain = client.node().info().await?.chain;
    let worker_url = format!("http://127.0.0.1:{}", ports.worker_port);
    let names = ["//Alice", "//Bob", "//Charlie", "//Dave", "//Eve", "//Ferdie"];
    let mut accounts = Vec::new();
    for name in names {
        let id = Account::from_uri(name)?.id();
        let free = client.node().balance(&id, head.hash()).await?.free;
        accounts.push((name, Account::format_address(&id), free));
    }
    let lines: Vec<_> = accounts
        .iter()
        .map(|(name, address, free)| format!("  {name:<10} {address}  {}", crate::args::format_pha(*free)))
        .collect();
    let node_option = if ports.rpc_port == 9944 { String::new() } else { format!(" --node {url}") };
    let text = format!(
        "\n{chain}, ready in {:.1} s\n\
         \n  node       {url}\n  worker     {worker_url}\n  genesis    {}\n\
         \nfunded accounts, whose keys everybody knows:\n{}\n\
         \nSIMULATED: the TEE. The worker is a normal process: whoever runs it can read and change everything in it.\n\
         Everything else is real: consensus, proofs, encryption, signatures, the contract engine.\n\
         \ntry, in another terminal:\n  phala demo{node_option}\n  phala status{node_option}\n\
         Ctrl-C stops the network; its state is kept.",
        began.elapsed().as_secs_f64(),
        client.genesis(),
        lines.join("\n"),
    );
    let accounts: Vec<_> = accounts
        .iter()
        .map(|(uri, address, free)| json!({ "uri": uri, "address": address, "free": free.to_string() }))
        .collect();
    let json = json!({
        "chain": chain, "node": url, "worker": worker_url, "genesis": client.genesis(), "accounts": accounts,
        "simulated": ["tee"], "ready_ms": u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    });
    context.print(text, json);
    Ok(true)
}

/// Refuses to start where another program listens, and says which option moves it.
fn check_ports(ports: Ports) -> Result<()> {
    let all = [
        ("--rpc-port", ports.rpc_port),
        ("--p2p-port", ports.p2p_port),
        ("--worker-port", ports.worker_port),
        ("--relay-port", ports.relay_port),
    ];
    for (index, (option, port)) in all.iter().enumerate() {
        if let Some((other, _)) = all[..index].iter().find(|(_, taken)| taken == port) {
            return Err(advise(format!("{other} and {option} are both {port}"), "different ports"));
        }
        if let Err(error) = TcpListener::bind(("127.0.0.1", *port)) {
            return Err(advise(
                format!("port {port} is not free: {error}"),
                format!(
                    "stop what listens there (another `phala dev`?), or choose another one with {option}"
                ),
            ));
        }
    }
    Ok(())
}

/// Four ports that are free now.
pub fn free_ports() -> Result<Ports> {
    // All at once, so that no two are equal.
    let listeners = [(); 4].map(|()| TcpListener::bind("127.0.0.1:0"));
    let mut ports = Vec::new();
    for listener in listeners {
        ports.push(listener.and_then(|listener| listener.local_addr()).context("no port is free")?.port());
    }
    let [rpc_port, p2p_port, worker_port, relay_port] = ports[..] else { unreachable!("four were bound") };
    Ok(Ports { rpc_port, p2p_port, worker_port, relay_port })
}

/// Removes what the programs wrote, and nothing else: the folder also has the user's accounts.
fn remove_network(dir: &Path) -> Result<()> {
    for name in ["node", "worker", "logs", "network.json"] {
        let path = dir.join(name);
        let removed = match path.is_dir() {
            true => std::fs::remove_dir_all(&path),
            false if path.exists() => std::fs::remove_file(&path),
            false => Ok(()),
        };
        removed.with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taken_port_is_named_with_the_option_that_moves_it() {
        let ports = free_ports().unwrap();
        assert!(check_ports(ports).is_ok());
        let taken = TcpListener::bind(("127.0.0.1", ports.worker_port)).unwrap();
        let error = check_ports(ports).unwrap_err();
        let text = crate::failure::as_text(&error);
        assert!(text.contains(&ports.worker_port.to_string()) && text.contains("--worker-port"), "{text}");
        drop(taken);
        let twice = Ports { relay_port: ports.rpc_port, ..ports };
        assert!(check_ports(twice).unwrap_err().to_string().contains("--rpc-port and --relay-port"));
    }

    #[test]
    fn starting_over_keeps_the_users_accounts() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["node", "worker", "logs", "accounts"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        std::fs::write(dir.path().join("network.json"), "{}").unwrap();
        remove_network(dir.path()).unwrap();
        let left: Vec<_> =
            std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["accounts"]);
        remove_network(dir.path()).unwrap();
    }
}
