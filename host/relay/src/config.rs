//! What a relay is told when it starts.

use phala_types::{Bytes, ClusterId, limits::ENDPOINT_BYTES_MAX};

/// What a relay is told when it starts. All of it can change speed and cost, none of it trust.
#[derive(Clone, clap::Parser)]
#[command(
    name = "phala-relay",
    version,
    about = "Carries blocks, proofs and messages between a node and a worker. Untrusted."
)]
pub struct Config {
    /// WebSocket of the node.
    #[arg(long, env = "PHALA_NODE", default_value = "ws://127.0.0.1:9944")]
    pub node: String,

    /// The worker's address for its relay. It is not the public one.
    #[arg(long, env = "PHALA_WORKER", default_value = "http://127.0.0.1:8101")]
    pub worker: String,

    /// Secret URI of the account that registers the worker, answers for it and pays the fees. Give it by the
    /// environment: other users of the machine can read the arguments of a program.
    #[arg(long, env = "PHALA_OPERATOR_SURI", hide_env_values = true)]
    pub operator_suri: String,

    /// The worker's public address, where clients send queries.
    #[arg(long, env = "PHALA_ENDPOINT", default_value = "http://127.0.0.1:8100", value_parser = parse_endpoint)]
    pub endpoint: String,

    /// The cluster that the worker is to join if it is in none.
    #[arg(long, env = "PHALA_CLUSTER", default_value = "0", value_parser = parse_cluster)]
    pub cluster: ClusterId,
}

impl Config {
    /// The endpoint as it is registered.
    pub fn endpoint_bytes(&self) -> Bytes<ENDPOINT_BYTES_MAX> {
        // Held to the bound by `parse_endpoint`; a configuration built in code is cut.
        Bytes::truncate_from(self.endpoint.clone().into_bytes())
    }
}

fn parse_endpoint(text: &str) -> Result<String, String> {
    if !text.starts_with("http://") && !text.starts_with("https://") {
        return Err("it takes a URL that begins with http:// or https://".to_owned());
    }
    if text.len() > ENDPOINT_BYTES_MAX as usize {
        return Err(format!("it is over {ENDPOINT_BYTES_MAX} bytes"));
    }
    Ok(text.to_owned())
}

fn parse_cluster(text: &str) -> Result<ClusterId, String> {
    text.parse().map(ClusterId::new).map_err(|_| "it takes a cluster's number".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn parse(arguments: &[&str]) -> Result<Config, clap::Error> {
        Config::try_parse_from([&["phala-relay", "--operator-suri", "//Bob"], arguments].concat())
    }

    #[test]
    fn defaults_are_those_of_the_development_network() {
        let config = parse(&[]).unwrap();
        assert_eq!(config.node, "ws://127.0.0.1:9944");
        assert_eq!(config.worker, "http://127.0.0.1:8101");
        assert_eq!(config.endpoint_bytes().as_slice(), b"http://127.0.0.1:8100");
        assert_eq!(config.cluster, ClusterId::new(0));
    }

    #[test]
    fn wrong_arguments_are_refused_by_name() {
        let long = format!("http://{}", "x".repeat(ENDPOINT_BYTES_MAX as usize));
        for (name, value) in [
            ("--endpoint", "127.0.0.1:8100"),
            ("--endpoint", &long),
            ("--cluster", "all"),
            ("--unknown", "1"),
        ] {
            let error = parse(&[name, value]).err().unwrap().to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}
