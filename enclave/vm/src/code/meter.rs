// SPDX-License-Identifier: Apache-2.0
//! Gas and stack height, written into the program.
//!
//! A metered function pays for each stretch of straight code when it enters it, out of a global that the host sets and
//! reads, and takes its frame out of another one. So both are part of the program: every engine that runs it
//! counts alike, traps included, and a new release of an engine changes nothing.
//!
//! - M1 A *stretch* begins where control can arrive: at the beginning of a function, after `loop`, `if`, `else` and `end`,
//!   after a branch that may not be taken, and after a call. It is paid for whole. A trap inside of it gives nothing back.
//! - M2 Gas may become negative on the way to the next check, and a call that ends so is out of gas, however it ended. Checks
//!   are where functions begin and loops repeat, so that what runs unpaid is bounded by the length of one function.
//!   Host functions check before they do anything.
//! - M3 A frame takes room for its locals, its deepest operand stack and what surrounds them
//!   ([`FRAME_OVERHEAD_BYTES`]), and gives it back when the function returns.
//!
//! The gas that is left is kept in a local beside the global: what is in a register can be subtracted from without
//! waiting for memory, and the global is only written. A call may change the global, so the local is read again after it.
//!
//! `finite-wasm` analyses code in the same way; what it writes into the code are calls of the host, which take ten times as
//! long as the stretches that they pay for (`docs/adr/0011-gas-in-the-program.md`).

use std::ops::Range;

use phala_types::limits::MEMORY_PAGES_MAX;
use wasm_encoder::{BlockType, Function, Instruction, ValType};
use wasmparser::{
    BinaryReaderError, FuncValidator, FunctionBody, Operator, OperatorsReader, ValidatorResources,
};

use crate::abi::FRAME_OVERHEAD_BYTES;
use crate::gas;

/// A value on WebAssembly's stack or in a local: engines give each a machine word.
const SLOT_BYTES: u32 = 8;

/// The numbers of the globals that a metered module has besides its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counters {
    /// The gas that is left, an `i64`. Negative when it was not enough.
    pub(super) gas: u32,
    /// The bytes of stack that are left, an `i32`. Negative when they were not enough.
    pub(super) stack: u32,
}

/// What a function looks like from outside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signature {
    /// How many parameters it takes.
    pub(super) parameters: u32,
    /// What it returns, if anything: there is no more than one result.
    pub(super) result: Option<ValType>,
}

/// A piece of a function's body.
enum Piece {
    /// Instructions as they are.
    Copied(Range<usize>),
    /// The beginning of a stretch.
    Stretch(Stretch),
    /// `return`, from inside of so many blocks.
    Return { blocks: u32 },
    /// `memory.grow`.
    Grow,
}

struct Stretch {
    price: u64,
    /// A call came before, so that the local does not know the gas that is left.
    after_call: bool,
    /// Whether control can come back here without passing another check.
    checked: bool,
}

/// What one walk over a body finds.
struct Plan {
    pieces: Vec<Piece>,
    locals: u32,
    operands_max: u32,
    has_calls: bool,
}

/// The function with its price in it.
///
/// `wasm` is the module that `body` was read from.
pub(super) fn meter(
    wasm: &[u8],
    body: &FunctionBody<'_>,
    mut validator: FuncValidator<ValidatorResources>,
    signature: Signature,
    counters: Counters,
) -> Result<Function, BinaryReaderError> {
    let mut groups = Vec::new();
    let mut locals = signature.parameters;
    let mut reader = body.get_locals_reader()?;
    for _ in 0..reader.get_count() {
        let offset = reader.original_position();
        let (count, ty) = reader.read()?;
        validator.define_locals(offset, count, ty)?;
        locals = locals.saturating_add(count);
        groups.push((count, value_type(ty)));
    }
    let plan = Plan::of(body.get_operators_reader()?, &mut validator, locals)?;
    // After the function's own: what is left of the gas, of the stack, and how far memory is to grow.
    groups.push((1, ValType::I64));
    groups.push((2, ValType::I32));
    let mut writer = Writer {
        function: Function::new(groups),
        counters,
        gas: locals,
        stack: locals.saturating_add(1),
        pages: locals.saturating_add(2),
    };
    writer.write(wasm, &plan, signature.result);
    Ok(writer.function)
}

/// A type of WebAssembly in the encoder's words. Types beyond these two are refused with floats and references.
pub(super) fn value_type(ty: wasmparser::ValType) -> ValType {
    match ty {
        wasmparser::ValType::I64 => ValType::I64,
        _ => ValType::I32,
    }
}

impl Plan {
    fn of(
        mut operators: OperatorsReader<'_>,
        validator: &mut FuncValidator<ValidatorResources>,
        locals: u32,
    ) -> Result<Self, BinaryReaderError> {
        let entry = gas::linear(gas::FUNCTION, gas::LOCAL, locals.into());
        let mut plan = Self { pieces: Vec::new(), locals, operands_max: 0, has_calls: false };
        let mut price = entry;
        let mut stretch = Stretch { price: 0, after_call: false, checked: true };
        let mut body: Vec<Piece> = Vec::new();
        let mut copied = operators.original_position()..operators.original_position();
        let mut is_reachable = true;
        while !operators.eof() {
            let at = operators.original_position();
            let operator = operators.read()?;
            let blocks = validator.control_stack_height().saturating_sub(1);
            validator.op(at, &operator)?;
            plan.operands_max = plan.operands_max.max(validator.operand_stack_height());
            let is_last = operators.eof();
            if is_reachable {
                price = price.saturating_add(gas::instruction(&operator));
            }
            match operator {
                Operator::Return => {
                    body.push(Piece::Copied(copied.start..at));
                    body.push(Piece::Return { blocks });
                    copied.start = operators.original_position();
                }
                Operator::MemoryGrow { .. } => {
                    body.push(Piece::Copied(copied.start..at));
                    body.push(Piece::Grow);
                    copied.start = operators.original_position();
                }
                _ => {}
            }
            copied.end = operators.original_position();
            let Some(next) = after(&operator) else { continue };
            if let Operator::Call { .. } | Operator::CallIndirect { .. } = operator {
                plan.has_calls = true;
            }
            // The function's own `end` is written with what comes after it.
            if is_last {
                copied.end = at;
            }
            stretch.price = price;
            plan.pieces.push(Piece::Stretch(stretch));
            plan.pieces.append(&mut body);
            plan.pieces.push(Piece::Copied(copied.clone()));
            copied.start = copied.end;
            (price, is_reachable) = (0, !matches!(next, Next::Nowhere));
            stretch = Stretch {
                price: 0,
                after_call: matches!(next, Next::Returned),
                checked: matches!(next, Next::Loop),
            };
            // A loop is paid for each time that it begins again.
            if let Next::Loop = next {
                price = gas::LOOP;
            }
        }
        Ok(plan)
    }

    /// The bytes of stack that the function takes.
    fn frame_bytes(&self) -> i32 {
        let slots = self.locals.saturating_add(self.operands_max);
        let bytes = slots.saturating_mul(SLOT_BYTES).saturating_add(FRAME_OVERHEAD_BYTES);
        i32::try_from(bytes).unwrap_or(i32::MAX)
    }
}

/// How control arrives behind an instruction that ends a stretch.
enum Next {
    /// From before, or from elsewhere.
    Somehow,
    /// At the head of a loop.
    Loop,
    /// Back from a call.
    Returned,
    /// Not at all.
    Nowhere,
}

/// What comes behind an instruction, if the stretch ends with it (M1).
fn after(operator: &Operator<'_>) -> Option<Next> {
    match operator {
        Operator::Loop { .. } => Some(Next::Loop),
        Operator::If { .. } | Operator::Else | Operator::End | Operator::BrIf { .. } => Some(Next::Somehow),
        Operator::Call { .. } | Operator::CallIndirect { .. } => Some(Next::Returned),
        Operator::Br { .. } | Operator::BrTable { .. } | Operator::Return | Operator::Unreachable => {
            Some(Next::Nowhere)
        }
        _ => None,
    }
}

/// Writes one function.
struct Writer {
    function: Function,
    counters: Counters,
    /// The local that holds the gas that is left.
    gas: u32,
    /// The local that holds the stack that is left.
    stack: u32,
    /// A local for the pages by which memory is to grow.
    pages: u32,
}

impl Writer {
    fn put(&mut self, instructions: &[Instruction<'_>]) {
        for instruction in instructions {
            self.function.instruction(instruction);
        }
    }

    fn write(&mut self, wasm: &[u8], plan: &Plan, result: Option<ValType>) {
        self.take_frame(plan);
        self.put(&[Instruction::GlobalGet(self.counters.gas), Instruction::LocalSet(self.gas)]);
        // A function that calls has to give its frame back, wherever it returns: its body becomes a block to leave.
        let block = result.map_or(BlockType::Empty, BlockType::Result);
        if plan.has_calls {
            self.put(&[Instruction::Block(block)]);
        }
        for piece in &plan.pieces {
            match piece {
                Piece::Copied(range) => {
                    self.function.raw(wasm.get(range.clone()).unwrap_or_default().iter().copied());
                }
                Piece::Stretch(stretch) => self.pay(stretch),
                Piece::Return { blocks } if plan.has_calls => self.put(&[Instruction::Br(*blocks)]),
                Piece::Return { .. } => self.put(&[Instruction::Return]),
                Piece::Grow => self.grow(),
            }
        }
        if plan.has_calls {
            self.put(&[
                Instruction::End,
                Instruction::LocalGet(self.stack),
                Instruction::I32Const(plan.frame_bytes()),
                Instruction::I32Add,
                Instruction::GlobalSet(self.counters.stack),
            ]);
        }
        self.put(&[Instruction::End]);
    }

    /// M3. A function that calls nothing has nobody to tell what is left, unless it is too little.
    fn take_frame(&mut self, plan: &Plan) {
        self.put(&[
            Instruction::GlobalGet(self.counters.stack),
            Instruction::I32Const(plan.frame_bytes()),
            Instruction::I32Sub,
            Instruction::LocalTee(self.stack),
        ]);
        if plan.has_calls {
            self.put(&[Instruction::GlobalSet(self.counters.stack), Instruction::LocalGet(self.stack)]);
        }
        self.put(&[Instruction::I32Const(0), Instruction::I32LtS, Instruction::If(BlockType::Empty)]);
        if !plan.has_calls {
            self.put(&[Instruction::LocalGet(self.stack), Instruction::GlobalSet(self.counters.stack)]);
        }
        self.put(&[Instruction::Unreachable, Instruction::End]);
    }

    /// M1 and M2.
    fn pay(&mut self, stretch: &Stretch) {
        if stretch.after_call {
            self.put(&[Instruction::GlobalGet(self.counters.gas)]);
            if stretch.price == 0 {
                self.put(&[Instruction::LocalSet(self.gas)]);
            }
        } else if stretch.price > 0 {
            self.put(&[Instruction::LocalGet(self.gas)]);
        }
        if stretch.price > 0 {
            self.put(&[
                Instruction::I64Const(i64::try_from(stretch.price).unwrap_or(i64::MAX)),
                Instruction::I64Sub,
            ]);
            self.keep_gas();
        }
        if stretch.checked {
            self.check_gas();
        }
    }

    /// Takes what is left of the gas from the stack, for the function and for all others.
    fn keep_gas(&mut self) {
        self.put(&[Instruction::LocalTee(self.gas), Instruction::GlobalSet(self.counters.gas)]);
    }

    fn check_gas(&mut self) {
        self.put(&[
            Instruction::LocalGet(self.gas),
            Instruction::I64Const(0),
            Instruction::I64LtS,
            Instruction::If(BlockType::Empty),
            Instruction::Unreachable,
            Instruction::End,
        ]);
    }

    /// Pays for the pages before they are there. More than any memory may have cost nothing, since they never come.
    fn grow(&mut self) {
        self.put(&[
            Instruction::LocalTee(self.pages),
            Instruction::I32Const(i32::try_from(MEMORY_PAGES_MAX).unwrap_or(i32::MAX)),
            Instruction::I32LeU,
            Instruction::If(BlockType::Empty),
            Instruction::LocalGet(self.gas),
            Instruction::LocalGet(self.pages),
            Instruction::I64ExtendI32U,
            Instruction::I64Const(i64::try_from(gas::MEMORY_PAGE).unwrap_or(i64::MAX)),
            Instruction::I64Mul,
            Instruction::I64Sub,
        ]);
        self.keep_gas();
        self.check_gas();
        self.put(&[Instruction::End, Instruction::LocalGet(self.pages), Instruction::MemoryGrow(0)]);
    }
}
