//! What a world is set to be like, beside its objects: quotas, rights of the account, stock, and
//! behaviours in which regions or days of the service differ. All of it can be changed through
//! `/_natform/world`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::emulator::world::model::ConversionStep;

/// Limits of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quotas {
    /// Enhanced gateways in one VPC.
    pub enhanced_gateways_per_vpc: usize,
    /// Custom routes in one VPC.
    pub routes_per_vpc: usize,
    /// DNAT entries in one table.
    pub forward_entries_per_table: usize,
    /// SNAT entries in one table.
    pub snat_entries_per_table: usize,
    /// Addresses in one SNAT pool.
    pub snat_pool_ips: usize,
    /// Bandwidth packages of one gateway.
    pub packages_per_gateway: usize,
    /// Addresses of one bandwidth package.
    pub ips_per_package: usize,
    /// DNAT entries that a gateway may have when it is converted.
    pub forward_entries_at_conversion: usize,
    /// SNAT entries that a gateway may have when it is converted.
    pub snat_entries_at_conversion: usize,
    /// Shared bandwidths that a gateway's EIPs may belong to when it is converted.
    pub shared_bandwidths_at_conversion: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            enhanced_gateways_per_vpc: 5,
            routes_per_vpc: 48,
            forward_entries_per_table: 100,
            snat_entries_per_table: 40,
            snat_pool_ips: 64,
            packages_per_gateway: 4,
            ips_per_package: 50,
            forward_entries_at_conversion: 100,
            snat_entries_at_conversion: 40,
            shared_bandwidths_at_conversion: 4,
        }
    }
}

/// What the world is like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Conditions {
    /// Limits.
    pub quotas: Quotas,
    /// Whether the role that Enhanced gateways need exists already.
    pub service_linked_role_exists: bool,
    /// Whether the account may create that role.
    pub may_create_service_linked_role: bool,
    /// Whether the account may have Enhanced gateways.
    pub may_use_enhanced: bool,
    /// Whether the account may have NAT bandwidth packages (bought one before 2017-11-03).
    pub may_use_bandwidth_packages: bool,
    /// Whether an SNAT entry's source may lie outside the VPC's range.
    pub source_cidr_unlimited: bool,
    /// Whether a source belongs to one SNAT entry of its whole VPC, rather than of its table.
    pub snat_sources_unique_in_vpc: bool,
    /// Regions in which Enhanced gateways are not sold.
    pub regions_without_enhanced: BTreeSet<String>,
    /// Zones in which no Enhanced gateway is left.
    pub zones_without_enhanced_stock: BTreeSet<String>,
    /// Zones in which no public address is left.
    pub zones_without_addresses: BTreeSet<String>,
    /// DNAT tables whose gateway is missing.
    pub forward_tables_without_gateway: BTreeSet<String>,
    /// Whether new addresses may serve DNAT and SNAT entries at a time.
    pub snat_entry_enabled: bool,
    /// The step at which conversions fail and are rolled back.
    pub conversions_fail_at: Option<ConversionStep>,
    /// Whether a gateway id is lost while it is created, so that creation answers that it does not exist.
    pub created_gateways_get_lost: bool,
    /// Whether any two changes of one gateway at a time are refused with `OperationConflict`.
    pub one_change_per_gateway: bool,
    /// Whether DNAT entries cannot be listed while one of them is being created or modified.
    pub lists_blocked_by_pending_entries: bool,
    /// Whether deleting a DNAT entry that does not exist is answered `IncorretForwardEntryStatus`.
    pub missing_entries_as_status: bool,
    /// For how long a request counts as being processed, so that a repetition of its token is answered
    /// `LastTokenProcessing`, in milliseconds.
    pub token_processing_ms: u64,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            quotas: Quotas::default(),
            service_linked_role_exists: false,
            may_create_service_linked_role: true,
            may_use_enhanced: true,
            may_use_bandwidth_packages: true,
            source_cidr_unlimited: false,
            snat_sources_unique_in_vpc: false,
            regions_without_enhanced: BTreeSet::new(),
            zones_without_enhanced_stock: BTreeSet::new(),
            zones_without_addresses: BTreeSet::new(),
            forward_tables_without_gateway: BTreeSet::new(),
            snat_entry_enabled: false,
            conversions_fail_at: None,
            created_gateways_get_lost: false,
            one_change_per_gateway: false,
            lists_blocked_by_pending_entries: false,
            missing_entries_as_status: false,
            token_processing_ms: 0,
        }
    }
}
