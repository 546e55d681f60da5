//! A value that must not leak.

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// A value that is not printed, not serialized, not cloned by accident, compared in constant time and wiped when
/// dropped. It is opened in a closure from which nothing borrowed escapes.
///
/// ```
/// # use phala_crypto::Secret;
/// let key = Secret::new([7u8; 32]);
/// assert_eq!(format!("{key:?}"), "Secret(..)");
/// assert_eq!(key.expose(|bytes| bytes.len()), 32);
/// ```
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes charge of `value`. The caller wipes any copy that it keeps.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Opens it for the length of `use_it`.
    pub fn expose<R>(&self, use_it: impl FnOnce(&T) -> R) -> R {
        use_it(&self.0)
    }
}

impl<T: Zeroize + Clone> Secret<T> {
    /// A second copy, said aloud.
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> core::fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl<const N: usize> PartialEq for Secret<[u8; N]> {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl<const N: usize> Eq for Secret<[u8; N]> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_does_not_print_and_compares_by_value() {
        let (a, b, c) = (Secret::new([1u8; 32]), Secret::new([1u8; 32]), Secret::new([2u8; 32]));
        assert_eq!(alloc::format!("{a:?}"), "Secret(..)");
        assert!(a == b);
        assert!(a != c);
        assert!(a == a.duplicate());
    }
}
