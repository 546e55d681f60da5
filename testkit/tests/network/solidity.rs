//! The examples in Solidity, through a real network: what their tests say of the engine alone holds there as well.

use phala_testkit::{Network, binary, has_compiler};
use serde_json::Value;
use std::{fs, path::Path, process::Command, thread};

/// Each example, who pays for its transactions (an account each, and not //Bob, by whom the relay pays), how
/// many of its tests hold, and how many need PHA, which no cluster has.
const EXAMPLES: [(&str, &str, usize, usize); 5] = [
    ("erc20", "//Alice", 4, 0),
    ("erc721", "//Ferdie", 4, 0),
    ("amm", "//Charlie", 4, 0),
    ("multisig", "//Dave", 3, 2),
    ("auction", "//Eve", 3, 0),
];

#[test]
fn examples_in_solidity_hold_to_their_tests_on_a_network() -> anyhow::Result<()> {
    if !has_compiler("solidity")? {
        return Ok(());
    }
    let network = Network::start()?;
    let dir = tempfile::tempdir()?;
    let results = thread::scope(|scope| {
        let run = |example: &'static str, payer| {
            let (network, dir) = (&network, dir.path());
            scope.spawn(move || test(network, dir, example, payer))
        };
        let running = EXAMPLES.map(|(example, payer, ..)| run(example, payer));
        running.map(|thread| thread.join().expect("a test's thread does not panic"))
    });
    for ((example, _, passed, left_out), result) in EXAMPLES.into_iter().zip(results) {
        let result = result?;
        let found = [&result["passed"], &result["failed"], &result["left_out"]];
        assert_eq!(found, [passed, 0, left_out], "{example}: {:#}", result["tests"]);
    }
    Ok(())
}

/// Builds a copy of the example and runs its tests.
fn test(network: &Network, dir: &Path, example: &str, payer: &str) -> anyhow::Result<Value> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contract/examples/solidity").join(example);
    let to = dir.join(example);
    fs::create_dir(&to)?;
    for file in fs::read_dir(from)?.flatten().filter(|file| file.path().is_file()) {
        fs::copy(file.path(), to.join(file.file_name()))?;
    }
    let output = Command::new(binary("phala")?)
        .args(["--json", "--node", &network.node_url(), "--suri", payer, "contract", "test", "--network"])
        .arg(&to)
        // Where it keeps what it knows of the network.
        .current_dir(dir)
        .output()?;
    serde_json::from_slice(&output.stdout)
        .map_err(|_| anyhow::anyhow!("{example}: {}", String::from_utf8_lossy(&output.stderr)))
}
