//! The checked-in root is the one that the development keys make.

use der::Encode;
use phala_attest::{danger_simulated, simulated::DEVELOPMENT_ROOT};

/// To change it: `PHALA_WRITE_ROOT=1 cargo test -p phala-attest --test root`.
#[test]
fn development_root_is_what_its_seed_makes() {
    let root = danger_simulated::root_certificate().unwrap().to_der().unwrap();
    if std::env::var_os("PHALA_WRITE_ROOT").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/simulated/root.der"), &root).unwrap();
    }
    assert_eq!(root, DEVELOPMENT_ROOT);
}

#[test]
fn development_root_says_what_it_is() {
    let root = danger_simulated::root_certificate().unwrap();
    assert!(root.tbs_certificate().subject().to_string().contains("NOT SECURE"));
}
