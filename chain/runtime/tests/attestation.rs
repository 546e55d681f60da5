//! Genuine evidence, appraised by the compiled runtime: what verifies natively verifies in WebAssembly, with the same
//! verdict.

mod common;

use common::{Answer, Runtime, Sample, samples};
use phala_attest::{Document, Facts, verify};
use phala_types::Untrusted;
use serde_json::Value;

#[test]
fn genuine_evidence_has_the_verdict_of_its_manifest_in_webassembly() {
    let runtime = Runtime::new();
    let samples = samples();
    assert_eq!(samples.len(), 6);
    for sample in samples {
        let name = &sample.expected["name"];
        let answer: Answer = runtime.call("AttestationApi_appraise", &sample.arguments());
        let Sample { expected, evidence, documents, policy, now } = &sample;
        let native = pallet_attestation::api::appraise(evidence, documents, policy, *now);
        assert_eq!(answer, native, "{name}");
        if let Some(error) = expected.get("error") {
            assert_eq!(answer.unwrap_err().code, error.as_str().unwrap(), "{name}");
            continue;
        }
        let appraisal = answer.unwrap_or_else(|refused| panic!("{name}: {}", refused.text));
        assert!(
            appraisal.rules.iter().any(|rule| rule.refused.is_some()),
            "the default policy admits nobody"
        );
        let Some(status) = expected.get("status") else {
            // AMD has no words for a machine's worth; what it says is in the report.
            let claims = verify(Untrusted::new(evidence), &phala_attest::Documents::default(), *now).unwrap();
            let Facts::AmdSevSnp(facts) = claims.facts else { panic!("not AMD's") };
            assert_eq!(Value::from(facts.report.policy), expected["policy"], "{name}");
            assert_eq!(Value::from(facts.report.vmpl), expected["vmpl"], "{name}");
            continue;
        };
        assert_eq!(appraisal.status.as_deref(), status.as_str(), "{name}");
        let mut advisories = appraisal.advisories;
        advisories.sort();
        assert_eq!(Value::from(advisories), expected["advisories"], "{name}");
    }
}

#[test]
fn evidence_without_its_documents_is_refused_by_name() {
    let sample = Sample { documents: Vec::<Document>::new(), ..samples().remove(0) };
    let answer: Answer = Runtime::new().call("AttestationApi_appraise", &sample.arguments());
    assert_eq!(answer.unwrap_err().code, "CollateralMissing");
}
