//! Diagnostics for what the lexer noticed and for what the parser says of an expression.

use super::lexer::{Problem, ProblemKind, Token, TokenKind, closer};
use super::parse::clamp;
use crate::diagnostic::{Diagnostic, FileId, Span};
use crate::value::{Number, NumberError};

/// A text with its place in the file.
#[derive(Clone, Copy)]
pub(super) struct Source<'t> {
    pub(super) file: FileId,
    pub(super) text: &'t str,
    /// Where the text starts in the file.
    pub(super) base: usize,
}

impl Source<'_> {
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        clamp(self.file, self.base + start, self.base + end)
    }

    /// Returns what a span of the file covers.
    pub(super) fn text_at(&self, span: Span) -> Option<&str> {
        let start = (span.start as usize).checked_sub(self.base)?;
        self.text.get(start..(span.end as usize).checked_sub(self.base)?)
    }

    /// Names a token for a message.
    pub(super) fn name(&self, token: Option<Token>) -> String {
        match token {
            None => String::from("the end of the file"),
            Some(Token { kind: TokenKind::Newline | TokenKind::LineComment, .. }) => {
                String::from("the end of the line")
            }
            Some(Token { kind: TokenKind::QuoteOpen, .. }) => String::from("a string"),
            Some(Token { kind: TokenKind::HeredocOpen, .. }) => String::from("a heredoc"),
            Some(token) => {
                let text: String = self.text[token.start..token.end].chars().take(40).collect();
                format!("`{text}`")
            }
        }
    }
}

/// Says what is unbalanced or does not belong.
pub(super) fn lexical(source: Source<'_>, problem: &Problem) -> Diagnostic {
    let text = &source.text[problem.at.clone()];
    let at = source.span(problem.at.start, problem.at.end);
    let noticed = problem.noticed.as_ref().map(|range| source.span(range.start, range.end));
    let error = |code, summary: &str| Diagnostic::error(code, summary.to_owned());
    match problem.kind {
        ProblemKind::UnterminatedString => {
            error("unterminated-string", "string is not closed on its line")
                .at_with(at, "starts here")
                .help(
                    "close it with `\"`; for several lines write `\\n` or use a heredoc (`<<-EOT`)",
                )
        }
        ProblemKind::UnterminatedLabel => {
            error("unterminated-string", "label is not closed on its line")
                .at_with(at, "starts here")
                .help(format!("close it with `\"`: write `{}\" {{`", text.trim_end()))
        }
        ProblemKind::UnterminatedHeredoc => {
            let word = text.trim_start_matches('<').trim_start_matches('-');
            error("unterminated-heredoc", "heredoc is not closed")
                .at_with(at, "starts here")
                .help(format!("end it with a line that holds only `{word}`"))
        }
        ProblemKind::UnterminatedComment => error("syntax", "comment is not closed")
            .at_with(at, "starts here")
            .help("end it with `*/`"),
        ProblemKind::HeredocStart => {
            error("syntax", "heredoc needs a bare word and then a new line")
                .at(at)
                .help("write `<<-EOT` as the last thing on the line")
        }
        ProblemKind::Unclosed | ProblemKind::Mismatched => {
            let close = char::from(closer(text.bytes().next().unwrap_or(b'{')));
            let mut diagnostic =
                error("unclosed", &format!("`{text}` is not closed")).at_with(at, "opened here");
            if let Some(noticed) = noticed {
                diagnostic = diagnostic.see(noticed, format!("expected `{close}` before this"));
            }
            diagnostic.help(format!("add the missing `{close}`"))
        }
        ProblemKind::StrayClose => error("syntax", &format!("`{text}` closes nothing"))
            .at(at)
            .help("remove it, or add what it should close"),
        ProblemKind::UnclosedInterpolation => error("unclosed", "interpolation is not closed")
            .at_with(at, "opened here")
            .help("add the missing `}`; write `$${` for a literal `${`"),
        ProblemKind::UnclosedDirective => {
            let word = text
                .trim_start_matches(['%', '{', '~', ' '])
                .split(|c: char| !c.is_alphabetic())
                .next()
                .unwrap_or("");
            match word {
                "if" | "for" => {
                    let summary = format!("`%{{ {word} }}` has no `%{{ end{word} }}`");
                    let diagnostic = error("unclosed", &summary).at_with(at, "opened here");
                    let help = format!("add `%{{ end{word} }}`");
                    match noticed {
                        Some(noticed) => {
                            diagnostic.see(noticed, "the heredoc ends here").help(format!(
                                "{help} before this line, or end the heredoc with another word"
                            ))
                        }
                        None => diagnostic.help(help),
                    }
                }
                _ => error("unclosed", "template directive is not closed")
                    .at_with(at, "opened here")
                    .help("add the missing `}`; write `%%{` for a literal `%{`"),
            }
        }
        ProblemKind::StrayDirective => {
            let word = text.trim_start_matches(['%', '{', '~', ' ']);
            error("syntax", &format!("`{word}` has no `if` or `for` before it")).at(at)
        }
        ProblemKind::PointAtEnd => {
            let at = source.span(problem.at.start, problem.at.start + 1);
            error("syntax", "expected a name after `.`, found the end of the line")
                .at(at)
                .help("an expression goes on over the line's end inside parentheses")
        }
        ProblemKind::Character => character(text, at),
    }
}

fn character(text: &str, at: Span) -> Diagnostic {
    let first = text.chars().next().unwrap_or(' ');
    let inner = text.trim_matches(|c| c == first || matches!(c, '\u{201d}' | '\u{2019}'));
    let error = |summary: String| Diagnostic::error("syntax", summary).at(at);
    match first {
        '\'' => {
            let diagnostic = error(String::from("strings are written in double quotes"));
            if text.len() > 1 && !inner.contains('"') {
                diagnostic.help(format!("write `\"{inner}\"`")).fix(at, format!("\"{inner}\""))
            } else {
                diagnostic.help("replace `'` by `\"`")
            }
        }
        '\u{201c}' | '\u{201d}' | '\u{2018}' | '\u{2019}' | '`' => {
            let diagnostic = error(format!("`{first}` is no quotation mark here"));
            let whole = !inner.is_empty() && !inner.contains('"') && text.chars().count() > 2;
            if whole {
                diagnostic.help(format!("write `\"{inner}\"`")).fix(at, format!("\"{inner}\""))
            } else {
                diagnostic.help("write `\"`")
            }
        }
        ';' => error(String::from("`;` separates nothing"))
            .help("attributes are separated by new lines"),
        '&' | '|' => error(format!("there is no operator `{first}`"))
            .help(format!("write `{first}{first}` for the logical operator")),
        '\\' => error(String::from("`\\` belongs into a string"))
            .help("an expression goes on over the line's end inside parentheses"),
        '$' => error(String::from("`$` belongs into a string"))
            .help("outside of strings write the expression alone, without `${` and `}`"),
        '~' | '^' => error(format!("there is no operator `{first}`")),
        '\r' => error(String::from("carriage return without a newline"))
            .help("save the file with line ends `\\n` or `\\r\\n`"),
        c if c.is_whitespace() || c == '\u{feff}' || c == '\u{200b}' => {
            error(format!("invisible character U+{:04X}", u32::from(c)))
                .detail("It looks like a space, but it is none.")
                .help("replace it by a space")
                .fix(at, " ")
        }
        c if c.is_control() => error(format!("control character U+{:04X}", u32::from(c))),
        c => error(format!("unexpected character `{c}`")),
    }
}

/// Says what is wrong with an expression, from the parser's message and the token where it stopped.
/// `end` is where the expression's text ends.
pub(super) fn expression(
    source: Source<'_>,
    message: &str,
    offset: usize,
    tokens: &[Token],
    end: usize,
) -> Diagnostic {
    let stopped = tokens.iter().copied().find(|t| t.end > offset && t.start < end);
    // Where it stopped at the end, an operator that lacks its operand is to blame.
    let last = tokens.iter().copied().rfind(|t| t.start < end);
    let token = stopped.or(last.filter(|t| t.kind == TokenKind::Operator));
    let (start, stop) = token.map_or((end, end), |t| (t.start.max(offset.min(t.end)), t.end));
    let at = source.span(start, stop);
    let found =
        token.map_or_else(|| String::from("the end of the expression"), |t| source.name(Some(t)));
    let word = token.map_or("", |t| &source.text[t.start..t.end]);
    let error = |summary: String| Diagnostic::error("syntax", summary).at(at);
    if message.contains("nesting depth") {
        return Diagnostic::error("too-deep", "expression is nested too deeply")
            .detail("At most 64 levels are read.")
            .at(at)
            .help("give parts of it a name in a `locals` block");
    }
    if message.contains("chained binary operators") {
        return Diagnostic::error("too-deep", "expression has too many operators in a row")
            .detail("At most 128 are read.")
            .at(at)
            .help("use `join`, `sum`, `alltrue` or `anytrue` over a list");
    }
    if let Some(diagnostic) = number(source, tokens, start, end) {
        return diagnostic;
    }
    if message.contains("redefined object key") {
        // A key in parentheses is more than one token.
        let length = source.text[start..].find(['=', ':', '\n']).unwrap_or(0);
        let key = source.text[start..start + length].trim_end();
        let (at, found) = match word {
            "(" => (source.span(start, start + key.len()), format!("`{key}`")),
            _ => (at, found),
        };
        return Diagnostic::error("duplicate-key", format!("object has the key {found} twice"))
            .at(at)
            .help("remove one of them");
    }
    if message.contains("escape sequence") || message.contains("hex code") {
        return escape(source, offset);
    }
    if message.starts_with("invalid expression") {
        return error(format!("expected an expression, found {found}"));
    }
    if message.starts_with("invalid traversal operator") {
        return error(format!("expected a name after `.`, found {found}"));
    }
    if message.starts_with("invalid object value assignment") {
        return error(format!("expected `=` after the key, found {found}"));
    }
    if message.starts_with("invalid object item") {
        return error(format!("expected `,`, a new line or `}}` after the value, found {found}"));
    }
    match word {
        "," if message == "unexpected token" => {
            return error(String::from("unexpected `,` after the value"))
                .help("attributes are separated by new lines; a list is written in `[ ]`");
        }
        "=" => {
            return error(String::from("unexpected `=` in an expression"))
                .help("write `==` to compare");
        }
        "+" | "-" | "*" | "/" | "%" | "&&" | "||" | "==" | "!=" | "<" | ">" | "<=" | ">=" | "?"
        | "." | "::" => {
            let next = tokens.iter().copied().find(|t| t.start >= stop && t.start < end);
            let found = next.map_or_else(
                || String::from("the end of the expression"),
                |token| source.name(Some(token)),
            );
            let wanted = if matches!(word, "." | "::") { "a name" } else { "an operand" };
            return error(format!("expected {wanted} after `{word}`, found {found}"));
        }
        "and" | "or" | "not" => {
            let operator = match word {
                "and" => "&&",
                "or" => "||",
                _ => "!",
            };
            return error(format!("there is no operator `{word}`"))
                .help(format!("write `{operator}`"))
                .fix(at, operator);
        }
        "in" => {
            return error(String::from("there is no operator `in`"))
                .help("write `contains(list, value)`");
        }
        "elseif" | "elif" | "elsif" => {
            return error(format!("there is no directive `{word}`"))
                .help("write `%{ else }%{ if … }…%{ endif }%{ endif }`");
        }
        _ => {}
    }
    let before = tokens.iter().copied().rfind(|t| t.end <= start);
    if let Some(not) = before.filter(|t| &source.text[t.start..t.end] == "not")
        && token.is_some()
    {
        let at = source.span(not.start, start);
        return Diagnostic::error("syntax", "there is no operator `not`")
            .at(source.span(not.start, not.end))
            .help("write `!`")
            .fix(at, "!");
    }
    let expected = message
        .strip_prefix("expected ")
        .or_else(|| message.split_once("; expected ").map(|(_, rest)| rest));
    let expected = expected.map(|rest| match rest {
        "`]`" => "`,` or `]`",
        "`)` or expression" => "`,` or `)`",
        rest => rest,
    });
    match expected {
        Some(expected) => error(format!("expected {expected}, found {found}")),
        None if token.is_none() => error(String::from("expression ends too early")),
        None => error(format!("unexpected {found} after the expression")),
    }
}

/// Says that the number at which the parser stopped is none that can be held.
fn number(source: Source<'_>, tokens: &[Token], at: usize, end: usize) -> Option<Diagnostic> {
    let numbers = tokens.iter().filter(|token| token.kind == TokenKind::Number);
    let token = numbers.copied().find(|t| t.start <= at && at <= t.end && t.start < end)?;
    let range = NumberError::Range;
    Number::parse(&source.text[token.start..token.end]).err().filter(|error| *error == range)?;
    Some(too_large(source.span(token.start, token.end)))
}

/// Says that a number is too large, too small or too long.
pub(super) fn too_large(at: Span) -> Diagnostic {
    Diagnostic::error("number-too-large", "number is too large, too small or too long")
        .detail("Numbers have at most 40,000 digits and a magnitude of at most 2^65536.")
        .at(at)
        .help("write it in quotes if it is a text")
}

fn escape(source: Source<'_>, offset: usize) -> Diagnostic {
    let before = source.text[..offset.min(source.text.len())].rfind('\\');
    let start = before.unwrap_or(offset);
    let shown: String = source.text[start..].chars().take(2).collect();
    let length = shown.len();
    unknown_escape(&shown, source.span(start, start + length))
}

/// Says that there is no such escape.
pub(super) fn unknown_escape(shown: &str, at: Span) -> Diagnostic {
    Diagnostic::error("invalid-escape", format!("unknown escape `{shown}` in a string"))
        .at(at)
        .help("known are `\\n`, `\\r`, `\\t`, `\\\"`, `\\\\`, `\\uNNNN` and `\\UNNNNNNNN`; write `\\\\` for a backslash")
}
