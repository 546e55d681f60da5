//! The layout of an SGX quote, version 3.
//!
//! Source: "Intel SGX ECDSA QuoteLibReference DCAP API", appendix A.4. All integers are little-endian. Only the layout
//! is read here; nothing is verified.

use crate::AppraisalError;

/// Length of the header.
pub(crate) const HEADER_BYTES: usize = 48;
/// Length of an enclave report.
pub(crate) const REPORT_BYTES: usize = 384;

/// Attestation key type: ECDSA over P-256.
const KEY_TYPE_P256: u16 = 2;
/// Type of certification data: a PEM chain of PCK certificate, intermediate and root.
const CERTIFICATION_PEM_CHAIN: u16 = 5;
/// Intel's quoting enclave vendor id, which every DCAP verifier expects.
pub(crate) const QE_VENDOR_INTEL: [u8; 16] =
    [0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07];

/// A quote taken apart.
pub(crate) struct Quote<'a> {
    /// Header and report body, as they are signed.
    pub signed: &'a [u8],
    /// 20 bytes of the header that the quoting enclave is free to use.
    pub user_data: [u8; 20],
    /// The enclave's report.
    pub report: Report,
    /// Over `signed` by the attestation key: r and s.
    pub signature: [u8; 64],
    /// The attestation key: x and y.
    pub attestation_key: [u8; 64],
    /// The quoting enclave's report, as it is signed.
    pub qe_report_signed: &'a [u8],
    /// The quoting enclave's report.
    pub qe_report: Report,
    /// Over the quoting enclave's report by the PCK key.
    pub qe_signature: [u8; 64],
    /// Bound into the quoting enclave's report together with the attestation key.
    pub qe_authentication: &'a [u8],
    /// PEM: PCK certificate, intermediate, root.
    pub certificates: &'a [u8],
}

/// What is used of an enclave's report.
pub(crate) struct Report {
    /// Flags and XFRM.
    pub attributes: [u8; 16],
    /// MRENCLAVE.
    pub measurement: [u8; 32],
    /// MRSIGNER.
    pub signer: [u8; 32],
    /// ISVPRODID.
    pub product: u16,
    /// REPORTDATA.
    pub report_data: [u8; 64],
}

impl Report {
    /// Whether the attribute DEBUG is set (bit 1 of the flags): the host can read the enclave.
    pub(crate) fn is_debug(&self) -> bool {
        let [flags, ..] = self.attributes;
        flags & 0x02 != 0
    }

    fn read(bytes: &[u8]) -> Result<Self, AppraisalError> {
        let mut reader = Reader(bytes);
        // CPUSVN, MISCSELECT, reserved.
        reader.take(16 + 4 + 28)?;
        let attributes = reader.array()?;
        let measurement = reader.array()?;
        reader.take(32)?;
        let signer = reader.array()?;
        reader.take(96)?;
        let product = reader.u16()?;
        // ISVSVN, reserved.
        reader.take(2 + 60)?;
        let report_data = reader.array()?;
        reader.end()?;
        Ok(Self { attributes, measurement, signer, product, report_data })
    }
}

impl<'a> Quote<'a> {
    /// Takes all of `bytes` apart. None may be missing and none left over.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, AppraisalError> {
        let mut header = Reader(bytes);
        let version = header.u16()?;
        let key_type = header.u16()?;
        let tee_type = header.u32()?;
        // QE SVN and PCE SVN.
        header.take(4)?;
        let vendor: [u8; 16] = header.array()?;
        let user_data = header.array()?;
        if version != 3 || key_type != KEY_TYPE_P256 || tee_type != 0 || vendor != QE_VENDOR_INTEL {
            return Err(AppraisalError::UnsupportedQuote);
        }

        let mut reader = Reader(bytes);
        let signed = reader.take(HEADER_BYTES + REPORT_BYTES)?;
        let report = Report::read(signed.get(HEADER_BYTES..).unwrap_or_default())?;
        let authentication_bytes = reader.u32()?;
        let mut authentication = Reader(reader.take(authentication_bytes as usize)?);
        reader.end()?;

        let signature = authentication.array()?;
        let attestation_key = authentication.array()?;
        let qe_report_signed = authentication.take(REPORT_BYTES)?;
        let qe_report = Report::read(qe_report_signed)?;
        let qe_signature = authentication.array()?;
        let qe_authentication_bytes = authentication.u16()?;
        let qe_authentication = authentication.take(qe_authentication_bytes.into())?;
        if authentication.u16()? != CERTIFICATION_PEM_CHAIN {
            return Err(AppraisalError::UnsupportedQuote);
        }
        let certificates_bytes = authentication.u32()?;
        let certificates = authentication.take(certificates_bytes as usize)?;
        authentication.end()?;

        Ok(Self {
            signed,
            user_data,
            report,
            signature,
            attestation_key,
            qe_report_signed,
            qe_report,
            qe_signature,
            qe_authentication,
            certificates,
        })
    }
}

/// Reads from the front of a slice, never past its end.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], AppraisalError> {
        let (head, tail) = self.0.split_at_checked(count).ok_or(AppraisalError::QuoteTruncated)?;
        self.0 = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], AppraisalError> {
        self.take(N)?.try_into().map_err(|_| AppraisalError::QuoteTruncated)
    }

    fn u16(&mut self) -> Result<u16, AppraisalError> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, AppraisalError> {
        self.array().map(u32::from_le_bytes)
    }

    fn end(&self) -> Result<(), AppraisalError> {
        if self.0.is_empty() { Ok(()) } else { Err(AppraisalError::QuoteTooLong) }
    }
}
