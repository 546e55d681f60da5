// SPDX-License-Identifier: Apache-2.0
//! Contracts of one author, on the engine of workers, without a network.
//!
//! `phala contract test` starts this program and speaks with it by lines of JSON: a [`Request`] in, a [`Reply`] out. It is
//! not the worker: there is no chain, no key, no cluster and no secret, and one request after the other. What it shares
//! with the worker is what a contract can notice: the engine, the interface, gas, and the contracts' world.
//!
//! Storage costs nothing here, as in clusters today. Extensions are absent: a contract that calls one traps.

use std::collections::BTreeMap;
use std::io::{BufRead, Read, Write};

use anyhow::{Context as _, Result};
use phala_vm::world::{Codes, Moment, Outermost, Terms, World, contract_address, schema};
use phala_vm::{AccountBytes, HashBytes, SetupError, WasmtimeEngine};
use serde::{Deserialize, Serialize};

/// The longest line: the largest code in hexadecimal digits, and what surrounds it.
const LINE_BYTES_MAX: u64 = 2 * phala_types::limits::CODE_BYTES_MAX as u64 + 64 * 1024;

/// What the tests ask for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "do")]
enum Request {
    /// Begin anew: no contract, no balance. Code stays.
    Fresh,
    /// Take code.
    Upload { code: Hex },
    /// Give an account so much PHA, in the smallest unit.
    Endow { account: Hex, amount: String },
    /// Make a contract. Its address is in the reply.
    Deploy { code_hash: Hex, salt: u32, call: Call },
    /// Call one and keep what it changes.
    Call { contract: Hex, call: Call },
    /// Call one and keep nothing.
    Query { contract: Hex, call: Call },
}

/// What all calls have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    caller: Hex,
    value: String,
    input: Hex,
    gas_limit: u64,
    block_number: u32,
    now_ms: u64,
}

/// What came of it.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    /// Done, and there is nothing to tell.
    Done,
    /// The code's hash.
    Stored(Hex),
    /// Why the code was not taken.
    CodeRefused(String),
    /// The contract answered.
    Returned { contract: Hex, flags: u32, data: Hex, events: Vec<Event>, gas_used: u64, logs: Vec<String> },
    /// The contract was stopped.
    Trapped { contract: Hex, trap: String, gas_used: u64, logs: Vec<String> },
    /// The request makes no sense. Nothing changed.
    Misuse(String),
}

#[derive(Debug, PartialEq, Serialize)]
struct Event {
    contract: Hex,
    topics: Vec<Hex>,
    data: Hex,
}

/// Bytes as `0x...`.
#[derive(Debug, PartialEq)]
struct Hex(Vec<u8>);

impl Serialize for Hex {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("0x{}", hex::encode(&self.0)))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(text.trim_start_matches("0x")).map(Self).map_err(serde::de::Error::custom)
    }
}

impl Hex {
    fn id(&self) -> Result<[u8; 32], String> {
        self.0.as_slice().try_into().map_err(|_| format!("{} bytes are no id of 32", self.0.len()))
    }
}

/// The state of one test.
struct Trial {
    engine: WasmtimeEngine,
    codes: Codes<WasmtimeEngine>,
    state: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What was uploaded, and nothing else: where each test begins.
    uploaded: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Trial {
    fn new() -> Result<Self, SetupError> {
        // Without the pool, whose reserve of memory would be the biggest thing that a test does.
        let (engine, codes) = (WasmtimeEngine::without_pool()?, Codes::default());
        Ok(Self { engine, codes, state: BTreeMap::new(), uploaded: BTreeMap::new() })
    }

    fn handle(&mut self, request: Request) -> Result<Reply, String> {
        match request {
            Request::Fresh => {
                self.state.clone_from(&self.uploaded);
                Ok(Reply::Done)
            }
            Request::Upload { code } => Ok(self.upload(&code.0)),
            Request::Endow { account, amount } => {
                let account = account.id()?;
                let mut world = phala_vm::world::account(&self.state, &account);
                world.free = world.free.saturating_add(number(&amount)?);
                self.state.insert(
                    codec::Encode::encode(&schema::Key::Account(account)),
                    codec::Encode::encode(&world),
                );
                Ok(Reply::Done)
            }
            Request::Deploy { code_hash, salt, call } => {
                let (caller, code_hash) = (call.caller.id()?, code_hash.id()?);
                let contract = contract_address(&caller, &code_hash, &call.input.0, &salt.to_le_bytes());
                self.run(contract, Some(code_hash), &call, true)
            }
            Request::Call { contract, call } => self.run(contract.id()?, None, &call, true),
            Request::Query { contract, call } => self.run(contract.id()?, None, &call, false),
        }
    }

    fn upload(&mut self, code: &[u8]) -> Reply {
        let moment = Moment { block_number: 0, now_ms: 0 };
        let world = World::new(&self.engine, &mut self.codes, &self.state, Terms::default(), moment);
        match world.upload(&[0; 32], code) {
            Ok(uploaded) => {
                apply(&mut self.uploaded, uploaded.changes.clone());
                apply(&mut self.state, uploaded.changes);
                Reply::Stored(Hex(uploaded.code_hash.to_vec()))
            }
            Err(error) => Reply::CodeRefused(error.to_string()),
        }
    }

    fn run(
        &mut self,
        contract: AccountBytes,
        deploy: Option<HashBytes>,
        call: &Call,
        keep: bool,
    ) -> Result<Reply, String> {
        let moment = Moment { block_number: call.block_number, now_ms: call.now_ms };
        let world = World::new(&self.engine, &mut self.codes, &self.state, Terms::default(), moment);
        let outermost = Outermost {
            contract,
            deploy,
            caller: call.caller.id()?,
            value: number(&call.value)?,
            input: &call.input.0,
            gas_limit: call.gas_limit,
            deposit_limit: None,
            // As in the worker: a query may change what it likes, and none of it is kept.
            read_only: false,
        };
        let ran = world.run(outermost).map_err(|_| "the engine or the state broke".to_owned())?;
        if keep {
            apply(&mut self.state, ran.changes);
        }
        let logs = ran.logs.iter().map(|line| line.record.message.clone()).collect();
        let gas_used = ran.execution.gas_used;
        let contract = Hex(contract.to_vec());
        Ok(match ran.execution.result {
            Err(trap) => Reply::Trapped { contract, trap: trap.to_string(), gas_used, logs },
            Ok(answer) => {
                let event = |event: phala_types::command::Event| Event {
                    contract: Hex(event.contract.as_bytes().to_vec()),
                    topics: event.topics.iter().map(|topic| Hex(topic.to_vec())).collect(),
                    data: Hex(event.data.to_vec()),
                };
                let events = ran.events.into_iter().map(event).collect();
                Reply::Returned {
                    contract,
                    flags: answer.flags,
                    data: Hex(answer.data),
                    events,
                    gas_used,
                    logs,
                }
            }
        })
    }
}

fn apply(state: &mut BTreeMap<Vec<u8>, Vec<u8>>, changes: phala_vm::world::Changes) {
    for (name, value) in changes {
        match value {
            Some(value) => state.insert(name, value),
            None => state.remove(&name),
        };
    }
}

fn number(text: &str) -> Result<u128, String> {
    text.parse().map_err(|_| format!("{text} is no amount"))
}

fn main() -> Result<()> {
    let mut trial = Trial::new()?;
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    loop {
        let mut line = String::new();
        let bytes =
            input.by_ref().take(LINE_BYTES_MAX).read_line(&mut line).context("cannot read a request")?;
        if bytes == 0 {
            return Ok(());
        }
        let reply = serde_json::from_str(&line)
            .map_err(|error| error.to_string())
            .and_then(|request| trial.handle(request))
            .unwrap_or_else(Reply::Misuse);
        writeln!(output, "{}", serde_json::to_string(&reply)?).context("cannot write a reply")?;
        output.flush().context("cannot write a reply")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// Keeps its input under one key; answers what it kept before.
    const KEEPER: &str = r#"(module (import "env" "memory" (memory 1 16))
        (import "seal0" "input" (func $input (param i32 i32)))
        (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
        (import "seal1" "get_storage" (func $get (param i32 i32 i32 i32) (result i32)))
        (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
        (func $keep (i32.store (i32.const 0) (i32.const 64)) (call $input (i32.const 8) (i32.const 0))
            (i32.store (i32.const 100) (i32.const 64))
            (drop (call $get (i32.const 4) (i32.const 1) (i32.const 104) (i32.const 100)))
            (drop (call $set (i32.const 4) (i32.const 1) (i32.const 8) (i32.load (i32.const 0))))
            (call $return (i32.const 0) (i32.const 104) (i32.const 2)))
        (func $deploy (call $keep)) (export "deploy" (func $deploy))
        (func $call (call $keep)) (export "call" (func $call)))"#;

    fn ask(trial: &mut Trial, request: Value) -> Value {
        let request = serde_json::from_value(request).unwrap();
        serde_json::to_value(trial.handle(request).unwrap_or_else(Reply::Misuse)).unwrap()
    }

    fn call(input: &str, value: u32) -> Value {
        json!({
            "caller": format!("0x{}", "01".repeat(32)), "value": value.to_string(), "input": input,
            "gas_limit": 1_000_000_000u64, "block_number": 1, "now_ms": 6000,
        })
    }

    #[test]
    fn command_is_kept_and_query_is_not() {
        let mut trial = Trial::new().unwrap();
        let code = format!("0x{}", hex::encode(wat::parse_str(KEEPER).unwrap()));
        let stored = ask(&mut trial, json!({ "do": "upload", "code": code }));
        let deploy =
            json!({ "do": "deploy", "code_hash": stored["stored"], "salt": 1, "call": call("0x0101", 0) });
        let deployed = ask(&mut trial, deploy.clone());
        let contract = deployed["returned"]["contract"].clone();
        assert!(contract.is_string(), "{deployed}");
        let mut answer = |what: &str, input: &str| {
            let request = json!({ "do": what, "contract": contract, "call": call(input, 0) });
            ask(&mut trial, request)["returned"]["data"].clone()
        };
        assert_eq!(answer("query", "0x0202"), "0x0101");
        assert_eq!(answer("call", "0x0303"), "0x0101");
        assert_eq!(answer("query", "0x0404"), "0x0303");
        let again = ask(&mut trial, deploy);
        assert_eq!(again["trapped"]["trap"], "a contract with this address exists");
        ask(&mut trial, json!({ "do": "fresh" }));
        assert_eq!(trial.state, trial.uploaded);
        let gone = ask(&mut trial, json!({ "do": "query", "contract": contract, "call": call("0x00", 0) }));
        assert_eq!(gone["trapped"]["trap"], "there is no such contract");
    }

    #[test]
    fn money_is_moved_and_must_be_there() {
        let mut trial = Trial::new().unwrap();
        let code = format!("0x{}", hex::encode(wat::parse_str(KEEPER).unwrap()));
        let stored = ask(&mut trial, json!({ "do": "upload", "code": code }));
        let deploy =
            json!({ "do": "deploy", "code_hash": stored["stored"], "salt": 1, "call": call("0x01", 5) });
        assert!(ask(&mut trial, deploy.clone())["trapped"].is_object());
        let account = format!("0x{}", "01".repeat(32));
        assert_eq!(ask(&mut trial, json!({ "do": "endow", "account": account, "amount": "9" })), "done");
        let deployed = ask(&mut trial, deploy);
        let contract: Hex = serde_json::from_value(deployed["returned"]["contract"].clone()).unwrap();
        assert_eq!(phala_vm::world::account(&trial.state, &contract.id().unwrap()).free, 5);
    }

    #[test]
    fn nonsense_is_answered_and_changes_nothing() {
        let mut trial = Trial::new().unwrap();
        let refused = ask(&mut trial, json!({ "do": "upload", "code": "0x00" }));
        assert!(refused["code_refused"].is_string());
        let misuse = ask(&mut trial, json!({ "do": "query", "contract": "0x00", "call": call("0x", 0) }));
        assert!(misuse["misuse"].as_str().unwrap().contains("no id"));
        let misuse = ask(
            &mut trial,
            json!({ "do": "endow", "account": format!("0x{}", "01".repeat(32)), "amount": "-1" }),
        );
        assert!(misuse["misuse"].as_str().unwrap().contains("no amount"));
        let unknown = json!({ "do": "upload", "code": "0x00", "more": 1 });
        assert!(serde_json::from_value::<Request>(unknown).is_err());
        assert!(trial.state.is_empty());
    }
}
