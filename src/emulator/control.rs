//! The emulator's own interface under `/_natform/`: health, calls, world, faults, clock.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::api::http::{HttpRequest, HttpResponse};
use crate::api::signature::decode_pairs;
use crate::emulator::Emulator;
use crate::emulator::faults::{FaultFile, Faults, Rule};
use crate::emulator::settings::parse_json;
use crate::emulator::store::StoreError;
use crate::emulator::world::World;
use crate::emulator::world::conditions::Conditions;
use crate::emulator::world::dump::{Dump, FORMAT_VERSION};

/// Where the interface is.
const PREFIX: &str = "/_natform/";

/// An answer that is not a success: status and why.
type Failure = (u16, String);

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
    target.starts_with(PREFIX)
}

/// Answers a request to the emulator itself.
pub(super) fn answer(emulator: &Emulator, request: &HttpRequest) -> HttpResponse {
    match route(emulator, request) {
        Ok(body) => response(200, &body),
        Err((status, why)) => response(status, &json!({ "error": why })),
    }
}

/// Returns the answer to a request to the emulator itself that may not come in that way.
pub(super) fn refusal(why: &str) -> HttpResponse {
    response(403, &json!({ "error": why }))
}

fn response(status: u16, body: &Value) -> HttpResponse {
    let mut bytes = serde_json::to_vec(body).unwrap_or_default();
    bytes.push(b'\n');
    let headers = vec![("content-type".to_owned(), "application/json;charset=utf-8".to_owned())];
    HttpResponse { status, headers, body: bytes }
}

fn route(emulator: &Emulator, request: &HttpRequest) -> Result<Value, Failure> {
    // A page in a browser must not be able to reach what only people and tests may.
    if request.header("origin").is_some() || request.header("sec-fetch-site").is_some() {
        return Err((403, "requests from web pages are refused".to_owned()));
    }
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let name = path.strip_prefix(PREFIX).unwrap_or("");
    match (name, request.method.as_str()) {
        ("health", "GET") => health(emulator),
        ("calls", "GET") => Ok(calls(emulator, query)),
        ("calls", "DELETE") => {
            emulator.forget_calls();
            Ok(json!({}))
        }
        ("world", "GET") => world(emulator, |world, _| json!(world.dump())),
        ("world", "PUT") => load(emulator, body::<Dump>(request)?),
        ("conditions", "GET") => world(emulator, |world, _| json!(world.conditions)),
        ("conditions", "PUT") => {
            let conditions = body::<Conditions>(request)?;
            world(emulator, |world, _| {
                world.conditions = conditions;
                world.touch_conditions();
                json!(world.conditions)
            })
        }
        ("reset", "POST") => world(emulator, |world, now| {
            world.reset(now);
            json!({ "world": world.id() })
        }),
        ("faults", "GET") => world(emulator, |world, _| faults(&world.faults)),
        ("faults", "PUT") => {
            let file = body::<FaultFile>(request)?;
            world(emulator, |world, _| {
                world.faults = Faults::new(file.faults, file.limits);
                faults(&world.faults)
            })
        }
        ("faults", "POST") => {
            let rule = body::<Rule>(request)?;
            world(emulator, |world, _| {
                world.faults.add(rule);
                faults(&world.faults)
            })
        }
        ("faults", "DELETE") => world(emulator, |world, _| {
            world.faults.clear();
            faults(&world.faults)
        }),
        ("clock", "GET") => world(emulator, |world, now| clock(world, now)),
        ("clock", "PUT") => {
            let advance = body::<Advance>(request)?;
            if advance.advance_ms < 0 {
                return Err((400, "time does not go back".to_owned()));
            }
            world(emulator, |world, now| {
                world.advance(advance.advance_ms);
                let time = world.time_at(now);
                world.ripen(time);
                clock(world, now)
            })
        }
        ("settle", "POST") => {
            let what = if request.body.is_empty() { Settle::default() } else { body(request)? };
            world(
                emulator,
                |world, now| json!({ "settled": world.settle(now, what.id.as_deref()) }),
            )
        }
        ("eips", "POST") => bind_eips(emulator, &body(request)?),
        ("eips", "DELETE") => release_eip(emulator, &body(request)?),
        (
            "health" | "calls" | "world" | "conditions" | "reset" | "faults" | "clock" | "settle"
            | "eips",
            method,
        ) => Err((405, format!("`{method}` does nothing here"))),
        (name, _) => Err((404, format!("there is no `{name}` here"))),
    }
}

fn body<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Failure> {
    parse_json(&request.body).map_err(|why| (400, format!("the body is not right: {why}")))
}

fn world(
    emulator: &Emulator,
    act: impl FnOnce(&mut World, crate::environment::Timestamp) -> Value,
) -> Result<Value, Failure> {
    emulator.with_world(act).map_err(|e: StoreError| (500, e.to_string()))
}

fn health(emulator: &Emulator) -> Result<Value, Failure> {
    let edition = emulator.edition();
    world(emulator, |world, now| {
        let objects: serde_json::Map<String, Value> = world
            .counts()
            .into_iter()
            .map(|(kind, n)| (json!(kind).as_str().unwrap_or("").to_owned(), json!(n)))
            .collect();
        json!({
            "status": "ok",
            "edition": edition.to_string(),
            "world": world.id(),
            "time": world.time_at(now).iso8601(),
            "objects": objects,
        })
    })
}

/// Lists calls: `?action=NAME` only those of an action, `?limit=N` only the last N.
fn calls(emulator: &Emulator, query: &str) -> Value {
    let pairs = decode_pairs(query).unwrap_or_default();
    let find = |name: &str| pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let mut calls = emulator.calls();
    if let Some(action) = find("action") {
        calls.retain(|c| c.action == action);
    }
    if let Some(limit) = find("limit").and_then(|n| n.parse::<usize>().ok()) {
        calls.drain(..calls.len().saturating_sub(limit));
    }
    json!({ "format_version": 1, "counts": emulator.counts(), "calls": calls })
}

fn load(emulator: &Emulator, dump: Dump) -> Result<Value, Failure> {
    if dump.format_version > FORMAT_VERSION {
        let why = format!("format version {} is not known", dump.format_version);
        return Err((400, why));
    }
    world(emulator, |world, now| {
        world.time = world.time_at(now);
        world.load(dump);
        json!({ "world": world.id() })
    })
}

fn faults(faults: &Faults) -> Value {
    let limits: Vec<_> = faults.limits().collect();
    json!({ "faults": faults.rules(), "limits": limits })
}

fn clock(world: &World, now: crate::environment::Timestamp) -> Value {
    let time = world.time_at(now);
    json!({ "time": time.iso8601(), "time_ms": time.0, "ahead_ms": time.0.saturating_sub(now.0) })
}

fn bind_eips(emulator: &Emulator, what: &BindEips) -> Result<Value, Failure> {
    if what.count > MOST_EIPS {
        return Err((400, format!("at most {MOST_EIPS} at a time")));
    }
    let made = emulator
        .with_world(|world, now| {
            world.time = world.time_at(now);
            world.bind_eips(&what.gateway, what.count, what.shared_bandwidth.as_deref())
        })
        .map_err(|e| (500, e.to_string()))?;
    if made.is_empty() && what.count > 0 {
        return Err((404, format!("there is no gateway `{}`", what.gateway)));
    }
    Ok(json!({ "eips": made }))
}

fn release_eip(emulator: &Emulator, what: &ReleaseEip) -> Result<Value, Failure> {
    emulator
        .with_world(|world, now| {
            world.time = world.time_at(now);
            world.release_eip(&what.id)
        })
        .map_err(|e| (500, e.to_string()))?
        .map(|()| json!({}))
        .map_err(|why| (409, why))
}
