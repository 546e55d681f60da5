//! A runtime with the pallet, genuine evidence, and a clock that the tests set.

use crate as pallet_attestation;
use polkadot_sdk::*;

use codec::Encode as _;
use frame_support::{derive_impl, traits::ConstU32};
use phala_attest::{
    Document, Evidence, Measurements, Policy, Reference, SimulatedPolicy,
    danger_simulated::Machine,
    intel::{SgxRules, Signed, TcbRules, TcbStatus, TdxRules, without_padding},
};
use phala_types::{
    Digest, GenesisHash, Millis,
    worker::{Tier, machine_on_chain},
};
use serde_json::Value;
use sp_core::{H256, crypto::AccountId32};
use sp_runtime::{BuildStorage as _, traits::IdentityLookup};
use std::{cell::Cell, path::PathBuf};

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Attestation: pallet_attestation,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountId = AccountId32;
    type Lookup = IdentityLookup<AccountId32>;
}

thread_local! {
    static NOW_MS: Cell<u64> = const { Cell::new(0) };
}

/// A clock that the test sets.
pub struct Clock;

impl Clock {
    /// Sets it.
    pub fn set(now: Millis) {
        NOW_MS.set(now.value());
    }
}

impl frame_support::traits::Time for Clock {
    type Moment = u64;

    fn now() -> u64 {
        NOW_MS.get()
    }
}

impl pallet_attestation::Config for Test {
    type Time = Clock;
    type CuratorOrigin = crate::EnsureCurator<Test>;
    type SessionBlocks = ConstU32<SESSION>;
    type WeightInfo = pallet_attestation::weights::UpperBound<Test>;
}

/// Blocks of a session.
pub const SESSION: u32 = 20;
/// For how many blocks proposals wait.
pub const DELAY: u32 = 10;
/// The height at which tests begin.
pub const START: u64 = 100;
/// The curator.
pub const CURATOR: AccountId32 = AccountId32::new([1; 32]);
/// Anybody else.
pub const OTHER: AccountId32 = AccountId32::new([2; 32]);
/// The network.
pub const GENESIS: GenesisHash = GenesisHash::new([42; 32]);
/// A simulated program.
pub const PROGRAM: [u8; 32] = [5; 32];
/// When simulated evidence is valid: November 2026.
pub const SIMULATED_NOW: Millis = Millis::new(1_795_000_000_000);

/// Runs a test where miners may be simulated and nothing else is admitted, and checks the invariants after it.
pub fn run(test: impl FnOnce()) {
    run_with(simulated(Measurements::DangerAny), Policy::default(), test);
}

/// Runs a test under policies for miners and gatekeepers.
pub fn run_with(miners: Policy, gatekeepers: Policy, test: impl FnOnce()) {
    let attestation = pallet_attestation::GenesisConfig {
        miners,
        gatekeepers,
        curator: Some(CURATOR),
        delay_blocks: DELAY,
        ..Default::default()
    };
    let storage = RuntimeGenesisConfig { attestation, ..Default::default() }
        .build_storage()
        .expect("it is well formed");
    sp_io::TestExternalities::from(storage).execute_with(|| {
        Clock::set(SIMULATED_NOW);
        frame_system::BlockHash::<Test>::insert(0, H256(*GENESIS.as_bytes()));
        System::set_block_number(START);
        test();
        frame_support::assert_ok!(Attestation::check_invariants());
    });
}

/// Goes on by blocks.
pub fn pass(blocks: u32) {
    use frame_support::traits::Hooks as _;
    for _ in 0..blocks {
        let next = System::block_number() + 1;
        System::set_block_number(next);
        Attestation::on_initialize(next);
    }
}

/// A policy that admits simulated programs.
pub fn simulated(measurements: Measurements) -> Policy {
    Policy { simulated: Some(SimulatedPolicy { measurements }), ..Policy::default() }
}

/// A simulated machine.
pub fn machine() -> Machine {
    Machine::new(&[6; 32]).expect("the keys are good")
}

/// The simulated machine's name on the chain.
pub fn machine_name() -> Digest {
    machine_on_chain(&GENESIS, &phala_attest::machine(Tier::Simulated, &machine().instance()))
}

/// Evidence of the simulated machine.
pub fn simulated_evidence(report_data: [u8; 64]) -> Vec<u8> {
    machine().evidence(PROGRAM, report_data).expect("the keys are good")
}

/// A file of `vectors/evidence`.
pub fn file(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../vectors/evidence").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Genuine evidence of Intel's, the documents about it, and the time at which both are valid.
pub struct Sample {
    /// SCALE of the evidence.
    pub evidence: Vec<u8>,
    /// The documents, in the order in which they are verified.
    pub documents: Vec<Document>,
    /// The time.
    pub now: Millis,
    /// What `genuine.json` says.
    pub expected: Value,
}

/// All samples of Intel's.
pub fn samples() -> Vec<Sample> {
    let all: Vec<Value> = serde_json::from_slice(&file("genuine.json")).expect("it is JSON");
    let of_intel = all.into_iter().filter(|it| it.get("quote").is_some());
    let text = |it: &Value, name: &str| it[name].as_str().expect("it is text").to_owned();
    of_intel
        .map(|it| {
            let quote = file(&text(&it, "quote"));
            let quote = without_padding(&quote).to_vec().try_into().expect("it is within the bound");
            Sample {
                evidence: Evidence::Intel(quote).encode(),
                documents: documents(&file(&text(&it, "collateral"))),
                now: Millis::new(it["now"].as_u64().expect("it is a number") * 1000),
                expected: it,
            }
        })
        .collect()
}

/// One sample.
pub fn sample(name: &str) -> Sample {
    samples().into_iter().find(|it| it.expected["name"] == name).expect("it is there")
}

fn documents(file: &[u8]) -> Vec<Document> {
    let json: Value = serde_json::from_slice(file).expect("it is JSON");
    let text = |name: &str| {
        let text = json[name].as_str().expect("it is text").as_bytes().to_vec();
        text.try_into().expect("it is within the bound")
    };
    let bytes =
        |name: &str| hex::decode(json[name].as_str().expect("it is text")).expect("it is hexadecimal");
    let signed = |name: &str| Signed {
        text: text(name),
        signature: bytes(&format!("{name}_signature")).try_into().expect("it is a signature"),
        certificates: text(&format!("{name}_issuer_chain")),
    };
    vec![
        Document::IntelRootRevocations(bytes("root_ca_crl").try_into().expect("it is within the bound")),
        Document::IntelPckRevocations {
            list: bytes("pck_crl").try_into().expect("it is within the bound"),
            certificates: text("pck_crl_issuer_chain"),
        },
        Document::IntelTcbInfo(signed("tcb_info")),
        Document::IntelQeIdentity(signed("qe_identity")),
    ]
}

/// What admits any machine of Intel's with one of these statuses.
fn tcb(statuses: &[TcbStatus]) -> TcbRules {
    TcbRules {
        statuses: statuses.to_vec().try_into().expect("they are few"),
        smt: true,
        cached_keys: true,
        dynamic_platform: true,
        ..TcbRules::default()
    }
}

/// A policy for SGX and TDX that admits these statuses and a program for all time.
pub fn intel(statuses: &[TcbStatus], tier: Tier, measurement: Digest) -> Policy {
    let reference =
        Reference { tier, measurement, not_before: Millis::new(0), not_after: Millis::new(u64::MAX) };
    Policy {
        intel_sgx: Some(SgxRules { tcb: tcb(statuses), xfrm_allowed: u64::MAX }),
        intel_tdx: Some(TdxRules { tcb: tcb(statuses), xfam_allowed: u64::MAX }),
        references: vec![reference].try_into().expect("it is one"),
        ..Policy::default()
    }
}

/// What program a sample runs.
pub fn program(sample: &Sample) -> (Tier, Digest) {
    let known = crate::api::appraise(&sample.evidence, &sample.documents, &Policy::default(), sample.now)
        .expect("it is genuine");
    (known.tier, known.measurement)
}
