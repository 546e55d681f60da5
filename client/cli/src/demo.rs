//! `phala demo`: one confidential contract, from source to a receipt that is verified offline.

use crate::{
    args::{DemoArgs, format_pha},
    context::Context,
    contracts::{build_project, salt, upload},
    dev::{Network, free_ports},
    failure::{advise, as_text},
    outcome::{Function, tell},
    receipts,
};
use anyhow::{Context as _, Result};
use phala_sdk::{
    Answered, CallParameters, Client, Session, VerifyError,
    abi::ContractBundle,
    node::{Account, Node},
    receipt::verify_receipt,
};
use phala_types::{
    ClusterId, ContractId, Gas, MessageNumber, StateRoot,
    limits::CALL_GAS_MAX,
    query::{Question, Scope},
};
use serde_json::json;
use std::{path::PathBuf, process::ExitCode, time::Instant};

/// The steps, counted in the last line.
const STEPS: usize = 10;

/// The development network's only cluster.
const CLUSTER: ClusterId = ClusterId::new(0);

const SUPPLY: u128 = 1_000_000;
const AMOUNT: u128 = 1_500;

/// Blocks for which the demo's sessions live.
const SESSION_BLOCKS: u32 = 600;

pub async fn run(mut context: Context, args: DemoArgs) -> Result<ExitCode> {
    let mut own = OwnNetwork::start_if_needed(&mut context).await?;
    let mut steps = Steps { context: &context, done: 0, began: Instant::now(), lines: Vec::new() };
    let result = story(&mut steps, &args).await;
    let (done, lines) = (steps.done, std::mem::take(&mut steps.lines));
    own.stop(result.is_ok()).await;
    let text = format!("demo: {done} of {STEPS} steps ok");
    let json = json!({ "steps": STEPS, "ok": done, "lines": lines, "receipt": args.receipt });
    match result {
        Ok(()) => {
            context.print(text, json);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            context.say(as_text(&error));
            let mut json = json;
            json["error"] = crate::failure::as_json(&error);
            context.print(text, json);
            Ok(ExitCode::FAILURE)
        }
    }
}

/// A network that the demo started for itself, since none was running.
struct OwnNetwork(Option<(Network, tempfile::TempDir)>);

impl OwnNetwork {
    /// Uses the network that the options name. If none is named and none runs at the usual place, starts one.
    async fn start_if_needed(context: &mut Context) -> Result<Self> {
        let url = context.node_url();
        let error = match Node::connect(&url).await {
            Ok(_) => return Ok(Self(None)),
            Err(error) => error,
        };
        if context.options.node.is_some() || context.settings.node.is_some() {
            return Err(error.into());
        }
        context.say(format_args!("no network runs at {url}: starting one for this demo"));
        let dir = tempfile::Builder::new().prefix("phala-demo-").tempdir()?;
        let mut network = Network::start(context, dir.path(), free_ports()?)?;
        if let Err(error) = network.wait_until_ready(context).await {
            network.stop().await;
            return Err(error);
        }
        context.options.node = Some(network.node_url());
        Ok(Self(Some((network, dir))))
    }

    /// Stops it. Its files are kept if something went wrong.
    async fn stop(&mut self, is_ok: bool) {
        let Some((mut network, dir)) = self.0.take() else { return };
        network.stop().await;
        if !is_ok {
            eprintln!("the network's files are kept in {}", dir.keep().display());
        }
    }
}

/// What was done so far.
struct Steps<'a> {
    context: &'a Context,
    done: usize,
    began: Instant,
    lines: Vec<String>,
}

impl Steps<'_> {
    fn ok(&mut self, line: impl std::fmt::Display) {
        self.done += 1;
        let line = line.to_string();
        self.context.say(format_args!(
            "[{:>2}/{STEPS}] {:>5.1} s  {line}",
            self.done,
            self.began.elapsed().as_secs_f64()
        ));
        self.lines.push(line);
    }
}

/// The people: they sign inside ciphertexts, and only the payer shows on the chain.
struct People {
    payer: Account,
    owner: Account,
    friend: Account,
    stranger: Account,
}

impl People {
    fn new(context: &Context) -> Result<Self> {
        let fresh = || -> Result<Account> {
            let mut entropy = [0; 16];
            getrandom::fill(&mut entropy).context("the operating system gives no randomness")?;
            Ok(Account::from_entropy(entropy)?.0)
        };
        let payer = match context.options.suri.is_some() || context.options.account.is_some() {
            true => context.signer()?,
            false => Account::from_uri("//Alice")?,
        };
        Ok(Self { payer, owner: fresh()?, friend: fresh()?, stranger: fresh()? })
    }
}

async fn story(steps: &mut Steps<'_>, args: &DemoArgs) -> Result<()> {
    let context = steps.context;
    let people = People::new(context)?;
    let client = context.connect().await?;
    let head = client.head().await?;
    steps.ok(format_args!(
        "verified the chain from genesis {} to final block {}",
        client.genesis(),
        head.number()
    ));

    let worker = client.cluster_worker(CLUSTER).await?;
    steps.ok(format_args!("verified the worker {}, attested as {}", worker.id(), worker.record().tier));

    let built = build_project(context, &project(&args.project)?)?;
    let text = std::fs::read(&built.contract_path)
        .with_context(|| format!("cannot read {}", built.contract_path.display()))?;
    let bundle = ContractBundle::parse(&text)?;
    steps.ok(format_args!(
        "built {} from source: {} bytes, code {}",
        built.name,
        built.wasm.len(),
        bundle.code_hash
    ));

    let payer_balance = client.node().balance(&people.payer.id(), head.hash()).await?.free;
    let uploaded = upload(&client, &people.payer, CLUSTER, &bundle).await?;
    anyhow::ensure!(uploaded.told.is_kept, "the worker did not take the code: {}", uploaded.told.text);
    let how = if uploaded.is_new { "uploaded the code" } else { "the code is on the chain already" };
    steps.ok(format_args!("{how}, paid by an account with {}", format_pha(payer_balance)));

    let token = deploy(&client, &people, &bundle).await?;
    context.store.remember_bundle(&token, &text)?;
    steps.ok(format_args!("deployed the contract {token}; its constructor's arguments were encrypted"));

    let (number, receipt_root) = transfer(&client, &people, &bundle, token).await?;
    steps.ok(format_args!(
        "sent an encrypted transfer, message {number}; the chain shows neither sender, receiver nor amount; the state \
         root is now {receipt_root}"
    ));

    let owner = session(&client, &people.owner, token).await?;
    let answered = ask_balance(&client, &bundle, &owner, token, &people.owner).await?;
    expect_value(&bundle, &answered, &json!({ "Ok": (SUPPLY - AMOUNT).to_string() }))?;
    steps.ok(format_args!("asked for the balance as its owner: {}", SUPPLY - AMOUNT));

    let stranger = session(&client, &people.stranger, token).await?;
    let refused = ask_balance(&client, &bundle, &stranger, token, &people.owner).await?;
    expect_value(&bundle, &refused, &json!({ "Err": "NotYours" }))?;
    steps.ok("asked for the same balance as a stranger: refused");

    let file = client.bundle(&answered, true).await?;
    receipts::write(&args.receipt, &file)?;
    steps.ok(format_args!("fetched the receipt of the owner's answer: {}", args.receipt.display()));

    let read = receipts::read(&args.receipt)?;
    let verified = verify_receipt(&read, client.genesis())?;
    let mut forged = read.clone();
    forged.receipt.state_root = StateRoot::new([0; 32]);
    anyhow::ensure!(
        verify_receipt(&forged, client.genesis()) == Err(VerifyError::BadSignature),
        "a forged receipt was not refused"
    );
    steps.ok(format_args!(
        "verified it offline, from the genesis hash alone: block {}, code {}, {}; a forged one was refused",
        verified.receipt().head.number,
        verified.contract().context("the receipt is about no contract")?.code_hash,
        verified.receipt().tier
    ));
    Ok(())
}

/// The contract's crate: as named, or, from elsewhere in the repository, above.
fn project(named: &std::path::Path) -> Result<PathBuf> {
    let current = std::env::current_dir()?;
    current.ancestors().map(|dir| dir.join(named)).find(|path| path.join("Cargo.toml").is_file()).ok_or_else(
        || {
            advise(
                format!("there is no contract in {}", named.display()),
                "run it in the repository, or name the contract's folder with --project",
            )
        },
    )
}

async fn deploy(client: &Client, people: &People, bundle: &ContractBundle) -> Result<ContractId> {
    let input = bundle.abi.encode_constructor("new", &[SUPPLY.to_string()])?;
    let deployed = client
        .deploy(
            &people.owner,
            &people.payer,
            CLUSTER,
            bundle.code_hash,
            salt(None)?,
            input,
            CallParameters::default(),
        )
        .await?;
    let owner = session(client, &people.owner, deployed.contract).await?;
    let answered = client.outcome(&owner, deployed.contract, deployed.number).await?;
    let told = tell(&bundle.abi, Function::Constructor("new"), &answered)?;
    anyhow::ensure!(told.is_kept, "the constructor failed: {}", told.text);
    Ok(deployed.contract)
}

/// Pays the friend, and asks what came of it.
async fn transfer(
    client: &Client,
    people: &People,
    bundle: &ContractBundle,
    token: ContractId,
) -> Result<(MessageNumber, StateRoot)> {
    let input =
        bundle.abi.encode_message("transfer", &[people.friend.id().to_string(), AMOUNT.to_string()])?;
    let sent = client.call(&people.owner, &people.payer, token, input, CallParameters::default()).await?;
    let owner = session(client, &people.owner, token).await?;
    let answered = client.outcome(&owner, token, sent.number).await?;
    let told = tell(&bundle.abi, Function::Message("transfer"), &answered)?;
    anyhow::ensure!(told.is_kept, "the transfer failed: {}", told.text);
    Ok((sent.number, answered.receipt().receipt.state_root))
}

async fn ask_balance(
    client: &Client,
    bundle: &ContractBundle,
    session: &Session,
    token: ContractId,
    of: &Account,
) -> Result<Answered> {
    let input = bundle.abi.encode_message("balance_of", &[of.id().to_string()])?;
    let question = Question::call(token, Gas::new(CALL_GAS_MAX), input);
    Ok(client.query(session, question).await?)
}

fn expect_value(bundle: &ContractBundle, answered: &Answered, expected: &serde_json::Value) -> Result<()> {
    let told = tell(&bundle.abi, Function::Message("balance_of"), answered)?;
    anyhow::ensure!(
        told.json["value"] == *expected,
        "the contract answered {}, and {expected} was expected",
        told.json["value"]
    );
    Ok(())
}

async fn session(client: &Client, account: &Account, contract: ContractId) -> Result<Session> {
    let contracts = phala_types::List::truncate_from(vec![contract]);
    Ok(client.session(account, Scope::Contracts(contracts), SESSION_BLOCKS).await?)
}
