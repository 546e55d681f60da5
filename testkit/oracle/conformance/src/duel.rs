// SPDX-License-Identifier: Apache-2.0
//! Both machines side by side: every step is done on both, and what differs is kept.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    machine::{Account, Answer, Call, End, Hash, Instantiate, Machine, Ran},
    ours::Ours,
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
    ours: Ours,
    accounts: BTreeSet<Account>,
    contracts: BTreeSet<Account>,
    divergences: BTreeMap<(usize, Aspect), Divergence>,
    step: String,
    steps: usize,
    twins: u32,
}

impl Default for Duel {
    fn default() -> Self {
        let mut duel = Self {
            oracle: Pallet::default(),
            ours: Ours::default(),
            accounts: BTreeSet::new(),
            contracts: BTreeSet::new(),
            divergences: BTreeMap::new(),
            step: String::new(),
            steps: 0,
            twins: 0,
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

    /// Gives an account this much more.
    pub fn fund(&mut self, account: &Account, amount: u128) {
        self.begin(format!("give {amount}"));
        self.watch(account);
        self.oracle.fund(account, amount);
        self.ours.fund(account, amount);
        self.compare_state();
    }

    /// Goes to a block.
    pub fn set_block(&mut self, number: u32, now_ms: u64) {
        self.oracle.set_block(number, now_ms);
        self.ours.set_block(number, now_ms);
    }

    /// Tells the machines of a key of 32 bytes, which the oracle stores only the hash of.
    pub fn learn_key(&mut self, key: &[u8]) {
        self.oracle.learn_key(key);
        self.ours.learn_key(key);
    }

    /// Uploads code, and gives the oracle's word on it.
    ///
    /// # Errors
    /// The oracle's.
    pub fn upload(&mut self, owner: &Account, wasm: &[u8]) -> Result<Hash, End> {
        self.begin(format!("upload {} bytes", wasm.len()));
        let (oracle, ours) = (self.oracle.upload(owner, wasm), self.ours.upload(owner, wasm));
        self.compare(Aspect::Code, &oracle, &ours);
        self.compare_state();
        oracle
    }

    /// Removes code, and gives the oracle's word on it.
    ///
    /// # Errors
    /// The oracle's.
    pub fn remove_code(&mut self, owner: &Account, code: &Hash) -> Result<(), End> {
        self.begin("remove code".into());
        let (oracle, ours) = (self.oracle.remove_code(owner, code), self.ours.remove_code(owner, code));
        self.compare(Aspect::Code, &oracle, &ours);
        self.compare_state();
        oracle
    }

    /// Makes a contract, and gives the oracle's word on it.
    pub fn instantiate(&mut self, request: &Instantiate) -> Ran {
        self.begin("instantiate".into());
        let (oracle, ours) = (self.oracle.instantiate(request), self.ours.instantiate(request));
        self.compare(Aspect::Address, &oracle.address, &ours.address);
        if let Some(address) = oracle.address {
            self.watch_contract(&address);
        }
        self.compare_ran(&oracle, &ours);
        oracle
    }

    /// Calls a contract, and gives the oracle's word on it.
    pub fn call(&mut self, request: &Call) -> Ran {
        self.begin(format!("call with {} bytes", request.input.len()));
        let (oracle, ours) = (self.oracle.call(request), self.ours.call(request));
        self.compare_ran(&oracle, &ours);
        oracle
    }

    /// Compares a contract's storage and balance from now on.
    pub fn watch_contract(&mut self, contract: &Account) {
        self.watch(contract);
        self.contracts.insert(*contract);
    }

    /// The oracle's word on an account's balance.
    pub fn free(&mut self, account: &Account) -> u128 {
        self.oracle.balance(account).free
    }

    /// The oracle's word on a contract's storage.
    pub fn storage(&mut self, contract: &Account) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.oracle.storage(contract)
    }

    /// The oracle's word on a contract's code.
    pub fn code_hash(&mut self, contract: &Account) -> Option<Hash> {
        self.oracle.code_hash(contract)
    }

    fn begin(&mut self, what: String) {
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
        self.compare_state();
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

    fn compare_state(&mut self) {
        for account in self.accounts.clone() {
            let (mut oracle, ours) = (self.oracle.balance(&account), self.ours.balance(&account));
            // What a contract stored in the very call that ended it stays held on its account in the pallet, where nobody
            // can get at it. Here it goes back to who paid it.
            let is_gone = self.contracts.contains(&account)
                && self.oracle.code_hash(&account).is_none()
                && self.ours.code_hash(&account).is_none();
            if is_gone && ours.held == 0 {
                oracle.held = 0;
            }
            self.compare(Aspect::Balance, &(account[0], oracle), &(account[0], ours));
        }
        for contract in self.contracts.clone() {
            let (oracle, ours) = (self.oracle.code_hash(&contract), self.ours.code_hash(&contract));
            self.compare(Aspect::CodeHash, &oracle, &ours);
            let (oracle, ours) = (self.oracle.storage(&contract), self.ours.storage(&contract));
            self.compare(Aspect::Storage, &oracle, &ours);
        }
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
