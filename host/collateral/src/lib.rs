//! Fetches what vendors publish about their machines: the documents by which evidence is judged, and AMD's certificates.
//!
//! Nothing is verified here. The servers may be anybody's (a cache of Intel's documents is often the operator's own), what
//! they answer is only brought into the form of a [`Document`], and whoever uses one has to call
//! [`phala_attest::verify_document`] on it. That an answer is about the machine that was asked for is not looked at either:
//! one that is not leaves the verifier without the document that it needs. TLS keeps others from seeing which machine is
//! asked for, and is needed for nothing else.
//!
//! - [`Source`]: from where. [`Source::fetch`] is for all evidence, [`Source::complete`] for AMD's without a certificate.
//! - [`documents_from_json`]: the same documents from a file.
//! - `http`: one GET under limits. `intel` and `amd`: what to ask for, and how the answers are read.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod amd;
mod error;
mod file;
mod http;
mod intel;

pub use error::CollateralError;
pub use file::documents_from_json;

use http::Session;
use phala_attest::{CERTIFICATE_BYTES_MAX, Document, Evidence};
use phala_types::Bytes;
use std::time::Duration;

/// Where documents are fetched from, and with how much patience.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// Intel's service, or a cache of it (PCCS) that speaks version 4 of its interface.
    pub intel: String,
    /// The revocation list of Intel's root: the full address.
    pub intel_root_list: String,
    /// AMD's service.
    pub amd: String,
    /// How long one call may take, with all that it fetches and all pauses.
    pub patience: Duration,
}

impl Default for Source {
    /// The vendors' own.
    fn default() -> Self {
        Self {
            intel: "https://api.trustedservices.intel.com".to_owned(),
            intel_root_list: "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der".to_owned(),
            amd: "https://kdsintf.amd.com".to_owned(),
            patience: Duration::from_secs(60),
        }
    }
}

impl Source {
    /// A cache of Intel's documents (PCCS) for all that is Intel's, with or without the path `/sgx/certification/v4`.
    pub fn of_pccs(url: &str) -> Self {
        let intel_root_list = format!("{}/sgx/certification/v4/rootcacrl", intel::base(url));
        Self { intel: url.to_owned(), intel_root_list, ..Self::default() }
    }

    /// Fetches what it takes to judge `evidence`, in the order in which it has to be verified. That is nothing for evidence
    /// that brings all with it. AMD's needs its certificate first, if its report does not name the product
    /// ([`Source::complete`]).
    pub async fn fetch(&self, evidence: &Evidence) -> Result<Vec<Document>, CollateralError> {
        match evidence {
            Evidence::Simulated(_) | Evidence::AwsNitro(_) => Ok(Vec::new()),
            Evidence::Intel(quote) => intel::fetch(self, &Session::new(self.patience)?, quote).await,
            Evidence::AmdSevSnp { report, endorsement_key, .. } => {
                let product = amd::product(report, endorsement_key)?;
                Ok(vec![amd::fetch_revocations(self, &Session::new(self.patience)?, product).await?])
            }
        }
    }

    /// Fetches the certificate of the key (VCEK) that signed a report of AMD's, in DER.
    pub async fn endorsement_key(
        &self,
        report: &[u8],
    ) -> Result<Bytes<CERTIFICATE_BYTES_MAX>, CollateralError> {
        amd::fetch_endorsement_key(self, &Session::new(self.patience)?, report).await
    }

    /// Evidence of AMD's with the certificate that it lacks, and any other as it is.
    pub async fn complete(&self, evidence: Evidence) -> Result<Evidence, CollateralError> {
        match evidence {
            Evidence::AmdSevSnp { report, endorsement_key, issuer } if endorsement_key.is_empty() => {
                let endorsement_key = self.endorsement_key(&report).await?;
                Ok(Evidence::AmdSevSnp { report, endorsement_key, issuer })
            }
            other => Ok(other),
        }
    }
}
