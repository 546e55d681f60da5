//! A worker's thread, its core and its fetcher together: a query goes out to a server of this test and comes back sealed.
#![allow(missing_docs)]

#[path = "../../core/tests/harness/mod.rs"]
mod harness;

use codec::{Decode, Encode};
use harness::{GAS, User, World, a_query};
use phala_crypto::seal::ReplyKey;
use phala_platform::simulated::SimulatedPlatform;
use phala_types::{
    ContractId,
    command::Ended,
    decode_exact,
    query::{Answer as Answered, Question, Reply},
};
use phala_vm::extension::wire::{HttpFetch, HttpFetched, HttpMethod, Status};
use phala_worker::{
    disk::Disk,
    engine_room::{self, Answer, EngineRoom, Outside},
    fetch::{Fetcher, Network, PublicInternet},
};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    runtime::Handle,
};
use tokio_rustls::rustls::RootCertStore;

/// `call` fetches: the contract's input is that of the function. Returns the status and the output.
const FETCHER: &str = r#"(module
  (import "env" "memory" (memory 4 4))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "call_chain_extension" (func $ask (param i32 i32 i32 i32 i32) (result i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (func (export "deploy"))
  (func (export "call")
    (i32.store (i32.const 16) (i32.const 8000))
    (call $input (i32.const 32) (i32.const 16))
    (i32.store (i32.const 20) (i32.const 65536))
    (i32.store (i32.const 65536) (call $ask
      (i32.const 0x10006) (i32.const 32) (i32.load (i32.const 16)) (i32.const 65540) (i32.const 20)))
    (if (i32.load (i32.const 65536)) (then (call $return (i32.const 0) (i32.const 65536) (i32.const 4))))
    (call $return (i32.const 0) (i32.const 65536) (i32.add (i32.load (i32.const 20)) (i32.const 4)))))"#;

/// Every name is on this machine.
struct Loopback;

impl Network for Loopback {
    fn is_allowed(&self, address: IpAddr) -> bool {
        address == IpAddr::V4(Ipv4Addr::LOCALHOST)
    }

    async fn resolve(&self, _host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(vec![(Ipv4Addr::LOCALHOST, port).into()])
    }

    fn roots(&self) -> Arc<RootCertStore> {
        Arc::new(RootCertStore::empty())
    }
}

/// A query that fetches, sealed, and the key to its reply.
fn query(world: &mut World, user: &User, contract: ContractId, port: u16) -> (Vec<u8>, ReplyKey) {
    let fetch = HttpFetch {
        method: HttpMethod::Get,
        url: format!("http://a.test:{port}/"),
        headers: vec![],
        body: vec![],
        answer_headers: vec![],
        body_bytes_max: 1000,
        timeout_ms: 3000,
    };
    let input = fetch.encode().try_into().unwrap();
    let query = world.query_for(user, Question::call(contract, GAS, input));
    let (envelope, key) = world.seal_query(user, &query);
    (envelope.encode(), key)
}

async fn ask(room: &EngineRoom, envelope: Vec<u8>, key: ReplyKey) -> (u32, Vec<u8>) {
    let Ok(Answer::Reply(Ok(sealed))) = room.ask(a_query(envelope)).await else { panic!("no reply") };
    let reply: Reply = decode_exact(&key.open(&sealed).unwrap()).unwrap();
    match reply.result.unwrap().0 {
        Answered::Call { ended: Ended::Returned { data, .. }, .. } => {
            let (status, output) = data.split_at(4);
            (u32::from_le_bytes(status.try_into().unwrap()), output.to_vec())
        }
        other => panic!("the contract did not return: {other:?}"),
    }
}

/// A server that answers, or waits for longer than anybody.
async fn serve(answers: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            if answers {
                let mut request = [0; 1000];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n42").await;
            } else {
                held.push(stream);
            }
        }
    });
    port
}

fn start<N: Network>(world: World, dir: &std::path::Path, fetcher: Fetcher<N>) -> EngineRoom {
    let platform = SimulatedPlatform::open(dir).unwrap();
    let outside = Outside { fetcher: Arc::new(fetcher), runtime: Handle::current() };
    engine_room::start(world.core, Vec::new(), platform, Disk::open(dir).unwrap(), outside).unwrap()
}

fn with_fetcher(alice: &User) -> (World, ContractId) {
    let mut world = World::serving();
    let contract = world.deploy(alice, &wat::parse_str(FETCHER).unwrap());
    (world, contract)
}

#[tokio::test]
async fn a_query_goes_out_and_comes_back_with_the_servers_words() {
    let (dir, alice) = (tempfile::tempdir().unwrap(), User::new(1));
    let (mut world, contract) = with_fetcher(&alice);
    let (envelope, key) = query(&mut world, &alice, contract, serve(true).await);
    let room = start(world, dir.path(), Fetcher::of(Loopback));
    let (status, output) = ask(&room, envelope, key).await;
    let fetched = HttpFetched::decode(&mut &output[..]).unwrap();
    assert_eq!((status, fetched.status, &*fetched.body), (0, 200, &b"42"[..]));
}

#[tokio::test]
async fn slow_servers_hold_nobody_but_those_who_ask_for_them() {
    let (dir, alice) = (tempfile::tempdir().unwrap(), User::new(1));
    let (mut world, contract) = with_fetcher(&alice);
    let (slow, quick) = (serve(false).await, serve(true).await);
    let slow: Vec<_> = (0..7).map(|_| query(&mut world, &alice, contract, slow)).collect();
    let (envelope, key) = query(&mut world, &alice, contract, quick);
    let room = Arc::new(start(world, dir.path(), Fetcher::of(Loopback)));
    let begun = Instant::now();
    let waiting: Vec<_> = slow
        .into_iter()
        .map(|(envelope, key)| {
            let room = room.clone();
            tokio::spawn(async move { ask(&room, envelope, key).await })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(ask(&room, envelope, key).await.0, 0);
    assert!(waiting.iter().all(|it| !it.is_finished()), "the slow ones still wait");
    for query in waiting {
        assert_eq!(query.await.unwrap(), (Status::HttpTimeout as u32, vec![]));
    }
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_workers_own_machine_is_not_reached() {
    let (dir, alice) = (tempfile::tempdir().unwrap(), User::new(1));
    let (mut world, contract) = with_fetcher(&alice);
    let port = serve(true).await;
    let fetch = HttpFetch {
        method: HttpMethod::Get,
        url: format!("http://127.0.0.1:{port}/"),
        headers: vec![],
        body: vec![],
        answer_headers: vec![],
        body_bytes_max: 1000,
        timeout_ms: 3000,
    };
    let input = fetch.encode().try_into().unwrap();
    let query = world.query_for(&alice, Question::call(contract, GAS, input));
    let (envelope, key) = world.seal_query(&alice, &query);
    let room = start(world, dir.path(), Fetcher::<PublicInternet>::public());
    let (status, _) = ask(&room, envelope.encode(), key).await;
    assert_eq!(status, Status::HttpDestination as u32);
}
