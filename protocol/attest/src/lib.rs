//! Evidence and policy in, a verified worker out.
