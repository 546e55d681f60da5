//! The vendors' keys, to which all evidence is traced.

use crate::amd::Product;

/// The certificates that are believed without another one. [`Anchors::VENDORS`] are the only ones outside of tests.
#[derive(Clone, Copy, Debug)]
pub struct Anchors<'a> {
    /// Intel's SGX root CA in DER. It stands for TDX as well.
    pub(crate) intel_root: &'a [u8],
    /// AMD's, one for each product.
    pub(crate) amd: &'a [AmdAnchor<'a>],
    /// The root of AWS Nitro enclaves in DER.
    pub(crate) nitro_root: &'a [u8],
}

/// AMD's certificates for one product.
#[derive(Clone, Copy, Debug)]
pub struct AmdAnchor<'a> {
    /// The product.
    pub product: Product,
    /// The root (ARK) in DER.
    pub ark: &'a [u8],
    /// The intermediate of VCEKs (ASK) in DER.
    pub ask: &'a [u8],
}

impl Anchors<'static> {
    /// The vendors' own. `anchors/README.md` says where each is from.
    pub const VENDORS: Self = Self {
        intel_root: include_bytes!("anchors/intel_sgx_root.der"),
        amd: &[
            AmdAnchor {
                product: Product::Milan,
                ark: include_bytes!("anchors/amd_milan_ark.der"),
                ask: include_bytes!("anchors/amd_milan_ask.der"),
            },
            AmdAnchor {
                product: Product::Genoa,
                ark: include_bytes!("anchors/amd_genoa_ark.der"),
                ask: include_bytes!("anchors/amd_genoa_ask.der"),
            },
            AmdAnchor {
                product: Product::Turin,
                ark: include_bytes!("anchors/amd_turin_ark.der"),
                ask: include_bytes!("anchors/amd_turin_ask.der"),
            },
        ],
        nitro_root: include_bytes!("anchors/aws_nitro_root.der"),
    };
}

#[cfg(feature = "danger_test_anchors")]
impl<'a> Anchors<'a> {
    /// Anything at all. Tests alone have this: what it is given can vouch for any machine.
    pub fn danger_any(intel_root: &'a [u8], amd: &'a [AmdAnchor<'a>], nitro_root: &'a [u8]) -> Self {
        Self { intel_root, amd, nitro_root }
    }
}
