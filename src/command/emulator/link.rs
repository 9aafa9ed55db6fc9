//! A link to an emulator's control interface: over HTTP, or to a world's file within this process.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::arguments::{Place, Server};
use crate::api::endpoint::Endpoint;
use crate::api::http::{HttpRequest, HttpResponse, Transport, TransportError};
use crate::api::network::{Network, NetworkSettings};
use crate::command::failure::Failure;
use crate::command::{Session, runtime};
use crate::diagnostic::Diagnostic;
use crate::emulator::control::{MARK, PREFIX};
use crate::emulator::document::Problem;
use crate::emulator::{Emulator, Settings};

/// The variable that names the emulator.
pub(super) const ADDRESS_VARIABLE: &str = "NATFORM_EMULATOR_ADDRESS";
const DEFAULT_ADDRESS: &str = "http://127.0.0.1:8900";
/// How long an answer may take: worlds can be large.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of an answer at most.
const LONGEST_ANSWER: usize = 1 << 30;
/// Where the world lies that a configuration without a server uses.
const EMBEDDED: &str = ".natform/emulator.db";

/// A link to an emulator.
pub(super) struct Link {
    way: Way,
    /// The URL or the file, for people.
    pub(super) shown: String,
    embedded: bool,
}

enum Way {
    Server(Network, tokio::runtime::Runtime),
    File(Box<Emulator>),
}

/// Why an emulator did not do what it was asked.
pub(super) struct Refused {
    /// HTTP status.
    pub(super) status: u16,
    /// Why, in its words.
    pub(super) why: String,
    /// What is wrong in the document.
    pub(super) problems: Vec<Problem>,
    /// How many problems there are; only the first are listed.
    pub(super) problem_count: usize,
}

impl Link {
    /// Returns a link to the world that the flags name.
    pub(super) fn of(session: &Session, place: &Place) -> Result<Self, Failure> {
        match &place.data {
            Some(file) => Self::file(session, file, false),
            None => Self::server(session, &place.server),
        }
    }

    /// Returns a link to the world that the flags name; a file that is not there is made.
    pub(super) fn making(session: &Session, place: &Place) -> Result<Self, Failure> {
        match &place.data {
            Some(file) => Self::file(session, file, true),
            None => Self::server(session, &place.server),
        }
    }

    /// Returns a link to a server; nothing is sent yet.
    pub(super) fn server(session: &Session, server: &Server) -> Result<Self, Failure> {
        let environment = &session.environment;
        let address = server.address.as_deref();
        let address = address.or_else(|| environment.variable(ADDRESS_VARIABLE));
        let text = address.unwrap_or(DEFAULT_ADDRESS).trim();
        let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let wrong = |why: String| {
            Diagnostic::error("emulator-address", why)
                .help(format!("write an address such as `{DEFAULT_ADDRESS}`"))
        };
        let endpoint = Endpoint::parse(&full, true).map_err(|error| wrong(error.to_string()))?;
        let Endpoint::Server(site) = endpoint else {
            return Err(wrong(format!("`{text}` is the real service, not an emulator")).into());
        };
        let settings =
            NetworkSettings { longest_answer: LONGEST_ANSWER, ..NetworkSettings::default() };
        let network = Network::new(&site, settings, environment)
            .map_err(|e| Diagnostic::error("network", e.to_string()).help(e.advice()))?;
        Ok(Self {
            way: Way::Server(network, runtime()?),
            shown: site.to_string(),
            embedded: environment.files.exists(&environment.working_directory.join(EMBEDDED)),
        })
    }

    fn file(session: &Session, file: &Path, make: bool) -> Result<Self, Failure> {
        let environment = &session.environment;
        let path = environment.working_directory.join(file);
        let shown = file.display().to_string();
        if !make && !environment.files.exists(&path) {
            return Err(Diagnostic::error("emulator-data", format!("there is no file `{shown}`"))
                .help("`natform emulator -data FILE` and `natform emulator load -data FILE` make one; a configuration with `endpoint = \"emulator\"` has its world in `.natform/emulator.db`")
                .into());
        }
        let settings = Settings { data: Some(path), ..Settings::default() };
        let emulator = Emulator::open(settings, Arc::clone(&environment.clock))?;
        Ok(Self { way: Way::File(Box::new(emulator)), shown, embedded: false })
    }

    /// Returns whether it leads to a server.
    pub(super) fn is_server(&self) -> bool {
        matches!(self.way, Way::Server(..))
    }

    /// Asks the control interface, and returns its document or why it refused.
    pub(super) fn ask(
        &self,
        method: &str,
        what: &str,
        body: Vec<u8>,
    ) -> Result<Result<Value, Refused>, Failure> {
        let request = HttpRequest {
            method: method.to_owned(),
            target: format!("{PREFIX}{what}"),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body,
        };
        let response = match &self.way {
            Way::File(emulator) => emulator.handle(&request).response,
            Way::Server(network, runtime) => self.exchange(network, runtime, request)?,
        };
        let document = serde_json::from_slice::<Value>(&response.body).ok();
        let Some(document) = document.filter(|_| response.header(MARK).is_some()) else {
            return Err(self.stranger(&response));
        };
        if response.status == 200 {
            return Ok(Ok(document));
        }
        Ok(Err(refused(response.status, &document)))
    }

    /// Asks for what is never refused but by mistake.
    pub(super) fn get(&self, method: &str, what: &str, body: Vec<u8>) -> Result<Value, Failure> {
        self.ask(method, what, body)?.map_err(|refused| self.refusal(&refused))
    }

    /// Returns the failure for a refusal that is not about a document.
    pub(super) fn refusal(&self, refused: &Refused) -> Failure {
        let diagnostic = Diagnostic::error("emulator-refused", refused.why.clone());
        let help = match refused.status {
            404 => "`natform emulator dump` prints all that the world has",
            409 => "delete the entries that use it first",
            403 => "run this on the emulator's own machine, or serve it with `-allow-remote`",
            _ => return Failure::of(diagnostic.detail(format!("So says {}.", self.shown))),
        };
        Failure::of(diagnostic.help(help))
    }

    fn exchange(
        &self,
        network: &Network,
        runtime: &tokio::runtime::Runtime,
        request: HttpRequest,
    ) -> Result<HttpResponse, Failure> {
        let answer =
            runtime.block_on(async { tokio::time::timeout(PATIENCE, network.send(request)).await });
        let silent = format!("no answer came within {} seconds", PATIENCE.as_secs());
        let why = match answer {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(TransportError::NotSent { why, .. } | TransportError::NoAnswer { why, .. })) => {
                why
            }
            Err(_) => silent,
        };
        let mut help = String::from(
            "start one with `natform emulator`, or say with `-address URL` where it listens",
        );
        if self.embedded {
            help.push_str(&format!(
                "; the world of the configuration here is reached with `-data {EMBEDDED}`"
            ));
        }
        let summary = format!("no emulator answers at `{}`", self.shown);
        Err(Diagnostic::error("emulator-unreachable", summary).detail(why).help(help).into())
    }

    /// Returns the failure for an answer that no emulator gives.
    fn stranger(&self, response: &HttpResponse) -> Failure {
        let kind = response.header("content-type").unwrap_or("no content type");
        let kind = crate::api::redact::printable(kind, 60);
        let summary = format!("what answers at `{}` is not natform's emulator", self.shown);
        let detail = if response.header(MARK).is_some() {
            "Its answer cannot be read.".to_owned()
        } else {
            format!("It answered `{}` ({kind}).", response.status)
        };
        Failure::of(
            Diagnostic::error("not-an-emulator", summary)
                .detail(detail)
                .help("say with `-address URL` where the emulator listens"),
        )
    }
}

fn refused(status: u16, document: &Value) -> Refused {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let problems: Vec<Problem> = document["problems"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|problem| Problem::new(text(&problem["path"]), text(&problem["why"])))
        .collect();
    let count = document["problem_count"].as_u64().and_then(|n| usize::try_from(n).ok());
    // The interface's own errors have `error`, those of its HTTP face have `Message`.
    let why = if document["error"].is_string() { &document["error"] } else { &document["Message"] };
    Refused { status, why: text(why), problem_count: count.unwrap_or(problems.len()), problems }
}
