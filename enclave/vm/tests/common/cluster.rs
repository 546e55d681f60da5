// SPDX-License-Identifier: Apache-2.0
//! A cluster in memory, and a contract that does what its input says.
//!
//! The contract's input is a list of steps, made by the functions of [`step`]. It answers with four bytes for each step
//! that has a result: a return code, a length or a number.

#![allow(dead_code)] // Each test file uses a part of it.

use std::collections::BTreeMap;

use codec::{Decode, Encode};
use phala_vm::world::schema::{Account, CodeInfo, Contract, Key};
use phala_vm::world::{
    self, Codes, Deposit, Moment, Outermost, Ran, RemovalError, Terms, UploadError, World, contract_address,
};
use phala_vm::{AccountBytes, Balance, HashBytes, StorageKey, Trap, WasmiEngine, WasmtimeEngine};

use crate::common::{engine, interpreter};

pub const ALICE: AccountBytes = [0xa1; 32];
pub const BOB: AccountBytes = [0xb0; 32];
pub const GAS: u64 = 10_000_000_000;

/// Prices at which each amount of a test can be told from the others.
pub const TERMS: Terms = Terms {
    deposit_per_byte: 2,
    deposit_per_item: 50,
    code_lockup_percent: 30,
    default_deposit_limit: 1_000_000_000,
    existential_deposit: 10,
    fee_per_gas: 3,
};

const MOMENT: Moment = Moment { block_number: 7, now_ms: 1_000 };

pub type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

pub struct Cluster {
    pub state: Entries,
    pub codes: Codes<WasmtimeEngine>,
    pub terms: Terms,
}

impl Cluster {
    pub fn new(terms: Terms) -> Self {
        Self { state: BTreeMap::new(), codes: Codes::default(), terms }
    }

    /// A cluster where Alice is rich and the steps contract's code is uploaded by Bob.
    pub fn with_steps() -> Self {
        let mut cluster = Self::new(TERMS);
        cluster.fund(ALICE, 100_000_000);
        cluster.fund(BOB, 100_000_000);
        cluster.upload(BOB, &steps_code(0)).unwrap();
        cluster.upload(BOB, &steps_code(1)).unwrap();
        cluster
    }

    pub fn fund(&mut self, account: AccountBytes, free: Balance) {
        let held = self.account(&account).held;
        self.state.insert(Key::Account(account).encode(), Account { free, held }.encode());
    }

    pub fn world(&mut self) -> World<'_, WasmtimeEngine, Entries> {
        World::new(engine(), &mut self.codes, &self.state, self.terms, MOMENT)
    }

    pub fn apply(&mut self, changes: world::Changes) {
        for (name, value) in changes {
            match value {
                Some(value) => self.state.insert(name, value),
                None => self.state.remove(&name),
            };
        }
    }

    pub fn upload(&mut self, owner: AccountBytes, wasm: &[u8]) -> Result<Balance, UploadError> {
        let uploaded = self.world().upload(&owner, wasm)?;
        self.apply(uploaded.changes);
        Ok(uploaded.deposit)
    }

    pub fn remove_code(&mut self, owner: AccountBytes, hash: &HashBytes) -> Result<Balance, RemovalError> {
        let removed = self.world().remove_code(&owner, hash)?;
        self.apply(removed.changes);
        Ok(removed.deposit)
    }

    pub fn run(&mut self, outermost: Outermost<'_>) -> Ran {
        let ran = self.world().run(outermost).expect("the world holds");
        self.apply(ran.changes.clone());
        ran
    }

    /// The same with the other engine, and without any effect.
    pub fn run_interpreted(&self, outermost: Outermost<'_>) -> Ran {
        let mut codes = Codes::<WasmiEngine>::default();
        let world = World::new(interpreter(), &mut codes, &self.state, self.terms, MOMENT);
        world.run(outermost).expect("the world holds")
    }

    /// Makes a steps contract for Alice, which pays a value and runs steps in its constructor.
    pub fn make_with(&mut self, salt: u8, value: Balance, steps: &[Vec<u8>]) -> (AccountBytes, Ran) {
        let input = steps.concat();
        let hash = steps_hash(0);
        let contract = contract_address(&ALICE, &hash, &input, &[salt]);
        let ran = self.run(Outermost { deploy: Some(hash), value, ..calling(contract, &input) });
        (contract, ran)
    }

    pub fn make(&mut self, salt: u8) -> AccountBytes {
        let (contract, ran) = self.make_with(salt, 0, &[]);
        assert!(ran.execution.is_success(), "{:?}", ran.execution.result);
        contract
    }

    /// Runs steps of a contract as Alice.
    pub fn call(&mut self, contract: AccountBytes, steps: &[Vec<u8>]) -> Ran {
        let input = steps.concat();
        self.run(calling(contract, &input))
    }

    /// What the steps answered.
    pub fn answers(&mut self, contract: AccountBytes, steps: &[Vec<u8>]) -> Vec<u32> {
        answers(&self.call(contract, steps))
    }

    /// How the steps trapped.
    pub fn trap(&mut self, contract: AccountBytes, steps: &[Vec<u8>]) -> Trap {
        let before = self.state.clone();
        let ran = self.call(contract, steps);
        assert!(ran.events.is_empty() && self.state == before && ran.deposit == Deposit::default());
        ran.execution.result.expect_err("the contract traps")
    }

    fn decoded<T: Decode>(&self, key: Key) -> Option<T> {
        self.state.get(&key.encode()).map(|bytes| T::decode(&mut bytes.as_slice()).unwrap())
    }

    pub fn account(&self, id: &AccountBytes) -> Account {
        self.decoded(Key::Account(*id)).unwrap_or_default()
    }

    pub fn contract(&self, id: &AccountBytes) -> Option<Contract> {
        self.decoded(Key::Contract(*id))
    }

    pub fn code(&self, hash: &HashBytes) -> Option<CodeInfo> {
        self.decoded(Key::CodeInfo(*hash))
    }

    pub fn nonce(&self) -> u64 {
        self.decoded(Key::Nonce).unwrap_or(0)
    }

    pub fn stored(&self, contract: &AccountBytes, key: u8) -> Option<usize> {
        let key = Key::Storage(*contract, StorageKey::Variable(vec![key]));
        self.state.get(&key.encode()).map(Vec::len)
    }

    /// All that must hold between the entries of any state. Returns the sum of all balances.
    pub fn check(&self) -> Balance {
        let mut total = 0;
        let mut references = BTreeMap::<HashBytes, u64>::new();
        for (name, value) in &self.state {
            match Key::decode(&mut name.as_slice()).unwrap() {
                Key::Account(id) => {
                    let account = self.account(&id);
                    assert!(account != Account::default(), "an empty account has an entry");
                    assert!(account.free >= self.terms.existential_deposit);
                    total += account.free + account.held;
                }
                Key::Contract(id) => {
                    let contract = self.contract(&id).unwrap();
                    let dependencies: Balance = contract.delegate_dependencies.values().sum();
                    assert_eq!(self.account(&id).held, contract.total_deposit() + dependencies);
                    let prefix = Key::storage_prefix(&id);
                    let values: Vec<_> =
                        self.state.iter().filter(|(name, _)| name.starts_with(&prefix)).collect();
                    // More may be counted than there is, as the world's first lines say, but never less.
                    assert!(contract.storage_items as usize >= values.len());
                    let bytes: usize = values.iter().map(|(_, value)| value.len()).sum();
                    assert!(contract.storage_bytes as usize >= bytes);
                    *references.entry(contract.code_hash).or_default() += 1;
                    for hash in contract.delegate_dependencies.keys() {
                        *references.entry(*hash).or_default() += 1;
                    }
                }
                Key::Storage(id, _) => assert!(self.contract(&id).is_some(), "storage without a contract"),
                Key::Code(hash) => {
                    assert_eq!(self.code(&hash).unwrap().code_bytes as usize, value.len());
                }
                Key::CodeInfo(_) | Key::Nonce => {}
            }
        }
        for (name, _) in &self.state {
            if let Key::CodeInfo(hash) = Key::decode(&mut name.as_slice()).unwrap() {
                let expected = references.remove(&hash).unwrap_or(0);
                assert_eq!(self.code(&hash).unwrap().references, expected);
            }
        }
        assert!(references.is_empty(), "a contract needs code that is gone");
        total
    }
}

/// A call as Alice, with ample limits.
pub fn calling(contract: AccountBytes, input: &[u8]) -> Outermost<'_> {
    Outermost {
        contract,
        deploy: None,
        caller: ALICE,
        value: 0,
        input,
        gas_limit: GAS,
        deposit_limit: None,
        read_only: false,
    }
}

pub fn answers(ran: &Ran) -> Vec<u32> {
    let data = &ran.execution.result.as_ref().expect("the contract answers").data;
    data.chunks(4).map(|four| u32::from_le_bytes(four.try_into().unwrap())).collect()
}

/// The code of the steps contract. Variants differ in nothing but what `version` answers.
pub fn steps_code(variant: u32) -> Vec<u8> {
    wat::parse_str(STEPS.replace("$VARIANT", &variant.to_string())).unwrap()
}

pub fn steps_hash(variant: u32) -> HashBytes {
    sp_crypto_hashing::blake2_256(&steps_code(variant))
}

/// One step of the contract's input.
pub mod step {
    use phala_vm::{AccountBytes, HashBytes};

    fn join(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    fn inner(steps: &[Vec<u8>]) -> Vec<u8> {
        let steps = steps.concat();
        [&(steps.len() as u16).to_le_bytes()[..], &steps].concat()
    }

    pub fn set(key: u8, len: u16) -> Vec<u8> {
        join(&[&[1, key], &len.to_le_bytes()])
    }
    pub fn clear(key: u8) -> Vec<u8> {
        vec![2, key]
    }
    /// Answers with the return code.
    pub fn call(account: AccountBytes, steps: &[Vec<u8>]) -> Vec<u8> {
        call_with(account, 0, 0, 0, steps)
    }
    pub fn call_with(
        account: AccountBytes,
        flags: u8,
        value: u32,
        deposit: u32,
        steps: &[Vec<u8>],
    ) -> Vec<u8> {
        join(&[&[3, flags], &value.to_le_bytes(), &deposit.to_le_bytes(), &account, &inner(steps)])
    }
    pub fn revert() -> Vec<u8> {
        vec![4]
    }
    pub fn trap() -> Vec<u8> {
        vec![5]
    }
    pub fn event(byte: u8) -> Vec<u8> {
        vec![6, byte]
    }
    /// Answers with the return code.
    pub fn transfer(account: AccountBytes, value: u32) -> Vec<u8> {
        join(&[&[7], &value.to_le_bytes(), &account])
    }
    /// Answers with the return code.
    pub fn make(hash: HashBytes, salt: u8, value: u32, steps: &[Vec<u8>]) -> Vec<u8> {
        make_with(hash, salt, value, 0, steps)
    }
    pub fn make_with(hash: HashBytes, salt: u8, value: u32, deposit: u32, steps: &[Vec<u8>]) -> Vec<u8> {
        join(&[&[8, salt], &value.to_le_bytes(), &deposit.to_le_bytes(), &hash, &inner(steps)])
    }
    pub fn terminate(beneficiary: AccountBytes) -> Vec<u8> {
        join(&[&[9], &beneficiary])
    }
    /// Answers with the return code.
    pub fn set_code(hash: HashBytes) -> Vec<u8> {
        join(&[&[10], &hash])
    }
    pub fn lock(hash: HashBytes) -> Vec<u8> {
        join(&[&[11], &hash])
    }
    pub fn unlock(hash: HashBytes) -> Vec<u8> {
        join(&[&[12], &hash])
    }
    /// Answers with the return code.
    pub fn delegate(hash: HashBytes, steps: &[Vec<u8>]) -> Vec<u8> {
        join(&[&[13], &hash, &inner(steps)])
    }
    pub fn set_transient(key: u8, len: u16) -> Vec<u8> {
        join(&[&[14, key], &len.to_le_bytes()])
    }
    /// Answers with the value's length.
    pub fn transient(key: u8) -> Vec<u8> {
        vec![15, key]
    }
    /// Answers with the value's length.
    pub fn stored(key: u8) -> Vec<u8> {
        vec![16, key]
    }
    /// Answers with the number of other entrances.
    pub fn reentrances() -> Vec<u8> {
        vec![17]
    }
    /// Answers with the number.
    pub fn nonce() -> Vec<u8> {
        vec![18]
    }
    /// Answers with what the contract can spend.
    pub fn balance() -> Vec<u8> {
        vec![19]
    }
    /// Answers with the variant of the code that runs.
    pub fn version() -> Vec<u8> {
        vec![20]
    }
    pub fn say(byte: u8) -> Vec<u8> {
        vec![21, byte]
    }
    /// Answers with the first four bytes of the caller.
    pub fn caller() -> Vec<u8> {
        vec![22]
    }
    /// Answers with 1 if the caller began the whole call.
    pub fn is_origin() -> Vec<u8> {
        vec![23]
    }
    /// Answers with the value that was paid.
    pub fn paid() -> Vec<u8> {
        vec![24]
    }
    /// Answers with 1 if the account is a contract.
    pub fn is_contract(account: AccountBytes) -> Vec<u8> {
        join(&[&[25], &account])
    }
    /// Answers with the first four bytes of the contract's code hash.
    pub fn own_code() -> Vec<u8> {
        vec![26]
    }
}

const STEPS: &str = r#"(module
  (import "env" "memory" (memory 1 1))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "seal1" "clear_storage" (func $clear (param i32 i32) (result i32)))
  (import "seal1" "contains_storage" (func $contains (param i32 i32) (result i32)))
  (import "seal2" "call" (func $call (param i32 i32 i64 i64 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "seal0" "deposit_event" (func $event (param i32 i32 i32 i32)))
  (import "seal0" "transfer" (func $transfer (param i32 i32 i32 i32) (result i32)))
  (import "seal2" "instantiate"
    (func $make (param i32 i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "seal1" "terminate" (func $terminate (param i32)))
  (import "seal0" "set_code_hash" (func $set_code (param i32) (result i32)))
  (import "seal0" "lock_delegate_dependency" (func $lock (param i32)))
  (import "seal0" "unlock_delegate_dependency" (func $unlock (param i32)))
  (import "seal0" "delegate_call" (func $delegate (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "seal0" "set_transient_storage" (func $tset (param i32 i32 i32 i32) (result i32)))
  (import "seal0" "contains_transient_storage" (func $tcontains (param i32 i32) (result i32)))
  (import "seal0" "reentrance_count" (func $reentrances (result i32)))
  (import "seal0" "instantiation_nonce" (func $nonce (result i64)))
  (import "seal0" "balance" (func $balance (param i32 i32)))
  (import "seal0" "debug_message" (func $say (param i32 i32) (result i32)))
  (import "seal0" "caller" (func $caller (param i32 i32)))
  (import "seal0" "caller_is_origin" (func $is_origin (result i32)))
  (import "seal0" "value_transferred" (func $paid (param i32 i32)))
  (import "seal0" "is_contract" (func $is_contract (param i32) (result i32)))
  (import "seal0" "own_code_hash" (func $own_code (param i32 i32)))
  (global $pc (mut i32) (i32.const 0x1000))
  (global $end (mut i32) (i32.const 0))
  (global $lp (mut i32) (i32.const 0x6000))
  (func $at (param i32) (result i32) (i32.add (global.get $pc) (local.get 0)))
  (func $u8 (param i32) (result i32) (i32.load8_u (call $at (local.get 0))))
  (func $u16 (param i32) (result i32) (i32.load16_u (call $at (local.get 0))))
  (func $skip (param i32) (global.set $pc (call $at (local.get 0))))
  (func $log (param i32)
    (i32.store (global.get $lp) (local.get 0))
    (global.set $lp (i32.add (global.get $lp) (i32.const 4))))
  (func $amounts (param $value i32) (param $deposit i32)
    (i64.store (i32.const 0x10) (i64.load32_u (call $at (local.get $value))))
    (i64.store (i32.const 0x20) (i64.load32_u (call $at (local.get $deposit)))))
  (func $room (i32.store (i32.const 0) (i32.const 32)))
  (func $finish (param i32)
    (call $return (local.get 0) (i32.const 0x6000) (i32.sub (global.get $lp) (i32.const 0x6000))))
  (func $run (local $op i32)
    (i32.store (i32.const 0) (i32.const 0x5000))
    (call $input (i32.const 0x1000) (i32.const 0))
    (global.set $end (i32.add (i32.const 0x1000) (i32.load (i32.const 0))))
    (loop $next
      (if (i32.ge_u (global.get $pc) (global.get $end)) (then (call $finish (i32.const 0))))
      (local.set $op (call $u8 (i32.const 0)))
      (if (i32.eq (local.get $op) (i32.const 1)) (then
        (drop (call $set (call $at (i32.const 1)) (i32.const 1) (i32.const 0x8000) (call $u16 (i32.const 2))))
        (call $skip (i32.const 4)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 2)) (then
        (drop (call $clear (call $at (i32.const 1)) (i32.const 1)))
        (call $skip (i32.const 2)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 3)) (then
        (call $amounts (i32.const 2) (i32.const 6))
        (call $log (call $call (call $u8 (i32.const 1)) (call $at (i32.const 10)) (i64.const 0) (i64.const 0)
          (i32.const 0x20) (i32.const 0x10) (call $at (i32.const 44)) (call $u16 (i32.const 42))
          (i32.const -1) (i32.const 0)))
        (call $skip (i32.add (i32.const 44) (call $u16 (i32.const 42)))) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 4)) (then (call $finish (i32.const 1))))
      (if (i32.eq (local.get $op) (i32.const 5)) (then (unreachable)))
      (if (i32.eq (local.get $op) (i32.const 6)) (then
        (call $event (i32.const 0) (i32.const 0) (call $at (i32.const 1)) (i32.const 1))
        (call $skip (i32.const 2)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 7)) (then
        (call $amounts (i32.const 1) (i32.const 1))
        (call $log (call $transfer (call $at (i32.const 5)) (i32.const 32) (i32.const 0x10) (i32.const 16)))
        (call $skip (i32.const 37)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 8)) (then
        (call $amounts (i32.const 2) (i32.const 6))
        (call $log (call $make (call $at (i32.const 10)) (i64.const 0) (i64.const 0) (i32.const 0x20)
          (i32.const 0x10) (call $at (i32.const 44)) (call $u16 (i32.const 42)) (i32.const -1) (i32.const 0)
          (i32.const -1) (i32.const 0) (call $at (i32.const 1)) (i32.const 1)))
        (call $skip (i32.add (i32.const 44) (call $u16 (i32.const 42)))) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 9)) (then (call $terminate (call $at (i32.const 1)))))
      (if (i32.eq (local.get $op) (i32.const 10)) (then
        (call $log (call $set_code (call $at (i32.const 1)))) (call $skip (i32.const 33)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 11)) (then
        (call $lock (call $at (i32.const 1))) (call $skip (i32.const 33)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 12)) (then
        (call $unlock (call $at (i32.const 1))) (call $skip (i32.const 33)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 13)) (then
        (call $log (call $delegate (i32.const 0) (call $at (i32.const 1)) (call $at (i32.const 35))
          (call $u16 (i32.const 33)) (i32.const -1) (i32.const 0)))
        (call $skip (i32.add (i32.const 35) (call $u16 (i32.const 33)))) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 14)) (then
        (drop (call $tset (call $at (i32.const 1)) (i32.const 1) (i32.const 0x8000) (call $u16 (i32.const 2))))
        (call $skip (i32.const 4)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 15)) (then
        (call $log (call $tcontains (call $at (i32.const 1)) (i32.const 1)))
        (call $skip (i32.const 2)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 16)) (then
        (call $log (call $contains (call $at (i32.const 1)) (i32.const 1)))
        (call $skip (i32.const 2)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 17)) (then
        (call $log (call $reentrances)) (call $skip (i32.const 1)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 18)) (then
        (call $log (i32.wrap_i64 (call $nonce))) (call $skip (i32.const 1)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 19)) (then
        (call $room) (call $balance (i32.const 0x40) (i32.const 0))
        (call $log (i32.load (i32.const 0x40))) (call $skip (i32.const 1)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 20)) (then
        (call $log (i32.const $VARIANT)) (call $skip (i32.const 1)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 21)) (then
        (drop (call $say (call $at (i32.const 1)) (i32.const 1))) (call $skip (i32.const 2)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 22)) (then
        (call $room) (call $caller (i32.const 0x40) (i32.const 0))
        (call $log (i32.load (i32.const 0x40))) (call $skip (i32.const 1)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 23)) (then
        (call $log (call $is_origin)) (call $skip (i32.const 1)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 24)) (then
        (call $room) (call $paid (i32.const 0x40) (i32.const 0))
        (call $log (i32.load (i32.const 0x40))) (call $skip (i32.const 1)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 25)) (then
        (call $log (call $is_contract (call $at (i32.const 1)))) (call $skip (i32.const 33)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 26)) (then
        (call $room) (call $own_code (i32.const 0x40) (i32.const 0))
        (call $log (i32.load (i32.const 0x40))) (call $skip (i32.const 1)) (br $next)))
      (unreachable)))
  (func (export "call") (call $run))
  (func (export "deploy") (call $run)))"#;
