//! `state rm`: forgets objects, which live on in the service.

use std::collections::BTreeSet;

use super::arguments::Rm;
use super::{commit, describe, named, objects, refuse_unfinished, snapshot, unknown_address};
use crate::address::{Address, ResourceAddress};
use crate::command::failure::{Exit, Failure};
use crate::command::{Session, lock, parse_target};
use crate::state::{Instance, Snapshot, Write};

/// Runs the command.
pub(super) fn run(session: &Session, arguments: &Rm) -> Result<Exit, Failure> {
    let mut store = session.store_to_write()?;
    // What cannot be done is refused before anything is locked or made.
    let before = snapshot(&store, None)?;
    let found = selected(&before, &arguments.addresses)?;
    if arguments.dry_run {
        let count = objects(found.len());
        let end = format!("Would have forgotten {count}; nothing was written.\n");
        session
            .terminal
            .print(&(report(&before, &found, "Would forget", "would live on") + &end))?;
        return Ok(Exit::Done);
    }
    let lock = lock::take(session, &mut store, "state rm", arguments.locking.lock_timeout)?;
    let present = snapshot(&store, None)?;
    let found = selected(&present, &arguments.addresses)?;
    let writes = found.iter().map(|instance| Write::Remove(instance.key())).collect();
    let command = format!("state rm {}", arguments.addresses.join(" "));
    let serial = commit(session, &mut store, &lock, &command, writes)?;
    let count = objects(found.len());
    let end = format!("Forgot {count}. The state has serial {serial} now.\n");
    session.terminal.print(&(report(&present, &found, "Forgot", "live on") + &end))?;
    Ok(Exit::Done)
}

/// Returns the objects that are meant. Every address must mean some.
fn selected<'a>(
    snapshot: &'a Snapshot,
    addresses: &[String],
) -> Result<Vec<&'a Instance>, Failure> {
    let mut keys = BTreeSet::new();
    for text in addresses {
        let target = parse_target(text)?;
        let meant: Vec<_> =
            snapshot.instances.iter().filter(|(key, _)| target.contains(&key.0)).collect();
        if meant.is_empty() {
            return Err(unknown_address(text, snapshot));
        }
        keys.extend(meant.into_iter().map(|(key, _)| key));
    }
    let found: Vec<&Instance> =
        snapshot.instances.iter().filter(|(key, _)| keys.contains(key)).map(|(_, i)| i).collect();
    let touched: BTreeSet<&Address> = found.iter().map(|instance| &instance.address).collect();
    refuse_unfinished(snapshot.open.iter().filter(|entry| touched.contains(&entry.address)))?;
    Ok(found)
}

/// Says what is forgotten, what lives on in the service, and who still needs it.
fn report(snapshot: &Snapshot, found: &[&Instance], word: &str, lives: &str) -> String {
    let mut text: String =
        found.iter().map(|i| format!("{word} {} (id {})\n", named(i), i.id)).collect();
    text.push_str(&format!("\nIn the service they {lives}, and nobody looks after them:\n"));
    for instance in found {
        text.push_str(&format!("  {}\n", describe(instance)));
    }
    text.push_str(
        "To take one back, write `import { to = ADDRESS, id = \"ID\" }` and run `natform apply`.\n",
    );
    let gone: BTreeSet<&ResourceAddress> = found.iter().map(|i| &i.address.resource).collect();
    let kept: BTreeSet<_> = found.iter().map(|i| i.key()).collect();
    let needing: Vec<String> = snapshot
        .instances
        .values()
        .filter(|i| !kept.contains(&i.key()) && i.dependencies.iter().any(|d| d.covers_any(&gone)))
        .map(|i| format!("  {}\n", named(i)))
        .collect();
    if !needing.is_empty() {
        text.push_str("\nWhat stays recorded and depends on them:\n");
        text.extend(needing);
    }
    text.push('\n');
    text
}
