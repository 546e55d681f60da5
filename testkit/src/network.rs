//! One node, one worker and its relay as processes.

use crate::{recorder::Recorder, wait_for};
use anyhow::{Context as _, Result};
use phala_types::relay::{Phase, WorkerStatus};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// A program of the network.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Program {
    /// `phala-node`.
    Node,
    /// `phala-worker-sim`.
    Worker,
    /// `phala-relay`.
    Relay,
}

impl Program {
    /// All of them, in the order in which they are started.
    pub const ALL: [Self; 3] = [Self::Node, Self::Worker, Self::Relay];

    fn binary(self) -> &'static str {
        match self {
            Self::Node => "phala-node",
            Self::Worker => "phala-worker-sim",
            Self::Relay => "phala-relay",
        }
    }
}

/// How long a network of one machine may take to serve, with another build running beside it.
const START_AT_MOST: Duration = Duration::from_secs(120);

/// A network in a folder of its own. All its processes end with it.
pub struct Network {
    dir: TempDir,
    ports: BTreeMap<&'static str, u16>,
    running: BTreeMap<Program, Child>,
    /// Between relay and worker, and between clients and worker: what goes through is in the folder too.
    recorders: Vec<Recorder>,
}

impl Network {
    /// Starts all programs and waits until the worker serves.
    pub fn start() -> Result<Self> {
        let mut network = Self::prepare()?;
        network.run_all()?;
        Ok(network)
    }

    /// Starts all programs and waits until the worker serves.
    pub fn run_all(&mut self) -> Result<()> {
        for program in Program::ALL {
            self.run(program)?;
        }
        self.wait_until_serving()?;
        Ok(())
    }

    /// A folder and ports, with nothing running.
    pub fn prepare() -> Result<Self> {
        let dir = tempfile::tempdir().context("no temporary folder can be made")?;
        // All at once, so that no two are equal; then released for the programs.
        let listeners = ["rpc", "p2p", "clients", "relay", "clients-seen", "relay-seen"]
            .map(|name| (name, TcpListener::bind("127.0.0.1:0")));
        let ports = listeners
            .into_iter()
            .map(|(name, listener)| Ok((name, listener?.local_addr()?.port())))
            .collect::<Result<_>>()?;
        Ok(Self { dir, ports, running: BTreeMap::new(), recorders: Vec::new() })
    }

    /// Puts somebody who writes down everything between the worker and whoever speaks to it. Before the first start.
    pub fn record_traffic(&mut self) -> Result<()> {
        for (seen, real) in [("clients-seen", "clients"), ("relay-seen", "relay")] {
            let file = self.dir().join(format!("{seen}.traffic"));
            self.recorders.push(Recorder::start(self.port(seen), self.port(real), &file)?);
        }
        Ok(())
    }

    /// The port by which others reach the worker.
    fn seen_port(&self, name: &'static str) -> u16 {
        match (self.recorders.is_empty(), name) {
            (false, "clients") => self.port("clients-seen"),
            (false, "relay") => self.port("relay-seen"),
            _ => self.port(name),
        }
    }

    fn port(&self, name: &str) -> u16 {
        self.ports[name]
    }

    /// The node's WebSocket.
    pub fn node_url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port("rpc"))
    }

    /// Where the worker takes queries.
    pub fn worker_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.seen_port("clients"))
    }

    fn relay_door(&self) -> String {
        format!("http://127.0.0.1:{}", self.seen_port("relay"))
    }

    /// The folder of everything that the programs write.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The worker's folder.
    pub fn worker_dir(&self) -> PathBuf {
        self.dir().join("worker")
    }

    /// What a program has said so far.
    pub fn log(&self, program: Program) -> Result<String> {
        Ok(std::fs::read_to_string(self.log_path(program))?)
    }

    fn log_path(&self, program: Program) -> PathBuf {
        self.dir().join(format!("{}.log", program.binary()))
    }

    fn command(&self, program: Program) -> Result<Command> {
        // The parent's death ends the child too, so that an aborted test leaves nothing behind.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(binary(program.binary())?);
        let loopback = |name| format!("127.0.0.1:{}", self.port(name));
        match program {
            Program::Node => command
                .arg("--dev")
                .arg("--base-path")
                .arg(self.dir().join("node"))
                .args(["--rpc-port", &self.port("rpc").to_string(), "--port", &self.port("p2p").to_string()])
                // The pool is that of `phala dev` (docs/adr/0010).
                .args(["--no-prometheus", "--no-telemetry", "--no-mdns", "--pool-type=single-state"]),
            Program::Worker => command.arg("--dir").arg(self.worker_dir()).args([
                "--public",
                &loopback("clients"),
                "--relay",
                &loopback("relay"),
            ]),
            Program::Relay => command
                .args(["--node", &self.node_url(), "--worker", &self.relay_door()])
                .args(["--endpoint", &self.worker_url(), "--cluster", "0"])
                .env("PHALA_OPERATOR_SURI", "//Bob"),
        };
        Ok(command)
    }

    /// Starts a program that is not running.
    pub fn run(&mut self, program: Program) -> Result<()> {
        anyhow::ensure!(!self.running.contains_key(&program), "{program:?} is running already");
        let log = File::options().create(true).append(true).open(self.log_path(program))?;
        let child = self
            .command(program)?
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{program:?} does not start"))?;
        self.running.insert(program, child);
        Ok(())
    }

    /// Kills a program at once, as `kill -9` does.
    pub fn kill(&mut self, program: Program) -> Result<()> {
        let mut child =
            self.running.remove(&program).with_context(|| format!("{program:?} is not running"))?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Waits for a program that ends by itself, and says whether it was content.
    pub fn wait_for_end(&mut self, program: Program) -> Result<bool> {
        let mut child =
            self.running.remove(&program).with_context(|| format!("{program:?} is not running"))?;
        let ended = wait_for("the program to end", START_AT_MOST, || Ok(child.try_wait()?));
        if ended.is_err() {
            child.kill()?;
        }
        Ok(ended?.success())
    }

    /// Kills a program and starts it again.
    pub fn restart(&mut self, program: Program) -> Result<()> {
        self.kill(program)?;
        self.run(program)
    }

    /// Memory that the running programs hold, in bytes.
    pub fn resident_bytes(&self) -> Result<u64> {
        self.running.values().map(|child| resident_bytes(child.id())).sum()
    }

    /// What the worker says of itself.
    pub fn status(&self) -> Result<WorkerStatus> {
        let body = http_get(self.port("clients"), "/v1/status")?;
        serde_json::from_str(&body).with_context(|| format!("the worker's status is not one: {body}"))
    }

    /// Waits until the worker answers queries.
    pub fn wait_until_serving(&self) -> Result<WorkerStatus> {
        let serving = wait_for("the worker to serve", START_AT_MOST, || {
            let status = self.status()?;
            Ok((status.phase == Phase::Serving).then_some(status))
        });
        serving.with_context(|| self.last_words())
    }

    /// The end of each program's log, for an error.
    fn last_words(&self) -> String {
        let mut words = String::new();
        for program in Program::ALL {
            let log = self.log(program).unwrap_or_default();
            let tail = log.char_indices().rev().nth(2000).map_or(0, |(at, _)| at);
            words.push_str(&format!("--- {program:?}\n{}\n", &log[tail..]));
        }
        words
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for child in self.running.values_mut() {
            // It may have ended by itself, which is what is wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Where a program of this workspace is: beside the test's own, or above it.
pub fn binary(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    own.ancestors()
        .skip(1)
        .take(3)
        .map(|dir| dir.join(name))
        .find(|path| path.is_file())
        .with_context(|| format!("{name} is not built; try: ./x build"))
}

fn resident_bytes(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line =
        status.lines().find(|line| line.starts_with("VmRSS:")).context("the kernel does not tell VmRSS")?;
    let kib: u64 = line.split_whitespace().nth(1).context("VmRSS has no value")?.parse()?;
    Ok(kib * 1024)
}

/// A plain HTTP GET of a small body over loopback.
fn http_get(port: u16, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let (head, body) = response.split_once("\r\n\r\n").context("the response is not HTTP")?;
    anyhow::ensure!(
        head.contains(" 200 "),
        "the worker answered {}",
        head.lines().next().unwrap_or_default()
    );
    Ok(body.to_owned())
}
