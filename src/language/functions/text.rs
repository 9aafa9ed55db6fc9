//! Strings: `chomp` to `upper`.

use std::sync::Arc;

use unicode_segmentation::UnicodeSegmentation;

use super::{Call, Failure, Outcome, check_length, pattern};
use crate::value::{Type, Value};

pub(super) fn chomp(call: &Call<'_>) -> Outcome {
    Ok(Value::from(call.text(0).trim_end_matches(['\r', '\n'])))
}

pub(super) fn endswith(call: &Call<'_>) -> Outcome {
    Ok(call.text(0).ends_with(call.text(1)).into())
}

pub(super) fn startswith(call: &Call<'_>) -> Outcome {
    Ok(call.text(0).starts_with(call.text(1)).into())
}

pub(super) fn strcontains(call: &Call<'_>) -> Outcome {
    Ok(call.text(0).contains(call.text(1)).into())
}

pub(super) fn indent(call: &Call<'_>) -> Outcome {
    let text = call.text(1);
    let spaces = usize::try_from(call.whole(0)?)
        .map_err(|_| Failure::at(0, "the number of spaces must not be negative"))?;
    let lines = text.matches('\n').count();
    check_length(lines.saturating_mul(spaces).saturating_add(text.len()))?;
    let pad = format!("\n{}", " ".repeat(if lines == 0 { 0 } else { spaces }));
    Ok(text.replace('\n', &pad).into())
}

pub(super) fn join(call: &Call<'_>) -> Outcome {
    let lists = call.rest(1);
    if lists.is_empty() {
        return Err(Failure::new("at least one list is required"));
    }
    let separator = call.text(0);
    let mut parts = Vec::new();
    for (i, list) in lists.iter().enumerate() {
        for (j, element) in list.as_elements().unwrap_or_default().iter().enumerate() {
            parts.push(element.as_str().ok_or_else(|| {
                Failure::at(i + 1, format!("element {j} is null; cannot concatenate null values"))
            })?);
        }
    }
    let separators = separator.len().saturating_mul(parts.len());
    check_length(parts.iter().map(|part| part.len()).fold(separators, usize::saturating_add))?;
    Ok(parts.join(separator).into())
}

pub(super) fn lower(call: &Call<'_>) -> Outcome {
    Ok(Value::text(&call.text(0).chars().map(lower_character).collect::<String>()))
}

pub(super) fn upper(call: &Call<'_>) -> Outcome {
    Ok(Value::text(&call.text(0).chars().map(upper_character).collect::<String>()))
}

/// Maps one character to one character; those that have no single counterpart stay.
fn lower_character(c: char) -> char {
    let mut mapped = c.to_lowercase();
    match (c, mapped.next(), mapped.next()) {
        ('İ', ..) => 'i',
        (_, Some(lower), None) => lower,
        _ => c,
    }
}

fn upper_character(c: char) -> char {
    let mut mapped = c.to_uppercase();
    match (c, mapped.next(), mapped.next()) {
        (_, Some(upper), None) => upper,
        _ => title_of_iota(c).unwrap_or(c),
    }
}

/// Greek letters with an iota below have a capital of their own beside the pair of letters.
fn title_of_iota(c: char) -> Option<char> {
    let code = u32::from(c);
    match code {
        0x1f80..=0x1f87 | 0x1f90..=0x1f97 | 0x1fa0..=0x1fa7 => char::from_u32(code + 8),
        0x1fb3 | 0x1fc3 | 0x1ff3 => char::from_u32(code + 9),
        _ => None,
    }
}

pub(super) fn title(call: &Call<'_>) -> Outcome {
    let mut previous = ' ';
    let titled: String = call
        .text(0)
        .chars()
        .map(|c| {
            let starts = separates(previous);
            previous = c;
            if starts { title_character(c) } else { c }
        })
        .collect();
    Ok(Value::text(&titled))
}

/// Returns whether a letter behind `c` starts a word.
fn separates(c: char) -> bool {
    if c.is_ascii() {
        return !(c.is_ascii_alphanumeric() || c == '_');
    }
    !c.is_alphanumeric() && c.is_whitespace()
}

/// The double letters of Serbo-Croatian have a form with only the first part capital.
fn title_character(c: char) -> char {
    match c {
        'Ǆ'..='ǆ' => 'ǅ',
        'Ǉ'..='ǉ' => 'ǈ',
        'Ǌ'..='ǌ' => 'ǋ',
        'Ǳ'..='ǳ' => 'ǲ',
        _ => upper_character(c),
    }
}

pub(super) fn regex(call: &Call<'_>) -> Outcome {
    let pattern = compile_groups(call)?;
    pattern
        .first(call.text(1))
        .ok_or_else(|| Failure::new("pattern did not match any part of the given string"))
}

/// Returns the type of what `regex` finds, where the pattern is known.
pub(super) fn regex_type(arguments: &[Value]) -> Type {
    let pattern = arguments.first().and_then(Value::as_str);
    pattern
        .and_then(|pattern| pattern::Pattern::compile(pattern).ok())
        .map_or(Type::Any, |pattern| pattern.result_type())
}

pub(super) fn regexall(call: &Call<'_>) -> Outcome {
    let pattern = compile_groups(call)?;
    pattern.all(call.text(1))
}

/// Returns the type of what `regexall` finds.
pub(super) fn regexall_type(arguments: &[Value]) -> Type {
    Type::list(regex_type(arguments))
}

/// Compiles a pattern whose groups become a value.
fn compile_groups(call: &Call<'_>) -> Result<Arc<pattern::Pattern>, Failure> {
    let pattern = compile(call.text(0), 0)?;
    let checked = pattern.check_groups();
    checked.map_err(|why| Failure::at(0, format!("invalid regexp pattern: {why}")).quoting())?;
    Ok(pattern)
}

fn compile(text: &str, argument: usize) -> Result<Arc<pattern::Pattern>, Failure> {
    pattern::Pattern::compile(text)
        .map_err(|why| Failure::at(argument, format!("invalid regexp pattern: {why}")).quoting())
}

pub(super) fn replace(call: &Call<'_>) -> Outcome {
    let (text, search, replacement) = (call.text(0), call.text(1), call.text(2));
    let inner = search.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    if let Some(pattern) = inner {
        let pattern = compile(pattern, 1)?;
        return pattern.replace_all(text, replacement).map(|replaced| Value::text(&replaced));
    }
    let count = if search.is_empty() { text.len() + 1 } else { text.matches(search).count() };
    check_length(count.saturating_mul(replacement.len()).saturating_add(text.len()))?;
    Ok(Value::text(&text.replace(search, replacement)))
}

pub(super) fn split(call: &Call<'_>) -> Outcome {
    let (separator, text) = (call.text(0), call.text(1));
    let parts: Vec<Value> = if separator.is_empty() {
        text.chars().map(|c| Value::text(c.encode_utf8(&mut [0; 4]))).collect()
    } else {
        text.split(separator).map(Value::text).collect()
    };
    Ok(Value::list(Type::String, parts))
}

pub(super) fn strrev(call: &Call<'_>) -> Outcome {
    Ok(Value::text(&call.text(0).graphemes(true).rev().collect::<String>()))
}

pub(super) fn substr(call: &Call<'_>) -> Outcome {
    let clusters: Vec<&str> = call.text(0).graphemes(true).collect();
    let count = i64::try_from(clusters.len()).unwrap_or(i64::MAX);
    let (offset, length) = (call.whole(1)?, call.whole(2)?);
    let start = if offset < 0 { count.saturating_add(offset).max(0) } else { offset.min(count) };
    let end = if length < 0 { count } else { start.saturating_add(length).min(count) };
    let range = usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0);
    Ok(Value::from(clusters.get(range).unwrap_or_default().concat()))
}

pub(super) fn trim(call: &Call<'_>) -> Outcome {
    let cut = call.text(1);
    Ok(Value::from(call.text(0).trim_matches(|c| cut.contains(c))))
}

pub(super) fn trimprefix(call: &Call<'_>) -> Outcome {
    let text = call.text(0);
    Ok(Value::from(text.strip_prefix(call.text(1)).unwrap_or(text)))
}

pub(super) fn trimsuffix(call: &Call<'_>) -> Outcome {
    let text = call.text(0);
    Ok(Value::from(text.strip_suffix(call.text(1)).unwrap_or(text)))
}

pub(super) fn trimspace(call: &Call<'_>) -> Outcome {
    Ok(Value::from(call.text(0).trim()))
}
