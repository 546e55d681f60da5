//! Evidence and documents of the vendors: whatever they are, signed or not, they are judged and nothing worse.
#![no_main]

use der::asn1::OctetString;
use phala_attest::{
    Claims, Document, Documents,
    danger_simulated::sgx_extension,
    danger_verify_document_under, danger_verify_under,
    intel::{needs, without_padding},
};
use phala_fuzz::decode;
use phala_testkit_evidence::{
    Forged as _,
    intel::{Forged, Kind, Story},
};
use phala_types::Untrusted;
use serde_json::Value;
use std::sync::LazyLock;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((what, bytes)) = input.split_first() else { return };
    match what {
        // Evidence as it comes, beside good documents.
        0 => {
            let Some((forged, collateral, bytes)) = place(bytes) else { return };
            let claims = forged.with_anchors(|anchors| {
                danger_verify_under(anchors, Untrusted::new(bytes), collateral, forged.now)
            });
            if let Ok(claims) = claims {
                // What is signed is what was signed: a change of it that passes is a forgery.
                assert!(claims == TRUE[usize::from(input[1]) % Kind::ALL.len()].2);
            }
        }
        // A part of a quote, which is then signed.
        1 => {
            let Some((mut story, bytes)) = story(bytes) else { return };
            let Some((part, bytes)) = bytes.split_first() else { return };
            match part {
                0 => story.quote.header = bytes.to_vec(),
                1 => story.quote.report = bytes.to_vec(),
                2 => story.quote.qe_report = bytes.to_vec(),
                3 => story.quote.certificates = bytes.to_vec(),
                _ => return,
            }
            judge(story);
        }
        // A document, which is then signed.
        2 | 3 => {
            let Some((mut story, bytes)) = story(bytes) else { return };
            let Ok(text) = core::str::from_utf8(bytes) else { return };
            let document = if *what == 2 { &mut story.info } else { &mut story.identity };
            *document = Value::String(text.into());
            judge(story);
        }
        // A document as it comes.
        4 => {
            let Some((forged, collateral, bytes)) = place(bytes) else { return };
            let Some(document) = decode::<Document>(bytes) else { return };
            let document = Untrusted::new(&document);
            let _ = forged.with_anchors(|anchors| {
                danger_verify_document_under(anchors, document, collateral, forged.now)
            });
        }
        // What Intel says of a machine in its certificate, which is then signed.
        // Longer ones make evidence that is longer than any may be.
        5 if bytes.len() <= 4096 => {
            let mut story = Story::new(Kind::Sgx);
            let mut extension = sgx_extension(&story.claims).expect("it is constant");
            extension.extn_value = OctetString::new(bytes).expect("inputs are short");
            story.pck.template.extensions.push(extension);
            judge(story);
        }
        // A quote as it comes, unverified.
        6 => {
            let quote = without_padding(bytes);
            assert!(bytes.starts_with(quote));
            let _ = needs(quote);
        }
        _ => {}
    }
});

/// True stories, their documents, and what their evidence says.
static TRUE: LazyLock<Vec<(Forged, Documents, Claims)>> = LazyLock::new(|| {
    let told = Kind::ALL.map(|kind| {
        let forged = Story::new(kind).finish();
        let collateral = forged.collateral().expect("it is constant");
        let claims = forged.claims().expect("it is constant");
        (forged, collateral, claims)
    });
    told.into()
});

/// A true story by its place.
fn place(bytes: &[u8]) -> Option<(&'static Forged, &'static Documents, &[u8])> {
    let (place, bytes) = bytes.split_first()?;
    let (forged, collateral, _) = &TRUE[usize::from(*place) % Kind::ALL.len()];
    Some((forged, collateral, bytes))
}

fn story(bytes: &[u8]) -> Option<(Story, &[u8])> {
    let (place, bytes) = bytes.split_first()?;
    Some((Story::new(Kind::ALL[usize::from(*place) % Kind::ALL.len()]), bytes))
}

/// Whether it is believed is for the fuzzer to choose, who has all keys. That it ends is the promise.
fn judge(story: Story) {
    let parts = [&story.quote.header, &story.quote.report, &story.quote.qe_report, &story.quote.certificates];
    // Longer than any evidence may be.
    if parts.iter().any(|part| part.len() > 4096)
        || text_bytes(&story.info).max(text_bytes(&story.identity)) > 30_000
    {
        return;
    }
    let forged = story.finish();
    let _ = forged.appraise();
}

fn text_bytes(document: &Value) -> usize {
    document.as_str().map_or(0, str::len)
}
