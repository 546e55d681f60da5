//! Private log lines: what a contract writes for those who look for errors. Confidential as the contract's state is.

use crate::{
    AccountId, Bytes, ContractId, List,
    limits::{LOG_FIELDS_MAX, LOG_NAME_BYTES_MAX, LOG_TEXT_BYTES_MAX},
};
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;
use serde::Serialize;

/// One line.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct LogLine {
    /// Which contract wrote it.
    pub contract: ContractId,
    /// How bad it is.
    pub level: LogLevel,
    /// UTF-8, best a constant.
    pub message: Bytes<LOG_TEXT_BYTES_MAX>,
    /// Names in UTF-8, and values.
    pub fields: List<(Bytes<LOG_NAME_BYTES_MAX>, LogValue), LOG_FIELDS_MAX>,
}

/// How bad what is logged is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Something failed.
    #[codec(index = 0)]
    Error,
    /// Something is not as it should be.
    #[codec(index = 1)]
    Warn,
    /// Something happened.
    #[codec(index = 2)]
    Info,
    /// For who works on the contract. What the seal interface calls a debug message.
    #[codec(index = 3)]
    Debug,
    /// The same, and much of it.
    #[codec(index = 4)]
    Trace,
}

/// The value of a field.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum LogValue {
    /// Yes or no.
    #[codec(index = 0)]
    Bool(bool),
    /// A number that is not negative.
    #[codec(index = 1)]
    Unsigned(u128),
    /// A number.
    #[codec(index = 2)]
    Signed(i128),
    /// UTF-8.
    #[codec(index = 3)]
    Text(Bytes<LOG_TEXT_BYTES_MAX>),
    /// Anything else.
    #[codec(index = 4)]
    Bytes(Bytes<LOG_TEXT_BYTES_MAX>),
    /// An account, or a contract.
    #[codec(index = 5)]
    Account(AccountId),
}
