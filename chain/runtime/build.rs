//! Builds the runtime as WebAssembly, which is what goes into genesis.
//!
//! Where `rustup target add wasm32v1-none` cannot reach its server, `WASM_BUILD_TOOLCHAIN` names a toolchain that
//! has the target.

fn main() {
    #[cfg(feature = "std")]
    substrate_wasm_builder::WasmBuilder::build_using_defaults();
}
