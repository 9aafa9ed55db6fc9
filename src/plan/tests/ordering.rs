//! The order of operations: what is vacated before it is taken, what goes before what it stands on.

use super::*;
use crate::value::Value;

/// The gateway with these DNAT entries: name, index of the address, port, port inside.
fn with(entries: &[(&str, usize, u32, u32)]) -> String {
    let entries = entries.iter().map(|(name, ip, port, inside)| entry(name, *ip, *port, *inside));
    entries.fold(GATEWAY.to_owned(), |text, entry| text + &entry)
}

/// Applies `before`, then `after` in the first and in the last order that the plan allows.
fn both_ways(before: &str, after: &str) -> Plan {
    let mut last = Bench::applied(before);
    last.write(after).apply_in(|_, ready| ready[ready.len() - 1]);
    assert_eq!(changes(&last.plan()), "");
    let mut first = Bench::applied(before);
    let plan = first.write(after).apply();
    assert_eq!(changes(&first.plan()), "");
    plan
}

#[test]
fn a_key_is_vacated_before_it_is_taken() {
    // A chain: a leaves 80, b takes it, c takes what b had.
    let plan = both_ways(
        &with(&[("a", 0, 80, 1), ("b", 0, 81, 2), ("c", 0, 82, 3)]),
        &with(&[("a", 0, 90, 1), ("b", 0, 80, 2), ("c", 0, 81, 3)]),
    );
    assert_eq!(
        operations(&plan),
        "0 ModifyForwardEntry forward_entry.a\n\
         1 ModifyForwardEntry forward_entry.b <- 0\n\
         2 ModifyForwardEntry forward_entry.c <- 1\n"
    );
}

#[test]
fn a_deleted_entry_leaves_its_key_to_a_new_one() {
    let plan = both_ways(&with(&[("z", 0, 80, 1)]), &with(&[("a", 0, 80, 1)]));
    assert_eq!(
        operations(&plan),
        "0 DeleteForwardEntry forward_entry.z\n1 CreateForwardEntry forward_entry.a <- 0\n"
    );
}

#[test]
fn a_source_is_taken_after_the_network_around_it_is_left() {
    let text = |cidr: &str, name: &str| GATEWAY.to_owned() + &snat(name, 0, cidr);
    for (before, after) in [("10.0.0.0/16", "10.0.3.0/24"), ("10.0.3.0/24", "10.0.0.0/16")] {
        let plan = both_ways(&text(before, "z"), &text(after, "a"));
        assert_eq!(
            operations(&plan),
            "0 DeleteSnatEntry snat_entry.z\n1 CreateSnatEntry snat_entry.a <- 0\n"
        );
    }
    let plan = both_ways(&text("10.0.0.0/16", "z"), &text("10.1.0.0/16", "a"));
    assert!(!operations(&plan).contains("<-"), "{}", operations(&plan));
}

#[test]
fn two_entries_swap_ports_by_deleting_one_first() {
    let plan = both_ways(
        &with(&[("a", 0, 80, 1), ("b", 0, 81, 2)]),
        &with(&[("a", 0, 81, 1), ("b", 0, 80, 2)]),
    );
    assert_eq!(
        changes(&plan),
        "delete+create forward_entry.a (key_cycle)\nupdate forward_entry.b\n"
    );
    assert_eq!(
        change(&plan, "forward_entry.a").reasons,
        [Reason::KeyCycle { with: vec!["forward_entry.b".into()] }]
    );
    assert_eq!(
        operations(&plan),
        "0 DeleteForwardEntry forward_entry.a\n\
         1 ModifyForwardEntry forward_entry.b <- 0\n\
         2 CreateForwardEntry forward_entry.a <- 0 1\n"
    );
}

#[test]
fn a_cycle_of_three_and_one_of_two_are_each_broken_once() {
    let plan = both_ways(
        &with(&[
            ("a", 0, 80, 1),
            ("b", 0, 81, 2),
            ("c", 0, 82, 3),
            ("d", 0, 90, 4),
            ("e", 0, 91, 5),
        ]),
        &with(&[
            ("a", 0, 81, 1),
            ("b", 0, 82, 2),
            ("c", 0, 80, 3),
            ("d", 0, 91, 4),
            ("e", 0, 90, 5),
        ]),
    );
    assert_eq!(
        changes(&plan),
        "delete+create forward_entry.a (key_cycle)\nupdate forward_entry.b\n\
         update forward_entry.c\ndelete+create forward_entry.d (key_cycle)\nupdate forward_entry.e\n"
    );
}

#[test]
fn inner_keys_swap_too() {
    let plan = both_ways(
        &with(&[("a", 0, 80, 1), ("b", 0, 81, 2)]),
        &with(&[("a", 0, 80, 2), ("b", 0, 81, 1)]),
    );
    assert!(changes(&plan).starts_with("delete+create forward_entry.a (key_cycle)"));
}

#[test]
fn a_protected_entry_is_never_the_one_that_is_deleted() {
    let protect = |text: &str, name: &str| {
        let (head, tail) = text.split_once(&format!("\"forward_entry\" \"{name}\" {{")).unwrap();
        format!(
            "{head}\"forward_entry\" \"{name}\" {{\nlifecycle {{ prevent_destroy = true }}{tail}"
        )
    };
    let before = with(&[("a", 0, 80, 1), ("b", 0, 81, 2)]);
    let after = with(&[("a", 0, 81, 1), ("b", 0, 80, 2)]);
    let plan = both_ways(&protect(&before, "a"), &protect(&after, "a"));
    assert_eq!(
        changes(&plan),
        "update forward_entry.a\ndelete+create forward_entry.b (key_cycle)\n"
    );
    let mut bench = Bench::applied(&before);
    let said = bench.write(&protect(&protect(&after, "a"), "b")).said();
    assert!(said.contains("error[cyclic-order]"), "{said}");
    assert!(said.contains("main.nat.hcl"), "{said}");
}

#[test]
fn any_stands_in_the_way_of_every_port() {
    let any = with(&[("z", 0, 80, 1)]).replace("\"80\"", "\"any\"").replace("\"1\"", "\"any\"");
    let any = any.replace("\"tcp\"", "\"any\"");
    let plan = both_ways(&any, &with(&[("a", 0, 443, 1)]));
    assert_eq!(
        operations(&plan),
        "0 DeleteForwardEntry forward_entry.z\n1 CreateForwardEntry forward_entry.a <- 0\n"
    );
}

#[test]
fn an_address_goes_from_dnat_to_snat_and_back() {
    let dnat = with(&[("a", 0, 80, 1)]);
    let plan = both_ways(&dnat, &format!("{GATEWAY}{}", snat("s", 0, "10.0.0.0/24")));
    assert_eq!(
        operations(&plan),
        "0 DeleteForwardEntry forward_entry.a\n1 CreateSnatEntry snat_entry.s <- 0\n"
    );
    // Both tables change hands of both addresses: one entry is deleted first.
    let before = format!("{dnat}{}", snat("s", 1, "10.0.0.0/24"));
    let after = format!("{}{}", with(&[("a", 1, 80, 1)]), snat("s", 0, "10.0.0.0/24"));
    let plan = both_ways(&before, &after);
    assert!(changes(&plan).contains("delete+create forward_entry.a (key_cycle)"));
}

#[test]
fn a_package_grows_entries_move_and_another_shrinks() {
    let packages = |p: u32, q: u32| {
        format!(
            "{}\nresource \"bandwidth_package\" \"q\" {{\n  nat_gateway_id = nat_gateway.g.id\n  \
             bandwidth = 5\n  ip_count = {q}\n}}\n",
            GATEWAY.replace("ip_count       = 2", &format!("ip_count = {p}"))
        )
    };
    let on_q = |name: &str, ip: usize, port: u32| {
        entry(name, ip, port, port).replace("bandwidth_package.p", "bandwidth_package.q")
    };
    let plan = both_ways(
        &format!("{}{}{}", packages(1, 2), on_q("a", 1, 80), on_q("b", 0, 81)),
        &format!("{}{}{}", packages(2, 1), entry("a", 1, 80, 80), on_q("b", 0, 81)),
    );
    assert_eq!(
        operations(&plan),
        "0 AddBandwidthPackageIps bandwidth_package.p\n\
         1 ModifyForwardEntry forward_entry.a <- 0\n\
         2 RemoveBandwidthPackageIps bandwidth_package.q <- 1\n"
    );
    let package = change(&plan, "bandwidth_package.p");
    let addresses = package.after.as_ref().unwrap().get("public_ip_addresses").unwrap();
    let addresses = addresses.as_elements().unwrap();
    assert!(addresses[0].as_str().is_some() && addresses[1].is_unknown());
}

#[test]
fn a_package_in_use_is_replaced_by_creating_first() {
    let before = format!("{}{}", with(&[("a", 0, 80, 1)]), snat("s", 1, "10.0.0.0/24"));
    let before = before.replace("ip_count ", "zone = \"z-1\"\n  ip_count ");
    let after = before.replace("z-1", "z-2");
    let plan = both_ways(&before, &after);
    assert_eq!(
        changes(&plan),
        "create+delete bandwidth_package.p (cannot_update)\nupdate forward_entry.a\n\
         update snat_entry.s\n"
    );
    assert_eq!(
        operations(&plan),
        "0 CreateBandwidthPackage bandwidth_package.p\n\
         1 ModifyForwardEntry forward_entry.a <- 0\n\
         2 ModifySnatEntry snat_entry.s <- 0\n\
         3 DeleteBandwidthPackage bandwidth_package.p <- 0 1 2\n"
    );
    assert!(change(&plan, "bandwidth_package.p").remarks[0].contains("move in place"));
    assert!(plan.operations[3].deposed.is_some());
    assert_eq!(plan.operations[0].deposed, None);
}

#[test]
fn a_package_in_use_without_a_place_for_another_evicts_its_users() {
    let more: Vec<String> = (0..3)
        .map(|i| {
            format!(
                "resource \"bandwidth_package\" \"m{i}\" {{\n nat_gateway_id = nat_gateway.g.id\n \
                 bandwidth = 5\n ip_count = 1\n}}\n"
            )
        })
        .collect();
    let more = more.concat();
    let before =
        with(&[("a", 0, 80, 1)]).replace("ip_count ", "zone = \"z-1\"\n  ip_count ") + &more;
    let plan = both_ways(&before, &before.replace("z-1", "z-2"));
    assert_eq!(
        changes(&plan),
        "delete+create bandwidth_package.p (cannot_update)\n\
         delete+create forward_entry.a (dependency_replaced)\n"
    );
    assert_eq!(
        operations(&plan),
        "0 DeleteForwardEntry forward_entry.a\n\
         1 DeleteBandwidthPackage bandwidth_package.p <- 0\n\
         2 CreateBandwidthPackage bandwidth_package.p <- 1\n\
         3 CreateForwardEntry forward_entry.a <- 0 2\n"
    );
}

#[test]
fn a_full_table_gives_a_place_before_it_takes_one() {
    let all = |from: u32| -> String {
        let entries = format!(
            "resource \"forward_entry\" \"c\" {{\n  for_each = {{ for i in range({from}, {}) : \"p${{i}}\" => i }}\n  \
             forward_table_id = nat_gateway.g.forward_table_id\n  \
             external_ip = bandwidth_package.p.public_ip_addresses[0]\n  \
             external_port = 1000 + each.value\n  internal_ip = \"192.168.1.10\"\n  \
             internal_port = 1000 + each.value\n  ip_protocol = \"tcp\"\n}}\n",
            from + 100
        );
        format!(
            "{GATEWAY}{}",
            entries.replace(&format!("range({from}, {})", from + 100), &numbers(from))
        )
    };
    let plan = both_ways(&all(0), &all(3));
    assert_eq!(plan.operations.len(), 6);
    for operation in plan.operations.iter().filter(|o| o.purpose == Purpose::Create) {
        assert_eq!(operation.after.len(), 1, "each new entry waits for one place");
    }
}

/// A list of a hundred numbers, for want of functions.
fn numbers(from: u32) -> String {
    let numbers: Vec<String> = (from..from + 100).map(|n| n.to_string()).collect();
    format!("[{}]", numbers.join(", "))
}

#[test]
fn packages_are_deleted_before_the_gateway_is_converted() {
    let text = |nat_type: &str, package: &str| {
        format!(
            "resource \"nat_gateway\" \"g\" {{\n vpc_id = \"vpc-1\"\n {nat_type}\n}}\n{package}"
        )
    };
    let package = "resource \"bandwidth_package\" \"p\" {\n nat_gateway_id = nat_gateway.g.id\n \
                   bandwidth = 5\n ip_count = 1\n}\n";
    let mut bench = Bench::new(&text("nat_type = \"Normal\"", package));
    bench.providers.get_mut("").unwrap().region = "cn-qingdao".into();
    bench.apply();
    let enhanced = "nat_type = \"Enhanced\"\n vswitch_id = \"vsw-1\"";
    let said = bench.write(&text(enhanced, package)).said();
    assert!(said.contains("error[gateway-with-packages-cannot-convert]"), "{said}");
    let plan = bench.write(&text(enhanced, "")).apply();
    assert_eq!(
        operations(&plan),
        "0 DeleteBandwidthPackage bandwidth_package.p\n\
         1 UpdateNatGatewayNatType nat_gateway.g <- 0\n"
    );
    let shared = package.replace("ip_count = 1", "ip_count = 1\n convert_to_shared = true");
    let mut bench = Bench::new(&text("nat_type = \"Normal\"", package));
    bench.providers.get_mut("").unwrap().region = "cn-qingdao".into();
    bench.apply();
    let plan = bench.write(&text(enhanced, &shared)).plan();
    assert_eq!(
        operations(&plan),
        "0 ConvertBandwidthPackage bandwidth_package.p\n\
         1 UpdateNatGatewayNatType nat_gateway.g <- 0\n"
    );
    // One that is made only now is converted first, too.
    let mut bench = Bench::new(&text("nat_type = \"Normal\"", ""));
    bench.providers.get_mut("").unwrap().region = "cn-qingdao".into();
    bench.apply();
    let plan = bench.write(&text(enhanced, &shared)).plan();
    assert_eq!(
        operations(&plan),
        "0 CreateBandwidthPackage bandwidth_package.p\n\
         1 ConvertBandwidthPackage bandwidth_package.p <- 0\n\
         2 UpdateNatGatewayNatType nat_gateway.g <- 1\n"
    );
}

/// A gateway of that type, a package in that zone and entries on its addresses; `extra` is written into
/// the DNAT entry.
fn converted(nat_type: &str, zone: &str, shared: bool, extra: &str) -> String {
    format!(
        "resource \"nat_gateway\" \"g\" {{\n  vpc_id = \"vpc-1\"\n  vswitch_id = \"vsw-1\"\n  \
         nat_type = \"{nat_type}\"\n}}\n\
         resource \"bandwidth_package\" \"p\" {{\n  nat_gateway_id = nat_gateway.g.id\n  \
         bandwidth = 5\n  ip_count = 3\n  zone = \"{zone}\"\n  convert_to_shared = {shared}\n}}\n{}{}",
        entry("a", 0, 80, 80).replace("forward_table_id =", &format!("{extra}forward_table_id =")),
        snat("s", 1, "10.0.0.0/24").replace("]]", "], bandwidth_package.p.public_ip_addresses[2]]")
    )
}

/// Applies `before` where gateways can be converted, and plans `after`.
fn conversion(before: &str, after: &str) -> Plan {
    converting(before, after).plan()
}

fn converting(before: &str, after: &str) -> Bench {
    let mut bench = Bench::new(before);
    bench.providers.get_mut("").unwrap().region = "cn-qingdao".into();
    bench.apply();
    bench.write(after);
    bench
}

#[test]
fn entries_move_to_a_new_package_before_the_gateway_is_converted() {
    let plan = conversion(
        &converted("Normal", "z-1", false, ""),
        &(converted("Enhanced", "z-2", true, "")
            + &snat("t", 1, "10.0.1.0/24")
                .replace("]]", "], bandwidth_package.p.public_ip_addresses[2]]")),
    );
    assert_eq!(
        operations(&plan),
        "0 CreateBandwidthPackage bandwidth_package.p\n\
         1 ConvertBandwidthPackage bandwidth_package.p <- 0\n\
         2 ModifyForwardEntry forward_entry.a <- 0\n\
         3 ModifySnatEntry snat_entry.s <- 0\n\
         4 CreateSnatEntry snat_entry.t <- 0\n\
         5 DeleteBandwidthPackage bandwidth_package.p <- 1 2 3 4\n\
         6 UpdateNatGatewayNatType nat_gateway.g <- 1 5\n"
    );
}

#[test]
fn entries_that_must_wait_for_the_conversion_are_deleted_before_it() {
    let wait = "depends_on = [nat_gateway.g]\n  ";
    let plan = conversion(
        &converted("Normal", "z-1", false, wait),
        &converted("Enhanced", "z-2", true, wait),
    );
    assert_eq!(
        changes(&plan),
        "delete+create bandwidth_package.p (cannot_update)\n\
         delete+create forward_entry.a (dependency_replaced)\n\
         update nat_gateway.g\n\
         delete+create snat_entry.s (dependency_replaced)\n"
    );
    assert_eq!(
        operations(&plan),
        "0 DeleteForwardEntry forward_entry.a\n\
         1 DeleteSnatEntry snat_entry.s\n\
         2 DeleteBandwidthPackage bandwidth_package.p <- 0 1\n\
         3 CreateBandwidthPackage bandwidth_package.p <- 2\n\
         4 ConvertBandwidthPackage bandwidth_package.p <- 3\n\
         5 UpdateNatGatewayNatType nat_gateway.g <- 2 4\n\
         6 CreateSnatEntry snat_entry.s <- 1 3\n\
         7 CreateForwardEntry forward_entry.a <- 0 3 5\n"
    );
    let remarks = &change(&plan, "bandwidth_package.p").remarks;
    assert!(remarks[0].contains("wait for what cannot be done while"), "{remarks:?}");
    // Where the block insists, the message names what waits and not a key.
    let text = |nat_type: &str, zone: &str, shared: bool| {
        converted(nat_type, zone, shared, wait).replace(
            "ip_count = 3",
            "ip_count = 3\n  lifecycle {\n    create_before_destroy = true\n  }",
        )
    };
    let said = converting(&text("Normal", "z-1", false), &text("Enhanced", "z-2", true)).said();
    assert!(said.contains("error[cannot-create-first] `bandwidth_package.p`"), "{said}");
    assert!(said.contains("which itself waits until the old object is deleted"), "{said}");
    assert!(
        said.contains(
            "`bandwidth_package.p` (DeleteBandwidthPackage) → `nat_gateway.g` \
             (UpdateNatGatewayNatType) → `forward_entry.a` (ModifyForwardEntry) → \
             `bandwidth_package.p`"
        ),
        "{said}"
    );
}

#[test]
fn everything_is_destroyed_from_the_top_without_depends_on() {
    let text = format!("{}{}", with(&[("a", 0, 80, 1)]), snat("s", 1, "10.0.0.0/24"));
    let mut bench = Bench::applied(&text);
    for instance in bench.snapshot.instances.values_mut() {
        // The order comes from the objects themselves.
        instance.dependencies.clear();
    }
    bench.options.mode = PlanMode::Destroy;
    bench.write("").options.mode = PlanMode::Destroy;
    let plan = bench.apply_in(|_, ready| ready[ready.len() - 1]);
    assert_eq!(
        operations(&plan),
        "0 DeleteForwardEntry forward_entry.a\n\
         1 DeleteSnatEntry snat_entry.s\n\
         2 DeleteBandwidthPackage bandwidth_package.p <- 0 1\n\
         3 DeleteNatGateway nat_gateway.g <- 0 1 2\n"
    );
    assert!(bench.cloud.objects.is_empty() && bench.snapshot.instances.is_empty());
}

#[test]
fn depends_on_orders_both_ways() {
    let second = entry("b", 0, 81, 2)
        .replace("forward_table_id =", "depends_on = [forward_entry.a]\n  forward_table_id =");
    let text = format!("{}{second}", with(&[("a", 0, 80, 1)]));
    let mut bench = Bench::new(&text);
    let plan = bench.apply_in(|_, ready| ready[ready.len() - 1]);
    let place = |plan: &Plan, name: &str| {
        plan.operations.iter().position(|o| o.address.to_string() == name).unwrap()
    };
    let b = &plan.operations[place(&plan, "forward_entry.b")];
    assert!(b.after.contains(&place(&plan, "forward_entry.a")));
    bench.options.mode = PlanMode::Destroy;
    let plan = bench.plan();
    let a = &plan.operations[place(&plan, "forward_entry.a")];
    assert!(a.after.contains(&place(&plan, "forward_entry.b")));
}

/// Many instances of a module are one dependency, which stands for all of them.
#[test]
fn depends_on_a_module_orders_both_ways() {
    let call = |name: &str, extra: &str| {
        format!(
            "module \"{name}\" {{\n  source = \"./m\"\n  count = 20\n  \
             vpc = \"vpc-{name}${{count.index}}\"\n{extra}}}\n"
        )
    };
    let text =
        format!("{}{}", call("first", ""), call("second", "  depends_on = [module.first]\n"));
    let mut bench = Bench::new(&text);
    let plan = bench.apply_in(|_, ready| ready[ready.len() - 1]);
    let waits = |plan: &Plan, later: &str, earlier: &str| {
        let of = |name: &str| {
            let operations = plan.operations.iter().enumerate();
            let of = operations.filter(|(_, o)| o.address.to_string().starts_with(name));
            of.map(|(at, _)| at).collect::<Vec<usize>>()
        };
        let earlier = of(earlier);
        assert_eq!(earlier.len(), 20);
        of(later).iter().all(|at| plan.operations[*at].after == earlier)
    };
    assert!(waits(&plan, "module.second", "module.first"));
    let address = "module.second[7].nat_gateway.g";
    let recorded = |bench: &Bench| {
        let list = &bench.instance(address).dependencies;
        list.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(recorded(&bench), ["module.first.nat_gateway.g"]);
    assert_eq!(changes(&bench.plan()), "");
    bench.options.mode = PlanMode::Destroy;
    assert!(waits(&bench.plan(), "module.first", "module.second"));
    // What stands on a target goes with it.
    bench.options.targets = vec!["module.first[3]".parse().unwrap()];
    assert_eq!(bench.plan().operations.len(), 21);
}

#[test]
fn create_before_destroy_spreads_to_what_it_needs() {
    let before = with(&[("a", 0, 80, 1)])
        .replace("\"tcp\"\n", "\"tcp\"\n  lifecycle { create_before_destroy = true }\n");
    let after = before.replace("vpc-1", "vpc-2");
    let plan = both_ways(&before, &after);
    assert_eq!(
        changes(&plan),
        "create+delete bandwidth_package.p (dependency_replaced)\n\
         create+delete forward_entry.a (dependency_replaced)\n\
         create+delete nat_gateway.g (cannot_update)\n"
    );
    let order: Vec<&str> = plan.operations.iter().map(|o| o.action.name()).collect();
    assert_eq!(order[..3], ["CreateNatGateway", "CreateBandwidthPackage", "CreateForwardEntry"]);
    assert_eq!(order[5], "DeleteNatGateway");
}

#[test]
fn create_before_destroy_with_one_key_is_an_error() {
    let before = with(&[("a", 0, 80, 1)]).replace(
        "\"tcp\"\n",
        "\"tcp\"\n  forward_entry_name = \"one\"\n  lifecycle { create_before_destroy = true }\n",
    );
    let mut bench = Bench::applied(&before);
    let said = bench.write(&before.replace("\"one\"", "\"two\"")).said();
    assert!(said.contains("error[cannot-create-first] `forward_entry.a`"), "{said}");
    let mut bench = Bench::applied(
        "resource \"nat_gateway\" \"g\" {\n vpc_id = \"vpc-1\"\n internet_charge_type = \"PayBySpec\"\n \
         lifecycle { create_before_destroy = true }\n}",
    );
    bench.options.replace = vec!["nat_gateway.g".parse().unwrap()];
    let said = bench.said();
    assert!(said.contains("error[cannot-create-first] `nat_gateway.g`"), "{said}");
}

#[test]
fn many_dependents_of_a_block_share_a_group() {
    let block = |name: &str, first: u32, extra: &str| {
        format!(
            "resource \"forward_entry\" \"{name}\" {{\n  count = 80\n  {extra}\n  \
             forward_table_id = nat_gateway.{name}.forward_table_id\n  external_ip = \"1.2.3.4\"\n  \
             external_port = {first} + count.index\n  internal_ip = \"192.168.1.10\"\n  \
             internal_port = {first} + count.index\n  ip_protocol = \"tcp\"\n}}\n\
             resource \"nat_gateway\" \"{name}\" {{\n  vpc_id = \"vpc-{name}\"\n}}\n"
        )
    };
    let text =
        format!("{}{}", block("a", 1000, ""), block("b", 2000, "depends_on = [forward_entry.a]"));
    let mut bench = Bench::new(&text);
    let plan = bench.apply_in(|_, ready| ready[ready.len() - 1]);
    assert_eq!(plan.groups.len(), 1);
    assert_eq!(plan.groups[0].len(), 80);
    let waiting = plan.operations.iter().filter(|o| !o.groups.is_empty()).count();
    assert_eq!(waiting, 80);
}

#[test]
fn deferred_data_makes_those_who_use_it_wait() {
    let text = format!(
        "{GATEWAY}
data \"bandwidth_packages\" \"all\" {{
  nat_gateway_id = nat_gateway.g.id
  depends_on     = [bandwidth_package.p]
}}
resource \"forward_entry\" \"a\" {{
  forward_table_id = nat_gateway.g.forward_table_id
  external_ip      = data.bandwidth_packages.all.ids[0]
  external_port    = \"80\"
  internal_ip      = \"192.168.1.10\"
  internal_port    = \"80\"
  ip_protocol      = \"tcp\"
}}"
    );
    let plan = Bench::new(&text).plan();
    assert!(changes(&plan).contains("read data.bandwidth_packages.all (configuration_unknown)"));
    assert_eq!(
        operations(&plan),
        "0 CreateNatGateway nat_gateway.g\n\
         1 CreateBandwidthPackage bandwidth_package.p <- 0\n\
         2 CreateForwardEntry forward_entry.a <- 0 1\n"
    );
    assert!(plan.operations[2].parameters.iter().any(|p| p.value
        == Value::unknown_from(crate::value::Type::String, "data.bandwidth_packages.all.ids[0]")
        || p.value.is_unknown()));
}
