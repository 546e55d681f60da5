//! The body of a query: as it comes, as what was sealed in it, as what was asked, and as on what authority.
#![no_main]

use codec::Encode as _;
use phala_core::Effect;
use phala_crypto::Secret;
use phala_fuzz::{
    decode,
    network::{GAS, User, World, a_query},
};
use phala_types::{
    ContractId, MessageNumber, decode_exact,
    query::{Certificate, Question, Reply},
};
use std::cell::RefCell;

/// Queries until the worker is made anew: the harness has one byte to make its randomness from.
const QUERIES_MAX: u32 = 60;

thread_local! {
    static WORKER: RefCell<(u32, Option<(World, ContractId)>)> = const { RefCell::new((0, None)) };
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((what, bytes)) = input.split_first() else { return };
    WORKER.with_borrow_mut(|(asked, slot)| {
        let user = User::new(1);
        let (world, contract) = slot.get_or_insert_with(|| World::with_notebook(&user));
        let before = world.status();
        match what {
            0 => {
                let effects = world.core.handle(a_query(bytes.to_vec()), Secret::new([9; 32]));
                assert!(effects.iter().any(|it| matches!(it, Effect::Reply(_))), "a query was not answered");
            }
            1 => {
                let (envelope, key) = world.seal_to_worker(bytes);
                let sealed = world.ask_bytes(envelope.encode()).expect("the envelope is well-formed");
                let reply = key.open(&sealed).expect("the reply opens");
                assert!(decode_exact::<Reply>(&reply).is_ok(), "a reply does not decode");
            }
            2 => {
                let Some(mut question) = decode::<Question>(bytes) else { return };
                if let Question::Call { gas_limit, .. } | Question::Instantiate { gas_limit, .. } =
                    &mut question
                {
                    // The most that one may ask for lasts about as long as what counts as a hang.
                    *gas_limit = GAS.min(*gas_limit);
                }
                let query = world.query_for(&user, question);
                let _ = world.ask(&user, &query);
            }
            3 => {
                let Some((certificate, number)) = decode::<(Certificate, MessageNumber)>(bytes) else {
                    return;
                };
                let question = Question::Outcome { contract: *contract, number };
                let mut query = world.query_for(&user, question);
                query.certificate = user.certify(&world.genesis(), certificate);
                let _ = world.ask(&user, &query);
            }
            _ => return,
        }
        assert!(world.status() == before, "a query changed the worker");
        *asked += 1;
        if *asked % QUERIES_MAX == 0 {
            *slot = None;
        }
    });
});
