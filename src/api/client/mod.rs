//! The client: signs calls, sends them at a bearable pace, reads the answers, and logs both.
//!
//! [`Client::send`] makes exactly one attempt, so that who sends a mutating call decides what a
//! failure means; only [`Client::read`] repeats by itself. Time that a request waits for its turn is
//! never counted against it: not against the time for its answer, and not against a deadline as
//! long as the service answers others.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};

use crate::environment::{Clock, Environment, Ids, Timestamp};

use super::answer::Answer;
use super::backoff::backoff;
use super::call::Call;
use super::catalogue::{Action, VERSION};
use super::credentials::Credentials;
use super::decode::decode;
use super::endpoint::Endpoint;
use super::error::{ApiError, Class, NOT_SENT, UNREADABLE_ANSWER};
use super::http::{HttpRequest, HttpResponse, Transport, TransportError};
use super::log::{Event, Level, LogEntry, RequestLog};
use super::pace::{Pace, Verdict};
use super::redact::{Redactor, printable};
use super::signature::{canonical_query, percent_encode, sign, string_to_sign};
use super::sleep::Sleep;

/// How often in a row a read is attempted while nothing can be sent.
const ATTEMPTS_UNSENT: u32 = 4;
/// How often in a row a read is attempted while something else than the service answers.
const ATTEMPTS_UNREADABLE: u32 = 6;
/// The same, where the server says that it is well: a portal, a redirect, another service.
const ATTEMPTS_FOREIGN: u32 = 3;
/// A read waits this long for its answer even when the time for it is over.
const SHORTEST_READ: Duration = Duration::from_secs(1);
/// For so long after the service answered somebody, those that it refuses as too many are patient.
const PATIENCE: Duration = Duration::from_secs(600);
/// So much time of its own has a read that had to wait for its turn beyond its deadline, or that is
/// refused as one too many before anything was answered.
const GRACE: Duration = Duration::from_secs(60);
/// How much of an answer's text the log is given, in characters.
const LOGGED_BODY: usize = 2000;

/// What a client is made from.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// The service.
    pub endpoint: Endpoint,
    /// The credentials.
    pub credentials: Credentials,
    /// The region that calls without `RegionId` are about.
    pub region: String,
    /// How long an answer may take, from the sending of the request to the end of the answer.
    pub request_timeout: Duration,
    /// At most so many requests a second are sent; none: as many as the service bears.
    pub max_requests_per_second: Option<f64>,
    /// At most so many requests are in flight.
    pub parallelism: usize,
    /// Values that must not be shown; the client adds its own secrets.
    pub redactor: Redactor,
}

impl ClientSettings {
    /// Creates settings with the usual limits: 60 seconds, 10 requests in flight, any rate.
    pub fn new(endpoint: Endpoint, credentials: Credentials, region: impl Into<String>) -> Self {
        Self {
            endpoint,
            credentials,
            region: region.into(),
            request_timeout: Duration::from_secs(60),
            max_requests_per_second: None,
            parallelism: 10,
            redactor: Redactor::default(),
        }
    }
}

/// Sends calls to a service. Cheap to clone; clones share limits and log.
#[derive(Clone)]
pub struct Client(Arc<Inner>, Arc<Pace>);

/// One attempt.
struct Attempt {
    outcome: Result<Answer, ApiError>,
    /// When the request left, or would have.
    sent: Timestamp,
}

struct Inner {
    settings: ClientSettings,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    sleeper: Arc<dyn Sleep>,
    log: Arc<dyn RequestLog>,
    /// The limit that was last logged, in requests a second.
    told: Mutex<f64>,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Client").field(&self.0.settings).finish()
    }
}

impl Client {
    /// Creates a client that takes time and nonces from `environment` and waits by `sleeper`.
    pub fn new(
        settings: ClientSettings,
        transport: Arc<dyn Transport>,
        environment: &Environment,
        sleeper: Arc<dyn Sleep>,
        log: Arc<dyn RequestLog>,
    ) -> Self {
        let credentials = &settings.credentials;
        settings.redactor.add(credentials.access_key_secret.reveal());
        if let Some(token) = &credentials.security_token {
            settings.redactor.add(token.reveal());
        }
        let clock = environment.clock.clone();
        let pace = Pace::new(
            settings.parallelism,
            settings.max_requests_per_second,
            clock.clone(),
            sleeper.clone(),
        );
        let ids = environment.ids.clone();
        let told = Mutex::new(f64::INFINITY);
        let inner = Inner { settings, transport, clock, ids, sleeper, log, told };
        Self(Arc::new(inner), Arc::new(pace))
    }

    /// Lets the client share what limits another one's requests: both are of one account at one
    /// service. The lower ceiling of the two counts for both.
    #[must_use]
    pub fn sharing_limits_with(self, other: &Self) -> Self {
        if let Some(ceiling) = self.0.settings.max_requests_per_second {
            other.1.lower_ceiling(ceiling);
        }
        Self(self.0, Arc::clone(&other.1))
    }

    /// Lets no more calls that change something leave: those that wait for their turn end at once, as
    /// not sent.
    pub fn stop_changes(&self) {
        self.1.close();
    }

    /// Returns the requests of an action a second that the service is believed to bear, where it
    /// refused more; none also while that is being found out.
    pub fn limit(&self, action: Action) -> Option<f64> {
        self.1.limit(action)
    }

    /// Returns the lowest of such limits of all actions.
    pub fn lowest_limit(&self) -> Option<f64> {
        self.1.lowest_limit()
    }

    /// Returns when the service last did what somebody asked for.
    pub fn last_answer(&self) -> Option<Timestamp> {
        self.1.answered()
    }

    /// Returns the service that calls go to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.0.settings.endpoint
    }

    /// Returns the region that calls without `RegionId` are about.
    pub fn region(&self) -> &str {
        &self.0.settings.region
    }

    /// Returns the id of the access key that signs, for messages.
    pub fn access_key_id(&self) -> &str {
        &self.0.settings.credentials.access_key_id
    }

    /// Returns the ceiling of its request rate, if it has one.
    pub fn max_requests_per_second(&self) -> Option<f64> {
        self.0.settings.max_requests_per_second
    }

    /// Returns the values that must not be shown.
    pub fn redactor(&self) -> &Redactor {
        &self.0.settings.redactor
    }

    /// Returns the time.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Waits for a while; returns false at once where that would take longer than until `deadline`.
    pub async fn wait(&self, duration: Duration, deadline: Timestamp) -> bool {
        if self.0.clock.now().after(duration) > deadline {
            return false;
        }
        self.0.sleeper.sleep(duration).await;
        true
    }

    /// Sends a call once, with a fresh nonce and time, and without any retry. It waits before, if
    /// the pace says so.
    ///
    /// Errors: [`ApiError::is_definite`] says whether the call certainly had no effect.
    pub async fn send(&self, call: &Call) -> Result<Answer, ApiError> {
        let limit = self.0.settings.request_timeout;
        self.attempt(call, |_| limit).await.outcome
    }

    /// Sends a call once. `limit` tells how long its answer may take, from when it leaves.
    async fn attempt(&self, call: &Call, limit: impl Fn(Timestamp) -> Duration) -> Attempt {
        let inner = &*self.0;
        let Ok(permit) = self.1.admit(call.action).await else {
            let why = "the run was interrupted before it was its turn";
            let outcome = Err(ApiError::not_sent(call.action, why));
            return Attempt { outcome, sent: inner.clock.now() };
        };
        let sent = inner.clock.now();
        let limit = limit(sent);
        let parameters = inner.parameters(call, sent);
        let request = inner.request(&parameters);
        inner.log_sent(call, &parameters, sent);
        let work = inner.transport.send(request);
        let response = match inner.within(limit, work).await {
            Some(Ok(response)) => Ok(response),
            Some(Err(TransportError::NotSent { host, why })) => {
                Err(ApiError::not_sent(call.action, format!("no connection to {host}: {why}")))
            }
            Some(Err(TransportError::NoAnswer { host, why })) => {
                Err(ApiError::no_answer(call.action, format!("no answer from {host}: {why}")))
            }
            None => Err(ApiError::no_answer(call.action, format!("no answer within {limit:?}"))),
        };
        let now = inner.clock.now();
        let outcome = match &response {
            Ok(response) => decode(call.action, response, now),
            Err(error) => Err(error.clone()),
        };
        let outcome = outcome.map_err(|error| inner.shown(error));
        permit.end(verdict(&outcome), outcome.is_ok());
        inner.log_ended(call, &parameters, sent, now, response.as_ref().ok(), &outcome);
        inner.log_limit(call.action, self.1.limit(call.action), now);
        Attempt { outcome, sent }
    }

    /// Sends a call that only reads, and again while it is throttled, busy or fails in a way that
    /// may pass, until `deadline`. The error is that of the last attempt.
    ///
    /// What is refused as one too many goes on for as long as the service answers others. What cannot
    /// be sent at all, and answers of something that is not the service, end it sooner: they rarely
    /// mend themselves.
    ///
    /// Returns the answer and when the request left that it answers: a request may wait long for its
    /// turn, and what it is answered is no older than that.
    pub async fn read(
        &self,
        call: &Call,
        deadline: Timestamp,
    ) -> Result<(Answer, Timestamp), ApiError> {
        let inner = &*self.0;
        let mut attempt = 0;
        let (mut unsent, mut unreadable) = (0, 0);
        let mut first = None;
        loop {
            attempt += 1;
            let limit = |sent| {
                let left = self.deadline(deadline, first.unwrap_or(sent)).since(sent);
                inner.settings.request_timeout.min(left.max(SHORTEST_READ))
            };
            let Attempt { outcome, sent } = self.attempt(call, limit).await;
            let error = match outcome {
                Ok(answer) => return Ok((answer, sent)),
                Err(error) => error,
            };
            let begun = *first.get_or_insert(sent);
            let crowded = error.is_too_many();
            unsent = if error.code == NOT_SENT { unsent + 1 } else { 0 };
            let strange = error.code == UNREADABLE_ANSWER && error.class != Class::Throttled;
            unreadable = if strange { unreadable + 1 } else { 0 };
            let foreign = unreadable >= ATTEMPTS_FOREIGN && error.status < 500;
            let hopeless = error.class.is_definite()
                || foreign
                || unsent >= ATTEMPTS_UNSENT
                || unreadable >= ATTEMPTS_UNREADABLE;
            let mut until = self.deadline(deadline, begun);
            let mut wait = backoff(attempt, error.class, error.retry_after);
            if crowded && !strange {
                // Everybody's turn is decided in one place.
                wait = Duration::ZERO;
                until = match self.1.answered() {
                    Some(at) => until.max(at.after(PATIENCE)),
                    None => until.after(GRACE),
                };
            }
            // Silence that the service asks for is kept, and tried once more after it.
            let own = self.1.delay(call.action).saturating_sub(self.1.silence(call.action));
            if hopeless || inner.clock.now().after(wait.max(own)) > until {
                return Err(error);
            }
            if !wait.is_zero() {
                inner.sleeper.sleep(wait).await;
            }
        }
    }

    /// Returns until when a read that first left at `begun` may be repeated. One that had to wait for
    /// its turn beyond its deadline, while others were answered, has some time of its own.
    fn deadline(&self, deadline: Timestamp, begun: Timestamp) -> Timestamp {
        match self.1.answered() {
            Some(at) if at.after(GRACE) >= begun => deadline.max(begun.after(GRACE)),
            _ => deadline,
        }
    }
}

/// Returns what an outcome says of the rate.
fn verdict(outcome: &Result<Answer, ApiError>) -> Verdict {
    match outcome {
        Err(error) if error.is_too_many() => {
            let of_action = ["Throttling.Api", "TooFrequen", "FrequentPurchase"];
            if of_action.iter().any(|part| error.code.contains(part)) {
                Verdict::TooFastOfKind(error.retry_after)
            } else {
                Verdict::TooFast(error.retry_after)
            }
        }
        Err(error) if error.class == Class::Transient => Verdict::Nothing,
        Ok(_) | Err(_) => Verdict::Borne,
    }
}

impl Inner {
    /// Returns the call's parameters with those that every request carries, but the signature.
    fn parameters(&self, call: &Call, now: Timestamp) -> BTreeMap<String, String> {
        let mut parameters = call.parameters.clone();
        if !parameters.contains_key("RegionId") && !self.settings.region.is_empty() {
            parameters.insert("RegionId".to_owned(), self.settings.region.clone());
        }
        let credentials = &self.settings.credentials;
        for (name, value) in [
            ("Action", call.action.name()),
            ("Version", VERSION),
            ("Format", "JSON"),
            ("AccessKeyId", credentials.access_key_id.as_str()),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("SignatureNonce", self.ids.next().as_str()),
            ("Timestamp", now.iso8601().as_str()),
        ] {
            parameters.insert(name.to_owned(), value.to_owned());
        }
        if let Some(token) = &credentials.security_token {
            parameters.insert("SecurityToken".to_owned(), token.reveal().to_owned());
        }
        parameters
    }

    /// Returns the signed request: a GET with everything in its query, the one form that the
    /// reference itself describes.
    fn request(&self, parameters: &BTreeMap<String, String>) -> HttpRequest {
        let secret = self.settings.credentials.access_key_secret.reveal();
        let signature = sign(secret, &string_to_sign("GET", parameters));
        let query = canonical_query(parameters);
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let agent = concat!("natform/", env!("CARGO_PKG_VERSION"));
        HttpRequest {
            method: "GET".to_owned(),
            target: format!("/?{query}&Signature={}", percent_encode(&signature)),
            headers: vec![header("accept", "application/json"), header("user-agent", agent)],
            body: Vec::new(),
        }
    }

    /// Returns what `work` yields within `limit`. The timer starts only once the work has to wait,
    /// so that in virtual time an answer that is there at once takes no time.
    async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let timer = pin!(async { self.sleeper.sleep(limit).await });
        match select(pin!(work), timer).await {
            Either::Left((output, _)) => Some(output),
            Either::Right(((), _)) => None,
        }
    }

    /// Returns an error as it may be shown.
    fn shown(&self, mut error: ApiError) -> ApiError {
        // The service repeats all that was signed, which helps nobody who uses a client.
        if error.code.starts_with("SignatureDoesNotMatch")
            && let Some(end) = error.message.find("server string to sign")
        {
            error.message.truncate(end);
        }
        error.message = self.settings.redactor.redact(error.message.trim_end());
        error
    }

    /// Logs the limit of the service when it becomes known, and when it is another than before.
    fn log_limit(&self, action: Action, limit: Option<f64>, time: Timestamp) {
        let Some(limit) = limit else { return };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_finite() && (limit / *told - 1.0).abs() < 0.25 {
            return;
        }
        *told = limit;
        drop(told);
        if self.log.level() >= Level::Info {
            let event = Event::Limited { requests_per_second: limit };
            self.log.record(&LogEntry { time, action, parameters: BTreeMap::new(), event });
        }
    }

    fn log_sent(&self, call: &Call, parameters: &BTreeMap<String, String>, time: Timestamp) {
        if self.log.level() >= Level::Debug {
            let parameters = self.logged(parameters);
            self.log.record(&LogEntry {
                time,
                action: call.action,
                parameters,
                event: Event::Sent,
            });
        }
    }

    fn log_ended(
        &self,
        call: &Call,
        parameters: &BTreeMap<String, String>,
        sent: Timestamp,
        now: Timestamp,
        response: Option<&HttpResponse>,
        outcome: &Result<Answer, ApiError>,
    ) {
        if self.log.level() < Level::Info {
            return;
        }
        let (code, message, request_id) = match outcome {
            Ok(answer) => (String::new(), String::new(), answer.request_id.clone()),
            Err(error) => (error.code.clone(), error.message.clone(), error.request_id.clone()),
        };
        let body = response.filter(|_| self.log.level() >= Level::Debug).map(|response| {
            // Masked before it is cut, so that no half of a secret remains at the end.
            let start = response.body.get(..16 * LOGGED_BODY).unwrap_or(&response.body);
            let text = self.settings.redactor.redact(&String::from_utf8_lossy(start));
            printable(&text, LOGGED_BODY)
        });
        self.log.record(&LogEntry {
            time: now,
            action: call.action,
            parameters: self.logged(parameters),
            event: Event::Ended {
                status: response.map_or(0, |response| response.status),
                code,
                message,
                request_id,
                duration: now.since(sent),
                body,
            },
        });
    }

    /// Returns parameters as they may be logged.
    fn logged(&self, parameters: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        const UNLOGGED: [&str; 6] =
            ["Action", "Format", "SecurityToken", "SignatureMethod", "SignatureVersion", "Version"];
        parameters
            .iter()
            .filter(|(name, _)| !UNLOGGED.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), self.settings.redactor.redact(value)))
            .collect()
    }
}

#[cfg(test)]
mod tests;
