// SPDX-License-Identifier: Apache-2.0
//! The confidential functions: chain extension 0, which is Phala's, and chain extension 1, which is ours.
//!
//! `specs/chain-extensions.md` is what contracts are promised; its rules are named here as R1 to R11. A call is decoded,
//! bounded and priced here, and carried out against a [`Backend`]. There are two, and they are two types:
//!
//! - [`CommandExtensions`] has what is the same on every replica: keys, private logs, and random values from the cluster's
//!   secret. Nothing else is in it, so that a command cannot reach what is not deterministic (R4).
//! - [`QueryExtensions`] has what one worker has besides: its randomness, its cache, the host's clock, and errands.
//!
//! An errand is something that only the outside can do: a request, a statement of the hardware. A run that asks for one
//! that is not done yet ends without an outcome; whoever runs the query does the errand and runs it again (R11). So there is no IO in here, and no waiting.
//!
//! [`pink`] and [`own`] are the functions, [`wire`] what contracts write and read, [`keys`] and [`signing`] the
//! cryptography, [`cache`], [`log`] and [`http`] the rest.

pub mod cache;
mod command;
pub mod http;
pub mod keys;
pub mod log;
mod own;
mod pink;
mod price;
mod query;
pub mod signing;
pub mod wire;

pub use command::CommandExtensions;
pub use query::{
    Asker, Brought, Done, ERRANDS_MAX, Ended, Errand, EvidenceUnavailable, QueryExtensions, Waiting,
};

use codec::{DecodeAll, Encode};

use crate::Trap;
use crate::host::{AccountBytes, ExtensionReply, HostError};
use crate::world::{ExtensionRequest, Extensions, Surroundings};
use keys::ClusterKey;
use wire::{EXTENSION_INPUT_BYTES_MAX, EXTENSION_OWN, EXTENSION_PINK, Status};

/// The world of chain extensions during one command or query, for all of its frames.
pub trait Backend {
    /// The secret from which the contracts' keys are derived.
    fn keys(&self) -> &ClusterKey;

    /// A random value for a subject.
    fn beacon(&self, contract: &AccountBytes, subject: &[u8]) -> [u8; 32];

    /// What only a query has. In a command there is none of it.
    fn query(&mut self) -> Option<&mut QueryExtensions>;
}

/// What a function may know of the frame that calls it.
struct Frame<'a> {
    /// The calling contract: in a delegate call, whose storage it is.
    contract: AccountBytes,
    /// The block of the command, or for a query the head.
    block: u32,
    /// That block's time.
    now_ms: u64,
    /// The gas that is left.
    gas_left: u64,
    /// The rest of the world.
    world: &'a mut dyn Surroundings,
}

/// Ends a run that has to wait. A broken world and a run without an end are the same to the frames below: there is no
/// outcome, so that none of them may go on. [`QueryExtensions::end`] tells them apart.
const SUSPENDED: HostError = HostError::Fault;

const INVALID: HostError = HostError::Denied(Trap::InvalidInput);
const NOT_AVAILABLE: HostError = HostError::Denied(Trap::NotAvailable);

/// Carries out one call of an extension.
///
/// # Errors
/// The calling contract ends with it (R3), and with [`SUSPENDED`] the whole run does.
fn call(
    backend: &mut dyn Backend,
    request: ExtensionRequest<'_>,
    world: &mut dyn Surroundings,
) -> Result<ExtensionReply, HostError> {
    let ExtensionRequest { id, input, gas_limit, context, .. } = request;
    let frame = &mut Frame {
        contract: context.address,
        block: context.block_number,
        now_ms: context.now_ms,
        gas_left: gas_limit,
        world,
    };
    let [a, b, c, d] = id.to_be_bytes();
    let (extension, function) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    if input.len() > EXTENSION_INPUT_BYTES_MAX {
        return Err(INVALID);
    }
    let price = match extension {
        EXTENSION_PINK => price::pink(function, input),
        EXTENSION_OWN => price::own(function, input),
        _ => return Err(HostError::ExtensionUnknown),
    };
    if price > frame.gas_left {
        // R9: the engine takes what is not there, and the call is out of gas before any work is done.
        return Ok(ExtensionReply { status: 0, output: Vec::new(), gas_used: price });
    }
    let (status, output) = match extension {
        EXTENSION_PINK => pink::call(backend, frame, function, input)?,
        _ => match own::call(backend, frame, function, input) {
            Ok(output) => (0, output),
            Err(Refused::Status(status)) => (status as u32, Vec::new()),
            Err(Refused::Ends(error)) => return Err(error),
        },
    };
    let gas_used = price.saturating_add(price::output(output.len()));
    Ok(ExtensionReply { status, output, gas_used })
}

impl Extensions for CommandExtensions {
    fn call(
        &mut self,
        request: ExtensionRequest<'_>,
        surroundings: &mut dyn Surroundings,
    ) -> Result<ExtensionReply, HostError> {
        call(self, request, surroundings)
    }
}

impl Extensions for QueryExtensions {
    fn call(
        &mut self,
        request: ExtensionRequest<'_>,
        surroundings: &mut dyn Surroundings,
    ) -> Result<ExtensionReply, HostError> {
        call(self, request, surroundings)
    }
}

/// Why a function of our extension has no output.
enum Refused {
    /// The contract is told.
    Status(Status),
    /// The contract ends.
    Ends(HostError),
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<HostError> for Refused {
    fn from(error: HostError) -> Self {
        Self::Ends(error)
    }
}

/// An input, if it is nothing but that.
fn decode<T: DecodeAll>(input: &[u8]) -> Result<T, HostError> {
    T::decode_all(&mut &input[..]).map_err(|_| INVALID)
}

/// An answer with status 0.
fn answer(value: &impl Encode) -> (u32, Vec<u8>) {
    (0, value.encode())
}
