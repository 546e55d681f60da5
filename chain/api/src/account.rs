//! Accounts that sign, and what the chain says of an account.

use crate::{NodeError, node::Node};
use futures::future::BoxFuture;
use phala_types::{
    AccountId, Amount, BlockHash,
    account::{Signature, Signer},
};
use scale_decode::DecodeAsType;
use std::str::FromStr;
use subxt::utils::{AccountId32, H256};
use subxt_signer::{SecretUri, bip39, sr25519::Keypair};

/// An account with its secret key. It does not print the key.
#[derive(Clone)]
pub struct Account {
    pub(crate) keypair: Keypair,
}

/// Why there is no such account.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Malformed: not a secret URI. The text is not repeated, since it is a secret.
    #[error(
        "this is not a secret URI: it takes a mnemonic phrase or a 0x seed, then derivations, for example //Alice"
    )]
    MalformedUri,
    /// Malformed: not an address.
    #[error("{0} is not an address: it takes SS58, for example 5GrwvaEF..., or 0x and 64 hexadecimal digits")]
    MalformedAddress(String),
}

impl Account {
    /// From a secret URI: `phrase//hard/soft///password`, a `0x` seed, or `//Alice` of the well-known development
    /// phrase.
    pub fn from_uri(uri: &str) -> Result<Self, AccountError> {
        let uri = SecretUri::from_str(uri).map_err(|_| AccountError::MalformedUri)?;
        let keypair = Keypair::from_uri(&uri).map_err(|_| AccountError::MalformedUri)?;
        Ok(Self { keypair })
    }

    /// A new account and its secret phrase of twelve words, from 16 random bytes.
    pub fn from_entropy(entropy: [u8; 16]) -> Result<(Self, String), AccountError> {
        let phrase = bip39::Mnemonic::from_entropy(&entropy).map_err(|_| AccountError::MalformedUri)?;
        let keypair = Keypair::from_phrase(&phrase, None).map_err(|_| AccountError::MalformedUri)?;
        Ok((Self { keypair }, phrase.to_string()))
    }

    /// From 32 secret bytes.
    pub fn from_seed(seed: [u8; 32]) -> Result<Self, AccountError> {
        Keypair::from_secret_key(seed).map(|keypair| Self { keypair }).map_err(|_| AccountError::MalformedUri)
    }

    /// Its address.
    pub fn id(&self) -> AccountId {
        self.signer().account()
    }

    /// Its public key.
    pub fn signer(&self) -> Signer {
        Signer::Sr25519(self.keypair.public_key().0)
    }

    /// Signs with Substrate's signing context.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature::Sr25519(self.keypair.sign(message).0)
    }

    /// Reads an address, in SS58 of any network or in hexadecimal digits.
    pub fn parse_address(text: &str) -> Result<AccountId, AccountError> {
        if let Ok(id) = text.parse() {
            return Ok(id);
        }
        AccountId32::from_str(text)
            .map(|account| AccountId::new(account.0))
            .map_err(|_| AccountError::MalformedAddress(text.to_owned()))
    }

    /// Writes an address in SS58 with Substrate's own prefix, 42.
    pub fn format_address(id: &AccountId) -> String {
        AccountId32(*id.as_bytes()).to_string()
    }
}

/// An account's state on the chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Balance {
    /// How many transactions it has made.
    pub nonce: u32,
    /// What it may use, fees included.
    pub free: Amount,
    /// What is held.
    pub reserved: Amount,
    /// What of the free part may pay for nothing but fees.
    pub frozen: Amount,
}

#[derive(DecodeAsType)]
struct AccountInfo {
    nonce: u32,
    data: AccountData,
}

#[derive(DecodeAsType)]
struct AccountData {
    free: u128,
    reserved: u128,
    frozen: u128,
}

impl Node {
    /// An account's state at a block, all zero if the chain does not know it.
    pub fn balance<'a>(
        &'a self,
        account: &'a AccountId,
        at: BlockHash,
    ) -> BoxFuture<'a, Result<Balance, NodeError>> {
        Box::pin(async move {
            const CALL: &str = "state_getStorage";
            let lost = |error: subxt::Error| NodeError::Lost { call: CALL, source: Box::new(error) };
            let block =
                self.client.at_block(H256(*at.as_bytes())).await.map_err(|error| lost(error.into()))?;
            let address = subxt::dynamic::storage::<([u8; 32],), AccountInfo>("System", "Account");
            let found = block
                .storage()
                .try_fetch(address, (*account.as_bytes(),))
                .await
                .map_err(|error| lost(error.into()))?;
            let Some(found) = found else { return Ok(Balance::default()) };
            let info = found
                .decode()
                .map_err(|error| NodeError::malformed(CALL, format!("is not an account: {error}")))?;
            Ok(Balance {
                nonce: info.nonce,
                free: Amount::new(info.data.free),
                reserved: Amount::new(info.data.reserved),
                frozen: Amount::new(info.data.frozen),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn development_accounts_have_their_well_known_addresses() {
        let alice = Account::from_uri("//Alice").unwrap().id();
        let text = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
        assert_eq!(Account::format_address(&alice), text);
        assert_eq!(Account::parse_address(text).unwrap(), alice);
        assert_eq!(Account::parse_address(&alice.to_string()).unwrap(), alice);
    }

    #[test]
    fn new_account_is_found_again_by_its_phrase() {
        let (account, phrase) = Account::from_entropy([7; 16]).unwrap();
        assert_eq!(phrase.split(' ').count(), 12);
        assert_eq!(Account::from_uri(&phrase).unwrap().id(), account.id());
    }

    #[test]
    fn malformed_uri_is_refused_without_repeating_it() {
        let error = Account::from_uri("these words are no phrase").err().unwrap();
        assert!(!error.to_string().contains("these words"));
        assert!(matches!(Account::parse_address("5Grw"), Err(AccountError::MalformedAddress(_))));
    }
}
