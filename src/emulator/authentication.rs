//! Who sends a request, and whether it is really they: access keys, signatures in parameters (version
//! 1.0) and in headers (ACS3-HMAC-SHA256), security tokens, time and nonces.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::api::http::HttpRequest;
use crate::api::signature::{
    ACS3, Acs3Authorization, acs3_canonical_request, acs3_sign, acs3_string_to_sign, sha256_hex,
    sign, string_to_sign,
};
use crate::emulator::errors::Refusal;
use crate::emulator::request::Arrival;
use crate::emulator::settings::Account;
use crate::environment::Timestamp;

/// By how much a request's time may differ from the server's.
const LARGEST_SKEW: Duration = Duration::from_secs(15 * 60);
/// How many nonces are remembered at most; the oldest are forgotten first.
const MOST_NONCES: usize = 500_000;

/// Nonces that were used, as long as a request with them could still be in time.
#[derive(Debug, Clone, Default)]
pub struct Nonces {
    seen: BTreeSet<u128>,
    order: VecDeque<(Timestamp, u128)>,
}

impl Nonces {
    /// Notes a nonce of an access key. Returns whether it is new.
    fn take(&mut self, now: Timestamp, key: &str, nonce: &str) -> bool {
        let digest = Sha256::digest(format!("{key}\n{nonce}"));
        let mut bytes = [0u8; 16];
        bytes.copy_from_slice(&digest[..16]);
        let nonce = u128::from_be_bytes(bytes);
        while let Some((end, old)) = self.order.front().copied() {
            if end > now && self.order.len() < MOST_NONCES {
                break;
            }
            self.order.pop_front();
            self.seen.remove(&old);
        }
        if !self.seen.insert(nonce) {
            return false;
        }
        // A request may be early by the skew and come again late by it.
        self.order.push_back((now.after(LARGEST_SKEW * 2), nonce));
        true
    }
}

/// Returns the account that signed the request.
pub fn authenticate<'a>(
    accounts: &'a [Account],
    nonces: &mut Nonces,
    now: Timestamp,
    request: &HttpRequest,
    arrival: &Arrival,
) -> Result<&'a Account, Refusal> {
    let authorization = request.header("authorization").unwrap_or("").trim_start();
    if authorization.is_empty() || arrival.text("Signature").is_some() {
        by_parameters(accounts, nonces, now, request, arrival)
    } else {
        by_header(accounts, nonces, now, request, arrival, authorization)
    }
}

fn by_parameters<'a>(
    accounts: &'a [Account],
    nonces: &mut Nonces,
    now: Timestamp,
    request: &HttpRequest,
    arrival: &Arrival,
) -> Result<&'a Account, Refusal> {
    let required = |name: &str| arrival.text(name).ok_or_else(|| Refusal::missing(None, name));
    let key = required("AccessKeyId")?;
    let signature = required("Signature")?;
    if required("SignatureMethod")? != "HMAC-SHA1" {
        return Err(bad("InvalidSignatureMethod", "Specified signature method is not valid."));
    }
    if required("SignatureVersion")? != "1.0" {
        return Err(bad("InvalidSignatureVersion", "Specified signature version is not valid."));
    }
    let nonce = required("SignatureNonce")?;
    let time = arrival.text("Timestamp").or_else(|| arrival.text("TimeStamp"));
    check_time(now, time.ok_or_else(|| Refusal::missing(None, "Timestamp"))?)?;
    let account = account(accounts, key)?;
    let text = string_to_sign(&request.method, &arrival.parameters);
    let expected = sign(&account.access_key_secret, &text);
    // Base64 of 20 bytes.
    if signature.len() != 28 || !arrival.decodable {
        return Err(incomplete(&text));
    }
    compare(&expected, signature, &text)?;
    check_token(account, now, arrival.text("SecurityToken"))?;
    check_nonce(nonces, now, key, nonce)?;
    Ok(account)
}

fn by_header<'a>(
    accounts: &'a [Account],
    nonces: &mut Nonces,
    now: Timestamp,
    request: &HttpRequest,
    arrival: &Arrival,
    authorization: &str,
) -> Result<&'a Account, Refusal> {
    let required = |name: &str| {
        let value = request.header(name).map(str::trim).filter(|v| !v.is_empty());
        value.ok_or_else(|| Refusal::missing(None, name))
    };
    let parts = Acs3Authorization::parse(authorization).ok_or_else(|| incomplete(ACS3))?;
    let signed: Vec<&str> = parts.signed_headers.iter().map(String::as_str).collect();
    check_time(now, required("x-acs-date")?)?;
    let nonce = required("x-acs-signature-nonce")?;
    let account = account(accounts, &parts.access_key_id)?;
    let body_hash = sha256_hex(&request.body);
    let path = if arrival.path.is_empty() { "/" } else { &arrival.path };
    let canonical = acs3_canonical_request(
        &request.method,
        path,
        &arrival.query,
        &request.headers,
        &signed,
        &body_hash,
    );
    let text = acs3_string_to_sign(&canonical);
    let unsigned = request
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .any(|name| (name == "host" || name.starts_with("x-acs-")) && !signed.contains(&name));
    if unsigned || !signed.contains(&"host") || parts.signature.len() != 64 || !arrival.decodable {
        return Err(incomplete(&text));
    }
    if required("x-acs-content-sha256")? != body_hash {
        return Err(mismatch(&text));
    }
    compare(&acs3_sign(&account.access_key_secret, &text), &parts.signature, &text)?;
    let token = request.header("x-acs-security-token").or_else(|| arrival.text("SecurityToken"));
    check_token(account, now, token.filter(|t| !t.is_empty()))?;
    check_nonce(nonces, now, &parts.access_key_id, nonce)?;
    Ok(account)
}

fn account<'a>(accounts: &'a [Account], key: &str) -> Result<&'a Account, Refusal> {
    let found = accounts.iter().find(|a| a.access_key_id == key).ok_or_else(|| {
        Refusal::new(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
    })?;
    if found.disabled {
        return Err(Refusal::new(
            400,
            "InvalidAccessKeyId.Inactive",
            "Specified access key is disabled.",
        ));
    }
    Ok(found)
}

fn check_time(now: Timestamp, text: &str) -> Result<(), Refusal> {
    let form = text.len() == 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T';
    let time: Option<jiff::Timestamp> = if form { text.parse().ok() } else { None };
    let time = time.ok_or_else(|| {
        bad("InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")
    })?;
    let time = Timestamp(time.as_millisecond());
    if now.since(time).max(time.since(now)) > LARGEST_SKEW {
        return Err(bad(
            "InvalidTimeStamp.Expired",
            "Specified time stamp or date value is expired.",
        ));
    }
    Ok(())
}

fn check_nonce(nonces: &mut Nonces, now: Timestamp, key: &str, nonce: &str) -> Result<(), Refusal> {
    if nonces.take(now, key, nonce) {
        Ok(())
    } else {
        Err(bad("SignatureNonceUsed", "Specified signature nonce was used already."))
    }
}

fn check_token(account: &Account, now: Timestamp, given: Option<&str>) -> Result<(), Refusal> {
    match (&account.security_token, given) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(bad(
            "InvalidSecurityToken.MismatchWithAccessKey",
            "Specified SecurityToken mismatch with the AccessKey.",
        )),
        (Some(_), None) => {
            Err(bad("MissingSecurityToken", "SecurityToken is mandatory for this action."))
        }
        (Some(expected), Some(given)) => {
            if !same(expected, given) {
                return Err(bad(
                    "InvalidSecurityToken.Malformed",
                    "Specified SecurityToken is malformed.",
                ));
            }
            if account.token_expires.is_some_and(|end| end <= now) {
                return Err(bad(
                    "InvalidSecurityToken.Expired",
                    "Specified SecurityToken is expired.",
                ));
            }
            Ok(())
        }
    }
}

fn compare(expected: &str, given: &str, text: &str) -> Result<(), Refusal> {
    if same(expected, given) { Ok(()) } else { Err(mismatch(text)) }
}

/// Compares in constant time.
fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

fn bad(code: &'static str, message: &'static str) -> Refusal {
    Refusal::new(400, code, message)
}

fn mismatch(text: &str) -> Refusal {
    Refusal::new(
        400,
        "SignatureDoesNotMatch",
        format!(
            "Specified signature is not matched with our calculation. server string to sign is:{text}"
        ),
    )
}

fn incomplete(text: &str) -> Refusal {
    Refusal::new(
        400,
        "IncompleteSignature",
        format!(
            "The request signature does not conform to Aliyun standards. server string to sign is:{text}"
        ),
    )
}

/// Parameters and headers that are never recorded.
pub fn without_secrets(parameters: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    const SECRET: [&str; 3] = ["Signature", "SecurityToken", "AccessKeyId"];
    parameters
        .iter()
        .filter(|(name, _)| !SECRET.iter().any(|secret| name.eq_ignore_ascii_case(secret)))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
