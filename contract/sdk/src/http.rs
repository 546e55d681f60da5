// SPDX-License-Identifier: Apache-2.0
//! The web, from queries.
//!
//! ```
//! use phala_contract::{http, testing::Worker, types::HttpFetched};
//! # ink::env::test::run_test::<phala_contract::Phala, _>(|_| {
//! let worker = Worker::install();
//! worker.enter_query();
//! worker.serve("https://api.example.com/", |_| {
//!     Ok(HttpFetched { status: 200, is_authenticated: true, headers: vec![], body: b"42".to_vec() })
//! });
//!
//! let answer = http::get("https://api.example.com/price").body_bytes_max(64).fetch().unwrap();
//! assert!(answer.is_success() && answer.is_authenticated);
//! assert_eq!(answer.body, b"42");
//! # Ok(())
//! # }).unwrap();
//! ```
//!
//! What the host learns is the server's name, sizes and times. It learns neither path nor content, if the URL is `https`. A
//! request may be sent more than once, so send only what is safe to repeat.

use crate::{extension::confidential, HttpFetch, HttpFetched, HttpMethod, Result};
use ink::prelude::{string::String, vec::Vec};

/// Bytes of an answer's body that a request accepts if it does not say: half of an ink! contract's buffer, of which the
/// request itself takes a part.
pub const BODY_BYTES_DEFAULT: u32 = 8 * 1024;

/// How long a request waits if it does not say.
pub const TIMEOUT_MS_DEFAULT: u32 = 5_000;

/// Asks for what a URL names.
pub fn get(url: impl Into<String>) -> HttpFetch {
    request(HttpMethod::Get, url, Vec::new())
}

/// Sends a body.
pub fn post(url: impl Into<String>, body: impl Into<Vec<u8>>) -> HttpFetch {
    request(HttpMethod::Post, url, body)
}

/// Any request.
pub fn request(method: HttpMethod, url: impl Into<String>, body: impl Into<Vec<u8>>) -> HttpFetch {
    HttpFetch {
        method,
        url: url.into(),
        headers: Vec::new(),
        body: body.into(),
        answer_headers: Vec::new(),
        body_bytes_max: BODY_BYTES_DEFAULT,
        timeout_ms: TIMEOUT_MS_DEFAULT,
    }
}

impl HttpFetch {
    /// Adds a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Asks for a header of the answer. Without this an answer has none.
    pub fn answer_header(mut self, name: impl Into<String>) -> Self {
        self.answer_headers.push(name.into());
        self
    }

    /// The longest body of an answer. It is a failure if it is longer.
    pub fn body_bytes_max(mut self, bytes: u32) -> Self {
        self.body_bytes_max = bytes;
        self
    }

    /// How long to wait, in all.
    pub fn timeout_ms(mut self, ms: u32) -> Self {
        self.timeout_ms = ms;
        self
    }

    /// Sends it. Any status that a server answers is a success of this function.
    ///
    /// # Errors
    /// In a command; over a bound; or no server was reached, each with its own [`crate::Refusal`].
    pub fn fetch(&self) -> Result<HttpFetched> {
        confidential().http_fetch(self)
    }
}

impl HttpFetched {
    /// Whether the server says that all went well.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header that was asked for.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}
