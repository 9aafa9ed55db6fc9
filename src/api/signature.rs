//! Request signatures: RPC version 1.0 (HMAC-SHA1 over the parameters) for the client, and its
//! verification together with ACS3-HMAC-SHA256 (over headers) for the emulator.
//!
//! Source: the reference, edition 2020-09-25, section 2.

use std::collections::BTreeMap;

use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};

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

#[cfg(test)]
mod tests {
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
}
