//! Request signatures: RPC version 1.0 (HMAC-SHA1 over the parameters) for the client, and its
//! verification together with ACS3-HMAC-SHA256 (over headers) for the emulator.
//!
//! Source: the reference, edition 2020-09-25, section 2.

use std::collections::BTreeMap;

use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Digest;

/// Percent-encodes as the signature wants it: all but `A–Z a–z 0–9 - _ . ~`, upper-case hex.
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 2);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(byte as char);
            }
            _ => {
                out.push('%');
                out.push(char::from(b"0123456789ABCDEF"[usize::from(byte >> 4)]));
                out.push(char::from(b"0123456789ABCDEF"[usize::from(byte & 15)]));
            }
        }
    }
    out
}

/// Returns `name=value&…` of all parameters but `Signature`, encoded and sorted by name.
pub fn canonical_query(parameters: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    for (name, value) in parameters.iter().filter(|(name, _)| *name != "Signature") {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(&percent_encode(name));
        out.push('=');
        out.push_str(&percent_encode(value));
    }
    out
}

/// Returns the string that version 1.0 signs for a request by `method`.
pub fn string_to_sign(method: &str, parameters: &BTreeMap<String, String>) -> String {
    format!("{method}&%2F&{}", percent_encode(&canonical_query(parameters)))
}

/// Signs with version 1.0: Base64 of HMAC-SHA1 with the key `secret&`.
pub fn sign(secret: &str, string_to_sign: &str) -> String {
    let key = format!("{secret}&");
    let mac = Hmac::<sha1::Sha1>::new_from_slice(key.as_bytes()).map(|mut mac| {
        mac.update(string_to_sign.as_bytes());
        mac.finalize().into_bytes()
    });
    mac.map(|bytes| base64::engine::general_purpose::STANDARD.encode(bytes)).unwrap_or_default()
}

/// Decodes `%XX` and `+` as a server meets them in a query or a form; `None` when what comes out is
/// not UTF-8 or an escape is cut off.
pub fn percent_decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => out.push(hex_digit(bytes.next()?)? << 4 | hex_digit(bytes.next()?)?),
            _ => out.push(byte),
        }
    }
    String::from_utf8(out).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Splits a query or a form body into decoded pairs, in order; `None` when one cannot be decoded.
pub fn decode_pairs(text: &str) -> Option<Vec<(String, String)>> {
    text.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Some((percent_decode(name)?, percent_decode(value)?))
        })
        .collect()
}

/// The name of the newer signature, as it starts the `Authorization` header.
pub const ACS3: &str = "ACS3-HMAC-SHA256";

/// Returns the SHA-256 digest as lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&sha2::Sha256::digest(bytes))
}

/// Returns bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
        out.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
    }
    out
}

/// Returns the canonical request that ACS3-HMAC-SHA256 signs.
///
/// `query` is decoded; `headers` have lower-case names; `signed_header_names` is the client's own
/// list in its order (clients send it sorted); `body_hash` is the digest of the body in hexadecimal
/// digits. A signed header that is missing counts as empty; one that is repeated has its values
/// sorted and joined by commas.
pub fn acs3_canonical_request(
    method: &str,
    path: &str,
    query: &BTreeMap<String, String>,
    headers: &[(String, String)],
    signed_header_names: &[&str],
    body_hash: &str,
) -> String {
    let mut out = format!("{method}\n{path}\n");
    for (index, (name, value)) in query.iter().enumerate() {
        if index > 0 {
            out.push('&');
        }
        out.push_str(&percent_encode(name));
        out.push('=');
        out.push_str(&percent_encode(value));
    }
    out.push('\n');
    for wanted in signed_header_names {
        let mut values: Vec<&str> = headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim())
            .collect();
        values.sort_unstable();
        out.push_str(&wanted.to_ascii_lowercase());
        out.push(':');
        out.push_str(&values.join(","));
        out.push('\n');
    }
    out.push('\n');
    out.push_str(&signed_header_names.join(";").to_ascii_lowercase());
    out.push('\n');
    out.push_str(body_hash);
    out
}

/// Returns the string that ACS3-HMAC-SHA256 signs for a canonical request.
pub fn acs3_string_to_sign(canonical_request: &str) -> String {
    format!("{ACS3}\n{}", sha256_hex(canonical_request.as_bytes()))
}

/// Signs with ACS3-HMAC-SHA256: hexadecimal digits of HMAC-SHA256 with the plain secret as its key.
pub fn acs3_sign(secret: &str, string_to_sign: &str) -> String {
    Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes())
        .map(|mut mac| {
            mac.update(string_to_sign.as_bytes());
            hex(&mac.finalize().into_bytes())
        })
        .unwrap_or_default()
}

/// The parts of an ACS3-HMAC-SHA256 `Authorization` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acs3Authorization {
    /// Id of the access key.
    pub access_key_id: String,
    /// Names of the signed headers, lower case, in the client's order.
    pub signed_headers: Vec<String>,
    /// Signature in hexadecimal digits.
    pub signature: String,
}

impl Acs3Authorization {
    /// Parses the header's value; `None` when it is of another kind or a part is missing.
    pub fn parse(value: &str) -> Option<Self> {
        let parts = value.trim().strip_prefix(ACS3)?.strip_prefix(' ')?;
        let part = |name: &str| {
            parts.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
        };
        Some(Self {
            access_key_id: part("Credential")?.to_owned(),
            signed_headers: part("SignedHeaders")?
                .split(';')
                .filter(|name| !name.is_empty())
                .map(str::to_ascii_lowercase)
                .collect(),
            signature: part("Signature")?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn describe_regions(time_name: &str) -> BTreeMap<String, String> {
        [
            ("AccessKeyId", "testid"),
            ("Format", "XML"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("SignatureNonce", "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"),
            ("Version", "2014-05-26"),
            ("Action", "DescribeRegions"),
            (time_name, "2016-02-23T12:46:24Z"),
        ]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect()
    }

    #[test]
    fn signs_as_the_checked_vectors() {
        for (name, signature) in [
            ("Timestamp", "OLeaidS1JvxuMvnyHOwuJ+uX5qY="),
            ("TimeStamp", "CT9X0VtwR86fNWSnsc6v8YGOjuE="),
        ] {
            let text = string_to_sign("GET", &describe_regions(name));
            assert_eq!(sign("testsecret", &text), signature);
        }
    }

    #[test]
    fn encodes_everything_outside_the_unreserved_set() {
        assert_eq!(percent_encode("a b*~é/+"), "a%20b%2A~%C3%A9%2F%2B");
    }

    /// The example that the service's guide to this signature works through.
    #[test]
    fn signs_the_newer_way_as_the_published_example() {
        let empty = sha256_hex(b"");
        let query = [
            ("ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"),
            ("RegionId", "cn-shanghai"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        let headers: Vec<(String, String)> = [
            ("host", "ecs.cn-shanghai.aliyuncs.com"),
            ("accept", "not signed"),
            ("x-acs-action", "RunInstances"),
            ("x-acs-content-sha256", empty.as_str()),
            ("x-acs-date", " 2023-10-26T10:22:32Z "),
            ("x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"),
            ("x-acs-version", "2014-05-26"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        let authorization = Acs3Authorization::parse(
            "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;\
             x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,\
             Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
        )
        .unwrap();
        let names: Vec<&str> = authorization.signed_headers.iter().map(String::as_str).collect();
        let request = acs3_canonical_request("POST", "/", &query, &headers, &names, &empty);
        assert_eq!(
            acs3_string_to_sign(&request),
            "ACS3-HMAC-SHA256\n7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259"
        );
        let signature = acs3_sign("YourAccessKeySecret", &acs3_string_to_sign(&request));
        assert_eq!(signature, authorization.signature);
        assert_eq!(authorization.access_key_id, "YourAccessKeyId");
    }

    #[test]
    fn refuses_other_authorization_headers() {
        for value in ["", "Bearer x", "ACS3-HMAC-SHA256", "ACS3-HMAC-SHA256 Credential=a"] {
            assert_eq!(Acs3Authorization::parse(value), None, "{value}");
        }
    }

    #[test]
    fn refuses_escapes_that_mean_nothing() {
        for text in ["%", "%4", "%zz", "%ff", "%+1"] {
            assert_eq!(percent_decode(text), None, "{text}");
        }
        assert_eq!(
            decode_pairs("a=1+2&&b&c=%3D"),
            Some(vec![
                ("a".to_owned(), "1 2".to_owned()),
                ("b".to_owned(), String::new()),
                ("c".to_owned(), "=".to_owned()),
            ])
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn decoding_undoes_encoding(text in "\\PC*") {
            let encoded = percent_encode(&text);
            prop_assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~%".contains(&b)));
            prop_assert_eq!(percent_decode(&encoded), Some(text));
        }

        #[test]
        fn a_canonical_query_decodes_to_its_parameters(
            parameters in prop::collection::btree_map("[A-Za-z.0-9]{1,8}x", "\\PC{0,12}", 0..6),
        ) {
            let pairs = decode_pairs(&canonical_query(&parameters)).unwrap();
            prop_assert_eq!(pairs.into_iter().collect::<BTreeMap<_, _>>(), parameters);
        }
    }
}
