// SPDX-License-Identifier: Apache-2.0
//! Extension 1: this network's functions (section 3 of `specs/chain-extensions.md`).

use codec::{DecodeAll, Encode};

use super::http::{
    ANSWER_HEADER_VALUE_BYTES_MAX, ANSWER_HEADERS_MAX, HEADER_NAME_BYTES_MAX, HttpError, HttpRequest,
    HttpResponse,
};
use super::query::{QueryExtensions, Unmet};
use super::wire::{
    AttestedTime, BeaconRandom, CONTEXT_BYTES_MAX, Evidence, HttpFetch, HttpFetched, KeyKind, LogRecord,
    PATH_BYTES_MAX, RandomSource, SEAL_BYTES_MAX, SEAL_OVERHEAD_BYTES_MAX, STATEMENT_BYTES_MAX,
    SUBJECT_BYTES_MAX, Status, TimeSource, USER_DATA_BYTES_MAX,
};
use super::{Backend, Frame, Refused, SUSPENDED};
use crate::host::HostError;

/// Carries out a function. Its checks are in the order of R5.
pub(super) fn call(
    backend: &mut dyn Backend,
    frame: &mut Frame<'_>,
    function: u16,
    input: &[u8],
) -> Result<Vec<u8>, Refused> {
    match function {
        1 => {
            let query = only_in_queries(backend)?;
            let () = decode(input)?;
            Ok(query.asker.origin.encode())
        }
        2 => {
            let () = decode(input)?;
            let source = TimeSource::FinalizedBlock;
            Ok(AttestedTime { ms: frame.now_ms, block: frame.block, source }.encode())
        }
        3 => {
            let subject: Vec<u8> = decode(input)?;
            hold(subject.len() <= SUBJECT_BYTES_MAX)?;
            let bytes = backend.beacon(&frame.contract, &subject);
            Ok(BeaconRandom { bytes, block: frame.block, source: RandomSource::ClusterSecret }.encode())
        }
        4 => {
            let (path, kind): (Vec<u8>, KeyKind) = decode(input)?;
            hold(path.len() <= PATH_BYTES_MAX)?;
            let keys = backend.keys().contract(&frame.contract);
            Ok(keys.derive(&path, kind).map_err(|_| Status::Unavailable)?.encode())
        }
        5 => {
            let query = only_in_queries(backend)?;
            let user_data: Vec<u8> = decode(input)?;
            hold(user_data.len() <= USER_DATA_BYTES_MAX)?;
            evidence(query, frame, user_data)
        }
        6 => {
            let query = only_in_queries(backend)?;
            http_fetch(query, frame, decode(input)?)
        }
        7 => {
            let record: LogRecord = decode(input)?;
            hold(record.is_bounded())?;
            frame.world.logs().push(&frame.contract, record).map_err(|_| Status::QuotaExceeded)?;
            Ok(Vec::new())
        }
        8 => {
            let (data, context): (Vec<u8>, Vec<u8>) = decode(input)?;
            hold(data.len() <= SEAL_BYTES_MAX && context.len() <= CONTEXT_BYTES_MAX)?;
            let sealed = backend.keys().contract(&frame.contract).blobs().seal(&context, &data);
            Ok(sealed.ok_or(Status::Unavailable)?.encode())
        }
        9 => {
            let (sealed, context): (Vec<u8>, Vec<u8>) = decode(input)?;
            let bytes_max = SEAL_BYTES_MAX.saturating_add(SEAL_OVERHEAD_BYTES_MAX);
            hold(sealed.len() <= bytes_max && context.len() <= CONTEXT_BYTES_MAX)?;
            let data = backend.keys().contract(&frame.contract).blobs().open(&context, &sealed);
            Ok(data.ok_or(Status::NotAuthentic)?.encode())
        }
        _ => Err(Status::Unsupported.into()),
    }
}

fn only_in_queries(backend: &mut dyn Backend) -> Result<&mut QueryExtensions, Status> {
    backend.query().ok_or(Status::NotInCommands)
}

fn decode<T: DecodeAll>(input: &[u8]) -> Result<T, Status> {
    T::decode_all(&mut &input[..]).map_err(|_| Status::Malformed)
}

fn hold(is_within_bounds: bool) -> Result<(), Status> {
    if is_within_bounds { Ok(()) } else { Err(Status::TooLarge) }
}

impl From<Unmet> for Refused {
    fn from(unmet: Unmet) -> Self {
        match unmet {
            Unmet::QuotaExceeded => Self::Status(Status::QuotaExceeded),
            Unmet::Waiting => Self::Ends(SUSPENDED),
        }
    }
}

fn evidence(
    query: &mut QueryExtensions,
    frame: &mut Frame<'_>,
    user_data: Vec<u8>,
) -> Result<Vec<u8>, Refused> {
    let statement = query.statement(frame, user_data)?.map_err(|_| Status::Unavailable)?;
    hold(statement.len() <= STATEMENT_BYTES_MAX)?;
    Ok(Evidence { worker: query.asker.worker, platform: query.asker.platform, statement }.encode())
}

fn http_fetch(
    query: &mut QueryExtensions,
    frame: &mut Frame<'_>,
    fetch: HttpFetch,
) -> Result<Vec<u8>, Refused> {
    let HttpFetch { method, url, headers, body, answer_headers, body_bytes_max, timeout_ms } = fetch;
    let method = method.name().to_owned();
    let request = HttpRequest { method, url, headers, body, body_bytes_max, timeout_ms };
    hold(request.check().is_ok())?;
    let is_short = |name: &String| name.len() <= HEADER_NAME_BYTES_MAX;
    hold(answer_headers.len() <= ANSWER_HEADERS_MAX && answer_headers.iter().all(is_short))?;
    let responses = query.fetch(frame, vec![request])?;
    let response = responses.into_iter().next().ok_or(HostError::Fault)?;
    Ok(fetched(response.map_err(status)?, &answer_headers).encode())
}

fn fetched(response: HttpResponse, answer_headers: &[String]) -> HttpFetched {
    let find = |name: &String| {
        let (_, value) = response.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name))?;
        let end = value.floor_char_boundary(ANSWER_HEADER_VALUE_BYTES_MAX);
        Some((name.clone(), value.get(..end).unwrap_or_default().to_owned()))
    };
    let headers = answer_headers.iter().filter_map(find).collect();
    let HttpResponse { status, is_authenticated, body, .. } = response;
    HttpFetched { status, is_authenticated, headers, body }
}

fn status(error: HttpError) -> Status {
    match error {
        HttpError::Url => Status::HttpUrl,
        HttpError::HeaderName | HttpError::HeaderValue => Status::HttpHeader,
        HttpError::Destination => Status::HttpDestination,
        HttpError::Timeout => Status::HttpTimeout,
        HttpError::Unreachable | HttpError::Network => Status::HttpNetwork,
        HttpError::Tls => Status::HttpTls,
        HttpError::ResponseTooLarge => Status::HttpResponseTooLarge,
        HttpError::Redirects => Status::HttpRedirects,
        HttpError::Method | HttpError::Client => Status::Unavailable,
    }
}
