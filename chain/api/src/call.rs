//! Every transaction that a program of ours sends.

use phala_types::{
    AccountId, Amount, Bytes, ClusterId, CodeHash, ContractId, WorkerId,
    account::WorkerSignature,
    cluster::Checkpoint,
    limits::{CODE_BYTES_MAX, ENVELOPE_BYTES_MAX, EVIDENCE_BYTES_MAX, SALT_BYTES_MAX},
    worker::Registration,
};
use subxt::{
    ext::{
        scale_encode::{self, EncodeAsFields, FieldIter},
        scale_type_resolver::TypeResolver,
    },
    utils::{AccountId32, MultiAddress, Static},
};

/// A call of the chain's runtime. The runtime's metadata gives its number; the arguments are the types that the
/// runtime has from `phala-types` too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Call {
    /// `Workers.register`, by the operator that the registration names.
    Register {
        /// The registration.
        registration: Registration,
        /// Evidence for it.
        evidence: Bytes<EVIDENCE_BYTES_MAX>,
    },
    /// `Clusters.join`, by the worker's operator.
    Join {
        /// Which cluster.
        cluster: ClusterId,
        /// Which worker.
        worker: WorkerId,
    },
    /// `Clusters.upload_code`, by anyone.
    UploadCode {
        /// To which cluster.
        cluster: ClusterId,
        /// The WebAssembly.
        code: Bytes<CODE_BYTES_MAX>,
    },
    /// `Clusters.remove_code`, by who uploaded it.
    RemoveCode {
        /// From which cluster.
        cluster: ClusterId,
        /// Which code.
        code_hash: CodeHash,
    },
    /// `Clusters.deploy`, by anyone.
    Deploy {
        /// In which cluster.
        cluster: ClusterId,
        /// Which code.
        code_hash: CodeHash,
        /// Makes the contract's id unique.
        salt: Bytes<SALT_BYTES_MAX>,
        /// SCALE of the envelope with the constructor's call.
        envelope: Bytes<ENVELOPE_BYTES_MAX>,
    },
    /// `Clusters.submit`, by anyone.
    Submit {
        /// To which contract.
        contract: ContractId,
        /// SCALE of the envelope with the command.
        envelope: Bytes<ENVELOPE_BYTES_MAX>,
    },
    /// `Clusters.checkpoint`, by anyone.
    Checkpoint {
        /// The checkpoint.
        checkpoint: Checkpoint,
        /// The worker's signature.
        signature: WorkerSignature,
    },
    /// `Balances.transfer_keep_alive`, by the account that pays.
    Transfer {
        /// To whom.
        to: AccountId,
        /// How much.
        amount: Amount,
    },
}

impl Call {
    /// Its name, as wallets show it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Register { .. } => "Workers.register",
            Self::Join { .. } => "Clusters.join",
            Self::UploadCode { .. } => "Clusters.upload_code",
            Self::RemoveCode { .. } => "Clusters.remove_code",
            Self::Deploy { .. } => "Clusters.deploy",
            Self::Submit { .. } => "Clusters.submit",
            Self::Checkpoint { .. } => "Clusters.checkpoint",
            Self::Transfer { .. } => "Balances.transfer_keep_alive",
        }
    }
}

impl EncodeAsFields for Call {
    fn encode_as_fields_to<R: TypeResolver>(
        &self,
        fields: &mut dyn FieldIter<'_, R::TypeId>,
        types: &R,
        out: &mut Vec<u8>,
    ) -> Result<(), scale_encode::Error> {
        match self {
            Self::Register { registration, evidence } => {
                (Static(registration), Static(evidence)).encode_as_fields_to(fields, types, out)
            }
            Self::Join { cluster, worker } => {
                (Static(cluster), Static(worker)).encode_as_fields_to(fields, types, out)
            }
            Self::UploadCode { cluster, code } => {
                (Static(cluster), Static(code)).encode_as_fields_to(fields, types, out)
            }
            Self::RemoveCode { cluster, code_hash } => {
                (Static(cluster), Static(code_hash)).encode_as_fields_to(fields, types, out)
            }
            Self::Deploy { cluster, code_hash, salt, envelope } => {
                (Static(cluster), Static(code_hash), Static(salt), Static(envelope))
                    .encode_as_fields_to(fields, types, out)
            }
            Self::Submit { contract, envelope } => {
                (Static(contract), Static(envelope)).encode_as_fields_to(fields, types, out)
            }
            Self::Checkpoint { checkpoint, signature } => {
                (Static(checkpoint), Static(signature)).encode_as_fields_to(fields, types, out)
            }
            Self::Transfer { to, amount } => {
                let to = MultiAddress::<AccountId32, ()>::Id(AccountId32(*to.as_bytes()));
                (to, amount.value()).encode_as_fields_to(fields, types, out)
            }
        }
    }
}
