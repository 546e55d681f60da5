//! A cluster's messages as the chain orders them, whatever is in them: the worker goes on.
#![no_main]

use codec::Encode as _;
use phala_fuzz::{
    decode,
    network::{GAS, User, World},
};
use phala_types::{
    Bytes, ContractId,
    cluster::ClusterMessage,
    command::{Command, SignedCommand},
    relay::Phase,
    tag::Tag,
};
use std::cell::RefCell;

/// Messages until the worker is made anew: the harness has one byte to make its randomness from.
const MESSAGES_MAX: u64 = 30;

thread_local! {
    static WORKER: RefCell<Option<(World, ContractId, u64)>> = const { RefCell::new(None) };
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((what, bytes)) = input.split_first() else { return };
    WORKER.with_borrow_mut(|slot| {
        let user = User::new(1);
        let (world, contract, sent) = slot.get_or_insert_with(|| {
            let (world, contract) = World::with_notebook(&user);
            (world, contract, 0)
        });
        *sent += 1;
        let contract = *contract;
        match what {
            // An envelope.
            0 => {
                let Ok(envelope) = Bytes::try_from(bytes.to_vec()) else { return };
                world.execute(ClusterMessage::Command { contract, envelope });
            }
            // What is sealed in it.
            1 => {
                let envelope = world.sealed_bytes(contract, bytes);
                world.execute(ClusterMessage::Command { contract, envelope });
            }
            // The input of a call that is as it should be.
            2 => {
                world.call(&user, contract, 1 + *sent, bytes.to_vec());
            }
            // Any message.
            3 => {
                let Some(message) = decode::<ClusterMessage>(bytes) else { return };
                world.execute(message);
            }
            // A command that its signer signed.
            4 => {
                let Some(mut command) = decode::<Command>(bytes) else { return };
                command.signer = user.signer();
                command.gas_limit = GAS.min(command.gas_limit);
                let signature = user.sign(Tag::COMMAND, &world.genesis(), &command);
                let envelope = world.sealed_bytes(contract, &SignedCommand { command, signature }.encode());
                world.execute(ClusterMessage::Command { contract, envelope });
            }
            _ => return,
        }
        assert!(world.status().phase == Phase::Serving, "a message stopped the worker");
        if *sent >= MESSAGES_MAX {
            *slot = None;
        }
    });
});
