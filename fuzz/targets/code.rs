//! Admitting, compiling and running code of strangers.
#![no_main]

use phala_fuzz::{
    contract::{World, context, engine},
    guest,
};
use phala_vm::{
    Call, CompiledContract, Context, Engine as _, Entry, ExtensionReply, FrameError, FrameOutcome, HostError,
    Return,
};

/// Enough for some thousand instructions and host functions.
const GAS: u64 = 10_000_000;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((what, bytes)) = input.split_first() else { return };
    let context = Context { read_only: what & 0x80 != 0, ..context() };
    match what & 0x7f {
        // A whole module.
        0 => {
            if let Ok(artifact) = engine().prepare(bytes) {
                run(&artifact, &context, World::default);
            }
        }
        // The instructions of one.
        1 => {
            if let Ok(artifact) = engine().prepare(&guest::with_body(bytes)) {
                run(&artifact, &context, World::default);
            }
        }
        // Calls of host functions, in a world of some kind.
        2 => {
            let Some((kind, bytes)) = bytes.split_first() else { return };
            let artifact = engine().prepare(&guest::that_calls(bytes)).expect("it is a good contract");
            run(&artifact, &context, || world(*kind));
        }
        _ => {}
    }
});

fn run(artifact: &CompiledContract, context: &Context, world: impl Fn() -> World) {
    for entry in [Entry::Deploy, Entry::Call] {
        let call = || Call { entry, input: b"input", gas_limit: GAS, context };
        let (mut one, mut other) = (world(), world());
        let execution = engine().run(artifact, call(), &mut one);
        assert!(execution.gas_used <= GAS, "more gas was used than there was");
        let again = engine().run(artifact, call(), &mut other);
        assert!(execution == again && one.storage == other.storage, "two runs differ");
    }
}

fn world(kind: u8) -> World {
    let mut world = match kind {
        0 => World::default(),
        1 => World::that_fails(HostError::LimitReached),
        2 => World::that_fails(HostError::Fault),
        3 => World::whose_frames_end(Err(FrameError::Trapped)),
        4 => World::whose_frames_end(Err(FrameError::TransferFailed)),
        5 => World::whose_frames_end(Err(FrameError::ReentranceDenied)),
        6 => World::whose_frames_end(Ok(Return { flags: 1, data: vec![1; 16 * 1024] })),
        // A callee that used more than it was given.
        _ => {
            let result = Ok(Return { flags: 0, data: Vec::new() });
            World { frame: FrameOutcome { result, gas_used: u64::MAX }, ..World::default() }
        }
    };
    world.extension = Some(ExtensionReply { status: 7, output: vec![8; 64], gas_used: 1_000 });
    world.storage.insert(vec![0; 32], vec![9; 300]);
    world
}
