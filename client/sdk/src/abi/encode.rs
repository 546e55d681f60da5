//! From text to a contract's input.

use super::{Abi, AbiError, ArgumentSpec, FunctionSpec};
use phala_chain_api::Account;
use phala_types::{Bytes, limits::PAYLOAD_BYTES_MAX};
use scale_info::{TypeDef, TypeDefPrimitive};
use scale_value::{
    Value,
    stringify::{ParseError, custom_parsers::parse_hex, from_str_custom},
};

impl Abi {
    /// A constructor's input: its selector and its arguments.
    ///
    /// An argument is written as in Rust (`7`, `true`, `"text"`, `Some(1)`, `(1, 2)`, `{ a: 1 }`), bytes as `0x...`,
    /// and an account as an SS58 address, `0x...` or a development account such as `//Alice`.
    pub fn encode_constructor(
        &self,
        name: &str,
        arguments: &[String],
    ) -> Result<Bytes<PAYLOAD_BYTES_MAX>, AbiError> {
        self.encode(self.constructor(name)?, arguments)
    }

    /// A message's input, as [`Abi::encode_constructor`].
    pub fn encode_message(
        &self,
        name: &str,
        arguments: &[String],
    ) -> Result<Bytes<PAYLOAD_BYTES_MAX>, AbiError> {
        self.encode(self.message(name)?, arguments)
    }

    fn encode(
        &self,
        function: &FunctionSpec,
        given: &[String],
    ) -> Result<Bytes<PAYLOAD_BYTES_MAX>, AbiError> {
        if function.args.len() != given.len() {
            let describe = |argument: &ArgumentSpec| format!("{}: {}", argument.label, argument.type_name());
            let arguments: Vec<_> = function.args.iter().map(describe).collect();
            return Err(AbiError::ArgumentCount {
                name: function.label.clone(),
                expected: function.args.len(),
                arguments: arguments.join(", "),
                given: given.len(),
            });
        }
        let mut bytes = function.selector().to_vec();
        for (argument, text) in function.args.iter().zip(given) {
            self.encode_argument(argument, text, &mut bytes).map_err(|reason| AbiError::Argument {
                name: argument.label.clone(),
                type_name: argument.type_name(),
                reason,
            })?;
        }
        let length = bytes.len();
        bytes.try_into().map_err(|_| AbiError::Argument {
            name: function.label.clone(),
            type_name: "call".to_owned(),
            reason: format!("it takes {length} bytes, and a call at most {PAYLOAD_BYTES_MAX}"),
        })
    }

    fn encode_argument(
        &self,
        argument: &ArgumentSpec,
        text: &str,
        bytes: &mut Vec<u8>,
    ) -> Result<(), String> {
        let id = argument.type_spec.id;
        let is_text = matches!(
            self.resolve(id).map(|found| &found.type_def),
            Some(TypeDef::Primitive(TypeDefPrimitive::Str))
        );
        let value = match is_text && !text.trim_start().starts_with('"') {
            // A shell has taken the quotation marks away.
            true => Value::string(text),
            false => super::wide::widen(parse(text)?, id, &self.registry),
        };
        scale_value::scale::encode_as_type(&value, id, &self.wire, bytes).map_err(|error| error.to_string())
    }
}

fn parse(text: &str) -> Result<Value, String> {
    let parser = from_str_custom().add_custom_parser(parse_hex).add_custom_parser(parse_account);
    match parser.parse(text) {
        (Ok(value), rest) if rest.trim().is_empty() => Ok(value),
        (Ok(_), rest) => Err(format!("there is more after the value: {rest}")),
        (Err(error), _) => Err(error.to_string()),
    }
}

/// An SS58 address or a development account. Neither can be taken for another value: addresses are longer than any
/// number or name that fits an argument, and nothing else begins with `//`.
fn parse_account(rest: &mut &str) -> Option<Result<Value, ParseError>> {
    const ADDRESS_CHARACTERS_MIN: usize = 46;
    let is_development = rest.starts_with("//");
    let end = rest
        .find(|character: char| !(character.is_ascii_alphanumeric() || (is_development && character == '/')))
        .unwrap_or(rest.len());
    let token = rest.get(..end)?;
    let account = match is_development {
        true => Account::from_uri(token).ok()?.id(),
        false if token.len() >= ADDRESS_CHARACTERS_MIN && !token.starts_with("0x") => {
            Account::parse_address(token).ok()?
        }
        false => return None,
    };
    *rest = rest.get(end..)?;
    Some(Ok(Value::from_bytes(account.as_bytes())))
}
