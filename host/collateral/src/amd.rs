//! AMD's documents: which to ask for, as a report says.

use crate::{
    CollateralError, Source,
    http::{Answer, Session},
    intel::{is_der, revocation_list},
};
use der::{Decode as _, asn1::ObjectIdentifier};
use phala_attest::{CERTIFICATE_BYTES_MAX, Document, amd::Product, intel::DOCUMENT_BYTES_MAX};
use phala_types::Bytes;
use x509_cert::Certificate;

const TRUNCATED: &str = "the report is too short: one of AMD's has 1184 bytes";
const UNKNOWN_PRODUCT: &str = "it is of a processor that is none of Milan, Genoa and Turin";
const UNNAMED_PRODUCT: &str = "a report of version 2 does not name its processor, and no certificate of Milan's, \
                               Genoa's or Turin's is with it; fetch the certificate first";
const FOREIGN_KEY: &str = "the report is not signed by a key of the chip (VCEK); if it is by one of a provider's (VLEK), \
                           take the certificate from the extended report that the machine gives out";
const HIDDEN_CHIP: &str = "the report does not name its chip; let the host's settings show it, or take the certificate \
                           from the extended report that the machine gives out";

/// Fetches the revocation list of a product's root.
pub async fn fetch_revocations(
    source: &Source,
    session: &Session,
    product: Product,
) -> Result<Document, CollateralError> {
    let url = format!("{}/vcek/v1/{}/crl", source.amd.trim_end_matches('/'), name(product));
    let answer = session.get(&url, DOCUMENT_BYTES_MAX as usize).await?;
    Ok(Document::AmdRevocations { product, list: revocation_list(&answer)? })
}

/// Fetches the certificate of the key that signed a report.
pub async fn fetch_endorsement_key(
    source: &Source,
    session: &Session,
    report: &[u8],
) -> Result<Bytes<CERTIFICATE_BYTES_MAX>, CollateralError> {
    let report = Report::read(report)?;
    let products = match report.product()? {
        Some(product) => vec![product],
        // Turin's reports are newer.
        None => vec![Product::Milan, Product::Genoa],
    };
    let mut result = Err(CollateralError::Evidence(UNKNOWN_PRODUCT));
    for product in products {
        let url = format!("{}/vcek/v1/{}", source.amd.trim_end_matches('/'), report.path(product)?);
        let answer = session.get(&url, CERTIFICATE_BYTES_MAX as usize).await;
        result = match answer.map_err(CollateralError::about_a_machine) {
            Ok(answer) => return certificate(answer),
            Err(unknown @ CollateralError::UnknownMachine { .. }) => Err(unknown),
            Err(other) => return Err(other),
        };
    }
    result
}

fn certificate(answer: Answer) -> Result<Bytes<CERTIFICATE_BYTES_MAX>, CollateralError> {
    if !is_der(&answer.body) {
        return Err(answer.malformed("is no certificate in DER"));
    }
    let Answer { url, body, .. } = answer;
    let bytes_max = CERTIFICATE_BYTES_MAX as usize;
    body.try_into().map_err(|_| CollateralError::TooLong { url, bytes_max })
}

/// Of which product a report is, as it says or as the certificate that is with it.
pub fn product(report: &[u8], endorsement_key: &[u8]) -> Result<Product, CollateralError> {
    match Report::read(report)?.product()? {
        Some(product) => Ok(product),
        None => issuer(endorsement_key).ok_or(CollateralError::Evidence(UNNAMED_PRODUCT)),
    }
}

/// What AMD's service calls a product.
fn name(product: Product) -> &'static str {
    match product {
        Product::Milan => "Milan",
        Product::Genoa => "Genoa",
        Product::Turin => "Turin",
    }
}

/// Whose certificate it is, as it says: its issuer is named after the product.
fn issuer(certificate: &[u8]) -> Option<Product> {
    const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
    let certificate = Certificate::from_der(certificate).ok()?;
    let issuer = certificate.tbs_certificate().issuer();
    let value = issuer
        .iter_rdn()
        .flat_map(|part| part.as_ref().iter())
        .find(|attribute| attribute.oid == COMMON_NAME)?
        .value
        .value();
    [Product::Milan, Product::Genoa, Product::Turin].into_iter().find(|product| {
        let name = name(*product);
        value == format!("SEV-{name}").as_bytes() || value == format!("SEV-VLEK-{name}").as_bytes()
    })
}

/// What a report says of its machine.
struct Report {
    version: u32,
    signing_key: u8,
    reported_tcb: [u8; 8],
    family: u8,
    model: u8,
    chip_id: [u8; 64],
}

impl Report {
    fn read(report: &[u8]) -> Result<Self, CollateralError> {
        if report.len() != phala_attest::SNP_REPORT_BYTES {
            return Err(CollateralError::Evidence(TRUNCATED));
        }
        let [flags, ..] = at::<4>(report, 0x48)?;
        let [family, model] = at(report, 0x188)?;
        Ok(Self {
            version: u32::from_le_bytes(at(report, 0)?),
            // Which key, in three bits after whether there is an author's and whether the chip's is masked.
            signing_key: (flags >> 2) & 0b111,
            reported_tcb: at(report, 0x180)?,
            family,
            model,
            chip_id: at(report, 0x1a0)?,
        })
    }

    /// Of which product it is: versions before 3 do not say it.
    fn product(&self) -> Result<Option<Product>, CollateralError> {
        match (self.version, self.family, self.model) {
            (0..=2, ..) => Ok(None),
            (_, 0x19, 0x00..=0x0f) => Ok(Some(Product::Milan)),
            (_, 0x19, 0x10..=0x1f | 0xa0..=0xaf) => Ok(Some(Product::Genoa)),
            (_, 0x1a, 0x00..=0x1f) => Ok(Some(Product::Turin)),
            _ => Err(CollateralError::Evidence(UNKNOWN_PRODUCT)),
        }
    }

    /// The path of the certificate of the chip's key under its reported TCB.
    fn path(&self, product: Product) -> Result<String, CollateralError> {
        if self.signing_key != 0 {
            return Err(CollateralError::Evidence(FOREIGN_KEY));
        }
        if self.chip_id.iter().all(|byte| *byte == 0) {
            return Err(CollateralError::Evidence(HIDDEN_CHIP));
        }
        let name = name(product);
        Ok(match (product, self.reported_tcb) {
            (Product::Turin, [fmc, boot_loader, tee, snp, _, _, _, microcode]) => {
                let chip = hex::encode(at::<8>(&self.chip_id, 0)?);
                format!(
                    "{name}/{chip}?fmcSPL={fmc}&blSPL={boot_loader}&teeSPL={tee}&snpSPL={snp}&ucodeSPL={microcode}"
                )
            }
            (Product::Milan | Product::Genoa, [boot_loader, tee, _, _, _, _, snp, microcode]) => {
                let chip = hex::encode(self.chip_id);
                format!("{name}/{chip}?blSPL={boot_loader}&teeSPL={tee}&snpSPL={snp}&ucodeSPL={microcode}")
            }
        })
    }
}

fn at<const N: usize>(report: &[u8], start: usize) -> Result<[u8; N], CollateralError> {
    let rest = report.get(start..).and_then(|rest| rest.first_chunk::<N>());
    rest.copied().ok_or(CollateralError::Evidence(TRUNCATED))
}
