//! Every row of errors that the 2019-07-19 edition lists is produced as that edition spells it, and
//! what else is that edition's own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::probe::{Failed, Made, Probe, forward_parameters, text};
use super::rows::{edit_vpc, edit_vswitch, fails, produce, with};
use crate::api::catalogue::{Action, Edition};
use crate::emulator::errors_2019::rows;
use crate::emulator::faults::{Effect, FaultError, Matcher, Rule};
use crate::emulator::world::model::NetworkStatus;

const VPC: (&str, &str) = ("VpcId", "vpc-emulator");

/// The newer edition's code for the same reason.
fn newer(action: Action, code: &str) -> &str {
    match (action, code) {
        (_, "Forbidden.DestnationIpOutOfVpcCIDR") => "Forbidden.DestinationIpOutOfVpcCIDR",
        (_, "InvalidProtocal.ValueNotSupported") => "InvalidProtocol.ValueNotSupported",
        (_, "InternalError") => "InternalServerError",
        (Action::CreateNatGateway, "InvalidParameter.BandwidthPackage.n.ISP.ValueNotSupport") => {
            "InvalidParameter.BandwidthPackage.Isp.ValueNotSupport"
        }
        _ => code,
    }
}

/// Brings about a row where the older edition needs another way than the newer one.
fn otherwise(action: Action, code: &str, nth: usize) -> Option<Failed> {
    let mut probe = Probe::older();
    match (action, code, nth) {
        (Action::CreateNatGateway, "MissingParameter.BandwidthPackage", _) => {
            let names: Vec<String> =
                (1..=5).map(|n| format!("BandwidthPackage.{n}.Bandwidth")).collect();
            let mut parameters = vec![VPC];
            parameters.extend(names.iter().map(|name| (name.as_str(), "5")));
            Some(fails(&mut probe, action, &parameters))
        }
        (Action::CreateNatGateway, "VswitchStatusError", _) => {
            edit_vswitch(&mut probe, "vsw-emulator-b", |v| v.status = NetworkStatus::Pending);
            Some(fails(&mut probe, action, &[VPC]))
        }
        (Action::CreateForwardEntry, "Forbidden.InternalIpOutOfVpcCIDR", _) => {
            // Only a world that was put in has an Enhanced gateway.
            let made = probe.gateway();
            let mut gateway = probe.world.gateways[&made.id].clone();
            gateway.nat_type = "Enhanced".to_owned();
            probe.world.put(gateway);
            let entry = forward_parameters(&made, "80", "80");
            Some(fails(&mut probe, action, &with(&entry, &[("InternalIp", "10.0.0.1")])))
        }
        (Action::DeleteSnatEntry, "InvalidSnatEntryId.NotFound", 1) => {
            let made = probe.gateway();
            let entry = probe.snat(&made, &made.ips[0], "vsw-emulator-a").unwrap();
            edit_vpc(&mut probe, VPC.1, |v| v.routes.clear());
            let other = probe.gateway();
            let named = [("SnatTableId", other.snat_table.as_str()), ("SnatEntryId", &entry)];
            Some(fails(&mut probe, action, &named))
        }
        _ => None,
    }
}

#[test]
fn every_listed_row_of_2019_is_produced() {
    let mut seen = BTreeMap::new();
    let (mut missing, mut produced) = (Vec::new(), 0);
    for row in rows() {
        let count: &mut usize = seen.entry((row.action, row.code)).or_default();
        let nth = *count;
        *count += 1;
        let came = otherwise(row.action, row.code, nth)
            .or_else(|| produce(Probe::older(), row.action, newer(row.action, row.code), nth));
        let wanted = Failed {
            status: row.status,
            code: row.code.to_owned(),
            message: row.message.to_owned(),
        };
        match came {
            None => missing.push(format!("{} {} {nth}: nobody knows how", row.action, row.code)),
            Some(failed) if failed != wanted => {
                missing.push(format!("{}: {wanted:?}, but came {failed:?}", row.action));
            }
            Some(_) => produced += 1,
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert_eq!(produced, 128);
}

/// Makes a gateway with these packages.
fn with_packages(probe: &mut Probe, packages: &[(&str, &str)]) -> Value {
    probe.ok("CreateNatGateway", &[&[VPC], packages].concat())
}

#[test]
fn a_gateway_comes_with_up_to_four_packages() {
    let mut probe = Probe::older();
    let made = with_packages(
        &mut probe,
        &[
            ("BandwidthPackage.1.Bandwidth", "5000"),
            ("BandwidthPackage.1.IpCount", "3"),
            ("BandwidthPackage.1.Zone", "cn-hangzhou-b"),
            ("BandwidthPackage.2.Bandwidth", "10"),
            ("BandwidthPackage.2.ISP", "BGP"),
            ("BandwidthPackage.3.IpCount", "50"),
            ("BandwidthPackage.4.Bandwidth", "7"),
        ],
    );
    let ids = made["BandwidthPackageIds"].as_array().unwrap();
    assert_eq!(ids.len(), 4);
    let list = probe.ok("DescribeBandwidthPackages", &[]);
    let list = list["BandwidthPackages"]["BandwidthPackage"].as_array().unwrap();
    let shown: Vec<(&Value, &Value, &Value, usize)> = list
        .iter()
        .map(|p| {
            let ips = p["PublicIpAddresses"]["PublicIpAdresse"].as_array().unwrap();
            assert_eq!(ips[0]["ApAccessEnabled"], false);
            assert_eq!(p["NatGatewayId"], made["natGatewayId"]);
            (&p["BandwidthPackageId"], &p["Bandwidth"], &p["IpCount"], ips.len())
        })
        .collect();
    assert_eq!(
        shown,
        [
            (&ids[0], &json!("5000"), &json!("3"), 3),
            (&ids[1], &json!("10"), &json!("1"), 1),
            (&ids[2], &json!("5"), &json!("50"), 50),
            (&ids[3], &json!("7"), &json!("1"), 1),
        ]
    );
    assert_eq!(list[0]["ZoneId"], "cn-hangzhou-b");
    let id = text(&made["natGatewayId"]);
    assert_eq!(
        probe.gateway_row(&id)["BandwidthPackageIds"]["BandwidthPackageId"],
        made["BandwidthPackageIds"]
    );
    // The packages stand in the way of the gateway's deletion, and count.
    let named = ("NatGatewayId", id.as_str());
    assert_eq!(
        probe.refused("DeleteNatGateway", &[named]),
        "DependencyViolation.BandwidthPackages"
    );
    let more = [named, ("Bandwidth", "5"), ("IpCount", "1")];
    assert_eq!(
        probe.refused("CreateBandwidthPackage", &more),
        "QuotaExceeded.BandwidthPackageCountOnNatGateway"
    );
    for package in ids {
        probe.ok("DeleteBandwidthPackage", &[("BandwidthPackageId", package.as_str().unwrap())]);
    }
    probe.ok("DeleteNatGateway", &[named]);
}

#[test]
fn packages_of_a_new_gateway_are_made_all_or_none() {
    for (name, value, code) in [
        ("BandwidthPackage.2.Bandwidth", "4", "InvalidBandwidth.ValueNotSupported"),
        ("BandwidthPackage.2.Bandwidth", "5001", "InvalidBandwidth.ValueNotSupported"),
        ("BandwidthPackage.2.IpCount", "0", "InvalidIpCount.ValueNotSupported"),
        ("BandwidthPackage.2.IpCount", "51", "QuotaExceeded.BandwidthPackageIps"),
        ("BandwidthPackage.2.Zone", "nowhere", "InvalidZoneId.NotFound"),
        ("BandwidthPackage.3.Bandwidth", "5", "MissingParameter.BandwidthPackage"),
        ("BandwidthPackage.0.Bandwidth", "5", "MissingParameter.BandwidthPackage"),
        (
            "BandwidthPackage.2.ISP",
            "CMCC",
            "InvalidParameter.BandwidthPackage.n.ISP.ValueNotSupport",
        ),
    ] {
        let mut probe = Probe::older();
        let parameters = [VPC, ("BandwidthPackage.1.Bandwidth", "5"), (name, value)];
        assert_eq!(probe.refused("CreateNatGateway", &parameters), code, "{name} {value}");
        assert_eq!(probe.ok("DescribeBandwidthPackages", &[])["TotalCount"], 0);
        assert_eq!(probe.ok("DescribeNatGateways", &[])["TotalCount"], 0);
    }
    // The same token brings the same packages, and no others.
    let mut probe = Probe::older();
    let create = [VPC, ("BandwidthPackage.1.IpCount", "2"), ("ClientToken", "t")];
    let first = probe.ok("CreateNatGateway", &create);
    assert_eq!(probe.ok("CreateNatGateway", &create), first);
    assert_eq!(probe.ok("DescribeBandwidthPackages", &[])["TotalCount"], 1);
    let other = [VPC, ("BandwidthPackage.1.IpCount", "3"), ("ClientToken", "t")];
    assert_eq!(probe.refused("CreateNatGateway", &other), "IdempotentParameterMismatch");
}

#[test]
fn what_only_the_newer_edition_takes_has_no_effect_and_is_counted() {
    let mut probe = Probe::older();
    let create = [
        VPC,
        ("NatType", "Enhanced"),
        ("VSwitchId", "vsw-emulator-a"),
        ("InstanceChargeType", "PrePaid"),
        ("InternetChargeType", "PayByLcu"),
    ];
    let outcome = probe.outcome("CreateNatGateway", &create);
    let mut unknown = outcome.record.unwrap().unknown_parameters;
    unknown.sort();
    assert_eq!(
        unknown,
        ["InstanceChargeType", "InternetChargeType", "NatType", "VSwitchId"],
        "tolerated and counted"
    );
    let gateway = probe.world.gateways.values().next().unwrap().clone();
    assert_eq!(
        (gateway.nat_type.as_str(), gateway.instance_charge_type.as_str()),
        ("Normal", "PostPaid")
    );
    assert!(gateway.vswitch.is_none());
    // Filters of the newer edition filter nothing.
    let all = probe.ok("DescribeNatGateways", &[("NatType", "Enhanced"), ("Spec", "Large")]);
    assert_eq!(all["TotalCount"], 1);
    assert_eq!(probe.ok("DescribeNatGateways", &[("Name", "other")])["TotalCount"], 0);
    // A call with neither name nor description is the edition's own example.
    probe.ok("ModifyNatGatewayAttribute", &[("NatGatewayId", &gateway.id)]);
}

#[test]
fn entries_have_no_tokens_and_names_that_nobody_shows() {
    let mut probe = Probe::older();
    let made = probe.gateway();
    let entry = with(
        &forward_parameters(&made, "Any", "any"),
        &[("IpProtocol", "Any"), ("ForwardEntryName", "all"), ("ClientToken", "t")],
    );
    probe.ok("CreateForwardEntry", &entry);
    // The token means nothing: the second one is refused for its key.
    assert_eq!(probe.refused("CreateForwardEntry", &entry), "Forbidden.ExternalKey.Duplicated");
    let row = &probe.forward_entries(&made)[0];
    let port = json!("any");
    assert_eq!(
        (&row["IpProtocol"], &row["ExternalPort"], &row["InternalPort"]),
        (&port, &port, &port)
    );
    assert!(row.get("ForwardEntryName").is_none());
    // The other filters of the newer edition filter nothing.
    let list = [("ForwardTableId", made.forward_table.as_str()), ("ExternalPort", "1")];
    assert_eq!(probe.ok("DescribeForwardTableEntries", &list)["TotalCount"], 1);

    let snat = probe.snat(&made, &made.ips[1], "vsw-emulator-a").unwrap();
    let named = [("SnatTableId", made.snat_table.as_str()), ("SnatEntryId", snat.as_str())];
    let renamed = [&named[..], &[("SnatEntryName", "out")]].concat();
    assert_eq!(probe.refused("ModifySnatEntry", &renamed), "MissingParameter");
    let modified = [&renamed[..], &[("SnatIp", made.ips[1].as_str())]].concat();
    probe.ok("ModifySnatEntry", &modified);
    assert_eq!(probe.world.snat_entries[&snat].name, "", "the name is not taken");
    let list = [named[0], ("SourceCIDR", "10.0.0.0/8")];
    let list = probe.ok("DescribeSnatTableEntries", &list);
    assert_eq!(list["TotalCount"], 1);
    assert!(list["SnatTableEntries"]["SnatTableEntry"][0].get("SnatEntryName").is_none());
}

#[test]
fn states_and_sizes_have_their_own_spelling() {
    let mut probe = Probe::older();
    probe.slow();
    let made = with_packages(&mut probe, &[]);
    assert_eq!(made["BandwidthPackageIds"], json!([]));
    let id = text(&made["natGatewayId"]);
    let status = |probe: &mut Probe| text(&probe.gateway_row(&id)["Status"]);
    assert_eq!(status(&mut probe), "Initiating");
    probe.wait(1000);
    assert_eq!(status(&mut probe), "Available");
    probe.ok("ModifyNatGatewaySpec", &[("NatGatewayId", &id), ("Spec", "Xlarge.1")]);
    assert_eq!(status(&mut probe), "Pending");
    probe.wait(1000);
    assert_eq!(probe.gateway_row(&id)["Spec"], "Xlarge.1");
    let package = probe.ok(
        "CreateBandwidthPackage",
        &[("NatGatewayId", &id), ("Bandwidth", "5"), ("IpCount", "1")],
    );
    let package = text(&package["BandwidthPackageId"]);
    // Its table and its example spell one parameter differently.
    for (name, value) in [("BandWidth", "6"), ("Bandwidth", "7")] {
        let named = [("BandwidthPackageId", package.as_str()), (name, value)];
        probe.ok("ModifyBandwidthPackageSpec", &named);
        assert_eq!(probe.world.packages[&package].bandwidth.to_string(), value);
    }
}

#[test]
fn answers_are_xml_unless_asked_otherwise() {
    let mut probe = Probe::older();
    let answer = |probe: &mut Probe, action, parameters: &[(&str, &str)]| {
        let response = probe.outcome(action, parameters).response;
        String::from_utf8(response.body).unwrap()
    };
    let packages = [VPC, ("BandwidthPackage.1.IpCount", "1"), ("BandwidthPackage.2.IpCount", "1")];
    let created = answer(&mut probe, "CreateNatGateway", &packages);
    assert!(created.contains("<CreateNatGatewayResponse>"), "{created}");
    assert_eq!(created.matches("<BandwidthPackageIds>bwp-").count(), 2, "{created}");
    assert_eq!(created.matches("<forwardTableIds>ftb-").count(), 1, "{created}");
    assert_eq!(created.matches("<snatTableIds>stb-").count(), 1, "{created}");
    assert_eq!(created.matches("<natGatewayId>ngw-").count(), 1, "{created}");
    let listed = answer(&mut probe, "DescribeNatGateways", &[]);
    assert_eq!(listed.matches("<BandwidthPackageId>bwp-").count(), 2, "{listed}");
    let refused =
        answer(&mut probe, "ModifyNatGatewaySpec", &[("NatGatewayId", "ngw-1"), ("Spec", "Small")]);
    assert!(
        refused.contains("<Error>")
            && refused.contains("<Code>InvalidNatGatewayId.NotFound</Code>")
    );
    let json = answer(&mut probe, "DescribeNatGateways", &[("Format", "json")]);
    assert!(serde_json::from_str::<Value>(&json).is_ok());
}

#[test]
fn each_edition_has_its_actions() {
    for action in Action::ALL {
        let mut probe = Probe::older();
        let old = action.exists_in(Edition::V2019_07_19);
        let failed = probe.call(action.name(), &[("RegionId", "cn-nowhere")]);
        let unknown = failed.is_err_and(|failed| failed.code == "InvalidAction.NotFound");
        assert_eq!(unknown, !old, "{action}");
    }
}

#[test]
fn a_fault_may_name_a_code_of_either_edition() {
    for code in ["InternalError", "InternalServerError"] {
        let mut probe = Probe::older();
        let made: Made = probe.gateway();
        let effect = Effect {
            error: Some(FaultError { code: Some(code.to_owned()), ..FaultError::default() }),
            ..Effect::default()
        };
        let action = Some("CreateForwardEntry".to_owned());
        let matcher = Matcher { action, ..Matcher::default() };
        probe.world.faults.add(Rule { matcher, effect, ..Rule::default() });
        let failed = probe.forward(&made, "80", "80").unwrap_err();
        assert_eq!((failed.status, failed.code.as_str()), (500, "InternalError"));
        assert!(failed.message.starts_with("The request processing has failed"), "{failed:?}");
    }
}
