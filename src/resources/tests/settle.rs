//! When calls are settled.

use super::{
    REGION, forward, gateway, gateways, list, listing, listings, live_forward, live_gateway,
    live_package, live_snat, object, package, packages, public_ips, set, snat, with,
};
use crate::resources::conversion::{Conversion, conversion};
use crate::resources::{Listing, Live, Object, ReadScope, Settled, Wanted, reads};
use crate::value::{Type, Value};
use serde_json::json;

fn present(values: Object) -> Wanted {
    let scope = ReadScope::Gateways { region: REGION.to_owned() };
    Wanted::Present { scope: Some(scope), id: Some("ngw-1".to_owned()), values }
}

fn show(settled: &Settled) -> String {
    match settled {
        Settled::Ready(_) => "ready".to_owned(),
        Settled::Gone => "gone".to_owned(),
        Settled::Busy(why) => format!("busy: {why}"),
        Settled::Failed(why) => format!("failed: {why}"),
    }
}

#[test]
fn only_available_is_at_rest() {
    for (status, outcome) in [
        ("Available", "ready"),
        ("Creating", "busy: its status is `Creating`"),
        ("Initiating", "busy: its status is `Initiating`"),
        ("Pending", "busy: its status is `Pending`"),
        ("Modifying", "busy: its status is `Modifying`"),
        ("Converting", "busy: its status is `Converting`"),
        ("Deleting", "busy: its status is `Deleting`"),
        ("Whatever", "busy: its status is `Whatever`"),
    ] {
        for (ty, live) in [
            (gateway(), live_gateway()),
            (forward(), live_forward()),
            (snat(), live_snat()),
            (package(), live_package(&["203.0.113.7"])),
        ] {
            let live = Live::Found(with(&live, "status", status));
            assert_eq!(show(&ty.settled(&present(Object::new()), &live)), outcome);
        }
    }
}

#[test]
fn old_values_are_not_yet_settled() {
    let wanted = present(object([("spec", "Large")]));
    let old = Live::Found(live_gateway());
    assert_eq!(show(&gateway().settled(&wanted, &old)), "busy: `spec` is not yet as wanted");
    let new = Live::Found(with(&live_gateway(), "spec", "Large"));
    assert_eq!(show(&gateway().settled(&wanted, &new)), "ready");
    let unknown = present(with(&Object::new(), "spec", Value::unknown(Type::String)));
    assert_eq!(show(&gateway().settled(&unknown, &old)), "ready");
    let other_edition = present(object([("spec", "Xlarge.1")]));
    let new = Live::Found(with(&live_gateway(), "spec", "XLarge.1"));
    assert_eq!(show(&gateway().settled(&other_edition, &new)), "ready");
    let pool = present(with(&Object::new(), "snat_ip", set(&["203.0.113.8", "203.0.113.7"])));
    assert_eq!(show(&snat().settled(&pool, &Live::Found(live_snat()))), "ready");
}

#[test]
fn deletes_are_settled_once_the_list_lacks_the_object() {
    let wanted = Wanted::Gone { scope: None, id: Some("fwd-1".to_owned()) };
    assert_eq!(show(&forward().settled(&wanted, &Live::Absent)), "gone");
    let deleting = Live::Found(with(&live_forward(), "status", "Deleting"));
    assert_eq!(show(&forward().settled(&wanted, &deleting)), "busy: its status is `Deleting`");
    assert_eq!(show(&forward().settled(&wanted, &Live::Unread)), "busy: it could not be read");
    let missing = forward().settled(&present(Object::new()), &Live::Absent);
    assert_eq!(show(&missing), "busy: it is not listed yet");
}

fn steps(steps: &[(&str, &str)]) -> Object {
    let steps: Vec<_> = steps
        .iter()
        .map(|(name, status)| json!({ "StepName": name, "StepStatus": status }))
        .collect();
    let answer = json!({ "NatGatewayId": "ngw-1", "ConvertSteps": steps });
    let action = crate::api::catalogue::Action::GetNatGatewayConvertStatus;
    reads::page(action, &answer).unwrap().rows.remove(0).object
}

#[test]
fn conversions_are_read_from_their_steps() {
    let read = |list: &[(&str, &str)]| conversion(&steps(list));
    assert_eq!(read(&[]), Conversion::None);
    assert_eq!(read(&[("init", "processing")]), Conversion::Running("init".into()));
    let done = ("init", "successful");
    assert_eq!(read(&[done]), Conversion::Running("init".into()));
    assert_eq!(read(&[done, ("end_success", "successful")]), Conversion::Succeeded);
    let failed = ("configure", "failed");
    assert_eq!(read(&[done, failed]), Conversion::Failed("configure".into()));
    assert_eq!(
        read(&[done, failed, ("rollback", "processing")]),
        Conversion::Running("rollback".into())
    );
    let rolled_back = [done, failed, ("rollback", "successful"), ("end_fail", "failed")];
    assert_eq!(read(&rolled_back), Conversion::Failed("configure".into()));
    let again = [done, failed, ("end_fail", "failed"), done, ("check", "processing")];
    assert_eq!(read(&again), Conversion::Running("check".into()));
}

#[test]
fn steps_of_a_conversion_may_be_listed_in_any_order() {
    let done = |name| (name, "successful");
    let listed = [done("end_success"), done("check"), done("init"), done("activate")];
    assert_eq!(conversion(&steps(&listed)), Conversion::Succeeded);
    let timed = |list: &[(&str, &str, &str)]| {
        let steps: Vec<_> = list
            .iter()
            .map(|(time, name, status)| {
                json!({ "StepName": name, "StepStatus": status, "StepStartTime": time })
            })
            .collect();
        let answer = json!({ "NatGatewayId": "ngw-1", "ConvertSteps": { "ConvertStep": steps } });
        let action = crate::api::catalogue::Action::GetNatGatewayConvertStatus;
        conversion(&reads::page(action, &answer).unwrap().rows.remove(0).object)
    };
    let two_attempts = [
        ("2020-09-25T10:05:00Z", "end_success", "successful"),
        ("2020-09-25T10:00:00Z", "init", "successful"),
        ("2020-09-25T10:04:00Z", "init", "successful"),
        ("2020-09-25T10:01:00Z", "end_fail", "failed"),
    ];
    assert_eq!(timed(&two_attempts), Conversion::Succeeded);
    assert_eq!(timed(&two_attempts[1..2]), Conversion::Running("init".into()));
}

#[test]
fn a_status_is_read_in_any_case_of_letters() {
    let wanted = present(Object::new());
    for (status, shown) in [("available", "ready"), ("PENDING", "busy: its status is `PENDING`")] {
        let live = Live::Found(with(&live_forward(), "status", status));
        assert_eq!(show(&forward().settled(&wanted, &live)), shown);
    }
}

fn converting(live: &Object, list: &[(&str, &str)]) -> String {
    let wanted = present(object([("nat_type", "Enhanced")]));
    let scopes = gateway().settling(&wanted);
    assert_eq!(scopes.len(), 2);
    let status = listing(scopes[1].clone(), &[&steps(list)]);
    let listings = listings([gateways(&[live]), status]);
    let observed = gateway().observed(&wanted, &object([("id", "ngw-1")]), &listings);
    let settled = gateway().settled(&wanted, &observed);
    if let Settled::Ready(object) = &settled {
        assert!(!object.has("convert_steps"));
    }
    show(&settled)
}

#[test]
fn a_conversion_settles_by_type_status_and_steps() {
    let normal = live_gateway();
    let busy = with(&normal, "status", "Converting");
    let enhanced = with(&normal, "nat_type", "Enhanced");
    let init = ("init", "successful");
    let done = [init, ("end_success", "successful")];
    let failed = [init, ("activate", "failed"), ("end_fail", "failed")];
    assert_eq!(converting(&enhanced, &done), "ready");
    assert_eq!(converting(&enhanced, &[]), "ready");
    assert_eq!(converting(&busy, &done), "busy: its status is `Converting`");
    assert_eq!(converting(&busy, &failed), "busy: its status is `Converting`");
    assert_eq!(converting(&normal, &done), "busy: `nat_type` is not yet as wanted");
    assert_eq!(
        converting(&enhanced, &[init, ("conf_delete", "processing")]),
        "busy: its conversion is at step `conf_delete`"
    );
    assert_eq!(
        converting(&normal, &failed),
        "failed: the conversion to Enhanced failed at step `activate` and was rolled back"
    );
    let other = gateway().settling(&present(object([("spec", "Large")])));
    assert_eq!(other.len(), 1);
}

#[test]
fn a_package_settles_with_all_its_addresses() {
    let wanted = present(with(&Object::new(), "ip_count", 2_i64));
    let one = with(&live_package(&["203.0.113.7"]), "ip_count", 2_i64);
    let outcome = show(&package().settled(&wanted, &Live::Found(one)));
    assert_eq!(outcome, "busy: 1 of its 2 addresses are listed");
    let two = Live::Found(live_package(&["203.0.113.7", "203.0.113.8"]));
    assert_eq!(show(&package().settled(&wanted, &two)), "ready");
    let kept = present(with(&Object::new(), "public_ip_addresses", list(&["203.0.113.8"])));
    let outcome = show(&package().settled(&kept, &two));
    assert_eq!(outcome, "busy: `public_ip_addresses` is not yet as wanted");
}

#[test]
fn a_converted_package_settles_when_the_list_lacks_it() {
    let recorded = live_package(&["203.0.113.7"]);
    let scope = ReadScope::BandwidthPackages { region: REGION.to_owned() };
    let values = with(&Object::new(), "convert_to_shared", true);
    let wanted = Wanted::Present { scope: Some(scope), id: Some("bwp-1".to_owned()), values };
    let planned = with(&recorded, "convert_to_shared", true);
    let planned = with(&planned, "common_bandwidth_package_id", "cbwp-1");
    let settled = |rows: &[&Object]| {
        let observed = package().observed(&wanted, &planned, &listings([packages(rows)]));
        package().settled(&wanted, &observed)
    };
    assert_eq!(show(&settled(&[&recorded])), "busy: `convert_to_shared` is not yet as wanted");
    let Settled::Ready(object) = settled(&[]) else { panic!("it is converted") };
    assert_eq!(object.text("common_bandwidth_package_id"), Some("cbwp-1"));
    assert_eq!(object.texts("public_ip_addresses").unwrap(), ["203.0.113.7"]);
}

#[test]
fn a_converted_package_is_read_through_its_gateway() {
    let recorded = with(&live_package(&["203.0.113.8", "203.0.113.7"]), "convert_to_shared", true);
    let recorded = with(&recorded, "common_bandwidth_package_id", "cbwp-1");
    let bound = public_ips(&["203.0.113.7", "203.0.113.8"], &["203.0.113.7"]);
    let gateway = with(&live_gateway(), "ip_lists", bound);
    let lists = listings([packages(&[]), gateways(&[&gateway])]);
    let Live::Found(object) = package().live(&recorded, &lists) else { panic!("it is not gone") };
    assert_eq!(object.texts("public_ip_addresses").unwrap(), ["203.0.113.8", "203.0.113.7"]);
    let used = crate::resources::bandwidth_package::in_use(&object);
    assert_eq!(used.into_iter().collect::<Vec<_>>(), ["203.0.113.7"]);

    // Its gateway may be gone while the shared bandwidth still bills.
    let lists = listings([packages(&[]), gateways(&[])]);
    assert!(matches!(package().live(&recorded, &lists), Live::Found(_)));

    // Converted by somebody else: its addresses are the gateway's, and so it is not gone.
    let plain = live_package(&["203.0.113.8", "203.0.113.7"]);
    let lists = listings([packages(&[]), gateways(&[&gateway])]);
    let Live::Found(object) = package().live(&plain, &lists) else { panic!("it is not gone") };
    assert!(object.flag("convert_to_shared"));
    let lists = listings([packages(&[]), gateways(&[&live_gateway()])]);
    assert!(matches!(package().live(&plain, &lists), Live::Absent));
}

#[test]
fn live_objects_keep_what_answers_leave_out() {
    let recorded = with(&live_forward(), "port_break", true);
    let scope = ReadScope::ForwardEntries { region: REGION.to_owned(), table: "ftb-1".to_owned() };
    let row = object([("id", "fwd-1"), ("external_port", "80"), ("status", "Available")]);
    let found = |lists| forward().live(&recorded, &lists);
    let Live::Found(live) = found(listings([listing(scope.clone(), &[&row])])) else { panic!() };
    assert_eq!(live.text("external_port"), Some("80"));
    assert_eq!(live.text("internal_ip"), Some("192.168.1.10"));
    assert!(live.flag("port_break"));
    assert!(matches!(found(listings([listing(scope.clone(), &[])])), Live::Absent));
    assert!(matches!(found(listings([(scope.clone(), Listing::ParentGone)])), Live::Absent));
    let failed = Listing::Failed("no".to_owned());
    assert!(matches!(found(listings([(scope, failed)])), Live::Unread));
    assert!(matches!(found(listings([])), Live::Unread));
}

#[test]
fn entries_are_found_among_many_tables_and_regions() {
    let mut lists = listings([]);
    for region in ["a", "b", "c"] {
        for table in 0..20 {
            let entry = object([("id", &format!("fwd-{region}-{table}"))]);
            let (region, table) = (region.to_owned(), format!("ftb-{region}-{table}"));
            let scope = ReadScope::ForwardEntries { region, table };
            lists.extend([listing(scope, &[&entry])]);
        }
    }
    let find = |table: &str, id: &str| {
        forward().live(&object([("forward_table_id", table), ("id", id)]), &lists)
    };
    assert!(matches!(find("ftb-c-7", "fwd-c-7"), Live::Found(_)));
    assert!(matches!(find("ftb-a-19", "fwd-a-19"), Live::Found(_)));
    assert!(matches!(find("ftb-a-19", "fwd-a-18"), Live::Absent));
    assert!(matches!(find("ftb-d-1", "fwd-d-1"), Live::Unread));
    let elsewhere = snat().live(&object([("snat_table_id", "stb-1"), ("id", "snat-1")]), &lists);
    assert!(matches!(elsewhere, Live::Unread));
}

#[test]
fn a_gateway_is_absent_only_when_every_list_is_complete() {
    let other = ReadScope::Gateways { region: "eu-west-1".to_owned() };
    let failed = (other.clone(), Listing::Failed("no".to_owned()));
    let recorded = object([("id", "ngw-2")]);
    let find = |lists| gateway().live(&recorded, &lists);
    assert!(matches!(find(listings([gateways(&[&live_gateway()])])), Live::Absent));
    assert!(matches!(find(listings([gateways(&[]), failed.clone()])), Live::Unread));
    assert!(matches!(find(listings([gateways(&[&recorded]), failed])), Live::Found(_)));
    assert!(matches!(find(listings([packages(&[])])), Live::Unread));
}
