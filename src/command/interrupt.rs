//! Signals: what ends a server, and the two stages that end a run.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal;

use super::failure::Exit;
use crate::apply::Interrupter;

/// Whether the signal that ended the run was a termination rather than an interrupt.
static TERMINATED: AtomicBool = AtomicBool::new(false);

/// Waits for Ctrl-C, a termination signal or the end of the terminal.
pub async fn stop_signal() {
    #[cfg(unix)]
    {
        use signal::unix::{SignalKind, signal};
        if let (Ok(mut terminate), Ok(mut hangup)) =
            (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        {
            tokio::select! {
                _ = signal::ctrl_c() => TERMINATED.store(false, Ordering::Relaxed),
                _ = terminate.recv() => TERMINATED.store(true, Ordering::Relaxed),
                _ = hangup.recv() => TERMINATED.store(true, Ordering::Relaxed),
            }
            return;
        }
    }
    let _ = signal::ctrl_c().await;
}

/// Raises the stage with every signal, for ever.
pub async fn watch(interrupter: &Interrupter) -> Infallible {
    loop {
        stop_signal().await;
        interrupter.raise();
    }
}

/// Returns the exit code of a run that a signal ended.
pub fn exit() -> Exit {
    if TERMINATED.load(Ordering::Relaxed) { Exit::Terminated } else { Exit::Interrupted }
}

/// While it lives, a signal ends the process at once with the exit code of [`exit`]. For reading,
/// planning and asking, which leave nothing half done.
pub struct Guard(tokio::task::JoinHandle<()>);

impl Guard {
    /// Begins to watch on a runtime; `live` says that a status line may have to be taken off.
    pub fn new(runtime: &tokio::runtime::Runtime, live: bool) -> Self {
        Self(runtime.spawn(async move {
            stop_signal().await;
            leave(live);
        }))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[expect(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "the main thread may be waiting for an answer that never comes"
)]
fn leave(live: bool) {
    use std::io::Write;
    let line: &[u8] = if live { b"\r\x1b[2KInterrupted.\n" } else { b"Interrupted.\n" };
    let _ = std::io::stderr().write_all(line);
    std::process::exit(i32::from(exit().code()));
}
