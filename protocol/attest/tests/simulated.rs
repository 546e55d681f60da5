//! What a simulated quote has to be, and what becomes of one that is not.

use codec::{Decode, Encode};
use der::{DecodePem, Encode as _, asn1::OctetString};
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use phala_attest::{
    AppraisalError,
    AppraisalError::*,
    Documents, Evidence, Measurements, Policy, SimulatedPolicy, Verified, appraise, appraise_registration,
    danger_simulated::{
        Draft, Machine, PlatformClaims, Template, VALID_FROM_SECONDS, VALID_UNTIL_SECONDS, derive_key,
        intermediate_certificate, intermediate_key, pem, root_certificate, root_key, sgx_extension,
    },
    report_data,
};
use phala_types::{
    AccountId, BlockHash, BlockNumber, BlockRef, Digest, GenesisHash, List, Millis, Untrusted, WorkerId,
    limits::EVIDENCE_BYTES_MAX,
    relay::Blame,
    worker::{Registration, Role, Tier},
};
use x509_cert::{
    Certificate,
    ext::{
        Extension,
        pkix::{KeyUsage, KeyUsages},
    },
};

/// 2026-11-22.
const NOW: Millis = Millis::new(1_795_305_600_000);
const MEASUREMENT: [u8; 32] = [5; 32];
const REPORT_DATA: [u8; 64] = [7; 64];

fn machine() -> Machine {
    Machine::new(&[1; 32]).unwrap()
}

fn draft() -> Draft {
    machine().draft(MEASUREMENT, REPORT_DATA).unwrap()
}

fn quote() -> Vec<u8> {
    static QUOTE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    QUOTE.get_or_init(|| draft().finish(&machine()).unwrap()).clone()
}

fn development() -> Policy {
    Policy { simulated: Some(SimulatedPolicy { measurements: Measurements::DangerAny }), ..Policy::default() }
}

fn evidence(quote: Vec<u8>) -> Vec<u8> {
    Evidence::Simulated(quote.try_into().unwrap()).encode()
}

fn appraise_at(quote: Vec<u8>, now: Millis) -> Result<Verified, AppraisalError> {
    appraise(Untrusted::new(&evidence(quote)), &Documents::default(), &development(), now)
}

/// Spoils a quote before it is signed.
fn spoiled(spoil: impl FnOnce(&mut Draft)) -> Result<Verified, AppraisalError> {
    let mut draft = draft();
    spoil(&mut draft);
    appraise_at(draft.finish(&machine()).unwrap(), NOW)
}

/// Flips a bit of a quote after it was signed.
fn flipped(at: usize) -> Result<Verified, AppraisalError> {
    let mut quote = quote();
    quote[at] ^= 0x04;
    appraise_at(quote, NOW)
}

fn registration() -> Registration {
    Registration {
        genesis: GenesisHash::new([1; 32]),
        worker: WorkerId::new([2; 32]),
        role: Role::Miner,
        hpke_key: [3; 32],
        operator: AccountId::new([4; 32]),
        endpoint: b"http://localhost:8000".to_vec().try_into().unwrap(),
        anchor: BlockRef { number: BlockNumber::new(5), hash: BlockHash::new([6; 32]) },
    }
}

// Where things are in a quote.
const AUTHENTICATION: usize = 48 + 384 + 4;
const ATTESTATION_KEY: usize = AUTHENTICATION + 64;
const QE_REPORT: usize = ATTESTATION_KEY + 64;
const QE_SIGNATURE: usize = QE_REPORT + 384;
const QE_AUTHENTICATION: usize = QE_SIGNATURE + 64;

#[test]
fn development_policy_admits_a_simulated_quote() {
    let bytes = evidence(quote());
    let verified = appraise(Untrusted::new(&bytes), &Documents::default(), &development(), NOW).unwrap();
    assert_eq!(verified.tier(), Tier::Simulated);
    assert_eq!(verified.measurement(), Digest::new(MEASUREMENT));
    assert_eq!(verified.report_data(), &REPORT_DATA);
    assert_eq!(verified.machine(), phala_attest::machine(Tier::Simulated, &machine().instance()));
    assert_eq!(verified.attestation(), Digest::new(sp_crypto_hashing::blake2_256(&bytes)));
    assert_eq!(machine().evidence(MEASUREMENT, REPORT_DATA).unwrap(), bytes);
}

#[test]
fn default_policy_admits_nobody() {
    let result = appraise(Untrusted::new(&evidence(quote())), &Documents::default(), &Policy::default(), NOW);
    assert_eq!(result, Err(TierNotAdmitted));
}

#[test]
fn policy_admits_only_its_measurements() {
    let policy = |list: Vec<Digest>| Policy {
        simulated: Some(SimulatedPolicy { measurements: Measurements::OneOf(list.try_into().unwrap()) }),
        ..Policy::default()
    };
    let check = |policy: Policy| {
        appraise(Untrusted::new(&evidence(quote())), &Documents::default(), &policy, NOW).map(|_| ())
    };
    assert_eq!(check(policy(vec![Digest::new(MEASUREMENT)])), Ok(()));
    assert_eq!(check(policy(vec![Digest::new([6; 32])])), Err(MeasurementNotAdmitted));
    assert_eq!(check(policy(vec![])), Err(MeasurementNotAdmitted));
    assert!(!Measurements::OneOf(List::default()).admit(&Digest::new(MEASUREMENT)));
}

#[test]
fn evidence_vouches_for_one_registration() {
    let bytes = machine().evidence(MEASUREMENT, report_data(&registration())).unwrap();
    let check = |registration: &Registration| {
        appraise_registration(
            registration,
            Untrusted::new(&bytes),
            &Documents::default(),
            &development(),
            NOW,
        )
        .map(|v| v.tier())
    };
    assert_eq!(check(&registration()), Ok(Tier::Simulated));
    let changed: [fn(&mut Registration); 6] = [
        |r| r.genesis = GenesisHash::new([9; 32]),
        |r| r.worker = WorkerId::new([9; 32]),
        |r| r.hpke_key = [9; 32],
        |r| r.operator = AccountId::new([9; 32]),
        |r| r.endpoint = Default::default(),
        |r| r.anchor.number = BlockNumber::new(9),
    ];
    for change in changed {
        let mut other = registration();
        change(&mut other);
        assert_eq!(check(&other), Err(ReportDataMismatch));
    }
}

#[test]
fn evidence_is_exactly_one_message() {
    let check = |bytes: &[u8]| {
        appraise(Untrusted::new(bytes), &Documents::default(), &development(), NOW).map(|_| ())
    };
    let good = evidence(quote());
    assert_eq!(check(&[]), Err(MalformedEvidence));
    assert_eq!(check(&[&good[..], &[0]].concat()), Err(MalformedEvidence));
    assert_eq!(check(&[&[1], &good[1..]].concat()), Err(TierNotAdmitted));
    assert_eq!(check(&[&[9], &good[1..]].concat()), Err(MalformedEvidence));
    assert_eq!(check(&vec![0; EVIDENCE_BYTES_MAX as usize + 1]), Err(EvidenceTooLong));
    assert_eq!(good[0], 0, "the index of the simulated kind is part of the format");
    assert!(Evidence::decode(&mut &good[..]).is_ok());
}

#[test]
fn truncated_quote_is_refused_at_each_length() {
    let quote = quote();
    for length in 0..quote.len() {
        let result = appraise_at(quote[..length].to_vec(), NOW);
        assert_eq!(result, Err(Truncated), "at {length}");
    }
}

#[test]
fn quote_with_trailing_bytes_is_refused() {
    let quote = quote();
    assert_eq!(appraise_at([&quote[..], &[0]].concat(), NOW), Err(TrailingBytes));
    // The same within the authentication data.
    let mut longer = [&quote[..], &[0]].concat();
    let length = u32::from_le_bytes(longer[432..436].try_into().unwrap()) + 1;
    longer[432..436].copy_from_slice(&length.to_le_bytes());
    assert_eq!(appraise_at(longer, NOW), Err(TrailingBytes));
}

#[test]
fn quote_of_another_kind_is_refused() {
    // Version, key type, TEE type, vendor.
    for at in [0, 2, 4, 12] {
        assert_eq!(spoiled(|draft| draft.header[at] ^= 1), Err(UnsupportedQuote), "at {at}");
    }
    assert_eq!(spoiled(|draft| draft.certification_type = 1), Err(UnsupportedQuote));
}

#[test]
fn simulated_quote_without_its_marks_is_refused() {
    assert_eq!(spoiled(|draft| draft.header[28] = b's'), Err(NotMarkedSimulated));
    assert_eq!(spoiled(|draft| draft.report[48] &= !2), Err(NotDebug));
}

#[test]
fn flipped_bit_is_refused_wherever_it_is_signed() {
    // Header and body: what their signature covers, except where an earlier rule looks.
    for at in (8..12).chain(48..432) {
        assert_eq!(flipped(at).map(|_| ()), Err(QuoteSignature), "at {at}");
    }
    for at in AUTHENTICATION..ATTESTATION_KEY {
        assert_eq!(flipped(at).map(|_| ()), Err(QuoteSignature), "at {at}");
    }
    for at in ATTESTATION_KEY..QE_REPORT {
        assert_eq!(flipped(at).map(|_| ()), Err(AttestationKeyNotBound), "at {at}");
    }
    for at in QE_REPORT..QE_AUTHENTICATION {
        assert_eq!(flipped(at).map(|_| ()), Err(QuotingEnclaveSignature), "at {at}");
    }
    for at in QE_AUTHENTICATION + 2..QE_AUTHENTICATION + 34 {
        assert_eq!(flipped(at).map(|_| ()), Err(AttestationKeyNotBound), "at {at}");
    }
}

#[test]
fn flipped_bit_in_the_rest_is_refused() {
    let length = quote().len();
    let rest = (0..8).chain(12..48).chain(QE_AUTHENTICATION..QE_AUTHENTICATION + 2);
    for at in rest.chain((QE_AUTHENTICATION + 34..length).step_by(7)) {
        assert!(flipped(at).is_err(), "at {at}");
    }
}

#[test]
fn attestation_key_has_to_be_the_one_that_the_quoting_enclave_vouches_for() {
    // A key that is not a point, but vouched for.
    let result = spoiled(|draft| {
        draft.attestation_key = vec![0xff; 64];
        rebind(draft);
    });
    assert_eq!(result, Err(MalformedAttestationKey));
    // Another point, vouched for: the signature is not its.
    let other =
        derive_key(b"other", "key").unwrap().verifying_key().to_sec1_point(false).as_bytes()[1..].to_vec();
    let result = spoiled(|draft| {
        draft.attestation_key = other.clone();
        rebind(draft);
    });
    assert_eq!(result, Err(QuoteSignature));
    // Another point, not vouched for.
    assert_eq!(spoiled(|draft| draft.attestation_key = other), Err(AttestationKeyNotBound));
    // Something after the hash in the report data.
    assert_eq!(spoiled(|draft| draft.qe_report[383] = 1), Err(AttestationKeyNotBound));
}

fn rebind(draft: &mut Draft) {
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest([&draft.attestation_key[..], &draft.qe_authentication].concat());
    draft.qe_report[320..352].copy_from_slice(&hash);
}

#[test]
fn only_the_simulated_quoting_enclave_vouches() {
    // MRSIGNER, ISVPRODID, DEBUG.
    for (at, mask) in [(128, 1), (256, 2), (48, 2)] {
        let result = spoiled(|draft| draft.qe_report[at] ^= mask);
        assert_eq!(result, Err(ForeignQuotingEnclave), "at {at}");
    }
}

#[test]
fn certificates_are_valid_for_their_time_only() {
    let at =
        |seconds: u64, millis: u64| appraise_at(quote(), Millis::new(seconds * 1000 + millis)).map(|_| ());
    assert_eq!(at(VALID_FROM_SECONDS - 1, 999), Err(CertificateNotYetValid));
    assert_eq!(at(VALID_FROM_SECONDS, 0), Ok(()));
    assert_eq!(at(VALID_UNTIL_SECONDS, 0), Ok(()));
    assert_eq!(at(VALID_UNTIL_SECONDS, 1), Err(CertificateExpired));
    assert_eq!(appraise_at(quote(), Millis::new(u64::MAX)), Err(CertificateExpired));
    assert_eq!(appraise_at(quote(), Millis::new(0)), Err(CertificateNotYetValid));
}

/// A quote with the chain of `leaf` and `intermediate` and the true root.
fn with_chain(leaf: Certificate, intermediate: Certificate) -> Result<Verified, AppraisalError> {
    let chain = pem(&[leaf, intermediate, root_certificate().unwrap()]).unwrap();
    spoiled(|draft| draft.certificates = chain)
}

fn leaf(change: impl FnOnce(&mut Template)) -> Certificate {
    let mut template = machine().certificate_template().unwrap();
    change(&mut template);
    template.sign(machine().platform_key(), &intermediate_key().unwrap()).unwrap()
}

fn intermediate(change: impl FnOnce(&mut Template)) -> Certificate {
    let good = intermediate_certificate().unwrap();
    let tbs = good.tbs_certificate();
    let mut template = Template::issuer(&tbs.subject().to_string(), &tbs.issuer().to_string(), 2);
    change(&mut template);
    template.sign(&intermediate_key().unwrap(), &root_key().unwrap()).unwrap()
}

#[test]
fn chain_of_other_dates_is_refused() {
    let now = NOW.value() / 1000;
    assert!(with_chain(leaf(|_| ()), intermediate(|_| ())).is_ok());
    let result = with_chain(leaf(|leaf| leaf.valid_until_seconds = now - 1), intermediate(|_| ()));
    assert_eq!(result, Err(CertificateExpired));
    let result = with_chain(leaf(|_| ()), intermediate(|ca| ca.valid_from_seconds = now + 1));
    assert_eq!(result, Err(CertificateNotYetValid));
}

#[test]
fn chain_under_another_root_is_refused() {
    // The same names, other keys.
    let (root, ca) = (derive_key(b"other", "root").unwrap(), derive_key(b"other", "ca").unwrap());
    let name = root_certificate().unwrap().tbs_certificate().subject().to_string();
    let ca_name = intermediate_certificate().unwrap().tbs_certificate().subject().to_string();
    let foreign_root = Template::issuer(&name, &name, 1).sign(&root, &root).unwrap();
    let foreign_ca = Template::issuer(&ca_name, &name, 2).sign(&ca, &root).unwrap();
    let foreign_leaf = machine().certificate_template().unwrap().sign(machine().platform_key(), &ca).unwrap();

    let chain = pem(&[foreign_leaf.clone(), foreign_ca.clone(), foreign_root]).unwrap();
    assert_eq!(spoiled(|draft| draft.certificates = chain), Err(ForeignRoot));
    // The true root on top of a foreign intermediate, and the true intermediate on top of a foreign leaf.
    assert_eq!(with_chain(foreign_leaf.clone(), foreign_ca), Err(CertificateSignature));
    assert_eq!(with_chain(foreign_leaf, intermediate(|_| ())), Err(CertificateSignature));
}

#[test]
fn chain_with_other_names_is_refused() {
    let result = with_chain(leaf(|leaf| leaf.issuer = "CN=Somebody".into()), intermediate(|_| ()));
    assert_eq!(result, Err(WrongIssuer));
    let result = with_chain(leaf(|_| ()), intermediate(|ca| ca.issuer = "CN=Somebody".into()));
    assert_eq!(result, Err(WrongIssuer));
}

#[test]
fn certificate_is_used_only_for_what_it_is_for() {
    let result = with_chain(leaf(|leaf| leaf.is_ca = true), intermediate(|_| ()));
    assert_eq!(result, Err(CertificateMisused));
    let signs = KeyUsage(KeyUsages::KeyCertSign.into());
    let result = with_chain(leaf(|leaf| leaf.usage = signs), intermediate(|_| ()));
    assert_eq!(result, Err(CertificateMisused));
    let result = with_chain(leaf(|_| ()), intermediate(|ca| ca.is_ca = false));
    assert_eq!(result, Err(CertificateMisused));
    let result =
        with_chain(leaf(|_| ()), intermediate(|ca| ca.usage = KeyUsage(KeyUsages::DigitalSignature.into())));
    assert_eq!(result, Err(CertificateMisused));
}

#[test]
fn unknown_critical_extension_is_refused() {
    let unknown = |critical| Extension {
        extn_id: "1.3.6.1.4.1.32473.1".parse().unwrap(),
        critical,
        extn_value: OctetString::new([5, 0]).unwrap(),
    };
    let result = with_chain(leaf(|leaf| leaf.extensions.push(unknown(true))), intermediate(|_| ()));
    assert_eq!(result, Err(UnsupportedCertificate));
    assert!(with_chain(leaf(|leaf| leaf.extensions.push(unknown(false))), intermediate(|_| ())).is_ok());
}

#[test]
fn platform_has_to_be_a_simulated_one() {
    let with = |extensions| with_chain(leaf(|leaf| leaf.extensions = extensions), intermediate(|_| ()));
    let good = sgx_extension(&PlatformClaims::simulated([1; 16])).unwrap();
    let name = phala_attest::machine(Tier::Simulated, &[1; 16]);
    assert_eq!(with(vec![good.clone()]).unwrap().machine(), name);
    let foreign = PlatformClaims { fmspc: [0, 0x90, 0x6e, 0xd5, 0, 0], ..PlatformClaims::simulated([1; 16]) };
    assert_eq!(with(vec![]), Err(MalformedPlatform));
    assert_eq!(with(vec![good.clone(), good.clone()]), Err(MalformedPlatform));
    assert_eq!(with(vec![sgx_extension(&foreign).unwrap()]), Err(ForeignPlatform));
    let truncated = OctetString::new(&good.extn_value.as_bytes()[..40]).unwrap();
    assert_eq!(with(vec![Extension { extn_value: truncated, ..good }]), Err(MalformedPlatform));
}

#[test]
fn chain_is_exactly_three_certificates() {
    let chain = String::from_utf8(draft().certificates).unwrap();
    let with = |text: String| spoiled(|draft| draft.certificates = text.into_bytes()).map(|_| ());
    let end = "-----END CERTIFICATE-----\n";
    let two = chain.split_inclusive(end).take(2).collect::<String>();
    assert_eq!(with(chain.clone()), Ok(()));
    for bad in [
        String::new(),
        two,
        format!("{chain}{chain}"),
        format!("{chain}\n"),
        format!("\n{chain}"),
        chain.replace(end, &format!("{end}\n")),
        chain.replace("CERTIFICATE", "CERT"),
        chain.replacen("MII", "MI!", 1),
    ] {
        assert_eq!(with(bad.clone()), Err(MalformedCertificates), "{bad}");
    }
}

#[test]
fn certificate_of_another_algorithm_is_refused() {
    // ecdsa-with-SHA256 becomes ecdsa-with-SHA384, inside and outside, signed anew.
    let der = machine().certificate_template().unwrap();
    let der = der.sign(machine().platform_key(), &intermediate_key().unwrap()).unwrap().to_der().unwrap();
    let sha256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    let mut changed = der.clone();
    for at in 0..changed.len() - 8 {
        if changed[at..at + 8] == sha256 {
            changed[at + 7] = 0x03;
        }
    }
    assert_ne!(changed, der);
    let certificate = <Certificate as der::Decode>::from_der(&changed).unwrap();
    assert_eq!(with_chain(certificate, intermediate(|_| ())), Err(UnsupportedCertificate));
}

#[test]
fn flipped_bit_in_a_certificate_is_refused() {
    let chain = draft().certificates;
    for (index, part) in
        String::from_utf8(chain).unwrap().split_inclusive("-----END CERTIFICATE-----\n").enumerate()
    {
        let der = Certificate::from_pem(part).unwrap().to_der().unwrap();
        for at in (0..der.len()).step_by(3) {
            let mut flipped = der.clone();
            flipped[at] ^= 1;
            let Ok(certificate) = <Certificate as der::Decode>::from_der(&flipped) else { continue };
            if certificate.to_der().unwrap() == der {
                continue;
            }
            let mut certificates = [leaf(|_| ()), intermediate(|_| ()), root_certificate().unwrap()];
            certificates[index] = certificate;
            let Ok(chain) = pem(&certificates) else { continue };
            assert!(spoiled(|draft| draft.certificates = chain).is_err(), "certificate {index} at {at}");
        }
    }
}

#[test]
fn quote_signed_by_another_machine_is_refused() {
    let other = Machine::new(&[2; 32]).unwrap();
    assert_ne!(other.instance(), machine().instance());
    let quote = draft().finish(&other).unwrap();
    assert_eq!(appraise_at(quote, NOW), Err(QuotingEnclaveSignature));
}

#[test]
fn genuine_quote_of_intel_is_not_a_simulated_one() {
    let genuine = include_bytes!("../../../vectors/evidence/dcap-qvl-0.7.1/sgx_quote");
    assert_eq!(appraise_at(genuine.to_vec(), NOW), Err(NotMarkedSimulated));
    // Not even with its marks forged.
    let mut forged = genuine.to_vec();
    forged[28..48].copy_from_slice(b"SOFTWARE-TEE-DEVONLY");
    assert_eq!(appraise_at(forged.clone(), NOW), Err(NotDebug));
    forged[48 + 48] |= 2;
    assert_eq!(appraise_at(forged, NOW), Err(ForeignRoot));
}

#[test]
fn chain_of_intel_is_foreign() {
    let genuine = include_bytes!("../../../vectors/evidence/dcap-qvl-0.7.1/sgx_quote");
    let at = genuine.windows(11).position(|window| window == b"-----BEGIN ").unwrap();
    let chain = genuine[at..].strip_suffix(&[0]).unwrap().to_vec();
    assert_eq!(spoiled(|draft| draft.certificates = chain), Err(ForeignRoot));
}

#[test]
fn inner_length_that_does_not_fit_is_refused() {
    // The PEM reader of der 0.8 takes a certificate whose inner sequence claims a byte more than it has.
    let chain = String::from_utf8(draft().certificates).unwrap();
    let (first, rest) = chain.split_once('\n').unwrap();
    let mut der = leaf(|_| ()).to_der().unwrap();
    der[7] ^= 1;
    let leaf = der::pem::encode_string("CERTIFICATE", der::pem::LineEnding::LF, &der).unwrap();
    assert!(Certificate::from_pem(&leaf).is_ok(), "if this fails, the comparison is not needed any more");
    let (_, others) = rest.split_once("-----END CERTIFICATE-----\n").unwrap();
    assert_eq!(first, "-----BEGIN CERTIFICATE-----");
    let text = leaf + others;
    assert_eq!(spoiled(|draft| draft.certificates = text.into_bytes()), Err(MalformedCertificates));
}

#[test]
fn signatures_are_deterministic_so_that_a_machine_repeats_itself() {
    assert_eq!(quote(), quote());
    let key: SigningKey = root_key().unwrap();
    let (a, b): (Signature, Signature) = (key.sign(b"x"), key.sign(b"x"));
    assert_eq!(a, b);
}

#[test]
fn each_error_says_whose_fault_it_is() {
    for error in AppraisalError::ALL {
        assert!(error.blame() != Blame::Halted);
        assert!(!error.to_string().is_empty());
    }
}
