//! A worker whose files were edited or rolled back says so, says what to do, and answers nobody.

use phala_sdk::node::Account;
use phala_testkit::{Network, Program, token::Token, wait_for};
use phala_types::relay::{HaltReason, Phase};
use std::{fs, path::Path, time::Duration};

const AT_MOST: Duration = Duration::from_secs(60);

fn copy_dir(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_old_copy_and_an_edited_file_are_noticed() -> anyhow::Result<()> {
    let mut network = Network::start()?;
    let maker = Account::from_seed([0xa1; 32])?;
    let friend = Account::from_seed([0xb2; 32])?.id();
    let token = Token::deploy(Token::connect(&network.node_url()).await?, &maker, 1000).await?;
    let person = token.person(maker).await?;

    network.kill(Program::Worker)?;
    let (dir, old, newest) = (network.worker_dir(), network.dir().join("old"), network.dir().join("newest"));
    copy_dir(&dir, &old)?;
    network.run(Program::Worker)?;
    network.wait_until_serving()?;
    let number = token.transfer(&person, &friend, 1).await?;
    token.fate(&person, number).await?;
    // Once the chain has a later checkpoint of the worker, an older copy of its files is out.
    let executed = network.status()?.position;
    let certified = || async { token.client.checkpoint(phala_testkit::token::CLUSTER).await };
    let mut seen = certified().await?;
    let started = std::time::Instant::now();
    while seen.is_none_or(|checkpoint| checkpoint.position < executed) {
        anyhow::ensure!(started.elapsed() < AT_MOST, "the checkpoint did not get to the chain: {seen:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
        seen = certified().await?;
    }

    network.kill(Program::Worker)?;
    copy_dir(&dir, &newest)?;
    fs::remove_dir_all(&dir)?;
    copy_dir(&old, &dir)?;
    network.run(Program::Worker)?;
    let phase = wait_for("the worker to stop itself", AT_MOST, || {
        let phase = network.status()?.phase;
        Ok(matches!(phase, Phase::Halted(_)).then_some(phase))
    })?;
    assert_eq!(phase, Phase::Halted(HaltReason::RolledBack));
    assert!(network.log(Program::Worker)?.contains("Put the newest copy back"));

    // With the newest copy back, it goes on.
    network.kill(Program::Worker)?;
    fs::remove_dir_all(&dir)?;
    copy_dir(&newest, &dir)?;
    network.run(Program::Worker)?;
    network.wait_until_serving()?;
    token.fate(&person, number).await?;

    // A byte of a record that is flipped keeps it from starting at all.
    network.kill(Program::Worker)?;
    let file = dir.join("records.redb");
    let mut bytes = fs::read(&file)?;
    let length = bytes.len();
    // Sealed values fill the pages: flip a byte in each, so that one of them is a record's.
    for at in (8192..length).step_by(512) {
        bytes[at] ^= 1;
    }
    fs::write(&file, bytes)?;
    network.run(Program::Worker)?;
    assert!(!network.wait_for_end(Program::Worker)?, "an edited file was taken");
    let log = network.log(Program::Worker)?;
    assert!(log.contains("edited on disk") || log.contains("is damaged"), "{log}");
    Ok(())
}
