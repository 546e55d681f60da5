//! `phala worker` and `phala status`.

use crate::{args::WorkerCommand, context::Context};
use anyhow::Result;
use phala_sdk::{Client, VerifiedWorker, node::Account};
use phala_types::{
    BlockNumber, WorkerId,
    relay::{Phase, WorkerStatus},
};
use serde_json::{Value, json};

pub async fn run(context: &Context, command: WorkerCommand) -> Result<()> {
    match command {
        WorkerCommand::List => list(context).await,
        WorkerCommand::Show { worker } => show(context, worker).await,
    }
}

async fn list(context: &Context) -> Result<()> {
    let client = context.connect().await?;
    let workers = client.workers().await?;
    let line = |worker: &VerifiedWorker| {
        let cluster = worker.cluster().map_or("none".to_owned(), |cluster| cluster.to_string());
        let live = if is_live(worker) { "" } else { " EXPIRED" };
        format!(
            "{}  cluster {cluster}  {}  until block {}{live}  {}",
            worker.id(),
            worker.record().tier,
            worker.record().expires_at,
            worker.endpoint()
        )
    };
    let text = match workers.is_empty() {
        true => "no worker is registered".to_owned(),
        false => workers.iter().map(line).collect::<Vec<_>>().join("\n"),
    };
    context.print(text, Value::from(workers.iter().map(as_json).collect::<Vec<_>>()));
    Ok(())
}

async fn show(context: &Context, id: WorkerId) -> Result<()> {
    let client = context.connect().await?;
    let worker = client.worker(id).await?;
    let status = status_of(&client, &worker).await;
    let record = worker.record();
    let says = match &status {
        Ok(status) => describe(status),
        Err(why) => why.clone(),
    };
    let text = format!(
        "worker       {id}\n\
         attested as  {}\n\
         measurement  {}\n\
         evidence     {}\n\
         operator     {}\n\
         cluster      {}\n\
         registered   at block {}, until block {}\n\
         endpoint     {}\n\
         proven at    block {} ({})\n\
         it says      {says}",
        record.tier,
        record.measurement,
        record.attestation,
        Account::format_address(&record.operator),
        worker.cluster().map_or("none".to_owned(), |cluster| cluster.to_string()),
        record.registered_at,
        record.expires_at,
        worker.endpoint(),
        worker.at().number,
        worker.at().hash,
    );
    let mut json = as_json(&worker);
    json["says"] = says_json(status);
    context.print(text, json);
    Ok(())
}

/// The network as this client has verified it, and what node and workers say of themselves.
pub async fn status(context: &Context) -> Result<()> {
    let client = context.connect().await?;
    let head = client.head().await?;
    let info = client.node().info().await?;
    let mut text = format!(
        "network  {} ({})\nnode     {} {} at {}, {} peers{}\nfinal    block {} ({}), verified",
        info.chain,
        client.genesis(),
        info.node,
        info.version,
        client.node().url(),
        info.peers,
        if info.is_syncing { ", syncing" } else { "" },
        head.number(),
        head.hash(),
    );
    let mut workers = Vec::new();
    for worker in client.workers().await? {
        let status = status_of(&client, &worker).await;
        let says = match &status {
            Ok(status) => describe(status),
            Err(why) => why.clone(),
        };
        text.push_str(&format!(
            "\nworker   {}\n         {}\n         {says}",
            worker.id(),
            worker.record().tier
        ));
        let mut json = as_json(&worker);
        json["says"] = says_json(status);
        workers.push(json);
    }
    if workers.is_empty() {
        text.push_str("\nworker   none is registered yet");
    }
    let json = json!({
        "chain": info.chain, "genesis": client.genesis(), "node": client.node().url(),
        "version": info.version, "peers": info.peers, "syncing": info.is_syncing,
        "final": head.block_ref(), "workers": workers,
    });
    context.print(text, json);
    Ok(())
}

/// What a worker says of itself, or why it says nothing. Nothing relies on it.
async fn status_of(client: &Client, worker: &VerifiedWorker) -> Result<WorkerStatus, String> {
    match client.worker_url(worker).status().await {
        Ok(status) => Ok(status.unverified()),
        Err(error) => Err(error.to_string()),
    }
}

fn says_json(status: Result<WorkerStatus, String>) -> Value {
    match status {
        Ok(status) => serde_json::to_value(status).unwrap_or_default(),
        Err(why) => json!({ "error": why }),
    }
}

fn describe(status: &WorkerStatus) -> String {
    let head = status.head.map_or(BlockNumber::new(0), |head| head.number);
    match status.phase {
        Phase::Halted(reason) => format!("HALTED: {reason}"),
        Phase::New => "waits for its relay to tell it of the network".to_owned(),
        Phase::Syncing => {
            let of = status.target.map_or(status.position, |target| target.count);
            format!("syncing: block {head}, {} of {of} messages executed", status.position)
        }
        Phase::Serving => format!("serving: block {head}, {} messages executed", status.position),
    }
}

fn is_live(worker: &VerifiedWorker) -> bool {
    worker.is_live_at(worker.at().number)
}

fn as_json(worker: &VerifiedWorker) -> Value {
    let record = worker.record();
    json!({
        "worker": worker.id(), "tier": record.tier, "cluster": worker.cluster(),
        "measurement": record.measurement, "attestation": record.attestation,
        "operator": Account::format_address(&record.operator),
        "hpke_key": format!("0x{}", hex::encode(record.hpke_key)),
        "registered_at": record.registered_at, "expires_at": record.expires_at,
        "live": is_live(worker), "endpoint": worker.endpoint(), "proven_at": worker.at(),
    })
}
