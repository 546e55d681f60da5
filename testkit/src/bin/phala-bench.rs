//! Measures the network and the engine on this machine and writes what it found as JSON: `./x bench [GROUP]`.
//!
//! Each figure that has a peer is measured beside it, in the same run and on the same processes. The engine's peers are
//! in a workspace of their own, whose program this one runs.

use anyhow::{Context as _, Result, bail};
use clap::Parser as _;
use phala_sdk::{
    CallParameters,
    node::{Account, Call, Until},
};
use phala_testkit::{
    Network,
    token::{CLUSTER, Fate, Token},
    wait_for,
};
use phala_types::{Amount, MessageNumber, command::Action};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

/// Measures the network on this machine.
#[derive(clap::Parser)]
struct Arguments {
    /// Which group to measure. All of them, if none is named.
    #[arg(long)]
    group: Option<String>,
    /// Where to write. Figures of other groups that are there already are kept.
    #[arg(long, default_value = "docs/benchmarks.json")]
    out: PathBuf,
}

/// One figure.
#[derive(Clone, Serialize, Deserialize)]
struct Figure {
    group: String,
    key: String,
    value: f64,
    unit: String,
    machine: String,
    date: String,
    commit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<Peer>,
}

/// The same of another program.
#[derive(Clone, Serialize, Deserialize)]
struct Peer {
    name: String,
    value: f64,
}

/// A whole network on one machine.
const NETWORK: &str = "network";

/// The contract engine beside its peers.
const ENGINE: &str = "engine";

/// The appraisal of evidence.
const ATTEST: &str = "attest";

/// Queries that are timed one after another.
const QUERIES: usize = 2000;

/// Transactions that are sent at once.
const TRANSACTIONS: usize = 2000;

/// How long a batch may take.
const BATCH_AT_MOST: Duration = Duration::from_secs(300);

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.group.as_deref() {
        None | Some(NETWORK | ENGINE | ATTEST) => {}
        Some(other) => bail!("there is no group {other}; there are: {NETWORK}, {ENGINE}, {ATTEST}"),
    }
    let wants = |group: &str| arguments.group.as_deref().is_none_or(|wanted| wanted == group);
    let mut figures: Vec<Figure> = match fs::read_to_string(&arguments.out) {
        Ok(text) => serde_json::from_str(&text).context("what is in the file is no list of figures")?,
        Err(_) => Vec::new(),
    };
    figures.retain(|figure| !wants(&figure.group));
    if wants(NETWORK) {
        figures.extend(network().await?);
    }
    if wants(ENGINE) {
        figures.extend(engine()?);
    }
    if wants(ATTEST) {
        figures.extend(attest()?);
    }
    for figure in &figures {
        println!("{:24} {:>12.3} {}", figure.key, figure.value, figure.unit);
    }
    fs::write(&arguments.out, serde_json::to_string_pretty(&figures)? + "\n")?;
    Ok(())
}

/// What benchmarks in programs of their own print, a line for each figure.
#[derive(Deserialize)]
struct Line {
    key: String,
    value: f64,
    unit: String,
    note: String,
}

/// Builds and runs the benchmark of the engine, which is in a workspace of its own.
fn engine() -> Result<Vec<Figure>> {
    println!("measuring the engine beside its peers, which are compiled first");
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).context("this program is in no target folder")?;
    let output = Command::new("cargo")
        .args(["run", "--quiet", "--release", "--locked", "--package", "phala-oracle-peers"])
        .args(["--manifest-path", "testkit/oracle/Cargo.toml"])
        .env("CARGO_TARGET_DIR", target)
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cargo does not start")?;
    if !output.status.success() {
        bail!("the benchmark of the engine failed; try: read its words above");
    }
    figures(ENGINE, output.stdout)
}

/// The chain's packages, which are built together so that what they depend on is built once.
const CHAIN: [&str; 6] = [
    "pallet-attestation",
    "pallet-mailbox",
    "pallet-workers",
    "pallet-clusters",
    "phala-runtime",
    "phala-node",
];

/// Builds and runs the benchmark of the appraisal, which links the runtime.
fn attest() -> Result<Vec<Figure>> {
    println!("measuring the appraisal of evidence");
    let program = std::env::current_exe()?;
    let programs = program.parent().context("this program is in no folder")?;
    let packages = CHAIN.into_iter().flat_map(|package| ["--package", package]);
    let built = Command::new("cargo")
        .args(["build", "--quiet", "--release", "--locked", "--example", "bench_attest"])
        .args(packages)
        .status()
        .context("cargo does not start")?;
    if !built.success() {
        bail!("the benchmark of the appraisal does not build; try: read the compiler's words above");
    }
    let output = Command::new(programs.join("examples/bench_attest"))
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("the benchmark of the appraisal does not start")?;
    if !output.status.success() {
        bail!("the benchmark of the appraisal failed; try: read its words above");
    }
    figures(ATTEST, output.stdout)
}

/// What a benchmark prints, as figures of a group.
fn figures(group: &str, lines: Vec<u8>) -> Result<Vec<Figure>> {
    let stamp = Stamp::new()?;
    String::from_utf8(lines)?
        .lines()
        .map(|line| {
            let it: Line = serde_json::from_str(line).with_context(|| format!("no figure: {line}"))?;
            let figure = stamp.figure(&it.key, it.value, &it.unit, Some(it.note), None);
            Ok(Figure { group: group.into(), ..figure })
        })
        .collect()
}

async fn network() -> Result<Vec<Figure>> {
    println!("starting a network, with a token on it");
    let started = Instant::now();
    let mut network = Network::prepare()?;
    tokio::task::block_in_place(|| network.run_all())?;
    let serving_s = started.elapsed().as_secs_f64();
    let maker = Account::from_seed([0xa1; 32])?;
    let friend = Account::from_seed([0xb2; 32])?.id();
    let token = Token::deploy(Token::connect(&network.node_url()).await?, &maker, u128::MAX).await?;
    let maker = token.person(maker).await?;
    let number = token.transfer(&maker, &friend, 1).await?;
    if token.fate(&maker, number).await? != Fate::Committed {
        bail!("the first transfer was not committed");
    }
    let first_call_s = started.elapsed().as_secs_f64();

    println!("asking {QUERIES} times");
    let question = token.balance_question(&maker.account.id())?;
    let (mut queries, mut reads) = (Vec::new(), Vec::new());
    for _ in 0..QUERIES {
        let at = Instant::now();
        token.ask(&maker, question.clone()).await?;
        queries.push(at.elapsed());
        let at = Instant::now();
        token.client.node().finalized_head().await?;
        reads.push(at.elapsed());
    }
    let [query_p50, query_p99] = percentiles(queries);
    let [read_p50, read_p99] = percentiles(reads);

    println!("sending {TRANSACTIONS} confidential calls, then {TRANSACTIONS} plain transfers");
    let calls_per_s = confidential_calls(&network, &token, &maker).await?;
    let transfers_per_s = plain_transfers(&token).await?;
    let resident_mb = network.resident_bytes()? as f64 / 1e6;

    let stamp = Stamp::new()?;
    let rpc = |value| Some(Peer { name: "a public read of the node, chain_getFinalizedHead".into(), value });
    let plain = Peer {
        name: "plain transfers of PHA on the same node, in blocks per second".into(),
        value: transfers_per_s,
    };
    let note = format!(
        "goal < 10; the network served after {serving_s:.1}; three final blocks are waited for one after another"
    );
    Ok(vec![
        stamp.figure("first_call_s", first_call_s, "s", Some(note), None),
        stamp.figure(
            "resident_mb",
            resident_mb,
            "MB",
            Some("goal < 1000; node, relay and worker, after the load".into()),
            None,
        ),
        stamp.figure("query_p50_ms", query_p50, "ms", None, rpc(read_p50)),
        stamp.figure(
            "query_p99_ms",
            query_p99,
            "ms",
            Some("goal <= 5; with the client's own work".into()),
            rpc(read_p99),
        ),
        stamp.figure(
            "calls_per_s",
            calls_per_s,
            "1/s",
            Some("ERC-20 transfers, from the first one sent to the last one executed".into()),
            Some(plain),
        ),
    ])
}

/// The median and the 99th percentile, in milliseconds.
fn percentiles(mut times: Vec<Duration>) -> [f64; 2] {
    times.sort();
    [times.len() / 2, times.len() * 99 / 100].map(|index| times[index].as_secs_f64() * 1e3)
}

async fn confidential_calls(
    network: &Network,
    token: &Token,
    from: &phala_testkit::token::Person,
) -> Result<f64> {
    let to = Account::from_seed([0xc3; 32])?.id();
    let input = token.transfer_input(&to, 1)?;
    let mut calls = Vec::new();
    for _ in 0..TRANSACTIONS {
        let envelope = token
            .client
            .seal_command(
                &from.account,
                CLUSTER,
                token.contract,
                Action::Call,
                input.clone(),
                CallParameters::default(),
            )
            .await?;
        calls.push(Call::Submit { cluster: CLUSTER, contract: token.contract, envelope });
    }
    let before = network.status()?.position.value();
    let wanted = MessageNumber::new(before + TRANSACTIONS as u64);
    let started = Instant::now();
    token.client.node().send_all(&token.payer, calls).await?;
    tokio::task::block_in_place(|| {
        wait_for("all calls to be executed", BATCH_AT_MOST, || {
            Ok((network.status()?.position >= wanted).then_some(()))
        })
    })?;
    let rate = TRANSACTIONS as f64 / started.elapsed().as_secs_f64();
    let person = token.person(Account::from_seed([0xc3; 32])?).await?;
    match token.balance(&person, &person.account.id()).await? {
        Ok(balance) if balance == TRANSACTIONS as u128 => Ok(rate),
        other => bail!("{TRANSACTIONS} transfers were sent, and the receiver has {other:?}"),
    }
}

async fn plain_transfers(token: &Token) -> Result<f64> {
    let to = Account::from_uri("//Ferdie")?.id();
    let transfer = || Call::Transfer { to, amount: Amount::new(1_000_000_000_000) };
    let started = Instant::now();
    token.client.node().send_all(&token.payer, (1..TRANSACTIONS).map(|_| transfer()).collect()).await?;
    // The last one of an account is in a final block only after all before it.
    token.client.node().submit(&token.payer, transfer(), Until::Finalized).await?;
    Ok(TRANSACTIONS as f64 / started.elapsed().as_secs_f64())
}

/// Where and when it was measured.
struct Stamp {
    machine: String,
    date: String,
    commit: String,
}

impl Stamp {
    fn new() -> Result<Self> {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo")?;
        let model =
            cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown processor");
        let cores = std::thread::available_parallelism()?;
        let meminfo = fs::read_to_string("/proc/meminfo")?;
        let kib: u64 = meminfo.split_whitespace().nth(1).context("no MemTotal")?.parse()?;
        let machine = format!(
            "{}, {cores} cores, {} GiB",
            model.trim_start_matches([' ', '\t', ':']),
            kib.div_ceil(1 << 20)
        );
        Ok(Self {
            machine,
            date: said_by("date", &["+%F"])?,
            commit: said_by("git", &["rev-parse", "--short", "HEAD"])?,
        })
    }

    fn figure(&self, key: &str, value: f64, unit: &str, note: Option<String>, peer: Option<Peer>) -> Figure {
        let Self { machine, date, commit } = self;
        Figure {
            group: NETWORK.into(),
            key: key.into(),
            value: (value * 1000.0).round() / 1000.0,
            unit: unit.into(),
            machine: machine.clone(),
            date: date.clone(),
            commit: commit.clone(),
            note,
            peer: peer.map(|peer| Peer { value: (peer.value * 1000.0).round() / 1000.0, ..peer }),
        }
    }
}

fn said_by(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("{program} does not start"))?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
