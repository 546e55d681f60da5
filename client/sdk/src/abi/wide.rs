// SPDX-License-Identifier: Apache-2.0
//! Numbers of 256 bits, which Solidity has and Rust has not: little-endian bytes, as SCALE has them.

use scale_info::{PortableRegistry, PortableType, Type, TypeDef, TypeDefArray, TypeDefPrimitive};
use scale_value::{Composite, Primitive, Value, ValueDef};

/// The same types, but that wide numbers are the 32 bytes that they are made of.
pub(super) fn as_bytes(registry: &PortableRegistry) -> PortableRegistry {
    let mut wire = registry.clone();
    // A number that no type of the registry has: theirs are their places.
    let Ok(byte) = u32::try_from(wire.types.len()) else { return wire };
    for found in &mut wire.types {
        if matches!(&found.ty.type_def, TypeDef::Primitive(TypeDefPrimitive::U256 | TypeDefPrimitive::I256)) {
            found.ty.type_def = TypeDef::Array(TypeDefArray::new(32, byte.into()));
        }
    }
    let definition = TypeDef::Primitive(TypeDefPrimitive::U8);
    let ty = Type::new(Default::default(), Vec::new(), definition, Vec::new());
    wire.types.push(PortableType { id: byte, ty });
    wire
}

/// A value as its type wants it: numbers that go to 256 bits become as wide. Others stay, and what does not fit its type
/// is left for the encoder to refuse. Numbers over 128 bits are written in bytes.
pub(super) fn widen(mut value: Value, id: u32, registry: &PortableRegistry) -> Value {
    let Some(found) = registry.resolve(id) else { return value };
    let each = |composite: Composite<()>, ids: &mut dyn Iterator<Item = u32>| match composite {
        Composite::Unnamed(values) => {
            Composite::Unnamed(values.into_iter().map(|value| next(value, ids, registry)).collect())
        }
        Composite::Named(values) => Composite::Named(
            values.into_iter().map(|(name, value)| (name, next(value, ids, registry))).collect(),
        ),
    };
    value.value = match (value.value, &found.type_def) {
        (ValueDef::Primitive(Primitive::U128(number)), TypeDef::Primitive(TypeDefPrimitive::U256)) => {
            ValueDef::Primitive(Primitive::U256(extended(number, 0)))
        }
        (ValueDef::Primitive(Primitive::U128(number)), TypeDef::Primitive(TypeDefPrimitive::I256)) => {
            ValueDef::Primitive(Primitive::I256(extended(number, 0)))
        }
        (ValueDef::Primitive(Primitive::I128(number)), TypeDef::Primitive(TypeDefPrimitive::I256)) => {
            let sign = if number < 0 { 0xff } else { 0 };
            ValueDef::Primitive(Primitive::I256(extended(number.cast_unsigned(), sign)))
        }
        (ValueDef::Composite(items), TypeDef::Sequence(list)) => {
            ValueDef::Composite(each(items, &mut std::iter::repeat(list.type_param.id)))
        }
        (ValueDef::Composite(items), TypeDef::Array(list)) => {
            ValueDef::Composite(each(items, &mut std::iter::repeat(list.type_param.id)))
        }
        (ValueDef::Composite(items), TypeDef::Tuple(tuple)) => {
            ValueDef::Composite(each(items, &mut tuple.fields.iter().map(|field| field.id)))
        }
        (ValueDef::Composite(Composite::Unnamed(items)), TypeDef::Composite(fields)) => {
            let ids = &mut fields.fields.iter().map(|field| field.ty.id);
            ValueDef::Composite(each(Composite::Unnamed(items), ids))
        }
        (other, _) => other,
    };
    value
}

fn next(value: Value, ids: &mut dyn Iterator<Item = u32>, registry: &PortableRegistry) -> Value {
    match ids.next() {
        Some(id) => widen(value, id, registry),
        None => value,
    }
}

fn extended(number: u128, with: u8) -> [u8; 32] {
    let mut bytes = [with; 32];
    for (place, byte) in bytes.iter_mut().zip(number.to_le_bytes()) {
        *place = byte;
    }
    bytes
}

/// In decimal digits.
pub(super) fn to_text(bytes: &[u8; 32], is_signed: bool) -> String {
    let is_negative = is_signed && bytes.last().is_some_and(|byte| *byte >= 0x80);
    let mut rest = *bytes;
    if is_negative {
        // The two's complement: inverted, and one more.
        let mut carry = true;
        for byte in &mut rest {
            let (sum, overflows) = (!*byte).overflowing_add(carry.into());
            (*byte, carry) = (sum, overflows);
        }
    }
    let mut digits = Vec::new();
    // Divided by ten as long as there is something; at most 78 times.
    while rest.iter().any(|byte| *byte != 0) {
        let mut remainder = 0u16;
        for byte in rest.iter_mut().rev() {
            let dividend = remainder << 8 | u16::from(*byte);
            *byte = u8::try_from(dividend / 10).unwrap_or(u8::MAX);
            remainder = dividend % 10;
        }
        digits.push(char::from(b'0' + u8::try_from(remainder).unwrap_or_default()));
    }
    if digits.is_empty() {
        digits.push('0');
    }
    if is_negative {
        digits.push('-');
    }
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_decimal_digits() {
        assert_eq!(to_text(&[0; 32], false), "0");
        assert_eq!(to_text(&extended(1_234_567_890, 0), false), "1234567890");
        assert_eq!(to_text(&extended(u128::MAX, 0), false), u128::MAX.to_string());
        let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        assert_eq!(to_text(&[0xff; 32], false), most);
        assert_eq!(to_text(&[0xff; 32], true), "-1");
        assert_eq!(to_text(&extended((-70_000i128).cast_unsigned(), 0xff), true), "-70000");
    }

    #[test]
    fn numbers_become_as_wide_as_their_types() {
        let types = serde_json::json!({ "types": [
            { "id": 0, "type": { "def": { "primitive": "u256" } } },
            { "id": 1, "type": { "def": { "primitive": "i256" } } },
            { "id": 2, "type": { "def": { "sequence": { "type": 0 } } } },
            { "id": 3, "type": { "def": { "tuple": [1, 2] } } },
        ] });
        let registry: PortableRegistry = serde_json::from_value(types).unwrap();
        let encoded = |text: &str, id| {
            let value = widen(scale_value::stringify::from_str(text).0.unwrap(), id, &registry);
            let mut bytes = Vec::new();
            scale_value::scale::encode_as_type(&value, id, &as_bytes(&registry), &mut bytes).map(|()| bytes)
        };
        assert_eq!(encoded("7", 0).unwrap(), extended(7, 0));
        assert_eq!(encoded("-1", 1).unwrap(), [0xff; 32]);
        let both = encoded("(-1, (7, 8))", 3).unwrap();
        assert_eq!((both.len(), both[32], both[33]), (97, 8, 7));
        assert!(encoded("-1", 0).is_err());
    }
}
