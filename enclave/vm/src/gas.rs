// SPDX-License-Identifier: Apache-2.0
//! What things cost. One unit of gas is one WebAssembly instruction, as wasmtime counts fuel.
//!
//! Host functions are priced by measurement relative to that unit (an instruction takes about 0.4 ns here), rounded up
//! to a power of two where that is close, and never below what the work costs at its worst. They are charged before the
//! work is done. Changing a number changes outcomes, hence the version.
