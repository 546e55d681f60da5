// SPDX-License-Identifier: Apache-2.0
//! Generated stories: a few contracts that do whatever chance says to each other.

use crate::{
    Account, Call, Duel, Hash, Machine as _,
    duel::{ALICE, BOB, CHARLIE},
    puppet::Script,
};

/// One thing that a contract does. Numbers choose among what there is.
#[derive(Clone, Debug)]
pub enum Move {
    /// Sets a value of a length under a key.
    Set(u8, u16),
    /// Removes and returns a value.
    Take(u8),
    /// Removes a value.
    Clear(u8),
    /// Reads a value.
    Read(u8),
    /// Sets a transient value.
    SetTransient(u8, u16),
    /// Reads a transient value.
    ReadTransient(u8),
    /// Pays somebody.
    Pay(u8, u32),
    /// Deposits an event with some topics.
    Event(u8, u8),
    /// Asks for a fact.
    Ask(u8),
    /// Calls a contract with flags and a value, to make moves.
    Call(u8, u8, u32, Vec<Move>),
    /// Runs a code to make moves.
    Delegate(u8, Vec<Move>),
    /// Makes a contract that begins with moves.
    Make(u8, u32, u8, Vec<Move>),
    /// Takes other code.
    SetCode(u8),
    /// Locks or unlocks a code.
    Lock(bool, u8),
    /// Ends the contract.
    End(u8),
    /// Ends the frame: an answer, or one that reverts.
    Return(bool),
    /// Traps.
    Trap,
}

const FACTS: [(&str, u32); 8] = [
    ("seal0.caller", 32),
    ("seal0.address", 32),
    ("seal0.balance", 16),
    ("seal0.value_transferred", 16),
    ("seal0.own_code_hash", 32),
    ("seal0.block_number", 4),
    ("seal0.now", 8),
    ("seal0.minimum_balance", 16),
];

const ALL: &[&str] = &[
    "seal2.set_storage",
    "seal0.take_storage",
    "seal1.clear_storage",
    "seal1.get_storage",
    "seal0.set_transient_storage",
    "seal0.get_transient_storage",
    "seal0.transfer",
    "seal0.deposit_event",
    "seal0.caller",
    "seal0.address",
    "seal0.balance",
    "seal0.value_transferred",
    "seal0.own_code_hash",
    "seal0.block_number",
    "seal0.now",
    "seal0.minimum_balance",
    "seal2.call",
    "seal0.delegate_call",
    "seal2.instantiate",
    "seal0.set_code_hash",
    "seal0.lock_delegate_dependency",
    "seal0.unlock_delegate_dependency",
    "seal1.terminate",
    "seal0.reentrance_count",
    "seal0.caller_is_origin",
    "puppet.unreachable",
];

/// Who and what there is to choose from.
struct Cast {
    contracts: Vec<Account>,
    codes: Vec<Hash>,
}

impl Cast {
    fn account(&self, choice: u8) -> Account {
        let people = [ALICE, BOB, CHARLIE];
        let choice = choice as usize % (self.contracts.len() + people.len());
        self.contracts.get(choice).copied().unwrap_or_else(|| people[choice - self.contracts.len()])
    }

    fn code(&self, choice: u8) -> Hash {
        // Now and then one that is not there.
        self.codes.get(choice as usize % (self.codes.len() + 1)).copied().unwrap_or([9; 32])
    }

    fn script(&self, moves: &[Move]) -> Script {
        let mut s = Script::new();
        for it in moves {
            self.add(&mut s, it);
        }
        s
    }

    fn add(&self, s: &mut Script, it: &Move) {
        match it {
            Move::Set(key, len) => {
                let (key, value) = (s.bytes(&[*key % 8]), s.bytes(&vec![*key; usize::from(*len % 600)]));
                s.call("seal2.set_storage", &[key, 1, value, u64::from(*len % 600)]);
            }
            Move::Take(key) => {
                let key = s.bytes(&[*key % 8]);
                let [out, len] = s.output(600);
                s.call("seal0.take_storage", &[key, 1, out, len]);
            }
            Move::Clear(key) => {
                let key = s.bytes(&[*key % 8]);
                s.call("seal1.clear_storage", &[key, 1]);
            }
            Move::Read(key) => {
                let key = s.bytes(&[*key % 8]);
                let [out, len] = s.output(600);
                s.call("seal1.get_storage", &[key, 1, out, len]);
            }
            Move::SetTransient(key, len) => {
                let (key, value) = (s.bytes(&[*key % 8]), s.bytes(&vec![*key; usize::from(*len % 200)]));
                s.call("seal0.set_transient_storage", &[key, 1, value, u64::from(*len % 200)]);
            }
            Move::ReadTransient(key) => {
                let key = s.bytes(&[*key % 8]);
                let [out, len] = s.output(200);
                s.call("seal0.get_transient_storage", &[key, 1, out, len]);
            }
            Move::Pay(to, amount) => {
                let (to, amount) = (s.bytes(&self.account(*to)), s.amount((*amount).into()));
                s.call("seal0.transfer", &[to, 32, amount, 16]);
            }
            Move::Event(topics, len) => {
                let count = topics % 5;
                let mut encoded = vec![count << 2];
                (0..count).for_each(|n| encoded.extend_from_slice(&[n; 32]));
                let (at, data) = (s.bytes(&encoded), s.bytes(&vec![7; usize::from(*len)]));
                s.call("seal0.deposit_event", &[at, encoded.len() as u64, data, u64::from(*len)]);
            }
            Move::Ask(what) => match FACTS.get(usize::from(*what) % (FACTS.len() + 2)) {
                Some((name, len)) => {
                    s.ask(name, *len);
                }
                None if what % 2 == 0 => {
                    s.call("seal0.reentrance_count", &[]);
                }
                None => {
                    s.call("seal0.caller_is_origin", &[]);
                }
            },
            Move::Call(to, flags, value, moves) => {
                let input = self.script(moves).input();
                let (to, value, at) =
                    (s.bytes(&self.account(*to)), s.amount((*value).into()), s.bytes(&input));
                let flags = u64::from(flags & 0b1_1111);
                let [out, len] = s.output(input.len() as u32);
                let last = [value, at, input.len() as u64, out, len];
                s.call("seal2.call", &[&[flags, to, 0, 0, super::SENTINEL][..], &last].concat());
            }
            Move::Delegate(code, moves) => {
                let input = self.script(moves).input();
                let (code, at) = (s.bytes(&self.code(*code)), s.bytes(&input));
                let [out, len] = s.output(input.len() as u32);
                s.call("seal0.delegate_call", &[0, code, at, input.len() as u64, out, len]);
            }
            Move::Make(code, value, salt, moves) => {
                let input = self.script(moves).input();
                let (code, value) = (s.bytes(&self.code(*code)), s.amount((*value).into()));
                let (at, salt) = (s.bytes(&input), s.bytes(&[*salt % 4]));
                let (address, out) = (s.output(32), s.output(input.len() as u32));
                let first = [code, 0, 0, super::SENTINEL, value, at, input.len() as u64];
                let last = [address[0], address[1], out[0], out[1], salt, 1];
                s.call("seal2.instantiate", &[&first[..], &last].concat());
            }
            Move::SetCode(code) => {
                let code = s.bytes(&self.code(*code));
                s.call("seal0.set_code_hash", &[code]);
            }
            Move::Lock(lock, code) => {
                let code = s.bytes(&self.code(*code));
                let verb = if *lock { "lock" } else { "unlock" };
                s.call(&format!("seal0.{verb}_delegate_dependency"), &[code]);
            }
            Move::End(to) => {
                let to = s.bytes(&self.account(*to));
                s.call("seal1.terminate", &[to]);
            }
            Move::Return(revert) => {
                s.call("seal0.seal_return", &[u64::from(*revert), 0, 64]);
            }
            Move::Trap => {
                s.call("puppet.unreachable", &[]);
            }
        }
    }
}

/// Makes four contracts of two codes, and plays: each story is one call by Alice or Bob of a contract, with a value.
pub fn play_moves(duel: &mut Duel, stories: &[(bool, u8, u32, Vec<Move>)]) {
    let codes: Vec<Hash> = (0..2).map(|_| duel.puppet_code(ALL)).collect();
    let contracts = (0..4).map(|n| duel.puppet_of(codes[n % 2])).collect();
    let cast = Cast { contracts, codes };
    for (number, (by_alice, contract, value, moves)) in stories.iter().enumerate() {
        duel.set_block(10 + number as u32, 1_000_000 + number as u64);
        duel.call(&Call {
            caller: if *by_alice { ALICE } else { BOB },
            contract: cast.contracts[usize::from(*contract) % cast.contracts.len()],
            value: (*value).into(),
            input: cast.script(moves).input(),
            deposit_limit: None,
            is_starved: false,
        });
        if duel.is_over() {
            return;
        }
    }
    for code in cast.codes.clone() {
        let _ = duel.remove_code(&ALICE, &code);
    }
}
