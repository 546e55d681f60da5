//! `phala attest`: evidence from a file, judged here.

use crate::{args::AttestArgs, context::Context, failure::advise, store::read_bounded};
use anyhow::{Context as _, Result};
use phala_attest::{
    AppraisalError, Check, Claims, Document, Documents, Evidence, Facts, Policy, SNP_REPORT_BYTES, amd,
    intel, verify, verify_document,
};
use phala_collateral::{Source, documents_from_json};
use phala_types::{Bytes, Millis, Untrusted, decode_exact, limits::EVIDENCE_BYTES_MAX};
use serde_json::{Value, json};
use std::{
    path::Path,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

/// Evidence in hexadecimal, with line breaks.
const FILE_BYTES_MAX: u64 = 4 * EVIDENCE_BYTES_MAX as u64;

pub async fn run(context: &Context, args: &AttestArgs) -> Result<ExitCode> {
    let now = match args.at {
        Some(seconds) => Millis::new(seconds.saturating_mul(1000)),
        None => now()?,
    };
    let mut evidence = evidence(&args.evidence, args.certificate.as_deref())?;
    let source = match &args.pccs {
        Some(url) => Source::of_pccs(url),
        None => Source::default(),
    };
    let documents = match &args.collateral {
        Some(path) => documents_from_json(&read_text(path)?)
            .with_context(|| format!("{} holds no documents", path.display()))?,
        None if args.offline => Vec::new(),
        None => {
            evidence = source.complete(evidence).await?;
            source.fetch(&evidence).await?
        }
    };
    let bytes = codec::Encode::encode(&evidence);

    let mut lines = vec![format!("evidence     {}, {} bytes", kind(&evidence), bytes.len())];
    let mut steps = Vec::new();
    let mut step = |what: String, result: Result<(), AppraisalError>| {
        steps.push(
            json!({ "what": what, "ok": result.is_ok(), "error": result.err().map(|it| it.to_string()) }),
        );
        lines.push(match result {
            Ok(()) => format!("ok           {what}"),
            Err(error) => format!("REFUSED      {what}: {error}"),
        });
        result
    };
    let mut known = Documents::default();
    let mut refused = false;
    for document in &documents {
        let verified = verify_document(Untrusted::new(document), &known, now);
        refused |= step(describe(document), verified.as_ref().map(|_| ()).map_err(|error| *error)).is_err();
        if let Ok(verified) = verified {
            known.keep(verified);
        }
    }
    let claims = verify(Untrusted::new(&bytes), &known, now);
    let verdict = claims.as_ref().map(|_| ()).map_err(|error| *error);
    refused |= step("the evidence is genuine".to_owned(), verdict).is_err();

    let mut json = json!({ "at_ms": now.value() });
    if let Ok(claims) = &claims {
        if let Some(path) = &args.policy {
            let policy: Policy = serde_json::from_str(&read_text(path)?)
                .with_context(|| format!("{} is no policy", path.display()))?;
            for Check { what, result } in policy.judge(claims, now) {
                refused |= step(what.to_owned(), result).is_err();
            }
        }
        let facts = facts(claims);
        lines.extend(facts.iter().map(|(name, value)| format!("{name:<12} {value}")));
        json["claims"] =
            facts.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    }
    let verdict = match (refused, &args.policy) {
        (true, _) => "refused",
        (false, Some(_)) => "admitted by the policy",
        (false, None) => "genuine; no policy was asked (--policy FILE)",
    };
    lines.push(format!("verdict      {verdict}"));
    json["steps"] = Value::from(steps);
    json["refused"] = refused.into();
    context.print(lines.join("\n"), json);
    Ok(if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn now() -> Result<Millis> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    Ok(Millis::new(u64::try_from(since.as_millis())?))
}

fn read_text(path: &Path) -> Result<String> {
    let bytes =
        read_bounded(path, 1024 * 1024)?.with_context(|| format!("there is no file {}", path.display()))?;
    String::from_utf8(bytes).with_context(|| format!("{} is no text", path.display()))
}

/// Evidence in any form in which tools write it: SCALE as the chain takes it, a quote, a report, a document of AWS's; as bytes
/// or in hexadecimal.
fn evidence(path: &Path, certificate: Option<&Path>) -> Result<Evidence> {
    let bytes = read_bounded(path, FILE_BYTES_MAX)?
        .with_context(|| format!("there is no file {}", path.display()))?;
    let text = core::str::from_utf8(&bytes).map(str::trim).unwrap_or_default();
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let bytes = hex::decode(digits).ok().filter(|it| !it.is_empty()).unwrap_or(bytes);
    let certificate = match certificate {
        Some(path) => read_bounded(path, EVIDENCE_BYTES_MAX.into())?
            .with_context(|| format!("there is no file {}", path.display()))?,
        None => Vec::new(),
    };
    guess(bytes, certificate).ok_or_else(|| {
        advise(
            format!("{} is no evidence that is known here", path.display()),
            "a quote of Intel SGX or TDX, a report of AMD SEV-SNP, a document of AWS Nitro, or SCALE of one",
        )
    })
}

fn guess(bytes: Vec<u8>, certificate: Vec<u8>) -> Option<Evidence> {
    if let Ok(evidence) = decode_exact::<Evidence>(&bytes) {
        return Some(evidence);
    }
    match bytes.get(..4)? {
        // Version, and ECDSA over P-256.
        [3..=5, 0, 2, 0] => Some(Evidence::Intel(bounded(intel::without_padding(&bytes).to_vec())?)),
        [2..=5, 0, 0, 0] if bytes.len() == SNP_REPORT_BYTES => Some(Evidence::AmdSevSnp {
            report: bounded(bytes)?,
            endorsement_key: bounded(certificate)?,
            issuer: None,
        }),
        // A list of four, perhaps behind the tag of COSE_Sign1.
        [0x84, ..] | [0xd2, 0x84, ..] => Some(Evidence::AwsNitro(bounded(bytes)?)),
        _ => None,
    }
}

fn bounded<const N: u32>(bytes: Vec<u8>) -> Option<Bytes<N>> {
    bytes.try_into().ok()
}

fn kind(evidence: &Evidence) -> &'static str {
    match evidence {
        Evidence::Simulated(_) => "a quote of the SIMULATED platform",
        Evidence::Intel(_) => "a quote of Intel",
        Evidence::AmdSevSnp { .. } => "a report of AMD SEV-SNP",
        Evidence::AwsNitro(_) => "a document of AWS Nitro",
    }
}

fn describe(document: &Document) -> String {
    match document {
        Document::IntelRootRevocations(_) => "the revocation list of Intel's root".to_owned(),
        Document::IntelPckRevocations { .. } => "the revocation list of the machine's CA".to_owned(),
        Document::IntelTcbInfo(_) => "Intel's TCB information".to_owned(),
        Document::IntelQeIdentity(_) => "Intel's identity of the quoting enclave".to_owned(),
        Document::AmdRevocations { product, .. } => {
            format!("the revocation list of AMD's root of {product:?}")
        }
    }
}

/// What genuine evidence says, as names and values.
fn facts(claims: &Claims) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("attested as", claims.tier.to_string()),
        ("measurement", claims.measurement.to_string()),
        ("report data", format!("0x{}", hex::encode(claims.report_data))),
        ("machine", claims.machine.to_string()),
        ("until", format!("{} s since 1970", claims.valid_until.value() / 1000)),
    ];
    match &claims.facts {
        Facts::Simulated => facts.push(("protection", "none: its operator can read everything".to_owned())),
        Facts::Intel(of) => {
            let advisories = of.standing.advisories.iter().map(ToString::to_string).collect::<Vec<_>>();
            facts.push(("TCB status", of.standing.status.name().to_owned()));
            facts.push((
                "advisories",
                if advisories.is_empty() { "none".to_owned() } else { advisories.join(", ") },
            ));
            facts.push(("FMSPC", of.fmspc.to_string()));
            facts.push(("evaluation", of.evaluation.to_string()));
            let settings =
                [("SMT", of.has_smt), ("cached keys", of.has_cached_keys), ("dynamic", of.is_dynamic)];
            facts.push(("settings", settings.map(|(name, fact)| tell(name, fact)).join(", ")));
            match &of.report {
                intel::Report::Sgx(report) => {
                    facts.push(("MRENCLAVE", hex::encode(report.measurement)));
                    facts.push(("MRSIGNER", hex::encode(report.signer)));
                    facts.push(("product", format!("{}, SVN {}", report.product, report.isv_svn)));
                    facts.push(("XFRM", format!("{:#x}", report.xfrm)));
                }
                intel::Report::Tdx(report) => {
                    let names =
                        ["MRTD", "MRCONFIGID", "MROWNER", "MROWNERCFG", "RTMR0", "RTMR1", "RTMR2", "RTMR3"];
                    facts.extend(names.into_iter().zip(report.registers.map(hex::encode)));
                    facts.push(("attributes", format!("{:#x}", report.attributes)));
                    facts.push(("XFAM", format!("{:#x}", report.xfam)));
                }
            }
        }
        Facts::AmdSevSnp(of) => facts.extend(amd_facts(of)),
        Facts::AwsNitro(of) => {
            facts.push(("enclave", of.module_id.clone()));
            facts.push(("made", format!("{} s since 1970", of.timestamp.value() / 1000)));
            const NAMES: [&str; 9] = ["PCR0", "PCR1", "PCR2", "PCR3", "PCR4", "PCR5", "PCR6", "PCR7", "PCR8"];
            let named = NAMES.into_iter().zip(0u8..);
            facts.extend(
                named.filter_map(|(name, number)| Some((name, hex::encode(of.registers.get(&number)?)))),
            );
        }
    }
    facts
}

fn amd_facts(of: &amd::Facts) -> Vec<(&'static str, String)> {
    let version = |tcb: &amd::Tcb| {
        let amd::Tcb { fmc, boot_loader, tee, snp, microcode } = tcb;
        format!("boot loader {boot_loader}, TEE {tee}, SNP {snp}, microcode {microcode}, FMC {fmc}")
    };
    let owner = match &of.owner {
        amd::Owner::Chip(_) => "of the chip (VCEK)".to_owned(),
        amd::Owner::Cloud(name) => format!("of the cloud {name} (VLEK)"),
    };
    vec![
        ("product", format!("{:?}, report version {}", of.product, of.report.version)),
        ("key", owner),
        ("launch", hex::encode(of.report.measurement)),
        ("host data", hex::encode(of.report.host_data)),
        ("chip", hex::encode(of.report.chip_id)),
        ("policy", format!("{:#x}, VMPL {}", of.report.policy, of.report.vmpl)),
        ("platform", format!("{:#x}", of.report.platform)),
        ("reported", version(&of.reported)),
        ("current", version(&of.current)),
        ("committed", version(&of.committed)),
        ("launched", version(&of.launch)),
    ]
}

fn tell(name: &str, fact: Option<bool>) -> String {
    match fact {
        Some(true) => format!("{name} yes"),
        Some(false) => format!("{name} no"),
        None => format!("{name} not said"),
    }
}
