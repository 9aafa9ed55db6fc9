//! `rsadecrypt`: decryption with an RSA private key (PKCS #1 v1.5 padding). It is for the user's own
//! data on the user's own machine; it takes no care to run in constant time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dashu_int::UBig;
use dashu_int::fast_div::ConstDivisor;
use dashu_int::ops::BitTest as _;

use super::{Call, Failure, Outcome};
use crate::value::Value;

/// Longest key, in bits.
const KEY_LIMIT: usize = 8192;

/// What a private key needs for decryption.
struct Key {
    modulus: UBig,
    exponent: UBig,
}

pub(super) fn rsadecrypt(call: &Call<'_>) -> Outcome {
    let text: String = call.text(0).split_ascii_whitespace().collect();
    let ciphertext = STANDARD.decode(text).map_err(|_| {
        Failure::at(0, "failed to decode input: cipher text must be base64-encoded")
    })?;
    let key =
        key(call.text(1)).map_err(|why| Failure::at(1, format!("invalid private key: {why}")))?;
    let size = key.modulus.bit_len().div_ceil(8);
    let failed = || Failure::at(0, "failed to decrypt: decryption error");
    let number = UBig::from_be_bytes(&ciphertext);
    if ciphertext.len() > size || number >= key.modulus {
        return Err(failed());
    }
    let ring = ConstDivisor::new(key.modulus.clone());
    let message = ring.reduce(number).pow(&key.exponent).residue().to_be_bytes();
    // The block is 0, 2, at least eight bytes other than 0, 0, and the message.
    let block = match &*message {
        [2, block @ ..] if message.len() + 1 == size => block,
        _ => return Err(failed()),
    };
    let end = block.iter().position(|byte| *byte == 0).filter(|at| *at >= 8).ok_or_else(failed)?;
    let message = std::str::from_utf8(&block[end + 1..])
        .map_err(|_| Failure::at(0, "the decrypted text is not valid UTF-8"))?;
    Ok(Value::text(message))
}

/// Reads a key in PEM, as PKCS #1 or PKCS #8.
fn key(text: &str) -> Result<Key, &'static str> {
    let (_, rest) = text.split_once("-----BEGIN ").ok_or("no key found")?;
    let (label, rest) = rest.split_once("-----").ok_or("no key found")?;
    let (body, _) = rest.split_once("-----END ").ok_or("no key found")?;
    if body.contains("ENCRYPTED") || label.starts_with("ENCRYPTED") {
        return Err("it is protected by a passphrase");
    }
    let body: String = body.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(body).map_err(|_| "it is not base64-encoded")?;
    match label {
        "RSA PRIVATE KEY" => pkcs1(&bytes),
        "PRIVATE KEY" => {
            let mut sequence = Reader { rest: Reader { rest: &bytes }.element(SEQUENCE)? };
            sequence.element(INTEGER)?;
            sequence.element(SEQUENCE)?;
            pkcs1(sequence.element(OCTETS)?)
        }
        _ => Err("it is no RSA private key"),
    }
}

fn pkcs1(bytes: &[u8]) -> Result<Key, &'static str> {
    let mut sequence = Reader { rest: Reader { rest: bytes }.element(SEQUENCE)? };
    sequence.element(INTEGER)?;
    let modulus = UBig::from_be_bytes(sequence.element(INTEGER)?);
    sequence.element(INTEGER)?;
    let exponent = UBig::from_be_bytes(sequence.element(INTEGER)?);
    let bits = modulus.bit_len();
    if !(256..=KEY_LIMIT).contains(&bits) || exponent.bit_len() > bits {
        return Err("its size is not supported");
    }
    Ok(Key { modulus, exponent })
}

const INTEGER: u8 = 2;
const OCTETS: u8 = 4;
const SEQUENCE: u8 = 0x30;

/// Reads elements of the distinguished encoding rules.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Returns the contents of the next element, which has to be of that kind.
    fn element(&mut self, kind: u8) -> Result<&'a [u8], &'static str> {
        const BROKEN: &str = "it is damaged";
        let [found, first, rest @ ..] = self.rest else { return Err(BROKEN) };
        if *found != kind {
            return Err(BROKEN);
        }
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            0x81..=0x83 => {
                let (bytes, rest) =
                    rest.split_at_checked(usize::from(first - 0x80)).ok_or(BROKEN)?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return Err(BROKEN),
        };
        let (contents, rest) = rest.split_at_checked(length).ok_or(BROKEN)?;
        self.rest = rest;
        Ok(contents)
    }
}
