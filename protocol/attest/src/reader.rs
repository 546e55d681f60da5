//! Reads fixed layouts from the front of a slice, never past its end.

use crate::AppraisalError;

/// What is left to read. All integers are little-endian, as in every report of Intel's and AMD's.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], AppraisalError> {
        let (head, tail) = self.0.split_at_checked(count).ok_or(AppraisalError::Truncated)?;
        self.0 = tail;
        Ok(head)
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], AppraisalError> {
        self.take(N)?.try_into().map_err(|_| AppraisalError::Truncated)
    }

    /// The next two bytes as an integer.
    pub(crate) fn u16(&mut self) -> Result<u16, AppraisalError> {
        self.array().map(u16::from_le_bytes)
    }

    /// The next four bytes as an integer.
    pub(crate) fn u32(&mut self) -> Result<u32, AppraisalError> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next eight bytes as an integer.
    pub(crate) fn u64(&mut self) -> Result<u64, AppraisalError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A length of four bytes, and as many bytes as it says.
    pub(crate) fn counted(&mut self) -> Result<Self, AppraisalError> {
        let length = self.u32()?;
        Ok(Self(self.take(usize::try_from(length).map_err(|_| AppraisalError::Truncated)?)?))
    }

    /// That nothing is left.
    pub(crate) fn end(&self) -> Result<(), AppraisalError> {
        if self.0.is_empty() { Ok(()) } else { Err(AppraisalError::TrailingBytes) }
    }
}
