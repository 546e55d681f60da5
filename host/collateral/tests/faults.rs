//! Servers that are out of order, and what becomes of a call to them.

mod common;

use common::{Reply, Sample, Server, source};
use phala_collateral::{CollateralError, documents_from_json};
use std::time::{Duration, Instant};
use tokio::{io::AsyncReadExt as _, net::TcpListener};

fn sample() -> Sample {
    Sample::named("tdx-v4")
}

/// What a call ends with whose server answers something else where the target has `part` in it.
async fn error_with(
    part: &'static str,
    fault: impl Fn(Reply) -> Reply + Clone + Send + Sync + 'static,
) -> CollateralError {
    let server = Server::faulty(
        &sample(),
        move |target, _, reply| {
            if target.contains(part) { fault(reply) } else { reply }
        },
    )
    .await;
    server.source().fetch(&sample().evidence).await.unwrap_err()
}

#[tokio::test]
async fn machine_that_is_not_known_is_told_from_an_address_that_is_not() {
    let error = error_with("/tcb?", |_| Reply::status(404)).await;
    assert!(matches!(error, CollateralError::UnknownMachine { .. }), "{error:?}");
    assert!(!error.is_temporary());
    for part in ["IntelSGXRootCA", "pckcrl", "qe/identity"] {
        let error = error_with(part, |_| Reply { body: b"none\x1b[2J".to_vec(), ..Reply::status(404) }).await;
        assert!(matches!(&error, CollateralError::Refused { status: 404, text, .. } if text == "none[2J"));
        assert!(!error.is_temporary() && error.to_string().contains(part), "{error}");
    }
}

#[tokio::test]
async fn server_that_is_out_of_order_once_is_asked_again() {
    let server = Server::faulty(&sample(), |target, before, reply| {
        if target.contains("/tcb?") && before == 0 { Reply::status(500) } else { reply }
    })
    .await;
    let fetched = server.source().fetch(&sample().evidence).await.unwrap();
    assert_eq!(fetched, documents_from_json(&sample().collateral).unwrap());
    assert_eq!(server.asked().len(), 5);
}

#[tokio::test]
async fn server_that_stays_out_of_order_is_asked_four_times() {
    let server = Server::start(|_, _| Reply { body: b"maintenance".to_vec(), ..Reply::status(503) }).await;
    let began = Instant::now();
    let error = server.source().fetch(&sample().evidence).await.unwrap_err();
    assert!(matches!(&error, CollateralError::Refused { status: 503, text, .. } if text == "maintenance"));
    assert!(error.is_temporary() && error.to_string().contains("try again later"), "{error}");
    assert_eq!(server.asked().len(), 4);
    assert!(began.elapsed() >= Duration::from_millis(3500));
}

#[tokio::test]
async fn refusal_that_is_final_is_not_asked_again() {
    let server = Server::start(|_, _| Reply::status(401).with("Error-Message", "Access denied")).await;
    let error = server.source().fetch(&sample().evidence).await.unwrap_err();
    assert!(matches!(&error, CollateralError::Refused { status: 401, text, .. } if text == "Access denied"));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn server_that_is_busy_is_left_alone_for_as_long_as_it_asks() {
    let server = Server::faulty(&sample(), |target, before, reply| {
        if target.contains("pckcrl") && before == 0 {
            Reply::status(429).with("Retry-After", "1")
        } else {
            reply
        }
    })
    .await;
    let began = Instant::now();
    server.source().fetch(&sample().evidence).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.asked().len(), 5);
}

#[tokio::test]
async fn server_that_asks_for_more_patience_than_there_is_is_not_asked_again() {
    for (asks, patience) in [("3600", 3600), ("5", 2), ("18446744073709551615", 3600)] {
        let server = Server::start(move |_, _| Reply::status(429).with("Retry-After", asks)).await;
        let mut source = server.source();
        source.patience = Duration::from_secs(patience);
        let began = Instant::now();
        let error = source.fetch(&sample().evidence).await.unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(2));
        assert!(error.to_string().contains(&format!("left alone for {asks} s")), "{error}");
        assert!(error.is_temporary());
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn answer_that_is_too_long_is_refused() {
    let error = error_with("IntelSGXRootCA", |_| Reply::ok(vec![b'3'; 70_000])).await;
    assert!(matches!(error, CollateralError::TooLong { bytes_max: 65_538, .. }), "{error:?}");
    // Two bytes of length: a list in DER that is longer than a document may be, in an answer that is not.
    let mut list = vec![0x30, 0x82, 0x90, 0x00];
    list.resize(4 + 0x9000, 0);
    let error = error_with("pckcrl", move |reply| Reply { body: list.clone(), ..reply }).await;
    assert!(matches!(error, CollateralError::TooLong { bytes_max: 32_768, .. }), "{error:?}");
    let error = error_with("qe/identity", |reply| {
        let text = format!("{{\"id\":\"{}\"}}", "x".repeat(33_000));
        let body = format!("{{\"enclaveIdentity\":{text},\"signature\":\"{}\"}}", "0".repeat(128));
        Reply { body: body.into_bytes(), ..reply }
    })
    .await;
    assert!(matches!(error, CollateralError::TooLong { bytes_max: 32_768, .. }), "{error:?}");
}

#[tokio::test]
async fn answer_without_its_certificates_is_refused() {
    for (part, name) in [
        ("pckcrl", "SGX-PCK-CRL-Issuer-Chain"),
        ("/tcb?", "TCB-Info-Issuer-Chain"),
        ("qe/identity", "SGX-Enclave-Identity-Issuer-Chain"),
    ] {
        let error = error_with(part, |reply| Reply { headers: Vec::new(), ..reply }).await;
        assert!(error.to_string().contains(&format!("without the header {name}")), "{error}");
        for value in ["", "none", "%2", "%zz", "-----BEGIN CERTIFICATE-----%0", "%2D%2D%2D%2D%2DBEGIN%20CERT"]
        {
            let error = error_with(part, move |mut reply| {
                reply.headers[0].1 = value.to_owned();
                reply
            })
            .await;
            assert!(error.to_string().contains(&format!("no certificates in the header {name}")), "{error}");
            assert!(matches!(error, CollateralError::Malformed { .. }));
        }
    }
}

#[tokio::test]
async fn answer_that_is_something_else_is_refused() {
    for part in ["/tcb?", "qe/identity"] {
        for body in [
            "<html><body>Sign in to the network</body></html>",
            "",
            "{}",
            "[]",
            "{\"tcbInfo\":1,\"enclaveIdentity\":1,\"signature\":\"\"}",
            "{\"tcbInfo\":{},\"enclaveIdentity\":{},\"signature\":\"00\"}",
            "{\"tcbInfo\":{},\"enclaveIdentity\":{},\"signature\":7}",
            "{\"tcbInfo\":{},\"enclaveIdentity\":{}}",
        ] {
            let error = error_with(part, move |reply| Reply { body: body.into(), ..reply }).await;
            assert!(matches!(error, CollateralError::Malformed { .. }), "{body}: {error:?}");
            assert!(error.to_string().contains(part), "{error}");
        }
    }
    for part in ["IntelSGXRootCA", "pckcrl"] {
        for body in ["<html>", "", "3003", "30030201", "-----BEGIN X509 CRL-----"] {
            let error = error_with(part, move |reply| Reply { body: body.into(), ..reply }).await;
            assert!(error.to_string().contains("no revocation list in DER"), "{error}");
        }
    }
}

#[tokio::test]
async fn nobody_who_answers_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = source(&url).fetch(&sample().evidence).await.unwrap_err();
    assert!(matches!(error, CollateralError::Unreachable { .. }), "{error:?}");
    assert!(error.is_temporary() && error.to_string().contains(&url), "{error}");
}

#[tokio::test]
async fn address_that_is_none_is_refused() {
    for url in ["", "localhost", "ftp://127.0.0.1", "127.0.0.1:8081", "http://", "http://a b", "/path"] {
        let error = source(url).fetch(&sample().evidence).await.unwrap_err();
        assert!(matches!(error, CollateralError::Address { .. }), "{url}: {error:?}");
        assert!(!error.is_temporary());
    }
}

#[tokio::test]
async fn server_that_never_answers_holds_nobody_for_longer_than_patience() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let silent = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    let mut source = source(&url);
    source.patience = Duration::from_millis(300);
    let began = Instant::now();
    let error = source.fetch(&sample().evidence).await.unwrap_err();
    assert!(matches!(error, CollateralError::TooSlow { .. }), "{error:?}");
    assert!(error.is_temporary() && error.to_string().contains("within 0.3 s"), "{error}");
    assert!(began.elapsed() >= Duration::from_millis(300) && began.elapsed() < Duration::from_secs(5));
    silent.abort();
}

#[tokio::test]
async fn connection_that_breaks_in_the_middle_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let broken = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0";
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await;
        }
    });
    let error = source(&url).fetch(&sample().evidence).await.unwrap_err();
    assert!(matches!(error, CollateralError::Unreachable { .. }), "{error:?}");
    broken.abort();
}

#[tokio::test]
async fn server_that_leads_elsewhere_is_followed() {
    let target = Server::faulty(&sample(), |_, _, reply| reply).await;
    let there = target.url.clone();
    let server = Server::faulty(&sample(), move |target, _, reply| match target {
        "/IntelSGXRootCA.der" => Reply::status(302).with("Location", "/sgx/certification/v4/rootcacrl"),
        "/sgx/certification/v4/rootcacrl" => reply,
        other => Reply::status(307).with("Location", &format!("{there}{other}")),
    })
    .await;
    let fetched = server.source().fetch(&sample().evidence).await.unwrap();
    assert_eq!(fetched, documents_from_json(&sample().collateral).unwrap());
    assert_eq!((server.asked().len(), target.asked().len()), (5, 3));
}

#[tokio::test]
async fn server_that_leads_in_circles_or_nowhere_is_refused() {
    let server = Server::start(|target, _| Reply::status(302).with("Location", target)).await;
    let error = server.source().fetch(&sample().evidence).await.unwrap_err();
    assert!(matches!(error, CollateralError::Redirects { redirects_max: 3, .. }), "{error:?}");
    assert_eq!(server.asked().len(), 4);

    for location in [None, Some("ftp://127.0.0.1/"), Some("//"), Some("elsewhere"), Some("")] {
        let error = error_with("pckcrl", move |_| match location {
            Some(location) => Reply::status(301).with("Location", location),
            None => Reply::status(301),
        })
        .await;
        assert!(matches!(error, CollateralError::Malformed { .. }), "{location:?}: {error:?}");
    }
}

#[tokio::test]
async fn server_with_a_certificate_of_its_own_making_is_not_spoken_to() {
    use std::sync::Arc;
    use tokio_rustls::{TlsAcceptor, rustls};

    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        acceptor.accept(stream).await.is_ok()
    });
    let error = source(&format!("https://localhost:{port}")).fetch(&sample().evidence).await.unwrap_err();
    let CollateralError::Unreachable { source, .. } = &error else { panic!("{error:?}") };
    assert!(format!("{source:?}").contains("UnknownIssuer"), "{source:?}");
    assert!(!server.await.unwrap(), "the greeting went through");
}
