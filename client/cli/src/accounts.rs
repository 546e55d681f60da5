//! `phala account`.

use crate::{
    args::{AccountCommand, format_pha},
    context::{Context, DEVELOPMENT_ACCOUNTS},
};
use anyhow::{Context as _, Result};
use phala_sdk::node::{Account, Balance, Call, Until};
use phala_types::{AccountId, Amount};
use serde_json::{Value, json};

pub async fn run(context: &Context, command: AccountCommand) -> Result<()> {
    match command {
        AccountCommand::New { name } => new(context, name),
        AccountCommand::List => list(context),
        AccountCommand::Show { whose } => show(context, whose),
        AccountCommand::Balance { whose } => balance(context, whose).await,
        AccountCommand::Transfer { to, amount } => transfer(context, &to, amount).await,
    }
}

fn new(context: &Context, name: Option<String>) -> Result<()> {
    let mut entropy = [0; 16];
    getrandom::fill(&mut entropy).context("the operating system gives no randomness")?;
    let (account, phrase) = Account::from_entropy(entropy)?;
    let address = Account::format_address(&account.id());
    match name {
        Some(name) => {
            let path = context.store.add_account(&name, &account, phrase)?;
            let path = path.display().to_string();
            context.print(
                format_args!("{name}: {address}\nIts secret is in {path}, unencrypted: keep a copy, and show it to nobody."),
                json!({ "name": name, "address": address, "id": account.id(), "file": path }),
            );
        }
        None => context.print(
            format_args!(
                "{address}\n{phrase}\nThis phrase is the account. It is shown this once: write it down."
            ),
            json!({ "address": address, "id": account.id(), "phrase": phrase }),
        ),
    }
    Ok(())
}

fn list(context: &Context) -> Result<()> {
    let mut rows = Vec::new();
    for name in context.store.account_names()? {
        let account = context.named(&name)?;
        rows.push((name, account.id(), "own"));
    }
    for name in DEVELOPMENT_ACCOUNTS {
        // A kept account of the same name comes first wherever names are used.
        if !rows.iter().any(|(own, ..)| own == name) {
            rows.push((name.to_owned(), context.named(name)?.id(), "development"));
        }
    }
    let line = |(name, id, kind): &(String, AccountId, &str)| {
        let note = if *kind == "development" { "  (development: everybody knows its key)" } else { "" };
        format!("{name:<12} {}{note}", Account::format_address(id))
    };
    let item = |(name, id, kind): &(String, AccountId, &str)| json!({ "name": name, "address": Account::format_address(id), "id": id, "kind": kind });
    let text: Vec<_> = rows.iter().map(line).collect();
    context.print(text.join("\n"), Value::from(rows.iter().map(item).collect::<Vec<_>>()));
    Ok(())
}

fn account_or_signer(context: &Context, account: Option<String>) -> Result<AccountId> {
    match account {
        Some(text) => context.address(&text),
        None => Ok(context.signer()?.id()),
    }
}

fn show(context: &Context, account: Option<String>) -> Result<()> {
    let id = account_or_signer(context, account)?;
    let address = Account::format_address(&id);
    context.print(format_args!("{address}\n{id}"), json!({ "address": address, "id": id }));
    Ok(())
}

async fn balance(context: &Context, account: Option<String>) -> Result<()> {
    let id = account_or_signer(context, account)?;
    let client = context.connect().await?;
    let head = client.head().await?;
    let Balance { nonce, free, reserved, frozen } = client.node().balance(&id, head.hash()).await?;
    let address = Account::format_address(&id);
    context.print(
        format_args!("{address}: {} (transactions: {nonce})", format_pha(free)),
        json!({
            "address": address, "id": id, "block": head.number(), "nonce": nonce,
            "free": units(free), "reserved": units(reserved), "frozen": units(frozen),
        }),
    );
    Ok(())
}

/// A string, since readers of JSON round large numbers.
fn units(amount: Amount) -> String {
    amount.to_string()
}

async fn transfer(context: &Context, to: &str, amount: Amount) -> Result<()> {
    let from = context.signer()?;
    let to = context.address(to)?;
    let client = context.connect().await?;
    let call = Call::Transfer { to, amount };
    let included = client.node().submit(&from, call, Until::Finalized).await?;
    let (source, target) = (Account::format_address(&from.id()), Account::format_address(&to));
    context.print(
        format_args!(
            "paid {} from {source} to {target}, final in block {}",
            format_pha(amount),
            included.block
        ),
        json!({ "from": source, "to": target, "amount": units(amount), "block": included.block }),
    );
    Ok(())
}
