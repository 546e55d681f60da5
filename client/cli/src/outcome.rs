//! How a contract's run ended, in words and in JSON.

use crate::args::format_pha;
use phala_sdk::{
    Answered,
    abi::{Abi, AbiError, Decoded},
};
use phala_types::{
    CodeHash, Gas,
    command::{Deposit, Ended, Event, Execution, FLAG_REVERT, Outcome, Rejection},
    log::{LogLine, LogValue},
    query::Answer,
    trap::Trap,
};
use serde_json::{Value, json};

/// What was run: it tells how what was returned is decoded.
#[derive(Clone, Copy)]
pub enum Function<'a> {
    Constructor(&'a str),
    Message(&'a str),
}

/// An answer, decoded.
pub struct Told {
    /// Whether the contract returned without undoing its changes.
    pub is_kept: bool,
    pub text: String,
    pub json: Value,
}

/// Decodes an answer by the contract's interface.
pub fn tell(abi: &Abi, function: Function, answered: &Answered) -> Result<Told, AbiError> {
    tell_answer(abi, function, answered.answer())
}

/// The same, for an answer that comes from a receipt's file.
pub fn tell_answer(abi: &Abi, function: Function, answer: &Answer) -> Result<Told, AbiError> {
    match answer {
        Answer::Call { ended, gas_used, deposit, events, logs }
        | Answer::Outcome(Outcome::Executed(Execution { ended, gas_used, deposit, events, logs, .. })) => {
            let mut told = tell_ended(abi, function, ended)?;
            tell_effects(&mut told, abi, Effects { gas_used: *gas_used, deposit: *deposit, events, logs });
            Ok(told)
        }
        Answer::Outcome(Outcome::Rejected(rejection)) => Ok(rejected(rejection)),
        Answer::Outcome(Outcome::CodeStored(code_hash)) => Ok(stored(code_hash)),
        Answer::Outcome(Outcome::CodeRemoved(code_hash)) => Ok(removed(code_hash)),
    }
}

/// What came of an upload, or of a removal.
pub fn tell_upload(answer: &Answer) -> Told {
    match answer {
        Answer::Outcome(Outcome::CodeStored(code_hash)) => stored(code_hash),
        Answer::Outcome(Outcome::CodeRemoved(code_hash)) => removed(code_hash),
        Answer::Outcome(Outcome::Rejected(rejection)) => rejected(rejection),
        // The client holds answers to their questions, but not outcomes to their messages.
        other => {
            let text = format!("the worker answered what is no outcome of an upload: {other:?}");
            Told { is_kept: false, text, json: json!({ "outcome": "unknown" }) }
        }
    }
}

fn rejected(rejection: &Rejection) -> Told {
    let (text, json) = match rejection {
        Rejection::InvalidCode(refusal) => (
            format!("code refused: {refusal}"),
            json!({
                "outcome": "rejected", "rejection": "InvalidCode", "rule": refusal, "reason": refusal.to_string(),
            }),
        ),
        other => (
            format!("rejected: {}", rejection_text(other)),
            json!({ "outcome": "rejected", "rejection": format!("{other:?}") }),
        ),
    };
    Told { is_kept: false, text, json }
}

fn stored(code_hash: &CodeHash) -> Told {
    let json = json!({ "outcome": "code_stored", "code_hash": code_hash });
    Told { is_kept: true, text: format!("the worker stored the code {code_hash}"), json }
}

fn removed(code_hash: &CodeHash) -> Told {
    let json = json!({ "outcome": "code_removed", "code_hash": code_hash });
    Told { is_kept: true, text: format!("the worker removed the code {code_hash}"), json }
}

/// What a run did besides answering.
struct Effects<'a> {
    gas_used: Gas,
    deposit: Deposit,
    events: &'a [Event],
    logs: &'a [LogLine],
}

/// Adds what a run did: to the JSON all of it, to the text what there is.
fn tell_effects(told: &mut Told, abi: &Abi, effects: Effects) {
    let mut events = Vec::new();
    for event in effects.events {
        let (text, json) = match abi.decode_event(event) {
            Ok(decoded) => {
                let fields: Vec<_> =
                    decoded.fields.iter().map(|(name, value)| format!("{name}: {}", plain(value))).collect();
                (format!("{} {{ {} }}", decoded.name, fields.join(", ")), json!(decoded))
            }
            // Another contract's, that this one called.
            Err(_) => {
                let data = format!("0x{}", hex::encode(&event.data));
                (
                    format!("of {}: {data}", event.contract),
                    json!({ "contract": event.contract, "data": data }),
                )
            }
        };
        told.text.push_str(&format!("\nevent {text}"));
        events.push(json);
    }
    for line in effects.logs {
        told.text.push_str(&format!("\nlog {}", tell_line(line)));
    }
    match effects.deposit {
        Deposit::Charged(amount) if amount.value() == 0 => {}
        Deposit::Charged(amount) => told.text.push_str(&format!("\ndeposit {}", format_pha(amount))),
        Deposit::Refunded(amount) => told.text.push_str(&format!("\ndeposit back {}", format_pha(amount))),
    }
    told.json["events"] = Value::from(events);
    told.json["logs"] = effects.logs.iter().map(line_json).collect();
    told.json["deposit"] = json!(effects.deposit);
    told.json["gas_used"] = json!(effects.gas_used);
}

/// A log line in one line of text. What a contract wrote cannot write to the terminal.
fn tell_line(line: &LogLine) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).escape_debug().to_string();
    let mut told = format!("{} {}", plain(&json!(line.level)), text(&line.message));
    for (name, value) in &line.fields {
        let value = match value {
            LogValue::Text(bytes) => format!("\"{}\"", text(bytes)),
            other => plain(&value_json(other)),
        };
        told.push_str(&format!(" {}={value}", text(name)));
    }
    told
}

fn line_json(line: &LogLine) -> Value {
    let fields: Vec<_> = line
        .fields
        .iter()
        .map(|(name, value)| json!({ "name": String::from_utf8_lossy(name), "value": value_json(value) }))
        .collect();
    let message = String::from_utf8_lossy(&line.message);
    json!({ "contract": line.contract, "level": line.level, "message": message, "fields": fields })
}

/// Numbers that JSON's readers would round are strings.
fn value_json(value: &LogValue) -> Value {
    match value {
        LogValue::Bool(value) => json!(value),
        LogValue::Unsigned(value) => json!(value.to_string()),
        LogValue::Signed(value) => json!(value.to_string()),
        LogValue::Text(bytes) => json!(String::from_utf8_lossy(bytes)),
        LogValue::Bytes(bytes) => json!(format!("0x{}", hex::encode(bytes))),
        LogValue::Account(account) => json!(account),
    }
}

fn tell_ended(abi: &Abi, function: Function, ended: &Ended) -> Result<Told, AbiError> {
    let (flags, data) = match ended {
        Ended::Returned { flags, data } => (*flags, data),
        Ended::Trapped(trap) => {
            // A newer worker may know more of them.
            let (reason, name) = match Trap::from_code(*trap) {
                Some(trap) => (trap.to_string(), format!("{trap:?}")),
                None => (format!("for a reason unknown to this program ({trap})"), "Unknown".to_owned()),
            };
            let json = json!({ "outcome": "trapped", "trap": trap, "name": name, "reason": reason });
            return Ok(Told { is_kept: false, text: format!("trapped: {reason}"), json });
        }
    };
    let is_kept = flags & FLAG_REVERT == 0;
    let outcome = if is_kept { "returned" } else { "reverted" };
    let decoded = match function {
        Function::Constructor(name) => abi.decode_constructed(name, data)?,
        Function::Message(name) => abi.decode_return(name, data)?,
    };
    Ok(match decoded {
        Decoded::Value(value) => {
            let text = match is_kept {
                true => plain(&value),
                false => format!("refused by the contract: {}", plain(&value)),
            };
            Told { is_kept, text, json: json!({ "outcome": outcome, "value": value }) }
        }
        Decoded::NotDispatched(error) => {
            let text = format!("not dispatched: {error}");
            Told { is_kept, text, json: json!({ "outcome": outcome, "not_dispatched": error }) }
        }
    })
}

/// A value as people read it: a string without its quotation marks, nothing as `()`.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "()".to_owned(),
        other => other.to_string(),
    }
}

fn rejection_text(rejection: &Rejection) -> String {
    match rejection {
        Rejection::MalformedEnvelope => {
            "the message is not an envelope for this network and contract".to_owned()
        }
        Rejection::ForeignCiphertext => "the ciphertext does not open with the contract's key".to_owned(),
        Rejection::UnknownKeyVersion => {
            "the contract's key has another version; run the command again".to_owned()
        }
        Rejection::MalformedCommand => "the command does not decode; update the client".to_owned(),
        Rejection::BadSignature => "the command's signature is not its signer's".to_owned(),
        Rejection::Misdirected => {
            "the command was for something else than the message that carried it".to_owned()
        }
        Rejection::Replayed => {
            "a later command of this account was executed before it; run the command again".to_owned()
        }
        Rejection::UnknownContract => "there is no such contract: its constructor may have failed".to_owned(),
        Rejection::UnknownCode => {
            "the worker does not have the code: upload it again to see whether it was refused".to_owned()
        }
        Rejection::ContractExists => "the contract exists already".to_owned(),
        Rejection::InsufficientBalance => "the account has too little PHA in this cluster".to_owned(),
        Rejection::GasLimitTooHigh => "the gas limit is over what one call may use".to_owned(),
        Rejection::InvalidCode(refusal) => refusal.to_string(),
        Rejection::CodeInUse(contracts) => {
            format!("{contracts} contracts need this code; terminate them or give them other code first")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phala_types::code::{CodeName, CodeRefusal};

    #[test]
    fn refused_code_is_a_failure_that_names_its_rule() {
        let told =
            |refusal| tell_upload(&Answer::Outcome(Outcome::Rejected(Rejection::InvalidCode(refusal))));
        let floats = told(CodeRefusal::Floats);
        assert!(!floats.is_kept);
        assert_eq!(floats.text, "code refused: the code uses floating-point numbers");
        assert_eq!(floats.json["rule"], "floats");
        let import = CodeRefusal::UnknownImport { module: CodeName::new("env"), name: CodeName::new("foo") };
        let import = told(import);
        assert_eq!(import.text, "code refused: the code imports env.foo, which does not exist");
        assert_eq!(import.json["rule"]["unknown_import"]["name"], "foo");
    }

    #[test]
    fn stored_code_is_a_success() {
        let stored = tell_upload(&Answer::Outcome(Outcome::CodeStored(CodeHash::new([1; 32]))));
        assert!(stored.is_kept);
        assert_eq!(stored.json["outcome"], "code_stored");
    }
}
