//! A real node on a development network, spoken to over HTTP as a relay or a wallet does.

use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

/// How long anything here may take. Most take a second or two; a busy machine takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("phala-node-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the temporary folder is writable");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running node, killed without warning when it is dropped.
struct Node {
    process: Child,
    rpc: String,
}

impl Node {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_phala-node"))
            .args(["--dev", "--rpc-port=0", "--port=0", "--no-prometheus", "--no-telemetry", "--base-path"])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the node starts");
        let log = BufReader::new(process.stderr.take().expect("it is piped"));
        let (found, address) = mpsc::channel();
        // Reads the log to its end, so that the node never waits for somebody to read it.
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                if let Some((_, addresses)) = line.split_once("Running JSON-RPC server: addr=") {
                    let first = addresses.split(',').next().unwrap_or(addresses);
                    let _ = found.send(first.trim().to_owned());
                }
            }
        });
        let rpc = address.recv_timeout(PATIENCE).expect("the node says where it listens");
        Self { process, rpc }
    }

    fn call(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let mut stream = TcpStream::connect(&self.rpc).expect("the node listens");
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.rpc,
            body.len()
        )
        .expect("the node reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the node answers");
        let json = answer.find('{').map(|start| &answer[start..]).expect("the answer has a body");
        let end = json.rfind('}').expect("the body is JSON");
        let answer: Value = serde_json::from_str(&json[..=end]).expect("the body is JSON");
        assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        answer["result"].clone()
    }

    fn height_of(&self, hash: &Value) -> u64 {
        let header = self.call("chain_getHeader", json!([hash]));
        u64::from_str_radix(header["number"].as_str().expect("a height").trim_start_matches("0x"), 16)
            .expect("hex")
    }

    fn best(&self) -> u64 {
        self.height_of(&self.call("chain_getBlockHash", json!([])))
    }

    fn finalized(&self) -> u64 {
        self.height_of(&self.call("chain_getFinalizedHead", json!([])))
    }

    fn hash_at(&self, height: u64) -> Value {
        self.call("chain_getBlockHash", json!([height]))
    }

    fn wait_for_finalized(&self, height: u64) {
        let began = Instant::now();
        while self.finalized() < height {
            assert!(began.elapsed() < PATIENCE, "block {height} is not finalized, only {}", self.finalized());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Key of `Grandpa.Authorities`.
fn authorities_key() -> String {
    use polkadot_sdk::sp_io::hashing::twox_128;
    let key = [twox_128(b"Grandpa"), twox_128(b"Authorities")].concat();
    format!("0x{}", key.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

#[test]
fn light_client_gets_finality_and_storage_proofs_from_block_zero_to_the_head() {
    let folder = Folder::new("proofs");
    let node = Node::start(&folder.0);
    assert_eq!(node.call("system_chain", json!([])), json!("Phala Development (SIMULATED TEE)"));
    assert_eq!(
        node.call("system_properties", json!([])),
        json!({ "ss58Format": 30, "tokenDecimals": 12, "tokenSymbol": "PHA" })
    );

    node.wait_for_finalized(3);
    let began = Instant::now();
    let from = node.best();
    node.wait_for_finalized(from + 4);
    assert!(began.elapsed() >= Duration::from_secs(2), "blocks come faster than the slots of one second");

    for height in [0, 1, node.finalized()] {
        let proof = node.call("state_getReadProof", json!([[authorities_key()], node.hash_at(height)]));
        assert!(
            proof["proof"].as_array().is_some_and(|nodes| !nodes.is_empty()),
            "no storage proof at {height}"
        );
    }
    for height in [1, 2, node.finalized()] {
        assert!(
            node.call("grandpa_proveFinality", json!([height])).is_string(),
            "no finality proof of {height}"
        );
    }
}

#[test]
fn killed_node_goes_on_with_the_chain_that_it_finalized() {
    let folder = Folder::new("resume");
    let (height, hash) = {
        let node = Node::start(&folder.0);
        node.wait_for_finalized(3);
        let height = node.finalized();
        (height, node.hash_at(height))
    };
    let node = Node::start(&folder.0);
    assert_eq!(node.hash_at(height), hash);
    node.wait_for_finalized(height + 2);
}
