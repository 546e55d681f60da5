//! Transactions: signed, sent, and followed until they are in a block.

use crate::{Account, Call, NodeError, node::Node};
use codec::Decode;
use futures::future::BoxFuture;
use phala_types::{AccountId, BlockHash, MessageNumber, mailbox::Topic};
use std::time::Duration;
use subxt::{
    SubstrateConfig,
    client::{ClientAtBlock, OnlineClientAtBlockImpl},
    config::DefaultExtrinsicParamsBuilder,
    dynamic::transaction,
    error::{
        BackendError, DispatchError, ExtrinsicError, OnlineClientAtBlockError, RpcError,
        TransactionEventsError,
    },
    rpcs::{self, client::rpc_params},
    tx::{DynamicPayload, TransactionInBlock, TransactionProgress, TransactionStatus},
    utils::AccountId32,
};

/// How often a transaction is signed anew because another one of the same account took its nonce.
const NONCE_TRIES: usize = 8;

/// How long to follow a transaction: long enough for a busy chain, and for GRANDPA after a restart of the only node.
const FOLLOW_TIMEOUT: Duration = Duration::from_secs(120);

/// A transaction is valid for so many blocks: it is included in one of the next, or never.
const MORTAL_BLOCKS: u64 = 64;

/// How many transactions of a batch are dated by the same block: few enough that all are sent before it is old.
const DATED_ALIKE: usize = 1024;

/// What the transaction pool says to a nonce that is taken (`sc-rpc-api`, author errors): the transaction is invalid,
/// or has too low a priority to replace the one that has the nonce.
const POOL_INVALID: i32 = 1010;
const POOL_PRIORITY_TOO_LOW: i32 = 1014;

type Client = OnlineClientAtBlockImpl<SubstrateConfig>;
type AtBlock = ClientAtBlock<SubstrateConfig, Client>;
type Progress = TransactionProgress<SubstrateConfig, Client>;
type InBlock = TransactionInBlock<SubstrateConfig, Client>;

/// How far to follow a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Until {
    /// Until it is in a block, which may still be replaced.
    InBlock,
    /// Until its block is final.
    Finalized,
}

/// A transaction that was included and did what it was for, as the node says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Included {
    /// In which block.
    pub block: BlockHash,
    /// Its message to a cluster, if it sent one.
    pub queued: Option<(Topic, MessageNumber)>,
}

/// Why a transaction did not do what it was for.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Unavailable: the node could not be asked, and the transaction was not sent.
    #[error("cannot prepare {call}")]
    Node {
        /// The call.
        call: &'static str,
        /// Why.
        #[source]
        source: NodeError,
    },
    /// Misuse: the chain's runtime has no such call, or one with other arguments.
    #[error("this chain does not have {call} as this program knows it: {reason}")]
    Unknown {
        /// The call.
        call: &'static str,
        /// What differs.
        reason: String,
    },
    /// Rejected: the node did not take the transaction, for example since the account cannot pay the fee.
    #[error("the node did not take {call}: {reason}")]
    NotTaken {
        /// The call.
        call: &'static str,
        /// The node's words.
        reason: String,
    },
    /// Rejected: the transaction was included, and the runtime refused the call. The fee was paid.
    #[error("the chain refused {call}: {reason}")]
    Refused {
        /// The call.
        call: &'static str,
        /// The runtime's error.
        reason: String,
    },
    /// Unavailable: the transaction was sent, and what became of it is not known. It may still be included.
    #[error("{call} was sent, but what became of it is not known: {reason}")]
    Unknowable {
        /// The call.
        call: &'static str,
        /// Why.
        reason: String,
    },
}

impl SubmitError {
    /// Whether it takes a new connection to go on.
    pub fn is_connection_lost(&self) -> bool {
        match self {
            Self::Node { source, .. } => source.is_connection_lost(),
            Self::Unknowable { .. } => true,
            Self::Unknown { .. } | Self::NotTaken { .. } | Self::Refused { .. } => false,
        }
    }
}

impl Node {
    /// Signs a call, sends it, and follows it. One account may send from several tasks or programs at once.
    pub fn submit<'a>(
        &'a self,
        account: &'a Account,
        call: Call,
        until: Until,
    ) -> BoxFuture<'a, Result<Included, SubmitError>> {
        Box::pin(async move {
            let name = call.name();
            let progress = self.send(account, call).await?;
            match tokio::time::timeout(FOLLOW_TIMEOUT, Self::follow(name, progress, until)).await {
                Ok(done) => done,
                Err(_) => {
                    let reason = format!("it was in no such block for {} s", FOLLOW_TIMEOUT.as_secs());
                    Err(SubmitError::Unknowable { call: name, reason })
                }
            }
        })
    }

    /// Signs calls with consecutive nonces and sends them all, without following any. Nothing else may send in the
    /// account's name meanwhile.
    pub fn send_all<'a>(
        &'a self,
        account: &'a Account,
        calls: Vec<Call>,
    ) -> BoxFuture<'a, Result<(), SubmitError>> {
        Box::pin(async move {
            let Some(name) = calls.first().map(Call::name) else { return Ok(()) };
            let node = |source| SubmitError::Node { call: name, source };
            let mut nonce = self.next_nonce(&account.id()).await.map_err(node)?;
            let mut calls = calls.into_iter().peekable();
            while calls.peek().is_some() {
                let block = self.client.at_current_block().await.map_err(|error| node(lost_block(error)))?;
                for call in calls.by_ref().take(DATED_ALIKE) {
                    self.send_dated(&block, account, call, nonce).await?;
                    nonce = nonce.saturating_add(1);
                }
            }
            Ok(())
        })
    }

    /// Signs a call, dated by a block, and sends it without following it.
    async fn send_dated(
        &self,
        block: &AtBlock,
        account: &Account,
        call: Call,
        nonce: u64,
    ) -> Result<(), SubmitError> {
        let name = call.name();
        let payload = payload(call);
        let parameters = DefaultExtrinsicParamsBuilder::new()
            .nonce(nonce)
            .mortal_from_unchecked(MORTAL_BLOCKS, block.block_number(), block.block_hash())
            .build();
        let signed = block
            .tx()
            .create_signable_offline(&payload, parameters)
            .and_then(|mut signable| signable.sign(&account.keypair))
            .map_err(|error| not_sent(name, error))?;
        match self.methods.author_submit_extrinsic(signed.encoded()).await {
            Ok(_) => Ok(()),
            Err(error) => Err(not_sent(
                name,
                ExtrinsicError::ErrorSubmittingTransaction(BackendError::Rpc(error.into())),
            )),
        }
    }

    /// Sends a call, and signs it anew if its nonce is taken.
    async fn send(&self, account: &Account, call: Call) -> Result<Progress, SubmitError> {
        let name = call.name();
        let node = |source| SubmitError::Node { call: name, source };
        let payload = payload(call);
        let mut tries = 0;
        loop {
            tries += 1;
            let nonce = self.next_nonce(&account.id()).await.map_err(node)?;
            let parameters = DefaultExtrinsicParamsBuilder::new().nonce(nonce).mortal(MORTAL_BLOCKS).build();
            let mut transactions = self.client.tx().await.map_err(|error| node(lost_block(error)))?;
            match transactions.sign_and_submit_then_watch(&payload, &account.keypair, parameters).await {
                Ok(progress) => return Ok(progress),
                Err(error) if tries < NONCE_TRIES && is_nonce_taken(&error) => continue,
                Err(error) => return Err(not_sent(name, error)),
            }
        }
    }

    async fn follow(
        call: &'static str,
        mut progress: Progress,
        until: Until,
    ) -> Result<Included, SubmitError> {
        let unknowable = |reason: String| SubmitError::Unknowable { call, reason };
        while let Some(status) = progress.next().await {
            match status.map_err(|error| unknowable(error.to_string()))? {
                TransactionStatus::InBestBlock(block) if until == Until::InBlock => {
                    return included(call, &block).await;
                }
                TransactionStatus::InFinalizedBlock(block) => return included(call, &block).await,
                TransactionStatus::Invalid { message } => {
                    return Err(SubmitError::NotTaken { call, reason: message });
                }
                TransactionStatus::Dropped { message } | TransactionStatus::Error { message } => {
                    return Err(unknowable(message));
                }
                TransactionStatus::Validated
                | TransactionStatus::Broadcasted
                | TransactionStatus::NoLongerInBestBlock
                | TransactionStatus::InBestBlock(_) => {}
            }
        }
        Err(unknowable("the node stopped telling".to_owned()))
    }

    /// The next nonce of an account, with the transactions that wait in the node's pool counted.
    async fn next_nonce(&self, account: &AccountId) -> Result<u64, NodeError> {
        const CALL: &str = "system_accountNextIndex";
        let account = AccountId32(*account.as_bytes()).to_string();
        self.rpc.request(CALL, rpc_params![account]).await.map_err(|error| NodeError::from_rpc(CALL, error))
    }
}

/// A call as subxt encodes it, by the chain's own metadata.
fn payload(call: Call) -> DynamicPayload<Call> {
    let (pallet, function) = call.name().split_once('.').unwrap_or_default();
    transaction(pallet, function, call)
}

/// Reads the transaction's events: whether it did what it was for, and which message it sent.
async fn included(call: &'static str, block: &InBlock) -> Result<Included, SubmitError> {
    let events = block.wait_for_success().await.map_err(|error| match error {
        TransactionEventsError::ExtrinsicFailed(error) => {
            SubmitError::Refused { call, reason: dispatch_error(&error) }
        }
        error => SubmitError::Unknowable { call, reason: error.to_string() },
    })?;
    let queued = events
        .iter()
        .filter_map(Result::ok)
        .find(|event| (event.pallet_name(), event.event_name()) == ("Mailbox", "Queued"))
        // Its first two fields; whatever a later runtime adds comes after them.
        .and_then(|event| <(Topic, MessageNumber)>::decode(&mut event.field_bytes()).ok());
    Ok(Included { block: BlockHash::new(block.block_hash().0), queued })
}

/// A runtime's error as `Pallet.Error: what it says of it`.
fn dispatch_error(error: &DispatchError) -> String {
    let DispatchError::Module(module) = error else { return error.to_string() };
    match module.details() {
        Ok(details) => {
            let docs = details.variant.docs.join(" ");
            format!("{}.{}: {}", details.pallet.name(), details.variant.name, docs.trim())
        }
        Err(_) => module.to_string(),
    }
}

fn lost_block(error: OnlineClientAtBlockError) -> NodeError {
    NodeError::Lost { call: "state_getMetadata", source: Box::new(error) }
}

/// What the node's pool said, if it was that which said no.
fn pool_error(error: &ExtrinsicError) -> Option<&rpcs::UserError> {
    match error {
        ExtrinsicError::ErrorSubmittingTransaction(BackendError::Rpc(RpcError::ClientError(
            rpcs::Error::User(error),
        ))) => Some(error),
        _ => None,
    }
}

fn is_nonce_taken(error: &ExtrinsicError) -> bool {
    pool_error(error).is_some_and(|error| match error.code {
        POOL_PRIORITY_TOO_LOW => true,
        POOL_INVALID => error.data.as_ref().is_some_and(|data| data.get().contains("outdated")),
        _ => false,
    })
}

fn not_sent(call: &'static str, error: ExtrinsicError) -> SubmitError {
    if let Some(error) = pool_error(&error) {
        let data = error.data.as_ref().map(|data| format!(" ({})", data.get())).unwrap_or_default();
        return SubmitError::NotTaken { call, reason: format!("{}{data}", error.message) };
    }
    match error {
        ExtrinsicError::EncodeError(_)
        | ExtrinsicError::PalletNameNotFound(_)
        | ExtrinsicError::CallNameNotFound { .. }
        | ExtrinsicError::UnsupportedVersion
        | ExtrinsicError::Params(_) => SubmitError::Unknown { call, reason: error.to_string() },
        // The node may have taken it before the connection broke.
        ExtrinsicError::ErrorSubmittingTransaction(_) => {
            SubmitError::Unknowable { call, reason: error.to_string() }
        }
        other => SubmitError::Node {
            call,
            source: NodeError::Lost { call: "author_submitAndWatchExtrinsic", source: Box::new(other) },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(code: i32, data: Option<&str>) -> ExtrinsicError {
        let error: rpcs::UserError = serde_json::from_value(serde_json::json!({
            "code": code, "message": "Invalid Transaction", "data": data,
        }))
        .unwrap();
        ExtrinsicError::ErrorSubmittingTransaction(BackendError::Rpc(RpcError::ClientError(
            rpcs::Error::User(error),
        )))
    }

    #[test]
    fn taken_nonce_is_told_from_other_refusals_of_the_pool() {
        assert!(is_nonce_taken(&pool(POOL_PRIORITY_TOO_LOW, None)));
        assert!(is_nonce_taken(&pool(POOL_INVALID, Some("Transaction is outdated"))));
        assert!(!is_nonce_taken(&pool(POOL_INVALID, Some("Inability to pay some fees"))));
        assert!(!is_nonce_taken(&pool(1016, None)));
    }

    #[test]
    fn refusal_of_the_pool_is_told_in_its_words() {
        let error = not_sent("Clusters.submit", pool(POOL_INVALID, Some("Inability to pay some fees")));
        assert!(matches!(error, SubmitError::NotTaken { .. }));
        assert!(!error.is_connection_lost());
        assert!(error.to_string().contains("Inability to pay some fees"), "{error}");
    }

    #[test]
    fn call_that_the_chain_does_not_have_is_not_blamed_on_the_connection() {
        let error = not_sent("Clusters.submit", ExtrinsicError::PalletNameNotFound("Clusters".into()));
        assert!(matches!(error, SubmitError::Unknown { .. }));
        assert!(!error.is_connection_lost());
    }

    #[test]
    fn transaction_that_may_have_been_taken_is_not_said_to_be_lost() {
        let broken = rpcs::Error::Client("connection reset".into());
        let error =
            ExtrinsicError::ErrorSubmittingTransaction(BackendError::Rpc(RpcError::ClientError(broken)));
        let error = not_sent("Clusters.submit", error);
        assert!(matches!(error, SubmitError::Unknowable { .. }));
        assert!(error.is_connection_lost());
    }
}
