// SPDX-License-Identifier: Apache-2.0
//! Private logs: lines with fields, sealed for the account that called.
//!
//! ```
//! # ink::env::test::run_test::<phala_contract::Phala, _>(|people| {
//! # let worker = phala_contract::testing::Worker::install();
//! phala_contract::info!("paid", amount = 5_u128, to = people.bob);
//! # assert_eq!(worker.logs()[0].fields.len(), 2);
//! # Ok(())
//! # }).unwrap();
//! ```
//!
//! Whoever calls reads them: log nothing that the caller must not know. A line is never in the log of a worker's host. What
//! is over the bounds is dropped, because a lost line must not fail a contract; [`record`] says so to who wants to know.

use crate::{extension::confidential, LogLevel, LogRecord, LogValue, Result};
use ink::{
    prelude::{string::String, vec::Vec},
    primitives::AccountId,
};

/// Writes one line.
///
/// # Errors
/// It is over a bound, or the call has written its 64 lines or 64 KiB.
pub fn record(level: LogLevel, message: &str, fields: Vec<(String, LogValue)>) -> Result<()> {
    confidential().log(&LogRecord { level, message: message.into(), fields })
}

macro_rules! values {
    ($($from:ty => $variant:ident),* $(,)?) => {
        $(impl From<$from> for LogValue {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}

values! {
    bool => Bool,
    u8 => Unsigned,
    u16 => Unsigned,
    u32 => Unsigned,
    u64 => Unsigned,
    u128 => Unsigned,
    i8 => Signed,
    i16 => Signed,
    i32 => Signed,
    i64 => Signed,
    i128 => Signed,
    &str => Text,
    String => Text,
    &[u8] => Bytes,
    Vec<u8> => Bytes,
    AccountId => Account,
}

/// Writes a line at a level: the message, then fields as `name = value`.
#[macro_export]
macro_rules! log {
    ($level:expr, $message:expr $(, $name:ident = $value:expr)* $(,)?) => {{
        let fields = ::ink::prelude::vec![
            $((::ink::prelude::string::String::from(stringify!($name)), $crate::LogValue::from($value))),*
        ];
        // A lost line must not fail a contract.
        let _ = $crate::log::record($level, $message, fields);
    }};
}

/// Something failed.
#[macro_export]
macro_rules! error {
    ($($line:tt)*) => { $crate::log!($crate::LogLevel::Error, $($line)*) };
}

/// Something may fail.
#[macro_export]
macro_rules! warning {
    ($($line:tt)*) => { $crate::log!($crate::LogLevel::Warn, $($line)*) };
}

/// Something happened.
#[macro_export]
macro_rules! info {
    ($($line:tt)*) => { $crate::log!($crate::LogLevel::Info, $($line)*) };
}

/// For who looks for a defect.
#[macro_export]
macro_rules! debug {
    ($($line:tt)*) => { $crate::log!($crate::LogLevel::Debug, $($line)*) };
}

/// Everything.
#[macro_export]
macro_rules! trace {
    ($($line:tt)*) => { $crate::log!($crate::LogLevel::Trace, $($line)*) };
}
