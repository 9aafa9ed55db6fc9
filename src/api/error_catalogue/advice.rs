//! How to mend an error, in one sentence.

use super::super::error::{ApiError, Class, NO_ANSWER, NOT_SENT, UNREADABLE_ANSWER};

/// Returns how to mend an error: by its code where it says enough, by its class otherwise.
pub fn advice(error: &ApiError) -> &'static str {
    if error.code == NO_ANSWER && error.action.starts_with("Describe") {
        return "check the endpoint and the network; nothing was changed by asking";
    }
    by_code(&error.code).unwrap_or_else(|| by_class(error.class))
}

fn by_code(code: &str) -> Option<&'static str> {
    let starts = |prefix: &str| code.starts_with(prefix);
    let contains = |part: &str| code.contains(part);
    Some(if code == NOT_SENT {
        "check the endpoint, the name resolution, the proxy and the certificate authorities; \
         nothing was sent"
    } else if code == NO_ANSWER {
        "the call may have had its effect; run the same command again, which finds out before it \
         changes anything"
    } else if code == UNREADABLE_ANSWER {
        "what answered does not look like the service: check the endpoint and any proxy between"
    } else if starts("SignatureDoesNotMatch")
        || starts("IncompleteSignature")
        || starts("InvalidAccessKeySecret")
    {
        "the access key secret does not belong to the access key id: check the credentials"
    } else if starts("InvalidAccessKeyId") {
        "the service does not know the access key id, or it is disabled: check the credentials and \
         that they belong to this service"
    } else if contains("SecurityToken") {
        "the security token is missing, expired or of another key: get new temporary credentials"
    } else if starts("InvalidTimeStamp") || starts("IllegalTimestamp") {
        "this machine's clock differs from the service's by more than 15 minutes: set the clock"
    } else if starts("SignatureNonceUsed") {
        "something between here and the service repeats requests: check the proxy, then run the \
         same command again"
    } else if contains("FinancialLocked")
        || contains("Arrear")
        || contains("NotEnoughBalance")
        || contains("InsufficientBalance")
    {
        "the account is in arrears: settle its balance, then run the same command again"
    } else if starts("NoPermission.CreateServiceLinkedRole") {
        "the user may not create the service-linked role `AliyunServiceRoleForNatgw`: have an \
         administrator create it or grant `ram:CreateServiceLinkedRole`"
    } else if code == "NOT_ALLOW_USE_SOURCECIDR" {
        "the account may not use `source_cidr`: use `source_vswitch_id`, or have the account listed"
    } else if code == "InvalidRegionId.NotFound" {
        "check `region` in the provider block, and that the endpoint serves that region"
    } else if starts("IdempotentParameterMismatch") || starts("InvalidIdempotenceParameter") {
        "the token of this call was used before with other parameters: run `natform recover`"
    } else if code == "InvalidAction.NotFound" || code == "InvalidVersion" {
        "the endpoint does not offer this action: check that it serves the VPC interface of \
         2016-04-28"
    } else if contains("UsedInSnatTable") || contains("UsedBySnatTable") {
        "an SNAT entry uses this address: choose another, or remove it from that entry first"
    } else if contains("UsedInForwardTable") || contains("UsedByForward") {
        "a DNAT entry uses this address: choose another, or remove that entry first"
    } else if code == "InvalidIp.NotInNatgw"
        || code == "InvalidSnatIp.NotFound"
        || code == "InvalidExternalIp.NotFound"
        || code == "EIP_NOT_IN_GATEWAY"
    {
        "the public address is not on this gateway: use one of its bandwidth packages' or of the \
         addresses bound to it"
    } else if contains("OutOfVpcCIDR") {
        "the private address must lie in the CIDR block of the gateway's VPC"
    } else if contains("InventoryNotEnough") || code == "ZONE_NO_AVAILABLE_IP" {
        "the zone has nothing left: choose another zone or vSwitch"
    } else if contains("RemovedIpAddresses.NotFound") {
        "the package no longer has all of these addresses: plan again, which reads it anew"
    } else {
        return None;
    })
}

fn by_class(class: Class) -> &'static str {
    match class {
        Class::Busy => {
            "another change is under way there: run the same command again when it is done"
        }
        Class::Throttled => "the account sends too many requests: lower `-parallelism` or wait",
        Class::Transient => {
            "the service failed in itself: run the same command again; if it persists, give the \
             request id to its support"
        }
        Class::Gone => "it was removed from outside: plan again, which reads it anew",
        Class::Denied => "the account may not do this: check its policies and its status",
        Class::Invalid => "the service does not accept these values: correct the configuration",
        Class::Quota => "a quota of the account is reached: remove something or have it raised",
        Class::Conflict => {
            "something else already uses this key, address or name: choose another, or import what \
             holds it"
        }
        Class::Dependency => {
            "something that this depends on is missing, or something that depends on this is left"
        }
        Class::AlreadyDone => "nothing needs to be done",
    }
}
