// Loads the .contract files that it is given as wallets do, and prints what they see: a line of JSON for each.
import { readFileSync } from 'node:fs';
import { Abi } from '@polkadot/api-contract';

for (const path of process.argv.slice(2)) {
  const abi = new Abi(JSON.parse(readFileSync(path, 'utf8')));
  const seen = (message) => ({
    name: message.identifier,
    selector: message.selector.toHex(),
    args: message.args.map((argument) => argument.name),
  });
  console.log(
    JSON.stringify({
      code: abi.info.source.wasm.toHex(),
      constructors: abi.constructors.map(seen),
      messages: abi.messages.map(seen),
      events: abi.events.map((event) => event.identifier),
    }),
  );
}
