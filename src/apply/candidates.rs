//! Which objects a create without an answer may have made, what tells them apart, and whether what a
//! user decides of an unfinished operation can be.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::Address;
use crate::diagnostic::Diagnostic;
use crate::resources::{self, Listing, Listings, Object, ResourceType, Role};
use crate::state::{JournalEntry, Phase, Snapshot, codec};
use crate::value::{SENSITIVE, Value, display, same};

use super::recovery::{Resolution, from_parameters};
use super::service::Service;
use super::task::known;

/// An object that a create may have made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The service's id.
    pub id: String,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// When the service says that it was made.
    pub created: Option<String>,
    /// Attributes in which the candidates are not alike, with this one's values.
    pub differs: BTreeMap<String, String>,
    /// Attributes that are not as the call asked for: name, live value, value asked for.
    pub unlike: Vec<(String, String, String)>,
}

/// Returns the objects that a create may have made, by id: those with its natural key that nobody
/// owns and that were not there before.
pub(super) fn among(
    entry: &JournalEntry,
    kind: &dyn ResourceType,
    listings: &Listings,
    is_owned: &dyn Fn(&str) -> bool,
) -> Vec<(String, Object)> {
    let Some(natural_key) = &entry.natural_key else { return Vec::new() };
    rows(listings)
        .filter(|(id, object)| {
            !entry.existing.contains(id)
                && !is_owned(id)
                && kind.natural_keys(object).contains(natural_key)
        })
        .map(|(id, object)| (id.clone(), object.clone()))
        .collect()
}

fn rows(listings: &Listings) -> impl Iterator<Item = (&String, &Object)> {
    let rows = listings.values().filter_map(|listing| match listing {
        Listing::Rows(rows) => Some(rows),
        Listing::Part { .. } | Listing::ParentGone | Listing::Failed(_) => None,
    });
    rows.flatten()
}

/// Returns the attributes that a call sent and that an object has with another value: name, live
/// value, value asked for.
pub(super) fn unlike<'o>(
    entry: &JournalEntry,
    kind: &dyn ResourceType,
    asked: &'o Object,
    live: &'o Object,
) -> Vec<(&'static str, &'o Value, &'o Value)> {
    let sent = |wire: &str| {
        let numbered = format!(".{wire}");
        entry.parameters.keys().any(|name| name == wire || name.ends_with(&numbered))
    };
    let inputs = kind.schema().attributes.iter().filter(|a| a.role == Role::Input && a.readable);
    inputs
        .filter(|attribute| sent(attribute.wire))
        .filter_map(|attribute| {
            let (asked, live) = (asked.get(attribute.name)?, live.get(attribute.name)?);
            (same(asked, live) == Some(false)).then_some((attribute.name, live, asked))
        })
        .collect()
}

/// Reads the objects that an unfinished create may have made. The error says why they cannot be
/// read. Takes no lock and changes nothing.
pub async fn candidates(
    entry: &JournalEntry,
    snapshot: &Snapshot,
    service: &dyn Service,
) -> Result<Vec<Candidate>, String> {
    let kind = resources::lookup(entry.address.kind()).filter(|_| entry.creates);
    let Some(kind) = kind else { return Ok(Vec::new()) };
    let asked = asked_for(kind, entry);
    let listings = read(entry, kind, &asked, service).await?;
    let found = among(entry, kind, &listings, &|id| owner(snapshot, id).is_some());
    Ok(described(entry, kind, &asked, found))
}

/// Returns the object as a call asked for it, as far as that is known.
fn asked_for(kind: &dyn ResourceType, entry: &JournalEntry) -> Object {
    let planned = entry.planned.as_deref();
    let planned =
        planned.and_then(|text| codec::decode_object(text, &mut codec::Names::default()).ok());
    planned.map_or_else(|| from_parameters(kind, entry), |object| known(&object))
}

async fn read(
    entry: &JournalEntry,
    kind: &dyn ResourceType,
    asked: &Object,
    service: &dyn Service,
) -> Result<Listings, String> {
    let mut listings = Listings::new();
    for scope in kind.scopes(&entry.region, asked) {
        let listing = service.list(&entry.provider, &scope).await.listing;
        if let Listing::Failed(why) = &listing {
            return Err(format!("{scope} cannot be read: {why}"));
        }
        listings.insert(scope, listing);
    }
    Ok(listings)
}

fn described(
    entry: &JournalEntry,
    kind: &dyn ResourceType,
    asked: &Object,
    found: Vec<(String, Object)>,
) -> Vec<Candidate> {
    let null = Value::null();
    let readable = kind.schema().attributes.iter().filter(|a| a.readable && a.name != "id");
    let telling: Vec<&str> = readable
        .map(|attribute| attribute.name)
        .filter(|name| {
            let mut values = found.iter().map(|(_, object)| object.get(name).unwrap_or(&null));
            let first = values.next().unwrap_or(&null);
            values.any(|value| same(first, value) != Some(true))
        })
        .collect();
    found
        .iter()
        .map(|(id, object)| Candidate {
            id: id.clone(),
            name: ["name", "forward_entry_name", "snat_entry_name"]
                .iter()
                .find_map(|name| object.text(name))
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
            created: object.text("creation_time").map(str::to_owned),
            differs: telling
                .iter()
                .filter_map(|name| {
                    Some(((*name).to_owned(), shown(object.get(name)?, asked, name)))
                })
                .collect(),
            unlike: unlike(entry, kind, asked, object)
                .into_iter()
                .map(|(name, live, wanted)| {
                    (name.to_owned(), shown(live, asked, name), shown(wanted, asked, name))
                })
                .collect(),
        })
        .collect()
}

/// Prints a value; what was asked for as a sensitive one is masked.
fn shown(value: &Value, asked: &Object, name: &str) -> String {
    let hidden = value.deep_sensitive() || asked.get(name).is_some_and(Value::deep_sensitive);
    if hidden { SENSITIVE.to_owned() } else { display(value) }
}

/// Says what has recorded an object, or which unfinished operation is known to have made it.
pub(super) fn owner(snapshot: &Snapshot, id: &str) -> Option<String> {
    let instance = snapshot.instances.values().find(|instance| instance.id == id);
    if let Some(instance) = instance {
        return Some(format!("it is recorded as `{}`", instance.address));
    }
    let entry = snapshot.open.iter().find(|entry| entry.object_id.as_deref() == Some(id))?;
    let action = entry.action.name();
    Some(format!("it belongs to the unfinished {action} of `{}`", entry.address))
}

/// Says that nothing on an address is unfinished.
pub fn nothing_to_recover(address: &Address) -> Diagnostic {
    Diagnostic::error("nothing-to-recover", format!("no operation on `{address}` is unfinished"))
        .help("`natform recover -dry-run` lists what is")
}

/// Says what cannot be done of what the user decides; nothing is done then.
pub(super) async fn refusals(
    resolutions: &[Resolution],
    snapshot: &Snapshot,
    service: &dyn Service,
) -> Vec<Diagnostic> {
    let mut refused = Vec::new();
    let (mut addresses, mut ids) = (BTreeSet::new(), BTreeMap::new());
    for resolution in resolutions {
        let address = resolution.address();
        let rows: Vec<&JournalEntry> =
            snapshot.open.iter().filter(|entry| entry.address == *address).collect();
        if rows.is_empty() {
            refused.push(nothing_to_recover(address));
            continue;
        }
        if !addresses.insert(address) {
            let summary = format!("`{address}` is decided twice");
            refused.push(
                Diagnostic::error("decided-twice", summary)
                    .help("give one of `-adopt`, `-abandon` and `-retry` for each address"),
            );
            continue;
        }
        let Resolution::Adopt(_, id) = resolution else { continue };
        let other = ids.insert(id.as_str(), address);
        let problem = match other {
            Some(other) => Some(format!("it is to be adopted for `{other}`, too")),
            None => not_adoptable(&rows, id, snapshot, service).await,
        };
        if let Some(problem) = problem {
            let summary = format!("cannot adopt `{id}` for `{address}`: {problem}");
            refused.push(
                Diagnostic::error("cannot-adopt", summary)
                    .address(address)
                    .help("`natform recover -dry-run` lists the objects that it may have made"),
            );
        }
    }
    refused
}

/// Says why an object cannot be what an unfinished operation made, if it cannot.
async fn not_adoptable(
    rows: &[&JournalEntry],
    id: &str,
    snapshot: &Snapshot,
    service: &dyn Service,
) -> Option<String> {
    let Some(entry) = rows.iter().find(|entry| entry.creates) else {
        let actions: Vec<&str> = rows.iter().map(|entry| entry.action.name()).collect();
        return Some(format!("the unfinished {} does not create anything", actions.join(" and ")));
    };
    if let (Phase::Acknowledged, Some(made)) = (entry.phase, &entry.object_id) {
        return Some(format!("its {} is known to have made `{made}`", entry.action.name()));
    }
    if let Some(owner) = owner(snapshot, id) {
        return Some(owner);
    }
    if entry.existing.iter().any(|existing| existing == id) {
        return Some(String::from("it was there before the call was sent"));
    }
    let kind = resources::lookup(entry.address.kind())?;
    let asked = asked_for(kind, entry);
    let listings = match read(entry, kind, &asked, service).await {
        Ok(listings) => listings,
        Err(why) => return Some(why),
    };
    let name = entry.address.kind();
    let Some((_, object)) = rows_with(&listings, id) else {
        let scopes: Vec<String> = listings.keys().map(ToString::to_string).collect();
        return Some(format!("there is no {name} of this id in {}", scopes.join(" and ")));
    };
    let keys = kind.natural_keys(object);
    if entry.natural_key.as_ref().is_none_or(|key| keys.contains(key)) {
        return None;
    }
    let differing = unlike(entry, kind, &asked, object).into_iter().map(|(name, live, wanted)| {
        format!(
            "`{name}` is {}, the call asked for {}",
            shown(live, &asked, name),
            shown(wanted, &asked, name)
        )
    });
    let differing: Vec<String> = differing.collect();
    Some(if differing.is_empty() {
        format!("it is not the {name} that the call asked for")
    } else {
        format!("it is not what the call asked for: {}", differing.join("; "))
    })
}

fn rows_with<'l>(listings: &'l Listings, id: &str) -> Option<(&'l String, &'l Object)> {
    rows(listings).find(|(found, _)| *found == id)
}
