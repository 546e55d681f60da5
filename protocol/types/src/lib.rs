//! Ids, bounds and every message that crosses a boundary.
