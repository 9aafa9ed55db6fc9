//! Which lists a plan reads, and what they say of the recorded objects. Lists are asked for in waves,
//! one batch each, so that the reader can share and page them as it sees fit.

use std::collections::{BTreeMap, BTreeSet};

use super::kinds::Kinds;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::refresh::Reader;
use crate::resources::{Listing, Listings, Live, ReadScope, Sought, spelling};
use crate::state::Instance;
use crate::value::Name;

/// How many addresses a message names.
const NAMED: usize = 5;

/// The lists that were read, by provider alias.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    read: BTreeMap<Name, Listings>,
    reported: BTreeSet<(Name, ReadScope)>,
    /// Whether a list was read whole of which a part had been read before.
    completed: bool,
    /// How many lists were read.
    count: usize,
}

/// What is sought of lists, by the provider alias through which they are read.
pub(crate) type Wanted = BTreeMap<Name, BTreeMap<ReadScope, Parts>>;

/// What is sought of one list.
#[derive(Debug, Default, Clone)]
pub(crate) struct Parts {
    /// Ids of the objects that are sought.
    ids: BTreeSet<String>,
    /// Whether the list is needed whole.
    whole: bool,
}

impl Lists {
    /// Returns all lists.
    pub(crate) fn all(&self) -> &BTreeMap<Name, Listings> {
        &self.read
    }

    /// Returns how many lists were read so far.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// Returns the lists that were read through a provider.
    pub(crate) fn of(&self, provider: &str) -> Option<&Listings> {
        self.read.get(provider)
    }

    /// Reads those of the wanted lists that were not read yet, one batch a provider.
    pub(crate) fn read(
        &mut self,
        reader: &dyn Reader,
        wanted: &BTreeMap<Name, BTreeSet<ReadScope>>,
    ) {
        for (provider, scopes) in wanted {
            let known = self.read.entry(provider.clone()).or_default();
            let missing: Vec<ReadScope> = scopes
                .iter()
                .filter(|scope| matches!(known.get(scope), None | Some(Listing::Part { .. })))
                .cloned()
                .collect();
            if missing.is_empty() {
                continue;
            }
            let mut lists = reader.lists(provider, &missing);
            for scope in missing {
                let list = lists.remove(&scope);
                let list = list.unwrap_or_else(|| Listing::Failed("it was not read".to_owned()));
                self.completed |= known.insert(scope, list).is_some();
                self.count += 1;
            }
        }
    }

    /// Returns, once, whether a list was read whole of which a part had been read before.
    pub(crate) fn take_completed(&mut self) -> bool {
        std::mem::take(&mut self.completed)
    }

    /// Reads what is sought of lists that were not read yet. `recorded` tells how many objects the
    /// state has in a list, which is at least that long.
    pub(crate) fn read_sought(
        &mut self,
        reader: &dyn Reader,
        wanted: &Wanted,
        recorded: &BTreeMap<ReadScope, usize>,
    ) {
        for (provider, parts) in wanted {
            let known = self.read.entry(provider.clone()).or_default();
            let told = |scope: &ReadScope, parts: &Parts| match known.get(scope) {
                None => false,
                Some(Listing::Part { asked, .. }) => !parts.whole && parts.ids.is_subset(asked),
                Some(_) => true,
            };
            let missing = parts.iter().filter(|(scope, parts)| !told(scope, parts));
            let missing: Vec<Sought> = missing
                .map(|(scope, parts)| Sought {
                    scope: scope.clone(),
                    // A list of which another part was read is read whole.
                    ids: if parts.whole || known.contains_key(scope) {
                        BTreeSet::new()
                    } else {
                        parts.ids.clone()
                    },
                    rows: Some(
                        recorded.get(scope).copied().unwrap_or_default().max(parts.ids.len()),
                    ),
                })
                .collect();
            if missing.is_empty() {
                continue;
            }
            let mut lists = reader.sought(provider, &missing);
            for Sought { scope, .. } in missing {
                let list = lists.remove(&scope);
                let list = list.unwrap_or_else(|| Listing::Failed("it was not read".to_owned()));
                known.insert(scope, list);
                self.count += 1;
            }
        }
    }

    /// Returns what the lists that were read through a provider say of a recorded object. One that is
    /// being deleted is as good as gone: whoever makes it anew waits until it is.
    pub(crate) fn live(&self, kinds: &Kinds, provider: &str, instance: &Instance) -> Live {
        match (kinds.get(instance.address.kind()), self.of(provider)) {
            (Some(kind), Some(lists)) => match kind.resource.live(&instance.object, lists) {
                Live::Found(object) if object.text("status").is_some_and(spelling::is_deleting) => {
                    Live::Absent
                }
                live => live,
            },
            _ => Live::Unread,
        }
    }

    /// Reports each list that these objects need and that could not be read, once.
    pub(crate) fn failures<'a>(
        &mut self,
        kinds: &Kinds,
        instances: impl Iterator<Item = (&'a Name, &'a Instance)>,
    ) -> Diagnostics {
        let mut needed: BTreeMap<(Name, ReadScope), Vec<String>> = BTreeMap::new();
        for (provider, instance) in instances {
            for scope in scopes(kinds, instance) {
                let failed = self.of(provider).and_then(|lists| lists.get(&scope));
                if let Some(Listing::Failed(_)) = failed {
                    let users = needed.entry((provider.clone(), scope)).or_default();
                    users.push(instance.address.to_string());
                }
            }
        }
        // Lists that could not be read for the same reason are reported together.
        let mut causes: BTreeMap<(Name, &str), Unread<'_>> = BTreeMap::new();
        for (key, users) in needed {
            let Some(Listing::Failed(why)) = self.read.get(&key.0).and_then(|l| l.get(&key.1))
            else {
                continue;
            };
            if self.reported.insert(key.clone()) {
                let unread = causes.entry((key.0, cause(why))).or_insert_with(|| Unread::new(why));
                unread.scopes.push(key.1);
                unread.users.extend(users);
            }
        }
        let mut diagnostics = Diagnostics::new();
        diagnostics.extend(causes.into_values().map(Unread::report));
        diagnostics
    }
}

/// Returns what a message says but for the request that it is about.
pub(crate) fn cause(why: &str) -> &str {
    why.split_once(" (HTTP ").map_or(why, |(cause, _)| cause)
}

/// Lists that could not be read for one reason.
struct Unread<'a> {
    why: &'a str,
    scopes: Vec<ReadScope>,
    users: BTreeSet<String>,
}

impl<'a> Unread<'a> {
    fn new(why: &'a str) -> Self {
        Self { why, scopes: Vec::new(), users: BTreeSet::new() }
    }

    fn report(self) -> Diagnostic {
        let first = self.scopes.first().map(ToString::to_string).unwrap_or_default();
        let summary = match self.scopes.len() {
            1 => format!("cannot read {first}"),
            2 => format!("cannot read {first} and one list more"),
            count => format!("cannot read {first} and {} lists more", count - 1),
        };
        let named: Vec<String> = self.users.iter().take(NAMED).map(|a| format!("`{a}`")).collect();
        let more = self.users.len().saturating_sub(NAMED);
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        Diagnostic::error("cannot-read", summary)
            .detail(format!("{}\n\nIt was asked for {}{rest}.", self.why, named.join(", ")))
            .help(
                "mend the cause and plan again; `-refresh=false` plans from the recorded objects \
                 without reading",
            )
    }
}

/// Returns the lists in which a recorded object is found.
pub(crate) fn scopes(kinds: &Kinds, instance: &Instance) -> Vec<ReadScope> {
    match kinds.get(instance.address.kind()) {
        Some(kind) => kind.resource.scopes(&instance.region, &instance.object),
        None => Vec::new(),
    }
}

/// Collects what is sought of lists for recorded objects, by the provider alias through which each is
/// reached.
pub(crate) fn wanted<'a>(
    kinds: &Kinds,
    instances: impl Iterator<Item = (&'a Name, &'a Instance)>,
) -> Wanted {
    let mut wanted = Wanted::new();
    for (provider, instance) in instances {
        let of_provider = match wanted.get_mut(provider) {
            Some(found) => found,
            None => wanted.entry(provider.clone()).or_default(),
        };
        for (number, scope) in scopes(kinds, instance).into_iter().enumerate() {
            let parts = of_provider.entry(scope).or_default();
            if number == 0 {
                parts.ids.insert(instance.id.clone());
            } else {
                parts.whole = true;
            }
        }
    }
    wanted
}

/// Counts the recorded objects of each list.
pub(crate) fn recorded<'a>(
    kinds: &Kinds,
    instances: impl Iterator<Item = &'a Instance>,
) -> BTreeMap<ReadScope, usize> {
    let mut counts = BTreeMap::new();
    for instance in instances {
        if let Some(scope) = scopes(kinds, instance).into_iter().next() {
            *counts.entry(scope).or_default() += 1;
        }
    }
    counts
}
