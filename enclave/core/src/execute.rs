//! One message of the cluster's topic, executed: the same on every replica, forever.
//!
//! R1 A message that cannot be opened, decoded or authorised is rejected and changes nothing.
//! R2 A command whose signature holds and whose sequence is new uses that sequence up, whatever comes of it.
//! R3 A contract that traps or reverts changes nothing, and its outcome says so.

use crate::{
    effects::{self, Told},
    keys::{KEY_VERSION, Keys},
    schema::{CODE_OWNER, Key, Record, TERMS, Upload},
    store::{Changes, Store},
};
use codec::{Decode, Encode};
use phala_crypto::signature;
use phala_types::{
    AccountId, Amount, ClusterId, CodeHash, ContractId, Digest, GenesisHash, MessageNumber,
    cluster::{ClusterMessage, code_hash},
    command::{Action, Command, Execution, Outcome, Rejection, SignedCommand},
    decode_exact,
    envelope::{Envelope, EnvelopeHeader, Recipient},
    limits::{CALL_GAS_MAX, OUTCOMES_MAX},
    mailbox::Message,
    tag::Tag,
};
use phala_vm::{
    Engine,
    extension::CommandExtensions,
    world::{
        self, Codes, Fault, Moment, Outermost, RemovalError, State, UploadError, World, schema::Key as Owned,
    },
};

/// What executes messages of one cluster.
pub struct Executor<'a, E: Engine> {
    /// Runs contracts.
    pub engine: &'a E,
    /// What it has compiled.
    pub codes: &'a mut Codes<E>,
    /// The cluster's state.
    pub store: &'a mut Store,
    /// Opens commands.
    pub keys: &'a Keys,
    /// The network.
    pub genesis: GenesisHash,
    /// The cluster.
    pub cluster: ClusterId,
}

/// A message that is rejected, and who signed it, if anybody did.
struct Rejected {
    signer: Option<AccountId>,
    reason: Rejection,
}

impl From<Rejection> for Rejected {
    fn from(reason: Rejection) -> Self {
        Self { signer: None, reason }
    }
}

impl<E: Engine> Executor<'_, E> {
    /// Executes `message` and keeps its outcome. `tip` is the topic's right after it.
    pub fn execute(&mut self, message: &Message, tip: Digest) -> Result<(), Fault> {
        match &message.body {
            ClusterMessage::CodeUploaded { code } => self.store_code(message, tip, code),
            ClusterMessage::CodeRemoved { code_hash } => self.remove_code(message, tip, *code_hash),
            ClusterMessage::ContractDeployed { contract, code_hash, envelope } => {
                let action = Action::Instantiate { code_hash: *code_hash };
                self.execute_command(message, tip, *contract, action, envelope)?;
            }
            ClusterMessage::Command { contract, envelope } => {
                self.execute_command(message, tip, *contract, Action::Call, envelope)?;
            }
        }
        if let Some(forgotten) = message.number.value().checked_sub(OUTCOMES_MAX) {
            let key = Key::Outcome(MessageNumber::new(forgotten)).encode();
            self.store.change(Changes::from([(key, None)]));
        }
        Ok(())
    }

    /// Keeps code that breaks no rule, and what came of its upload.
    fn store_code(&mut self, message: &Message, tip: Digest, code: &[u8]) {
        let hash = code_hash(code);
        let world = World::new(self.engine, self.codes, self.store, TERMS, moment(message));
        let (outcome, changes) = match world.upload(&CODE_OWNER, code) {
            Ok(uploaded) => (Outcome::CodeStored(hash), uploaded.changes),
            Err(UploadError::Refused(refusal)) => {
                (Outcome::Rejected(Rejection::InvalidCode(refusal)), Changes::new())
            }
            Err(UploadError::DepositNotPayable { .. }) => {
                (Outcome::Rejected(Rejection::InsufficientBalance), Changes::new())
            }
        };
        self.keep_fate(message, tip, hash, outcome, changes);
    }

    /// Removes code that no contract needs. The chain has checked that its owner wants it.
    fn remove_code(&mut self, message: &Message, tip: Digest, hash: CodeHash) {
        let world = World::new(self.engine, self.codes, self.store, TERMS, moment(message));
        let (outcome, changes) = match world.remove_code(&CODE_OWNER, hash.as_bytes()) {
            Ok(removed) => (Outcome::CodeRemoved(hash), removed.changes),
            Err(RemovalError::InUse { references }) => {
                (Outcome::Rejected(Rejection::CodeInUse(references)), Changes::new())
            }
            // Code that was refused when it was uploaded.
            Err(RemovalError::CodeNotFound | RemovalError::NotOwner) => {
                (Outcome::Rejected(Rejection::UnknownCode), Changes::new())
            }
        };
        self.keep_fate(message, tip, hash, outcome, changes);
    }

    /// Makes changes, and keeps what last came of code beside them.
    fn keep_fate(
        &mut self,
        message: &Message,
        tip: Digest,
        hash: CodeHash,
        outcome: Outcome,
        mut changes: Changes,
    ) {
        let upload = Upload { number: message.number, tip, outcome };
        changes.insert(Key::Upload(hash).encode(), Some(upload.encode()));
        self.store.change(changes);
    }

    fn execute_command(
        &mut self,
        message: &Message,
        tip: Digest,
        contract: ContractId,
        action: Action,
        envelope: &[u8],
    ) -> Result<(), Fault> {
        let (reader, outcome) = match self.run_command(message, tip, contract, action, envelope)? {
            Ok((reader, outcome)) => (reader, outcome),
            Err(Rejected { signer, reason }) => (signer, Outcome::Rejected(reason)),
        };
        let record = Record { reader, contract, tip, outcome };
        self.store.change(Changes::from([(Key::Outcome(message.number).encode(), Some(record.encode()))]));
        Ok(())
    }

    /// The outer `Err` is a fault; the inner one is an outcome as good as any.
    fn run_command(
        &mut self,
        message: &Message,
        tip: Digest,
        contract: ContractId,
        action: Action,
        envelope: &[u8],
    ) -> Result<Result<(Option<AccountId>, Outcome), Rejected>, Fault> {
        let command = match self.authorise(contract, action, envelope) {
            Ok(command) => command,
            Err(rejected) => return Ok(Err(rejected)),
        };
        let caller = command.signer.account();
        let signer = Some(caller);
        if let Err(reason) = self.admit(&command) {
            return Ok(Err(Rejected { signer, reason }));
        }
        let contract_keys = self.keys.contracts(&self.genesis, self.cluster);
        let mut extensions = CommandExtensions::new(contract_keys, *tip.as_bytes(), message.number.value());
        let world = World::new(self.engine, self.codes, self.store, TERMS, moment(message));
        let ran = world.with_extensions(&mut extensions).run(Outermost {
            contract: *contract.as_bytes(),
            deploy: match action {
                Action::Instantiate { code_hash } => Some(*code_hash.as_bytes()),
                Action::Call => None,
            },
            caller: *caller.as_bytes(),
            value: command.value.value(),
            input: &command.input,
            gas_limit: command.gas_limit.value(),
            deposit_limit: command.deposit_limit.map(Amount::value),
            read_only: false,
        })?;
        let (Told { ended, gas_used, deposit, events, logs }, changes) = effects::tell(ran)?;
        self.store.change(changes);
        let execution = Execution { contract, caller, ended, gas_used, deposit, events, logs };
        Ok(Ok((signer, Outcome::Executed(execution))))
    }

    /// Opens a command, verifies who signed it, and uses up its sequence.
    fn authorise(
        &mut self,
        contract: ContractId,
        action: Action,
        envelope: &[u8],
    ) -> Result<Command, Rejected> {
        let envelope: Envelope = decode_exact(envelope).map_err(|_| Rejection::MalformedEnvelope)?;
        if envelope.header.key_version != KEY_VERSION {
            return Err(Rejection::UnknownKeyVersion.into());
        }
        let recipient = Recipient::Contract(contract);
        if envelope.header != EnvelopeHeader::new(self.genesis, recipient, KEY_VERSION) {
            return Err(Rejection::MalformedEnvelope.into());
        }
        let opened = self
            .keys
            .inbox(&self.genesis, &contract)
            .open(&envelope)
            .map_err(|_| Rejection::ForeignCiphertext)?;
        let SignedCommand { command, signature } =
            decode_exact(&opened.plaintext).map_err(|_| Rejection::MalformedCommand)?;
        if command.cluster != self.cluster || command.contract != contract || command.action != action {
            return Err(Rejection::Misdirected.into());
        }
        signature::verify(&command.signer, &signature, Tag::COMMAND, &self.genesis, &command)
            .map_err(|_| Rejection::BadSignature)?;
        let account = command.signer.account();
        let key = Key::Sequence(account).encode();
        let last = self.store.get(&key).and_then(|bytes| u64::decode(&mut &bytes[..]).ok());
        if last.is_some_and(|last| command.sequence <= last) {
            return Err(Rejected { signer: Some(account), reason: Rejection::Replayed });
        }
        self.store.change(Changes::from([(key, Some(command.sequence.encode()))]));
        Ok(command)
    }

    /// Whether an authorised command can run.
    fn admit(&self, command: &Command) -> Result<(), Rejection> {
        if command.gas_limit.value() > CALL_GAS_MAX {
            return Err(Rejection::GasLimitTooHigh);
        }
        let account = world::account(self.store, command.signer.account().as_bytes());
        if command.value.value() > account.free.saturating_sub(TERMS.existential_deposit) {
            return Err(Rejection::InsufficientBalance);
        }
        let exists = self.store.get(&Owned::Contract(*command.contract.as_bytes()).encode()).is_some();
        match command.action {
            Action::Call if !exists => Err(Rejection::UnknownContract),
            Action::Instantiate { .. } if exists => Err(Rejection::ContractExists),
            Action::Instantiate { code_hash } if !self.has_code(&code_hash) => Err(Rejection::UnknownCode),
            _ => Ok(()),
        }
    }

    fn has_code(&self, hash: &CodeHash) -> bool {
        self.store.get(&Owned::Code(*hash.as_bytes()).encode()).is_some()
    }
}

/// What contracts learn of when they run.
fn moment(message: &Message) -> Moment {
    Moment { block_number: message.block.value(), now_ms: message.timestamp.value() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phala_crypto::Secret;
    use phala_types::{Amount, Gas, account::Signer};
    use phala_vm::{WasmtimeEngine, world::schema::Account};

    #[test]
    fn a_value_needs_a_balance_in_the_cluster() {
        let (engine, keys) = (WasmtimeEngine::new().unwrap(), Keys::derive(Secret::new([1; 32])));
        let signer = Signer::Sr25519([7; 32]);
        let contract = ContractId::new([2; 32]);
        let mut store = Store::default();
        let record = world::schema::Contract::new([3; 32]);
        let account = Account { free: 100, held: 50 };
        store.change(Changes::from([
            (Owned::Contract([2; 32]).encode(), Some(record.encode())),
            (Owned::Account(*signer.account().as_bytes()).encode(), Some(account.encode())),
        ]));
        let mut codes = Codes::default();
        let executor = Executor {
            engine: &engine,
            codes: &mut codes,
            store: &mut store,
            keys: &keys,
            genesis: GenesisHash::new([0; 32]),
            cluster: ClusterId::new(0),
        };
        let command = |value| Command {
            cluster: ClusterId::new(0),
            contract,
            signer,
            sequence: 1,
            action: Action::Call,
            value: Amount::new(value),
            gas_limit: Gas::new(1),
            deposit_limit: None,
            input: Vec::new().try_into().unwrap(),
        };
        assert_eq!(executor.admit(&command(100)), Ok(()));
        assert_eq!(executor.admit(&command(101)), Err(Rejection::InsufficientBalance));
    }
}
