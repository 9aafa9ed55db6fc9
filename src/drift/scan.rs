//! The scan itself.

use std::collections::{BTreeMap, BTreeSet};

use super::expected::{Expectation, covering, uses};
use super::model::{
    AttributeDrift, ChangedObject, Coverage, DriftReport, DriftStatus, Expected, FORMAT_VERSION,
    FailedList, MissingObject, UnmanagedObject,
};
use crate::address::Address;
use crate::environment::Timestamp;
use crate::plan::{
    Kinds, Lists, ProviderContext, cause, describe, drifted, scopes, sha256_hex, shape, unmanaged,
};
use crate::refresh::Reader;
use crate::resources::nat_gateway::made_with;
use crate::resources::{Listing, Live, Object, ReadScope};
use crate::state::{Instance, Snapshot};
use crate::value::{Name, Value};

/// What a scan works from.
#[derive(Clone, Copy)]
pub struct ScanInput<'a> {
    /// What is recorded.
    pub snapshot: &'a Snapshot,
    /// The providers by alias.
    pub providers: &'a BTreeMap<Name, ProviderContext>,
    /// Drift that is expected.
    pub expected: &'a [Expectation],
    /// The present time, by which expectations end.
    pub now: Timestamp,
    /// Whether none of several recorded objects may be there without the scan failing.
    pub allow_missing: bool,
    /// Whether sensitive values are shown.
    pub show_sensitive: bool,
}

/// Compares what lives with what is recorded. Reads, and changes nothing.
pub fn scan(input: ScanInput<'_>, reader: &dyn Reader) -> DriftReport {
    let mut scan = Scan {
        input: &input,
        kinds: Kinds::new(),
        lists: Lists::default(),
        report: DriftReport {
            format_version: FORMAT_VERSION.to_owned(),
            natform_version: env!("CARGO_PKG_VERSION").to_owned(),
            status: DriftStatus::InSync,
            coverage: Coverage::default(),
            changed: Vec::new(),
            missing: Vec::new(),
            unmanaged: Vec::new(),
            failures: Vec::new(),
            expectations: Vec::new(),
        },
        findings: vec![0; input.expected.len()],
    };
    scan.run(reader);
    scan.report
}

struct Scan<'a> {
    input: &'a ScanInput<'a>,
    kinds: Kinds,
    lists: Lists,
    report: DriftReport,
    /// How many findings each expectation is of.
    findings: Vec<usize>,
}

impl<'a> Scan<'a> {
    fn run(&mut self, reader: &dyn Reader) {
        let instances = self.reachable();
        self.lists.read(reader, &self.wanted(&instances));
        self.failed_lists();
        let mut found = 0_usize;
        for instance in &instances {
            if self.input.snapshot.is_in_doubt(&instance.address) {
                // How it should be is not known before recovery; it is no drift of anybody's.
                self.report.coverage.unread += 1;
                found += 1;
                continue;
            }
            found += usize::from(self.object(instance));
        }
        self.strangers();
        let coverage = &mut self.report.coverage;
        coverage.recorded = self.input.snapshot.instances.len();
        coverage.unread += coverage.recorded - instances.len();
        if found == 0 && coverage.missing > 1 && !self.input.allow_missing {
            self.report.failures.push(FailedList {
                what: "the recorded objects".to_owned(),
                why: format!(
                    "none of {} is found: is this the right account? (`-allow-missing` if they were \
                     really deleted)",
                    coverage.missing
                ),
            });
        }
        let live = found + coverage.unmanaged;
        let percent = (found * 100).checked_div(live).unwrap_or(100);
        coverage.percent = u8::try_from(percent).unwrap_or(100);
        let report = &mut self.report;
        report.expectations = uses(self.input.expected, &self.findings, self.input.now);
        report.status = if !report.failures.is_empty() {
            DriftStatus::Failed
        } else if report.has_drift() {
            DriftStatus::Drifted
        } else {
            DriftStatus::InSync
        };
    }

    /// Returns the recorded objects whose service the providers lead to, and reports the others.
    fn reachable(&mut self) -> Vec<&'a Instance> {
        let input = self.input;
        let mut foreign: BTreeSet<(String, String)> = BTreeSet::new();
        let mut reachable = Vec::new();
        for instance in input.snapshot.instances.values() {
            match input.providers.get(&instance.provider) {
                Some(provider) if provider.service == instance.service => reachable.push(instance),
                Some(provider) => {
                    let (there, here) = (describe(&instance.service), describe(&provider.service));
                    let why = format!("they belong to {there}; this run leads to {here}");
                    foreign.insert((format!("objects of {there}"), why));
                }
                None => {
                    let what = format!("objects of provider `{}`", instance.provider);
                    foreign.insert((what, "there is no such provider".to_owned()));
                }
            }
        }
        let failures = foreign.into_iter().map(|(what, why)| FailedList { what, why });
        self.report.failures.extend(failures);
        reachable
    }

    /// Collects the lists of the recorded objects, and those in which unmanaged ones would be.
    fn wanted(&self, instances: &[&Instance]) -> BTreeMap<Name, BTreeSet<ReadScope>> {
        let mut wanted: BTreeMap<Name, BTreeSet<ReadScope>> = BTreeMap::new();
        if self.report.failures.is_empty() {
            for (alias, provider) in self.input.providers {
                let region = || provider.region.clone();
                let lists = wanted.entry(alias.clone()).or_default();
                lists.insert(ReadScope::Gateways { region: region() });
                lists.insert(ReadScope::BandwidthPackages { region: region() });
            }
        }
        for instance in instances {
            let lists = wanted.entry(instance.provider.clone()).or_default();
            lists.extend(scopes(&self.kinds, instance));
            let region = || instance.region.clone();
            lists.insert(ReadScope::Gateways { region: region() });
            lists.insert(ReadScope::BandwidthPackages { region: region() });
            let table = |name: &str| instance.object.text(name).map(str::to_owned);
            if let Some(table) = table("forward_table_id") {
                lists.insert(ReadScope::ForwardEntries { region: region(), table });
            }
            if let Some(table) = table("snat_table_id") {
                lists.insert(ReadScope::SnatEntries { region: region(), table });
            }
        }
        wanted
    }

    fn failed_lists(&mut self) {
        // Lists that could not be read for the same reason are reported together.
        let mut causes: BTreeMap<&str, (&String, Vec<&ReadScope>)> = BTreeMap::new();
        for (scope, listing) in self.lists.all().values().flatten() {
            if let Listing::Failed(why) = listing {
                causes.entry(cause(why)).or_insert((why, Vec::new())).1.push(scope);
            }
        }
        let failed = causes.into_values().map(|(why, scopes)| {
            let first = scopes.first().map(ToString::to_string).unwrap_or_default();
            let what = match scopes.len() {
                1 => first,
                2 => format!("{first} and one list more"),
                count => format!("{first} and {} lists more", count - 1),
            };
            FailedList { what, why: why.clone() }
        });
        let failed: Vec<FailedList> = failed.collect();
        self.report.failures.extend(failed);
    }

    /// Compares one recorded object; returns whether it is there.
    fn object(&mut self, instance: &Instance) -> bool {
        let Some(kind) = self.kinds.get(instance.address.kind()) else {
            self.report.coverage.unread += 1;
            return false;
        };
        let live = match self.lists.live(&self.kinds, &instance.provider, instance) {
            Live::Found(live) => live,
            Live::Absent => {
                self.missing(instance);
                return false;
            }
            Live::Unread => {
                self.report.coverage.unread += 1;
                return false;
            }
        };
        let attributes = drifted(kind, &instance.object, &live);
        if attributes.is_empty() {
            self.report.coverage.in_sync += 1;
        } else {
            self.changed(instance, &live, &attributes);
        }
        true
    }

    fn changed(&mut self, instance: &Instance, live: &Object, attributes: &[String]) {
        let null = Value::null();
        let show = self.input.show_sensitive;
        let drift = |name: &String| {
            let recorded = instance.object.get(name).unwrap_or(&null);
            let live = live.get(name).unwrap_or(&null);
            let sensitive = recorded.deep_sensitive() || live.deep_sensitive();
            let shown = |value: &Value| {
                shape::plain(&value.clone().with_sensitive(sensitive || value.is_sensitive()), show)
            };
            AttributeDrift {
                name: name.clone(),
                recorded: shown(recorded),
                live: shown(live),
                sensitive,
            }
        };
        let expected = self.expectation(Some(&instance.address), &instance.id, attributes);
        let coverage = &mut self.report.coverage;
        coverage.changed += 1;
        coverage.expected += usize::from(expected.is_some());
        self.report.changed.push(ChangedObject {
            finding: finding("changed", &key(instance)),
            address: instance.address.to_string(),
            kind: instance.address.kind().to_owned(),
            id: instance.id.clone(),
            attributes: attributes.iter().map(drift).collect(),
            expected,
        });
    }

    fn missing(&mut self, instance: &Instance) {
        let expected = self.expectation(Some(&instance.address), &instance.id, &[]);
        let coverage = &mut self.report.coverage;
        coverage.missing += 1;
        coverage.expected += usize::from(expected.is_some());
        self.report.missing.push(MissingObject {
            finding: finding("missing", &key(instance)),
            address: instance.address.to_string(),
            kind: instance.address.kind().to_owned(),
            id: instance.id.clone(),
            expected,
        });
    }

    /// Returns why a finding is expected, if it is, and counts it for the expectations that it is of.
    fn expectation(
        &mut self,
        address: Option<&Address>,
        id: &str,
        attributes: &[String],
    ) -> Option<Expected> {
        let (list, now) = (self.input.expected, self.input.now);
        for index in covering(list, address, id, attributes) {
            if let (Some(expectation), Some(findings)) =
                (list.get(index), self.findings.get_mut(index))
            {
                *findings += 1;
                if !expectation.is_over(now) {
                    let (reason, until) = (expectation.reason.clone(), expectation.until.clone());
                    return Some(Expected { reason, until });
                }
            }
        }
        None
    }

    /// Lists live objects that the state does not own. What an unfinished operation makes is owned.
    fn strangers(&mut self) {
        let snapshot = self.input.snapshot;
        let recorded = snapshot.instances.values();
        let mut owned: BTreeSet<(&str, &str)> =
            recorded.map(|i| (i.address.kind(), i.id.as_str())).collect();
        // Packages that a gateway was made with are its own.
        for gateway in snapshot.instances.values().filter(|i| i.address.kind() == "nat_gateway") {
            let made = made_with(&gateway.object).into_iter();
            owned.extend(made.map(|id| ("bandwidth_package", id)));
        }
        let open = snapshot.open.iter();
        owned.extend(open.filter_map(|e| Some((e.address.kind(), e.object_id.as_deref()?))));
        let gateways: BTreeSet<&str> = snapshot
            .instances
            .values()
            .filter(|i| i.address.kind() == "nat_gateway")
            .map(|i| i.id.as_str())
            .collect();
        for stranger in unmanaged(self.lists.all(), &owned) {
            // Only tables that the state knows are read; gateways and packages are read by region.
            let of = stranger.object.text("nat_gateway_id").unwrap_or_default();
            let within_managed = match stranger.kind {
                "nat_gateway" => false,
                "bandwidth_package" => gateways.contains(of),
                _ => true,
            };
            let resource = self.kinds.get(stranger.kind).map(|kind| kind.resource);
            let expected = self.expectation(None, &stranger.id, &[]);
            let coverage = &mut self.report.coverage;
            coverage.unmanaged += 1;
            coverage.expected += usize::from(expected.is_some());
            self.report.unmanaged.push(UnmanagedObject {
                finding: finding("unmanaged", &format!("{}|{}", stranger.kind, stranger.id)),
                kind: stranger.kind.to_owned(),
                import_id: resource.and_then(|r| r.import_id(&stranger.object)),
                attributes: shape::object(Some(&stranger.object), self.input.show_sensitive),
                id: stranger.id,
                region: stranger.region,
                within_managed,
                expected,
            });
        }
    }
}

fn key(instance: &Instance) -> String {
    match &instance.deposed {
        Some(deposed) => format!("{}|{deposed}", instance.address),
        None => instance.address.to_string(),
    }
}

/// Names a finding by what it is about.
fn finding(what: &str, subject: &str) -> String {
    let mut name = sha256_hex(format!("{what}|{subject}").as_bytes());
    name.truncate(12);
    name
}
