// SPDX-License-Identifier: Apache-2.0
//! Where functions beyond the interface are plugged in.

use crate::engine::{Context, Engine};
use crate::extension::log::Logs;
use crate::host::{AccountBytes, Balance, ExtensionReply, HashBytes, HostError};

use super::{Key, State, World};
use codec::Encode;

/// Functions beyond the interface.
pub trait Extensions {
    /// Serves one call.
    ///
    /// # Errors
    /// [`HostError::ExtensionUnknown`] if there is no such function; another one ends the contract as it says.
    fn call(
        &mut self,
        request: ExtensionRequest<'_>,
        surroundings: &mut dyn Surroundings,
    ) -> Result<ExtensionReply, HostError>;
}

/// A contract's call of a function beyond the interface.
#[derive(Clone, Copy, Debug)]
pub struct ExtensionRequest<'a> {
    /// `extension << 16 | function`.
    pub id: u32,
    /// The arguments.
    pub input: &'a [u8],
    /// The most gas that the function may use.
    pub gas_limit: u64,
    /// The facts about the frame that calls.
    pub context: &'a Context,
    /// The code that the frame runs, which a delegation makes another than the contract's.
    pub code_hash: &'a HashBytes,
}

/// What a function beyond the interface may ask and tell the world.
pub trait Surroundings {
    /// What an account has, existential deposit included.
    fn balance_of(&self, account: &AccountBytes) -> Balance;

    /// Whether code with this hash is in the state.
    fn has_code(&self, code_hash: &HashBytes) -> bool;

    /// The private lines that the call has logged.
    fn logs(&mut self) -> &mut Logs;
}

impl<E: Engine, S: State + ?Sized> Surroundings for World<'_, E, S> {
    fn balance_of(&self, account: &AccountBytes) -> Balance {
        self.account(account).free
    }

    fn has_code(&self, code_hash: &HashBytes) -> bool {
        self.read(&Key::Code(*code_hash).encode()).is_some()
    }

    fn logs(&mut self) -> &mut Logs {
        &mut self.logs
    }
}
