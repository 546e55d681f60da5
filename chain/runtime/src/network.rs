//! What a network chooses for itself at genesis: the length of a slot and of an epoch.
//!
//! There is one runtime; networks differ by genesis preset. BABE and the timestamp pallet take these two from
//! [`frame_support::traits::Get`], so this pallet keeps them in storage. No call changes them: BABE cannot change
//! either once a chain has begun, since slots are counted from the Unix epoch.

use polkadot_sdk::*;

pub use pallet::*;

/// Slots between the shortest that gossip of a block among a few nodes fits into, and one minute.
pub const SLOT_MS_RANGE: core::ops::RangeInclusive<u64> = 200..=60_000;

/// Epochs between the shortest in which BABE can announce the next one, and a day of the shortest slots.
pub const EPOCH_SLOTS_RANGE: core::ops::RangeInclusive<u64> = 4..=432_000;

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use frame_support::pallet_prelude::*;

    /// The pallet.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Nothing to configure.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config {}

    /// Milliseconds of one slot, in which at most one block is made. Set at genesis.
    #[pallet::storage]
    pub type SlotMs<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// Slots of one epoch, after which validators and their keys may change. Set at genesis.
    #[pallet::storage]
    pub type EpochSlots<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// What the preset chooses.
    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// Milliseconds of one slot. Even, since BABE's slot is twice the timestamp pallet's minimum period.
        pub slot_ms: u64,
        /// Slots of one epoch.
        pub epoch_slots: u64,
        /// No value.
        #[serde(skip)]
        pub _config: PhantomData<T>,
    }

    impl<T: Config> Default for GenesisConfig<T> {
        /// The live network's: 6 s, and 4 hours.
        fn default() -> Self {
            Self { slot_ms: 6_000, epoch_slots: 2_400, _config: PhantomData }
        }
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        /// A chain with other values could not make blocks, so there is no genesis with them.
        fn build(&self) {
            assert!(SLOT_MS_RANGE.contains(&self.slot_ms), "network.slotMs must be in {SLOT_MS_RANGE:?}");
            assert!(self.slot_ms % 2 == 0, "network.slotMs must be even");
            assert!(
                EPOCH_SLOTS_RANGE.contains(&self.epoch_slots),
                "network.epochSlots must be in {EPOCH_SLOTS_RANGE:?}"
            );
            SlotMs::<T>::put(self.slot_ms);
            EpochSlots::<T>::put(self.epoch_slots);
        }
    }
}

/// Milliseconds of one slot.
pub struct SlotDuration;

impl frame_support::traits::Get<u64> for SlotDuration {
    fn get() -> u64 {
        pallet::SlotMs::<crate::Runtime>::get()
    }
}

/// The least time between two blocks that the timestamp pallet accepts: BABE takes twice this for its slot.
pub struct MinimumPeriod;

impl frame_support::traits::Get<u64> for MinimumPeriod {
    fn get() -> u64 {
        SlotDuration::get() / 2
    }
}

/// Slots of one epoch, which is a session: as many blocks at most.
pub struct SessionBlocks;

impl frame_support::traits::Get<u32> for SessionBlocks {
    fn get() -> u32 {
        // Fits: genesis refuses longer epochs than [`EPOCH_SLOTS_RANGE`].
        EpochDuration::get() as u32
    }
}

/// Slots of one epoch.
pub struct EpochDuration;

impl frame_support::traits::Get<u64> for EpochDuration {
    fn get() -> u64 {
        pallet::EpochSlots::<crate::Runtime>::get()
    }
}
