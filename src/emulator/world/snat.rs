//! SNAT entries.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde_json::{Map, Value, json};

use crate::api::catalogue::Edition;
use crate::emulator::errors::{Refusal, Unlisted};
use crate::emulator::world::World;
use crate::emulator::world::call::Call;
use crate::emulator::world::forward::{entry_status, needs_port_break};
use crate::emulator::world::index::{Ordered, Table};
use crate::emulator::world::model::{Change, Gateway, SnatEntry};

/// Where an SNAT entry's traffic comes from.
struct Source {
    cidr: Ipv4Net,
    vswitch: Option<String>,
}

impl World {
    /// `CreateSnatEntry`.
    pub(crate) fn create_snat_entry(&mut self, call: &Call) -> Result<Value, Refusal> {
        let name = call.entry_name("SnatEntryName")?.unwrap_or("").to_owned();
        let ips = self.read_pool(call, call.required("SnatIp")?)?;
        let table_id = call.required("SnatTableId")?.to_owned();
        let gateway = self.gateway_of_snat_table(call, &table_id)?;
        self.check_gateway_free(&gateway)?;
        let source = self.read_source(call, &gateway)?;
        self.check_pool(call, &gateway, &ips)?;
        let table = self.snat_table(&table_id);
        if table.entries.len() >= self.conditions.quotas.snat_entries_per_table {
            return Err(call.refuse("Forbidden.SnatEntryCountLimited"));
        }
        self.check_source(call, &gateway, &source, "")?;
        let timing = self.settings.timings.snat_entry_create_ms;
        let pending = Some(self.pending(Change::Create, timing));
        let id = self.new_id("snat");
        let sequence = self.next_sequence();
        self.put(SnatEntry {
            id: id.clone(),
            sequence,
            table: table_id,
            name,
            source_cidr: source.cidr,
            source_vswitch: source.vswitch,
            ips,
            pending,
        });
        Ok(json!({ "SnatEntryId": id }))
    }

    /// `ModifySnatEntry`.
    pub(crate) fn modify_snat_entry(&mut self, call: &Call) -> Result<Value, Refusal> {
        let name = call.entry_name("SnatEntryName")?.map(str::to_owned);
        let ips = call.text("SnatIp").map(|text| self.read_pool(call, text)).transpose()?;
        let (gateway, entry) = self.snat_entry_named(call)?;
        self.check_gateway_free(&gateway)?;
        self.check_snat_settled(&entry)?;
        if let Some(ips) = &ips {
            self.check_pool(call, &gateway, ips)?;
        }
        let source = Source { cidr: entry.source_cidr, vswitch: entry.source_vswitch.clone() };
        self.check_source(call, &gateway, &source, &entry.id)?;
        let timing = self.settings.timings.snat_entry_modify_ms;
        let pending = Some(self.pending(Change::Modify, timing));
        self.put(SnatEntry {
            name: name.unwrap_or(entry.name),
            ips: ips.unwrap_or(entry.ips),
            pending,
            ..entry
        });
        Ok(Value::Object(Map::new()))
    }

    /// `DeleteSnatEntry`.
    pub(crate) fn delete_snat_entry(&mut self, call: &Call) -> Result<Value, Refusal> {
        let (gateway, entry) = self.snat_entry_named(call)?;
        self.check_gateway_free(&gateway)?;
        self.check_snat_settled(&entry)?;
        let timing = self.settings.timings.snat_entry_delete_ms;
        let pending = Some(self.pending(Change::Delete, timing));
        self.put(SnatEntry { pending, ..entry });
        Ok(Value::Object(Map::new()))
    }

    /// `DescribeSnatTableEntries`.
    pub(crate) fn describe_snat_entries(&mut self, call: &Call) -> Result<Value, Refusal> {
        let table_id = call.required("SnatTableId")?;
        self.gateway_of_snat_table(call, table_id)?;
        let table = self.snat_table(table_id);
        let one: Ordered;
        let keys = match call.text("SnatEntryId") {
            Some(id) => {
                let entry = self.snat_entries.get(id).filter(|e| e.table == table_id);
                one = entry.map(|e| (e.sequence, e.id.clone())).into_iter().collect();
                &one
            }
            None => &table.entries,
        };
        let is = |name: &str, value: &str| call.text(name).is_none_or(|t| t == value);
        let passes = |e: &SnatEntry| {
            e.table == table_id
                && is("SnatEntryId", &e.id)
                && is("SourceVSwitchId", e.source_vswitch.as_deref().unwrap_or(""))
                && call.text("SourceCIDR").is_none_or(|t| t.parse() == Ok(e.source_cidr))
                && call.text("SnatIp").is_none_or(|t| in_pool(t, &e.ips))
                && is("SnatEntryName", &e.name)
        };
        let names = ("SnatTableEntries", "SnatTableEntry");
        self.list(call, Some(keys), names, passes, |e| row(call.edition, e))
    }

    fn snat_table(&self, id: &str) -> &Table {
        static NONE: std::sync::LazyLock<Table> = std::sync::LazyLock::new(Table::default);
        self.index.snat_tables.get(id).unwrap_or(&NONE)
    }

    fn gateway_of_snat_table(&self, call: &Call, table: &str) -> Result<Gateway, Refusal> {
        self.index
            .snat_tables
            .get(table)
            .and_then(|t| t.gateway.as_ref())
            .and_then(|id| self.gateways.get(id))
            .filter(|g| g.region == call.region.id)
            .cloned()
            .ok_or_else(|| call.refuse("InvalidSnatTableId.NotFound"))
    }

    /// Returns the entry that the call names, with its gateway. An entry of another table is refused
    /// with the second message where the reference lists two.
    fn snat_entry_named(&self, call: &Call) -> Result<(Gateway, SnatEntry), Refusal> {
        let table = call.required("SnatTableId")?;
        let id = call.required("SnatEntryId")?;
        let gateway = self.gateway_of_snat_table(call, table)?;
        match self.snat_entries.get(id) {
            None => Err(call.refuse("InvalidSnatEntryId.NotFound")),
            Some(entry) if entry.table != table => {
                Err(Refusal::listed_nth(call.action, "InvalidSnatEntryId.NotFound", 1))
            }
            Some(entry) => Ok((gateway, entry.clone())),
        }
    }

    /// Refuses a change while an entry of the table is created or modified, or this one is deleted.
    fn check_snat_settled(&self, entry: &SnatEntry) -> Result<(), Refusal> {
        if self.snat_table(&entry.table).settling.is_empty() && entry.pending.is_none() {
            Ok(())
        } else {
            Err(Refusal::unlisted(Unlisted::SnatEntrySettling))
        }
    }

    /// Reads a pool: addresses separated by commas, none of them twice.
    fn read_pool(&self, call: &Call, text: &str) -> Result<Vec<Ipv4Addr>, Refusal> {
        let malformed = || call.refuse("InvalidSnatIp.Malformed");
        let ips: Vec<Ipv4Addr> = text
            .split(',')
            .map(|part| part.trim().parse().map_err(|_| malformed()))
            .collect::<Result<_, _>>()?;
        if ips.iter().collect::<BTreeSet<_>>().len() < ips.len() {
            return Err(malformed());
        }
        if ips.len() > self.conditions.quotas.snat_pool_ips {
            return Err(call.refuse("SNAT_IP_POOL_COUNT_TOO_MANY"));
        }
        Ok(ips)
    }

    /// Checks a pool against the gateway's addresses and its DNAT entries.
    fn check_pool(&self, call: &Call, gateway: &Gateway, ips: &[Ipv4Addr]) -> Result<(), Refusal> {
        for ip in ips {
            if self.gateway_of_address(*ip) != Some(&gateway.id) {
                return Err(call.refuse("InvalidSnatIp.NotFound"));
            }
            let forward: Vec<_> = self
                .index
                .uses
                .get(ip)
                .into_iter()
                .flat_map(|u| &u.forward)
                .filter_map(|id| self.forward_entries.get(id))
                .collect();
            let both = call.edition == Edition::V2020_09_25
                && self.address_serves_both(*ip)
                && !forward.iter().any(|e| needs_port_break(e));
            if !forward.is_empty() && !both {
                return Err(call.refuse("Forbidden.IpUsedInForwardTable"));
            }
        }
        let shared: BTreeSet<_> = ips.iter().map(|ip| self.bandwidth_of_address(*ip)).collect();
        if ips.len() > 1 && (shared.len() > 1 || shared.contains(&None)) {
            return Err(Refusal::unlisted(Unlisted::PoolOfSeveralBandwidths));
        }
        Ok(())
    }

    /// Reads the source: a vSwitch or a range, not both, inside the gateway's VPC.
    fn read_source(&self, call: &Call, gateway: &Gateway) -> Result<Source, Refusal> {
        match (call.text("SourceVSwitchId"), call.text("SourceCIDR")) {
            (Some(id), None) => {
                let vswitch = self
                    .vswitches
                    .get(id)
                    .filter(|v| v.vpc == gateway.vpc)
                    .ok_or_else(|| call.refuse("InvalidVSwitchId.NotFound"))?;
                if vswitch.has_ha_vip {
                    return Err(call.refuse("Forbidden.SourceVSwitchId.IncludeHaVip"));
                }
                Ok(Source { cidr: vswitch.cidr, vswitch: Some(vswitch.id.clone()) })
            }
            (None, Some(text)) => {
                let cidr: Ipv4Net = text.parse().map_err(|_| call.refuse("INVALID_PARAMETER"))?;
                if cidr != cidr.trunc() {
                    return Err(call.refuse("INVALID_PARAMETER"));
                }
                let vpc = self.vpcs.get(&gateway.vpc);
                let inside = vpc.is_none_or(|v| v.cidr.contains(&cidr));
                if !inside && !self.conditions.source_cidr_unlimited {
                    return Err(call.refuse("NOT_ALLOW_USE_SOURCECIDR"));
                }
                let bound = cidr.prefix_len() == 32
                    && vpc.is_some_and(|v| v.instances_with_eip.contains(&cidr.addr()));
                if bound {
                    return Err(call.refuse("Forbidden"));
                }
                Ok(Source { cidr, vswitch: None })
            }
            (Some(_), Some(_)) | (None, None) => Err(call.refuse("INVALID_PARAMETER")),
        }
    }

    /// Refuses a source that another entry has, wholly or in part: a vSwitch or an instance belongs to
    /// one entry at most, of its table or, where the world is set so, of its VPC.
    fn check_source(
        &self,
        call: &Call,
        gateway: &Gateway,
        source: &Source,
        except: &str,
    ) -> Result<(), Refusal> {
        let in_vpc = self.conditions.snat_sources_unique_in_vpc;
        let gateways = self.index.gateways_by_vpc.get(&gateway.vpc);
        let tables = gateways
            .into_iter()
            .flatten()
            .filter(|id| in_vpc || **id == gateway.id)
            .filter_map(|id| self.gateways.get(id))
            .filter_map(|g| self.index.snat_tables.get(&g.snat_table));
        for table in tables {
            // A vSwitch has one range, which no other vSwitch of its VPC has.
            if table.has_source(source.cidr, except) {
                return Err(call.refuse("Forbidden.SourceVSwitchId.Duplicated"));
            }
            if except.is_empty() && table.overlaps_source(source.cidr) {
                return Err(call.refuse("OperationUnsupported.CidrConflict"));
            }
        }
        Ok(())
    }
}

/// Returns whether a filter asks for a pool: for all of its addresses or for one of them.
fn in_pool(filter: &str, ips: &[Ipv4Addr]) -> bool {
    filter.split(',').all(|part| part.trim().parse().is_ok_and(|ip| ips.contains(&ip)))
}

fn row(edition: Edition, entry: &SnatEntry) -> Value {
    let ips: Vec<String> = entry.ips.iter().map(Ipv4Addr::to_string).collect();
    let mut row = json!({
        "SnatEntryId": entry.id,
        "SnatIp": ips.join(","),
        "SnatTableId": entry.table,
        "SourceCIDR": entry.source_cidr.to_string(),
        "SourceVSwitchId": entry.source_vswitch.as_deref().unwrap_or(""),
        "Status": entry_status(edition, entry.pending.map(|p| p.change)),
    });
    if let (Edition::V2020_09_25, Some(row)) = (edition, row.as_object_mut()) {
        row.insert("SnatEntryName".to_owned(), json!(entry.name));
    }
    row
}
