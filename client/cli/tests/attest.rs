//! `phala attest` on evidence of genuine machines, without a network.

use serde_json::Value;
use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/evidence").join(name)
}

fn attest(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_phala"))
        .args(["--json", "attest"])
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn refused(output: &Output) -> Vec<String> {
    let steps = json(output)["steps"].as_array().unwrap().clone();
    steps.iter().filter_map(|step| Some(step["error"].as_str()?.to_owned())).collect()
}

const TDX: &str = "dcap-qvl-0.7.1/tdx_quote";

#[test]
fn a_genuine_quote_is_told_line_by_line() {
    let quote = sample(TDX).display().to_string();
    let output = attest(&[&quote, "--collateral", &format!("{quote}_collateral.json"), "--at", "1751624191"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(refused(&output), Vec::<String>::new());
    let told = json(&output);
    assert_eq!(told["steps"].as_array().unwrap().len(), 5, "four documents and the quote");
    assert_eq!(told["claims"]["TCB status"], "UpToDate");
    assert_eq!(told["claims"]["FMSPC"], "B0C06F000000");
    assert_eq!(told["claims"]["attested as"], "Intel TDX");
}

#[test]
fn a_quote_is_refused_when_its_documents_have_expired() {
    let quote = sample(TDX).display().to_string();
    let output = attest(&[&quote, "--collateral", &format!("{quote}_collateral.json"), "--at", "1795305600"]);
    assert!(!output.status.success());
    assert!(refused(&output).iter().any(|error| error.contains("expired")), "{output:?}");
    assert_eq!(json(&output)["claims"], Value::Null, "nothing is said of what is not believed");
}

#[test]
fn a_policy_says_which_rule_does_not_hold() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.json");
    fs::write(&policy, r#"{"intel_tdx":{"tcb":{"statuses":["UpToDate"],"smt":true},"xfam_allowed":0}}"#)
        .unwrap();
    let quote = sample(TDX).display().to_string();
    let collateral = format!("{quote}_collateral.json");
    let policy = policy.display().to_string();
    let output = attest(&[&quote, "--collateral", &collateral, "--at", "1751624191", "--policy", &policy]);
    assert!(!output.status.success());
    let refused = refused(&output);
    for words in ["settings", "extension", "program"] {
        assert!(refused.iter().any(|error| error.contains(words)), "{words}: {refused:?}");
    }
    assert!(!refused.iter().any(|error| error.contains("status")), "{refused:?}");
}

#[test]
fn a_report_of_amds_is_read_from_hexadecimal_with_its_certificate() {
    let report = sample("sev-8.0.0/report_milan.hex").display().to_string();
    let certificate = sample("sev-8.0.0/vcek_milan.der").display().to_string();
    let output = attest(&[&report, "--certificate", &certificate, "--offline", "--at", "1795305600"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(json(&output)["claims"]["policy"], "0x30000, VMPL 0");
}

#[test]
fn what_is_no_evidence_is_told_with_what_to_try() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "hello").unwrap();
    let output = attest(&[&file.display().to_string(), "--offline"]);
    assert!(!output.status.success());
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert!(error["error"].as_str().unwrap().contains("no evidence"), "{error}");
    assert!(error["try"].as_str().unwrap().contains("quote"), "{error}");
}
