//! What vendors publish about their machines, as whoever appraises evidence has it at hand.

use crate::{
    Anchors, AppraisalError, amd,
    intel::{self, DOCUMENT_BYTES_MAX, Fmspc, QeIdentity, Signed, TcbInfo, Tee},
    revocation::RevocationList,
};
use alloc::collections::BTreeMap;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use phala_types::{Bytes, Millis};
use scale_info::TypeInfo;

/// Who issues revocation lists.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Issuer {
    /// Intel's SGX root CA.
    #[codec(index = 0)]
    IntelRoot,
    /// Intel's CA for machines of several sockets, and all newer ones.
    #[codec(index = 1)]
    IntelPlatform,
    /// Intel's CA for machines of one socket.
    #[codec(index = 2)]
    IntelProcessor,
    /// AMD's root for a product.
    #[codec(index = 3)]
    AmdRoot(amd::Product),
}

/// Where verified documents of vendors are found. A document that is missing is an error, and never taken for a good one.
pub trait Collateral {
    /// The newest revocation list of an issuer.
    fn revocation_list(&self, issuer: Issuer) -> Option<RevocationList>;
    /// The newest TCB information for a kind of TEE and an FMSPC.
    fn tcb_info(&self, tee: Tee, fmspc: Fmspc) -> Option<TcbInfo>;
    /// The newest identity of the quoting enclave for a kind of TEE.
    fn qe_identity(&self, tee: Tee) -> Option<QeIdentity>;
}

/// Documents in memory.
#[derive(Clone, Default, Debug)]
pub struct Documents {
    lists: BTreeMap<Issuer, RevocationList>,
    infos: BTreeMap<(Tee, Fmspc), TcbInfo>,
    identities: BTreeMap<Tee, QeIdentity>,
}

impl Documents {
    /// Keeps a document in the place of an older one of its kind.
    pub fn keep(&mut self, document: VerifiedDocument) {
        match document {
            VerifiedDocument::Revocations(issuer, list) => {
                self.lists.insert(issuer, list);
            }
            VerifiedDocument::TcbInfo(info) => {
                self.infos.insert((info.tee, info.fmspc), info);
            }
            VerifiedDocument::QeIdentity(identity) => {
                self.identities.insert(identity.tee, identity);
            }
        }
    }
}

impl Collateral for Documents {
    fn revocation_list(&self, issuer: Issuer) -> Option<RevocationList> {
        self.lists.get(&issuer).cloned()
    }

    fn tcb_info(&self, tee: Tee, fmspc: Fmspc) -> Option<TcbInfo> {
        self.infos.get(&(tee, fmspc)).cloned()
    }

    fn qe_identity(&self, tee: Tee) -> Option<QeIdentity> {
        self.identities.get(&tee).cloned()
    }
}

/// A document of a vendor's, unverified.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Document {
    /// The revocation list of Intel's root, in DER.
    #[codec(index = 0)]
    IntelRootRevocations(Bytes<DOCUMENT_BYTES_MAX>),
    /// The revocation list of one of Intel's CAs for PCK certificates.
    #[codec(index = 1)]
    IntelPckRevocations {
        /// The list in DER.
        list: Bytes<DOCUMENT_BYTES_MAX>,
        /// PEM: the CA's certificate and the root.
        certificates: Bytes<DOCUMENT_BYTES_MAX>,
    },
    /// Intel's TCB information for one FMSPC.
    #[codec(index = 2)]
    IntelTcbInfo(Signed),
    /// Intel's identity of a quoting enclave.
    #[codec(index = 3)]
    IntelQeIdentity(Signed),
    /// The revocation list of AMD's root for a product, in DER.
    #[codec(index = 4)]
    AmdRevocations {
        /// The product.
        product: amd::Product,
        /// The list in DER.
        list: Bytes<DOCUMENT_BYTES_MAX>,
    },
}

/// A document that was verified. Only [`verify_document`] makes one of a [`Document`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum VerifiedDocument {
    /// A revocation list.
    Revocations(Issuer, RevocationList),
    /// TCB information.
    TcbInfo(TcbInfo),
    /// The identity of a quoting enclave.
    QeIdentity(QeIdentity),
}

impl VerifiedDocument {
    /// When it was issued, by which evaluation of the vendor's: neither may go back. Revocation lists have no evaluation.
    pub fn version(&self) -> (Millis, u32) {
        match self {
            Self::Revocations(_, list) => (list.issued, 0),
            Self::TcbInfo(TcbInfo { issue, .. }) | Self::QeIdentity(QeIdentity { issue, .. }) => {
                (issue.issued, issue.evaluation)
            }
        }
    }

    /// Until when it can be used.
    pub fn valid_until(&self) -> Millis {
        match self {
            Self::Revocations(_, list) => list.valid_until,
            Self::TcbInfo(TcbInfo { issue, .. }) | Self::QeIdentity(QeIdentity { issue, .. }) => {
                issue.valid_until
            }
        }
    }
}

/// Verifies a document: its signature, the chain of its signer, and its dates. All of Intel's but the first take that the
/// revocation list of the root is in `collateral`.
pub(crate) fn verify_document(
    document: &Document,
    anchors: &Anchors<'_>,
    collateral: &impl Collateral,
    now: Millis,
) -> Result<VerifiedDocument, AppraisalError> {
    Ok(match document {
        Document::IntelRootRevocations(list) => {
            VerifiedDocument::Revocations(Issuer::IntelRoot, intel::verify_root_list(list, anchors, now)?)
        }
        Document::IntelPckRevocations { list, certificates } => {
            let (issuer, list) = intel::verify_pck_list(list, certificates, anchors, collateral, now)?;
            VerifiedDocument::Revocations(issuer, list)
        }
        Document::IntelTcbInfo(signed) => {
            VerifiedDocument::TcbInfo(intel::verify_tcb_info(signed, anchors, collateral, now)?)
        }
        Document::IntelQeIdentity(signed) => {
            VerifiedDocument::QeIdentity(intel::verify_qe_identity(signed, anchors, collateral, now)?)
        }
        Document::AmdRevocations { product, list } => VerifiedDocument::Revocations(
            Issuer::AmdRoot(*product),
            amd::verify_revocations(*product, list, anchors, now)?,
        ),
    })
}
