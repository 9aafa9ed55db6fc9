//! Virtual time in which requests and waits overlap: what comes first happens first, and how long a
//! request takes follows from a seed.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use natform::api::http::{BoxFuture, HttpRequest, HttpResponse, Transport, TransportError};
use natform::api::sleep::Sleep;
use natform::emulator::faults::mix;
use natform::environment::{Clock, ManualClock, Timestamp};

/// Whether a wait is over, and who waits.
type Slot = Arc<Mutex<(bool, Option<Waker>)>>;

/// The waits of one run, by the time at which they end.
pub(crate) struct Latency {
    clock: ManualClock,
    waits: Mutex<BTreeMap<(Timestamp, u64), Slot>>,
    drawn: AtomicU64,
    /// The shortest and the longest that a request or an answer takes, in milliseconds.
    least: u64,
    most: u64,
}

struct Waiting(Slot);

impl Future for Waiting {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut slot = self.0.lock().unwrap();
        if slot.0 {
            return Poll::Ready(());
        }
        slot.1 = Some(context.waker().clone());
        Poll::Pending
    }
}

/// Tells the loop that the future wants to go on.
#[derive(Default)]
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Latency {
    pub(crate) fn new(clock: ManualClock, seed: u64, most: u64) -> Arc<Self> {
        Self::between(clock, seed, (0, most))
    }

    /// Creates one in which every request and every answer takes the same time.
    pub(crate) fn steady(clock: ManualClock, seed: u64, each: u64) -> Arc<Self> {
        Self::between(clock, seed, (each, each))
    }

    fn between(clock: ManualClock, seed: u64, (least, most): (u64, u64)) -> Arc<Self> {
        let (waits, drawn) = (Mutex::default(), AtomicU64::new(seed));
        Arc::new(Self { clock, waits, drawn, least, most })
    }

    fn draw(&self) -> u64 {
        mix(self.drawn.fetch_add(1, Ordering::Relaxed))
    }

    fn until(&self, end: Timestamp) -> Waiting {
        let slot = Slot::default();
        // What ends at one time ends in an order that the seed decides.
        self.waits.lock().unwrap().insert((end, self.draw()), Arc::clone(&slot));
        Waiting(slot)
    }

    fn on_the_way(&self) -> Waiting {
        let ms = self.least + self.draw() % (self.most - self.least + 1);
        self.until(self.clock.now().after(Duration::from_millis(ms)))
    }

    /// Turns a future until it is done.
    pub(crate) fn run<F: Future>(&self, future: F) -> F::Output {
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(Arc::clone(&bell));
        let mut future = pin!(future);
        loop {
            bell.0.store(false, Ordering::Relaxed);
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                self.waits.lock().unwrap().clear();
                return output;
            }
            while !bell.0.load(Ordering::Relaxed) {
                let next = self.waits.lock().unwrap().pop_first();
                let Some(((end, _), slot)) = next else { panic!("everything waits for nothing") };
                if end > self.clock.now() {
                    self.clock.set(end);
                }
                let mut slot = slot.lock().unwrap();
                slot.0 = true;
                let waker = slot.1.take();
                drop(slot);
                waker.into_iter().for_each(Waker::wake);
            }
        }
    }
}

/// Waits in this time.
#[derive(Clone)]
pub(crate) struct Queued(pub(crate) Arc<Latency>);

impl Sleep for Queued {
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.0.until(self.0.clock.now().after(duration)))
    }
}

/// Carries requests that take their time.
pub(crate) struct Slow {
    pub(crate) inner: Arc<dyn Transport>,
    pub(crate) latency: Arc<Latency>,
}

impl Transport for Slow {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            self.latency.on_the_way().await;
            let answer = self.inner.send(request).await;
            self.latency.on_the_way().await;
            answer
        })
    }
}
