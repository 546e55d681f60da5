//! Opening and verifying what strangers made: envelopes, replies, records, signatures and padding.
#![no_main]

use phala_crypto::{
    padding,
    record::RecordKey,
    seal::{OpeningKey, seal},
    signature,
};
use phala_fuzz::decode;
use phala_types::{
    ContractId, GenesisHash, KeyVersion,
    account::{Signature, Signer},
    envelope::{Envelope, EnvelopeHeader, Recipient},
    query::SealedReply,
    tag::Tag,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

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
            let is_for = |tag| signature::verify(&signer, &signed, tag, &genesis, &payload).is_ok();
            let (command, query) = (is_for(Tag::COMMAND), is_for(Tag::QUERY));
            // What was signed for one purpose is never good for another. Except by a key of small order, which is
            // nobody's: under ZIP 215 there is a signature of it that is good for all messages.
            assert!(signer != phala_fuzz::signer() || !(command && query), "a signature serves two purposes");
        }
        4 => {
            if let Ok(plaintext) = padding::unpad(bytes) {
                assert!(
                    padding::pad(plaintext).as_deref() == Ok(bytes),
                    "a plaintext has a second padded form"
                );
            }
        }
        // What one side makes of any bytes, the other understands.
        5 => there_and_back(&opening_key, bytes),
        _ => {}
    }
});

fn there_and_back(opening_key: &OpeningKey, bytes: &[u8]) {
    let genesis = GenesisHash::new([1; 32]);
    let recipient = Recipient::Contract(ContractId::new([2; 32]));
    let header = EnvelopeHeader::new(genesis, recipient, KeyVersion::new(0));
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    if let Ok((envelope, asker)) = seal(header, &opening_key.public_key(), bytes, &mut rng) {
        let opened = opening_key.open(&envelope).expect("it is sealed to this key");
        assert!(*opened.plaintext == *bytes, "an envelope opens to something else");
        if let Ok(reply) = opened.reply_key.seal([4; 32], bytes) {
            assert!(asker.open(&reply).is_ok_and(|it| it == bytes), "a reply opens to something else");
        }
    }
    let records = RecordKey::derive(&phala_fuzz::seed());
    let name = records.name(&bytes);
    if let Some(sealed) = records.seal(&name, [5; 24], bytes) {
        assert!(records.open(&name, &sealed).is_ok_and(|it| it == bytes), "a record opens to something else");
    }
    let signed = Signature::Ed25519(phala_fuzz::signing_key().sign(Tag::COMMAND, &genesis, &bytes));
    let verified = signature::verify(&phala_fuzz::signer(), &signed, Tag::COMMAND, &genesis, &bytes);
    assert!(verified.is_ok(), "a signature is not good");
}
