//! Randomness of the operating system.

use phala_crypto::{
    Secret,
    rand_core::{Rng as _, UnwrapErr},
};

/// A generator for one use. It panics if the operating system has no randomness, without which nothing can be sealed.
pub fn system() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

/// 32 fresh bytes.
pub fn bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    system().fill_bytes(&mut bytes);
    bytes
}

/// 32 fresh secret bytes.
pub fn secret() -> Secret<[u8; 32]> {
    Secret::new(bytes())
}
