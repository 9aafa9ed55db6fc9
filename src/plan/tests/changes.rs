//! What happens with one instance, and why.

use super::*;
use crate::value::Value;

#[test]
fn a_new_configuration_is_created_in_order() {
    let text = format!("{GATEWAY}{}{}", entry("a", 0, 80, 8080), snat("s", 1, "10.0.0.0/24"));
    let plan = Bench::new(&text).plan();
    assert_eq!(
        changes(&plan),
        "create bandwidth_package.p\ncreate forward_entry.a\ncreate nat_gateway.g\n\
         create snat_entry.s\n"
    );
    assert_eq!(
        operations(&plan),
        "0 CreateNatGateway nat_gateway.g\n\
         1 CreateBandwidthPackage bandwidth_package.p <- 0\n\
         2 CreateForwardEntry forward_entry.a <- 0 1\n\
         3 CreateSnatEntry snat_entry.s <- 0 1\n"
    );
    let entry = &plan.operations[2];
    assert_eq!(entry.lane.gateway.as_deref(), Some("nat_gateway.g"));
    assert_eq!(entry.lane.scope.as_deref(), Some("nat_gateway.g.forward_table_id"));
    assert_eq!(entry.timeout, 300);
    assert_eq!(plan.operations[0].timeout, 600);
    assert_eq!(&*entry.parameters[0].name, "RegionId");
}

#[test]
fn a_plan_right_after_an_apply_is_empty() {
    let text = format!(
        "{GATEWAY}{}{}\noutput \"ip\" {{ value = bandwidth_package.p.public_ip_addresses[0] }}\n",
        entry("a", 0, 80, 8080),
        snat("s", 1, "10.0.0.0/24")
    );
    let bench = Bench::applied(&text);
    let plan = bench.plan();
    assert_eq!(changes(&plan), "");
    assert!(plan.drift.is_empty() && plan.operations.is_empty() && !plan.has_changes());
    // Exactly the lists of what is recorded were read.
    assert_eq!(
        bench.cloud.asked.borrow().iter().rev().take(4).cloned().collect::<Vec<_>>().len(),
        4
    );
}

#[test]
fn every_attribute_set_is_empty_after_apply() {
    for body in [
        "name = \"edge\"\ndescription = \"the edge\"\nspec = \"Middle\"\nforce = true",
        "nat_type = \"Enhanced\"\nvswitch_id = \"vsw-1\"",
        "instance_charge_type = \"PrePaid\"\npricing_cycle = \"Month\"\nduration = 1\nauto_pay = true",
        "instance_charge_type = \"PostPaid\"\ninternet_charge_type = \"PayBySpec\"",
    ] {
        let text = format!("resource \"nat_gateway\" \"g\" {{\nvpc_id = \"vpc-1\"\n{body}\n}}");
        let bench = Bench::applied(&text);
        assert_eq!(changes(&bench.plan()), "", "{body}");
        assert!(bench.plan().drift.is_empty(), "{body}");
    }
    let text = format!(
        "{GATEWAY}{}{}",
        entry("a", 0, 80, 8080)
            .replace("\"tcp\"", "\"TCP\"\nforward_entry_name = \"web\"\nport_break = true"),
        snat("s", 1, "10.0.0.0/24")
            .replace("source_cidr", "snat_entry_name = \"out\"\nsource_cidr")
    );
    let text = text.replace(
        "bandwidth      = 5",
        "bandwidth = 5\nname = \"pack\"\ndescription = \"of two\"\nisp = \"BGP\"",
    );
    let bench = Bench::applied(&text);
    assert_eq!(changes(&bench.plan()), "");
}

#[test]
fn an_input_is_changed_in_place_and_computed_values_stay_known() {
    let mut bench = Bench::applied(&format!("{GATEWAY}{}", entry("a", 0, 80, 8080)));
    let text = format!("{GATEWAY}{}", entry("a", 0, 80, 9090));
    let text = text.replace("vpc_id = \"vpc-1\"", "vpc_id = \"vpc-1\"\nspec = \"Large\"");
    let plan = bench.write(&text).plan();
    assert_eq!(changes(&plan), "update forward_entry.a\nupdate nat_gateway.g\n");
    let gateway = change(&plan, "nat_gateway.g");
    assert!(gateway.after.as_ref().unwrap().text("forward_table_id").is_some());
    // Nothing orders them: no value flows.
    assert!(plan.operations.iter().all(|o| o.after.is_empty()));
    bench.apply();
    assert_eq!(changes(&bench.plan()), "");
}

#[test]
fn what_cannot_be_changed_replaces_and_takes_along_what_stands_on_it() {
    let text = format!("{GATEWAY}{}{}", entry("a", 0, 80, 8080), snat("s", 1, "10.0.0.0/24"));
    let mut bench = Bench::applied(&text);
    let plan = bench.write(&text.replace("vpc-1", "vpc-2")).apply();
    assert_eq!(
        changes(&plan),
        "delete+create bandwidth_package.p (dependency_replaced)\n\
         delete+create forward_entry.a (dependency_replaced)\n\
         delete+create nat_gateway.g (cannot_update)\n\
         delete+create snat_entry.s (dependency_replaced)\n"
    );
    assert_eq!(change(&plan, "nat_gateway.g").replace_paths, ["vpc_id"]);
    assert_eq!(
        change(&plan, "forward_entry.a").reasons,
        [Reason::DependencyReplaced { of: "nat_gateway.g".into() }]
    );
    assert_eq!(
        operations(&plan),
        "0 DeleteForwardEntry forward_entry.a\n\
         1 DeleteSnatEntry snat_entry.s\n\
         2 DeleteBandwidthPackage bandwidth_package.p <- 0 1\n\
         3 DeleteNatGateway nat_gateway.g <- 0 1 2\n\
         4 CreateNatGateway nat_gateway.g <- 3\n\
         5 CreateBandwidthPackage bandwidth_package.p <- 2 4\n\
         6 CreateForwardEntry forward_entry.a <- 0 4 5\n\
         7 CreateSnatEntry snat_entry.s <- 1 4 5\n"
    );
    assert_eq!(changes(&bench.plan()), "");
}

#[test]
fn drift_and_change_are_told_apart() {
    let text = GATEWAY.replace("vpc_id = \"vpc-1\"", "vpc_id = \"vpc-1\"\nname = \"edge\"");
    let mut bench = Bench::applied(&text);
    let id = bench.id("nat_gateway.g");
    bench.cloud.edit(&id, "name", Value::from("other"));
    bench.cloud.edit(&id, "spec", Value::from("Large"));
    bench.cloud.edit(&id, "status", Value::from("Modifying"));
    let plan = bench.plan();
    // `spec` is the service's to choose here: drift, and no change.
    assert_eq!(plan.drift.len(), 1);
    assert_eq!(plan.drift[0].attributes, ["name", "spec"]);
    assert_eq!(changes(&plan), "update nat_gateway.g\n");
    let gateway = change(&plan, "nat_gateway.g");
    assert_eq!(gateway.before.as_ref().unwrap().text("name"), Some("other"));
    assert_eq!(gateway.after.as_ref().unwrap().text("name"), Some("edge"));
    assert_eq!(gateway.after.as_ref().unwrap().text("spec"), Some("Large"));
    bench.apply();
    assert!(bench.plan().drift.is_empty());
}

#[test]
fn what_vanished_is_made_again_with_what_stood_on_it() {
    let text = format!("{GATEWAY}{}", entry("a", 0, 80, 8080));
    let mut bench = Bench::applied(&text);
    let id = bench.id("forward_entry.a");
    bench.cloud.objects.remove(&id);
    let plan = bench.plan();
    assert_eq!(changes(&plan), "create forward_entry.a (vanished)\n");
    assert!(plan.drift[0].live.is_none());

    bench.cloud.objects.clear();
    let said = bench.said();
    assert!(said.contains("error[no-object-found] none of 3 recorded objects"), "{said}");
    bench.options.allow_missing = true;
    let plan = bench.apply();
    assert_eq!(
        changes(&plan),
        "create bandwidth_package.p (vanished)\ncreate forward_entry.a (vanished)\n\
         create nat_gateway.g (vanished)\n"
    );
    assert_eq!(changes(&bench.plan()), "");
}

#[test]
fn what_is_tainted_or_requested_is_replaced() {
    let mut bench = Bench::applied(&format!("{GATEWAY}{}", entry("a", 0, 80, 8080)));
    bench.instance_mut("forward_entry.a").status = Status::Tainted;
    assert_eq!(changes(&bench.plan()), "delete+create forward_entry.a (tainted)\n");
    bench.instance_mut("forward_entry.a").status = Status::Ready;
    bench.options.replace = vec!["forward_entry.a".parse().unwrap()];
    let plan = bench.apply();
    assert_eq!(changes(&plan), "delete+create forward_entry.a (requested)\n");
    assert!(
        change(&plan, "forward_entry.a").after.as_ref().unwrap().get("id").unwrap().is_unknown()
    );
    bench.options.replace = vec!["forward_entry.zzz".parse().unwrap()];
    assert!(bench.said().contains("error[no-such-instance]"));
}

#[test]
fn orphans_go_with_their_reasons() {
    let many = r#"
resource "forward_entry" "c" {
  count            = 2
  forward_table_id = nat_gateway.g.forward_table_id
  external_ip      = bandwidth_package.p.public_ip_addresses[0]
  external_port    = 100 + count.index
  internal_ip      = "192.168.1.10"
  internal_port    = 100 + count.index
  ip_protocol      = "tcp"
}
resource "forward_entry" "e" {
  for_each         = { "200" = 1, "201" = 1 }
  forward_table_id = nat_gateway.g.forward_table_id
  external_ip      = bandwidth_package.p.public_ip_addresses[0]
  external_port    = each.key
  internal_ip      = "192.168.1.10"
  internal_port    = each.key
  ip_protocol      = "tcp"
}
"#;
    let mut bench = Bench::applied(&format!("{GATEWAY}{}{many}", entry("a", 0, 80, 8080)));
    let fewer = many.replace("count            = 2", "count = 1").replace("\"200\" = 1, ", "");
    let plan = bench.write(&format!("{GATEWAY}{fewer}")).plan();
    assert_eq!(
        changes(&plan),
        "delete forward_entry.a (no_configuration)\n\
         delete forward_entry.c[1] (count_index)\n\
         delete forward_entry.e[\"200\"] (each_key)\n"
    );
    let other = many.replace("count            = 2", "for_each = { \"0\" = 1 }");
    let other = other.replace("count.index", "each.value");
    let plan = bench.write(&format!("{GATEWAY}{other}")).plan();
    assert!(changes(&plan).contains("delete forward_entry.c[0] (wrong_repetition)\n"));
}

#[test]
fn adding_count_moves_and_changes_nothing() {
    let mut bench = Bench::applied(&format!("{GATEWAY}{}", entry("a", 0, 80, 8080)));
    let counted =
        entry("a", 0, 80, 8080).replace("forward_table_id =", "count = 1\nforward_table_id =");
    let plan = bench.write(&format!("{GATEWAY}{counted}")).apply();
    assert_eq!(changes(&plan), "no-op forward_entry.a[0] (moved)\n");
    assert!(!plan.has_changes() && plan.operations.is_empty());
    bench.write(&format!("{GATEWAY}{}", entry("a", 0, 80, 8080)));
    assert_eq!(changes(&bench.plan()), "no-op forward_entry.a (moved)\n");
}

#[test]
fn explicit_moves_imports_and_removals() {
    let mut bench = Bench::applied(&format!("{GATEWAY}{}", entry("a", 0, 80, 8080)));
    bench.write(&format!("{GATEWAY}{}", entry("b", 0, 80, 8080)));
    bench.directives.moves.push(Move {
        from: "forward_entry.a".parse().unwrap(),
        to: "forward_entry.b".parse().unwrap(),
        span: None,
    });
    let plan = bench.apply();
    assert_eq!(changes(&plan), "no-op forward_entry.b (moved)\n");

    bench.directives = Directives::default();
    let id = bench.id("forward_entry.b");
    let table = bench.instance("nat_gateway.g").object.text("forward_table_id").unwrap().to_owned();
    bench.snapshot.instances.remove(&("forward_entry.b".parse().unwrap(), None));
    bench.directives.imports.push(Import {
        provider: None,
        to: "forward_entry.b".parse().unwrap(),
        id: format!("{table}:{id}"),
        span: None,
    });
    bench.write(&format!(
        "{GATEWAY}{}",
        entry("b", 0, 80, 8080).replace("\"tcp\"", "\"tcp\"\nport_break = true")
    ));
    let plan = bench.apply();
    assert_eq!(change(&plan, "forward_entry.b").kind, ChangeKind::NoOp);
    assert_eq!(
        change(&plan, "forward_entry.b").reasons,
        [Reason::Imported { id: format!("{table}:{id}") }]
    );
    assert_eq!(bench.id("forward_entry.b"), id);
    assert_eq!(changes(&bench.plan()), "");

    bench.directives = Directives::default();
    bench.directives.removals.push(Removal {
        from: "forward_entry.b".parse().unwrap(),
        destroy: false,
        span: None,
    });
    let plan = bench.write(GATEWAY).plan();
    assert_eq!(changes(&plan), "forget forward_entry.b (no_configuration)\n");
    assert!(plan.operations.is_empty());
}

#[test]
fn protection_stops_the_plan_and_shows_it() {
    let protected = entry("a", 0, 80, 8080)
        .replace("\"tcp\"\n", "\"tcp\"\nlifecycle { prevent_destroy = true }\n");
    let mut bench = Bench::applied(&format!("{GATEWAY}{protected}"));
    let text = format!(
        "{GATEWAY}{}",
        protected.replace("\"tcp\"", "\"tcp\"\nforward_entry_name = \"web\"")
    );
    bench.write(&text);
    bench.instance_mut("forward_entry.a").object.set("forward_entry_name", Value::from("old"));
    let id = bench.id("forward_entry.a");
    bench.cloud.edit(&id, "forward_entry_name", Value::from("old"));
    let (plan, _, _) = bench.attempt();
    assert!(plan.errored);
    assert_eq!(changes(&plan), "delete+create forward_entry.a (cannot_update)\n");
    let said = bench.said();
    assert!(said.contains("error[prevent-destroy] `forward_entry.a` is protected"), "{said}");
    // It holds also when the block is gone.
    bench.write(GATEWAY);
    assert!(bench.said().contains("error[prevent-destroy]"));
    bench.write(&format!("{GATEWAY}{protected}"));
    bench.options.mode = PlanMode::Destroy;
    assert!(bench.said().contains("error[prevent-destroy]"));
}

#[test]
fn triggers_replace() {
    let text = format!(
        "{GATEWAY}{}",
        entry("a", 0, 80, 8080).replace(
            "\"tcp\"\n",
            "\"tcp\"\nlifecycle { replace_triggered_by = [nat_gateway.g.spec] }\n"
        )
    );
    let mut bench = Bench::applied(&text);
    assert_eq!(changes(&bench.plan()), "");
    let renamed = text.replace("\"vpc-1\"", "\"vpc-1\"\nname = \"edge\"");
    assert_eq!(changes(&bench.write(&renamed).plan()), "update nat_gateway.g\n");
    let larger = text.replace("\"vpc-1\"", "\"vpc-1\"\nspec = \"Large\"");
    assert_eq!(
        changes(&bench.write(&larger).plan()),
        "delete+create forward_entry.a (triggered)\nupdate nat_gateway.g\n"
    );
}

#[test]
fn a_conversion_is_in_place_and_has_no_way_back() {
    let normal = "resource \"nat_gateway\" \"g\" {\nvpc_id = \"vpc-1\"\nnat_type = \"Normal\"\n}";
    let enhanced = normal.replace("\"Normal\"", "\"Enhanced\"\nvswitch_id = \"vsw-1\"");
    let mut bench = Bench::new(normal);
    bench.providers.get_mut("").unwrap().region = "cn-qingdao".into();
    bench.apply();
    let plan = bench.write(&enhanced).apply();
    assert_eq!(changes(&plan), "update nat_gateway.g\n");
    assert_eq!(plan.operations[0].action.name(), "UpdateNatGatewayNatType");
    let plan = bench.write(normal).plan();
    assert_eq!(changes(&plan), "delete+create nat_gateway.g (one_way)\n");
}

#[test]
fn what_cannot_change_at_all_is_an_error_with_advice() {
    let text = "resource \"nat_gateway\" \"g\" {\nvpc_id = \"vpc-1\"\n\
                instance_charge_type = \"PrePaid\"\npricing_cycle = \"Month\"\nduration = 1\n\
                auto_pay = true\n}";
    let mut bench = Bench::applied(text);
    let said = bench.write(&text.replace("duration = 1", "duration = 2")).said();
    assert!(said.contains("error[cannot-change] `duration` of `nat_gateway.g`"), "{said}");
}

#[test]
fn marks_alone_are_an_update_without_calls() {
    let text = |sensitive: bool| {
        format!(
            "variable \"n\" {{\n  default = \"edge\"\n  sensitive = {sensitive}\n}}\n\
             resource \"nat_gateway\" \"g\" {{\n vpc_id = \"vpc-1\"\n name = var.n\n}}"
        )
    };
    let mut bench = Bench::applied(&text(false));
    let plan = bench.write(&text(true)).apply();
    assert_eq!(changes(&plan), "update nat_gateway.g\n");
    assert!(plan.operations.is_empty());
    assert_eq!(changes(&bench.plan()), "");
}
