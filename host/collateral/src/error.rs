//! Why documents could not be had.

use phala_attest::AppraisalError;
use std::time::Duration;

/// Why documents could not be had, and what may help.
#[derive(Debug, thiserror::Error)]
pub enum CollateralError {
    /// Misconfigured: the address is none.
    #[error("{url} is no address of a server: {problem}; it has to begin with https:// or http://")]
    Address {
        /// What was given.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Rejected: evidence that does not say which machine it is from, or that nothing can be fetched for.
    #[error("nothing can be fetched for this evidence: {0}")]
    Evidence(&'static str),
    /// Rejected: a quote of Intel's that does not say which machine it is from.
    #[error("the quote does not say which machine it is from, so nothing can be fetched for it")]
    Quote(#[source] AppraisalError),
    /// Misconfigured: this program has no TLS that anybody speaks.
    #[error("this program cannot speak TLS; it was built without the cryptography for it")]
    Tls(#[source] tokio_rustls::rustls::Error),
    /// Unavailable: nobody answers there, or the connection broke.
    #[error("cannot reach {url}; see whether this machine may connect to it, or name another server")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Unavailable: no answer in the time that all of it may take.
    #[error("{url} did not answer within {} s in all; try again later or with more patience", patience.as_secs_f32())]
    TooSlow {
        /// What was asked for last.
        url: String,
        /// How long all of it may take.
        patience: Duration,
    },
    /// Unavailable or rejected: the server answers with an error, to the last attempt.
    #[error("{url} refused with the HTTP status {status}: {text}{}", advice(*status, *wait))]
    Refused {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The server's words, cut short.
        text: String,
        /// For how long the server asks to be left alone.
        wait: Option<Duration>,
    },
    /// Rejected: the vendor knows no such machine.
    #[error(
        "{url} is not known there: the vendor has published nothing about this machine, or the cache has not \
         fetched it yet; try the vendor's own server, and see whether the machine is registered"
    )]
    UnknownMachine {
        /// What was asked for.
        url: String,
    },
    /// Malformed: longer than any such document is.
    #[error(
        "what {url} answers is over {bytes_max} bytes; it is not such a server, or something between changes it"
    )]
    TooLong {
        /// What was asked for.
        url: String,
        /// How long it may be.
        bytes_max: usize,
    },
    /// Malformed: not what was asked for.
    #[error("{from} {problem}; see whether it is such a server or file, and no page of a proxy's")]
    Malformed {
        /// The address or the file.
        from: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Malformed: the server sends from one address to the next.
    #[error("{url} leads to a further address after {redirects_max} of them; name the last one instead")]
    Redirects {
        /// What was asked for.
        url: String,
        /// How many are followed.
        redirects_max: usize,
    },
}

impl CollateralError {
    /// What a server that has nothing under an address says of the machine that it names.
    pub(crate) fn about_a_machine(self) -> Self {
        match self {
            Self::Refused { url, status: 404, .. } => Self::UnknownMachine { url },
            other => other,
        }
    }

    /// Whether it may go away by itself.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TooSlow { .. } => true,
            Self::Refused { status, .. } => crate::http::is_temporary(*status),
            _ => false,
        }
    }
}

/// Somebody else's words: without what a terminal obeys, and cut short.
pub(crate) fn legible(text: &str) -> String {
    const CHARACTERS_MAX: usize = 300;
    text.chars().filter(|character| !character.is_control()).take(CHARACTERS_MAX).collect()
}

fn advice(status: u16, wait: Option<Duration>) -> String {
    match wait {
        Some(wait) => format!("; it asks to be left alone for {} s", wait.as_secs()),
        None if crate::http::is_temporary(status) => "; try again later".to_owned(),
        None => "; see whether it is the address of such a server".to_owned(),
    }
}
