//! Bytes and values that came from outside and that nobody has checked.

use codec::{Decode, Encode};

/// A value from outside. Only a verifier opens it, by [`Untrusted::unverified`], and it returns another type.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct Untrusted<T>(T);

impl<T> Untrusted<T> {
    /// Marks a value as coming from outside.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Opens the value in order to verify it. A call to this outside a verifier is a mistake.
    pub fn unverified(self) -> T {
        self.0
    }

    /// Looks at the value in order to verify it.
    pub const fn as_unverified(&self) -> &T {
        &self.0
    }
}

impl<T> core::fmt::Debug for Untrusted<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Untrusted(..)")
    }
}
