//! What is shown while something takes its time and has nothing else to show: a moving line on a
//! terminal, a line now and then in a pipe, with the trouble that causes the wait.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::progress::{duration, terminal_width};
use super::terminal::Terminal;
use crate::api::log::{Event, Level, LogEntry, RequestLog};

/// How long something may take before it is mentioned.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is mentioned where lines cannot be rewritten.
const REMINDER: Duration = Duration::from_secs(10);

/// Why requests take their time.
#[derive(Debug, Clone, Default)]
pub struct Trouble(Arc<Mutex<Reasons>>);

#[derive(Debug, Default)]
struct Reasons {
    /// The last error of a request that is going to be repeated.
    error: String,
    /// How many requests a second the service bears, where it refused more.
    limit: Option<f64>,
}

impl Trouble {
    fn change(&self, change: impl FnOnce(&mut Reasons)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Returns what is to be said, or nothing.
    fn get(&self) -> String {
        let reasons = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*reasons.error, reasons.limit) {
            ("", None) => String::new(),
            ("", Some(limit)) => format!("; {}", limited(limit).to_lowercase()),
            (error, _) => format!("; trying again: {error}"),
        }
    }
}

/// Says how many requests a second the service bears.
pub fn limited(requests_per_second: f64) -> String {
    let digits = usize::from(requests_per_second < 10.0);
    format!("The service limits the rate: {requests_per_second:.digits$} requests a second")
}

/// A log that notes the last error on the way to another one.
pub struct TroubleLog {
    /// Where errors are noted.
    pub trouble: Trouble,
    /// Where entries go on to.
    pub next: Arc<dyn RequestLog>,
}

impl RequestLog for TroubleLog {
    fn level(&self) -> Level {
        self.next.level().max(Level::Info)
    }

    fn record(&self, entry: &LogEntry) {
        match &entry.event {
            Event::Sent => {}
            Event::Limited { requests_per_second } => self.trouble.change(|reasons| {
                (reasons.limit, reasons.error) = (Some(*requests_per_second), String::new());
            }),
            Event::Ended { code, message, .. } => {
                let error = match (code.is_empty(), message.is_empty()) {
                    (true, _) => String::new(),
                    (false, true) => code.clone(),
                    (false, false) => format!("{code}: {message}"),
                };
                let of_rate = code.contains("Throttling");
                self.trouble.change(|reasons| {
                    // The known limit says it better.
                    if !of_rate || reasons.limit.is_none() {
                        reasons.error = error;
                    }
                });
            }
        }
        if self.next.level() > Level::Off {
            self.next.record(entry);
        }
    }
}

/// Whether the work is done.
#[derive(Default)]
struct Done(Mutex<bool>, Condvar);

impl Done {
    /// Waits for at most `limit` and returns whether the work is done.
    fn wait(&self, limit: Duration) -> bool {
        let done = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.1.wait_timeout_while(done, limit, |done| !*done);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Says that the work is done, also when it panics.
struct Ending<'a>(&'a Done);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }
}

/// Does some work; says `what` is done when it takes more than a second.
pub fn during<T>(
    terminal: &Terminal,
    what: &str,
    trouble: &Trouble,
    work: impl FnOnce() -> T,
) -> T {
    let done = Done::default();
    thread::scope(|scope| {
        scope.spawn(|| show(terminal, what, trouble, &done));
        let ending = Ending(&done);
        let result = work();
        drop(ending);
        result
    })
}

#[expect(clippy::disallowed_methods, reason = "a wait on the screen follows the machine's time")]
fn show(terminal: &Terminal, what: &str, trouble: &Trouble, done: &Done) {
    let begin = Instant::now();
    let step = if terminal.live { PATIENCE } else { REMINDER };
    let mut shown = false;
    while !done.wait(step) {
        let elapsed = duration(begin.elapsed());
        let trouble = trouble.get();
        if terminal.live {
            let line: String =
                format!("{what} for {elapsed}{trouble}").chars().take(terminal_width()).collect();
            terminal.report(&format!("\r\u{1b}[2K{line}"));
            shown = true;
        } else {
            terminal.report(&format!("{what} [{elapsed} elapsed{trouble}]\n"));
        }
    }
    if shown {
        terminal.report("\r\u{1b}[2K");
    }
}
