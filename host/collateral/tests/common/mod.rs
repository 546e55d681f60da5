//! A vendor's server on this machine, and what it serves.
#![allow(dead_code, reason = "each test uses its part")]

use axum::{
    Router,
    body::Body,
    http::{Response, Uri},
};
use phala_attest::{Evidence, intel::without_padding};
use phala_collateral::Source;
use phala_types::Millis;
use serde_json::Value;
use std::{
    fmt::Write as _,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle};

/// A file of `vectors/evidence`.
pub fn file(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/evidence").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A genuine quote of Intel's and what Intel published at its time.
#[derive(Clone)]
pub struct Sample {
    pub name: String,
    pub evidence: Evidence,
    pub collateral: String,
    pub now: Millis,
}

impl Sample {
    pub fn all() -> Vec<Self> {
        let manifest: Vec<Value> = serde_json::from_slice(&file("genuine.json")).unwrap();
        let of_intel = manifest.iter().filter(|it| it.get("quote").is_some());
        of_intel
            .map(|it| {
                let text = |name: &str| it[name].as_str().unwrap();
                Self {
                    name: text("name").to_owned(),
                    evidence: Evidence::Intel(
                        without_padding(&file(text("quote"))).to_vec().try_into().unwrap(),
                    ),
                    collateral: String::from_utf8(file(text("collateral"))).unwrap(),
                    now: Millis::new(it["now"].as_u64().unwrap() * 1000),
                }
            })
            .collect()
    }

    pub fn named(name: &str) -> Self {
        Self::all().into_iter().find(|it| it.name == name).unwrap()
    }

    /// What Intel's service answers for this sample's machine.
    pub fn served(&self) -> Served {
        let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
        let json: Value = serde_json::from_str(&self.collateral).unwrap();
        let info: Value = serde_json::from_str(&text(&json, "tcb_info")).unwrap();
        let tee = if info["id"] == "TDX" { "tdx" } else { "sgx" };
        Served {
            authority: if tee == "tdx" { "platform" } else { "processor" },
            tee,
            fmspc: text(&info, "fmspc"),
            json,
            is_cache: false,
        }
    }
}

/// What Intel's service, or a cache of it, answers for one machine.
#[derive(Clone)]
pub struct Served {
    json: Value,
    pub authority: &'static str,
    pub tee: &'static str,
    pub fmspc: String,
    /// As an older cache: lists in hexadecimal digits, and the older name of a header.
    pub is_cache: bool,
}

impl Served {
    fn text(&self, name: &str) -> String {
        self.json[name].as_str().unwrap().to_owned()
    }

    fn list(&self, name: &str) -> Vec<u8> {
        match self.is_cache {
            true => self.text(name).into_bytes(),
            false => hex::decode(self.text(name)).unwrap(),
        }
    }

    fn signed(&self, inner: &str, name: &str, header: &'static str) -> Reply {
        let (text, signature) = (self.text(name), self.text(&format!("{name}_signature")));
        let body = match self.is_cache {
            true => format!("{{ \"signature\": \"{signature}\",\n  \"{inner}\":  {text}\n}}\n"),
            false => format!("{{\"{inner}\":{text},\"signature\":\"{signature}\"}}"),
        };
        Reply::ok(body).with(header, &encoded(&self.text(&format!("{name}_issuer_chain"))))
    }

    pub fn answer(&self, target: &str) -> Reply {
        let Self { authority, tee, fmspc, .. } = self;
        if target == "/IntelSGXRootCA.der" || target == "/sgx/certification/v4/rootcacrl" {
            return Reply::ok(self.list("root_ca_crl"));
        }
        if target == format!("/sgx/certification/v4/pckcrl?ca={authority}&encoding=der") {
            let chain = encoded(&self.text("pck_crl_issuer_chain"));
            return Reply::ok(self.list("pck_crl")).with("SGX-PCK-CRL-Issuer-Chain", &chain);
        }
        if target == format!("/{tee}/certification/v4/tcb?fmspc={fmspc}") {
            let header = if self.is_cache { "SGX-TCB-Info-Issuer-Chain" } else { "TCB-Info-Issuer-Chain" };
            return self.signed("tcbInfo", "tcb_info", header);
        }
        if target == format!("/{tee}/certification/v4/qe/identity") {
            return self.signed("enclaveIdentity", "qe_identity", "SGX-Enclave-Identity-Issuer-Chain");
        }
        Reply::status(404)
    }
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            write!(encoded, "%{byte:02X}").unwrap();
        }
        encoded
    })
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into() }
    }

    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// A server on this machine, until it is dropped.
pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts one that answers by path and query, and by how often it was asked for these before.
    pub async fn start(answer: impl Fn(&str, usize) -> Reply + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::<String>::new()));
        let seen = asked.clone();
        let router = Router::new().fallback(move |uri: Uri| {
            let target = uri.path_and_query().unwrap().as_str().to_owned();
            let mut seen = seen.lock().unwrap();
            let before = seen.iter().filter(|it| **it == target).count();
            seen.push(target.clone());
            let reply = answer(&target, before);
            let mut response = Response::builder().status(reply.status);
            for (name, value) in &reply.headers {
                response = response.header(*name, value);
            }
            std::future::ready(response.body(Body::from(reply.body)).unwrap())
        });
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, asked, task }
    }

    /// Starts one that serves a sample, but for what `fault` answers in its place.
    pub async fn faulty(
        sample: &Sample,
        fault: impl Fn(&str, usize, Reply) -> Reply + Clone + Send + Sync + 'static,
    ) -> Self {
        let served = sample.served();
        Self::start(move |target, before| fault(target, before, served.answer(target))).await
    }

    /// The paths and queries that were asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// This server in the vendors' place.
    pub fn source(&self) -> Source {
        source(&self.url)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A server in the vendors' place.
pub fn source(url: &str) -> Source {
    Source {
        intel: url.to_owned(),
        intel_root_list: format!("{url}/IntelSGXRootCA.der"),
        amd: url.to_owned(),
        patience: Duration::from_secs(20),
    }
}
