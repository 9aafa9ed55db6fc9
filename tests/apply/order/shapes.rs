//! Each shape in which keys, places and addresses change hands, in one plan: many requests at a time
//! that take their time, no refusal, the configuration in the end, and nothing left to plan.

use natform::emulator::Settings;
use natform::emulator::world::conditions::Quotas;
use natform::plan::{Change, ChangeKind, Plan, Reason};

use super::judge::world;
use crate::bench::Bench;
use crate::latency::Latency;

/// A world with VPCs `vpc-0` to `vpc-2`, and `vpc-3` where gateways can be converted.
pub(super) fn bench(seed: u64) -> Bench {
    let start = Some(world(&Quotas::default()));
    let mut bench = Bench::new(Settings { start, seed: Some(1), ..Settings::default() });
    bench.regions.insert("north", "cn-qingdao");
    bench.latency = Some(Latency::new(bench.clock.clone(), seed, 400));
    bench.parallelism = 16;
    bench
}

/// Applies one configuration and then another. Returns the second plan.
fn leads(before: &str, after: &str) -> Plan {
    let mut last = None;
    for seed in 1..=2 {
        let bench = bench(seed);
        bench.converge(before);
        bench.emulator.forget_calls();
        let program = bench.program(after);
        let plan = bench.plan(&program);
        let outcome = bench.carry_out(&program, &plan, None).unwrap();
        assert!(outcome.is_success(), "{outcome:#?}");
        assert_eq!(bench.refusals(), Vec::<String>::new());
        bench.assert_converged(after);
        last = Some(plan);
    }
    last.unwrap()
}

/// Returns how many instances are replaced, and how many because of a circle.
fn replaced(plan: &Plan) -> (usize, usize) {
    let all = plan.changes.iter().filter(|c| matches!(c.kind, ChangeKind::Replace { .. }));
    let circle = |r: &Reason| matches!(r, Reason::KeyCycle { .. });
    (all.clone().count(), all.filter(|c| c.reasons.iter().any(circle)).count())
}

pub(super) fn gateway(name: &str, more: &str) -> String {
    let vpc = if more.contains("vpc_id") { "" } else { "  vpc_id = \"vpc-0\"\n" };
    format!("resource \"nat_gateway\" \"{name}\" {{\n{vpc}{more}}}\n")
}

pub(super) fn package(name: &str, gateway: &str, ips: usize, more: &str) -> String {
    format!(
        "resource \"bandwidth_package\" \"{name}\" {{\n  nat_gateway_id = nat_gateway.{gateway}.id\n  \
         bandwidth = 5\n  ip_count = {ips}\n{more}}}\n"
    )
}

/// A DNAT entry of gateway `g` on an address of package `p`.
pub(super) fn dnat(name: &str, ip: usize, port: usize, inside: usize) -> String {
    format!(
        "resource \"forward_entry\" \"{name}\" {{\n  forward_table_id = \
         nat_gateway.g.forward_table_id\n  external_ip = \
         bandwidth_package.p.public_ip_addresses[{ip}]\n  external_port = {port}\n  internal_ip = \
         \"192.168.1.10\"\n  internal_port = {inside}\n  ip_protocol = \"tcp\"\n}}\n"
    )
}

/// An SNAT entry of gateway `g` with addresses of package `p`.
pub(super) fn snat(name: &str, ips: &[usize], source: &str) -> String {
    let argument = if source.contains('/') { "source_cidr" } else { "source_vswitch_id" };
    format!(
        "resource \"snat_entry\" \"{name}\" {{\n  snat_table_id = nat_gateway.g.snat_table_id\n  \
         snat_ip = [for i in {ips:?} : bandwidth_package.p.public_ip_addresses[i]]\n  \
         {argument} = \"{source}\"\n}}\n"
    )
}

/// Writes something more into the block that a text ends with.
pub(super) fn with(block: &str, more: &str) -> String {
    format!("{}  {more}\n}}\n", block.strip_suffix("}\n").unwrap())
}

/// Providers, gateway `g` with package `p` of four addresses, and more.
pub(super) fn edge(more: &[String]) -> String {
    let rest = gateway("g", "") + &package("p", "g", 4, "");
    file(&[rest, more.concat()])
}

pub(super) fn file(parts: &[String]) -> String {
    let providers = "provider \"alicloud\" {\n  region = \"cn-hangzhou\"\n  endpoint = \"emulator\"\n}\n\
                     provider \"alicloud\" {\n  alias = \"north\"\n  region = \"cn-qingdao\"\n  \
                     endpoint = \"emulator\"\n}\n";
    format!("{providers}{}", parts.concat())
}

/// Entries `a`, `b`, … with these outer and inner ports.
pub(super) fn ports(pairs: &[(usize, usize)]) -> Vec<String> {
    let names = ('a'..='z').zip(pairs);
    names.map(|(name, (port, inside))| dnat(&name.to_string(), 0, *port, *inside)).collect()
}

#[test]
fn chains_need_no_delete() {
    let plan = leads(
        &edge(&ports(&[(1, 1), (2, 2), (3, 3), (4, 4)])),
        &edge(&ports(&[(9, 2), (1, 3), (2, 4), (3, 9)])),
    );
    // Outer keys go one way and inner keys the other: each two wait for each other.
    assert_eq!(replaced(&plan), (2, 2));
    let plan = leads(
        &edge(&ports(&[(1, 1), (2, 2), (3, 3), (4, 4)])),
        &edge(&ports(&[(9, 9), (1, 1), (2, 2), (3, 3)])),
    );
    assert_eq!(replaced(&plan), (0, 0));
}

#[test]
fn a_chain_ends_with_a_delete() {
    let after = ports(&[(1, 1), (1, 1), (2, 2), (3, 3)]);
    let plan = leads(&edge(&ports(&[(1, 1), (2, 2), (3, 3), (4, 4)])), &edge(&after[1..]));
    assert_eq!(replaced(&plan), (0, 0));
}

#[test]
fn outer_keys_inner_keys_and_both_are_swapped() {
    let before = edge(&ports(&[(1, 1), (2, 2)]));
    for after in [[(2, 1), (1, 2)], [(1, 2), (2, 1)], [(2, 2), (1, 1)]] {
        assert_eq!(replaced(&leads(&before, &edge(&ports(&after)))), (1, 1));
    }
}

#[test]
fn several_go_round() {
    let before = edge(&ports(&[(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6)]));
    // A circle of three and one of two, and one that is left alone.
    let after = edge(&ports(&[(2, 1), (3, 2), (1, 3), (5, 4), (4, 5), (6, 6)]));
    assert_eq!(replaced(&leads(&before, &after)), (2, 2));
    // Outer keys go round one way, inner keys the other.
    let after = edge(&ports(&[(2, 6), (3, 1), (4, 2), (5, 3), (6, 4), (1, 5)]));
    leads(&before, &after);
}

#[test]
fn a_circle_goes_through_an_outer_key_and_an_inner_one() {
    let plan = leads(&edge(&ports(&[(1, 1), (2, 2)])), &edge(&ports(&[(2, 3), (3, 1)])));
    assert_eq!(replaced(&plan), (1, 1));
}

#[test]
fn a_protected_member_is_not_the_one_that_is_deleted() {
    let protect = |entries: &[String], which: &[usize]| {
        let all = entries.iter().enumerate().map(|(index, entry)| {
            if which.contains(&index) {
                with(entry, "lifecycle {\n    prevent_destroy = true\n  }")
            } else {
                entry.clone()
            }
        });
        edge(&all.collect::<Vec<_>>())
    };
    let (before, after) = (ports(&[(1, 1), (2, 2), (3, 3)]), ports(&[(2, 1), (3, 2), (1, 3)]));
    let plan = leads(&protect(&before, &[0, 2]), &protect(&after, &[0, 2]));
    let gone = plan.changes.iter().find(|c| matches!(c.kind, ChangeKind::Replace { .. }));
    assert_eq!(gone.unwrap().address.to_string(), "forward_entry.b");
}

#[test]
fn what_is_ignored_stays_when_a_circle_is_broken() {
    let ignore = |entries: Vec<String>, port: usize| {
        let text = with(&entries[0], "lifecycle {\n    ignore_changes = [external_port]\n  }");
        edge(&[
            text.replace("external_port = 1", &format!("external_port = {port}")),
            entries[1].clone(),
        ])
    };
    let before = ignore(ports(&[(1, 1), (2, 2)]), 1);
    let after = ignore(ports(&[(1, 2), (2, 1)]), 7);
    assert_eq!(replaced(&leads(&before, &after)), (1, 1));
    let bench = bench(3);
    bench.converge(&before);
    bench.converge(&after);
    let dump = bench.emulator.with_world(|world, _| world.dump()).unwrap();
    let mut kept: Vec<_> =
        dump.forward_entries.iter().map(|e| (&*e.external_port, &*e.internal_port)).collect();
    kept.sort_unstable();
    assert_eq!(kept, [("1", "2"), ("2", "1")]);
    // Also where its values are known only during the apply.
    let zone =
        |text: &str| text.replace("ip_count = 4", "ip_count = 4\n  zone = \"cn-hangzhou-b\"");
    leads(&before, &zone(&after));
}

#[test]
fn addresses_change_tables_one_way_and_both() {
    let both = |one: usize, other: usize| {
        edge(&[dnat("a", one, 1, 1), snat("s", &[other], "192.168.3.0/24")])
    };
    assert_eq!(replaced(&leads(&both(0, 1), &both(2, 0))), (0, 0));
    assert_eq!(replaced(&leads(&both(0, 1), &both(1, 2))), (0, 0));
    assert_eq!(replaced(&leads(&both(0, 1), &both(1, 0))), (1, 1));
}

#[test]
fn a_circle_goes_through_both_tables_and_keys() {
    let of = |ips: [usize; 4], ports: [usize; 2]| {
        edge(&[
            dnat("a", ips[0], ports[0], 1),
            dnat("b", ips[1], ports[1], 2),
            snat("s", &[ips[2]], "192.168.3.0/24"),
            snat("t", &[ips[3]], "192.168.4.0/24"),
        ])
    };
    leads(&of([0, 0, 1, 2], [1, 2]), &of([1, 1, 0, 0], [2, 1]));
    leads(&of([0, 1, 2, 3], [1, 1]), &of([2, 3, 0, 1], [1, 1]));
}

#[test]
fn sources_change_hands() {
    let of = |sources: [&str; 3]| {
        let all = ["s", "t", "u"].iter().zip(sources).enumerate();
        edge(&all.map(|(ip, (name, source))| snat(name, &[ip], source)).collect::<Vec<_>>())
    };
    let networks = ["192.168.3.0/24", "192.168.4.0/24", "192.168.5.7/32"];
    leads(&of(networks), &of([networks[1], networks[2], networks[0]]));
    let switches = ["vsw-0-a", "vsw-0-b", "192.168.3.0/24"];
    leads(&of(switches), &of([switches[1], switches[0], switches[2]]));
    // A vSwitch, whose network nothing tells before, and that network.
    leads(
        &of(["192.168.1.0/24", "192.168.2.7/32", networks[0]]),
        &of([networks[0], "vsw-0-a", "vsw-0-b"]),
    );
    leads(
        &of([networks[0], "vsw-0-a", "vsw-0-b"]),
        &of(["192.168.1.0/24", "192.168.2.7/32", networks[0]]),
    );
    // A network is divided, and put together.
    let (whole, parts) = (
        ["192.168.8.0/22", networks[0], networks[1]],
        ["192.168.8.0/24", "192.168.9.0/24", "192.168.10.0/23"],
    );
    leads(&of(whole), &of(parts));
    leads(&of(parts), &of(whole));
}

/// A table of a hundred entries, from `list` to `value`.
fn hundred(list: &str) -> String {
    edge(&[format!(
        "locals {{\n  list = {list}\n}}\nresource \"forward_entry\" \"all\" {{\n  count = 100\n  \
         forward_table_id = nat_gateway.g.forward_table_id\n  external_ip = \
         bandwidth_package.p.public_ip_addresses[local.list[count.index] % 4]\n  external_port = \
         1000 + local.list[count.index]\n  internal_ip = \"192.168.1.10\"\n  internal_port = 1000 \
         + local.list[count.index]\n  ip_protocol = \"tcp\"\n}}\n"
    )])
}

#[test]
fn a_full_table_is_shifted_and_goes_round() {
    let before = hundred("range(100)");
    // Every entry takes what the next one has, and the last one something new.
    let plan = leads(&before, &hundred("range(1, 101)"));
    assert_eq!((replaced(&plan), plan.operations.len()), ((0, 0), 100));
    // The last one takes what the first one had.
    let plan = leads(&before, &hundred("concat(range(1, 100), [0])"));
    assert_eq!((replaced(&plan), plan.operations.len()), ((1, 1), 101));
}

#[test]
fn a_hundred_go_round_two_ways() {
    // Outer keys go up and inner keys down, so that each waits for both neighbours.
    let of = |outer: usize, inner: usize| {
        edge(&[format!(
            "resource \"forward_entry\" \"all\" {{\n  count = 100\n  forward_table_id = \
             nat_gateway.g.forward_table_id\n  external_ip = \
             bandwidth_package.p.public_ip_addresses[0]\n  external_port = 1000 + (count.index + \
             {outer}) % 100\n  internal_ip = \"192.168.1.10\"\n  internal_port = 1000 + (count.index \
             + {inner}) % 100\n  ip_protocol = \"tcp\"\n}}\n"
        )])
    };
    let plan = leads(&of(0, 0), &of(1, 99));
    assert_eq!(replaced(&plan), (50, 50));
}

#[test]
fn a_full_table_gives_a_place_before_it_takes_one() {
    let of = |from: usize, name: &str| {
        edge(&[format!(
            "resource \"forward_entry\" \"all\" {{\n  for_each = toset([for i in range({from}, {}) : \
             tostring(i)])\n  forward_table_id = nat_gateway.g.forward_table_id\n  external_ip = \
             bandwidth_package.p.public_ip_addresses[0]\n  external_port = each.key\n  internal_ip = \
             \"192.168.1.10\"\n  internal_port = each.key\n  ip_protocol = \"tcp\"\n  \
             forward_entry_name = each.key == \"50\" ? \"{name}\" : \"entry\"\n}}\n",
            from + 100
        )])
    };
    // One goes and one comes, and one is replaced.
    let plan = leads(&of(1, "one"), &of(2, "other"));
    assert_eq!((replaced(&plan).0, plan.operations.len()), (1, 4));
    leads(&of(1, "one"), &of(40, "one"));
}

#[test]
fn a_package_grows_its_entries_move_and_another_goes() {
    let on = |text: String, package: &str| {
        text.replace("bandwidth_package.p.", &format!("bandwidth_package.{package}."))
    };
    let before = file(&[
        gateway("g", ""),
        package("p", "g", 1, ""),
        package("q", "g", 2, ""),
        on(dnat("a", 0, 1, 1), "q"),
        on(dnat("b", 0, 2, 2), "q"),
        on(snat("s", &[1], "192.168.3.0/24"), "q"),
    ]);
    let moved =
        [dnat("a", 0, 1, 1), dnat("b", 1, 2, 2), snat("s", &[2], "192.168.3.0/24")].concat();
    let after =
        |rest: String| file(&[gateway("g", ""), package("p", "g", 3, ""), rest, moved.clone()]);
    leads(&before, &after(String::new()));
    leads(&before, &after(package("q", "g", 1, "")));
    // It grows, and its entries leave the address that it gives up afterwards.
    let of = |ips: usize, index: usize| {
        file(&[
            gateway("g", ""),
            package("p", "g", ips, ""),
            dnat("a", index, 1, 1),
            dnat("b", index, 2, 2),
        ])
    };
    let bench = bench(1);
    for text in [of(1, 0), of(2, 1), of(1, 0), of(3, 2), of(1, 0)] {
        bench.converge(&text);
        bench.assert_converged(&text);
    }
    assert_eq!(bench.refusals(), Vec::<String>::new());
}

/// Fifty entries of both kinds on two packages, the first of them in a zone, with so many more
/// packages.
fn fifty(zone: &str, more: usize) -> String {
    let entries = (0..46).map(|i| dnat(&format!("e{i}"), i % 2, 100 + i, 100 + i));
    let sources =
        (0..4).map(|i| snat(&format!("s{i}"), &[2, 3], &format!("192.168.{}.0/24", 10 + i)));
    let packages = (0..more).map(|i| package(&format!("m{i}"), "g", 1, ""));
    file(&[
        gateway("g", ""),
        package("p", "g", 4, &format!("  zone = \"cn-hangzhou-{zone}\"\n")),
        packages.collect::<String>(),
        entries.chain(sources).collect::<String>(),
    ])
}

#[test]
fn a_package_is_replaced_under_fifty_entries() {
    let plan = leads(&fifty("a", 0), &fifty("b", 0));
    assert_eq!((replaced(&plan), plan.operations.len()), ((1, 0), 52));
    // There is no place for a second one: they are made again.
    let plan = leads(&fifty("a", 3), &fifty("b", 3));
    assert_eq!((replaced(&plan), plan.operations.len()), ((51, 0), 102));
}

#[test]
fn a_gateway_is_replaced_with_all_that_it_holds() {
    let of = |gateway: &str| fifty("a", 1).replace("vpc_id = \"vpc-0\"", gateway);
    let plan = leads(&of("vpc_id = \"vpc-0\""), &of("vpc_id = \"vpc-1\""));
    assert_eq!(replaced(&plan).0, 53);
    let enhanced = of("vpc_id = \"vpc-0\"\n  nat_type = \"Enhanced\"\n  vswitch_id = \"vsw-0-a\"");
    leads(&enhanced, &of("vpc_id = \"vpc-0\""));
}

#[test]
fn gateways_take_over_default_routes() {
    let of = |vpcs: [usize; 3]| {
        let all = ["g", "h", "i"].iter().zip(vpcs);
        file(
            &all.map(|(name, vpc)| gateway(name, &format!("  vpc_id = \"vpc-{vpc}\"\n")))
                .collect::<Vec<_>>(),
        )
    };
    leads(&of([0, 1, 2]), &of([1, 2, 0]));
    let one = file(&[gateway("z", ""), gateway("h", "  vpc_id = \"vpc-1\"\n")]);
    leads(&one, &file(&[gateway("a", ""), gateway("h", "  vpc_id = \"vpc-1\"\n")]));
}

#[test]
fn entries_change_gateways_with_the_keys_of_others() {
    let on = |text: String, gateway: &str, package: &str| {
        text.replace("nat_gateway.g.", &format!("nat_gateway.{gateway}."))
            .replace("bandwidth_package.p.", &format!("bandwidth_package.{package}."))
    };
    let of = |entries: [(&str, &str); 4]| {
        let names = ["a", "b", "c", "d"].iter().zip(entries).enumerate();
        let entries = names.map(|(i, (name, (gateway, package)))| {
            on(dnat(name, 0, 1 + i % 2, 1 + i % 2), gateway, package)
        });
        file(&[
            gateway("g", ""),
            gateway("h", "  vpc_id = \"vpc-1\"\n"),
            package("p", "g", 2, ""),
            package("q", "h", 2, ""),
            entries.collect::<String>(),
            snat("s", &[1], "192.168.3.0/24"),
        ])
    };
    let (g, h) = (("g", "p"), ("h", "q"));
    leads(&of([g, g, h, h]), &of([h, g, g, h]));
    leads(&of([g, g, h, h]), &of([h, h, g, g]));
}

/// A gateway where types can be converted, with packages and entries on both.
fn north(enhanced: bool, shared: [bool; 2], entries: &[String]) -> String {
    let own = if enhanced {
        "  nat_type = \"Enhanced\"\n  vswitch_id = \"vsw-3-a\"\n"
    } else {
        "  nat_type = \"Normal\"\n"
    };
    let convert = |shared| format!("  convert_to_shared = {shared}\n");
    let all = [
        gateway("g", &format!("  vpc_id = \"vpc-3\"\n{own}")),
        package("p", "g", 3, &convert(shared[0])),
        package("q", "g", 1, &convert(shared[1])),
        entries.concat(),
    ];
    file(&all.map(|text| text.replace("\" {\n", "\" {\n  provider = alicloud.north\n"))).replace(
        "provider \"alicloud\" {\n  provider = alicloud.north\n",
        "provider \"alicloud\" {\n",
    )
}

#[test]
fn packages_and_their_gateway_are_converted_while_keys_change_hands() {
    let entries = |pairs: &[(usize, usize)], ips: [usize; 2]| {
        let mut all = ports(pairs);
        all.push(dnat("x", ips[0], 9, 9));
        all.push(snat("s", &[ips[1]], "192.168.3.0/24"));
        all
    };
    let before = entries(&[(1, 1), (2, 2)], [1, 2]);
    let after = entries(&[(2, 1), (1, 2)], [2, 1]);
    leads(&north(false, [false, false], &before), &north(true, [true, true], &after));
    leads(&north(false, [true, false], &before), &north(true, [true, true], &before));
    leads(&north(false, [false, false], &before), &north(false, [true, false], &after));
}

#[test]
fn a_package_that_is_shared_gives_its_place_to_another() {
    let of = |shared: bool, more: usize| {
        let packages = (0..more).map(|i| package(&format!("m{i}"), "g", 1, ""));
        file(&[
            gateway("g", ""),
            package("p", "g", 2, &format!("  convert_to_shared = {shared}\n")),
            packages.collect::<String>(),
            dnat("a", 1, 1, 1),
        ])
    };
    leads(&of(false, 3), &of(true, 4));
    // One that is shared at once needs a place before all others do.
    let bench = bench(1);
    bench.converge(&of(true, 4));
    bench.assert_converged(&of(true, 4));
    assert_eq!(bench.refusals(), Vec::<String>::new());
}

#[test]
fn entries_go_to_a_package_that_takes_the_place_of_theirs() {
    let of = |name: &str| {
        let package = |name: &str| package(name, "g", 2, "");
        let packages = [name, "m", "n", "o"].map(package).concat();
        let all = [packages, dnat("a", 0, 1, 1), dnat("b", 1, 2, 2)];
        file(&[gateway("g", ""), all.concat().replace("package.p.", &format!("package.{name}."))])
    };
    let plan = leads(&of("p"), &of("q"));
    let placed = |c: &&Change| c.reasons.iter().any(|r| matches!(r, Reason::PlaceCycle { .. }));
    assert_eq!((replaced(&plan).0, plan.changes.iter().filter(placed).count()), (2, 2));
}

#[test]
fn entries_are_renamed_and_swap_at_once() {
    let moved = |from: &str, to: &str| {
        format!("moved {{\n  from = forward_entry.{from}\n  to = forward_entry.{to}\n}}\n")
    };
    let before = edge(&ports(&[(1, 1), (2, 2)]));
    let after = ports(&[(0, 0), (1, 1), (2, 2)]);
    let plan = leads(&before, &(edge(&after[1..]) + &moved("a", "c")));
    assert_eq!(replaced(&plan), (1, 1));
    let after = ports(&[(0, 0), (0, 0), (2, 2), (1, 1)]);
    let plan = leads(&before, &(edge(&after[2..]) + &moved("a", "c") + &moved("b", "d")));
    assert_eq!((replaced(&plan), plan.operations.len()), ((1, 1), 3));
    let plan = leads(&before, &(edge(&after[2..]) + &moved("a", "d") + &moved("b", "c")));
    assert_eq!(plan.operations.len(), 0);
}

#[test]
fn an_entry_may_be_created_before_its_old_self_goes() {
    let first = "lifecycle {\n    create_before_destroy = true\n  }\n  forward_entry_name = ";
    let of = |port: usize, inside: usize, name: &str| {
        let entry = with(&dnat("a", 0, port, inside), &format!("{first}\"{name}\""));
        edge(&[entry, dnat("b", 0, 9, 9)])
    };
    let plan = leads(&of(1, 1, "one"), &of(2, 2, "other"));
    assert_eq!(plan.operations[0].action.name(), "CreateForwardEntry");
    // It takes what another has, which gets what its old self leaves: the other one is deleted first.
    let of = |name: &str, pairs: [(usize, usize); 2]| {
        let entry = with(&dnat("a", 0, pairs[0].0, pairs[0].1), &format!("{first}\"{name}\""));
        edge(&[entry, dnat("b", 0, pairs[1].0, pairs[1].1)])
    };
    let plan = leads(&of("one", [(1, 1), (2, 2)]), &of("other", [(2, 3), (1, 2)]));
    assert_eq!(replaced(&plan), (2, 1));
}

#[test]
fn an_expression_may_touch_what_is_still_being_made() {
    // The first entry needs nothing of the package, whose addresses stand in the same list.
    let of = |rest: &str| {
        edge(&[format!(
            "locals {{\n  list = [{{ ip = bandwidth_package.p.public_ip_addresses[3], table = \
             nat_gateway.g.snat_table_id, cidr = \"192.168.3.0/24\" }}, {{ ip = {rest}, table = \
             nat_gateway.g.snat_table_id, cidr = \"192.168.4.0/24\" }}]\n}}\nresource \
             \"snat_entry\" \"all\" {{\n  count = 2\n  snat_table_id = \
             local.list[count.index].table\n  snat_ip = [local.list[count.index].ip]\n  \
             source_cidr = local.list[count.index].cidr\n}}\n"
        )])
    };
    let before = of("bandwidth_package.p.public_ip_addresses[2]");
    let slow =
        package("q", "g", 1, "  zone = \"cn-hangzhou-b\"\n  depends_on = [forward_entry.w]\n");
    let after = of("bandwidth_package.q.public_ip_addresses[0]") + &slow + &dnat("w", 0, 1, 1);
    leads(&before, &after);
    leads(&file(&[]), &after);
}

#[test]
fn what_waits_by_name_waits_beside_keys() {
    let first = |text: &str, on: &str| with(text, &format!("depends_on = [forward_entry.{on}]"));
    let of = |pairs: [(usize, usize); 3]| {
        let all = ports(&pairs);
        edge(&[all[0].clone(), first(&all[1], "a"), first(&all[2], "b")])
    };
    // Keys go with the order of names, and against it.
    leads(&of([(1, 1), (2, 2), (3, 3)]), &of([(4, 1), (1, 2), (2, 3)]));
    leads(&of([(1, 1), (2, 2), (3, 3)]), &of([(2, 1), (3, 2), (4, 3)]));
}

#[test]
fn what_is_replaced_does_not_disturb_what_only_stands_beside_it_in_a_local_value() {
    let entries = |list: &str| {
        format!(
            r#"{}{}locals {{
  many = [{list}]
}}
resource "forward_entry" "e" {{
  count            = length(local.many)
  forward_table_id = nat_gateway.g.forward_table_id
  external_ip      = local.many[count.index].ip
  external_port    = local.many[count.index].port
  internal_ip      = "192.168.1.10"
  internal_port    = local.many[count.index].port
  ip_protocol      = "tcp"
}}
"#,
            gateway("g", ""),
            package("q", "g", 1, ""),
        )
    };
    let address = |package: &str, number: u32, port: u32| {
        format!(
            "{{ ip = bandwidth_package.{package}.public_ip_addresses[{number}], port = {port} }}"
        )
    };
    let before =
        entries(&address("p", 0, 1)) + &package("p", "g", 1, "  zone = \"cn-hangzhou-a\"\n");
    let list = [address("p", 1, 1), address("q", 0, 2)].join(", ");
    let after = entries(&list) + &package("p", "g", 2, "  zone = \"cn-hangzhou-b\"\n");
    let plan = leads(&before, &after);
    assert_eq!(replaced(&plan), (1, 0), "the package");
}

#[test]
fn a_package_that_is_made_anew_and_shared_at_once_leaves_its_place_to_the_next() {
    let of = |zone: &str, shared: bool| {
        let others: String = (0..3).map(|i| package(&format!("m{i}"), "g", 1, "")).collect();
        let text = format!("  zone = \"cn-hangzhou-{zone}\"\n  convert_to_shared = {shared}\n");
        gateway("g", "") + &others + &package("x", "g", 1, &text)
    };
    // Four have places.
    let after = of("b", true) + &package("y", "g", 1, "");
    assert_eq!(replaced(&leads(&of("a", false), &after)), (1, 0));
}
