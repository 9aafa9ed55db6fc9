//! What happens with one configured instance: create, update, replacement or nothing, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::compile::sent_on_create;
use super::diff::{self, Difference, Prior, Wish};
use super::kinds::Kind;
use super::program::place_of;
use super::{Change, ChangeKind, Reason};
use crate::address::{Address, ResourceAddress};
use crate::api::catalogue::Edition;
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::resources::{Fault, Object};
use crate::state::{Instance, Service, Status};
use crate::value::{Data, Name, Value};

/// A configured instance, as far as the decision needs it.
pub(crate) struct Desired<'a> {
    pub(crate) address: &'a Address,
    /// The configured attributes, unknowns included.
    pub(crate) object: &'a Object,
    pub(crate) ignore: &'a [Name],
    pub(crate) ignore_all: bool,
    /// `lifecycle.create_before_destroy`, own or inherited.
    pub(crate) create_before_destroy: bool,
    /// `lifecycle.prevent_destroy`
    pub(crate) prevent_destroy: bool,
    pub(crate) timeouts: &'a Arc<BTreeMap<String, u64>>,
    pub(crate) provider: &'a Name,
    pub(crate) region: &'a Name,
    /// The edition of the reference that the provider speaks.
    pub(crate) edition: Edition,
    pub(crate) service: &'a Service,
    pub(crate) dependencies: Arc<[ResourceAddress]>,
    pub(crate) location: Option<Name>,
    /// Where an attribute, or for an empty name the block, is written.
    pub(crate) place: &'a dyn Fn(&str) -> Option<Span>,
}

/// A recorded object with what was read of it.
pub(crate) struct Found<'a> {
    pub(crate) instance: &'a Instance,
    /// As it is; none when it no longer exists.
    pub(crate) live: Option<Object>,
    pub(crate) moved_from: Option<Address>,
    /// The import id, when it is imported by this plan.
    pub(crate) imported: Option<String>,
}

/// What the rest of the plan demands of the instance.
#[derive(Default)]
pub(crate) struct Demands {
    /// Reasons to replace it whatever the comparison says.
    pub(crate) replace: Vec<Reason>,
    /// Whether a replacement must create first, or delete first, whatever the block says.
    pub(crate) create_first: Option<bool>,
    /// Public addresses that entries use: a package gives them up last.
    pub(crate) used: BTreeSet<String>,
}

/// Decides. `remade` finds the instance in an origin if that instance is made anew by this plan.
pub(crate) fn decide(
    kind: &Kind,
    desired: &Desired<'_>,
    found: Option<&Found<'_>>,
    demands: &Demands,
    remade: &dyn Fn(&str) -> Option<String>,
) -> (Change, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    faults(desired, kind.resource.validate(desired.object), &mut diagnostics);
    faults(desired, other_edition(kind, desired), &mut diagnostics);
    let mut change = blank(desired, found);
    match found.and_then(|f| f.live.as_ref().map(|live| (f, live))) {
        None => {
            if found.is_some() {
                change.reasons.push(Reason::Vanished);
            }
            change.kind = ChangeKind::Create;
            make(kind, (desired, desired.object), &mut change, demands, &mut diagnostics);
        }
        Some((found, live)) => {
            change.before = Some(live.clone());
            let prior = Prior { recorded: &found.instance.object, live };
            let difference = diff::compare(kind, &wish(desired), &prior);
            let reasons = reasons(found, demands, &difference, remade);
            if reasons.is_empty() {
                refusals(desired, &difference, &mut diagnostics);
                keep_or_update(kind, desired, difference, demands, &mut change, &mut diagnostics);
            } else {
                let create_first = demands.create_first.unwrap_or(desired.create_before_destroy);
                change.kind = ChangeKind::Replace { create_first };
                change.reasons.extend(reasons);
                let forcing = difference.replacing.iter().chain(&difference.one_way);
                change.replace_paths = forcing.map(ToString::to_string).collect();
                let object =
                    if change.is_detour() { &as_ignored(desired, live) } else { desired.object };
                make(kind, (desired, object), &mut change, demands, &mut diagnostics);
            }
        }
    }
    (change, diagnostics)
}

/// Finds inputs that the provider's edition lacks.
fn other_edition(kind: &Kind, desired: &Desired<'_>) -> Vec<Fault> {
    let given = kind.attributes.iter();
    given
        .filter_map(|known| {
            let value = desired.object.get(&known.name)?;
            Fault::other_edition(known.attribute, value, desired.edition)
        })
        .collect()
}

fn wish<'a>(desired: &'a Desired<'_>) -> Wish<'a> {
    Wish { object: desired.object, ignore: desired.ignore, ignore_all: desired.ignore_all }
}

/// Returns what is configured, with what `ignore_changes` names as it lives: an object that is made
/// anew only to get out of the way of another is otherwise as it was.
fn as_ignored(desired: &Desired<'_>, live: &Object) -> Object {
    let mut object = desired.object.clone();
    for (name, value) in live.iter().filter(|(name, _)| desired.object.has(name)) {
        if desired.ignore_all || desired.ignore.contains(name) {
            object.set(Arc::clone(name), value.clone());
        }
    }
    object
}

/// Starts a change of a configured instance that does nothing yet.
fn blank(desired: &Desired<'_>, found: Option<&Found<'_>>) -> Change {
    let mut reasons = Vec::new();
    if let Some(from) = found.and_then(|f| f.moved_from.as_ref()) {
        reasons.push(Reason::Moved { from: from.to_string() });
    }
    if let Some(id) = found.and_then(|f| f.imported.as_ref()) {
        reasons.push(Reason::Imported { id: id.clone() });
    }
    Change {
        address: desired.address.clone(),
        deposed: None,
        previous_address: found.and_then(|f| f.moved_from.clone()).map(Box::new),
        kind: ChangeKind::NoOp,
        reasons,
        id: found.filter(|f| f.live.is_some()).map(|f| f.instance.id.clone()),
        before: None,
        after: None,
        replace_paths: Vec::new(),
        kept: Vec::new(),
        impacts: Vec::new(),
        remarks: Vec::new(),
        provider: Arc::clone(desired.provider),
        region: Arc::clone(desired.region),
        service: desired.service.clone(),
        dependencies: Arc::clone(&desired.dependencies),
        create_before_destroy: desired.create_before_destroy,
        prevent_destroy: desired.prevent_destroy,
        timeouts: Arc::clone(desired.timeouts),
        location: desired.location.clone(),
    }
}

/// Plans a new object.
fn make(
    kind: &Kind,
    (desired, object): (&Desired<'_>, &Object),
    change: &mut Change,
    demands: &Demands,
    diagnostics: &mut Diagnostics,
) {
    let origin = desired.address.to_string();
    let mut planned = diff::fresh(kind, object, &origin);
    change.remarks.extend(kind.resource.foresee(&origin, None, &mut planned, &demands.used));
    let sent = sent_on_create(kind.schema, desired.address, &planned);
    faults(desired, kind.resource.check(desired.region, None, &sent), diagnostics);
    change.after = Some(planned);
}

/// Plans an object that stays.
fn keep_or_update(
    kind: &Kind,
    desired: &Desired<'_>,
    difference: Difference,
    demands: &Demands,
    change: &mut Change,
    diagnostics: &mut Diagnostics,
) {
    change.kept.clone_from(&difference.kept);
    if difference.is_empty() {
        change.after = Some(difference.planned);
        return;
    }
    change.kind = ChangeKind::Update;
    let origin = desired.address.to_string();
    let before = change.before.as_ref();
    let mut planned = difference.planned;
    change.remarks.extend(kind.resource.foresee(&origin, before, &mut planned, &demands.used));
    faults(desired, kind.resource.check(desired.region, before, &planned), diagnostics);
    change.after = Some(planned);
}

/// Collects why an object that exists is to be replaced.
fn reasons(
    found: &Found<'_>,
    demands: &Demands,
    difference: &Difference,
    remade: &dyn Fn(&str) -> Option<String>,
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if found.instance.status == Status::Tainted {
        reasons.push(Reason::Tainted);
    }
    reasons.extend(demands.replace.iter().cloned());
    let mut attributes = Vec::new();
    let mut dependencies = BTreeSet::new();
    for name in &difference.replacing {
        match difference.planned.get(name).and_then(|value| remade(origin(value)?)) {
            Some(of) => {
                dependencies.insert(of);
            }
            None => attributes.push(name.to_string()),
        }
    }
    reasons.extend(dependencies.into_iter().map(|of| Reason::DependencyReplaced { of }));
    if !attributes.is_empty() {
        reasons.push(Reason::CannotUpdate { attributes });
    }
    if !difference.one_way.is_empty() {
        let attributes = difference.one_way.iter().map(ToString::to_string).collect();
        reasons.push(Reason::OneWay { attributes });
    }
    reasons
}

fn origin(value: &Value) -> Option<&str> {
    match value.data() {
        Data::Unknown(unknown) => unknown.origin.as_deref(),
        _ => None,
    }
}

/// Reports inputs that cannot be changed once the object exists.
fn refusals(desired: &Desired<'_>, difference: &Difference, diagnostics: &mut Diagnostics) {
    for (name, advice) in &difference.refused {
        let message = format!("`{name}` of `{}` cannot be changed", desired.address);
        diagnostics.push(
            Diagnostic::error("cannot-change", message)
                .address(desired.address)
                .at_opt((desired.place)(name).or_else(|| (desired.place)("")))
                .help(*advice),
        );
    }
}

/// Reports what a resource type finds wrong with an instance.
pub(crate) fn faults(desired: &Desired<'_>, faults: Vec<Fault>, diagnostics: &mut Diagnostics) {
    for fault in faults.into_iter().map(|fault| fault.discreet(desired.object)) {
        let diagnostic = if fault.warning {
            Diagnostic::warning(fault.code, fault.message)
        } else {
            Diagnostic::error(fault.code, fault.message)
        };
        diagnostics.push(
            diagnostic
                .address(desired.address)
                .at_opt(place_of(&fault.attribute, desired.place).or_else(|| (desired.place)("")))
                .help(fault.help),
        );
    }
}
