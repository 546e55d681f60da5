// SPDX-License-Identifier: Apache-2.0
//! The ink! examples on both machines: random people send random messages with random arguments, and after each the
//! machines are compared in all that they have.
//!
//! The examples are built by this repository's own builder when `PHALA` names the program that has it, as CI does. By
//! hand, `phala contract build` in each folder of `contract/examples` does the same.

use std::{
    env, fs,
    hash::{BuildHasher as _, RandomState},
    path::{Path, PathBuf},
    process::Command,
};

use phala_oracle_conformance::{
    Account, Call, Duel, Hash, Instantiate,
    duel::{ALICE, BOB, CHARLIE, FORTUNE},
    ink::{Bundle, Cast, Entropy, Message, sign},
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

/// The folders within one that have a manifest, in order.
fn folders(within: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(within).expect("the examples are there").map(|it| it.expect("an entry").path());
    let mut folders: Vec<PathBuf> = entries.filter(|it| it.join("Cargo.toml").exists()).collect();
    folders.sort();
    folders
}

fn bundle_in(folder: &Path) -> Option<PathBuf> {
    let built = fs::read_dir(folder.join("target/ink")).ok()?.filter_map(|it| Some(it.ok()?.path()));
    built.into_iter().find(|it| it.extension().is_some_and(|it| it == "contract"))
}

/// Builds an example, if `PHALA` says with what, and reads its bundle.
fn bundle(folder: &Path) -> Bundle {
    if let Some(program) = env::var_os("PHALA") {
        let built = Command::new(program).args(["contract", "build"]).arg(folder).output();
        let built = built.expect("the program that PHALA names starts");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    }
    let file = bundle_in(folder)
        .unwrap_or_else(|| panic!("{0} is not built; try: phala contract build {0}", folder.display()));
    Bundle::parse(&fs::read_to_string(file).expect("the bundle can be read"))
}

/// Each example: what it calls, which is in folders within its own, and itself.
fn examples() -> Vec<(String, Vec<Bundle>)> {
    let of = |folder: PathBuf| {
        let mut bundles: Vec<Bundle> = folders(&folder).iter().map(|it| bundle(it)).collect();
        bundles.push(bundle(&folder));
        (folder.display().to_string(), bundles)
    };
    folders(&root().join("contract/examples")).into_iter().map(of).collect()
}

/// One message: by whom, to which contract, which, with what value, and the arguments' entropy.
type Step = (u8, u8, u8, u32, Vec<u8>);

/// Contracts of one example and of what it calls, and who there is.
struct Stage<'a> {
    duel: Duel,
    contracts: Vec<(&'a Bundle, Account)>,
    cast: Cast,
    told: Vec<String>,
}

const PEOPLE: [Account; 3] = [ALICE, BOB, CHARLIE];

impl<'a> Stage<'a> {
    /// Two contracts of each bundle. A constructor's arguments are tried until the oracle takes them.
    fn new(bundles: &[&'a Bundle], entropy: &[u8]) -> Self {
        let mut duel = Duel::default();
        duel.fund(&CHARLIE, FORTUNE);
        let codes: Vec<Hash> =
            bundles.iter().map(|it| duel.upload(&ALICE, &it.code).expect("the oracle admits it")).collect();
        let cast = Cast { accounts: PEOPLE.to_vec(), codes: codes.clone() };
        let mut stage = Self { duel, contracts: Vec::new(), cast, told: Vec::new() };
        for (bundle, code) in bundles.iter().zip(&codes) {
            for n in 0..2 {
                stage.make(bundle, code, n, entropy);
            }
        }
        stage
    }

    fn make(&mut self, bundle: &'a Bundle, code: &Hash, n: u8, entropy: &[u8]) {
        const ATTEMPTS: u8 = 24;
        for attempt in 0..ATTEMPTS {
            let constructor = &bundle.constructors[usize::from(attempt) % bundle.constructors.len()];
            let mixed: Vec<u8> = (0..64u8)
                .map(|at| {
                    sp_crypto_hashing::blake2_256(&[entropy, &[n, attempt, at / 32]].concat())
                        [usize::from(at % 32)]
                })
                .collect();
            let input = bundle.input(constructor, &self.cast, &mut Entropy(&mixed));
            let value = if constructor.is_payable { 50_000 } else { 0 };
            self.told.push(format!("{}::{} {}", bundle.name, constructor.label, hex::encode(&input)));
            let made = self.duel.instantiate(&Instantiate {
                caller: PEOPLE[usize::from(n) % PEOPLE.len()],
                code: *code,
                value,
                input,
                salt: vec![n, attempt],
                deposit_limit: None,
            });
            if let (Some(address), true) = (made.address, made.result.is_ok_and(|it| it.flags == 0)) {
                self.contracts.push((bundle, address));
                self.cast.accounts.push(address);
                return;
            }
        }
    }

    fn step(&mut self, number: usize, (who, whom, which, value, entropy): &Step) {
        self.duel.set_block(10 + number as u32, 1_000_000 + 700 * number as u64);
        let Some((bundle, contract)) =
            self.contracts.get(usize::from(*whom) % self.contracts.len().max(1)).copied()
        else {
            return;
        };
        let message = &bundle.messages[usize::from(*which) % bundle.messages.len()];
        let caller = PEOPLE[usize::from(*who) % PEOPLE.len()];
        let mut input = bundle.input(message, &self.cast, &mut Entropy(entropy));
        self.sign_voucher(bundle, contract, message, caller, &mut input);
        // Now and then a payment to a message that takes none.
        let value = if message.is_payable || value % 16 == 0 { *value } else { 0 };
        self.call(bundle, contract, message, caller, value, input);
    }

    fn call(
        &mut self,
        bundle: &Bundle,
        contract: Account,
        message: &Message,
        caller: Account,
        value: u32,
        input: Vec<u8>,
    ) -> phala_oracle_conformance::Ran {
        let line =
            format!("{:02x}: {}.{} {value} {}", caller[0], bundle.name, message.label, hex::encode(&input));
        self.told.push(line);
        let value = value.into();
        self.duel.call(&Call { caller, contract, value, input, deposit_limit: None, is_starved: false })
    }

    /// Half of all vouchers are good ones: the contract says what to sign.
    fn sign_voucher(
        &mut self,
        bundle: &Bundle,
        contract: Account,
        message: &Message,
        caller: Account,
        input: &mut [u8],
    ) {
        let hash = bundle.messages.iter().find(|it| it.label == "voucher_hash");
        let (Some(hash), "redeem" | "close") = (hash, message.label.as_str()) else { return };
        if input[4] % 2 == 1 {
            return;
        }
        // The sum comes first in each of the three.
        let question = [hash.selector(), &input[4..20]].concat();
        let answer = self.call(bundle, contract, hash, caller, 0, question).result;
        if let Ok(Ok(hash)) = answer.map(|it| <[u8; 32]>::try_from(&it.data[1..])) {
            input[20..].copy_from_slice(&sign(&hash));
        }
    }
}

fn play(bundles: &[&Bundle], entropy: &[u8], steps: &[Step]) -> Result<(), TestCaseError> {
    let mut stage = Stage::new(bundles, entropy);
    prop_assert!(!stage.contracts.is_empty(), "no constructor succeeds: {:#?}", stage.told);
    for (number, step) in steps.iter().enumerate() {
        stage.step(number, step);
    }
    let lines: Vec<String> = stage.duel.divergences().map(|it| format!("\n{it}")).collect();
    prop_assert!(lines.is_empty(), "{}\n{:#?}", lines.concat(), stage.told);
    Ok(())
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec((any::<u8>(), any::<u8>(), any::<u8>(), 0..20_000u32, vec(any::<u8>(), 0..40)), 1..40)
}

/// Checked in, so that it is compared where nothing is built.
fn token() -> Bundle {
    let file = root().join("vectors/contracts/erc20.contract");
    Bundle::parse(&fs::read_to_string(file).expect("the token's bundle is there"))
}

/// The seed of the run: `PHALA_SEED`, 64 digits, to do one again, or a new one.
fn seed() -> [u8; 32] {
    match env::var("PHALA_SEED") {
        Ok(digits) => {
            hex::decode(digits).ok().and_then(|it| it.try_into().ok()).expect("PHALA_SEED is 64 digits")
        }
        Err(_) => {
            let word = |n: u64| RandomState::new().hash_one(n).to_le_bytes();
            [word(0), word(1), word(2), word(3)].concat().try_into().expect("32 bytes")
        }
    }
}

fn agree(name: &str, bundles: &[Bundle]) {
    let seed = seed();
    let config =
        ProptestConfig { cases: 48, max_shrink_iters: 400, failure_persistence: None, ..Default::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let bundles: Vec<&Bundle> = bundles.iter().collect();
    let agreed =
        runner.run(&(any::<[u8; 8]>(), steps()), |(entropy, steps)| play(&bundles, &entropy, &steps));
    if let Err(error) = agreed {
        panic!("{name}, PHALA_SEED={}: {error}", hex::encode(seed));
    }
}

#[test]
fn both_machines_agree_on_the_checked_in_token() {
    agree("the token", &[token()]);
}

#[test]
fn both_machines_agree_on_every_example() {
    let examples = examples();
    assert!(!examples.is_empty());
    for (name, bundles) in &examples {
        agree(name, bundles);
    }
}
