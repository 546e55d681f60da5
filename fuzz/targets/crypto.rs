//! Opening and verifying what strangers made: envelopes, replies, records, signatures and padding.
#![no_main]

use phala_crypto::{padding, record::RecordKey, seal::OpeningKey, signature};
use phala_fuzz::decode;
use phala_types::{
    GenesisHash,
    account::{Signature, Signer},
    envelope::Envelope,
    query::SealedReply,
    tag::Tag,
};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((what, bytes)) = input.split_first() else { return };
    let opening_key = OpeningKey::derive(&phala_fuzz::seed());
    match what {
        0 => drop(decode::<Envelope>(bytes).map(|it| opening_key.open(&it))),
        1 => {
            let Some((envelope, reply)) = decode::<(Envelope, SealedReply)>(bytes) else { return };
            drop(opening_key.open(&envelope).map(|opened| opened.reply_key.open(&reply)));
        }
        2 => {
            let Some((name, sealed)) = decode::<([u8; 32], Vec<u8>)>(bytes) else { return };
            drop(RecordKey::derive(&phala_fuzz::seed()).open(&name, &sealed));
        }
        3 => {
            type Signed = (GenesisHash, (Signer, Signature, Vec<u8>));
            let Some((genesis, (signer, signed, payload))) = decode::<Signed>(bytes) else { return };
            let verified = signature::verify(&signer, &signed, Tag::COMMAND, &genesis, &payload);
            // What was signed for one purpose is never good for another.
            assert!(
                verified.is_err()
                    || signature::verify(&signer, &signed, Tag::QUERY, &genesis, &payload).is_err()
            );
        }
        4 => {
            if let Ok(plaintext) = padding::unpad(bytes) {
                assert!(
                    padding::pad(plaintext).as_deref() == Ok(bytes),
                    "a plaintext has a second padded form"
                );
            }
        }
        _ => {}
    }
});
