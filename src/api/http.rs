//! An HTTP exchange as data, and the trait of what carries it. Two carriers exist: the network, and
//! delivery to the emulator in this process; both carry the same signed bytes.

use std::future::Future;
use std::pin::Pin;

/// A request as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET` or `POST`; a server may meet anything.
    pub method: String,
    /// Path and query, such as `/?Action=…`.
    pub target: String,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl HttpRequest {
    /// Returns the first header of that lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

/// An answer as it comes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// Returns the first header of that lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The request certainly did not reach the service (name not found, connection refused).
    #[error("no connection to {host}: {why}")]
    NotSent {
        /// Host and port.
        host: String,
        /// Reason.
        why: String,
    },
    /// The request may have reached the service (timeout, reset, truncated answer).
    #[error("no answer from {host}: {why}")]
    NoAnswer {
        /// Host and port.
        host: String,
        /// Reason.
        why: String,
    },
}

/// A future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Carries requests to a service.
pub trait Transport: Send + Sync {
    /// Sends a request and waits for the answer. The caller sets time limits.
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>>;
}
