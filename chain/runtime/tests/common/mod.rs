//! The compiled runtime, and genuine evidence for it.

use codec::{Decode, Encode};
use pallet_attestation::api::{Appraisal, Refused};
use phala_attest::{
    Document, Evidence, Policy,
    intel::{Signed, without_padding},
};
use phala_types::Millis;
use polkadot_sdk::*;
use sc_executor::WasmExecutor;
use serde_json::Value;
use sp_core::traits::{CallContext, CodeExecutor as _, RuntimeCode, WrappedRuntimeCode};
use std::path::PathBuf;

/// What the runtime says of evidence.
pub type Answer = Result<Appraisal, Refused>;

/// The runtime as a node runs it.
pub struct Runtime {
    executor: WasmExecutor<sp_io::SubstrateHostFunctions>,
    code: Vec<u8>,
}

impl Runtime {
    /// As it was built.
    pub fn new() -> Self {
        let code = phala_runtime::WASM_BINARY.expect("the WebAssembly was built").to_vec();
        Self { executor: WasmExecutor::builder().build(), code }
    }

    /// Calls one of its functions.
    pub fn call<R: Decode>(&self, function: &str, arguments: &impl Encode) -> R {
        let fetcher = WrappedRuntimeCode(self.code.as_slice().into());
        let hash = sp_io::hashing::blake2_256(&self.code).to_vec();
        let code = RuntimeCode { code_fetcher: &fetcher, hash, heap_pages: None };
        let mut externalities = sp_io::TestExternalities::new_empty();
        let mut externalities = externalities.ext();
        let context = CallContext::Offchain;
        let (answer, _) =
            self.executor.call(&mut externalities, &code, function, &arguments.encode(), context);
        R::decode(&mut &answer.expect("the runtime answers")[..]).expect("the answer decodes")
    }
}

fn file(name: &Value) -> Vec<u8> {
    let name = name.as_str().expect("it is text");
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/evidence").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
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

/// A genuine sample: what the function takes, and what is to come out.
pub struct Sample {
    /// What its manifest says.
    pub expected: Value,
    /// SCALE of the evidence.
    pub evidence: Vec<u8>,
    /// The documents by which it is judged.
    pub documents: Vec<Document>,
    /// One that admits nobody.
    pub policy: Policy,
    /// When.
    pub now: Millis,
}

impl Sample {
    /// The function's arguments.
    pub fn arguments(&self) -> impl Encode {
        (&self.evidence, &self.documents, &self.policy, self.now)
    }
}

/// All of them.
pub fn samples() -> Vec<Sample> {
    let all: Vec<Value> = serde_json::from_slice(&file(&"genuine.json".into())).expect("it is JSON");
    all.into_iter()
        .map(|it| {
            let (evidence, documents) = match it.get("quote") {
                Some(quote) => {
                    let quote = without_padding(&file(quote)).to_vec();
                    let quote = quote.try_into().expect("it is within the bound");
                    (Evidence::Intel(quote), documents(&file(&it["collateral"])))
                }
                None => {
                    let report = String::from_utf8(file(&it["report"])).expect("it is text");
                    let report = hex::decode(report.trim()).expect("it is hexadecimal");
                    let endorsement_key =
                        file(&it["endorsement_key"]).try_into().expect("it is within the bound");
                    let report = report.try_into().expect("it is within the bound");
                    (Evidence::AmdSevSnp { report, endorsement_key, issuer: None }, Vec::new())
                }
            };
            let now = Millis::new(it["now"].as_u64().expect("it is a number") * 1000);
            let (evidence, policy) = (evidence.encode(), Policy::default());
            Sample { expected: it, evidence, documents, policy, now }
        })
        .collect()
}
