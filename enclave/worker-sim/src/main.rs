//! The worker linked with the simulated platform: for development, without a TEE.
//!
//! It is the same program as a production worker but for the platform. Its operator can read everything in it, its
//! evidence says so, and only a development network admits it.

fn main() -> anyhow::Result<()> {
    eprintln!("SIMULATED TEE: nothing in this worker is hidden from who runs it. For development only.");
    phala_worker::run(|dir| Ok(phala_platform::simulated::SimulatedPlatform::open(dir)?))
}
