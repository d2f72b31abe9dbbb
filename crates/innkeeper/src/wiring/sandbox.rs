//! The sandbox of this machine, and the lease that keeps its sessions alive.

use std::io;

use runtime::sandbox::{Config, LEASE_PERIOD, Sandbox};
use tokio::task::JoinHandle;

use crate::config::SandboxLimits;

/// The sandbox with its lease being renewed.
pub(super) struct KeptSandbox {
    pub(super) sandbox: Sandbox,
    lease: JoinHandle<()>,
}

impl KeptSandbox {
    /// Opens the sandbox's directory and begins to renew the lease.
    ///
    /// # Errors
    /// The directory can't be used.
    pub(super) fn open(limits: &SandboxLimits) -> io::Result<Self> {
        let mut config = Config::new(std::path::absolute(&limits.dir)?);
        config.max_sessions = usize::try_from(limits.max_sessions).unwrap_or(usize::MAX);
        config.memory_reserve = u64::from(limits.memory_reserve_mib) << 20;
        let sandbox = Sandbox::new(config)?;
        Ok(Self { lease: tokio::spawn(keep_lease(sandbox.clone())), sandbox })
    }

    /// Ends the renewal. Sessions run on until their lease is over, or another start renews it.
    pub(super) fn close(self) {
        self.lease.abort();
    }
}

async fn keep_lease(sandbox: Sandbox) {
    let mut period = tokio::time::interval(LEASE_PERIOD);
    loop {
        period.tick().await;
        if let Err(error) = sandbox.keep_lease() {
            tracing::error!(%error, "the lease of the running sessions could not be renewed; will try again");
        }
    }
}
