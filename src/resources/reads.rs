//! The list reads: which action reads a list, and how a page of its answer is read. Pure; the calls
//! are made by `refresh/`.

use serde_json::Value as Json;

use super::schema::name;
use super::{LiveRow, Object, Page, ReadScope, answer};
use super::{bandwidth_package, data, forward_entry, nat_gateway, snat_entry};
use super::{forward_entry::ForwardEntry, snat_entry::SnatEntry};
use crate::api::answer as api_answer;
use crate::api::call::Call;
use crate::api::catalogue::Action;
use crate::value::Value;

/// How many rows a page has at most.
pub const PAGE_SIZE: u64 = 50;

/// Returns whether an action answers in pages.
pub const fn is_paged(action: Action) -> bool {
    !matches!(
        action,
        Action::GetNatGatewayConvertStatus | Action::ListEnhancedNatGatewayAvailableZones
    )
}

/// Returns the call that reads a list, but for the page.
pub fn list_call(scope: &ReadScope) -> Call {
    let (action, filter) = match scope {
        ReadScope::Gateways { .. } => (Action::DescribeNatGateways, None),
        ReadScope::BandwidthPackages { .. } => (Action::DescribeBandwidthPackages, None),
        ReadScope::ForwardEntries { table, .. } => {
            (Action::DescribeForwardTableEntries, Some(("ForwardTableId", table)))
        }
        ReadScope::SnatEntries { table, .. } => {
            (Action::DescribeSnatTableEntries, Some(("SnatTableId", table)))
        }
        ReadScope::ConvertStatus { gateway, .. } => {
            (Action::GetNatGatewayConvertStatus, Some(("NatGatewayId", gateway)))
        }
        ReadScope::EnhancedZones { .. } => (Action::ListEnhancedNatGatewayAvailableZones, None),
    };
    let call = Call::new(action).with("RegionId", scope.region());
    match filter {
        Some((wire, id)) => call.with(wire, id.as_str()),
        None => call,
    }
}

/// Returns a page of a list call, from 1.
#[must_use]
pub fn paged(call: &Call, number: u64, size: u64) -> Call {
    call.clone().with("PageNumber", number.to_string()).with("PageSize", size.to_string())
}

/// Returns the call that reads one object of a list; its answer is a page as the list's. None for
/// lists whose rows have no id of their own.
pub fn single_call(scope: &ReadScope, id: &str) -> Option<Call> {
    let filter = match scope {
        ReadScope::Gateways { .. } => "NatGatewayId",
        ReadScope::BandwidthPackages { .. } => "BandwidthPackageId",
        ReadScope::ForwardEntries { .. } => "ForwardEntryId",
        ReadScope::SnatEntries { .. } => "SnatEntryId",
        ReadScope::ConvertStatus { .. } | ReadScope::EnhancedZones { .. } => return None,
    };
    Some(list_call(scope).with(filter, id))
}

/// Reads a page of an action's answer. The error is a sentence about what the answer lacks.
pub fn page(action: Action, answer: &Json) -> Result<Page, String> {
    type Row = fn(&Json) -> Object;
    let row: Row = match action {
        Action::DescribeNatGateways => nat_gateway::row,
        Action::DescribeBandwidthPackages => bandwidth_package::row,
        Action::DescribeForwardTableEntries => forward_row,
        Action::DescribeSnatTableEntries => snat_row,
        Action::ListEnhancedNatGatewayAvailableZones => data::zone_row,
        _ => return convert_status(action, answer),
    };
    let Some(list) = action.rows() else { return convert_status(action, answer) };
    let total = answer::member_count(answer, "TotalCount");
    let Some(rows) = api_answer::list(answer, list.list, list.row) else {
        return match total {
            Some(0) => Ok(Page { total, ..Page::default() }),
            _ => Err(format!("the answer has no `{}`", list.list)),
        };
    };
    let rows = rows
        .into_iter()
        .map(|json| {
            let object = row(json);
            let id = object.text("id");
            let id = id.ok_or_else(|| format!("a row of `{}` has no id", list.list))?;
            Ok(LiveRow { id: id.to_owned(), object })
        })
        .collect::<Result<_, String>>()?;
    Ok(Page { rows, total, size: answer::member_count(answer, "PageSize").filter(|n| *n > 0) })
}

fn forward_row(json: &Json) -> Object {
    normalised(&ForwardEntry, answer::object(forward_entry::SCHEMA.attributes, json))
}

fn snat_row(json: &Json) -> Object {
    normalised(&SnatEntry, answer::object(snat_entry::SCHEMA.attributes, json))
}

fn normalised(ty: &dyn super::ResourceType, mut object: Object) -> Object {
    ty.normalise(&mut object);
    object
}

/// The steps of a conversion: one row, by the gateway's id. A gateway that was never converted has
/// none.
fn convert_status(action: Action, answer: &Json) -> Result<Page, String> {
    if action != Action::GetNatGatewayConvertStatus {
        return Err(format!("{action} does not read a list"));
    }
    if !answer.is_object() {
        return Err("the answer is not an object".to_owned());
    }
    let mut object = answer::object(data::CONVERT_STATUS.attributes, answer);
    let id = object.text("nat_gateway_id").unwrap_or_default().to_owned();
    object.set(name("id"), Value::from(id.as_str()));
    Ok(Page { rows: vec![LiveRow { id, object }], total: Some(1), size: None })
}

/// Tells whether an error of a list read says that what holds the list does not exist. A closed set:
/// whatever else is answered, also with HTTP 404, is a failure to read.
pub fn parent_gone(action: Action, code: &str) -> bool {
    matches!(
        (action, code),
        (Action::DescribeForwardTableEntries, "InvalidForwardTableId.NotFound")
            | (Action::DescribeSnatTableEntries, "InvalidSnatTableId.NotFound")
            | (
                Action::GetNatGatewayConvertStatus,
                "InvalidNatGatewayId.NotFound" | "NATGW_NOT_EXIST"
            )
    )
}
