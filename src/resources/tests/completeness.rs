//! Every parameter and every field of the 2020-09-25 edition has its place in a schema.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, gateway, object, package, sample_changes};
use crate::resources::{self, Attribute, Kind, Object, Schema};

/// Action, its request parameters, the fields of its answer.
const TABLE: [(&str, &str, &str); 24] = [
    (
        "CreateNatGateway",
        "Action RegionId VpcId Name Description ClientToken Spec InstanceChargeType \
         PricingCycle Duration AutoPay VSwitchId NatType InternetChargeType",
        "NatGatewayId ForwardTableIds RequestId SnatTableIds",
    ),
    ("ModifyNatGatewayAttribute", "Action NatGatewayId RegionId Name Description", "RequestId"),
    ("ListEnhancedNatGatewayAvailableZones", "Action RegionId", "RequestId Zones LocalName ZoneId"),
    (
        "UpdateNatGatewayNatType",
        "Action NatGatewayId NatType RegionId VSwitchId DryRun ClientToken",
        "RequestId",
    ),
    (
        "GetNatGatewayConvertStatus",
        "Action NatGatewayId RegionId",
        "ConvertSteps StepName StepStartTime StepStatus DstNatType NatGatewayId \
         RequestId",
    ),
    ("ModifyNatGatewaySpec", "Action NatGatewayId RegionId Spec ClientToken", "RequestId"),
    (
        "DescribeNatGateways",
        "Action RegionId NatGatewayId VpcId Name InstanceChargeType Spec NatType \
         ResourceGroupId PageNumber PageSize DryRun",
        "NatGateways NatGateway BusinessStatus CreationTime DeletionProtection \
         Description EcsMetricEnabled ExpiredTime ForwardTableIds InstanceChargeType \
         InternetChargeType IpLists IpList IpAddress SnatEntryEnabled Name NatGatewayId \
         NatGatewayPrivateInfo EniInstanceId IzNo MaxBandwidth PrivateIpAddress \
         VswitchId NatType RegionId ResourceGroupId SnatTableIds Spec Status VpcId \
         PageNumber PageSize RequestId TotalCount",
    ),
    ("DeleteNatGateway", "Action NatGatewayId RegionId Force", "RequestId"),
    (
        "CreateForwardEntry",
        "Action ExternalIp ExternalPort ForwardTableId InternalIp InternalPort \
         IpProtocol RegionId ForwardEntryName ClientToken PortBreak",
        "ForwardEntryId RequestId",
    ),
    (
        "ModifyForwardEntry",
        "Action ForwardEntryId ForwardTableId RegionId ExternalIp ExternalPort \
         InternalIp InternalPort IpProtocol",
        "RequestId",
    ),
    (
        "DescribeForwardTableEntries",
        "Action ForwardTableId RegionId ForwardEntryId ExternalIp ExternalPort \
         InternalIp InternalPort IpProtocol ForwardEntryName PageNumber PageSize",
        "ForwardTableEntries ForwardTableEntry ExternalIp ExternalPort ForwardEntryId \
         ForwardEntryName ForwardTableId InternalIp InternalPort IpProtocol Status \
         TotalCount PageNumber PageSize RequestId",
    ),
    ("DeleteForwardEntry", "Action ForwardEntryId ForwardTableId RegionId", "RequestId"),
    (
        "CreateSnatEntry",
        "Action RegionId SnatIp SnatTableId SourceVSwitchId SourceCIDR SnatEntryName \
         ClientToken",
        "SnatEntryId RequestId",
    ),
    (
        "ModifySnatEntry",
        "Action RegionId SnatEntryId SnatTableId SnatIp SnatEntryName ClientToken",
        "RequestId",
    ),
    (
        "DescribeSnatTableEntries",
        "Action RegionId SnatTableId SnatEntryId SourceVSwitchId SourceCIDR SnatIp \
         SnatEntryName PageNumber PageSize",
        "SnatTableEntries SnatTableEntry SnatEntryId SnatEntryName SnatIp SnatTableId \
         SourceCIDR SourceVSwitchId Status TotalCount PageNumber PageSize RequestId",
    ),
    ("DeleteSnatEntry", "Action RegionId SnatEntryId SnatTableId", "RequestId"),
    (
        "CreateBandwidthPackage",
        "Action Bandwidth IpCount NatGatewayId RegionId ClientToken Description ISP \
         InternetChargeType Name Zone",
        "BandwidthPackageId RequestId",
    ),
    (
        "DescribeBandwidthPackages",
        "Action RegionId BandwidthPackageId NatGatewayId PageNumber PageSize",
        "BandwidthPackages BandwidthPackage Bandwidth BandwidthPackageId BusinessStatus \
         CreationTime Description ISP InstanceChargeType InternetChargeType IpCount \
         Name NatGatewayId PublicIpAddresses PublicIpAdresse AllocationId IpAddress \
         UsingStatus RegionId Status ZoneId TotalCount PageNumber PageSize RequestId",
    ),
    (
        "ModifyBandwidthPackageAttribute",
        "Action BandwidthPackageId RegionId Description Name",
        "RequestId",
    ),
    ("ModifyBandwidthPackageSpec", "Action Bandwidth BandwidthPackageId RegionId", "RequestId"),
    (
        "AddBandwidthPackageIps",
        "Action RegionId IpCount BandwidthPackageId ClientToken",
        "RequestId",
    ),
    (
        "RemoveBandwidthPackageIps",
        "Action BandwidthPackageId RegionId RemovedIpAddresses.N ClientToken",
        "RequestId",
    ),
    ("DeleteBandwidthPackage", "Action BandwidthPackageId RegionId Force", "RequestId"),
    (
        "ConvertBandwidthPackage",
        "Action BandwidthPackageId RegionId ClientToken",
        "ConvertInstanceid RequestId",
    ),
];

/// Parameters that every request carries or that pages and dry runs need: not configuration.
const NOT_CONFIGURED: [&str; 6] =
    ["Action", "RegionId", "ClientToken", "PageNumber", "PageSize", "DryRun"];

/// The wrapping of answers.
const ENVELOPE: [&str; 12] = [
    "RequestId",
    "TotalCount",
    "PageNumber",
    "PageSize",
    "NatGateways",
    "NatGateway",
    "ForwardTableEntries",
    "ForwardTableEntry",
    "SnatTableEntries",
    "SnatTableEntry",
    "BandwidthPackages",
    "BandwidthPackage",
];

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}

#[test]
fn the_table_is_whole() {
    assert_eq!(TABLE.iter().map(|(_, request, _)| words(request).count()).sum::<usize>(), 161);
}

/// What a parameter is called in the table: list members by their pattern.
fn pattern(name: &str) -> String {
    match name.split_once('.') {
        Some((list, _)) => format!("{list}.N"),
        None => name.to_owned(),
    }
}

#[test]
fn every_parameter_of_a_changing_action_is_sent_by_some_change() {
    let mut sent: BTreeMap<&str, BTreeSet<String>> = BTreeMap::default();
    for Change { ty, prior, planned } in sample_changes() {
        let change = resources::ChangeRequest {
            region: "cn-qingdao",
            prior: prior.as_ref(),
            planned: planned.as_ref(),
        };
        for step in ty.compile(&change) {
            let names = step.parameters.iter().map(|p| pattern(&p.name));
            sent.entry(step.action.name()).or_default().extend(names);
        }
    }
    for (action, request, _) in TABLE {
        if action.starts_with("Describe") || action.starts_with("List") || action.starts_with("Get")
        {
            continue;
        }
        let wanted: BTreeSet<String> =
            words(request).filter(|p| !NOT_CONFIGURED.contains(p)).map(str::to_owned).collect();
        assert_eq!(sent.get(action), Some(&wanted), "{action}");
    }
}

#[test]
fn every_filter_of_a_reading_action_is_an_input_of_its_data_source() {
    let mut seen = 0;
    for schema in resources::data_sources() {
        let action = resources::data::action(schema.kind).unwrap();
        let (_, request, _) = TABLE.iter().find(|(name, ..)| *name == action.name()).unwrap();
        let wanted: BTreeSet<&str> =
            words(request).filter(|p| !NOT_CONFIGURED.contains(p)).collect();
        let have: BTreeSet<&str> =
            schema.attributes.iter().filter(|a| a.is_input()).map(|a| a.wire).collect();
        assert_eq!(have, wanted, "{}", schema.kind);
        seen += 1;
    }
    assert_eq!(seen, 6);
}

fn wires<'a>(attributes: &'a [Attribute], into: &mut BTreeSet<&'a str>) {
    for attribute in attributes {
        into.insert(attribute.wire);
        if let Kind::Objects(fields) | Kind::Struct(fields) = attribute.kind {
            wires(fields, into);
        }
    }
}

#[test]
fn every_field_of_an_answer_is_an_attribute() {
    let schemas: [(&str, &Schema); 6] = [
        ("DescribeNatGateways", gateway().schema()),
        ("DescribeForwardTableEntries", resources::lookup("forward_entry").unwrap().schema()),
        ("DescribeSnatTableEntries", resources::lookup("snat_entry").unwrap().schema()),
        ("DescribeBandwidthPackages", package().schema()),
        (
            "ListEnhancedNatGatewayAvailableZones",
            resources::data_source("enhanced_nat_zones").unwrap(),
        ),
        (
            "GetNatGatewayConvertStatus",
            resources::data_source("nat_gateway_convert_status").unwrap(),
        ),
    ];
    for (action, schema) in schemas {
        let (_, _, response) = TABLE.iter().find(|(name, ..)| *name == action).unwrap();
        let mut have = BTreeSet::new();
        wires(schema.attributes, &mut have);
        // `zone` is `Zone` when it is sent and `ZoneId` when it is read; lists under other names.
        have.extend(["ZoneId", "Zones", "IpList", "PublicIpAdresse"]);
        let missing: Vec<&str> =
            words(response).filter(|f| !ENVELOPE.contains(f) && !have.contains(f)).collect();
        assert_eq!(missing, [""; 0], "{action}");
    }
}

#[test]
fn every_field_of_a_changing_actions_answer_is_taken() {
    for (name, _, response) in TABLE {
        let action = crate::api::catalogue::Action::from_name(name).unwrap();
        if !action.mutates() {
            continue;
        }
        for field in words(response).filter(|f| *f != "RequestId") {
            let answer = serde_json::json!({ field: "some-id" });
            let taken =
                resources::all().into_iter().any(|ty| !ty.created(action, &answer).is_empty());
            assert!(taken, "{name} answers {field}");
        }
    }
}

#[test]
fn attributes_are_documented_named_once_and_consistent() {
    fn check(kind: &str, attributes: &[Attribute], nested: bool) {
        let names: BTreeSet<&str> = attributes.iter().map(|a| a.name).collect();
        assert_eq!(names.len(), attributes.len(), "{kind} names an attribute twice");
        for a in attributes {
            let label = format!("{kind}.{}", a.name);
            assert!(a.doc.ends_with('.') && a.doc.len() > 7, "{label} lacks documentation");
            assert!(a.is_input() || a.computed, "{label}");
            assert!(!(a.required && a.computed), "{label} is required and computed");
            assert!(
                nested || a.name.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
                "{label}"
            );
            if let Kind::Objects(fields) | Kind::Struct(fields) = a.kind {
                check(&label, fields, true);
            }
        }
    }
    for schema in resources::schemas() {
        check(schema.kind, schema.attributes, false);
        assert!(schema.doc.ends_with('.'));
    }
}

#[test]
fn rules_name_attributes_that_exist_and_codes_are_kebab_case() {
    for ty in resources::all() {
        let schema = ty.schema();
        for rule in ty.rules() {
            let code = rule.code();
            assert!(code.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{code}");
            let named: Vec<&str> = match rule {
                resources::Rule::Unique { scope, fields, .. } => [*scope, *fields].concat(),
                resources::Rule::Disjoint { scope, field, .. } => [*scope, &[*field]].concat(),
                resources::Rule::Quota { scope, .. } => scope.to_vec(),
                resources::Rule::Limit { attribute, .. } => vec![attribute],
                resources::Rule::World { .. } => vec![],
            };
            for name in named {
                assert!(schema.attribute(name).is_some(), "{code}: {name}");
            }
        }
    }
    assert_eq!(
        resources::quotas(),
        [
            "bandwidth_packages_per_gateway",
            "forward_entries_per_table",
            "ips_per_bandwidth_package"
        ]
    );
}

#[test]
fn a_complete_value_has_every_attribute() {
    let schema = gateway().schema();
    let value = schema.complete(&object([("id", "ngw-1")]));
    assert_eq!(value.as_entries().unwrap().len(), schema.attributes.len());
    assert_eq!(value.get("id").unwrap().as_str(), Some("ngw-1"));
    assert!(value.get("description").unwrap().is_null());
    assert_eq!(Object::new().over(&Object::new()), Object::new());
}
