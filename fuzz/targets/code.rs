//! Admitting, compiling and running code of strangers.
#![no_main]

use phala_fuzz::contract::{World, context, engine};
use phala_vm::{Call, Engine as _, Entry};

/// Enough for some thousand instructions and host functions.
const GAS: u64 = 1_000_000;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Ok(artifact) = engine().prepare(input) else { return };
    for entry in [Entry::Deploy, Entry::Call] {
        let call = || Call { entry, input: b"input", gas_limit: GAS, context: &CONTEXT };
        let (mut world, mut other) = (World::default(), World::default());
        let execution = engine().run(&artifact, call(), &mut world);
        assert!(execution.gas_used <= GAS, "more gas was used than there was");
        let again = engine().run(&artifact, call(), &mut other);
        assert!(execution == again && world.storage == other.storage, "two runs differ");
    }
});

static CONTEXT: std::sync::LazyLock<phala_vm::Context> = std::sync::LazyLock::new(context);
