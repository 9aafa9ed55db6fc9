//! What the service's errors mean: every documented code of either edition, the codes that its
//! users report from the live service, and rules for codes that nobody has written down.
//!
//! [`Class::Gone`] comes from a closed list of actions and codes only, never from a status.

mod advice;
mod rows;
#[cfg(test)]
mod tests;

use super::catalogue::Action;
use super::error::Class;

pub use advice::advice;
pub use rows::{Row, documented};

/// Codes that no row documents, with the calls that are refused with them.
const LIVE: &[(On, &[(&str, Class)])] = &[
    (
        // Refused before the service looks at what is asked for.
        On::Any,
        &[
            // Somebody else is at work; reads that meet it are merely repeated.
            ("OperationConflict", Class::Busy),
            ("TaskConflict", Class::Busy),
            ("VPC_TASK_CONFLICT", Class::Busy),
            ("OperationFailed.DistibuteLock", Class::Busy),
            ("OperationFailed.NatGwRouteInMiddleStatus", Class::Busy),
            ("SystemBusy", Class::Throttled),
            ("ServiceUnavailable", Class::Transient),
            ("InternalError", Class::Transient),
            ("InternalServerError", Class::Transient),
            ("UnknownError", Class::Transient),
            // A request reached the service twice, and the first of the two may have had its effect.
            ("SignatureNonceUsed", Class::Transient),
            ("Forbidden", Class::Denied),
            ("Forbidden.RAM", Class::Denied),
            ("SignatureDoesNotMatch", Class::Denied),
            ("IncompleteSignature", Class::Denied),
            ("InvalidSignatureMethod", Class::Denied),
            ("InvalidAccessKeySecret", Class::Denied),
            ("MissingSecurityToken", Class::Denied),
            ("IllegalTimestamp", Class::Denied),
            ("InsufficientBalance", Class::Denied),
            ("Account.Arrearage", Class::Denied),
            ("InvalidAccountStatus.NotEnoughBalance", Class::Denied),
        ],
    ),
    (
        On::Changes,
        &[
            // Tokens are not documented for every change that takes one.
            ("LastTokenProcessing", Class::Busy),
            ("OperationFailed.LastTokenProcessing", Class::Busy),
            ("OperationFailed.IdempotentTokenProcessing", Class::Busy),
            // The token was used with other parameters, so something was done under it.
            ("IdempotentParameterMismatch", Class::Conflict),
            ("InvalidIdempotenceParameter.Mismatch", Class::Conflict),
            ("IdempotentFailed", Class::Conflict),
        ],
    ),
    (On::These(DRY_RUNS), &[("DryRunOperation", Class::AlreadyDone)]),
    (
        On::These(ENTRIES),
        &[
            // An address that is being bound, or whose binding the gateway has not seen yet.
            ("InvalidBindingStatus", Class::Busy),
            ("OperationUnsupported.EipInBinding", Class::Busy),
            ("OperationUnsupported.EipNatBWPCheck", Class::Busy),
            ("OperationUnsupported.EipNatGWCheck", Class::Busy),
            ("EIP_NOT_IN_GATEWAY", Class::Busy),
            ("EipOperation.TooFrequently", Class::Busy),
            ("OperationUnsupported.ForwardEntry", Class::Conflict),
            ("InvalidIpStatus.HasBeenUsedBySnatTable", Class::Conflict),
            ("InvalidIpStatus.HasBeenUsedByForwardEntry", Class::Conflict),
            ("InvalidStatus.SnatOrDnat", Class::Dependency),
        ],
    ),
    (On::These(ON_PACKAGES), &[("BandwidthPackageOperation.conflict", Class::Busy)]),
    (On::These(BUYING), &[("FrequentPurchase.EIP", Class::Throttled)]),
    (On::These(ON_GATEWAYS), &[("Forbidden.PrePaidNatGateway", Class::Denied)]),
];

/// Which calls a code is about.
#[derive(Debug, Clone, Copy)]
enum On {
    Any,
    Changes,
    These(&'static [Action]),
}

impl On {
    fn includes(self, action: Action) -> bool {
        match self {
            Self::Any => true,
            Self::Changes => action.mutates(),
            Self::These(actions) => actions.contains(&action),
        }
    }
}

/// Actions on the entries of tables, whose addresses may be bound from outside.
const ENTRIES: &[Action] = &[
    Action::CreateForwardEntry,
    Action::ModifyForwardEntry,
    Action::DeleteForwardEntry,
    Action::CreateSnatEntry,
    Action::ModifySnatEntry,
    Action::DeleteSnatEntry,
];

/// Actions that buy addresses.
const BUYING: &[Action] =
    &[Action::CreateNatGateway, Action::CreateBandwidthPackage, Action::AddBandwidthPackageIps];

/// Actions that can be tried without being carried out.
const DRY_RUNS: &[Action] = &[Action::UpdateNatGatewayNatType, Action::DescribeNatGateways];

/// Codes that say that what an action is about does not exist, beside the documented ones. A list
/// that is asked for by a gateway or a package is about that.
const GONE: &[(&str, &[Action])] = &[
    ("InvalidNatGatewayId.NotFound", ON_GATEWAYS),
    ("NATGW_NOT_EXIST", ON_GATEWAYS),
    ("INSTANCE_NOT_EXISTS", ON_GATEWAYS),
    ("InvalidBandwidthPackageId.NotFound", ON_PACKAGES),
];

const ON_GATEWAYS: &[Action] = &[
    Action::DescribeNatGateways,
    Action::DescribeBandwidthPackages,
    Action::ModifyNatGatewayAttribute,
    Action::UpdateNatGatewayNatType,
    Action::GetNatGatewayConvertStatus,
    Action::ModifyNatGatewaySpec,
    Action::DeleteNatGateway,
];

const ON_PACKAGES: &[Action] = &[
    Action::DescribeBandwidthPackages,
    Action::ModifyBandwidthPackageAttribute,
    Action::ModifyBandwidthPackageSpec,
    Action::AddBandwidthPackageIps,
    Action::RemoveBandwidthPackageIps,
    Action::DeleteBandwidthPackage,
    Action::ConvertBandwidthPackage,
];

/// Returns what an error of the service means for the one who called `action`.
///
/// The documented rows of the action decide first, then the codes known from the live service,
/// then the shape of the code, and at last the status. A status of 500 or more never certifies
/// anything: what would be definite is [`Class::Transient`] then.
pub fn classify(action: Action, code: &str, message: &str, status: u16) -> Class {
    let class =
        known(action, code, message).or_else(|| shaped(code)).unwrap_or_else(|| by_status(status));
    if status >= 500 && class.is_definite() { Class::Transient } else { class }
}

/// Returns whether an error that is not a refusal by its class alone leaves open what was done
/// under its token.
pub(super) fn is_about_token(code: &str) -> bool {
    code.ends_with("LastTokenProcessing")
        || code.ends_with("IdempotentTokenProcessing")
        || matches!(
            code,
            "IdempotentParameterMismatch"
                | "InvalidIdempotenceParameter.Mismatch"
                | "IdempotentFailed"
        )
}

fn known(action: Action, code: &str, message: &str) -> Option<Class> {
    let message = message.to_lowercase();
    let rows = || documented().iter().filter(|row| row.action == action && same(row.code, code));
    let documented = rows()
        .find(|row| !row.part.is_empty() && message.contains(row.part))
        .or_else(|| rows().find(|row| row.part.is_empty()));
    if let Some(row) = documented {
        return Some(row.class);
    }
    let gone = GONE.iter().any(|(known, actions)| same(known, code) && actions.contains(&action));
    if gone {
        return Some(Class::Gone);
    }
    let live = LIVE.iter().filter(|(on, _)| on.includes(action)).flat_map(|(_, codes)| *codes);
    live.copied().find(|(known, _)| same(known, code)).map(|(_, class)| class)
}

/// The service itself writes some codes in more than one case.
fn same(known: &str, code: &str) -> bool {
    known.eq_ignore_ascii_case(code)
}

/// Judges a code by its shape; families such as `Throttling.…` grow without being documented.
fn shaped(code: &str) -> Option<Class> {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| code.starts_with(prefix));
    let contains = |parts: &[&str]| parts.iter().any(|part| code.contains(part));
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| code.ends_with(suffix));
    if contains(&["Throttling", "FlowControl", "TooFrequen"]) {
        Some(Class::Throttled)
    } else if ends(&["TokenProcessing", "InMiddleStatus"])
        || starts(&["IncorrectStatus", "Incorret"])
        || (code.starts_with("Incorrect") && code.contains("Status"))
    {
        Some(Class::Busy)
    } else if contains(&["FinancialLocked", "Arrear", "NotEnoughBalance", "InsufficientBalance"])
        || starts(&[
            "NoPermission",
            "InvalidAccessKeyId",
            "InvalidSecurityToken",
            "InvalidTimeStamp",
        ])
        || contains(&["Unauthorized", "AccessDenied"])
    {
        Some(Class::Denied)
    } else if contains(&["Quota", "LimitExceeded", "InventoryNotEnough", "CountLimited"]) {
        Some(Class::Quota)
    } else if code.starts_with("DependencyViolation") {
        Some(Class::Dependency)
    } else if starts(&["MissingParam", "InvalidParameter"])
        || ends(&[".Malformed", ".ValueNotSupported", ".ValueNotSupport"])
    {
        Some(Class::Invalid)
    } else {
        None
    }
}

/// Judges an unknown code by the status. Not found is never [`Class::Gone`], and a code beside a
/// success is not a refusal that can be relied on.
fn by_status(status: u16) -> Class {
    match status {
        401 | 403 | 407 => Class::Denied,
        409 => Class::Busy,
        429 => Class::Throttled,
        400..=499 if status != 408 => Class::Invalid,
        _ => Class::Transient,
    }
}
