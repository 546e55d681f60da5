//! What the simulated platform gives a worker.

use phala_attest::{AppraisalError, Documents, Measurements, Policy, SimulatedPolicy, appraise};
use phala_crypto::Secret;
use phala_platform::{
    Platform, PlatformError,
    simulated::{SECRET_FILE, SimulatedPlatform},
};
use phala_types::{Digest, Millis, Untrusted, worker::Tier};
use sha2::Digest as _;
use std::{fs, os::unix::fs::PermissionsExt};

/// 2026-11-22.
const NOW: Millis = Millis::new(1_795_305_600_000);

fn key_of(platform: &SimulatedPlatform) -> Secret<[u8; 32]> {
    platform.sealing_key().unwrap()
}

#[test]
fn evidence_is_admitted_by_the_development_policy_alone() {
    let directory = tempfile::tempdir().unwrap();
    let platform = SimulatedPlatform::open(directory.path()).unwrap();
    assert_eq!(platform.tier(), Tier::Simulated);
    let evidence = platform.evidence([7; 64]).unwrap();
    let check = |policy: &Policy| appraise(Untrusted::new(&evidence), &Documents::default(), policy, NOW);

    let measurement = Digest::new(platform.measurement());
    let list = vec![measurement].try_into().unwrap();
    let simulated = Some(SimulatedPolicy { measurements: Measurements::OneOf(list) });
    let development = Policy { simulated, ..Policy::default() };
    let verified = check(&development).unwrap();
    assert_eq!(verified.tier(), Tier::Simulated);
    assert_eq!(verified.measurement(), measurement);
    assert_eq!(verified.report_data(), &[7; 64]);
    assert_eq!(check(&Policy::default()), Err(AppraisalError::TierNotAdmitted));
}

#[test]
fn measurement_is_the_running_programs() {
    let directory = tempfile::tempdir().unwrap();
    let platform = SimulatedPlatform::open(directory.path()).unwrap();
    let program = fs::read(std::env::current_exe().unwrap()).unwrap();
    assert_eq!(platform.measurement(), <[u8; 32]>::from(sha2::Sha256::digest(program)));
}

#[test]
fn machine_stays_the_same_from_start_to_start() {
    let directory = tempfile::tempdir().unwrap();
    let first = SimulatedPlatform::open(directory.path()).unwrap();
    let second = SimulatedPlatform::open(directory.path()).unwrap();
    assert!(key_of(&first) == key_of(&second));
    assert_eq!(first.evidence([1; 64]).unwrap(), second.evidence([1; 64]).unwrap());
}

#[test]
fn two_machines_share_nothing() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (SimulatedPlatform::open(a.path()).unwrap(), SimulatedPlatform::open(b.path()).unwrap());
    assert!(key_of(&a) != key_of(&b));
    assert_ne!(a.evidence([1; 64]).unwrap(), b.evidence([1; 64]).unwrap());
}

#[test]
fn secret_file_says_that_it_is_insecure_and_holds_the_machine() {
    let directory = tempfile::tempdir().unwrap();
    SimulatedPlatform::open(directory.path()).unwrap();
    let files = fs::read_dir(directory.path()).unwrap().map(|f| f.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(files, [SECRET_FILE], "and nothing else is left behind");
    assert!(SECRET_FILE.starts_with("INSECURE"));
    let path = directory.path().join(SECRET_FILE);
    assert_eq!(fs::read(&path).unwrap().len(), 32);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn spoiled_secret_file_is_refused_and_not_replaced() {
    for content in [vec![], vec![1; 31], vec![1; 33]] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(SECRET_FILE);
        fs::write(&path, &content).unwrap();
        let error = SimulatedPlatform::open(directory.path()).err().unwrap();
        assert!(matches!(error, PlatformError::SecretMalformed { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), content);
    }
}

#[test]
fn directory_that_is_not_there_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let error = SimulatedPlatform::open(&directory.path().join("absent")).err().unwrap();
    assert!(matches!(error, PlatformError::SecretUnavailable { .. }), "{error}");
}

#[test]
fn randomness_is_not_repeated() {
    let directory = tempfile::tempdir().unwrap();
    let platform = SimulatedPlatform::open(directory.path()).unwrap();
    let draw = || {
        let mut bytes = [0u8; 32];
        platform.random(&mut bytes).unwrap();
        bytes
    };
    let (a, b) = (draw(), draw());
    assert_ne!(a, b);
    assert_ne!(a, [0; 32]);
}
