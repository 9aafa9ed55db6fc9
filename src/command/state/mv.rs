//! `state mv`: records objects at other addresses.

use std::collections::{BTreeMap, BTreeSet};

use super::arguments::Mv;
use super::{commit, objects, refuse_unfinished, snapshot, unknown_address};
use crate::address::{Address, Mode, ResourceAddress, Target};
use crate::command::failure::{Exit, Failure};
use crate::command::{Session, lock, parse_target};
use crate::diagnostic::Diagnostic;
use crate::plan::destination;
use crate::state::{Instance, InstanceKey, Snapshot, Write};

/// What a move comes to.
struct Relocation<'a> {
    /// The objects that move, with the address to which they go.
    moves: Vec<(&'a Instance, Address)>,
    /// Objects that name a moved one as what they depend on, as they are to be recorded.
    renamed: Vec<Instance>,
}

/// Runs the command.
pub(super) fn run(session: &Session, arguments: &Mv) -> Result<Exit, Failure> {
    let from = parse_target(&arguments.source)?;
    let to = parse_target(&arguments.destination)?;
    compatible(&from, &to)?;
    let mut store = session.store_to_write()?;
    // What cannot be done is refused before anything is locked or made.
    let before = snapshot(&store, None)?;
    let relocation = relocation(&before, &from, &to, &arguments.source)?;
    if arguments.dry_run {
        let mut text = moved("Would move", &relocation);
        text.push_str(&format!(
            "\nWould have moved {}; nothing was written.\n",
            objects(relocation.moves.len())
        ));
        session.terminal.print(&text)?;
        return Ok(Exit::Done);
    }
    let lock = lock::take(session, &mut store, "state mv", arguments.locking.lock_timeout)?;
    let present = snapshot(&store, None)?;
    let relocation = self::relocation(&present, &from, &to, &arguments.source)?;
    let key = |instance: &Instance, to: &Address| (to.clone(), instance.deposed.clone());
    let mut writes: Vec<Write> = relocation
        .moves
        .iter()
        .map(|(instance, to)| Write::Move(instance.key(), key(instance, to)))
        .collect();
    writes.extend(relocation.renamed.iter().map(|instance| Write::Put(instance.clone().into())));
    let command = format!("state mv {} {}", arguments.source, arguments.destination);
    let serial = commit(session, &mut store, &lock, &command, writes)?;
    let mut text = moved("Moved", &relocation);
    let count = objects(relocation.moves.len());
    text.push_str(&format!("\nMoved {count}. The state has serial {serial} now.\n"));
    session.terminal.print(&text)?;
    Ok(Exit::Done)
}

fn moved(word: &str, relocation: &Relocation<'_>) -> String {
    let line = |(instance, to): &(&Instance, Address)| {
        format!("{word} {} to {to} (id {})\n", super::named(instance), instance.id)
    };
    relocation.moves.iter().map(line).collect()
}

/// Refuses what can never be a move.
fn compatible(from: &Target, to: &Target) -> Result<(), Failure> {
    let refuse = |summary: String, help: &str| {
        Err(Failure::of(Diagnostic::error("move", summary).help(help.to_owned())))
    };
    let (from_block, to_block) = match (from, to) {
        (Target::Module(_), Target::Module(_)) => return Ok(()),
        (Target::Module(_), _) | (_, Target::Module(_)) => {
            return refuse(
                format!("`{from}` cannot become `{to}`"),
                "move a module to a module, and a resource or instance to one of its type",
            );
        }
        (from, to) => (block(from), block(to)),
    };
    let (Some(from_block), Some(to_block)) = (from_block, to_block) else { return Ok(()) };
    if from_block.mode == Mode::Data || to_block.mode == Mode::Data {
        return refuse(
            "the state records no data sources".to_owned(),
            "name managed objects; `natform state list` prints them",
        );
    }
    if from_block.kind != to_block.kind {
        return refuse(
            format!("a `{}` cannot become a `{}`", from_block.kind, to_block.kind),
            "an object keeps its type; only the rest of its address may differ",
        );
    }
    Ok(())
}

/// Returns the block that a target lies in.
fn block(target: &Target) -> Option<&ResourceAddress> {
    match target {
        Target::Module(_) => None,
        Target::Resource(resource) => Some(resource),
        Target::Instance(address) => Some(&address.resource),
    }
}

/// Finds what moves and what must follow, or says why nothing can.
fn relocation<'a>(
    snapshot: &'a Snapshot,
    from: &Target,
    to: &Target,
    source: &str,
) -> Result<Relocation<'a>, Failure> {
    let found: Vec<&Instance> =
        snapshot.instances.values().filter(|i| from.contains(&i.address)).collect();
    if found.is_empty() {
        return Err(unknown_address(source, snapshot));
    }
    let mut moves = Vec::new();
    for instance in found {
        let Some(address) = destination(from, to, &instance.address) else {
            return Err(Failure::of(
                Diagnostic::error("several-objects", format!("`{source}` has several instances"))
                    .detail(format!("They cannot all become `{to}`."))
                    .help(
                        "move one instance at a time, or give the resource's address without a key",
                    ),
            ));
        };
        if address != instance.address {
            moves.push((instance, address));
        }
    }
    if moves.is_empty() {
        return Err(Failure::of(
            Diagnostic::error("move", format!("`{source}` is recorded at `{to}` already"))
                .help("give another destination"),
        ));
    }
    refuse_occupied(snapshot, &moves, from, to)?;
    let renamed = renamed(snapshot, &moves);
    let touched: BTreeSet<&Address> = moves
        .iter()
        .flat_map(|(instance, to)| [&instance.address, to])
        .chain(renamed.iter().map(|instance| &instance.address))
        .collect();
    let sources: BTreeSet<&ResourceAddress> =
        moves.iter().map(|(instance, _)| &instance.address.resource).collect();
    refuse_unfinished(snapshot.open.iter().filter(|entry| {
        touched.contains(&entry.address)
            || entry.dependencies.iter().any(|dependency| dependency.covers_any(&sources))
    }))?;
    Ok(Relocation { moves, renamed })
}

/// Refuses to put an object where another one is, or to mix two resources or modules.
fn refuse_occupied(
    snapshot: &Snapshot,
    moves: &[(&Instance, Address)],
    from: &Target,
    to: &Target,
) -> Result<(), Failure> {
    let sources: BTreeSet<InstanceKey> = moves.iter().map(|(i, _)| i.key()).collect();
    let wanted: BTreeSet<&Address> = moves.iter().map(|(_, to)| to).collect();
    // A whole resource or module goes to a free place; one instance may join others.
    let whole = !matches!(from, Target::Instance(_)) && !matches!(to, Target::Instance(_));
    let occupied = snapshot.instances.values().find(|instance| {
        wanted.contains(&instance.address)
            || (whole && to.contains(&instance.address) && !sources.contains(&instance.key()))
    });
    if let Some(occupied) = occupied {
        return Err(Failure::of(
            Diagnostic::error(
                "occupied-address",
                format!("`{}` is recorded already", occupied.address),
            )
            .detail(format!("It is the object `{}`.", occupied.id))
            .help(
                "move it away or forget it (`natform state rm`) first, or give another \
                     destination",
            ),
        ));
    }
    let mut taken: BTreeSet<InstanceKey> = BTreeSet::new();
    for (instance, to) in moves {
        if !taken.insert((to.clone(), instance.deposed.clone())) {
            return Err(Failure::of(
                Diagnostic::error(
                    "occupied-address",
                    format!("several objects would become `{to}`"),
                )
                .help("move one instance at a time"),
            ));
        }
    }
    Ok(())
}

/// Returns the objects whose recorded dependencies change with the moves, at their new addresses.
fn renamed(snapshot: &Snapshot, moves: &[(&Instance, Address)]) -> Vec<Instance> {
    let targets: BTreeMap<InstanceKey, &Address> =
        moves.iter().map(|(instance, to)| (instance.key(), to)).collect();
    let mut successors: BTreeMap<&ResourceAddress, BTreeSet<&ResourceAddress>> = BTreeMap::new();
    for (instance, to) in moves {
        if instance.address.resource != to.resource {
            successors.entry(&instance.address.resource).or_default().insert(&to.resource);
        }
    }
    // Where some of a resource's instances stay, what depends on it depends on both.
    let staying: BTreeSet<&ResourceAddress> = snapshot
        .instances
        .iter()
        .filter(|(key, _)| !targets.contains_key(*key))
        .map(|(_, instance)| &instance.address.resource)
        .collect();
    let left: BTreeSet<&ResourceAddress> = successors.keys().copied().collect();
    let mut renamed = Vec::new();
    for (key, instance) in &snapshot.instances {
        let mut dependencies: BTreeSet<ResourceAddress> = BTreeSet::new();
        for dependency in &instance.dependencies {
            let moved = dependency.covers_any(&left);
            if let Some(next) = successors.get(dependency) {
                dependencies.extend(next.iter().map(|next| (*next).clone()));
            } else if moved {
                // What leaves out the keys of modules goes on to leave them out.
                let follow = successors.iter().filter(|(from, _)| dependency.covers(from));
                dependencies.extend(follow.flat_map(|(_, next)| next).map(|next| {
                    next.covering().into_iter().next().unwrap_or_else(|| (*next).clone())
                }));
            }
            if !moved || dependency.covers_any(&staying) {
                dependencies.insert(dependency.clone());
            }
        }
        let before: BTreeSet<&ResourceAddress> = instance.dependencies.iter().collect();
        if before != dependencies.iter().collect() {
            let mut instance = instance.clone();
            instance.dependencies = dependencies.into_iter().collect();
            if let Some(to) = targets.get(key) {
                instance.address = (*to).clone();
            }
            renamed.push(instance);
        }
    }
    renamed
}
