//! The program `phala-trial`, as a thing that runs contracts.

use super::stage::{Act, Reply, What};
use crate::failure::advise;
use anyhow::{Context as _, Result, bail};
use phala_sdk::abi::ContractBundle;
use phala_types::{
    AccountId, ContractId, List,
    command::{Event, FLAG_REVERT},
    limits::CALL_GAS_MAX,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// What each account of a test has: a billion PHA.
const BALANCE: &str = "1000000000000000000000";
/// The time of a test's beginning, in milliseconds, and what each step adds: a block's time.
const FIRST_MS: u64 = 1_700_000_000_000;
const STEP_MS: u64 = 1_000;

/// Runs until it is dropped.
pub struct Machine {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Who has a balance in the present test.
    endowed: BTreeSet<AccountId>,
    /// Steps of the present test.
    block: u32,
    now_ms: u64,
}

impl Machine {
    pub fn start(program: &Path) -> Result<Self> {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} does not start", program.display()))?;
        let input = child.stdin.take().context("the program takes no input")?;
        let output = BufReader::new(child.stdout.take().context("the program has no output")?);
        Ok(Self { child, input, output, endowed: BTreeSet::new(), block: 0, now_ms: FIRST_MS })
    }

    /// Forgets all contracts and balances.
    pub fn begin(&mut self) -> Result<()> {
        self.endowed.clear();
        (self.block, self.now_ms) = (0, FIRST_MS);
        self.ask(&json!({ "do": "fresh" })).map(drop)
    }

    pub fn upload(&mut self, bundle: &ContractBundle) -> Result<Option<String>> {
        let code = format!("0x{}", hex::encode(bundle.code()?.as_slice()));
        let stored = self.ask(&json!({ "do": "upload", "code": code }))?;
        Ok(stored["code_refused"].as_str().map(str::to_owned))
    }

    pub fn run(&mut self, act: Act) -> Result<Reply> {
        let after_ms = u64::try_from(act.after.as_millis()).unwrap_or(u64::MAX);
        self.now_ms = self.now_ms.saturating_add(STEP_MS).saturating_add(after_ms);
        self.block = self.block.saturating_add(1);
        let caller = act.signer.id();
        if self.endowed.insert(caller) {
            self.ask(&json!({ "do": "endow", "account": hex_of(&caller), "amount": BALANCE }))?;
        }
        let call = json!({
            "caller": hex_of(&caller), "value": act.value.value().to_string(),
            "input": format!("0x{}", hex::encode(act.input.as_slice())), "gas_limit": CALL_GAS_MAX,
            "block_number": self.block, "now_ms": self.now_ms,
        });
        let request = match act.what {
            What::Deploy(code_hash) => {
                json!({ "do": "deploy", "code_hash": code_hash, "salt": self.block, "call": call })
            }
            What::Call(contract) => json!({ "do": "call", "contract": hex_of(&contract), "call": call }),
            What::Query(contract) => json!({ "do": "query", "contract": hex_of(&contract), "call": call }),
        };
        read(&self.ask(&request)?)
    }

    /// Asks one thing, and waits for the answer.
    fn ask(&mut self, request: &Value) -> Result<Value> {
        let ended = "the program that runs contracts has ended";
        writeln!(self.input, "{request}").context(ended)?;
        let mut line = String::new();
        self.output.read_line(&mut line).context(ended)?;
        serde_json::from_str(&line)
            .map_err(|_| advise(ended, "build all programs of one version with ./x build"))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Both fail only for a program that has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line of the program's.
fn read(reply: &Value) -> Result<Reply> {
    if let Some(misuse) = reply["misuse"].as_str() {
        return Ok(Reply::Refused(misuse.to_owned()));
    }
    if let Some(trapped) = reply.get("trapped") {
        let trap = trapped["trap"].as_str().unwrap_or_default().to_owned();
        let logs = trapped["logs"].as_array().into_iter().flatten().map(Value::to_string).collect();
        return Ok(Reply::Trapped { trap, logs });
    }
    let Some(returned) = reply.get("returned") else { bail!("the program that runs contracts said {reply}") };
    Ok(Reply::Returned {
        contract: AccountId::new(id(&returned["contract"])?),
        is_reverted: returned["flags"].as_u64().is_some_and(|flags| flags & u64::from(FLAG_REVERT) != 0),
        data: bytes(&returned["data"])?,
        events: returned["events"].as_array().into_iter().flatten().map(event).collect::<Result<_>>()?,
    })
}

fn event(event: &Value) -> Result<Event> {
    let topics = event["topics"].as_array().into_iter().flatten().map(id).collect::<Result<Vec<_>>>()?;
    let data = bytes(&event["data"])?.try_into().ok().context("an event is longer than events are")?;
    Ok(Event {
        contract: ContractId::new(id(&event["contract"])?),
        topics: List::truncate_from(topics),
        data,
    })
}

fn bytes(value: &Value) -> Result<Vec<u8>> {
    let text = value.as_str().context("the program that runs contracts said no bytes")?;
    Ok(hex::decode(text.trim_start_matches("0x"))?)
}

fn id(value: &Value) -> Result<[u8; 32]> {
    bytes(value)?.try_into().ok().context("the program that runs contracts said no id")
}

fn hex_of(id: &AccountId) -> String {
    format!("0x{}", hex::encode(id.as_bytes()))
}
