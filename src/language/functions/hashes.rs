//! Hashes and identifiers: `md5` to `uuidv5`, `bcrypt`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest as _;

use super::{Call, Failure, Outcome, files};
use crate::value::{Type, Value};

/// Highest cost of `bcrypt` that is computed; each step doubles the time, and this one takes
/// seconds.
const COST_LIMIT: i64 = 16;

type Hash = fn(&[u8]) -> Vec<u8>;

fn hash_md5(bytes: &[u8]) -> Vec<u8> {
    md5::Md5::digest(bytes).to_vec()
}

fn hash_sha1(bytes: &[u8]) -> Vec<u8> {
    sha1::Sha1::digest(bytes).to_vec()
}

fn hash_sha256(bytes: &[u8]) -> Vec<u8> {
    sha2::Sha256::digest(bytes).to_vec()
}

fn hash_sha512(bytes: &[u8]) -> Vec<u8> {
    sha2::Sha512::digest(bytes).to_vec()
}

fn hexadecimal(bytes: &[u8]) -> Value {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble & 15)]);
    Value::from(bytes.iter().flat_map(|b| [digit(b >> 4), digit(*b)]).collect::<String>())
}

fn of_text(call: &Call<'_>, hash: Hash) -> Vec<u8> {
    hash(call.text(0).as_bytes())
}

fn of_file(call: &Call<'_>, hash: Hash) -> Result<Vec<u8>, Failure> {
    Ok(hash(&files::read_argument(call)?))
}

pub(super) fn md5(call: &Call<'_>) -> Outcome {
    Ok(hexadecimal(&of_text(call, hash_md5)))
}

pub(super) fn sha1(call: &Call<'_>) -> Outcome {
    Ok(hexadecimal(&of_text(call, hash_sha1)))
}

pub(super) fn sha256(call: &Call<'_>) -> Outcome {
    Ok(hexadecimal(&of_text(call, hash_sha256)))
}

pub(super) fn sha512(call: &Call<'_>) -> Outcome {
    Ok(hexadecimal(&of_text(call, hash_sha512)))
}

pub(super) fn base64sha256(call: &Call<'_>) -> Outcome {
    Ok(STANDARD.encode(of_text(call, hash_sha256)).into())
}

pub(super) fn base64sha512(call: &Call<'_>) -> Outcome {
    Ok(STANDARD.encode(of_text(call, hash_sha512)).into())
}

pub(super) fn filemd5(call: &Call<'_>) -> Outcome {
    Ok(hexadecimal(&of_file(call, hash_md5)?))
}

pub(super) fn filesha1(call: &Call<'_>) -> Outcome {
    Ok(hexadecimal(&of_file(call, hash_sha1)?))
}

pub(super) fn filesha256(call: &Call<'_>) -> Outcome {
    Ok(hexadecimal(&of_file(call, hash_sha256)?))
}

pub(super) fn filesha512(call: &Call<'_>) -> Outcome {
    Ok(hexadecimal(&of_file(call, hash_sha512)?))
}

pub(super) fn filebase64sha256(call: &Call<'_>) -> Outcome {
    Ok(STANDARD.encode(of_file(call, hash_sha256)?).into())
}

pub(super) fn filebase64sha512(call: &Call<'_>) -> Outcome {
    Ok(STANDARD.encode(of_file(call, hash_sha512)?).into())
}

pub(super) fn uuid(call: &Call<'_>) -> Outcome {
    Ok(match call.context.ids {
        Some(ids) if call.context.applying => ids.next().into(),
        _ => Value::unknown(Type::String),
    })
}

pub(super) fn uuidv5(call: &Call<'_>) -> Outcome {
    let namespace = match call.text(0) {
        "dns" => uuid::Uuid::NAMESPACE_DNS,
        "url" => uuid::Uuid::NAMESPACE_URL,
        "oid" => uuid::Uuid::NAMESPACE_OID,
        "x500" => uuid::Uuid::NAMESPACE_X500,
        other => uuid::Uuid::parse_str(other).map_err(|_| {
            let message = format!("uuidv5() doesn't support namespace {other:?}");
            Failure::at(0, message).quoting()
        })?,
    };
    Ok(uuid::Uuid::new_v5(&namespace, call.text(1).as_bytes()).to_string().into())
}

/// Hashes a password; the salt comes from the identifiers of the context.
pub(super) fn bcrypt(call: &Call<'_>) -> Outcome {
    if call.count() > 2 {
        return Err(Failure::at(2, "bcrypt() takes no more than two arguments"));
    }
    let cost = if call.count() == 2 { call.whole(1)? } else { 10 };
    if cost > 31 {
        return Err(Failure::at(1, format!("cost {cost} is outside allowed range (4,31)")));
    }
    if cost > COST_LIMIT {
        let message = format!("cost {cost} would take too long; at most {COST_LIMIT} is computed");
        return Err(Failure::at(1, message));
    }
    let cost = if cost < 4 { 10 } else { u32::try_from(cost).unwrap_or(10) };
    if call.text(0).len() > 72 {
        return Err(Failure::at(0, "password length exceeds 72 bytes"));
    }
    let ids = match call.context.ids {
        Some(ids) if call.context.applying => ids,
        _ => return Ok(Value::unknown(Type::String)),
    };
    let random = hash_sha256(format!("{}{}", ids.next(), ids.next()).as_bytes());
    let mut salt = [0; 16];
    salt.copy_from_slice(&random[..16]);
    let parts = bcrypt::hash_with_salt(call.text(0), cost, salt)
        .map_err(|error| Failure::new(format!("failed to hash: {error}")))?;
    Ok(parts.format_for_version(bcrypt::Version::TwoA).into())
}
