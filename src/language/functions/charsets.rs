//! Character encodings by their IANA names, for `textencodebase64` and `textdecodebase64`.

use encoding_rs::Encoding;

use super::Failure;

/// A character encoding.
enum Charset {
    Ascii,
    Latin1,
    /// UTF-16; `mark`: starts with a byte order mark, which decides when decoding.
    Utf16 {
        big: bool,
        mark: bool,
    },
    Other(&'static Encoding),
}

fn find(name: &str) -> Result<Charset, Failure> {
    let lower = name.trim().to_ascii_lowercase();
    Ok(match &*lower {
        "us-ascii" | "ascii" | "ansi_x3.4-1968" | "iso646-us" | "us" | "iso-ir-6" | "csascii" => {
            Charset::Ascii
        }
        "iso-8859-1" | "iso_8859-1" | "iso_8859-1:1987" | "latin1" | "l1" | "ibm819" | "cp819"
        | "iso-ir-100" | "csisolatin1" => Charset::Latin1,
        "utf-16" | "csutf16" => Charset::Utf16 { big: true, mark: true },
        "utf-16be" | "csutf16be" => Charset::Utf16 { big: true, mark: false },
        "utf-16le" | "csutf16le" => Charset::Utf16 { big: false, mark: false },
        other => {
            let encoding = Encoding::for_label_no_replacement(other.as_bytes());
            Charset::Other(encoding.ok_or_else(|| {
                let message = format!("{name:?} is not a supported IANA encoding name or alias");
                Failure::at(1, message).quoting()
            })?)
        }
    })
}

/// Encodes a text; refuses characters that the encoding does not have.
pub(super) fn encode(text: &str, name: &str) -> Result<Vec<u8>, Failure> {
    let missing = || {
        let message =
            format!("the given string contains characters that cannot be represented in {name}");
        Failure::at(0, message)
    };
    let narrow = |limit: u32| -> Result<Vec<u8>, Failure> {
        text.chars()
            .map(|c| u8::try_from(u32::from(c)).ok().filter(|b| u32::from(*b) < limit))
            .collect::<Option<_>>()
            .ok_or_else(missing)
    };
    match find(name)? {
        Charset::Ascii => narrow(0x80),
        Charset::Latin1 => narrow(0x100),
        Charset::Utf16 { big, mark } => {
            let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
            Ok(units
                .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
                .collect())
        }
        Charset::Other(encoding) => {
            let (bytes, _, unmappable) = encoding.encode(text);
            if unmappable { Err(missing()) } else { Ok(bytes.into_owned()) }
        }
    }
}

/// Decodes bytes; refuses those that mean nothing in the encoding.
pub(super) fn decode(bytes: &[u8], name: &str) -> Result<String, Failure> {
    let undefined = || {
        let message = format!("the given string contains symbols that are not defined for {name}");
        Failure::at(0, message)
    };
    match find(name)? {
        Charset::Ascii if !bytes.is_ascii() => Err(undefined()),
        Charset::Ascii | Charset::Latin1 => Ok(bytes.iter().map(|b| char::from(*b)).collect()),
        Charset::Utf16 { big, mark } => {
            let (big, bytes) = match bytes {
                [0xfe, 0xff, rest @ ..] if mark => (true, rest),
                [0xff, 0xfe, rest @ ..] if mark => (false, rest),
                _ => (big, bytes),
            };
            let pairs = bytes.chunks_exact(2);
            if !pairs.remainder().is_empty() {
                return Err(undefined());
            }
            let units = pairs.map(|pair| match (big, pair) {
                (true, [a, b]) => u16::from_be_bytes([*a, *b]),
                (_, [a, b]) => u16::from_le_bytes([*a, *b]),
                _ => 0,
            });
            char::decode_utf16(units).collect::<Result<_, _>>().map_err(|_| undefined())
        }
        Charset::Other(encoding) => encoding
            .decode_without_bom_handling_and_without_replacement(bytes)
            .map(std::borrow::Cow::into_owned)
            .ok_or_else(undefined),
    }
}
