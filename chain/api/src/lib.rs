//! How programs outside the chain speak to a node.
