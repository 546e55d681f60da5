// SPDX-License-Identifier: Apache-2.0
//! Generated stories: contracts that do whatever chance says to each other, on both machines.

use phala_oracle_conformance::{
    Duel,
    cases::{self, Move, play_moves},
    duel::Aspect,
};
use proptest::{collection::vec, prelude::*, test_runner::FileFailurePersistence};

fn leaf() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => (any::<u8>(), any::<u16>()).prop_map(|(key, len)| Move::Set(key, len)),
        2 => any::<u8>().prop_map(Move::Take),
        2 => any::<u8>().prop_map(Move::Clear),
        2 => any::<u8>().prop_map(Move::Read),
        1 => (any::<u8>(), any::<u16>()).prop_map(|(key, len)| Move::SetTransient(key, len)),
        1 => any::<u8>().prop_map(Move::ReadTransient),
        2 => (any::<u8>(), 0..1_500_000u32).prop_map(|(to, amount)| Move::Pay(to, amount)),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(topics, len)| Move::Event(topics, len)),
        2 => any::<u8>().prop_map(Move::Ask),
        1 => any::<u8>().prop_map(Move::SetCode),
        1 => (any::<bool>(), any::<u8>()).prop_map(|(lock, code)| Move::Lock(lock, code)),
        1 => any::<u8>().prop_map(Move::End),
        1 => any::<bool>().prop_map(Move::Return),
        1 => Just(Move::Trap),
    ]
}

/// Flags of a call that make sense: mostly none or reentry, since others end most stories at once.
fn flags() -> impl Strategy<Value = u8> {
    prop_oneof![4 => Just(0u8), 4 => Just(8), 1 => Just(16), 1 => Just(4), 1 => Just(12)]
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let tree = leaf().prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            4 => (any::<u8>(), flags(), 0..3_000u32, vec(inner.clone(), 0..5))
                .prop_map(|(to, flags, value, moves)| Move::Call(to, flags, value, moves)),
            1 => (any::<u8>(), vec(inner.clone(), 0..5)).prop_map(|(code, moves)| Move::Delegate(code, moves)),
            1 => (any::<u8>(), 0..3_000u32, any::<u8>(), vec(inner, 0..4))
                .prop_map(|(code, value, salt, moves)| Move::Make(code, value, salt, moves)),
        ]
    });
    vec(tree, 1..6)
}

fn stories() -> impl Strategy<Value = Vec<(bool, u8, u32, Vec<Move>)>> {
    vec((any::<bool>(), any::<u8>(), prop_oneof![3 => Just(0u32), 1 => 0..5_000u32], moves()), 1..6)
}

proptest! {
    // A failure prints the stories, shrunk, and the seed that replays them is kept beside this file.
    #![proptest_config(ProptestConfig {
        cases: cases::stories(256),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("proptest-regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn both_machines_agree_on_generated_stories(stories in stories()) {
        let mut duel = Duel::default();
        play_moves(&mut duel, &stories);
        let lines: Vec<String> = duel
            .divergences()
            .filter(|it| it.aspect != Aspect::Ended)
            .map(|it| format!("\n{it}")).collect();
        prop_assert!(lines.is_empty(), "{}", lines.concat());
    }
}
