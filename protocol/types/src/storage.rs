//! The chain's storage items that a light client reads: pallet and item names, as `construct_runtime` has them.
//!
//! Their keys are made in `phala_light::keys`. A test of the runtime holds these names to the real ones.

/// A storage item by its pallet's and its own name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Item {
    /// The pallet's name in the runtime.
    pub pallet: &'static str,
    /// The item's name in the pallet.
    pub name: &'static str,
}

/// `BoundedVec<(AuthorityId, u64)>`: the GRANDPA authorities.
pub const GRANDPA_AUTHORITIES: Item = Item { pallet: "Grandpa", name: "Authorities" };

/// `u64`: the block's time in milliseconds.
pub const TIMESTAMP_NOW: Item = Item { pallet: "Timestamp", name: "Now" };

/// Map with `Blake2_128Concat` from [`crate::mailbox::Topic`] to [`crate::mailbox::Tip`].
pub const MAILBOX_TIPS: Item = Item { pallet: "Mailbox", name: "Tips" };

/// Double map with `Blake2_128Concat` from [`crate::mailbox::Topic`] and `Twox64Concat` from
/// [`crate::MessageNumber`] to [`crate::mailbox::Message`].
pub const MAILBOX_MESSAGES: Item = Item { pallet: "Mailbox", name: "Messages" };

/// Map with `Blake2_128Concat` from [`crate::WorkerId`] to [`crate::worker::WorkerRecord`].
pub const WORKERS: Item = Item { pallet: "Workers", name: "Workers" };

/// Map with `Blake2_128Concat` from [`crate::ContractId`] to [`crate::cluster::ContractRecord`].
pub const CONTRACTS: Item = Item { pallet: "Clusters", name: "Contracts" };

/// Map with `Blake2_128Concat` from [`crate::ClusterId`] to [`crate::cluster::Checkpoint`].
pub const CHECKPOINTS: Item = Item { pallet: "Clusters", name: "Checkpoints" };

/// Map with `Blake2_128Concat` from [`crate::WorkerId`] to [`crate::ClusterId`]: where a worker works.
pub const MEMBERSHIPS: Item = Item { pallet: "Clusters", name: "Memberships" };
