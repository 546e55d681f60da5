//! Builds the runtime as WebAssembly, which is what goes into genesis.
//!
//! Where `rustup target add wasm32v1-none` cannot reach its server, `WASM_BUILD_TOOLCHAIN` names a toolchain that
//! has the target.

fn main() {
    #[cfg(feature = "std")]
    {
        // The builder looks for the lock file above the target directory, which may lie anywhere. Without it the
        // WebAssembly would be built from whatever versions are the newest that day.
        const HINT: &str = "WASM_BUILD_WORKSPACE_HINT";
        if std::env::var_os(HINT).is_none() {
            // SAFETY: a build script has one thread until it starts another, and this one has not.
            #[allow(unsafe_code)]
            unsafe {
                std::env::set_var(HINT, concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
            }
        }
        substrate_wasm_builder::WasmBuilder::build_using_defaults();
    }
}
