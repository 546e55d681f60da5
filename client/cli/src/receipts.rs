//! `phala verify`, and receipt files.

use crate::{
    args::VerifyArgs,
    context::Context,
    failure::advise,
    outcome::{Function, tell_answer},
    store::{self, read_bounded, read_bundle},
};
use anyhow::{Context as _, Result};
use phala_sdk::{
    abi::Abi,
    receipt::{BUNDLE_FILE_BYTES_MAX, ReceiptBundle, VerifiedReceipt, verify_receipt},
};
use phala_types::{
    GenesisHash,
    query::{Answer, Question},
    receipt::Subject,
};
use serde_json::{Value, json};
use std::path::Path;

/// Writes a receipt file.
pub fn write(path: &Path, bundle: &ReceiptBundle) -> Result<()> {
    // What is disclosed is its owner's to show.
    store::write(path, &serde_json::to_vec_pretty(bundle)?, 0o600, false)
}

/// Reads a receipt file, which says nothing yet.
pub fn read(path: &Path) -> Result<ReceiptBundle> {
    let bytes = read_bounded(path, BUNDLE_FILE_BYTES_MAX)?.ok_or_else(|| {
        advise(
            format!("there is no file {}", path.display()),
            "make one: phala contract query ... --receipt FILE",
        )
    })?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is not a receipt file", path.display()))
}

pub fn verify(context: &Context, args: &VerifyArgs) -> Result<()> {
    let bundle = read(&args.receipt)?;
    let (expected, origin) = expected_network(context)?;
    let verified = verify_receipt(&bundle, expected)
        .with_context(|| format!("{} does not verify", args.receipt.display()))?;
    let abi = match &args.bundle {
        Some(path) => {
            let (contract, _) = read_bundle(path)?;
            let record = verified.contract().context("the receipt is about no contract")?;
            anyhow::ensure!(
                contract.code_hash == record.code_hash,
                "the bundle is of the code {}, but the receipt's contract runs {}",
                contract.code_hash,
                record.code_hash
            );
            Some(contract.abi)
        }
        None => {
            let contract = verified.receipt().contract;
            let bundle = contract.and_then(|contract| context.store.bundle(&contract, None).ok());
            bundle.map(|bundle| bundle.abi)
        }
    };
    let (text, mut json) = describe(&verified, abi.as_ref());
    json["genesis_from"] = json!(origin);
    context.print(format_args!("{text}\nnetwork    {expected}, {origin}"), json);
    Ok(())
}

/// The network that the user trusts, and where that comes from.
fn expected_network(context: &Context) -> Result<(GenesisHash, &'static str)> {
    if let Some(genesis) = context.genesis() {
        return Ok((genesis, "as asked for"));
    }
    let last = context.store.last_network()?.ok_or_else(|| {
        advise(
            "a receipt is verified against a network's genesis hash, and none is known here",
            "--genesis HASH, from a source that you trust",
        )
    })?;
    Ok((last, "the one that was last connected to"))
}

fn describe(verified: &VerifiedReceipt, abi: Option<&Abi>) -> (String, Value) {
    let receipt = verified.receipt();
    let (subject, mut json) = match &receipt.subject {
        Subject::Query { question, answer } => (
            "a query, which changed nothing".to_owned(),
            json!({ "kind": "query", "question": question, "answer": answer }),
        ),
        Subject::Command { number, outcome, tip } => (
            format!("the command number {number}"),
            json!({ "kind": "command", "number": number, "outcome": outcome, "tip": tip }),
        ),
        Subject::Upload { code_hash, number, outcome, tip } => (
            format!("the upload of the code {code_hash}, message {number}"),
            json!({
                "kind": "upload", "code_hash": code_hash, "number": number, "outcome": outcome, "tip": tip,
            }),
        ),
    };
    let (contract, code) = match (&receipt.contract, &receipt.code_hash) {
        (Some(contract), Some(code_hash)) => (contract.to_string(), code_hash.to_string()),
        (Some(contract), None) => (contract.to_string(), "none: the deployment failed".to_owned()),
        (None, _) => ("none".to_owned(), "of none".to_owned()),
    };
    let mut text = format!(
        "verified   the receipt is genuine, for {subject}\n\
         attested   {}\n\
         worker     {}, registered until block {}\n\
         cluster    {}\n\
         contract   {contract}\n\
         code       {code}\n\
         block      {} ({}), final\n\
         state      {} after {} messages",
        receipt.tier,
        receipt.worker,
        verified.worker().expires_at,
        receipt.cluster,
        receipt.head.number,
        receipt.head.hash,
        receipt.state_root,
        receipt.position,
    );
    if let Some((question, answer)) = verified.disclosed() {
        let (answer_text, answer_json) = disclosed(question, answer, abi);
        text.push_str(&format!("\nanswer     {answer_text}"));
        json["disclosed"] = answer_json;
    }
    let json = json!({
        "verified": true, "tier": receipt.tier, "worker": receipt.worker, "contract": receipt.contract,
        "cluster": receipt.cluster, "code_hash": receipt.code_hash, "head": receipt.head,
        "state_root": receipt.state_root, "position": receipt.position, "genesis": receipt.genesis,
        "subject": json,
    });
    (text, json)
}

/// The answer by the contract's interface if that is known, else as it is.
fn disclosed(question: &Question, answer: &Answer, abi: Option<&Abi>) -> (String, Value) {
    let selector = match question {
        Question::Call { input, .. } => input.first_chunk::<4>().copied(),
        Question::Outcome { .. } | Question::Upload { .. } | Question::Instantiate { .. } => None,
    };
    let message = abi.and_then(|abi| {
        let message = abi.messages().iter().find(|message| Some(message.selector()) == selector)?;
        tell_answer(abi, Function::Message(&message.label), answer).ok().map(|told| (message, told))
    });
    match message {
        Some((message, told)) => {
            let json = json!({ "message": message.label, "answer": told.json });
            (format!("{} = {}", message.label, told.text), json)
        }
        None => {
            let text = format!("{answer:?}");
            (text.clone(), json!({ "answer": text }))
        }
    }
}
