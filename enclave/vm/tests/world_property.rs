// SPDX-License-Identifier: Apache-2.0
//! Whatever contracts do: a frame that fails leaves no trace, no money appears or vanishes, and the records fit.

mod common;

#[path = "common/cluster.rs"]
mod cluster;

use cluster::*;
use phala_vm::world::{Outermost, contract_address};
use phala_vm::{AccountBytes, Balance, HashBytes};
use proptest::prelude::*;

const CONTRACTS: u8 = 3;

/// A step, before it is known where the contracts are.
#[derive(Clone, Debug)]
enum Plan {
    Set(u8, u16),
    Clear(u8),
    Event(u8),
    Transient(u8, u16),
    Transfer(u8, u32),
    Call { whom: u8, reentry: bool, value: u32, deposit: u32, inner: Vec<Plan>, end: End },
    Delegate(Vec<Plan>, End),
    Make { salt: u8, value: u32, inner: Vec<Plan>, end: End },
    SetCode(u8),
    Lock(u8),
    Unlock(u8),
    Terminate(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Well,
    Revert,
    Trap,
}

struct Places {
    contracts: Vec<AccountBytes>,
    codes: Vec<HashBytes>,
}

impl Places {
    fn account(&self, index: u8) -> AccountBytes {
        // One more than there are contracts: an account without code.
        self.contracts.get(usize::from(index)).copied().unwrap_or(BOB)
    }

    fn code(&self, index: u8) -> HashBytes {
        self.codes.get(usize::from(index)).copied().unwrap_or([9; 32])
    }

    fn steps(&self, plans: &[Plan], end: End) -> Vec<Vec<u8>> {
        let mut steps: Vec<_> = plans.iter().map(|plan| self.step(plan)).collect();
        match end {
            End::Well => {}
            End::Revert => steps.push(step::revert()),
            End::Trap => steps.push(step::trap()),
        }
        steps
    }

    fn step(&self, plan: &Plan) -> Vec<u8> {
        match plan {
            Plan::Set(key, len) => step::set(*key, *len),
            Plan::Clear(key) => step::clear(*key),
            Plan::Event(byte) => step::event(*byte),
            Plan::Transient(key, len) => step::set_transient(*key, *len),
            Plan::Transfer(whom, value) => step::transfer(self.account(*whom), *value),
            Plan::Call { whom, reentry, value, deposit, inner, end } => step::call_with(
                self.account(*whom),
                if *reentry { 8 } else { 0 },
                *value,
                *deposit,
                &self.steps(inner, *end),
            ),
            Plan::Delegate(inner, end) => step::delegate(self.code(1), &self.steps(inner, *end)),
            Plan::Make { salt, value, inner, end } => {
                step::make(self.code(0), *salt, *value, &self.steps(inner, *end))
            }
            Plan::SetCode(code) => step::set_code(self.code(*code)),
            Plan::Lock(code) => step::lock(self.code(*code)),
            Plan::Unlock(code) => step::unlock(self.code(*code)),
            Plan::Terminate(whom) => step::terminate(self.account(*whom)),
        }
    }
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![4 => Just(End::Well), 1 => Just(End::Revert), 1 => Just(End::Trap)]
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let whom = || 0..=CONTRACTS;
    let leaf = prop_oneof![
        6 => (0..4u8, 0..200u16).prop_map(|(key, len)| Plan::Set(key, len)),
        3 => (0..4u8).prop_map(Plan::Clear),
        2 => any::<u8>().prop_map(Plan::Event),
        2 => (0..4u8, 0..200u16).prop_map(|(key, len)| Plan::Transient(key, len)),
        3 => (whom(), 0..150u32).prop_map(|(whom, value)| Plan::Transfer(whom, value)),
        1 => (0..3u8).prop_map(Plan::SetCode),
        1 => (0..3u8).prop_map(Plan::Lock),
        1 => (0..3u8).prop_map(Plan::Unlock),
        1 => whom().prop_map(Plan::Terminate),
    ];
    let step = leaf.prop_recursive(4, 40, 6, move |inner| {
        let inner = || prop::collection::vec(inner.clone(), 0..6);
        let deposit = prop_oneof![3 => Just(0u32), 1 => 0..1_000u32];
        prop_oneof![
            4 => (whom(), any::<bool>(), 0..100u32, deposit, inner(), end()).prop_map(
                |(whom, reentry, value, deposit, inner, end)| {
                    Plan::Call { whom, reentry, value, deposit, inner, end }
                }
            ),
            1 => (inner(), end()).prop_map(|(inner, end)| Plan::Delegate(inner, end)),
            2 => (any::<u8>(), 0..50u32, inner(), end())
                .prop_map(|(salt, value, inner, end)| Plan::Make { salt, value, inner, end }),
        ]
    });
    prop::collection::vec(step, 0..8)
}

/// Three contracts with some money and some storage.
fn cluster() -> (Cluster, Places) {
    let mut cluster = Cluster::with_steps();
    let contracts: Vec<_> = (0..CONTRACTS)
        .map(|salt| {
            let (contract, ran) = cluster.make_with(salt, 200, &[step::set(1, 30), step::set(2, 0)]);
            assert!(ran.execution.is_success());
            contract
        })
        .collect();
    (cluster, Places { contracts, codes: vec![steps_hash(0), steps_hash(1)] })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn money_and_records_fit_after_any_calls(calls in prop::collection::vec((plans(), 0..300u32, end()), 1..4)) {
        let (mut cluster, places) = cluster();
        let total = cluster.check();
        for (plans, value, end) in calls {
            let (state, free) = (cluster.state.clone(), cluster.account(&ALICE).free);
            let input = places.steps(&plans, end).concat();
            let value = Balance::from(value);
            let outermost = Outermost { value, ..calling(places.contracts[0], &input) };
            let interpreted = cluster.run_interpreted(outermost);
            let ran = cluster.run(outermost);
            prop_assert_eq!(&ran, &interpreted);
            prop_assert_eq!(cluster.check(), total);
            if ran.execution.is_success() {
                prop_assert!(end == End::Well || plans.iter().any(|plan| matches!(plan, Plan::Terminate(_))));
            } else {
                prop_assert!(ran.changes.is_empty() && ran.events.is_empty());
                prop_assert!(cluster.state == state && cluster.account(&ALICE).free == free);
            }
        }
    }

    #[test]
    fn a_frame_that_fails_leaves_no_trace(
        before in prop::collection::vec((0..4u8, 0..200u16), 0..4),
        plans in plans(),
        by_trap in any::<bool>(),
        whom in 1..CONTRACTS,
    ) {
        let (mut cluster, places) = cluster();
        let prelude: Vec<_> = before.iter().map(|(key, len)| step::set(*key, *len)).collect();
        let end = if by_trap { End::Trap } else { End::Revert };
        let failing = |plans: &[Plan]| {
            let mut steps = prelude.clone();
            // What ends the callee's contract ends its frame well.
            let plans: Vec<_> =
                plans.iter().filter(|plan| !matches!(plan, Plan::Terminate(_))).cloned().collect();
            let inner = places.steps(&plans, end);
            steps.push(step::call_with(places.contracts[usize::from(whom)], 8, 5, 0, &inner));
            steps.extend([step::event(1), step::transient(0), step::stored(1), step::balance()]);
            steps.concat()
        };
        let with = cluster.world().run(calling(places.contracts[0], &failing(&plans))).unwrap();
        let without = cluster.world().run(calling(places.contracts[0], &failing(&[]))).unwrap();
        prop_assert!(with.execution.is_success() && without.execution.is_success());
        // The first answer is how the callee ended, which may be otherwise than planned. The others are the caller's.
        prop_assert_eq!(&answers(&with)[1..], &answers(&without)[1..]);
        let nonce = codec::Encode::encode(&phala_vm::world::schema::Key::Nonce);
        let mut changes = with.changes;
        // As in the pallet, instantiations that a later failure undoes stay counted.
        changes.remove(&nonce);
        prop_assert_eq!(changes, without.changes);
        prop_assert_eq!((with.events, with.deposit), (without.events, without.deposit));
    }
}

#[test]
fn an_address_depends_on_all_that_makes_it() {
    let address = |deployer: u8, code: u8, input: &[u8], salt: &[u8]| {
        contract_address(&[deployer; 32], &[code; 32], input, salt)
    };
    let all = [
        address(1, 1, b"a", b"b"),
        address(2, 1, b"a", b"b"),
        address(1, 2, b"a", b"b"),
        address(1, 1, b"b", b"b"),
        address(1, 1, b"a", b"a"),
        address(1, 1, b"ab", b""),
    ];
    let distinct: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
}
