//! Code uploaded, contracts deployed, commands sealed and sent.

use crate::{ChainError, Client, ClientError, WorkerError, random};
use codec::Encode as _;
use phala_chain_api::{Account, Call, Included, SubmitError, Until};
use phala_crypto::{
    seal::{SealError, seal},
    signature,
};
use phala_types::{
    Amount, BlockNumber, Bytes, ClusterId, CodeHash, ContractId, Gas, GenesisHash, MessageNumber,
    cluster::contract_id,
    command::{Action, Command, SignedCommand},
    envelope::{EnvelopeHeader, Recipient},
    limits::{CALL_GAS_MAX, CODE_BYTES_MAX, ENVELOPE_BYTES_MAX, PAYLOAD_BYTES_MAX, SALT_BYTES_MAX},
    query::SignedInboxKey,
    tag::Tag,
};

/// Why a command was not sent.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The chain, or the worker's record there, cannot be verified.
    #[error("cannot prepare the command")]
    Client(#[from] Box<ClientError>),
    /// Unavailable: the worker does not give the contract's key.
    #[error("cannot get the contract's key")]
    Worker(#[from] WorkerError),
    /// Rejected: the worker gave a key that it did not sign, or another contract's.
    #[error("the worker at {url} gave a key for the contract {contract} that it does not vouch for")]
    ForeignKey {
        /// The worker's address.
        url: String,
        /// The contract.
        contract: ContractId,
    },
    /// Misuse: the command is too long.
    #[error("cannot seal the command")]
    Seal(#[source] SealError),
    /// Rejected or unknown: the transaction that carries it.
    #[error("cannot send the command")]
    Submit(#[from] SubmitError),
    /// Malformed: the transaction was included, but the node shows no message in its events.
    #[error("the node does not say which message the transaction sent; look at its block {0}")]
    NoMessage(phala_types::BlockHash),
}

impl From<ClientError> for CommandError {
    fn from(error: ClientError) -> Self {
        Self::Client(Box::new(error))
    }
}

impl From<ChainError> for CommandError {
    fn from(error: ChainError) -> Self {
        ClientError::from(error).into()
    }
}

/// What a call may cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallParameters {
    /// PHA to move to the contract.
    pub value: Amount,
    /// The most gas to spend.
    pub gas_limit: Gas,
    /// The most PHA to put down for storage. `None` stands for what the signer has in the cluster.
    pub deposit_limit: Option<Amount>,
}

impl Default for CallParameters {
    /// No PHA, and as much gas as a call may have: what is not used is not spent.
    fn default() -> Self {
        Self { value: Amount::new(0), gas_limit: Gas::new(CALL_GAS_MAX), deposit_limit: None }
    }
}

/// A message that is in a final block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sent {
    /// The contract that it is for.
    pub contract: ContractId,
    /// Its number in its cluster's topic, by which its outcome is asked for.
    pub number: MessageNumber,
    /// A final block that is not below the one that holds it.
    pub block: BlockNumber,
}

/// A deployment that is in a final block.
pub type Deployed = Sent;

impl Client {
    /// Uploads code to a cluster. Its workers validate it: [`Client::upload_outcome`] tells whether they took it.
    pub async fn upload(
        &self,
        payer: &Account,
        cluster: ClusterId,
        code: Bytes<CODE_BYTES_MAX>,
    ) -> Result<Included, CommandError> {
        self.submit(payer, Call::UploadCode { cluster, code }).await
    }

    /// Removes code that `payer` uploaded. Its outcome tells whether the worker still needs it.
    pub async fn remove_code(
        &self,
        payer: &Account,
        cluster: ClusterId,
        code_hash: CodeHash,
    ) -> Result<Included, CommandError> {
        self.submit(payer, Call::RemoveCode { cluster, code_hash }).await
    }

    /// Deploys a contract, with its constructor's call sealed to the contract that is to be. `payer` becomes its owner
    /// on the chain; `signer` is the caller of the constructor.
    #[allow(clippy::too_many_arguments)]
    pub async fn deploy(
        &self,
        signer: &Account,
        payer: &Account,
        cluster: ClusterId,
        code_hash: CodeHash,
        salt: Bytes<SALT_BYTES_MAX>,
        input: Bytes<PAYLOAD_BYTES_MAX>,
        parameters: CallParameters,
    ) -> Result<Deployed, CommandError> {
        let contract = contract_id(cluster, &payer.id(), &code_hash, &salt);
        let action = Action::Instantiate { code_hash };
        let envelope = self.seal_command(signer, cluster, contract, action, input, parameters).await?;
        let call = Call::Deploy { cluster, code_hash, salt, envelope };
        let included = self.node().submit(payer, call, Until::Finalized).await?;
        self.sent(contract, included).await
    }

    /// Sends a command to a contract. `signer` is its caller there; `payer` pays for the transaction, and need not be
    /// the same account, since the chain does not learn who signed.
    pub async fn call(
        &self,
        signer: &Account,
        payer: &Account,
        contract: ContractId,
        input: Bytes<PAYLOAD_BYTES_MAX>,
        parameters: CallParameters,
    ) -> Result<Sent, CommandError> {
        let cluster = self.contract(&contract).await?.cluster;
        let envelope = self.seal_command(signer, cluster, contract, Action::Call, input, parameters).await?;
        let call = Call::Submit { contract, envelope };
        let included = self.node().submit(payer, call, Until::Finalized).await?;
        self.sent(contract, included).await
    }

    /// Signs a command and seals it to a contract: SCALE of an envelope, for [`Call::Submit`] or [`Call::Deploy`].
    pub async fn seal_command(
        &self,
        signer: &Account,
        cluster: ClusterId,
        contract: ContractId,
        action: Action,
        input: Bytes<PAYLOAD_BYTES_MAX>,
        parameters: CallParameters,
    ) -> Result<Bytes<ENVELOPE_BYTES_MAX>, CommandError> {
        let key = self.inbox_key(cluster, &contract).await?;
        let genesis = self.genesis();
        let command = Command {
            cluster,
            contract,
            signer: signer.signer(),
            sequence: self.next_sequence(),
            action,
            value: parameters.value,
            gas_limit: parameters.gas_limit,
            deposit_limit: parameters.deposit_limit,
            input,
        };
        let signature = signer.sign(&Tag::COMMAND.preimage(&genesis, &command));
        let plaintext = SignedCommand { command, signature }.encode();
        let header = EnvelopeHeader::new(genesis, Recipient::Contract(contract), key.inbox_key.key_version);
        let (envelope, _) = seal(header, &key.inbox_key.public_key, &plaintext, &mut random::system())
            .map_err(CommandError::Seal)?;
        envelope.encode().try_into().map_err(|_| CommandError::Seal(SealError::TooLong))
    }

    /// A contract's key, vouched for by the cluster's worker. It is the same for as long as the worker is, so that it
    /// is asked for once.
    async fn inbox_key(
        &self,
        cluster: ClusterId,
        contract: &ContractId,
    ) -> Result<SignedInboxKey, CommandError> {
        if let Some(key) = self.cached_inbox_key(contract) {
            return Ok(key);
        }
        let worker = self.cluster_worker(cluster).await?;
        let url = self.worker_url(&worker);
        let key = self.patiently(|| url.inbox_key(contract)).await?.unverified();
        if key.worker != worker.id() || !is_vouched_for(&self.genesis(), contract, &key) {
            return Err(CommandError::ForeignKey { url: worker.endpoint(), contract: *contract });
        }
        self.cache_inbox_key(key);
        Ok(key)
    }

    /// Sends a transaction, and waits until this client has verified its block.
    async fn submit(&self, payer: &Account, call: Call) -> Result<Included, CommandError> {
        let included = self.node().submit(payer, call, Until::Finalized).await?;
        self.reach(&included).await?;
        Ok(included)
    }

    /// Waits until this client has verified the transaction's block, so that its queries see what came of it.
    async fn reach(&self, included: &Included) -> Result<BlockNumber, CommandError> {
        let header = self.node().header(included.block).await.map_err(ChainError::from)?.unverified();
        Ok(self.advance_to(header.block.number).await?.number())
    }

    async fn sent(&self, contract: ContractId, included: Included) -> Result<Sent, CommandError> {
        let block = self.reach(&included).await?;
        let (_, number) = included.queued.ok_or(CommandError::NoMessage(included.block))?;
        Ok(Sent { contract, number, block })
    }
}

/// Whether the worker that the key names signed it, for this contract.
fn is_vouched_for(genesis: &GenesisHash, contract: &ContractId, key: &SignedInboxKey) -> bool {
    key.inbox_key.contract == *contract
        && signature::verify_worker(&key.worker, &key.signature, Tag::INBOX_KEY, genesis, &key.inbox_key)
            .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use phala_crypto::{Secret, signature::SigningKey};
    use phala_types::{KeyVersion, WorkerId, account::WorkerSignature, query::InboxKey};

    #[test]
    fn key_is_taken_only_from_the_worker_that_signed_it_for_this_contract() {
        let genesis = GenesisHash::new([1; 32]);
        let contract = ContractId::new([2; 32]);
        let worker = SigningKey::from_seed(&Secret::new([3; 32]));
        let inbox_key = InboxKey { contract, key_version: KeyVersion::new(0), public_key: [4; 32] };
        let signature = WorkerSignature(worker.sign(Tag::INBOX_KEY, &genesis, &inbox_key));
        let good = SignedInboxKey { inbox_key, worker: WorkerId::new(worker.public_key()), signature };
        assert!(is_vouched_for(&genesis, &contract, &good));
        assert!(!is_vouched_for(&GenesisHash::new([9; 32]), &contract, &good));
        assert!(!is_vouched_for(&genesis, &ContractId::new([9; 32]), &good));
        let mut other_key = good;
        other_key.inbox_key.public_key = [9; 32];
        assert!(!is_vouched_for(&genesis, &contract, &other_key));
        let mut other_worker = good;
        other_worker.worker = WorkerId::new(SigningKey::from_seed(&Secret::new([9; 32])).public_key());
        assert!(!is_vouched_for(&genesis, &contract, &other_worker));
    }
}
