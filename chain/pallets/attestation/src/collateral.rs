//! What vendors published, where it is found, and what may take its place.

use crate::{
    Config, Error, Event, Kinds, LastGeneration, Pallet, QeIdentities, RevocationLists, TcbInfos, Versions,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::{cell::RefCell, marker::PhantomData};
use frame_support::ensure;
use phala_attest::{
    AppraisalError, Collateral, Document, Issuer, VerifiedDocument,
    intel::{FMSPCS_MAX, Fmspc, QeIdentity, TcbInfo, Tee},
    revocation::RevocationList,
    verify_document,
};
use phala_types::{BlockNumber, Millis, Untrusted, relay::Blame, worker::Role};
use polkadot_sdk::*;
use scale_info::TypeInfo;

/// How many kinds of machine there may be documents about: all that Intel has made, for both of its TEEs. A document takes
/// about 5 KB, so that this is less than a megabyte in all.
pub const KINDS_MAX: u32 = 2 * FMSPCS_MAX;

/// What an appraisal rests on and may change later.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Source {
    /// An issuer's revocation list.
    #[codec(index = 0)]
    Revocations(Issuer),
    /// TCB information about a kind of machine.
    #[codec(index = 1)]
    TcbInfo(Tee, Fmspc),
    /// The identity of a quoting enclave.
    #[codec(index = 2)]
    QeIdentity(Tee),
    /// The rules of a role's policy, but its reference values: those are asked one by one.
    #[codec(index = 3)]
    Rules(Role),
}

/// Since when a source says what it says. A document that is issued again with the same content keeps its generation.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Version {
    /// Another one for each content. Zero is that of rules since genesis, and of no document.
    pub generation: u32,
    /// The block in which it changed.
    pub since: BlockNumber,
}

/// A kind of machine that there is TCB information about.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Kind {
    /// Of which TEE.
    pub tee: Tee,
    /// The kind.
    pub fmspc: Fmspc,
    /// Until when the information can be used.
    pub valid_until: Millis,
}

/// The documents in storage. Remembers which were asked for: those are what the appraisal rests on.
pub(crate) struct Registry<T> {
    asked: RefCell<Vec<Source>>,
    _config: PhantomData<T>,
}

impl<T> Registry<T> {
    pub(crate) fn new() -> Self {
        Self { asked: RefCell::new(Vec::new()), _config: PhantomData }
    }

    /// What was asked for, each once.
    pub(crate) fn into_asked(self) -> Vec<Source> {
        let mut asked = self.asked.into_inner();
        asked.sort();
        asked.dedup();
        asked
    }

    fn note(&self, source: Source) {
        self.asked.borrow_mut().push(source);
    }
}

impl<T: Config> Collateral for Registry<T> {
    fn revocation_list(&self, issuer: Issuer) -> Option<RevocationList> {
        self.note(Source::Revocations(issuer));
        RevocationLists::<T>::get(issuer)
    }

    fn tcb_info(&self, tee: Tee, fmspc: Fmspc) -> Option<TcbInfo> {
        self.note(Source::TcbInfo(tee, fmspc));
        TcbInfos::<T>::get((tee, fmspc))
    }

    fn qe_identity(&self, tee: Tee) -> Option<QeIdentity> {
        self.note(Source::QeIdentity(tee));
        QeIdentities::<T>::get(tee)
    }
}

impl<T: Config> Pallet<T> {
    /// Verifies a document and keeps it in the place of an older one.
    pub(crate) fn take_document(document: &Document) -> Result<Event<T>, Error<T>> {
        let verified = verify_document(Untrusted::new(document), &Registry::<T>::new(), Self::now_ms())
            .map_err(refusal::<T>)?;
        let (issued, evaluation) = verified.version();
        let valid_until = verified.valid_until();
        let (source, changed) = match verified {
            VerifiedDocument::Revocations(issuer, list) => {
                let old = RevocationLists::<T>::get(issuer);
                check_newer::<T>(old.as_ref().map(|old| (old.issued, 0)), (issued, evaluation))?;
                let changed =
                    old.is_none_or(|old| old.issuer_key != list.issuer_key || old.revoked != list.revoked);
                RevocationLists::<T>::insert(issuer, list);
                (Source::Revocations(issuer), changed)
            }
            VerifiedDocument::TcbInfo(info) => {
                let key = (info.tee, info.fmspc);
                let old = TcbInfos::<T>::get(key);
                let version = old.as_ref().map(|old| (old.issue.issued, old.issue.evaluation));
                check_newer::<T>(version, (issued, evaluation))?;
                Self::make_room(Kind { tee: info.tee, fmspc: info.fmspc, valid_until })?;
                let changed = old.is_none_or(|old| TcbInfo { issue: info.issue.clone(), ..old } != info);
                TcbInfos::<T>::insert(key, info);
                (Source::TcbInfo(key.0, key.1), changed)
            }
            VerifiedDocument::QeIdentity(identity) => {
                let tee = identity.tee;
                let old = QeIdentities::<T>::get(tee);
                let version = old.as_ref().map(|old| (old.issue.issued, old.issue.evaluation));
                check_newer::<T>(version, (issued, evaluation))?;
                let changed =
                    old.is_none_or(|old| QeIdentity { issue: identity.issue.clone(), ..old } != identity);
                QeIdentities::<T>::insert(tee, identity);
                (Source::QeIdentity(tee), changed)
            }
        };
        if changed {
            Self::note_change(source);
        }
        Ok(Event::DocumentPosted { source, issued, evaluation, valid_until, changed })
    }

    /// Gives a source that changed a generation of its own.
    pub(crate) fn note_change(source: Source) {
        let generation = LastGeneration::<T>::mutate(|last| {
            // Saturating: at the last generation a change is not noticed, after four billion that somebody paid for.
            *last = last.saturating_add(1);
            *last
        });
        Versions::<T>::insert(source, Version { generation, since: Self::now() });
    }

    /// Counts a kind of machine, in the place of one whose information has expired if there is no room otherwise.
    ///
    /// What is removed cannot come back as something older: it has expired, and so has what was issued before it.
    fn make_room(new: Kind) -> Result<(), Error<T>> {
        Kinds::<T>::try_mutate(|kinds| {
            if let Some(kind) = kinds.iter_mut().find(|it| (it.tee, it.fmspc) == (new.tee, new.fmspc)) {
                *kind = new;
                return Ok(());
            }
            if kinds.len() >= KINDS_MAX as usize {
                let now = Self::now_ms();
                let expired = kinds.iter().position(|kind| kind.valid_until < now);
                let old = kinds.swap_remove(expired.ok_or(Error::<T>::TooManyKinds)?);
                TcbInfos::<T>::remove((old.tee, old.fmspc));
                Versions::<T>::remove(Source::TcbInfo(old.tee, old.fmspc));
            }
            kinds.try_push(new).map_err(|_| Error::<T>::TooManyKinds)
        })
    }
}

/// Neither date nor evaluation goes back, and one of them goes on: else anybody could choose the older of two documents that
/// are both still valid.
pub(crate) fn check_newer<T>(old: Option<(Millis, u32)>, new: (Millis, u32)) -> Result<(), Error<T>> {
    let is_newer = old.is_none_or(|old| new.0 >= old.0 && new.1 >= old.1 && new != old);
    ensure!(is_newer, Error::<T>::DocumentNotNewer);
    Ok(())
}

/// What the sender is told. The rules in detail are the attestation library's.
fn refusal<T>(error: AppraisalError) -> Error<T> {
    match error {
        AppraisalError::CollateralMissing => Error::RootListMissing,
        AppraisalError::CollateralExpired | AppraisalError::CertificateExpired => Error::DocumentExpired,
        other => match other.blame() {
            Blame::Malformed => Error::DocumentMalformed,
            _ => Error::DocumentNotGenuine,
        },
    }
}
