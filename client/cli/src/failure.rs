//! What a person is told when something fails: what happened, because of what, and what to try.

use phala_sdk::{
    ChainError, ClientError, CommandError, QueryError, VerifyError, WorkerError,
    abi::AbiError,
    node::{AccountError, NodeError, SubmitError},
};
use phala_types::query::Refusal;
use serde_json::{Value, json};
use std::error::Error;

/// Advice that the place where an error arose has, and the error itself does not.
#[derive(Debug)]
pub struct Advice {
    what: String,
    advice: String,
}

impl std::fmt::Display for Advice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for Advice {}

/// An error with advice.
pub fn advise(what: impl Into<String>, advice: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Advice { what: what.into(), advice: advice.into() })
}

/// As JSON: what happened, its causes, and what to try.
pub fn as_json(error: &anyhow::Error) -> Value {
    let causes: Vec<_> = causes(error);
    json!({ "error": error.to_string(), "causes": causes, "try": advice(error) })
}

/// As text, a line each.
pub fn as_text(error: &anyhow::Error) -> String {
    let mut text = format!("error: {error}");
    for cause in causes(error) {
        text.push_str(&format!("\n  because: {cause}"));
    }
    if let Some(advice) = advice(error) {
        text.push_str(&format!("\n  try: {advice}"));
    }
    text
}

/// The errors below, without those that only repeat what the one above says.
fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut said = error.to_string();
    let mut causes = Vec::new();
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        if !said.contains(&text) {
            said.push_str(&text);
            causes.push(text);
        }
    }
    causes
}

fn advice(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        cause
            .downcast_ref::<Advice>()
            .map(|advice| advice.advice.clone())
            .or_else(|| advice_for(cause).map(str::to_owned))
    })
}

fn advice_for(error: &(dyn Error + 'static)) -> Option<&'static str> {
    if let Some(error) = error.downcast_ref::<NodeError>() {
        return match error {
            NodeError::Unreachable { .. } => {
                Some("start a development network with `phala dev`, or name another node with --node")
            }
            NodeError::Lost { .. } => Some("run the command again"),
            NodeError::Refused { .. } => Some(
                "give a node that keeps all state, as `phala-node` does by default: a light client begins with a proof at \
                 block 0",
            ),
            NodeError::Missing { .. } => Some("run the command again once the node has caught up"),
            NodeError::Malformed { .. } => Some("use another node"),
        };
    }
    if let Some(error) = error.downcast_ref::<SubmitError>() {
        return match error {
            SubmitError::NotTaken { .. } => Some(
                "look at the payer's balance with `phala account balance`, and let nothing else send by that account",
            ),
            SubmitError::Unknown { .. } => Some("use a client of the same version as the network"),
            SubmitError::Unknowable { .. } => Some(
                "look with `phala status` whether the chain goes on, and then at the outcome, before sending it again",
            ),
            SubmitError::Refused { .. } | SubmitError::Node { .. } => None,
        };
    }
    if let Some(error) = error.downcast_ref::<ClientError>() {
        return client_advice(error);
    }
    if let Some(error) = error.downcast_ref::<Box<ClientError>>() {
        return client_advice(error);
    }
    if let Some(error) = error.downcast_ref::<ChainError>() {
        return chain_advice(error);
    }
    if let Some(QueryError::Refused(Refusal::UnknownContract)) = error.downcast_ref() {
        return Some("its constructor may have failed: look at what `phala contract deploy` said");
    }
    if let Some(CommandError::ForeignKey { .. }) = error.downcast_ref() {
        return Some("do not use this worker: it, or somebody on the way, tried to read your command");
    }
    if let Some(error) = error.downcast_ref::<WorkerError>() {
        return match error {
            WorkerError::Unreachable { .. } => Some("look with `phala worker list` where workers are"),
            WorkerError::Refused { status: 503, .. } => {
                Some("look at `phala status`, and run the command again")
            }
            _ => None,
        };
    }
    if let Some(AbiError::UnknownFunction { .. } | AbiError::Argument { .. }) = error.downcast_ref() {
        return Some("look at the contract's source or metadata; accounts are SS58, 0x... or //Alice");
    }
    if let Some(AccountError::MalformedUri) = error.downcast_ref() {
        return Some("make an account with `phala account new NAME`, and use it with --account NAME");
    }
    if let Some(VerifyError::OtherNetwork { .. }) = error.downcast_ref() {
        return Some("name the receipt's network with --genesis, if you trust that one");
    }
    if error.downcast_ref::<VerifyError>().is_some() {
        return Some("do not rely on this receipt");
    }
    None
}

fn client_advice(error: &ClientError) -> Option<&'static str> {
    match error {
        ClientError::NotTrusted { .. } => {
            Some("--accept-simulated, if this is a development network and nothing that you send is secret")
        }
        ClientError::EmptyCluster(_) => Some("look with `phala status` what the worker waits for"),
        ClientError::NoContract(_) => Some(
            "check the contract's id, and --node; if another contract made it, name its cluster with --cluster",
        ),
        ClientError::NoWorker(_) => Some("list the workers with `phala worker list`"),
        ClientError::Chain(error) => chain_advice(error),
    }
}

fn chain_advice(error: &ChainError) -> Option<&'static str> {
    match error {
        ChainError::OtherNetwork { .. } => {
            Some("name another node with --node, or the right network with --genesis")
        }
        ChainError::Stalled { .. } => {
            Some("look at the node's log: a network needs two thirds of its validators")
        }
        ChainError::NotFinalized { .. } | ChainError::NotProven { .. } => {
            Some("use another node: this one lies")
        }
        ChainError::Node(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    fn unreachable() -> anyhow::Error {
        let node = NodeError::Unreachable { url: "ws://x".into(), source: "refused".into() };
        anyhow::Error::new(ClientError::from(node)).context("cannot show the status")
    }

    #[test]
    fn error_says_what_why_and_what_to_try() {
        let text = as_text(&unreachable());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "error: cannot show the status");
        assert!(lines.contains(&"  because: cannot reach a node at ws://x"), "{text}");
        assert!(lines.contains(&"  because: refused"), "{text}");
        assert!(lines.last().unwrap().starts_with("  try: start a development network"), "{text}");
        let json = as_json(&unreachable());
        assert_eq!(json["error"], "cannot show the status");
        assert!(json["try"].as_str().unwrap().contains("phala dev"));
    }

    #[test]
    fn advice_is_found_below_boxes_and_contexts() {
        let tier = phala_types::worker::Tier::Simulated;
        let worker = phala_types::WorkerId::new([1; 32]);
        let inner = ClientError::NotTrusted { worker, tier };
        let error = anyhow::Error::new(QueryError::from(inner)).context("cannot ask");
        assert!(as_text(&error).contains("--accept-simulated"));
        let error = Err::<(), _>(advise("there is no file", "make it")).context("cannot start").unwrap_err();
        assert!(as_text(&error).ends_with("try: make it"));
    }
}
