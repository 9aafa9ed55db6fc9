//! Encodings: Base64, JSON, URLs and compression.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Call, Failure, Outcome, TEXT_LIMIT, charsets, check_length};
use crate::value::{Value, from_json, write_json_escaped};

/// Largest text that is read as JSON or decompressed, in bytes.
const INPUT_LIMIT: usize = TEXT_LIMIT;

pub(super) fn decode_base64(call: &Call<'_>, argument: usize) -> Result<Vec<u8>, Failure> {
    let text: String = call.text(argument).chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    STANDARD.decode(&text).map_err(|error| {
        let place = match error {
            base64::DecodeError::InvalidByte(at, _)
            | base64::DecodeError::InvalidLastSymbol { offset: at, .. } => {
                format!(": invalid symbol at offset {at}")
            }
            base64::DecodeError::InvalidLength(_) => String::from(": invalid length"),
            base64::DecodeError::InvalidPadding => String::from(": invalid padding"),
        };
        Failure::at(argument, format!("failed to decode base64 data{place}"))
    })
}

fn utf8(bytes: Vec<u8>) -> Outcome {
    let invalid = "the result of decoding the provided string is not valid UTF-8";
    let text = String::from_utf8(bytes).map_err(|_| Failure::at(0, invalid))?;
    Ok(Value::text(&text))
}

pub(super) fn base64decode(call: &Call<'_>) -> Outcome {
    utf8(decode_base64(call, 0)?)
}

pub(super) fn base64encode(call: &Call<'_>) -> Outcome {
    Ok(STANDARD.encode(call.text(0)).into())
}

/// Compresses. The stream is flushed before its end and ends with an empty stored block, as Go's
/// compressor leaves it, so that short texts give the same bytes as in Terraform.
pub(super) fn base64gzip(call: &Call<'_>) -> Outcome {
    let failed = |error: std::io::Error| Failure::new(format!("failed to compress: {error}"));
    let text = call.text(0).as_bytes();
    let mut encoder =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).map_err(failed)?;
    encoder.flush().map_err(failed)?;
    let mut sum = flate2::Crc::new();
    sum.update(text);
    let mut compressed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    compressed.extend_from_slice(encoder.get_ref());
    compressed.extend_from_slice(&[1, 0, 0, 0xff, 0xff]);
    compressed.extend_from_slice(&sum.sum().to_le_bytes());
    compressed.extend_from_slice(&sum.amount().to_le_bytes());
    Ok(STANDARD.encode(compressed).into())
}

pub(super) fn base64gunzip(call: &Call<'_>) -> Outcome {
    let compressed = decode_base64(call, 0)?;
    let limit = u64::try_from(TEXT_LIMIT).unwrap_or(u64::MAX);
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(&*compressed)
        .take(limit + 1)
        .read_to_end(&mut text)
        .map_err(|error| Failure::at(0, format!("failed to decompress: {error}")))?;
    check_length(text.len())?;
    utf8(text)
}

pub(super) fn jsondecode(call: &Call<'_>) -> Outcome {
    if call.text(0).len() > INPUT_LIMIT {
        return Err(Failure::at(0, "the JSON text is too long"));
    }
    from_json(call.text(0)).map_err(|error| Failure::at(0, error.to_string()))
}

pub(super) fn jsonencode(call: &Call<'_>) -> Outcome {
    let text = write_json_escaped(call.value(0))
        .map_err(|error| Failure::at(0, format!("cannot be written as JSON: {error}")))?;
    check_length(text.len())?;
    Ok(text.into())
}

pub(super) fn urlencode(call: &Call<'_>) -> Outcome {
    let mut out = String::new();
    for byte in call.text(0).bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            _ => {
                let written = write!(out, "%{byte:02X}");
                debug_assert!(written.is_ok());
            }
        }
    }
    Ok(out.into())
}

pub(super) fn urldecode(call: &Call<'_>) -> Outcome {
    let text = call.text(0);
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = text.get(at..at + 2);
                let code = digits
                    .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
                    .and_then(|digits| u8::from_str_radix(digits, 16).ok())
                    .ok_or_else(|| {
                        let shown: String =
                            String::from_utf8_lossy(&bytes[at - 1..]).chars().take(3).collect();
                        Failure::at(0, format!("invalid URL escape {shown:?}")).quoting()
                    })?;
                out.push(code);
                at += 2;
            }
            byte => out.push(*byte),
        }
    }
    utf8(out)
}

pub(super) fn textencodebase64(call: &Call<'_>) -> Outcome {
    let bytes = charsets::encode(call.text(0), call.text(1))?;
    Ok(STANDARD.encode(bytes).into())
}

pub(super) fn textdecodebase64(call: &Call<'_>) -> Outcome {
    let bytes = decode_base64(call, 0)?;
    Ok(Value::text(&charsets::decode(&bytes, call.text(1))?))
}
