//! The measured event loop around the core.
