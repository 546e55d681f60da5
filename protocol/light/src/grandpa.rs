//! What votes finalize.

use crate::{LightError, header::Header};
use alloc::{collections::BTreeMap, collections::BTreeSet, vec::Vec};
use codec::{Decode, Encode};
use ed25519_zebra::{Signature, VerificationKey};
use finality_grandpa::{Chain, Message, validate_commit, voter_set::VoterSet};
use phala_types::{BlockHash, List, decode_exact, limits::AUTHORITIES_MAX};

/// A GRANDPA authority: its Ed25519 key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
pub struct AuthorityId(pub [u8; 32]);

/// Authorities and their weights.
pub type AuthorityList = List<(AuthorityId, u64), AUTHORITIES_MAX>;

/// Votes for a target.
pub type Commit = finality_grandpa::Commit<BlockHash, u32, [u8; 64], AuthorityId>;
/// A vote.
pub type SignedPrecommit = finality_grandpa::SignedPrecommit<BlockHash, u32, [u8; 64], AuthorityId>;
/// What a vote is for.
pub type Precommit = finality_grandpa::Precommit<BlockHash, u32>;

/// Votes and the headers between what they are for, as `sp_consensus_grandpa::GrandpaJustification` encodes it.
///
/// The number of votes and headers is bounded by [`phala_types::limits::JUSTIFICATION_BYTES_MAX`] alone, as in the
/// node: it tolerates any number of further votes of an equivocating authority.
#[derive(Clone, Encode, Decode)]
pub struct Justification {
    /// The round of voting.
    pub round: u64,
    /// The votes.
    pub commit: Commit,
    /// All headers from above the lowest block that is voted for up to every other one.
    pub votes_ancestries: Vec<Header>,
}

impl Justification {
    /// Decodes a justification and nothing more.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, LightError> {
        decode_exact(bytes).map_err(|_| LightError::MalformedJustification)
    }

    /// Verifies that the authorities of set `set_id` finalized the justification's target.
    ///
    /// An authority that voted twice counts for either block, since it can be taken to be against neither: this is
    /// the rule of `finality-grandpa`, without which a justification with an equivocation stops a light client.
    pub(crate) fn verify(mut self, set_id: u64, authorities: &AuthorityList) -> Result<(), LightError> {
        let voters = voter_set(authorities)?;
        // A vote that is there twice counts once and costs once.
        let mut seen = BTreeSet::new();
        self.commit.precommits.retain(|vote| seen.insert(vote.encode()));

        for vote in &self.commit.precommits {
            verify_signature(vote, self.round, set_id)?;
            if !voters.contains(&vote.id) {
                return Err(LightError::ForeignAuthority);
            }
        }
        let chain = Ancestry::new(&self.votes_ancestries);
        chain.verify_used_and_consistent(&self.commit)?;
        // Its errors are those that `verify_used_and_consistent` names already.
        match validate_commit(&self.commit, &voters, &chain) {
            Ok(result) if result.is_valid() => Ok(()),
            _ => Err(LightError::InsufficientWeight),
        }
    }
}

/// The authorities as `finality-grandpa` counts them.
pub(crate) fn voter_set(authorities: &AuthorityList) -> Result<VoterSet<AuthorityId>, LightError> {
    VoterSet::new(authorities.iter().copied()).ok_or(LightError::InvalidAuthorities)
}

/// Verifies a vote's signature by the rules of ZIP 215, with the crate that the node has them from (`sp-core`), so
/// that both always agree on which votes count.
///
/// A vote that another set signed is told apart from one that nobody signed: it may be a sign of a relay that lags
/// or runs ahead.
fn verify_signature(vote: &SignedPrecommit, round: u64, set_id: u64) -> Result<(), LightError> {
    let key = VerificationKey::try_from(vote.id.0).map_err(|_| LightError::BadSignature)?;
    let signature = Signature::from(vote.signature);
    let is_of = |set_id: Option<u64>| {
        set_id.is_some_and(|set_id| key.verify(&signature, &payload(&vote.precommit, round, set_id)).is_ok())
    };
    if is_of(Some(set_id)) {
        Ok(())
    } else if is_of(set_id.checked_sub(1)) {
        Err(LightError::OutdatedSet)
    } else if is_of(set_id.checked_add(1)) {
        Err(LightError::SkippedSet)
    } else {
        Err(LightError::BadSignature)
    }
}

/// What a voter signs: the vote, the round and the set, as `sp_consensus_grandpa::localized_payload`.
pub(crate) fn payload(precommit: &Precommit, round: u64, set_id: u64) -> Vec<u8> {
    (Message::Precommit(precommit.clone()), round, set_id).encode()
}

/// The headers of a justification by their hash.
struct Ancestry<'a>(BTreeMap<BlockHash, &'a Header>);

impl<'a> Ancestry<'a> {
    fn new(headers: &'a [Header]) -> Self {
        Self(headers.iter().map(|header| (header.hash(), header)).collect())
    }

    /// Verifies that there is a way from each voted block down to the lowest one, that all headers are on such a way,
    /// and that heights fall one by one.
    ///
    /// The last is stricter than what the node checks in a justification, and equal to what it checks of each vote
    /// when it comes in. `finality-grandpa` counts on it.
    fn verify_used_and_consistent(&self, commit: &Commit) -> Result<(), LightError> {
        let votes = || commit.precommits.iter().map(|vote| &vote.precommit);
        let base = votes().min_by_key(|vote| vote.target_number).ok_or(LightError::InsufficientWeight)?;
        let mut visited = BTreeSet::new();
        for vote in votes() {
            // It counts one past the highest.
            vote.target_number.checked_add(1).ok_or(LightError::InconsistentVote)?;
            let (mut hash, mut number) = (vote.target_hash, vote.target_number);
            while hash != base.target_hash {
                let header = self.0.get(&hash).ok_or(LightError::MissingAncestry)?;
                if header.number != number {
                    return Err(LightError::InconsistentVote);
                }
                if !visited.insert(hash) {
                    break;
                }
                hash = header.parent;
                number = number.checked_sub(1).ok_or(LightError::InconsistentVote)?;
            }
            if hash == base.target_hash && number != base.target_number {
                return Err(LightError::InconsistentVote);
            }
        }
        if visited.len() == self.0.len() { Ok(()) } else { Err(LightError::UnusedAncestry) }
    }
}

impl Chain<BlockHash, u32> for Ancestry<'_> {
    fn ancestry(&self, base: BlockHash, block: BlockHash) -> Result<Vec<BlockHash>, finality_grandpa::Error> {
        let mut route = Vec::new();
        let mut hash = block;
        while hash != base {
            hash = self.0.get(&hash).ok_or(finality_grandpa::Error::NotDescendent)?.parent;
            route.push(hash);
        }
        // Without the base.
        route.pop();
        Ok(route)
    }
}
