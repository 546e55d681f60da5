use super::*;
use phala_types::{ContractId, List, command::Event};
use serde_json::{Value as Json, json};

/// A token in the form that ink! 5 writes: types 0 to 9 are Balance, AccountId and what results are made of.
fn metadata() -> Json {
    let function = |label: &str, selector: &str, args: Json, returned: Json| {
        json!({
            "label": label, "selector": selector, "args": args, "returnType": returned,
            "docs": [" Of the token."], "default": false, "payable": false, "mutates": label == "transfer",
        })
    };
    let argument = |label: &str, id: u32, name: &str| json!({"label": label, "type": {"displayName": [name], "type": id}});
    let result = |id: u32| json!({"displayName": ["ink", "MessageResult"], "type": id});
    let composite =
        |path: &[&str], fields: Json| json!({"path": path, "def": {"composite": {"fields": fields}}});
    let variants =
        |path: &[&str], variants: Json| json!({"path": path, "def": {"variant": {"variants": variants}}});
    let result_type = |ok: u32| {
        variants(
            &["Result"],
            json!([{"name": "Ok", "index": 0, "fields": [{"type": ok}]}, {"name": "Err", "index": 1, "fields": [{"type": 5}]}]),
        )
    };
    let types = [
        json!({"def": {"primitive": "u128"}}),
        composite(&["ink_primitives", "types", "AccountId"], json!([{"type": 2, "typeName": "[u8; 32]"}])),
        json!({"def": {"array": {"len": 32, "type": 3}}}),
        json!({"def": {"primitive": "u8"}}),
        json!({"def": {"tuple": []}}),
        variants(&["ink_primitives", "LangError"], json!([{"name": "CouldNotReadInput", "index": 1}])),
        result_type(0),
        variants(
            &["Result"],
            json!([{"name": "Ok", "index": 0, "fields": [{"type": 4}]}, {"name": "Err", "index": 1, "fields": [{"type": 8}]}]),
        ),
        variants(&["erc20", "Error"], json!([{"name": "InsufficientBalance", "index": 0}])),
        result_type(7),
        variants(
            &["Option"],
            json!([{"name": "None", "index": 0}, {"name": "Some", "index": 1, "fields": [{"type": 1}]}]),
        ),
        json!({"def": {"primitive": "str"}}),
        json!({"def": {"sequence": {"type": 11}}}),
        json!({"def": {"sequence": {"type": 11}}}),
    ];
    let types: Vec<_> =
        types.into_iter().enumerate().map(|(id, found)| json!({"id": id, "type": found})).collect();
    let code = b"\0asm\x01\0\0\0";
    json!({
        "source": {
            "hash": phala_types::cluster::code_hash(code).to_string(),
            "language": "ink! 5.1.1", "compiler": "rustc", "wasm": format!("0x{}", hex::encode(code)),
        },
        "contract": {"name": "erc20", "version": "0.1.0", "authors": []},
        "spec": {
            "constructors": [function("new", "0x9bae9d5e", json!([argument("total_supply", 0, "Balance")]),
                json!({"displayName": ["ink_primitives", "ConstructorResult"], "type": 6}))],
            "messages": [
                function("balance_of", "0x0f755a56", json!([argument("owner", 1, "AccountId")]), result(6)),
                function("transfer", "0x84a15da1",
                    json!([argument("to", 1, "AccountId"), argument("value", 0, "Balance")]), result(9)),
                function("Named::set_name", "0x01020304", json!([argument("name", 11, "String")]), result(9)),
                function("names", "0x01020305", json!([argument("names", 12, "Vec")]), json!({"displayName": ["Vec"], "type": 12})),
            ],
            "events": [{
                "label": "Transfer", "module_path": "erc20",
                "signature_topic": format!("0x{}", hex::encode([9; 32])),
                "args": [argument("from", 10, "Option"), argument("to", 10, "Option"), argument("value", 0, "Balance")],
            }],
            "docs": [],
        },
        "types": types,
        "version": 5,
    })
}

fn bundle() -> ContractBundle {
    ContractBundle::parse(metadata().to_string().as_bytes()).unwrap()
}

fn changed(change: impl FnOnce(&mut Json)) -> Result<ContractBundle, AbiError> {
    let mut metadata = metadata();
    change(&mut metadata);
    ContractBundle::parse(metadata.to_string().as_bytes())
}

fn strings(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|argument| (*argument).to_owned()).collect()
}

const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
const ALICE_HEX: &str = "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";

#[test]
fn bundle_of_both_metadata_versions_is_read_and_its_code_is_held_to_its_hash() {
    let bundle = bundle();
    assert_eq!(bundle.abi.name, "erc20");
    assert_eq!(bundle.code().unwrap().as_slice(), b"\0asm\x01\0\0\0");
    assert!(changed(|metadata| metadata["version"] = json!("4")).is_ok());
    let metadata_only = changed(|metadata| metadata["source"]["wasm"] = Json::Null).unwrap();
    assert!(matches!(metadata_only.code(), Err(AbiError::NoCode)));
}

#[test]
fn bundle_that_is_none_is_refused_with_the_reason() {
    for (change, expected) in [
        (("version", json!(6)), "version is 6"),
        (("version", json!("3")), "version is \"3\""),
        (("types", json!([])), "types that it does not have"),
        (("spec", json!({})), "missing field"),
    ] {
        let ((field, value), expected) = (change, expected);
        let error = changed(|metadata| metadata[field] = value).unwrap_err();
        assert!(matches!(error, AbiError::MalformedBundle(_)));
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert!(matches!(ContractBundle::parse(b"not json"), Err(AbiError::MalformedBundle(_))));
    assert!(matches!(
        ContractBundle::parse(&vec![b' '; BUNDLE_BYTES_MAX + 1]),
        Err(AbiError::MalformedBundle(_))
    ));
    let wrong = changed(|metadata| metadata["source"]["wasm"] = json!("0x00"));
    assert!(matches!(wrong, Err(AbiError::WrongCodeHash { .. })));
}

#[test]
fn arguments_are_encoded_as_the_contract_decodes_them() {
    let abi = bundle().abi;
    let new = abi.encode_constructor("new", &strings(&["1000"])).unwrap();
    assert_eq!(new[..4], [0x9b, 0xae, 0x9d, 0x5e]);
    assert_eq!(new[4..], 1000u128.to_le_bytes());
    let hexadecimal = format!("0x{ALICE_HEX}");
    for account in [ALICE, &hexadecimal, "//Alice"] {
        let transfer = abi.encode_message("transfer", &strings(&[account, "7"])).unwrap();
        assert_eq!(hex::encode(&transfer[..36]), format!("84a15da1{ALICE_HEX}"), "{account}");
        assert_eq!(transfer[36..], 7u128.to_le_bytes());
    }
}

#[test]
fn text_needs_no_quotation_marks_and_trait_messages_no_path() {
    let abi = bundle().abi;
    let bare = abi.encode_message("set_name", &strings(&["hello there"])).unwrap();
    let quoted = abi.encode_message("Named::set_name", &strings(&["\"hello there\""])).unwrap();
    assert_eq!(bare, quoted);
    assert_eq!(bare[4..], *b"\x2chello there");
}

#[test]
fn wrong_calls_are_refused_by_name() {
    let abi = bundle().abi;
    let unknown = abi.encode_message("burn", &[]).unwrap_err();
    assert!(unknown.to_string().contains("balance_of, transfer"), "{unknown}");
    assert!(matches!(abi.encode_constructor("transfer", &[]), Err(AbiError::UnknownFunction { .. })));
    let count = abi.encode_message("transfer", &strings(&["1"])).unwrap_err();
    assert!(count.to_string().contains("to: AccountId, value: Balance"), "{count}");
    for bad in ["abc", "-1", "1 2", "0x0011", "\"text\"", "340282366920938463463374607431768211456"] {
        let error = abi.encode_message("transfer", &strings(&[ALICE, bad])).unwrap_err();
        assert!(matches!(&error, AbiError::Argument { name, .. } if name == "value"), "{bad}: {error}");
    }
    let short = abi.encode_message("transfer", &strings(&["0x0011", "1"])).unwrap_err();
    assert!(matches!(&short, AbiError::Argument { name, .. } if name == "to"));
}

#[test]
fn results_are_shown_as_the_author_wrote_them() {
    let abi = bundle().abi;
    let balance = [&[0u8][..], &1000u128.to_le_bytes()].concat();
    assert_eq!(abi.decode_return("balance_of", &balance).unwrap(), Decoded::Value(json!("1000")));
    assert_eq!(abi.decode_return("transfer", &[0, 0]).unwrap(), Decoded::Value(json!({"Ok": null})));
    assert_eq!(
        abi.decode_return("transfer", &[0, 1, 0]).unwrap(),
        Decoded::Value(json!({"Err": "InsufficientBalance"}))
    );
    assert_eq!(
        abi.decode_return("transfer", &[1, 1]).unwrap(),
        Decoded::NotDispatched("CouldNotReadInput".to_owned())
    );
    assert_eq!(abi.decode_return("names", b"\x04\x08hi").unwrap(), Decoded::Value(json!(["hi"])));
}

#[test]
fn result_of_another_shape_is_an_error() {
    let abi = bundle().abi;
    for bad in [&[][..], &[0, 1], &[9], &[0, 0, 0]] {
        assert!(matches!(abi.decode_return("transfer", bad), Err(AbiError::Returned { .. })), "{bad:?}");
    }
}

#[test]
fn event_is_told_by_its_signature_and_decoded_by_its_fields() {
    let abi = bundle().abi;
    let alice: Vec<u8> = hex::decode(ALICE_HEX).unwrap();
    let data = [&[0u8, 1][..], &alice, &5u128.to_le_bytes()].concat();
    let mut event = Event {
        contract: ContractId::new([1; 32]),
        topics: List::truncate_from(vec![[9; 32]]),
        data: data.clone().try_into().unwrap(),
    };
    let decoded = abi.decode_event(&event).unwrap();
    assert_eq!(decoded.name, "Transfer");
    assert_eq!(Json::Object(decoded.fields), json!({"from": null, "to": ALICE, "value": "5"}));
    event.topics = List::truncate_from(vec![[8; 32]]);
    assert!(matches!(abi.decode_event(&event), Err(AbiError::UnknownEvent)));
    let v4 = changed(|metadata| {
        metadata["version"] = json!("4");
        metadata["spec"]["events"][0].as_object_mut().unwrap().remove("signature_topic");
    });
    event.data = [&[0u8][..], &data].concat().try_into().unwrap();
    assert_eq!(v4.unwrap().abi.decode_event(&event).unwrap().name, "Transfer");
}
