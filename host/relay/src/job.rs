//! Transactions that are followed beside the relay's loop, so that the worker is fed meanwhile.

use phala_chain_api::{Included, SubmitError, backoff::Backoff};
use std::{future::Future, time::Duration};
use tokio::{task::JoinHandle, time::Instant};

/// One kind of transaction: at most one of them is under way, and after a failure the next one waits.
pub struct Job {
    name: &'static str,
    running: Option<JoinHandle<Result<Included, SubmitError>>>,
    backoff: Backoff,
    not_before: Instant,
}

impl Job {
    /// Nothing under way.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            running: None,
            backoff: Backoff::new(Duration::from_secs(1), Duration::from_secs(60)),
            not_before: Instant::now(),
        }
    }

    /// Whether a new one may begin.
    pub fn is_ready(&self) -> bool {
        self.running.is_none() && Instant::now() >= self.not_before
    }

    /// Begins one.
    pub fn begin(&mut self, work: impl Future<Output = Result<Included, SubmitError>> + Send + 'static) {
        self.running = Some(tokio::spawn(work));
    }

    /// The transaction that was under way, if it has ended and is in a final block.
    pub async fn poll(&mut self) -> Option<Included> {
        match self.running.take_if(|running| running.is_finished())?.await.ok()? {
            Ok(included) => {
                tracing::info!(job = self.name, block = %included.block, "Transaction is final");
                self.backoff.reset();
                Some(included)
            }
            Err(error) if is_done_already(&error) => {
                tracing::debug!(job = self.name, "Transaction was not needed any more");
                None
            }
            Err(error) => {
                let wait = self.backoff.wait();
                self.not_before = Instant::now() + wait;
                let (wait_ms, error) = (wait.as_millis() as u64, anyhow::Error::from(error));
                tracing::warn!(job = self.name, wait_ms, error = format!("{error:#}"), "Transaction failed");
                None
            }
        }
    }
}

/// Whether the chain refused because what was asked for is so already: another relay was first, or an earlier run of
/// this one.
fn is_done_already(error: &SubmitError) -> bool {
    const DONE: [&str; 3] =
        ["Clusters.AlreadyCertified", "Clusters.BehindCertified", "Clusters.AlreadyMember"];
    matches!(error, SubmitError::Refused { reason, .. } if DONE.iter().any(|done| reason.starts_with(done)))
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phala_types::BlockHash;

    fn refused(reason: &str) -> SubmitError {
        SubmitError::Refused { call: "Clusters.checkpoint", reason: reason.to_owned() }
    }

    async fn ended(job: &mut Job) -> Option<Included> {
        while job.running.as_ref().is_some_and(|running| !running.is_finished()) {
            tokio::task::yield_now().await;
        }
        job.poll().await
    }

    #[tokio::test]
    async fn only_one_is_under_way_and_a_failure_makes_the_next_one_wait() {
        let mut job = Job::new("checkpoint");
        assert!(job.is_ready());
        job.begin(async { Ok(Included { block: BlockHash::new([1; 32]), queued: None }) });
        assert!(!job.is_ready());
        assert!(ended(&mut job).await.is_some());
        assert!(job.is_ready());
        job.begin(async { Err(refused("Clusters.InvalidSignature: no")) });
        assert_eq!(ended(&mut job).await, None);
        assert!(!job.is_ready());
    }

    #[tokio::test]
    async fn what_is_done_already_is_no_failure() {
        let mut job = Job::new("checkpoint");
        job.begin(async { Err(refused("Clusters.AlreadyCertified: it is")) });
        assert_eq!(ended(&mut job).await, None);
        assert!(job.is_ready());
    }
}
