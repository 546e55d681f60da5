//! The user's files: settings, accounts, the bundles of deployed contracts, and the last network.

use crate::{context::Settings, failure::advise};
use anyhow::{Context as _, Result};
use phala_sdk::{
    abi::{BUNDLE_BYTES_MAX, ContractBundle},
    node::Account,
};
use phala_types::{ContractId, GenesisHash};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// An account's file. Whoever reads it owns the account.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountFile {
    /// For people who look into the file.
    address: String,
    secret_uri: String,
}

#[derive(Serialize, Deserialize)]
struct NetworkFile {
    genesis: GenesisHash,
}

/// The folder.
pub struct Store {
    dir: PathBuf,
}

impl Store {
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The settings, or the defaults if there is no file.
    pub fn settings(&self) -> Result<Settings> {
        Ok(read_json(&self.dir.join("config.json"))?.unwrap_or_default())
    }

    /// The network that was last connected to.
    pub fn last_network(&self) -> Result<Option<GenesisHash>> {
        let file: Option<NetworkFile> = read_json(&self.dir.join("network.json"))?;
        Ok(file.map(|file| file.genesis))
    }

    /// Remembers a network.
    pub fn remember_network(&self, genesis: GenesisHash) -> Result<()> {
        if self.last_network().ok().flatten() == Some(genesis) {
            return Ok(());
        }
        write(&self.dir.join("network.json"), &serde_json::to_vec(&NetworkFile { genesis })?, 0o644, false)
    }

    /// Keeps an account under a name that is not taken.
    pub fn add_account(&self, name: &str, account: &Account, secret_uri: String) -> Result<PathBuf> {
        let path = self.account_path(name)?;
        let address = Account::format_address(&account.id());
        let file = serde_json::to_vec_pretty(&AccountFile { address, secret_uri })?;
        if path.exists() {
            return Err(advise(format!("there is an account named {name}"), "choose another name"));
        }
        write(&path, &file, 0o600, true)?;
        Ok(path)
    }

    /// An account by name.
    pub fn account(&self, name: &str) -> Result<Option<Account>> {
        let Ok(path) = self.account_path(name) else { return Ok(None) };
        let Some(file) = read_json::<AccountFile>(&path)? else { return Ok(None) };
        let account = Account::from_uri(&file.secret_uri)
            .with_context(|| format!("{} does not hold an account", path.display()))?;
        Ok(Some(account))
    }

    /// The names of all accounts.
    pub fn account_names(&self) -> Result<Vec<String>> {
        let dir = self.dir.join("accounts");
        let Ok(entries) = fs::read_dir(&dir) else { return Ok(Vec::new()) };
        let mut names = Vec::new();
        for entry in entries {
            let path = entry.with_context(|| format!("cannot list {}", dir.display()))?.path();
            if let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json")) {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    fn account_path(&self, name: &str) -> Result<PathBuf> {
        const NAME_CHARACTERS_MAX: usize = 64;
        let is_plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
        if name.is_empty() || name.len() > NAME_CHARACTERS_MAX || !name.chars().all(is_plain) {
            return Err(advise(
                format!("{name:?} is not a name for an account"),
                format!("up to {NAME_CHARACTERS_MAX} letters, digits, - and _"),
            ));
        }
        Ok(self.dir.join("accounts").join(format!("{name}.json")))
    }

    /// Keeps the bundle of a contract, so that later commands need only its id.
    pub fn remember_bundle(&self, contract: &ContractId, bundle: &[u8]) -> Result<()> {
        write(&self.bundle_path(contract), bundle, 0o644, false)
    }

    /// The bundle of a contract: from the file that was named, or the one that was kept.
    pub fn bundle(&self, contract: &ContractId, named: Option<&Path>) -> Result<ContractBundle> {
        let path = named.map_or_else(|| self.bundle_path(contract), Path::to_owned);
        if named.is_none() && !path.exists() {
            return Err(advise(
                format!("the interface of the contract {contract} is not known here"),
                "name its .contract file with --bundle",
            ));
        }
        Ok(read_bundle(&path)?.0)
    }

    fn bundle_path(&self, contract: &ContractId) -> PathBuf {
        self.dir.join("contracts").join(format!("{contract}.contract"))
    }
}

/// A bundle and the file's bytes.
pub fn read_bundle(path: &Path) -> Result<(ContractBundle, Vec<u8>)> {
    let bytes = read_bounded(path, BUNDLE_BYTES_MAX as u64)?.ok_or_else(|| {
        advise(format!("there is no file {}", path.display()), "build it with `phala contract build`")
    })?;
    let bundle = ContractBundle::parse(&bytes).with_context(|| format!("cannot use {}", path.display()))?;
    Ok((bundle, bytes))
}

/// A file's bytes, if there is one and it is not longer than anybody needs.
pub fn read_bounded(path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let mut bytes = Vec::new();
    file.take(bytes_max + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {}", path.display()))?;
    anyhow::ensure!(bytes.len() as u64 <= bytes_max, "{} is over {bytes_max} bytes", path.display());
    Ok(Some(bytes))
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>> {
    const BYTES_MAX: u64 = 64 * 1024;
    let Some(bytes) = read_bounded(path, BYTES_MAX)? else { return Ok(None) };
    let value = serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is not as this program writes it", path.display()))?;
    Ok(Some(value))
}

/// Writes a file in whole: another program sees the old one or the new one. A file that is `new` must not be there.
pub fn write(path: &Path, bytes: &[u8], mode: u32, new: bool) -> Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        fs::create_dir_all(dir).with_context(cannot)?;
    }
    let temporary = path.with_extension(format!("tmp{}", std::process::id()));
    let target = if new { path } else { &temporary };
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .create_new(new)
        .truncate(!new)
        .mode(mode)
        .open(target)
        .with_context(cannot)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(cannot)?;
    if !new {
        fs::rename(&temporary, path).with_context(cannot)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path().join("phala"));
        (dir, store)
    }

    #[test]
    fn account_is_kept_for_its_owner_only_and_never_overwritten() {
        let (_dir, store) = store();
        let account = Account::from_uri("//Alice//kept").unwrap();
        let path = store.add_account("kept", &account, "//Alice//kept".to_owned()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(store.account("kept").unwrap().unwrap().id(), account.id());
        assert_eq!(store.account_names().unwrap(), ["kept"]);
        assert!(store.add_account("kept", &account, "//Alice".to_owned()).is_err());
        assert_eq!(store.account("kept").unwrap().unwrap().id(), account.id());
    }

    #[test]
    fn name_cannot_leave_the_folder() {
        let (_dir, store) = store();
        let account = Account::from_uri("//Alice").unwrap();
        for name in ["", "../up", "a/b", "//Alice", "a b", &"x".repeat(65)] {
            assert!(store.add_account(name, &account, "//Alice".to_owned()).is_err(), "{name}");
            assert!(store.account(name).unwrap().is_none(), "{name}");
        }
    }

    #[test]
    fn settings_with_unknown_fields_are_refused() {
        let (_dir, store) = store();
        assert!(store.settings().unwrap().node.is_none());
        let path = store.dir().join("config.json");
        write(&path, br#"{"node": "ws://x"}"#, 0o644, false).unwrap();
        assert_eq!(store.settings().unwrap().node.as_deref(), Some("ws://x"));
        write(&path, br#"{"nodes": "ws://x"}"#, 0o644, false).unwrap();
        assert!(store.settings().unwrap_err().to_string().contains("config.json"));
    }

    #[test]
    fn network_is_remembered() {
        let (_dir, store) = store();
        assert_eq!(store.last_network().unwrap(), None);
        let genesis = GenesisHash::new([7; 32]);
        store.remember_network(genesis).unwrap();
        assert_eq!(store.last_network().unwrap(), Some(genesis));
    }

    #[test]
    fn contract_whose_interface_is_not_known_is_said_so() {
        let (_dir, store) = store();
        let error = store.bundle(&ContractId::new([1; 32]), None).unwrap_err();
        assert!(error.to_string().contains("interface"), "{error}");
    }

    #[test]
    fn file_over_its_bound_is_not_read() {
        let (_dir, store) = store();
        let path = store.dir().join("file");
        write(&path, &[0; 10], 0o644, false).unwrap();
        assert!(read_bounded(&path, 9).is_err());
        assert_eq!(read_bounded(&path, 10).unwrap().unwrap().len(), 10);
    }
}
