//! Writes the first inputs of each target: `seed FOLDER` makes `FOLDER/TARGET/NAME`.
//!
//! They are made by code, from the messages' vectors and the known keys, so that they never lag behind the formats.

use anyhow::{Context as _, Result, ensure};
use codec::Encode as _;
// Code that is compiled with coverage calls libFuzzer's counters, here too.
use libfuzzer_sys as _;
use phala_crypto::{Secret, record::RecordKey, seal, signature::SigningKey};
use phala_types::{
    ContractId, GenesisHash, KeyVersion,
    account::{Signature, Signer},
    envelope::{EnvelopeHeader, Recipient},
    tag::Tag,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use std::{env, fs, path::Path};

const GENESIS: GenesisHash = GenesisHash::new([1; 32]);

fn main() -> Result<()> {
    let folder = env::args_os().nth(1).context("usage: seed FOLDER")?;
    for (target, name, bytes) in messages()?.into_iter().chain(crypto()?) {
        let folder = Path::new(&folder).join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}

/// A target, a name and an input.
type Seed = (&'static str, String, Vec<u8>);

/// Each vector, behind the place of its message. A message without a place, or a place without a vector, is an error.
fn messages() -> Result<Vec<Seed>> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/messages.json");
    let vectors: serde_json::Value = serde_json::from_str(&fs::read_to_string(file)?)?;
    let mut seeds = Vec::new();
    let mut seen = vec![false; phala_fuzz::MESSAGES.len()];
    for vector in vectors.as_array().context("vectors/messages.json is not a list")? {
        let name = vector["name"].as_str().context("a vector without a name")?;
        let message = name.split("::").next().unwrap_or_default();
        let place = phala_fuzz::MESSAGES.iter().position(|it| it.rsplit("::").next() == Some(message));
        let place = place.with_context(|| format!("{message} is not in the list of fuzz/src/lib.rs"))?;
        seen[place] = true;
        let scale = vector["scale"].as_str().context("a vector without bytes")?;
        let mut bytes = vec![u8::try_from(place)?];
        bytes.extend(hex::decode(scale.trim_start_matches("0x"))?);
        ensure!(phala_fuzz::decode_message(bytes[0], &bytes[1..]), "{name} does not decode");
        seeds.push(("messages", name.replace("::", "-"), bytes));
    }
    ensure!(seen.iter().all(|it| *it), "a message in fuzz/src/lib.rs has no vector");
    Ok(seeds)
}

/// One input for each of the things that the target tries.
fn crypto() -> Result<Vec<Seed>> {
    let secret = phala_fuzz::seed();
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    let recipient = Recipient::Contract(ContractId::new([2; 32]));
    let header = EnvelopeHeader::new(GENESIS, recipient, KeyVersion::new(0));
    let opening_key = seal::OpeningKey::derive(&secret);
    let (envelope, reply_key) = seal::seal(header, &opening_key.public_key(), b"plaintext", &mut rng)?;
    let reply = reply_key.seal([9; 32], b"reply")?;
    let key = RecordKey::derive(&secret);
    let name = key.name(&"name");
    let record = key.seal(&name, [4; 24], b"value").context("a short record is sealed")?;
    let signing_key = SigningKey::from_seed(&Secret::new([5; 32]));
    let signature = signing_key.sign(Tag::COMMAND, &GENESIS, &b"payload".to_vec());
    let signed =
        (Signer::Ed25519(signing_key.public_key()), Signature::Ed25519(signature), b"payload".to_vec());
    Ok(vec![
        ("crypto", "envelope".into(), [vec![0], envelope.encode()].concat()),
        ("crypto", "reply".into(), [vec![1], (envelope, reply).encode()].concat()),
        ("crypto", "record".into(), [vec![2], (name, record).encode()].concat()),
        ("crypto", "signature".into(), [vec![3], (GENESIS, signed).encode()].concat()),
        (
            "crypto",
            "padding".into(),
            [vec![4], phala_crypto::padding::pad(b"plaintext").context("it is short")?].concat(),
        ),
    ])
}
