//! What a command works with: options, settings, accounts, the network, and where output goes.

use crate::{args::Options, failure::advise, store::Store};
use anyhow::{Context as _, Result};
use phala_sdk::{Client, Trust, node::Account};
use phala_types::{AccountId, GenesisHash};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::net::IpAddr;

const NODE_DEFAULT: &str = "ws://127.0.0.1:9944";

/// The well-known accounts of development networks. Everybody knows their keys.
pub const DEVELOPMENT_ACCOUNTS: [&str; 6] = ["alice", "bob", "charlie", "dave", "eve", "ferdie"];

/// Settings in `config.json` in the folder: defaults for options.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// For `--node`.
    pub node: Option<String>,
    /// For `--account`.
    pub account: Option<String>,
    /// For `--genesis`.
    pub genesis: Option<GenesisHash>,
    /// For `--accept-simulated`.
    pub accept_simulated: bool,
}

/// What every command has.
pub struct Context {
    pub options: Options,
    pub settings: Settings,
    pub store: Store,
}

impl Context {
    pub fn new(options: Options) -> Result<Self> {
        let store = Store::new(options.dir.clone());
        let settings = store.settings()?;
        Ok(Self { options, settings, store })
    }

    /// The node's address: by option, by settings, or on this machine.
    pub fn node_url(&self) -> String {
        let url = self.options.node.clone().or_else(|| self.settings.node.clone());
        url.unwrap_or_else(|| NODE_DEFAULT.to_owned())
    }

    /// The network that was asked for, if any.
    pub fn genesis(&self) -> Option<GenesisHash> {
        self.options.genesis.or(self.settings.genesis)
    }

    /// Simulated workers are trusted if that was asked for, and on this machine, where whoever could read their secrets
    /// can read the user's anyway.
    pub fn trust(&self) -> Trust {
        let is_asked_for = self.options.accept_simulated || self.settings.accept_simulated;
        match is_asked_for || is_on_this_machine(&self.node_url()) {
            true => Trust::insecure_simulated(),
            false => Trust::default(),
        }
    }

    /// Connects, verifies the chain, and remembers its genesis hash for `phala verify`.
    pub async fn connect(&self) -> Result<Client> {
        let client = Client::connect(&self.node_url(), self.genesis(), self.trust()).await?;
        self.store.remember_network(client.genesis())?;
        Ok(client)
    }

    /// The account that signs.
    pub fn signer(&self) -> Result<Account> {
        if let Some(uri) = &self.options.suri {
            return Ok(Account::from_uri(uri)?);
        }
        let name = self.options.account.as_ref().or(self.settings.account.as_ref()).ok_or_else(|| {
            advise(
                "this command signs, and no account was named",
                "--account NAME (see `phala account list`), or --suri //Alice on a development network",
            )
        })?;
        self.named(name)
    }

    /// An account with its key: a name, or a secret URI.
    pub fn named(&self, name: &str) -> Result<Account> {
        if let Some(account) = self.store.account(name)? {
            return Ok(account);
        }
        if let Some(development) = development_uri(name) {
            return Ok(Account::from_uri(&development)?);
        }
        Account::from_uri(name).with_context(|| {
            // It may be a phrase with a typing error.
            "no account has this name, and it is not a secret URI".to_owned()
        })
    }

    /// An address: of a name, in SS58 or hexadecimal digits, or of a development account.
    pub fn address(&self, text: &str) -> Result<AccountId> {
        if let Ok(id) = Account::parse_address(text) {
            return Ok(id);
        }
        self.named(text).map(|account| account.id()).map_err(|_| {
            advise(
                format!("{text} is not an account"),
                "a name from `phala account list`, an SS58 address, 0x and 64 hexadecimal digits, or //Alice",
            )
        })
    }

    /// A line of progress, for people. It goes to the error stream, so that results can be piped.
    pub fn say(&self, line: impl std::fmt::Display) {
        if !self.options.json {
            eprintln!("{line}");
        }
    }

    /// The result: as text for people, or as JSON for programs.
    pub fn print(&self, text: impl std::fmt::Display, json: Value) {
        match self.options.json {
            true => println!("{json}"),
            false => println!("{text}"),
        }
    }
}

fn development_uri(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let known = DEVELOPMENT_ACCOUNTS.iter().find(|known| **known == lower)?;
    let (first, rest) = known.split_at(1);
    Some(format!("//{}{rest}", first.to_ascii_uppercase()))
}

/// Whether a URL's host is a loopback address.
fn is_on_this_machine(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A name before an @ is not the host.
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_on_this_machine() {
        for url in ["ws://127.0.0.1:9944", "ws://localhost", "ws://[::1]:9944/path", "ws://127.5.0.1"] {
            assert!(is_on_this_machine(url), "{url}");
        }
        for url in [
            "wss://node.example",
            "ws://localhost.example",
            "ws://127.0.0.1@node.example:9944",
            "ws://10.0.0.1",
            "127.0.0.1:9944",
        ] {
            assert!(!is_on_this_machine(url), "{url}");
        }
    }

    #[test]
    fn development_accounts_are_known_by_name() {
        assert_eq!(development_uri("alice").as_deref(), Some("//Alice"));
        assert_eq!(development_uri("BOB").as_deref(), Some("//Bob"));
        assert_eq!(development_uri("mallory"), None);
    }
}
