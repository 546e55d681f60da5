// SPDX-License-Identifier: Apache-2.0
//! `contract.toml`: what a contract in C or AssemblyScript says of itself.
//!
//! Rust and Solidity compilers know a contract's messages; a C compiler does not. So the author writes them down once,
//! and both sides are made of that: the metadata for clients ([`metadata`]), and the entry points of the contract, which
//! choose a function by the selector and therefore cannot disagree with the metadata.
//!
//! ```toml
//! [contract]
//! name = "flipper"
//! version = "0.1.0"
//! source = "flipper.c"
//!
//! [[constructor]]
//! name = "new"
//! args = [{ name = "value", type = "bool" }]
//!
//! [[message]]
//! name = "get"
//! returns = "bool"
//! ```

pub(super) mod metadata;
mod types;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::BuildError;

/// The file's name.
pub(super) const FILE: &str = "contract.toml";
/// The longest file that is read: more than a thousand messages.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Interface {
    pub(super) contract: About,
    #[serde(default, rename = "constructor")]
    pub(super) constructors: Vec<Function>,
    #[serde(default, rename = "message")]
    pub(super) messages: Vec<Function>,
    #[serde(default, rename = "event")]
    pub(super) events: Vec<Event>,
    #[serde(default, rename = "type")]
    pub(super) types: Vec<Named>,
}

/// What the contract is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    pub(super) name: String,
    #[serde(default = "first_version")]
    pub(super) version: String,
    #[serde(default)]
    pub(super) authors: Vec<String>,
    /// From the directory of the file. Its ending tells the language.
    pub(super) source: PathBuf,
    /// Of a Solidity source, the contract that is meant; others in the same source are built too.
    pub(super) main: Option<String>,
}

/// A constructor or a message.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Function {
    pub(super) name: String,
    #[serde(default)]
    pub(super) docs: Vec<String>,
    #[serde(default)]
    pub(super) args: Vec<Argument>,
    /// Whether it takes PHA. Without it, a call that brings some is stopped.
    #[serde(default)]
    pub(super) payable: bool,
    /// Whether it changes state: the default of messages, since a client that believes the opposite would lose changes.
    #[serde(default = "yes")]
    pub(super) mutates: bool,
    pub(super) returns: Option<String>,
    /// Four bytes in hexadecimal digits. Without it, the first bytes of the name's BLAKE2b hash, as ink! has it.
    pub(super) selector: Option<String>,
}

/// An argument of a function, or a field of a struct.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Argument {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) ty: String,
}

/// An event.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    pub(super) name: String,
    #[serde(default)]
    pub(super) docs: Vec<String>,
    #[serde(default)]
    pub(super) args: Vec<EventArgument>,
}

/// A field of an event.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventArgument {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) ty: String,
    #[serde(default)]
    pub(super) indexed: bool,
}

/// A type of the author's: a struct, or an enum whose variants have no fields.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    pub(super) name: String,
    #[serde(default)]
    pub(super) fields: Vec<Argument>,
    #[serde(default)]
    pub(super) variants: Vec<String>,
}

fn first_version() -> String {
    "0.1.0".to_owned()
}

fn yes() -> bool {
    true
}

impl Interface {
    /// Reads the file of a project.
    pub(super) fn open(directory: &Path) -> Result<Self, BuildError> {
        let path = directory.join(FILE);
        let size = std::fs::metadata(&path).map_err(BuildError::file(&path))?.len();
        let wrong = |reason: String| BuildError::Interface { path: path.clone(), reason };
        if size > FILE_BYTES_MAX {
            return Err(wrong(format!("it is over {FILE_BYTES_MAX} bytes")));
        }
        let text = std::fs::read_to_string(&path).map_err(BuildError::file(&path))?;
        Self::parse(&text).map_err(wrong)
    }

    /// Reads the text and checks names. Types are checked where they are used, by [`metadata`].
    fn parse(text: &str) -> Result<Self, String> {
        let interface: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let about = &interface.contract;
        // It becomes the names of files.
        if !is_name(&about.name.replace('-', "_")) {
            return Err(format!(
                "the contract's name {:?} has other characters than a-z, 0-9, _ and -",
                about.name
            ));
        }
        if about.source.is_absolute() || about.source.components().any(|part| part.as_os_str() == "..") {
            return Err("source lies outside of the project".to_owned());
        }
        Ok(interface)
    }

    /// What only contracts need whose compiler knows nothing of messages.
    pub(super) fn check_functions(&self) -> Result<(), String> {
        if self.constructors.is_empty() || self.messages.is_empty() {
            return Err("a contract has at least one [[constructor]] and one [[message]]".to_owned());
        }
        for (kind, functions) in [("constructor", &self.constructors), ("message", &self.messages)] {
            let (mut names, mut selectors) = (BTreeSet::new(), BTreeSet::new());
            for function in functions {
                let name = &function.name;
                if !is_name(name) {
                    return Err(format!("{name:?} is not a name for a {kind}: use a-z, A-Z, 0-9 and _"));
                }
                if !names.insert(name) {
                    return Err(format!("there are two {kind}s named {name}"));
                }
                if !selectors.insert(function.selector()?) {
                    return Err(format!("the {kind} {name} has the selector of another one"));
                }
            }
        }
        for event in &self.events {
            if !is_name(&event.name) {
                return Err(format!("{:?} is not a name for an event: use a-z, A-Z, 0-9 and _", event.name));
            }
        }
        Ok(())
    }
}

impl Function {
    /// Its first four bytes in a call.
    pub(super) fn selector(&self) -> Result<[u8; 4], String> {
        match &self.selector {
            None => {
                let [a, b, c, d, ..] = sp_crypto_hashing::blake2_256(self.name.as_bytes());
                Ok([a, b, c, d])
            }
            Some(text) => hex::decode(text.trim_start_matches("0x"))
                .ok()
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or_else(|| {
                    format!("the selector {text:?} of {} is not 4 bytes such as 0x633aa551", self.name)
                }),
        }
    }
}

impl Event {
    /// What its first topic is: the hash of `Name(type,type)`.
    pub(super) fn topic(&self) -> [u8; 32] {
        let types: Vec<String> = self.args.iter().map(|argument| argument.ty.replace(' ', "")).collect();
        sp_crypto_hashing::blake2_256(format!("{}({})", self.name, types.join(",")).as_bytes())
    }
}

/// A name that every language here takes.
fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLIPPER: &str = r#"
        [contract]
        name = "flipper"
        source = "flipper.c"
        [[constructor]]
        name = "new"
        args = [{ name = "value", type = "bool" }]
        [[message]]
        name = "flip"
        [[message]]
        name = "get"
        mutates = false
        returns = "bool"
    "#;

    fn checked(text: &str) -> Result<(), String> {
        Interface::parse(text)?.check_functions()
    }

    #[test]
    fn selectors_are_those_of_ink() {
        let interface = Interface::parse(FLIPPER).unwrap();
        interface.check_functions().unwrap();
        assert_eq!(interface.constructors[0].selector().unwrap(), [0x9b, 0xae, 0x9d, 0x5e]);
        assert_eq!(interface.messages[0].selector().unwrap(), [0x63, 0x3a, 0xa5, 0x51]);
        assert!(interface.messages[0].mutates && !interface.messages[1].mutates);
    }

    #[test]
    fn event_is_named_by_its_hash() {
        let event: Event =
            toml::from_str("name = \"Flipped\"\nargs = [{ name = \"value\", type = \"bool\" }]").unwrap();
        assert_eq!(hex::encode(&event.topic()[..4]), "529cf346");
    }

    #[test]
    fn mistakes_are_refused_with_their_reason() {
        for (from, to, reason) in [
            ("payable", "payable", ""),
            ("mutates = false", "pure = true", "unknown field `pure`"),
            ("name = \"get\"", "name = \"flip\"", "two messages named flip"),
            ("name = \"get\"", "name = \"get\"\nselector = \"0x633aa551\"", "selector of another one"),
            ("name = \"get\"", "name = \"get\"\nselector = \"0x63\"", "is not 4 bytes"),
            ("name = \"get\"", "name = \"get it\"", "not a name for a message"),
            ("name = \"flipper\"", "name = \"../up\"", "has other characters"),
            ("\"flipper.c\"", "\"../flipper.c\"", "outside of the project"),
            ("[[constructor]]", "[[message]]", "at least one"),
        ] {
            let text = FLIPPER.replace(from, to);
            match (reason, checked(&text)) {
                ("", result) => result.unwrap(),
                (_, Err(error)) => assert!(error.contains(reason), "{error}"),
                (_, Ok(())) => panic!("accepted: {text}"),
            }
        }
    }
}
