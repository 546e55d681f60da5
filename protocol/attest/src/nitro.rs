//! AWS Nitro enclaves: attestation documents.
//!
//! A document is a COSE_Sign1 (RFC 9052) with the certificates of its key within. Whoever believes it believes AWS: nobody else
//! can say what runs on its machines.
//!
//! Source: AWS, "Verifying the root of trust" and "Attestation document specification" of the Nitro Enclaves user guide.

use crate::{
    Anchors, AppraisalError, Check, Claims, claims,
    x509::{self, Key, Use},
};
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use ciborium::Value;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use phala_types::{Millis, worker::Tier};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use x509_cert::Certificate;

/// The tag of a COSE_Sign1 (RFC 9052 section 2), which may be left out.
const COSE_SIGN1: u64 = 18;
/// The protected header: the algorithm (1) is ES384 (-35), and nothing else. AWS writes it in this one form.
const PROTECTED: &[u8] = &[0xa1, 0x01, 0x38, 0x22];
/// How deep a document nests: a list, the registers in it.
const DEPTH_MAX: usize = 4;
/// Certificates above the leaf: the root, and the three of AWS below it, with one for those to come.
const BUNDLE_MAX: usize = 5;
/// Registers, as the specification bounds them.
const REGISTERS_MAX: usize = 32;
/// A register is a SHA-384 hash.
const REGISTER_BYTES: usize = 48;

const MALFORMED: AppraisalError = AppraisalError::MalformedDocument;

/// What a genuine document says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts {
    /// AWS's name of the enclave: that of its instance, and a number.
    pub module_id: String,
    /// When it was made.
    pub timestamp: Millis,
    /// How old it is where it is judged, in milliseconds.
    pub age_ms: u64,
    /// Its registers (PCR). 0 is of the image, 1 of the kernel, 2 of the application, 3 of the instance's role, 4 of the
    /// instance, 8 of who signed the image.
    pub registers: BTreeMap<u8, [u8; 48]>,
}

/// What a policy asks of a document. The default admits none.
#[derive(
    Clone,
    PartialEq,
    Eq,
    Debug,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// How old a document may be, in milliseconds. Certificates live for three hours; zero admits none.
    pub age_max_ms: u64,
}

impl Rules {
    /// Holds a document against each rule.
    pub(crate) fn judge(&self, facts: &Facts, checks: &mut Vec<Check>) {
        checks.push(Check::new(
            "the document is young enough",
            facts.age_ms < self.age_max_ms,
            AppraisalError::DocumentTooOld,
        ));
    }
}

/// Verifies an attestation document.
///
/// The measurement is of the registers 0, 1 and 2, and the machine is the instance that the enclave belongs to.
pub(crate) fn verify(document: &[u8], anchors: &Anchors<'_>, now: Millis) -> Result<Claims, AppraisalError> {
    let Signed { payload, signature } = Signed::read(document)?;
    let body = Body::read(&payload)?;
    let (key, valid_until) = x509::verify_chain(&body.chain()?, anchors.nitro_root, Use::Leaf, now)?;
    if !matches!(key, Key::P384(_)) {
        return Err(AppraisalError::UnsupportedCertificate);
    }
    if !key.has_signed_raw(&to_be_signed(payload)?, &signature) {
        return Err(AppraisalError::DocumentSignature);
    }
    let made = body.timestamp;
    let age_ms = now.value().checked_sub(made.value()).ok_or(AppraisalError::DocumentTime)?;
    let leaf = x509::from_der(&body.certificate)?;
    // A document is made while its certificate is valid.
    x509::check_dates(&leaf, made).map_err(|_| AppraisalError::DocumentTime)?;

    let [image, kernel, application] = body.program()?;
    if [image, kernel, application] == [&[0; REGISTER_BYTES]; 3] {
        return Err(AppraisalError::Debug);
    }
    let report_data = body.user_data.as_deref().and_then(|data| data.try_into().ok());
    let (instance, _) = body.module_id.split_once("-enc").ok_or(MALFORMED)?;
    Ok(Claims {
        tier: Tier::AwsNitro,
        measurement: claims::measurement(Tier::AwsNitro, &[image, kernel, application]),
        report_data: report_data.ok_or(AppraisalError::NoReportData)?,
        machine: claims::machine(Tier::AwsNitro, instance.as_bytes()),
        valid_until,
        facts: claims::Facts::AwsNitro(Facts {
            timestamp: made,
            age_ms,
            registers: body.registers.clone(),
            module_id: body.module_id,
        }),
    })
}

/// What is signed: the structure of RFC 9052 section 4.4, without external data.
fn to_be_signed(payload: Vec<u8>) -> Result<Vec<u8>, AppraisalError> {
    let structure = Value::Array(alloc::vec![
        Value::Text("Signature1".into()),
        Value::Bytes(PROTECTED.to_vec()),
        Value::Bytes(Vec::new()),
        Value::Bytes(payload),
    ]);
    let mut bytes = Vec::new();
    ciborium::into_writer(&structure, &mut bytes).map_err(|_| MALFORMED)?;
    Ok(bytes)
}

/// One value of CBOR, and nothing after it.
fn decode(mut bytes: &[u8]) -> Result<Value, AppraisalError> {
    let value =
        ciborium::de::from_reader_with_recursion_limit(&mut bytes, DEPTH_MAX).map_err(|_| MALFORMED)?;
    if bytes.is_empty() { Ok(value) } else { Err(AppraisalError::TrailingBytes) }
}

/// The parts of a COSE_Sign1 that vary.
struct Signed {
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl Signed {
    fn read(document: &[u8]) -> Result<Self, AppraisalError> {
        let value = match decode(document)? {
            Value::Tag(COSE_SIGN1, inner) => *inner,
            value => value,
        };
        let parts: [Value; 4] = value.into_array().ok().and_then(|it| it.try_into().ok()).ok_or(MALFORMED)?;
        let [
            Value::Bytes(protected),
            Value::Map(unprotected),
            Value::Bytes(payload),
            Value::Bytes(signature),
        ] = parts
        else {
            return Err(MALFORMED);
        };
        if protected != PROTECTED || !unprotected.is_empty() {
            return Err(AppraisalError::UnsupportedDocument);
        }
        Ok(Self { payload, signature })
    }
}

/// The payload.
struct Body {
    module_id: String,
    timestamp: Millis,
    registers: BTreeMap<u8, [u8; REGISTER_BYTES]>,
    certificate: Vec<u8>,
    /// The root first.
    bundle: Vec<Vec<u8>>,
    user_data: Option<Vec<u8>>,
}

impl Body {
    fn read(payload: &[u8]) -> Result<Self, AppraisalError> {
        let mut fields = BTreeMap::new();
        for (name, value) in decode(payload)?.into_map().map_err(|_| MALFORMED)? {
            let name = name.into_text().map_err(|_| MALFORMED)?;
            if fields.insert(name, value).is_some() {
                return Err(MALFORMED);
            }
        }
        let mut take = |name: &str| fields.remove(name);
        if take("digest") != Some(Value::Text("SHA384".into())) {
            return Err(AppraisalError::UnsupportedDocument);
        }
        let timestamp =
            take("timestamp").and_then(|it| it.into_integer().ok()).and_then(|it| it.try_into().ok());
        let body = Self {
            module_id: take("module_id").and_then(|it| it.into_text().ok()).ok_or(MALFORMED)?,
            timestamp: Millis::new(timestamp.ok_or(MALFORMED)?),
            registers: registers(take("pcrs"))?,
            certificate: take("certificate").and_then(|it| it.into_bytes().ok()).ok_or(MALFORMED)?,
            bundle: bundle(take("cabundle"))?,
            user_data: optional(take("user_data"))?,
        };
        // A key to encrypt to, and a nonce: the enclave's own, and of no use here.
        optional(take("public_key"))?;
        optional(take("nonce"))?;
        if fields.is_empty() { Ok(body) } else { Err(MALFORMED) }
    }

    /// The certificates, leaf first.
    fn chain(&self) -> Result<Vec<Certificate>, AppraisalError> {
        let bundle = self.bundle.iter().rev();
        core::iter::once(&self.certificate).chain(bundle).map(|bytes| x509::from_der(bytes)).collect()
    }

    /// The registers of image, kernel and application.
    fn program(&self) -> Result<[&[u8; REGISTER_BYTES]; 3], AppraisalError> {
        let register = |number: u8| self.registers.get(&number).ok_or(MALFORMED);
        Ok([register(0)?, register(1)?, register(2)?])
    }
}

fn registers(value: Option<Value>) -> Result<BTreeMap<u8, [u8; REGISTER_BYTES]>, AppraisalError> {
    let entries = value.and_then(|it| it.into_map().ok()).ok_or(MALFORMED)?;
    if entries.len() > REGISTERS_MAX {
        return Err(MALFORMED);
    }
    let mut registers = BTreeMap::new();
    for (number, value) in entries {
        let number = number.into_integer().ok().and_then(|it| u8::try_from(it).ok()).ok_or(MALFORMED)?;
        let value = value.into_bytes().ok().and_then(|it| it.try_into().ok()).ok_or(MALFORMED)?;
        if registers.insert(number, value).is_some() {
            return Err(MALFORMED);
        }
    }
    Ok(registers)
}

fn bundle(value: Option<Value>) -> Result<Vec<Vec<u8>>, AppraisalError> {
    let items = value.and_then(|it| it.into_array().ok()).ok_or(MALFORMED)?;
    if items.is_empty() || items.len() > BUNDLE_MAX {
        return Err(MALFORMED);
    }
    items.into_iter().map(|it| it.into_bytes().map_err(|_| MALFORMED)).collect()
}

/// Bytes, null, or nothing at all.
fn optional(value: Option<Value>) -> Result<Option<Vec<u8>>, AppraisalError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bytes(bytes)) => Ok(Some(bytes)),
        Some(_) => Err(MALFORMED),
    }
}
