//! What all parts of a simulation share: the clock, what will happen, the dice, the service.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use natform::api::catalogue::{Action, Edition};
use natform::api::http::{HttpResponse, TransportError};
use natform::emulator::Emulator;
use natform::emulator::faults::mix;
use natform::environment::{Clock, ManualClock};
use natform::rehearsal::{Agenda, Slot};

use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::network::{Delivery, From};
use crate::seed::BEGIN;
use crate::tally::Tally;

/// No seed lasts so long; what does hangs.
const LONGEST: Duration = Duration::from_secs(10 * 24 * 3600);

/// What a process gets for a request.
pub(crate) type Answer = Result<HttpResponse, TransportError>;

/// What will happen.
pub(crate) enum Event {
    /// Somebody wakes up.
    Wake(Weak<Slot<()>>),
    /// A request arrives at the service.
    Arrive(Box<Delivery>),
    /// An answer arrives at the process, if that is still there.
    Answer(Arc<Slot<Answer>>, Box<Answer>),
}

/// How bad the network and the service are; each number is so many in a thousand calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manner {
    pub(crate) latency_ms: u64,
    pub(crate) refused: u64,
    pub(crate) request_lost: u64,
    pub(crate) answer_lost: u64,
    pub(crate) twice: u64,
    pub(crate) late_copies: u64,
}

/// Why a seed fails.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    pub(crate) kind: &'static str,
    pub(crate) detail: String,
}

/// Ends the seed.
pub(crate) fn violated(kind: &'static str, detail: impl Into<String>) -> ! {
    std::panic::resume_unwind(Box::new(Violation { kind, detail: detail.into() }))
}

pub(crate) struct Sim {
    pub(crate) clock: ManualClock,
    pub(crate) emulator: Arc<Emulator>,
    pub(crate) edition: Edition,
    pub(crate) region: &'static str,
    /// For so long lists may show what was before a write.
    pub(crate) read_lag: Duration,
    pub(crate) manner: Manner,
    pub(crate) agenda: Agenda<Event>,
    pub(crate) dice: Mutex<Dice>,
    pub(crate) tally: Mutex<Tally>,
    pub(crate) ledger: Mutex<Ledger>,
    /// Digest of all that happened, and how many things did.
    pub(crate) trace: Mutex<(u64, u64)>,
    /// Whether what happens is printed.
    pub(crate) verbose: bool,
}

impl Sim {
    /// Has something happen after `duration`.
    pub(crate) fn later(&self, duration: Duration, event: Event) {
        if self.clock.now().since(BEGIN) > LONGEST {
            violated("hangs", "something waits for what never comes");
        }
        let tie = self.dice.lock().unwrap().next();
        self.agenda.later(duration, tie, event);
    }

    pub(crate) fn happen(self: &Arc<Self>, event: Event) {
        match event {
            Event::Wake(slot) => natform::rehearsal::agenda::wake(&slot),
            Event::Arrive(delivery) => self.arrive(*delivery),
            Event::Answer(slot, answer) => {
                self.note(|| match &*answer {
                    Ok(response) => format!("answer {}", response.status),
                    Err(error) => format!("{error}"),
                });
                slot.fill(*answer);
            }
        }
    }

    /// Returns whether a call of natform's that changes something is on its way to the service.
    pub(crate) fn is_call_in_flight(&self) -> bool {
        self.agenda.any(|event| match event {
            Event::Arrive(delivery) => {
                delivery.from == From::Natform && delivery.action.is_some_and(Action::mutates)
            }
            Event::Wake(_) | Event::Answer(..) => false,
        })
    }

    pub(crate) fn draw<T>(&self, draw: impl FnOnce(&mut Dice) -> T) -> T {
        draw(&mut self.dice.lock().unwrap())
    }

    pub(crate) fn count(&self, name: impl Into<String>) {
        self.tally.lock().unwrap().add(name);
    }

    /// Notes that something happened: in the trace, and for people who look on.
    pub(crate) fn note(&self, what: impl FnOnce() -> String) {
        let text = what();
        let mut trace = self.trace.lock().unwrap();
        let mut digest = trace.0 ^ u64::from_ne_bytes(self.clock.now().0.to_ne_bytes());
        for byte in text.bytes() {
            digest = (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        *trace = (mix(digest), trace.1 + 1);
        if self.verbose {
            eprintln!("{:>9} {text}", self.clock.now().0 - BEGIN.0);
        }
    }
}
