//! The emulator's own interface under `/_natform/`: health, calls, world, faults, clock.

use std::net::IpAddr;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::api::http::{HttpRequest, HttpResponse};
use crate::api::signature::decode_pairs;
use crate::emulator::Emulator;
use crate::emulator::document::{self, Problem};
use crate::emulator::fault_check::{file_problems, rule_problems};
use crate::emulator::faults::{FaultFile, Faults, RateLimit, Rule};
use crate::emulator::store::StoreError;
use crate::emulator::world::World;
use crate::emulator::world::conditions::Conditions;
use crate::emulator::world::dump::Dump;
use crate::emulator::world::integrity::condition_problems;
use crate::environment::Timestamp;

/// Where the interface is. The service itself knows no path but `/`.
pub const PREFIX: &str = "/_natform/";

/// A header of every answer from here, by which others are told apart.
pub const MARK: &str = "x-natform-emulator";

/// How many problems of a document are listed at most.
const MOST_PROBLEMS: usize = 20;

/// What there is, for those who ask for something else.
const NAMES: [&str; 9] =
    ["health", "calls", "world", "conditions", "reset", "faults", "clock", "settle", "eips"];

/// An answer that is not a success.
struct Failure {
    status: u16,
    why: String,
    problems: Vec<Problem>,
}

impl Failure {
    fn new(status: u16, why: impl Into<String>) -> Self {
        Self { status, why: why.into(), problems: Vec::new() }
    }

    /// A document that is refused for these problems.
    fn document(problems: Vec<Problem>) -> Self {
        let why = match problems.as_slice() {
            [one] => format!("the document is not right: {one}"),
            several => format!("the document is not right: {} problems", several.len()),
        };
        Self { status: 400, why, problems }
    }

    fn response(&self) -> HttpResponse {
        let mut body = json!({ "error": self.why });
        if !self.problems.is_empty() {
            let listed: Vec<_> = self.problems.iter().take(MOST_PROBLEMS).collect();
            body["problems"] = json!(listed);
            body["problem_count"] = json!(self.problems.len());
        }
        response(self.status, &body)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(500, error.to_string())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_ms: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settle {
    id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BindEips {
    gateway: String,
    #[serde(default = "one")]
    count: u32,
    #[serde(default)]
    shared_bandwidth: Option<String>,
}

fn one() -> u32 {
    1
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseEip {
    id: String,
}

/// Most EIPs that are bound at a time.
const MOST_EIPS: u32 = 1000;

/// Returns whether a request is for the emulator itself.
pub(super) fn is_control(target: &str) -> bool {
    let path = target.split(['?', '#']).next().unwrap_or(target);
    path.starts_with(PREFIX) || path == PREFIX.trim_end_matches('/')
}

/// Returns whether a `Host` header names a machine such that no name of somebody else's can stand for
/// it: an address, or `localhost`. A page in a browser whose name leads to this machine has its own.
pub(super) fn is_plain_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.to_ascii_lowercase();
    let name = name.trim_end_matches('.');
    name.is_empty()
        || name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok()
}

/// Answers a request to the emulator itself.
pub(super) fn answer(emulator: &Emulator, request: &HttpRequest) -> HttpResponse {
    match route(emulator, request) {
        Ok(body) => response(200, &body),
        Err(failure) => failure.response(),
    }
}

/// Returns the answer to a request to the emulator itself that may not come in that way.
pub(super) fn refusal(why: &str) -> HttpResponse {
    Failure::new(403, why).response()
}

fn response(status: u16, body: &Value) -> HttpResponse {
    let mut bytes = serde_json::to_vec(body).unwrap_or_default();
    bytes.push(b'\n');
    let headers = vec![
        ("content-type".to_owned(), "application/json;charset=utf-8".to_owned()),
        (MARK.to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
    ];
    HttpResponse { status, headers, body: bytes }
}

/// Returns whether a page in a browser asks, rather than a person who typed the address.
fn is_from_page(request: &HttpRequest) -> bool {
    request.header("origin").is_some()
        || request.header("sec-fetch-site").is_some_and(|site| site != "none")
}

fn route(emulator: &Emulator, request: &HttpRequest) -> Result<Value, Failure> {
    // A page in a browser must not be able to reach what only people and tests may.
    if is_from_page(request) {
        return Err(Failure::new(403, "requests from web pages are refused"));
    }
    let target = request.target.split('#').next().unwrap_or("");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let name = path.strip_prefix(PREFIX).unwrap_or("");
    match (name, request.method.as_str()) {
        ("health", "GET") => health(emulator),
        ("calls", "GET") => calls(emulator, query),
        ("calls", "DELETE") => {
            emulator.forget_calls();
            Ok(json!({}))
        }
        ("world", "GET") => world(emulator, |world, _| json!(world.dump())),
        ("world", "PUT") => load(emulator, &request.body),
        ("conditions", "GET") => world(emulator, |world, _| json!(world.conditions)),
        ("conditions", "PUT") => set_conditions(emulator, body(request)?),
        ("reset", "POST") => world(emulator, |world, now| {
            world.reset(now);
            json!({ "world": world.id() })
        }),
        ("faults", method) => change_faults(emulator, method, request),
        ("clock", "GET") => world(emulator, clock),
        ("clock", "PUT") => advance(emulator, body::<Advance>(request)?.advance_ms),
        ("settle", "POST") => {
            let what = if request.body.is_empty() { Settle::default() } else { body(request)? };
            settle(emulator, what.id.as_deref())
        }
        ("eips", "POST") => bind_eips(emulator, &body(request)?),
        ("eips", "DELETE") => release_eip(emulator, &body(request)?),
        (name, method) if NAMES.contains(&name) => Err(nothing_by(method)),
        (name, _) => {
            let why = format!("there is no `{name}` here, only {}", NAMES.join(", "));
            Err(Failure::new(404, why))
        }
    }
}

fn nothing_by(method: &str) -> Failure {
    Failure::new(405, format!("`{method}` does nothing here"))
}

fn body<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Failure> {
    document::read(&request.body).map_err(|problem| Failure::document(vec![problem]))
}

fn checked(problems: Vec<Problem>) -> Result<(), Failure> {
    if problems.is_empty() { Ok(()) } else { Err(Failure::document(problems)) }
}

fn world(
    emulator: &Emulator,
    act: impl FnOnce(&mut World, Timestamp) -> Value,
) -> Result<Value, Failure> {
    Ok(emulator.with_world(act)?)
}

fn health(emulator: &Emulator) -> Result<Value, Failure> {
    let edition = emulator.edition();
    world(emulator, |world, now| {
        json!({
            "status": "ok",
            "edition": edition.to_string(),
            "world": world.id(),
            "time": world.time_at(now).iso8601(),
            "objects": objects(world),
        })
    })
}

/// Counts the objects of each kind.
fn objects(world: &World) -> Value {
    let counts = world.counts().into_iter();
    counts.map(|(kind, n)| (json!(kind).as_str().unwrap_or("").to_owned(), json!(n))).collect()
}

/// Lists calls: `?action=NAME` only those of an action, `?limit=N` only the last N.
fn calls(emulator: &Emulator, query: &str) -> Result<Value, Failure> {
    let (mut action, mut limit) = (None, usize::MAX);
    let unreadable = || Failure::new(400, "the query cannot be read");
    for (name, value) in decode_pairs(query).ok_or_else(unreadable)? {
        match name.as_str() {
            "action" => action = Some(value),
            "limit" => {
                let why = || Failure::new(400, format!("`limit` is a number, not `{value}`"));
                limit = value.parse().map_err(|_| why())?;
            }
            "" => {}
            name => {
                let why = format!("there is no `{name}`, only `action` and `limit`");
                return Err(Failure::new(400, why));
            }
        }
    }
    let mut counts = emulator.counts();
    if let Some(action) = &action {
        counts.retain(|name, _| name == action);
    }
    let calls = emulator.last_calls(action.as_deref(), limit);
    Ok(json!({ "format_version": 1, "counts": counts, "calls": calls }))
}

/// Puts a document's world in place of this one, or leaves this one as it is.
fn load(emulator: &Emulator, document: &[u8]) -> Result<Value, Failure> {
    let dump = Dump::read(document).map_err(Failure::document)?;
    world(emulator, |world, now| {
        world.time = world.time_at(now);
        world.load(dump);
        json!({ "world": world.id(), "objects": objects(world) })
    })
}

fn set_conditions(emulator: &Emulator, conditions: Conditions) -> Result<Value, Failure> {
    checked(condition_problems(&conditions, ""))?;
    world(emulator, |world, _| {
        world.conditions = conditions;
        world.touch_conditions();
        json!(world.conditions)
    })
}

fn change_faults(
    emulator: &Emulator,
    method: &str,
    request: &HttpRequest,
) -> Result<Value, Failure> {
    match method {
        "GET" => world(emulator, |world, _| faults(&world.faults)),
        "PUT" => {
            let file = body::<FaultFile>(request)?;
            checked(file_problems(&file))?;
            world(emulator, |world, _| {
                world.faults = Faults::new(file.faults, file.limits);
                faults(&world.faults)
            })
        }
        "POST" => {
            let added = added_faults(request)?;
            world(emulator, |world, _| {
                for rule in added.faults {
                    world.faults.add(rule);
                }
                if !added.limits.is_empty() {
                    let before: Vec<RateLimit> = world.faults.limits().cloned().collect();
                    world.faults.limit([before, added.limits].concat());
                }
                faults(&world.faults)
            })
        }
        "DELETE" => world(emulator, |world, _| {
            world.faults.clear();
            faults(&world.faults)
        }),
        method => Err(nothing_by(method)),
    }
}

/// Reads what is to be added: one rule, or a file of them.
fn added_faults(request: &HttpRequest) -> Result<FaultFile, Failure> {
    let fields = body::<serde_json::Map<String, Value>>(request)?;
    if fields.contains_key("faults") || fields.contains_key("limits") {
        let file = body::<FaultFile>(request)?;
        checked(file_problems(&file))?;
        return Ok(file);
    }
    let rule = body::<Rule>(request)?;
    checked(rule_problems(&rule, ""))?;
    Ok(FaultFile { faults: vec![rule], limits: Vec::new() })
}

fn faults(faults: &Faults) -> Value {
    let limits: Vec<_> = faults.limits().collect();
    json!({ "faults": faults.rules(), "limits": limits })
}

fn clock(world: &mut World, now: Timestamp) -> Value {
    let time = world.time_at(now);
    json!({ "time": time.iso8601(), "time_ms": time.0, "ahead_ms": time.0.saturating_sub(now.0) })
}

fn advance(emulator: &Emulator, ms: i64) -> Result<Value, Failure> {
    if ms < 0 {
        return Err(Failure::new(400, "time does not go back"));
    }
    world(emulator, |world, now| {
        world.advance(ms);
        let time = world.time_at(now);
        world.ripen(time);
        clock(world, now)
    })
}

fn settle(emulator: &Emulator, id: Option<&str>) -> Result<Value, Failure> {
    let settled = emulator.with_world(|world, now| {
        let known = id.is_none_or(|id| world.has_object(id));
        known.then(|| world.settle(now, id))
    })?;
    let nobody = || Failure::new(404, format!("there is no `{}`", id.unwrap_or_default()));
    Ok(json!({ "settled": settled.ok_or_else(nobody)? }))
}

fn bind_eips(emulator: &Emulator, what: &BindEips) -> Result<Value, Failure> {
    if !(1..=MOST_EIPS).contains(&what.count) {
        return Err(Failure::new(400, format!("`count` is from 1 to {MOST_EIPS}")));
    }
    let made = emulator.with_world(|world, now| {
        world.time = world.time_at(now);
        world.bind_eips(&what.gateway, what.count, what.shared_bandwidth.as_deref())
    })?;
    if made.is_empty() {
        return Err(Failure::new(404, format!("there is no gateway `{}`", what.gateway)));
    }
    Ok(json!({ "eips": made }))
}

fn release_eip(emulator: &Emulator, what: &ReleaseEip) -> Result<Value, Failure> {
    let released = emulator.with_world(|world, now| {
        world.time = world.time_at(now);
        let known = world.eips.contains_key(&what.id);
        world.release_eip(&what.id).map_err(|why| (known, why))
    })?;
    released.map(|()| json!({})).map_err(|(known, why)| {
        let status = if known { 409 } else { 404 };
        Failure::new(status, why)
    })
}
