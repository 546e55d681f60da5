// SPDX-License-Identifier: Apache-2.0
//! The engine without native code: wasmi, an interpreter.
//!
//! For platforms whose memory cannot be made executable, and to check the other engine by: it was written by other people
//! and shares with it nothing but the metered program. Some ten times slower; executions are the same.

use std::sync::Arc;

use phala_types::code::CodeRefusal;
use wasmi::{
    Caller, CompilationMode, Config, Engine as Interpreter, ExternType, Global, Linker, Memory, Module,
    Store, TrapCode, Val,
};

use crate::Trap;
use crate::abi::{FRAME_OVERHEAD_BYTES, STACK_BYTES};
use crate::code;
use crate::engine::{Call, Engine, Entry, Execution};
use crate::guest::{self, Counters, Guest};
use crate::host::Host;
use crate::jit::SetupError;
use crate::seal::{Session, Stop, interface};

/// The interpreter's stack of values. The program's own count ([`STACK_BYTES`]) is reached first: wasmi gives each value a
/// cell of 8 bytes as well, and to each function cells for its constants, of which there are at most as many as
/// instructions.
const VALUE_STACK_BYTES: usize = 64 * 1024 * 1024;
/// Functions on the stack: more than the program's own count admits.
const RECURSION_MAX: usize = STACK_BYTES.unsigned_abs().div_ceil(FRAME_OVERHEAD_BYTES) as usize;

/// Runs contracts by interpreting them. Cheap to clone and to share.
#[derive(Clone)]
pub struct WasmiEngine {
    interpreter: Interpreter,
    /// Shared, since an engine is cloned for each query.
    linker: Arc<Linker<Frame>>,
}

/// Code that a [`WasmiEngine`] translated.
#[derive(Clone)]
pub struct InterpretedContract {
    module: Module,
    initial_pages: u64,
}

impl WasmiEngine {
    /// Makes an engine. One for the whole process is enough.
    ///
    /// # Errors
    /// [`SetupError`] if the table of host functions contradicts itself.
    pub fn new() -> Result<Self, SetupError> {
        let mut config = Config::default();
        config
            // All at once: translating a function when it is first called would make the first call another than the next.
            .compilation_mode(CompilationMode::Eager)
            .set_max_recursion_depth(RECURSION_MAX)
            .set_max_stack_height(VALUE_STACK_BYTES)
            // What `code` admits, and not more.
            .floats(false)
            .wasm_multi_value(false)
            .wasm_multi_memory(false)
            .wasm_bulk_memory(false)
            .wasm_reference_types(false)
            .wasm_tail_call(false)
            .wasm_extended_const(false)
            .wasm_saturating_float_to_int(false)
            .wasm_custom_page_sizes(false)
            .wasm_wide_arithmetic(false)
            .allow_start_fn(false);
        let interpreter = Interpreter::new(&config);
        let mut linker = Linker::new(&interpreter);
        interface::link_interpreter(&mut linker).map_err(|error| SetupError::Interpreter(error.into()))?;
        Ok(Self { interpreter, linker: Arc::new(linker) })
    }
}

impl Engine for WasmiEngine {
    type Artifact = InterpretedContract;

    fn prepare(&self, wasm: &[u8]) -> Result<InterpretedContract, CodeRefusal> {
        let admitted = code::admit(wasm)?;
        let module = Module::new(&self.interpreter, &admitted).map_err(|_| CodeRefusal::Compiler)?;
        match module.get_export(code::MEMORY_EXPORT) {
            Some(ExternType::Memory(memory)) => {
                Ok(InterpretedContract { initial_pages: memory.minimum(), module })
            }
            _ => Err(CodeRefusal::Compiler),
        }
    }

    /// wasmi has no way to stop a program from outside.
    fn with_patience(&self, _: u64) -> Self {
        self.clone()
    }

    fn tick(&self) {}

    fn run(&self, artifact: &InterpretedContract, call: Call<'_>, host: &mut dyn Host) -> Execution {
        let entry = match call.entry {
            Entry::Deploy => "deploy",
            Entry::Call => "call",
        };
        guest::run(call, artifact.initial_pages, host, |guest, counters| {
            let mut store = Store::new(&self.interpreter, Frame { guest, instance: None });
            let ended = run_in_store(&self.linker, &artifact.module, entry, &mut store, counters);
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
    linker: &Linker<Frame>,
    module: &Module,
    entry: &str,
    store: &mut Store<Frame>,
    counters: Counters,
) -> Option<(Result<(), Trap>, Counters)> {
    let instance = linker.instantiate_and_start(&mut *store, module).ok()?;
    let memory = instance.get_memory(&*store, code::MEMORY_EXPORT)?;
    let gas = instance.get_global(&*store, code::GAS_EXPORT)?;
    let stack = instance.get_global(&*store, code::STACK_EXPORT)?;
    gas.set(&mut *store, Val::I64(counters.gas)).ok()?;
    stack.set(&mut *store, Val::I32(counters.stack)).ok()?;
    store.data_mut().instance = Some(Parts { memory, gas });
    let function = instance.get_typed_func::<(), ()>(&*store, entry).ok()?;
    let ended = function.call(&mut *store, ());
    let counters = Counters { gas: gas.get(&*store).i64()?, stack: stack.get(&*store).i32()? };
    Some((ended.map_err(|error| trap_of(&error)), counters))
}

fn trap_of(error: &wasmi::Error) -> Trap {
    match error.as_trap_code() {
        Some(TrapCode::UnreachableCodeReached) => Trap::Unreachable,
        Some(TrapCode::StackOverflow) => Trap::StackOverflow,
        Some(TrapCode::MemoryOutOfBounds) => Trap::MemoryOutOfBounds,
        Some(TrapCode::TableOutOfBounds) => Trap::TableOutOfBounds,
        Some(TrapCode::IndirectCallToNull | TrapCode::BadSignature) => Trap::IndirectCallMismatch,
        Some(TrapCode::IntegerOverflow) => Trap::IntegerOverflow,
        Some(TrapCode::IntegerDivisionByZero) => Trap::DivisionByZero,
        // The other codes belong to features that are off.
        _ => Trap::HostFault,
    }
}

/// Runs one host function with the gas that the program has left.
pub(crate) fn enter<R>(
    mut caller: Caller<'_, Frame>,
    function: impl FnOnce(&mut Session<'_>) -> Result<R, Stop>,
) -> Result<R, wasmi::Error> {
    let broken = || wasmi::Error::new("the instance is broken");
    let Parts { memory, gas } = caller.data().instance.ok_or_else(broken)?;
    let left = gas.get(&caller).i64().ok_or_else(broken)?;
    let (memory, frame) = memory.data_and_store_mut(&mut caller);
    let (left, answer) = frame.guest.serve(memory, left, function);
    gas.set(&mut caller, Val::I64(left)).map_err(|_| broken())?;
    answer.ok_or_else(|| wasmi::Error::new("stopped by the host"))
}
