//! Measures how long appraisals take, natively and in the runtime as a node runs it, a line of JSON for each figure.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Answer, Runtime, Sample, samples};
use phala_attest::{Documents, verify, verify_document};
use phala_types::Untrusted;
use serde_json::json;
use std::time::{Duration, Instant};

/// Of so many the median is taken.
const ROUNDS: usize = 21;

fn main() {
    let runtime = Runtime::new();
    // What a call takes that does nothing: making an instance, and the way in and out.
    let bare = Sample { evidence: Vec::new(), documents: Vec::new(), ..named("tdx-v4") };
    let bare = in_runtime(&runtime, &bare);

    let intel = named("tdx-v4");
    let documents = Sample { evidence: Vec::new(), ..named("tdx-v4") };
    let documents = in_runtime(&runtime, &documents).saturating_sub(bare);
    let whole = in_runtime(&runtime, &intel).saturating_sub(bare);
    let known = known(&intel);
    let quote = median(|| {
        verify(Untrusted::new(&intel.evidence), &known, intel.now).expect("it is genuine");
    });
    let all = median(|| {
        pallet_attestation::api::appraise(&intel.evidence, &intel.documents, &intel.policy, intel.now)
            .expect("it is genuine");
    });
    figure("attest_intel_native_ms", all, "goal <= 3; a TDX quote and the four documents it is judged by");
    figure("attest_intel_quote_native_ms", quote, "the quote alone, by documents that are verified already");
    figure(
        "attest_intel_runtime_ms",
        whole,
        "goal <= 15; a TDX quote and its documents, in the node's executor",
    );
    figure(
        "attest_intel_quote_runtime_ms",
        whole.saturating_sub(documents),
        "the quote alone: what a registration takes once its documents are on the chain",
    );

    let amd = named("snp-milan-v2-a");
    let native = median(|| {
        verify(Untrusted::new(&amd.evidence), &Documents::default(), amd.now).expect("it is genuine");
    });
    figure("attest_amd_native_ms", native, "a report of SEV-SNP with the certificate of its key");
    let amd = in_runtime(&runtime, &amd).saturating_sub(bare);
    figure("attest_amd_runtime_ms", amd, "goal <= 15; the same, in the node's executor");
    figure("attest_call_runtime_ms", bare, "a call of the runtime that appraises nothing; left out above");
}

fn named(name: &str) -> Sample {
    samples().into_iter().find(|it| it.expected["name"] == name).expect("it is among the samples")
}

fn known(sample: &Sample) -> Documents {
    let mut known = Documents::default();
    for document in &sample.documents {
        let verified = verify_document(Untrusted::new(document), &known, sample.now);
        known.keep(verified.expect("it is genuine"));
    }
    known
}

fn in_runtime(runtime: &Runtime, sample: &Sample) -> Duration {
    median(|| {
        let _: Answer = runtime.call("AttestationApi_appraise", &sample.arguments());
    })
}

fn median(mut work: impl FnMut()) -> Duration {
    let mut times = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed()
        })
        .collect::<Vec<_>>();
    times.sort();
    times.get(ROUNDS / 2).copied().unwrap_or_default()
}

fn figure(key: &str, time: Duration, note: &str) {
    println!("{}", json!({ "key": key, "value": time.as_secs_f64() * 1e3, "unit": "ms", "note": note }));
}
