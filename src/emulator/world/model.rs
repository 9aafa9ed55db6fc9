//! The objects of a world as plain data: what a dump shows and the store keeps.
//!
//! Every object has the place in the order of creation, `sequence`, by which lists are sorted. What
//! takes time is held as [`Pending`]: what is going on, and when it will be done.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::environment::Timestamp;

/// What is going on with an entry or a bandwidth package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It is being created.
    Create,
    /// It is being modified.
    Modify,
    /// It is being deleted.
    Delete,
}

/// What is going on with a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GatewayChange {
    /// It is being created.
    Create,
    /// Its specification is being changed to this one.
    Spec(String),
    /// It is being converted to the Enhanced type.
    Convert,
    /// It is being deleted.
    Delete,
}

/// Something that goes on until a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending<T> {
    /// What goes on.
    pub change: T,
    /// When it is done; none waits to be told.
    pub ready: Option<Timestamp>,
}

/// State of a VPC or vSwitch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum NetworkStatus {
    /// It can be used.
    #[default]
    Available,
    /// It is being created.
    Pending,
    /// It is in another state that refuses use.
    Incorrect,
}

/// A route of a VPC's route table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Destination.
    pub destination: Ipv4Net,
    /// Id of the instance that traffic goes to.
    pub next_hop: String,
    /// Whether the service made it together with a gateway.
    #[serde(default)]
    pub automatic: bool,
    /// Whether it is in a middle state.
    #[serde(default)]
    pub settling: bool,
}

/// A VPC, as far as it matters to NAT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vpc {
    /// Id.
    pub id: String,
    /// Region.
    pub region: String,
    /// Address range.
    pub cidr: Ipv4Net,
    /// State.
    #[serde(default)]
    pub status: NetworkStatus,
    /// Custom routes.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// Whether it is attached to a Cloud Enterprise Network.
    #[serde(default)]
    pub attached_to_cen: bool,
    /// Whether it has a router interface.
    #[serde(default)]
    pub has_router_interface: bool,
    /// Whether its router is missing.
    #[serde(default)]
    pub without_router: bool,
    /// Private addresses of instances that have an EIP of their own.
    #[serde(default)]
    pub instances_with_eip: BTreeSet<Ipv4Addr>,
}

/// A vSwitch, as far as it matters to NAT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VSwitch {
    /// Id.
    pub id: String,
    /// VPC.
    pub vpc: String,
    /// Zone.
    pub zone: String,
    /// Address range.
    pub cidr: Ipv4Net,
    /// State.
    #[serde(default)]
    pub status: NetworkStatus,
    /// Whether it has a high-availability virtual IP.
    #[serde(default)]
    pub has_ha_vip: bool,
}

/// Where a conversion of a gateway stands or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversion {
    /// When it began.
    pub started: Timestamp,
    /// When it ends or ended; none while it waits to be told.
    pub ends: Option<Timestamp>,
    /// The step at which it fails and is rolled back.
    #[serde(default)]
    pub fails_at: Option<ConversionStep>,
}

/// A step of a conversion that can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversionStep {
    /// Initialisation.
    Init,
    /// Check of the configuration.
    Check,
    /// Distribution of the configuration.
    Configure,
    /// Switch of the traffic.
    Activate,
    /// Deletion of the old configuration.
    ConfDelete,
}

/// A NAT gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Id, `ngw-…`.
    pub id: String,
    /// Place in the order of creation.
    pub sequence: u64,
    /// Region.
    pub region: String,
    /// VPC.
    pub vpc: String,
    /// vSwitch of an Enhanced gateway.
    #[serde(default)]
    pub vswitch: Option<String>,
    /// Private address of an Enhanced gateway.
    #[serde(default)]
    pub private_ip: Option<Ipv4Addr>,
    /// Name.
    pub name: String,
    /// Description, or empty.
    #[serde(default)]
    pub description: String,
    /// Specification: `Small`, `Middle`, `Large` or `XLarge.1`.
    pub spec: String,
    /// `Normal` or `Enhanced`.
    pub nat_type: String,
    /// `PayBySpec` or `PayByLcu`.
    pub internet_charge_type: String,
    /// `PostPaid` or `PrePaid`.
    pub instance_charge_type: String,
    /// Whether orders are paid without being asked.
    #[serde(default)]
    pub auto_pay: bool,
    /// When a prepaid gateway ends.
    #[serde(default)]
    pub expires: Option<Timestamp>,
    /// `Normal`, `FinancialLocked` or `SecurityLocked`.
    #[serde(default = "normal")]
    pub business_status: String,
    /// When it was created.
    pub created: Timestamp,
    /// Id of its DNAT table, `ftb-…`.
    pub forward_table: String,
    /// Id of its SNAT table, `stb-…`.
    pub snat_table: String,
    /// Whether it is protected against deletion.
    #[serde(default)]
    pub deletion_protection: bool,
    /// Whether its traffic is monitored.
    #[serde(default)]
    pub ecs_metric_enabled: bool,
    /// Resource group, or empty.
    #[serde(default)]
    pub resource_group: String,
    /// What is going on.
    #[serde(default)]
    pub pending: Option<Pending<GatewayChange>>,
    /// Its last conversion.
    #[serde(default)]
    pub conversion: Option<Conversion>,
}

fn normal() -> String {
    "Normal".to_owned()
}

/// A public address of a bandwidth package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicIp {
    /// Address.
    pub address: Ipv4Addr,
    /// Id, `nateip-…`.
    pub allocation_id: String,
    /// Whether it may serve DNAT and SNAT entries at a time.
    #[serde(default)]
    pub snat_entry_enabled: bool,
}

/// A NAT bandwidth package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BandwidthPackage {
    /// Id, `bwp-…`.
    pub id: String,
    /// Place in the order of creation.
    pub sequence: u64,
    /// Region.
    pub region: String,
    /// Gateway that it belongs to.
    pub gateway: String,
    /// Name, or empty.
    #[serde(default)]
    pub name: String,
    /// Description, or empty.
    #[serde(default)]
    pub description: String,
    /// Bandwidth in Mbit/s.
    pub bandwidth: u32,
    /// `BGP`.
    pub isp: String,
    /// `PayByTraffic` or `PayByBandwidth`.
    pub internet_charge_type: String,
    /// Zone.
    pub zone: String,
    /// Public addresses, in the order of their allocation.
    pub ips: Vec<PublicIp>,
    /// `Normal`, `FinancialLocked` or `SecurityLocked`.
    #[serde(default = "normal")]
    pub business_status: String,
    /// When it was created.
    pub created: Timestamp,
    /// What is going on.
    #[serde(default)]
    pub pending: Option<Pending<Change>>,
}

/// A shared bandwidth into which a package was converted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedBandwidth {
    /// Id, `cbwp-…`.
    pub id: String,
    /// Region.
    pub region: String,
    /// Bandwidth in Mbit/s.
    pub bandwidth: u32,
    /// `PayByTraffic` or `PayByBandwidth`.
    pub internet_charge_type: String,
    /// The package that it was.
    pub converted_from: String,
}

/// An elastic public address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Eip {
    /// Id, `eip-…`.
    pub id: String,
    /// Place in the order of creation.
    #[serde(default)]
    pub sequence: u64,
    /// Region.
    pub region: String,
    /// Address.
    pub address: Ipv4Addr,
    /// Gateway that it is bound to.
    #[serde(default)]
    pub gateway: Option<String>,
    /// Shared bandwidth that it belongs to.
    #[serde(default)]
    pub shared_bandwidth: Option<String>,
    /// Whether it may serve DNAT and SNAT entries at a time.
    #[serde(default)]
    pub snat_entry_enabled: bool,
    /// Whether it is in a middle state.
    #[serde(default)]
    pub settling: bool,
}

/// A DNAT entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForwardEntry {
    /// Id, `fwd-…`.
    pub id: String,
    /// Place in the order of creation.
    pub sequence: u64,
    /// Table.
    pub table: String,
    /// Name, or empty.
    #[serde(default)]
    pub name: String,
    /// Public address.
    pub external_ip: Ipv4Addr,
    /// Public port, or `Any`.
    pub external_port: String,
    /// Private address.
    pub internal_ip: Ipv4Addr,
    /// Private port, or `Any`.
    pub internal_port: String,
    /// `TCP`, `UDP` or `Any`.
    pub protocol: String,
    /// Whether ports above 1024 are allowed on an address that SNAT entries use too.
    #[serde(default)]
    pub port_break: bool,
    /// What is going on.
    #[serde(default)]
    pub pending: Option<Pending<Change>>,
}

/// An SNAT entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnatEntry {
    /// Id, `snat-…`.
    pub id: String,
    /// Place in the order of creation.
    pub sequence: u64,
    /// Table.
    pub table: String,
    /// Name, or empty.
    #[serde(default)]
    pub name: String,
    /// Source range.
    pub source_cidr: Ipv4Net,
    /// Source vSwitch, when the entry was made for one.
    #[serde(default)]
    pub source_vswitch: Option<String>,
    /// Public addresses, in the order of the request.
    pub ips: Vec<Ipv4Addr>,
    /// What is going on.
    #[serde(default)]
    pub pending: Option<Pending<Change>>,
}

/// A `ClientToken` with the answer that it brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Action and token.
    pub key: String,
    /// SHA-256 of the parameters, in hexadecimal.
    pub digest: String,
    /// When it was first used.
    pub used: Timestamp,
    /// When it is forgotten.
    pub expires: Timestamp,
    /// The id of the first request.
    pub request_id: String,
    /// The first answer.
    pub answer: Map<String, Value>,
}

/// Numbers that belong to the whole world.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Meta {
    /// Identity of the world: another one after a reset.
    pub id: String,
    /// Seed of all ids.
    pub seed: u64,
    /// How many ids were given out.
    pub counter: u64,
    /// How many public addresses were given out.
    pub addresses: u32,
    /// By how much the world's time is ahead of the clock, in milliseconds.
    pub clock_offset_ms: i64,
}

/// What kind of object something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The world's numbers.
    Meta,
    /// The world's conditions.
    Conditions,
    /// [`Vpc`].
    Vpc,
    /// [`VSwitch`].
    VSwitch,
    /// [`Gateway`].
    Gateway,
    /// [`BandwidthPackage`].
    BandwidthPackage,
    /// [`SharedBandwidth`].
    SharedBandwidth,
    /// [`Eip`].
    Eip,
    /// [`ForwardEntry`].
    ForwardEntry,
    /// [`SnatEntry`].
    SnatEntry,
    /// [`Token`].
    Token,
}

impl Kind {
    /// Every kind, such that what others refer to comes first.
    pub const ALL: [Self; 11] = [
        Self::Meta,
        Self::Conditions,
        Self::Vpc,
        Self::VSwitch,
        Self::Gateway,
        Self::BandwidthPackage,
        Self::SharedBandwidth,
        Self::Eip,
        Self::ForwardEntry,
        Self::SnatEntry,
        Self::Token,
    ];

    /// Returns its number in the store.
    pub fn number(self) -> i64 {
        Self::ALL.iter().position(|k| *k == self).and_then(|n| i64::try_from(n).ok()).unwrap_or(0)
    }

    /// Returns the kind of that number.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }
}
