//! Tests over every documented row, the live codes and the fallbacks.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::catalogue::{Action, Edition};
use super::super::error::{ApiError, Class};
use super::*;

fn error(action: Action, code: &str, message: &str, status: u16) -> ApiError {
    ApiError::answered(action, status, code, message, "")
}

#[test]
fn the_editions_document_as_many_rows_as_the_reference() {
    let newest: Vec<&Row> =
        documented().iter().filter(|row| row.only != Some(Edition::V2019_07_19)).collect();
    assert_eq!(newest.len(), 164);
    let distinct: BTreeSet<_> = newest.iter().map(|row| (row.status, row.code)).collect();
    assert_eq!(distinct.len(), 89);
    for row in documented() {
        let first = row.only.unwrap_or(Edition::V2019_07_19);
        assert!(row.action.exists_in(first), "{row:?}");
    }
}

#[test]
fn every_documented_row_is_classified_as_it_says() {
    for row in documented() {
        let message = format!("Specified: {}.", row.part.to_uppercase());
        assert_eq!(classify(row.action, row.code, &message, row.status), row.class, "{row:?}");
        let error = error(row.action, row.code, &message, row.status);
        assert!(!advice(&error).is_empty());
        assert_eq!(
            error.is_definite(),
            !matches!(row.class, Class::Busy | Class::Throttled | Class::Transient),
            "{row:?}"
        );
    }
}

#[test]
fn rows_of_one_code_are_told_apart_by_their_messages() {
    let rows: BTreeSet<_> =
        documented().iter().map(|row| (row.action, row.code, row.part)).collect();
    assert_eq!(rows.len(), documented().len(), "no row hides another");
}

#[test]
fn gone_is_a_closed_list() {
    let gone: BTreeSet<String> = Action::ALL
        .into_iter()
        .flat_map(|action| {
            let codes = documented()
                .iter()
                .map(|row| row.code)
                .chain(GONE.iter().map(|(code, _)| *code))
                .chain(LIVE.iter().flat_map(|(_, codes)| *codes).map(|(code, _)| *code));
            codes
                .filter(move |code| classify(action, code, "is not exist", 404) == Class::Gone)
                .map(move |code| format!("{action} {code}"))
        })
        .collect();
    let expected = "\
        AddBandwidthPackageIps InvalidBandwidthPackageId.NotFound
        ConvertBandwidthPackage InvalidBandwidthPackageId.NotFound
        DeleteBandwidthPackage InvalidBandwidthPackageId.NotFound
        DeleteForwardEntry IncorretForwardEntryStatus
        DeleteForwardEntry InvalidForwardEntryId.NotFound
        DeleteForwardEntry InvalidForwardTableId.NotFound
        DeleteNatGateway INSTANCE_NOT_EXISTS
        DeleteNatGateway InvalidNatGatewayId.NotFound
        DeleteNatGateway NATGW_NOT_EXIST
        DeleteSnatEntry InvalidSnatEntryId.NotFound
        DeleteSnatEntry InvalidSnatTableId.NotFound
        DescribeBandwidthPackages INSTANCE_NOT_EXISTS
        DescribeBandwidthPackages InvalidBandwidthPackageId.NotFound
        DescribeBandwidthPackages InvalidNatGatewayId.NotFound
        DescribeBandwidthPackages NATGW_NOT_EXIST
        DescribeForwardTableEntries InvalidForwardTableId.NotFound
        DescribeNatGateways INSTANCE_NOT_EXISTS
        DescribeNatGateways InvalidNatGatewayId.NotFound
        DescribeNatGateways NATGW_NOT_EXIST
        DescribeSnatTableEntries InvalidSnatTableId.NotFound
        GetNatGatewayConvertStatus INSTANCE_NOT_EXISTS
        GetNatGatewayConvertStatus InvalidNatGatewayId.NotFound
        GetNatGatewayConvertStatus NATGW_NOT_EXIST
        ModifyBandwidthPackageAttribute InvalidBandwidthPackageId.NotFound
        ModifyBandwidthPackageSpec InvalidBandwidthPackageId.NotFound
        ModifyForwardEntry InvalidForwardEntryId.NotFound
        ModifyForwardEntry InvalidForwardTableId.NotFound
        ModifyNatGatewayAttribute INSTANCE_NOT_EXISTS
        ModifyNatGatewayAttribute InvalidNatGatewayId.NotFound
        ModifyNatGatewayAttribute NATGW_NOT_EXIST
        ModifyNatGatewaySpec INSTANCE_NOT_EXISTS
        ModifyNatGatewaySpec InvalidNatGatewayId.NotFound
        ModifyNatGatewaySpec NATGW_NOT_EXIST
        ModifySnatEntry InvalidSnatEntryId.NotFound
        ModifySnatEntry InvalidSnatTableId.NotFound
        RemoveBandwidthPackageIps InvalidBandwidthPackageId.NotFound
        UpdateNatGatewayNatType INSTANCE_NOT_EXISTS
        UpdateNatGatewayNatType InvalidNatGatewayId.NotFound
        UpdateNatGatewayNatType NATGW_NOT_EXIST";
    let expected: BTreeSet<String> = expected.lines().map(|line| line.trim().to_owned()).collect();
    assert_eq!(gone, expected);
}

#[test]
fn messages_and_statuses_decide_where_codes_do_not() {
    use Action::{
        AddBandwidthPackageIps, CreateSnatEntry, DeleteForwardEntry, DeleteNatGateway,
        DescribeNatGateways, ModifyForwardEntry,
    };
    let status = "IncorretForwardEntryStatus";
    let missing = "The Specified forwardEntry is not exist";
    let blocked = "Some Forward entry status blocked this operation..";
    let bound = "The specified Instance already bind eip";
    for (action, code, message, http, class) in [
        (DeleteForwardEntry, status, missing, 400, Class::Gone),
        (DeleteForwardEntry, status, blocked, 400, Class::Busy),
        (ModifyForwardEntry, status, missing, 400, Class::Busy),
        (DeleteForwardEntry, status, missing, 503, Class::Transient),
        (AddBandwidthPackageIps, "BandwidthPackage.FinancialLocked", "", 404, Class::Denied),
        (CreateSnatEntry, "Forbidden", bound, 400, Class::Conflict),
        (CreateSnatEntry, "Forbidden", "User not authorized", 403, Class::Denied),
        (DeleteNatGateway, "IncorrectStatus.NatGateway", "", 400, Class::Busy),
        (DeleteNatGateway, "IncorrectStatus", "", 400, Class::Busy),
        (DeleteNatGateway, "DependencyViolation.EIPS", "", 400, Class::Dependency),
        (DeleteNatGateway, "InvalidRegionId.NotFound", "", 404, Class::Invalid),
        (DeleteNatGateway, "SomethingElse.NotFound", "", 404, Class::Invalid),
        (DescribeNatGateways, "Throttling.User", "", 400, Class::Throttled),
        (DescribeNatGateways, "Rejected.Throttling", "", 503, Class::Throttled),
        (DescribeNatGateways, "New", "", 429, Class::Throttled),
        (DescribeNatGateways, "New", "", 409, Class::Busy),
        (DescribeNatGateways, "New", "", 403, Class::Denied),
        (DescribeNatGateways, "New", "", 400, Class::Invalid),
        (DescribeNatGateways, "New", "", 408, Class::Transient),
        (DescribeNatGateways, "New", "", 502, Class::Transient),
        (DescribeNatGateways, "New", "", 200, Class::Transient),
        (DescribeNatGateways, "QuotaExceeded.New", "", 500, Class::Transient),
        (DescribeNatGateways, "OperationConflict", "", 409, Class::Busy),
        (DeleteNatGateway, "TaskConflict", "", 400, Class::Busy),
        (DescribeNatGateways, "TaskConflict", "", 400, Class::Busy),
        (CreateSnatEntry, "EIP_NOT_IN_GATEWAY", "", 400, Class::Busy),
        (DeleteNatGateway, "EIP_NOT_IN_GATEWAY", "", 400, Class::Invalid),
        (DeleteNatGateway, "Forbidden.PrePaidNatGateway", "", 400, Class::Denied),
        (CreateSnatEntry, "Forbidden.PrePaidNatGateway", "", 400, Class::Invalid),
        (DescribeNatGateways, "InvalidAccessKeyId.NotFound", "", 404, Class::Denied),
        (DescribeNatGateways, "InvalidTimeStamp.Expired", "", 400, Class::Denied),
    ] {
        assert_eq!(classify(action, code, message, http), class, "{action} {code} {message}");
    }
}

#[test]
fn only_refusals_without_effect_are_definite() {
    let definite =
        |code: &str, status| error(Action::CreateForwardEntry, code, "", status).is_definite();
    for code in [
        "Throttling",
        "OperationConflict",
        "LastTokenProcessing",
        "OperationFailed.LastTokenProcessing",
        "IdempotentParameterMismatch",
        "SystemBusy",
        "SignatureNonceUsed",
        "IncorretForwardEntryStatus",
    ] {
        assert!(!definite(code, 400), "{code}");
    }
    for code in ["InvalidExternalIp.Malformed", "QuotaExceeded", "SignatureDoesNotMatch", "New"] {
        assert!(definite(code, 400), "{code}");
        assert!(!definite(code, 500), "{code}");
    }
    assert!(ApiError::not_sent(Action::CreateForwardEntry, "refused").is_definite());
    assert!(!ApiError::no_answer(Action::CreateForwardEntry, "reset").is_definite());
    assert!(!ApiError::unreadable(Action::CreateForwardEntry, 200, "HTML").is_definite());
}

#[test]
fn advice_follows_the_cause() {
    for (code, status, part) in [
        ("SignatureDoesNotMatch", 400, "secret"),
        ("InvalidAccessKeyId.NotFound", 404, "access key id"),
        ("InvalidTimeStamp.Expired", 400, "clock"),
        ("InvalidSecurityToken.Expired", 400, "temporary"),
        ("BandwidthPackage.FinancialLocked", 404, "arrears"),
        ("QuotaExceeded.BandwidthPackageIps", 400, "quota"),
        ("Forbidden.RAM", 403, "policies"),
        ("InvalidRegionId.NotFound", 404, "region"),
        ("OperationConflict", 409, "another change"),
        ("Throttling.User", 400, "parallelism"),
    ] {
        let error = error(Action::AddBandwidthPackageIps, code, "", status);
        assert!(advice(&error).contains(part), "{code}: {}", advice(&error));
        assert!(!advice(&error).ends_with('.'), "{code}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_unknown_code_is_never_gone_and_a_server_error_never_definite(
        code in "[A-Za-z.]{1,20}X",
        message in "\\PC{0,30}",
        status in 100u16..600,
        index in 0usize..24,
    ) {
        let class = classify(Action::ALL[index], &code, &message, status);
        prop_assert_ne!(class, Class::Gone);
        prop_assert!(status < 500 || !class.is_definite());
    }
}
