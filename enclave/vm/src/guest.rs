// SPDX-License-Identifier: Apache-2.0
//! One call, apart from the engine that runs it: how it begins, what host functions see of it, and how it ends.
//!
//! Engines keep a [`Guest`] in their stores. They differ in how a program is run; whatever an outcome consists of is decided
//! here, from the two counters that the program keeps (`code::meter`) and from what host functions left behind.

use core::ptr::NonNull;

use handle::HostHandle;
use phala_types::limits::PAYLOAD_BYTES_MAX;

use crate::Trap;
use crate::abi::STACK_BYTES;
use crate::engine::{Call, Context, Execution, Return};
use crate::gas;
use crate::host::Host;
use crate::seal::{Session, State, Stop};

/// What is left when a program ends: the counters that it was metered by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counters {
    /// The gas, negative if it was not enough.
    pub(crate) gas: i64,
    /// The bytes of stack, negative if they were not enough.
    pub(crate) stack: i32,
}

/// What host functions need, for the time of one call.
pub(crate) struct Guest {
    host: HostHandle,
    context: Context,
    state: State,
    stop: Option<Stop>,
}

/// Runs a call: `program` runs the program with the counters that it begins with, and says how it ended by itself and what
/// the counters were then, or nothing if the machine failed.
pub(crate) fn run(
    call: Call<'_>,
    initial_pages: u64,
    host: &mut dyn Host,
    program: impl FnOnce(Guest, Counters) -> (Guest, Option<(Result<(), Trap>, Counters)>),
) -> Execution {
    let limit = call.gas_limit;
    let ended = |result, left| Execution { result, gas_used: limit.saturating_sub(left) };
    if call.input.len() > usize::try_from(PAYLOAD_BYTES_MAX).unwrap_or(usize::MAX) {
        return ended(Err(Trap::InputTooLong), limit);
    }
    let Some(left) = limit.checked_sub(gas::linear(gas::FRAME, gas::MEMORY_PAGE, initial_pages)) else {
        return ended(Err(Trap::OutOfGas), 0);
    };
    // More than the counter holds cannot be used in a lifetime, and is given back.
    let counted = i64::try_from(left).unwrap_or(i64::MAX);
    let kept = left.saturating_sub(counted.unsigned_abs());
    // SAFETY: the handle is in the guest, which `program` gives back or drops, and which is dropped before this function, and with it the
    // borrow of the host, ends.
    #[allow(unsafe_code)]
    let host = unsafe { HostHandle::new(host) };
    let state = State { input: Some(call.input.to_vec()), events: 0 };
    let guest = Guest { host, context: call.context.clone(), state, stop: None };
    let begun = Counters { gas: counted, stack: STACK_BYTES };
    let (guest, ended_by_itself) = program(guest, begun);
    let (result, counters) = ended_by_itself.unwrap_or((Err(Trap::HostFault), begun));
    let Ok(left) = u64::try_from(counters.gas) else {
        return ended(Err(Trap::OutOfGas), 0);
    };
    let result = match (guest.stop, result) {
        (Some(Stop::Return(answer)), _) => Ok(answer),
        (Some(Stop::Trap(trap)), _) => Err(trap),
        (None, _) if counters.stack < 0 => Err(Trap::StackOverflow),
        // A contract that just ends has answered nothing, successfully.
        (None, Ok(())) => Ok(Return::default()),
        (None, Err(trap)) => Err(trap),
    };
    ended(result, left.saturating_add(kept))
}

impl Guest {
    /// Runs one host function. Returns the gas that is left, and nothing else if the program must stop.
    pub(crate) fn serve<R>(
        &mut self,
        memory: &mut [u8],
        gas: i64,
        function: impl FnOnce(&mut Session<'_>) -> Result<R, Stop>,
    ) -> (i64, Option<R>) {
        // Nothing is done for a program that could not pay for the way to here.
        let Ok(gas_left) = u64::try_from(gas) else { return (gas, None) };
        let Self { host, context, state, .. } = self;
        let mut session = Session { memory, gas_left, state, context, host: host.get() };
        let result =
            session.charge(gas::HOST_FUNCTION).map_err(Stop::from).and_then(|()| function(&mut session));
        let left = i64::try_from(session.gas_left).unwrap_or(i64::MAX);
        match result {
            Ok(answer) => (left, Some(answer)),
            Err(stop) => {
                self.stop = Some(stop);
                (left, None)
            }
        }
    }
}

#[allow(unsafe_code)]
mod handle {
    //! A host whose lifetime engines do not know.
    //!
    //! A store's data must be `'static`, but a host is borrowed for one call. The only safe alternative is to give the
    //! host away and take it back around every nested call, which every implementation would have to get right.

    use super::{Host, NonNull};

    /// A borrowed host without its lifetime. Lives in a guest, and a guest lives no longer than `run`.
    pub(super) struct HostHandle(NonNull<dyn Host>);

    impl HostHandle {
        /// Takes the lifetime off.
        ///
        /// # Safety
        /// The handle must be dropped before the borrow of `host` ends.
        pub(super) unsafe fn new<'a>(host: &'a mut (dyn Host + 'a)) -> Self {
            let host = NonNull::from(host);
            // SAFETY: the types differ in the lifetime only, and a fat pointer's layout does not depend on it.
            Self(unsafe { core::mem::transmute::<NonNull<dyn Host + 'a>, NonNull<dyn Host + 'static>>(host) })
        }

        /// The host, for as long as nobody else can ask for it.
        pub(super) fn get(&mut self) -> &mut dyn Host {
            // SAFETY: `new` took the one exclusive borrow of the host, `run` holds it until the guest and this handle are
            // gone, and `&mut self` makes this the only reference derived from it. The returned lifetime is that of
            // `&mut self`.
            unsafe { self.0.as_mut() }
        }
    }
}
