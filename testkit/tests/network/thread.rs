//! One confidential contract through the whole network, by real programs.

use phala_sdk::{
    node::Account,
    receipt::{ReceiptBundle, verify_receipt},
};
use phala_testkit::{
    Network, Program,
    plaintext::{Canary, find_in_files},
    token::{Fate, Token},
};
use phala_types::{GenesisHash, worker::Tier};

/// Long enough that it does not turn up by chance: 16 bytes as SCALE has them, of which 14 are not zero.
const SUPPLY: u128 = 0x0000_c0ff_ee51_2a7b_9d3e_64f8_0b1c_a5d7;
const AMOUNT: u128 = 0x0000_00b1_6b00_b5ca_fe12_7d9a_3f5e_71c3;

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_deployed_paid_asked_and_receipted_and_nobody_on_the_way_reads_it() -> anyhow::Result<()> {
    let mut network = Network::prepare()?;
    network.record_traffic()?;
    network.run_all()?;

    // Neither signs a transaction: only ciphertexts have their accounts.
    let (maker, friend) = (Account::from_seed([0xa1; 32])?, Account::from_seed([0xb2; 32])?);
    let client = Token::connect(&network.node_url()).await?;
    let token = Token::deploy(client, &maker, SUPPLY).await?;
    let (maker, friend) = (token.person(maker).await?, token.person(friend).await?);
    let (maker_id, friend_id) = (maker.account.id(), friend.account.id());

    let number = token.transfer(&maker, &friend_id, AMOUNT).await?;
    assert_eq!(token.fate(&maker, number).await?, Fate::Committed);
    assert_eq!(token.balance(&friend, &friend_id).await?, Ok(AMOUNT));
    assert_eq!(token.balance(&maker, &maker_id).await?, Ok(SUPPLY - AMOUNT));
    assert!(token.balance(&friend, &maker_id).await?.is_err(), "a stranger reads no balance");
    assert!(token.fate(&friend, number).await.is_err(), "a stranger reads no outcome");

    let overdraft = token.transfer(&friend, &maker_id, AMOUNT + 1).await?;
    assert_eq!(token.fate(&friend, overdraft).await?, Fate::Undone);
    assert_eq!(token.balance(&friend, &friend_id).await?, Ok(AMOUNT));

    let answered = token.ask_balance(&friend, &friend_id).await?;
    let bundle = token.client.bundle(&answered, true).await?;
    let bundle: ReceiptBundle = serde_json::from_str(&serde_json::to_string(&bundle)?)?;
    let genesis = token.client.genesis();
    let verified = verify_receipt(&bundle, genesis)?;
    assert_eq!(verified.receipt().tier, Tier::Simulated);
    assert_eq!(verified.receipt().contract, Some(token.contract));
    assert!(verify_receipt(&bundle, GenesisHash::new([9; 32])).is_err(), "another network's");
    let mut forged = bundle.clone();
    forged.receipt.position = phala_types::MessageNumber::new(1);
    assert!(verify_receipt(&forged, genesis).is_err(), "a changed receipt");

    // What a host can see: node and worker files, logs, and all that went to and from the worker.
    let canaries = [
        Canary::new("the maker's account", *maker_id.as_bytes()),
        Canary::new("the friend's account", *friend_id.as_bytes()),
        Canary::new("the supply in SCALE", SUPPLY.to_le_bytes()[..14].to_vec()),
        Canary::new("the supply in digits", SUPPLY.to_string()),
        Canary::new("the amount in SCALE", AMOUNT.to_le_bytes()[..13].to_vec()),
        Canary::new("the amount in digits", AMOUNT.to_string()),
        Canary::new("a balance in SCALE", (SUPPLY - AMOUNT).to_le_bytes()[..14].to_vec()),
    ];
    for program in Program::ALL {
        network.kill(program)?;
    }
    assert_eq!(find_in_files(network.dir(), &canaries)?, []);
    // The search does find what is there: the payer's account is on the chain.
    let payer = Canary::new("the payer's account", *token.payer.id().as_bytes());
    assert!(!find_in_files(network.dir(), &[payer])?.is_empty());
    Ok(())
}
