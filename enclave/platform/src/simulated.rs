//! A platform that protects nothing, so that the network can be run on any machine.
//!
//! Its evidence is a real SGX quote in all but one thing: there is no SGX, and its keys are known to everybody
//! (`phala_attest::danger_simulated`). Its sealing key comes from a file beside the worker's records. So the operator
//! can read all that the worker seals and can forge its evidence. Whoever needs any protection needs another platform.

use crate::{Platform, PlatformError};
use phala_attest::danger_simulated::Machine;
use phala_crypto::Secret;
use phala_types::worker::Tier;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};
use zeroize::Zeroize;

/// The file that stands for what a processor has burnt in. Its name says what it is worth.
pub const SECRET_FILE: &str = "INSECURE-simulated-platform-secret";

/// How much of the program is hashed at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// The simulated platform.
pub struct SimulatedPlatform {
    machine: Machine,
    sealing_key: Secret<[u8; 32]>,
    measurement: [u8; 32],
}

impl SimulatedPlatform {
    /// Opens the platform whose secret is in `directory`, which has to exist. The secret is made if it is not there.
    pub fn open(directory: &Path) -> Result<Self, PlatformError> {
        let secret = read_or_make_secret(directory)?;
        let machine = secret.expose(|secret| Machine::new(&derive(secret, "machine")));
        Ok(Self {
            machine: machine.map_err(|error| PlatformError::EvidenceUnavailable(error.to_string()))?,
            sealing_key: Secret::new(secret.expose(|secret| derive(secret, "sealing"))),
            measurement: measure_running_program().map_err(PlatformError::ProgramUnreadable)?,
        })
    }

    /// What stands for MRENCLAVE: SHA-256 of the running program's file.
    pub fn measurement(&self) -> [u8; 32] {
        self.measurement
    }
}

impl Platform for SimulatedPlatform {
    fn tier(&self) -> Tier {
        Tier::Simulated
    }

    fn evidence(&self, report_data: [u8; 64]) -> Result<Vec<u8>, PlatformError> {
        self.machine
            .evidence(self.measurement, report_data)
            .map_err(|error| PlatformError::EvidenceUnavailable(error.to_string()))
    }

    /// Not bound to the measurement, as with SGX's MRSIGNER policy: a developer's next build reads the records of
    /// the last one.
    fn sealing_key(&self) -> Result<Secret<[u8; 32]>, PlatformError> {
        Ok(self.sealing_key.duplicate())
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), PlatformError> {
        random(bytes)
    }
}

fn random(bytes: &mut [u8]) -> Result<(), PlatformError> {
    getrandom::fill(bytes).map_err(|error| PlatformError::NoRandomness(error.to_string()))
}

fn derive(secret: &[u8; 32], purpose: &str) -> [u8; 32] {
    Sha256::new().chain_update(secret).chain_update(purpose).finalize().into()
}

fn read_or_make_secret(directory: &Path) -> Result<Secret<[u8; 32]>, PlatformError> {
    let path = directory.join(SECRET_FILE);
    let unavailable = |source| PlatformError::SecretUnavailable { path: path.clone(), source };
    match fs::read(&path) {
        Ok(mut bytes) => {
            let secret = <[u8; 32]>::try_from(&bytes[..]).map(Secret::new);
            bytes.zeroize();
            secret.map_err(|_| PlatformError::SecretMalformed { path })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut bytes = [0; 32];
            random(&mut bytes)?;
            make_file(directory, &bytes).map_err(unavailable)?;
            Ok(Secret::new(bytes))
        }
        Err(error) => Err(unavailable(error)),
    }
}

/// Makes the file whole or not at all, and never over one that is there.
fn make_file(directory: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = directory.join(format!("{SECRET_FILE}.{}.unfinished", std::process::id()));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let linked = fs::hard_link(&unfinished, directory.join(SECRET_FILE));
    fs::remove_file(&unfinished)?;
    linked?;
    File::open(directory)?.sync_all()
}

/// Reads the file that runs, and not one that may have been put into its place since.
fn measure_running_program() -> io::Result<[u8; 32]> {
    let mut file = File::open("/proc/self/exe")?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read(&mut chunk)?;
        let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
    }
    Ok(hasher.finalize().into())
}
