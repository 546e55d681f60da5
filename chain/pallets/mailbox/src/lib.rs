//! One hash chain of messages per topic, from the chain to workers.
