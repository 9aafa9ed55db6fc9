//! What is there before the plan: recorded objects with what was read of them, and the questions
//! whether it is the right service and account.

use std::collections::{BTreeMap, BTreeSet};

use super::diff;
use super::kinds::Kinds;
use super::moves::Recorded;
use super::planner::ProviderContext;
use super::refresh_scopes::Lists;
use super::{Drift, topology};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::resources::{Live, Object};
use crate::state::{InstanceKey, Service};
use crate::value::Name;

/// One recorded object before the plan.
#[derive(Debug, Clone)]
pub(crate) struct Existing<'a> {
    pub(crate) recorded: Recorded<'a>,
    /// As it is; none when it no longer exists.
    pub(crate) live: Option<Object>,
}

/// All of them by their present keys.
pub(crate) type Prior<'a> = BTreeMap<InstanceKey, Existing<'a>>;

/// Joins what is recorded with what was read. What was not read (`-refresh=false`, or a list that
/// failed and is reported) is taken to be as recorded.
pub(crate) fn join<'a>(
    recorded: BTreeMap<InstanceKey, Recorded<'a>>,
    kinds: &Kinds,
    lists: &Lists,
) -> Prior<'a> {
    recorded
        .into_iter()
        .map(|(key, recorded)| {
            let live = match lists.live(kinds, &recorded.provider, recorded.instance) {
                Live::Found(object) => Some(object),
                Live::Absent => None,
                Live::Unread => Some(recorded.instance.object.clone()),
            };
            (key, Existing { recorded, live })
        })
        .collect()
}

/// Makes sure that recorded objects belong to the services that the providers lead to.
pub(crate) fn check_services<'a>(
    recorded: impl Iterator<Item = &'a Recorded<'a>>,
    kinds: &Kinds,
    providers: &BTreeMap<Name, ProviderContext>,
) -> Diagnostics {
    let mut unknown: Vec<String> = Vec::new();
    let mut missing: BTreeMap<Name, Vec<String>> = BTreeMap::new();
    let mut foreign: BTreeMap<(Name, Service), Vec<String>> = BTreeMap::new();
    for recorded in recorded {
        let instance = recorded.instance;
        let address = format!("`{}`", instance.address);
        if kinds.get(instance.address.kind()).is_none() {
            unknown.push(address.clone());
        }
        match providers.get(&recorded.provider) {
            None => missing.entry(recorded.provider.clone()).or_default().push(address),
            Some(provider) if provider.service != instance.service => {
                let key = (recorded.provider.clone(), instance.service.clone());
                foreign.entry(key).or_default().push(address);
            }
            Some(_) => {}
        }
    }
    let mut diagnostics = Diagnostics::new();
    if !unknown.is_empty() {
        diagnostics.push(
            Diagnostic::error("unknown-type", "the state has objects of a type that is not known")
                .detail(format!("They are {}.", super::rules::list(&unknown)))
                .help("use the version of natform that made them"),
        );
    }
    for (alias, addresses) in missing {
        diagnostics.push(
            Diagnostic::error("missing-provider", format!("there is no provider `{alias}`"))
                .detail(format!("{} were made through it.", super::rules::list(&addresses)))
                .help("keep its `provider` block until they are destroyed"),
        );
    }
    for ((alias, service), addresses) in foreign {
        let now = providers.get(&alias).map(|p| describe(&p.service)).unwrap_or_default();
        diagnostics.push(
            Diagnostic::error("other-service", "the recorded objects belong to another service")
                .detail(format!(
                    "{} live in {}; this run leads to {now}.",
                    super::rules::list(&addresses),
                    describe(&service)
                ))
                .help(
                    "choose the right endpoint (`-endpoint`, `NATFORM_ENDPOINT` or the provider \
                     block) or another state; if the same objects are reached in another way now, \
                     run `natform state rebind`",
                ),
        );
    }
    diagnostics
}

/// Names a service in messages.
pub(crate) fn describe(service: &Service) -> String {
    match service {
        Service::Real => "Alibaba Cloud".to_owned(),
        Service::Embedded(id) => format!("the built-in emulator (world `{id}`)"),
        Service::Server(url) => format!("the server `{url}`"),
    }
}

/// Asks whether the account is the right one where none of several objects is found.
pub(crate) fn check_account(prior: &Prior<'_>, refreshed: &BTreeSet<InstanceKey>) -> Diagnostics {
    let mut groups: BTreeMap<(&Name, &str), (usize, Vec<String>)> = BTreeMap::new();
    for (key, existing) in prior.iter().filter(|(key, _)| refreshed.contains(*key)) {
        let instance = existing.recorded.instance;
        let (found, missing) =
            groups.entry((&existing.recorded.provider, &instance.region)).or_default();
        match existing.live {
            Some(_) => *found += 1,
            None => missing.push(format!("`{}` ({})", key.0, instance.id)),
        }
    }
    let mut diagnostics = Diagnostics::new();
    for ((_, region), (found, missing)) in groups {
        if found == 0 && missing.len() > 1 {
            let message =
                format!("none of {} recorded objects in `{region}` is found", missing.len());
            diagnostics.push(
                Diagnostic::error("no-object-found", message)
                    .detail(format!(
                        "Is this the right account? Recorded are {}.",
                        super::rules::list(&missing)
                    ))
                    .help(
                        "check the credentials; if the objects were really deleted, repeat with \
                         `-allow-missing`",
                    ),
            );
        }
    }
    diagnostics
}

/// Returns the objects that are no longer as recorded.
pub(crate) fn drift(prior: &Prior<'_>, kinds: &Kinds) -> Vec<Drift> {
    prior
        .iter()
        .filter(|((_, deposed), _)| deposed.is_none())
        .filter_map(|((address, _), existing)| {
            let recorded = &existing.recorded.instance.object;
            let attributes = match &existing.live {
                Some(live) => diff::drifted(kinds.get(address.kind())?, recorded, live),
                None => Vec::new(),
            };
            if existing.live.is_some() && attributes.is_empty() {
                return None;
            }
            Some(Drift {
                address: address.clone(),
                recorded: recorded.clone(),
                live: existing.live.clone(),
                attributes,
            })
        })
        .collect()
}

/// Returns the entries that live now and the public addresses that each uses.
pub(crate) fn users<'p>(
    prior: &'p Prior<'_>,
) -> impl Iterator<Item = (&'p crate::address::Address, Vec<topology::Token>)> + 'p {
    prior.iter().filter_map(|((address, deposed), existing)| {
        let live = existing.live.as_ref().filter(|_| deposed.is_none())?;
        let used = topology::used_addresses(address.kind(), live);
        (!used.is_empty()).then_some((address, used))
    })
}
