//! The emulator's HTTP face: connections, their limits, and faults on the wire.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::api::http::{HttpRequest, HttpResponse};
use crate::emulator::answer::{self, Format};
use crate::emulator::errors::Refusal;
use crate::emulator::outcome::{Delivery, Outcome};
use crate::emulator::{Emulator, control};

/// Limits of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Whether it may listen on, and be controlled from, other machines.
    pub remote: bool,
    /// Connections at a time; more wait.
    pub connections: usize,
    /// Bytes of a body.
    pub body: usize,
    /// Bytes of the request line and headers.
    pub head: usize,
    /// How long a client may take to send a request's headers, and then its body.
    pub patience: Duration,
    /// How long connections may take to finish after the shutdown began.
    pub farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            remote: false,
            connections: 1024,
            body: 10 * 1024 * 1024,
            head: 64 * 1024,
            patience: Duration::from_secs(60),
            farewell: Duration::from_secs(5),
        }
    }
}

/// Serves until `shutdown` is done, then lets connections finish what they are at.
///
/// # Errors
/// When the listener's address is not this machine's and `limits` do not allow that, or when the
/// listener fails for good.
pub async fn serve(
    listener: TcpListener,
    emulator: Arc<Emulator>,
    limits: Limits,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    if !limits.remote && !listener.local_addr()?.ip().is_loopback() {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the emulator listens on the loopback interface only, unless told otherwise",
        ));
    }
    let (ending, ended) = watch::channel(false);
    let slots = Arc::new(Semaphore::new(limits.connections.max(1)));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        // Reaps what has ended, so that the set does not grow.
        while connections.try_join_next().is_some() {}
        let slot = tokio::select! {
            () = &mut shutdown => break,
            slot = slots.clone().acquire_owned() => slot.map_err(io::Error::other)?,
        };
        let (stream, peer) = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => {
                let Ok(accepted) = accepted else {
                    // The other side gave up, or this process is out of files: neither ends the server.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                };
                accepted
            }
        };
        let (emulator, ended) = (emulator.clone(), ended.clone());
        connections.spawn(async move {
            let _slot = slot;
            connection(stream, peer, emulator, limits, ended).await;
        });
    }
    // Nobody listens any more when all connections have ended already.
    let _ = ending.send(true);
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(limits.farewell, all).await;
    Ok(())
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    emulator: Arc<Emulator>,
    limits: Limits,
    mut ended: watch::Receiver<bool>,
) {
    // Without it small answers wait for the other side's acknowledgement; failing costs time only.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let emulator = emulator.clone();
        async move { answer_one(&emulator, request, peer, limits).await }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.patience)
        .max_buf_size(limits.head.max(8192))
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // An error is the client's going away, or a fault that wants the connection closed.
    let over = tokio::select! {
        _ = connection.as_mut() => true,
        () = until(&mut ended) => false,
    };
    if !over {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

async fn until(ended: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is an end as well.
    let _ = ended.wait_for(|ended| *ended).await;
}

/// Closes the connection without an answer, when returned from the service.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
struct Dropped;

async fn answer_one(
    emulator: &Emulator,
    request: Request<Incoming>,
    peer: SocketAddr,
    limits: Limits,
) -> Result<Response<Answer>, Dropped> {
    let outcome = match receive(request, limits).await {
        Ok(request) => match control_from_afar(&request, peer, limits) {
            Some(why) => Outcome::plain(control::refusal(why)),
            None => emulator.handle(&request),
        },
        Err(refusal) => Outcome::plain(answer::error(Format::Json, &refusal, "", "emulator")),
    };
    if !outcome.delay.is_zero() {
        tokio::time::sleep(outcome.delay).await;
    }
    send(outcome.response, outcome.delivery)
}

/// Says why a request to the emulator itself may not come in that way, if it may not.
fn control_from_afar(
    request: &HttpRequest,
    peer: SocketAddr,
    limits: Limits,
) -> Option<&'static str> {
    if limits.remote || !control::is_control(&request.target) {
        None
    } else if !peer.ip().is_loopback() {
        Some("the emulator is controlled from its own machine only")
    } else if !control::is_plain_host(request.header("host").unwrap_or("")) {
        Some("the emulator is controlled by an address or `localhost`, not by another name")
    } else {
        None
    }
}

/// Reads a whole request.
async fn receive(request: Request<Incoming>, limits: Limits) -> Result<HttpRequest, Refusal> {
    let too_large =
        || Refusal::new(413, "RequestEntityTooLarge", "The body of the request is too large.");
    let (head, body) = request.into_parts();
    if body.size_hint().lower() > limits.body as u64 {
        return Err(too_large());
    }
    let body = tokio::time::timeout(limits.patience, Limited::new(body, limits.body).collect())
        .await
        .map_err(|_| Refusal::new(408, "RequestTimeout", "The body of the request did not come."))?
        .map_err(|e| {
            if e.is::<http_body_util::LengthLimitError>() {
                too_large()
            } else {
                Refusal::new(400, "InvalidRequest", "The body of the request cannot be read.")
            }
        })?
        .to_bytes();
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let target = head.uri.path_and_query().map_or("/", |t| t.as_str()).to_owned();
    Ok(HttpRequest { method: head.method.as_str().to_owned(), target, headers, body: body.into() })
}

/// Builds the answer such that it is delivered as the fault wants.
fn send(response: HttpResponse, delivery: Delivery) -> Result<Response<Answer>, Dropped> {
    let length = response.body.len();
    let (shown, then) = match delivery {
        Delivery::Whole => (length, Then::End),
        Delivery::Nothing => return Err(Dropped),
        Delivery::Truncated(bytes) => {
            (bytes.min(length.saturating_sub(1)), Then::Break { sent: false })
        }
        Delivery::Stalled => (length / 2, Then::Hang),
    };
    let mut builder = Response::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(name, value);
    }
    builder = builder.header("content-length", length);
    let mut bytes = Bytes::from(response.body);
    let first = bytes.split_to(shown);
    let answer = Answer { first: Some(first), then, length: length as u64 };
    builder.body(answer).map_err(|_| Dropped)
}

#[derive(Debug, Clone, Copy)]
enum Then {
    End,
    Break { sent: bool },
    Hang,
}

/// A body that may break off or never end.
#[derive(Debug)]
struct Answer {
    first: Option<Bytes>,
    then: Then,
    length: u64,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        match (self.first.take(), self.then) {
            (Some(first), _) if !first.is_empty() => Poll::Ready(Some(Ok(Frame::data(first)))),
            (_, Then::End) => Poll::Ready(None),
            // What came before is sent when there is nothing more to send at once.
            (_, Then::Break { sent: false }) => {
                self.then = Then::Break { sent: true };
                context.waker().wake_by_ref();
                Poll::Pending
            }
            (_, Then::Break { sent: true }) => Poll::Ready(Some(Err(Dropped))),
            // The client's going away ends this.
            (_, Then::Hang) => Poll::Pending,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

/// Serves on a free port of the loopback interface, and returns the address with a handle that ends
/// the server when it is dropped.
pub async fn serve_on_free_port(emulator: Arc<Emulator>) -> io::Result<(SocketAddr, Running)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<Infallible>();
    let task = tokio::spawn(async move {
        let shutdown = async {
            // Ends when the handle is dropped: nothing is ever sent.
            let _ = stopped.await;
        };
        serve(listener, emulator, Limits::default(), shutdown).await
    });
    Ok((address, Running { _stop: stop, task }))
}

/// A server that runs beside.
#[derive(Debug)]
pub struct Running {
    _stop: tokio::sync::oneshot::Sender<Infallible>,
    task: tokio::task::JoinHandle<io::Result<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}
