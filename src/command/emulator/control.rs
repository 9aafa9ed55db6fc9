//! The commands that control an emulator, a function each.

use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};

use super::arguments::{
    Calls, Clock, Conditions, Control, Dump, Eips, Faults, Health, Load, Place,
};
use super::link::Link;
use super::{places, tables};
use crate::api::signature::percent_encode;
use crate::command::Session;
use crate::command::failure::{Exit, Failure};
use crate::diagnostic::Diagnostic;
use crate::emulator::Dump as World;
use crate::emulator::document::Problem;
use crate::emulator::server::Limits;
use crate::plan::saved;

/// How many calls the table lists unless it is told.
const LISTED_CALLS: usize = 20;

/// Runs a command.
pub(super) fn run(session: &Session, command: &Control) -> Result<Exit, Failure> {
    match command {
        Control::Health(arguments) => health(session, arguments)?,
        Control::Dump(arguments) => dump(session, arguments)?,
        Control::Load(arguments) => load(session, arguments)?,
        Control::Reset(place) => reset(session, place)?,
        Control::Calls(arguments) => calls(session, arguments)?,
        Control::Faults(arguments) => faults(session, arguments)?,
        Control::Clock(arguments) => clock(session, arguments)?,
        Control::Settle(arguments) => settle(session, &arguments.place, arguments.id.as_deref())?,
        Control::Conditions(arguments) => conditions(session, arguments)?,
        Control::Eips(command) => eips(session, command)?,
    }
    Ok(Exit::Done)
}

/// A document that somebody gave.
struct Given {
    name: String,
    bytes: Vec<u8>,
}

/// Reads a file, or standard input for `-`.
fn read(session: &Session, file: &Path) -> Result<Given, Failure> {
    if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(|error| {
            let summary = format!("cannot read standard input: {error}");
            Diagnostic::error("document", summary).help("name a file in place of `-`")
        })?;
        return Ok(Given { name: "standard input".to_owned(), bytes });
    }
    let name = file.display().to_string();
    let path = session.environment.working_directory.join(file);
    let bytes = session.environment.files.read(&path).map_err(|error| {
        Diagnostic::error("document", format!("cannot read `{name}`: {error}"))
            .help("name a file that can be read, or `-` for standard input")
    })?;
    Ok(Given { name, bytes })
}

/// What is said of a kind of document that is refused.
struct Kind {
    code: &'static str,
    help: &'static str,
}

const WORLD: Kind = Kind {
    code: "emulator-world",
    help: "the world stays as it was; see `state-schema/emulator-world.schema.json`",
};
const FAULTS: Kind = Kind {
    code: "emulator-faults",
    help: "the rules stay as they were; see `state-schema/emulator-faults.schema.json`",
};
const CONDITIONS: Kind = Kind {
    code: "emulator-conditions",
    help: "they stay as they were; `natform emulator conditions` prints all of them",
};

fn wrong(given: &Given, kind: &Kind, problems: &[Problem], count: usize) -> Failure {
    let text = String::from_utf8_lossy(&given.bytes);
    let shown = &problems[..problems.len().min(20)];
    let (all, sources) =
        places::diagnostics(kind.code, &given.name, &text, shown, count, kind.help);
    Failure::Diagnostics(all, sources)
}

/// Sends a document; what is wrong in it is shown where it stands.
fn send(
    link: &Link,
    method: &str,
    what: &str,
    given: &Given,
    kind: &Kind,
) -> Result<Value, Failure> {
    let most = Limits::default().body;
    if link.is_server() && given.bytes.len() > most {
        let summary = format!("`{}` is longer than {most} bytes", given.name);
        return Err(Diagnostic::error(kind.code, summary)
            .detail("A server takes no longer request.")
            .help("keep the world in a file, and use it with `-data FILE` in place of `-address`")
            .into());
    }
    link.ask(method, what, given.bytes.clone())?.map_err(|refused| {
        if refused.problems.is_empty() {
            link.refusal(&refused)
        } else {
            wrong(given, kind, &refused.problems, refused.problem_count)
        }
    })
}

fn health(session: &Session, arguments: &Health) -> Result<(), Failure> {
    let link = Link::server(session, &arguments.server)?;
    let health = link.get("GET", "health", Vec::new())?;
    if arguments.json {
        return session.print_json(&health);
    }
    Ok(session.terminal.print(&tables::health(&link.shown, &health))?)
}

fn dump(session: &Session, arguments: &Dump) -> Result<(), Failure> {
    let link = Link::of(session, &arguments.place)?;
    let world = link.get("GET", "world", Vec::new())?;
    let Some(file) = &arguments.out else { return session.print_json(&world) };
    let mut text = serde_json::to_string_pretty(&world).map_err(std::io::Error::from)?;
    text.push('\n');
    let path = session.environment.working_directory.join(file);
    let write = |file: &mut std::fs::File| std::io::Write::write_all(file, text.as_bytes());
    let written = saved::NewFile::create(&path).and_then(|file| file.finish(write));
    written.map_err(|error| {
        let summary = format!("cannot write `{}`: {error}", file.display());
        Diagnostic::error("document", summary).help("name a file that can be written with `-out`")
    })?;
    Ok(session.terminal.print(&format!("Wrote the world to {}.\n", file.display()))?)
}

fn load(session: &Session, arguments: &Load) -> Result<(), Failure> {
    let given = read(session, &arguments.file)?;
    if arguments.place.data.is_some() {
        // No file is made for a document that is refused.
        let problems = World::read(&given.bytes).err().unwrap_or_default();
        if !problems.is_empty() {
            return Err(wrong(&given, &WORLD, &problems, problems.len()));
        }
    }
    let link = Link::making(session, &arguments.place)?;
    let loaded = send(&link, "PUT", "world", &given, &WORLD)?;
    let text = format!("Loaded {}.\n", tables::objects(&loaded["objects"]));
    Ok(session.terminal.print(&text)?)
}

fn reset(session: &Session, place: &Place) -> Result<(), Failure> {
    let link = Link::of(session, place)?;
    let begun = link.get("POST", "reset", Vec::new())?;
    let id = tables::text(&begun["world"]);
    Ok(session.terminal.print(&format!("The world `{id}` begins.\n"))?)
}

fn calls(session: &Session, arguments: &Calls) -> Result<(), Failure> {
    let link = Link::server(session, &arguments.server)?;
    if arguments.clear {
        link.get("DELETE", "calls", Vec::new())?;
        return Ok(session.terminal.print("All calls are forgotten.\n")?);
    }
    let limit = arguments.limit.or((!arguments.json).then_some(LISTED_CALLS));
    let action = arguments.action.as_ref().map(|name| format!("action={}", percent_encode(name)));
    let limit = limit.map(|n| format!("limit={n}"));
    let query: Vec<String> = action.into_iter().chain(limit).collect();
    let calls = link.get("GET", &format!("calls?{}", query.join("&")), Vec::new())?;
    if arguments.json {
        return session.print_json(&calls);
    }
    Ok(session.terminal.print(&tables::calls(&calls))?)
}

fn faults(session: &Session, arguments: &Faults) -> Result<(), Failure> {
    let link = Link::server(session, &arguments.server)?;
    let faults = if let Some(file) = &arguments.set {
        send(&link, "PUT", "faults", &read(session, file)?, &FAULTS)?
    } else if let Some(file) = &arguments.add {
        send(&link, "POST", "faults", &read(session, file)?, &FAULTS)?
    } else {
        let method = if arguments.clear { "DELETE" } else { "GET" };
        link.get(method, "faults", Vec::new())?
    };
    if arguments.json {
        return session.print_json(&faults);
    }
    Ok(session.terminal.print(&tables::faults(&faults))?)
}

fn clock(session: &Session, arguments: &Clock) -> Result<(), Failure> {
    let link = Link::of(session, &arguments.place)?;
    let clock = match arguments.advance {
        None => link.get("GET", "clock", Vec::new())?,
        Some(advance) => {
            let ms = i64::try_from(advance.as_millis()).unwrap_or(i64::MAX);
            link.get("PUT", "clock", json!({ "advance_ms": ms }).to_string().into_bytes())?
        }
    };
    if arguments.json {
        return session.print_json(&clock);
    }
    Ok(session.terminal.print(&tables::clock(&clock))?)
}

fn settle(session: &Session, place: &Place, id: Option<&str>) -> Result<(), Failure> {
    let link = Link::of(session, place)?;
    let body = json!({ "id": id }).to_string().into_bytes();
    let settled = link.get("POST", "settle", body)?;
    let text = match (settled["settled"].as_u64().unwrap_or_default(), id) {
        (0, None) => "Nothing was going on.\n".to_owned(),
        (0, Some(id)) => format!("Nothing was going on with `{id}`.\n"),
        (1, _) => "Finished what was going on with 1 object.\n".to_owned(),
        (n, _) => format!("Finished what was going on with {n} objects.\n"),
    };
    Ok(session.terminal.print(&text)?)
}

fn conditions(session: &Session, arguments: &Conditions) -> Result<(), Failure> {
    let link = Link::of(session, &arguments.place)?;
    let conditions = match &arguments.set {
        None => link.get("GET", "conditions", Vec::new())?,
        Some(file) => send(&link, "PUT", "conditions", &read(session, file)?, &CONDITIONS)?,
    };
    session.print_json(&conditions)
}

fn eips(session: &Session, command: &Eips) -> Result<(), Failure> {
    match command {
        Eips::Bind { place, gateway, count, shared_bandwidth, json } => {
            let link = Link::of(session, place)?;
            let wanted = json!({
                "gateway": gateway, "count": count, "shared_bandwidth": shared_bandwidth,
            });
            let bound = link.get("POST", "eips", wanted.to_string().into_bytes())?;
            if *json {
                return session.print_json(&bound);
            }
            Ok(session.terminal.print(&tables::eips(&bound))?)
        }
        Eips::Release { place, id } => {
            let link = Link::of(session, place)?;
            link.get("DELETE", "eips", json!({ "id": id }).to_string().into_bytes())?;
            Ok(session.terminal.print(&format!("Released `{id}`.\n"))?)
        }
    }
}
