//! The worker as a state machine.
