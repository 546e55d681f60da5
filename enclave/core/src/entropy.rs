//! Randomness that comes with an input, stretched to what the input's handling needs.

use phala_crypto::{Secret, kdf};
use phala_types::tag::Tag;

/// One input's worth of randomness.
pub struct Entropy {
    seed: Secret<[u8; 32]>,
    drawn: u64,
}

impl Entropy {
    /// From 32 fresh random bytes of the platform. Never from the same ones twice.
    pub fn new(seed: Secret<[u8; 32]>) -> Self {
        Self { seed, drawn: 0 }
    }

    /// The next 32 bytes.
    pub fn draw(&mut self) -> Secret<[u8; 32]> {
        let drawn = kdf::derive(&self.seed, Tag::KEY_ENTROPY, &self.drawn);
        // Wrapping would take 2^64 draws from one input, whose size is bounded.
        self.drawn = self.drawn.wrapping_add(1);
        drawn
    }

    /// The next 32 bytes, for what is public: a salt or a nonce.
    pub fn draw_public(&mut self) -> [u8; 32] {
        self.draw().expose(|bytes| *bytes)
    }

    /// The next record nonce.
    pub fn draw_nonce(&mut self) -> [u8; phala_crypto::record::NONCE_BYTES] {
        let bytes = self.draw_public();
        let mut nonce = [0; phala_crypto::record::NONCE_BYTES];
        nonce.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        nonce
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_draws_are_equal() {
        let mut entropy = Entropy::new(Secret::new([1; 32]));
        let mut other = Entropy::new(Secret::new([2; 32]));
        let drawn = [entropy.draw_public(), entropy.draw_public(), other.draw_public()];
        assert_ne!(drawn[0], drawn[1]);
        assert_ne!(drawn[0], drawn[2]);
    }
}
