//! The layout of DCAP quotes: SGX's version 3, TDX's versions 4 and 5.
//!
//! Source: Intel, "SGX ECDSA QuoteLibReference DCAP API", appendix A.4, and "TDX DCAP Quoting Library API", appendix A.3.
//! All integers are little-endian. Only the layout is read here; nothing is verified.

use crate::{AppraisalError, reader::Reader};

/// Length of an enclave report.
pub(crate) const REPORT_BYTES: usize = 384;
/// Length of a TD report of TDX 1.0, of 1.5 and of 1.5 extended, as a version 5 quote names them: 2, 3 and 4.
const TD10_BYTES: usize = 584;
const TD15_BYTES: usize = 648;
const TD15_EXTENDED_BYTES: usize = 885;

/// Attestation key type: ECDSA over P-256.
const KEY_TYPE_P256: u16 = 2;
/// TEE types.
const TEE_SGX: u32 = 0;
const TEE_TDX: u32 = 0x81;
/// Type of certification data: a PEM chain of PCK certificate, intermediate and root.
const CERTIFICATION_PEM_CHAIN: u16 = 5;
/// Type of certification data: the quoting enclave's report, and certification data within.
const CERTIFICATION_QE_REPORT: u16 = 6;
/// Intel's quoting enclave vendor id, which every DCAP verifier expects.
pub(crate) const QE_VENDOR_INTEL: [u8; 16] =
    [0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07];

/// A quote taken apart.
pub(crate) struct Quote<'a> {
    /// Header and body, as they are signed.
    pub signed: &'a [u8],
    /// 20 bytes of the header that the quoting enclave is free to use.
    pub user_data: [u8; 20],
    /// What is attested.
    pub body: Body,
    /// Over `signed` by the attestation key: r and s.
    pub signature: [u8; 64],
    /// The attestation key: x and y.
    pub attestation_key: [u8; 64],
    /// The quoting enclave's report, as it is signed.
    pub qe_report_signed: &'a [u8],
    /// The quoting enclave's report.
    pub qe_report: EnclaveReport,
    /// Over the quoting enclave's report by the PCK key.
    pub qe_signature: [u8; 64],
    /// Bound into the quoting enclave's report together with the attestation key.
    pub qe_authentication: &'a [u8],
    /// PEM: PCK certificate, intermediate, root.
    pub certificates: &'a [u8],
}

/// What a quote attests.
pub(crate) enum Body {
    /// An enclave of SGX.
    Sgx(EnclaveReport),
    /// A virtual machine of TDX.
    Tdx(TdReport),
}

/// The report of an SGX enclave ("SGX Developer Reference", REPORTBODY).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EnclaveReport {
    /// MISCSELECT.
    pub misc_select: u32,
    /// The flags of ATTRIBUTES.
    pub flags: u64,
    /// The XFRM of ATTRIBUTES: the processor's extensions that the enclave may use.
    pub xfrm: u64,
    /// MRENCLAVE.
    pub measurement: [u8; 32],
    /// MRSIGNER.
    pub signer: [u8; 32],
    /// CONFIGID, which the host chooses.
    pub config_id: [u8; 64],
    /// ISVPRODID.
    pub product: u16,
    /// ISVSVN.
    pub isv_svn: u16,
    /// CONFIGSVN.
    pub config_svn: u16,
    /// REPORTDATA.
    pub report_data: [u8; 64],
}

/// The report of a TDX virtual machine ("TDX Module ABI", TDREPORT_STRUCT, as a quote carries it).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TdReport {
    /// TEE_TCB_SVN, under which the virtual machine was launched.
    pub tee_tcb_svn: [u8; 16],
    /// MRSEAM.
    pub seam: [u8; 48],
    /// MRSIGNERSEAM.
    pub seam_signer: [u8; 48],
    /// SEAMATTRIBUTES.
    pub seam_attributes: u64,
    /// TDATTRIBUTES.
    pub attributes: u64,
    /// XFAM: the processor's extensions that the virtual machine may use.
    pub xfam: u64,
    /// MRTD, MRCONFIGID, MROWNER, MROWNERCONFIG, RTMR0 to RTMR3.
    pub registers: [[u8; 48]; 8],
    /// REPORTDATA.
    pub report_data: [u8; 64],
    /// TEE_TCB_SVN2, of the module that runs now. From TDX 1.5 on.
    pub tee_tcb_svn_now: Option<[u8; 16]>,
    /// Whether any service TD is bound to it. From TDX 1.5 on.
    pub has_service_td: bool,
}

impl EnclaveReport {
    /// DEBUG: the host can read the enclave.
    pub(crate) const DEBUG: u64 = 0x02;

    /// Whether the host can read the enclave.
    pub(crate) fn is_debug(&self) -> bool {
        self.flags & Self::DEBUG != 0
    }

    /// ATTRIBUTES as they stand in the report.
    pub(crate) fn attributes(&self) -> u128 {
        u128::from(self.flags) | (u128::from(self.xfrm) << 64)
    }

    fn read(bytes: &[u8]) -> Result<Self, AppraisalError> {
        let mut reader = Reader(bytes);
        // CPUSVN.
        reader.take(16)?;
        let misc_select = reader.u32()?;
        // Reserved, ISVEXTPRODID.
        reader.take(12 + 16)?;
        let (flags, xfrm) = (reader.u64()?, reader.u64()?);
        let measurement = reader.array()?;
        reader.take(32)?;
        let signer = reader.array()?;
        reader.take(32)?;
        let config_id = reader.array()?;
        let (product, isv_svn, config_svn) = (reader.u16()?, reader.u16()?, reader.u16()?);
        // Reserved, ISVFAMILYID.
        reader.take(42 + 16)?;
        let report_data = reader.array()?;
        reader.end()?;
        Ok(Self {
            misc_select,
            flags,
            xfrm,
            measurement,
            signer,
            config_id,
            product,
            isv_svn,
            config_svn,
            report_data,
        })
    }
}

impl TdReport {
    fn read(bytes: &[u8]) -> Result<Self, AppraisalError> {
        let mut reader = Reader(bytes);
        let tee_tcb_svn = reader.array()?;
        let (seam, seam_signer) = (reader.array()?, reader.array()?);
        let (seam_attributes, attributes, xfam) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let mut registers = [[0; 48]; 8];
        for register in &mut registers {
            *register = reader.array()?;
        }
        let report_data = reader.array()?;
        let mut tee_tcb_svn_now = None;
        let mut has_service_td = false;
        if bytes.len() > TD10_BYTES {
            tee_tcb_svn_now = Some(reader.array()?);
            // MRSERVICETD, and all else that 1.5 extended says: of service TDs, and of the machine where it was launched.
            let service_td = reader.take(48)?;
            has_service_td = service_td.iter().any(|byte| *byte != 0);
        }
        if bytes.len() > TD15_BYTES {
            // VM id, TD id, device information.
            reader.take(1 + 32 + 48)?;
            let initial = reader.take(48 + 8)?;
            // CPU SVN, TEE TCB SVN and FMSPC where it was launched.
            reader.take(16 + 16 + 12)?;
            let current = reader.take(48 + 8)?;
            has_service_td |= [initial, current].concat().iter().any(|byte| *byte != 0);
        }
        reader.end()?;
        Ok(Self {
            tee_tcb_svn,
            seam,
            seam_signer,
            seam_attributes,
            attributes,
            xfam,
            registers,
            report_data,
            tee_tcb_svn_now,
            has_service_td,
        })
    }
}

impl<'a> Quote<'a> {
    /// Takes all of `bytes` apart. None may be missing and none left over.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, AppraisalError> {
        let (quote, rest) = Self::read_front(bytes)?;
        rest.end()?;
        Ok(quote)
    }

    /// Takes the quote in front of `bytes` apart, and returns what follows it.
    pub(crate) fn read_front(bytes: &'a [u8]) -> Result<(Self, Reader<'a>), AppraisalError> {
        let mut reader = Reader(bytes);
        let version = reader.u16()?;
        let key_type = reader.u16()?;
        let tee_type = reader.u32()?;
        // QE SVN and PCE SVN: what counts of these is in the PCK certificate and the quoting enclave's report.
        reader.take(4)?;
        let vendor: [u8; 16] = reader.array()?;
        let user_data = reader.array()?;
        if key_type != KEY_TYPE_P256 || vendor != QE_VENDOR_INTEL {
            return Err(AppraisalError::UnsupportedQuote);
        }
        let body = match (version, tee_type) {
            (3, TEE_SGX) => Body::Sgx(EnclaveReport::read(reader.take(REPORT_BYTES)?)?),
            (4, TEE_TDX) => Body::Tdx(TdReport::read(reader.take(TD10_BYTES)?)?),
            (5, TEE_TDX) => {
                let (kind, length) = (reader.u16()?, reader.u32()?);
                let expected = match kind {
                    2 => TD10_BYTES,
                    3 => TD15_BYTES,
                    4 => TD15_EXTENDED_BYTES,
                    _ => return Err(AppraisalError::UnsupportedQuote),
                };
                if u32::try_from(expected) != Ok(length) {
                    return Err(AppraisalError::UnsupportedQuote);
                }
                Body::Tdx(TdReport::read(reader.take(expected)?)?)
            }
            _ => return Err(AppraisalError::UnsupportedQuote),
        };
        let signed_bytes = bytes.len().saturating_sub(reader.0.len());
        let signed = bytes.get(..signed_bytes).ok_or(AppraisalError::Truncated)?;

        let mut authentication = reader.counted()?;
        let signature = authentication.array()?;
        let attestation_key = authentication.array()?;
        let mut certification = authentication;
        if version > 3 {
            if certification.u16()? != CERTIFICATION_QE_REPORT {
                return Err(AppraisalError::UnsupportedQuote);
            }
            let inner = certification.counted()?;
            certification.end()?;
            certification = inner;
        }
        let qe_report_signed = certification.take(REPORT_BYTES)?;
        let qe_report = EnclaveReport::read(qe_report_signed)?;
        let qe_signature = certification.array()?;
        let qe_authentication_bytes = certification.u16()?;
        let qe_authentication = certification.take(qe_authentication_bytes.into())?;
        if certification.u16()? != CERTIFICATION_PEM_CHAIN {
            return Err(AppraisalError::UnsupportedQuote);
        }
        let certificates = certification.counted()?.0;
        certification.end()?;

        let quote = Self {
            signed,
            user_data,
            body,
            signature,
            attestation_key,
            qe_report_signed,
            qe_report,
            qe_signature,
            qe_authentication,
            certificates,
        };
        Ok((quote, reader))
    }
}

/// The quote in front of `bytes`, where zeros alone follow it: some kernels and services hand out a buffer that is longer
/// than the quote in it. What is judged has nothing after it.
pub fn without_padding(bytes: &[u8]) -> &[u8] {
    match Quote::read_front(bytes) {
        Ok((_, rest)) if rest.0.iter().all(|byte| *byte == 0) => {
            bytes.get(..bytes.len().saturating_sub(rest.0.len())).unwrap_or(bytes)
        }
        _ => bytes,
    }
}
