//! Conversion of a Normal gateway to an Enhanced one: where it is possible, and how the steps that
//! `GetNatGatewayConvertStatus` lists are read.

use super::Object;
use crate::value::Value;

/// Regions in which a Normal gateway can be converted (edition 2020-09-25): Qingdao, Chengdu, London,
/// Frankfurt, Kuala Lumpur, Mumbai.
pub const CONVERSION_REGIONS: [&str; 6] =
    ["cn-qingdao", "cn-chengdu", "eu-west-1", "eu-central-1", "ap-southeast-3", "ap-south-1"];

/// Regions in which a gateway is Enhanced when nothing else is asked for (edition 2020-09-25).
pub const ENHANCED_BY_DEFAULT: [&str; 5] =
    ["cn-chengdu", "eu-west-1", "eu-central-1", "ap-southeast-3", "ap-south-1"];

/// Regions with billing by usage, `PayByLcu` (edition 2020-09-25): Frankfurt and London.
pub const LCU_REGIONS: [&str; 2] = ["eu-central-1", "eu-west-1"];

/// Returns the type of a gateway that is created in a region without `nat_type`.
pub fn default_nat_type(region: &str) -> &'static str {
    if ENHANCED_BY_DEFAULT.contains(&region) { "Enhanced" } else { "Normal" }
}

/// How far a conversion is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conversion {
    /// No step is listed.
    None,
    /// Under way, at this step.
    Running(String),
    /// Done.
    Succeeded,
    /// It failed at this step, and what was done has been rolled back as far as it will be.
    Failed(String),
}

/// Reads the steps in `convert_steps` of an object, in whatever order they are listed. Of several
/// attempts the last one counts.
pub fn conversion(object: &Object) -> Conversion {
    let mut steps: Vec<(&str, &str, &str)> = object
        .get("convert_steps")
        .and_then(Value::as_elements)
        .unwrap_or_default()
        .iter()
        .map(|step| {
            let text = |name: &str| step.get(name).and_then(Value::as_str).unwrap_or_default();
            (text("step_start_time"), text("step_name"), text("step_status"))
        })
        .collect();
    // Times in ISO 8601 sort as texts; steps of one second stay as they are listed.
    steps.sort_by_key(|(start, ..)| *start);
    let attempts = steps.iter().filter(|(_, name, _)| *name == "init").count();
    let last = steps.iter().rposition(|(_, name, _)| *name == "init").filter(|_| attempts > 1);
    let steps: Vec<(&str, &str)> = steps[last.unwrap_or_default()..]
        .iter()
        .map(|(_, name, status)| (*name, *status))
        .collect();
    if steps.is_empty() {
        return Conversion::None;
    }
    if let Some((name, _)) = steps.iter().find(|(_, status)| *status == "processing") {
        return Conversion::Running((*name).to_owned());
    }
    let failed = |(name, status): &&(&str, &str)| {
        *status == "failed" || *name == "end_fail" || *name == "rollback"
    };
    if let Some((name, _)) = steps.iter().find(failed) {
        return Conversion::Failed((*name).to_owned());
    }
    if steps.iter().any(|(name, _)| *name == "end_success") {
        return Conversion::Succeeded;
    }
    match steps.last() {
        Some((name, _)) => Conversion::Running((*name).to_owned()),
        None => Conversion::None,
    }
}
