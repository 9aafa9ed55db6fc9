//! Signals: what ends a server, and the two stages that end a run.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::signal;

use super::failure::Exit;
use crate::apply::Interrupter;

/// The exit code that belongs to the last signal.
static CODE: AtomicU8 = AtomicU8::new(Exit::Interrupted.code());

/// Waits for Ctrl-C, a termination signal or the end of the terminal. The latter is left alone where
/// whoever started the process had it ignored, as `nohup` does.
pub async fn stop_signal() {
    #[cfg(unix)]
    {
        use signal::unix::{SignalKind, signal};
        let hangup = async {
            if ignores_hangup() {
                return std::future::pending().await;
            }
            match signal(SignalKind::hangup()) {
                Ok(mut hangup) => hangup.recv().await,
                Err(_) => std::future::pending().await,
            }
        };
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            let exit = tokio::select! {
                _ = signal::ctrl_c() => Exit::Interrupted,
                _ = terminate.recv() => Exit::Terminated,
                _ = hangup => Exit::HungUp,
            };
            CODE.store(exit.code(), Ordering::Relaxed);
            return;
        }
    }
    let _ = signal::ctrl_c().await;
}

/// Returns whether the process was started with the hangup signal ignored.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    static IGNORED: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    // Asked once: watching for the signal ends that it is ignored.
    *IGNORED.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask & 1 != 0)
    })
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
    let code = CODE.load(Ordering::Relaxed);
    let ends = [Exit::Terminated, Exit::HungUp];
    ends.into_iter().find(|exit| exit.code() == code).unwrap_or(Exit::Interrupted)
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
