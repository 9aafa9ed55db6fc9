//! Scans of recorded objects against scripted lists.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::api::catalogue::Edition;
use crate::environment::Timestamp;
use crate::plan::ProviderContext;
use crate::refresh::{DataRead, Reader};
use crate::resources::{Listing, Listings, Object, ReadScope};
use crate::state::{Instance, Service, Snapshot, Status};
use crate::value::{Name, Value};

#[derive(Default)]
struct Script {
    lists: Listings,
    asked: RefCell<Vec<String>>,
}

impl Reader for Script {
    fn lists(&self, _: &str, scopes: &[ReadScope]) -> Listings {
        self.asked.borrow_mut().extend(scopes.iter().map(ToString::to_string));
        let listing = |scope: &ReadScope| {
            self.lists.get(scope).cloned().unwrap_or(Listing::Rows(BTreeMap::new()))
        };
        scopes.iter().map(|scope| (scope.clone(), listing(scope))).collect()
    }

    fn data(&self, _: &DataRead) -> Result<Object, String> {
        Err("a scan reads no data sources".to_owned())
    }
}

fn object(attributes: &[(&str, &str)]) -> Object {
    attributes.iter().map(|(name, text)| (Name::from(*name), Value::from(*text))).collect()
}

fn gateway(name: &str) -> Object {
    object(&[
        ("id", "ngw-1"),
        ("vpc_id", "vpc-1"),
        ("name", name),
        ("forward_table_id", "ftb-1"),
        ("snat_table_id", "stb-1"),
        ("status", "Available"),
    ])
}

fn entry(id: &str, port: &str) -> Object {
    object(&[
        ("id", id),
        ("forward_table_id", "ftb-1"),
        ("external_ip", "1.2.3.4"),
        ("external_port", port),
        ("internal_ip", "192.168.1.1"),
        ("internal_port", port),
        ("ip_protocol", "tcp"),
    ])
}

struct Case {
    snapshot: Snapshot,
    script: Script,
    providers: BTreeMap<Name, ProviderContext>,
    expected: Vec<Expectation>,
    now: Timestamp,
    allow_missing: bool,
}

impl Case {
    /// Two recorded objects, as they live.
    fn new() -> Self {
        let context = ProviderContext {
            service: Service::Real,
            region: "cn-hangzhou".into(),
            edition: Edition::default(),
            quotas: BTreeMap::new(),
        };
        let mut case = Self {
            snapshot: Snapshot::default(),
            script: Script::default(),
            providers: BTreeMap::from([("".into(), context)]),
            expected: Vec::new(),
            now: Timestamp(1_800_000_000_000),
            allow_missing: false,
        };
        case.record("nat_gateway.g", "ngw-1", gateway("edge"));
        case.record("forward_entry.a", "fwd-1", entry("fwd-1", "80"));
        case.live("nat_gateway", &[("ngw-1", gateway("edge"))]);
        case.live("forward_entry", &[("fwd-1", entry("fwd-1", "80"))]);
        case
    }

    fn record(&mut self, address: &str, id: &str, object: Object) {
        let instance = Instance {
            address: address.parse().unwrap(),
            deposed: None,
            id: id.into(),
            status: Status::Ready,
            object,
            dependencies: Vec::new(),
            provider: "".into(),
            region: "cn-hangzhou".into(),
            service: Service::Real,
            schema_version: 1,
            create_before_destroy: false,
            prevent_destroy: false,
        };
        self.snapshot.instances.insert(instance.key(), instance);
    }

    fn live(&mut self, kind: &str, rows: &[(&str, Object)]) {
        let region = "cn-hangzhou".to_owned();
        let scope = match kind {
            "nat_gateway" => ReadScope::Gateways { region },
            "bandwidth_package" => ReadScope::BandwidthPackages { region },
            "forward_entry" => ReadScope::ForwardEntries { region, table: "ftb-1".into() },
            _ => ReadScope::SnatEntries { region, table: "stb-1".into() },
        };
        let rows = rows.iter().map(|(id, object)| ((*id).to_owned(), object.clone())).collect();
        self.script.lists.insert(scope, Listing::Rows(rows));
    }

    fn scan(&self) -> DriftReport {
        let input = ScanInput {
            snapshot: &self.snapshot,
            providers: &self.providers,
            expected: &self.expected,
            now: self.now,
            allow_missing: self.allow_missing,
            show_sensitive: false,
        };
        scan(input, &self.script)
    }
}

#[test]
fn nothing_has_drifted() {
    let case = Case::new();
    let report = case.scan();
    assert_eq!(report.status, DriftStatus::InSync);
    assert_eq!((report.coverage.recorded, report.coverage.in_sync), (2, 2));
    assert_eq!(report.coverage.percent, 100);
    // Each list once: gateways, packages and both tables.
    let asked: BTreeSet<String> = case.script.asked.borrow().iter().cloned().collect();
    assert_eq!((asked.len(), case.script.asked.borrow().len()), (4, 4));
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<DriftReport>(&text).unwrap(), report);
}

#[test]
fn changed_missing_and_unmanaged_are_told_apart() {
    let mut case = Case::new();
    let mut changed = gateway("other");
    changed.set("status", Value::from("Modifying"));
    case.live("nat_gateway", &[("ngw-1", changed), ("ngw-9", gateway("strange"))]);
    case.live("forward_entry", &[("fwd-7", entry("fwd-7", "443"))]);
    let report = case.scan();
    assert_eq!(report.status, DriftStatus::Drifted);
    let gateway = &report.changed[0];
    assert_eq!(gateway.address, "nat_gateway.g");
    let names: Vec<&str> = gateway.attributes.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["name"], "volatile attributes are no drift");
    assert_eq!(
        (gateway.attributes[0].recorded.as_str(), gateway.attributes[0].live.as_str()),
        (Some("edge"), Some("other"))
    );
    assert_eq!(report.missing[0].address, "forward_entry.a");
    let ids: Vec<&str> = report.unmanaged.iter().map(|u| u.id.as_str()).collect();
    assert_eq!(ids, ["fwd-7", "ngw-9"]);
    assert_eq!(report.unmanaged[0].import_id.as_deref(), Some("ftb-1:fwd-7"));
    assert_eq!(report.coverage.percent, 33);
    // Somebody else's gateway is listed; only the entry in a table of ours is drift.
    let within: Vec<bool> = report.unmanaged.iter().map(|u| u.within_managed).collect();
    assert_eq!(within, [true, false]);
    // The same findings have the same names in every scan, and no two of them one.
    assert_eq!(case.scan(), report);
    assert_ne!(report.changed[0].finding, report.missing[0].finding);
}

#[test]
fn sensitive_values_are_masked() {
    let mut case = Case::new();
    let recorded = case.snapshot.instances.get_mut(&("nat_gateway.g".parse().unwrap(), None));
    let secret = Value::from("geheim").with_sensitive(true);
    recorded.unwrap().object.set("name", secret);
    case.live("nat_gateway", &[("ngw-1", gateway("auch-geheim"))]);
    let text = serde_json::to_string(&case.scan()).unwrap();
    assert!(!text.contains("geheim"), "{text}");
}

#[test]
fn a_scan_that_cannot_read_is_neither_clean_nor_drifted() {
    let mut case = Case::new();
    let scope = ReadScope::ForwardEntries { region: "cn-hangzhou".into(), table: "ftb-1".into() };
    case.script.lists.insert(scope, Listing::Failed("denied".into()));
    let report = case.scan();
    assert_eq!(report.status, DriftStatus::Failed);
    assert_eq!(report.failures[0].why, "denied");
    assert_eq!((report.coverage.in_sync, report.coverage.unread), (1, 1));

    let mut case = Case::new();
    case.providers.get_mut("").unwrap().service = Service::Embedded("w".into());
    let report = case.scan();
    assert_eq!(report.status, DriftStatus::Failed);
    assert!(case.script.asked.borrow().is_empty(), "nothing is asked of the wrong service");

    let mut case = Case::new();
    case.live("nat_gateway", &[]);
    case.live("forward_entry", &[]);
    assert_eq!(case.scan().status, DriftStatus::Failed, "the wrong account");
    case.allow_missing = true;
    assert_eq!(case.scan().status, DriftStatus::Drifted);
}

#[test]
fn expected_drift_does_not_count_until_it_ends() {
    let mut case = Case::new();
    case.live("nat_gateway", &[("ngw-1", gateway("other"))]);
    case.live("forward_entry", &[("fwd-9", entry("fwd-9", "443"))]);
    case.expected = expectations(
        r#"[
            {"address": "nat_gateway.g", "attributes": ["name"], "reason": "named by hand"},
            {"address": "forward_entry.a", "reason": "removed for the night"},
            {"id": "fwd-9", "reason": "another team's", "until": "2027-01-15"}
        ]"#,
    )
    .unwrap();
    case.now = Timestamp(1_799_971_200_000 + 86_399_999);
    let report = case.scan();
    assert_eq!(report.status, DriftStatus::InSync);
    assert_eq!(report.coverage.expected, 3);
    assert_eq!(report.changed[0].expected.as_ref().unwrap().reason, "named by hand");
    let fates = |report: &DriftReport| -> Vec<(ExpectationStatus, usize)> {
        report.expectations.iter().map(|e| (e.status, e.findings)).collect()
    };
    assert_eq!(fates(&report), [(ExpectationStatus::Met, 1); 3]);
    case.now = Timestamp(1_799_971_200_000 + 86_400_000);
    let report = case.scan();
    assert_eq!(report.status, DriftStatus::Drifted, "the day is over");
    assert_eq!(fates(&report)[2], (ExpectationStatus::Expired, 1));
    // Other attributes than the expected ones count.
    case.expected[0].attributes = vec!["spec".into()];
    let report = case.scan();
    assert!(report.changed[0].expected.is_none());
    assert_eq!(fates(&report)[0], (ExpectationStatus::Unused, 0));
}

#[test]
fn mistaken_expectations_are_explained() {
    let why = |text: &str| expectations(text).unwrap_err().to_string();
    assert!(why("{}").starts_with("it is not a list of expectations"));
    assert_eq!(why(r#"[{"reason": "x"}]"#), "entry 1: it needs either `address` or `id`");
    assert!(why(r#"[{"address": "a", "reason": "x"}]"#).contains("is not an address"));
    assert_eq!(why(r#"[{"id": "x", "reason": " "}]"#), "entry 1: `reason` is empty");
    let day = why(r#"[{"id": "x", "reason": "y", "until": "tomorrow"}]"#);
    assert!(day.contains("is not a day such as"), "{day}");
}
