//! Quotes of Intel's machines: genuine ones, and what becomes of them when something is changed.

mod common;

use common::{documents, genuine, intel, sample, verified};
use phala_attest::{
    AppraisalError, Claims, Documents, Facts, Policy, appraise,
    intel::{Facts as IntelFacts, Needs, Report, TcbStatus, Tee, needs, without_padding},
    verify,
};
use phala_types::{Millis, Untrusted, worker::Tier};
use serde_json::Value;

/// A genuine sample.
struct Sample {
    quote: Vec<u8>,
    collateral: Vec<u8>,
    now: Millis,
    expected: Value,
}

impl Sample {
    fn all() -> Vec<Self> {
        let read = |it: &Value, name: &str| sample(it[name].as_str().unwrap());
        let of_intel = genuine().into_iter().filter(|it| it.get("quote").is_some());
        of_intel
            .map(|it| Self {
                quote: without_padding(&read(&it, "quote")).to_vec(),
                collateral: read(&it, "collateral"),
                now: Millis::new(it["now"].as_u64().unwrap() * 1000),
                expected: it,
            })
            .collect()
    }

    fn named(name: &str) -> Self {
        Self::all().into_iter().find(|it| it.expected["name"] == name).unwrap()
    }

    fn documents(&self) -> Documents {
        verified(&documents(&self.collateral), self.now).unwrap()
    }

    fn verify(&self) -> Result<Claims, AppraisalError> {
        verify(Untrusted::new(&intel(&self.quote)), &self.documents(), self.now)
    }
}

fn facts(claims: &Claims) -> &IntelFacts {
    match &claims.facts {
        Facts::Intel(facts) => facts,
        other => panic!("not Intel's: {other:?}"),
    }
}

#[test]
fn genuine_quotes_have_the_verdict_that_their_manifest_states() {
    let samples = Sample::all();
    assert_eq!(samples.len(), 5);
    for sample in samples {
        let name = sample.expected["name"].as_str().unwrap();
        let claims = sample.verify();
        if let Some(error) = sample.expected.get("error") {
            assert_eq!(format!("{:?}", claims.unwrap_err()), error.as_str().unwrap(), "{name}");
            continue;
        }
        let claims = claims.unwrap_or_else(|error| panic!("{name}: {error}"));
        let standing = &facts(&claims).standing;
        assert_eq!(standing.status.name(), sample.expected["status"], "{name}");
        let mut advisories = standing.advisories.iter().map(ToString::to_string).collect::<Vec<_>>();
        advisories.sort();
        assert_eq!(Value::from(advisories), sample.expected["advisories"], "{name}");
    }
}

#[test]
fn what_a_quote_needs_is_read_from_it() {
    for sample in Sample::all() {
        let Needs { tee, fmspc, .. } = needs(&sample.quote).unwrap();
        let info: Value = serde_json::from_slice(&sample.collateral).unwrap();
        let info: Value = serde_json::from_str(info["tcb_info"].as_str().unwrap()).unwrap();
        assert_eq!(fmspc.to_string(), info["fmspc"]);
        assert_eq!(tee == Tee::Tdx, info["id"] == "TDX");
    }
}

#[test]
fn claims_are_what_the_report_says() {
    let claims = Sample::named("sgx-v3-processor").verify().unwrap();
    assert_eq!(claims.tier, Tier::IntelSgx);
    let Report::Sgx(report) = &facts(&claims).report else { panic!("not SGX") };
    assert_eq!(claims.measurement.as_bytes(), &report.measurement);
    assert_eq!((report.flags, report.xfrm), (5, 0xe7));
    assert_eq!(facts(&claims).has_smt, None, "the processor CA does not say it");

    let claims = Sample::named("tdx-v5-td15ex").verify().unwrap();
    assert_eq!(claims.tier, Tier::IntelTdx);
    let Report::Tdx(report) = &facts(&claims).report else { panic!("not TDX") };
    assert!(report.tee_tcb_svn_now.is_some());
    assert_eq!((facts(&claims).has_smt, facts(&claims).evaluation), (Some(true), 20));
    assert_eq!(facts(&claims).standing.status, TcbStatus::UpToDate);
}

#[test]
fn the_default_policy_admits_no_genuine_quote() {
    for sample in Sample::all() {
        let result = appraise(
            Untrusted::new(&intel(&sample.quote)),
            &sample.documents(),
            &Policy::default(),
            sample.now,
        );
        assert_eq!(result, Err(AppraisalError::TierNotAdmitted));
    }
}
