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
use crate::emulator::connections::{Connections, Place};
use crate::emulator::errors::Refusal;
use crate::emulator::outcome::{Delivery, Outcome};
use crate::emulator::patient::Patient;
use crate::emulator::{Emulator, control};

/// Of a body that is too large so many bytes are read and thrown away: most clients read an answer
/// only when they have sent everything, and would see a broken connection instead of the refusal.
const THROWN_AWAY: u64 = 64 * 1024 * 1024;

/// Whoever sends nothing for so long is taken to be waiting for the answer.
const LULL: Duration = Duration::from_secs(1);

/// Bodies of up to so many bytes are received without waiting for others.
pub const SMALL_BODY: usize = 64 * 1024;

/// Limits of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Whether it may listen on, and be controlled from, other machines.
    pub remote: bool,
    /// Connections at a time; more wait until one ends, or until one that has no request makes room.
    pub connections: usize,
    /// Bytes of a call's body.
    pub body: usize,
    /// Bytes of a body for the emulator itself: a world may be large.
    pub upload: usize,
    /// Bodies of more than [`SMALL_BODY`] bytes that are received at a time; more wait.
    pub large_bodies: usize,
    /// Bytes of the request line and headers.
    pub head: usize,
    /// How long a client may take to begin a request and send its headers, then to send its body, and
    /// how long it may read nothing of the answer.
    pub patience: Duration,
    /// How long connections may take to finish after the shutdown began.
    pub farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            remote: false,
            connections: 1024,
            body: 1024 * 1024,
            upload: 256 * 1024 * 1024,
            large_bodies: 4,
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
    let places = Connections::new(limits.connections);
    let face =
        Arc::new(Face { emulator, limits, large: Semaphore::new(limits.large_bodies.max(1)) });
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        // Reaps what has ended, so that the set does not grow.
        while connections.try_join_next().is_some() {}
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
        let place = tokio::select! {
            () = &mut shutdown => break,
            place = places.enter() => place,
        };
        let Some(place) = place else { break };
        connections.spawn(connection(stream, peer, face.clone(), place, ended.clone()));
    }
    // Nobody listens any more when all connections have ended already.
    let _ = ending.send(true);
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(limits.farewell, all).await;
    Ok(())
}

/// What all connections share.
#[derive(Debug)]
struct Face {
    emulator: Arc<Emulator>,
    limits: Limits,
    large: Semaphore,
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    face: Arc<Face>,
    place: Place,
    mut ended: watch::Receiver<bool>,
) {
    // Without it small answers wait for the other side's acknowledgement; failing costs time only.
    let _ = stream.set_nodelay(true);
    let limits = face.limits;
    let place = &place;
    let service = service_fn(move |request| {
        let face = face.clone();
        async move { face.answer(request, peer, place).await }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.patience)
        .max_buf_size(limits.head.max(8192))
        .half_close(true)
        .serve_connection(TokioIo::new(Patient::new(stream, limits.patience)), service);
    let mut connection = pin!(connection);
    // An error is the client's going away, or a fault that wants the connection closed.
    let over = tokio::select! {
        _ = connection.as_mut() => true,
        () = place.asked_to_leave() => true,
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

impl Face {
    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        place: &Place,
    ) -> Result<Response<Answer>, Dropped> {
        let received = self.receive(request).await;
        place.begin();
        let outcome = match received {
            Ok(request) => match control_from_afar(&request, peer, self.limits) {
                Some(why) => Outcome::plain(control::refusal(why)),
                None => self.emulator.handle(&request),
            },
            Err(refusal) => {
                let id = uuid::Uuid::new_v4().to_string().to_uppercase();
                Outcome::plain(answer::error(Format::Json, &refusal, &id, "emulator"))
            }
        };
        if !outcome.delay.is_zero() {
            tokio::time::sleep(outcome.delay).await;
        }
        place.end();
        send(outcome.response, outcome.delivery)
    }

    /// Reads a whole request.
    async fn receive(&self, request: Request<Incoming>) -> Result<HttpRequest, Refusal> {
        let (head, mut body) = request.into_parts();
        let target = head.uri.path_and_query().map_or("/", |t| t.as_str()).to_owned();
        let limits = &self.limits;
        let most = if control::is_control(&target) { limits.upload } else { limits.body };
        let size = body.size_hint();
        if size.lower() > most as u64 {
            // Who asks before sending is told before sending.
            if !head.headers.contains_key("expect") {
                self.throw_away(&mut body).await;
            }
            return Err(too_large());
        }
        let small = size.upper().is_some_and(|bytes| bytes <= SMALL_BODY as u64);
        let whole = tokio::time::timeout(limits.patience, async {
            let _turn = if small { None } else { self.large.acquire().await.ok() };
            Limited::new(&mut body, most).collect().await
        });
        let whole = whole.await.map_err(|_| {
            Refusal::new(408, "RequestTimeout", "The body of the request did not come.")
        })?;
        let whole = match whole {
            Ok(whole) => whole.to_bytes(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                self.throw_away(&mut body).await;
                return Err(too_large());
            }
            Err(_) => {
                let why = "The body of the request cannot be read.";
                return Err(Refusal::new(400, "InvalidRequest", why));
            }
        };
        let headers = head
            .headers
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let method = head.method.as_str().to_owned();
        Ok(HttpRequest { method, target, headers, body: whole.into() })
    }

    /// Reads what is left of a body that is too large, without keeping it, up to a limit.
    async fn throw_away(&self, body: &mut Incoming) {
        if body.size_hint().lower() > THROWN_AWAY {
            return;
        }
        let rest = async {
            let mut left = THROWN_AWAY;
            while let Ok(Some(Ok(frame))) = tokio::time::timeout(LULL, body.frame()).await {
                let size = frame.data_ref().map_or(0, Bytes::len) as u64;
                let Some(fewer) = left.checked_sub(size) else { break };
                left = fewer;
            }
        };
        // Whoever is slow at it is answered before the end.
        let _ = tokio::time::timeout(self.limits.patience, rest).await;
    }
}

fn too_large() -> Refusal {
    Refusal::new(413, "RequestEntityTooLarge", "The body of the request is too large.")
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
