//! Certificates of other algorithms than the one that they are built with.

use der::{
    Decode as _, Encode as _, Tag,
    asn1::{Any, BitString},
};
use phala_attest::danger_simulated::{Template, derive_key};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

/// ecdsa-with-SHA256 in DER, which the builder puts in.
const ECDSA: &[u8] = &[0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/// A certificate of the key with `info`, both in DER. It is built with another signature, and signed anew by `algorithm`.
pub(crate) fn sign_anew(
    template: Template,
    info: &[u8],
    algorithm: &[u8],
    sign: impl Fn(&[u8]) -> Vec<u8>,
) -> Vec<u8> {
    let info = SubjectPublicKeyInfoOwned::from_der(info).expect("a key has a form in DER");
    let other = derive_key(b"forged evidence", "any").expect("a key is found in 256 tries");
    let built = template.sign_info(info, &other).expect("the template is sound");
    let body = built.tbs_certificate().to_der().expect("a certificate has a form in DER");
    let inner = Any::from_der(&body).expect("it is DER").value().to_vec();
    let at = inner.windows(ECDSA.len()).position(|it| it == ECDSA).expect("the builder names its algorithm");
    let body = sequence(&[&inner[..at], algorithm, &inner[at + ECDSA.len()..]]);
    let signature = BitString::from_bytes(&sign(&body)).expect("a signature has bits");
    sequence(&[&body, algorithm, &signature.to_der().expect("bits have a form in DER")])
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    Any::new(Tag::Sequence, parts.concat()).and_then(|it| it.to_der()).expect("it is short")
}
