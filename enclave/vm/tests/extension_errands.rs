// SPDX-License-Identifier: Apache-2.0
//! What queries fetch: how a query is run again, and what a worker does for it and what it refuses.
#![allow(missing_docs)]

#[path = "common/extension.rs"]
mod extension;

use extension::*;
use phala_crypto::Secret;
use phala_vm::HostError;
use phala_vm::extension::{
    Brought, Done, Errand, EvidenceUnavailable, QueryExtensions,
    cache::Cache,
    http::{HttpError, HttpRequest, HttpResponse, REQUESTS_MAX, TIMEOUT_MS_MAX},
    wire::*,
};

fn pink_request(url: &str) -> PinkHttpRequest {
    PinkHttpRequest {
        url: url.into(),
        method: "GET".into(),
        headers: vec![("a".into(), "b".into())],
        body: vec![],
    }
}

fn own_request(url: &str) -> HttpFetch {
    HttpFetch {
        method: HttpMethod::Post,
        url: url.into(),
        headers: vec![],
        body: b"{}".to_vec(),
        answer_headers: vec!["Content-Type".into(), "missing".into()],
        body_bytes_max: 1000,
        timeout_ms: 2000,
    }
}

fn response(body: &str) -> HttpResponse {
    HttpResponse {
        status: 200,
        reason: "OK".into(),
        headers: vec![("content-type".into(), "t".repeat(300)), ("x".into(), "y".into())],
        body: body.as_bytes().to_vec(),
        is_authenticated: true,
    }
}

/// Runs until nothing is missing: how a worker does it, with a function for the world.
fn run<T>(
    mut contract: impl FnMut(&mut QueryExtensions) -> Result<T, HostError>,
    world: impl Fn(&Errand) -> Brought,
) -> (Result<T, HostError>, u32) {
    let mut done = Vec::new();
    for runs in 1.. {
        let mut query = query_with(1, Cache::default(), done);
        let result = contract(&mut query);
        match query.end(result.is_err()).waiting {
            None => return (result, runs),
            Some(waiting) => {
                assert_eq!(result.err(), Some(HostError::Fault), "a run that waits has no outcome");
                let new = waiting.errands.into_iter().map(|errand| Done { brought: world(&errand), errand });
                done = waiting.done.into_iter().chain(new).collect();
            }
        }
    }
    unreachable!()
}

fn url(errand: &Errand) -> String {
    match errand {
        Errand::Fetch(request) => request.url.clone(),
        Errand::Evidence { .. } => panic!("no statement was asked for"),
    }
}

/// A world in which every URL answers with itself.
fn echo(errand: &Errand) -> Brought {
    Brought::Fetched(Ok(response(&url(errand))))
}

#[test]
fn a_query_is_run_again_with_what_it_asked_for() {
    let (result, runs) = run(
        |query| {
            let drawn = got::<Vec<u8>>(pink(query, 11, 8u8));
            let first: PinkHttpResponse = got(Ok(pink(query, 1, pink_request("https://a/"))?));
            let second: HttpFetched = got(Ok(own(query, 6, own_request("https://b/"))?));
            Ok((drawn, first, second))
        },
        echo,
    );
    assert_eq!(runs, 3);
    let (drawn, first, second) = result.unwrap();
    assert_eq!(drawn, got::<Vec<u8>>(pink(&mut query(), 11, 8u8)));
    assert_eq!((first.status_code, &*first.reason_phrase, &*first.body), (200, "OK", &b"https://a/"[..]));
    assert_eq!(first.headers.len(), 2);
    assert_eq!((second.status, second.is_authenticated, &*second.body), (200, true, &b"https://b/"[..]));
    assert_eq!(second.headers, [("Content-Type".to_owned(), "t".repeat(256))]);
}

#[test]
fn equal_requests_are_sent_once_each() {
    let answers = std::cell::Cell::new(0);
    let (result, runs) = run(
        |query| {
            let mut ask = || -> Result<Vec<u8>, HostError> {
                Ok(got::<HttpFetched>(Ok(own(query, 6, own_request("https://a/"))?)).body)
            };
            Ok((ask()?, ask()?))
        },
        |_| {
            answers.set(answers.get() + 1);
            Brought::Fetched(Ok(response(&answers.get().to_string())))
        },
    );
    assert_eq!((result.unwrap(), runs), ((b"1".to_vec(), b"2".to_vec()), 3));
}

#[test]
fn a_batch_is_one_wait_and_each_request_counts() {
    let batch = |count: usize| (vec![pink_request("https://a/"); count], 1000u64);
    let (result, runs) = run(|query| pink(query, 22, batch(3)), echo);
    let responses: PinkBatch = got(result);
    assert_eq!((responses.len(), runs), (3, 2));
    assert!(responses.iter().all(|it| it.as_ref().unwrap().body == b"https://a/"));
    assert_eq!(pink(&mut query(), 22, batch(6)), Ok((8, vec![])));
    assert_eq!(pink(&mut query(), 22, (vec![pink_request("https://a/")], 0u64)), Ok((6, vec![])));
    let (result, _) = run(
        |query| {
            pink(query, 22, batch(5))?;
            pink(query, 22, batch(4))
        },
        echo,
    );
    assert_eq!(result, Ok((8, vec![])), "more than the query has left");
    let mut long = pink_request("https://a/");
    long.url = "u".repeat(2049);
    let (result, _) =
        run(|query| pink(query, 22, (vec![long.clone(), pink_request("https://b/")], 9u64)), echo);
    let responses: PinkBatch = got(result);
    assert_eq!(responses[0], Err(PinkHttpError::InvalidUrl));
    assert_eq!(responses[1].as_ref().unwrap().body, b"https://b/");
    assert_eq!(pink(&mut command(), 22, batch(1)), Ok((7, vec![])));
}

#[test]
fn a_query_may_ask_for_so_much_and_no_more() {
    let (result, runs) = run(
        |query| {
            let statuses = (0..=REQUESTS_MAX).map(|number| {
                own(query, 6, own_request(&format!("https://{number}/"))).map(|(status, _)| status)
            });
            statuses.collect::<Result<Vec<_>, _>>()
        },
        echo,
    );
    let statuses = result.unwrap();
    assert!(statuses[..REQUESTS_MAX].iter().all(|status| *status == 0));
    assert_eq!(statuses[REQUESTS_MAX], Status::QuotaExceeded as u32);
    assert_eq!(runs as usize, REQUESTS_MAX + 1);
    let (result, _) = run(
        |query| (0..=REQUESTS_MAX).try_for_each(|_| pink(query, 1, pink_request("https://a/")).map(|_| ())),
        echo,
    );
    assert_eq!(result, Err(HostError::LimitReached));
}

#[test]
fn a_run_that_may_not_wait_is_told_so() {
    let new = || {
        QueryExtensions::new(keys(), asker(), Secret::new([1; 32]), Cache::default(), NOW_MS, vec![], false)
    };
    let mut last = new();
    assert_eq!(own(&mut last, 6, own_request("https://a/")), refused(Status::QuotaExceeded));
    assert!(last.end(false).waiting.is_none());
    assert_eq!(own(&mut new(), 5, vec![0u8; 1]), refused(Status::QuotaExceeded));
}

#[test]
fn a_command_cannot_fetch() {
    assert_eq!(pink(&mut command(), 1, pink_request("https://a/")), Err(NOT_AVAILABLE));
    assert_eq!(own(&mut command(), 6, own_request("https://a/")), refused(Status::NotInCommands));
    assert_eq!(own(&mut command(), 5, vec![1u8]), refused(Status::NotInCommands));
}

#[test]
fn a_request_over_its_bounds_is_not_sent() {
    type Change = fn(&mut HttpFetch);
    let changes: [Change; 9] = [
        |it| it.url = "u".repeat(2049),
        |it| it.headers = vec![("a".into(), "b".into()); 33],
        |it| it.headers = vec![("a".repeat(65), "b".into())],
        |it| it.headers = vec![("a".into(), "b".repeat(2049))],
        |it| it.body = vec![0; 16 * 1024 + 1],
        |it| it.answer_headers = vec!["a".into(); 9],
        |it| it.body_bytes_max = 512 * 1024 + 1,
        |it| it.timeout_ms = 0,
        |it| it.timeout_ms = TIMEOUT_MS_MAX + 1,
    ];
    for change in changes {
        let mut request = own_request("https://a/");
        change(&mut request);
        let mut query = query();
        assert_eq!(own(&mut query, 6, request), refused(Status::TooLarge));
        assert!(query.end(false).waiting.is_none());
    }
    let mut request = pink_request("https://a/");
    request.body = vec![0; 16 * 1024 + 1];
    assert_eq!(pink(&mut query(), 1, request), Err(INVALID));
}

#[test]
fn every_failure_of_a_request_has_its_answer() {
    let fails = |error| move |_: &Errand| Brought::Fetched(Err(error));
    let own_of = |error| run(|query| own(query, 6, own_request("https://a/")), fails(error)).0;
    let pink_of = |error| run(|query| pink(query, 1, pink_request("https://a/")), fails(error)).0;
    let batch_of = |error| {
        let batch = (vec![pink_request("https://a/")], 100u64);
        got::<PinkBatch>(run(|query| pink(query, 22, batch.clone()), fails(error)).0).remove(0)
    };
    for (error, status, answer, batch) in [
        (HttpError::Url, Status::HttpUrl, Err(INVALID), PinkHttpError::InvalidUrl),
        (HttpError::Method, Status::Unavailable, Err(INVALID), PinkHttpError::InvalidMethod),
        (HttpError::HeaderName, Status::HttpHeader, Err(INVALID), PinkHttpError::InvalidHeaderName),
        (HttpError::HeaderValue, Status::HttpHeader, Err(INVALID), PinkHttpError::InvalidHeaderValue),
        (HttpError::Timeout, Status::HttpTimeout, Err(HostError::LimitReached), PinkHttpError::Timeout),
        (HttpError::Destination, Status::HttpDestination, Ok(524), PinkHttpError::NotAllowed),
        (HttpError::Redirects, Status::HttpRedirects, Ok(524), PinkHttpError::NotAllowed),
        (HttpError::Network, Status::HttpNetwork, Ok(524), PinkHttpError::NetworkError),
        (HttpError::Tls, Status::HttpTls, Ok(524), PinkHttpError::NetworkError),
        (HttpError::ResponseTooLarge, Status::HttpResponseTooLarge, Ok(524), PinkHttpError::ResponseTooLarge),
        (HttpError::Client, Status::Unavailable, Ok(524), PinkHttpError::FailedToCreateClient),
    ] {
        assert_eq!(own_of(error), refused(status));
        match answer {
            Err(ends) => assert_eq!(pink_of(error), Err(ends)),
            Ok(code) => {
                let response: PinkHttpResponse = got(pink_of(error));
                assert_eq!((response.status_code, &*response.reason_phrase), (code, "IO Error"));
                assert_eq!(response.body, format!("{batch:?}").into_bytes());
            }
        }
        assert_eq!(batch_of(error), Err(batch));
    }
    assert_eq!(own_of(HttpError::Unreachable), refused(Status::HttpNetwork));
    let unreachable: PinkHttpResponse = got(pink_of(HttpError::Unreachable));
    assert_eq!((unreachable.status_code, &*unreachable.reason_phrase), (523, "Unreachable"));
    assert_eq!(batch_of(HttpError::Unreachable).unwrap().status_code, 523);
}

#[test]
fn the_hardware_speaks_for_the_contract_that_asks() {
    let ask = |world: fn() -> Result<Vec<u8>, EvidenceUnavailable>| {
        run(
            |query| own(query, 5, b"data".to_vec()),
            move |errand| {
                assert_eq!(*errand, Errand::Evidence { contract: CONTRACT, user_data: b"data".to_vec() });
                Brought::Evidence(world())
            },
        )
        .0
    };
    let evidence: Evidence = got(ask(|| Ok(vec![9; 100])));
    assert_eq!(
        evidence,
        Evidence { worker: [5; 32], platform: PlatformKind::Simulated, statement: vec![9; 100] }
    );
    assert_eq!(ask(|| Err(EvidenceUnavailable)), refused(Status::Unavailable));
    assert_eq!(ask(|| Ok(vec![0; STATEMENT_BYTES_MAX + 1])), refused(Status::TooLarge));
    assert_eq!(own(&mut query(), 5, vec![0u8; 65]), refused(Status::TooLarge));
    let twice = run(
        |query| {
            own(query, 5, b"a".to_vec())?;
            own(query, 5, b"b".to_vec())
        },
        |_| Brought::Evidence(Ok(vec![])),
    );
    assert_eq!(twice.0, refused(Status::QuotaExceeded));
}

#[test]
fn only_sgx_has_an_sgx_quote() {
    let mut sgx = asker();
    sgx.platform = PlatformKind::Sgx;
    let new =
        |done| QueryExtensions::new(keys(), sgx, Secret::new([1; 32]), Cache::default(), NOW_MS, done, true);
    let mut first = new(vec![]);
    assert_eq!(pink(&mut first, 25, ()), Err(HostError::Fault));
    let errand = first.end(true).waiting.unwrap().errands.remove(0);
    let mut second = new(vec![Done { errand, brought: Brought::Evidence(Ok(vec![1, 2])) }]);
    let quote: Option<SgxQuote> = got(pink(&mut second, 25, ()));
    assert_eq!(quote, Some(SgxQuote { attestation_type: 1, quote: vec![1, 2] }));
}

#[test]
fn what_a_moved_head_asks_for_is_fetched_and_what_it_no_longer_asks_for_is_dropped() {
    let fetched = |errand: Errand| Done { brought: echo(&errand), errand };
    let mut before = query();
    assert!(own(&mut before, 6, own_request("https://old/")).is_err());
    let old = before.end(true).waiting.unwrap().errands.remove(0);
    let mut after = query_with(1, Cache::default(), vec![fetched(old)]);
    assert!(own(&mut after, 6, own_request("https://new/")).is_err());
    let waiting = after.end(true).waiting.unwrap();
    assert!(waiting.done.is_empty());
    assert_eq!(waiting.errands.iter().map(url).collect::<Vec<_>>(), ["https://new/"]);
}

#[test]
fn a_request_is_bounded_as_its_documentation_says() {
    let request = HttpRequest {
        method: "GET".into(),
        url: "u".repeat(2048),
        headers: vec![("a".repeat(64), "b".repeat(2048)); 32],
        body: vec![0; 16 * 1024],
        body_bytes_max: 512 * 1024,
        timeout_ms: 10_000,
    };
    assert_eq!(request.check(), Ok(()));
}
