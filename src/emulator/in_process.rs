//! Delivery of requests to an emulator in this process, without sockets.

use std::sync::Arc;

use crate::api::http::{BoxFuture, HttpRequest, HttpResponse, Transport, TransportError};
use crate::emulator::Emulator;
use crate::emulator::outcome::Delivery;

/// The host as errors name it.
const HOST: &str = "emulator";

/// Carries requests to an emulator in this process, with the delays and losses of its faults.
#[derive(Debug, Clone)]
pub struct InProcess {
    emulator: Arc<Emulator>,
}

impl InProcess {
    /// Creates a transport to `emulator`.
    pub fn new(emulator: Arc<Emulator>) -> Self {
        Self { emulator }
    }
}

impl Transport for InProcess {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            let outcome = self.emulator.handle(&request);
            if !outcome.delay.is_zero() {
                tokio::time::sleep(outcome.delay).await;
            }
            let lost = |why: &str| {
                Err(TransportError::NoAnswer { host: HOST.to_owned(), why: why.to_owned() })
            };
            match outcome.delivery {
                Delivery::Whole => Ok(outcome.response),
                Delivery::Nothing => lost("connection closed before an answer"),
                Delivery::Truncated(_) => lost("connection closed in the middle of the answer"),
                // The caller's time limit ends this.
                Delivery::Stalled => std::future::pending().await,
            }
        })
    }
}
