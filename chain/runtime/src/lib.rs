//! The chain's state transition function.
