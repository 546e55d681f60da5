//! The program `phala-node`.

fn main() -> polkadot_sdk::sc_cli::Result<()> {
    phala_node::cli::run()
}
