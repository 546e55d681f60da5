// SPDX-License-Identifier: Apache-2.0
//! HTTP as a contract asks for it and is told what came of it. Nothing here fetches: a query is run again once the answer
//! is known (see [`super::QueryExtensions`]). The limits are those of section 3.6 of `specs/chain-extensions.md`.

use codec::{Decode, Encode};
use thiserror::Error;

/// Requests that one run of a query may make, each request of a batch counted. A page of a dashboard asks two or three
/// sources; each holds a connection of the worker and a part of its memory.
pub const REQUESTS_MAX: usize = 8;

/// Requests of one batch.
pub const BATCH_MAX: usize = 5;

/// A URL: what servers commonly take.
pub const URL_BYTES_MAX: usize = 2048;

/// Headers of a request, and of a response that is passed on as a whole: browsers send about twenty.
pub const HEADERS_MAX: usize = 32;

/// The name of a header.
pub const HEADER_NAME_BYTES_MAX: usize = 64;

/// The value of a header of a request: a token fits.
pub const HEADER_VALUE_BYTES_MAX: usize = 2048;

/// The body of a request: an ink! buffer.
pub const REQUEST_BODY_BYTES_MAX: usize = 16 * 1024;

/// The headers of a response that a contract may ask for by name.
pub const ANSWER_HEADERS_MAX: usize = 8;

/// The value of such a header: the rest is cut off.
pub const ANSWER_HEADER_VALUE_BYTES_MAX: usize = 256;

/// Names and values of the headers of a response that is passed on as a whole: the rest are left out.
pub const ALL_HEADERS_BYTES_MAX: usize = 8 * 1024;

/// The body of a response. A contract that ink! linked has 1 MiB of memory. It waits in the worker's memory with its query.
pub const RESPONSE_BODY_BYTES_MAX: u32 = 512 * 1024;

/// How long one request may take, from the look-up of the name to the last byte, redirects included: longer than a user waits.
pub const TIMEOUT_MS_MAX: u32 = 10_000;

/// Places that one redirect after another may lead to.
pub const REDIRECTS_MAX: u32 = 3;

/// A request whose lengths were checked. The rest is checked where it is sent.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct HttpRequest {
    /// The method's name, in capitals.
    pub method: String,
    /// `http://` or `https://`, with the host in ASCII.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Vec<u8>,
    /// The most bytes of a response's body: a longer one is an error, never cut.
    pub body_bytes_max: u32,
    /// How long it may take.
    pub timeout_ms: u32,
}

/// Which part of a request is over its bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TooLarge {
    /// [`URL_BYTES_MAX`].
    Url,
    /// [`HEADERS_MAX`], [`HEADER_NAME_BYTES_MAX`] or [`HEADER_VALUE_BYTES_MAX`].
    Headers,
    /// [`REQUEST_BODY_BYTES_MAX`], [`RESPONSE_BODY_BYTES_MAX`] or [`TIMEOUT_MS_MAX`].
    Other,
}

impl HttpRequest {
    /// Holds every part to its bound.
    ///
    /// # Errors
    /// The part that is over it.
    pub fn check(&self) -> Result<(), TooLarge> {
        let is_long = |(name, value): &(String, String)| {
            name.len() > HEADER_NAME_BYTES_MAX || value.len() > HEADER_VALUE_BYTES_MAX
        };
        if self.url.len() > URL_BYTES_MAX {
            return Err(TooLarge::Url);
        }
        if self.headers.len() > HEADERS_MAX || self.headers.iter().any(is_long) {
            return Err(TooLarge::Headers);
        }
        let is_timeout_valid = self.timeout_ms >= 1 && self.timeout_ms <= TIMEOUT_MS_MAX;
        if self.body.len() > REQUEST_BODY_BYTES_MAX
            || self.body_bytes_max > RESPONSE_BODY_BYTES_MAX
            || !is_timeout_valid
        {
            return Err(TooLarge::Other);
        }
        Ok(())
    }
}

/// A response.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct HttpResponse {
    /// 200 and so on.
    pub status: u16,
    /// What HTTP says of that status.
    pub reason: String,
    /// Names, in lower case, and values, in the server's order.
    pub headers: Vec<(String, String)>,
    /// What was received.
    pub body: Vec<u8>,
    /// Whether every server on the way proved its name.
    pub is_authenticated: bool,
}

/// Why there is no response.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, Error)]
pub enum HttpError {
    /// The URL is malformed, has another scheme than `http` and `https`, or names a user.
    #[error("the URL is not one that is fetched")]
    Url,
    /// The method is none of those that are offered.
    #[error("the method is not offered")]
    Method,
    /// A header's name is malformed, or is one that the worker sets.
    #[error("a header must not be set")]
    HeaderName,
    /// A header's value is malformed.
    #[error("a header's value is malformed")]
    HeaderValue,
    /// The name resolves to an address that is not public, or the port belongs to another protocol.
    #[error("the destination is not a public web server")]
    Destination,
    /// No complete answer in time.
    #[error("no complete answer in time")]
    Timeout,
    /// No such name, or nobody answers at its address.
    #[error("the server cannot be reached")]
    Unreachable,
    /// The connection broke, or what came over it is not HTTP.
    #[error("the connection broke")]
    Network,
    /// The server did not prove its name.
    #[error("the server did not prove its name")]
    Tls,
    /// The head or the body is over its bound.
    #[error("the response is too large")]
    ResponseTooLarge,
    /// Too many redirects, or one to where the request must not go.
    #[error("the server redirects too often, or to where the request must not go")]
    Redirects,
    /// The worker could not begin.
    #[error("the worker could not begin")]
    Client,
}
