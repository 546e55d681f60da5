//! The whole network under test.
