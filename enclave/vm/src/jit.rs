// SPDX-License-Identifier: Apache-2.0
//! The engine: wasmtime with Cranelift.
//!
//! Instances come from a pool, with memory images mapped copy-on-write: making one takes microseconds. Each call has a
//! store of its own, so nothing of a call is left for the next one but the pages that the pool has zeroed.
//!
//! Gas and stack are counted by the program itself (`code::meter`). The native stack has a limit of its own behind that,
//! which no program is known to reach first.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use phala_types::code::CodeRefusal;
use phala_types::limits::MEMORY_PAGES_MAX;
use wasmtime::{
    Caller, Config, Engine as Compiler, ExternType, Global, InstanceAllocationStrategy, InstancePre, Linker,
    Memory, Module, ModuleExport, OptLevel, PoolingAllocationConfig, Store, Strategy, Val,
};

use crate::Trap;
use crate::abi::{NATIVE_STACK_BYTES, WASM_PAGE_BYTES};
use crate::code::{self, MAX_TABLE_ELEMENTS};
use crate::engine::{Call, Engine, Entry, Execution};
use crate::guest::{self, Counters, Guest};
use crate::host::Host;
use crate::seal::{Session, Stop, interface};

/// How many frames may run at once in the process: threads times depth. Only address space is taken for them, 1 GiB for each
/// form of code; memory is taken by the pages that a running contract touches.
///
/// Beyond it a call ends with [`Trap::HostFault`], which is no outcome; so threads are to be fewer than this divided by
/// [`crate::limits::CALL_DEPTH_MAX`].
pub const MAX_CONCURRENT_FRAMES: u32 = 256;
/// How much of an instance's memory is zeroed by hand rather than by the kernel, which is faster for what is small.
const KEEP_RESIDENT_BYTES: usize = 128 * 1024;
/// The most room for an instance's own data: globals, and a pointer or two for each function.
const MAX_INSTANCE_BYTES: usize = 1024 * 1024;

/// Compiles contracts with Cranelift and runs them in fresh instances. Cheap to clone and to share.
///
/// Code has two forms. A command is bounded by gas alone, and its code looks at no clock. A call with a deadline runs code
/// that does, where functions begin and loops repeat, which takes half as long again in the tightest loops; that form is
/// compiled when it is needed first. Their executions differ in nothing but [`Trap::TimedOut`].
#[derive(Clone)]
pub struct WasmtimeEngine {
    /// Shared, since an engine is cloned for each query.
    untimed: Arc<Toolchain>,
    timed: Arc<Toolchain>,
    /// How often the engine's clock has ticked. Only differences mean something.
    ticks: Arc<AtomicU64>,
    /// The tick at which its calls end.
    deadline: Option<u64>,
}

/// A compiler, and the host functions that what it compiles is linked with.
struct Toolchain {
    compiler: Compiler,
    linker: Linker<Frame>,
}

/// Code that a [`WasmtimeEngine`] compiled.
#[derive(Clone)]
pub struct CompiledContract {
    untimed: Program,
    /// Nothing in it if it does not compile, which the other form has shown to be the machine's fault.
    timed: Arc<OnceLock<Option<Program>>>,
    /// What both are compiled from.
    admitted: Arc<[u8]>,
}

/// One form of it.
#[derive(Clone)]
struct Program {
    linked: InstancePre<Frame>,
    deploy: ModuleExport,
    call: ModuleExport,
    memory: ModuleExport,
    gas: ModuleExport,
    stack: ModuleExport,
    initial_pages: u64,
}

/// The engine could not be made. Nothing that a contract or a user can cause.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The platform lacks what wasmtime needs: address space, or executable memory.
    #[error("cannot set up the contract engine")]
    Compiler(#[source] wasmtime::Error),
    /// The interpreter does not take the table of host functions.
    #[error("cannot set up the contract interpreter")]
    Interpreter(#[source] wasmi::Error),
}

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
        let toolchain = |timed| Toolchain::new(pooled, timed).map(Arc::new).map_err(SetupError::Compiler);
        let (untimed, timed) = (toolchain(false)?, toolchain(true)?);
        Ok(Self { untimed, timed, ticks: Arc::default(), deadline: None })
    }

    /// The form of the code that its calls run, and how many ticks are left for one that begins now.
    fn form<'a>(
        &'a self,
        artifact: &'a CompiledContract,
    ) -> Option<(&'a Compiler, &'a Program, Option<u64>)> {
        let Some(deadline) = self.deadline else {
            return Some((&self.untimed.compiler, &artifact.untimed, None));
        };
        let compiled = artifact.timed.get_or_init(|| self.timed.program(&artifact.admitted).ok());
        let patience = deadline.saturating_sub(self.ticks.load(Ordering::Relaxed));
        Some((&self.timed.compiler, compiled.as_ref()?, Some(patience)))
    }
}

impl Toolchain {
    fn new(pooled: bool, timed: bool) -> wasmtime::Result<Self> {
        let compiler = Compiler::new(&configuration(pooled, timed))?;
        let mut linker = Linker::new(&compiler);
        interface::link_jit(&mut linker)?;
        Ok(Self { compiler, linker })
    }

    /// Compiles what was admitted.
    fn program(&self, admitted: &[u8]) -> wasmtime::Result<Program> {
        let module = Module::from_binary(&self.compiler, admitted)?;
        let linked = self.linker.instantiate_pre(&module)?;
        let initial_pages = match module.get_export(code::MEMORY_EXPORT) {
            Some(ExternType::Memory(memory)) => memory.minimum(),
            _ => return Err(wasmtime::Error::msg("the memory is gone")),
        };
        let export =
            |name| module.get_export_index(name).ok_or_else(|| wasmtime::Error::msg("an export is gone"));
        Ok(Program {
            deploy: export("deploy")?,
            call: export("call")?,
            memory: export(code::MEMORY_EXPORT)?,
            gas: export(code::GAS_EXPORT)?,
            stack: export(code::STACK_EXPORT)?,
            initial_pages,
            linked,
        })
    }
}

fn configuration(pooled: bool, timed: bool) -> Config {
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
        .max_wasm_stack(NATIVE_STACK_BYTES)
        .epoch_interruption(timed)
        // Outcomes carry no native addresses, so none are collected.
        .wasm_backtrace_max_frames(None)
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
        let untimed = self.untimed.program(&admitted).map_err(|_| CodeRefusal::Compiler)?;
        Ok(CompiledContract { untimed, timed: Arc::default(), admitted: admitted.into() })
    }

    fn with_patience(&self, ticks: u64) -> Self {
        let deadline = self.ticks.load(Ordering::Relaxed).saturating_add(ticks);
        Self { deadline: Some(deadline), ..self.clone() }
    }

    fn tick(&self) {
        self.ticks.fetch_add(1, Ordering::Relaxed);
        self.timed.compiler.increment_epoch();
    }

    fn run(&self, artifact: &CompiledContract, call: Call<'_>, host: &mut dyn Host) -> Execution {
        guest::run(call, artifact.untimed.initial_pages, host, |guest, counters| {
            let Some((compiler, program, patience)) = self.form(artifact) else { return (guest, None) };
            let mut store = Store::new(compiler, Frame { guest, instance: None });
            if let Some(ticks) = patience {
                store.set_epoch_deadline(ticks);
            }
            // Segments were checked to fit and there is no start function, so what fails here is the machine, not the
            // contract.
            let ended = run_in_store(program, call.entry, &mut store, counters);
            (store.into_data().guest, ended)
        })
    }
}

/// What a store carries.
pub(crate) struct Frame {
    guest: Guest,
    instance: Option<Parts>,
}

/// What host functions need of an instance.
#[derive(Clone, Copy)]
struct Parts {
    memory: Memory,
    gas: Global,
}

/// How the program ended and what it left, or nothing if the machine failed.
fn run_in_store(
    program: &Program,
    entry: Entry,
    store: &mut Store<Frame>,
    counters: Counters,
) -> Option<(Result<(), Trap>, Counters)> {
    let entry = match entry {
        Entry::Deploy => &program.deploy,
        Entry::Call => &program.call,
    };
    let instance = program.linked.instantiate(&mut *store).ok()?;
    let memory = instance.get_module_export(&mut *store, &program.memory)?.into_memory()?;
    let gas = instance.get_module_export(&mut *store, &program.gas)?.into_global()?;
    let stack = instance.get_module_export(&mut *store, &program.stack)?.into_global()?;
    gas.set(&mut *store, Val::I64(counters.gas)).ok()?;
    stack.set(&mut *store, Val::I32(counters.stack)).ok()?;
    store.data_mut().instance = Some(Parts { memory, gas });
    let function = instance.get_module_export(&mut *store, entry)?.into_func()?;
    let ended = function.typed::<(), ()>(&*store).ok()?.call(&mut *store, ());
    let counters = Counters { gas: gas.get(&mut *store).i64()?, stack: stack.get(&mut *store).i32()? };
    Some((ended.map_err(|error| trap_of(&error)), counters))
}

fn trap_of(error: &wasmtime::Error) -> Trap {
    use wasmtime::Trap as Fault;
    match error.downcast_ref::<Fault>() {
        Some(Fault::UnreachableCodeReached) => Trap::Unreachable,
        Some(Fault::StackOverflow) => Trap::StackOverflow,
        Some(Fault::MemoryOutOfBounds) => Trap::MemoryOutOfBounds,
        Some(Fault::TableOutOfBounds) => Trap::TableOutOfBounds,
        Some(Fault::IndirectCallToNull | Fault::BadSignature) => Trap::IndirectCallMismatch,
        Some(Fault::IntegerOverflow) => Trap::IntegerOverflow,
        Some(Fault::IntegerDivisionByZero) => Trap::DivisionByZero,
        Some(Fault::Interrupt) => Trap::TimedOut,
        // The other faults belong to features that are off.
        _ => Trap::HostFault,
    }
}

/// Runs one host function with the gas that the program has left.
pub(crate) fn enter<R>(
    mut caller: Caller<'_, Frame>,
    function: impl FnOnce(&mut Session<'_>) -> Result<R, Stop>,
) -> wasmtime::Result<R> {
    let broken = || wasmtime::Error::msg("the instance is broken");
    let Parts { memory, gas } = caller.data().instance.ok_or_else(broken)?;
    let left = gas.get(&mut caller).i64().ok_or_else(broken)?;
    let (memory, frame) = memory.data_and_store_mut(&mut caller);
    let (left, answer) = frame.guest.serve(memory, left, function);
    gas.set(&mut caller, Val::I64(left))?;
    answer.ok_or_else(|| wasmtime::Error::msg("stopped by the host"))
}
