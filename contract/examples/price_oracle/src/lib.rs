// SPDX-License-Identifier: Apache-2.0
#![cfg_attr(not(feature = "std"), no_std, no_main)]
//! A price from the web, and anybody can check that it came from there.
//!
//! State changes only by commands; a command runs on every replica and cannot ask the web, since two replicas might get
//! two answers. A query can. So a price takes two steps:
//!
//! 1. Somebody *asks*: the query `observe` fetches the price, inside the worker, over TLS that ends there, and signs it with a
//!    key that only this contract has.
//! 2. Somebody *tells*: the command `submit` brings the signed price. Every replica derives the same key, sees that the
//!    signature is the contract's own, and believes it. Who brings it does not matter.
//!
//! # What it can be trusted with, and what it cannot
//!
//! - The price is what the server said to a worker of this cluster. No user and no host can make one up or change one: the
//!   host carries the connection and cannot read it, and a connection without TLS is refused (`NotAuthenticated`).
//! - The server itself may lie. A serious oracle asks several, and takes the median.
//! - Whoever brings prices may *choose* which ones to bring. That is bounded by time: a price is refused when it is older
//!   than `max_age_ms`, or not newer than the one before. `price` refuses to answer when nobody brought a fresh one.
//! - Time is the chain's, in both steps: a host cannot make an old price young.
//!
//! # From outside
//!
//! `public_key` and the signature let programs elsewhere check a price without asking this network. What is signed is the
//! SCALE encoding of `("phala example price", report)`, by Ed25519.

#[ink::contract(env = phala_contract::Phala)]
mod price_oracle {
    use ink::{
        prelude::{string::String, vec::Vec},
        scale::Encode,
    };
    use phala_contract::{attested_time, derive_key, http, DerivedKey, KeyKind, Refusal};

    /// What the key is for: where it is derived, and in what is signed.
    const DOMAIN: &str = "phala example price";

    /// The longest answer that a price may come in.
    const ANSWER_BYTES_MAX: u32 = 4 * 1024;

    /// How long the server has.
    const TIMEOUT_MS: u32 = 5_000;

    /// Digits after the point that count: a price is in millionths.
    const DECIMALS: usize = 6;

    /// Why a message is refused.
    #[derive(Debug, Clone, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// The worker refuses, for this reason.
        Worker(Refusal),
        /// The server answered with this status.
        Server(u16),
        /// The answer came over a connection that anyone on the way could change.
        NotAuthenticated,
        /// The answer is not a price of this symbol.
        NotAPrice,
        /// The signature is not this contract's, or not of this report.
        BadSignature,
        /// The report is from the future, older than allowed, or not newer than the last one.
        WrongTime,
        /// There is no price, or none that is fresh.
        NoPrice,
    }

    impl From<Refusal> for Error {
        fn from(refusal: Refusal) -> Self {
            Self::Worker(refusal)
        }
    }

    /// What a message answers.
    pub type Result<T> = core::result::Result<T, Error>;

    /// A price at a time.
    #[derive(Debug, Clone, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    #[cfg_attr(feature = "std", derive(ink::storage::traits::StorageLayout))]
    pub struct Report {
        /// Of what.
        pub symbol: String,
        /// In millionths.
        pub price: u64,
        /// When, by the chain's time, in milliseconds since 1970.
        pub observed_at_ms: u64,
    }

    /// A price, and the contract's word for it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub struct SignedReport {
        /// The price.
        pub report: Report,
        /// The Ed25519 signature.
        pub signature: Vec<u8>,
    }

    /// What the server answers: `{"symbol": "PHAUSD", "price": "0.123456"}`, and whatever else.
    #[derive(serde::Deserialize)]
    struct Ticker<'a> {
        symbol: &'a str,
        price: &'a str,
    }

    /// The oracle.
    #[ink(storage)]
    pub struct PriceOracle {
        url: String,
        symbol: String,
        max_age_ms: u64,
        latest: Option<Report>,
    }

    impl PriceOracle {
        /// An oracle for this symbol, from this URL, with prices that are good for so long.
        #[ink(constructor)]
        pub fn new(url: String, symbol: String, max_age_ms: u64) -> Self {
            Self { url, symbol, max_age_ms, latest: None }
        }

        /// Fetches the price and signs it. Only as a query: a command is refused.
        #[ink(message)]
        pub fn observe(&self) -> Result<SignedReport> {
            let answer = http::get(self.url.as_str())
                .header("accept", "application/json")
                .body_bytes_max(ANSWER_BYTES_MAX)
                .timeout_ms(TIMEOUT_MS)
                .fetch()?;
            if !answer.is_success() {
                return Err(Error::Server(answer.status));
            }
            if !answer.is_authenticated {
                return Err(Error::NotAuthenticated);
            }
            let price = self.read(&answer.body).ok_or(Error::NotAPrice)?;
            let report = Report { symbol: self.symbol.clone(), price, observed_at_ms: attested_time()?.ms };
            let signature = key()?.sign(KeyKind::Ed25519, &signed(&report))?;
            Ok(SignedReport { report, signature })
        }

        /// Takes a price that `observe` signed. Anybody may bring it.
        #[ink(message)]
        pub fn submit(&mut self, signed_report: SignedReport) -> Result<()> {
            let SignedReport { report, signature } = signed_report;
            let public = key()?.public;
            if !phala_contract::verify(KeyKind::Ed25519, &public, &signed(&report), &signature) {
                return Err(Error::BadSignature);
            }
            let age_ms = attested_time()?.ms.checked_sub(report.observed_at_ms).ok_or(Error::WrongTime)?;
            let is_newer =
                self.latest.as_ref().is_none_or(|latest| latest.observed_at_ms < report.observed_at_ms);
            if age_ms > self.max_age_ms || !is_newer {
                return Err(Error::WrongTime);
            }
            phala_contract::info!("a price was taken", price = report.price, age_ms = age_ms);
            self.latest = Some(report);
            Ok(())
        }

        /// The last price, while it is fresh. Anybody may ask, other contracts too.
        #[ink(message)]
        pub fn price(&self) -> Result<Report> {
            let latest = self.latest.clone().ok_or(Error::NoPrice)?;
            let age_ms = attested_time()?.ms.saturating_sub(latest.observed_at_ms);
            if age_ms > self.max_age_ms {
                Err(Error::NoPrice)
            } else {
                Ok(latest)
            }
        }

        /// What a price's signature is checked with outside of the network.
        #[ink(message)]
        pub fn public_key(&self) -> Result<Vec<u8>> {
            Ok(key()?.public)
        }

        /// The price in an answer, if it is one of this symbol.
        fn read(&self, body: &[u8]) -> Option<u64> {
            let (ticker, _): (Ticker<'_>, usize) = serde_json_core::from_slice(body).ok()?;
            if ticker.symbol == self.symbol {
                millionths(ticker.price)
            } else {
                None
            }
        }
    }

    fn key() -> Result<DerivedKey> {
        Ok(derive_key(DOMAIN.as_bytes(), KeyKind::Ed25519)?)
    }

    fn signed(report: &Report) -> Vec<u8> {
        (DOMAIN, report).encode()
    }

    /// Reads `12.3456` as 12 345 600. Digits beyond millionths are cut off. Contracts have no floating-point numbers, in which
    /// replicas could differ, and a price needs none.
    fn millionths(text: &str) -> Option<u64> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits = fraction.bytes().chain(core::iter::repeat(b'0')).take(DECIMALS);
        whole.bytes().chain(digits).try_fold(0_u64, |number, digit| {
            number.checked_mul(10)?.checked_add(u64::from(digit.checked_sub(b'0')?))
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use phala_contract::{testing::Worker, HttpFetched, LogValue};

        const URL: &str = "https://prices.example/ticker?symbol=PHAUSD";

        /// An oracle whose prices are good for a minute, and its worker, in a query at 100 s.
        fn oracle() -> (PriceOracle, Worker) {
            let worker = Worker::install();
            worker.set_time(10, 100_000);
            worker.enter_query();
            (PriceOracle::new(URL.into(), "PHAUSD".into(), 60_000), worker)
        }

        fn serve(worker: &Worker, status: u16, is_authenticated: bool, body: &'static str) {
            worker.serve(URL, move |_| {
                Ok(HttpFetched { status, is_authenticated, headers: vec![], body: body.into() })
            });
        }

        /// A price as a query gives it.
        fn observed(oracle: &PriceOracle, worker: &Worker) -> SignedReport {
            serve(worker, 200, true, r#"{"symbol": "PHAUSD", "price": "0.1234567", "bid": 1.5}"#);
            worker.enter_query();
            oracle.observe().unwrap()
        }

        #[ink::test]
        fn a_price_is_fetched_in_a_query_and_taken_by_a_command() {
            let (mut oracle, worker) = oracle();
            let price = observed(&oracle, &worker);
            assert_eq!((price.report.price, price.report.observed_at_ms), (123_456, 100_000));
            worker.enter_command();
            worker.set_time(12, 130_000);
            assert_eq!(oracle.price(), Err(Error::NoPrice));
            assert_eq!(oracle.submit(price.clone()), Ok(()));
            assert_eq!(oracle.price(), Ok(price.report));
            assert_eq!(worker.logs()[0].fields[1], ("age_ms".into(), LogValue::Unsigned(30_000)));
        }

        #[ink::test]
        fn a_command_cannot_ask_the_web() {
            let (oracle, worker) = oracle();
            worker.enter_command();
            assert_eq!(oracle.observe(), Err(Error::Worker(Refusal::NotInCommands)));
        }

        #[ink::test]
        fn nobody_makes_a_price_up_or_changes_one() {
            let (mut oracle, worker) = oracle();
            let good = observed(&oracle, &worker);
            worker.enter_command();
            let mut changed = good.clone();
            changed.report.price += 1;
            assert_eq!(oracle.submit(changed), Err(Error::BadSignature));
            let mut unsigned = good.clone();
            unsigned.signature = vec![0; 64];
            assert_eq!(oracle.submit(unsigned), Err(Error::BadSignature));
            // Nor does another contract of the same code.
            worker.set_contract(AccountId::from([9; 32]));
            assert_eq!(oracle.submit(good), Err(Error::BadSignature));
        }

        #[ink::test]
        fn an_old_price_is_not_taken_and_not_given() {
            let (mut oracle, worker) = oracle();
            let first = observed(&oracle, &worker);
            worker.set_time(11, 110_000);
            let second = observed(&oracle, &worker);
            worker.enter_command();
            assert_eq!(oracle.submit(second.clone()), Ok(()));
            // Not newer than the last one.
            assert_eq!(oracle.submit(first.clone()), Err(Error::WrongTime));
            assert_eq!(oracle.submit(second.clone()), Err(Error::WrongTime));
            worker.set_time(20, 170_001);
            assert_eq!(oracle.price(), Err(Error::NoPrice));
            let mut fresh = PriceOracle::new(URL.into(), "PHAUSD".into(), 60_000);
            assert_eq!(fresh.submit(first), Err(Error::WrongTime));
            // From the future, which a worker's clock never is.
            worker.set_time(9, 90_000);
            assert_eq!(fresh.submit(second), Err(Error::WrongTime));
        }

        #[ink::test]
        fn what_anyone_on_the_way_could_change_is_no_price() {
            let (oracle, worker) = oracle();
            serve(&worker, 200, false, r#"{"symbol": "PHAUSD", "price": "1"}"#);
            assert_eq!(oracle.observe(), Err(Error::NotAuthenticated));
        }

        #[ink::test]
        fn what_is_not_a_price_is_said_so() {
            for (status, body, error) in [
                (503, "", Error::Server(503)),
                (200, "", Error::NotAPrice),
                (200, r#"{"symbol": "BTCUSD", "price": "1"}"#, Error::NotAPrice),
                (200, r#"{"symbol": "PHAUSD", "price": "-1"}"#, Error::NotAPrice),
                (200, r#"{"symbol": "PHAUSD"}"#, Error::NotAPrice),
            ] {
                let (oracle, worker) = oracle();
                serve(&worker, status, true, body);
                assert_eq!(oracle.observe(), Err(error), "{body}");
            }
            let (oracle, _) = oracle();
            assert_eq!(oracle.observe(), Err(Error::Worker(Refusal::HttpNetwork)));
        }

        #[ink::test]
        fn a_signature_can_be_checked_outside() {
            let (oracle, worker) = oracle();
            let price = observed(&oracle, &worker);
            let public = oracle.public_key().unwrap();
            let message = ("phala example price", price.report).encode();
            assert!(phala_contract::verify(KeyKind::Ed25519, &public, &message, &price.signature));
        }

        #[test]
        fn decimals_are_read_without_rounding() {
            assert_eq!(millionths("12.3456"), Some(12_345_600));
            assert_eq!(millionths("7"), Some(7_000_000));
            assert_eq!(millionths("0.00000199"), Some(1));
            for text in ["", ".5", "-1", "1e5", "1.2.3", "99999999999999999999"] {
                assert_eq!(millionths(text), None, "{text}");
            }
        }
    }
}
