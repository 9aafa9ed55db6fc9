//! Which traffic is served when: the lives of entries over virtual time, and the gaps in them.
//!
//! An entry serves its traffic from when it is Available to when its deletion or modification is
//! accepted: while it is Pending or Deleting nothing says that it does.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::catalogue::Action;
use crate::emulator::World;
use crate::emulator::world::index::Table;
use crate::emulator::world::model::{Change, ForwardEntry, GatewayChange, Pending, SnatEntry};
use crate::environment::Timestamp;

/// The end of time: what waits to be told is served from then on.
const NEVER: Timestamp = Timestamp(i64::MAX);

/// What an entry serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The traffic: `203.0.113.7:443/tcp`, or the source network of an SNAT entry.
    pub key: String,
    /// Whether it comes in.
    pub inbound: bool,
    /// Where it goes: a private address, or the pool that it leaves from.
    pub to: BTreeSet<String>,
    /// From when on.
    pub ready: Timestamp,
}

/// For how long an entry serves some traffic.
#[derive(Debug, Clone)]
struct Span {
    served: Served,
    entry: String,
    until: Option<Timestamp>,
    /// What ended it.
    action: Option<Action>,
}

/// Traffic that stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Which, as [`Served::key`]; for a gateway its id.
    pub key: String,
    /// Whether it comes in.
    pub inbound: bool,
    /// Id of the entry that served it, or of the gateway.
    pub id: String,
    /// What stopped it.
    pub action: Action,
    /// When.
    pub begins: Timestamp,
    /// When it flows again.
    pub ends: Option<Timestamp>,
    /// Id of the entry that serves it then.
    pub again_by: Option<String>,
    /// Whether it stops once or twice for a moment between `begins` and `ends`.
    pub brief: bool,
}

/// The lives of entries.
#[derive(Debug, Default)]
pub struct Lives {
    spans: Vec<Span>,
    /// Spans without an end, by entry.
    open: BTreeMap<String, usize>,
    /// Conversions of gateways, which interrupt all that goes through them.
    conversions: Vec<Gap>,
}

impl Lives {
    /// Begins with what a world serves.
    pub fn begin(world: &World, now: Timestamp) -> Self {
        let mut lives = Self::default();
        let forward = world.forward_entries.keys();
        for id in forward.chain(world.snat_entries.keys()) {
            // What is being changed already served before.
            if let Some(served) = served(world, id) {
                lives.open(id, Served { ready: now, ..served });
            }
        }
        lives
    }

    fn open(&mut self, id: &str, served: Served) {
        self.open.insert(id.to_owned(), self.spans.len());
        self.spans.push(Span { served, entry: id.to_owned(), until: None, action: None });
    }

    /// Notes what an entry serves after an action, which begins to take effect at `now`.
    pub fn note(&mut self, world: &World, id: &str, now: Timestamp, action: Action) {
        let after = served(world, id);
        let open = self.open.get(id).and_then(|index| self.spans.get_mut(*index));
        match (open, after) {
            (None, None) => {}
            (None, Some(served)) => self.open(id, served),
            (Some(span), Some(served)) if !interrupts(&span.served, &served) => {
                span.served.to = served.to;
            }
            (Some(span), after) => {
                (span.until, span.action) = (Some(now), Some(action));
                self.open.remove(id);
                if let Some(served) = after {
                    self.open(id, served);
                }
            }
        }
    }

    /// Notes that a gateway is being converted.
    pub fn converts(&mut self, world: &World, id: &str, now: Timestamp, action: Action) {
        let Some(gateway) = world.gateways.get(id) else { return };
        let pending = gateway.pending.as_ref().filter(|p| p.change == GatewayChange::Convert);
        if entries(world, id).is_empty() {
            return;
        }
        self.conversions.extend(pending.map(|pending| Gap {
            key: id.to_owned(),
            inbound: true,
            id: id.to_owned(),
            action,
            begins: now,
            ends: pending.ready,
            again_by: Some(id.to_owned()),
            brief: true,
        }));
    }

    /// Returns the gaps in what was served in the beginning, in the order in which they begin.
    pub fn gaps(&self, begin: Timestamp) -> Vec<Gap> {
        let mut by_key: BTreeMap<(bool, &str), Vec<&Span>> = BTreeMap::new();
        for span in &self.spans {
            by_key.entry((span.served.inbound, &span.served.key)).or_default().push(span);
        }
        let mut gaps = self.conversions.clone();
        for ((inbound, key), own) in &by_key {
            if !own.iter().any(|span| span.served.ready <= begin) {
                continue;
            }
            let all = whole_address(key).filter(|all| *inbound && all != key);
            let wide = all.as_ref().and_then(|all| by_key.get(&(true, all.as_str())));
            let mut spans: Vec<&Span> =
                own.iter().chain(wide.into_iter().flatten()).copied().collect();
            spans.sort_by_key(|span| span.served.ready);
            gaps.extend(gaps_of(&spans));
        }
        gaps.sort_by(|a, b| (a.begins, &a.key).cmp(&(b.begins, &b.key)));
        gaps
    }
}

/// Returns the gaps between spans that are sorted by their beginning.
fn gaps_of(spans: &[&Span]) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let Some((first, rest)) = spans.split_first() else { return gaps };
    let mut last = *first;
    let until = |span: &Span| span.until.unwrap_or(NEVER);
    let gap = |last: &Span, next: Option<&Span>| {
        Some(Gap {
            key: last.served.key.clone(),
            inbound: last.served.inbound,
            id: last.entry.clone(),
            action: last.action?,
            begins: last.until?,
            ends: next.map(|span| span.served.ready),
            again_by: next.map(|span| span.entry.clone()),
            brief: false,
        })
    };
    for span in rest.iter().filter(|span| until(span) > span.served.ready) {
        if span.served.ready > until(last) {
            gaps.extend(gap(last, Some(span)));
        }
        if until(span) > until(last) {
            last = span;
        }
    }
    gaps.extend(gap(last, None));
    gaps
}

/// Returns the key of an entry that serves all ports of the same address.
fn whole_address(key: &str) -> Option<String> {
    let (address, _) = key.split_once(':')?;
    Some(format!("{address}:any/any"))
}

/// Tells whether traffic stops when an entry serves this instead of that.
fn interrupts(before: &Served, after: &Served) -> bool {
    if before.key != after.key {
        return true;
    }
    if before.inbound { before.to != after.to } else { !before.to.is_subset(&after.to) }
}

/// Returns the ids of all entries of a gateway.
pub fn entries(world: &World, gateway: &str) -> Vec<String> {
    let Some(gateway) = world.gateways.get(gateway) else { return Vec::new() };
    let ids = |table: Option<&Table>| -> Vec<String> {
        table.into_iter().flat_map(|table| &table.entries).map(|(_, id)| id.clone()).collect()
    };
    let mut all = ids(world.index.forward_tables.get(&gateway.forward_table));
    all.extend(ids(world.index.snat_tables.get(&gateway.snat_table)));
    all
}

/// Returns what an entry serves, and from when; none once it is being deleted or gone.
fn served(world: &World, id: &str) -> Option<Served> {
    if let Some(entry) = world.forward_entries.get(id) {
        let ready = ready(world, entry.pending)?;
        return (!is_going(world, &entry.table, true)).then(|| inbound(entry, ready));
    }
    let entry = world.snat_entries.get(id)?;
    let ready = ready(world, entry.pending)?;
    (!is_going(world, &entry.table, false)).then(|| outbound(entry, ready))
}

fn inbound(entry: &ForwardEntry, ready: Timestamp) -> Served {
    let (port, protocol) = (entry.external_port.to_lowercase(), entry.protocol.to_lowercase());
    Served {
        key: format!("{}:{port}/{protocol}", entry.external_ip),
        inbound: true,
        to: [format!("{}:{}", entry.internal_ip, entry.internal_port)].into(),
        ready,
    }
}

fn outbound(entry: &SnatEntry, ready: Timestamp) -> Served {
    let to = entry.ips.iter().map(ToString::to_string).collect();
    Served { key: entry.source_cidr.to_string(), inbound: false, to, ready }
}

/// Returns from when on something serves that has this going on; none when it goes.
fn ready(world: &World, pending: Option<Pending<Change>>) -> Option<Timestamp> {
    match pending {
        None => Some(world.time),
        Some(pending) if pending.change == Change::Delete => None,
        Some(pending) => Some(pending.ready.unwrap_or(NEVER)),
    }
}

/// Returns whether the gateway of a table is being deleted.
fn is_going(world: &World, table: &str, forward: bool) -> bool {
    let tables = if forward { &world.index.forward_tables } else { &world.index.snat_tables };
    let gateway = tables.get(table).and_then(|table| table.gateway.as_ref());
    let gateway = gateway.and_then(|id| world.gateways.get(id));
    let pending = gateway.and_then(|gateway| gateway.pending.as_ref());
    pending.is_some_and(|pending| pending.change == GatewayChange::Delete)
}
