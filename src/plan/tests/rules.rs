//! Rules over the whole planned world, with the lines at fault.

use super::*;
use crate::resources::ReadScope;
use crate::value::{Type, Value};

/// Says what a configuration breaks, starting from what `before` leaves.
fn said(before: &str, after: &str) -> String {
    let mut bench = Bench::applied(before);
    bench.write(after);
    bench.said()
}

fn with(parts: &[String]) -> String {
    parts.iter().fold(GATEWAY.to_owned(), |text, part| text + part)
}

#[test]
fn two_entries_with_one_key_are_both_shown() {
    let text = with(&[entry("a", 0, 80, 1), entry("b", 0, 80, 2)]);
    let said = said(GATEWAY, &text);
    assert!(
        said.contains(
            "error[duplicate-dnat-external-key] `forward_entry.a` and `forward_entry.b` both have the \
             same external address, port and protocol"
        ),
        "{said}"
    );
    // Both places are marked.
    assert_eq!(
        said.matches("at main.nat.hcl").count() + said.matches("see main.nat.hcl").count(),
        2,
        "{said}"
    );
    // Also while the address is only known by its origin.
    let fresh = Bench::new(&text).said();
    assert!(fresh.contains("duplicate-dnat-external-key"), "{fresh}");
    let inner = said_new(&[entry("a", 0, 80, 1), entry("b", 0, 81, 1)]);
    assert!(inner.contains("duplicate-dnat-internal-key"), "{inner}");
    let sources = said_new(&[snat("s", 0, "10.0.0.0/24"), snat("t", 1, "10.0.0.0/24")]);
    assert!(sources.contains("duplicate-snat-source"), "{sources}");
}

#[test]
fn what_any_covers_is_told_but_not_refused() {
    let open = |text: String, port: &str| {
        text.replace("\"tcp\"", "\"any\"").replace(port, "\"any\"").replace("\"1\"", "\"any\"")
    };
    let wide = open(entry("a", 0, 80, 1), "\"80\"");
    let covers = said_new(&[wide.clone(), entry("b", 0, 81, 2)]);
    for told in [
        "warning[any-covers] `forward_entry.a` covers the external address, port and protocol of \
         `forward_entry.b`",
        "warning[any-covers] `forward_entry.a` covers the protocol, internal address and port of \
         `forward_entry.b`",
    ] {
        assert_eq!(covers.matches(told).count(), 1, "{covers}");
    }
    assert!(!covers.contains("error["), "{covers}");
    let twice = said_new(&[wide.clone(), open(entry("b", 0, 81, 1), "\"81\"")]);
    assert!(twice.contains("error[duplicate-dnat-external-key]"), "{twice}");
    // Elsewhere it covers nothing.
    let apart = said_new(&[wide, entry("b", 1, 81, 2).replace("168.1.10", "168.1.11")]);
    assert!(!apart.contains("any-covers"), "{apart}");
}

#[test]
fn sources_that_share_addresses_are_shown_with_their_lines() {
    let overlap = said_new(&[snat("s", 0, "10.0.0.0/16"), snat("t", 1, "10.0.3.0/24")]);
    assert!(
        overlap.contains(
            "error[overlapping-snat-sources] the source network of `snat_entry.s` contains that of \
             `snat_entry.t`"
        ),
        "{overlap}"
    );
    assert_eq!(
        overlap.matches("at main.nat.hcl").count() + overlap.matches("see main.nat.hcl").count(),
        2,
        "{overlap}"
    );
    let beside = said_new(&[snat("s", 0, "10.0.0.0/24"), snat("t", 1, "10.0.1.0/24")]);
    assert!(!beside.contains("error"), "{beside}");
    // The same network is told once.
    let same = said_new(&[snat("s", 0, "10.0.0.0/24"), snat("t", 1, "10.0.0.0/24")]);
    assert!(!same.contains("overlapping"), "{same}");
    // One that is there already is met by its own network.
    let before = with(&[snat("s", 0, "10.0.0.0/16")]);
    let both = with(&[snat("s", 0, "10.0.0.0/16"), snat("t", 1, "10.0.3.7/32")]);
    let beside_it = said(&before, &both);
    assert!(beside_it.contains("overlapping-snat-sources"), "{beside_it}");
    let instead = said(&before, &with(&[snat("t", 1, "10.0.3.7/32")]));
    assert!(!instead.contains("error"), "{instead}");
}

fn said_new(parts: &[String]) -> String {
    Bench::new(&with(parts)).said()
}

#[test]
fn unmanaged_objects_are_named_by_id_and_only_new_collisions_count() {
    let mut bench = Bench::applied(&with(&[entry("a", 0, 80, 1)]));
    let a = bench.instance("forward_entry.a").object.clone();
    let stranger: Vec<(&str, Value)> =
        ["forward_table_id", "external_ip", "internal_ip", "ip_protocol"]
            .iter()
            .map(|n| (*n, a.get(n).unwrap().clone()))
            .chain([("external_port", Value::from("443")), ("internal_port", Value::from("443"))])
            .collect();
    bench.cloud.add("forward_entry", "fwd-stranger", &stranger);
    assert!(!bench.said().contains("error"), "{}", bench.said());
    let said = bench.write(&with(&[entry("a", 0, 80, 1), entry("b", 0, 443, 2)])).said();
    assert!(said.contains("`fwd-stranger` (not managed by natform)"), "{said}");
    assert!(said.contains("help: choose another value, import"), "{said}");
}

#[test]
fn quotas_count_everything_and_can_be_raised() {
    let packages = |count: usize| -> String {
        let one = |i| {
            format!(
                "resource \"bandwidth_package\" \"m{i}\" {{\n nat_gateway_id = nat_gateway.g.id\n \
                 bandwidth = 5\n ip_count = 1\n}}\n"
            )
        };
        (0..count).map(one).collect()
    };
    let mut bench = Bench::new(&format!("{GATEWAY}{}", packages(4)));
    let said = bench.said();
    assert!(
        said.contains("error[bandwidth-packages-quota] 5 bandwidth packages of one gateway"),
        "{said}"
    );
    let quotas = &mut bench.providers.get_mut("").unwrap().quotas;
    quotas.insert("bandwidth_packages_per_gateway".into(), 5);
    assert!(!bench.said().contains("error"));
    let many = GATEWAY.replace("ip_count       = 2", "ip_count = 51");
    let said = Bench::new(&many).said();
    assert!(said.contains("error[bandwidth-package-addresses-quota] 51"), "{said}");
}

#[test]
fn one_normal_gateway_a_vpc() {
    let two = "resource \"nat_gateway\" \"a\" { vpc_id = \"vpc-1\" }\n\
               resource \"nat_gateway\" \"b\" { vpc_id = \"vpc-1\" }\n";
    let said = Bench::new(two).said();
    assert!(
        said.contains("error[second-normal-gateway] VPC `vpc-1` would hold 2 Normal gateways"),
        "{said}"
    );
    let mixed = two.replacen(
        "{ vpc_id = \"vpc-1\" }",
        "{\n vpc_id = \"vpc-1\"\n nat_type = \"Enhanced\"\n vswitch_id = \"vsw-1\"\n}",
        1,
    );
    assert!(!Bench::new(&mixed).said().contains("error"));
    let mut bench = Bench::new("resource \"nat_gateway\" \"a\" { vpc_id = \"vpc-1\" }");
    let attributes = [("vpc_id", Value::from("vpc-1")), ("nat_type", Value::from("Normal"))];
    bench.cloud.add("nat_gateway", "ngw-stranger", &attributes);
    assert!(bench.said().contains("`ngw-stranger` (not managed by natform)"));
}

#[test]
fn an_address_serves_one_table() {
    let text = with(&[entry("a", 0, 80, 1), snat("s", 0, "10.0.0.0/24")]);
    let said = said(GATEWAY, &text);
    assert!(said.contains("error[address-in-dnat-and-snat]"), "{said}");
    assert!(Bench::new(&text).said().contains("error[address-in-dnat-and-snat]"));
}

#[test]
fn the_service_may_allow_both_uses_of_a_bound_address() {
    let text = |port: u32, more: &str| {
        format!(
            "resource \"nat_gateway\" \"g\" {{ vpc_id = \"vpc-1\" }}\n{}{}",
            entry("a", 0, port, 1)
                .replace("bandwidth_package.p.public_ip_addresses[0]", "\"8.8.8.8\"")
                .replace("\"tcp\"", &format!("\"tcp\"\n{more}")),
            snat("s", 0, "10.0.0.0/24")
                .replace("bandwidth_package.p.public_ip_addresses[0]", "\"8.8.8.8\"")
        )
    };
    let mut bench = Bench::applied("resource \"nat_gateway\" \"g\" { vpc_id = \"vpc-1\" }");
    let id = bench.id("nat_gateway.g");
    let bound = |enabled: bool| {
        let ip = Value::object_of([
            ("ip_address", Value::from("8.8.8.8")),
            ("allocation_id", Value::from("eip-1")),
            ("using_status", Value::from("Idle")),
            ("snat_entry_enabled", Value::from(enabled)),
        ]);
        Value::list(Type::Any, [ip])
    };
    bench.cloud.edit(&id, "ip_lists", bound(false));
    assert!(bench.write(&text(80, "")).said().contains("address-in-dnat-and-snat"));
    bench.cloud.edit(&id, "ip_lists", bound(true));
    assert!(!bench.said().contains("error"), "{}", bench.said());
    let said = bench.write(&text(8080, "")).said();
    assert!(said.contains("set `port_break = true`"), "{said}");
    assert!(!bench.write(&text(8080, "port_break = true")).said().contains("error"));
}

#[test]
fn addresses_belong_to_the_gateway_of_the_table() {
    let literal = |ip: &str| {
        entry("a", 0, 80, 1)
            .replace("bandwidth_package.p.public_ip_addresses[0]", &format!("\"{ip}\""))
    };
    let mut bench = Bench::applied(GATEWAY);
    let own = bench.instance("bandwidth_package.p").object.texts("public_ip_addresses").unwrap();
    assert!(!bench.write(&with(&[literal(&own[0])])).said().contains("error"));
    let said = bench.write(&with(&[literal("9.9.9.9")])).said();
    assert!(
        said.contains("error[external-address-not-of-gateway] `9.9.9.9` is no public address of"),
        "{said}"
    );
    assert!(said.contains(&format!("the gateway has `{}`", own[0])), "{said}");
    // While the package grows, its addresses are not known in full: undecided.
    let grows = with(&[literal("9.9.9.9")]).replace("ip_count       = 2", "ip_count = 3");
    assert!(!bench.write(&grows).said().contains("error"));
    let pool = snat("s", 0, "10.0.0.0/24")
        .replace("bandwidth_package.p.public_ip_addresses[0]", "\"9.9.9.9\"");
    assert!(bench.write(&with(&[pool])).said().contains("error[snat-address-not-of-gateway]"));
}

#[test]
fn a_pool_is_of_one_package() {
    let second = "resource \"bandwidth_package\" \"q\" {\n nat_gateway_id = nat_gateway.g.id\n \
                  bandwidth = 5\n ip_count = 1\n}\n";
    let pool = snat("s", 0, "10.0.0.0/24").replace(
        "[bandwidth_package.p.public_ip_addresses[0]]",
        "[bandwidth_package.p.public_ip_addresses[0], bandwidth_package.q.public_ip_addresses[0]]",
    );
    let base = format!("{GATEWAY}{second}");
    let said = said(&base, &format!("{base}{pool}"));
    assert!(said.contains("error[snat-pool-of-several-packages]"), "{said}");
}

#[test]
fn an_address_in_use_stays() {
    let text = with(&[entry("a", 0, 80, 1), entry("b", 1, 81, 2)]);
    let mut bench = Bench::applied(&text);
    let ips = bench.instance("bandwidth_package.p").object.texts("public_ip_addresses").unwrap();
    let smaller = text
        .replace("ip_count       = 2", "ip_count = 1")
        .replace("bandwidth_package.p.public_ip_addresses[1]", &format!("\"{}\"", ips[1]));
    let said = bench.write(&smaller).said();
    assert!(said.contains("error[address-in-use] `bandwidth_package.p` gives up"), "{said}");
    assert!(said.contains("`forward_entry.b`"), "{said}");
    // Without its entry it is the idle one that goes, also from the middle.
    let idle = with(&[entry("b", 0, 81, 2)]).replace("ip_count       = 2", "ip_count = 1");
    let plan = bench.write(&idle).apply();
    let package = change(&plan, "bandwidth_package.p");
    assert_eq!(
        package.after.as_ref().unwrap().texts("public_ip_addresses").unwrap(),
        [ips[1].clone()]
    );
    assert!(
        package.remarks.iter().any(|r| r.contains("public_ip_addresses[1]")),
        "{:?}",
        package.remarks
    );
    // The entry keeps its address; only the index shifts.
    assert_eq!(change(&plan, "forward_entry.b").kind, ChangeKind::NoOp);
}

#[test]
fn a_gateway_goes_when_it_is_empty_or_forced() {
    let mut bench = Bench::applied(GATEWAY);
    let table = bench.instance("nat_gateway.g").object.text("forward_table_id").unwrap().to_owned();
    bench.cloud.add(
        "forward_entry",
        "fwd-stranger",
        &[
            ("forward_table_id", Value::from(table.as_str())),
            ("external_ip", Value::from("1.1.1.1")),
        ],
    );
    bench.options.mode = PlanMode::Destroy;
    let said = bench.said();
    assert!(said.contains("error[gateway-not-empty] `nat_gateway.g` cannot be deleted"), "{said}");
    assert!(said.contains("fwd-stranger"), "{said}");
    bench.instance_mut("nat_gateway.g").object.set("force", Value::from(true));
    let plan = bench.plan();
    let gateway = change(&plan, "nat_gateway.g");
    assert_eq!(gateway.remarks, ["takes along `fwd-stranger` (not managed by natform) (`force`)"]);
    assert!(gateway.impacts.contains(&crate::resources::Impact::ReleasesAddress));
}

#[test]
fn lists_that_only_judge_may_fail() {
    let mut bench = Bench::applied(GATEWAY);
    let table = bench.instance("nat_gateway.g").object.text("forward_table_id").unwrap().to_owned();
    let region = "cn-hangzhou".to_owned();
    bench.cloud.failing.insert(ReadScope::ForwardEntries { region: region.clone(), table });
    let plan = bench.write(&with(&[entry("a", 0, 80, 1)])).plan();
    assert_eq!(changes(&plan), "create forward_entry.a\n");
    // Those of recorded objects may not.
    bench.cloud.failing.insert(ReadScope::Gateways { region });
    let said = bench.said();
    assert!(
        said.contains("error[cannot-read] cannot read the NAT gateways of `cn-hangzhou`"),
        "{said}"
    );
    assert!(said.contains("the service is away"), "{said}");
}

#[test]
fn vswitches_are_of_the_gateways_vpc() {
    let text = format!(
        "resource \"nat_gateway\" \"other\" {{\n vpc_id = \"vpc-2\"\n nat_type = \"Enhanced\"\n \
         vswitch_id = \"vsw-9\"\n}}\n{GATEWAY}{}",
        snat("s", 0, "x").replace("source_cidr   = \"x\"", "source_vswitch_id = \"vsw-9\"")
    );
    assert!(Bench::new(&text).said().contains("error[vswitch-outside-vpc]"));
}

#[test]
fn what_is_made_in_must_exist() {
    let text = entry("a", 0, 80, 1)
        .replace("nat_gateway.g.forward_table_id", "\"ftb-nowhere\"")
        .replace("bandwidth_package.p.public_ip_addresses[0]", "\"1.2.3.4\"");
    let said = Bench::new(&text).said();
    assert!(said.contains("error[no-such-parent] there is no `ftb-nowhere`"), "{said}");
    let package = GATEWAY.split("resource \"bandwidth_package\"").nth(1).unwrap();
    let package = format!("resource \"bandwidth_package\"{package}")
        .replace("nat_gateway.g.id", "\"ngw-nowhere\"");
    assert!(Bench::new(&package).said().contains("there is no `ngw-nowhere`"));
    // Also in one that this very plan deletes.
    let mut bench = Bench::applied("resource \"nat_gateway\" \"g\" { vpc_id = \"vpc-1\" }");
    let table = bench.instance("nat_gateway.g").object.text("forward_table_id").unwrap().to_owned();
    let said = bench.write(&text.replace("ftb-nowhere", &table)).said();
    assert!(said.contains("error[gateway-not-empty]"), "{said}");
}
