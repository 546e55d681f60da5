//! The part of a bundle's JSON that is used here. Unknown fields are other tools' own.

use phala_types::CodeHash;
use serde::{Deserialize, Deserializer, de::Error as _};

#[derive(Deserialize)]
pub(super) struct Metadata {
    pub source: Source,
    pub contract: ContractSpec,
    pub spec: Spec,
    pub types: serde_json::Value,
    /// A number in version 5, a string before.
    version: serde_json::Value,
}

#[derive(Deserialize)]
pub(super) struct Source {
    pub hash: CodeHash,
    pub wasm: Option<Hex>,
}

#[derive(Deserialize)]
pub(super) struct ContractSpec {
    pub name: String,
    pub version: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Spec {
    pub constructors: Vec<FunctionSpec>,
    pub messages: Vec<FunctionSpec>,
    #[serde(default)]
    pub events: Vec<EventSpec>,
}

/// A constructor or a message.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionSpec {
    /// Its name.
    pub label: String,
    /// What it takes.
    pub args: Vec<ArgumentSpec>,
    /// What its author says of it.
    #[serde(default)]
    pub docs: Vec<String>,
    /// Whether it takes PHA.
    #[serde(default)]
    pub payable: bool,
    /// Whether it changes state: a query of it changes nothing that lasts. Constructors always do.
    #[serde(default)]
    pub mutates: bool,
    pub(super) return_type: Option<TypeSpec>,
    pub(super) selector: Selector,
}

/// An argument.
#[derive(Clone, Debug, Deserialize)]
pub struct ArgumentSpec {
    /// Its name.
    pub label: String,
    #[serde(rename = "type")]
    pub(super) type_spec: TypeSpec,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct EventSpec {
    pub label: String,
    pub args: Vec<ArgumentSpec>,
    /// Only version 5 has it, and there it may be missing for an anonymous event.
    #[serde(default, rename = "signature_topic")]
    pub signature_topic: Option<Hex>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TypeSpec {
    #[serde(default)]
    pub display_name: Vec<String>,
    #[serde(rename = "type")]
    pub id: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Hex(pub Vec<u8>);

#[derive(Clone, Copy, Debug)]
pub(super) struct Selector(pub [u8; 4]);

impl Metadata {
    /// The version, if it is one that is not known here.
    pub fn check_version(&self) -> Result<(), String> {
        match &self.version {
            serde_json::Value::Number(number) if number.as_u64() == Some(5) => Ok(()),
            serde_json::Value::String(text) if text == "4" => Ok(()),
            other => Err(other.to_string()),
        }
    }
}

impl Spec {
    pub fn type_ids(&self) -> impl Iterator<Item = u32> + '_ {
        let functions = self.constructors.iter().chain(&self.messages);
        let returned = functions.clone().filter_map(|function| function.return_type.as_ref());
        let arguments = functions.flat_map(|function| &function.args);
        let events = self.events.iter().flat_map(|event| &event.args);
        arguments.chain(events).map(|argument| &argument.type_spec).chain(returned).map(|spec| spec.id)
    }
}

impl TypeSpec {
    pub fn name(&self) -> String {
        match self.display_name.is_empty() {
            true => format!("type {}", self.id),
            false => self.display_name.join("::"),
        }
    }
}

impl ArgumentSpec {
    /// Its type, as its author wrote it.
    pub fn type_name(&self) -> String {
        self.type_spec.name()
    }
}

impl FunctionSpec {
    /// Its first four bytes.
    pub fn selector(&self) -> [u8; 4] {
        self.selector.0
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(text.strip_prefix("0x").unwrap_or(&text)).map(Self).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Hex::deserialize(deserializer)?.0;
        bytes.try_into().map(Self).map_err(|_| D::Error::custom("a selector has 4 bytes"))
    }
}
