//! Programs that are killed at any moment: no command is lost, none is executed twice.

use phala_core::replay;
use phala_platform::{Platform as _, simulated::SimulatedPlatform};
use phala_sdk::node::Account;
use phala_testkit::{
    Network, Program,
    token::{CLUSTER, Fate, Token},
};
use phala_types::{MessageNumber, limits::BACKLOG_BYTES_MAX, mailbox::Topic};
use phala_vm::WasmtimeEngine;
use phala_worker::disk::Disk;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

const SUPPLY: u128 = 1_000_000_000;
const AMOUNT: u128 = 7;

/// How many kills: few where every change waits for them, many before a release (`PHALA_KILL_CYCLES=50`).
fn cycles() -> usize {
    std::env::var("PHALA_KILL_CYCLES").ok().and_then(|text| text.parse().ok()).unwrap_or(5)
}

/// A small generator of moments, so that a failure can be repeated with its seed (`PHALA_SEED`).
struct Moments(u64);

impl Moments {
    fn new() -> Self {
        let seed = std::env::var("PHALA_SEED").ok().and_then(|text| text.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) << 16 | 1);
        println!("PHALA_SEED={seed} repeats this order of kills");
        Self(seed)
    }

    /// xorshift64 (Marsaglia 2003).
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_command_is_lost_or_executed_twice_while_programs_are_killed() -> anyhow::Result<()> {
    let mut network = Network::start()?;
    let maker = Account::from_seed([0xa1; 32])?;
    let friend = Account::from_seed([0xb2; 32])?.id();
    let token = Arc::new(Token::deploy(Token::connect(&network.node_url()).await?, &maker, SUPPLY).await?);

    // Somebody keeps paying. An error says that a transfer may or may not be on the chain; what is known to be on it is
    // remembered.
    let stop = Arc::new(AtomicBool::new(false));
    let payments = tokio::spawn({
        let (maker, url, stop) = (maker.clone(), network.node_url(), stop.clone());
        let contract = token.contract;
        async move {
            let mut accepted: Vec<MessageNumber> = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                // A new connection each time: the old one may have died with its node.
                let paid = async {
                    let token = Token::at(Token::connect(&url).await?, contract)?;
                    let maker = token.person(maker.clone()).await?;
                    token.transfer(&maker, &friend, AMOUNT).await
                };
                match tokio::time::timeout(Duration::from_secs(60), paid).await {
                    Ok(Ok(number)) => accepted.push(number),
                    Ok(Err(_)) | Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
                }
            }
            accepted
        }
    });

    let mut moments = Moments::new();
    for cycle in 0..cycles() {
        tokio::time::sleep(Duration::from_millis(500 + moments.below(4000))).await;
        let program = Program::ALL[moments.below(3) as usize];
        println!("cycle {cycle}: kill {program:?}");
        network.kill(program)?;
        tokio::time::sleep(Duration::from_millis(moments.below(1500))).await;
        network.run(program)?;
    }
    tokio::task::block_in_place(|| network.wait_until_serving())?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    stop.store(true, Ordering::Relaxed);
    let accepted = payments.await?;
    assert!(!accepted.is_empty(), "no transfer got through");

    let token = Token::at(Token::connect(&network.node_url()).await?, token.contract)?;
    let person = token.person(maker).await?;
    // Everything that is on the chain has one fate, and the friend has what the committed transfers add up to.
    let last = accepted.iter().max().expect("not empty");
    token.fate(&person, *last).await?;
    let (position, state_root) = token.state(&person).await?;
    assert!(position > *last);
    let mut committed = Vec::new();
    // The first two messages are the upload and the deployment.
    for number in (2..position.value()).map(MessageNumber::new) {
        match token.fate(&person, number).await? {
            Fate::Committed => committed.push(number),
            fate => anyhow::bail!("transfer {number} was {fate:?}"),
        }
    }
    for number in &accepted {
        assert!(committed.contains(number), "transfer {number} was accepted and lost");
    }
    let friend = token.person(Account::from_seed([0xb2; 32])?).await?;
    let balance = token.balance(&friend, &friend.account.id()).await?;
    assert_eq!(balance, Ok(AMOUNT * committed.len() as u128), "a transfer was executed twice or not at all");

    // The same messages, executed again from nothing, give the same state.
    let head = token.client.head().await?;
    let messages = token
        .client
        .node()
        .messages(
            Topic::Cluster(CLUSTER),
            MessageNumber::new(0),
            position.value(),
            BACKLOG_BYTES_MAX,
            head.hash(),
        )
        .await?
        .unverified();
    assert_eq!(messages.len() as u64, position.value());
    network.kill(Program::Worker)?;
    let platform = SimulatedPlatform::open(&network.worker_dir())?;
    let records = Disk::open(&network.worker_dir())?.records()?;
    let replayed = replay::state_root(
        &WasmtimeEngine::new()?,
        &platform.sealing_key()?,
        records,
        token.client.genesis(),
        CLUSTER,
        &messages,
    );
    assert_eq!(replayed, Ok(state_root));
    println!("{} transfers committed, {} known to have been accepted", committed.len(), accepted.len());
    Ok(())
}
