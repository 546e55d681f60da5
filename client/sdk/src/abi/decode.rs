//! From what a contract returned to values that people and programs can read.

use super::{Abi, AbiError, spec::TypeSpec};
use phala_chain_api::Account;
use phala_types::{AccountId, command::Event};
use scale_info::{TypeDef, TypeDefPrimitive};
use scale_value::{Composite, Primitive, Value, ValueDef};
use serde::Serialize;
use serde_json::{Map, Value as Json};

/// What a message returned.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decoded {
    /// What its author wrote.
    Value(Json),
    /// ink! itself refused the call: no such message, or arguments that do not decode.
    NotDispatched(String),
}

/// An event of a contract.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct DecodedEvent {
    /// Its name.
    pub name: String,
    /// Its fields.
    pub fields: Map<String, Json>,
}

impl Abi {
    /// What a message returned, as JSON. 64-bit and larger numbers are strings, since JSON readers round them;
    /// accounts are SS58; other bytes are `0x...`.
    pub fn decode_return(&self, message: &str, data: &[u8]) -> Result<Decoded, AbiError> {
        self.decode_dispatched(self.message(message)?.return_type.as_ref(), data)
    }

    /// What a constructor returned, as [`Abi::decode_return`].
    pub fn decode_constructed(&self, constructor: &str, data: &[u8]) -> Result<Decoded, AbiError> {
        // Of a constructor that cannot fail, ink! 5 returns `Result<Result<(), ()>, LangError>`, where its metadata
        // leaves the inner one out: its `Ok` is one more zero byte.
        let spec = self.constructor(constructor)?.return_type.as_ref();
        match self.decode_dispatched(spec, data) {
            Err(AbiError::Returned { .. }) if data == [0, 0] => self.decode_dispatched(spec, &[0]),
            decoded => decoded,
        }
    }

    /// An event: in version 5 its first topic names it, in version 4 the first byte of its data.
    pub fn decode_event(&self, event: &Event) -> Result<DecodedEvent, AbiError> {
        let signature = event.topics.first().map(|topic| topic.as_slice());
        let by_topic = self.spec.events.iter().find(|spec| {
            spec.signature_topic.as_ref().is_some_and(|topic| Some(topic.0.as_slice()) == signature)
        });
        let numbered = self.spec.events.iter().all(|spec| spec.signature_topic.is_none());
        let (spec, mut data) = match (by_topic, event.data.split_first()) {
            (Some(spec), _) => (spec, event.data.as_slice()),
            (None, Some((index, rest))) if numbered => {
                (self.spec.events.get(usize::from(*index)).ok_or(AbiError::UnknownEvent)?, rest)
            }
            _ => return Err(AbiError::UnknownEvent),
        };
        let mut fields = Map::new();
        for argument in &spec.args {
            let value = self.decode(&argument.type_spec, &mut data)?;
            fields.insert(argument.label.clone(), self.json(&value));
        }
        if !data.is_empty() {
            return Err(AbiError::UnknownEvent);
        }
        Ok(DecodedEvent { name: spec.label.clone(), fields })
    }

    /// ink! puts what a function returns into `Result<_, LangError>`; Solang does not.
    fn decode_dispatched(&self, spec: Option<&TypeSpec>, mut data: &[u8]) -> Result<Decoded, AbiError> {
        let Some(spec) = spec else {
            return Ok(Decoded::Value(Json::Null));
        };
        let value = self.decode(spec, &mut data)?;
        if !data.is_empty() {
            let reason = format!("{} bytes are left over", data.len());
            return Err(AbiError::Returned { type_name: spec.name(), reason });
        }
        let json = self.json(&value);
        let is_message_result = spec
            .display_name
            .last()
            .is_some_and(|name| matches!(name.as_str(), "MessageResult" | "ConstructorResult"));
        Ok(match json {
            Json::Object(mut fields) if is_message_result && fields.len() == 1 => {
                match (fields.remove("Ok"), fields.remove("Err")) {
                    (Some(value), _) => Decoded::Value(value),
                    (None, Some(Json::String(name))) => Decoded::NotDispatched(name),
                    (None, other) => Decoded::NotDispatched(other.unwrap_or_default().to_string()),
                }
            }
            other => Decoded::Value(other),
        })
    }

    fn decode(&self, spec: &TypeSpec, data: &mut &[u8]) -> Result<Value<u32>, AbiError> {
        scale_value::scale::decode_as_type(data, spec.id, &self.registry)
            .map_err(|error| AbiError::Returned { type_name: spec.name(), reason: error.to_string() })
    }

    fn json(&self, value: &Value<u32>) -> Json {
        match &value.value {
            ValueDef::Primitive(primitive) => self.primitive(primitive, value.context),
            ValueDef::BitSequence(bits) => Json::from(bits.iter().collect::<Vec<bool>>()),
            ValueDef::Variant(variant) => {
                let fields = self.fields(&variant.values);
                match (variant.values.len(), variant.name.as_str()) {
                    (0, "None") => Json::Null,
                    (0, name) => Json::from(name),
                    (_, "Some") => fields,
                    (_, name) => Json::Object(Map::from_iter([(name.to_owned(), fields)])),
                }
            }
            ValueDef::Composite(composite) => self.composite_of_type(composite, value.context),
        }
    }

    fn composite_of_type(&self, composite: &Composite<u32>, id: u32) -> Json {
        let Some(found) = self.resolve(id) else { return self.fields(composite) };
        match &found.type_def {
            TypeDef::Sequence(list) => self.list(composite, list.type_param.id),
            TypeDef::Array(list) => self.list(composite, list.type_param.id),
            TypeDef::Tuple(fields) if !fields.fields.is_empty() => {
                Json::from(composite.values().map(|value| self.json(value)).collect::<Vec<_>>())
            }
            _ => {
                let fields = self.fields(composite);
                let is_account = found.path.segments.last().is_some_and(|name| name.starts_with("AccountId"));
                match fields.as_str().and_then(|text| text.parse::<AccountId>().ok()) {
                    Some(account) if is_account => Json::from(Account::format_address(&account)),
                    _ => fields,
                }
            }
        }
    }

    fn list(&self, composite: &Composite<u32>, item: u32) -> Json {
        let is_bytes = matches!(
            self.resolve(item).map(|found| &found.type_def),
            Some(TypeDef::Primitive(TypeDefPrimitive::U8))
        );
        if is_bytes {
            let byte = |value: &Value<u32>| value.as_u128().and_then(|byte| u8::try_from(byte).ok());
            let bytes: Vec<u8> = composite.values().filter_map(byte).collect();
            return Json::from(format!("0x{}", hex::encode(bytes)));
        }
        Json::from(composite.values().map(|value| self.json(value)).collect::<Vec<_>>())
    }

    /// Fields of a struct or a variant. One without a name is shown as itself, and none as nothing.
    fn fields(&self, composite: &Composite<u32>) -> Json {
        match composite {
            Composite::Named(fields) => {
                Json::Object(fields.iter().map(|(name, value)| (name.clone(), self.json(value))).collect())
            }
            Composite::Unnamed(values) => match values.as_slice() {
                [] => Json::Null,
                [only] => self.json(only),
                values => Json::from(values.iter().map(|value| self.json(value)).collect::<Vec<_>>()),
            },
        }
    }

    fn primitive(&self, primitive: &Primitive, id: u32) -> Json {
        let is_wide = !matches!(
            self.resolve(id).map(|found| &found.type_def),
            Some(TypeDef::Primitive(
                TypeDefPrimitive::U8
                    | TypeDefPrimitive::U16
                    | TypeDefPrimitive::U32
                    | TypeDefPrimitive::I8
                    | TypeDefPrimitive::I16
                    | TypeDefPrimitive::I32
            ))
        );
        match primitive {
            Primitive::Bool(value) => Json::from(*value),
            Primitive::Char(value) => Json::from(value.to_string()),
            Primitive::String(value) => Json::from(value.as_str()),
            Primitive::U128(value) if is_wide => Json::from(value.to_string()),
            Primitive::U128(value) => Json::from(u64::try_from(*value).unwrap_or_default()),
            Primitive::I128(value) if is_wide => Json::from(value.to_string()),
            Primitive::I128(value) => Json::from(i64::try_from(*value).unwrap_or_default()),
            // Solidity's numbers. Negative ones come as unsigned ones from the decoder, and are told by their type.
            Primitive::U256(bytes) | Primitive::I256(bytes) => {
                let is_signed = matches!(
                    self.resolve(id).map(|found| &found.type_def),
                    Some(TypeDef::Primitive(TypeDefPrimitive::I256))
                );
                Json::from(super::wide::to_text(bytes, is_signed))
            }
        }
    }
}
