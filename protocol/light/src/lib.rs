//! The light client: finality and storage proofs.
