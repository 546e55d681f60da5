//! A user's view of the network: verify, seal, call, query.
