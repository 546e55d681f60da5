//! The bound of each list and message, and where it comes from.

/// WebAssembly of one contract: 2 MiB, as in the Phala network; the largest published ink! contract is 490 KB. A worker
/// compiles about 2 ms per KiB, so that the longest code holds it up for seconds, once; the chain's fee is by the byte.
pub const CODE_BYTES_MAX: u32 = 2 * 1024 * 1024;

/// A name from code in the words of a [`crate::code::CodeRefusal`]: no name that a host gives is longer than 64.
pub const CODE_NAME_BYTES_MAX: u32 = 64;

/// Input or output of one contract call: 1 MiB, as in the Phala network.
pub const PAYLOAD_BYTES_MAX: u32 = 1024 * 1024;

/// A sealed command or query: the payload, 4 KiB for what surrounds it, and the padding to the largest size class.
pub const ENVELOPE_BYTES_MAX: u32 = PAYLOAD_BYTES_MAX + 8 * 1024;

/// Evidence of one TEE: genuine quotes with their certificate chains take 4.0 to 5.2 KB.
pub const EVIDENCE_BYTES_MAX: u32 = 16 * 1024;

/// A worker's public URL.
pub const ENDPOINT_BYTES_MAX: u32 = 256;

/// Contracts that one certificate may name: more is what [`crate::query::Scope::Any`] is for.
pub const SCOPE_CONTRACTS_MAX: u32 = 16;

/// Salt of a deployment: enough for any hash.
pub const SALT_BYTES_MAX: u32 = 64;

/// Events of one execution: as many as gas lets a contract pay for in practice, and a stop for what it does not. Their
/// bytes, with what the contract returns, are bounded by [`PAYLOAD_BYTES_MAX`], so that one reply can carry them.
pub const EVENTS_MAX: u32 = 1024;

/// Topics of one event, as in pallet-contracts.
pub const EVENT_TOPICS_MAX: u32 = 4;

/// Data of one event: 16 KiB, as the static buffer of an ink! contract.
pub const EVENT_BYTES_MAX: u32 = 16 * 1024;

/// Private log lines of one call, all contracts in it together: as many as a person reads.
pub const LOG_LINES_MAX: u32 = 64;

/// The text of a log line, or of one of its fields.
pub const LOG_TEXT_BYTES_MAX: u32 = 1024;

/// Fields of a log line.
pub const LOG_FIELDS_MAX: u32 = 16;

/// The name of a field of a log line.
pub const LOG_NAME_BYTES_MAX: u32 = 32;

/// A SCALE-encoded block header: four hashes, a height and a digest, which holds at most one authority set.
pub const HEADER_BYTES_MAX: u32 = 128 * 1024;

/// GRANDPA authorities: a vote takes about 100 bytes, so that a justification stays well under 1 MiB.
pub const AUTHORITIES_MAX: u32 = 1000;

/// A SCALE-encoded GRANDPA justification, votes and the headers between them included.
pub const JUSTIFICATION_BYTES_MAX: u32 = 2 * 1024 * 1024;

/// Nodes of one storage proof: a handful of keys, each a path of at most 64 nibbles in practice far fewer.
pub const PROOF_NODES_MAX: u32 = 1024;

/// One node of a storage proof. A node holds inline values up to 32 bytes, or one larger value.
pub const PROOF_NODE_BYTES_MAX: u32 = 64 * 1024;

/// Messages in one delivery from the relay. The relay sends the rest in the next one.
pub const DELIVERY_MESSAGES_MAX: u32 = 1024;

/// Bytes of one delivery from the relay: two of the largest messages and what surrounds them.
pub const DELIVERY_BYTES_MAX: usize = 2 * (CODE_BYTES_MAX as usize) + 64 * 1024;

/// Messages that a worker holds until they reach the tip it verified: they cannot be executed before, since only the
/// tip proves them. A quarter of the memory that a worker is meant to have.
pub const BACKLOG_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Outcomes that a cluster keeps for their callers to read. Older ones are forgotten, on every replica alike.
pub const OUTCOMES_MAX: u64 = 65_536;

/// Pages of 64 KiB of a contract's memory: 4 MiB, as in the Phala network. ink! and Solang link for 16.
///
/// Frames of one call have a memory each, so that a call takes at most [`CALL_DEPTH_MAX`] times as much.
pub const MEMORY_PAGES_MAX: u32 = 64;

/// Frames of contracts on the stack of one call, as in pallet-contracts' reference configuration twice over.
pub const CALL_DEPTH_MAX: usize = 10;

/// Blocks between two checkpoints of a worker while messages come in. Each costs its operator a fee.
pub const CHECKPOINT_BLOCKS: u32 = 8;

/// Nonces that a worker remembers: 128 blocks of 1 s at 2000 queries a second.
pub const NONCES_MAX: usize = 262_144;

/// Authority-set hand-offs that an offline receipt may carry: years of daily changes.
pub const HANDOFFS_MAX: u32 = 4096;

/// How long a certificate may live, in blocks: a week of 1 s blocks. A longer one is refused.
pub const CERTIFICATE_BLOCKS_MAX: u32 = 7 * 24 * 3600;

/// How far behind the worker's head the block that a query names may be. It bounds how long the worker has to
/// remember nonces, and leaves a client at 1 s blocks more than a minute.
pub const QUERY_WINDOW_BLOCKS: u32 = 128;

/// The watchdog's tick: how often a worker's clock moves on for queries that run.
pub const TICK_MS: u64 = 10;

/// Ticks that one run of a query may take: two seconds, in which the worker does nothing else. A command is bounded by gas
/// alone, since all replicas have to agree on where it ends.
pub const QUERY_TICKS_MAX: u64 = 200;

/// Gas of one call: about ten seconds of execution.
pub const CALL_GAS_MAX: u64 = 50_000_000_000;
