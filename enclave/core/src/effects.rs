//! What a contract's run left, in the words of the protocol.

use codec::Encode as _;
use phala_types::{
    AccountId, Amount, Bytes, ContractId, Gas, List,
    command::{self, Deposit, Ended},
    limits::{EVENTS_MAX, LOG_LINES_MAX, PAYLOAD_BYTES_MAX},
    log::{self, LogLine},
};
use phala_vm::{
    Execution, Trap,
    extension::{log::LogLine as Line, wire},
    world::{self, Changes, Fault, Ran},
};

/// What came of a run.
pub struct Told {
    /// How it ended.
    pub ended: Ended,
    /// Gas spent.
    pub gas_used: Gas,
    /// What was put down for storage, or got back.
    pub deposit: Deposit,
    /// What contracts announced.
    pub events: List<command::Event, EVENTS_MAX>,
    /// What contracts wrote for those who look for errors.
    pub logs: List<LogLine, LOG_LINES_MAX>,
}

/// Tells of a run, and what it changes.
///
/// A run whose answer, events and logs one reply cannot carry is undone: its caller could never read it. The engine bounds
/// each of them as the protocol does, so that one over its own bound is a fault.
pub fn tell(ran: Ran) -> Result<(Told, Changes), Fault> {
    let Ran { execution: Execution { mut result, gas_used }, mut changes, mut events, mut deposit, logs } =
        ran;
    let logs: Vec<_> = logs.into_iter().map(line).collect::<Result<_, _>>()?;
    let mut bytes = result.as_ref().map_or(0, |answer| answer.data.len());
    for size in events.iter().map(command::Event::encoded_size).chain(logs.iter().map(LogLine::encoded_size))
    {
        bytes = bytes.saturating_add(size);
    }
    if bytes > PAYLOAD_BYTES_MAX as usize {
        result = Err(Trap::OutputTooLong);
        deposit = world::Deposit::default();
        changes.clear();
        events.clear();
    }
    let told = Told {
        ended: match result {
            Ok(answer) => Ended::Returned { flags: answer.flags, data: bounded(answer.data)? },
            Err(trap) => Ended::Trapped(trap.code()),
        },
        gas_used: Gas::new(gas_used),
        deposit: match deposit {
            world::Deposit::Charge(amount) => Deposit::Charged(Amount::new(amount)),
            world::Deposit::Refund(amount) => Deposit::Refunded(Amount::new(amount)),
        },
        events: events.try_into().map_err(|_| Fault)?,
        logs: logs.try_into().map_err(|_| Fault)?,
    };
    Ok((told, changes))
}

fn bounded<const N: u32>(bytes: Vec<u8>) -> Result<Bytes<N>, Fault> {
    bytes.try_into().map_err(|_| Fault)
}

fn line(Line { contract, record }: Line) -> Result<LogLine, Fault> {
    let wire::LogRecord { level, message, fields } = record;
    let field = |(name, value): (String, _)| Ok((bounded(name.into_bytes())?, field_value(value)?));
    let fields: Vec<_> = fields.into_iter().map(field).collect::<Result<_, Fault>>()?;
    Ok(LogLine {
        contract: ContractId::new(contract),
        level,
        message: bounded(message.into_bytes())?,
        fields: fields.try_into().map_err(|_| Fault)?,
    })
}

fn field_value(value: wire::LogValue) -> Result<log::LogValue, Fault> {
    Ok(match value {
        wire::LogValue::Bool(value) => log::LogValue::Bool(value),
        wire::LogValue::Unsigned(value) => log::LogValue::Unsigned(value),
        wire::LogValue::Signed(value) => log::LogValue::Signed(value),
        wire::LogValue::Text(text) => log::LogValue::Text(bounded(text.into_bytes())?),
        wire::LogValue::Bytes(bytes) => log::LogValue::Bytes(bounded(bytes)?),
        wire::LogValue::Account(account) => log::LogValue::Account(AccountId::new(account)),
    })
}
