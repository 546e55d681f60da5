//! What can be wrong with a quote itself: levels, the quoting enclave, attributes, the layout; and what a policy refuses.

use super::{
    super::{Kind, Story, documents, key},
    Cases,
};
use crate::{NOW, list, millis};
use der::asn1::OctetString;
use phala_attest::{
    AppraisalError::*,
    Measurements, Policy, SimulatedPolicy,
    danger_simulated::{Machine, sgx_extension},
    intel::{Advisory, Fmspc, TcbRules},
};
use phala_types::worker::Tier;
use serde_json::json;
use x509_cert::ext::Extension;

pub(super) fn levels(cases: &mut Cases) {
    let out_of_date = |s: &mut Story| s.claims.cpu_svn[3] = 4;
    cases.story("platform_is_out_of_date", StatusNotAdmitted, Kind::Sgx, out_of_date);
    cases.story("platform_was_revoked", TcbRevoked, Kind::Sgx, |s| s.claims.cpu_svn[3] = 2);
    cases.story("platform_reaches_no_level", NoTcbLevel, Kind::Sgx, |s| s.claims.cpu_svn[15] = 1);
    cases.story("pce_reaches_no_level", NoTcbLevel, Kind::Sgx, |s| s.claims.pce_svn = 12);
    cases.story("levels_in_odd_order_do_not_help", StatusNotAdmitted, Kind::Sgx, |s| {
        // A level that asks for nothing stands first, and says that all is well. The highest that is reached counts.
        let low = documents::level(Kind::Sgx, 0, "UpToDate", &[]);
        s.info["tcbLevels"].as_array_mut().expect("it is a list").insert(0, low);
        s.claims.cpu_svn = [4; 16];
    });
    cases.story("levels_from_low_to_high_do_not_help", StatusNotAdmitted, Kind::Tdx10, |s| {
        s.info["tcbLevels"].as_array_mut().expect("it is a list").reverse();
        s.claims.cpu_svn[3] = 4;
    });
    cases.story("levels_of_the_module_in_odd_order_do_not_help", StatusNotAdmitted, Kind::Tdx10, |s| {
        let low = documents::part(0, "UpToDate");
        let levels = &mut s.info["tdxModuleIdentities"][0]["tcbLevels"];
        levels.as_array_mut().expect("it is a list").insert(0, low);
        s.quote.report[0] = 4;
    });
    for kind in [Kind::Tdx10, Kind::Tdx10InV5, Kind::Tdx15, Kind::Tdx15Extended] {
        let mut wrong = |what: &str, expected, change: fn(&mut Story)| {
            cases.story(format!("{kind:?}/{what}"), expected, kind, change);
        };
        wrong("module_is_out_of_date", StatusNotAdmitted, |s| s.quote.report[0] = 4);
        wrong("module_was_revoked", TcbRevoked, |s| s.quote.report[0] = 3);
        wrong("module_reaches_no_level", NoTcbLevel, |s| s.quote.report[0] = 1);
        wrong("module_is_of_an_unknown_version", UnknownTdxModule, |s| s.quote.report[1] = 2);
        wrong("component_is_out_of_date", StatusNotAdmitted, |s| s.quote.report[2] = 4);
        wrong("module_is_signed_by_another", ForeignTdxModule, |s| s.quote.report[64] = 1);
        wrong("module_has_attributes", ForeignTdxModule, |s| s.quote.report[112] = 1);
    }
    for kind in [Kind::Tdx15, Kind::Tdx15Extended] {
        let mut wrong = |what: &str, expected, change: fn(&mut Story)| {
            cases.story(format!("{kind:?}/{what}"), expected, kind, change);
        };
        // The TCB under which the machine runs now.
        wrong("module_of_now_was_revoked", TcbRevoked, |s| s.quote.report[584] = 3);
        wrong("module_of_now_reaches_no_level", NoTcbLevel, |s| s.quote.report[584] = 1);
        wrong("module_of_now_is_of_an_unknown_version", UnknownTdxModule, |s| s.quote.report[585] = 9);
        wrong("was_launched_under_an_older_module", StatusNotAdmitted, |s| s.quote.report[0] = 4);
        wrong("has_a_service_td", Attributes, |s| s.quote.report[600] = 1);
    }
    cases.story("extended/has_a_service_td_from_the_start", Attributes, Kind::Tdx15Extended, |s| {
        s.quote.report[648 + 81] = 1;
    });
    cases
        .story("extended/has_a_service_td_now", Attributes, Kind::Tdx15Extended, |s| s.quote.report[884] = 1);
}

pub(super) fn quoting_enclave(cases: &mut Cases) {
    for kind in [Kind::Sgx, Kind::Tdx10] {
        let mut wrong = |what: &str, expected, change: fn(&mut Story)| {
            cases.story(format!("{kind:?}/qe_{what}"), expected, kind, change);
        };
        wrong("is_signed_by_a_stranger", QuotingEnclaveSignature, |s| s.platform = key("stranger"));
        wrong("has_another_signer", ForeignQuotingEnclave, |s| s.quote.qe_report[128] ^= 1);
        wrong("is_another_product", ForeignQuotingEnclave, |s| s.quote.qe_report[256] ^= 1);
        wrong("has_another_misc_select", ForeignQuotingEnclave, |s| s.quote.qe_report[16] ^= 1);
        wrong("has_other_attributes", ForeignQuotingEnclave, |s| s.quote.qe_report[48] ^= 0x10);
        wrong("is_a_debug_enclave", ForeignQuotingEnclave, |s| s.quote.qe_report[48] |= 2);
        wrong("is_out_of_date", StatusNotAdmitted, |s| s.quote.qe_report[258] = 6);
        wrong("was_revoked", TcbRevoked, |s| s.quote.qe_report[258] = 4);
        wrong("reaches_no_level", NoTcbLevel, |s| s.quote.qe_report[258] = 3);
        wrong("vouches_for_nothing", AttestationKeyNotBound, |s| s.quote.qe_report[320..352].fill(0));
        wrong("says_more_than_the_hash", AttestationKeyNotBound, |s| s.quote.qe_report[383] = 1);
        wrong("authenticated_something_else", AttestationKeyNotBound, |s| s.quote.qe_authentication[0] ^= 1);
        wrong("vouches_for_another_key", QuoteSignature, |s| {
            let point = key("stranger").verifying_key().to_sec1_point(false);
            s.quote.attestation_key = point.as_bytes()[1..].to_vec();
            s.rebind();
        });
        wrong("vouches_for_no_key", MalformedAttestationKey, |s| {
            s.quote.attestation_key = vec![0xff; 64];
            s.rebind();
        });
        wrong("quote_is_signed_by_a_stranger", QuoteSignature, |s| s.attestation = key("stranger"));
    }
    let mut pck = |what: &str, change: fn(&mut Extension)| {
        cases.story(format!("pck_{what}"), MalformedPlatform, Kind::Sgx, |s| {
            let mut extension = sgx_extension(&s.claims).expect("the claims are sound");
            change(&mut extension);
            s.pck.template.extensions.push(extension);
        });
    };
    pck("has_another_extension", |it| it.extn_id = "1.2.840.113741.1.13.2".parse().expect("it is a name"));
    pck("extension_is_empty", |it| it.extn_value = OctetString::new([]).expect("it is short"));
    pck("extension_is_truncated", |it| {
        it.extn_value = OctetString::new(&it.extn_value.as_bytes()[..60]).expect("it is short");
    });
    pck("extension_has_a_byte_more", |it| {
        let longer = [it.extn_value.as_bytes(), &[0]].concat();
        it.extn_value = OctetString::new(longer).expect("it is short");
    });
    cases.story("pck_has_its_extension_twice", MalformedPlatform, Kind::Sgx, |s| {
        let extension = sgx_extension(&s.claims).expect("the claims are sound");
        s.pck.template.extensions = vec![extension.clone(), extension];
    });
}

pub(super) fn attributes(cases: &mut Cases) {
    for (name, flags, expected) in [
        ("debug", 0x07, Debug),
        ("not_initialized", 0x04, Attributes),
        ("of_32_bits", 0x01, Attributes),
        ("with_the_provisioning_key", 0x15, Attributes),
        ("with_the_launch_key", 0x25, Attributes),
        ("with_a_reserved_flag", 0x0d, Attributes),
    ] {
        cases.story(format!("enclave_is_{name}"), expected, Kind::Sgx, |s| s.quote.report[48] = flags);
    }
    cases.story("enclave_has_a_high_flag", Attributes, Kind::Sgx, |s| s.quote.report[55] = 0x80);
    cases.story("enclave_is_configured_by_its_host", Attributes, Kind::Sgx, |s| s.quote.report[192] = 1);
    cases.story("enclave_has_a_configured_svn", Attributes, Kind::Sgx, |s| s.quote.report[260] = 1);
    for kind in [Kind::Tdx10, Kind::Tdx15] {
        // Offset of TDATTRIBUTES.
        const AT: usize = 120;
        for (name, byte, bit, expected) in [
            ("debug", 0, 0, Debug),
            ("under_performance_profiling", 0, 5, Debug),
            ("migratable", 3, 5, Attributes),
            ("for_service_tds", 2, 1, Attributes),
            ("a_provisioning_agent", 7, 6, Attributes),
            ("with_a_reserved_bit", 1, 0, Attributes),
            ("with_a_high_reserved_bit", 5, 3, Attributes),
        ] {
            cases.story(format!("{kind:?}/machine_is_{name}"), expected, kind, |s| {
                s.quote.report[AT + byte] |= 1 << bit;
            });
        }
        cases.story(format!("{kind:?}/machine_lets_its_pages_be_taken"), Attributes, kind, |s| {
            s.quote.report[AT + 3] = 0;
        });
    }
}

pub(super) fn layout(cases: &mut Cases) {
    for kind in Kind::ALL {
        let length = Story::new(kind).finish().quote.len();
        for cut in [0, 1, 47, 48, 100, 431, 500, length / 2, length - 1] {
            cases.after(format!("{kind:?}/ends_after_{cut}_bytes"), Truncated, kind, |it| {
                it.quote.truncate(cut)
            });
        }
        cases.after(format!("{kind:?}/a_zero_follows"), TrailingBytes, kind, |it| it.quote.push(0));
        cases.after(format!("{kind:?}/another_quote_follows"), TrailingBytes, kind, |it| {
            it.quote.extend(it.quote.clone());
        });
        for (name, at) in [("version", 0), ("key_type", 2), ("tee", 4), ("vendor", 12)] {
            cases.story(format!("{kind:?}/{name}_is_another"), UnsupportedQuote, kind, |s| {
                s.quote.header[at] ^= 0x40;
            });
        }
        cases.story(format!("{kind:?}/certification_is_of_another_type"), UnsupportedQuote, kind, |s| {
            s.quote.certification_type = 3;
        });
    }
    cases.story("sgx_in_version_4", UnsupportedQuote, Kind::Sgx, |s| s.quote.header[0] = 4);
    cases.story("tdx_in_version_3", UnsupportedQuote, Kind::Tdx10, |s| s.quote.header[0] = 3);
    cases.story("body_is_of_an_unknown_type", UnsupportedQuote, Kind::Tdx15, |s| s.quote.header[48] = 5);
    cases.story("body_is_of_sgxs_type", UnsupportedQuote, Kind::Tdx15, |s| s.quote.header[48] = 1);
    cases.story("body_has_another_length", UnsupportedQuote, Kind::Tdx15, |s| s.quote.header[50] ^= 1);
}

pub(super) fn policy(cases: &mut Cases) {
    for kind in Kind::ALL {
        let mut refused = |what: &str, expected, change: fn(&mut Policy)| {
            cases.story(format!("{kind:?}/policy_{what}"), expected, kind, |s| change(&mut s.policy));
        };
        refused("is_empty", TierNotAdmitted, |it| *it = Policy::default());
        refused("is_a_development_networks", TierNotAdmitted, |it| *it = development());
        refused("names_no_program", MeasurementNotAdmitted, |it| it.references = Default::default());
        refused("ended_before", MeasurementNotAdmitted, |it| {
            it.references.iter_mut().for_each(|it| it.not_after = millis(NOW - 1));
        });
        refused("begins_later", MeasurementNotAdmitted, |it| {
            it.references.iter_mut().for_each(|it| it.not_before = millis(NOW + 1));
        });
        refused("names_the_program_for_another_tee", MeasurementNotAdmitted, |it| {
            it.references.iter_mut().for_each(|it| it.tier = Tier::AmdSevSnp);
        });
        refused("asks_for_a_newer_evaluation", EvaluationTooOld, |it| tcb(it, |it| it.evaluation_min = 21));
        refused("admits_no_status", StatusNotAdmitted, |it| tcb(it, |it| it.statuses = list([])));
        refused("admits_no_machine", MachineKindNotAdmitted, |it| tcb(it, |it| it.fmspcs = Some(list([]))));
        refused("admits_other_machines", MachineKindNotAdmitted, |it| {
            tcb(it, |it| it.fmspcs = Some(list([Fmspc([1; 6])])));
        });
        refused("refuses_the_machine", MachineKindNotAdmitted, |it| {
            tcb(it, |it| it.refused_fmspcs = list([Fmspc([0x20, 0xc0, 0x6f, 0, 0, 0])]));
        });
        refused("refuses_smt", SettingsNotAdmitted, |it| tcb(it, |it| it.smt = false));
        refused("refuses_cached_keys", SettingsNotAdmitted, |it| tcb(it, |it| it.cached_keys = false));
        refused("refuses_dynamic_platforms", SettingsNotAdmitted, |it| {
            tcb(it, |it| it.dynamic_platform = false);
        });
        refused("refuses_an_extension", ExtensionsNotAdmitted, |it| {
            it.intel_sgx.iter_mut().for_each(|it| it.xfrm_allowed = 0x67);
            it.intel_tdx.iter_mut().for_each(|it| it.xfam_allowed = 0x02_02e7);
        });
        cases.story(format!("{kind:?}/policy_refuses_an_advisory"), AdvisoryRefused, kind, |s| {
            s.info["tcbLevels"][0]["advisoryIDs"] = json!(["INTEL-SA-00615"]);
            let advisory = Advisory::new("INTEL-SA-00615").expect("it is a name");
            tcb(&mut s.policy, |it| it.refused_advisories = list([advisory.clone()]));
        });
        cases.story(format!("{kind:?}/policys_grace_is_over"), StatusNotAdmitted, kind, |s| {
            s.claims.cpu_svn = [4; 16];
            tcb(&mut s.policy, |it| it.out_of_date_days = 99);
        });
        cases.story(format!("{kind:?}/program_is_another"), MeasurementNotAdmitted, kind, |s| {
            // MRENCLAVE, or MRTD.
            let at = if kind.is_tdx() { 136 } else { 64 };
            s.quote.report[at] ^= 1;
        });
    }
    cases.after("a_simulated_quote", ForeignRoot, Kind::Sgx, |it| {
        let machine = Machine::new(&[1; 32]).expect("a seed makes a machine");
        let mut draft = machine.draft([0x51; 32], [7; 64]).expect("a machine makes quotes");
        // Not even without its marks.
        draft.header[28..48].fill(0);
        draft.report[48] = 5;
        it.quote = draft.finish(&machine).expect("a machine signs");
    });
    cases.after("a_simulated_quote_with_its_marks", Debug, Kind::Sgx, |it| {
        let machine = Machine::new(&[1; 32]).expect("a seed makes a machine");
        let draft = machine.draft([0x51; 32], [7; 64]).expect("a machine makes quotes");
        it.quote = draft.finish(&machine).expect("a machine signs");
    });
}

/// A flipped bit in each field that a signature covers, or that is one.
pub(super) fn flipped(cases: &mut Cases) {
    let fields = |kind: Kind| {
        let body = Story::new(kind).quote;
        let signed = body.header.len() + body.report.len();
        // Behind the length, the signature and the key; in versions with it, behind another type and length.
        let nested = if kind == Kind::Sgx { 0 } else { 6 };
        let key = signed + 4 + 64;
        let report = key + 64 + nested;
        [
            ("qe_svn", 8, QuoteSignature),
            ("user_data", 30, QuoteSignature),
            ("body", 48 + 10, QuoteSignature),
            (
                "report_data",
                signed - 1 - if signed > 800 { 301 } else { 64 * usize::from(signed > 640) },
                QuoteSignature,
            ),
            ("signature_r", signed + 4, QuoteSignature),
            ("signature_s", signed + 4 + 63, QuoteSignature),
            ("attestation_key", key, AttestationKeyNotBound),
            ("qe_report", report + 70, QuotingEnclaveSignature),
            ("qe_report_data", report + 320, QuotingEnclaveSignature),
            ("qe_signature_r", report + 384, QuotingEnclaveSignature),
            ("qe_signature_s", report + 384 + 63, QuotingEnclaveSignature),
            ("qe_authentication", report + 384 + 64 + 2, AttestationKeyNotBound),
        ]
    };
    for kind in Kind::ALL {
        for (name, at, expected) in fields(kind) {
            cases.after(format!("{kind:?}/flipped_bit_in_{name}"), expected, kind, |it| it.quote[at] ^= 0x04);
        }
    }
}

fn development() -> Policy {
    let simulated = Some(SimulatedPolicy { measurements: Measurements::DangerAny });
    Policy { simulated, ..Policy::default() }
}

/// Changes what a policy asks of machines, for enclaves and virtual machines alike.
fn tcb(policy: &mut Policy, change: impl Fn(&mut TcbRules)) {
    policy.intel_sgx.iter_mut().for_each(|it| change(&mut it.tcb));
    policy.intel_tdx.iter_mut().for_each(|it| change(&mut it.tcb));
}
