//! Padding to size classes, so that a ciphertext's length tells little.

use alloc::vec::Vec;
use phala_types::limits::PAYLOAD_BYTES_MAX;

/// The sizes that a padded plaintext can have, in bytes: powers of four from 256, and the largest payload with
/// what surrounds it.
pub const SIZE_CLASSES: [usize; 8] =
    [256, 1024, 4096, 16384, 65536, 262_144, 1_048_576, PAYLOAD_BYTES_MAX as usize + 4096];

/// Bytes that carry the length.
const PREFIX: usize = 4;

/// The plaintext is longer than the largest size class holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLong;

impl core::fmt::Display for TooLong {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "the message is over {} bytes; send less", PAYLOAD_BYTES_MAX)
    }
}

impl core::error::Error for TooLong {}

/// The padding is not the one that [`pad`] makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadPadding;

/// Puts the length in front (4 bytes, little-endian) and zeros behind, up to the next size class.
pub fn pad(plaintext: &[u8]) -> Result<Vec<u8>, TooLong> {
    let length = u32::try_from(plaintext.len()).map_err(|_| TooLong)?;
    let needed = plaintext.len().checked_add(PREFIX).ok_or(TooLong)?;
    let class = SIZE_CLASSES.into_iter().find(|class| *class >= needed).ok_or(TooLong)?;
    let mut padded = Vec::with_capacity(class);
    padded.extend_from_slice(&length.to_le_bytes());
    padded.extend_from_slice(plaintext);
    padded.resize(class, 0);
    Ok(padded)
}

/// Takes the padding off. Only what [`pad`] makes is accepted, so that a plaintext has one padded form.
pub fn unpad(padded: &[u8]) -> Result<&[u8], BadPadding> {
    let (prefix, rest) = padded.split_first_chunk::<PREFIX>().ok_or(BadPadding)?;
    let length = usize::try_from(u32::from_le_bytes(*prefix)).map_err(|_| BadPadding)?;
    let (plaintext, zeros) = rest.split_at_checked(length).ok_or(BadPadding)?;
    let needed = length.checked_add(PREFIX).ok_or(BadPadding)?;
    let class = SIZE_CLASSES.into_iter().find(|class| *class >= needed).ok_or(BadPadding)?;
    if padded.len() != class || zeros.iter().any(|byte| *byte != 0) {
        return Err(BadPadding);
    }
    Ok(plaintext)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_hides_the_length_and_comes_off() {
        for length in [0, 1, 251, 252, 253, 1020, 5000, PAYLOAD_BYTES_MAX as usize + 4092] {
            let plaintext = alloc::vec![0xab; length];
            let padded = pad(&plaintext).unwrap();
            assert!(SIZE_CLASSES.contains(&padded.len()));
            assert_eq!(unpad(&padded).unwrap(), plaintext);
        }
        assert_eq!(pad(&[1; 10]).unwrap().len(), pad(&[1; 250]).unwrap().len());
    }

    #[test]
    fn too_long_a_plaintext_is_refused() {
        assert_eq!(pad(&alloc::vec![0; PAYLOAD_BYTES_MAX as usize + 4093]), Err(TooLong));
    }

    #[test]
    fn padding_of_another_form_is_refused() {
        let good = pad(b"hello").unwrap();
        let mut dirty = good.clone();
        *dirty.last_mut().unwrap() = 1;
        let mut wider = good.clone();
        wider.resize(1024, 0);
        let mut longer = good.clone();
        longer[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        for bad in [&dirty[..], &wider, &longer, &good[..255], &[], &[0; 3]] {
            assert_eq!(unpad(bad), Err(BadPadding));
        }
    }
}
