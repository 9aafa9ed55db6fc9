//! The resource types against the emulator: what they compile settles, and what is read back is what
//! was planned.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use natform::api::call::Call;
use natform::api::catalogue::Edition;
use natform::api::client::{Client, ClientSettings};
use natform::api::credentials::Credentials;
use natform::api::endpoint::Endpoint;
use natform::api::log::{Level, LogEntry, RequestLog};
use natform::api::sleep::VirtualSleep;
use natform::emulator::{Emulator, InProcess, Settings, Timings};
use natform::environment::{Clock, Environment, ManualClock, MemoryFiles, SeededIds, Timestamp};
use natform::refresh::read_lists;
use natform::resources::bandwidth_package::in_use;
use natform::resources::{
    self, ChangeRequest, Listings, Live, Object, ReadScope, ResourceType, Settled, Step, Wanted,
};
use natform::value::Value;

const REGION: &str = "cn-qingdao";
const VSWITCH: &str = "vsw-emulator-a-qingdao";

struct Silent;

impl RequestLog for Silent {
    fn level(&self) -> Level {
        Level::Off
    }
    fn record(&self, _: &LogEntry) {}
}

struct Bench {
    client: Client,
    clock: ManualClock,
}

impl Bench {
    fn new(edition: Edition, read_lag_ms: u64, timings: Timings) -> Self {
        let clock = ManualClock::at(Timestamp(1_700_000_000_000));
        let timings = Timings { read_lag_ms, ..timings };
        let settings = Settings { edition, timings, ..Settings::default() };
        let emulator = Emulator::open(settings, Arc::new(clock.clone())).unwrap();
        let environment = Environment {
            clock: Arc::new(clock.clone()),
            ids: Arc::new(SeededIds::new(1)),
            files: Arc::new(MemoryFiles::default()),
            variables: Arc::default(),
            working_directory: "/".into(),
        };
        let settings = ClientSettings::new(Endpoint::Embedded, Credentials::test_account(), REGION);
        let client = Client::new(
            settings,
            Arc::new(InProcess::new(Arc::new(emulator))),
            &environment,
            Arc::new(VirtualSleep::new(clock.clone())),
            Arc::new(Silent),
        );
        Self { client, clock }
    }

    /// Sends a call; returns what its answer gives.
    async fn send(&self, step: &Step, object: &Object) -> Object {
        let mut call = Call::new(step.action).with("RegionId", REGION);
        for parameter in &step.parameters {
            let text = parameter.value.as_str().or(object.text("id")).unwrap();
            call = call.with(&parameter.name, text);
        }
        let answer = self.client.send(&call).await.unwrap_or_else(|error| panic!("{error}"));
        let mut made = resources::all().into_iter().map(|t| t.created(step.action, &answer.body));
        made.find(|object| !object.is_empty()).unwrap_or_default()
    }

    async fn lists(&self, scopes: &[ReadScope]) -> Listings {
        let deadline = self.clock.now().after(Duration::from_secs(60));
        read_lists(&self.client, scopes, deadline).await
    }

    /// Sends a call and waits until it is settled; returns the object, none when it is gone.
    async fn run(&self, ty: &dyn ResourceType, step: &Step, object: &Object) -> Option<Object> {
        let object = self.send(step, object).await.over(object);
        let wanted = match step.wanted.clone() {
            Wanted::Present { scope, id: None, values } => Wanted::Present {
                scope: scope.or_else(|| ty.scopes(REGION, &object).into_iter().next()),
                id: object.text("id").map(str::to_owned),
                values,
            },
            other => other,
        };
        for _ in 0..500 {
            let lists = self.lists(&ty.settling(&wanted)).await;
            match ty.settled(&wanted, &ty.observed(&wanted, &object, &lists)) {
                Settled::Ready(object) => return Some(object),
                Settled::Gone => return None,
                Settled::Failed(why) => panic!("{why}"),
                Settled::Busy(_) => self.clock.advance(Duration::from_secs(2)),
            }
        }
        panic!("{} does not settle", step.action);
    }

    async fn apply(
        &self,
        ty: &dyn ResourceType,
        prior: Option<&Object>,
        planned: Option<&Object>,
    ) -> Option<Object> {
        let mut object = planned.or(prior).cloned();
        for step in ty.compile(&ChangeRequest { region: REGION, prior, planned }) {
            object = self.run(ty, &step, &object.unwrap()).await;
        }
        object
    }

    async fn live(&self, ty: &dyn ResourceType, recorded: &Object) -> Live {
        ty.live(recorded, &self.lists(&ty.scopes(REGION, recorded)).await)
    }

    async fn found(&self, ty: &dyn ResourceType, recorded: &Object) -> Object {
        match self.live(ty, recorded).await {
            Live::Found(object) => object,
            other => panic!("{other:?}"),
        }
    }

    /// Makes an object from configured attributes, and checks that a plan right after is empty.
    async fn make(&self, ty: &dyn ResourceType, configured: &Object) -> Object {
        let mut planned = configured.clone();
        ty.normalise(&mut planned);
        ty.defaults(&mut planned);
        assert_eq!(ty.validate(&planned), []);
        assert_eq!(ty.check(REGION, None, &planned), []);
        let made = self.apply(ty, None, Some(&planned)).await.unwrap();
        self.same(ty, &made, &planned).await;
        made
    }

    /// Changes an object in place, and checks that a plan right after is empty.
    async fn change(&self, ty: &dyn ResourceType, prior: &Object, planned: &Object) -> Object {
        let changed = self.apply(ty, Some(prior), Some(planned)).await.unwrap();
        self.same(ty, &changed, planned).await;
        changed
    }

    /// Checks that what is live is as recorded and as planned.
    async fn same(&self, ty: &dyn ResourceType, recorded: &Object, planned: &Object) {
        let live = self.found(ty, recorded).await;
        let kind = ty.schema().kind;
        for attribute in ty.schema().attributes.iter().filter(|a| a.is_input()) {
            if let Some(value) = planned.get(attribute.name) {
                assert_eq!(live.get(attribute.name), Some(value), "{kind}.{}", attribute.name);
            }
        }
        for (name, value) in recorded.iter() {
            assert_eq!(live.get(name), Some(value).filter(|v| !v.is_null()), "{kind}.{name}");
        }
        assert_eq!(ty.validate(&live), []);
        assert!(ty.compile(&ChangeRequest::update(REGION, &live, &live)).is_empty());
    }
}

fn object<const N: usize>(texts: [(&str, &str); N]) -> Object {
    texts.into_iter().map(|(name, text)| (name.into(), Value::from(text))).collect()
}

fn with(object: &Object, name: &str, value: impl Into<Value>) -> Object {
    let mut object = object.clone();
    object.set(name, value.into());
    object
}

fn ty(kind: &str) -> &'static dyn ResourceType {
    resources::lookup(kind).unwrap()
}

/// A gateway with a package of two addresses.
async fn gateway_and_package(bench: &Bench) -> (Object, Object) {
    let gateway =
        object([("vpc_id", "vpc-emulator-qingdao"), ("name", "edge"), ("description", "of it")]);
    let gateway = bench.make(ty("nat_gateway"), &gateway).await;
    let bigger = with(&with(&gateway, "spec", "XLarge.1"), "name", "bigger");
    let gateway = bench.change(ty("nat_gateway"), &gateway, &bigger).await;
    let package = object([("nat_gateway_id", gateway.text("id").unwrap())]);
    let package = with(&with(&package, "bandwidth", 5_i64), "ip_count", 2_i64);
    let package = bench.make(ty("bandwidth_package"), &package).await;
    assert_eq!(package.texts("public_ip_addresses").unwrap().len(), 2);
    (gateway, package)
}

/// Two DNAT entries on the first and the fourth address.
async fn forward_entries(bench: &Bench, gateway: &Object, addresses: &[String]) -> [Object; 2] {
    let entry = |address: &str, ports: [&str; 2], internal: &str, protocol: &str| {
        object([
            ("forward_table_id", gateway.text("forward_table_id").unwrap()),
            ("external_ip", address),
            ("external_port", ports[0]),
            ("internal_ip", internal),
            ("internal_port", ports[1]),
            ("ip_protocol", protocol),
        ])
    };
    let one = entry(&addresses[0], ["443", "8443"], "192.168.1.10", "TCP");
    let one = bench.make(ty("forward_entry"), &with(&one, "forward_entry_name", "web")).await;
    let changed = with(&with(&one, "external_port", "444"), "ip_protocol", "udp");
    let one = bench.change(ty("forward_entry"), &one, &changed).await;
    let all = entry(&addresses[3], ["any", "any"], "192.168.1.11", "any");
    [one, bench.make(ty("forward_entry"), &all).await]
}

/// An SNAT entry that shrinks from the third and second address to the second.
async fn snat_entry(bench: &Bench, gateway: &Object, addresses: &[String]) -> Object {
    let pool = ty("snat_entry").schema().attribute("snat_ip").unwrap();
    let entry = object([
        ("snat_table_id", gateway.text("snat_table_id").unwrap()),
        ("source_vswitch_id", VSWITCH),
    ]);
    let text = format!("{},{}", addresses[2], addresses[1]);
    let entry = with(&entry, "snat_ip", pool.coerce(&Value::from(text.as_str())));
    let entry = bench.make(ty("snat_entry"), &entry).await;
    let one = pool.coerce(&Value::from(addresses[1].as_str()));
    bench.change(ty("snat_entry"), &entry, &with(&entry, "snat_ip", one)).await
}

/// The package with another number of addresses; those in `used` are given up last.
async fn resized(bench: &Bench, package: &Object, count: i64, used: &BTreeSet<String>) -> Object {
    let mut planned = with(package, "ip_count", count);
    ty("bandwidth_package").foresee("a", Some(package), &mut planned, used);
    bench.change(ty("bandwidth_package"), package, &planned).await
}

async fn converted(bench: &Bench, gateway: &Object, package: &Object) -> Object {
    let kind = ty("bandwidth_package");
    let used = in_use(&bench.found(kind, package).await);
    let shared = with(package, "convert_to_shared", true);
    let package = bench.apply(kind, Some(package), Some(&shared)).await.unwrap();
    assert!(package.text("common_bandwidth_package_id").unwrap().starts_with("cbwp-"));
    let live = bench.found(kind, &package).await;
    assert_eq!(live.texts("public_ip_addresses"), package.texts("public_ip_addresses"));
    assert!(live.flag("convert_to_shared"));
    assert_eq!(in_use(&live), used);

    // Where its answer was never recorded it is still found, by its addresses.
    let mut before = with(&package, "convert_to_shared", false);
    before.remove("common_bandwidth_package_id");
    let scopes = [kind.scopes(REGION, &before), ty("nat_gateway").scopes(REGION, gateway)].concat();
    let lists = bench.lists(&scopes).await;
    let Live::Found(found) = kind.live(&before, &lists) else { panic!("it is gone") };
    assert!(found.flag("convert_to_shared"));

    let kind = ty("nat_gateway");
    let now = bench.found(kind, gateway).await;
    let enhanced = with(&with(&now, "nat_type", "Enhanced"), "vswitch_id", VSWITCH);
    assert!(kind.check(REGION, Some(&now), &enhanced).is_empty());
    bench.change(kind, &now, &enhanced).await
}

async fn scenario(edition: Edition, read_lag_ms: u64, timings: Timings) {
    let bench = Bench::new(edition, read_lag_ms, timings);
    let (mut gateway, package) = gateway_and_package(&bench).await;
    let grown = resized(&bench, &package, 30, &BTreeSet::new()).await;
    let addresses = grown.texts("public_ip_addresses").unwrap();
    assert_eq!(addresses[..2], package.texts("public_ip_addresses").unwrap());

    let [one, all] = forward_entries(&bench, &gateway, &addresses).await;
    let snat = snat_entry(&bench, &gateway, &addresses).await;
    let package = bench.found(ty("bandwidth_package"), &grown).await;
    let used = in_use(&package);
    assert_eq!(used.len(), 3);
    let package = resized(&bench, &package, 5, &used).await;
    let kept: BTreeSet<String> =
        package.texts("public_ip_addresses").unwrap().into_iter().collect();
    assert!(kept.is_superset(&used));

    if edition == Edition::V2020_09_25 {
        gateway = converted(&bench, &gateway, &package).await;
    }
    for (kind, recorded) in
        [("forward_entry", &one), ("forward_entry", &all), ("snat_entry", &snat)]
    {
        assert!(bench.apply(ty(kind), Some(recorded), None).await.is_none());
        assert!(matches!(bench.live(ty(kind), recorded).await, Live::Absent));
    }
    if edition == Edition::V2019_07_19 {
        assert!(bench.apply(ty("bandwidth_package"), Some(&package), None).await.is_none());
    }
    let forced = with(&gateway, "force", true);
    assert!(bench.apply(ty("nat_gateway"), Some(&forced), None).await.is_none());
    assert!(matches!(bench.live(ty("forward_entry"), &one).await, Live::Absent));
}

#[tokio::test]
async fn everything_settles_as_planned() {
    scenario(Edition::V2020_09_25, 0, Timings::default()).await;
}

#[tokio::test]
async fn everything_settles_when_it_takes_long_and_lists_lag() {
    scenario(Edition::V2020_09_25, 5000, Timings::documented()).await;
}

#[tokio::test]
async fn everything_settles_as_planned_in_the_2019_edition() {
    scenario(Edition::V2019_07_19, 0, Timings::default()).await;
}
