//! The rules of the service over the whole planned world: managed objects as planned and unmanaged ones
//! as they live. A rule holds, is violated or is undecided; undecided never blocks, and a violation
//! counts only where this plan adds to it or changes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::keys::{self, Key, KeyIndex};
use super::kinds::Kinds;
use super::networks::{self, Networks};
use super::topology::{self, Token};
use super::world::{Unmanaged, World};
use super::{Change, ChangeKind};
use crate::address::Address;
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::resources::{Listings, Object, Rule};
use crate::value::{Name, Value};

/// How many objects a message names before it only counts.
const NAMED: usize = 5;
/// From how many changes on the rules are judged in several threads.
const MANY: usize = 2_000;

/// Finds where an attribute of an instance (or, for an empty name, its block) is written.
pub(crate) type Places<'a> = dyn Fn(&Address, &str) -> Option<Span> + Sync + 'a;

/// Judges a plan.
pub(crate) struct Judge<'a> {
    pub(super) changes: &'a [Change],
    pub(super) world: &'a World,
    pub(super) lists: &'a BTreeMap<Name, Listings>,
    pub(super) places: &'a Places<'a>,
    pub(super) diagnostics: Diagnostics,
    /// Remarks on changes, by their index.
    pub(super) remarks: Vec<(usize, String)>,
}

/// One object of the planned world.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Item<'a> {
    /// Managed, as planned.
    Managed(&'a Change, &'a Object),
    /// Not managed, as it lives.
    Unmanaged(&'a Unmanaged),
}

impl<'a> Item<'a> {
    pub(super) fn object(&self) -> &'a Object {
        match self {
            Self::Managed(_, object) => object,
            Self::Unmanaged(unmanaged) => &unmanaged.object,
        }
    }

    /// Returns how messages name it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Managed(change, _) => format!("`{}`", change.address),
            Self::Unmanaged(unmanaged) => format!("`{}` (not managed by natform)", unmanaged.id),
        }
    }

    pub(super) fn is_unmanaged(&self) -> bool {
        matches!(self, Self::Unmanaged(_))
    }

    pub(super) fn region(&self) -> &'a str {
        match self {
            Self::Managed(change, _) => &change.region,
            Self::Unmanaged(unmanaged) => &unmanaged.region,
        }
    }

    /// Returns whether the plan makes it, or changes one of these attributes.
    pub(super) fn is_touched(&self, attributes: &[&str]) -> bool {
        match self {
            Self::Managed(change, after) => touches(change, after, attributes),
            Self::Unmanaged(_) => false,
        }
    }
}

fn touches(change: &Change, after: &Object, attributes: &[&str]) -> bool {
    match (change.kind, &change.before) {
        (ChangeKind::Create | ChangeKind::Replace { .. }, _) => true,
        (ChangeKind::Update, Some(before)) => attributes.iter().any(|name| {
            let null = Value::null();
            let value = |object: &Object| object.get(name).cloned().unwrap_or_else(|| null.clone());
            crate::value::same(&value(before), &value(after)) != Some(true)
        }),
        _ => false,
    }
}

/// Names some objects, and counts the rest.
pub(super) fn list(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>();
    match names.len().saturating_sub(NAMED) {
        0 => match shown.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => shown.concat(),
        },
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Checks all rules. Beside what is violated, returns remarks on changes by their index: what a forced
/// delete takes along.
pub(crate) fn check(
    changes: &[Change],
    kinds: &Kinds,
    world: &World,
    lists: &BTreeMap<Name, Listings>,
    places: &Places<'_>,
) -> (Diagnostics, Vec<(usize, String)>) {
    let touched: BTreeSet<&str> = changes
        .iter()
        .filter(|c| !matches!(c.kind, ChangeKind::NoOp | ChangeKind::Read | ChangeKind::Forget))
        .map(|c| c.address.kind())
        .collect();
    let mut tasks: Vec<Task<'_>> = Vec::new();
    for name in &touched {
        if let Some(kind) = kinds.get(name) {
            tasks.extend(kind.resource.rules().iter().map(|rule| Task::Rule(name, rule)));
        }
    }
    // It is declared with DNAT entries, and is about both.
    if touched.contains(topology::SNAT) && !touched.contains(topology::FORWARD) {
        tasks.push(Task::Both);
    }
    tasks.push(Task::Parents);
    let judged = |task: &Task<'_>| {
        let (diagnostics, remarks) = (Diagnostics::new(), Vec::new());
        let mut judge = Judge { changes, world, lists, places, diagnostics, remarks };
        match *task {
            Task::Rule(kind, rule) => judge.rule(kind, rule),
            Task::Both => judge.world_rule(topology::FORWARD, "address-in-dnat-and-snat"),
            Task::Parents => judge.missing_parents(),
        }
        (judge.diagnostics, judge.remarks)
    };
    let mut all = (Diagnostics::new(), Vec::new());
    for (diagnostics, remarks) in each(&tasks, changes.len(), judged) {
        all.0.extend(diagnostics);
        all.1.extend(remarks);
    }
    all
}

/// What is judged without regard to the rest.
enum Task<'a> {
    Rule(&'a str, &'a Rule),
    Both,
    Parents,
}

/// Does all tasks, in several threads where there are many changes; results stand in the order of the
/// tasks.
fn each<T: Sync, R: Send>(tasks: &[T], changes: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(4);
    if changes < MANY || threads == 1 {
        return tasks.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let some = || {
        let numbers = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)));
        let mine = numbers.map_while(|number| Some((number, tasks.get(number)?)));
        mine.map(|(number, task)| (number, work(task))).collect::<Vec<_>>()
    };
    let mut done = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(some)).collect();
        let mut done = some();
        for other in others {
            match other.join() {
                Ok(results) => done.extend(results),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

impl<'a> Judge<'a> {
    fn rule(&mut self, kind: &str, rule: &Rule) {
        match *rule {
            Rule::Unique { code, scope, fields, what } => {
                self.unique(kind, code, scope, fields, what);
            }
            Rule::Disjoint { code, scope, field, what } => {
                self.disjoint(kind, code, scope, field, what);
            }
            Rule::Quota { code, name, scope, limit, what } => {
                self.quota(kind, code, name, scope, limit, what);
            }
            Rule::Limit { code, name, attribute, limit, what } => {
                self.limit(kind, code, name, attribute, limit, what);
            }
            Rule::World { code, .. } => self.world_rule(kind, code),
        }
    }

    /// Iterates over the objects of a resource type in the planned world.
    pub(super) fn planned(&self, kind: &'a str) -> impl Iterator<Item = Item<'a>> + use<'a> {
        let (changes, world) = (self.changes, self.world);
        let managed = changes
            .iter()
            .filter(move |c| c.address.kind() == kind && stays(c))
            .filter_map(|c| Some(Item::Managed(c, c.after.as_ref()?)));
        managed.chain(world.of_kind(kind).map(Item::Unmanaged))
    }

    /// Marks where an object's attribute is written, or its block.
    pub(super) fn mark(
        &self,
        diagnostic: Diagnostic,
        item: &Item<'_>,
        attribute: &str,
        text: &str,
    ) -> Diagnostic {
        let Item::Managed(change, _) = item else { return diagnostic };
        let place = (self.places)(&change.address, attribute);
        let Some(span) = place.or_else(|| (self.places)(&change.address, "")) else {
            return diagnostic;
        };
        if diagnostic.labels.iter().any(|label| label.span == span) {
            return diagnostic;
        }
        if diagnostic.labels.is_empty() {
            diagnostic.at_with(span, text)
        } else {
            diagnostic.see(span, text)
        }
    }

    fn unique(
        &mut self,
        kind: &str,
        code: &'static str,
        scope: &[&str],
        fields: &[&str],
        what: &str,
    ) {
        let touching: Vec<&str> = scope.iter().chain(fields).copied().collect();
        let mut scopes: BTreeMap<Vec<Token>, Vec<Item<'_>>> = BTreeMap::new();
        for item in self.all(kind) {
            if let Some(key) = Key::of(item.object(), scope, &[]) {
                scopes.entry(key.scope).or_default().push(item);
            }
        }
        let mut found = Vec::new();
        for items in scopes.values().filter(|s| s.iter().any(|i| i.is_touched(&touching))) {
            let mut index: KeyIndex<Item<'_>> = KeyIndex::default();
            for item in items {
                if let Some(key) = Key::of(item.object(), scope, fields) {
                    index.insert(key, *item);
                }
            }
            for (key, items) in index.iter() {
                let touched = |items: &[Item<'_>]| items.iter().any(|i| i.is_touched(&touching));
                if items.len() > 1 && touched(items) {
                    found.push(self.collision(items, code, fields, what));
                }
                if !key.has_wildcard() {
                    continue;
                }
                // Where each covers a part of the other, one message is enough.
                let meeting = index.meeting(key).into_iter();
                let others = meeting.filter(|(other, _)| key < *other || !other.has_wildcard());
                let covered: Vec<Item<'_>> = others
                    .filter(|(other, others)| *other != key && (touched(items) || touched(others)))
                    .flat_map(|(_, others)| others.iter().copied())
                    .collect();
                if let (Some(wide), false) = (items.first(), covered.is_empty()) {
                    found.push(self.covered(wide, &covered, fields, what));
                }
            }
        }
        self.diagnostics.extend(found);
    }

    fn disjoint(
        &mut self,
        kind: &str,
        code: &'static str,
        scope: &[&str],
        field: &str,
        what: &str,
    ) {
        let touching: Vec<&str> = scope.iter().copied().chain([field]).collect();
        let items = self.all(kind);
        let placed = |item: &Item<'a>| networks::of(item.object(), scope, field);
        let mut all: Networks<Item<'_>> = Networks::default();
        for item in &items {
            if let Some((scope, network)) = placed(item) {
                all.insert(scope, network, *item);
            }
        }
        let mut found = Vec::new();
        for wide in &items {
            let Some((scope, network)) = placed(wide) else { continue };
            for narrow in all.inside(&scope, network) {
                if wide.is_touched(&touching) || narrow.is_touched(&touching) {
                    found.push(self.overlap(wide, narrow, code, field, what));
                }
            }
        }
        self.diagnostics.extend(found);
    }

    fn overlap(
        &self,
        wide: &Item<'_>,
        narrow: &Item<'_>,
        code: &'static str,
        field: &str,
        what: &str,
    ) -> Diagnostic {
        let summary = format!("the {what} of {} contains that of {}", wide.name(), narrow.name());
        let value = |item: &Item<'_>| shown(field, item.object().get(field)?);
        let mut diagnostic = Diagnostic::error(code, summary);
        if let (Some(wide), Some(narrow)) = (value(wide), value(narrow)) {
            let detail = format!(
                "The service refuses {narrow} beside {wide} in one table, and the reverse."
            );
            diagnostic = diagnostic.detail(detail);
        }
        diagnostic = self.mark(diagnostic, wide, field, "contains the other");
        self.mark(diagnostic, narrow, field, "lies in it")
            .help("split the wider network such that no address is in two entries, or remove one")
    }

    fn all(&self, kind: &str) -> Vec<Item<'a>> {
        let (changes, world) = (self.changes, self.world);
        let managed = changes
            .iter()
            .filter(|c| c.address.kind() == kind && stays(c))
            .filter_map(|c| Some(Item::Managed(c, c.after.as_ref()?)));
        managed
            .chain(world.unmanaged.iter().filter(|u| u.kind == kind).map(Item::Unmanaged))
            .collect()
    }

    fn collision(
        &self,
        group: &[Item<'_>],
        code: &'static str,
        fields: &[&str],
        what: &str,
    ) -> Diagnostic {
        let names: Vec<String> = group.iter().map(Item::name).collect();
        let verb = if names.len() == 2 { "both have" } else { "all have" };
        let mut diagnostic =
            Diagnostic::error(code, format!("{} {verb} the same {what}", list(&names)));
        let values: Vec<String> = fields
            .iter()
            .filter_map(|field| shown(field, group.first()?.object().get(field)?))
            .collect();
        if !values.is_empty() {
            diagnostic = diagnostic
                .detail(format!("The service refuses a second entry with {}.", values.join(", ")));
        }
        for item in group.iter().take(NAMED) {
            diagnostic = self.mark(diagnostic, item, fields[0], "has this key");
        }
        diagnostic.help(if group.iter().any(Item::is_unmanaged) {
            "choose another value, import the object that is not managed with an `import` block, or \
             delete it"
        } else {
            "give each its own"
        })
    }

    /// Tells of keys that `any` in another covers.
    fn covered(
        &self,
        wide: &Item<'_>,
        covered: &[Item<'_>],
        fields: &[&str],
        what: &str,
    ) -> Diagnostic {
        let names: Vec<String> = covered.iter().map(Item::name).collect();
        let (wide_name, names) = (wide.name(), list(&names));
        let mut diagnostic = Diagnostic::warning(
            "any-covers",
            format!("{wide_name} covers the {what} of {names}"),
        )
        .detail(
            "`any` stands for every value. Keys have to differ value for value, which these \
                     do; but which entry gets what both match is the service's choice, and it may \
                     refuse the second.",
        );
        diagnostic = self.mark(diagnostic, wide, fields[0], "covers the others");
        for item in covered.iter().take(NAMED) {
            diagnostic = self.mark(diagnostic, item, fields[0], "is covered");
        }
        diagnostic.help("give what forwards `any` an address of its own")
    }

    fn quota(
        &mut self,
        kind: &str,
        code: &'static str,
        name: &str,
        scope: &[&str],
        limit: u64,
        what: &str,
    ) {
        let scope_of = |object: &Object| Key::of(object, scope, &[]).map(|key| key.scope);
        let mut counts: BTreeMap<Vec<Token>, (u64, Vec<Item<'a>>)> = BTreeMap::new();
        // What becomes shared bandwidth at once takes a place for a moment, before others take it.
        let mut passing: BTreeMap<Vec<Token>, Item<'a>> = BTreeMap::new();
        for item in self.all(kind) {
            let Some(scope) = scope_of(item.object()) else { continue };
            if !keys::holds_place(kind, item.object()) {
                if item.is_touched(&[]) {
                    passing.insert(scope, item);
                }
                continue;
            }
            let (count, added) = counts.entry(scope.clone()).or_default();
            *count += 1;
            let before = match item {
                Item::Managed(change, _) => change.before.as_ref().and_then(scope_of),
                Item::Unmanaged(_) => Some(scope.clone()),
            };
            if before.as_ref() != Some(&scope) {
                added.push(item);
            }
        }
        for (scope, item) in passing {
            let (count, added) = counts.entry(scope).or_default();
            if added.is_empty() {
                *count += 1;
                added.push(item);
            }
        }
        if kind == topology::PACKAGE {
            for (gateway, inline) in self.inline_packages() {
                counts.entry(vec![gateway]).or_default().0 += inline;
            }
        }
        let mut found = Vec::new();
        for (scope, (count, added)) in &counts {
            let Some(Item::Managed(change, _)) = added.first() else { continue };
            let limit = self.world.limit(&change.provider, name, limit);
            if *count > limit {
                let scope: Vec<&str> = scope.iter().map(|t| &**t.text()).collect();
                let message = format!(
                    "{count} {what} (`{}`), but at most {limit} are allowed",
                    scope.join("`, `")
                );
                let mut diagnostic = Diagnostic::error(code, message)
                    .detail(format!("This plan adds {} of them.", added.len()))
                    .help(format!(
                        "remove some, spread them, or, where the account's quota was raised, set \
                         `{name} = {count}` in the `quotas` block of the provider"
                    ));
                for item in added.iter().take(NAMED) {
                    diagnostic = self.mark(diagnostic, item, "", "adds to it");
                }
                found.push(diagnostic);
            }
        }
        self.diagnostics.extend(found);
    }

    /// Returns how many packages come with each gateway that is made.
    fn inline_packages(&self) -> Vec<(Token, u64)> {
        let made = |kind| matches!(kind, ChangeKind::Create | ChangeKind::Replace { .. });
        let gateways = self.changes.iter().filter(|c| made(c.kind));
        gateways
            .filter(|change| change.address.kind() == topology::GATEWAY)
            .filter_map(|change| {
                let after = change.after.as_ref()?;
                let inline = crate::resources::nat_gateway::wished(after);
                Some((Token::of(after.get("id")?)?, u64::try_from(inline).ok()?))
            })
            .filter(|(_, inline)| *inline > 0)
            .collect()
    }

    fn limit(
        &mut self,
        kind: &str,
        code: &'static str,
        name: &str,
        attribute: &str,
        limit: u64,
        what: &str,
    ) {
        let mut found = Vec::new();
        for item in self.all(kind).iter().filter(|item| item.is_touched(&[attribute])) {
            let Item::Managed(change, after) = item else { continue };
            let limit = self.world.limit(&change.provider, name, limit);
            let number = after.get(attribute).and_then(Value::as_number);
            let Some(number) = number.and_then(crate::value::Number::to_u64) else { continue };
            if number > limit {
                let message = format!("{number} {what}, but at most {limit} are allowed");
                let diagnostic =
                    Diagnostic::error(code, message).address(&change.address).help(format!(
                        "lower it, or, where the account's quota was raised, set \
                         `{name} = {number}` in the `quotas` block of the provider"
                    ));
                found.push(self.mark(diagnostic, item, attribute, ""));
            }
        }
        self.diagnostics.extend(found);
    }
}

/// Returns whether an instance is part of the planned world.
fn stays(change: &Change) -> bool {
    change.deposed.is_none()
        && !matches!(change.kind, ChangeKind::Delete | ChangeKind::Forget | ChangeKind::Read)
}

/// Returns `name = value` of a known value; sensitive ones are not shown.
fn shown(name: &str, value: &Value) -> Option<String> {
    if value.deep_sensitive() || value.deep_unknown() {
        return None;
    }
    Some(format!("`{name} = {}`", crate::value::display(value)))
}

#[cfg(test)]
mod tests {
    use super::{MANY, each};

    #[test]
    fn results_stand_in_the_order_of_the_tasks() {
        let tasks: Vec<usize> = (0..100).collect();
        for changes in [0, MANY] {
            let results = each(&tasks, changes, |task| task * 2);
            assert_eq!(results, tasks.iter().map(|task| task * 2).collect::<Vec<_>>());
        }
    }
}
