//! A worker's public HTTP interface. What it answers is checked by the callers.

use codec::{Decode, Encode};
use phala_types::{
    BlockNumber, ContractId, Untrusted, decode_exact,
    envelope::Envelope,
    finality::FinalityProof,
    limits::{ENVELOPE_BYTES_MAX, HEADER_BYTES_MAX, JUSTIFICATION_BYTES_MAX},
    query::{OpenRefusal, SealedReply, SignedInboxKey},
    relay::WorkerStatus,
};
use serde::Deserialize;
use std::time::Duration;

/// The longest answer: a finality proof. A sealed reply is shorter.
const ANSWER_BYTES_MAX: usize =
    JUSTIFICATION_BYTES_MAX as usize + HEADER_BYTES_MAX as usize + ENVELOPE_BYTES_MAX as usize;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A query may run for ten seconds, behind others that do.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// A worker's public address.
#[derive(Clone)]
pub struct WorkerUrl {
    url: String,
    client: reqwest::Client,
}

/// Why a worker did not answer, or not as a worker does.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// Unavailable: nobody answers there, or not in time.
    #[error("cannot reach the worker at {url}")]
    Unreachable {
        /// Its address.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// Rejected or unavailable: the worker says why, in the open.
    #[error("the worker at {url} refused: {text}")]
    Refused {
        /// Its address.
        url: String,
        /// The reason by name, if it is one that workers have.
        refusal: Option<OpenRefusal>,
        /// The HTTP status.
        status: u16,
        /// Its words, cut short.
        text: String,
    },
    /// Malformed: the answer does not decode, or is too long.
    #[error("the answer of the worker at {url} {problem}")]
    Malformed {
        /// Its address.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl WorkerError {
    /// Whether it may go away by itself: the worker starts, or is busy.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Refused { status: 503, .. })
    }
}

#[derive(Deserialize)]
struct ErrorBody {
    error: String,
    text: String,
}

impl WorkerUrl {
    /// A worker's address, over a client that keeps connections.
    pub fn new(url: &str, client: reqwest::Client) -> Self {
        Self { url: url.trim_end_matches('/').to_owned(), client }
    }

    /// A client for [`WorkerUrl::new`].
    pub fn client() -> reqwest::Client {
        reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .tcp_nodelay(true)
            .build()
            .unwrap_or_default()
    }

    /// Where it stands, as it says.
    pub async fn status(&self) -> Result<Untrusted<WorkerStatus>, WorkerError> {
        let body = self.ask(self.client.get(format!("{}/v1/status", self.url))).await?;
        serde_json::from_slice(&body)
            .map(Untrusted::new)
            .map_err(|error| self.malformed(format!("is not a status: {error}")))
    }

    /// A contract's inbox key, signed by the worker.
    pub async fn inbox_key(&self, contract: &ContractId) -> Result<Untrusted<SignedInboxKey>, WorkerError> {
        let contract = hex::encode(contract.as_bytes());
        self.ask_scale(self.client.get(format!("{}/v1/inbox/{contract}", self.url))).await
    }

    /// The proof that a block is final, if the block is among the worker's latest heads.
    pub async fn finality(&self, block: BlockNumber) -> Result<Untrusted<FinalityProof>, WorkerError> {
        self.ask_scale(self.client.get(format!("{}/v1/finality/{block}", self.url))).await
    }

    /// Sends a query.
    pub async fn query(&self, envelope: &Envelope) -> Result<Untrusted<SealedReply>, WorkerError> {
        self.ask_scale(self.client.post(format!("{}/v1/query", self.url)).body(envelope.encode())).await
    }

    async fn ask_scale<T: Decode>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<Untrusted<T>, WorkerError> {
        let body = self.ask(request).await?;
        decode_exact(&body)
            .map(Untrusted::new)
            .map_err(|error| self.malformed(format!("does not decode: {error}")))
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, WorkerError> {
        let unreachable = |source| WorkerError::Unreachable { url: self.url.clone(), source };
        let mut response = request.send().await.map_err(unreachable)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(self.malformed(format!("is over {ANSWER_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        match response.status() {
            status if status.is_success() => Ok(body),
            status => Err(self.refused(status.as_u16(), &body)),
        }
    }

    fn refused(&self, status: u16, body: &[u8]) -> WorkerError {
        const TEXT_CHARACTERS_MAX: usize = 300;
        let parsed: Option<ErrorBody> = serde_json::from_slice(body).ok();
        let refusal = parsed
            .as_ref()
            .and_then(|body| serde_json::from_value(serde_json::Value::String(body.error.clone())).ok());
        let text = parsed.map_or_else(|| format!("HTTP status {status}"), |body| body.text);
        let text =
            text.chars().filter(|character| !character.is_control()).take(TEXT_CHARACTERS_MAX).collect();
        WorkerError::Refused { url: self.url.clone(), refusal, status, text }
    }

    fn malformed(&self, problem: String) -> WorkerError {
        WorkerError::Malformed { url: self.url.clone(), problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_is_told_by_name_and_in_the_workers_words() {
        let worker = WorkerUrl::new("http://127.0.0.1:1/", WorkerUrl::client());
        let error = worker.refused(503, br#"{"error":"not_serving","text":"it starts\u001b[2J"}"#);
        assert!(error.is_temporary());
        assert_eq!(error.to_string(), "the worker at http://127.0.0.1:1 refused: it starts[2J");
        assert!(matches!(error, WorkerError::Refused { refusal: Some(OpenRefusal::NotServing), .. }));
        let other = worker.refused(404, b"<html>");
        assert!(
            matches!(&other, WorkerError::Refused { refusal: None, text, .. } if text == "HTTP status 404")
        );
        assert!(!other.is_temporary());
    }

    #[tokio::test]
    async fn absent_worker_is_named_with_its_address() {
        let worker = WorkerUrl::new("http://127.0.0.1:1", WorkerUrl::client());
        let error = worker.status().await.unwrap_err();
        assert!(matches!(error, WorkerError::Unreachable { .. }));
        assert_eq!(error.to_string(), "cannot reach the worker at http://127.0.0.1:1");
    }
}
