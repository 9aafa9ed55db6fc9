//! How the world behaves over time: states, tables, keys, tokens, paging.

use serde_json::{Value, json};

use super::probe::{Probe, forward_parameters, text};
use crate::emulator::settings::{Settings, Timings};

#[test]
fn a_gateway_comes_to_life_and_goes() {
    let mut probe = Probe::new(Settings::default());
    let made = probe.ok("CreateNatGateway", &[("VpcId", "vpc-emulator"), ("Name", "edge")]);
    let id = text(&made["NatGatewayId"]);
    assert!(id.starts_with("ngw-"));
    assert!(text(&made["ForwardTableIds"]["ForwardTableId"][0]).starts_with("ftb-"));
    assert!(text(&made["SnatTableIds"]["SnatTableId"][0]).starts_with("stb-"));
    let row = probe.gateway_row(&id);
    assert_eq!(row["Status"], "Creating");
    assert_eq!(row["Name"], "edge");
    assert_eq!(row["NatType"], "Normal");
    assert_eq!(
        probe.refused("DeleteNatGateway", &[("NatGatewayId", &id)]),
        "IncorrectStatus.NatGateway"
    );
    probe.wait(999);
    assert_eq!(probe.gateway_row(&id)["Status"], "Creating");
    probe.wait(1);
    assert_eq!(probe.gateway_row(&id)["Status"], "Available");
    probe.ok("ModifyNatGatewaySpec", &[("NatGatewayId", &id), ("Spec", "Large")]);
    let row = probe.gateway_row(&id);
    assert_eq!((&row["Status"], &row["Spec"]), (&json!("Modifying"), &json!("Small")));
    probe.wait(1000);
    assert_eq!(probe.gateway_row(&id)["Spec"], "Large");
    assert_eq!(
        probe.refused("ModifyNatGatewaySpec", &[("NatGatewayId", &id), ("Spec", "Large")]),
        "NATGW_MODIFY_SPEC_SAME"
    );
    probe.ok("DeleteNatGateway", &[("NatGatewayId", &id)]);
    assert_eq!(probe.gateway_row(&id)["Status"], "Deleting");
    probe.wait(1000);
    let list = probe.ok("DescribeNatGateways", &[]);
    assert_eq!(list["TotalCount"], 0);
    assert_eq!(list["NatGateways"]["NatGateway"], json!([]));
}

#[test]
fn only_the_description_of_a_new_gateway_may_start_with_anything() {
    let mut probe = Probe::instant();
    let about = ("Description", "1 way out");
    let made = probe.ok("CreateNatGateway", &[("VpcId", "vpc-emulator"), about]);
    let id = text(&made["NatGatewayId"]);
    let malformed = "InvalidParameter.Description.Malformed";
    let gateway = ("NatGatewayId", id.as_str());
    assert_eq!(probe.refused("ModifyNatGatewayAttribute", &[gateway, about]), malformed);
    let size = [("Bandwidth", "5"), ("IpCount", "1")];
    let package = [&[gateway, about], &size[..]].concat();
    assert_eq!(probe.refused("CreateBandwidthPackage", &package), malformed);
    let package = [&[gateway, ("Description", "带宽 1")], &size[..]].concat();
    let package = text(&probe.ok("CreateBandwidthPackage", &package)["BandwidthPackageId"]);
    let package = ("BandwidthPackageId", package.as_str());
    assert_eq!(probe.refused("ModifyBandwidthPackageAttribute", &[package, about]), malformed);
}

#[test]
fn a_vpc_holds_one_normal_gateway() {
    let mut probe = Probe::instant();
    let first = probe.gateway();
    assert_eq!(
        probe.refused("CreateNatGateway", &[("VpcId", "vpc-emulator")]),
        "RouterEntryConflict.Duplicated"
    );
    let enhanced =
        [("VpcId", "vpc-emulator"), ("NatType", "Enhanced"), ("VSwitchId", "vsw-emulator-a")];
    for _ in 0..5 {
        probe.ok("CreateNatGateway", &enhanced);
    }
    assert_eq!(
        probe.refused("CreateNatGateway", &enhanced),
        "OperationFailed.EnhancedQuotaExceeded"
    );
    probe.ok("DeleteNatGateway", &[("NatGatewayId", &first.id), ("Force", "true")]);
    probe.ok("CreateNatGateway", &[("VpcId", "vpc-emulator")]);
}

#[test]
fn a_dnat_table_takes_one_change_at_a_time_but_deletes_overlap() {
    let mut probe = Probe::new(Settings::default());
    let made = probe.gateway();
    let first = probe.forward(&made, "80", "8080").unwrap();
    let busy = "IncorretForwardEntryStatus";
    assert_eq!(probe.forward(&made, "81", "8081").unwrap_err().code, busy);
    let entry =
        [("ForwardTableId", made.forward_table.as_str()), ("ForwardEntryId", first.as_str())];
    assert_eq!(probe.refused("ModifyForwardEntry", &entry), busy);
    assert_eq!(probe.refused("DeleteForwardEntry", &entry), busy);
    probe.wait(1000);
    let second = probe.forward(&made, "81", "8081").unwrap();
    probe.wait(1000);
    probe.ok("DeleteForwardEntry", &entry);
    assert_eq!(probe.forward_entries(&made)[0]["Status"], "Deleting");
    assert_eq!(probe.refused("DeleteForwardEntry", &entry), busy);
    // Deleting blocks only the entry itself, and its keys stay taken until it is gone.
    assert_eq!(
        probe.forward(&made, "80", "9").unwrap_err().code,
        "Forbidden.ExternalKey.Duplicated"
    );
    let other =
        [("ForwardTableId", made.forward_table.as_str()), ("ForwardEntryId", second.as_str())];
    probe.ok("DeleteForwardEntry", &other);
    probe.wait(1000);
    assert!(probe.forward_entries(&made).is_empty());
    assert_eq!(probe.refused("DeleteForwardEntry", &entry), "InvalidForwardEntryId.NotFound");
}

#[test]
fn keys_of_a_dnat_table_are_unique() {
    let mut probe = Probe::instant();
    let made = probe.gateway();
    let first = probe.forward(&made, "80", "8080").unwrap();
    probe.forward(&made, "81", "8081").unwrap();
    assert_eq!(
        probe.forward(&made, "80", "9000").unwrap_err().code,
        "Forbidden.ExternalKey.Duplicated"
    );
    assert_eq!(
        probe.forward(&made, "90", "8080").unwrap_err().code,
        "Forbidden.InternalKey.Duplicated"
    );
    let mut other = forward_parameters(&made, "80", "8080");
    other[5].1 = "UDP";
    probe.ok("CreateForwardEntry", &other);
    let entry =
        [("ForwardTableId", made.forward_table.as_str()), ("ForwardEntryId", first.as_str())];
    let to = |port| [&entry[..], &[("ExternalPort", port)]].concat();
    assert_eq!(probe.refused("ModifyForwardEntry", &to("81")), "Forbidden.ExternalKey.Duplicated");
    probe.ok("ModifyForwardEntry", &to("80"));
    probe.ok("ModifyForwardEntry", &to("443"));
    probe.forward(&made, "80", "7000").unwrap();
}

#[test]
fn a_dnat_table_holds_100_entries_and_lists_them_by_page() {
    let mut probe = Probe::instant();
    let made = probe.gateway();
    for port in 1..=100 {
        probe.forward(&made, &port.to_string(), &port.to_string()).unwrap();
    }
    assert_eq!(probe.forward(&made, "101", "101").unwrap_err().code, "QuotaExceeded.ForwardEntry");
    let table = ("ForwardTableId", made.forward_table.as_str());
    let page =
        probe.ok("DescribeForwardTableEntries", &[table, ("PageSize", "50"), ("PageNumber", "2")]);
    assert_eq!(
        (&page["TotalCount"], &page["PageNumber"], &page["PageSize"]),
        (&json!(100), &json!(2), &json!(50))
    );
    let rows = page["ForwardTableEntries"]["ForwardTableEntry"].as_array().unwrap();
    assert_eq!(rows.len(), 50);
    assert_eq!(rows[0]["ExternalPort"], "51");
    let first = probe.ok("DescribeForwardTableEntries", &[table]);
    assert_eq!(first["ForwardTableEntries"]["ForwardTableEntry"].as_array().unwrap().len(), 10);
    let beyond = probe.ok("DescribeForwardTableEntries", &[table, ("PageNumber", "99")]);
    assert_eq!(beyond["ForwardTableEntries"]["ForwardTableEntry"], json!([]));
    for bad in [("PageSize", "51"), ("PageSize", "0"), ("PageNumber", "0"), ("PageNumber", "x")] {
        assert!(
            probe
                .refused("DescribeForwardTableEntries", &[table, bad])
                .starts_with("InvalidParameter")
        );
    }
    let one = probe
        .ok("DescribeForwardTableEntries", &[table, ("ExternalPort", "7"), ("IpProtocol", "TCP")]);
    assert_eq!(one["TotalCount"], 1);
}

#[test]
fn snat_creates_overlap_but_changes_wait() {
    let mut probe = Probe::new(Settings::default());
    let made = probe.gateway();
    let pool = made.ips.join(",");
    let first = probe.snat(&made, &pool, "vsw-emulator-a").unwrap();
    let second = probe.snat(&made, &made.ips[0], "vsw-emulator-b").unwrap();
    let entry = |id| [("SnatTableId", made.snat_table.as_str()), ("SnatEntryId", id)];
    assert_eq!(probe.refused("DeleteSnatEntry", &entry(&first)), "IncorretSnatEntryStatus");
    probe.wait(1000);
    assert_eq!(
        probe.snat(&made, &made.ips[0], "vsw-emulator-a").unwrap_err().code,
        "Forbidden.SourceVSwitchId.Duplicated"
    );
    let change =
        [&entry(&first)[..], &[("SnatIp", made.ips[1].as_str()), ("SnatEntryName", "out")]]
            .concat();
    probe.ok("ModifySnatEntry", &change);
    let list = probe.ok(
        "DescribeSnatTableEntries",
        &[("SnatTableId", &made.snat_table), ("SnatEntryName", "out")],
    );
    let row = &list["SnatTableEntries"]["SnatTableEntry"][0];
    assert_eq!(row["Status"], "Pending");
    assert_eq!(row["SnatIp"], json!(made.ips[1]));
    assert_eq!(row["SourceCIDR"], "192.168.1.0/24");
    assert_eq!(row["SourceVSwitchId"], "vsw-emulator-a");
    probe.wait(1000);
    probe.ok("DeleteSnatEntry", &entry(&first));
    probe.ok("DeleteSnatEntry", &entry(&second));
    probe.wait(1000);
    let list = probe.ok("DescribeSnatTableEntries", &[("SnatTableId", &made.snat_table)]);
    assert_eq!(list["TotalCount"], 0);
}

#[test]
fn a_source_may_be_unique_in_its_vpc() {
    let mut probe = Probe::instant();
    let made = probe.gateway();
    probe.snat(&made, &made.ips[0], "vsw-emulator-a").unwrap();
    let enhanced =
        [("VpcId", "vpc-emulator"), ("NatType", "Enhanced"), ("VSwitchId", "vsw-emulator-a")];
    let other = probe.ok("CreateNatGateway", &enhanced);
    let id = text(&other["NatGatewayId"]);
    let ip = probe.world.bind_eips(&id, 1, None)[0].address.to_string();
    let entry = [
        ("SnatTableId", other["SnatTableIds"]["SnatTableId"][0].as_str().unwrap()),
        ("SnatIp", ip.as_str()),
        ("SourceVSwitchId", "vsw-emulator-a"),
    ];
    probe.world.conditions.snat_sources_unique_in_vpc = true;
    assert_eq!(probe.refused("CreateSnatEntry", &entry), "Forbidden.SourceVSwitchId.Duplicated");
    probe.world.conditions.snat_sources_unique_in_vpc = false;
    probe.ok("CreateSnatEntry", &entry);
}

#[test]
fn one_address_serves_dnat_or_snat_unless_it_may_both() {
    let mut probe = Probe::instant();
    let made = probe.gateway();
    probe.forward(&made, "80", "80").unwrap();
    assert_eq!(
        probe.snat(&made, &made.ips[0], "vsw-emulator-a").unwrap_err().code,
        "Forbidden.IpUsedInForwardTable"
    );
    probe.snat(&made, &made.ips[1], "vsw-emulator-a").unwrap();
    let mut on_snat = forward_parameters(&made, "81", "81");
    on_snat[1].1 = &made.ips[1];
    assert_eq!(
        probe.refused("CreateForwardEntry", &on_snat),
        "Forbidden.ExternalIp.UsedInSnatTable"
    );

    let mut package = probe.world.packages[&made.package].clone();
    package.ips.iter_mut().for_each(|ip| ip.snat_entry_enabled = true);
    probe.world.put(package);
    probe.ok("CreateForwardEntry", &on_snat);
    on_snat[2].1 = "8443";
    on_snat[4].1 = "8443";
    assert_eq!(
        probe.refused("CreateForwardEntry", &on_snat),
        "Forbidden.ExternalIp.UsedInSnatTable"
    );
    on_snat.push(("PortBreak", "True"));
    probe.ok("CreateForwardEntry", &on_snat);
}

#[test]
fn a_package_becomes_a_shared_bandwidth() {
    let mut probe = Probe::instant();
    let made = probe.gateway();
    let forward = probe.forward(&made, "80", "80").unwrap();
    let converted = probe.ok("ConvertBandwidthPackage", &[("BandwidthPackageId", &made.package)]);
    assert!(text(&converted["ConvertInstanceId"]).starts_with("cbwp-"));
    assert_eq!(probe.ok("DescribeBandwidthPackages", &[])["TotalCount"], 0);
    let row = probe.gateway_row(&made.id);
    let ips = row["IpLists"]["IpList"].as_array().unwrap();
    let addresses: Vec<String> = ips.iter().map(|ip| text(&ip["IpAddress"])).collect();
    assert_eq!(addresses, made.ips);
    assert_eq!(ips[0]["UsingStatus"], "UsedByForwardTable");
    assert!(text(&ips[0]["AllocationId"]).starts_with("eip-"));
    assert_eq!(probe.forward_entries(&made)[0]["ForwardEntryId"], json!(forward));
    // The pool still shares one bandwidth.
    probe.snat(&made, &made.ips[1], "vsw-emulator-a").unwrap();
}

#[test]
fn a_conversion_goes_through_its_steps() {
    for fails in [false, true] {
        let mut probe = Probe::new(Settings::default());
        probe.region = "cn-qingdao";
        if fails {
            probe.world.conditions.conversions_fail_at =
                Some(crate::emulator::world::model::ConversionStep::Activate);
        }
        let made = probe.gateway();
        let id = ("NatGatewayId", made.id.as_str());
        let request = [id, ("NatType", "Enhanced"), ("VSwitchId", "vsw-emulator-a-qingdao")];
        assert_eq!(
            probe.refused("UpdateNatGatewayNatType", &request),
            "OperationFailed.NatGwBindWithBandwidthPackage"
        );
        probe.ok("ConvertBandwidthPackage", &[("BandwidthPackageId", &made.package)]);
        let dry = [&request[..], &[("DryRun", "true")]].concat();
        assert_eq!(probe.refused("UpdateNatGatewayNatType", &dry), "DryRunOperation");
        probe.ok("UpdateNatGatewayNatType", &request);
        assert_eq!(probe.gateway_row(&made.id)["Status"], "Converting");
        let status = probe.ok("GetNatGatewayConvertStatus", &[id]);
        assert_eq!(status["ConvertSteps"][0]["StepStatus"], "processing");
        probe.wait(1000);
        let status = probe.ok("GetNatGatewayConvertStatus", &[id]);
        let last = status["ConvertSteps"].as_array().unwrap().last().unwrap().clone();
        let row = probe.gateway_row(&made.id);
        assert_eq!(row["Status"], "Available");
        if fails {
            assert_eq!(
                (&last["StepName"], &last["StepStatus"]),
                (&json!("end_fail"), &json!("failed"))
            );
            assert_eq!(row["NatType"], "Normal");
        } else {
            assert_eq!(
                (&last["StepName"], &last["StepStatus"]),
                (&json!("end_success"), &json!("successful"))
            );
            assert_eq!(row["NatType"], "Enhanced");
            assert_eq!(row["NatGatewayPrivateInfo"]["IzNo"], "cn-qingdao-a");
            assert_eq!(
                probe.refused("UpdateNatGatewayNatType", &request),
                "OperationUnsupported.NatConvert"
            );
        }
    }
}

#[test]
fn a_token_makes_one_thing_only() {
    let mut probe = Probe::instant();
    let create = [("VpcId", "vpc-emulator"), ("ClientToken", "one")];
    let first = probe.outcome("CreateNatGateway", &create).response;
    let again = probe.outcome("CreateNatGateway", &create);
    assert_eq!(again.response.body, first.body);
    assert!(again.record.unwrap().replayed);
    let changed = [("VpcId", "vpc-emulator"), ("ClientToken", "one"), ("Name", "other")];
    let failed = probe.call("CreateNatGateway", &changed).unwrap_err();
    assert_eq!((failed.status, failed.code.as_str()), (400, "IdempotentParameterMismatch"));
    assert_eq!(probe.ok("DescribeNatGateways", &[])["TotalCount"], 1);
    let long = "x".repeat(65);
    let malformed = [("VpcId", "vpc-emulator"), ("ClientToken", long.as_str())];
    assert_eq!(probe.refused("CreateNatGateway", &malformed), "InvalidClientToken.Malformed");
    // A token is forgotten after its life.
    probe.wait(24 * 3600 * 1000);
    assert_eq!(probe.refused("CreateNatGateway", &create), "RouterEntryConflict.Duplicated");
}

#[test]
fn a_repetition_during_processing_is_told_to_wait() {
    let mut probe = Probe::instant();
    probe.world.conditions.token_processing_ms = 500;
    let create = [("VpcId", "vpc-emulator"), ("ClientToken", "one")];
    probe.ok("CreateNatGateway", &create);
    assert_eq!(probe.refused("CreateNatGateway", &create), "LastTokenProcessing");
    probe.wait(500);
    probe.ok("CreateNatGateway", &create);
}

#[test]
fn force_takes_everything_along() {
    let mut probe = Probe::new(Settings::default());
    let made = probe.gateway();
    probe.forward(&made, "80", "80").unwrap();
    probe.snat(&made, &made.ips[1], "vsw-emulator-a").unwrap();
    probe.wait(1000);
    let id = ("NatGatewayId", made.id.as_str());
    assert_eq!(probe.refused("DeleteNatGateway", &[id]), "DependencyViolation.BandwidthPackages");
    probe.ok("DeleteNatGateway", &[id, ("Force", "true")]);
    probe.wait(1000);
    assert_eq!(
        probe.refused("DescribeForwardTableEntries", &[("ForwardTableId", &made.forward_table)]),
        "InvalidForwardTableId.NotFound"
    );
    let left: Vec<(_, usize)> = probe.world.counts().into_iter().filter(|(_, n)| *n > 0).collect();
    assert_eq!(left.len(), 2, "{left:?}: only the networks are left");
}

#[test]
fn lists_lag_behind_writes_when_told() {
    let mut probe = Probe::new(Settings {
        timings: Timings { read_lag_ms: 300, ..Timings::instant() },
        ..Settings::default()
    });
    let made = probe.ok("CreateNatGateway", &[("VpcId", "vpc-emulator")]);
    let id = text(&made["NatGatewayId"]);
    assert_eq!(probe.ok("DescribeNatGateways", &[])["TotalCount"], 0);
    probe.wait(299);
    assert_eq!(probe.ok("DescribeNatGateways", &[("NatGatewayId", &id)])["TotalCount"], 0);
    probe.wait(1);
    assert_eq!(probe.gateway_row(&id)["Status"], "Available");
    probe.ok("ModifyNatGatewayAttribute", &[("NatGatewayId", &id), ("Name", "late")]);
    assert_eq!(probe.gateway_row(&id)["Name"], json!(id));
    probe.wait(300);
    assert_eq!(probe.gateway_row(&id)["Name"], "late");
    probe.ok("DeleteNatGateway", &[("NatGatewayId", &id)]);
    probe.wait(10);
    assert_eq!(probe.gateway_row(&id)["Name"], "late");
    probe.wait(300);
    assert_eq!(probe.ok("DescribeNatGateways", &[])["TotalCount"], 0);
}

#[test]
fn nothing_settles_by_hand_before_it_is_told() {
    let mut probe = Probe::new(Settings { timings: Timings::manual(), ..Settings::default() });
    let made = probe.ok("CreateNatGateway", &[("VpcId", "vpc-emulator")]);
    let id = text(&made["NatGatewayId"]);
    probe.wait(1_000_000);
    assert_eq!(probe.gateway_row(&id)["Status"], "Creating");
    assert_eq!(probe.world.settle(probe.now, Some("ngw-other")), 0);
    assert_eq!(probe.world.settle(probe.now, Some(&id)), 1);
    assert_eq!(probe.gateway_row(&id)["Status"], "Available");
}

#[test]
fn the_same_requests_make_the_same_world() {
    let run = || {
        let mut probe = Probe::instant();
        let made = probe.gateway();
        probe.forward(&made, "80", "80").unwrap();
        let answer = probe.outcome("DescribeNatGateways", &[]).response.body;
        (serde_json::to_string(&probe.world.dump()).unwrap(), answer)
    };
    assert_eq!(run(), run());
}

#[test]
fn a_dump_makes_the_same_world_again() {
    let mut probe = Probe::new(Settings::default());
    let made = probe.gateway();
    probe.forward(&made, "80", "80").unwrap();
    let dump = probe.world.dump();
    let text = serde_json::to_string(&dump).unwrap();
    let mut other = Probe::new(Settings::default());
    other.now = probe.now;
    other.nonce = 1000;
    other.world.load(serde_json::from_str(&text).unwrap());
    assert_eq!(other.world.dump(), dump);
    assert_eq!(other.forward(&made, "81", "81").unwrap_err().code, "IncorretForwardEntryStatus");
    other.wait(1000);
    other.forward(&made, "81", "81").unwrap();
    let rows: Vec<Value> = other.forward_entries(&made);
    assert_eq!(rows.len(), 2);
}
