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
    /// The policy does not name this program.
    MeasurementNotAdmitted, Rejected, "the policy does not admit this program";
    /// The evidence vouches for something else than the registration.
    ReportDataMismatch, Rejected, "the evidence vouches for another registration";
    /// The quote ends too early.
    QuoteTruncated, Malformed, "the quote is truncated";
    /// Bytes follow the quote.
    QuoteTooLong, Malformed, "bytes follow the quote";
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
    /// The SGX extension of the PCK certificate is missing, or is not what Intel specifies.
    MalformedPlatform, Malformed, "the certificate's SGX extension does not decode";
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
