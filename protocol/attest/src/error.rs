//! Why evidence was refused.

use phala_types::relay::Blame;

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident, $blame:ident, $text:literal;)*) => {
        /// Why evidence was refused. Each variant is one rule.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum AppraisalError {
            $($(#[$doc])* $name,)*
        }

        impl AppraisalError {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Whether the evidence is not what it should look like, or does not hold.
            pub fn blame(self) -> Blame {
                match self {
                    $(Self::$name => Blame::$blame,)*
                }
            }
        }

        impl core::fmt::Display for AppraisalError {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(match self {
                    $(Self::$name => $text,)*
                })
            }
        }
    };
}

errors! {
    /// More than [`phala_types::limits::EVIDENCE_BYTES_MAX`].
    EvidenceTooLong, Malformed, "the evidence is longer than any evidence is";
    /// Not the SCALE of one [`crate::Evidence`].
    MalformedEvidence, Malformed, "the evidence does not decode";
    /// The policy does not name this kind of evidence.
    TierNotAdmitted, Rejected, "the policy does not admit this kind of TEE";
    /// The policy does not admit the status of the machine's TCB.
    StatusNotAdmitted, Rejected, "the policy does not admit the status of the machine's TCB";
    /// The policy refuses an advisory that is known against the machine.
    AdvisoryRefused, Rejected, "the policy refuses an advisory that is known against the machine";
    /// The policy asks for documents of a newer evaluation.
    EvaluationTooOld, Rejected, "the policy asks for the vendor's documents of a newer evaluation";
    /// The policy does not admit this kind of machine.
    MachineKindNotAdmitted, Rejected, "the policy does not admit this kind of machine";
    /// The policy does not admit what the machine is set to: SMT, cached keys or a dynamic platform.
    SettingsNotAdmitted, Rejected, "the policy does not admit the machine's settings";
    /// The policy does not admit an extension of the processor that the TEE may use.
    ExtensionsNotAdmitted, Rejected, "the policy does not admit an extension of the processor that the program may use";
    /// The report is of a version that does not say which processor made it.
    ReportTooOld, Rejected, "the report is of a version that does not name its processor";
    /// Microcode or firmware is older than the policy admits.
    TcbTooOld, Rejected, "microcode or firmware is older than the policy admits";
    /// The policy does not admit keys of this cloud.
    CloudNotAdmitted, Rejected, "the policy does not admit keys of this cloud";
    /// The report does not name its chip.
    ChipMasked, Rejected, "the report does not name its chip";
    /// The report was not asked for at the highest privilege level, so that something above the program saw all.
    PrivilegeLevel, Rejected, "the report was asked for below the highest privilege level";
    /// The document is older than the policy admits.
    DocumentTooOld, Rejected, "the document is older than the policy admits";
    /// The policy does not name this program.
    MeasurementNotAdmitted, Rejected, "the policy does not admit this program";
    /// The evidence vouches for something else than the registration.
    ReportDataMismatch, Rejected, "the evidence vouches for another registration";
    /// A quote, report or document ends too early.
    Truncated, Malformed, "the evidence ends too early";
    /// Bytes follow the quote, report or document, or a part of it.
    TrailingBytes, Malformed, "bytes follow the evidence";
    /// Another version, TEE, key type, vendor or kind of certification data than the one that is read here.
    UnsupportedQuote, Malformed, "the quote is of another version or kind";
    /// The quote's header does not carry the mark of the simulated platform.
    NotMarkedSimulated, Rejected, "the quote is not marked as simulated";
    /// The debug bit is not set, as it is in every simulated quote.
    NotDebug, Rejected, "a simulated quote has to say that it can be debugged";
    /// The certificates are not a PEM chain of as many as there should be, or not DER within.
    MalformedCertificates, Malformed, "the certificate chain does not decode";
    /// The chain does not end in the pinned root.
    ForeignRoot, Rejected, "the certificate chain does not end in the expected root";
    /// A certificate names another issuer than the one above it.
    WrongIssuer, Rejected, "a certificate names another issuer than the one above it";
    /// A certificate is of another version, algorithm or key type, or holds a critical extension that is unknown.
    UnsupportedCertificate, Rejected, "a certificate is of an unsupported kind";
    /// A certificate is used for what it is not for: basicConstraints or keyUsage say otherwise.
    CertificateMisused, Rejected, "a certificate is used for what it is not for";
    /// A certificate is not valid yet.
    CertificateNotYetValid, Rejected, "a certificate is not valid yet";
    /// A certificate is not valid any more.
    CertificateExpired, Rejected, "a certificate has expired";
    /// A certificate is not signed by the one above it.
    CertificateSignature, Rejected, "a certificate is not signed by the one above it";
    /// A revocation list names the certificate.
    CertificateRevoked, Rejected, "a certificate was revoked";
    /// A revocation list is not DER.
    MalformedRevocationList, Malformed, "the revocation list does not decode";
    /// A revocation list is of a kind that is not read here, has no end, or is too long.
    UnsupportedRevocationList, Rejected, "the revocation list is of an unsupported kind";
    /// A revocation list is another issuer's.
    ForeignRevocationList, Rejected, "the revocation list is another issuer's";
    /// A revocation list is not signed by its issuer.
    RevocationListSignature, Rejected, "the revocation list is not signed by its issuer";
    /// A document of the vendor's that it takes is not at hand.
    CollateralMissing, OutOfOrder, "a document of the vendor's is missing";
    /// A document of the vendor's is dated in the future.
    CollateralNotYetValid, Rejected, "a document of the vendor's is not valid yet";
    /// A newer document of the vendor's is due, or who signed it has expired.
    CollateralExpired, Rejected, "a document of the vendor's has expired";
    /// A document of the vendor's is not the JSON that it should be, or holds values that no such document has.
    MalformedCollateral, Malformed, "a document of the vendor's does not decode";
    /// A document of the vendor's is of another version or kind than those that are read here.
    UnsupportedCollateral, Rejected, "a document of the vendor's is of an unsupported kind";
    /// A document of the vendor's is not signed by its signer.
    CollateralSignature, Rejected, "a document of the vendor's is not signed by its signer";
    /// A document of the vendor's is about other machines, or about another TEE.
    ForeignCollateral, Rejected, "a document of the vendor's is about other machines";
    /// The SGX extension of the PCK certificate is missing, or is not what Intel specifies.
    MalformedPlatform, Malformed, "the certificate's SGX extension does not decode";
    /// The host can read the memory of the TEE, since the TEE was started for debugging.
    Debug, Rejected, "the TEE was started for debugging: its host can read it";
    /// Attributes of the TEE that weaken it, or that no genuine one has.
    Attributes, Rejected, "the TEE's attributes weaken it";
    /// The machine's provisioning certification enclave is another one than the vendor's documents are about.
    ForeignPce, Rejected, "the machine's certification enclave is not the expected one";
    /// The TDX module is not the one that Intel's document describes.
    ForeignTdxModule, Rejected, "the TDX module is not the expected one";
    /// Intel's document describes no TDX module of this version.
    UnknownTdxModule, Rejected, "the TDX module's version is unknown";
    /// The machine's SVNs reach no level that Intel lists.
    NoTcbLevel, Rejected, "the machine reaches no TCB level that its vendor lists";
    /// The machine's keys are known to have leaked.
    TcbRevoked, Rejected, "the vendor revoked the machine's TCB level";
    /// The report is of another version, algorithm or processor than those that are read here.
    UnsupportedReport, Malformed, "the report is of another version or kind";
    /// The report is not signed by the key of the certificate that comes with it.
    ReportSignature, Rejected, "the report is not signed by the key that comes with it";
    /// The certificate of a chip's or cloud's key lacks an extension of AMD's, has it twice, or it does not decode.
    MalformedEndorsementKey, Malformed, "the endorsement key's certificate does not say what it should";
    /// The key is of another product or chip than the report, or of another kind than the report says.
    ForeignEndorsementKey, Rejected, "the endorsement key is not the report's";
    /// The key was derived under other versions than the report says.
    ForeignTcb, Rejected, "the endorsement key is of other firmware than the report says";
    /// The document is not the CBOR that it should be, says a thing twice, or something that is unknown.
    MalformedDocument, Malformed, "the document does not decode";
    /// The document is of another algorithm or digest than those that are read here.
    UnsupportedDocument, Malformed, "the document is of an unsupported kind";
    /// The document is not signed by the key of the certificate in it.
    DocumentSignature, Rejected, "the document is not signed by its key";
    /// The document was made in the future, or when its certificate was not valid.
    DocumentTime, Rejected, "the document was made at another time than its certificate allows";
    /// The document does not carry the 64 bytes that a registration is vouched for by.
    NoReportData, Rejected, "the document carries no report data";
    /// The FMSPC is not the one of the simulated platform.
    ForeignPlatform, Rejected, "the platform is not a simulated one";
    /// The quoting enclave's report is not signed by the PCK key.
    QuotingEnclaveSignature, Rejected, "the quoting enclave's report is not signed by its platform";
    /// The report is of another enclave than the simulated quoting enclave.
    ForeignQuotingEnclave, Rejected, "the quoting enclave is not the expected one";
    /// The quoting enclave's report does not vouch for the attestation key.
    AttestationKeyNotBound, Rejected, "the quoting enclave does not vouch for the attestation key";
    /// The attestation key is not a point of the curve.
    MalformedAttestationKey, Malformed, "the attestation key is not a key";
    /// The quote is not signed by the attestation key.
    QuoteSignature, Rejected, "the quote is not signed by its attestation key";
}

impl core::error::Error for AppraisalError {}
