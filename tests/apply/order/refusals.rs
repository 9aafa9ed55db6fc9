//! What no order makes possible: the plan says so, and names the lines.

use natform::api::catalogue::Action;
use natform::diagnostic::Severity;

use super::shapes::{bench, dnat, edge, file, gateway, package, ports, snat, with};
use crate::bench::Bench;

/// Plans a configuration after another one was applied: there is an error of this code, and the
/// blocks that begin with these texts are among the lines that it names.
fn refuses(before: &str, after: &str, code: &str, blocks: &[&str]) {
    let bench = bench(1);
    bench.converge(before);
    refuses_now(&bench, after, code, blocks);
}

fn refuses_now(bench: &Bench, after: &str, code: &str, blocks: &[&str]) {
    let program = bench.program(after);
    let (plan, diagnostics) = bench.attempt(&program);
    let mut errors = diagnostics.iter().filter(|d| d.severity == Severity::Error);
    let error = errors.find(|d| d.code == code).unwrap_or_else(|| panic!("{diagnostics:#?}"));
    assert!(plan.errored);
    let sources = &program.configuration().sources;
    for block in blocks {
        let first = after.find(&format!("resource {block} {{")).unwrap();
        let last = first + after[first..].find("\n}\n").unwrap();
        let lines = |at: usize| after[..at].matches('\n').count() + 1;
        let named = error.labels.iter().any(|label| {
            let line = sources.position(label.span).unwrap().0;
            (lines(first)..=lines(last)).contains(&line)
        });
        assert!(named, "{block}: {error:#?}");
    }
}

const A: &str = "\"forward_entry\" \"a\"";
const B: &str = "\"forward_entry\" \"b\"";
const S: &str = "\"snat_entry\" \"s\"";
const T: &str = "\"snat_entry\" \"t\"";

#[test]
fn keys_that_two_entries_have() {
    let before = edge(&ports(&[(1, 1)]));
    refuses(&before, &edge(&ports(&[(1, 1), (1, 2)])), "duplicate-dnat-external-key", &[A, B]);
    refuses(&before, &edge(&ports(&[(1, 1), (2, 1)])), "duplicate-dnat-internal-key", &[A, B]);
    let sources = |one: &str, other: &str| edge(&[snat("s", &[0], one), snat("t", &[1], other)]);
    let (net, host) = ("192.168.3.0/24", "192.168.3.7/32");
    refuses(&before, &sources(net, net), "duplicate-snat-source", &[S, T]);
    refuses(&before, &sources("vsw-0-a", "vsw-0-a"), "duplicate-snat-source", &[S, T]);
    refuses(&before, &sources(net, host), "overlapping-snat-sources", &[S, T]);
    // With nothing there yet, and addresses that nobody knows.
    refuses(&file(&[]), &edge(&ports(&[(1, 1), (1, 2)])), "duplicate-dnat-external-key", &[A, B]);
}

#[test]
fn an_address_for_both_tables() {
    let after = edge(&[dnat("a", 1, 1, 1), snat("s", &[0, 1], "192.168.3.0/24")]);
    refuses(&file(&[]), &after, "address-in-dnat-and-snat", &[A, S]);
    // Only one of the two is new, or changed.
    refuses(&edge(&[dnat("a", 1, 1, 1)]), &after, "address-in-dnat-and-snat", &[A, S]);
    let before = edge(&[snat("s", &[0, 1], "192.168.3.0/24")]);
    refuses(&before, &after, "address-in-dnat-and-snat", &[A, S]);
    let before = edge(&[dnat("a", 2, 1, 1), snat("s", &[0, 1], "192.168.3.0/24")]);
    refuses(&before, &after, "address-in-dnat-and-snat", &[A, S]);
}

#[test]
fn an_address_of_another_gateway() {
    let gateways = [gateway("g", ""), gateway("h", "  vpc_id = \"vpc-1\"\n")].concat();
    let packages = [package("p", "h", 2, ""), package("q", "g", 2, "")].concat();
    let there = file(&[gateways.clone(), packages.clone()]);
    let entries = [dnat("a", 0, 1, 1), snat("s", &[1], "192.168.3.0/24")].concat();
    let after = file(&[gateways, packages, entries]);
    // Addresses that are known, and such as are still to come.
    for before in [&there, &file(&[])] {
        refuses(before, &after, "external-address-not-of-gateway", &[A]);
        refuses(before, &after, "snat-address-not-of-gateway", &[S]);
    }
}

#[test]
fn a_pool_of_two_packages() {
    let pool = "snat_ip = [bandwidth_package.p.public_ip_addresses[0], \
                bandwidth_package.q.public_ip_addresses[0]]";
    let text = snat("s", &[0], "192.168.3.0/24");
    let line = text.lines().find(|line| line.contains("snat_ip")).unwrap().trim();
    let there = edge(&[package("q", "g", 1, "")]);
    let after = edge(&[package("q", "g", 1, ""), text.replace(line, pool)]);
    for before in [&there, &file(&[])] {
        refuses(before, &after, "snat-pool-of-several-packages", &[S]);
    }
}

#[test]
fn a_pool_of_a_package_and_a_bound_address() {
    let bench = bench(1);
    bench.converge(&edge(&[]));
    let snapshot = bench.snapshot();
    let gateway = &snapshot.instances[&("nat_gateway.g".parse().unwrap(), None)].id;
    let bound = bench.emulator.with_world(|world, _| world.bind_eips(gateway, 1, None)).unwrap();
    let pool = format!("[bandwidth_package.p.public_ip_addresses[0], \"{}\"]", bound[0].address);
    let text = snat("s", &[0], "192.168.3.0/24");
    let list = text.lines().find_map(|line| line.trim().strip_prefix("snat_ip = ")).unwrap();
    let after = edge(&[text.replace(list, &pool)]);
    refuses_now(&bench, &after, "snat-pool-of-several-packages", &[S]);
}

#[test]
fn more_than_there_are_places() {
    let many = |count: usize| {
        let pairs: Vec<String> = (1..=count).map(|i| dnat(&format!("e{i}"), 0, i, i)).collect();
        edge(&pairs)
    };
    let block = "\"forward_entry\" \"e101\"";
    refuses(&many(100), &many(101), "dnat-entries-quota", &[block]);
    let packages = |count: usize| {
        let all = (0..count).map(|i| package(&format!("m{i}"), "g", 1, ""));
        edge(&all.collect::<Vec<_>>())
    };
    let block = "\"bandwidth_package\" \"m3\"";
    refuses(&packages(3), &packages(4), "bandwidth-packages-quota", &[block]);
    // Places are taken one after the other: what is shared at once needs one, too.
    let shared = packages(3) + &package("x", "g", 1, "  convert_to_shared = true\n");
    let block = "\"bandwidth_package\" \"x\"";
    refuses(&packages(3), &shared, "bandwidth-packages-quota", &[block]);
    let bench = bench(1);
    bench.converge(&packages(3));
    let (_, diagnostics) = bench.attempt(&bench.program(&shared));
    assert_eq!(diagnostics.iter().count(), 1, "{diagnostics:#?}");
}

#[test]
fn an_entry_that_cannot_be_created_first() {
    let of = |name: &str, pair: (usize, usize)| {
        let first = "lifecycle {\n    create_before_destroy = true\n  }\n  forward_entry_name = ";
        with(&dnat("a", 0, pair.0, pair.1), &format!("{first}\"{name}\""))
    };
    for after in [(1, 1), (1, 2), (2, 1)] {
        let (before, after) = (edge(&[of("one", (1, 1))]), edge(&[of("two", after)]));
        refuses(&before, &after, "cannot-create-first", &[A]);
    }
    // In a full table there is no place for both.
    let rest: Vec<String> = (10..109).map(|i| dnat(&format!("e{i}"), 1, i, i)).collect();
    let full = |name: &str, pair: (usize, usize)| {
        let first = "lifecycle {\n    create_before_destroy = true\n  }\n  forward_entry_name = ";
        edge(&[with(&dnat("a", 0, pair.0, pair.1), &format!("{first}\"{name}\"")), rest.concat()])
    };
    refuses(&full("one", (1, 1)), &full("two", (2, 2)), "cannot-create-first", &[A]);
}

#[test]
fn a_package_that_is_shared_at_once_cannot_be_created_first_without_a_place() {
    let of = |zone: &str, shared: bool| {
        let packages = (0..3).map(|i| package(&format!("m{i}"), "g", 1, ""));
        let first = "  lifecycle {\n    create_before_destroy = true\n  }\n";
        let text =
            format!("  zone = \"cn-hangzhou-{zone}\"\n  convert_to_shared = {shared}\n{first}");
        file(&[gateway("g", ""), packages.collect::<String>(), package("x", "g", 1, &text)])
    };
    let block = "\"bandwidth_package\" \"x\"";
    for shared in [false, true] {
        refuses(&of("a", false), &of("b", shared), "cannot-create-first", &[block]);
    }
}

#[test]
fn a_circle_of_protected_entries() {
    let of = |pairs: &[(usize, usize)]| {
        let all = ports(pairs);
        let protect = |entry: &String| with(entry, "lifecycle {\n    prevent_destroy = true\n  }");
        edge(&all.iter().map(protect).collect::<Vec<_>>())
    };
    refuses(&of(&[(1, 1), (2, 2)]), &of(&[(2, 1), (1, 2)]), "cyclic-order", &[A, B]);
}

#[test]
fn a_second_normal_gateway() {
    let one = file(&[gateway("g", "")]);
    let two = file(&[gateway("g", ""), gateway("h", "")]);
    let blocks = ["\"nat_gateway\" \"g\"", "\"nat_gateway\" \"h\""];
    refuses(&one, &two, "second-normal-gateway", &blocks);
}

#[test]
fn what_somebody_else_holds() {
    let bench = bench(1);
    bench.converge(&edge(&[]));
    let snapshot = bench.snapshot();
    let object = |name: &str| &snapshot.instances[&(name.parse().unwrap(), None)].object;
    let table = object("nat_gateway.g").text("forward_table_id").unwrap().to_owned();
    let ip = object("bandwidth_package.p").texts("public_ip_addresses").unwrap()[0].clone();
    let parameters = [
        ("ForwardTableId", &*table),
        ("ExternalIp", &*ip),
        ("ExternalPort", "1"),
        ("InternalIp", "192.168.1.10"),
        ("InternalPort", "1"),
        ("IpProtocol", "TCP"),
    ];
    bench.try_outsider("cn-hangzhou", Action::CreateForwardEntry, &parameters).unwrap();
    bench.clock.advance(std::time::Duration::from_secs(10));
    refuses_now(&bench, &edge(&ports(&[(1, 2)])), "duplicate-dnat-external-key", &[A]);
    refuses_now(&bench, &edge(&ports(&[(2, 1)])), "duplicate-dnat-internal-key", &[A]);
    let after = edge(&[snat("s", &[0], "192.168.3.0/24")]);
    refuses_now(&bench, &after, "address-in-dnat-and-snat", &[S]);
    // The address is not given up under it.
    let none = file(&[gateway("g", "")]);
    let program = bench.program(&none);
    let (_, diagnostics) = bench.attempt(&program);
    assert!(diagnostics.iter().any(|d| d.code == "address-in-use"), "{diagnostics:#?}");
}
