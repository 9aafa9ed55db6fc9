//! What renderings show of a source: safe ranges, lines around them, the header of the block.

use std::ops::Range;

use super::{SourceFile, Span};

/// Returns the bytes that a span covers, cut to the text and to whole characters.
pub(super) fn safe_range(text: &str, span: Span) -> Range<usize> {
    let floor = |offset: u32| {
        let mut offset = (offset as usize).min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    };
    let start = floor(span.start);
    start..floor(span.end).max(start)
}

/// Returns where the line of an offset starts.
pub(super) fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |at| at + 1)
}

/// Returns where the line of an offset ends, without its newline.
pub(super) fn line_end(text: &str, offset: usize) -> usize {
    text[offset..].find('\n').map_or(text.len(), |at| offset + at)
}

/// Returns the range of the header of the top-level block around an offset, such as
/// `resource "forward_entry" "web"`, when it stands on an earlier line. It goes by indentation, so
/// that it also works for sources that could not be parsed.
pub(super) fn block_header(file: &SourceFile, offset: usize) -> Option<Range<usize>> {
    let text = &*file.text;
    let mut end = line_start(text, offset);
    let own_line = &text[end..line_end(text, end)];
    if !own_line.starts_with([' ', '\t']) {
        return None;
    }
    while end > 0 {
        let start = line_start(text, end - 1);
        let line = &text[start..end - 1];
        let first = line.chars().next();
        if first.is_some_and(|c| c.is_alphabetic() || c == '_') {
            let code = line.split(" #").next().unwrap_or(line).trim_end();
            let header = code.strip_suffix('{')?.trim_end();
            return (!header.contains('=')).then_some(start..start + header.len());
        }
        if first == Some('}') {
            return None;
        }
        end = start;
    }
    None
}

/// Replaces control and direction characters, which could forge output.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' => '\n',
            '\t' => ' ',
            '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
            '\u{7f}' => '\u{2421}',
            '\u{80}'..='\u{9f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c => c,
        })
        .collect()
}
