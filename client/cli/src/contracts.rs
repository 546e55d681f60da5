//! `phala contract`.

use crate::{
    args::{
        BuildArgs, CallArgs, ContractCommand, DeployArgs, PayerArgs, QueryArgs, ReceiptArgs, RemoveArgs,
        UploadArgs,
    },
    context::Context,
    failure::advise,
    outcome::{Function, Told, tell, tell_upload},
    receipts,
    store::read_bundle,
};
use anyhow::{Context as _, Result};
use phala_sdk::{
    Answered, CallParameters, Client, Session,
    abi::ContractBundle,
    build::{BuildOptions, Bundle, build},
    node::{Account, SubmitError},
};
use phala_types::{
    Bytes, ClusterId, ContractId, Gas,
    cluster::contract_id,
    limits::{PAYLOAD_BYTES_MAX, SALT_BYTES_MAX},
    query::{Question, Scope},
};
use serde_json::{Value, json};
use std::{path::Path, process::ExitCode};

/// How long a session of one command lives: it asks once or twice, and a worker may take a minute to start.
const SESSION_BLOCKS: u32 = 600;

pub async fn run(context: &Context, command: ContractCommand) -> Result<ExitCode> {
    match command {
        ContractCommand::Build(args) => build_command(context, &args),
        ContractCommand::Upload(args) => upload_command(context, &args).await,
        ContractCommand::Remove(args) => remove_command(context, &args).await,
        ContractCommand::Deploy(args) => deploy_command(context, &args).await,
        ContractCommand::Call(args) => call_command(context, &args).await,
        ContractCommand::Query(args) => query_command(context, &args).await,
    }
}

fn build_command(context: &Context, args: &BuildArgs) -> Result<ExitCode> {
    let bundle = build_project(context, &args.project)?;
    let hash = format!("0x{}", hex::encode(bundle.code_hash));
    let path = bundle.contract_path.display();
    let mut text = format!("{path}\ncode {hash}, {} bytes", bundle.wasm.len());
    for note in &bundle.notes {
        text.push_str(&format!("\nnote: {note}"));
    }
    let json = json!({
        "name": bundle.name, "code_hash": hash, "bytes": bundle.wasm.len(),
        "contract": path.to_string(), "notes": bundle.notes,
    });
    context.print(text, json);
    Ok(ExitCode::SUCCESS)
}

/// Builds a contract, with a line for each step.
pub fn build_project(context: &Context, project: &Path) -> Result<Bundle> {
    let mut last = None;
    let bundle = build(project, &BuildOptions::new(), &mut |progress| {
        if last != Some(progress.phase) {
            last = Some(progress.phase);
            context.say(format_args!("  {:>4} s  {}", progress.elapsed.as_secs(), progress.phase.title()));
        }
    })?;
    Ok(bundle)
}

async fn upload_command(context: &Context, args: &UploadArgs) -> Result<ExitCode> {
    let (bundle, _) = read_bundle(&args.bundle)?;
    let payer = context.signer()?;
    let client = context.connect().await?;
    let Uploaded { is_new, told } = upload(&client, &payer, args.cluster, &bundle).await?;
    let how = if is_new { "uploaded" } else { "was there already" };
    let text = format!("code {} {how}, cluster {}\n{}", bundle.code_hash, args.cluster, told.text);
    let mut json = told.json;
    json["code_hash"] = json!(bundle.code_hash);
    json["cluster"] = json!(args.cluster);
    json["new"] = json!(is_new);
    context.print(text, json);
    Ok(if told.is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Code that is on the chain.
pub struct Uploaded {
    /// Whether it was not there already.
    pub is_new: bool,
    /// Whether the cluster's worker took it.
    pub told: Told,
}

/// Uploads code, and waits until the cluster's worker says whether it took it.
pub async fn upload(
    client: &Client,
    payer: &Account,
    cluster: ClusterId,
    bundle: &ContractBundle,
) -> Result<Uploaded> {
    // Whom to ask is known before anything is paid.
    client.cluster_worker(cluster).await?;
    let is_new = match client.upload(payer, cluster, bundle.code()?.clone()).await {
        Ok(_) => true,
        Err(phala_sdk::CommandError::Submit(SubmitError::Refused { reason, .. }))
            if reason.starts_with("Clusters.CodeExists") =>
        {
            // Somebody else's upload may be newer than what this client has verified.
            client.head().await?;
            false
        }
        Err(error) => return Err(error.into()),
    };
    let session = client.session(payer, Scope::Any, SESSION_BLOCKS).await?;
    let answered = client
        .upload_outcome(&session, cluster, bundle.code_hash)
        .await
        .context("the code is on the chain, but what came of it is not known")?;
    Ok(Uploaded { is_new, told: tell_upload(answered.answer()) })
}

async fn remove_command(context: &Context, args: &RemoveArgs) -> Result<ExitCode> {
    let payer = context.signer()?;
    let client = context.connect().await?;
    client.cluster_worker(args.cluster).await?;
    client.remove_code(&payer, args.cluster, args.code_hash).await.context("cannot remove the code")?;
    let session = client.session(&payer, Scope::Any, SESSION_BLOCKS).await?;
    let answered = client
        .upload_outcome(&session, args.cluster, args.code_hash)
        .await
        .context("the chain has removed the code's name, but what the worker did is not known")?;
    let mut told = tell_upload(answered.answer());
    told.json["cluster"] = json!(args.cluster);
    context.print(told.text, told.json);
    Ok(if told.is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn deploy_command(context: &Context, args: &DeployArgs) -> Result<ExitCode> {
    let (bundle, file) = read_bundle(&args.bundle)?;
    let input = bundle.abi.encode_constructor(&args.constructor, &args.arguments)?;
    let salt = salt(args.salt.as_deref())?;
    let signer = context.signer()?;
    let payer = payer(context, &args.payer, &signer)?;
    let client = context.connect().await?;
    let parameters = args.cost.parameters();
    if args.trial.dry_run {
        let contract = contract_id(args.cluster, &payer.id(), &bundle.code_hash, &salt);
        let question = Question::Instantiate {
            cluster: args.cluster,
            contract,
            code_hash: bundle.code_hash,
            value: parameters.value,
            gas_limit: parameters.gas_limit,
            deposit_limit: parameters.deposit_limit,
            input,
        };
        let session = session(&client, &signer, contract).await?;
        let answered = client.query(&session, question).await.context("cannot try the constructor")?;
        let told = tell(&bundle.abi, Function::Constructor(&args.constructor), &answered)?;
        return finish_trial(context, &client, &answered, &args.receipt, told).await;
    }
    let deployed = client
        .deploy(&signer, &payer, args.cluster, bundle.code_hash, salt, input, parameters)
        .await
        .context("cannot deploy the contract")?;
    context.store.remember_bundle(&deployed.contract, &file)?;
    context.say(format_args!("message {} is final; waiting for its outcome", deployed.number));
    let session = session(&client, &signer, deployed.contract).await?;
    let answered = client.outcome(&session, deployed.contract, deployed.number).await?;
    let mut told = tell(&bundle.abi, Function::Constructor(&args.constructor), &answered)?;
    told.text = format!("contract {}\n{}", deployed.contract, told.text);
    told.json["contract"] = json!(deployed.contract);
    told.json["number"] = json!(deployed.number);
    finish(context, &client, &answered, &args.receipt, told).await
}

async fn call_command(context: &Context, args: &CallArgs) -> Result<ExitCode> {
    let bundle = context.store.bundle(&args.contract, args.bundle.as_deref())?;
    let input = bundle.abi.encode_message(&args.message, &args.arguments)?;
    let signer = context.signer()?;
    let payer = payer(context, &args.payer, &signer)?;
    let client = context.connect().await?;
    held_to_chain(&client, args.contract, &bundle).await?;
    if args.trial.dry_run {
        let answered = ask(&client, &signer, args.contract, input, args.cost.parameters()).await?;
        let told = tell(&bundle.abi, Function::Message(&args.message), &answered)?;
        return finish_trial(context, &client, &answered, &args.receipt, told).await;
    }
    let sent = client
        .call(&signer, &payer, args.contract, input, args.cost.parameters())
        .await
        .context("cannot send the command")?;
    context.say(format_args!("message {} is final; waiting for its outcome", sent.number));
    let session = session(&client, &signer, args.contract).await?;
    let answered = client.outcome(&session, args.contract, sent.number).await?;
    let mut told = tell(&bundle.abi, Function::Message(&args.message), &answered)?;
    told.json["contract"] = json!(args.contract);
    told.json["number"] = json!(sent.number);
    finish(context, &client, &answered, &args.receipt, told).await
}

async fn query_command(context: &Context, args: &QueryArgs) -> Result<ExitCode> {
    let bundle = context.store.bundle(&args.contract, args.bundle.as_deref())?;
    let input = bundle.abi.encode_message(&args.message, &args.arguments)?;
    let signer = context.signer()?;
    let client = context.connect().await?;
    held_to_chain(&client, args.contract, &bundle).await?;
    let parameters = CallParameters { gas_limit: Gas::new(args.gas), ..CallParameters::default() };
    let answered = ask(&client, &signer, args.contract, input, parameters).await?;
    let mut told = tell(&bundle.abi, Function::Message(&args.message), &answered)?;
    told.json["contract"] = json!(args.contract);
    if bundle.abi.message(&args.message)?.mutates {
        context.say("note: a query changes nothing; use `phala contract call` to change the contract");
    }
    finish(context, &client, &answered, &args.receipt, told).await?;
    // A refusal is an answer.
    Ok(ExitCode::SUCCESS)
}

/// Asks a contract as a message of it would be called.
async fn ask(
    client: &Client,
    signer: &Account,
    contract: ContractId,
    input: Bytes<PAYLOAD_BYTES_MAX>,
    CallParameters { value, gas_limit, deposit_limit }: CallParameters,
) -> Result<Answered> {
    let session = session(client, signer, contract).await?;
    let question = Question::Call { contract, value, gas_limit, deposit_limit, input };
    client.query(&session, question).await.context("cannot ask the contract")
}

/// The end of a dry run, whose gas people want to see.
async fn finish_trial(
    context: &Context,
    client: &Client,
    answered: &Answered,
    receipt: &ReceiptArgs,
    mut told: Told,
) -> Result<ExitCode> {
    told.text.push_str(&format!("\ngas {}\ndry run: nothing was sent", told.json["gas_used"]));
    told.json["dry_run"] = json!(true);
    finish(context, client, answered, receipt, told).await
}

/// Prints an answer with who gave it, and writes its receipt if that was asked for. The exit code tells whether the
/// contract's changes were kept.
async fn finish(
    context: &Context,
    client: &Client,
    answered: &Answered,
    receipt: &ReceiptArgs,
    mut told: Told,
) -> Result<ExitCode> {
    let worker = answered.worker();
    told.json["worker"] = json!(worker.id());
    told.json["tier"] = json!(worker.record().tier);
    told.json["receipt"] = json!(answered.receipt());
    let mut file = Value::Null;
    if let Some(path) = &receipt.file {
        let bundle = client.bundle(answered, !receipt.undisclosed).await?;
        receipts::write(path, &bundle)?;
        context.say(format_args!("receipt: {}", path.display()));
        file = Value::from(path.display().to_string());
    }
    told.json["receipt_file"] = file;
    context.say(format_args!("worker {} is attested as {}", worker.id(), worker.record().tier));
    context.print(&told.text, told.json);
    Ok(if told.is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Metadata of other code than the contract's would send and show nonsense.
async fn held_to_chain(client: &Client, contract: ContractId, bundle: &ContractBundle) -> Result<()> {
    let record = client.contract(&contract).await?;
    if record.code_hash != bundle.code_hash {
        return Err(advise(
            format!(
                "the bundle is of the code {}, but the contract runs {}",
                bundle.code_hash, record.code_hash
            ),
            "name the contract's own .contract file with --bundle",
        ));
    }
    Ok(())
}

async fn session(client: &Client, signer: &Account, contract: ContractId) -> Result<Session> {
    let contracts = phala_types::List::truncate_from(vec![contract]);
    Ok(client.session(signer, Scope::Contracts(contracts), SESSION_BLOCKS).await?)
}

fn payer(context: &Context, args: &PayerArgs, signer: &Account) -> Result<Account> {
    match &args.payer {
        Some(payer) => context.named(payer),
        None => Ok(signer.clone()),
    }
}

/// The salt that was given, or a random one.
pub fn salt(text: Option<&str>) -> Result<Bytes<SALT_BYTES_MAX>> {
    let bytes = match text {
        Some(text) => hex::decode(text.strip_prefix("0x").unwrap_or(text)).map_err(|error| {
            advise(format!("the salt is not hexadecimal: {error}"), "digits such as 0x01")
        })?,
        None => {
            let mut bytes = vec![0; 16];
            getrandom::fill(&mut bytes).context("the operating system gives no randomness")?;
            bytes
        }
    };
    bytes.try_into().map_err(|_| advise(format!("the salt is over {SALT_BYTES_MAX} bytes"), "a shorter one"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn salt_is_random_unless_it_is_given() {
        assert_eq!(salt(Some("0x0102")).unwrap().as_slice(), [1, 2]);
        assert_eq!(salt(Some("")).unwrap().as_slice(), [0u8; 0]);
        assert_ne!(salt(None).unwrap(), salt(None).unwrap());
        assert!(salt(Some("xyz")).is_err());
        assert!(salt(Some(&"00".repeat(65))).is_err());
    }
}
