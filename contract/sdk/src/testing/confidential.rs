// SPDX-License-Identifier: Apache-2.0
//! Extension 1 of the double. Each function checks in the order of rule R5.

use super::{crypto, decode, limits, Reply, State, WORKER};
use crate::{
    AttestedTime, BeaconRandom, DerivedKey, Evidence, HttpFetch, HttpFetched, KeyKind, LogRecord, LogValue,
    Platform, QueryOrigin, RandomSource, Refusal, TimeSource,
};
use ink::{primitives::AccountId, scale::Encode};

/// The last block at which the double's certificates are valid.
const CERTIFICATE_EXPIRES_AT: u32 = 1_000_000;

/// Functions that are not offered in commands.
const QUERY_ONLY: [u16; 3] = [1, 5, 6];

/// Headers that the worker sets itself.
const OWN_HEADERS: [&str; 9] = [
    "host",
    "content-length",
    "connection",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "proxy-authorization",
];

pub(super) fn serve(state: &mut State, function: u16, input: &[u8]) -> Reply {
    answer(state, function, input).map_err(Refusal::status)
}

fn answer(state: &mut State, function: u16, input: &[u8]) -> Result<Vec<u8>, Refusal> {
    if !(1..=9).contains(&function) {
        return Err(Refusal::Unsupported);
    }
    if state.is_command && QUERY_ONLY.contains(&function) {
        return Err(Refusal::NotInCommands);
    }
    Ok(match function {
        1 => {
            nothing(input)?;
            query_origin(state).encode()
        }
        2 => {
            nothing(input)?;
            AttestedTime { ms: state.now_ms, block: state.block, source: TimeSource::FinalizedBlock }.encode()
        }
        3 => beacon_random(state, &arguments::<Vec<u8>>(input)?)?.encode(),
        4 => {
            let (path, kind): (Vec<u8>, KeyKind) = arguments(input)?;
            derive_key(state, &path, kind)?.encode()
        }
        5 => evidence(state, &arguments::<Vec<u8>>(input)?)?.encode(),
        6 => http_fetch(state, &arguments(input)?)?.encode(),
        7 => log(state, arguments(input)?)?.encode(),
        8 => {
            let (data, context): (Vec<u8>, Vec<u8>) = arguments(input)?;
            seal(state, &data, &context)?.encode()
        }
        _ => {
            let (sealed, context): (Vec<u8>, Vec<u8>) = arguments(input)?;
            unseal(state, &sealed, &context)?.encode()
        }
    })
}

fn arguments<T: ink::scale::Decode>(input: &[u8]) -> Result<T, Refusal> {
    decode(input).ok_or(Refusal::Malformed)
}

fn nothing(input: &[u8]) -> Result<(), Refusal> {
    bound(input.is_empty()).map_err(|_| Refusal::Malformed)
}

fn bound(is_within: bool) -> Result<(), Refusal> {
    if is_within {
        Ok(())
    } else {
        Err(Refusal::TooLarge)
    }
}

fn query_origin(state: &State) -> QueryOrigin {
    QueryOrigin {
        account: state.origin.unwrap_or(AccountId::from([0; 32])),
        is_anonymous: state.origin.is_none(),
        expires_at: if state.origin.is_some() { CERTIFICATE_EXPIRES_AT } else { 0 },
    }
}

fn beacon_random(state: &State, subject: &[u8]) -> Result<BeaconRandom, Refusal> {
    bound(subject.len() <= limits::SUBJECT_BYTES_MAX)?;
    let call = (state.is_command, state.block, state.call).encode();
    let bytes = state.secret(b"beacon", &[&call, subject]);
    Ok(BeaconRandom { bytes, block: state.block, source: RandomSource::ClusterSecret })
}

fn derive_key(state: &State, path: &[u8], kind: KeyKind) -> Result<DerivedKey, Refusal> {
    bound(path.len() <= limits::NAME_BYTES_MAX)?;
    let secret = state.secret(b"key", &[path, &kind.encode()]);
    let public = crypto::public_of(kind, &secret).ok_or(Refusal::Unavailable)?;
    Ok(DerivedKey { secret, public })
}

fn evidence(state: &mut State, user_data: &[u8]) -> Result<Evidence, Refusal> {
    bound(user_data.len() <= limits::SUBJECT_BYTES_MAX)?;
    if state.has_statement {
        return Err(Refusal::QuotaExceeded);
    }
    state.has_statement = true;
    let statement = state.secret(b"evidence", &[user_data]).to_vec();
    Ok(Evidence { worker: WORKER, platform: Platform::Simulated, statement })
}

fn http_fetch(state: &mut State, request: &HttpFetch) -> Result<HttpFetched, Refusal> {
    bound(request.url.len() <= limits::URL_BYTES_MAX)?;
    bound(request.headers.len() <= limits::HEADERS_MAX)?;
    bound(request.headers.iter().all(|(name, value)| {
        name.len() <= limits::HEADER_NAME_BYTES_MAX && value.len() <= limits::HEADER_VALUE_BYTES_MAX
    }))?;
    bound(request.body.len() <= limits::BODY_BYTES_MAX)?;
    bound(request.answer_headers.len() <= limits::ANSWER_HEADERS_MAX)?;
    bound(request.answer_headers.iter().all(|name| name.len() <= limits::HEADER_NAME_BYTES_MAX))?;
    bound(request.body_bytes_max as usize <= limits::ANSWER_BODY_BYTES_MAX)?;
    bound((1..=limits::TIMEOUT_MS_MAX).contains(&request.timeout_ms))?;
    if state.requests_of_call >= limits::REQUESTS_MAX {
        return Err(Refusal::QuotaExceeded);
    }
    let mut fetched = state.answer(request)?;
    if fetched.body.len() > request.body_bytes_max as usize {
        return Err(Refusal::HttpResponseTooLarge);
    }
    fetched.is_authenticated &= request.url.starts_with("https://");
    let wanted = request.answer_headers.iter().filter_map(|wanted| {
        let (_, value) = fetched.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
        let cut = value.chars().take(limits::ANSWER_HEADER_BYTES_MAX).collect();
        Some((wanted.clone(), cut))
    });
    fetched.headers = wanted.collect();
    Ok(fetched)
}

/// A sketch of what the worker checks, enough that a test notices a wrong URL.
pub(super) fn check_url(url: &str) -> Result<(), Refusal> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.ok_or(Refusal::HttpUrl)?.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || host.contains(|letter: char| letter == '@' || letter.is_whitespace()) {
        return Err(Refusal::HttpUrl);
    }
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) => (name, port.parse::<u16>().map_err(|_| Refusal::HttpUrl)?),
        None => (host, 443),
    };
    let is_private = ["127.", "10.", "192.168."].iter().any(|private| name.starts_with(private));
    if name == "localhost" || is_private || (port < 1024 && ![80, 443].contains(&port)) {
        return Err(Refusal::HttpDestination);
    }
    Ok(())
}

pub(super) fn is_header(name: &str, value: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty()
        && name.bytes().all(is_token)
        && !OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str())
        && value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte))
}

fn log(state: &mut State, record: LogRecord) -> Result<(), Refusal> {
    bound(record.message.len() <= limits::MESSAGE_BYTES_MAX)?;
    bound(record.fields.len() <= limits::FIELDS_MAX)?;
    bound(record.fields.iter().all(|(name, value)| {
        let length = match value {
            LogValue::Text(text) => text.len(),
            LogValue::Bytes(bytes) => bytes.len(),
            LogValue::Bool(_) | LogValue::Unsigned(_) | LogValue::Signed(_) | LogValue::Account(_) => 0,
        };
        name.len() <= limits::FIELD_NAME_BYTES_MAX && length <= limits::FIELD_BYTES_MAX
    }))?;
    if state.keep(record) {
        Ok(())
    } else {
        Err(Refusal::QuotaExceeded)
    }
}

fn seal(state: &State, data: &[u8], context: &[u8]) -> Result<Vec<u8>, Refusal> {
    bound(data.len() <= limits::SEAL_BYTES_MAX && context.len() <= limits::NAME_BYTES_MAX)?;
    let nonce = state.secret(b"seal", &[context, data]);
    Ok([nonce.as_slice(), &crypto::mask(&nonce, data)].concat())
}

fn unseal(state: &State, sealed: &[u8], context: &[u8]) -> Result<Vec<u8>, Refusal> {
    bound(sealed.len() <= limits::SEAL_BYTES_MAX + limits::SEAL_OVERHEAD_BYTES)?;
    bound(context.len() <= limits::NAME_BYTES_MAX)?;
    let (nonce, masked) = sealed.split_first_chunk::<32>().ok_or(Refusal::NotAuthentic)?;
    let data = crypto::mask(nonce, masked);
    if state.secret(b"seal", &[context, &data]) == *nonce {
        Ok(data)
    } else {
        Err(Refusal::NotAuthentic)
    }
}
