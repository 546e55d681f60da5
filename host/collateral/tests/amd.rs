//! AMD's documents, by what a report says of its machine.

mod common;

use common::{Reply, Server, file};
use phala_attest::{Document, Evidence, amd::Product};
use phala_collateral::CollateralError;

/// The least that is one sequence in DER: there is no genuine list among the samples.
const LIST: &[u8] = &[0x30, 0x03, 0x02, 0x01, 0x01];

const CHIP: &str = "d49554ec717f4e5b0fe6b143bcf0405bd7ae304727edf46603f2a76aef6a3abc\
                    15d7af38db757039029f0efacfd08e244324884738c72b082e2f87a44d541eb6";

fn milan_report() -> Vec<u8> {
    hex::decode(file("sev-8.0.0/report_milan.hex").trim_ascii()).unwrap()
}

/// A report of version 3 of the machine that family and model say.
fn report_of(family: u8, model: u8) -> Vec<u8> {
    let mut report = milan_report();
    (report[0], report[0x188], report[0x189]) = (3, family, model);
    report[0x180..0x188].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
    report
}

fn evidence(report: &[u8], endorsement_key: &[u8]) -> Evidence {
    Evidence::AmdSevSnp {
        report: report.to_vec().try_into().unwrap(),
        endorsement_key: endorsement_key.to_vec().try_into().unwrap(),
        issuer: None,
    }
}

/// A server that has something under one address.
async fn server_of(target: String, body: Vec<u8>) -> Server {
    Server::start(move |asked, _| if asked == target { Reply::ok(body.clone()) } else { Reply::status(404) })
        .await
}

#[tokio::test]
async fn genuine_report_is_completed_with_its_genuine_certificate() {
    let vcek = file("sev-8.0.0/vcek_milan.der");
    let target = format!("/vcek/v1/Milan/{CHIP}?blSPL=3&teeSPL=0&snpSPL=8&ucodeSPL=115");
    let server = server_of(target, vcek.clone()).await;
    let completed = server.source().complete(evidence(&milan_report(), &[])).await.unwrap();
    assert_eq!(completed, evidence(&milan_report(), &vcek));
    // What is there is not asked for.
    assert_eq!(server.source().complete(completed.clone()).await.unwrap(), completed);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn report_that_does_not_name_its_product_is_asked_for_as_each_that_it_may_be() {
    let vcek = file("sev-8.0.0/vcek_milan.der");
    let target = format!("/vcek/v1/Genoa/{CHIP}?blSPL=3&teeSPL=0&snpSPL=8&ucodeSPL=115");
    let server = server_of(target, vcek.clone()).await;
    assert_eq!(server.source().endorsement_key(&milan_report()).await.unwrap().into_inner(), vcek);
    assert_eq!(server.asked().len(), 2);

    let nobody = Server::start(|_, _| Reply::status(404)).await;
    let error = nobody.source().endorsement_key(&milan_report()).await.unwrap_err();
    assert!(matches!(error, CollateralError::UnknownMachine { .. }), "{error:?}");
}

#[tokio::test]
async fn revocations_are_those_of_the_product_that_report_or_certificate_names() {
    let vcek = file("sev-8.0.0/vcek_milan.der");
    let server = Server::start(|_, _| Reply::ok(LIST)).await;
    for (report, key, product, name) in [
        (milan_report(), &vcek[..], Product::Milan, "Milan"),
        (report_of(0x19, 0x01), &[][..], Product::Milan, "Milan"),
        (report_of(0x19, 0x11), &[], Product::Genoa, "Genoa"),
        (report_of(0x19, 0xa0), &[], Product::Genoa, "Genoa"),
        (report_of(0x1a, 0x02), &vcek, Product::Turin, "Turin"),
        (report_of(0x1a, 0x11), &[], Product::Turin, "Turin"),
    ] {
        let documents = server.source().fetch(&evidence(&report, key)).await.unwrap();
        let list = LIST.to_vec().try_into().unwrap();
        assert_eq!(documents, [Document::AmdRevocations { product, list }]);
        assert_eq!(server.asked().last().unwrap(), &format!("/vcek/v1/{name}/crl"));
    }
    for key in [&[][..], b"no certificate"] {
        let error = server.source().fetch(&evidence(&milan_report(), key)).await.unwrap_err();
        assert!(error.to_string().contains("fetch the certificate first"), "{error}");
    }
}

#[tokio::test]
async fn parts_of_the_tcb_are_where_the_product_has_them() {
    let vcek = file("sev-8.0.0/vcek_milan.der");
    let short = &CHIP[..16];
    for (report, target) in [
        (report_of(0x19, 0x11), format!("Genoa/{CHIP}?blSPL=1&teeSPL=2&snpSPL=7&ucodeSPL=8")),
        (report_of(0x1a, 0x02), format!("Turin/{short}?fmcSPL=1&blSPL=2&teeSPL=3&snpSPL=4&ucodeSPL=8")),
    ] {
        let server = server_of(format!("/vcek/v1/{target}"), vcek.clone()).await;
        assert_eq!(server.source().endorsement_key(&report).await.unwrap().into_inner(), vcek);
    }
}

#[tokio::test]
async fn report_for_which_nothing_can_be_fetched_says_why_and_nobody_is_asked() {
    let source = common::source("http://127.0.0.1:1");
    let mut of_provider = milan_report();
    of_provider[0x48] = 1 << 2;
    let mut hidden = milan_report();
    hidden[0x1a0..0x1e0].fill(0);
    for (report, says) in [
        (of_provider, "VLEK"),
        (hidden, "does not name its chip"),
        (report_of(0x17, 0x31), "none of Milan, Genoa and Turin"),
        (milan_report()[..1183].to_vec(), "1184 bytes"),
        (Vec::new(), "1184 bytes"),
    ] {
        let error = source.endorsement_key(&report).await.unwrap_err();
        assert!(matches!(error, CollateralError::Evidence(_)), "{error:?}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn answers_that_are_no_certificate_or_no_list_are_refused() {
    let html = Server::start(|_, _| Reply::ok("<html>Sign in</html>")).await;
    let error = html.source().endorsement_key(&milan_report()).await.unwrap_err();
    assert!(error.to_string().contains("no certificate in DER"), "{error}");
    let error = html.source().fetch(&evidence(&report_of(0x1a, 2), &[])).await.unwrap_err();
    assert!(error.to_string().contains("no revocation list in DER"), "{error}");

    let long = Server::start(|_, _| Reply::ok(vec![0x30; 2049])).await;
    let error = long.source().endorsement_key(&milan_report()).await.unwrap_err();
    assert!(matches!(error, CollateralError::TooLong { bytes_max: 2048, .. }), "{error:?}");
}
