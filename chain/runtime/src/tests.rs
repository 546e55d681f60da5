//! What holds for the runtime as a whole: names that light clients rely on, presets, fees, keys.

use crate::{
    Address, Babe, Balance, Grandpa, Runtime, RuntimeCall, RuntimeGenesisConfig, RuntimeOrigin, Session,
    SessionKeys, config, money, presets,
};
use polkadot_sdk::*;

use codec::Encode as _;
use frame_support::{
    assert_ok,
    dispatch::{DispatchClass, GetDispatchInfo as _, Pays},
    genesis_builder_helper::{build_state, get_preset},
    traits::{Get as _, GetCallName as _, StorageInfoTrait},
    weights::WeightToFee as _,
};
use phala_types::{
    AccountId, BlockHash, BlockNumber, BlockRef, Bytes, ClusterId, CodeHash, ContractId, Digest, GenesisHash,
    MessageNumber, StateRoot, WorkerId,
    account::WorkerSignature,
    cluster::Checkpoint,
    limits::{CODE_BYTES_MAX, EVIDENCE_BYTES_MAX},
    storage::{self, Item},
    worker::{Registration, Role, Tier},
};
use sp_core::crypto::Ss58Codec as _;
use sp_keyring::Sr25519Keyring;
use sp_runtime::AccountId32;

/// The JSON of a preset, merged over the default genesis as a node does it.
fn genesis_json(preset: &str) -> serde_json::Value {
    let json = |id: Option<&str>| -> serde_json::Value {
        let bytes =
            get_preset::<RuntimeGenesisConfig>(&id.map(Into::into), presets::preset).expect("it exists");
        serde_json::from_slice(&bytes).expect("it is JSON")
    };
    let mut genesis = json(None);
    merge(&mut genesis, json(Some(preset)));
    genesis
}

fn merge(into: &mut serde_json::Value, patch: serde_json::Value) {
    match (into.as_object_mut(), patch) {
        (Some(into), serde_json::Value::Object(patch)) => {
            patch
                .into_iter()
                .for_each(|(key, value)| merge(into.entry(key).or_insert(serde_json::Value::Null), value));
        }
        (_, patch) => *into = patch,
    }
}

fn at_genesis<R>(preset: &str, test: impl FnOnce() -> R) -> R {
    let mut externalities = sp_io::TestExternalities::new_empty();
    externalities.execute_with(|| {
        assert_ok!(build_state::<RuntimeGenesisConfig>(
            serde_json::to_vec(&genesis_json(preset)).expect("it is JSON")
        ));
        test()
    })
}

fn is_named<S: StorageInfoTrait>(item: Item) -> bool {
    S::storage_info()
        .iter()
        .all(|info| info.pallet_name == item.pallet.as_bytes() && info.storage_name == item.name.as_bytes())
}

fn map_key(item: Item, key: &[u8]) -> Vec<u8> {
    let prefix =
        [sp_io::hashing::twox_128(item.pallet.as_bytes()), sp_io::hashing::twox_128(item.name.as_bytes())];
    [&prefix.concat()[..], &sp_io::hashing::blake2_128(key), key].concat()
}

#[test]
fn light_clients_find_our_items_under_the_names_and_hashers_that_they_know() {
    use phala_types::mailbox::Topic;
    let worker = WorkerId::new([7; 32]);
    let contract = ContractId::new([8; 32]);
    let cluster = ClusterId::new(9);
    let topic = Topic::Cluster(cluster);

    assert!(is_named::<pallet_mailbox::Tips<Runtime>>(storage::MAILBOX_TIPS));
    assert!(is_named::<pallet_mailbox::Messages<Runtime>>(storage::MAILBOX_MESSAGES));
    assert!(is_named::<pallet_workers::Workers<Runtime>>(storage::WORKERS));
    assert!(is_named::<pallet_clusters::Contracts<Runtime>>(storage::CONTRACTS));
    assert!(is_named::<pallet_clusters::Checkpoints<Runtime>>(storage::CHECKPOINTS));
    assert!(is_named::<pallet_clusters::Memberships<Runtime>>(storage::MEMBERSHIPS));

    assert_eq!(
        pallet_mailbox::Tips::<Runtime>::hashed_key_for(topic),
        map_key(storage::MAILBOX_TIPS, &topic.encode())
    );
    assert_eq!(
        pallet_workers::Workers::<Runtime>::hashed_key_for(worker),
        map_key(storage::WORKERS, &worker.encode())
    );
    assert_eq!(
        pallet_clusters::Contracts::<Runtime>::hashed_key_for(contract),
        map_key(storage::CONTRACTS, &contract.encode())
    );
    assert_eq!(
        pallet_clusters::Checkpoints::<Runtime>::hashed_key_for(cluster),
        map_key(storage::CHECKPOINTS, &cluster.encode())
    );
    assert_eq!(
        pallet_clusters::Memberships::<Runtime>::hashed_key_for(worker),
        map_key(storage::MEMBERSHIPS, &worker.encode())
    );
    let number = MessageNumber::new(3).encode();
    assert_eq!(
        pallet_mailbox::Messages::<Runtime>::hashed_key_for(topic, MessageNumber::new(3)),
        [
            &map_key(storage::MAILBOX_MESSAGES, &topic.encode())[..],
            &sp_io::hashing::twox_64(&number),
            &number
        ]
        .concat()
    );
}

#[test]
fn light_clients_find_authorities_and_time_under_the_names_that_they_know() {
    at_genesis("development", || {
        let value_key =
            |item: Item| frame_support::storage::storage_prefix(item.pallet.as_bytes(), item.name.as_bytes());
        let authorities =
            sp_io::storage::get(&value_key(storage::GRANDPA_AUTHORITIES)).expect("the genesis sets them");
        assert_eq!(authorities.to_vec(), Grandpa::grandpa_authorities().encode());
        assert_eq!(pallet_timestamp::Now::<Runtime>::hashed_key(), value_key(storage::TIMESTAMP_NOW));
    });
}

#[test]
fn every_preset_is_a_genesis() {
    for preset in presets::names() {
        at_genesis(&preset, || assert_eq!(pallet_clusters::Clusters::<Runtime>::iter().count(), 1));
    }
    assert_eq!(presets::preset(&"unknown".into()), None);
}

#[test]
fn development_accepts_simulated_workers_and_the_live_network_admits_nobody() {
    let policy = |preset, role| at_genesis(preset, || pallet_attestation::Policies::<Runtime>::get(role));
    for preset in ["development", "local_testnet"] {
        assert!(policy(preset, Role::Miner).simulated.is_some());
        assert_eq!(policy(preset, Role::Gatekeeper), phala_attest::Policy::default());
    }
    for role in Role::ALL {
        assert_eq!(policy("live", role), phala_attest::Policy::default());
    }
}

#[test]
fn preset_chooses_the_block_time_and_registrations_last_a_week_of_it() {
    let network = |preset| {
        at_genesis(preset, || {
            let epoch_slots = <Runtime as pallet_babe::Config>::EpochDuration::get();
            let lifetimes = Role::ALL.map(pallet_workers::Lifetimes::<Runtime>::get);
            (Babe::slot_duration(), epoch_slots, lifetimes)
        })
    };
    assert_eq!(network("development"), (1_000, 60, [604_800, 86_400]));
    assert_eq!(network("live"), (6_000, 2_400, [100_800, 14_400]));
}

#[test]
fn development_has_a_curator_whose_proposals_wait_a_minute_and_the_live_network_has_none() {
    let office =
        || (pallet_attestation::Curator::<Runtime>::get(), pallet_attestation::DelayBlocks::<Runtime>::get());
    assert_eq!(at_genesis("development", office), (Some(Sr25519Keyring::Alice.to_account_id()), 60));
    assert_eq!(at_genesis("live", office), (None, 100_800));
}

#[test]
fn policies_are_changed_by_root_or_the_curator_alone() {
    let propose = |origin| {
        let change = pallet_attestation::Change::SetCurator(None);
        pallet_attestation::Pallet::<Runtime>::propose(origin, change)
    };
    let signed = |who: Sr25519Keyring| RuntimeOrigin::signed(who.to_account_id());
    at_genesis("development", || {
        assert_ok!(propose(signed(Sr25519Keyring::Alice)));
        assert_ok!(propose(RuntimeOrigin::root()));
        assert!(propose(signed(Sr25519Keyring::Bob)).is_err());
    });
    at_genesis("live", || assert!(propose(signed(Sr25519Keyring::Alice)).is_err()));
}

#[test]
fn a_registration_that_is_refused_costs_its_fee() {
    at_genesis("development", || {
        let parent = sp_core::H256([42; 32]);
        use sp_runtime::traits::Header as _;
        let header =
            crate::Header::new(1, Default::default(), Default::default(), parent, Default::default());
        crate::Executive::initialize_block(&header);
        let alice = Sr25519Keyring::Alice;
        let free = || pallet_balances::Pallet::<Runtime>::free_balance(alice.to_account_id());
        let before = free();

        // Everything about it is right but the evidence.
        let registration = Registration {
            genesis: GenesisHash::new(parent.0),
            worker: WorkerId::new([2; 32]),
            role: Role::Miner,
            hpke_key: [4; 32],
            operator: AccountId::new(alice.to_account_id().into()),
            endpoint: Bytes::default(),
            anchor: BlockRef { number: BlockNumber::new(0), hash: BlockHash::new(parent.0) },
        };
        let evidence = Bytes::try_from(vec![0; 1000]).expect("it is short");
        let call: RuntimeCall = pallet_workers::Call::register { registration, evidence }.into();
        let weight = call.get_dispatch_info().call_weight;
        let outcome =
            crate::Executive::apply_extrinsic(signed(alice, call)).expect("it is a valid transaction");
        assert_eq!(outcome, Err(pallet_workers::Error::<Runtime>::EvidenceMalformed.into()));
        let least = money::WeightToFee::weight_to_fee(&weight);
        assert!(least > 0 && before - free() >= least);
    });
}

/// A transaction as a wallet makes it.
fn signed(who: Sr25519Keyring, call: RuntimeCall) -> crate::UncheckedExtrinsic {
    let extension: crate::TxExtension = (
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckMortality::from(sp_runtime::generic::Era::Immortal),
        frame_system::CheckNonce::from(0),
        frame_system::CheckWeight::new(),
        pallet_transaction_payment::ChargeTransactionPayment::from(0),
        frame_metadata_hash_extension::CheckMetadataHash::new(false),
        frame_system::WeightReclaim::new(),
    );
    let payload =
        sp_runtime::generic::SignedPayload::new(call.clone(), extension.clone()).expect("it is complete");
    let signature = payload.using_encoded(|bytes| who.sign(bytes));
    crate::UncheckedExtrinsic::new_signed(call, who.to_account_id().into(), signature.into(), extension)
}

#[test]
fn live_preset_has_no_validator_whose_key_everybody_knows() {
    at_genesis("live", || {
        assert!(Session::validators().is_empty());
        assert!(Grandpa::grandpa_authorities().is_empty());
        assert_eq!(pallet_balances::TotalIssuance::<Runtime>::get(), 0);
    });
    at_genesis("development", || assert_eq!(Session::validators(), [Sr25519Keyring::Alice.to_account_id()]));
}

#[test]
#[should_panic(expected = "slotMs must be even")]
fn genesis_with_an_odd_slot_is_refused() {
    let mut genesis = genesis_json("development");
    genesis["network"]["slotMs"] = 1_001.into();
    sp_io::TestExternalities::new_empty().execute_with(|| {
        let _ = build_state::<RuntimeGenesisConfig>(serde_json::to_vec(&genesis).expect("it is JSON"));
    });
}

#[test]
fn rotated_session_keys_hand_finality_to_a_new_authority_set() {
    let keystore = sp_keystore::testing::MemoryKeystore::new();
    let mut externalities = sp_io::TestExternalities::new_empty();
    externalities.register_extension(sp_keystore::KeystoreExt::new(keystore));
    externalities.execute_with(|| {
        let genesis = serde_json::to_vec(&genesis_json("development")).expect("it is JSON");
        assert_ok!(build_state::<RuntimeGenesisConfig>(genesis));
        frame_system::Pallet::<Runtime>::set_block_number(1);
        let alice = Sr25519Keyring::Alice.to_account_id();
        let rotated = SessionKeys::generate(&alice.encode(), None);
        let set_before = pallet_grandpa::CurrentSetId::<Runtime>::get();

        // Somebody else's proof does not do.
        let mallory = RuntimeOrigin::signed(Sr25519Keyring::Bob.to_account_id());
        assert!(Session::set_keys(mallory, rotated.keys.clone(), rotated.proof.encode()).is_err());
        assert_ok!(Session::set_keys(
            RuntimeOrigin::signed(alice),
            rotated.keys.clone(),
            rotated.proof.encode()
        ));

        Session::rotate_session();
        assert_eq!(pallet_grandpa::CurrentSetId::<Runtime>::get(), set_before);
        Session::rotate_session();
        assert_eq!(pallet_grandpa::CurrentSetId::<Runtime>::get(), set_before + 1);
        let change = pallet_grandpa::PendingChange::<Runtime>::get().expect("it is announced");
        assert_eq!(change.next_authorities.to_vec(), [(rotated.keys.grandpa, 1)]);
    });
}

#[test]
fn wallets_show_amounts_and_addresses_as_on_phala() {
    assert_eq!(money::PHA, 10u128.pow(money::TOKEN_DECIMALS.into()));
    assert_eq!(<Runtime as frame_system::Config>::SS58Prefix::get(), 30);
    let alice = Sr25519Keyring::Alice.to_account_id().to_ss58check_with_version(money::SS58_PREFIX.into());
    assert_eq!(AccountId32::from_ss58check(&alice), Ok(Sr25519Keyring::Alice.to_account_id()));
    assert!(alice.starts_with('4'));
}

/// One of each call of ours.
fn our_calls() -> Vec<RuntimeCall> {
    let account = AccountId::new([1; 32]);
    let worker = WorkerId::new([2; 32]);
    let cluster = ClusterId::new(0);
    let registration = Registration {
        genesis: GenesisHash::new([3; 32]),
        worker,
        role: Role::Miner,
        hpke_key: [4; 32],
        operator: account,
        endpoint: Bytes::default(),
        anchor: BlockRef { number: BlockNumber::new(0), hash: BlockHash::new([5; 32]) },
    };
    let checkpoint = Checkpoint {
        cluster,
        position: MessageNumber::new(0),
        block: BlockNumber::new(0),
        state_root: StateRoot::new([6; 32]),
    };
    let code_hash = CodeHash::new([7; 32]);
    let contract = ContractId::new([8; 32]);
    let (salt, envelope) = (Bytes::default(), Bytes::default());
    let (role, tier, machine) = (Role::Miner, Tier::IntelSgx, Digest::new([10; 32]));
    vec![
        pallet_attestation::Call::post_document { document: largest_document() }.into(),
        pallet_attestation::Call::propose { change: pallet_attestation::Change::SetCurator(None) }.into(),
        pallet_attestation::Call::cancel { proposal: 0 }.into(),
        pallet_attestation::Call::withdraw_reference { role, tier, measurement: machine }.into(),
        pallet_attestation::Call::refuse_tier { role, tier }.into(),
        pallet_attestation::Call::deny_machine { machine }.into(),
        pallet_attestation::Call::disallow_machine { machine }.into(),
        pallet_workers::Call::register { registration, evidence: longest_evidence() }.into(),
        pallet_workers::Call::retire { worker }.into(),
        pallet_clusters::Call::join { cluster, worker }.into(),
        pallet_clusters::Call::upload_code { cluster, code: largest_code() }.into(),
        pallet_clusters::Call::deploy { cluster, code_hash, salt, envelope: envelope_of_one_byte() }.into(),
        pallet_clusters::Call::submit { cluster, contract, envelope }.into(),
        pallet_clusters::Call::checkpoint { checkpoint, signature: WorkerSignature([9; 64]) }.into(),
        pallet_clusters::Call::remove_code { cluster, code_hash }.into(),
    ]
}

/// TCB information with as much text and as many certificates as there may be.
fn largest_document() -> phala_attest::Document {
    let bytes = || Bytes::try_from(vec![0; 32 * 1024]).expect("it is the bound");
    phala_attest::Document::IntelTcbInfo(phala_attest::intel::Signed {
        text: bytes(),
        signature: [0; 64],
        certificates: bytes(),
    })
}

/// As long as evidence may be, and of the dearest kind.
fn longest_evidence() -> Bytes<EVIDENCE_BYTES_MAX> {
    Bytes::try_from(vec![3; EVIDENCE_BYTES_MAX as usize]).expect("it is the bound")
}

fn largest_code() -> Bytes<CODE_BYTES_MAX> {
    Bytes::try_from(vec![0; CODE_BYTES_MAX as usize]).expect("it is the bound")
}

fn envelope_of_one_byte<const N: u32>() -> Bytes<N> {
    Bytes::try_from(vec![0]).expect("it is short")
}

#[test]
fn no_call_of_ours_is_free_and_each_fits_into_a_block() {
    let limits = config::RuntimeBlockWeights::get();
    let normal = limits.get(DispatchClass::Normal);
    let max_bytes = *config::RuntimeBlockLength::get().max.get(DispatchClass::Normal);
    let calls = our_calls();
    // A call that is added has to be added here too.
    let modules = [
        pallet_attestation::Call::<Runtime>::get_call_names(),
        pallet_workers::Call::<Runtime>::get_call_names(),
        pallet_clusters::Call::<Runtime>::get_call_names(),
    ];
    assert_eq!(calls.len(), modules.iter().map(|names| names.len()).sum::<usize>());
    for call in calls {
        let info = call.get_dispatch_info();
        assert_eq!((info.pays_fee, info.class), (Pays::Yes, DispatchClass::Normal));
        assert!(info.call_weight.ref_time() > 0);
        assert!(info.call_weight.all_lt(normal.max_extrinsic.expect("it is limited")));
        // Signature, address and extensions take less than a kilobyte.
        assert!((call.encoded_size() as u32) + 1024 < max_bytes);
    }
}

#[test]
fn fees_are_what_the_documents_say() {
    use frame_support::weights::{Weight, constants::ExtrinsicBaseWeight};
    let fee = |weight: Weight| money::WeightToFee::weight_to_fee(&weight);
    assert_eq!(fee(Weight::zero()), 0);
    assert_eq!(fee(ExtrinsicBaseWeight::get()), money::PHA / 1_000);
    let upload: Balance = money::LengthToFee::weight_to_fee(&Weight::from_parts(CODE_BYTES_MAX.into(), 0));
    assert_eq!(upload / money::PHA, 20);
}

#[test]
fn transactions_carry_the_extensions_that_wallets_know() {
    use sp_runtime::traits::TransactionExtension;
    let names: Vec<_> = <crate::TxExtension as TransactionExtension<RuntimeCall>>::metadata()
        .iter()
        .map(|entry| entry.identifier)
        .collect();
    assert_eq!(
        names,
        [
            "CheckNonZeroSender",
            "CheckSpecVersion",
            "CheckTxVersion",
            "CheckGenesis",
            "CheckMortality",
            "CheckNonce",
            "CheckWeight",
            "ChargeTransactionPayment",
            "CheckMetadataHash",
            "WeightReclaim"
        ]
    );
    let _: Address = Sr25519Keyring::Alice.to_account_id().into();
}
