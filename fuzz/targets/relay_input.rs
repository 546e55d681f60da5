//! What the relay hands to a worker: a new one, or one that serves.
#![no_main]

use phala_core::{Effect, Input};
use phala_crypto::Secret;
use phala_fuzz::network::World;
use phala_types::{
    Untrusted,
    relay::{HaltReason, Phase},
};
use std::cell::RefCell;

thread_local! {
    /// Made once, and anew after an input that was taken, so that each input meets the same worker.
    static WORKERS: RefCell<[Option<World>; 2]> = const { RefCell::new([None, None]) };
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((which, bytes)) = input.split_first() else { return };
    WORKERS.with_borrow_mut(|workers| {
        let slot = &mut workers[usize::from(*which % 2)];
        let world = slot.get_or_insert_with(if which % 2 == 0 { World::new } else { World::serving });
        let before = world.status();
        let effects = world.core.handle(Input::Relay(Untrusted::new(bytes.to_vec())), Secret::new([9; 32]));
        let refused = effects.iter().any(|it| matches!(it, Effect::Relay(output) if output.result.is_err()));
        let mut after = world.status();
        assert!(after.phase != Phase::Halted(HaltReason::Bug), "an input broke an invariant");
        if refused {
            after.refused_inputs = before.refused_inputs;
            assert!(after == before, "a refused input changed the worker");
            assert!(
                !effects.iter().any(|it| matches!(it, Effect::Write(_))),
                "a refused input was written to disk"
            );
        } else {
            *slot = None;
        }
    });
});
