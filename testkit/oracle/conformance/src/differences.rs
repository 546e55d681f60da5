// SPDX-License-Identifier: Apache-2.0
//! Where we differ from the oracle on purpose, and why. A test holds this list to be exactly what diverges.

use crate::duel::Aspect;

/// A difference on purpose.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    /// The case in which it shows.
    pub case: &'static str,
    /// In what it shows.
    pub aspects: &'static [Aspect],
    /// Why.
    pub reason: &'static str,
}

/// All of them.
pub const DIFFERENCES: &[Difference] = &[];
