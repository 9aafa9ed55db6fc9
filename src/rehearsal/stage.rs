//! Where a play takes place: emulators in this process, reached through the real client, each request
//! and each answer on its way for a moment of virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::VirtualTime;
use crate::api::catalogue::Action;
use crate::api::client::{Client, ClientSettings};
use crate::api::credentials::Credentials;
use crate::api::endpoint::Endpoint;
use crate::api::http::{BoxFuture, HttpRequest, HttpResponse, Transport, TransportError};
use crate::api::log::NoLog;
use crate::api::redact::Redactor;
use crate::api::signature::decode_pairs;
use crate::api::sleep::Sleep;
use crate::apply::Clients;
use crate::diagnostic::Diagnostics;
use crate::emulator::{Delivery, Emulator, Outcome, Settings};
use crate::environment::{Clock, Environment, MemoryFiles, SeededIds, Timestamp};
use crate::refresh::{DataRead, Reader, read_data, read_lists};
use crate::resources::{Listing, Listings, Object, ReadScope};

/// How long a read is tried for.
const PATIENCE: Duration = Duration::from_secs(300);

/// A call that changes something, as it arrives.
#[derive(Debug, Clone)]
pub struct Sent {
    /// When.
    pub at: Timestamp,
    /// The action.
    pub action: Action,
    /// All parameters of the request.
    pub parameters: BTreeMap<String, String>,
}

/// Sees each call that changes something arrive at an emulator.
pub trait Watch: Send + Sync {
    /// Is told before the emulator sees it.
    fn before(&self, emulator: &Emulator, sent: &Sent);
    /// Is told what came of it.
    fn after(&self, emulator: &Emulator, sent: &Sent, outcome: &Outcome);
}

/// How a provider reaches its emulator.
#[derive(Debug, Clone)]
pub struct Player {
    /// Region of its calls.
    pub region: String,
    /// Requests in flight at once.
    pub parallelism: usize,
    /// At most so many requests a second.
    pub max_requests_per_second: Option<f64>,
    /// How long a request and its answer are on their way, together.
    pub round_trip: Duration,
}

/// Where a play takes place: virtual time, and the clients of providers that lead to emulators in it.
pub struct Stage {
    time: VirtualTime,
    environment: Environment,
    clients: Clients,
}

impl Stage {
    /// Creates an empty stage at a time; ids follow from `seed`.
    pub fn new(now: Timestamp, seed: u64) -> Self {
        let time = VirtualTime::at(now);
        let environment = Environment {
            clock: Arc::new(time.clock().clone()),
            ids: Arc::new(SeededIds::new(seed)),
            files: Arc::new(MemoryFiles::default()),
            variables: Arc::default(),
            working_directory: "/".into(),
        };
        let clients = Clients::new(Arc::clone(&environment.clock), PATIENCE);
        Self { time, environment, clients }
    }

    /// Returns its time.
    pub const fn time(&self) -> &VirtualTime {
        &self.time
    }

    /// Returns its clock and ids, and no files and variables.
    pub const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Makes an emulator that takes its time from here. The errors say what is wrong with its file.
    pub fn emulator(&self, settings: Settings) -> Result<Arc<Emulator>, Diagnostics> {
        Ok(Arc::new(Emulator::open(settings, Arc::clone(&self.environment.clock))?))
    }

    /// Leads a provider to an emulator; the default one's alias is empty.
    pub fn lead(&mut self, alias: &str, emulator: &Arc<Emulator>, player: &Player) {
        self.lead_watched(alias, emulator, player, Redactor::default(), None);
    }

    /// Does the same with values that must not be shown, and somebody who watches.
    pub fn lead_watched(
        &mut self,
        alias: &str,
        emulator: &Arc<Emulator>,
        player: &Player,
        redactor: Redactor,
        watch: Option<Arc<dyn Watch>>,
    ) {
        let mut settings = ClientSettings::new(
            Endpoint::Embedded,
            Credentials::test_account(),
            player.region.clone(),
        );
        settings.parallelism = player.parallelism;
        settings.max_requests_per_second = player.max_requests_per_second;
        settings.redactor = redactor;
        let line = Line {
            emulator: Arc::clone(emulator),
            time: self.time.clone(),
            way: player.round_trip / 2,
            watch,
        };
        let sleeper = Arc::new(self.time.clone());
        let client =
            Client::new(settings, Arc::new(line), &self.environment, sleeper, Arc::new(NoLog));
        self.clients.add(alias.into(), client, emulator.edition());
    }

    /// Returns the service that its providers reach.
    pub const fn service(&self) -> &Clients {
        &self.clients
    }
}

/// The way to an emulator and back.
struct Line {
    emulator: Arc<Emulator>,
    time: VirtualTime,
    way: Duration,
    watch: Option<Arc<dyn Watch>>,
}

impl Line {
    async fn wait(&self, duration: Duration) {
        if !duration.is_zero() {
            self.time.sleep(duration).await;
        }
    }

    fn handle(&self, request: &HttpRequest) -> Outcome {
        let sent = self.watch.as_ref().and_then(|watch| Some((watch, self.sent(request)?)));
        if let Some((watch, sent)) = &sent {
            watch.before(&self.emulator, sent);
        }
        let outcome = self.emulator.handle(request);
        if let Some((watch, sent)) = &sent {
            watch.after(&self.emulator, sent, &outcome);
        }
        outcome
    }

    /// Returns what a request asks for, if that changes something.
    fn sent(&self, request: &HttpRequest) -> Option<Sent> {
        let query = request.target.split_once('?')?.1;
        let parameters: BTreeMap<String, String> = decode_pairs(query)?.into_iter().collect();
        let action = Action::from_name(parameters.get("Action")?).filter(|a| a.mutates())?;
        Some(Sent { at: self.time.clock().now(), action, parameters })
    }
}

impl Transport for Line {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            self.wait(self.way).await;
            let outcome = self.handle(&request);
            self.wait(self.way + outcome.delay).await;
            match outcome.delivery {
                Delivery::Whole => Ok(outcome.response),
                Delivery::Nothing | Delivery::Truncated(_) => Err(TransportError::NoAnswer {
                    host: "emulator".to_owned(),
                    why: "connection closed before the end of the answer".to_owned(),
                }),
                // The caller's time limit ends this.
                Delivery::Stalled => std::future::pending().await,
            }
        })
    }
}

fn stalled() -> String {
    "everything waits for nothing".to_owned()
}

impl Reader for Stage {
    fn lists(&self, provider: &str, scopes: &[ReadScope]) -> Listings {
        let failed = |why: String| {
            let failed = |scope: &ReadScope| (scope.clone(), Listing::Failed(why.clone()));
            scopes.iter().map(failed).collect()
        };
        let client = match self.clients.get(provider) {
            Ok(client) => client,
            Err(why) => return failed(why),
        };
        let reading = read_lists(client, scopes, self.clients.deadline());
        self.time.run(reading).unwrap_or_else(|| failed(stalled()))
    }

    fn data(&self, read: &DataRead) -> Result<Object, String> {
        let client = self.clients.get(&read.provider)?;
        self.time.run(read_data(client, read, self.clients.deadline())).ok_or_else(stalled)?
    }
}
