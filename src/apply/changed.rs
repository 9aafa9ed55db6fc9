//! Notices what others change while a plan waits to be applied and while it is: from the lists that
//! are read anyway, at the start and while operations settle. It makes no call of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::diagnostic::Diagnostic;
use crate::environment::Timestamp;
use crate::plan::{Kinds, Operation, Purpose, drifted};
use crate::resources::{Listing, Listings, Live, Object, ReadScope};
use crate::state::{Instance, InstanceKey, JournalEntry};
use crate::value::{SENSITIVE, Value, display};

use super::engine::Engine;
use super::evaluate::Evaluate;

/// What lists said of objects, and when.
#[derive(Default)]
pub(super) struct Changed<'a> {
    kinds: Option<Kinds>,
    /// Lists that were read before the first operation, by provider.
    before: Option<(&'a BTreeMap<String, Listings>, Timestamp)>,
    /// Lists that were read whole since, by provider, and when that was asked for.
    polled: BTreeMap<String, Listings>,
    asked: BTreeMap<(String, ReadScope), Timestamp>,
    /// When this run changed objects.
    written: BTreeMap<InstanceKey, Timestamp>,
}

impl<'a> Changed<'a> {
    /// Takes over the lists that were read before the first operation.
    pub(super) fn read_before(&mut self, lists: &'a BTreeMap<String, Listings>, now: Timestamp) {
        self.kinds = Some(Kinds::new());
        self.before = Some((lists, now));
    }

    /// Takes over lists that were read whole.
    pub(super) fn polled(&mut self, provider: &str, listings: Listings, asked: Timestamp) {
        if self.kinds.is_none() {
            return;
        }
        for (scope, listing) in listings {
            if matches!(listing, Listing::Failed(_) | Listing::Part { .. }) {
                continue;
            }
            self.asked.insert((provider.to_owned(), scope.clone()), asked);
            self.polled.entry(provider.to_owned()).or_default().insert(scope, listing);
        }
    }

    /// Notes that this run changed an object.
    pub(super) fn wrote(&mut self, entry: &JournalEntry, now: Timestamp) {
        self.written.insert((entry.address.clone(), entry.deposed.clone()), now);
    }

    /// Returns an object as it was last read, unless that was before this run changed it.
    fn live(&self, instance: &Instance, lag: Duration) -> Option<Object> {
        let kind = self.kinds.as_ref()?.get(instance.address.kind())?;
        let scopes = kind.resource.scopes(&instance.region, &instance.object);
        let provider = instance.provider.to_string();
        let polled = scopes
            .iter()
            .map(|scope| self.asked.get(&(provider.clone(), scope.clone())).copied())
            .collect::<Option<Vec<Timestamp>>>()
            .and_then(|asked| asked.into_iter().min());
        let (lists, read) = if let Some(asked) = polled {
            (self.polled.get(&provider)?, asked)
        } else {
            let (lists, at) = self.before?;
            (lists.get(&provider)?, at)
        };
        let written = self.written.get(&instance.key());
        if written.is_some_and(|written| read < written.after(lag)) {
            return None;
        }
        match kind.resource.live(&instance.object, lists) {
            Live::Found(object) => Some(object),
            Live::Absent | Live::Unread => None,
        }
    }
}

impl Engine<'_> {
    /// Says what of an object is not as it was when the plan was made, if something is not.
    pub(super) fn was_changed(
        &self,
        key: &InstanceKey,
        operation: &Operation,
        evaluate: &dyn Evaluate,
    ) -> Option<Diagnostic> {
        if operation.purpose == Purpose::Create || !self.context.settings.heeds_changes {
            return None;
        }
        let instance = self.instances.get(key)?;
        let live = self.changed.live(instance, self.context.settings.lag)?;
        let kind = self.changed.kinds.as_ref()?.get(instance.address.kind())?;
        let address = &instance.address;
        let null = Value::null();
        let lines: Vec<String> = drifted(kind, &instance.object, &live)
            .into_iter()
            .filter(|name| !evaluate.ignores(address, name))
            .map(|name| {
                let then = instance.object.get(&name).unwrap_or(&null);
                let now = live.get(&name).unwrap_or(&null);
                let hidden = then.deep_sensitive() || now.deep_sensitive();
                let text = |value: &Value| {
                    if hidden { SENSITIVE.to_owned() } else { display(value) }
                };
                format!("  {name}: {} → {}", text(then), text(now))
            })
            .collect();
        if lines.is_empty() {
            return None;
        }
        let summary = format!("`{address}` is no longer as it was when the plan was made");
        Some(
            Diagnostic::error("changed-since-plan", summary)
                .detail(format!(
                    "Somebody changed it since; nothing was sent for it:\n{}",
                    lines.join("\n")
                ))
                .address(address)
                .help("plan again, so that the plan shows what it would undo"),
        )
    }
}
