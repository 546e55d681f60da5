// SPDX-License-Identifier: Apache-2.0
//! The ink! examples on both machines, and on both of our engines: random people send random messages with random
//! arguments, and after each the machines are compared in all that they have.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    env,
    hash::{BuildHasher as _, RandomState},
};

use phala_oracle_conformance::{
    Account, Call, Duel, Hash, Instantiate, Machine, Ran, cases,
    duel::{ALICE, BOB, CHARLIE, FORTUNE},
    examples::{example, names, token},
    ink::{Bundle, Cast, Entropy, Message, sign},
    ours::Twins,
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};

/// One message: by whom, to which contract, which, with what value, and the arguments' entropy.
type Step = (u8, u8, u8, u32, Vec<u8>);

/// How often each message was sent, and how often it was answered and not undone.
type Tally = BTreeMap<String, (u32, u32)>;

/// Contracts of one example and of what it calls, and who there is.
struct Stage<'a, M> {
    machine: M,
    contracts: Vec<(&'a Bundle, Account)>,
    cast: Cast,
    told: Vec<String>,
    tally: &'a RefCell<Tally>,
}

const PEOPLE: [Account; 3] = [ALICE, BOB, CHARLIE];
/// Who makes the two contracts of each bundle.
const MAKERS: [Account; 2] = [ALICE, BOB];

impl<'a, M: Machine> Stage<'a, M> {
    /// Two contracts of each bundle. A constructor's arguments are tried until they are taken.
    fn new(mut machine: M, bundles: &'a [Bundle], entropy: &[u8], tally: &'a RefCell<Tally>) -> Self {
        PEOPLE.iter().for_each(|it| machine.fund(it, FORTUNE));
        let codes: Vec<Hash> = bundles
            .iter()
            .map(|it| machine.upload(&ALICE, &it.code).expect("the code of an example is admitted"))
            .collect();
        let cast = Cast { accounts: PEOPLE.to_vec(), codes: codes.clone() };
        let mut stage = Self { machine, contracts: Vec::new(), cast, told: Vec::new(), tally };
        for (bundle, code) in bundles.iter().zip(&codes) {
            for (n, maker) in (0..).zip(MAKERS) {
                stage.make(bundle, code, maker, &[entropy, &[n]].concat());
            }
        }
        stage
    }

    fn make(&mut self, bundle: &'a Bundle, code: &Hash, maker: Account, entropy: &[u8]) {
        const ATTEMPTS: u8 = 24;
        for attempt in 0..ATTEMPTS {
            let constructor = &bundle.constructors[usize::from(attempt) % bundle.constructors.len()];
            let mixed: Vec<u8> = (0..2u8)
                .flat_map(|half| sp_crypto_hashing::blake2_256(&[entropy, &[attempt, half]].concat()))
                .collect();
            let input = bundle.input(constructor, &self.cast, &mut Entropy(&mixed));
            let value = if constructor.is_payable { 50_000 } else { 0 };
            self.told.push(format!("{}::{} {}", bundle.name, constructor.label, hex::encode(&input)));
            let made = self.machine.instantiate(&Instantiate {
                caller: maker,
                code: *code,
                value,
                input,
                salt: vec![attempt],
                deposit_limit: None,
            });
            self.count(bundle, constructor, &made);
            if let (Some(address), true) = (made.address, made.result.is_ok_and(|it| it.flags == 0)) {
                self.contracts.push((bundle, address));
                self.cast.accounts.push(address);
                return;
            }
        }
    }

    fn step(&mut self, number: usize, (who, whom, which, value, entropy): &Step) {
        self.machine.set_block(10 + number as u32, 1_000_000 + 700 * number as u64);
        // Mostly the example itself, which is the last that was made, so that what one message did the next one finds.
        let all = self.contracts.len();
        let whom = if whom % 4 < 2 { all.saturating_sub(1) } else { usize::from(*whom / 4) % all.max(1) };
        let Some((bundle, contract)) = self.contracts.get(whom).copied() else { return };
        let message = &bundle.messages[usize::from(*which) % bundle.messages.len()];
        // Half of the time the maker of that contract, who may do more than others.
        let caller = if who % 2 == 0 { MAKERS[1] } else { PEOPLE[usize::from(*who / 2) % PEOPLE.len()] };
        let entropy = &mut Entropy(entropy);
        let (mut input, is_payable) = match self.logic(bundle, message) {
            // What a proxy does not know itself is a message of the code that it forwards to.
            Some(logic) => {
                let message = &logic.messages[usize::from(*which / 2) % logic.messages.len()];
                (logic.input(message, &self.cast, entropy), message.is_payable)
            }
            None => (bundle.input(message, &self.cast, entropy), message.is_payable),
        };
        self.sign_voucher(bundle, contract, message, caller, &mut input);
        // Now and then a payment to a message that takes none.
        let value = if is_payable || value % 16 == 0 { *value } else { 0 };
        self.call(bundle, contract, message, caller, value, input);
    }

    /// The other contract whose messages a proxy's wildcard stands for.
    fn logic(&self, bundle: &Bundle, message: &Message) -> Option<&'a Bundle> {
        let other = self.contracts.iter().map(|(it, _)| *it).find(|it| it.name != bundle.name);
        other.filter(|_| message.label == "forward")
    }

    fn call(
        &mut self,
        bundle: &Bundle,
        contract: Account,
        message: &Message,
        caller: Account,
        value: u32,
        input: Vec<u8>,
    ) -> Ran {
        let line =
            format!("{:02x}: {}.{} {value} {}", caller[0], bundle.name, message.label, hex::encode(&input));
        self.told.push(line);
        let value = value.into();
        let call = Call { caller, contract, value, input, deposit_limit: None, is_starved: false };
        let ran = self.machine.call(&call);
        self.count(bundle, message, &ran);
        ran
    }

    fn count(&mut self, bundle: &Bundle, message: &Message, ran: &Ran) {
        let mut tally = self.tally.borrow_mut();
        let (sent, done) = tally.entry(format!("{}.{}", bundle.name, message.label)).or_default();
        *sent += 1;
        *done += u32::from(ran.result.as_ref().is_ok_and(|it| it.flags == 0));
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

/// What can be played on: it says in what the machines that it consists of have differed.
trait Ring: Machine + Default {
    fn differences(&mut self) -> Vec<String>;
    fn work(&self) -> (u64, u64);
}

impl Ring for Duel {
    fn differences(&mut self) -> Vec<String> {
        self.divergences().map(|it| format!("\n{it}")).collect()
    }

    fn work(&self) -> (u64, u64) {
        self.work()
    }
}

impl Ring for Twins {
    fn differences(&mut self) -> Vec<String> {
        self.disagreement().into_iter().collect()
    }

    fn work(&self) -> (u64, u64) {
        self.work()
    }
}

/// Plays a story, and says how many calls there were and what gas they used.
fn play<M: Ring>(
    bundles: &[Bundle],
    entropy: &[u8],
    steps: &[Step],
    tally: &RefCell<Tally>,
) -> Result<(u64, u64), TestCaseError> {
    let mut stage = Stage::new(M::default(), bundles, entropy, tally);
    for (number, step) in steps.iter().enumerate() {
        stage.step(number, step);
    }
    let differences = stage.machine.differences();
    prop_assert!(differences.is_empty(), "{}\n{:#?}", differences.concat(), stage.told);
    Ok(stage.machine.work())
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec((any::<u8>(), any::<u8>(), any::<u8>(), 0..20_000u32, vec(any::<u8>(), 0..40)), 20..140)
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

/// Plays stories. Each message must have been answered well in one of them, but for those that cannot be.
fn agree<M: Ring>(name: &str, bundles: &[Bundle], refused: &[&str]) {
    let seed = seed();
    let config = ProptestConfig {
        cases: cases::stories(60),
        max_shrink_iters: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let (tally, work) = (RefCell::default(), RefCell::new((0, 0)));
    let agreed = runner.run(&(any::<[u8; 8]>(), steps()), |(entropy, steps)| {
        let (calls, gas_used) = play::<M>(bundles, &entropy, &steps, &tally)?;
        let mut work = work.borrow_mut();
        *work = (work.0 + calls, work.1 + gas_used);
        Ok(())
    });
    if let Err(error) = agreed {
        panic!("{name}, PHALA_SEED={}: {error}", hex::encode(seed));
    }
    let ((calls, gas_used), tally) = (work.into_inner(), tally.into_inner());
    println!("{name}: {calls} calls alike, {gas_used} gas on each engine; sent and answered: {tally:?}");
    let never: Vec<&String> = tally.iter().filter(|(_, (_, well))| *well == 0).map(|(it, _)| it).collect();
    assert_eq!(never, refused, "{name}, PHALA_SEED={}: these were never answered well", hex::encode(seed));
}

/// A test for each example, so that they run at once.
macro_rules! examples {
    ($($name:ident: $machine:ty $(, refused: $refused:expr)?;)*) => {
        $(#[test]
        fn $name() {
            let refused: &[&[&str]] = &[$(&$refused)?];
            agree::<$machine>(stringify!($name), &example(stringify!($name)), &refused.concat());
        })*

        const EXAMPLES: &[&str] = &[$(stringify!($name)),*];
    };
}

examples! {
    cross_contract: Duel;
    dns: Duel;
    erc20: Duel;
    erc721: Duel;
    erc1155: Duel;
    multisig: Duel;
    payment_channel: Duel;
    // It calls chain extensions, which the pallet does not have. What nobody has signed is refused: that is another test.
    price_oracle: Twins, refused: ["price_oracle.observe", "price_oracle.price", "price_oracle.submit"];
    upgradeable_proxy: Duel;
}

#[test]
fn every_example_has_a_test() {
    let tested: BTreeSet<String> = EXAMPLES.iter().map(|it| (*it).to_owned()).collect();
    assert_eq!(names(), tested);
}

/// It is checked in, so that it is compared where nothing is built.
#[test]
fn the_token_that_is_checked_in() {
    agree::<Duel>("the token", &[token()], &[]);
}
