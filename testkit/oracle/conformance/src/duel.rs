// SPDX-License-Identifier: Apache-2.0
//! Both machines side by side: every step is done on both, and what differs is kept.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    machine::{Account, Answer, Balance, Call, End, Hash, Instantiate, Machine, Ran},
    ours::Twins,
    pallet::Pallet,
    puppet::{self, Played, Script},
};

/// Who does things in cases, unless a case says otherwise.
pub const ALICE: Account = [0xa1; 32];
/// Somebody else.
pub const BOB: Account = [0xb0; 32];
/// Somebody who has nothing.
pub const CHARLIE: Account = [0xc4; 32];
/// What Alice and Bob have in the beginning.
pub const FORTUNE: u128 = 1_000_000_000_000;
/// What a puppet gets in the beginning.
pub const ENDOWMENT: u128 = 1_000_000;

/// What may diverge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// What an upload or a removal of code came to.
    Code,
    /// The answer of a call, or how it ended.
    Answer,
    /// The address of a new contract.
    Address,
    /// Events.
    Events,
    /// What was paid for storage.
    Deposit,
    /// Debug messages.
    Debug,
    /// A contract's storage.
    Storage,
    /// Somebody's balance.
    Balance,
    /// Which code a contract has.
    CodeHash,
    /// Whether a call ended well in which a contract stored something and was ended: see [`crate::differences`]. The machines
    /// have parted, and nothing more can be compared.
    Ended,
    /// Anything at all between our own two engines, gas included.
    Engines,
}

/// Something in which the machines differed.
#[derive(Clone)]
pub struct Divergence {
    /// The step, counted from 1, and what it did.
    pub step: String,
    /// In what.
    pub aspect: Aspect,
    /// What the oracle says.
    pub oracle: String,
    /// What we say.
    pub ours: String,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, aspect, oracle, ours } = self;
        write!(f, "step {step}: {aspect:?}\n      oracle: {oracle}\n      ours:   {ours}")
    }
}

/// Two machines.
pub struct Duel {
    oracle: Pallet,
    ours: Twins,
    accounts: BTreeSet<Account>,
    contracts: BTreeSet<Account>,
    /// What the oracle holds on contracts' accounts and has no record of. See [`crate::differences`].
    stranded: BTreeMap<Account, i128>,
    /// Who paid it.
    lost: BTreeMap<Account, i128>,
    divergences: BTreeMap<(usize, Aspect), Divergence>,
    step: String,
    steps: usize,
    twins: u32,
    is_over: bool,
}

impl Default for Duel {
    fn default() -> Self {
        let mut duel = Self {
            oracle: Pallet::default(),
            ours: Twins::default(),
            accounts: BTreeSet::new(),
            contracts: BTreeSet::new(),
            stranded: BTreeMap::new(),
            lost: BTreeMap::new(),
            divergences: BTreeMap::new(),
            step: String::new(),
            steps: 0,
            twins: 0,
            is_over: false,
        };
        duel.fund(&ALICE, FORTUNE);
        duel.fund(&BOB, FORTUNE);
        duel.watch(&CHARLIE);
        duel
    }
}

impl Duel {
    /// What differed so far, in order.
    pub fn divergences(&self) -> impl Iterator<Item = &Divergence> {
        self.divergences.values()
    }

    /// Compares an account's balance from now on.
    pub fn watch(&mut self, account: &Account) {
        self.accounts.insert(*account);
    }

    /// Compares a contract's storage and balance from now on.
    pub fn watch_contract(&mut self, contract: &Account) {
        self.watch(contract);
        self.contracts.insert(*contract);
    }

    /// How many calls both of our engines have run alike, and the gas that each of them used for these.
    #[must_use]
    pub fn work(&self) -> (u64, u64) {
        self.ours.work()
    }

    /// What the oracle holds on a contract's account beyond its own record of the contract. See [`crate::differences`].
    #[must_use]
    pub fn stranded(&self, contract: &Account) -> i128 {
        self.stranded.get(contract).copied().unwrap_or(0)
    }

    /// Whether the machines have parted at a difference that is known ([`Aspect::Ended`]): the story ends here.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// The oracle's word on what an account can spend.
    pub fn free(&mut self, account: &Account) -> u128 {
        self.balance(account).free
    }

    fn begin(&mut self, what: String) {
        assert!(!self.is_over, "the machines have parted at step {}", self.step);
        self.steps += 1;
        self.step = format!("{} ({what})", self.steps);
    }

    fn compare<T: PartialEq + fmt::Debug>(&mut self, aspect: Aspect, oracle: &T, ours: &T) {
        if oracle == ours {
            return;
        }
        let step = self.step.clone();
        let divergence = Divergence { step, aspect, oracle: short(oracle), ours: short(ours) };
        self.divergences.entry((self.steps, aspect)).or_insert(divergence);
    }

    fn compare_ran(&mut self, oracle: &Ran, ours: &Ran) {
        self.compare_answers(&oracle.result, &ours.result);
        self.compare(Aspect::Events, &oracle.events, &ours.events);
        self.compare(Aspect::Deposit, &oracle.deposit, &ours.deposit);
        self.compare(Aspect::Debug, &oracle.debug, &ours.debug);
    }

    /// Long answers that differ in a few bytes are told by these.
    fn compare_answers(&mut self, oracle: &Result<Answer, End>, ours: &Result<Answer, End>) {
        if let (Ok(oracle), Ok(ours)) = (oracle, ours)
            && oracle.flags == ours.flags
            && oracle.data.len() == ours.data.len()
        {
            let different = |(at, (a, b)): (usize, (&u8, &u8))| (a != b).then_some((at, *a, *b));
            let differences: Vec<_> =
                oracle.data.iter().zip(&ours.data).enumerate().filter_map(different).collect();
            let side = |pick: fn(&(usize, u8, u8)) -> u8| -> Vec<String> {
                differences.iter().map(|it| format!("{}:{:02x}", it.0, pick(it))).collect()
            };
            return self.compare(Aspect::Answer, &side(|it| it.1), &side(|it| it.2));
        }
        self.compare(Aspect::Answer, oracle, ours);
    }

    /// Compares all that is watched, after a step that somebody paid for.
    fn compare_state(&mut self, payer: &Account) {
        if let Some(disagreement) = self.ours.disagreement() {
            self.compare(Aspect::Engines, &disagreement.as_str(), &"");
        }
        for contract in self.contracts.clone() {
            let (oracle, ours) = (self.oracle.code_hash(&contract), self.ours.code_hash(&contract));
            self.compare(Aspect::CodeHash, &oracle, &ours);
            let (oracle, ours) = (self.oracle.storage(&contract), self.ours.storage(&contract));
            self.compare(Aspect::Storage, &oracle, &ours);
        }
        self.count_stranded(payer);
        for account in self.accounts.clone() {
            let (mut oracle, ours) = (self.oracle.balance(&account), self.ours.balance(&account));
            oracle.held = oracle.held.wrapping_add_signed(-self.stranded(&account));
            oracle.free = oracle.free.wrapping_add_signed(self.lost.get(&account).copied().unwrap_or(0));
            self.compare(Aspect::Balance, &(account[0], oracle), &(account[0], ours));
        }
    }

    /// Whether a contract has come to its end with us and not with the oracle.
    fn has_ended_one(&mut self) -> bool {
        let contracts = self.contracts.clone();
        contracts.iter().any(|it| self.ours.code_hash(it).is_none() && self.oracle.code_hash(it).is_some())
    }

    /// Whoever paid for a step in which more was stranded has that much less than with us, exactly.
    fn count_stranded(&mut self, payer: &Account) {
        let now = self.oracle.stranded();
        let more = now.values().sum::<i128>() - self.stranded.values().sum::<i128>();
        *self.lost.entry(*payer).or_default() += more;
        self.stranded = now;
    }
}

/// A step is done on both machines, and compared. What is told is the oracle's word.
impl Machine for Duel {
    fn name(&self) -> &'static str {
        "both"
    }

    fn fund(&mut self, account: &Account, amount: u128) {
        self.begin(format!("give {amount}"));
        self.watch(account);
        self.oracle.fund(account, amount);
        self.ours.fund(account, amount);
        self.compare_state(account);
    }

    fn set_block(&mut self, number: u32, now_ms: u64) {
        self.oracle.set_block(number, now_ms);
        self.ours.set_block(number, now_ms);
    }

    fn upload(&mut self, owner: &Account, wasm: &[u8]) -> Result<Hash, End> {
        self.begin(format!("upload {} bytes", wasm.len()));
        let (oracle, ours) = (self.oracle.upload(owner, wasm), self.ours.upload(owner, wasm));
        self.compare(Aspect::Code, &oracle, &ours);
        self.compare_state(owner);
        oracle
    }

    fn remove_code(&mut self, owner: &Account, code: &Hash) -> Result<(), End> {
        self.begin("remove code".into());
        let (oracle, ours) = (self.oracle.remove_code(owner, code), self.ours.remove_code(owner, code));
        self.compare(Aspect::Code, &oracle, &ours);
        self.compare_state(owner);
        oracle
    }

    fn instantiate(&mut self, request: &Instantiate) -> Ran {
        self.begin("instantiate".into());
        let (oracle, ours) = (self.oracle.instantiate(request), self.ours.instantiate(request));
        self.compare(Aspect::Address, &oracle.address, &ours.address);
        if let Some(address) = oracle.address {
            self.watch_contract(&address);
        }
        self.compare_ran(&oracle, &ours);
        self.compare_state(&request.caller);
        oracle
    }

    fn call(&mut self, request: &Call) -> Ran {
        self.begin(format!("call with {} bytes", request.input.len()));
        let (oracle, ours) = (self.oracle.call(request), self.ours.call(request));
        if oracle.result == Err(End::DepositOfEndedContract) && self.has_ended_one() {
            self.is_over = true;
            self.compare(Aspect::Ended, &oracle.result, &ours.result);
            return oracle;
        }
        self.compare_ran(&oracle, &ours);
        self.compare_state(&request.caller);
        oracle
    }

    fn learn_key(&mut self, key: &[u8]) {
        self.oracle.learn_key(key);
        self.ours.learn_key(key);
    }

    fn storage(&mut self, contract: &Account) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.oracle.storage(contract)
    }

    fn balance(&mut self, account: &Account) -> Balance {
        self.oracle.balance(account)
    }

    fn code_hash(&mut self, contract: &Account) -> Option<Hash> {
        self.oracle.code_hash(contract)
    }
}

/// A value in a few lines.
fn short(value: &impl fmt::Debug) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(600) {
        Some((at, _)) => format!("{}... ({} characters)", &text[..at], text.len()),
        None => text,
    }
}

/// What cases do with puppets. A case says what the oracle must answer, so that an error that both share shows too.
impl Duel {
    /// Uploads a puppet that has these functions, with a code of its own.
    pub fn puppet_code(&mut self, functions: &[&str]) -> Hash {
        self.twins += 1;
        self.upload(&ALICE, &puppet::module(functions, self.twins)).expect("the oracle admits the puppet")
    }

    /// Makes a puppet that has these functions.
    pub fn puppet(&mut self, functions: &[&str]) -> Account {
        let code = self.puppet_code(functions);
        self.puppet_of(code)
    }

    /// Makes a contract from a puppet's code.
    pub fn puppet_of(&mut self, code: Hash) -> Account {
        self.twins += 1;
        let ran = self.instantiate(&Instantiate {
            caller: ALICE,
            code,
            value: ENDOWMENT,
            input: Script::new().input(),
            salt: self.twins.to_le_bytes().to_vec(),
            deposit_limit: None,
        });
        ran.address.unwrap_or_else(|| panic!("the oracle makes a puppet: {ran:?}"))
    }

    /// Calls a puppet as Alice.
    pub fn play(&mut self, puppet: Account, script: &Script) -> Played {
        let ran = self.play_with(puppet, script, 0);
        match ran.result {
            Ok(Answer { flags: 0, data }) => Played(data),
            other => panic!("the oracle ends the script with {other:?}"),
        }
    }

    /// Calls a puppet as Alice, who pays.
    pub fn play_with(&mut self, puppet: Account, script: &Script, value: u128) -> Ran {
        self.call(&Call {
            caller: ALICE,
            contract: puppet,
            value,
            input: script.input(),
            deposit_limit: None,
            is_starved: false,
        })
    }

    /// Makes a puppet for a script and plays it.
    pub fn play_alone(&mut self, script: &Script) -> Played {
        let puppet = self.puppet(&script.functions());
        self.play(puppet, script)
    }

    /// Makes a puppet for a script that must not end well.
    pub fn end_of(&mut self, script: &Script) -> End {
        let puppet = self.puppet(&script.functions());
        self.end_at(puppet, script)
    }

    /// Plays a script that must not end well.
    pub fn end_at(&mut self, puppet: Account, script: &Script) -> End {
        match self.play_with(puppet, script, 0).result {
            Err(end) => end,
            Ok(answer) => panic!("the oracle answers {answer:?}"),
        }
    }
}
