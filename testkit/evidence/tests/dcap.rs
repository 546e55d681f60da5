//! Another verifier of Intel's quotes, on all cases and on changed genuine quotes: what we believe, it believes as well, and
//! what it refuses, we refuse. Where we refuse more is said by name.

use dcap_qvl::{QuoteCollateralV3, configs::RustCryptoConfig, verify::QuoteVerifier};
use phala_attest::{Document, Facts};
use phala_testkit_evidence::{
    Forged as _,
    intel::{Forged, Kind, Story, cases},
};

fn collateral(documents: &[Document]) -> Option<QuoteCollateralV3> {
    let [
        Document::IntelRootRevocations(root),
        Document::IntelPckRevocations { list, certificates },
        Document::IntelTcbInfo(info),
        Document::IntelQeIdentity(identity),
    ] = documents
    else {
        return None;
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    Some(QuoteCollateralV3 {
        pck_crl_issuer_chain: text(certificates)?,
        root_ca_crl: root.to_vec(),
        pck_crl: list.to_vec(),
        tcb_info_issuer_chain: text(&info.certificates)?,
        tcb_info: text(&info.text)?,
        tcb_info_signature: info.signature.to_vec(),
        qe_identity_issuer_chain: text(&identity.certificates)?,
        qe_identity: text(&identity.text)?,
        qe_identity_signature: identity.signature.to_vec(),
        pck_certificate_chain: None,
    })
}

/// What the other verifier says: the status and the advisories, or why not.
fn other(forged: &Forged) -> Result<(String, Vec<String>), String> {
    let collateral = collateral(&forged.documents).ok_or("a document is missing")?;
    let verifier = QuoteVerifier::<RustCryptoConfig>::new_with_config(forged.root.clone());
    let report = verifier
        .verify(&forged.quote, &collateral, forged.now.value() / 1000)
        .map_err(|error| format!("{error:#}"))?;
    let mut advisories = report.advisory_ids;
    advisories.sort();
    Ok((report.status.to_string(), advisories))
}

/// The same of ours, before any policy.
fn ours(forged: &Forged) -> Result<(String, Vec<String>), String> {
    let claims = forged.claims().map_err(|error| format!("{error:?}"))?;
    let Facts::Intel(facts) = claims.facts else { return Err("not Intel's".into()) };
    let mut advisories = facts.standing.advisories.iter().map(ToString::to_string).collect::<Vec<_>>();
    advisories.sort();
    Ok((facts.standing.status.name().into(), advisories))
}

/// Whether we refuse a case on purpose that the other verifier leaves to its caller or reads in another way.
fn is_stricter(name: &str) -> bool {
    let stricter = [
        // Bytes after the quote.
        "a_zero_follows",
        "another_quote_follows",
        // The PCE id, which its caller is to compare.
        "another_pce",
        // Attributes beside DEBUG, which are its caller's.
        "enclave_is_not_initialized",
        "enclave_is_of_32_bits",
        "enclave_is_with_",
        "enclave_has_",
        "machine_is_a_provisioning_agent",
        "enclave_is_configured_by_its_host",
        // What certificates are for, by their names and key usage, and the dates of the root.
        "may_not_do_what_it_does",
        "may_not_sign_lists",
        "authority_is_none_of_intels",
        "signer_is_not_the_one_for_documents",
        "documents_are_signed_by_a_machine",
        "pck_is_signed_by_the_root_itself",
        "root_has_expired",
        "root_is_of_the_future",
        // That the chain in the quote ends in the root itself.
        "quote_is_of_another_root",
        // Dates of revocation lists that are yet to come.
        "_list_is_of_the_future",
        // Bounds, and documents that say a thing twice or in a way that is unknown.
        "has_too_many_",
        "has_an_endless_advisory",
        "tcb_info_compares_in_another_way",
        "tdx_module_is_there_twice",
        "pck_extension_has_a_byte_more",
        "qe_says_more_than_the_hash",
        // All fields of service TDs that the extended report has.
        "extended/has_a_service_td",
    ];
    stricter.iter().any(|it| name.contains(it))
}

#[test]
fn neither_believes_a_changed_quote() {
    for kind in Kind::ALL {
        let forged = Story::new(kind).finish();
        // A bit in every tenth byte, each time another one.
        for at in (0..forged.quote.len()).step_by(10) {
            let mut changed = forged.clone();
            changed.quote[at] ^= 1 << (at / 10 % 8);
            assert!(ours(&changed).is_err(), "{kind:?}: we believe byte {at}");
            // They do not look at types and forms around what is signed.
            let signed = forged.quote.len().min(432);
            assert!(other(&changed).is_err() || at >= signed, "{kind:?}: they believe byte {at}");
        }
    }
}

#[test]
fn both_believe_a_true_story_and_say_the_same_of_it() {
    for kind in Kind::ALL {
        let forged = Story::new(kind).finish();
        assert_eq!(other(&forged), ours(&forged), "{kind:?}");
        assert!(ours(&forged).is_ok(), "{kind:?}");
    }
}

#[test]
fn both_say_the_same_of_each_case_but_where_we_are_stricter() {
    let mut differences = Vec::new();
    let mut stricter = 0;
    for case in cases() {
        match (other(&case.forged), ours(&case.forged)) {
            (Ok(other), Ok(ours)) if other == ours => {}
            (Err(_), Err(_)) => {}
            (Ok(_), Err(_)) if is_stricter(&case.name) => stricter += 1,
            // They try the levels of a part in the document's order, we from the highest on.
            (Ok(other), Ok(ours)) if case.name == "levels_of_the_module_in_odd_order_do_not_help" => {
                assert_eq!((&*other.0, &*ours.0), ("UpToDate", "OutOfDate"));
            }
            (other, ours) => differences.push(format!("{}: they {other:?}, we {ours:?}", case.name)),
        }
    }
    assert!(differences.is_empty(), "{}:\n{}", differences.len(), differences.join("\n"));
    assert!(stricter > 0, "the list of what we do more is out of date");
}
