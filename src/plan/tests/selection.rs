//! What a plan includes: modes, targets, services, reading.

use super::*;
use crate::value::Value;

fn two() -> String {
    let second = GATEWAY.replace("\"g\"", "\"h\"").replace("\"p\"", "\"q\"").replace(".g.", ".h.");
    let second = second.replace("vpc-1", "vpc-2");
    format!("{GATEWAY}{}{second}", entry("a", 0, 80, 1))
}

#[test]
fn targets_take_along_what_they_need() {
    let mut bench = Bench::new(&two());
    bench.options.targets = vec!["forward_entry.a".parse().unwrap()];
    let (plan, diagnostics, _) = bench.attempt();
    assert_eq!(
        changes(&plan),
        "create bandwidth_package.p\ncreate forward_entry.a\ncreate nat_gateway.g\n"
    );
    assert!(plan.partial);
    assert!(diagnostics.iter().any(|d| d.code == "partial-plan"));
    bench.options.targets = vec!["nat_gateway.nothing".parse().unwrap()];
    assert!(bench.said().contains("warning[no-such-target]"));
    assert_eq!(changes(&bench.plan()), "");
}

#[test]
fn destroying_a_target_takes_along_what_stands_on_it() {
    let mut bench = Bench::applied(&two());
    bench.options.mode = PlanMode::Destroy;
    bench.options.targets = vec!["nat_gateway.g".parse().unwrap()];
    assert_eq!(
        changes(&bench.plan()),
        "delete bandwidth_package.p (destroy)\ndelete forward_entry.a (destroy)\n\
         delete nat_gateway.g (destroy)\n"
    );
    // What is left out keeps its lists unread.
    bench.cloud.asked.borrow_mut().clear();
    bench.options.targets = vec!["forward_entry.a".parse().unwrap()];
    assert_eq!(changes(&bench.plan()), "delete forward_entry.a (destroy)\n");
    assert_eq!(bench.cloud.asked.borrow().len(), 1);
}

#[test]
fn destroy_deletes_all_and_removes_outputs() {
    let mut bench =
        Bench::applied(&format!("{}output \"id\" {{ value = nat_gateway.g.id }}\n", two()));
    bench.options.mode = PlanMode::Destroy;
    let plan = bench.plan();
    assert_eq!(plan.changes.iter().filter(|c| c.kind == ChangeKind::Delete).count(), 5);
    assert!(plan.outputs[0].after.is_none() && plan.outputs[0].before.is_some());
    bench.apply();
    assert!(bench.cloud.objects.is_empty());
    assert!(!bench.plan().has_changes());
}

#[test]
fn refresh_only_shows_drift_and_calls_nothing() {
    let mut bench =
        Bench::applied(&format!("{GATEWAY}output \"s\" {{ value = nat_gateway.g.spec }}\n"));
    bench.options.mode = PlanMode::RefreshOnly;
    assert!(!bench.plan().has_changes());
    let id = bench.id("nat_gateway.g");
    bench.cloud.edit(&id, "spec", Value::from("Large"));
    let plan = bench.plan();
    assert!(plan.operations.is_empty() && plan.has_changes());
    assert_eq!(plan.drift[0].attributes, ["spec"]);
    assert_eq!(plan.outputs[0].after.as_ref().unwrap().as_str(), Some("Large"));
    bench.write(&GATEWAY.replace("vpc-1", "vpc-2"));
    assert_eq!(changes(&bench.plan()), "", "configuration plays no part");
}

#[test]
fn without_refresh_nothing_is_read() {
    let mut bench = Bench::applied(&format!("{GATEWAY}{}", entry("a", 0, 80, 1)));
    bench.cloud.asked.borrow_mut().clear();
    bench.options.refresh = false;
    bench.cloud.objects.clear();
    assert_eq!(changes(&bench.plan()), "");
    let plan = bench.write(&format!("{GATEWAY}{}", entry("a", 0, 81, 1))).plan();
    assert_eq!(changes(&plan), "update forward_entry.a\n");
    assert!(bench.cloud.asked.borrow().is_empty());
}

#[test]
fn a_plan_without_changes_reads_each_list_once() {
    let text = format!("{}{}", two(), snat("s", 1, "10.0.0.0/24"));
    let bench = Bench::applied(&text);
    bench.cloud.asked.borrow_mut().clear();
    bench.plan();
    let mut asked = bench.cloud.asked.borrow().clone();
    asked.sort();
    let count = asked.len();
    asked.dedup();
    assert_eq!((count, asked.len()), (4, 4), "{asked:?}");
}

#[test]
fn services_never_mix() {
    let mut bench = Bench::applied(GATEWAY);
    bench.providers.get_mut("").unwrap().service = Service::Real;
    bench.cloud.asked.borrow_mut().clear();
    let said = bench.said();
    assert!(said.contains("error[other-service]"), "{said}");
    assert!(said.contains("natform state rebind"), "{said}");
    assert!(bench.cloud.asked.borrow().is_empty(), "nothing is read of the wrong service");
    bench.providers.clear();
    assert!(bench.said().contains("error[missing-provider]"));
}

#[test]
fn objects_do_not_change_their_region() {
    let mut bench = Bench::applied(GATEWAY);
    bench.providers.get_mut("").unwrap().region = "cn-qingdao".into();
    assert!(
        bench.said().contains("error[region-changed] `nat_gateway.g` was made in `cn-hangzhou`")
    );
}

#[test]
fn data_is_read_while_planning_when_nothing_stands_in_the_way() {
    let text = "data \"nat_gateways\" \"all\" {\n vpc_id = \"vpc-1\"\n}\n\
                output \"ids\" { value = data.nat_gateways.all.ids }\n";
    let mut bench = Bench::new(text);
    let found = crate::resources::Object::from_iter([(
        crate::value::Name::from("ids"),
        Value::list(crate::value::Type::String, [Value::from("ngw-7")]),
    )]);
    bench.cloud.data.insert("nat_gateways".into(), found);
    let plan = bench.plan();
    assert!(plan.changes.is_empty());
    assert_eq!(plan.data.len(), 1);
    let ids = plan.outputs[0].after.as_ref().unwrap();
    assert_eq!(ids.as_elements().unwrap()[0].as_str(), Some("ngw-7"));
    bench.cloud.data.clear();
    assert!(bench.said().contains("error[cannot-read] cannot read `data.nat_gateways.all`"));
    // A dependency with changes comes first.
    let pending =
        format!("{}{GATEWAY}", text.replace("vpc_id = \"vpc-1\"", "depends_on = [nat_gateway.g]"));
    let plan = bench.write(&pending).plan();
    assert!(changes(&plan).contains("read data.nat_gateways.all (dependency_pending)"));
    assert!(plan.outputs[0].after.as_ref().unwrap().is_unknown());
}

#[test]
fn faults_of_instances_are_reported_where_they_are() {
    let said =
        Bench::new("resource \"nat_gateway\" \"g\" {\n vpc_id = \"vpc-1\"\n name = \"x\"\n}")
            .said();
    assert!(said.contains("error["), "{said}");
    assert!(said.contains("main.nat.hcl:3"), "{said}");
    let said = Bench::new(
        "resource \"nat_gateway\" \"g\" {\n vpc_id = \"vpc-1\"\n nat_type = \"Enhanced\"\n}",
    )
    .said();
    assert!(said.contains("an Enhanced gateway needs `vswitch_id`"), "{said}");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let bench = Bench::new(&format!("{}{}", two(), snat("s", 1, "10.0.0.0/24")));
    let bytes = || serde_json::to_string(&bench.plan()).unwrap();
    assert_eq!(bytes(), bytes());
}

#[test]
fn a_block_says_through_which_provider_its_objects_are_reached() {
    let mut bench = Bench::applied(GATEWAY);
    let context = bench.providers.remove("").unwrap();
    bench.providers.insert("second".into(), context);
    assert!(bench.said().contains("error[missing-provider]"));
    let text =
        GATEWAY.replace("vpc_id = \"vpc-1\"", "vpc_id = \"vpc-1\"\n  provider = alicloud.second");
    let text = text.replace("bandwidth      = 5", "bandwidth = 5\n  provider = alicloud.second");
    let block = "provider \"alicloud\" {\n  alias  = \"second\"\n  region = \"cn-hangzhou\"\n}\n";
    let plan = bench.write(&format!("{block}{text}")).apply();
    assert_eq!(changes(&plan), "");
    assert_eq!(&*bench.instance("nat_gateway.g").provider, "second");
}

#[test]
fn mistakes_in_what_nothing_uses_are_found() {
    let text = format!("{GATEWAY}locals {{\n  unused = 1 + \"x\"\n}}\n");
    assert!(Bench::new(&text).said().contains("error["), "{}", Bench::new(&text).said());
}
