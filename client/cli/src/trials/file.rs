//! `tests.toml`, and how its steps are carried out and judged.

use super::{
    nonsense,
    stage::{Act, Reply, Stage, What},
};
use crate::failure::advise;
use anyhow::{Context as _, Result, bail};
use phala_sdk::{
    abi::{Abi, ContractBundle, Decoded},
    build::Bundle,
    node::Account,
};
use phala_types::{AccountId, Amount, command::Event};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::Path, time::Duration};

const FILE: &str = "tests.toml";
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// The instance that a step means if it names none.
const DEFAULT: &str = "it";
/// How Solidity says `Error(string)` and `Panic(uint256)`.
const SOLIDITY_ERROR: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];
const SOLIDITY_PANIC: [u8; 4] = [0x4e, 0x48, 0x7b, 0x71];

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tests {
    test: Vec<Test>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    name: String,
    steps: Vec<Step>,
}

/// A constructor, a command or a query, and what must come of it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Step {
    deploy: Option<String>,
    call: Option<String>,
    query: Option<String>,
    /// Which contract of the source: the main one, if it is not said.
    contract: Option<String>,
    /// How later steps call what `deploy` makes.
    #[serde(rename = "as")]
    name: Option<String>,
    /// Which instance, as `as` or `save` named it.
    on: Option<String>,
    /// Whose step it is: alice's, if it is not said.
    from: Option<String>,
    /// PHA in its smallest unit.
    value: Option<String>,
    args: Vec<toml::Value>,
    /// Time that passes before the step, beyond a block's.
    after_ms: u64,
    /// A name for the account that is returned.
    save: Option<String>,
    returns: Option<toml::Value>,
    /// `true`, or what the contract says when it undoes its changes.
    reverts: Option<toml::Value>,
    /// `true`, or a part of the reason.
    traps: Option<toml::Value>,
    /// All events, in their order.
    events: Option<Vec<toml::Value>>,
}

/// What came of a test.
#[derive(Debug)]
pub struct TestResult {
    pub name: String,
    pub verdict: Verdict,
}

#[derive(Debug, PartialEq)]
pub enum Verdict {
    Holds,
    /// What does not hold.
    Fails(String),
    /// Why it could not be carried out here.
    LeftOut(String),
}

/// What steps of one test know of each other.
struct Scene<'a> {
    test: &'a str,
    abis: &'a BTreeMap<String, ContractBundle>,
    main: &'a str,
    /// What the secret URIs of people end with.
    people: &'a str,
    /// Instances and saved accounts by name, with the contract that each is.
    names: BTreeMap<String, (AccountId, String)>,
}

impl Tests {
    pub fn open(project: &Path) -> Result<Self> {
        let path = project.join(FILE);
        let size = fs::metadata(&path).map(|data| data.len()).map_err(|_| {
            advise(
                format!("there is no {}", path.display()),
                "write one: `phala contract new` makes an example of it",
            )
        })?;
        if size > FILE_BYTES_MAX {
            bail!("{} is over {FILE_BYTES_MAX} bytes", path.display());
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not a file of tests", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        Ok(toml::from_str(text)?)
    }

    /// Runs all tests, each from nothing, and tells of each when it has ended.
    pub async fn run(
        &self,
        stage: &mut Stage<'_>,
        bundle: &Bundle,
        report: &mut dyn FnMut(&TestResult),
    ) -> Result<Vec<TestResult>> {
        let mut abis = BTreeMap::new();
        for bundle in std::iter::once(bundle).chain(&bundle.others) {
            let parsed = ContractBundle::parse(bundle.contract.to_string().as_bytes())?;
            if let Some(refused) = stage.upload(&parsed).await? {
                bail!("a worker refuses the code of {}: {refused}", bundle.name);
            }
            abis.insert(bundle.name.clone(), parsed);
        }
        let people = stage.people().to_owned();
        let mut results = Vec::new();
        for test in &self.test {
            stage.begin()?;
            let names = BTreeMap::new();
            let mut scene =
                Scene { test: &test.name, abis: &abis, main: &bundle.name, people: &people, names };
            let mut verdict = Verdict::Holds;
            for (number, step) in (1..).zip(&test.steps) {
                verdict = match scene.step(stage, number, step).await? {
                    Verdict::Holds => continue,
                    Verdict::Fails(what) => Verdict::Fails(format!("step {number}: {what}")),
                    Verdict::LeftOut(why) => Verdict::LeftOut(format!("step {number}: {why}")),
                };
                break;
            }
            let result = TestResult { name: test.name.clone(), verdict };
            report(&result);
            results.push(result);
        }
        Ok(results)
    }
}

impl Scene<'_> {
    /// Carries a step out.
    async fn step(&mut self, stage: &mut Stage<'_>, number: usize, step: &Step) -> Result<Verdict> {
        let wrong = |what: String| nonsense(self.test, number, what);
        let (function, is_deploy) = match (&step.deploy, &step.call, &step.query) {
            (Some(name), None, None) => (name, true),
            (None, Some(name), None) | (None, None, Some(name)) => (name, false),
            _ => return Err(wrong("it needs one of deploy, call and query".to_owned())),
        };
        let instance = step.on.as_deref().unwrap_or(DEFAULT);
        let target = match is_deploy {
            true => None,
            false => {
                let found = self.names.get(instance).cloned();
                Some(found.ok_or_else(|| wrong(format!("there is no {instance}")))?)
            }
        };
        let contract =
            step.contract.clone().or_else(|| target.as_ref().map(|(_, contract)| contract.clone()));
        let contract = contract.unwrap_or_else(|| self.main.to_owned());
        let bundle = self.abis.get(&contract).ok_or_else(|| wrong(format!("there is no {contract}")))?;
        let abi = &bundle.abi;
        let args = step.args.iter().map(|argument| self.argument(argument)).collect::<Result<Vec<_>>>();
        let args = args.map_err(|error| wrong(error.to_string()))?;
        let input = match is_deploy {
            true => abi.encode_constructor(function, &args),
            false => abi.encode_message(function, &args),
        };
        let value = step.value.as_deref().unwrap_or("0");
        let act = Act {
            what: match &target {
                None => What::Deploy(bundle.code_hash),
                Some((id, _)) if step.query.is_some() => What::Query(*id),
                Some((id, _)) => What::Call(*id),
            },
            signer: &self
                .person(step.from.as_deref().unwrap_or("alice"))
                .map_err(|error| wrong(error.to_string()))?,
            value: Amount::new(value.parse().map_err(|_| wrong(format!("{value} is no amount")))?),
            input: input.map_err(|error| wrong(error.to_string()))?,
            after: Duration::from_millis(step.after_ms),
        };
        let reply = stage.run(act).await?;
        if let Reply::Unable(why) = reply {
            return Ok(Verdict::LeftOut(why));
        }
        if let Some(failure) = self.judge(abi, is_deploy, function, step, &reply) {
            return Ok(Verdict::Fails(failure));
        }
        if let Reply::Returned { contract: made, data, .. } = reply {
            if is_deploy {
                let name = step.name.clone().unwrap_or_else(|| DEFAULT.to_owned());
                self.names.insert(name, (made, contract));
            } else if let Some(name) = &step.save {
                let id = data.last_chunk::<32>().ok_or_else(|| wrong("it returns no account".to_owned()))?;
                // Of which contract it is, the steps that use it say.
                self.names.insert(name.clone(), (AccountId::new(*id), contract));
            }
        }
        Ok(Verdict::Holds)
    }

    /// What does not hold, or what this must be.
    fn judge(
        &self,
        abi: &Abi,
        is_deploy: bool,
        function: &str,
        step: &Step,
        reply: &Reply,
    ) -> Option<String> {
        let (data, is_reverted, events) = match reply {
            Reply::Returned { data, is_reverted, events, .. } => (data, *is_reverted, events),
            Reply::Refused(why) | Reply::Unable(why) => {
                return Some(format!("{function} was not run: {why}"));
            }
            Reply::Trapped { trap, logs } => {
                return match &step.traps {
                    Some(toml::Value::Boolean(true)) => None,
                    Some(toml::Value::String(part)) if trap.contains(part.as_str()) => None,
                    _ => Some(format!("{function} trapped: {trap} {}", logs.join(" ")).trim_end().to_owned()),
                };
            }
        };
        let answer = said(abi, is_deploy, function, data, is_reverted);
        if step.traps.is_some() {
            return Some(format!("{function} was to trap, and answered {answer}"));
        }
        match (&step.reverts, is_reverted) {
            (None | Some(toml::Value::Boolean(false)), true) => {
                return Some(format!("{function} reverted: {answer}"));
            }
            (Some(toml::Value::Boolean(true)), true) => return None,
            (Some(expected), true) => {
                let expected = self.expected(expected);
                return (!agree(&expected, &answer))
                    .then(|| format!("{function} reverted with {answer}, and not with {expected}"));
            }
            (Some(toml::Value::Boolean(false)) | None, false) => {}
            (Some(_), false) => return Some(format!("{function} was to revert, and answered {answer}")),
        }
        if let Some(expected) = &step.returns {
            let expected = self.expected(expected);
            if !agree(&expected, &answer) {
                return Some(format!("{function} returned {answer}, and not {expected}"));
            }
        }
        let expected = step.events.as_ref()?;
        let expected = Value::Array(expected.iter().map(|event| self.expected(event)).collect());
        let events = Value::Array(events.iter().map(|event| self.event(event)).collect());
        (!agree(&expected, &events)).then(|| format!("{function} announced {events}, and not {expected}"))
    }

    /// An event as `{ Name = { field = value } }`, by whichever contract knows it.
    fn event(&self, event: &Event) -> Value {
        match self.abis.values().find_map(|bundle| bundle.abi.decode_event(event).ok()) {
            Some(decoded) => Value::from_iter([(decoded.name, Value::from(decoded.fields))]),
            None => json!({ "unknown": format!("0x{}", hex::encode(event.data.as_slice())) }),
        }
    }

    /// An argument as a command line has it. `$name` stands for an instance or an account of this test.
    fn argument(&self, value: &toml::Value) -> Result<String> {
        let text = match value {
            toml::Value::String(text) => text.clone(),
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(value) => value.to_string(),
            other => bail!("{other:?} is no argument: write it as a text"),
        };
        let mut done = String::new();
        for (at, part) in text.split('$').enumerate() {
            if at == 0 {
                done.push_str(part);
                continue;
            }
            let end = part.find(|it: char| !(it.is_ascii_alphanumeric() || it == '_')).unwrap_or(part.len());
            let (name, rest) = part.split_at(end);
            done.push_str(&hex_of(&self.named(name)?));
            done.push_str(rest);
        }
        Ok(done)
    }

    /// Somebody: any name, as development accounts are made of theirs.
    fn person(&self, name: &str) -> Result<Account> {
        let mut characters = name.chars();
        let Some(first) = characters.next().filter(|_| name.chars().all(|it| it.is_ascii_alphanumeric()))
        else {
            bail!("{name:?} is no account: use a name such as alice")
        };
        let uri = format!("//{}{}{}", first.to_ascii_uppercase(), characters.as_str(), self.people);
        Ok(Account::from_uri(&uri)?)
    }

    fn named(&self, name: &str) -> Result<AccountId> {
        match self.names.get(name) {
            Some((id, _)) => Ok(*id),
            None => Ok(self.person(name)?.id()),
        }
    }

    /// What is expected, as JSON. `$name` is an address here as well.
    fn expected(&self, value: &toml::Value) -> Value {
        match value {
            toml::Value::String(text) => match text.strip_prefix('$').map(|name| self.named(name)) {
                Some(Ok(id)) => Value::from(Account::format_address(&id)),
                _ => Value::from(text.as_str()),
            },
            toml::Value::Array(values) => values.iter().map(|value| self.expected(value)).collect(),
            toml::Value::Table(fields) => {
                fields.iter().map(|(name, value)| (name.clone(), self.expected(value))).collect()
            }
            // The rest is written alike in both.
            other => serde_json::to_value(other).unwrap_or_default(),
        }
    }
}

/// What a contract answered, decoded as far as anything here knows it.
fn said(abi: &Abi, is_deploy: bool, function: &str, data: &[u8], is_reverted: bool) -> Value {
    let (selector, rest) = data.split_at_checked(4).unwrap_or((data, &[]));
    if is_reverted && selector == SOLIDITY_ERROR {
        // The text with its length in front, which takes one, two or four bytes by the first of them.
        let skipped = match rest.first().map(|first| first & 3) {
            Some(0) => 1,
            Some(1) => 2,
            _ => 4,
        };
        return Value::from(String::from_utf8_lossy(rest.get(skipped..).unwrap_or_default()));
    }
    if is_reverted && selector == SOLIDITY_PANIC {
        return json!({ "Panic": rest.first() });
    }
    let decoded = match is_deploy {
        true => abi.decode_constructed(function, data),
        false => abi.decode_return(function, data),
    };
    match decoded {
        Ok(Decoded::Value(value)) => value,
        Ok(Decoded::NotDispatched(reason)) => json!({ "NotDispatched": reason }),
        Err(_) => Value::from(format!("0x{}", hex::encode(data))),
    }
}

/// Whether two values are the same. A number and its digits are: wide ones are texts in JSON.
fn agree(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Number(number), Value::String(text)) | (Value::String(text), Value::Number(number)) => {
            number.to_string() == *text
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agree(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| agree(a, b)))
        }
        (a, b) => a == b,
    }
}

fn hex_of(id: &AccountId) -> String {
    format!("0x{}", hex::encode(id.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_of_a_step_are_refused() {
        let good = "[[test]]\nname = \"a\"\nsteps = [{ deploy = \"new\", args = [1] }]";
        assert_eq!(Tests::parse(good).unwrap().test.len(), 1);
        let error = Tests::parse(&good.replace("args", "arguments")).unwrap_err();
        assert!(error.to_string().contains("unknown field"), "{error}");
    }

    #[test]
    fn numbers_agree_with_their_digits_and_nothing_else_does() {
        assert!(agree(&json!({ "Ok": [7, true] }), &json!({ "Ok": ["7", true] })));
        for (a, b) in
            [(json!(7), json!("8")), (json!([1]), json!([1, 1])), (json!({ "a": 1 }), json!({ "b": 1 }))]
        {
            assert!(!agree(&a, &b));
        }
    }

    #[test]
    fn arguments_name_accounts_and_instances() {
        let id = AccountId::new([7; 32]);
        let scene = Scene {
            test: "",
            abis: &BTreeMap::new(),
            people: "",
            main: "",
            names: BTreeMap::from([("pair".to_owned(), (id, String::new()))]),
        };
        let argument = scene.argument(&toml::Value::from("($pair, [$bob])")).unwrap();
        let bob = Account::from_uri("//Bob").unwrap().id();
        assert_eq!(argument, format!("({}, [{}])", hex_of(&id), hex_of(&bob)));
        assert!(scene.argument(&toml::Value::from("$")).is_err());
    }
}
