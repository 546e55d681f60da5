//! What a TEE gives a worker: evidence, sealing, randomness.
