//! The command line.

use clap::{Args, Parser, Subcommand};
use phala_types::{
    Amount, ClusterId, CodeHash, ContractId, Gas, GenesisHash, WorkerId, limits::CALL_GAS_MAX,
};
use std::path::PathBuf;

/// Confidential contracts: build, deploy, call, query and verify them.
#[derive(Parser, Debug)]
#[command(name = "phala", version, about, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    pub options: Options,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Print one JSON value, for programs.
    #[arg(long, global = true)]
    pub json: bool,

    /// WebSocket of a node. What it says is verified.
    #[arg(long, global = true, env = "PHALA_NODE", value_name = "URL")]
    pub node: Option<String>,

    /// Secret URI of the account that signs: a phrase, a 0x seed, or //Alice and the like. Give secrets by the
    /// environment: other users of the machine can read arguments.
    #[arg(long, global = true, env = "PHALA_SURI", hide_env_values = true, conflicts_with = "account")]
    pub suri: Option<String>,

    /// Name of the account that signs: one of `phala account list`.
    #[arg(long, global = true, env = "PHALA_ACCOUNT", value_name = "NAME")]
    pub account: Option<String>,

    /// The network, by the hash of its block 0. Without it, the network of the node is taken.
    #[arg(long, global = true, env = "PHALA_GENESIS", value_name = "HASH")]
    pub genesis: Option<GenesisHash>,

    /// Also trust workers whose TEE is simulated, and whose operators can read everything. It is the default for a
    /// node on this machine.
    #[arg(long, global = true)]
    pub accept_simulated: bool,

    /// Folder for accounts, contracts, settings and the development network.
    #[arg(long, global = true, env = "PHALA_DIR", default_value = ".phala", value_name = "DIR")]
    pub dir: PathBuf,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Start a development network on this machine: a node, a relay and a simulated worker. Ctrl-C stops it.
    Dev(DevArgs),
    /// Show a confidential contract from source to verified receipt, on a running network or a new one.
    Demo(DemoArgs),
    /// Build, deploy, call and query contracts.
    #[command(subcommand)]
    Contract(ContractCommand),
    /// Accounts: keys and balances.
    #[command(subcommand)]
    Account(AccountCommand),
    /// Workers, as the chain records them.
    #[command(subcommand)]
    Worker(WorkerCommand),
    /// Judge the evidence of a TEE: is it genuine, what does it say, does a policy admit it?
    Attest(AttestArgs),
    /// Verify a receipt file, offline.
    Verify(VerifyArgs),
    /// Show the network's state.
    Status,
}

#[derive(Args, Clone, Debug)]
pub struct AttestArgs {
    /// A quote of Intel SGX or TDX, a report of AMD SEV-SNP, a document of AWS Nitro; bytes or hexadecimal.
    pub evidence: PathBuf,
    /// The policy in JSON that is to admit it. Without one, only what it says is shown.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Intel's documents in one JSON file, as verifiers of quotes write them. Without it they are fetched.
    #[arg(long, value_name = "FILE")]
    pub collateral: Option<PathBuf>,
    /// The certificate of AMD's key in DER. Without it, it is fetched.
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// A cache of Intel's documents (PCCS), in the place of Intel itself.
    #[arg(long, value_name = "URL", conflicts_with = "collateral")]
    pub pccs: Option<String>,
    /// Fetch nothing: neither documents nor certificates.
    #[arg(long)]
    pub offline: bool,
    /// When it is judged, in seconds since 1970. Now, if it is not said.
    #[arg(long, value_name = "SECONDS")]
    pub at: Option<u64>,
}

#[derive(Args, Clone, Debug)]
pub struct DevArgs {
    /// Start over: remove the network's chain and worker. Accounts and contract files stay.
    #[arg(long)]
    pub fresh: bool,
    #[command(flatten)]
    pub ports: Ports,
}

/// Where the programs of a development network listen, all on 127.0.0.1.
#[derive(Args, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ports {
    /// The node's WebSocket.
    #[arg(long, default_value_t = 9944, value_name = "PORT")]
    pub rpc_port: u16,
    /// The node's connections to other nodes.
    #[arg(long, default_value_t = 30333, value_name = "PORT")]
    pub p2p_port: u16,
    /// The worker's, for clients.
    #[arg(long, default_value_t = 8100, value_name = "PORT")]
    pub worker_port: u16,
    /// The worker's, for its relay.
    #[arg(long, default_value_t = 8101, value_name = "PORT")]
    pub relay_port: u16,
}

#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// The contract's crate.
    #[arg(long, default_value = "contract/examples/erc20", value_name = "DIR")]
    pub project: PathBuf,
    /// Where to write the receipt.
    #[arg(long, default_value = "receipt.json", value_name = "FILE")]
    pub receipt: PathBuf,
}

#[derive(Subcommand, Debug)]
pub enum ContractCommand {
    /// Make a project with a contract that builds and a test that passes.
    New(NewArgs),
    /// Build a contract to a .contract bundle. Its files tell its language.
    Build(BuildArgs),
    /// Run a contract's own tests on this machine: `cargo test` for Rust, tests.toml for the others.
    Test(TestArgs),
    /// The compilers of contracts.
    #[command(subcommand)]
    Toolchain(ToolchainCommand),
    /// Upload a bundle's code, so that contracts can be made of it, and wait until the worker has read it.
    Upload(UploadArgs),
    /// Remove code that you uploaded and that no contract needs.
    Remove(RemoveArgs),
    /// Make a contract of uploaded code. The constructor's arguments are encrypted.
    Deploy(DeployArgs),
    /// Send an encrypted command to a contract, and wait for its outcome.
    Call(CallArgs),
    /// Ask a contract, encrypted, without changing it.
    Query(QueryArgs),
}

#[derive(Args, Debug)]
pub struct NewArgs {
    /// The contract's name, and the folder's.
    pub name: String,
    /// What to write it in.
    #[arg(long, value_enum, default_value_t = Lang::Rust)]
    pub lang: Lang,
}

/// A language of contracts.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lang {
    /// Rust, with ink! 5.
    Rust,
    /// Solidity, by Solang.
    Solidity,
    /// AssemblyScript.
    #[value(name = "assemblyscript")]
    AssemblyScript,
    /// C.
    C,
}

#[derive(Args, Debug)]
pub struct TestArgs {
    /// The contract's folder.
    #[arg(default_value = ".")]
    pub project: PathBuf,
    /// Run on the network instead of on this machine alone. It takes as long as its blocks do, and costs fees.
    #[arg(long)]
    pub network: bool,
    /// The cluster to run in.
    #[arg(long, default_value = "0", value_parser = cluster, requires = "network")]
    pub cluster: ClusterId,
}

#[derive(Subcommand, Clone, Copy, Debug)]
pub enum ToolchainCommand {
    /// Show which compilers are here and how to get the others.
    List,
    /// Install a language's compiler for this user.
    Install {
        /// Which.
        language: Lang,
    },
}

#[derive(Args, Debug)]
pub struct BuildArgs {
    /// The contract's folder.
    #[arg(default_value = ".")]
    pub project: PathBuf,
}

#[derive(Args, Debug)]
pub struct UploadArgs {
    /// The .contract file.
    pub bundle: PathBuf,
    /// Where to.
    #[arg(long, default_value = "0", value_parser = cluster)]
    pub cluster: ClusterId,
}

#[derive(Args, Debug)]
pub struct RemoveArgs {
    /// The code's hash.
    pub code_hash: CodeHash,
    /// Where from.
    #[arg(long, default_value = "0", value_parser = cluster)]
    pub cluster: ClusterId,
}

#[derive(Args, Debug)]
pub struct DeployArgs {
    /// The .contract file.
    pub bundle: PathBuf,
    /// The constructor.
    #[arg(default_value = "new")]
    pub constructor: String,
    /// Its arguments, as in Rust; accounts as SS58, 0x... or //Alice.
    #[arg(allow_negative_numbers = true)]
    pub arguments: Vec<String>,
    /// Where to.
    #[arg(long, default_value = "0", value_parser = cluster)]
    pub cluster: ClusterId,
    /// Makes the contract's id unique: hexadecimal digits. Random if it is not given.
    #[arg(long, value_name = "HEX")]
    pub salt: Option<String>,
    #[command(flatten)]
    pub trial: TrialArgs,
    #[command(flatten)]
    pub cost: CostArgs,
    #[command(flatten)]
    pub payer: PayerArgs,
    #[command(flatten)]
    pub receipt: ReceiptArgs,
}

#[derive(Args, Debug)]
pub struct CallArgs {
    /// The contract's id.
    pub contract: ContractId,
    /// The message.
    pub message: String,
    /// Its arguments, as in Rust; accounts as SS58, 0x... or //Alice.
    #[arg(allow_negative_numbers = true)]
    pub arguments: Vec<String>,
    /// The .contract file. Needed once: `deploy` remembers it for the contracts that it makes.
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
    /// The cluster of a contract that another contract made: the chain does not know it.
    #[arg(long, value_parser = cluster)]
    pub cluster: Option<ClusterId>,
    #[command(flatten)]
    pub trial: TrialArgs,
    #[command(flatten)]
    pub cost: CostArgs,
    #[command(flatten)]
    pub payer: PayerArgs,
    #[command(flatten)]
    pub receipt: ReceiptArgs,
}

#[derive(Args, Clone, Copy, Debug)]
pub struct TrialArgs {
    /// Only ask the worker what would come of it: result, gas, deposit, events and private logs. Encrypted, nothing is
    /// sent to the chain, nothing is kept.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args, Debug)]
pub struct QueryArgs {
    /// The contract's id.
    pub contract: ContractId,
    /// The message.
    pub message: String,
    /// Its arguments, as in Rust; accounts as SS58, 0x... or //Alice.
    #[arg(allow_negative_numbers = true)]
    pub arguments: Vec<String>,
    /// The .contract file. Needed once: `deploy` remembers it for the contracts that it makes.
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
    /// The cluster of a contract that another contract made: the chain does not know it.
    #[arg(long, value_parser = cluster)]
    pub cluster: Option<ClusterId>,
    /// The most gas to spend.
    #[arg(long, default_value_t = CALL_GAS_MAX)]
    pub gas: u64,
    #[command(flatten)]
    pub receipt: ReceiptArgs,
}

#[derive(Args, Clone, Copy, Debug)]
pub struct CostArgs {
    /// PHA to move to the contract, for example 1.5.
    #[arg(long, default_value = "0", value_parser = pha)]
    pub value: Amount,
    /// The most gas to spend.
    #[arg(long, default_value_t = CALL_GAS_MAX)]
    pub gas: u64,
    /// The most PHA to put down for storage. Without it, what the account has in the cluster.
    #[arg(long, value_name = "PHA", value_parser = pha)]
    pub deposit: Option<Amount>,
}

impl CostArgs {
    /// For the SDK.
    pub fn parameters(self) -> phala_sdk::CallParameters {
        phala_sdk::CallParameters {
            value: self.value,
            gas_limit: Gas::new(self.gas),
            deposit_limit: self.deposit,
        }
    }
}

#[derive(Args, Clone, Debug)]
pub struct PayerArgs {
    /// Who pays for the transaction and shows on the chain: an account's name or secret URI. Whoever signs inside the
    /// ciphertext does not show. Without it, the same account pays.
    #[arg(long, env = "PHALA_PAYER", hide_env_values = true, value_name = "ACCOUNT")]
    pub payer: Option<String>,
}

#[derive(Args, Clone, Debug)]
pub struct ReceiptArgs {
    /// Write the receipt, with all that it takes to verify it offline, to this file.
    #[arg(long = "receipt", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Leave question and answer out of the file: its readers see only their hashes.
    #[arg(long, requires = "file")]
    pub undisclosed: bool,
}

#[derive(Subcommand, Debug)]
pub enum AccountCommand {
    /// Make an account. With a name it is kept in a file; without one its phrase is printed, this once.
    New {
        /// How to call it.
        name: Option<String>,
    },
    /// List the accounts that commands know by name.
    List,
    /// Show an account's address.
    Show {
        /// A name, an address or //Alice. Without it, the one that signs.
        #[arg(value_name = "ACCOUNT")]
        whose: Option<String>,
    },
    /// Show an account's balance.
    Balance {
        /// A name, an address or //Alice. Without it, the one that signs.
        #[arg(value_name = "ACCOUNT")]
        whose: Option<String>,
    },
    /// Pay PHA, in public, on the chain.
    Transfer {
        /// To whom: a name, an address or //Alice.
        to: String,
        /// How much PHA, for example 1.5.
        #[arg(value_parser = pha)]
        amount: Amount,
    },
}

#[derive(Subcommand, Debug)]
pub enum WorkerCommand {
    /// List all workers.
    List,
    /// Show one worker: what the chain records, and what it says of itself.
    Show {
        /// The worker's id.
        worker: WorkerId,
    },
}

#[derive(Args, Debug)]
pub struct VerifyArgs {
    /// The receipt file.
    pub receipt: PathBuf,
    /// The contract's bundle, to show a disclosed answer by name.
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
}

fn cluster(text: &str) -> Result<ClusterId, String> {
    text.parse().map(ClusterId::new).map_err(|_| "it takes a cluster's number".to_owned())
}

/// PHA as people write it, to its smallest unit.
pub fn pha(text: &str) -> Result<Amount, String> {
    const DECIMALS: usize = 12;
    let malformed = || "it takes an amount of PHA such as 1 or 0.5, with at most 12 decimals".to_owned();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > DECIMALS || !digits(whole) || !digits(fraction) {
        return Err(malformed());
    }
    format!("{whole}{fraction:0<DECIMALS$}").parse().map(Amount::new).map_err(|_| malformed())
}

/// PHA for people, without needless zeros.
pub fn format_pha(amount: Amount) -> String {
    const UNIT: u128 = 1_000_000_000_000;
    let (whole, rest) = (amount.value() / UNIT, amount.value() % UNIT);
    match rest {
        0 => format!("{whole} PHA"),
        _ => format!("{whole}.{} PHA", format!("{rest:012}").trim_end_matches('0')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn error(arguments: &[&str]) -> String {
        Cli::try_parse_from([&["phala"], arguments].concat()).unwrap_err().to_string()
    }

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_may_stand_before_and_after_the_command() {
        for arguments in [["--json", "status"], ["status", "--json"]] {
            assert!(Cli::try_parse_from(["phala"].iter().chain(&arguments)).unwrap().options.json);
        }
    }

    #[test]
    fn an_account_may_be_named_while_another_one_signs() {
        for command in ["balance", "show"] {
            assert!(Cli::try_parse_from(["phala", "account", command, "//Bob", "--suri", "//Alice"]).is_ok());
        }
    }

    #[test]
    fn wrong_arguments_are_refused_by_name() {
        let contract = format!("0x{}", "11".repeat(32));
        for (arguments, expected) in [
            (&["contract", "call", "0x12", "get"][..], "<CONTRACT>"),
            (&["contract", "query", &contract], "<MESSAGE>"),
            (&["contract", "deploy"], "<BUNDLE>"),
            (&["contract", "call", &contract, "pay", "--value", "1e3"], "--value"),
            (&["contract", "query", &contract, "get", "--undisclosed"], "--receipt"),
            (&["account", "transfer", "//Bob", "0.0000000000001"], "<AMOUNT>"),
            (&["worker", "show", "worker"], "<WORKER>"),
            (&["dev", "--rpc-port", "70000"], "--rpc-port"),
            (&["status", "--genesis", "0x00"], "--genesis"),
            (&["status", "--suri", "//Alice", "--account", "bob"], "--account"),
            (&["unknown"], "unknown"),
        ] {
            let error = error(arguments);
            assert!(error.contains(expected), "{arguments:?}: {error}");
        }
    }

    #[test]
    fn pha_is_read_and_written_as_people_do() {
        for (text, units) in [
            ("0", 0),
            ("1", 1_000_000_000_000),
            ("1.5", 1_500_000_000_000),
            ("0.000000000001", 1),
            ("1000000000", 1_000_000_000_000_000_000_000),
        ] {
            assert_eq!(pha(text).unwrap().value(), units);
            assert_eq!(format_pha(Amount::new(units)), format!("{text} PHA"));
        }
        for bad in ["", ".", ".5", "-1", "1,5", "1.0000000000001", "x", "340282366920938463463374608"] {
            assert!(pha(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn negative_arguments_of_a_message_are_not_options() {
        let contract = format!("0x{}", "11".repeat(32));
        let cli =
            Cli::try_parse_from(["phala", "contract", "query", &contract, "add", "-5", "--json"]).unwrap();
        let Command::Contract(ContractCommand::Query(query)) = cli.command else { panic!("not a query") };
        assert_eq!(query.arguments, ["-5"]);
    }
}
