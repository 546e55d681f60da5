//! The command `phala`: see `phala help`, and the library `phala-sdk`, which does the work.
//!
//! - `args`: the command line. `context`: what every command has. `store`: the user's files. `failure`: what is said
//!   when something fails.
//! - one file per group of commands: `accounts`, `contracts` with `projects` and `trials`, `workers`, `receipts`, `demo`; and `dev`, which runs a
//!   network.

mod accounts;
mod args;
mod attest;
mod context;
mod contracts;
mod demo;
mod dev;
mod failure;
mod outcome;
mod projects;
mod receipts;
mod store;
mod trials;
mod workers;

use args::{Cli, Command};
use clap::Parser as _;
use context::Context;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.options.json;
    match run(cli).await {
        Ok(code) => code,
        Err(error) => {
            match json {
                true => eprintln!("{}", failure::as_json(&error)),
                false => eprintln!("{}", failure::as_text(&error)),
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let context = Context::new(cli.options)?;
    match cli.command {
        Command::Dev(args) => dev::run(&context, args).await?,
        Command::Demo(args) => return demo::run(context, args).await,
        Command::Contract(command) => return contracts::run(&context, command).await,
        Command::Account(command) => accounts::run(&context, command).await?,
        Command::Worker(command) => workers::run(&context, command).await?,
        Command::Attest(args) => return attest::run(&context, &args).await,
        Command::Verify(args) => receipts::verify(&context, &args)?,
        Command::Status => workers::status(&context).await?,
    }
    Ok(ExitCode::SUCCESS)
}
