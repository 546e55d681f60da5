//! What can be wrong: certificates, revocation, the key, the report, the policy.

use super::{Endorsement, Forged, Issued, Kind, Story, TCB, report::tcb, signing_key};
use crate::{NOW, list, millis};
use phala_attest::{
    AppraisalError::{self, *},
    Policy,
    amd::{Rules, Tcb},
};
use phala_types::worker::Tier;
use x509_cert::ext::pkix::{KeyUsage, KeyUsages};

/// A story of AMD's in which one thing is wrong.
type Case = crate::Case<Forged>;

/// Everything that can be wrong with a report of AMD's.
pub fn cases() -> Vec<Case> {
    let mut cases = Cases(Vec::new());
    certificates(&mut cases);
    extensions(&mut cases);
    report(&mut cases);
    policy(&mut cases);
    flipped(&mut cases);
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

fn certificates(cases: &mut Cases) {
    for kind in Kind::ALL {
        let mut leaf = |what: &str, expected, change: fn(&mut Endorsement)| {
            cases.story(format!("{kind:?}/key_{what}"), expected, kind, |s| change(&mut s.endorsement));
        };
        leaf("has_expired", CertificateExpired, |it| it.template.valid_until_seconds = NOW - 1);
        leaf("is_of_the_future", CertificateNotYetValid, |it| it.template.valid_from_seconds = NOW + 1);
        leaf("is_signed_by_a_stranger", CertificateSignature, |it| it.by_stranger = true);
        leaf("names_another_issuer", WrongIssuer, |it| it.template.issuer = "CN=Somebody".into());
        leaf("has_another_name", MalformedEndorsementKey, |it| it.template.subject = "CN=SEV-VXEK".into());
        leaf("is_no_certificate_of_amds", UnsupportedCertificate, |it| it.template.is_bare = false);
        leaf("is_on_another_curve", UnsupportedCertificate, |it| it.on_p256 = true);
    }
    for (name, kind) in [("ask", Kind::Genoa), ("asvk", Kind::GenoaCloud)] {
        let mut middle = |what: &str, expected, change: fn(&mut Issued)| {
            cases.story(format!("{name}_{what}"), expected, kind, |s| change(&mut s.intermediate));
        };
        middle("has_expired", CertificateExpired, |it| it.template.valid_until_seconds = NOW - 1);
        middle("is_of_the_future", CertificateNotYetValid, |it| it.template.valid_from_seconds = NOW + 1);
        middle("is_no_ca", CertificateMisused, |it| it.template.is_ca = false);
        middle("may_not_sign", CertificateMisused, |it| {
            it.template.usage = KeyUsage(KeyUsages::DigitalSignature.into());
        });
        middle("is_anothers", WrongIssuer, |it| it.template.subject = "CN=Somebody".into());
    }
    cases.story("asvk_is_signed_by_a_stranger", CertificateSignature, Kind::GenoaCloud, |s| {
        s.intermediate.by_stranger = true;
    });
    cases.story("asvk_names_another_issuer", WrongIssuer, Kind::GenoaCloud, |s| {
        s.intermediate.template.issuer = "CN=Somebody".into();
    });
    cases.story("root_has_expired", CertificateExpired, Kind::Genoa, |s| {
        s.ark.template.valid_until_seconds = NOW - 1;
        s.revoked = None;
    });
    cases.story("root_of_a_list_has_expired", CertificateExpired, Kind::Genoa, |s| {
        s.ark.template.valid_until_seconds = NOW - 1;
    });
    cases.story("root_is_of_the_future", CertificateNotYetValid, Kind::Genoa, |s| {
        s.ark.template.valid_from_seconds = NOW + 1;
        s.revoked = None;
    });
    cases.after("another_product_has_the_root", ForeignRoot, Kind::Genoa, |it| {
        it.product = phala_attest::amd::Product::Turin;
        it.documents.clear();
    });
    cases.after("asvk_is_missing", ForeignEndorsementKey, Kind::GenoaCloud, |it| it.issuer = None);
    cases.after("a_chips_key_brings_its_ask", ForeignEndorsementKey, Kind::Genoa, |it| {
        it.issuer = Some(it.ask.clone());
    });
    cases.after("asvk_is_no_certificate", MalformedCertificates, Kind::GenoaCloud, |it| {
        it.issuer = Some(vec![0; 100]);
    });
    cases.after("key_is_no_certificate", MalformedCertificates, Kind::Genoa, |it| {
        it.endorsement_key = vec![0x30; 100];
    });
    cases.after("key_is_missing", MalformedCertificates, Kind::Genoa, |it| it.endorsement_key.clear());
    cases.after("key_is_truncated", MalformedCertificates, Kind::Genoa, |it| {
        it.endorsement_key.pop();
    });
    cases.after("key_has_a_byte_more", MalformedCertificates, Kind::Genoa, |it| it.endorsement_key.push(0));
    cases.after("key_has_a_flipped_bit_in_its_signature", CertificateSignature, Kind::Genoa, |it| {
        let last = it.endorsement_key.len() - 1;
        it.endorsement_key[last] ^= 1;
    });
    cases.after("key_is_the_intermediate", MalformedEndorsementKey, Kind::Genoa, |it| {
        it.endorsement_key = it.ask.clone();
    });

    cases.story("ask_was_revoked", CertificateRevoked, Kind::Genoa, |s| s.revoked = Some(vec![2]));
    cases.story("asvk_was_revoked", CertificateRevoked, Kind::GenoaCloud, |s| s.revoked = Some(vec![2, 3]));
    cases.story("list_has_expired", CollateralExpired, Kind::Genoa, |s| s.list_ends = NOW - 1);
    cases.story("list_is_missing", CollateralMissing, Kind::Genoa, |s| s.revoked = None);
    for (name, change, expected) in [
        (
            "is_truncated",
            (|it| {
                it.pop();
            }) as fn(&mut Vec<u8>),
            MalformedRevocationList,
        ),
        ("has_a_byte_more", |it| it.push(0), MalformedRevocationList),
        ("has_another_signature", |it| *it.last_mut().expect("it is long") ^= 1, RevocationListSignature),
    ] {
        cases.after(format!("list_{name}"), expected, Kind::Genoa, |it| {
            let [phala_attest::Document::AmdRevocations { list, .. }] = &mut it.documents[..] else {
                panic!("a story has one list");
            };
            let mut bytes = list.to_vec();
            change(&mut bytes);
            *list = crate::bounded(bytes);
        });
    }
}

fn extensions(cases: &mut Cases) {
    for kind in Kind::ALL {
        let versions: [(&str, fn(&mut Tcb)); 5] = [
            ("boot_loader", |it| it.boot_loader -= 1),
            ("tee", |it| it.tee -= 1),
            ("snp", |it| it.snp -= 1),
            ("microcode", |it| it.microcode -= 1),
            ("newer_microcode", |it| it.microcode += 1),
        ];
        for (name, change) in versions {
            cases.story(format!("{kind:?}/key_of_another_{name}"), ForeignTcb, kind, |s| {
                change(&mut s.endorsement.tcb);
            });
        }
        for name in ["3.1", "3.2", "3.3", "3.8"] {
            cases.story(
                format!("{kind:?}/extension_{name}_is_no_number"),
                MalformedEndorsementKey,
                kind,
                |s| {
                    s.endorsement.extensions.push((name, vec![4, 1, 1]));
                },
            );
            cases.story(
                format!("{kind:?}/extension_{name}_is_there_twice"),
                MalformedEndorsementKey,
                kind,
                |s| {
                    s.endorsement.extensions.extend([(name, vec![2, 1, 1]), (name, vec![2, 1, 1])]);
                },
            );
        }
        cases.story(format!("{kind:?}/product_is_missing"), MalformedEndorsementKey, kind, |s| {
            s.endorsement.extensions.retain(|(name, _)| *name != "2");
        });
        cases.story(format!("{kind:?}/product_is_unknown"), ForeignEndorsementKey, kind, |s| {
            s.endorsement.extensions.retain(|(name, _)| *name != "2");
            s.endorsement.extensions.push(("2", b"\x16\x04Rome".to_vec()));
        });
        cases.story(format!("{kind:?}/product_is_no_text"), MalformedEndorsementKey, kind, |s| {
            s.endorsement.extensions.retain(|(name, _)| *name != "2");
            s.endorsement.extensions.push(("2", b"\x04\x05Genoa".to_vec()));
        });
        cases.story(format!("{kind:?}/product_is_another"), ForeignEndorsementKey, kind, |s| {
            s.endorsement.extensions.retain(|(name, _)| *name != "2");
            s.endorsement.extensions.push(("2", b"\x16\x05Milan".to_vec()));
        });
    }
    cases.story("turin_without_fmc_is_of_another_version", ForeignTcb, Kind::Turin, |s| {
        s.endorsement.tcb.fmc = 1
    });
    for kind in [Kind::Genoa, Kind::Turin] {
        cases.story(format!("{kind:?}/key_is_of_another_chip"), ForeignEndorsementKey, kind, |s| {
            let chip = s.endorsement.extensions.iter_mut().find(|(name, _)| *name == "4");
            chip.expect("a chip has a name").1[3] ^= 1;
        });
        cases.story(format!("{kind:?}/key_of_no_chip"), MalformedEndorsementKey, kind, |s| {
            s.endorsement.extensions.retain(|(name, _)| *name != "4");
        });
        cases.story(format!("{kind:?}/key_of_a_chip_and_a_cloud"), MalformedEndorsementKey, kind, |s| {
            s.endorsement.extensions.push(("5", b"\x16\x02cc".to_vec()));
        });
        cases.story(format!("{kind:?}/chip_has_a_short_name"), MalformedEndorsementKey, kind, |s| {
            s.endorsement.extensions.retain(|(name, _)| *name != "4");
            s.endorsement.extensions.push(("4", vec![9; 7]));
        });
    }
    cases.story("key_of_no_cloud", MalformedEndorsementKey, Kind::GenoaCloud, |s| {
        s.endorsement.extensions.retain(|(name, _)| *name != "5");
    });
    cases.story("cloud_has_an_endless_name", MalformedEndorsementKey, Kind::GenoaCloud, |s| {
        s.endorsement.extensions.retain(|(name, _)| *name != "5");
        s.endorsement.extensions.push(("5", [&[0x16, 60][..], &[b'x'; 60]].concat()));
    });
}

fn report(cases: &mut Cases) {
    for kind in Kind::ALL {
        let mut wrong = |what: &str, expected, change: fn(&mut Story)| {
            cases.story(format!("{kind:?}/report_{what}"), expected, kind, change);
        };
        wrong("is_of_version_1", UnsupportedReport, |s| s.report.put(0, &[1]));
        wrong("is_of_version_6", UnsupportedReport, |s| s.report.put(0, &[6]));
        wrong("is_signed_by_another_algorithm", UnsupportedReport, |s| s.report.put(0x34, &[2]));
        wrong("has_something_reserved", UnsupportedReport, |s| s.report.put(0x4c, &[1]));
        wrong("is_of_an_unknown_processor", UnsupportedReport, |s| s.report.put(0x188, &[0x19, 0x20]));
        wrong("is_of_another_product", ForeignEndorsementKey, |s| s.report.put(0x188, &[0x19, 0x01]));
        wrong("is_of_a_debug_guest", Debug, |s| s.report.put(0x0a, &[0b1011]));
        wrong("is_of_a_guest_that_migrates", Attributes, |s| s.report.put(0x0a, &[0b0111]));
        wrong("has_a_policy_that_cannot_be", Attributes, |s| s.report.put(0x0a, &[0b0001]));
        wrong("is_signed_by_a_stranger", ReportSignature, |s| s.key = signing_key("stranger"));
        wrong("is_signed_by_no_key", ForeignEndorsementKey, |s| s.report.put(0x48, &[7 << 2]));
        wrong("masks_its_chip", ChipMasked, |s| {
            let signed_by = s.report.bytes[0x48];
            s.report.put(0x48, &[signed_by | 2]);
            s.report.put(0x1a0, &[0; 64]);
        });
        wrong("was_asked_for_by_a_lower_level", PrivilegeLevel, |s| s.report.put(0x30, &[1]));
        wrong("found_no_aliases_looked_for", SettingsNotAdmitted, |s| s.report.put(0x40, &[0b1_0001]));
        wrong("shows_its_ciphertext", SettingsNotAdmitted, |s| s.report.put(0x40, &[0b10_0001]));
        wrong("does_not_demand_to_hide_ciphertext", SettingsNotAdmitted, |s| s.report.put(0x0b, &[0]));
        for cut in [0, 1, 0x2a0, 1183] {
            cases.after(format!("{kind:?}/report_ends_after_{cut}_bytes"), Truncated, kind, |it| {
                it.report.truncate(cut);
            });
        }
        for (name, at) in [("r", 0x2a0 + 60), ("s", 0x2e8 + 60), ("reserved", 1100)] {
            cases.after(format!("{kind:?}/signature_is_too_long_in_{name}"), ReportSignature, kind, |it| {
                it.report[at] = 1;
            });
        }
        let (older, newer) = (Tcb { snp: TCB.snp - 1, ..TCB }, Tcb { snp: TCB.snp + 1, ..TCB });
        for (name, at) in [("current", 0x38), ("committed", 0x1e0), ("launch", 0x1f0)] {
            cases.story(format!("{kind:?}/{name}_firmware_is_too_old"), TcbTooOld, kind, |s| {
                s.report.put(at, &tcb(kind, older));
            });
        }
        for (name, reported) in [("older", older), ("newer", newer)] {
            cases.story(
                format!("{kind:?}/reported_firmware_is_{name}_than_the_key"),
                ForeignTcb,
                kind,
                |s| {
                    s.report.put(0x180, &tcb(kind, reported));
                },
            );
        }
        cases.story(format!("{kind:?}/all_firmware_is_too_old"), TcbTooOld, kind, |s| {
            for at in [0x38, 0x180, 0x1e0, 0x1f0] {
                s.report.put(at, &tcb(kind, older));
            }
            s.endorsement.tcb = older;
        });
        let reserved = if kind == Kind::Turin { 4 } else { 2 };
        cases.story(format!("{kind:?}/versions_have_something_reserved"), UnsupportedReport, kind, |s| {
            s.report.put(0x38 + reserved, &[1]);
        });
        let other: u8 = if kind == Kind::GenoaCloud { 0 } else { 1 };
        cases.story(
            format!("{kind:?}/report_is_signed_by_the_other_kind_of_key"),
            ForeignEndorsementKey,
            kind,
            |s| {
                s.report.put(0x48, &[other << 2]);
            },
        );
    }
    cases.story("report_of_version_2_does_not_name_its_processor", ReportTooOld, Kind::Genoa, |s| {
        s.report.put(0, &[2]);
    });
}

fn policy(cases: &mut Cases) {
    for kind in Kind::ALL {
        let mut refused = |what: &str, expected, change: fn(&mut Policy)| {
            cases.story(format!("{kind:?}/policy_{what}"), expected, kind, |s| change(&mut s.policy));
        };
        refused("is_empty", TierNotAdmitted, |it| *it = Policy::default());
        refused("has_no_rules", MachineKindNotAdmitted, |it| it.amd_sev_snp = Some(Rules::default()));
        refused("names_no_program", MeasurementNotAdmitted, |it| it.references = Default::default());
        refused("ended_before", MeasurementNotAdmitted, |it| {
            it.references[..][0].not_after = millis(NOW - 1)
        });
        refused("begins_later", MeasurementNotAdmitted, |it| {
            it.references.iter_mut().for_each(|it| it.not_before = millis(NOW + 1));
        });
        refused("names_the_program_for_another_tee", MeasurementNotAdmitted, |it| {
            it.references.iter_mut().for_each(|it| it.tier = Tier::IntelTdx);
        });
        refused("admits_no_product", MachineKindNotAdmitted, |it| rules(it, |it| it.products = list([])));
        refused("asks_for_newer_microcode", TcbTooOld, |it| {
            rules(it, |it| it.products.iter_mut().for_each(|it| it.tcb_min.microcode += 1));
        });
        refused("refuses_smt", SettingsNotAdmitted, |it| rules(it, |it| it.smt = false));
        for (name, at) in [("launch", 0x90), ("host_data", 0xc0), ("id_key", 0xe0), ("author_key", 0x110)] {
            cases.story(format!("{kind:?}/program_has_another_{name}"), MeasurementNotAdmitted, kind, |s| {
                let byte = s.report.bytes[at];
                s.report.put(at, &[byte ^ 1]);
            });
        }
    }
    cases.story("policy_admits_no_cloud", CloudNotAdmitted, Kind::GenoaCloud, |s| {
        rules(&mut s.policy, |it| it.clouds = list([]));
    });
}

/// A flipped bit in each field of a report that nothing but the signature looks at, and in the signature.
fn flipped(cases: &mut Cases) {
    let fields = [
        ("guest_svn", 0x04),
        ("family", 0x10),
        ("image", 0x20),
        ("report_data", 0x50),
        ("measurement", 0x90),
        ("host_data", 0xc0),
        ("id_key", 0xe0),
        ("author_key", 0x110),
        ("report_id", 0x140),
        ("build", 0x1e8),
        ("mitigations", 0x1f8),
        ("last_byte", 0x29f),
        ("r", 0x2a0),
        ("s", 0x2e8),
    ];
    for kind in Kind::ALL {
        for (name, at) in fields {
            cases.after(format!("{kind:?}/flipped_bit_in_{name}"), ReportSignature, kind, |it| {
                it.report[at] ^= 0x04
            });
        }
    }
}

fn rules(policy: &mut Policy, change: impl Fn(&mut Rules)) {
    policy.amd_sev_snp.iter_mut().for_each(change);
}
