// SPDX-License-Identifier: Apache-2.0
//! Extension 0 of the double. Where the worker ends the call it panics, and says why.

use super::{crypto, decode, level, limits, Reply, State};
use crate::{
    pink::{HttpRequest, HttpRequestError, HttpResponse, JsCode, JsValue, SgxQuote, SigType},
    HttpFetch, HttpMethod, LogRecord, Refusal,
};
use ink::{
    primitives::AccountId,
    scale::{Decode, Encode},
};

/// How long a single request waits.
const TIMEOUT_MS: u32 = 10_000;

pub(super) fn serve(state: &mut State, function: u16, input: &[u8]) -> Reply {
    Ok(match function {
        1 => http_request(state, arguments(input)).encode(),
        2 => {
            let (kind, key, message): (SigType, Vec<u8>, Vec<u8>) = arguments(input);
            if kind == SigType::Sr25519 {
                only_in_query(state, "sign");
            }
            crypto::sign(kind, &key, &message).unwrap_or_else(|| ends("the key is not valid")).encode()
        }
        3 => {
            let (kind, public, message, signature): (SigType, Vec<u8>, Vec<u8>, Vec<u8>) = arguments(input);
            crypto::verify(kind, &public, &message, &signature).encode()
        }
        4 => {
            let salt: Vec<u8> = arguments(input);
            assert!(salt.len() <= limits::NAME_BYTES_MAX, "the call ends: the salt is longer than 256 bytes");
            let seed = state.secret(b"pink", &[&salt]);
            crypto::expanded(&seed).unwrap_or_else(|| ends("the key is not valid")).encode()
        }
        5 => {
            let (kind, key): (SigType, Vec<u8>) = arguments(input);
            crypto::public(kind, &key).unwrap_or_else(|| ends("the key is not valid")).encode()
        }
        6 => {
            let (key, value): (Vec<u8>, Vec<u8>) = arguments(input);
            return cache_set(state, key, value);
        }
        7 => {
            let (key, seconds): (Vec<u8>, u64) = arguments(input);
            cache_set_expiration(state, &key, seconds).encode()
        }
        8 => cache_get(state, &arguments::<Vec<u8>>(input)).encode(),
        9 => {
            let key: Vec<u8> = arguments(input);
            let known = cache_get(state, &key);
            if known.is_some() {
                state.cache.remove(&key);
            }
            known.encode()
        }
        10 => {
            let (number, text): (u8, String) = arguments(input);
            let mut message = text;
            while message.len() > limits::FIELD_BYTES_MAX {
                message.pop();
            }
            // What is over the quota is dropped, and nobody is told.
            let _ = state.keep(LogRecord { level: level(number), message, fields: Vec::new() });
            Vec::new()
        }
        11 => getrandom(state, arguments(input)).encode(),
        12 => {
            let () = arguments(input);
            state.is_command.encode()
        }
        13 => {
            let (key, hash): (Vec<u8>, [u8; 32]) = arguments(input);
            crypto::sign_hash(&key, &hash).unwrap_or_else(|| ends("the key is not valid")).encode()
        }
        14 => {
            let (signature, hash, public): ([u8; 65], [u8; 32], [u8; 33]) = arguments(input);
            crypto::verify_hash(&signature, &hash, &public).encode()
        }
        16 => {
            let account: AccountId = arguments(input);
            assert_eq!(account, state.contract, "the call ends: balances of others are private");
            (state.balance, state.balance).encode()
        }
        17 => {
            only_in_query(state, "worker_pubkey");
            crypto::hash(&[b"worker"]).encode()
        }
        18 => {
            only_in_query(state, "untrusted_millis_since_unix_epoch");
            state.now_ms.encode()
        }
        19 => {
            let (code_hash, is_sidevm): ([u8; 32], bool) = arguments(input);
            (!is_sidevm && state.codes.contains(&code_hash)).encode()
        }
        21 => (1_u32, 2_u32).encode(),
        22 => {
            let (requests, timeout_ms): (Vec<HttpRequest>, u64) = arguments(input);
            return batch(state, &requests, timeout_ms).map_err(HttpRequestError::status);
        }
        24 => {
            let _: (Vec<JsCode>, Vec<String>) = arguments(input);
            JsValue::Exception("No Js Runtime".into()).encode()
        }
        25 => None::<SgxQuote>.encode(),
        15 | 20 | 23 => ends("there is no system contract and no event chain"),
        _ => ends("extension 0 has no such function"),
    })
}

fn arguments<T: Decode>(input: &[u8]) -> T {
    decode(input).unwrap_or_else(|| ends("the input does not decode"))
}

fn ends(why: &str) -> ! {
    panic!("the call ends: {why}")
}

fn only_in_query(state: &State, function: &str) {
    assert!(!state.is_command, "the call ends: {function} is not for commands");
}

fn seconds_of(state: &State) -> u64 {
    state.now_ms.checked_div(1000).unwrap_or_default()
}

fn cache_set(state: &mut State, key: Vec<u8>, value: Vec<u8>) -> Reply {
    if state.is_command {
        return Ok(Vec::new());
    }
    let others = state.cache.iter().filter(|(known, _)| **known != key);
    let used: usize = others.map(|(key, (_, value))| key.len().saturating_add(value.len())).sum();
    let is_within = key.len() <= limits::NAME_BYTES_MAX
        && value.len() <= limits::CACHE_VALUE_BYTES_MAX
        && used.saturating_add(key.len()).saturating_add(value.len()) <= limits::CACHE_BYTES_MAX;
    if !is_within {
        return Err(1);
    }
    let expires_at = seconds_of(state).saturating_add(limits::CACHE_SECONDS);
    state.cache.insert(key, (expires_at, value));
    Ok(Vec::new())
}

fn cache_set_expiration(state: &mut State, key: &[u8], seconds: u64) {
    if state.is_command {
        return;
    }
    let expires_at = seconds_of(state).saturating_add(seconds.min(limits::CACHE_SECONDS));
    if seconds == 0 {
        state.cache.remove(key);
    } else if let Some((known, _)) = state.cache.get_mut(key) {
        *known = expires_at;
    }
}

fn cache_get(state: &State, key: &[u8]) -> Option<Vec<u8>> {
    let (expires_at, value) = state.cache.get(key).filter(|_| !state.is_command)?;
    (seconds_of(state) < *expires_at).then(|| value.clone())
}

fn getrandom(state: &mut State, length: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !state.is_command && bytes.len() < usize::from(length) {
        bytes.extend(state.random());
    }
    bytes.truncate(usize::from(length));
    bytes
}

fn http_request(state: &mut State, request: HttpRequest) -> HttpResponse {
    only_in_query(state, "http_request");
    let is_left = state.requests_of_call < limits::REQUESTS_MAX;
    assert!(is_left, "the call ends: the query has no request left");
    match send(state, &request, TIMEOUT_MS) {
        Ok(response) => response,
        Err(
            HttpRequestError::InvalidUrl
            | HttpRequestError::InvalidMethod
            | HttpRequestError::InvalidHeaderName
            | HttpRequestError::InvalidHeaderValue
            | HttpRequestError::Timeout,
        ) => ends("the request is malformed, or timed out"),
        Err(other) => made_up(524, "IO Error", format!("{other:?}")),
    }
}

fn batch(state: &mut State, requests: &[HttpRequest], timeout_ms: u64) -> Result<Vec<u8>, HttpRequestError> {
    if state.is_command {
        return Err(HttpRequestError::NotAllowed);
    }
    let left = limits::REQUESTS_MAX.saturating_sub(state.requests_of_call);
    if requests.len() > limits::BATCH_MAX.min(left) {
        return Err(HttpRequestError::TooManyRequests);
    }
    let timeout_ms = u32::try_from(timeout_ms).unwrap_or(TIMEOUT_MS).min(TIMEOUT_MS);
    if timeout_ms == 0 {
        return Err(HttpRequestError::Timeout);
    }
    Ok(requests.iter().map(|request| send(state, request, timeout_ms)).collect::<Vec<_>>().encode())
}

fn send(state: &mut State, request: &HttpRequest, timeout_ms: u32) -> Result<HttpResponse, HttpRequestError> {
    let method = match request.method.as_str() {
        "GET" => HttpMethod::Get,
        "HEAD" => HttpMethod::Head,
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => return Err(HttpRequestError::InvalidMethod),
    };
    if request.url.len() > limits::URL_BYTES_MAX {
        return Err(HttpRequestError::InvalidUrl);
    }
    let is_short = |(name, value): &(String, String)| {
        name.len() <= limits::HEADER_NAME_BYTES_MAX && value.len() <= limits::HEADER_VALUE_BYTES_MAX
    };
    if request.headers.len() > limits::HEADERS_MAX || !request.headers.iter().all(is_short) {
        return Err(HttpRequestError::InvalidHeaderValue);
    }
    if request.body.len() > limits::BODY_BYTES_MAX {
        return Err(HttpRequestError::NotAllowed);
    }
    let body_bytes_max = u32::try_from(limits::ANSWER_BODY_BYTES_MAX).unwrap_or(u32::MAX);
    let answer = state.answer(&HttpFetch {
        method,
        url: request.url.clone(),
        headers: request.headers.clone(),
        body: request.body.clone(),
        answer_headers: Vec::new(),
        body_bytes_max,
        timeout_ms,
    });
    match answer {
        Ok(fetched) if fetched.body.len() > limits::ANSWER_BODY_BYTES_MAX => {
            Err(HttpRequestError::ResponseTooLarge)
        }
        Ok(fetched) => Ok(HttpResponse {
            status_code: fetched.status,
            reason_phrase: if fetched.status == 200 { "OK".into() } else { String::new() },
            headers: fetched.headers,
            body: fetched.body,
        }),
        Err(Refusal::HttpTimeout) => Err(HttpRequestError::Timeout),
        Err(Refusal::HttpUrl) => Err(HttpRequestError::InvalidUrl),
        Err(Refusal::HttpHeader) => Err(HttpRequestError::InvalidHeaderValue),
        Err(Refusal::HttpDestination | Refusal::HttpRedirects) => Err(HttpRequestError::NotAllowed),
        Err(Refusal::HttpResponseTooLarge) => Err(HttpRequestError::ResponseTooLarge),
        Err(Refusal::HttpNetwork) => Ok(made_up(523, "Unreachable", String::new())),
        Err(_) => Err(HttpRequestError::NetworkError),
    }
}

/// A response that no server gave.
fn made_up(status_code: u16, reason: &str, body: String) -> HttpResponse {
    HttpResponse { status_code, reason_phrase: reason.into(), headers: Vec::new(), body: body.into_bytes() }
}
