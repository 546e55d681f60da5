//! Fetches what a contract asks for in a query.
//!
//! TLS ends in here, within what is measured: the host sees to which address and port a connection goes, the server's name
//! (in the look-up and in the TLS greeting), and the sizes and times of what passes; not the path, the headers, the
//! bodies or which contract asks. Of `http` it sees and can change all.
//!
//! A certificate's dates are held to the time of the chain's head, which is proven, and not to the host's clock: a host
//! that turns its clock back cannot bring an expired certificate to life.
//!
//! Everything a server could use to hold the worker has a limit: time, bytes of head and body, headers, redirects, and
//! connections at once.

pub mod network;
mod target;

pub use network::{Network, PublicInternet};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, Request, Response, header},
};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use phala_types::Millis;
use phala_vm::extension::http::{
    HttpError, HttpRequest, HttpResponse, REDIRECTS_MAX, RESPONSE_BODY_BYTES_MAX, TIMEOUT_MS_MAX,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use target::{Next, Origin, Target};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig,
        client::Resumption,
        crypto::ring,
        pki_types::{ServerName, UnixTime},
        time_provider::TimeProvider,
    },
};

/// Requests under way at once. More wait, and their time runs: a worker has about a thousand file descriptors for all
/// that it does.
const CONNECTIONS_MAX: usize = 64;

/// Addresses of one name that are tried. Servers with more are reached at the first ones or not at all.
const ADDRESSES_MAX: usize = 3;

/// How long one address may take to answer at all, so that a dead one leaves time for the next.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Headers that a response may have: servers cut at about as many.
const RESPONSE_HEADERS_MAX: usize = 100;

/// The head of a response, which is read into a buffer of this size: servers cut theirs at 8 KiB.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Fetches, in one [`Network`].
pub struct Fetcher<N> {
    network: N,
    places: Semaphore,
}

impl Fetcher<PublicInternet> {
    /// Fetches from the public internet: the only one that a worker has.
    pub fn public() -> Self {
        Self::of(PublicInternet)
    }
}

impl<N: Network> Fetcher<N> {
    /// Fetches in a network.
    pub fn of(network: N) -> Self {
        Self { network, places: Semaphore::new(CONNECTIONS_MAX) }
    }

    /// Sends all requests at once. The answers are in the order of the requests, and there within the longest of their
    /// timeouts. `now` is the time to which certificates are held.
    pub async fn fetch_all(
        self: Arc<Self>,
        requests: Vec<HttpRequest>,
        now: Millis,
    ) -> Vec<Result<HttpResponse, HttpError>> {
        let mut tasks = JoinSet::new();
        let mut answers = vec![Err(HttpError::Client); requests.len()];
        for (index, request) in requests.into_iter().enumerate() {
            let fetcher = self.clone();
            tasks.spawn(async move { (index, fetcher.fetch(&request, now).await) });
        }
        while let Some(finished) = tasks.join_next().await {
            if let Ok((index, answer)) = finished
                && let Some(place) = answers.get_mut(index)
            {
                *place = answer;
            }
        }
        answers
    }

    /// Sends one request, and follows where it leads.
    pub async fn fetch(&self, request: &HttpRequest, now: Millis) -> Result<HttpResponse, HttpError> {
        let target = Target::parse(request)?;
        let bytes_max = request.body_bytes_max.min(RESPONSE_BODY_BYTES_MAX);
        let limit = Duration::from_millis(request.timeout_ms.min(TIMEOUT_MS_MAX).into());
        timeout(limit, self.follow(target, bytes_max, now)).await.unwrap_or(Err(HttpError::Timeout))
    }

    async fn follow(
        &self,
        mut target: Target,
        bytes_max: u32,
        now: Millis,
    ) -> Result<HttpResponse, HttpError> {
        let _place = self.places.acquire().await.map_err(|_| HttpError::Client)?;
        let mut is_authenticated = true;
        for _ in 0..=REDIRECTS_MAX {
            is_authenticated &= target.origin.is_secure;
            let (response, _connection) = self.send(&target, now).await?;
            let status = response.status().as_u16();
            let location = response.headers().get(header::LOCATION).and_then(|it| it.to_str().ok());
            match target.redirected(status, location)? {
                Next::Redirect(next) => target = *next,
                Next::Done => return receive(response, bytes_max, is_authenticated).await,
            }
        }
        Err(HttpError::Redirects)
    }

    /// Sends a request over a connection of its own, which lives as long as what is returned with the response.
    async fn send(
        &self,
        target: &Target,
        now: Millis,
    ) -> Result<(Response<Incoming>, JoinSet<()>), HttpError> {
        let stream = self.connect(&target.origin).await?;
        let request = request(target)?;
        if !target.origin.is_secure {
            return exchange(stream, request).await;
        }
        let name = ServerName::try_from(target.origin.host.clone()).map_err(|_| HttpError::Url)?;
        let stream = self.tls(now)?.connect(name, stream).await.map_err(|_| HttpError::Tls)?;
        exchange(stream, request).await
    }

    /// Connects to an address that was looked at, and to no other.
    async fn connect(&self, origin: &Origin) -> Result<TcpStream, HttpError> {
        let resolved = self.network.resolve(&origin.host, origin.port).await;
        let resolved: Vec<SocketAddr> = resolved.map_err(|_| HttpError::Unreachable)?;
        if resolved.is_empty() {
            return Err(HttpError::Unreachable);
        }
        let allowed = resolved.into_iter().filter(|address| self.network.is_allowed(address.ip()));
        let mut result = Err(HttpError::Destination);
        for address in allowed.take(ADDRESSES_MAX) {
            match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                _ => result = Err(HttpError::Unreachable),
            }
        }
        result
    }

    fn tls(&self, now: Millis) -> Result<TlsConnector, HttpError> {
        let time = Arc::new(ProvenTime(now));
        let config = ClientConfig::builder_with_details(Arc::new(ring::default_provider()), time)
            .with_safe_default_protocol_versions()
            .map_err(|_| HttpError::Client)?;
        let mut config = config.with_root_certificates(self.network.roots()).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A ticket would let a server tell that two queries came from one worker.
        config.resumption = Resumption::disabled();
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

/// The time of the chain's head.
#[derive(Debug)]
struct ProvenTime(Millis);

impl TimeProvider for ProvenTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(self.0.value())))
    }
}

fn request(target: &Target) -> Result<Request<Full<Bytes>>, HttpError> {
    let mut request = Request::builder()
        .method(target.method.clone())
        .uri(&target.path)
        .body(Full::new(Bytes::from(target.body.clone())))
        .map_err(|_| HttpError::Url)?;
    let host = HeaderValue::from_str(&target.origin.authority()).map_err(|_| HttpError::Url)?;
    let headers = request.headers_mut();
    headers.extend(target.headers.clone());
    headers.insert(header::HOST, host);
    // One request, one connection: nothing of one query is left to be seen in another.
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    Ok(request)
}

/// Sends the request, and drives the connection in a task that ends when it is dropped.
async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<(Response<Incoming>, JoinSet<()>), HttpError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_headers(RESPONSE_HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| HttpError::Network)?;
    let mut task = JoinSet::new();
    task.spawn(async move { drop(connection.await) });
    let response = sender.send_request(request).await.map_err(|error| match error.is_parse_too_large() {
        true => HttpError::ResponseTooLarge,
        false => HttpError::Network,
    })?;
    Ok((response, task))
}

/// Reads the body, no further than its limit.
async fn receive(
    response: Response<Incoming>,
    bytes_max: u32,
    is_authenticated: bool,
) -> Result<HttpResponse, HttpError> {
    let (head, mut incoming) = response.into_parts();
    let headers = texts(&head.headers);
    let reason = head.status.canonical_reason().unwrap_or_default().to_owned();
    let bytes_max = bytes_max as usize;
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|_| HttpError::Network)?;
        let Ok(data) = frame.into_data() else { continue };
        if body.len() + data.len() > bytes_max {
            return Err(HttpError::ResponseTooLarge);
        }
        body.extend_from_slice(&data);
    }
    Ok(HttpResponse { status: head.status.as_u16(), reason, headers, body, is_authenticated })
}

/// The headers as text: bytes that are none are replaced.
fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}
