//! How fast it answers, and that this does not depend on how much there is. Measured by hand:
//! `cargo test --release --test wire -- --ignored --nocapture --test-threads 1`.

#![expect(clippy::disallowed_methods, reason = "real time is what is measured")]
#![expect(clippy::print_stdout, reason = "whoever measures wants the figures")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Connection, Server};

const TABLES: usize = 100;
const ENTRIES_A_TABLE: usize = 100;

/// Opens a world that bears so many entries.
fn raise_quotas(server: &Server, a_table: usize) {
    let quotas = json!({"quotas": {
        "enhanced_gateways_per_vpc": 1000, "routes_per_vpc": 100_000,
        "forward_entries_per_table": a_table, "snat_entries_per_table": a_table,
    }});
    let reply = server.control("PUT", "conditions", &quotas.to_string());
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// A gateway's tables and one of its addresses.
struct Gateway {
    id: String,
    forward: String,
    snat: String,
    address: String,
}

fn gateway(server: &Server) -> Gateway {
    let made = server.ok(
        "CreateNatGateway",
        &[("VpcId", "vpc-emulator"), ("NatType", "Enhanced"), ("VSwitchId", "vsw-emulator-a")],
    );
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let id = text(&made["NatGatewayId"]);
    let body = json!({"gateway": id, "count": 1}).to_string();
    let bound = server.control("POST", "eips", &body).json();
    Gateway {
        forward: text(&made["ForwardTableIds"]["ForwardTableId"][0]),
        snat: text(&made["SnatTableIds"]["SnatTableId"][0]),
        address: text(&bound["eips"][0]["address"]),
        id,
    }
}

fn create_forward(connection: &mut Connection, gateway: &Gateway, n: usize) {
    let port = (n % 60_000 + 1).to_string();
    let internal = format!("192.168.{}.{}", n / 250 % 250, n % 250 + 1);
    let parameters = [
        ("ForwardTableId", gateway.forward.as_str()),
        ("ExternalIp", gateway.address.as_str()),
        ("ExternalPort", port.as_str()),
        ("InternalIp", internal.as_str()),
        ("InternalPort", port.as_str()),
        ("IpProtocol", "TCP"),
        ("ClientToken", &format!("forward-{}-{n}", gateway.id)),
    ];
    let reply = connection.call("CreateForwardEntry", &parameters);
    assert_eq!(reply.status, 200, "{}", reply.text());
}

fn create_snat(connection: &mut Connection, gateway: &Gateway, n: usize) {
    let source = format!("192.168.{}.{}/32", n / 256, n % 256);
    let parameters = [
        ("SnatTableId", gateway.snat.as_str()),
        ("SourceCIDR", source.as_str()),
        ("SnatIp", gateway.address.as_str()),
    ];
    let reply = connection.call("CreateSnatEntry", &parameters);
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// Does something 10,000 times. Returns what the first and the last thousand took.
fn ends(mut act: impl FnMut(usize)) -> (Duration, Duration) {
    let mut thousands = Vec::new();
    for thousand in 0..10 {
        let begun = Instant::now();
        (thousand * 1000..(thousand + 1) * 1000).for_each(&mut act);
        thousands.push(begun.elapsed());
    }
    println!("  by thousands: {thousands:.0?}");
    (thousands[0], thousands[9])
}

fn each(times: usize, mut act: impl FnMut(usize)) -> Duration {
    let begun = Instant::now();
    (0..times).for_each(&mut act);
    begun.elapsed() / u32::try_from(times).unwrap()
}

fn steady(what: &str, (first, last): (Duration, Duration)) {
    println!("{what}: first thousand {first:.0?}, last {last:.0?}");
    assert!(last < first * 2 + Duration::from_millis(300), "{what} slows down");
}

fn ten_thousand_entries(server: &Server) {
    raise_quotas(server, ENTRIES_A_TABLE);
    let mut connection = server.connect();
    let gateways: Vec<Gateway> = (0..TABLES).map(|_| gateway(server)).collect();
    let made = ends(|n| create_forward(&mut connection, &gateways[n % TABLES], n));
    steady("10,000 DNAT entries in 100 tables", made);
    raise_quotas(server, 20_000);
    let (many, sources) = (gateway(server), gateway(server));
    let made = ends(|n| create_forward(&mut connection, &many, n));
    steady("10,000 DNAT entries in one table", made);
    steady("10,000 SNAT entries in one table", ends(|n| create_snat(&mut connection, &sources, n)));
    let table = ("ForwardTableId", many.forward.as_str());
    let last = [table, ("PageSize", "50"), ("PageNumber", "200")];
    let (one, snat) = ([table, ("ExternalPort", "9999")], sources.snat.as_str());
    let source = [("SnatTableId", snat), ("SourceCIDR", "192.168.39.1/32")];
    // A page or an id costs the same in a table of any length; a filter looks at the whole table.
    let mut ask = |what: &str, action: &str, parameters: &[(&str, &str)], rows: &str| {
        let took = each(200, |_| {
            let reply = connection.call(action, parameters);
            assert!(reply.text().contains(rows), "{}", reply.text());
        });
        println!("{what}: {took:.0?} each");
        let most = if what.starts_with("filter") { 200 } else { 10 };
        assert!(took < Duration::from_millis(most), "{what}: {took:?}");
    };
    ask("page 1", "DescribeForwardTableEntries", &[table], "\"TotalCount\":10000");
    ask("page 200", "DescribeForwardTableEntries", &last, "\"TotalCount\":10000");
    ask("filter: a port", "DescribeForwardTableEntries", &one, "\"TotalCount\":1,");
    ask("filter: a source", "DescribeSnatTableEntries", &source, "\"TotalCount\":1,");
    ask("gateways", "DescribeNatGateways", &[("PageSize", "50")], "\"TotalCount\":102");
    ask("a gateway", "DescribeNatGateways", &[("NatGatewayId", &many.id)], "\"TotalCount\":1,");
    describe_rate(server, &many);
}

/// Asks for a list on several connections for some seconds.
fn describe_rate(server: &Server, gateway: &Gateway) {
    const SECONDS: u64 = 5;
    const CONNECTIONS: usize = 4;
    let (over, count) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut connection = server.connect();
                while !over.load(Ordering::Relaxed) {
                    let filter = [("NatGatewayId", gateway.id.as_str())];
                    assert_eq!(connection.call("DescribeNatGateways", &filter).status, 200);
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        std::thread::sleep(Duration::from_secs(SECONDS));
        over.store(true, Ordering::Relaxed);
    });
    let rate = count.load(Ordering::Relaxed) / SECONDS;
    println!("DescribeNatGateways: {rate} a second on {CONNECTIONS} connections");
    assert!(rate >= 5000, "{rate} a second");
}

#[test]
#[ignore = "long; run it in the release profile"]
fn a_world_in_memory_stays_fast() {
    ten_thousand_entries(&Server::instant());
}

#[test]
#[ignore = "long; run it in the release profile"]
fn a_world_in_a_file_stays_fast() {
    let folder = tempfile::tempdir().unwrap();
    ten_thousand_entries(&Server::on(&folder.path().join("world.db")));
}
