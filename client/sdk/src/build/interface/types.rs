// SPDX-License-Identifier: Apache-2.0
//! Names of types, as authors write them in `contract.toml`, to the metadata's list of types.
//!
//! `bool`, `u8` to `u128`, `i8` to `i128`, `String`, `AccountId`, `Hash`, `Balance`, `Timestamp`, `BlockNumber`, `Vec<T>`,
//! `Option<T>`, `Result<T, E>`, `[T; 32]`, `(A, B)`, and the author's own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Named;

/// How deep types may be inside each other. Deeper ones are not written by people, and parsing recurses.
const DEPTH_MAX: usize = 16;

const PRIMITIVES: [(&str, &str); 15] = [
    ("bool", "bool"),
    ("u8", "u8"),
    ("u16", "u16"),
    ("u32", "u32"),
    ("u64", "u64"),
    ("u128", "u128"),
    ("i8", "i8"),
    ("i16", "i16"),
    ("i32", "i32"),
    ("i64", "i64"),
    ("i128", "i128"),
    ("String", "str"),
    ("Balance", "u128"),
    ("Timestamp", "u64"),
    ("BlockNumber", "u32"),
];

/// The types of one contract, each with its number.
pub(super) struct Types<'a> {
    named: &'a [Named],
    list: Vec<Value>,
    /// By their names without spaces. A type of the author's that is being described is there already.
    known: BTreeMap<String, u32>,
}

impl<'a> Types<'a> {
    pub(super) fn new(named: &'a [Named]) -> Self {
        Self { named, list: Vec::new(), known: BTreeMap::new() }
    }

    /// The metadata's list.
    pub(super) fn finish(self) -> Value {
        let numbered = self.list.into_iter().enumerate().map(|(id, ty)| json!({ "id": id, "type": ty }));
        Value::Array(numbered.collect())
    }

    /// A type's number.
    pub(super) fn id(&mut self, name: &str) -> Result<u32, String> {
        self.at(name, 0)
    }

    /// A type with the name that people read.
    pub(super) fn spec(&mut self, name: &str) -> Result<Value, String> {
        let shown = name.split('<').next().unwrap_or(name).trim();
        let display = if shown.starts_with(['[', '(']) { json!([]) } else { json!([shown]) };
        Ok(json!({ "displayName": display, "type": self.id(name)? }))
    }

    fn at(&mut self, name: &str, depth: usize) -> Result<u32, String> {
        let name: String = name.chars().filter(|character| !character.is_whitespace()).collect();
        if let Some(id) = self.known.get(&name) {
            return Ok(*id);
        }
        if depth == DEPTH_MAX {
            return Err(format!("the type {name} is more than {DEPTH_MAX} types deep"));
        }
        // Its place is taken first, so that a struct may hold a list of itself.
        let id = u32::try_from(self.list.len()).map_err(|_| "there are too many types".to_owned())?;
        self.list.push(Value::Null);
        self.known.insert(name.clone(), id);
        let described = self.describe(&name, depth)?;
        if let Some(place) = self.list.get_mut(id as usize) {
            *place = described;
        }
        Ok(id)
    }

    fn describe(&mut self, name: &str, depth: usize) -> Result<Value, String> {
        let next = depth.saturating_add(1);
        if let Some((_, primitive)) = PRIMITIVES.iter().find(|(known, _)| *known == name) {
            return Ok(json!({ "def": { "primitive": primitive } }));
        }
        if matches!(name, "AccountId" | "Hash") {
            let bytes = self.at("[u8;32]", next)?;
            let fields = json!([{ "type": bytes, "typeName": "[u8; 32]" }]);
            return Ok(
                json!({ "def": { "composite": { "fields": fields } }, "path": ["ink_primitives", "types", name] }),
            );
        }
        if name == "LangError" {
            let variants = json!([{ "index": 1, "name": "CouldNotReadInput" }]);
            return Ok(
                json!({ "def": { "variant": { "variants": variants } }, "path": ["ink_primitives", "LangError"] }),
            );
        }
        if let Some(item) = inside(name, "Vec<", ">") {
            return Ok(json!({ "def": { "sequence": { "type": self.at(item, next)? } } }));
        }
        if let Some(item) = inside(name, "Option<", ">") {
            let item = self.at(item, next)?;
            return Ok(json!({
                "def": { "variant": { "variants": [
                    { "index": 0, "name": "None" },
                    { "index": 1, "name": "Some", "fields": [{ "type": item }] },
                ] } },
                "params": [{ "name": "T", "type": item }],
                "path": ["Option"],
            }));
        }
        if let Some(both) = inside(name, "Result<", ">") {
            let [ok, err] = split(both)[..] else { return Err(format!("{name} is not Result<T, E>")) };
            let (ok, err) = (self.at(ok, next)?, self.at(err, next)?);
            return Ok(json!({
                "def": { "variant": { "variants": [
                    { "index": 0, "name": "Ok", "fields": [{ "type": ok }] },
                    { "index": 1, "name": "Err", "fields": [{ "type": err }] },
                ] } },
                "params": [{ "name": "T", "type": ok }, { "name": "E", "type": err }],
                "path": ["Result"],
            }));
        }
        if let Some(list) = inside(name, "[", "]") {
            let length = list.rsplit_once(';').and_then(|(item, len)| Some((item, len.parse::<u32>().ok()?)));
            let (item, len) = length.ok_or_else(|| format!("{name} is not an array such as [u8; 32]"))?;
            return Ok(json!({ "def": { "array": { "len": len, "type": self.at(item, next)? } } }));
        }
        if let Some(items) = inside(name, "(", ")") {
            let ids: Result<Vec<_>, _> = split(items).into_iter().map(|item| self.at(item, next)).collect();
            return Ok(json!({ "def": { "tuple": ids? } }));
        }
        self.describe_named(name, next)
    }

    fn describe_named(&mut self, name: &str, depth: usize) -> Result<Value, String> {
        let named = self.named;
        let Some(found) = named.iter().find(|found| found.name == name) else {
            return Err(format!("there is no type named {name}; describe it in a [[type]]"));
        };
        if !found.variants.is_empty() && !found.fields.is_empty() {
            return Err(format!("the type {name} has both fields and variants"));
        }
        let definition = match found.variants.is_empty() {
            true => {
                let mut fields = Vec::new();
                for field in &found.fields {
                    let ty = self.at(&field.ty, depth)?;
                    fields.push(json!({ "name": field.name, "type": ty, "typeName": field.ty }));
                }
                json!({ "composite": { "fields": fields } })
            }
            false => {
                let variants = found.variants.iter().enumerate();
                let variants: Vec<_> =
                    variants.map(|(index, name)| json!({ "index": index, "name": name })).collect();
                json!({ "variant": { "variants": variants } })
            }
        };
        Ok(json!({ "def": definition, "path": [name] }))
    }
}

fn inside<'a>(name: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    name.strip_prefix(begin)?.strip_suffix(end)
}

/// At the commas that are in no brackets. Of nothing, nothing.
fn split(items: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut begin) = (Vec::new(), 0usize, 0usize);
    for (at, character) in items.char_indices() {
        match character {
            '<' | '[' | '(' => depth = depth.saturating_add(1),
            '>' | ']' | ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(items.get(begin..at).unwrap_or_default());
                begin = at.saturating_add(1);
            }
            _ => {}
        }
    }
    parts.push(items.get(begin..).unwrap_or_default());
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_listed_once_and_read_by_scale_info() {
        let named: Vec<Named> = vec![
            toml::from_str("name = \"Side\"\nvariants = [\"Heads\", \"Tails\"]").unwrap(),
            toml::from_str("name = \"Tree\"\nfields = [{ name = \"children\", type = \"Vec<Tree>\" }]")
                .unwrap(),
        ];
        let mut types = Types::new(&named);
        for name in ["Result<(u8, Side), Option<AccountId>>", "[Tree; 4]", "Vec<(u8,Side)>", "()", "String"] {
            let first = types.id(name).unwrap();
            assert_eq!(types.id(&name.replace(',', " , ")).unwrap(), first);
        }
        let json = json!({ "types": types.finish() });
        let registry: scale_info::PortableRegistry = serde_json::from_value(json).unwrap();
        assert!(registry.types.len() > 10);
    }

    #[test]
    fn unknown_and_malformed_types_are_refused() {
        let mut types = Types::new(&[]);
        let deep = format!("{}u8{}", "Vec<".repeat(40), ">".repeat(40));
        for (name, reason) in [
            ("f64", "no type named f64"),
            ("[u8]", "is not an array"),
            ("Result<u8>", "is not Result"),
            (deep.as_str(), "types deep"),
        ] {
            assert!(types.id(name).unwrap_err().contains(reason), "{name}");
        }
    }
}
