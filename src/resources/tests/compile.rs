//! What changes compile to.

use std::collections::BTreeSet;

use super::{
    REGION, forward, gateway, lines, list, live_forward, live_gateway, live_package, live_snat,
    object, package, set, snat, update, with,
};
use crate::api::catalogue::Action;
use crate::resources::{ChangeRequest, Hold, Impact, Object, OnChange, ReadScope, Step, Wanted};
use crate::value::{Type, Value};

fn values(step: &Step) -> Vec<String> {
    match &step.wanted {
        Wanted::Present { values, .. } => values.iter().map(|(name, _)| name.to_string()).collect(),
        Wanted::Gone { .. } => vec!["gone".to_owned()],
        Wanted::Answered => vec!["answered".to_owned()],
    }
}

#[test]
fn a_gateway_is_created_with_what_is_configured_and_nothing_else() {
    let planned = object([("vpc_id", "vpc-1"), ("name", "edge")]);
    let planned = with(&planned, "force", false);
    let steps = gateway().compile(&ChangeRequest::create(REGION, &planned));
    assert_eq!(lines(&steps), ["CreateNatGateway VpcId=vpc-1 Name=edge"]);
    assert!(!steps[0].lane.whole_gateway && steps[0].lane.gateway.is_none());
    assert!(steps[0].makes.iter().any(|name| &**name == "forward_table_id"));
    assert!(steps[0].makes.iter().any(|name| &**name == "spec"));
    assert!(!steps[0].makes.iter().any(|name| &**name == "name"));
    assert!(values(&steps[0]).is_empty());
}

#[test]
fn numbers_and_truth_values_are_sent_as_text() {
    let planned = object([
        ("vpc_id", "vpc-1"),
        ("instance_charge_type", "PrePaid"),
        ("pricing_cycle", "Month"),
    ]);
    let planned = with(&with(&planned, "duration", 3_i64), "auto_pay", true);
    let steps = gateway().compile(&ChangeRequest::create(REGION, &planned));
    assert_eq!(
        lines(&steps),
        ["CreateNatGateway VpcId=vpc-1 InstanceChargeType=PrePaid PricingCycle=Month Duration=3 \
          AutoPay=true"]
    );
}

#[test]
fn a_gateway_changes_by_one_call_each_for_texts_spec_and_type() {
    let prior = live_gateway();
    let planned = with(&with(&prior, "name", "new"), "description", "about");
    let steps = update(gateway(), &prior, &planned);
    assert_eq!(
        lines(&steps),
        ["ModifyNatGatewayAttribute NatGatewayId=ngw-1 Name=new Description=about"]
    );
    assert_eq!(values(&steps[0]), ["description", "name"]);

    let planned = with(&with(&planned, "spec", "Large"), "nat_type", "Enhanced");
    let steps = update(gateway(), &prior, &with(&planned, "vswitch_id", "vsw-1"));
    assert_eq!(
        lines(&steps)[1..],
        [
            "ModifyNatGatewaySpec NatGatewayId=ngw-1 Spec=Large",
            "UpdateNatGatewayNatType NatGatewayId=ngw-1 NatType=Enhanced VSwitchId=vsw-1"
        ]
    );
    assert!(steps.iter().all(|step| step.lane.whole_gateway));
    assert!(steps.iter().all(|step| step.lane.gateway.as_deref() == Some("ngw-1")));
    assert_eq!(steps[2].impacts, [Impact::InterruptsTraffic, Impact::CannotBeUndone]);
    assert_eq!(values(&steps[2]), ["nat_type"]);
}

#[test]
fn nothing_is_sent_for_what_is_left_out_kept_in_state_or_the_same() {
    let prior = with(&live_gateway(), "description", "about");
    assert!(update(gateway(), &prior, &prior).is_empty());
    assert!(update(gateway(), &prior, &with(&prior, "description", Value::null())).is_empty());
    assert!(update(gateway(), &prior, &with(&prior, "force", true)).is_empty());
    assert!(update(forward(), &live_forward(), &live_forward()).is_empty());
    let reordered = with(&live_snat(), "snat_ip", set(&["203.0.113.8", "203.0.113.7"]));
    assert!(update(snat(), &live_snat(), &reordered).is_empty());
    let package_object = live_package(&["203.0.113.7"]);
    assert!(update(package(), &package_object, &package_object).is_empty());
}

#[test]
fn force_goes_with_a_delete_only_when_it_is_true() {
    let prior = live_gateway();
    let delete = |prior: &Object| gateway().compile(&ChangeRequest::delete(REGION, prior));
    assert_eq!(lines(&delete(&prior)), ["DeleteNatGateway NatGatewayId=ngw-1"]);
    let forced = delete(&with(&prior, "force", true));
    assert_eq!(lines(&forced), ["DeleteNatGateway NatGatewayId=ngw-1 Force=true"]);
    assert!(forced[0].impacts.contains(&Impact::ReleasesAddress));
    assert_eq!(values(&forced[0]), ["gone"]);
}

#[test]
fn a_changed_entry_sends_all_its_fields_in_the_wires_spelling() {
    let planned = with(&live_forward(), "ip_protocol", "any");
    let steps = update(forward(), &live_forward(), &planned);
    assert_eq!(
        lines(&steps),
        ["ModifyForwardEntry ForwardEntryId=fwd-1 ForwardTableId=ftb-1 ExternalIp=203.0.113.7 \
          ExternalPort=443 InternalIp=192.168.1.10 InternalPort=8443 IpProtocol=Any"]
    );
    assert_eq!(steps[0].makes, ["ip_protocol".into()]);
    assert_eq!(values(&steps[0]).len(), 5);
}

#[test]
fn entries_hold_their_tables_lane_as_the_reference_says() {
    let create = |ty: &dyn crate::resources::ResourceType, planned: &Object| {
        ty.compile(&ChangeRequest::create(REGION, planned)).remove(0).lane
    };
    let delete = |ty: &dyn crate::resources::ResourceType, prior: &Object| {
        ty.compile(&ChangeRequest::delete(REGION, prior)).remove(0).lane
    };
    let lane = create(forward(), &live_forward());
    assert_eq!((lane.scope.as_deref(), lane.hold), (Some("ftb-1"), Hold::EXCLUSIVE));
    let changed = with(&live_forward(), "external_port", "1");
    assert_eq!(update(forward(), &live_forward(), &changed)[0].lane.hold, Hold::EXCLUSIVE);
    assert_eq!(delete(forward(), &live_forward()).hold, Hold::WAITS);
    assert_eq!(create(snat(), &live_snat()).hold, Hold::BLOCKS);
    let changed = with(&live_snat(), "snat_ip", set(&["203.0.113.7"]));
    assert_eq!(update(snat(), &live_snat(), &changed)[0].lane.hold, Hold::EXCLUSIVE);
    assert_eq!(delete(snat(), &live_snat()).hold, Hold::WAITS);
    let lane = delete(package(), &live_package(&["203.0.113.7"]));
    assert_eq!(lane.gateway.as_deref(), Some("ngw-1"));
    assert_eq!((lane.scope.as_deref(), lane.hold), (Some("bwp-1"), Hold::EXCLUSIVE));
}

#[test]
fn what_is_unknown_names_lanes_by_its_origin_and_stays_unknown_in_parameters() {
    let origin = "nat_gateway.edge.forward_table_id";
    let table = Value::unknown_from(Type::String, origin);
    let planned = with(&live_forward(), "forward_table_id", table);
    let steps = forward().compile(&ChangeRequest::create(REGION, &planned));
    assert_eq!(steps[0].lane.scope.as_deref(), Some(origin));
    let parameter = steps[0].parameters.iter().find(|p| p.name == "ForwardTableId").unwrap();
    assert!(parameter.value.is_unknown());
    assert!(matches!(steps[0].wanted, Wanted::Present { scope: None, id: None, .. }));

    let pool = Value::set(Type::String, [Value::from("1.2.3.4"), Value::unknown(Type::String)]);
    let planned = with(&live_snat(), "snat_ip", pool);
    let steps = snat().compile(&ChangeRequest::create(REGION, &planned));
    assert!(steps[0].parameters[0].value.is_unknown());
}

#[test]
fn sensitive_values_stay_marked() {
    let name = Value::from("secret").with_sensitive(true);
    let planned = with(&object([("vpc_id", "vpc-1")]), "name", name);
    let steps = gateway().compile(&ChangeRequest::create(REGION, &planned));
    assert!(steps[0].parameters[1].value.is_sensitive());
    assert!(!steps[0].parameters[0].value.is_sensitive());
}

#[test]
fn pools_are_sent_joined_and_an_entry_is_renamed_in_place() {
    let planned = object([("snat_table_id", "stb-1"), ("source_vswitch_id", "vsw-1")]);
    let planned = with(&planned, "snat_ip", set(&["203.0.113.8", "203.0.113.7"]));
    let steps = snat().compile(&ChangeRequest::create(REGION, &planned));
    assert_eq!(
        lines(&steps),
        ["CreateSnatEntry SnatIp=203.0.113.7,203.0.113.8 SnatTableId=stb-1 SourceVSwitchId=vsw-1"]
    );
    let steps = update(snat(), &live_snat(), &with(&live_snat(), "snat_entry_name", "out"));
    assert_eq!(
        lines(&steps),
        ["ModifySnatEntry SnatEntryId=snat-1 SnatTableId=stb-1 SnatIp=203.0.113.7,203.0.113.8 \
          SnatEntryName=out"]
    );
    assert!(steps[0].impacts.is_empty());
    let smaller = with(&live_snat(), "snat_ip", set(&["203.0.113.7"]));
    assert_eq!(update(snat(), &live_snat(), &smaller)[0].impacts, [Impact::InterruptsTraffic]);
}

#[test]
fn a_package_grows_by_the_difference_and_shrinks_in_batches_of_twenty() {
    let addresses: Vec<String> = (1..=50).map(|n| format!("203.0.113.{n}")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let small = live_package(&addresses[..2]);
    let steps = update(package(), &small, &with(&small, "ip_count", 50_i64));
    assert_eq!(lines(&steps), ["AddBandwidthPackageIps IpCount=48 BandwidthPackageId=bwp-1"]);

    let large = live_package(&addresses);
    let planned = with(&large, "ip_count", 5_i64);
    let planned = with(&planned, "public_ip_addresses", list(&addresses[..5]));
    let steps = update(package(), &large, &planned);
    let counts: Vec<usize> = steps.iter().map(|step| step.parameters.len() - 1).collect();
    assert_eq!(counts, [20, 20, 5]);
    assert_eq!(steps[0].parameters[1].name, "RemovedIpAddresses.1");
    assert_eq!(steps[0].parameters[1].value.as_str(), Some("203.0.113.50"));
    assert!(steps.iter().all(|step| step.impacts.contains(&Impact::ReleasesAddress)));
    let Wanted::Present { values, .. } = &steps[2].wanted else { panic!() };
    assert_eq!(values.texts("public_ip_addresses").unwrap(), addresses[..5]);
}

#[test]
fn addresses_are_chosen_when_the_plan_did_not() {
    let prior = live_package(&["203.0.113.1", "203.0.113.2", "203.0.113.3"]);
    let used = super::public_ips(&["203.0.113.1", "203.0.113.2", "203.0.113.3"], &["203.0.113.3"]);
    let prior = with(&prior, "public_ips", used);
    let steps = update(package(), &prior, &with(&prior, "ip_count", 2_i64));
    assert_eq!(
        lines(&steps),
        ["RemoveBandwidthPackageIps BandwidthPackageId=bwp-1 RemovedIpAddresses.1=203.0.113.2"]
    );
}

#[test]
fn a_package_is_converted_last_and_once() {
    let prior = live_package(&["203.0.113.7"]);
    let planned = with(&with(&prior, "convert_to_shared", true), "bandwidth", 10_i64);
    let steps = update(package(), &prior, &planned);
    assert_eq!(
        lines(&steps),
        [
            "ModifyBandwidthPackageSpec Bandwidth=10 BandwidthPackageId=bwp-1",
            "ConvertBandwidthPackage BandwidthPackageId=bwp-1"
        ]
    );
    assert_eq!(steps[1].impacts, [Impact::ChangesBilling, Impact::CannotBeUndone]);
    let converted = with(&planned, "common_bandwidth_package_id", "cbwp-1");
    assert!(update(package(), &converted, &converted).is_empty());
    assert!(package().compile(&ChangeRequest::delete(REGION, &converted)).is_empty());
    let warning = package().forgotten(&converted).unwrap();
    assert!(warning.contains("`cbwp-1`") && warning.contains("203.0.113.7"), "{warning}");
    assert_eq!(package().forgotten(&prior), None);
}

#[test]
fn a_new_package_may_be_converted_at_once() {
    let planned = with(&object([("nat_gateway_id", "ngw-1")]), "convert_to_shared", true);
    let steps = package().compile(&ChangeRequest::create(REGION, &planned));
    let actions: Vec<Action> = steps.iter().map(|step| step.action).collect();
    assert_eq!(actions, [Action::CreateBandwidthPackage, Action::ConvertBandwidthPackage]);
    assert!(steps[1].parameters[0].value.is_unknown());
}

#[test]
fn what_a_change_means_depends_on_the_objects() {
    let mean =
        |ty: &dyn crate::resources::ResourceType, name: &str, prior: &Object, new: &Object| {
            ty.on_change(ty.schema().attribute(name).unwrap(), prior, new)
        };
    let normal = with(&live_gateway(), "vswitch_id", "vsw-1");
    let enhanced = with(&with(&normal, "nat_type", "Enhanced"), "vswitch_id", "vsw-2");
    assert_eq!(mean(gateway(), "nat_type", &normal, &enhanced), OnChange::Update);
    assert_eq!(mean(gateway(), "vswitch_id", &normal, &enhanced), OnChange::Update);
    assert_eq!(mean(gateway(), "nat_type", &enhanced, &normal), OnChange::OneWay);
    let moved = with(&enhanced, "vswitch_id", "vsw-3");
    assert_eq!(mean(gateway(), "vswitch_id", &enhanced, &moved), OnChange::Replace);
    let other = with(&normal, "vswitch_id", "vsw-3");
    assert_eq!(mean(gateway(), "vswitch_id", &normal, &other), OnChange::Record);
    assert!(matches!(mean(gateway(), "duration", &normal, &normal), OnChange::Refuse(_)));

    let converted = with(&live_package(&["203.0.113.7"]), "convert_to_shared", true);
    let back = with(&converted, "convert_to_shared", false);
    assert!(matches!(mean(package(), "convert_to_shared", &converted, &back), OnChange::Refuse(_)));
    assert_eq!(mean(package(), "convert_to_shared", &back, &converted), OnChange::Update);
    let larger = with(&converted, "bandwidth", 10_i64);
    assert!(matches!(mean(package(), "bandwidth", &converted, &larger), OnChange::Refuse(_)));
    assert_eq!(mean(package(), "bandwidth", &back, &larger), OnChange::Update);
    assert_eq!(mean(package(), "nat_gateway_id", &converted, &larger), OnChange::Replace);
}

#[test]
fn plans_foresee_what_conversions_make() {
    let prior = live_gateway();
    let mut planned = with(&prior, "nat_type", "Enhanced");
    gateway().foresee("nat_gateway.a", Some(&prior), &mut planned, &BTreeSet::default());
    assert!(planned.get("nat_gateway_private_info").unwrap().is_unknown());
    let mut same = prior.clone();
    gateway().foresee("nat_gateway.a", Some(&prior), &mut same, &BTreeSet::default());
    assert_eq!(same, prior);
}

#[test]
fn natural_keys_find_their_objects_again() {
    let unnamed = object([("vpc_id", "vpc-1")]);
    let live = object([("vpc_id", "vpc-1"), ("id", "ngw-1"), ("name", "ngw-1")]);
    assert_eq!(gateway().natural_key(&unnamed), gateway().natural_key(&live));
    assert_ne!(gateway().natural_key(&live_gateway()), gateway().natural_key(&live));
    let planned = object([("snat_table_id", "stb-1"), ("source_cidr", "192.168.1.0/24")]);
    let key = snat().natural_key(&planned).unwrap();
    assert!(snat().natural_keys(&live_snat()).contains(&key));
    assert_ne!(snat().natural_key(&live_snat()), Some(key));
    assert_eq!(
        forward().natural_key(&live_forward()).as_deref(),
        Some("ftb-1|203.0.113.7|443|tcp")
    );
    let unknown = with(&live_forward(), "external_ip", Value::unknown(Type::String));
    assert_eq!(forward().natural_key(&unknown), None);
}

#[test]
fn import_ids_round_trip_and_others_are_refused() {
    for (ty, id) in [
        (gateway(), "ngw-abc"),
        (package(), "bwp-abc"),
        (forward(), "ftb-a:fwd-b"),
        (snat(), "stb-a:snat-b"),
    ] {
        let parsed = ty.parse_import_id(id).unwrap();
        assert_eq!(ty.import_id(&parsed).as_deref(), Some(id));
        assert_eq!(ty.scopes(REGION, &parsed).len(), 1);
        for wrong in ["", "eip-1", "ngw-", "ngw-a b", "fwd-1", "ftb-a:", "ftb-a:snat-b", "stb-1:x"]
        {
            let error = ty.parse_import_id(wrong).unwrap_err();
            assert!(error.contains("has the form"), "{error}");
        }
    }
}

#[test]
fn scopes_name_the_lists_that_objects_are_in() {
    let table = ReadScope::ForwardEntries { region: REGION.to_owned(), table: "ftb-1".to_owned() };
    assert_eq!(forward().scopes(REGION, &live_forward()), [table]);
    let converted = with(&live_package(&[]), "convert_to_shared", true);
    assert_eq!(package().scopes(REGION, &converted).len(), 2);
    assert_eq!(package().scopes(REGION, &live_package(&[])).len(), 1);
}
