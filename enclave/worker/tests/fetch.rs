//! Fetching: what reaches a contract, and what cannot reach the worker. Servers of the test are on the loopback, which
//! production refuses: the network of a test is a type of its own.
#![allow(missing_docs)]

use phala_types::Millis;
use phala_vm::extension::http::{HttpError, HttpRequest, HttpResponse};
use phala_worker::fetch::{Fetcher, Network, PublicInternet};
use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

/// An address that resolves but must not be connected to.
const FORBIDDEN: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Every name is on this machine: `forbidden.test` at an address that is refused, `mixed.test` at both.
struct TestNetwork {
    roots: Arc<RootCertStore>,
    resolved: Arc<AtomicUsize>,
}

impl Default for TestNetwork {
    fn default() -> Self {
        Self { roots: Arc::new(RootCertStore::empty()), resolved: Arc::default() }
    }
}

impl Network for TestNetwork {
    fn is_allowed(&self, address: IpAddr) -> bool {
        address == IpAddr::V4(Ipv4Addr::LOCALHOST)
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.resolved.fetch_add(1, Ordering::SeqCst);
        let addresses = match host {
            "nowhere.test" => return Err(io::ErrorKind::NotFound.into()),
            "forbidden.test" => vec![FORBIDDEN],
            "mixed.test" => vec![FORBIDDEN, Ipv4Addr::LOCALHOST.into()],
            // The first time it is allowed, and then no longer: as a name whose owner means ill.
            "rebinding.test" if self.resolved.load(Ordering::SeqCst) > 1 => vec![FORBIDDEN],
            _ => host.parse().map_or(vec![Ipv4Addr::LOCALHOST.into()], |address| vec![address]),
        };
        Ok(addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }

    fn roots(&self) -> Arc<RootCertStore> {
        self.roots.clone()
    }
}

fn now() -> Millis {
    Millis::new(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64)
}

fn request(url: String) -> HttpRequest {
    HttpRequest {
        method: "GET".into(),
        url,
        headers: vec![("x-api-key".into(), "secret".into())],
        body: vec![],
        body_bytes_max: 1000,
        timeout_ms: 2000,
    }
}

async fn fetch(url: String) -> Result<HttpResponse, HttpError> {
    Fetcher::of(TestNetwork::default()).fetch(&request(url), now()).await
}

/// Reads a request up to the end of its body.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = String::new();
    let mut byte = [0];
    while !text.ends_with("\r\n\r\n") && stream.read_exact(&mut byte).await.is_ok() {
        text.push(byte[0] as char);
    }
    let length = text
        .to_lowercase()
        .split("content-length: ")
        .nth(1)
        .and_then(|it| it.split("\r\n").next()?.parse::<usize>().ok());
    for _ in 0..length.unwrap_or(0) {
        stream.read_exact(&mut byte).await.unwrap();
        text.push(byte[0] as char);
    }
    text
}

/// A server that answers each connection as `serve` says. Returns its port.
async fn serve<F, A>(serve: F) -> u16
where
    F: Fn(TcpStream) -> A + Send + Sync + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    port
}

/// A server that answers every request with these bytes.
async fn serve_bytes(bytes: impl Into<Vec<u8>>) -> u16 {
    let bytes = Arc::new(bytes.into());
    serve(move |mut stream| {
        let bytes = bytes.clone();
        async move {
            read_request(&mut stream).await;
            let _ = stream.write_all(&bytes).await;
        }
    })
    .await
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nx-test: yes\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn a_response_comes_as_it_was_sent() {
    let port = serve_bytes(ok("hello")).await;
    let response = fetch(format!("http://a.test:{port}/")).await.unwrap();
    assert_eq!((response.status, &*response.reason, &*response.body), (200, "OK", &b"hello"[..]));
    assert!(response.headers.contains(&("x-test".into(), "yes".into())));
    assert!(!response.is_authenticated, "nobody vouches for http");
    let port =
        serve_bytes("HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n").await;
    let response = fetch(format!("http://a.test:{port}/")).await.unwrap();
    assert_eq!((response.status, &*response.body), (404, &b"no"[..]));
}

#[tokio::test]
async fn a_request_is_sent_as_it_was_asked() {
    let port = serve(|mut stream| async move {
        let text = read_request(&mut stream).await;
        let _ = stream.write_all(ok(&text).as_bytes()).await;
    })
    .await;
    let mut request = request(format!("http://a.test:{port}/path?q=1#fragment"));
    (request.method, request.body) = ("POST".into(), b"{\"a\":1}".to_vec());
    let response = Fetcher::of(TestNetwork::default()).fetch(&request, now()).await.unwrap();
    let text = String::from_utf8(response.body).unwrap();
    assert!(text.starts_with("POST /path?q=1 HTTP/1.1\r\n"), "{text}");
    for expected in [&*format!("host: a.test:{port}\r\n"), "x-api-key: secret\r\n", "\r\n\r\n{\"a\":1}"] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
}

#[tokio::test]
async fn production_reaches_no_address_that_is_not_public() {
    let connected = Arc::new(AtomicUsize::new(0));
    let count = connected.clone();
    let port = serve(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        async {}
    })
    .await;
    let fetcher = Fetcher::<PublicInternet>::public();
    for host in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[64:ff9b::7f00:1]",
        "224.0.0.1",
        "255.255.255.255",
    ] {
        let request = request(format!("http://{host}:{port}/"));
        let result = fetcher.fetch(&request, now()).await;
        // A machine without IPv6, or a resolver that knows no short forms, finds no address at all.
        assert!(matches!(result, Err(HttpError::Destination | HttpError::Unreachable)), "{host}: {result:?}");
    }
    assert_eq!(
        fetcher.fetch(&request(format!("http://127.0.0.1:{port}/")), now()).await,
        Err(HttpError::Destination)
    );
    assert_eq!(connected.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_address_is_checked_after_the_name_was_resolved() {
    let port = serve_bytes(ok("hello")).await;
    assert_eq!(fetch(format!("http://forbidden.test:{port}/")).await, Err(HttpError::Destination));
    assert_eq!(fetch(format!("http://127.0.0.2:{port}/")).await, Err(HttpError::Destination));
    assert_eq!(fetch(format!("http://mixed.test:{port}/")).await.unwrap().body, b"hello");
    assert_eq!(fetch(format!("http://nowhere.test:{port}/")).await, Err(HttpError::Unreachable));
}

#[tokio::test]
async fn a_name_is_resolved_once_and_the_checked_address_is_the_one_connected_to() {
    let port = serve_bytes(ok("hello")).await;
    let network = TestNetwork::default();
    let resolved = network.resolved.clone();
    let request = request(format!("http://rebinding.test:{port}/"));
    assert_eq!(Fetcher::of(network).fetch(&request, now()).await.unwrap().body, b"hello");
    assert_eq!(resolved.load(Ordering::SeqCst), 1);
}

fn moved(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
}

#[tokio::test]
async fn every_redirect_is_checked_like_the_first() {
    let inner = serve_bytes(ok("metadata")).await;
    for (location, expected) in [
        (format!("http://forbidden.test:{inner}/"), HttpError::Destination),
        (format!("http://127.0.0.2:{inner}/latest/meta-data"), HttpError::Destination),
        ("file:///etc/passwd".into(), HttpError::Redirects),
        (format!("gopher://a.test:{inner}/"), HttpError::Redirects),
        ("http://user@a.test/".into(), HttpError::Redirects),
        ("http://a.test:22/".into(), HttpError::Redirects),
    ] {
        let port = serve_bytes(moved(&location)).await;
        assert_eq!(fetch(format!("http://a.test:{port}/")).await, Err(expected), "{location}");
    }
    let port = serve_bytes(moved(&format!("http://b.test:{inner}/"))).await;
    assert_eq!(fetch(format!("http://a.test:{port}/")).await.unwrap().body, b"metadata");
}

#[tokio::test]
async fn redirects_come_to_an_end() {
    let port = serve_bytes(moved("/again")).await;
    assert_eq!(fetch(format!("http://a.test:{port}/")).await, Err(HttpError::Redirects));
}

#[tokio::test]
async fn a_response_over_a_limit_is_an_error_and_is_not_read_on() {
    let port = serve_bytes(ok(&"x".repeat(1001))).await;
    assert_eq!(fetch(format!("http://a.test:{port}/")).await, Err(HttpError::ResponseTooLarge));
    let port = serve_bytes(ok(&"x".repeat(1000))).await;
    assert_eq!(fetch(format!("http://a.test:{port}/")).await.unwrap().body.len(), 1000);
    let endless = |head: &'static str, part: &'static str| {
        serve(move |mut stream| async move {
            read_request(&mut stream).await;
            let _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(part.as_bytes()).await.is_ok() {}
        })
    };
    let port = endless("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "5\r\nhello\r\n").await;
    assert_eq!(fetch(format!("http://a.test:{port}/")).await, Err(HttpError::ResponseTooLarge));
    let port = endless("HTTP/1.1 200 OK\r\n\r\n", "hello").await;
    assert_eq!(fetch(format!("http://a.test:{port}/")).await, Err(HttpError::ResponseTooLarge));
    for part in ["x-y: zzzzzzzzzzzzzzzz\r\n", "zzzzzzzzzzzzzzzzzzzzz"] {
        let port = endless("HTTP/1.1 200 OK\r\nx: ", part).await;
        let result = fetch(format!("http://a.test:{port}/")).await;
        assert!(
            matches!(result, Err(HttpError::ResponseTooLarge | HttpError::Network)),
            "{part}: {result:?}"
        );
    }
}

#[tokio::test]
async fn a_slow_server_cannot_hold_the_worker() {
    let silent = serve(|stream| async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(stream);
    })
    .await;
    let dripping = serve(|mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n").await;
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    for port in [silent, dripping] {
        let fetcher = Arc::new(Fetcher::of(TestNetwork::default()));
        let mut slow = request(format!("http://a.test:{port}/"));
        slow.timeout_ms = 300;
        let begun = Instant::now();
        // More than there are places.
        let answers = fetcher.fetch_all(vec![slow; 200], now()).await;
        assert!(answers.iter().all(|answer| *answer == Err(HttpError::Timeout)));
        assert!(begun.elapsed() < Duration::from_secs(30), "took {:?}", begun.elapsed());
    }
    // A server that does not even speak TLS cannot, either.
    let mut slow = request(format!("https://a.test:{silent}/"));
    slow.timeout_ms = 200;
    assert_eq!(Fetcher::of(TestNetwork::default()).fetch(&slow, now()).await, Err(HttpError::Timeout));
}

#[tokio::test]
async fn what_is_not_http_is_a_broken_connection() {
    for bytes in ["", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort"] {
        let port = serve_bytes(bytes).await;
        assert_eq!(fetch(format!("http://a.test:{port}/")).await, Err(HttpError::Network), "{bytes:?}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    assert_eq!(fetch(format!("http://a.test:{closed}/")).await, Err(HttpError::Unreachable));
}

#[tokio::test]
async fn answers_are_in_the_order_of_the_requests() {
    let late = serve(|mut stream| async move {
        read_request(&mut stream).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let _ = stream.write_all(ok("late").as_bytes()).await;
    })
    .await;
    let early = serve_bytes(ok("early")).await;
    let fetcher = Arc::new(Fetcher::of(TestNetwork::default()));
    let requests = [late, early].map(|port| request(format!("http://a.test:{port}/"))).to_vec();
    let answers = fetcher.fetch_all(requests, now()).await;
    let bodies: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().body).collect();
    assert_eq!(bodies, [b"late".to_vec(), b"early".to_vec()]);
}

/// A certificate for `a.test`, and a server that has it.
async fn serve_tls() -> (u16, TestNetwork) {
    let certificate = rcgen::generate_simple_self_signed(vec!["a.test".to_owned()]).unwrap();
    let der = certificate.cert.der().to_vec();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certificate.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![der.clone().into()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let port = serve(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                answer_tls(&mut stream).await;
            }
        }
    })
    .await;
    let mut roots = RootCertStore::empty();
    roots.add(der.into()).unwrap();
    (port, TestNetwork { roots: Arc::new(roots), ..TestNetwork::default() })
}

async fn answer_tls(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    read_request(stream).await;
    let _ = stream.write_all(ok("secret").as_bytes()).await;
    let _ = stream.shutdown().await;
}

#[tokio::test]
async fn a_server_proves_its_name_or_is_not_spoken_to() {
    let (port, network) = serve_tls().await;
    let fetcher = Fetcher::of(network);
    let response = fetcher.fetch(&request(format!("https://a.test:{port}/")), now()).await.unwrap();
    assert_eq!((&*response.body, response.is_authenticated), (&b"secret"[..], true));
    let other_name = request(format!("https://b.test:{port}/"));
    assert_eq!(fetcher.fetch(&other_name, now()).await, Err(HttpError::Tls));
    // With the roots of production, nobody vouches for it: the system's store is not asked.
    let (port, _) = serve_tls().await;
    let strict = TestNetwork { roots: PublicInternet.roots(), ..TestNetwork::default() };
    let request = request(format!("https://a.test:{port}/"));
    assert_eq!(Fetcher::of(strict).fetch(&request, now()).await, Err(HttpError::Tls));
}

#[tokio::test]
async fn a_certificate_is_held_to_the_chains_time_and_not_to_the_hosts() {
    let (port, network) = serve_tls().await;
    let fetcher = Fetcher::of(network);
    let request = request(format!("https://a.test:{port}/"));
    // It is valid from 1975 to 4096, and the host's clock says that it is today.
    let before = Millis::new(1000);
    let after = Millis::new(70_000_000_000_000);
    for time in [before, after] {
        assert_eq!(fetcher.fetch(&request, time).await, Err(HttpError::Tls));
    }
    assert!(fetcher.fetch(&request, now()).await.is_ok());
}

#[tokio::test]
async fn a_way_over_http_is_not_authenticated_and_a_way_from_https_to_http_is_not_gone() {
    let (port, network) = serve_tls().await;
    let fetcher = Fetcher::of(network);
    let first = serve_bytes(moved(&format!("https://a.test:{port}/"))).await;
    let response = fetcher.fetch(&request(format!("http://a.test:{first}/")), now()).await.unwrap();
    assert_eq!((&*response.body, response.is_authenticated), (&b"secret"[..], false));
}
