//! A report of a genuine machine of AMD's.

mod common;

use codec::Encode as _;
use common::{genuine, nothing, sample};
use phala_attest::{
    AppraisalError, Claims, Evidence, Facts, Policy,
    amd::{Facts as AmdFacts, Owner, Product, ProductRules, Rules, Tcb},
    appraise, machine, verify,
};
use phala_types::{Millis, Untrusted, worker::Tier};

const NOW: Millis = Millis::new(1_795_305_600_000);

fn report() -> Vec<u8> {
    let text = String::from_utf8(sample("sev-8.0.0/report_milan.hex")).unwrap();
    hex::decode(text.trim()).unwrap()
}

fn evidence(report: Vec<u8>) -> Vec<u8> {
    let endorsement_key = sample("sev-8.0.0/vcek_milan.der").try_into().unwrap();
    Evidence::AmdSevSnp { report: report.try_into().unwrap(), endorsement_key, issuer: None }.encode()
}

fn verified(report: Vec<u8>) -> Result<Claims, AppraisalError> {
    verify(Untrusted::new(&evidence(report)), &nothing(), NOW)
}

fn facts(claims: &Claims) -> &AmdFacts {
    match &claims.facts {
        Facts::AmdSevSnp(facts) => facts,
        other => panic!("not AMD's: {other:?}"),
    }
}

#[test]
fn genuine_report_has_the_verdict_that_its_manifest_states() {
    let expected = genuine().into_iter().find(|it| it["name"] == "snp-milan-v2-a").unwrap();
    assert_eq!(expected["now"].as_u64().unwrap() * 1000, NOW.value());
    let claims = verified(report()).unwrap();
    let facts = facts(&claims);
    assert_eq!(facts.report.policy, expected["policy"].as_u64().unwrap());
    assert_eq!(u64::from(facts.report.vmpl), expected["vmpl"].as_u64().unwrap());
    assert_eq!((facts.product, facts.report.version), (Product::Milan, 2));
    let tcb = Tcb { fmc: 0, boot_loader: 3, tee: 0, snp: 8, microcode: 115 };
    assert_eq!([facts.current, facts.reported, facts.committed, facts.launch], [tcb; 4]);
    assert_eq!(facts.owner, Owner::Chip(facts.report.chip_id.to_vec()));
    assert_eq!(claims.tier, Tier::AmdSevSnp);
    assert_eq!(claims.machine, machine(Tier::AmdSevSnp, &facts.report.chip_id));
}

#[test]
fn no_policy_admits_it_that_asks_for_what_a_report_has_to_say() {
    let rules = |product| Rules {
        products: vec![ProductRules { product, tcb_min: Tcb::default() }].try_into().unwrap(),
        smt: true,
        ..Rules::default()
    };
    let check = |amd_sev_snp| {
        let policy = Policy { amd_sev_snp, ..Policy::default() };
        appraise(Untrusted::new(&evidence(report())), &nothing(), &policy, NOW).map(|_| ())
    };
    assert_eq!(check(None), Err(AppraisalError::TierNotAdmitted));
    assert_eq!(check(Some(Rules::default())), Err(AppraisalError::ReportTooOld));
    // Not even where Milan is admitted.
    assert_eq!(check(Some(rules(Product::Milan))), Err(AppraisalError::ReportTooOld));
    let checks = Policy { amd_sev_snp: Some(rules(Product::Genoa)), ..Policy::default() }
        .judge(&verified(report()).unwrap(), NOW);
    let refused = checks.iter().filter_map(|check| check.result.err()).collect::<Vec<_>>();
    assert!(refused.contains(&AppraisalError::MachineKindNotAdmitted), "{refused:?}");
}

#[test]
fn a_flipped_bit_anywhere_in_it_is_refused() {
    for at in 0..report().len() {
        let mut changed = report();
        changed[at] ^= 0x04;
        assert!(verified(changed).is_err(), "at {at}");
    }
}

#[test]
fn it_was_not_valid_before_its_key_was() {
    let at =
        |seconds: u64| verify(Untrusted::new(&evidence(report())), &nothing(), Millis::new(seconds * 1000));
    // 2023-04-03 to 2030-04-03.
    assert_eq!(at(1_680_549_822).unwrap_err(), AppraisalError::CertificateNotYetValid);
    assert!(at(1_680_549_823).is_ok());
    assert_eq!(at(1_901_474_624).unwrap_err(), AppraisalError::CertificateExpired);
}
