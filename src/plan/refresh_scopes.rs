//! Which lists a plan reads, and what they say of the recorded objects. Lists are asked for in waves,
//! one batch each, so that the reader can share and page them as it sees fit.

use std::collections::{BTreeMap, BTreeSet};

use super::kinds::Kinds;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::refresh::Reader;
use crate::resources::{Listing, Listings, Live, ReadScope};
use crate::state::Instance;
use crate::value::Name;

/// How many addresses a message names.
const NAMED: usize = 5;

/// The lists that were read, by provider alias.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    read: BTreeMap<Name, Listings>,
    reported: BTreeSet<(Name, ReadScope)>,
}

impl Lists {
    /// Returns all lists.
    pub(crate) fn all(&self) -> &BTreeMap<Name, Listings> {
        &self.read
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
            let missing: Vec<ReadScope> =
                scopes.iter().filter(|scope| !known.contains_key(scope)).cloned().collect();
            if missing.is_empty() {
                continue;
            }
            let mut lists = reader.lists(provider, &missing);
            for scope in missing {
                let list = lists.remove(&scope);
                let list = list.unwrap_or_else(|| Listing::Failed("it was not read".to_owned()));
                known.insert(scope, list);
            }
        }
    }

    /// Returns what the lists that were read through a provider say of a recorded object.
    pub(crate) fn live(&self, kinds: &Kinds, provider: &str, instance: &Instance) -> Live {
        match (kinds.get(instance.address.kind()), self.of(provider)) {
            (Some(kind), Some(lists)) => kind.resource.live(&instance.object, lists),
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
        let mut diagnostics = Diagnostics::new();
        for (key, users) in needed {
            let Some(Listing::Failed(why)) = self.read.get(&key.0).and_then(|l| l.get(&key.1))
            else {
                continue;
            };
            if self.reported.insert(key.clone()) {
                diagnostics.push(failure(&key.1, why, &users));
            }
        }
        diagnostics
    }
}

/// Returns the lists in which a recorded object is found.
pub(crate) fn scopes(kinds: &Kinds, instance: &Instance) -> Vec<ReadScope> {
    match kinds.get(instance.address.kind()) {
        Some(kind) => kind.resource.scopes(&instance.region, &instance.object),
        None => Vec::new(),
    }
}

/// Collects the lists in which recorded objects are found, by the provider alias through which each is
/// reached.
pub(crate) fn wanted<'a>(
    kinds: &Kinds,
    instances: impl Iterator<Item = (&'a Name, &'a Instance)>,
) -> BTreeMap<Name, BTreeSet<ReadScope>> {
    let mut wanted: BTreeMap<Name, BTreeSet<ReadScope>> = BTreeMap::new();
    for (provider, instance) in instances {
        let of_provider = wanted.entry(provider.clone()).or_default();
        of_provider.extend(scopes(kinds, instance));
    }
    wanted
}

fn failure(scope: &ReadScope, why: &str, users: &[String]) -> Diagnostic {
    let named: Vec<String> = users.iter().take(NAMED).map(|a| format!("`{a}`")).collect();
    let more = users.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    Diagnostic::error("cannot-read", format!("cannot read {scope}"))
        .detail(format!("{why}\n\nIt was asked for {}{rest}.", named.join(", ")))
        .help(
            "mend the cause and plan again; `-refresh=false` plans from the recorded objects without \
             reading",
        )
}
