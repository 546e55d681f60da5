//! What the relay hands to a worker: a new one, or one that serves.
#![no_main]

use codec::{Encode, Output};
use phala_core::{Effect, Input};
use phala_crypto::Secret;
use phala_fuzz::network::{CLUSTER, World};
use phala_light::keys;
use phala_types::{
    Untrusted,
    relay::{HaltReason, Phase, RelayInput},
};
use std::cell::RefCell;

thread_local! {
    /// Made once, and anew after an input that was taken, so that each input meets the same worker.
    static WORKERS: RefCell<[Option<World>; 2]> = const { RefCell::new([None, None]) };
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((which, bytes)) = input.split_first() else { return };
    if *which == 2 {
        return show_storage(bytes);
    }
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

/// A finalized block in which one of the values that a worker reads of itself is any bytes.
fn show_storage(bytes: &[u8]) {
    let Some((place, value)) = bytes.split_first() else { return };
    WORKERS.with_borrow_mut(|[_, slot]| {
        let mut world = slot.take().unwrap_or_else(World::serving);
        let status = world.status();
        let keys = keys::worker_view(status.worker, Some(CLUSTER));
        world.put(keys[usize::from(*place) % keys.len()].clone(), &Raw(value));
        let number = world.chain.build().number;
        let proof = world.chain.finality_proof(number);
        let view = world.chain.prove_worker_view(number, status.worker, status.cluster);
        let _ = world.send(RelayInput::Finality { proof, view: Some(view) });
        assert!(world.status().phase != Phase::Halted(HaltReason::Bug), "a value broke an invariant");
    });
}

/// Bytes that are a value's encoding already.
struct Raw<'a>(&'a [u8]);

impl Encode for Raw<'_> {
    fn encode_to<T: Output + ?Sized>(&self, output: &mut T) {
        output.write(self.0);
    }
}
