//! What a light client takes as finalized, and what it does not.

use codec::{DecodeAll, Encode};
use phala_light::{
    Light,
    LightError::{self, *},
    ProofError,
    testing::{
        Authorities, Chain, DigestItem, Justification, disabled_item, forced_change_item,
        scheduled_change_item,
    },
    verify_chain_proof,
};
use phala_types::{
    BlockHash, BlockNumber, BlockRef, GenesisHash, Untrusted, finality::FinalityProof, relay::Blame,
};

fn n(number: u32) -> BlockNumber {
    BlockNumber::new(number)
}

/// A chain with `blocks` blocks on top of block 0, and a light client at block 0.
fn network(blocks: u32) -> (Chain, Light) {
    let mut chain = Chain::new(Authorities::new("first", 4));
    for _ in 0..blocks {
        chain.build();
    }
    let light = Light::from_genesis(chain.genesis_hash(), Untrusted::new(chain.genesis_proof())).unwrap();
    (chain, light)
}

/// Imports, and checks that an error changes nothing.
fn import(light: &mut Light, proof: FinalityProof) -> Result<BlockRef, LightError> {
    let before = light.clone();
    let result = light.import(Untrusted::new(proof)).map(|head| head.block_ref());
    match result {
        Ok(block) => assert_eq!(light.head().block_ref(), block),
        Err(_) => assert_eq!(*light, before),
    }
    result
}

/// Imports block `number` with a justification that was spoiled.
fn import_spoiled(
    (chain, light): &mut (Chain, Light),
    number: u32,
    spoil: impl FnOnce(&Chain, &mut Justification),
) -> Result<BlockRef, LightError> {
    let mut justification = chain.justify(n(number));
    spoil(chain, &mut justification);
    import(light, chain.finality_proof_with(n(number), &justification))
}

#[test]
fn light_client_begins_at_its_genesis() {
    let (chain, light) = network(0);
    assert_eq!(light.genesis(), chain.genesis_hash());
    assert_eq!(light.head().block_ref(), chain.block_ref(n(0)));
    assert_eq!(light.authorities(), &Authorities::new("first", 4).list());
    assert_eq!(light.set_id(), 0);
    assert_eq!(Light::trust_first_genesis(Untrusted::new(chain.genesis_proof())), Ok(light));
}

#[test]
fn verified_block_is_the_newest_only_once_it_is_accepted() {
    let (mut chain, mut light) = network(1);
    chain.build_handoff(Authorities::new("second", 3));
    let before = light.clone();
    let proof = chain.finality_proof(n(2));
    let verified = light.verify_next(Untrusted::new(&proof)).unwrap();
    assert_eq!(verified.head().block_ref(), chain.block_ref(n(2)));
    drop(verified);
    assert_eq!(light, before);
    let head = light.verify_next(Untrusted::new(&proof)).unwrap().accept();
    assert_eq!((light.head(), light.set_id()), (head, 1));
    assert_eq!(light.authorities(), &Authorities::new("second", 3).list());
}

#[test]
fn genesis_of_another_network_is_refused() {
    let (chain, _) = network(0);
    let other = Chain::new(Authorities::new("other", 4));
    let result = Light::from_genesis(chain.genesis_hash(), Untrusted::new(other.genesis_proof()));
    assert_eq!(result, Err(WrongGenesis));
    // Nor with the right header and the other's authorities.
    let mut proof = chain.genesis_proof();
    proof.authorities = other.genesis_proof().authorities;
    let result = Light::from_genesis(chain.genesis_hash(), Untrusted::new(proof));
    assert_eq!(result, Err(UnprovenAuthorities(ProofError::ForeignRoot)));
}

#[test]
fn genesis_is_block_0_and_nothing_after_it() {
    let (chain, _) = network(1);
    let mut proof = chain.genesis_proof();
    proof.header = chain.header(n(1)).encode().try_into().unwrap();
    assert_eq!(Light::trust_first_genesis(Untrusted::new(proof)), Err(NotGenesis));
    let mut proof = chain.genesis_proof();
    proof.header.try_push(0).unwrap();
    assert_eq!(Light::trust_first_genesis(Untrusted::new(proof)), Err(MalformedHeader));
}

#[test]
fn genesis_without_authorities_is_refused() {
    let chain = Chain::new(Authorities::new("nobody", 0));
    assert_eq!(Light::trust_first_genesis(Untrusted::new(chain.genesis_proof())), Err(InvalidAuthorities));
    let chain = Chain::new(Authorities::weighted("heavy", &[u64::MAX, 1]));
    assert_eq!(Light::trust_first_genesis(Untrusted::new(chain.genesis_proof())), Err(InvalidAuthorities));
}

#[test]
fn finalized_block_becomes_the_head() {
    let (chain, mut light) = network(9);
    for number in [1, 2, 5, 9] {
        let head = light.import(Untrusted::new(chain.finality_proof(n(number)))).unwrap();
        assert_eq!(head.block_ref(), chain.block_ref(n(number)));
        assert_eq!(head.state_root(), &chain.header(n(number)).state_root);
        assert_eq!((head.number(), head.hash()), (n(number), chain.header(n(number)).hash()));
    }
}

#[test]
fn old_block_is_out_of_order_and_not_taken_twice() {
    let (chain, mut light) = network(3);
    import(&mut light, chain.finality_proof(n(2))).unwrap();
    for number in [0, 1, 2] {
        let result = import(&mut light, chain.finality_proof(n(number)));
        assert_eq!(result, Err(NotAbove { number: n(number), head: n(2) }));
        assert_eq!(result.unwrap_err().blame(), Blame::OutOfOrder);
    }
}

#[test]
fn justification_of_another_block_is_refused() {
    let (chain, mut light) = network(3);
    let proof = chain.finality_proof_with(n(2), &chain.justify(n(3)));
    assert_eq!(import(&mut light, proof), Err(WrongTarget));
    let mut network = network(3);
    let result = import_spoiled(&mut network, 2, |_, j| j.commit.target_number = 3);
    assert_eq!(result, Err(WrongTarget));
}

#[test]
fn block_of_a_fork_that_nobody_voted_for_is_refused() {
    let (mut chain, mut light) = network(1);
    let mut fork = chain.clone();
    chain.build();
    fork.put(b"forged".to_vec(), &1u8);
    fork.build();
    assert_eq!(import(&mut light, fork.finality_proof_with(n(2), &chain.justify(n(2)))), Err(WrongTarget));
    // The commit claims the forged block, but the votes are for the true one.
    let mut justification = chain.justify(n(2));
    justification.commit.target_hash = fork.header(n(2)).hash();
    let result = import(&mut light, fork.finality_proof_with(n(2), &justification));
    assert_eq!(result, Err(InsufficientWeight));
}

#[test]
fn more_than_two_thirds_finalize_and_two_thirds_do_not() {
    for (weights, votes, expected) in [
        (vec![1, 1, 1, 1], 3, true),
        (vec![1, 1, 1, 1], 2, false),
        (vec![1, 1, 1], 2, false),
        (vec![1, 1, 1], 3, true),
        (vec![5, 1, 1], 1, true),
        (vec![1, 1, 5], 2, false),
        (vec![4, 1, 1], 1, false),
        (vec![1], 1, true),
        (vec![1], 0, false),
    ] {
        let mut chain = Chain::new(Authorities::weighted("weighted", &weights));
        chain.build();
        let mut light = Light::trust_first_genesis(Untrusted::new(chain.genesis_proof())).unwrap();
        let mut justification = chain.justify(n(1));
        justification.commit.precommits.truncate(votes);
        let result = import(&mut light, chain.finality_proof_with(n(1), &justification));
        let expected = if expected { Ok(chain.block_ref(n(1))) } else { Err(InsufficientWeight) };
        assert_eq!(result, expected, "{votes} votes of {weights:?}");
    }
}

#[test]
fn vote_that_is_repeated_counts_once() {
    let mut network = network(1);
    let result = import_spoiled(&mut network, 1, |_, j| {
        j.commit.precommits.truncate(2);
        let repeated = j.commit.precommits.clone();
        j.commit.precommits.extend(repeated.iter().cloned().cycle().take(1000));
    });
    assert_eq!(result, Err(InsufficientWeight));
    // And does no harm.
    let result =
        import_spoiled(&mut network, 1, |_, j| j.commit.precommits.push(j.commit.precommits[0].clone()));
    assert!(result.is_ok());
}

#[test]
fn vote_with_a_bad_signature_is_refused() {
    let mut network = network(1);
    for at in 0..64 {
        let result = import_spoiled(&mut network, 1, |_, j| j.commit.precommits[3].signature[at] ^= 1);
        assert_eq!(result, Err(BadSignature), "at {at}");
    }
    // Of another round, of another voter, of nobody.
    assert_eq!(import_spoiled(&mut network, 1, |_, j| j.round += 1), Err(BadSignature));
    let result =
        import_spoiled(&mut network, 1, |_, j| j.commit.precommits[3].id = j.commit.precommits[2].id);
    assert_eq!(result, Err(BadSignature));
    let result = import_spoiled(&mut network, 1, |_, j| j.commit.precommits[3].id.0 = [2; 32]);
    assert_eq!(result, Err(BadSignature));
}

#[test]
fn vote_of_a_stranger_is_refused() {
    let stranger = Authorities::new("stranger", 1);
    let mut network = network(1);
    let result = import_spoiled(&mut network, 1, |chain, j| {
        j.commit.precommits.push(stranger.vote(0, chain.block_ref(n(1)), j.round, 0));
    });
    assert_eq!(result, Err(ForeignAuthority));
}

#[test]
fn authorities_of_another_chain_finalize_nothing_here() {
    let (chain, mut light) = network(1);
    let others = Authorities::new("others", 4);
    let mut justification = chain.justify(n(1));
    let target = chain.block_ref(n(1));
    justification.commit.precommits =
        (0..4).map(|i| others.vote(i, target, justification.round, 0)).collect();
    let result = import(&mut light, chain.finality_proof_with(n(1), &justification));
    assert_eq!(result, Err(ForeignAuthority));
}

/// Votes for the block and for two above it, as happens when some voters are ahead.
fn votes_ahead(chain: &Chain, justification: &mut Justification) {
    let first = Authorities::new("first", 4);
    for (index, number) in [(0, 2), (1, 4), (2, 3), (3, 2)] {
        justification.commit.precommits[index] =
            first.vote(index, chain.block_ref(n(number)), justification.round, 0);
    }
    justification.votes_ancestries = vec![chain.header(n(4)).clone(), chain.header(n(3)).clone()];
}

#[test]
fn votes_for_later_blocks_count_for_earlier_ones() {
    let mut network = network(4);
    assert!(import_spoiled(&mut network, 2, votes_ahead).is_ok());
}

#[test]
fn votes_for_later_blocks_need_exactly_the_headers_between() {
    let mut network = network(4);
    let result = import_spoiled(&mut network, 2, |chain, j| {
        votes_ahead(chain, j);
        j.votes_ancestries.remove(1);
    });
    assert_eq!(result, Err(MissingAncestry));
    let result = import_spoiled(&mut network, 2, |chain, j| {
        votes_ahead(chain, j);
        j.votes_ancestries.push(chain.header(n(1)).clone());
    });
    assert_eq!(result, Err(UnusedAncestry));
    let result =
        import_spoiled(&mut network, 2, |chain, j| j.votes_ancestries.push(chain.header(n(2)).clone()));
    assert_eq!(result, Err(UnusedAncestry));
    // Votes for a block that is not above the others.
    let mut fork = network.0.clone();
    fork.put(b"fork".to_vec(), &1u8);
    let forked = fork.build();
    let result = import_spoiled(&mut network, 2, |chain, j| {
        votes_ahead(chain, j);
        j.commit.precommits[1] = Authorities::new("first", 4).vote(1, forked, j.round, 0);
    });
    assert_eq!(result, Err(MissingAncestry));
}

#[test]
fn votes_for_earlier_blocks_do_not_count_for_later_ones() {
    let mut network = network(4);
    let result = import_spoiled(&mut network, 4, |chain, j| {
        let first = Authorities::new("first", 4);
        j.commit.precommits[0] = first.vote(0, chain.block_ref(n(3)), j.round, 0);
        j.commit.precommits[1] = first.vote(1, chain.block_ref(n(3)), j.round, 0);
        j.votes_ancestries = vec![chain.header(n(4)).clone()];
    });
    assert_eq!(result, Err(InsufficientWeight));
    // One of four may.
    let result = import_spoiled(&mut network, 4, |chain, j| {
        let first = Authorities::new("first", 4);
        j.commit.precommits[0] = first.vote(0, chain.block_ref(n(3)), j.round, 0);
        j.votes_ancestries = vec![chain.header(n(4)).clone()];
    });
    assert!(result.is_ok());
}

#[test]
fn vote_that_lies_about_a_height_is_refused() {
    for height in [0, 1, 3, 5, u32::MAX - 1, u32::MAX] {
        let mut network = network(4);
        let result = import_spoiled(&mut network, 2, |chain, j| {
            votes_ahead(chain, j);
            let lie = BlockRef { number: n(height), hash: chain.header(n(4)).hash() };
            j.commit.precommits[1] = Authorities::new("first", 4).vote(1, lie, j.round, 0);
        });
        // A height below all others makes it the base, from which nothing descends.
        let expected = if height < 2 { MissingAncestry } else { InconsistentVote };
        assert_eq!(result, Err(expected), "{height}");
    }
    // The base itself.
    let mut network = network(4);
    let result = import_spoiled(&mut network, 2, |chain, j| {
        let lie = BlockRef { number: n(3), hash: chain.header(n(2)).hash() };
        j.commit.precommits[1] = Authorities::new("first", 4).vote(1, lie, j.round, 0);
    });
    assert_eq!(result, Err(InconsistentVote));
}

/// Kusama, 2022: an authority voted twice in a round, both votes were in the justification, and light clients that
/// counted votes in another way than the node stopped there.
#[test]
fn equivocation_does_not_stop_the_light_client() {
    let first = Authorities::new("first", 4);
    // Voter 0 votes for the target and for a block above; three voters are enough, the fourth is away.
    let mut network = network(4);
    let result = import_spoiled(&mut network, 2, |chain, j| {
        j.commit.precommits.truncate(3);
        j.commit.precommits.push(first.vote(0, chain.block_ref(n(3)), j.round, 0));
        j.votes_ancestries = vec![chain.header(n(3)).clone()];
    });
    assert!(result.is_ok());
}

#[test]
fn equivocating_voter_counts_for_either_block_but_once() {
    let first = Authorities::new("first", 4);
    let votes = |honest: usize| {
        let mut network = network(4);
        import_spoiled(&mut network, 3, |chain, j| {
            // Voter 3 votes for 2 and 4, the honest ones for 3.
            j.commit.precommits.truncate(honest);
            j.commit.precommits.push(first.vote(3, chain.block_ref(n(2)), j.round, 0));
            j.commit.precommits.push(first.vote(3, chain.block_ref(n(4)), j.round, 0));
            j.votes_ancestries = vec![chain.header(n(4)).clone(), chain.header(n(3)).clone()];
        })
    };
    assert!(votes(2).is_ok());
    assert_eq!(votes(1), Err(InsufficientWeight));
}

#[test]
fn light_client_follows_the_authorities() {
    let (mut chain, mut light) = network(2);
    let second = Authorities::new("second", 7);
    let handoff = chain.build_handoff(second.clone());
    chain.build();
    import(&mut light, chain.finality_proof(handoff.number)).unwrap();
    assert_eq!((light.set_id(), light.authorities()), (1, &second.list()));
    import(&mut light, chain.finality_proof(n(4))).unwrap();
    // Changes right after another, and back to the first.
    let third = chain.build_handoff(Authorities::new("third", 1));
    let fourth = chain.build_handoff(Authorities::new("first", 4));
    chain.build();
    import(&mut light, chain.finality_proof(third.number)).unwrap();
    import(&mut light, chain.finality_proof(fourth.number)).unwrap();
    import(&mut light, chain.finality_proof(n(7))).unwrap();
    assert_eq!((light.set_id(), light.head().number()), (3, n(7)));
}

#[test]
fn change_of_authorities_cannot_be_skipped() {
    // Not even if the authorities stay the same, since the set's number does not.
    for next in [Authorities::new("second", 4), Authorities::new("first", 4)] {
        let (mut chain, mut light) = network(2);
        let handoff = chain.build_handoff(next);
        chain.build();
        let result = import(&mut light, chain.finality_proof(n(4)));
        assert_eq!(result, Err(SkippedSet));
        assert_eq!(result.unwrap_err().blame(), Blame::OutOfOrder);
        import(&mut light, chain.finality_proof(handoff.number)).unwrap();
        import(&mut light, chain.finality_proof(n(4))).unwrap();
    }
}

#[test]
fn old_authorities_finalize_nothing_after_the_change() {
    let (mut chain, mut light) = network(1);
    let old = chain.clone();
    let handoff = chain.build_handoff(Authorities::new("first", 4));
    import(&mut light, chain.finality_proof(handoff.number)).unwrap();
    // The same keys, in the name of the old set.
    let mut fork = old;
    fork.build();
    let forged = fork.build();
    assert_eq!(import(&mut light, fork.finality_proof(forged.number)), Err(OutdatedSet));
}

#[test]
fn only_the_first_scheduled_change_of_a_block_counts() {
    let (mut chain, mut light) = network(0);
    let (a, b) = (Authorities::new("a", 1), Authorities::new("b", 1));
    chain.build_with(vec![
        DigestItem::PreRuntime(*b"BABE", vec![1, 2, 3]),
        disabled_item(2),
        scheduled_change_item(&a, 0),
        scheduled_change_item(&b, 0),
        DigestItem::Other(vec![9]),
        DigestItem::RuntimeEnvironmentUpdated,
        DigestItem::Seal(*b"BABE", vec![4; 64]),
    ]);
    import(&mut light, chain.finality_proof(n(1))).unwrap();
    assert_eq!((light.set_id(), light.authorities()), (1, &a.list()));
}

#[test]
fn change_that_cannot_be_followed_stops_the_light_client() {
    let next = Authorities::new("next", 1);
    let empty = Authorities::new("empty", 0);
    for (items, expected) in [
        (vec![forced_change_item(&next, 0)], ForcedChange),
        (vec![scheduled_change_item(&next, 0), forced_change_item(&next, 0)], ForcedChange),
        (vec![scheduled_change_item(&next, 1)], DelayedChange),
        (vec![scheduled_change_item(&empty, 0)], InvalidAuthorities),
        (vec![DigestItem::Consensus(*b"FRNK", vec![])], MalformedDigest),
        (vec![DigestItem::Consensus(*b"FRNK", vec![99])], MalformedDigest),
    ] {
        let (mut chain, mut light) = network(0);
        chain.build_with(items);
        assert_eq!(import(&mut light, chain.finality_proof(n(1))), Err(expected));
    }
    // But another engine's items are its own matter.
    let (mut chain, mut light) = network(0);
    chain.build_with(vec![DigestItem::Consensus(*b"BABE", vec![99])]);
    import(&mut light, chain.finality_proof(n(1))).unwrap();
}

#[test]
fn header_and_justification_have_no_byte_too_few_or_too_many() {
    let (chain, mut light) = network(1);
    let good = chain.finality_proof(n(1));
    for length in 0..good.header.len() {
        let header = good.header[..length].to_vec().try_into().unwrap();
        assert_eq!(import(&mut light, FinalityProof { header, ..good.clone() }), Err(MalformedHeader));
    }
    for length in 0..good.justification.len() {
        let justification = good.justification[..length].to_vec().try_into().unwrap();
        let result = import(&mut light, FinalityProof { justification, ..good.clone() });
        assert_eq!(result, Err(MalformedJustification));
    }
    let mut long = good.clone();
    long.header.try_push(0).unwrap();
    assert_eq!(import(&mut light, long), Err(MalformedHeader));
    let mut long = good.clone();
    long.justification.try_push(0).unwrap();
    assert_eq!(import(&mut light, long), Err(MalformedJustification));
    import(&mut light, good).unwrap();
}

#[test]
fn stored_light_client_goes_on_where_it_was() {
    let (mut chain, mut light) = network(1);
    let handoff = chain.build_handoff(Authorities::new("second", 3));
    chain.build();
    import(&mut light, chain.finality_proof(handoff.number)).unwrap();
    let mut again = Light::decode_all(&mut &light.encode()[..]).unwrap();
    assert_eq!(again, light);
    import(&mut again, chain.finality_proof(n(3))).unwrap();
}

#[test]
fn chain_proof_verifies_from_nothing_but_the_genesis_hash() {
    let (mut chain, _) = network(3);
    chain.build_handoff(Authorities::new("second", 3));
    chain.build();
    chain.build_handoff(Authorities::new("third", 5));
    chain.build();
    let check = |number: u32| {
        let proof = Untrusted::new(chain.chain_proof(n(number)));
        verify_chain_proof(chain.genesis_hash(), proof).map(|head| head.block_ref())
    };
    for number in 1..=7 {
        assert_eq!(check(number), Ok(chain.block_ref(n(number))));
    }
    let verify = |proof| verify_chain_proof(chain.genesis_hash(), Untrusted::new(proof)).map(|_| ());
    let mut without = chain.chain_proof(n(7));
    without.handoffs.remove(0);
    assert_eq!(verify(without), Err(SkippedSet));
    let mut twice = chain.chain_proof(n(7));
    twice.handoffs.try_push(twice.handoffs[0].clone()).unwrap();
    assert_eq!(verify(twice), Err(NotAbove { number: n(4), head: n(6) }));
    let foreign = verify_chain_proof(GenesisHash::new([1; 32]), Untrusted::new(chain.chain_proof(n(7))));
    assert_eq!(foreign, Err(WrongGenesis));
}

#[test]
fn each_error_tells_blame_and_text() {
    let errors = [
        MalformedHeader,
        MalformedDigest,
        MalformedJustification,
        WrongGenesis,
        NotGenesis,
        UnprovenAuthorities(ProofError::MissingNode),
        InvalidAuthorities,
        NotAbove { number: n(1), head: n(2) },
        WrongTarget,
        OutdatedSet,
        SkippedSet,
        BadSignature,
        ForeignAuthority,
        InconsistentVote,
        MissingAncestry,
        UnusedAncestry,
        InsufficientWeight,
        DelayedChange,
        ForcedChange,
    ];
    let texts = errors.iter().map(ToString::to_string).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(texts.len(), errors.len());
    assert_eq!(errors.iter().filter(|e| e.blame() == Blame::Malformed).count(), 3);
    assert_eq!(errors.iter().filter(|e| e.blame() == Blame::OutOfOrder).count(), 3);
    assert_ne!(BlockHash::new([0; 32]), BlockHash::new([1; 32]));
}
