//! Tests of list reads over a scripted service.

mod odd;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::api::client::{Client, ClientSettings};
use crate::api::credentials::Credentials;
use crate::api::endpoint::Endpoint;
use crate::api::http::{BoxFuture, HttpRequest, HttpResponse, Transport, TransportError};
use crate::api::log::{Level, LogEntry, RequestLog};
use crate::api::signature::decode_pairs;
use crate::api::sleep::VirtualSleep;
use crate::environment::{Environment, ManualClock, MemoryFiles, SeededIds, Timestamp};
use crate::resources::Listing;

type Parameters = BTreeMap<String, String>;
type Handler = dyn Fn(usize, &Parameters) -> (u16, Json) + Send + Sync;

/// A service that answers by a function of the number of the call and its parameters.
struct Fake {
    handler: Box<Handler>,
    calls: Mutex<Vec<Parameters>>,
}

impl Transport for Fake {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        let query = request.target.trim_start_matches("/?");
        let parameters: Parameters = decode_pairs(query).unwrap().into_iter().collect();
        let number = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(parameters.clone());
            calls.len() - 1
        };
        let (status, body) = (self.handler)(number, &parameters);
        let body = body.to_string().into_bytes();
        Box::pin(async move { Ok(HttpResponse { status, headers: Vec::new(), body }) })
    }
}

struct Silent;

impl RequestLog for Silent {
    fn level(&self) -> Level {
        Level::Off
    }

    fn record(&self, _: &LogEntry) {}
}

struct Bench {
    client: Client,
    fake: Arc<Fake>,
    clock: ManualClock,
}

impl Bench {
    fn new(handler: impl Fn(usize, &Parameters) -> (u16, Json) + Send + Sync + 'static) -> Self {
        let clock = ManualClock::at(Timestamp(0));
        let environment = Environment {
            clock: Arc::new(clock.clone()),
            ids: Arc::new(SeededIds::new(1)),
            files: Arc::new(MemoryFiles::default()),
            variables: Arc::default(),
            working_directory: "/".into(),
        };
        let fake = Arc::new(Fake { handler: Box::new(handler), calls: Mutex::default() });
        let settings =
            ClientSettings::new(Endpoint::Embedded, Credentials::test_account(), "cn-hangzhou");
        let sleeper = Arc::new(VirtualSleep::new(clock.clone()));
        let client = Client::new(settings, fake.clone(), &environment, sleeper, Arc::new(Silent));
        Self { client, fake, clock }
    }

    fn list(&self) -> Listing {
        block_on(read_list(&self.client, &gateways(), Timestamp(60_000))).listing
    }

    fn ids(&self) -> Vec<String> {
        match self.list() {
            Listing::Rows(rows) => rows.into_keys().collect(),
            other => panic!("{other:?}"),
        }
    }

    fn pages(&self) -> Vec<u64> {
        let calls = self.fake.calls.lock().unwrap();
        let mut pages: Vec<u64> =
            calls.iter().map(|call| call["PageNumber"].parse().unwrap()).collect();
        pages.sort_unstable();
        pages
    }

    fn count(&self) -> usize {
        self.fake.calls.lock().unwrap().len()
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn gateways() -> ReadScope {
    ReadScope::Gateways { region: "cn-hangzhou".to_owned() }
}

fn answer(ids: &[String], total: Option<usize>) -> (u16, Json) {
    let rows: Vec<Json> = ids.iter().map(|id| json!({ "NatGatewayId": id })).collect();
    let mut body = json!({ "RequestId": "r", "NatGateways": { "NatGateway": rows } });
    if let Some(total) = total {
        body["TotalCount"] = json!(total);
    }
    (200, body)
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("ngw-{n:04}")).collect()
}

/// Answers a page of a list, at most `most` rows each.
fn paged(ids: &[String], parameters: &Parameters, most: usize) -> (u16, Json) {
    let number: usize = parameters["PageNumber"].parse().unwrap();
    let size: usize = parameters["PageSize"].parse().unwrap();
    let size = size.min(most);
    let page: Vec<String> = ids.iter().skip((number - 1) * size).take(size).cloned().collect();
    answer(&page, Some(ids.len()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_list_costs_its_pages_whatever_the_order_of_its_rows(
        count in 0_usize..420,
        seed in any::<u64>(),
        most in prop::sample::select(vec![7_usize, 10, 50, 100]),
    ) {
        let mut ids = names(count);
        // A shuffle that follows from the seed.
        ids.sort_by_key(|id| {
            let number: u64 = id[4..].parse().unwrap();
            number.wrapping_add(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        });
        let bench = Bench::new(move |_, parameters| paged(&ids, parameters, most));
        prop_assert_eq!(bench.ids(), names(count));
        let size = most.min(50);
        prop_assert_eq!(bench.count(), count.div_ceil(size).max(1));
        let pages: Vec<u64> = (1..=count.div_ceil(size).max(1) as u64).collect();
        prop_assert_eq!(bench.pages(), pages);
    }

    #[test]
    fn a_list_that_changes_now_and_then_is_still_read_right(
        count in 51_usize..240,
        changes in prop::collection::btree_set(0_usize..9, 0..3),
    ) {
        // With each of these calls a row is added in front: rows move to the next page.
        let bench = Bench::new(move |number, parameters| {
            let added = changes.iter().filter(|at| **at <= number).count();
            let mut ids: Vec<String> = (0..added).map(|n| format!("ngw-0-{n}")).collect();
            ids.extend(names(count));
            paged(&ids, parameters, 50)
        });
        let read = bench.ids();
        let base = read.iter().filter(|id| !id.starts_with("ngw-0-")).count();
        prop_assert_eq!(base, count);
        // What was there before the last attempt began is there.
        prop_assert_eq!(read.iter().collect::<BTreeSet<_>>().len(), read.len());
    }
}

#[test]
fn a_list_that_never_holds_still_is_reported() {
    let bench = Bench::new(|number, parameters| {
        let ids = names(100 + number);
        paged(&ids, parameters, 50)
    });
    let Listing::Failed(why) = bench.list() else { panic!("it cannot be read") };
    assert!(why.starts_with("DescribeNatGateways: the list changed each of 8 times"), "{why}");
    assert!(bench.count() <= 8 * 4, "{}", bench.count());
}

#[test]
fn rows_that_come_twice_or_not_at_all_make_it_read_again() {
    // The same total, but a row slipped from the second page to the first in between.
    let ids = names(60);
    let bench = Bench::new(move |number, parameters| {
        let mut shown = ids.clone();
        if number == 1 {
            shown.rotate_right(1);
        }
        paged(&shown, parameters, 50)
    });
    assert_eq!(bench.ids(), names(60));
    assert_eq!(bench.count(), 4);

    let ids = names(60);
    let bench = Bench::new(move |number, parameters| match number {
        0 => answer(&[], Some(60)),
        1 => answer(&ids[..50], Some(61)),
        2 => answer(&ids[50..], Some(60)),
        _ => paged(&ids, parameters, 50),
    });
    assert_eq!(bench.ids(), names(60));
}

#[test]
fn lists_without_a_total_are_read_to_the_first_short_page() {
    for (count, calls) in [(0, 1), (3, 1), (49, 1), (50, 2), (51, 2), (120, 3)] {
        let ids = names(count);
        let bench = Bench::new(move |_, parameters| {
            let (status, mut body) = paged(&ids, parameters, 50);
            body.as_object_mut().unwrap().remove("TotalCount");
            (status, body)
        });
        assert_eq!(bench.ids(), names(count));
        assert_eq!(bench.count(), calls, "{count}");
    }
    // Pages smaller than asked for, which the answer says.
    let ids = names(25);
    let bench = Bench::new(move |_, parameters| {
        let (status, mut body) = paged(&ids, parameters, 10);
        body.as_object_mut().unwrap().remove("TotalCount");
        body["PageSize"] = json!(10);
        (status, body)
    });
    assert_eq!((bench.ids().len(), bench.count()), (25, 3));
    // A service that knows no pages.
    let ids = names(70);
    let bench = Bench::new(move |_, _| answer(&ids, None));
    assert_eq!((bench.ids().len(), bench.count()), (70, 2));
}

fn refusal(status: u16, code: &str) -> (u16, Json) {
    (status, json!({ "RequestId": "r-1", "Code": code, "Message": "no" }))
}

#[test]
fn a_table_that_does_not_exist_is_told_from_one_that_cannot_be_read() {
    let table = |code: &'static str| {
        let bench = Bench::new(move |_, _| refusal(404, code));
        let (region, table) = ("cn-hangzhou".to_owned(), "ftb-1".to_owned());
        let scope = ReadScope::ForwardEntries { region, table };
        block_on(read_list(&bench.client, &scope, Timestamp(1000))).listing
    };
    assert!(matches!(table("InvalidForwardTableId.NotFound"), Listing::ParentGone));
    for code in ["InvalidRegionId.NotFound", "InvalidAccessKeyId.NotFound", "Other.NotFound"] {
        let Listing::Failed(why) = table(code) else { panic!("{code}") };
        assert!(why.contains(code) && why.contains("request r-1") && why.contains('\n'), "{why}");
    }
}

#[test]
fn what_may_pass_is_waited_out_and_nonsense_is_not_believed() {
    let bench = Bench::new(|number, parameters| match number {
        0 => refusal(400, "Throttling.User"),
        1 => refusal(503, "ServiceUnavailable"),
        _ => paged(&names(2), parameters, 50),
    });
    assert_eq!(bench.ids(), names(2));
    assert_eq!(bench.count(), 3);
    for body in [
        json!({ "NatGateways": { "NatGateway": [{ "Name": "no id" }] }, "TotalCount": 1 }),
        json!({ "NatGateways": { "NatGateway": [{ "NatGatewayId": "ngw-1" }] },
                "TotalCount": 18_000_000_000_000_u64 }),
    ] {
        let bench = Bench::new(move |_, _| (200, body.clone()));
        let Listing::Failed(why) = bench.list() else { panic!("it is nonsense") };
        assert!(why.contains("check the endpoint"), "{why}");
        assert_eq!(bench.count(), 1);
    }
}

#[test]
fn one_object_is_read_by_one_call() {
    let bench = Bench::new(|_, parameters| {
        answer(&[parameters["NatGatewayId"].clone(), "ngw-other".to_owned()], Some(2))
    });
    let read = block_on(read_object(&bench.client, &gateways(), "ngw-1", Timestamp(1000))).listing;
    let Listing::Rows(rows) = read else { panic!("it is there") };
    assert_eq!(rows.into_keys().collect::<Vec<_>>(), ["ngw-1"]);
    assert_eq!(bench.count(), 1);
}

fn reader(bench: &Bench, runtime: &tokio::runtime::Runtime) -> ServiceReader {
    let clock = Arc::new(bench.clock.clone());
    ServiceReader::new(runtime.handle().clone(), clock)
        .with_provider("", bench.client.clone())
        .with_patience(Duration::from_secs(5))
}

#[test]
fn the_reader_reads_many_lists_each_once_on_any_runtime() {
    let single = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let several = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    for runtime in [single, several] {
        let bench = Bench::new(|_, parameters| {
            let table = &parameters["ForwardTableId"];
            let rows: Vec<Json> = (0..3)
                .map(|n| json!({ "ForwardEntryId": format!("fwd-{table}-{n}"), "IpProtocol": "TCP" }))
                .collect();
            (200, json!({ "ForwardTableEntries": { "ForwardTableEntry": rows }, "TotalCount": 3 }))
        });
        let table = |n: usize| ReadScope::ForwardEntries {
            region: "cn-hangzhou".to_owned(),
            table: format!("ftb-{n}"),
        };
        let mut scopes: Vec<ReadScope> = (0..100).map(table).collect();
        scopes.extend((0..100).map(table));
        let lists = reader(&bench, &runtime).lists("", &scopes);
        assert_eq!((lists.len(), bench.count()), (100, 100));
        let Listing::Rows(rows) = &lists[&table(7)] else { panic!("it is there") };
        assert_eq!(rows["fwd-ftb-7-0"].text("ip_protocol"), Some("tcp"));
        let lists = reader(&bench, &runtime).lists("other", &scopes[..1]);
        let Listing::Failed(why) = &lists[&table(0)] else { panic!("there is no such provider") };
        assert!(why.contains("`other`"), "{why}");
    }
}

#[test]
fn data_sources_are_read_with_their_filters() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let bench = Bench::new(|_, parameters| match parameters["Action"].as_str() {
        "DescribeNatGateways" => paged(&names(60), parameters, 50),
        "DescribeSnatTableEntries" => refusal(404, "InvalidSnatTableId.NotFound"),
        _ => refusal(403, "Forbidden.RAM"),
    });
    let reader = reader(&bench, &runtime);
    let read = |kind: &str, filter: (&str, &str)| {
        reader.data(&DataRead {
            kind: kind.to_owned(),
            provider: String::new(),
            region: "eu-west-1".to_owned(),
            parameters: [(filter.0.to_owned(), filter.1.to_owned())].into(),
        })
    };
    let object = read("nat_gateways", ("VpcId", "vpc-1")).unwrap();
    assert_eq!(object.texts("ids").unwrap(), names(60));
    assert_eq!(object.text("vpc_id"), Some("vpc-1"));
    let first = bench.fake.calls.lock().unwrap()[0].clone();
    assert_eq!((first["VpcId"].as_str(), first["RegionId"].as_str()), ("vpc-1", "eu-west-1"));
    let error = read("snat_entries", ("SnatTableId", "stb-1")).unwrap_err();
    assert_eq!(error, "the service knows none with SnatTableId `stb-1`");
    let error = read("enhanced_nat_zones", ("A", "b")).unwrap_err();
    assert!(error.contains("Forbidden.RAM"), "{error}");
    assert!(read("vpcs", ("A", "b")).unwrap_err().contains("`vpcs`"));
}
