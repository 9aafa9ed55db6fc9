//! `state push`: replaces the state by a document that `state pull` printed.

use std::io::Read;
use std::path::Path;

use super::arguments::Push;
use super::difference::Difference;
use super::{refuse_unfinished, snapshot};
use crate::command::failure::{Exit, Failure};
use crate::command::{Session, lock, running};
use crate::diagnostic::{Diagnostic, SourceMap, did_you_mean};
use crate::report::paint::Paint;
use crate::resources::{self, ResourceType};
use crate::state::{Instance, Objection, Snapshot, Step, Store, parse_export};
use crate::value;

/// The largest document that is read, in bytes.
const LARGEST: u64 = 1 << 31;

/// Runs the command.
pub(super) fn run(session: &Session, arguments: &Push) -> Result<Exit, Failure> {
    let pushed = document(session, &arguments.file)?;
    let mut store = session.store_to_write()?;
    let lock = if arguments.dry_run {
        None
    } else {
        let timeout = arguments.locking.lock_timeout;
        Some(lock::take(session, &mut store, "state push", timeout)?)
    };
    let present = snapshot(&store, None)?;
    refuse_unfinished(present.open.iter())?;
    store.check_push(&present, &pushed, arguments.force).map_err(|error| error.diagnostic())?;
    let difference = Difference::between(&present, &pushed);
    let same = pushed.lineage == present.lineage && pushed.serial <= present.serial;
    if difference.is_empty() && same {
        let text = "The state is as the document says; nothing was written.\n";
        session.terminal.print(text)?;
        return Ok(Exit::Done);
    }
    let text = difference.text(Paint { on: session.terminal.colour });
    let gap = if text.is_empty() { "" } else { "\n" };
    let Some(lock) = lock else {
        let counts = difference.counts();
        let text = format!("{text}{gap}Would be {counts}; nothing was written.\n");
        session.terminal.print(&text)?;
        return Ok(Exit::Done);
    };
    let force = if arguments.force { "-force " } else { "" };
    let command = format!("state push {force}{}", arguments.file.display());
    let run = running::record(session, &lock, &command, None);
    let serial =
        store.push(&lock, &run, &pushed, arguments.force).map_err(|error| error.diagnostic())?;
    let counts = difference.counts();
    let name = session.relative(&store.name());
    let text = format!("{text}{gap}Pushed to `{name}`: {counts}. It has serial {serial} now.\n");
    session.terminal.print(&text)?;
    Ok(Exit::Done)
}

/// Reads and checks the document.
fn document(session: &Session, file: &Path) -> Result<Snapshot, Failure> {
    let cannot = |name: &str, why: &dyn std::fmt::Display| {
        Failure::of(
            Diagnostic::error("state-document", format!("cannot read {name}: {why}"))
                .help("give a file that `natform state pull` wrote, or `-` for standard input"),
        )
    };
    let (name, bytes) = if file == Path::new("-") {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().take(LARGEST).read_to_end(&mut bytes);
        (String::from("standard input"), read.map(|_| bytes))
    } else {
        let path = session.environment.working_directory.join(file);
        (file.display().to_string(), session.environment.files.read(&path))
    };
    let shown = if file == Path::new("-") { name.clone() } else { format!("`{name}`") };
    let bytes = bytes.map_err(|error| cannot(&shown, &error))?;
    let text = String::from_utf8(bytes).map_err(|_| cannot(&shown, &"it is not UTF-8 text"))?;
    let mut sources = SourceMap::default();
    let id = sources.add(name, text.as_str());
    parse_export(&text, id, &judge).map_err(|found| Failure::Diagnostics(found, sources))
}

/// Says what is wrong with an object of a known type, or that its type is not known.
fn judge(instance: &Instance) -> Vec<Objection> {
    let kind = instance.address.kind();
    let Some(ty) = resources::lookup(kind) else {
        let known = resources::all().map(|ty| ty.schema().kind);
        let help = did_you_mean(kind, known).map_or_else(
            || format!("this natform knows `{}`", known.join("`, `")),
            |near| format!("did you mean `{near}`?"),
        );
        let why = format!("there is no resource type `{kind}`");
        return vec![objection(&["address"], why, &help)];
    };
    let version = ty.schema().version;
    if instance.schema_version > version {
        let why = format!(
            "this natform knows the form {version} of a `{kind}`, not {}",
            instance.schema_version
        );
        return vec![objection(
            &["schema_version"],
            why,
            "push it with the natform that pulled it",
        )];
    }
    let mut found = attributes(ty, instance);
    let own = instance.object.text("id");
    if let Some(own) = own.filter(|own| *own != instance.id) {
        let why = format!("it is `{own}`, but the object's `id` is `{}`", instance.id);
        found.push(objection(&["attributes", "id"], why, "make both the service's id"));
    }
    found
}

/// Compares the attributes with those of the resource type.
fn attributes(ty: &dyn ResourceType, instance: &Instance) -> Vec<Objection> {
    let schema = ty.schema();
    let mut found = Vec::new();
    for (name, given) in instance.object.iter() {
        if schema.blocks.iter().any(|(block, ..)| *block == &**name) {
            continue;
        }
        let Some(attribute) = schema.attribute(name) else {
            let near = did_you_mean(name, schema.attributes.iter().map(|a| a.name));
            let help = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
            let why = format!("a `{}` has no such attribute", schema.kind);
            found.push(objection(&["attributes", name], why, &help));
            continue;
        };
        let ty = attribute.kind.ty();
        if value::convert(given, &ty).is_err() {
            let why = format!("it must be a value of the type `{ty}`");
            found.push(objection(&["attributes", name], why, ""));
        }
    }
    found
}

fn objection(within: &[&str], why: String, help: &str) -> Objection {
    let within = within.iter().map(|step| Step::Key((*step).to_owned())).collect();
    Objection { within, why, help: help.to_owned() }
}
