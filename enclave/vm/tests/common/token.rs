// SPDX-License-Identifier: Apache-2.0
//! The example token (`contract/examples/erc20`), as it was built, and how to call it.

#![allow(dead_code)] // The benchmark uses a part of it.

use codec::{Decode, Encode};
use phala_vm::{
    AccountBytes, Call, CompiledContract, Context, Engine, Entry, Execution, InterpretedContract, Return,
    WasmtimeEngine,
};

use crate::common::{GAS, World, context, interpreter};

const BUNDLE: &str = include_str!("../../../../vectors/contracts/erc20.contract");

/// The code in the bundle.
pub fn code() -> Vec<u8> {
    let bundle: serde_json::Value = serde_json::from_str(BUNDLE).expect("the bundle is JSON");
    let code = bundle["source"]["wasm"]
        .as_str()
        .and_then(|code| code.strip_prefix("0x"))
        .expect("the bundle has code");
    hex::decode(code).expect("the code is hexadecimal")
}

/// The hash that the bundle promises.
pub fn promised_hash() -> String {
    let bundle: serde_json::Value = serde_json::from_str(BUNDLE).expect("the bundle is JSON");
    bundle["source"]["hash"].as_str().expect("the bundle has a hash").to_owned()
}

/// A token in its world.
pub struct Token<'e> {
    pub engine: &'e WasmtimeEngine,
    pub artifact: CompiledContract,
    interpreted: InterpretedContract,
    pub world: World,
    pub context: Context,
}

impl<'e> Token<'e> {
    /// All of the supply belongs to the owner.
    pub fn deployed(engine: &'e WasmtimeEngine, owner: AccountBytes, supply: u128) -> Self {
        let artifact = engine.prepare(&code()).expect("the token is admitted");
        let interpreted = interpreter().prepare(&code()).expect("both engines admit the same");
        let context = Context { value: 0, ..context() };
        let mut token = Self { engine, artifact, interpreted, world: World::default(), context };
        let deployed = token.run(Entry::Deploy, owner, &input("new", supply));
        assert!(deployed.is_success(), "{deployed:?}");
        token
    }

    /// Runs, and undoes the changes of what failed, as a worker would.
    pub fn run(&mut self, entry: Entry, caller: AccountBytes, input: &[u8]) -> Execution {
        let before = self.world.storage.clone();
        self.context.caller = caller;
        let call = Call { entry, input, gas_limit: GAS, context: &self.context };
        let mut other_world = self.world.clone();
        let execution = self.engine.run(&self.artifact, call, &mut self.world);
        assert_eq!(execution, interpreter().run(&self.interpreted, call, &mut other_world));
        assert_eq!(self.world, other_world);
        if !execution.is_success() {
            self.world.storage = before;
        }
        execution
    }

    /// What a message answers: the outer result is ink!'s, the inner one the token's.
    pub fn ask<T: Decode>(
        &mut self,
        caller: AccountBytes,
        message: &str,
        arguments: impl Encode,
    ) -> Result<T, u8> {
        let answer: Return = self
            .run(Entry::Call, caller, &input(message, arguments))
            .result
            .expect("the token does not trap");
        let answer =
            Result::<Result<T, u8>, u8>::decode(&mut answer.data.as_slice()).expect("the token's answer");
        answer.expect("the token understands the message")
    }
}

/// The selector of a constructor or message, and its arguments.
pub fn input(message: &str, arguments: impl Encode) -> Vec<u8> {
    let mut input = sp_crypto_hashing::blake2_256(message.as_bytes())[..4].to_vec();
    arguments.encode_to(&mut input);
    input
}
