//! Regions and zones, and what of VPCs and vSwitches matters to NAT: their ranges, routes and states.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use crate::emulator::answer;
use crate::emulator::errors::{Refusal, Unlisted};
use crate::emulator::world::World;
use crate::emulator::world::call::Call;
use crate::emulator::world::model::{NetworkStatus, Route, VSwitch, Vpc};

/// A region: id, name as the service spells it, letters of its zones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Region id.
    pub id: &'static str,
    /// Name.
    pub name: &'static str,
    /// One letter a zone.
    pub zones: &'static str,
}

/// Every region of the public cloud.
pub const REGIONS: &[Region] = &[
    region("cn-qingdao", "华北 1", "abc"),
    region("cn-beijing", "华北 2", "abcdefghijkl"),
    region("cn-zhangjiakou", "华北 3", "abc"),
    region("cn-huhehaote", "华北 5", "ab"),
    region("cn-wulanchabu", "华北 6", "abc"),
    region("cn-hangzhou", "华东 1", "abcdefghijk"),
    region("cn-shanghai", "华东 2", "abcdefglmn"),
    region("cn-nanjing", "华东 5", "a"),
    region("cn-fuzhou", "华东 6", "a"),
    region("cn-wuhan-lr", "华中 1", "a"),
    region("cn-shenzhen", "华南 1", "abcdef"),
    region("cn-heyuan", "华南 2", "ab"),
    region("cn-guangzhou", "华南 3", "ab"),
    region("cn-chengdu", "西南 1", "ab"),
    region("cn-hongkong", "香港", "bcd"),
    region("ap-southeast-1", "亚太东南 1", "abc"),
    region("ap-southeast-2", "亚太东南 2", "ab"),
    region("ap-southeast-3", "亚太东南 3", "ab"),
    region("ap-southeast-5", "亚太东南 5", "abc"),
    region("ap-southeast-6", "亚太东南 6", "a"),
    region("ap-southeast-7", "亚太东南 7", "a"),
    region("ap-northeast-1", "亚太东北 1", "abc"),
    region("ap-northeast-2", "亚太东北 2", "a"),
    region("ap-south-1", "亚太南部 1", "ab"),
    region("us-east-1", "美国东部 1", "ab"),
    region("us-west-1", "美国西部 1", "ab"),
    region("na-south-1", "墨西哥", "a"),
    region("eu-west-1", "欧洲西部 1", "ab"),
    region("eu-central-1", "欧洲中部 1", "abc"),
    region("me-east-1", "中东东部 1", "a"),
    region("me-central-1", "中东中部 1", "ab"),
];

/// Regions in which a Normal gateway can be converted.
const CONVERTING: [&str; 6] =
    ["cn-qingdao", "cn-chengdu", "eu-west-1", "eu-central-1", "ap-southeast-3", "ap-south-1"];

/// Regions in which a new gateway is Enhanced unless the request says otherwise.
const ENHANCED_BY_DEFAULT: [&str; 5] =
    ["cn-chengdu", "eu-west-1", "eu-central-1", "ap-southeast-3", "ap-south-1"];

/// Regions in which an Enhanced gateway can be paid by usage.
const BY_USAGE: [&str; 2] = ["eu-central-1", "eu-west-1"];

const fn region(id: &'static str, name: &'static str, zones: &'static str) -> Region {
    Region { id, name, zones }
}

impl Region {
    /// Returns the region of that id.
    pub fn find(id: &str) -> Option<Self> {
        REGIONS.iter().copied().find(|r| r.id == id)
    }

    /// Returns the ids of its zones.
    pub fn zone_ids(self) -> impl Iterator<Item = String> {
        // Zones outside China are written without the dash before the letter.
        let dash = if self.id.starts_with("cn-") { "-" } else { "" };
        self.zones.chars().map(move |z| format!("{}{dash}{z}", self.id))
    }

    /// Returns whether the zone is one of this region's.
    pub fn has_zone(self, zone: &str) -> bool {
        self.zone_ids().any(|z| z == zone)
    }

    /// Returns whether gateways can be converted here.
    pub fn converts(self) -> bool {
        CONVERTING.contains(&self.id)
    }

    /// Returns the type of a new gateway whose request names none.
    pub fn default_nat_type(self) -> &'static str {
        if ENHANCED_BY_DEFAULT.contains(&self.id) { "Enhanced" } else { "Normal" }
    }

    /// Returns whether an Enhanced gateway can be paid by usage here.
    pub fn sells_by_usage(self) -> bool {
        BY_USAGE.contains(&self.id)
    }
}

/// The destination of a default route.
pub fn everywhere() -> Ipv4Net {
    Ipv4Net::default()
}

impl World {
    /// `ListEnhancedNatGatewayAvailableZones`.
    pub(crate) fn list_enhanced_zones(&self, call: &Call) -> Value {
        let region = call.region;
        let sold = !self.conditions.regions_without_enhanced.contains(region.id);
        let zones: Vec<Value> = region
            .zone_ids()
            .zip(region.zones.chars())
            .filter(|(id, _)| {
                sold && !self.conditions.zones_without_enhanced_stock.contains(id.as_str())
            })
            .map(|(id, letter)| {
                json!({
                    "ZoneId": id,
                    "LocalName": format!("{} 可用区 {}", region.name, letter.to_ascii_uppercase()),
                })
            })
            .collect();
        Value::Object(answer::list("Zones", "Zone", zones))
    }

    /// Returns the VPC of that id in the region.
    pub(crate) fn vpc_in(&self, id: &str, region: Region) -> Option<&Vpc> {
        self.vpcs.get(id).filter(|v| v.region == region.id)
    }

    /// Returns a free address of the vSwitch. The first address and the last three are the cloud's own.
    pub(crate) fn free_private_address(&self, vswitch: &VSwitch) -> Result<Ipv4Addr, Refusal> {
        let taken: BTreeSet<Ipv4Addr> = self
            .gateways
            .values()
            .filter(|g| g.vswitch.as_deref() == Some(&vswitch.id))
            .filter_map(|g| g.private_ip)
            .collect();
        let first = u32::from(vswitch.cidr.network()).saturating_add(1);
        let last = u32::from(vswitch.cidr.broadcast()).saturating_sub(3);
        (first..last)
            .rev()
            .map(Ipv4Addr::from)
            .find(|a| !taken.contains(a))
            .ok_or_else(|| Refusal::unlisted(Unlisted::VSwitchFull))
    }

    /// Takes the routes to a gateway out of its VPC: those made with it, or every one.
    pub(crate) fn remove_routes(&mut self, vpc: &str, gateway: &str, every: bool) {
        if let Some(mut vpc) = self.vpcs.get(vpc).cloned() {
            vpc.routes.retain(|r| r.next_hop != gateway || !(every || r.automatic));
            self.put(vpc);
        }
    }
}

impl Vpc {
    /// Creates a VPC without anything in it.
    pub fn new(id: &str, region: &str, cidr: Ipv4Net) -> Self {
        Self {
            id: id.to_owned(),
            region: region.to_owned(),
            cidr,
            status: NetworkStatus::Available,
            routes: Vec::new(),
            attached_to_cen: false,
            has_router_interface: false,
            without_router: false,
            instances_with_eip: BTreeSet::new(),
        }
    }

    /// Returns the route to everywhere.
    pub fn default_route(&self) -> Option<&Route> {
        self.routes.iter().find(|r| r.destination == everywhere())
    }
}
