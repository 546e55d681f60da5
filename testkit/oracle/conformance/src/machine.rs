// SPDX-License-Identifier: Apache-2.0
//! What both machines can do, and the words in which they tell what came of it.

use std::collections::BTreeMap;

use codec::Encode as _;

/// An account id.
pub type Account = [u8; 32];
/// A code hash: BLAKE2b-256 of the code as it was uploaded.
pub type Hash = [u8; 32];

/// The least balance of an account, on both machines.
pub const EXISTENTIAL_DEPOSIT: u128 = 100;
/// What a byte of storage costs, on both machines.
pub const DEPOSIT_PER_BYTE: u128 = 3;
/// What an item of storage costs, on both machines.
pub const DEPOSIT_PER_ITEM: u128 = 700;
/// The part of a code's deposit that whoever uses the code has to lock, on both machines.
pub const CODE_LOCKUP_PERCENT: u32 = 30;

/// A machine that runs contracts: accounts with balances, codes, contracts with storage.
pub trait Machine {
    /// Its name in a report.
    fn name(&self) -> &'static str;

    /// Gives an account this much more, out of nothing.
    fn fund(&mut self, account: &Account, amount: u128);

    /// Goes to a block.
    fn set_block(&mut self, number: u32, now_ms: u64);

    /// Uploads code. Its owner pays the deposit.
    ///
    /// # Errors
    /// The class of the refusal.
    fn upload(&mut self, owner: &Account, wasm: &[u8]) -> Result<Hash, End>;

    /// Removes code and pays the deposit back.
    ///
    /// # Errors
    /// The class of the refusal.
    fn remove_code(&mut self, owner: &Account, code: &Hash) -> Result<(), End>;

    /// Makes a contract.
    fn instantiate(&mut self, request: &Instantiate) -> Ran;

    /// Calls a contract.
    fn call(&mut self, request: &Call) -> Ran;

    /// Tells the machine of a key, for those that keep only hashes of keys.
    fn learn_key(&mut self, key: &[u8]);

    /// A contract's whole storage.
    fn storage(&mut self, contract: &Account) -> BTreeMap<Vec<u8>, Vec<u8>>;

    /// What an account can spend, and what is held of it.
    fn balance(&mut self, account: &Account) -> Balance;

    /// The code of a contract, or nothing if the account is none.
    fn code_hash(&mut self, account: &Account) -> Option<Hash>;
}

/// An account's balance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// What it can spend.
    pub free: u128,
    /// What is held as a deposit.
    pub held: u128,
}

/// A contract that is to be made.
#[derive(Clone, Debug)]
pub struct Instantiate {
    /// Who makes it.
    pub caller: Account,
    /// From which code.
    pub code: Hash,
    /// What it gets to begin with.
    pub value: u128,
    /// Constructor and arguments.
    pub input: Vec<u8>,
    /// Makes its address different from that of a twin.
    pub salt: Vec<u8>,
    /// The most that may be held for storage. Without it, what the caller has.
    pub deposit_limit: Option<u128>,
}

/// A call of a contract.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who calls.
    pub caller: Account,
    /// Whom.
    pub contract: Account,
    /// What is paid.
    pub value: u128,
    /// Selector and arguments.
    pub input: Vec<u8>,
    /// The most that may be held for storage. Without it, what the caller has.
    pub deposit_limit: Option<u128>,
    /// Whether there is gas for a few million instructions only, rather than for all that a case does.
    pub is_starved: bool,
}

/// What came of a call or of an instantiation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The answer, or the class of how it ended.
    pub result: Result<Answer, End>,
    /// The contract that was made.
    pub address: Option<Account>,
    /// What the origin paid for storage, or got back if it is negative. Zero without an answer.
    pub deposit: i128,
    /// The events of contracts, in order.
    pub events: Vec<Event>,
    /// What contracts wrote as debug messages.
    pub debug: Vec<u8>,
}

/// A contract's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Bit 0 says that all is undone.
    pub flags: u32,
    /// The output.
    pub data: Vec<u8>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose.
    pub contract: Account,
    /// Its topics, in order.
    pub topics: Vec<Hash>,
    /// Its data.
    pub data: Vec<u8>,
}

/// How a step ends without an answer, as coarse as both machines can tell it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// The gas was used up.
    OutOfGas,
    /// The program trapped, or gave a pointer outside of its memory. The pallet has one word for all traps of the program,
    /// our engine one word for all wrong addresses.
    Trapped,
    /// An output does not fit.
    OutputBufferTooSmall,
    /// An argument is not what it should be.
    InvalidArgument,
    /// A value or an event is too long.
    ValueTooLong,
    /// More topics than allowed.
    TooManyTopics,
    /// A change of state in a read-only call.
    StateChangeDenied,
    /// The input was forwarded.
    InputForwarded,
    /// The callee is on the stack.
    ReentranceDenied,
    /// Too many frames.
    CallDepthExceeded,
    /// A contract with this address exists.
    DuplicateContract,
    /// Ended in the constructor, or while on the stack twice: one word with us.
    TerminationDenied,
    /// There are no chain extensions.
    NoChainExtension,
    /// A payment failed.
    TransferFailed,
    /// There is no such contract.
    ContractNotFound,
    /// There is no such code.
    CodeNotFound,
    /// The code breaks a rule.
    CodeRejected,
    /// The code is used by a contract.
    CodeInUse,
    /// Somebody else's code.
    NotOwner,
    /// A deposit would be held on the account of a contract that was ended in the same call. Only the oracle ends so.
    DepositOfEndedContract,
    /// The deposit cannot be paid.
    DepositUnaffordable,
    /// The deposit is more than was allowed.
    DepositLimitExceeded,
    /// Too many delegate dependencies.
    TooManyDependencies,
    /// No such delegate dependency.
    DependencyNotFound,
    /// It is locked already.
    DependencyExists,
    /// A contract's own code as its dependency.
    DependencyOnSelf,
    /// Transient storage is full.
    OutOfTransientStorage,
    /// A quota that only one of the machines has.
    LimitReached,
    /// Anything else, in the machine's own words.
    Other(String),
}

/// The address of a contract that somebody makes, by the pallet's rule.
#[must_use]
pub fn contract_address(deployer: &Account, code: &Hash, input: &[u8], salt: &[u8]) -> Account {
    sp_crypto_hashing::blake2_256(&(b"contract_addr_v1", deployer, code, input, salt).encode())
}
