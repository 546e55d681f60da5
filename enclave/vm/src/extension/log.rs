// SPDX-License-Identifier: Apache-2.0
//! Private logs: lines that contracts write for whoever called them, sealed like the answer.

use codec::{Decode, Encode};

use super::wire::{LogLevel, LogRecord, LogValue};
use crate::host::AccountBytes;

/// Lines of one call tree: more than a person reads of one call.
pub const LINES_MAX: usize = 64;
/// Bytes of all lines of one call tree, as encoded: they are kept with the outcome until it is read.
pub const LOG_BYTES_MAX: usize = 64 * 1024;
/// The message of a line of our extension. Values belong into fields.
pub const MESSAGE_BYTES_MAX: usize = 256;
/// The text of a line of Phala's extension, or of a debug message: the rest is cut off.
pub const TEXT_BYTES_MAX: usize = 1024;
/// Fields of a line.
pub const FIELDS_MAX: usize = 16;
/// The name of a field.
pub const FIELD_NAME_BYTES_MAX: usize = 32;
/// Text or bytes in a field.
pub const FIELD_BYTES_MAX: usize = 1024;

/// A line, and the contract that wrote it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct LogLine {
    /// Who wrote it.
    pub contract: AccountBytes,
    /// What.
    pub record: LogRecord,
}

/// The lines of one call tree, also those of frames that failed. The same call has the same lines on every replica.
#[derive(Debug, Default)]
pub struct Logs {
    lines: Vec<LogLine>,
    bytes: usize,
}

/// There is no room for the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogFull;

impl Logs {
    /// Keeps a line.
    ///
    /// # Errors
    /// [`LogFull`] once there are [`LINES_MAX`] lines or [`LOG_BYTES_MAX`] bytes.
    pub fn push(&mut self, contract: &AccountBytes, record: LogRecord) -> Result<(), LogFull> {
        let line = LogLine { contract: *contract, record };
        let bytes = self.bytes.saturating_add(line.encoded_size());
        if self.lines.len() >= LINES_MAX || bytes > LOG_BYTES_MAX {
            return Err(LogFull);
        }
        self.bytes = bytes;
        self.lines.push(line);
        Ok(())
    }

    /// Keeps a text, cut to [`TEXT_BYTES_MAX`].
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn push_text(&mut self, contract: &AccountBytes, level: LogLevel, text: &str) -> Result<(), LogFull> {
        let message = text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or_default().to_owned();
        self.push(contract, LogRecord { level, message, fields: Vec::new() })
    }

    /// What was written.
    pub fn into_lines(self) -> Vec<LogLine> {
        self.lines
    }

    /// What is there so far.
    pub fn lines(&self) -> &[LogLine] {
        &self.lines
    }
}

impl LogRecord {
    /// Whether every part is within its bound.
    pub(super) fn is_bounded(&self) -> bool {
        let is_bounded = |(name, value): &(String, LogValue)| {
            let bytes = match value {
                LogValue::Text(text) => text.len(),
                LogValue::Bytes(bytes) => bytes.len(),
                _ => 0,
            };
            name.len() <= FIELD_NAME_BYTES_MAX && bytes <= FIELD_BYTES_MAX
        };
        self.message.len() <= MESSAGE_BYTES_MAX
            && self.fields.len() <= FIELDS_MAX
            && self.fields.iter().all(is_bounded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_has_a_bound_of_lines_and_of_bytes() {
        let mut logs = Logs::default();
        for _ in 0..LINES_MAX {
            assert_eq!(logs.push_text(&[1; 32], LogLevel::Info, "x"), Ok(()));
        }
        assert_eq!(logs.push_text(&[1; 32], LogLevel::Info, "x"), Err(LogFull));
        assert_eq!(logs.lines().len(), LINES_MAX);
        let mut logs = Logs::default();
        let field = ("f".to_owned(), LogValue::Bytes(vec![0; FIELD_BYTES_MAX]));
        let record =
            LogRecord { level: LogLevel::Info, message: "m".into(), fields: vec![field; FIELDS_MAX] };
        assert!(record.is_bounded());
        let kept = (0..LINES_MAX).filter(|_| logs.push(&[1; 32], record.clone()).is_ok()).count();
        assert_eq!(kept, 3);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let mut logs = Logs::default();
        logs.push_text(&[1; 32], LogLevel::Info, &"ä".repeat(TEXT_BYTES_MAX)).unwrap();
        logs.push_text(&[1; 32], LogLevel::Info, &format!("x{}", "ä".repeat(TEXT_BYTES_MAX))).unwrap();
        let lengths: Vec<_> = logs.into_lines().iter().map(|line| line.record.message.len()).collect();
        assert_eq!(lengths, [TEXT_BYTES_MAX, TEXT_BYTES_MAX - 1]);
    }
}
