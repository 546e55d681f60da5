//! What can be wrong, in the order in which it comes up: certificates, revocation, documents, levels, the quote, the policy.

mod quote;

use super::{Forged, Kind, PCK, ROOT, Story, documents, key};
use crate::{NOW, bounded};
use der::asn1::OctetString;
use phala_attest::{
    AppraisalError::{self, *},
    Document,
    danger_simulated::{Template, sgx_extension},
};
use serde_json::{Value, json};
use x509_cert::ext::{
    Extension,
    pkix::{KeyUsage, KeyUsages},
};

/// A story of Intel's in which one thing is wrong.
type Case = crate::Case<Forged>;

/// Everything that can be wrong with a quote of Intel's.
pub fn cases() -> Vec<Case> {
    let mut cases = Cases(Vec::new());
    certificates(&mut cases);
    revocation(&mut cases);
    documents(&mut cases);
    quote::levels(&mut cases);
    quote::quoting_enclave(&mut cases);
    quote::attributes(&mut cases);
    quote::layout(&mut cases);
    quote::policy(&mut cases);
    quote::flipped(&mut cases);
    cases.0
}

struct Cases(Vec<Case>);

impl Cases {
    /// A story in which something is changed before it is signed.
    fn story(
        &mut self,
        name: impl Into<String>,
        expected: AppraisalError,
        kind: Kind,
        change: impl FnOnce(&mut Story),
    ) {
        let mut story = Story::new(kind);
        change(&mut story);
        self.0.push(Case { name: name.into(), forged: story.finish(), expected });
    }

    /// A story in which something is changed after it was signed.
    fn after(
        &mut self,
        name: impl Into<String>,
        expected: AppraisalError,
        kind: Kind,
        change: impl FnOnce(&mut Forged),
    ) {
        let mut forged = Story::new(kind).finish();
        change(&mut forged);
        self.0.push(Case { name: name.into(), forged, expected });
    }
}

/// One of a story's certificates.
type Which = (&'static str, fn(&mut Story) -> &mut super::Issued);

/// The certificates that a root vouches for.
const CERTIFICATES: [Which; 3] =
    [("pck", |s| &mut s.pck), ("authority", |s| &mut s.authority), ("signer", |s| &mut s.signer)];

fn certificates(cases: &mut Cases) {
    for kind in [Kind::Sgx, Kind::Tdx15] {
        for (name, pick) in CERTIFICATES {
            let mut wrong = |what: &str, expected, change: fn(&mut super::Issued)| {
                cases.story(format!("{kind:?}/{name}_{what}"), expected, kind, |s| change(pick(s)));
            };
            wrong("has_expired", CertificateExpired, |it| it.template.valid_until_seconds = NOW - 1);
            wrong("is_of_the_future", CertificateNotYetValid, |it| it.template.valid_from_seconds = NOW + 1);
            wrong("is_signed_by_a_stranger", CertificateSignature, |it| it.signed_by = key("stranger"));
            wrong("names_another_issuer", WrongIssuer, |it| it.template.issuer = "CN=Somebody".into());
            wrong("has_an_unknown_critical_extension", UnsupportedCertificate, |it| {
                // The machine's own extension is made only where there is none.
                if it.template.subject == PCK {
                    let claims = Story::new(Kind::Sgx).claims;
                    it.template.extensions.push(sgx_extension(&claims).expect("the claims are sound"));
                }
                it.template.extensions.push(unknown_extension());
            });
            wrong("is_the_other_kind", CertificateMisused, |it| it.template.is_ca = !it.template.is_ca);
            wrong("may_not_do_what_it_does", CertificateMisused, |it| {
                it.template.usage = KeyUsage(KeyUsages::KeyEncipherment.into());
            });
        }
    }
    cases.after("another_root", RevocationListSignature, Kind::Sgx, |it| it.root = other_root());
    cases.story("quote_is_of_another_root", ForeignRoot, Kind::Sgx, |s| {
        let mut other = Story::new(Kind::Sgx);
        other.root.template.serial = 99;
        let root = other.root.certificate();
        let [leaf, authority] = [&s.pck_with_claims(), &s.authority].map(super::Issued::certificate);
        s.quote.certificates =
            phala_attest::danger_simulated::pem(&[leaf, authority, root]).expect("there is a form in PEM");
    });
    cases.after("root_has_a_byte_more", MalformedCertificates, Kind::Sgx, |it| it.root.push(0));
    cases.story("root_has_expired", CertificateExpired, Kind::Sgx, |s| {
        s.root.template.valid_until_seconds = NOW - 1;
    });
    cases.story("root_is_of_the_future", CertificateNotYetValid, Kind::Sgx, |s| {
        s.root.template.valid_from_seconds = NOW + 1;
    });
    cases.story("root_may_not_sign_lists", CertificateMisused, Kind::Sgx, |s| {
        s.root.template.usage = KeyUsage(KeyUsages::KeyCertSign.into());
    });
    cases.story("authority_may_not_sign_lists", CertificateMisused, Kind::Sgx, |s| {
        s.authority.template.usage = KeyUsage(KeyUsages::KeyCertSign.into());
    });
    cases.story("authority_is_none_of_intels", CertificateMisused, Kind::Sgx, |s| {
        s.authority.template.subject = "CN=Intel SGX PCK Third CA".into();
    });
    cases.story("signer_is_not_the_one_for_documents", CertificateMisused, Kind::Sgx, |s| {
        s.signer.template.subject = "CN=Intel SGX Something Signing".into();
    });
    cases.story("pck_is_signed_by_the_root_itself", WrongIssuer, Kind::Sgx, |s| {
        s.pck.template.issuer = ROOT.into();
        s.pck.signed_by = s.root.key.clone();
    });
    cases.story("documents_are_signed_by_a_machine", CertificateMisused, Kind::Sgx, |s| {
        s.signer.template.subject = PCK.into();
    });
    cases.story("chain_has_two_certificates", MalformedCertificates, Kind::Sgx, |s| {
        s.quote.certificates = chain(2);
    });
    cases.story("chain_has_four_certificates", MalformedCertificates, Kind::Sgx, |s| {
        s.quote.certificates = chain(4);
    });
    cases.story("chain_is_no_text", MalformedCertificates, Kind::Sgx, |s| {
        s.quote.certificates = vec![0xff; 40]
    });
}

fn revocation(cases: &mut Cases) {
    let kind = Kind::Tdx10;
    cases.story("pck_was_revoked", CertificateRevoked, kind, |s| s.lists.pck.revoked.push(3));
    cases.story("authority_was_revoked", CertificateRevoked, kind, |s| s.lists.root.revoked.push(2));
    cases.story("signer_was_revoked", CertificateRevoked, kind, |s| s.lists.root.revoked.push(4));
    for (name, pick) in [
        ("root_list", (|s| &mut s.lists.root) as fn(&mut Story) -> &mut documents::Revocations),
        ("pck_list", |s| &mut s.lists.pck),
    ] {
        let mut wrong = |what: &str, expected, change: fn(&mut documents::Revocations)| {
            cases.story(format!("{name}_{what}"), expected, kind, |s| change(pick(s)));
        };
        wrong("has_expired", CollateralExpired, |it| it.next = Some(NOW - 1));
        wrong("is_of_the_future", CollateralNotYetValid, |it| it.issued = NOW + 1);
        wrong("has_no_end", UnsupportedRevocationList, |it| it.next = None);
        wrong("is_signed_by_a_stranger", RevocationListSignature, |it| it.key = key("stranger"));
        wrong("is_anothers", ForeignRevocationList, |it| {
            it.issuer = Some(stranger("CN=Somebody else"));
        });
        wrong("has_an_unknown_critical_extension", UnsupportedRevocationList, |it| {
            it.extension = Some(unknown_extension());
        });
    }
    let documents: [(&str, usize); 4] =
        [("root_list", 0), ("pck_list", 1), ("tcb_info", 2), ("qe_identity", 3)];
    for (name, at) in documents {
        cases.after(format!("{name}_is_missing"), CollateralMissing, kind, |it| {
            it.documents.remove(at);
        });
    }
    cases.after("pck_list_is_of_the_other_ca", CollateralMissing, kind, |it| {
        it.documents[1] = Story::new(kind).with_processor_ca().finish().documents.remove(1);
    });
    cases.story("pck_list_is_of_another_ca_of_that_name", ForeignRevocationList, kind, |s| {
        // The quote's chain goes through a second CA with the same name, which the root signed as well.
        let second = key("second authority");
        let certificate = |template: &Template, signer| {
            template.clone().sign(&second, signer).expect("the template is sound")
        };
        let authority = certificate(&s.authority.template, &s.root.key);
        let mut pck = s.pck.template.clone();
        pck.extensions.push(sgx_extension(&s.claims).expect("the claims are sound"));
        let pck = pck.sign(&s.pck.key, &second).expect("the template is sound");
        let root = s.root.certificate();
        s.quote.certificates =
            phala_attest::danger_simulated::pem(&[pck, authority, root]).expect("there is a form in PEM");
    });
    for (name, at) in [("root_list", 0), ("pck_list", 1)] {
        cases.after(format!("{name}_is_truncated"), MalformedRevocationList, kind, |it| {
            change_list(&mut it.documents[at], |bytes| {
                bytes.pop();
            });
        });
        cases.after(format!("{name}_has_a_byte_more"), MalformedRevocationList, kind, |it| {
            change_list(&mut it.documents[at], |bytes| bytes.push(0));
        });
        cases.after(format!("{name}_has_a_flipped_bit"), RevocationListSignature, kind, |it| {
            // In the last serial number: the list would revoke another certificate.
            change_list(&mut it.documents[at], |bytes| {
                let serial = bytes.windows(3).rposition(|window| window == [2, 1, 71]);
                bytes[serial.expect("the list revokes it") + 2] ^= 4;
            });
        });
    }
}

/// One of a story's documents in JSON.
type Json = (&'static str, fn(&mut Story) -> &mut Value);

const DOCUMENTS: [Json; 2] = [("tcb_info", |s| &mut s.info), ("qe_identity", |s| &mut s.identity)];

fn documents(cases: &mut Cases) {
    for (index, (name, pick)) in DOCUMENTS.into_iter().enumerate() {
        let kind = Kind::Tdx15Extended;
        let mut wrong = |what: &str, expected, change: fn(&mut Value)| {
            cases.story(format!("{name}_{what}"), expected, kind, |s| change(pick(s)));
        };
        wrong("has_expired", CollateralExpired, |it| it["nextUpdate"] = documents::text(NOW - 1).into());
        wrong("is_of_the_future", CollateralNotYetValid, |it| {
            it["issueDate"] = documents::text(NOW + 1).into()
        });
        wrong("has_a_date_that_is_none", MalformedCollateral, |it| it["issueDate"] = "yesterday".into());
        wrong("has_no_date", MalformedCollateral, |it| it["nextUpdate"] = Value::Null);
        wrong("is_of_version_1", UnsupportedCollateral, |it| it["version"] = 1.into());
        wrong("is_of_another_kind", UnsupportedCollateral, |it| it["id"] = "SEV".into());
        wrong("is_no_json", MalformedCollateral, |it| *it = Value::String("{".into()));
        wrong("is_no_text", MalformedCollateral, |it| *it = Value::String("\u{0}".into()));
        wrong("is_empty", MalformedCollateral, |it| *it = json!({}));
        wrong("has_levels_that_are_none", MalformedCollateral, |it| it["tcbLevels"] = 5.into());
        wrong("has_no_level", NoTcbLevel, |it| it["tcbLevels"] = json!([]));
        wrong("has_too_many_levels", MalformedCollateral, |it| {
            let level = it["tcbLevels"][0].clone();
            it["tcbLevels"] = vec![level; 65].into();
        });
        wrong("has_a_status_that_is_none", MalformedCollateral, |it| {
            it["tcbLevels"][0]["tcbStatus"] = "Fine".into();
        });
        wrong("has_a_status_that_is_no_levels", MalformedCollateral, |it| {
            it["tcbLevels"][0]["tcbStatus"] = "TDRelaunchAdvised".into();
        });
        wrong("has_an_endless_advisory", MalformedCollateral, |it| {
            it["tcbLevels"][0]["advisoryIDs"] = json!(["X".repeat(41)]);
        });
        wrong("has_too_many_advisories", MalformedCollateral, |it| {
            it["tcbLevels"][0]["advisoryIDs"] = vec![json!("INTEL-SA-00001"); 65].into();
        });
        wrong("is_of_an_older_evaluation", EvaluationTooOld, |it| it["tcbEvaluationDataNumber"] = 19.into());

        let at = index + 2;
        cases.after(format!("{name}_has_a_flipped_bit"), CollateralSignature, kind, |it| {
            signed(&mut it.documents[at], |text| text[20] ^= 1);
        });
        cases.after(format!("{name}_has_a_space_more"), CollateralSignature, kind, |it| {
            signed(&mut it.documents[at], |text| text.insert(1, b' '));
        });
        cases.after(format!("{name}_is_truncated"), CollateralSignature, kind, |it| {
            signed(&mut it.documents[at], |text| text.truncate(100));
        });
        cases.after(format!("{name}_has_a_signature_of_zeros"), CollateralSignature, kind, |it| {
            if let Document::IntelTcbInfo(it) | Document::IntelQeIdentity(it) = &mut it.documents[at] {
                it.signature = [0; 64];
            }
        });
        cases.after(format!("{name}_has_no_certificates"), MalformedCertificates, kind, |it| {
            if let Document::IntelTcbInfo(it) | Document::IntelQeIdentity(it) = &mut it.documents[at] {
                it.certificates = Default::default();
            }
        });
        cases.after(format!("{name}_is_of_the_other_tee"), CollateralMissing, kind, |it| {
            it.documents[at] = Story::new(Kind::Sgx).finish().documents.remove(at);
        });
    }
    cases.after("documents_are_swapped", MalformedCollateral, Kind::Sgx, |it| {
        let [.., Document::IntelTcbInfo(info), Document::IntelQeIdentity(identity)] = &mut it.documents[..]
        else {
            panic!("a story has four documents");
        };
        core::mem::swap(info, identity);
    });
    cases.story("tcb_info_is_of_another_machine", CollateralMissing, Kind::Sgx, |s| {
        s.info["fmspc"] = "00906ED50000".into();
    });
    cases.story("machine_is_of_another_fmspc", CollateralMissing, Kind::Sgx, |s| s.claims.fmspc = [1; 6]);
    cases.story("tcb_info_is_of_another_pce", ForeignPce, Kind::Sgx, |s| s.info["pceId"] = "0001".into());
    cases.story("machine_has_another_pce", ForeignPce, Kind::Sgx, |s| s.claims.pce_id = [0, 1]);
    for (name, value) in [("short", "20C06F0000"), ("long", "20C06F00000000"), ("no_digits", "20C06F00000G")]
    {
        cases.story(format!("fmspc_is_{name}"), MalformedCollateral, Kind::Sgx, |s| {
            s.info["fmspc"] = value.into();
        });
    }
    cases.story("tcb_info_compares_in_another_way", UnsupportedCollateral, Kind::Sgx, |s| {
        s.info["tcbType"] = 1.into();
    });
    cases.story("level_has_fifteen_components", MalformedCollateral, Kind::Sgx, |s| {
        s.info["tcbLevels"][0]["tcb"]["sgxtcbcomponents"].as_array_mut().expect("it is a list").pop();
    });
    cases.story("level_has_no_tdx_components", MalformedCollateral, Kind::Tdx10, |s| {
        s.info["tcbLevels"][0]["tcb"]["tdxtcbcomponents"] = json!([]);
    });
    cases.story("level_has_an_svn_over_255", MalformedCollateral, Kind::Sgx, |s| {
        s.info["tcbLevels"][0]["tcb"]["sgxtcbcomponents"][0]["svn"] = 256.into();
    });
    cases.story("tdx_has_no_module", MalformedCollateral, Kind::Tdx10, |s| s.info["tdxModule"] = Value::Null);
    cases.story("tdx_module_is_there_twice", MalformedCollateral, Kind::Tdx10, |s| {
        let module = s.info["tdxModuleIdentities"][0].clone();
        s.info["tdxModuleIdentities"] = json!([module, module]);
    });
    cases.story("tdx_module_has_no_version", MalformedCollateral, Kind::Tdx10, |s| {
        s.info["tdxModuleIdentities"][0]["id"] = "TDX_".into();
    });
}

fn change_list(document: &mut Document, change: impl FnOnce(&mut Vec<u8>)) {
    let (Document::IntelRootRevocations(list) | Document::IntelPckRevocations { list, .. }) = document else {
        panic!("it is no list");
    };
    let mut bytes = list.to_vec();
    change(&mut bytes);
    *list = bounded(bytes);
}

fn signed(document: &mut Document, change: impl FnOnce(&mut Vec<u8>)) {
    let (Document::IntelTcbInfo(signed) | Document::IntelQeIdentity(signed)) = document else {
        panic!("it is not signed");
    };
    let mut text = signed.text.to_vec();
    change(&mut text);
    signed.text = bounded(text);
}

fn unknown_extension() -> Extension {
    Extension {
        extn_id: "1.3.6.1.4.1.32473.1".parse().expect("it is a name"),
        critical: true,
        extn_value: OctetString::new([5, 0]).expect("it is short"),
    }
}

fn stranger(name: &str) -> x509_cert::Certificate {
    let key = key("stranger");
    Template::issuer(name, name, 9).sign(&key, &key).expect("the template is sound")
}

fn other_root() -> Vec<u8> {
    use der::Encode as _;
    stranger(ROOT).to_der().expect("a certificate has a form in DER")
}

/// A chain of so many certificates, each of which is sound.
fn chain(length: usize) -> Vec<u8> {
    let story = Story::new(Kind::Sgx);
    let certificates =
        [&story.pck, &story.authority, &story.root, &story.root].map(super::Issued::certificate);
    phala_attest::danger_simulated::pem(&certificates[..length]).expect("certificates have a form in PEM")
}
