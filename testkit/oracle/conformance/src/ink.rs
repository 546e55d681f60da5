// SPDX-License-Identifier: Apache-2.0
//! ink! contracts: what a bundle says of its constructors and messages, and arguments for them by chance.

use serde_json::Value;
use sp_core::{Pair as _, ecdsa};

use crate::machine::{Account, Hash};

/// A `.contract` bundle.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The contract's name.
    pub name: String,
    /// Its code.
    pub code: Vec<u8>,
    /// What makes it.
    pub constructors: Vec<Message>,
    /// What it does.
    pub messages: Vec<Message>,
    types: Vec<Value>,
}

/// A constructor or a message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its name.
    pub label: String,
    /// Whether it takes a payment.
    pub is_payable: bool,
    selector: Vec<u8>,
    /// The name and the type of each argument.
    arguments: Vec<(String, usize)>,
}

/// Who and what arguments may name.
#[derive(Clone, Debug, Default)]
pub struct Cast {
    /// Accounts, contracts among them.
    pub accounts: Vec<Account>,
    /// Hashes of codes.
    pub codes: Vec<Hash>,
}

impl Message {
    /// The bytes by which a contract knows it.
    #[must_use]
    pub fn selector(&self) -> &[u8] {
        &self.selector
    }
}

impl Bundle {
    /// The message or constructor of this name, which must be there.
    ///
    /// # Panics
    /// If it is not.
    #[must_use]
    pub fn message(&self, label: &str) -> &Message {
        let mut all = self.constructors.iter().chain(&self.messages);
        all.find(|it| it.label == label).unwrap_or_else(|| panic!("{} has no {label}", self.name))
    }

    /// Reads a bundle.
    ///
    /// # Panics
    /// If it is none: a test cannot go on without it.
    #[must_use]
    pub fn parse(json: &str) -> Self {
        let bundle: Value = serde_json::from_str(json).expect("a bundle is JSON");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let bytes = |value: &Value| hex::decode(text(value).trim_start_matches("0x")).expect("hexadecimal");
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let message = |it: &Value| Message {
            label: text(&it["label"]),
            is_payable: it["payable"].as_bool().unwrap_or(false),
            selector: bytes(&it["selector"]),
            arguments: list(&it["args"])
                .iter()
                .map(|it| (text(&it["label"]), it["type"]["type"].as_u64().expect("a number") as usize))
                .collect(),
        };
        Self {
            name: text(&bundle["contract"]["name"]),
            code: bytes(&bundle["source"]["wasm"]),
            constructors: list(&bundle["spec"]["constructors"]).iter().map(message).collect(),
            messages: list(&bundle["spec"]["messages"]).iter().map(message).collect(),
            types: list(&bundle["types"]),
        }
    }

    /// The input of a message, with arguments that the entropy chooses.
    #[must_use]
    pub fn input(&self, message: &Message, cast: &Cast, entropy: &mut Entropy<'_>) -> Vec<u8> {
        let mut input = message.selector.clone();
        for (label, ty) in &message.arguments {
            match (label.as_str(), &self.types[*ty]["type"]["def"]) {
                // The key of a channel, whose vouchers `sign` makes.
                ("key", def) if def["array"]["len"] == 33 => {
                    input.extend_from_slice(&channel_key().public().0)
                }
                // Those of a purse, which nobody may be twice.
                ("owners", def) if def.get("sequence").is_some() => {
                    let (first, count) = (entropy.below(cast.accounts.len()), 1 + entropy.below(3));
                    input.push((count as u8) << 2);
                    let owners = cast.accounts.iter().cycle().skip(first).take(count);
                    owners.for_each(|it| input.extend_from_slice(it));
                }
                _ => self.value(*ty, cast, entropy, &mut input, 0),
            }
        }
        input
    }

    /// Encodes a value of a type, by the registry of the bundle.
    fn value(&self, ty: usize, cast: &Cast, entropy: &mut Entropy<'_>, out: &mut Vec<u8>, depth: u32) {
        /// Types of messages are not nested deeper; recursive ones end here.
        const DEPTH_MAX: u32 = 8;
        let it = &self.types[ty]["type"];
        let def = &it["def"];
        let id = |value: &Value| value.as_u64().expect("a number") as usize;
        let path: Vec<&str> = it["path"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        match path.last() {
            Some(&"AccountId") => return out.extend_from_slice(&entropy.pick(&cast.accounts)),
            Some(&"Hash") => return out.extend_from_slice(&entropy.pick(&cast.codes)),
            _ => {}
        }
        if let Some(primitive) = def["primitive"].as_str() {
            return self.primitive(primitive, entropy, out);
        }
        let fields = |value: &Value, out: &mut Vec<u8>, entropy: &mut Entropy<'_>| {
            for field in value["fields"].as_array().into_iter().flatten() {
                self.value(id(&field["type"]), cast, entropy, out, depth + 1);
            }
        };
        if let Some(composite) = def.get("composite") {
            fields(composite, out, entropy);
        } else if let Some(variant) = def.get("variant") {
            let variants = variant["variants"].as_array().cloned().unwrap_or_default();
            let choice = if depth > DEPTH_MAX { 0 } else { entropy.below(variants.len()) };
            let chosen = &variants[choice];
            out.push(chosen["index"].as_u64().expect("a number") as u8);
            fields(chosen, out, entropy);
        } else if let Some(sequence) = def.get("sequence") {
            let len = if depth > DEPTH_MAX { 0 } else { entropy.below(4) };
            out.push((len as u8) << 2);
            (0..len).for_each(|_| self.value(id(&sequence["type"]), cast, entropy, out, depth + 1));
        } else if let Some(array) = def.get("array") {
            let len = id(&array["len"]);
            (0..len).for_each(|_| self.value(id(&array["type"]), cast, entropy, out, depth + 1));
        } else if let Some(tuple) = def["tuple"].as_array() {
            tuple.iter().for_each(|it| self.value(id(it), cast, entropy, out, depth + 1));
        } else {
            panic!("{} has an argument of a kind that is not known here: {def}", self.name);
        }
    }

    fn primitive(&self, name: &str, entropy: &mut Entropy<'_>, out: &mut Vec<u8>) {
        let bytes = match name {
            "bool" => return out.push(entropy.byte() & 1),
            "str" => {
                // Few names, so that they meet, and one that no contract likes.
                const NAMES: [&str; 5] = ["a", "phala", "my-name", "Not A Name", ""];
                let name = NAMES[entropy.below(NAMES.len())];
                out.push((name.len() as u8) << 2);
                return out.extend_from_slice(name.as_bytes());
            }
            "u8" | "i8" => 1,
            "u16" | "i16" => 2,
            "u32" | "i32" => 4,
            "u64" | "i64" => 8,
            "u128" | "i128" => 16,
            other => panic!("{} has an argument of type {other}, which is not known here", self.name),
        };
        // Small numbers are those at which things happen; the greatest is where they overflow.
        let number = match entropy.byte() {
            0 => u128::MAX,
            it @ 1..=231 => u128::from(it % 3),
            it => u128::from(it) * u128::from(entropy.byte()),
        };
        out.extend_from_slice(&number.to_le_bytes()[..bytes]);
    }
}

/// Bytes that choose. When they are used up, all choices are the first ones.
#[derive(Debug)]
pub struct Entropy<'a>(pub &'a [u8]);

impl Entropy<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 1 };
        self.0 = rest;
        *first
    }

    fn below(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count.max(1)
    }

    /// One of a list: mostly one of the first three, who are people, so that they meet again.
    fn pick(&mut self, list: &[[u8; 32]]) -> [u8; 32] {
        let byte = usize::from(self.byte());
        let among = if byte % 8 < 6 { list.len().min(3) } else { list.len() };
        list.get(byte / 8 % among.max(1)).copied().unwrap_or_default()
    }
}

fn channel_key() -> ecdsa::Pair {
    ecdsa::Pair::from_seed(&[0x5c; 32])
}

/// A voucher: the payer's signature of a hash.
#[must_use]
pub fn sign(hash: &[u8; 32]) -> [u8; 65] {
    channel_key().sign_prehashed(hash).0
}
