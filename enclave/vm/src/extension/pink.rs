// SPDX-License-Identifier: Apache-2.0
//! Extension 0: the functions of Phala's contracts, under their numbers (section 2 of `specs/chain-extensions.md`).

use k256::elliptic_curve::rand_core::RngCore;

use super::http::{
    ALL_HEADERS_BYTES_MAX, BATCH_MAX, HEADERS_MAX, HttpError, HttpRequest, HttpResponse,
    RESPONSE_BODY_BYTES_MAX, TIMEOUT_MS_MAX, TooLarge,
};
use super::query::{QueryExtensions, Unmet};
use super::signing::{self, InvalidKey};
use super::wire::{
    JsCode, JsValue, LogLevel, PATH_BYTES_MAX, PinkBatch, PinkHttpError, PinkHttpRequest, PinkHttpResponse,
    PlatformKind, SgxQuote, SigType,
};
use super::{Backend, Frame, INVALID, NOT_AVAILABLE, SUSPENDED, answer, decode};
use crate::host::{AccountBytes, HashBytes, HostError};

/// The version of Phala's runtime whose functions these are.
const RUNTIME_VERSION: (u32, u32) = (1, 2);
/// What Phala's runtime answers where it has no JavaScript.
const NO_JAVASCRIPT: &str = "No Js Runtime";
/// DCAP, in an [`SgxQuote`].
const DCAP: u8 = 1;

impl From<InvalidKey> for HostError {
    fn from(InvalidKey: InvalidKey) -> Self {
        INVALID
    }
}

type Answer = (u32, Vec<u8>);

const NOTHING: Answer = (0, Vec::new());

/// Carries out a function.
pub(super) fn call(
    backend: &mut dyn Backend,
    frame: &mut Frame<'_>,
    function: u16,
    input: &[u8],
) -> Result<Answer, HostError> {
    match function {
        1 => http_request(backend, frame, decode(input)?),
        2 => sign(backend, decode(input)?),
        3 => {
            let (kind, public, message, signature): (SigType, Vec<u8>, Vec<u8>, Vec<u8>) = decode(input)?;
            Ok(answer(&signing::verify(kind, &public, &message, &signature)))
        }
        4 => {
            let salt: Vec<u8> = decode(input)?;
            if salt.len() > PATH_BYTES_MAX {
                return Err(INVALID);
            }
            Ok(answer(&backend.keys().contract(&frame.contract).sr25519(&salt)))
        }
        5 => {
            let (kind, key): (SigType, Vec<u8>) = decode(input)?;
            Ok(answer(&signing::public_key(kind, &key)?))
        }
        6 => cache_set(backend, frame, decode(input)?),
        7 => {
            let (key, seconds): (Vec<u8>, u64) = decode(input)?;
            if let Some(query) = backend.query() {
                query.cache_set_expiration(frame, key, seconds);
            }
            Ok(NOTHING)
        }
        8 => {
            let key: Vec<u8> = decode(input)?;
            Ok(answer(&backend.query().and_then(|query| query.cache_get(frame, &key))))
        }
        9 => {
            let key: Vec<u8> = decode(input)?;
            Ok(answer(&backend.query().and_then(|query| query.cache_remove(frame, key))))
        }
        10 => log(frame, decode(input)?),
        11 => {
            let length: u8 = decode(input)?;
            let mut bytes = Vec::new();
            if let Some(query) = backend.query() {
                bytes.resize(length.into(), 0);
                query.random().fill_bytes(&mut bytes);
            }
            Ok(answer(&bytes))
        }
        12 => {
            let () = decode(input)?;
            Ok(answer(&backend.query().is_none()))
        }
        13 => {
            let (key, hash): (Vec<u8>, HashBytes) = decode(input)?;
            Ok(answer(&signing::sign_ecdsa(&key, &hash)?))
        }
        14 => {
            let (signature, hash, public): ([u8; 65], HashBytes, [u8; 33]) = decode(input)?;
            Ok(answer(&signing::verify_ecdsa(&signature, &hash, &public)))
        }
        16 => {
            let account: AccountBytes = decode(input)?;
            match account == frame.contract {
                true => {
                    let balance = frame.world.balance_of(&account);
                    Ok(answer(&(balance, balance)))
                }
                false => Err(NOT_AVAILABLE),
            }
        }
        17 => {
            let () = decode(input)?;
            Ok(answer(&only_in_queries(backend)?.asker.hpke_key))
        }
        18 => {
            let () = decode(input)?;
            Ok(answer(&only_in_queries(backend)?.asker.host_ms))
        }
        19 => {
            let (hash, is_sidevm): (HashBytes, bool) = decode(input)?;
            Ok(answer(&(!is_sidevm && frame.world.has_code(&hash))))
        }
        21 => {
            let () = decode(input)?;
            Ok(answer(&RUNTIME_VERSION))
        }
        22 => batch_http_request(backend, frame, decode(input)?),
        24 => {
            let (_codes, _arguments): (Vec<JsCode>, Vec<String>) = decode(input)?;
            Ok(answer(&JsValue::Exception(NO_JAVASCRIPT.into())))
        }
        25 => {
            let () = decode(input)?;
            sgx_quote(backend, frame)
        }
        // A system contract, its code and a chain of events: there are none here.
        15 | 20 | 23 => Err(NOT_AVAILABLE),
        _ => Err(HostError::ExtensionUnknown),
    }
}

fn only_in_queries(backend: &mut dyn Backend) -> Result<&mut QueryExtensions, HostError> {
    backend.query().ok_or(NOT_AVAILABLE)
}

fn sign(
    backend: &mut dyn Backend,
    (kind, key, message): (SigType, Vec<u8>, Vec<u8>),
) -> Result<Answer, HostError> {
    Ok(answer(&match kind {
        SigType::Sr25519 => signing::sign_sr25519(&key, &message, only_in_queries(backend)?.random())?,
        SigType::Ed25519 | SigType::Ecdsa => signing::sign(kind, &key, &message)?,
    }))
}

fn cache_set(
    backend: &mut dyn Backend,
    frame: &mut Frame<'_>,
    (key, value): (Vec<u8>, Vec<u8>),
) -> Result<Answer, HostError> {
    let kept = backend.query().map_or(Ok(()), |query| query.cache_set(frame, key, value));
    Ok((u32::from(kept.is_err()), Vec::new()))
}

fn log(frame: &mut Frame<'_>, (level, text): (u8, String)) -> Result<Answer, HostError> {
    let level = match level {
        2 => LogLevel::Warn,
        3 => LogLevel::Info,
        4 => LogLevel::Debug,
        5 => LogLevel::Trace,
        _ => LogLevel::Error,
    };
    // Phala's function cannot say that a line was dropped.
    let _ = frame.world.logs().push_text(&frame.contract, level, &text);
    Ok(NOTHING)
}

fn sgx_quote(backend: &mut dyn Backend, frame: &mut Frame<'_>) -> Result<Answer, HostError> {
    let Some(query) = backend.query().filter(|query| query.asker.platform == PlatformKind::Sgx) else {
        return Ok(answer(&None::<SgxQuote>));
    };
    match query.statement(frame, Vec::new()) {
        Ok(statement) => Ok(answer(&statement.ok().map(|quote| SgxQuote { attestation_type: DCAP, quote }))),
        Err(Unmet::QuotaExceeded) => Ok(answer(&None::<SgxQuote>)),
        Err(Unmet::Waiting) => Err(SUSPENDED),
    }
}

impl PinkHttpRequest {
    fn bounded(self, timeout_ms: u32) -> Result<HttpRequest, PinkHttpError> {
        let request = HttpRequest {
            method: self.method,
            url: self.url,
            headers: self.headers,
            body: self.body,
            body_bytes_max: RESPONSE_BODY_BYTES_MAX,
            timeout_ms,
        };
        request.check().map_err(|part| match part {
            TooLarge::Url => PinkHttpError::InvalidUrl,
            TooLarge::Headers => PinkHttpError::InvalidHeaderValue,
            TooLarge::Other => PinkHttpError::NotAllowed,
        })?;
        Ok(request)
    }
}

fn http_request(
    backend: &mut dyn Backend,
    frame: &mut Frame<'_>,
    request: PinkHttpRequest,
) -> Result<Answer, HostError> {
    let query = only_in_queries(backend)?;
    let request = request.bounded(TIMEOUT_MS_MAX).map_err(|_| INVALID)?;
    let responses = query.fetch(frame, vec![request]).map_err(|unmet| match unmet {
        Unmet::QuotaExceeded => HostError::LimitReached,
        Unmet::Waiting => SUSPENDED,
    })?;
    let response = responses.into_iter().next().ok_or(HostError::Fault)?;
    match pink_response(response) {
        Ok(response) => Ok(answer(&response)),
        Err(PinkHttpError::Timeout) => Err(HostError::LimitReached),
        Err(
            PinkHttpError::InvalidUrl
            | PinkHttpError::InvalidMethod
            | PinkHttpError::InvalidHeaderName
            | PinkHttpError::InvalidHeaderValue,
        ) => Err(INVALID),
        Err(error) => Ok(answer(&PinkHttpResponse {
            status_code: 524,
            reason_phrase: "IO Error".into(),
            headers: Vec::new(),
            body: format!("{error:?}").into_bytes(),
        })),
    }
}

fn batch_http_request(
    backend: &mut dyn Backend,
    frame: &mut Frame<'_>,
    (requests, timeout_ms): (Vec<PinkHttpRequest>, u64),
) -> Result<Answer, HostError> {
    let refused = |error: PinkHttpError| Ok((error.status(), Vec::new()));
    let Some(query) = backend.query() else { return refused(PinkHttpError::NotAllowed) };
    if requests.len() > BATCH_MAX {
        return refused(PinkHttpError::TooManyRequests);
    }
    if timeout_ms == 0 {
        return refused(PinkHttpError::Timeout);
    }
    let timeout_ms = u32::try_from(timeout_ms).unwrap_or(TIMEOUT_MS_MAX).min(TIMEOUT_MS_MAX);
    let bounded: Vec<_> = requests.into_iter().map(|request| request.bounded(timeout_ms)).collect();
    let sent = bounded.iter().filter_map(|request| request.as_ref().ok().cloned()).collect();
    let mut responses = match query.fetch(frame, sent) {
        Ok(responses) => responses.into_iter(),
        Err(Unmet::QuotaExceeded) => return refused(PinkHttpError::TooManyRequests),
        Err(Unmet::Waiting) => return Err(SUSPENDED),
    };
    let results = bounded.into_iter().map(|request| {
        request.and_then(|_| pink_response(responses.next().unwrap_or(Err(HttpError::Client))))
    });
    Ok(answer(&results.collect::<PinkBatch>()))
}

/// A response as Phala's contracts know it. That a server cannot be reached is a response, too.
fn pink_response(response: Result<HttpResponse, HttpError>) -> Result<PinkHttpResponse, PinkHttpError> {
    match response {
        Ok(response) => {
            let mut bytes = 0usize;
            let fits = |(name, value): &(String, String)| {
                bytes = bytes.saturating_add(name.len()).saturating_add(value.len());
                bytes <= ALL_HEADERS_BYTES_MAX
            };
            Ok(PinkHttpResponse {
                status_code: response.status,
                reason_phrase: response.reason,
                headers: response.headers.into_iter().take(HEADERS_MAX).take_while(fits).collect(),
                body: response.body,
            })
        }
        Err(HttpError::Unreachable) => Ok(PinkHttpResponse {
            status_code: 523,
            reason_phrase: "Unreachable".into(),
            headers: Vec::new(),
            body: Vec::new(),
        }),
        Err(error) => Err(match error {
            HttpError::Url => PinkHttpError::InvalidUrl,
            HttpError::Method => PinkHttpError::InvalidMethod,
            HttpError::HeaderName => PinkHttpError::InvalidHeaderName,
            HttpError::HeaderValue => PinkHttpError::InvalidHeaderValue,
            HttpError::Destination | HttpError::Redirects => PinkHttpError::NotAllowed,
            HttpError::Timeout => PinkHttpError::Timeout,
            HttpError::Network | HttpError::Tls | HttpError::Unreachable => PinkHttpError::NetworkError,
            HttpError::ResponseTooLarge => PinkHttpError::ResponseTooLarge,
            HttpError::Client => PinkHttpError::FailedToCreateClient,
        }),
    }
}
