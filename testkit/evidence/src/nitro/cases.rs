//! What can be wrong: certificates, the envelope, the payload, the policy.

use super::{Forged, Issued, Story, field};
use crate::{NOW, amd::signing_key, millis};
use ciborium::Value;
use phala_attest::{
    AppraisalError::{self, *},
    Policy,
};
use phala_types::worker::Tier;
use x509_cert::ext::pkix::{KeyUsage, KeyUsages};

/// A story of AWS's in which one thing is wrong.
type Case = crate::Case<Forged>;

/// Everything that can be wrong with a document of AWS's.
pub fn cases() -> Vec<Case> {
    let mut cases = Cases(Vec::new());
    certificates(&mut cases);
    envelope(&mut cases);
    payload(&mut cases);
    policy(&mut cases);
    cases.0
}

struct Cases(Vec<Case>);

impl Cases {
    /// A story in which something is changed before it is signed.
    fn story(&mut self, name: impl Into<String>, expected: AppraisalError, change: impl FnOnce(&mut Story)) {
        let mut story = Story::new();
        change(&mut story);
        self.0.push(Case { name: name.into(), forged: story.finish(), expected });
    }

    /// A story in which something is changed after it was signed.
    fn after(&mut self, name: impl Into<String>, expected: AppraisalError, change: impl FnOnce(&mut Forged)) {
        let mut forged = Story::new().finish();
        change(&mut forged);
        self.0.push(Case { name: name.into(), forged, expected });
    }
}

fn certificates(cases: &mut Cases) {
    for (place, name) in super::NAMES.into_iter().enumerate() {
        let mut wrong = |what: &str, expected, change: fn(&mut Issued)| {
            cases.story(format!("{name}_{what}"), expected, |s| change(&mut s.certificates[place]));
        };
        wrong("has_expired", CertificateExpired, |it| it.template.valid_until_seconds = NOW - 1);
        wrong("is_of_the_future", CertificateNotYetValid, |it| it.template.valid_from_seconds = NOW + 1);
        wrong("is_the_other_kind", CertificateMisused, |it| it.template.is_ca = !it.template.is_ca);
        wrong("may_not_do_what_it_does", CertificateMisused, |it| {
            it.template.usage = KeyUsage(KeyUsages::KeyEncipherment.into());
        });
        if place > 0 {
            wrong("is_signed_by_a_stranger", CertificateSignature, |it| {
                it.signed_by = signing_key("stranger")
            });
            wrong("names_another_issuer", WrongIssuer, |it| it.template.issuer = "CN=Somebody".into());
        }
    }
    cases.after("another_root", ForeignRoot, |it| {
        let last = it.root.len() - 1;
        it.root[last] ^= 1;
    });
    cases.story("a_certificate_is_missing", WrongIssuer, |s| {
        s.certificates.remove(2);
    });
    cases.story("bundle_has_no_root", ForeignRoot, |s| {
        let bundle = s.certificates[1..4].iter().map(|it| Value::Bytes(it.sign())).collect();
        s.set("cabundle", Value::Array(bundle));
    });
    cases.story("bundle_is_upside_down", ForeignRoot, |s| {
        let bundle = s.certificates[..4].iter().rev().map(|it| Value::Bytes(it.sign())).collect();
        s.set("cabundle", Value::Array(bundle));
    });
    cases.story("bundle_is_empty", MalformedDocument, |s| s.set("cabundle", Value::Array(Vec::new())));
    cases.story("bundle_is_too_long", MalformedDocument, |s| {
        let root = Value::Bytes(s.certificates[0].sign());
        s.set("cabundle", Value::Array(vec![root; 6]));
    });
    cases.story("bundle_has_no_certificate", MalformedCertificates, |s| {
        s.set("cabundle", Value::Array(vec![Value::Bytes(vec![1, 2, 3])]));
    });
    cases.story("bundle_has_no_bytes", MalformedDocument, |s| {
        s.set("cabundle", Value::Array(vec!["x".into()]))
    });
    cases.story("certificate_is_no_certificate", MalformedCertificates, |s| {
        s.set("certificate", Value::Bytes(vec![0x30; 40]));
    });
}

fn envelope(cases: &mut Cases) {
    cases.story("algorithm_is_another", UnsupportedDocument, |s| s.protected = vec![0xa1, 0x01, 0x26]);
    cases.story("protected_header_says_more", UnsupportedDocument, |s| {
        s.protected = vec![0xa2, 0x01, 0x38, 0x22, 0x02, 0x00];
    });
    cases.story("unprotected_header_says_something", UnsupportedDocument, |s| {
        s.unprotected.push((Value::from(4), Value::Bytes(vec![1])));
    });
    cases.story("signed_by_a_stranger", DocumentSignature, |s| s.key = signing_key("stranger"));
    cases.story("signed_by_the_instance", DocumentSignature, |s| s.key = signing_key("instance"));
    for cut in [0, 1, 100, 1000] {
        cases.after(format!("ends_after_{cut}_bytes"), MalformedDocument, |it| it.document.truncate(cut));
    }
    cases.after("ends_a_byte_early", MalformedDocument, |it| {
        it.document.pop();
    });
    cases.after("a_byte_follows", TrailingBytes, |it| it.document.push(0));
    cases.after("another_tag", MalformedDocument, |it| it.document.insert(0, 0xd1));
    cases.after("another_signature", DocumentSignature, |it| {
        let last = it.document.len() - 1;
        it.document[last] ^= 1;
    });
    cases.after("three_parts", MalformedDocument, |it| it.document = vec![0x83, 0x40, 0xa0, 0x40]);
    cases.after("parts_of_other_kinds", MalformedDocument, |it| {
        it.document = vec![0x84, 0x60, 0xa0, 0x40, 0x40]
    });
    cases.after("a_claimed_length_without_end", MalformedDocument, |it| {
        it.document = vec![0x84, 0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    });
    cases.after("a_list_in_a_list_without_end", MalformedDocument, |it| it.document = vec![0x81; 4000]);
    cases.after("a_tag_on_a_tag_without_end", MalformedDocument, |it| it.document = vec![0xd2; 4000]);
}

fn payload(cases: &mut Cases) {
    let mut wrong = |what: &str, expected, change: fn(&mut Story)| cases.story(what, expected, change);
    wrong("module_id_is_missing", MalformedDocument, |s| s.remove("module_id"));
    wrong("timestamp_is_missing", MalformedDocument, |s| s.remove("timestamp"));
    wrong("registers_are_missing", MalformedDocument, |s| s.remove("pcrs"));
    wrong("digest_is_missing", UnsupportedDocument, |s| s.remove("digest"));
    wrong("digest_is_another", UnsupportedDocument, |s| s.set("digest", "SHA256"));
    wrong("a_field_is_unknown", MalformedDocument, |s| s.set("something", 1));
    wrong("a_field_is_there_twice", MalformedDocument, |s| s.fields.push(field("digest", "SHA384")));
    wrong("a_field_has_no_name", MalformedDocument, |s| s.fields.push((Value::from(1), Value::from(1))));
    wrong("module_id_is_no_enclaves", MalformedDocument, |s| s.set("module_id", "i-0123456789abcdef0"));
    wrong("module_id_is_no_text", MalformedDocument, |s| s.set("module_id", 5));
    wrong("timestamp_is_negative", MalformedDocument, |s| s.set("timestamp", -1));
    wrong("made_in_the_future", DocumentTime, |s| s.set("timestamp", NOW * 1000 + 1));
    wrong("made_before_its_certificate", DocumentTime, |s| {
        s.certificates[4].template.valid_from_seconds = NOW - 30;
    });
    wrong("nonce_is_a_number", MalformedDocument, |s| s.set("nonce", 1));
    wrong("public_key_is_a_text", MalformedDocument, |s| s.set("public_key", "key"));
    wrong("user_data_is_missing", NoReportData, |s| s.remove("user_data"));
    wrong("user_data_is_null", NoReportData, |s| s.set("user_data", Value::Null));
    wrong("user_data_is_short", NoReportData, |s| s.set("user_data", Value::Bytes(vec![7; 63])));
    wrong("user_data_is_long", NoReportData, |s| s.set("user_data", Value::Bytes(vec![7; 65])));
    wrong("user_data_is_a_text", MalformedDocument, |s| s.set("user_data", "x"));
    let zero = |number: u8| (Value::from(number), Value::Bytes(vec![0; 48]));
    cases.story("started_for_debugging", Debug, |s| {
        s.set("pcrs", Value::Map(vec![zero(0), zero(1), zero(2)]))
    });
    cases.story("a_register_is_missing", MalformedDocument, |s| {
        s.set("pcrs", Value::Map(vec![zero(0), zero(1)]))
    });
    cases.story("a_register_is_there_twice", MalformedDocument, |s| {
        s.set("pcrs", Value::Map(vec![zero(0), zero(1), zero(2), zero(2)]));
    });
    cases.story("a_register_is_short", MalformedDocument, |s| {
        s.set("pcrs", Value::Map(vec![zero(0), zero(1), (Value::from(2), Value::Bytes(vec![1; 32]))]));
    });
    cases.story("a_register_has_no_number", MalformedDocument, |s| {
        s.set("pcrs", Value::Map(vec![("0".into(), Value::Bytes(vec![1; 48]))]));
    });
    cases.story("a_register_has_a_number_over_255", MalformedDocument, |s| {
        s.set("pcrs", Value::Map(vec![(Value::from(256), Value::Bytes(vec![1; 48]))]));
    });
    cases.story("too_many_registers", MalformedDocument, |s| {
        s.set("pcrs", Value::Map((0..33).map(zero).collect()));
    });
}

fn policy(cases: &mut Cases) {
    let mut refused = |what: &str, expected, change: fn(&mut Policy)| {
        cases.story(format!("policy_{what}"), expected, |s| change(&mut s.policy));
    };
    refused("is_empty", TierNotAdmitted, |it| *it = Policy::default());
    refused("admits_no_age", DocumentTooOld, |it| it.aws_nitro = Some(Default::default()));
    refused("admits_younger_ones", DocumentTooOld, |it| {
        it.aws_nitro.iter_mut().for_each(|it| it.age_max_ms = 60_000);
    });
    refused("names_no_program", MeasurementNotAdmitted, |it| it.references = Default::default());
    refused("ended_before", MeasurementNotAdmitted, |it| {
        it.references.iter_mut().for_each(|it| it.not_after = millis(NOW - 1));
    });
    refused("names_the_program_for_another_tee", MeasurementNotAdmitted, |it| {
        it.references.iter_mut().for_each(|it| it.tier = Tier::IntelSgx);
    });
    cases.story("program_is_another", MeasurementNotAdmitted, |s| {
        let register = |number: u8| (Value::from(number), Value::Bytes(vec![number; 48]));
        s.set("pcrs", Value::Map((0..3).map(register).collect()));
    });
}
