//! Reading of pages in both editions' shapes.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{gateway, package};
use crate::api::catalogue::Action;
use crate::resources::{Object, ReadScope, data, data_source, reads};
use crate::value::Value;

fn only(action: Action, answer: &Json) -> Object {
    let mut page = reads::page(action, answer).unwrap();
    assert_eq!(page.rows.len(), 1);
    page.rows.remove(0).object
}

#[test]
fn gateways_of_the_2020_edition() {
    let answer = json!({
        "PageNumber": 1, "TotalCount": 1, "PageSize": 10, "RequestId": "r",
        "NatGateways": { "NatGateway": [{
            "Description": "", "Spec": "Small", "Name": "", "Status": "Available",
            "IpLists": { "IpList": [
                { "IpAddress": "198.51.100.1", "AllocationId": "eip-1", "UsingStatus": "Idle",
                  "SnatEntryEnabled": true }
            ]},
            "ForwardTableIds": { "ForwardTableId": ["ftb-1"] },
            "SnatTableIds": { "SnatTableId": ["stb-1"] },
            "VpcId": "vpc-1", "NatGatewayId": "ngw-1", "NatType": "Enhanced",
            "NatGatewayPrivateInfo": { "VswitchId": "vsw-1", "MaxBandwidth": 5120, "IzNo": "" },
            "InstanceChargeType": "PostPaid", "DeletionProtection": false,
        }]}
    });
    let object = only(Action::DescribeNatGateways, &answer);
    assert_eq!(object.text("id"), Some("ngw-1"));
    assert_eq!(object.text("forward_table_id"), Some("ftb-1"));
    assert_eq!(object.texts("snat_table_ids").unwrap(), ["stb-1"]);
    assert_eq!(object.text("vswitch_id"), Some("vsw-1"));
    // An empty text says that there is none; a missing field says nothing.
    assert!(object.has("description") && object.get("description").is_none());
    assert!(!object.has("internet_charge_type"));
    let info = object.get("nat_gateway_private_info").unwrap();
    assert_eq!(info.get("max_bandwidth"), Some(&Value::from(5120_i64)));
    assert!(info.get("iz_no").unwrap().is_null());
    let ips = object.get("ip_lists").unwrap().as_elements().unwrap();
    assert_eq!(ips[0].get("snat_entry_enabled").unwrap().as_bool(), Some(true));
}

#[test]
fn gateways_of_the_2019_edition_and_other_shapes() {
    let flat = json!({
        "TotalCount": "1",
        "natGateways": [{
            "natGatewayId": "ngw-1", "spec": "Xlarge.1", "forwardTableIds": ["ftb-1", "ftb-2"],
            "SnatTableIds": "stb-1", "IpLists": "", "BandwidthPackageIds": { "BandwidthPackageId": [] },
            "DeletionProtection": "True",
        }]
    });
    let object = only(Action::DescribeNatGateways, &flat);
    assert_eq!(object.text("spec"), Some("XLarge.1"));
    assert_eq!(object.text("forward_table_id"), Some("ftb-1"));
    assert_eq!(object.text("snat_table_id"), Some("stb-1"));
    assert!(object.get("bandwidth_package_ids").unwrap().as_elements().unwrap().is_empty());
    assert!(object.flag("deletion_protection"));
    // What XML turns into: a lone element has no list around it.
    let xml = json!({ "TotalCount": "1", "NatGateways": { "NatGateway": {
        "NatGatewayId": "ngw-1",
        "ForwardTableIds": { "ForwardTableId": "ftb-1" },
        "IpLists": { "IpList": { "IpAddress": "198.51.100.1", "AllocationId": "eip-1" } },
    }}});
    let object = only(Action::DescribeNatGateways, &xml);
    assert_eq!(object.texts("forward_table_ids").unwrap(), ["ftb-1"]);
    assert_eq!(object.get("ip_lists").unwrap().as_elements().unwrap().len(), 1);
}

#[test]
fn entries_of_both_editions_read_alike() {
    let new = json!({ "TotalCount": 1, "ForwardTableEntries": { "ForwardTableEntry": [{
        "Status": "Available", "IpProtocol": "TCP", "ForwardEntryId": "fwd-1",
        "ExternalIp": "198.51.100.1", "ForwardTableId": "ftb-1", "ExternalPort": "80",
        "InternalPort": 25, "InternalIp": "192.168.1.39", "ForwardEntryName": "web",
    }]}});
    let object = only(Action::DescribeForwardTableEntries, &new);
    assert_eq!(object.text("ip_protocol"), Some("tcp"));
    assert_eq!(object.text("internal_port"), Some("25"));
    assert_eq!(object.text("forward_entry_name"), Some("web"));
    let old = json!({ "TotalCount": 1, "ForwardTableEntries": { "ForwardTableEntry": [{
        "ForwardEntryId": "fwd-1", "IpProtocol": "any", "ExternalPort": "any",
    }]}});
    let object = only(Action::DescribeForwardTableEntries, &old);
    assert_eq!(object.text("external_port"), Some("any"));
    let snat = json!({ "SnatTableEntries": { "SnatTableEntry": [{
        "Status": "Available", "SourceCIDR": "192.168.1.0/24", "SnatTableId": "stb-1",
        "SnatIp": "198.51.100.2, 198.51.100.1", "SnatEntryId": "snat-1", "SourceVSwitchId": "vsw-1",
    }]}});
    let page = reads::page(Action::DescribeSnatTableEntries, &snat).unwrap();
    assert_eq!(page.total, None);
    let object = &page.rows[0].object;
    assert_eq!(object.texts("snat_ip").unwrap(), ["198.51.100.1", "198.51.100.2"]);
    assert_eq!(object.text("source_vswitch_id"), Some("vsw-1"));
}

#[test]
fn packages_have_their_addresses_by_number() {
    for wrapper in ["PublicIpAdresse", "PublicIpAddresse"] {
        let answer = json!({ "TotalCount": 1, "BandwidthPackages": { "BandwidthPackage": [{
            "BandwidthPackageId": "bwp-1", "Bandwidth": "5", "IpCount": "2", "ISP": "BGP",
            "ZoneId": "cn-hangzhou-b", "NatGatewayId": "ngw-1",
            "PublicIpAddresses": { wrapper: [
                { "IpAddress": "198.51.100.20", "AllocationId": "nateip-1", "UsingStatus": "Idle" },
                { "IpAddress": "198.51.100.3", "AllocationId": "nateip-2",
                  "UsingStatus": "UsedBySnatTable" },
            ]},
        }]}});
        let object = only(Action::DescribeBandwidthPackages, &answer);
        assert_eq!(object.integer("bandwidth"), Some(5));
        assert_eq!(object.integer("ip_count"), Some(2));
        assert_eq!(object.text("zone"), Some("cn-hangzhou-b"));
        let addresses = ["198.51.100.3", "198.51.100.20"];
        assert_eq!(object.texts("public_ip_addresses").unwrap(), addresses);
        let ips = object.get("public_ips").unwrap().as_elements().unwrap();
        assert_eq!(ips[0].get("ip_address").unwrap().as_str(), Some(addresses[0]));
    }
}

#[test]
fn answers_that_are_not_lists_are_errors() {
    let read = |answer: &Json| reads::page(Action::DescribeNatGateways, answer);
    assert!(read(&json!({})).unwrap_err().contains("`NatGateways`"));
    assert!(read(&json!([])).is_err());
    assert!(read(&json!(null)).is_err());
    assert!(read(&json!({ "NatGateways": [{}] })).unwrap_err().contains("no id"));
    assert!(read(&json!({ "NatGateways": null, "TotalCount": 0 })).unwrap().rows.is_empty());
    for empty in
        [json!({}), json!(""), json!([]), json!({"NatGateway": []}), json!({"NatGateway": ""})]
    {
        let page = read(&json!({ "NatGateways": empty, "TotalCount": 0 })).unwrap();
        assert!(page.rows.is_empty());
    }
    assert!(reads::page(Action::DeleteNatGateway, &json!({})).is_err());
}

#[test]
fn only_named_codes_say_that_a_table_is_gone() {
    let gone = reads::parent_gone;
    assert!(gone(Action::DescribeForwardTableEntries, "InvalidForwardTableId.NotFound"));
    assert!(gone(Action::DescribeSnatTableEntries, "InvalidSnatTableId.NotFound"));
    for code in ["InvalidRegionId.NotFound", "BandwidthPackage.FinancialLocked", "NotFound", ""] {
        for action in Action::ALL {
            assert!(!gone(action, code), "{action:?} {code}");
        }
    }
    assert!(!gone(Action::DescribeSnatTableEntries, "InvalidForwardTableId.NotFound"));
    assert!(!gone(Action::DescribeNatGateways, "InvalidNatGatewayId.NotFound"));
}

#[test]
fn calls_name_region_filter_and_page() {
    let (region, table) = ("cn-hangzhou".to_owned(), "ftb-1".to_owned());
    let scope = ReadScope::ForwardEntries { region, table };
    let call = reads::paged(&reads::list_call(&scope), 2, reads::PAGE_SIZE);
    assert_eq!(call.action, Action::DescribeForwardTableEntries);
    let text: Vec<String> = call.parameters.iter().map(|(n, v)| format!("{n}={v}")).collect();
    assert_eq!(
        text,
        ["ForwardTableId=ftb-1", "PageNumber=2", "PageSize=50", "RegionId=cn-hangzhou"]
    );
    let call = reads::single_call(&scope, "fwd-1").unwrap();
    assert_eq!(call.parameter("ForwardEntryId"), Some("fwd-1"));
    assert_eq!(scope.to_string(), "the entries of DNAT table `ftb-1`");
}

#[test]
fn creates_answer_ids_in_both_editions() {
    let new = json!({
        "NatGatewayId": "ngw-1", "SnatTableIds": { "SnatTableId": ["stb-1"] },
        "ForwardTableIds": { "ForwardTableId": ["ftb-1"] }
    });
    let old = json!({
        "natGatewayId": "ngw-1", "snatTableIds": ["stb-1"], "forwardTableIds": ["ftb-1"],
        "BandwidthPackageIds": ["bwp-1"]
    });
    for answer in [new, old] {
        let created = gateway().created(Action::CreateNatGateway, &answer);
        assert_eq!(created.text("id"), Some("ngw-1"));
        assert_eq!(created.text("forward_table_id"), Some("ftb-1"));
        assert_eq!(created.text("snat_table_id"), Some("stb-1"));
        assert!(gateway().created(Action::ModifyNatGatewaySpec, &answer).is_empty());
    }
    for wire in ["ConvertInstanceid", "ConvertInstanceId"] {
        let answer = json!({ wire: "cbwp-1" });
        let made = package().created(Action::ConvertBandwidthPackage, &answer);
        assert_eq!(made.text("common_bandwidth_package_id"), Some("cbwp-1"));
    }
}

#[test]
fn data_sources_hold_what_passes_their_filters() {
    let answer = json!({ "TotalCount": 2, "NatGateways": { "NatGateway": [
        { "NatGatewayId": "ngw-1", "Name": "a", "VpcId": "vpc-1" },
        { "NatGatewayId": "ngw-2", "Name": "b", "VpcId": "vpc-1" },
    ]}});
    let rows = reads::page(Action::DescribeNatGateways, &answer).unwrap().rows;
    let schema = data_source("nat_gateways").unwrap();
    let filters = super::object([("name", "b"), ("vpc_id", "vpc-1")]);
    let parameters = data::parameters(schema, &filters);
    let object = data::object(schema, &parameters, rows.clone());
    assert_eq!(object.texts("ids").unwrap(), ["ngw-2"]);
    let found = object.get("nat_gateways").unwrap().as_elements().unwrap();
    assert_eq!(found[0].get("vpc_id").unwrap().as_str(), Some("vpc-1"));
    assert!(found[0].get("description").unwrap().is_null());
    assert!(found[0].get("force").is_none());
    assert_eq!(object.text("name"), Some("b"));
    let all = data::object(schema, &BTreeMap::default(), rows);
    assert_eq!(all.texts("ids").unwrap().len(), 2);

    let steps = json!({ "NatGatewayId": "ngw-1", "DstNatType": "Enhanced",
        "ConvertSteps": [{ "StepName": "init", "StepStatus": "successful" }] });
    let rows = reads::page(Action::GetNatGatewayConvertStatus, &steps).unwrap().rows;
    let schema = data_source("nat_gateway_convert_status").unwrap();
    let object = data::object(schema, &BTreeMap::default(), rows);
    assert_eq!(object.get("convert_steps").unwrap().as_elements().unwrap().len(), 1);
    assert_eq!(object.text("dst_nat_type"), Some("Enhanced"));
    assert!(!object.has("id"));

    let zones = json!({ "Zones": { "Zone": [{ "ZoneId": "z-a", "LocalName": "A" }] } });
    let rows = reads::page(Action::ListEnhancedNatGatewayAvailableZones, &zones).unwrap().rows;
    let object =
        data::object(data_source("enhanced_nat_zones").unwrap(), &BTreeMap::default(), rows);
    assert_eq!(object.texts("ids").unwrap(), ["z-a"]);
}
