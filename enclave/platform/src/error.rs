//! Why a platform does not give what it should.

use std::path::PathBuf;

/// Why a platform does not give what it should.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// The file that stands for the machine's secret cannot be read or made.
    #[error("cannot use the simulated platform's file {}", path.display())]
    SecretUnavailable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file that stands for the machine's secret is not one. It is not replaced, since what was sealed under it
    /// would be lost.
    #[error(
        "the simulated platform's file {} is not 32 bytes long: put the right one back, or start with an empty \
         folder, which makes a new worker",
        path.display()
    )]
    SecretMalformed {
        /// Which file.
        path: PathBuf,
    },
    /// The running program cannot be measured.
    #[error("cannot read the running program in order to measure it")]
    ProgramUnreadable(#[source] std::io::Error),
    /// The machine does not make evidence.
    #[error("the platform cannot make evidence: {0}")]
    EvidenceUnavailable(String),
    /// The machine has no randomness.
    #[error("the system has no randomness to give: {0}")]
    NoRandomness(String),
}
