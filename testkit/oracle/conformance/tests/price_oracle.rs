// SPDX-License-Identifier: Apache-2.0
//! The price oracle on both of our engines: a query that fetches a price and signs it, and a command that brings it. The
//! pallet has none of the functions that this example is about.

use codec::Encode as _;
use phala_oracle_conformance::{
    Account, Answer, Call, Instantiate, Machine as _, Ran,
    duel::{ALICE, BOB, FORTUNE},
    examples::example,
    ink::Bundle,
    ours::Twins,
};
use phala_vm::extension::{Brought, Errand, http::HttpResponse};

const URL: &str = "https://prices.example/ticker?symbol=PHAUSD";
const SYMBOL: &str = "PHAUSD";
/// How long a price is good.
const AGE_MS: u64 = 60_000;
/// When the story begins.
const NOW_MS: u64 = 1_700_000_000_000;

/// The price oracle on both engines, which must agree after each step.
struct Story {
    engines: Twins,
    bundle: Bundle,
    contract: Account,
}

impl Story {
    fn new() -> Self {
        let [bundle] = <[Bundle; 1]>::try_from(example("price_oracle")).expect("it calls no other contract");
        let mut engines = Twins::default();
        [ALICE, BOB].iter().for_each(|it| engines.fund(it, FORTUNE));
        engines.set_block(100, NOW_MS);
        let code = engines.upload(&ALICE, &bundle.code).expect("the code is admitted");
        let input = [bundle.message("new").selector(), &(URL, SYMBOL, AGE_MS).encode()].concat();
        let deposit_limit = None;
        let request = Instantiate { caller: ALICE, code, value: 0, input, salt: vec![], deposit_limit };
        let contract = engines.instantiate(&request).address.expect("the contract is made");
        Self { engines, bundle, contract }
    }

    fn request(&self, message: &str, arguments: &[u8]) -> Call {
        let input = [self.bundle.message(message).selector(), arguments].concat();
        Call { caller: BOB, contract: self.contract, value: 0, input, deposit_limit: None, is_starved: false }
    }

    /// The answer of a message, without ink!'s own result around it.
    fn answer(&mut self, ran: Ran) -> (bool, Vec<u8>) {
        assert_eq!(self.engines.disagreement(), None);
        let Answer { flags, data } = ran.result.expect("the contract answers");
        let [0, rest @ ..] = &data[..] else { panic!("ink! refuses the message: {data:?}") };
        (flags == 0, rest.to_vec())
    }

    fn send(&mut self, message: &str, arguments: &[u8]) -> (bool, Vec<u8>) {
        let ran = self.engines.call(&self.request(message, arguments));
        self.answer(ran)
    }

    /// Asks for a price, which a server gives as this text.
    fn observe(&mut self, body: &str) -> (bool, Vec<u8>) {
        let serve = |errand: &Errand| match errand {
            Errand::Fetch(request) if request.url == URL => Brought::Fetched(Ok(HttpResponse {
                status: 200,
                reason: "OK".into(),
                headers: vec![],
                body: body.as_bytes().to_vec(),
                is_authenticated: true,
            })),
            other => panic!("something else is asked for: {other:?}"),
        };
        let ran = self.engines.query(&self.request("observe", &[]), serve);
        self.answer(ran)
    }
}

/// A report as the example encodes it.
fn report(price: u64, observed_at_ms: u64) -> Vec<u8> {
    (SYMBOL, price, observed_at_ms).encode()
}

#[test]
fn both_engines_fetch_sign_and_take_a_price_alike() {
    let mut story = Story::new();
    assert!(!story.send("price", &[]).0, "there is no price yet");

    let (is_signed, answer) = story.observe(r#"{"symbol":"PHAUSD","price":"0.123456"}"#);
    let [0, signed_report @ ..] = &answer[..] else { panic!("{answer:?}") };
    assert!(is_signed);
    let expected = report(123_456, NOW_MS);
    assert_eq!(&signed_report[..expected.len()], expected);

    let mut forged = signed_report.to_vec();
    forged[expected.len() - 9] ^= 1;
    assert!(!story.send("submit", &forged).0, "a report that was changed is refused");
    assert_eq!(story.send("submit", signed_report), (true, vec![0]));
    assert!(!story.send("submit", signed_report).0, "a report is taken once");

    let taken = [&[0][..], &expected].concat();
    assert_eq!(story.send("price", &[]), (true, taken));
    story.engines.set_block(200, NOW_MS + AGE_MS + 1);
    assert!(!story.send("price", &[]).0, "the price is old");
}

#[test]
fn both_engines_refuse_an_answer_that_is_no_price_alike() {
    let mut story = Story::new();
    for body in ["", "{}", r#"{"symbol":"DOTUSD","price":"1"}"#, r#"{"symbol":"PHAUSD","price":"1e3"}"#] {
        assert!(!story.observe(body).0, "{body}");
    }
}

#[test]
fn both_engines_refuse_to_fetch_in_a_command_alike() {
    let mut story = Story::new();
    assert!(!story.send("observe", &[]).0);
}
