//! One GET after the other, under limits: what a server may use to hold its caller is bounded.

use crate::{CollateralError, error::legible};
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    HeaderMap, Request, Response, StatusCode, Uri,
    body::{Bytes, Incoming},
    header,
};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use phala_attest::intel::DOCUMENT_BYTES_MAX;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_rustls::rustls::crypto::ring;

/// How often a request is sent while the server is out of order or busy.
const ATTEMPTS_MAX: u32 = 4;

/// The pause after the first attempt. Each later one is twice as long, unless the server says how long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause. A server that asks for a longer one is not asked again.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Addresses that are followed after the first.
const REDIRECTS_MAX: usize = 3;

/// How long a server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest head of an answer: a chain of certificates, of which each byte may take three, and the rest.
const HEAD_BYTES_MAX: usize = 4 * DOCUMENT_BYTES_MAX as usize;

/// Of an answer that is an error, what is read.
const ERROR_BYTES_MAX: usize = 4 * 1024;

/// An answer that is a success.
pub struct Answer {
    /// Where it is from, for errors.
    pub url: String,
    headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer that nobody gave.
    #[cfg(test)]
    pub fn of(headers: &[(&'static str, &[u8])], body: Vec<u8>) -> Self {
        let header = |(name, value): &(&'static str, &[u8])| {
            Some((
                hyper::header::HeaderName::from_static(name),
                hyper::header::HeaderValue::from_bytes(value).ok()?,
            ))
        };
        Self { url: "http://test".to_owned(), headers: headers.iter().filter_map(header).collect(), body }
    }

    /// The first of the headers that is there.
    pub fn header(&self, names: &[&str]) -> Option<&[u8]> {
        names.iter().find_map(|name| self.headers.get(*name)).map(|value| value.as_bytes())
    }

    /// The error that this is not what was asked for.
    pub fn malformed(&self, problem: impl Into<String>) -> CollateralError {
        CollateralError::Malformed { from: self.url.clone(), problem: problem.into() }
    }
}

/// What one call asks for, within one time and over connections that are kept.
pub struct Session {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    patience: Duration,
    deadline: Option<Instant>,
}

impl Session {
    /// Begins now.
    pub fn new(patience: Duration) -> Result<Self, CollateralError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(ring::default_provider())
            .map_err(CollateralError::Tls)?
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client =
            Client::builder(TokioExecutor::new()).http1_max_buf_size(HEAD_BYTES_MAX).build(connector);
        // A patience that goes past the end of time has no end.
        Ok(Self { client, patience, deadline: Instant::now().checked_add(patience) })
    }

    /// Asks until there is an answer, a refusal that stands, or no time.
    pub async fn get(&self, url: &str, bytes_max: usize) -> Result<Answer, CollateralError> {
        let asked = self.persist(url, bytes_max);
        match self.deadline {
            None => asked.await,
            Some(deadline) => timeout_at(deadline, asked).await.unwrap_or_else(|_| {
                Err(CollateralError::TooSlow { url: url.to_owned(), patience: self.patience })
            }),
        }
    }

    async fn persist(&self, url: &str, bytes_max: usize) -> Result<Answer, CollateralError> {
        let mut pause = FIRST_PAUSE;
        let mut attempts: u32 = 1;
        loop {
            let response = self.follow(url).await?;
            let status = response.status();
            if status.is_success() {
                return receive(url, response, bytes_max).await;
            }
            let wait = retry_after(response.headers());
            let next = wait.unwrap_or(pause);
            let has_time =
                self.deadline.is_none_or(|end| Instant::now().checked_add(next).is_some_and(|at| at < end));
            if !is_temporary(status.as_u16()) || attempts == ATTEMPTS_MAX || next > PAUSE_MAX || !has_time {
                return Err(refused(url, response, wait).await);
            }
            drop(response);
            sleep(next).await;
            attempts = attempts.saturating_add(1);
            pause = pause.saturating_mul(2);
        }
    }

    /// Sends one request, and follows where it leads.
    async fn follow(&self, url: &str) -> Result<Response<Incoming>, CollateralError> {
        let mut target = parse(url)?;
        for _ in 0..=REDIRECTS_MAX {
            let response = self.send(url, &target).await?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            target = redirected(url, &target, response.headers())?;
        }
        Err(CollateralError::Redirects { url: url.to_owned(), redirects_max: REDIRECTS_MAX })
    }

    async fn send(&self, url: &str, target: &Uri) -> Result<Response<Incoming>, CollateralError> {
        let request = Request::get(target.clone())
            .header(header::USER_AGENT, concat!("phala/", env!("CARGO_PKG_VERSION")))
            .body(Empty::new())
            .map_err(|error| not_an_address(url, error.to_string()))?;
        self.client.request(request).await.map_err(|error| unreachable(url, error))
    }
}

/// Whether a server that answers so may answer otherwise later.
pub fn is_temporary(status: u16) -> bool {
    (500..600).contains(&status) || status == StatusCode::TOO_MANY_REQUESTS.as_u16()
}

fn parse(url: &str) -> Result<Uri, CollateralError> {
    let target = url.parse::<Uri>().map_err(|error| not_an_address(url, error.to_string()))?;
    match (target.scheme_str(), target.host()) {
        (Some("https" | "http"), Some(_)) => Ok(target),
        _ => Err(not_an_address(url, "it has no scheme that is spoken here".to_owned())),
    }
}

/// Where a server sends to. From TLS, never to where there is none.
fn redirected(url: &str, from: &Uri, headers: &HeaderMap) -> Result<Uri, CollateralError> {
    let malformed =
        |problem: &str| CollateralError::Malformed { from: url.to_owned(), problem: problem.to_owned() };
    let location = headers.get(header::LOCATION).and_then(|it| it.to_str().ok());
    let location = location.ok_or_else(|| malformed("sends to another address and does not say to which"))?;
    let full = match (from.scheme_str(), from.authority()) {
        (Some(scheme), Some(authority)) if location.starts_with('/') && !location.starts_with("//") => {
            format!("{scheme}://{authority}{location}")
        }
        _ => location.to_owned(),
    };
    let target = parse(&full).map_err(|_| malformed("sends to an address that is none"))?;
    if from.scheme_str() == Some("https") && target.scheme_str() != Some("https") {
        return Err(malformed("sends to an address without TLS"));
    }
    Ok(target)
}

/// The seconds for which a server asks to be left alone. A date in their place is not read.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

async fn receive(
    url: &str,
    response: Response<Incoming>,
    bytes_max: usize,
) -> Result<Answer, CollateralError> {
    let (head, mut incoming) = response.into_parts();
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| unreachable(url, error))?;
        let Ok(data) = frame.into_data() else { continue };
        if body.len().saturating_add(data.len()) > bytes_max {
            return Err(CollateralError::TooLong { url: url.to_owned(), bytes_max });
        }
        body.extend_from_slice(&data);
    }
    Ok(Answer { url: url.to_owned(), headers: head.headers, body })
}

/// What a server says of its refusal: Intel's in a header, others' in the body.
async fn refused(url: &str, response: Response<Incoming>, wait: Option<Duration>) -> CollateralError {
    let (head, mut incoming) = response.into_parts();
    let mut text = head.headers.get("error-message").map(|it| it.as_bytes().to_vec()).unwrap_or_default();
    while text.len() < ERROR_BYTES_MAX
        && let Some(Ok(frame)) = incoming.frame().await
    {
        let Ok(data) = frame.into_data() else { continue };
        text.extend_from_slice(data.get(..ERROR_BYTES_MAX.min(data.len())).unwrap_or_default());
    }
    let text = legible(&String::from_utf8_lossy(&text));
    let text = if text.trim().is_empty() { "it does not say why".to_owned() } else { text };
    CollateralError::Refused { url: url.to_owned(), status: head.status.as_u16(), text, wait }
}

fn unreachable(url: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CollateralError {
    CollateralError::Unreachable { url: url.to_owned(), source: source.into() }
}

fn not_an_address(url: &str, problem: String) -> CollateralError {
    CollateralError::Address { url: url.to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn led(from: &str, location: &str) -> Result<String, CollateralError> {
        let headers = HeaderMap::from_iter([(header::LOCATION, location.parse().unwrap())]);
        redirected(from, &from.parse().unwrap(), &headers).map(|target| target.to_string())
    }

    #[test]
    fn redirect_from_tls_stays_in_tls() {
        assert_eq!(led("https://a.b/c", "/d?e=f").unwrap(), "https://a.b/d?e=f");
        assert_eq!(led("https://a.b/c", "https://g/d").unwrap(), "https://g/d");
        assert_eq!(led("http://a.b/c", "https://g/d").unwrap(), "https://g/d");
        assert_eq!(led("http://a.b:81/c", "/d").unwrap(), "http://a.b:81/d");
        let error = led("https://a.b/c", "http://a.b/c").unwrap_err();
        assert!(error.to_string().contains("without TLS"), "{error}");
        assert!(led("https://a.b/c", "//g/d").is_err());
    }

    #[test]
    fn pauses_are_read_in_seconds() {
        let read =
            |value: &str| retry_after(&HeaderMap::from_iter([(header::RETRY_AFTER, value.parse().unwrap())]));
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        for other in ["-1", "1.5", "Mon, 23 Nov 2026 07:28:00 GMT", "", "99999999999999999999999"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
