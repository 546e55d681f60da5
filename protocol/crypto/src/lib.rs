//! Secrets, HPKE, key derivation and signatures.
