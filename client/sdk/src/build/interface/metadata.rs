// SPDX-License-Identifier: Apache-2.0
//! The metadata of a contract in C or AssemblyScript: what ink! would write of the same messages.

use serde_json::{Value, json};

use super::types::Types;
use super::{Function, Interface};

/// Topics of one event, the one that names it included: the network's bound, which is pallet-contracts' too.
const TOPICS_MAX: usize = phala_types::limits::EVENT_TOPICS_MAX as usize;
/// What a contract of these languages reads and returns at most: the buffer of its library.
const BUFFER_BYTES: u32 = 16 * 1024;

/// Everything in a bundle but the code and who made it.
pub(in super::super) fn metadata(interface: &Interface) -> Result<Value, String> {
    interface.check_functions()?;
    let mut types = Types::new(&interface.types);
    let root = types.id("()")?;
    let environment = json!({
        "accountId": types.spec("AccountId")?,
        "balance": types.spec("Balance")?,
        "blockNumber": types.spec("BlockNumber")?,
        "hash": types.spec("Hash")?,
        "timestamp": types.spec("Timestamp")?,
        // No extension is known by name to such a contract, and clients decode nothing by this.
        "chainExtension": { "displayName": ["ChainExtension"], "type": root },
        "maxEventTopics": TOPICS_MAX,
        "staticBufferSize": BUFFER_BYTES,
    });
    let constructors = functions(&interface.constructors, "ConstructorResult", &mut types)?;
    let messages = functions(&interface.messages, "MessageResult", &mut types)?;
    let mut events = Vec::new();
    for event in &interface.events {
        let mut arguments = Vec::new();
        let indexed = event.args.iter().filter(|argument| argument.indexed).count();
        if indexed >= TOPICS_MAX {
            return Err(format!("the event {} has more than {} indexed fields", event.name, TOPICS_MAX - 1));
        }
        for argument in &event.args {
            let ty = types.spec(&argument.ty)?;
            let argument =
                json!({ "label": argument.name, "indexed": argument.indexed, "docs": [], "type": ty });
            arguments.push(argument);
        }
        events.push(json!({
            "label": event.name,
            "args": arguments,
            "docs": event.docs,
            "module_path": interface.contract.name,
            "signature_topic": format!("0x{}", hex::encode(event.topic())),
        }));
    }
    let lang_error = json!({ "displayName": ["ink", "LangError"], "type": types.id("LangError")? });
    let layout = json!({ "struct": { "name": interface.contract.name, "fields": [] } });
    Ok(json!({
        "version": 5,
        "spec": {
            "constructors": constructors, "messages": messages, "events": events, "docs": [],
            "environment": environment, "lang_error": lang_error,
        },
        // These contracts choose their keys themselves.
        "storage": { "root": { "root_key": "0x00000000", "layout": layout, "ty": root } },
        "types": types.finish(),
    }))
}

fn functions(all: &[Function], result: &str, types: &mut Types) -> Result<Vec<Value>, String> {
    all.iter()
        .map(|function| {
            let mut arguments = Vec::new();
            for argument in &function.args {
                arguments.push(json!({ "label": argument.name, "type": types.spec(&argument.ty)? }));
            }
            let returned = function.returns.as_deref().unwrap_or("()");
            let mut described = json!({
                "label": function.name,
                "selector": format!("0x{}", hex::encode(function.selector()?)),
                "args": arguments,
                "docs": function.docs,
                "payable": function.payable,
                "default": false,
                "returnType": {
                    "displayName": ["ink", result],
                    "type": types.id(&format!("Result<{returned}, LangError>"))?,
                },
            });
            // Constructors have no such field: each changes everything.
            if result == "MessageResult" {
                described["mutates"] = json!(function.mutates);
            }
            Ok(described)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(more: &str) -> Interface {
        let text = format!(
            "[contract]\nname = \"bank\"\nsource = \"bank.c\"\n[[constructor]]\nname = \"new\"\n[[message]]\n\
             name = \"pay\"\npayable = true\nargs = [{{ name = \"to\", type = \"AccountId\" }}]\n\
             returns = \"Result<u128, Error>\"\n[[type]]\nname = \"Error\"\nvariants = [\"Poor\"]\n{more}"
        );
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn the_own_reader_encodes_calls_and_decodes_answers_of_it() {
        let event =
            "[[event]]\nname = \"Paid\"\nargs = [{ name = \"to\", type = \"AccountId\", indexed = true }]";
        let mut bundle = metadata(&interface(event)).unwrap();
        bundle["source"] = json!({ "hash": format!("0x{}", "00".repeat(32)) });
        bundle["contract"] = json!({ "name": "bank", "version": "0.1.0" });
        let abi = crate::abi::ContractBundle::parse(bundle.to_string().as_bytes()).unwrap().abi;
        assert!(abi.message("pay").unwrap().payable);
        let input = abi.encode_message("pay", &["//Alice".to_owned()]).unwrap();
        assert_eq!(input.len(), 36);
        let decoded = abi.decode_return("pay", &[0, 1, 0]).unwrap();
        assert_eq!(decoded, crate::abi::Decoded::Value(json!({ "Err": "Poor" })));
        let refused = abi.decode_return("pay", &[1, 1]).unwrap();
        assert_eq!(refused, crate::abi::Decoded::NotDispatched("CouldNotReadInput".to_owned()));
    }

    #[test]
    fn event_with_more_topics_than_the_network_takes_is_refused() {
        let field = "{ name = \"a\", type = \"u8\", indexed = true }";
        let event = format!("[[event]]\nname = \"Much\"\nargs = [{field}, {field}, {field}, {field}]");
        assert!(metadata(&interface(&event)).unwrap_err().contains("indexed fields"));
    }
}
