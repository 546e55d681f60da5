//! Whole networks of real programs. One test program, since each that links the client takes a minute to compile.
#![allow(missing_docs)]

mod disk;
mod kills;
mod solidity;
mod thread;
