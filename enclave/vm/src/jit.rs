// SPDX-License-Identifier: Apache-2.0
//! The engine: wasmtime with Cranelift.
//!
//! Instances come from a pool, with memory images mapped copy-on-write: making one takes microseconds. Each call has a
//! store of its own, so nothing of a call is left for the next one but the pages that the pool has zeroed.
//!
//! Gas is wasmtime's fuel. It is checked where functions begin, loops repeat and host functions are called, so a call may
//! run over its limit by one stretch of straight code; it then counts as having used the limit exactly.

use core::ptr::NonNull;

use phala_types::code::CodeRefusal;
use phala_types::limits::{MEMORY_PAGES_MAX, PAYLOAD_BYTES_MAX};
use wasmtime::{
    Caller, Config, Engine as Compiler, ExternType, InstanceAllocationStrategy, InstancePre, Linker, Memory,
    Module, ModuleExport, OptLevel, PoolingAllocationConfig, Store, Strategy,
};

use crate::abi::{MAX_WASM_STACK_BYTES, WASM_PAGE_BYTES};
use crate::code::{self, MAX_TABLE_ELEMENTS};
use crate::engine::{Call, Context, Engine, Entry, Execution, Return};
use crate::gas;
use crate::host::Host;
use crate::seal::{Session, State, Stop, interface};
use crate::trap::Trap;

/// How many frames may run at once in the process: threads times depth. Only address space is taken for them, 1 GiB of it;
/// memory is taken by the pages that a running contract touches.
///
/// Beyond it a call ends with [`Trap::HostFault`], which is no outcome; so threads are to be fewer than this divided by
/// [`crate::limits::CALL_DEPTH_MAX`].
pub const MAX_CONCURRENT_FRAMES: u32 = 256;
/// How much of an instance's memory is zeroed by hand rather than by the kernel, which is faster for what is small.
const KEEP_RESIDENT_BYTES: usize = 128 * 1024;
/// The most room for an instance's own data: globals, and a pointer or two for each function.
const MAX_INSTANCE_BYTES: usize = 1024 * 1024;

/// Compiles contracts with Cranelift and runs them in fresh instances. Cheap to clone and to share.
#[derive(Clone)]
pub struct WasmtimeEngine {
    compiler: Compiler,
    linker: Linker<Guest>,
}

/// Code that a [`WasmtimeEngine`] compiled.
#[derive(Clone)]
pub struct CompiledContract {
    linked: InstancePre<Guest>,
    deploy: ModuleExport,
    call: ModuleExport,
    memory: ModuleExport,
    initial_pages: u64,
}

/// The engine could not be made: the platform lacks what it needs. Nothing that a contract or a user can cause.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the contract engine")]
pub struct SetupError(#[source] wasmtime::Error);

impl WasmtimeEngine {
    /// Makes an engine. Takes a millisecond; one for the whole process is enough.
    ///
    /// # Errors
    /// [`SetupError`] if memory for instances cannot be reserved.
    pub fn new() -> Result<Self, SetupError> {
        Self::with_pool(true)
    }

    /// An engine that maps each instance's memory anew: slower by some 20 us a call, but without address space held.
    ///
    /// For platforms where a pool of mappings costs more than it saves. Executions are the same.
    ///
    /// # Errors
    /// [`SetupError`], as for [`WasmtimeEngine::new`].
    pub fn without_pool() -> Result<Self, SetupError> {
        Self::with_pool(false)
    }

    fn with_pool(pooled: bool) -> Result<Self, SetupError> {
        let compiler = Compiler::new(&configuration(pooled)).map_err(SetupError)?;
        let mut linker = Linker::new(&compiler);
        interface::link(&mut linker).map_err(SetupError)?;
        Ok(Self { compiler, linker })
    }
}

fn configuration(pooled: bool) -> Config {
    let memory_bytes = MEMORY_PAGES_MAX.saturating_mul(WASM_PAGE_BYTES);
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        // What `code` admits, and not more: a second lock on the same door.
        .wasm_bulk_memory(false)
        .wasm_multi_value(false)
        .wasm_simd(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false)
        .wasm_multi_memory(false)
        .wasm_memory64(false)
        .wasm_extended_const(false)
        // Counting fuel is what makes an endless loop end.
        .consume_fuel(true)
        .max_wasm_stack(MAX_WASM_STACK_BYTES)
        // Outcomes carry no native addresses, so none are collected.
        .wasm_backtrace(false)
        .native_unwind_info(false)
        // Memory cannot grow past what is reserved. Small reservations mean explicit bounds checks, which cost little
        // beside host functions, and fit address spaces as narrow as an SGX enclave's.
        .memory_reservation(u64::from(memory_bytes))
        .memory_guard_size(u64::from(WASM_PAGE_BYTES))
        .memory_reservation_for_growth(0)
        .memory_may_move(false);
    if pooled {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(memory_bytes)));
    }
    config
}

fn pool(memory_bytes: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(MAX_CONCURRENT_FRAMES)
        .total_memories(MAX_CONCURRENT_FRAMES)
        .total_tables(MAX_CONCURRENT_FRAMES)
        .max_memories_per_module(1)
        .max_tables_per_module(1)
        .max_core_instance_size(MAX_INSTANCE_BYTES)
        .max_memory_size(usize::try_from(memory_bytes).unwrap_or(usize::MAX))
        .table_elements(usize::try_from(MAX_TABLE_ELEMENTS).unwrap_or(usize::MAX))
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(KEEP_RESIDENT_BYTES);
    pool
}

impl Engine for WasmtimeEngine {
    type Artifact = CompiledContract;

    fn prepare(&self, wasm: &[u8]) -> Result<CompiledContract, CodeRefusal> {
        let admitted = code::admit(wasm)?;
        let compiled = || {
            let module = Module::from_binary(&self.compiler, &admitted)?;
            let linked = self.linker.instantiate_pre(&module)?;
            let initial_pages = match module.get_export(code::MEMORY_EXPORT) {
                Some(ExternType::Memory(memory)) => memory.minimum(),
                _ => return Err(wasmtime::Error::msg("the memory is gone")),
            };
            let export =
                |name| module.get_export_index(name).ok_or_else(|| wasmtime::Error::msg("an export is gone"));
            Ok(CompiledContract {
                deploy: export("deploy")?,
                call: export("call")?,
                memory: export(code::MEMORY_EXPORT)?,
                initial_pages,
                linked,
            })
        };
        compiled().map_err(|_| CodeRefusal::Compiler)
    }

    fn run(&self, artifact: &CompiledContract, call: Call<'_>, host: &mut dyn Host) -> Execution {
        let mut gas_left = call.gas_limit;
        let result = run_in_store(&self.compiler, artifact, call, host, &mut gas_left);
        Execution { result, gas_used: call.gas_limit.saturating_sub(gas_left) }
    }
}

fn run_in_store(
    compiler: &Compiler,
    artifact: &CompiledContract,
    call: Call<'_>,
    host: &mut dyn Host,
    gas_left: &mut u64,
) -> Result<Return, Trap> {
    if call.input.len() > usize::try_from(PAYLOAD_BYTES_MAX).unwrap_or(usize::MAX) {
        return Err(Trap::InputTooLong);
    }
    let price = gas::linear(gas::FRAME, gas::MEMORY_PAGE, artifact.initial_pages);
    let Some(left) = gas_left.checked_sub(price) else {
        *gas_left = 0;
        return Err(Trap::OutOfGas);
    };
    *gas_left = left;

    // SAFETY: the handle moves into `store`, which is dropped before this function, and with it the borrow, ends.
    #[allow(unsafe_code)]
    let host = unsafe { HostHandle::new(host) };
    let guest = Guest {
        host,
        context: call.context.clone(),
        state: State { input: Some(call.input.to_vec()), events: 0 },
        memory: None,
        paid_pages: artifact.initial_pages,
        stop: None,
    };
    let mut store = Store::new(compiler, guest);
    store.set_fuel(left).map_err(|_| Trap::HostFault)?;
    // Segments were checked to fit and there is no start function, so what fails here is the machine, not the contract.
    let instance = artifact.linked.instantiate(&mut store).map_err(|_| Trap::HostFault)?;
    let memory =
        instance.get_module_export(&mut store, &artifact.memory).and_then(wasmtime::Extern::into_memory);
    let memory = memory.ok_or(Trap::HostFault)?;
    store.data_mut().memory = Some(memory);
    let entry = match call.entry {
        Entry::Deploy => &artifact.deploy,
        Entry::Call => &artifact.call,
    };
    let function = instance
        .get_module_export(&mut store, entry)
        .and_then(wasmtime::Extern::into_func)
        .and_then(|function| function.typed::<(), ()>(&store).ok())
        .ok_or(Trap::HostFault)?;

    let ended = function.call(&mut store, ());
    let fuel = store.get_fuel().unwrap_or(0);
    let unpaid = memory.size(&store).saturating_sub(store.data().paid_pages);
    let paid = fuel.checked_sub(gas::linear(0, gas::MEMORY_PAGE, unpaid));
    *gas_left = paid.unwrap_or(0);
    let result = match (ended, store.data_mut().stop.take()) {
        (_, Some(Stop::Return(answer))) => Ok(answer),
        (_, Some(Stop::Trap(trap))) => Err(trap),
        // A contract that just ends has answered nothing, successfully.
        (Ok(()), None) => Ok(Return::default()),
        (Err(error), None) => Err(trap_of(&error)),
    };
    if paid.is_none() && result.is_ok() { Err(Trap::OutOfGas) } else { result }
}

fn trap_of(error: &wasmtime::Error) -> Trap {
    use wasmtime::Trap as Fault;
    match error.downcast_ref::<Fault>() {
        Some(Fault::OutOfFuel) => Trap::OutOfGas,
        Some(Fault::UnreachableCodeReached) => Trap::Unreachable,
        Some(Fault::StackOverflow) => Trap::StackOverflow,
        Some(Fault::MemoryOutOfBounds) => Trap::MemoryOutOfBounds,
        Some(Fault::TableOutOfBounds) => Trap::TableOutOfBounds,
        Some(Fault::IndirectCallToNull | Fault::BadSignature) => Trap::IndirectCallMismatch,
        Some(Fault::IntegerOverflow) => Trap::IntegerOverflow,
        Some(Fault::IntegerDivisionByZero) => Trap::DivisionByZero,
        // The other faults belong to features that are off.
        _ => Trap::HostFault,
    }
}

/// What a store carries: everything a host function needs.
pub(crate) struct Guest {
    host: HostHandle,
    context: Context,
    state: State,
    memory: Option<Memory>,
    /// The pages of memory that are paid for. The contract grows its memory without asking the host, so growth is
    /// charged when the host sees it next: at a host function, or at the end.
    paid_pages: u64,
    stop: Option<Stop>,
}

/// Runs one host function: makes its session, and takes what it used from the fuel.
pub(crate) fn enter<R>(
    mut guest: Caller<'_, Guest>,
    function: impl FnOnce(&mut Session<'_>) -> Result<R, Stop>,
) -> wasmtime::Result<R> {
    let fuel = guest.get_fuel()?;
    let memory = guest.data().memory.ok_or_else(|| wasmtime::Error::msg("no memory"))?;
    let pages = memory.size(&guest);
    let (memory, data) = memory.data_and_store_mut(&mut guest);
    let Guest { host, context, state, paid_pages, .. } = data;
    let price = gas::linear(gas::HOST_FUNCTION, gas::MEMORY_PAGE, pages.saturating_sub(*paid_pages));
    *paid_pages = pages;
    let mut session = Session { memory, gas_left: fuel, state, context, host: host.get() };
    let result = session.charge(price).map_err(Stop::from).and_then(|()| function(&mut session));
    let gas_left = session.gas_left;
    guest.set_fuel(gas_left)?;
    result.map_err(|stop| {
        guest.data_mut().stop = Some(stop);
        wasmtime::Error::msg("stopped by the host")
    })
}

use handle::HostHandle;

#[allow(unsafe_code)]
mod handle {
    //! A host whose lifetime wasmtime does not know.
    //!
    //! A store's data must be `'static`, but a host is borrowed for one call. The only safe alternative is to give the
    //! host away and take it back around every nested call, which every implementation would have to get right.

    use super::{Host, NonNull};

    /// A borrowed host without its lifetime. Lives in a store, and the store is a local variable of `run_in_store`.
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
            // SAFETY: `new` took the one exclusive borrow of the host, `run_in_store` holds it until the store and this
            // handle are gone, and `&mut self` makes this the only reference derived from it. The returned lifetime
            // is that of `&mut self`.
            unsafe { self.0.as_mut() }
        }
    }
}
