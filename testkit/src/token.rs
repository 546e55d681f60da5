//! The example token, deployed on a network under test and used by people who never show on the chain.

use anyhow::{Context as _, Result, bail};
use phala_sdk::{CallParameters, Client, Session, Trust, abi::ContractBundle, node::Account};
use phala_types::{
    AccountId, ClusterId, ContractId, Gas, MessageNumber, StateRoot,
    cluster::code_hash,
    command::{Ended, Outcome},
    query::{Answer, Question, Scope},
};

/// The token's bundle, as `phala contract build` makes it of `contract/examples/erc20`.
const BUNDLE: &[u8] = include_bytes!("../../vectors/contracts/erc20.contract");

/// The development network's only cluster.
pub const CLUSTER: ClusterId = ClusterId::new(0);

/// Blocks for which a session may ask.
const SESSION_BLOCKS: u32 = 10_000;

/// A token on a network, and its maker, who owns all of it at first.
pub struct Token {
    /// The connection of whoever uses it.
    pub client: Client,
    /// The contract.
    pub contract: ContractId,
    /// Who pays for transactions: the only account that the chain sees.
    pub payer: Account,
    bundle: ContractBundle,
}

/// Somebody who signs inside ciphertexts only.
pub struct Person {
    /// The account.
    pub account: Account,
    session: Session,
}

/// What came of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It was executed, and its changes kept.
    Committed,
    /// It was executed, and its changes undone.
    Undone,
    /// It was not executed.
    Rejected,
}

impl Token {
    /// Uploads and deploys the token. `maker` signs, the payer pays.
    pub async fn deploy(client: Client, maker: &Account, supply: u128) -> Result<Self> {
        let bundle = ContractBundle::parse(BUNDLE)?;
        let payer = Account::from_uri("//Alice")?;
        let code = bundle.code()?.clone();
        client.upload(&payer, CLUSTER, code.clone()).await?;
        let input = bundle.abi.encode_constructor("new", &[supply.to_string()])?;
        let hash = code_hash(&code);
        let deployed = client
            .deploy(maker, &payer, CLUSTER, hash, Default::default(), input, CallParameters::default())
            .await?;
        let token = Self { client, contract: deployed.contract, payer, bundle };
        let maker = token.person(maker.clone()).await?;
        match token.fate(&maker, deployed.number).await? {
            Fate::Committed => Ok(token),
            fate => bail!("the token's constructor was {fate:?}"),
        }
    }

    /// The token that was deployed before.
    pub fn at(client: Client, contract: ContractId) -> Result<Self> {
        let bundle = ContractBundle::parse(BUNDLE)?;
        Ok(Self { client, contract, payer: Account::from_uri("//Alice")?, bundle })
    }

    /// Connects to a network that is simulated.
    pub async fn connect(url: &str) -> Result<Client> {
        Ok(Client::connect(url, None, Trust::insecure_simulated()).await?)
    }

    /// Somebody with an account and a session.
    pub async fn person(&self, account: Account) -> Result<Person> {
        let session = self.client.session(&account, Scope::Any, SESSION_BLOCKS).await?;
        Ok(Person { account, session })
    }

    /// The input of a transfer.
    pub fn transfer_input(
        &self,
        to: &AccountId,
        amount: u128,
    ) -> Result<phala_types::Bytes<{ phala_types::limits::PAYLOAD_BYTES_MAX }>> {
        Ok(self.bundle.abi.encode_message("transfer", &[to.to_string(), amount.to_string()])?)
    }

    /// Sends a transfer, and waits until it is in a final block.
    pub async fn transfer(&self, from: &Person, to: &AccountId, amount: u128) -> Result<MessageNumber> {
        let input = self.transfer_input(to, amount)?;
        let sent = self
            .client
            .call(&from.account, &self.payer, self.contract, input, CallParameters::default())
            .await?;
        Ok(sent.number)
    }

    /// What came of a command that `person` signed.
    pub async fn fate(&self, person: &Person, number: MessageNumber) -> Result<Fate> {
        let answered = self.client.outcome(&person.session, self.contract, number).await?;
        match answered.answer() {
            Answer::Outcome(Outcome::Executed(run)) if run.is_committed() => Ok(Fate::Committed),
            Answer::Outcome(Outcome::Executed(_)) => Ok(Fate::Undone),
            Answer::Outcome(Outcome::Rejected(_)) => Ok(Fate::Rejected),
            other => bail!("not the outcome of a command: {other:?}"),
        }
    }

    /// The question for a balance.
    pub fn balance_question(&self, of: &AccountId) -> Result<Question> {
        let input = self.bundle.abi.encode_message("balance_of", &[of.to_string()])?;
        Ok(Question::call(self.contract, Gas::new(1_000_000_000), input))
    }

    /// Asks for a balance: a number, or the contract's refusal.
    pub async fn balance(&self, asker: &Person, of: &AccountId) -> Result<Result<u128, String>> {
        let answered = self.ask_balance(asker, of).await?;
        let Answer::Call { ended: Ended::Returned { data, .. }, .. } = answered.answer() else {
            bail!("the token did not return: {:?}", answered.answer());
        };
        // The language's own result around the message's: each one byte, and then the value or the error.
        match data.as_slice() {
            [0, 0, balance @ ..] => {
                let balance = balance.try_into().context("a balance has 16 bytes")?;
                Ok(Ok(u128::from_le_bytes(balance)))
            }
            [0, 1, error] => Ok(Err(format!("error {error}"))),
            other => bail!("the token returned {other:?}"),
        }
    }

    /// Asks for a balance, and gives back the answer with its receipt.
    pub async fn ask_balance(&self, asker: &Person, of: &AccountId) -> Result<phala_sdk::Answered> {
        self.ask(asker, self.balance_question(of)?).await
    }

    /// Asks anything.
    pub async fn ask(&self, asker: &Person, question: Question) -> Result<phala_sdk::Answered> {
        Ok(self.client.query(&asker.session, question).await?)
    }

    /// How many messages were executed, and the state root after them, as the worker signs it to `asker`.
    pub async fn state(&self, asker: &Person) -> Result<(MessageNumber, StateRoot)> {
        let answered = self.ask_balance(asker, &asker.account.id()).await?;
        let receipt = &answered.receipt().receipt;
        Ok((receipt.position, receipt.state_root))
    }
}
