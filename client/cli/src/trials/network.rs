//! A real network, as a thing that runs contracts.

use super::stage::{Act, Reply, What};
use crate::{context::Context, contracts};
use anyhow::Result;
use phala_sdk::{CallParameters, Client, abi::ContractBundle, node::Account};
use phala_types::{
    AccountId, Amount, ClusterId, ContractId, Gas,
    command::{Ended, Execution, FLAG_REVERT, Outcome},
    limits::CALL_GAS_MAX,
    query::{Answer, Question, Scope},
    trap::Trap,
};

/// Blocks for which the questions of one step may be asked.
const SESSION_BLOCKS: u32 = 600;

/// A connection, and who pays.
pub struct Network<'a> {
    context: &'a Context,
    client: Client,
    cluster: ClusterId,
    payer: Account,
    people: String,
}

impl<'a> Network<'a> {
    pub async fn connect(context: &'a Context, cluster: ClusterId) -> Result<Self> {
        let people = format!("//{}", hex::encode(contracts::salt(None)?.as_slice()));
        Ok(Self { context, client: context.connect().await?, cluster, payer: context.signer()?, people })
    }

    pub fn people(&self) -> &str {
        &self.people
    }

    pub async fn upload(&self, bundle: &ContractBundle) -> Result<Option<String>> {
        let told = contracts::upload(&self.client, &self.payer, self.cluster, bundle).await?.told;
        Ok((!told.is_kept).then_some(told.text))
    }

    /// Sends a command and waits for its outcome, or asks.
    pub async fn run(&self, act: Act<'_>) -> Result<Reply> {
        if act.value != Amount::new(0) {
            return Ok(Reply::Unable("no cluster holds PHA yet".to_owned()));
        }
        tokio::time::sleep(act.after).await;
        let session = self.client.session(act.signer, Scope::Any, SESSION_BLOCKS).await?;
        let parameters = CallParameters::default();
        let sent = match act.what {
            What::Query(contract) => {
                let contract = self.known(contract);
                let question = Question::call(contract, Gas::new(CALL_GAS_MAX), act.input);
                let answered = self.client.query(&session, question).await?;
                return Ok(reply(contract, answered.answer().clone()));
            }
            What::Deploy(code_hash) => {
                let salt = contracts::salt(None)?;
                let (signer, payer) = (act.signer, &self.payer);
                self.client
                    .deploy(signer, payer, self.cluster, code_hash, salt, act.input, parameters)
                    .await?
            }
            What::Call(contract) => {
                self.client.call(act.signer, &self.payer, self.known(contract), act.input, parameters).await?
            }
        };
        self.context.say(format_args!("  message {}", sent.number));
        let answered = self.client.outcome(&session, sent.contract, sent.number).await?;
        Ok(reply(sent.contract, answered.answer().clone()))
    }

    /// The contract may have been made by another one, which the chain does not know.
    fn known(&self, contract: AccountId) -> ContractId {
        let contract = ContractId::new(*contract.as_bytes());
        self.client.place(contract, self.cluster);
        contract
    }
}

fn reply(contract: ContractId, answer: Answer) -> Reply {
    let (ended, events, logs) = match answer {
        Answer::Call { ended, events, logs, .. }
        | Answer::Outcome(Outcome::Executed(Execution { ended, events, logs, .. })) => (ended, events, logs),
        Answer::Outcome(other) => return Reply::Refused(format!("{other:?}")),
    };
    match ended {
        Ended::Returned { flags, data } => Reply::Returned {
            contract: AccountId::new(*contract.as_bytes()),
            is_reverted: flags & FLAG_REVERT != 0,
            data: data.into(),
            events: events.into(),
        },
        Ended::Trapped(code) => Reply::Trapped {
            trap: Trap::from_code(code).map_or_else(|| format!("trap {code}"), |trap| trap.to_string()),
            logs: logs.iter().map(|line| String::from_utf8_lossy(&line.message).into_owned()).collect(),
        },
    }
}
