//! The worker's HTTP interface for its relay.

use codec::Encode as _;
use phala_types::{
    decode_exact,
    limits::EVIDENCE_BYTES_MAX,
    relay::{RelayInput, RelayOutput, WorkerStatus},
};
use std::time::Duration;

/// The longest answer: evidence, and what surrounds it.
const ANSWER_BYTES_MAX: usize = EVIDENCE_BYTES_MAX as usize + 64 * 1024;

/// Both run on one machine, or next to each other.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A delivery is answered after its messages are executed, of which each may take seconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);

/// A worker, as its relay reaches it.
#[derive(Clone)]
pub struct Worker {
    url: String,
    client: reqwest::Client,
}

/// Why the worker could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// Unavailable: nobody answers there, or not in time.
    #[error("cannot reach the worker at {url}")]
    Unreachable {
        /// The address.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// Rejected: it answers, but not as a worker does. Perhaps it is the public address.
    #[error("the worker at {url} answered with HTTP status {status}")]
    Refused {
        /// The address.
        url: String,
        /// The status.
        status: u16,
    },
    /// Malformed: the answer does not decode, or is too long.
    #[error("the answer of the worker at {url} {problem}")]
    Malformed {
        /// The address.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Worker {
    /// A worker at an address, for example `http://127.0.0.1:8101`.
    pub fn new(url: &str) -> Result<Self, WorkerError> {
        let url = url.trim_end_matches('/').to_owned();
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .no_proxy()
            .build()
            .map_err(|source| WorkerError::Unreachable { url: url.clone(), source })?;
        Ok(Self { url, client })
    }

    /// Where the worker stands.
    pub async fn status(&self) -> Result<WorkerStatus, WorkerError> {
        let request = self.client.get(format!("{}/relay/v1/status", self.url));
        self.ask(request).await
    }

    /// Hands an input to the worker.
    pub async fn input(&self, input: &RelayInput) -> Result<RelayOutput, WorkerError> {
        let request = self.client.post(format!("{}/relay/v1/input", self.url)).body(input.encode());
        self.ask(request).await
    }

    async fn ask<T: codec::Decode>(&self, request: reqwest::RequestBuilder) -> Result<T, WorkerError> {
        let unreachable = |source| WorkerError::Unreachable { url: self.url.clone(), source };
        let malformed = |problem| WorkerError::Malformed { url: self.url.clone(), problem };
        let mut response = request.send().await.map_err(unreachable)?;
        if !response.status().is_success() {
            return Err(WorkerError::Refused { url: self.url.clone(), status: response.status().as_u16() });
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(malformed(format!("is over {ANSWER_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        decode_exact(&body).map_err(|error| malformed(format!("does not decode: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::need::tests::{GENESIS, status};
    use axum::{Router, body::Bytes, http::StatusCode, routing};
    use phala_types::{
        List,
        relay::{Accepted, Blame, InputError},
    };

    async fn serve(router: Router) -> Worker {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Worker::new(&format!("http://{address}/")).unwrap()
    }

    #[tokio::test]
    async fn status_and_outputs_come_back_as_the_worker_sent_them() {
        let output = RelayOutput {
            status: status(),
            result: Err(InputError { blame: Blame::OutOfOrder, text: "late".to_owned() }),
        };
        let answer = output.clone();
        let input = move |body: Bytes| async move {
            decode_exact::<RelayInput>(&body).map(|_| answer.encode()).map_err(|_| StatusCode::BAD_REQUEST)
        };
        let router = Router::new()
            .route("/relay/v1/status", routing::get(|| async { status().encode() }))
            .route("/relay/v1/input", routing::post(input));
        let worker = serve(router).await;
        assert_eq!(worker.status().await.unwrap().genesis, Some(GENESIS));
        assert_eq!(worker.input(&RelayInput::Messages(List::default())).await.unwrap(), output);
    }

    #[tokio::test]
    async fn answers_that_are_not_a_workers_are_named_errors() {
        let mut long = RelayOutput { status: status(), result: Ok(Accepted::Done) }.encode();
        long.push(0);
        let router = Router::new()
            .route("/relay/v1/status", routing::get(|| async { vec![0u8; ANSWER_BYTES_MAX + 1] }))
            .route("/relay/v1/input", routing::post(move || async move { long.clone() }));
        let worker = serve(router).await;
        assert!(matches!(worker.status().await, Err(WorkerError::Malformed { .. })));
        let input = RelayInput::Messages(List::default());
        assert!(matches!(worker.input(&input).await, Err(WorkerError::Malformed { .. })));
        let other = serve(Router::new()).await;
        assert!(matches!(other.status().await, Err(WorkerError::Refused { status: 404, .. })));
        let nobody = Worker::new("http://127.0.0.1:1").unwrap();
        assert!(matches!(nobody.status().await, Err(WorkerError::Unreachable { .. })));
    }
}
