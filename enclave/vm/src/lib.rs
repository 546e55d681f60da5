//! One contract call under limits.
