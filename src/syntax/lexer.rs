//! A lexer that never fails: it splits any text into tokens and notes what is unbalanced or does not
//! belong. It serves the better parse errors and the formatter; the parser proper has its own.

use std::ops::Range;

/// Deepest nesting that is followed where brackets do not match; the parser reads 64 levels.
const MAX_NESTING: usize = 256;
/// Most problems noted.
const MAX_PROBLEMS: usize = 1000;
/// How far behind an end word the directives that are open in a heredoc are looked for, in bytes.
const MAX_BEHIND: usize = 4096;

/// A token. Whitespace is what lies between tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Kinds of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    Newline,
    /// From `#` or `//` to the end of the line, without the newline.
    LineComment,
    /// `/* … */`
    BlockComment,
    Identifier,
    Number,
    QuoteOpen,
    QuoteClose,
    /// Text in quotes, or one line (or part of it) of a heredoc.
    Literal,
    /// `<<EOT` with the newline.
    HeredocOpen,
    /// The delimiter with the whitespace before it.
    HeredocClose,
    /// `${` or `${~`
    InterpolationOpen,
    /// `%{` or `%{~`
    DirectiveOpen,
    /// `}` or `~}` of either.
    TemplateClose,
    /// `(`, `[`, `{`
    Open(u8),
    /// `)`, `]`, `}`
    Close(u8),
    /// Operators and separators.
    Operator,
    /// What belongs to no token.
    Unexpected,
}

/// What is wrong with the text as far as it shows without parsing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) kind: ProblemKind,
    /// The place to point at: the opener, where there is one.
    pub(super) at: Range<usize>,
    /// Where it was noticed.
    pub(super) noticed: Option<Range<usize>>,
}

/// Kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProblemKind {
    UnterminatedString,
    /// A label of a block that runs into the end of its line, and with it the block's brace.
    UnterminatedLabel,
    UnterminatedHeredoc,
    UnterminatedComment,
    /// Something other than a newline follows `<<EOT`, or the delimiter is quoted.
    HeredocStart,
    Unclosed,
    Mismatched,
    StrayClose,
    UnclosedInterpolation,
    /// `%{ if }` or `%{ for }` without its end.
    UnclosedDirective,
    /// `else`, `endif` or `endfor` without its start.
    StrayDirective,
    Character,
    /// A `.` at the end of a line that ends what is written on it.
    PointAtEnd,
}

/// What encloses the place that is read.
#[derive(Debug)]
enum Frame {
    /// With the indentation of its line.
    Bracket {
        open: u8,
        at: usize,
        indent: usize,
    },
    /// Inside `${` or `%{`; a fresh one has not seen its first word yet.
    Template {
        at: usize,
        directive: bool,
        fresh: bool,
    },
    Text {
        form: Form,
        at: usize,
        directives: Vec<Directive>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Quoted,
    /// With the range of the delimiter.
    Heredoc(usize, usize),
    Bare,
}

#[derive(Debug, Clone, Copy)]
struct Directive {
    is_if: bool,
    at: usize,
    /// Whether it is noted that its end is missing.
    told: bool,
}

/// Reads tokens off a text.
pub(super) struct Lexer<'t> {
    text: &'t str,
    position: usize,
    frames: Vec<Frame>,
    /// The indentation of the line.
    indent: usize,
    /// Whether the next token is the first of its line.
    line_starts: bool,
    /// The first `{` that is closed by a `}` further to the left than its line: where a `}` is
    /// missing, it is most likely there.
    suspect: Option<usize>,
    /// Where the last token is, if that is a `.`.
    point: Option<usize>,
    pub(super) problems: Vec<Problem>,
}

impl<'t> Lexer<'t> {
    /// Reads a body or expression from `position` on.
    pub(super) fn new(text: &'t str, position: usize) -> Self {
        Self {
            text,
            position,
            frames: Vec::new(),
            indent: 0,
            line_starts: true,
            suspect: None,
            point: None,
            problems: Vec::new(),
        }
    }

    /// Reads a template file.
    pub(super) fn bare_template(text: &'t str) -> Self {
        let mut lexer = Self::new(text, 0);
        lexer.frames.push(Frame::Text { form: Form::Bare, at: 0, directives: Vec::new() });
        lexer
    }

    /// Returns whether nothing is open.
    pub(super) fn is_balanced(&self) -> bool {
        self.frames.is_empty()
    }

    /// Returns how many things are open.
    pub(super) fn depth(&self) -> usize {
        self.frames.len()
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Ends the text here: notes what is still open, and starts anew.
    pub(super) fn cut(&mut self) {
        while let Some(frame) = self.frames.pop() {
            match frame {
                Frame::Bracket { at, .. } => {
                    let at = match self.suspect.take() {
                        Some(suspect) if suspect > at => suspect,
                        _ => at,
                    };
                    self.problem(ProblemKind::Unclosed, at..at + 1, None);
                }
                Frame::Template { at, directive, .. } => {
                    let kind = if directive {
                        ProblemKind::UnclosedDirective
                    } else {
                        ProblemKind::UnclosedInterpolation
                    };
                    self.problem(kind, at..at + 2, None);
                }
                Frame::Text { form, at, directives } => {
                    match form {
                        Form::Quoted => {
                            self.problem(ProblemKind::UnterminatedString, at..at + 1, None);
                        }
                        Form::Heredoc(_, end) => {
                            self.problem(ProblemKind::UnterminatedHeredoc, at..end, None);
                        }
                        Form::Bare => {}
                    }
                    self.unclosed_directives(&directives, None);
                }
            }
        }
        self.suspect = None;
    }

    /// Notes directives without an end, which was noticed at `noticed`.
    fn unclosed_directives(&mut self, directives: &[Directive], noticed: Option<&Range<usize>>) {
        for directive in directives.iter().filter(|directive| !directive.told) {
            let end = self.text[directive.at..]
                .find('}')
                .map_or(directive.at + 2, |length| directive.at + length + 1);
            let at = directive.at..end;
            self.problem(ProblemKind::UnclosedDirective, at, noticed.cloned());
        }
    }

    fn problem(&mut self, kind: ProblemKind, at: Range<usize>, noticed: Option<Range<usize>>) {
        if self.problems.len() >= MAX_PROBLEMS {
            return;
        }
        let at = at.start..at.end.min(self.text.len());
        self.problems.push(Problem { kind, at, noticed });
    }

    fn rest(&self) -> &'t str {
        &self.text[self.position..]
    }

    fn take(&mut self, kind: TokenKind, length: usize) -> Token {
        let start = self.position;
        self.position += length;
        Token { kind, start, end: self.position }
    }

    /// Reads the next token; none at the end of the text.
    pub(super) fn next(&mut self) -> Option<Token> {
        match self.frames.last() {
            Some(Frame::Text { form, .. }) => {
                let form = *form;
                self.text_token(form)
            }
            _ => self.plain_token(),
        }
    }

    /// Reads inside quotes, a heredoc or a template file.
    fn text_token(&mut self, form: Form) -> Option<Token> {
        let rest = self.rest();
        if rest.is_empty() {
            return None;
        }
        if form == Form::Quoted {
            if rest.starts_with('"') {
                let token = self.take(TokenKind::QuoteClose, 1);
                self.close_text();
                return Some(token);
            }
            if rest.starts_with(['\n', '\r']) {
                self.unterminated_string();
                return self.next();
            }
        }
        if let Form::Heredoc(start, end) = form
            && self.at_line_start()
            && let Some(length) = heredoc_end(rest, &self.text[start..end])
        {
            let word = &self.text[start..end];
            if self.goes_on(&rest[length..], word, self.position + length - word.len()) {
                return Some(self.take(TokenKind::Literal, literal_length(rest, form)));
            }
            let token = self.take(TokenKind::HeredocClose, length);
            self.close_text();
            return Some(token);
        }
        for (mark, directive) in [("${", false), ("%{", true)] {
            if rest.starts_with(mark) {
                let at = self.position;
                self.frames.push(Frame::Template { at, directive, fresh: true });
                let kind =
                    if directive { TokenKind::DirectiveOpen } else { TokenKind::InterpolationOpen };
                return Some(self.take(kind, if rest[2..].starts_with('~') { 3 } else { 2 }));
            }
        }
        Some(self.take(TokenKind::Literal, literal_length(rest, form)))
    }

    /// Notes a string that runs into the end of its line. The quote that opens it may be the one
    /// that should close a string around an interpolation: then it is that which is not closed.
    fn unterminated_string(&mut self) {
        let end = self.position;
        let Some(Frame::Text { at, .. }) = self.frames.pop() else { return };
        let line = self.text[..end].rfind('\n').map_or(0, |i| i + 1);
        let count = self.frames.len();
        if let [
            ..,
            Frame::Text { form: Form::Quoted, .. },
            Frame::Template { at: outer, directive, .. },
        ] = self.frames[..]
            && outer >= line
        {
            let kind = if directive {
                ProblemKind::UnclosedDirective
            } else {
                ProblemKind::UnclosedInterpolation
            };
            self.frames.truncate(count - 2);
            self.problem(kind, outer..at, None);
            return;
        }
        let swallowed = self.text[at..end].trim_end();
        let before = self.text.get(line..at).unwrap_or_default();
        if self.frames.is_empty() && swallowed.ends_with('{') && before.contains(' ') {
            let (brace, indent) = (at + swallowed.len() - 1, self.indent);
            self.frames.push(Frame::Bracket { open: b'{', at: brace, indent });
            self.problem(ProblemKind::UnterminatedLabel, at..brace, None);
            return;
        }
        self.problem(ProblemKind::UnterminatedString, at..end, None);
    }

    fn at_line_start(&self) -> bool {
        self.text[..self.position].ends_with('\n')
    }

    /// Notes the directives that are open at the end word of a heredoc, at `at`. Returns whether they
    /// and the heredoc seem to end further down: then what lies between is not worth a word.
    fn goes_on(&mut self, behind: &str, word: &str, at: usize) -> bool {
        let Some(Frame::Text { directives, .. }) = self.frames.last_mut() else { return false };
        if directives.is_empty() {
            return false;
        }
        let open = directives.clone();
        for directive in &mut *directives {
            directive.told = true;
        }
        self.unclosed_directives(&open, Some(&(at..at + word.len())));
        let (mut ended, mut length) = (false, 0);
        for line in behind.split_inclusive('\n').skip(1) {
            length += line.len();
            if length > MAX_BEHIND {
                return false;
            }
            if ended && heredoc_end(line, word).is_some() {
                return true;
            }
            ended |= line.contains("%{") && line.contains("end");
        }
        false
    }

    fn close_text(&mut self) {
        if let Some(Frame::Text { directives, .. }) = self.frames.pop() {
            self.unclosed_directives(&directives, None);
        }
    }

    fn plain_token(&mut self) -> Option<Token> {
        let rest = self.rest();
        let blank = rest
            .bytes()
            .enumerate()
            .find(|(i, b)| {
                !(matches!(b, b' ' | b'\t') || *b == b'\r' && rest[i + 1..].starts_with('\n'))
            })
            .map_or(rest.len(), |(i, _)| i);
        self.position += blank;
        let rest = self.rest();
        let first = rest.chars().next()?;
        if !rest.starts_with(['#', '/']) {
            let point = self.point.take();
            self.point_at_end(point, first);
            self.point = (first == '.' && operator_length(rest) == 1).then_some(self.position);
        }
        let is_first = std::mem::take(&mut self.line_starts);
        if is_first {
            self.indent = blank;
        }
        Some(match first {
            '\n' => {
                self.line_starts = true;
                self.take(TokenKind::Newline, 1)
            }
            '#' => self.line_comment(),
            '/' if rest.starts_with("//") => self.line_comment(),
            '/' if rest.starts_with("/*") => self.block_comment(),
            '"' => {
                let form = Form::Quoted;
                let at = self.position;
                self.frames.push(Frame::Text { form, at, directives: Vec::new() });
                self.take(TokenKind::QuoteOpen, 1)
            }
            '(' | '[' | '{' => {
                let (open, at) = (first as u8, self.position);
                self.frames.push(Frame::Bracket { open, at, indent: self.indent });
                self.take(TokenKind::Open(open), 1)
            }
            ')' | ']' | '}' => self.close(first as u8, is_first),
            '~' if rest.starts_with("~}")
                && matches!(self.frames.last(), Some(Frame::Template { .. })) =>
            {
                self.frames.pop();
                self.take(TokenKind::TemplateClose, 2)
            }
            '<' if rest.starts_with("<<") => self.heredoc_open(),
            '0'..='9' => self.take(TokenKind::Number, number_length(rest)),
            '=' | '.' | ',' | ':' => self.take(TokenKind::Operator, operator_length(rest)),
            c if is_identifier_start(c) => self.identifier(),
            _ => match operator_length(rest) {
                0 => self.unexpected(first),
                length => self.take(TokenKind::Operator, length),
            },
        })
    }

    /// Notes a point behind which the line ends, unless lines mean nothing there.
    fn point_at_end(&mut self, point: Option<usize>, next: char) {
        let ends = matches!(self.frames.last(), None | Some(Frame::Bracket { open: b'{', .. }));
        if let Some(point) = point
            && ends
            && next == '\n'
        {
            let behind = &self.text[self.position + 1..];
            let line = behind.find('\n').unwrap_or(behind.len());
            // What stands on the next line was meant for this one.
            let end = self.position + 1 + line;
            self.problem(ProblemKind::PointAtEnd, point..end, None);
        }
    }

    fn line_comment(&mut self) -> Token {
        let line = self.rest().split('\n').next().unwrap_or("");
        self.take(TokenKind::LineComment, line.trim_end_matches('\r').len())
    }

    fn block_comment(&mut self) -> Token {
        if let Some(length) = self.rest()[2..].find("*/") {
            return self.take(TokenKind::BlockComment, length + 4);
        }
        let at = self.position;
        self.problem(ProblemKind::UnterminatedComment, at..at + 2, None);
        self.take(TokenKind::BlockComment, self.rest().len())
    }

    fn identifier(&mut self) -> Token {
        let rest = self.rest();
        let token = self.take(TokenKind::Identifier, identifier_length(rest));
        let fresh = match self.frames.last_mut() {
            Some(Frame::Template { at, directive: true, fresh }) if *fresh => {
                *fresh = false;
                Some(*at)
            }
            _ => None,
        };
        if let Some(at) = fresh {
            self.directive(&self.text[token.start..token.end], at, token.end);
        }
        token
    }

    /// Follows the nesting of `%{if}` and `%{for}`.
    fn directive(&mut self, word: &str, at: usize, end: usize) {
        let enclosing = self.frames.len().checked_sub(2).and_then(|i| self.frames.get_mut(i));
        let Some(Frame::Text { directives, .. }) = enclosing else { return };
        let inside_if = directives.last().map(|directive| directive.is_if);
        match word {
            "if" | "for" => {
                directives.push(Directive { is_if: word == "if", at, told: false });
            }
            "else" if inside_if == Some(true) => {}
            "endif" if inside_if == Some(true) => {
                directives.pop();
            }
            "endfor" if inside_if == Some(false) => {
                directives.pop();
            }
            "else" | "endif" | "endfor" => {
                // With the other kind open, that one is what lacks its end.
                match directives.pop() {
                    Some(open) => self.unclosed_directives(&[open], None),
                    None => self.problem(ProblemKind::StrayDirective, at..end, None),
                }
            }
            _ => {}
        }
    }

    /// Takes a closing bracket with all that it closes.
    fn close(&mut self, close: u8, is_first: bool) -> Token {
        let here = self.position;
        let matches = |frame: &Frame| match frame {
            Frame::Bracket { open, .. } => closer(*open) == close,
            Frame::Template { .. } => close == b'}',
            Frame::Text { .. } => false,
        };
        let nearest = self
            .frames
            .iter()
            .rev()
            .take(MAX_NESTING)
            .take_while(|frame| !matches!(frame, Frame::Text { .. }))
            .position(matches);
        let Some(nearest) = nearest else {
            self.problem(ProblemKind::StrayClose, here..here + 1, None);
            return self.take(TokenKind::Close(close), 1);
        };
        for _ in 0..nearest {
            if let Some(Frame::Bracket { at, .. } | Frame::Template { at, .. }) = self.frames.pop()
            {
                self.problem(ProblemKind::Mismatched, at..at + 1, Some(here..here + 1));
            }
        }
        match self.frames.pop() {
            Some(Frame::Template { .. }) => self.take(TokenKind::TemplateClose, 1),
            Some(Frame::Bracket { open: b'{', at, indent })
                if self.suspect.is_none() && is_first && self.indent < indent =>
            {
                self.suspect = Some(at);
                self.take(TokenKind::Close(close), 1)
            }
            _ => self.take(TokenKind::Close(close), 1),
        }
    }

    fn heredoc_open(&mut self) -> Token {
        let rest = self.rest();
        let mark = if rest.starts_with("<<-") { 3 } else { 2 };
        let word = rest[mark..].find(|c| !is_identifier_continue(c)).unwrap_or(rest.len() - mark);
        let behind = &rest[mark + word..];
        let newline = if behind.starts_with("\r\n") { 2 } else { 1 };
        let named = rest[mark..].starts_with(is_identifier_start);
        if named && (behind.starts_with('\n') || newline == 2) {
            let at = self.position;
            let start = at + mark;
            let form = Form::Heredoc(start, start + word);
            self.frames.push(Frame::Text { form, at, directives: Vec::new() });
            return self.take(TokenKind::HeredocOpen, mark + word + newline);
        }
        if named || rest[mark..].starts_with('"') {
            let at = self.position;
            let end = at + near(rest).trim_end().len();
            self.problem(ProblemKind::HeredocStart, at..end, None);
            return self.take(TokenKind::Unexpected, mark);
        }
        self.take(TokenKind::Operator, 1)
    }

    /// Takes what belongs to no token: a text in foreign quotes as a whole, a character otherwise.
    fn unexpected(&mut self, first: char) -> Token {
        let end = match first {
            '\'' | '`' => Some(first),
            '\u{201c}' | '\u{201d}' => Some('\u{201d}'),
            '\u{2018}' | '\u{2019}' => Some('\u{2019}'),
            _ => None,
        };
        let length = end
            .and_then(|end| {
                let (at, _) = near(self.rest()).char_indices().skip(1).find(|(_, c)| *c == end)?;
                Some(at + end.len_utf8())
            })
            .unwrap_or(first.len_utf8());
        let token = self.take(TokenKind::Unexpected, length);
        self.problem(ProblemKind::Character, token.start..token.end, None);
        token
    }
}

/// Returns the index of the token that ends the line of the token at `from`: a newline, a comment to
/// the end of the line, or a bracket that closes what is around.
pub(super) fn line_end(tokens: &[Token], from: usize) -> usize {
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate().skip(from) {
        match token.kind {
            TokenKind::Newline | TokenKind::LineComment | TokenKind::Close(_) if depth == 0 => {
                return i;
            }
            TokenKind::Open(_)
            | TokenKind::QuoteOpen
            | TokenKind::HeredocOpen
            | TokenKind::InterpolationOpen
            | TokenKind::DirectiveOpen => depth += 1,
            TokenKind::Close(_)
            | TokenKind::QuoteClose
            | TokenKind::HeredocClose
            | TokenKind::TemplateClose => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    tokens.len()
}

/// Returns the rest of the line, or the start of it where it is long.
fn near(rest: &str) -> &str {
    let end = rest.char_indices().take(200).find(|(_, c)| *c == '\n').map(|(i, _)| i);
    let far = || rest.char_indices().nth(200).map_or(rest.len(), |(i, _)| i);
    &rest[..end.unwrap_or_else(far)]
}

/// Returns the closing bracket.
pub(super) fn closer(open: u8) -> u8 {
    match open {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    }
}

/// Returns the length of whitespace and delimiter, if they are all that stands on the line here.
fn heredoc_end(line: &str, delimiter: &str) -> Option<usize> {
    let word = line.trim_start_matches([' ', '\t']);
    let behind = word.strip_prefix(delimiter)?;
    let rest = behind.trim_start_matches([' ', '\t', '\r']);
    (rest.is_empty() || rest.starts_with('\n')).then_some(line.len() - behind.len())
}

/// Returns the length of text up to what ends it; at least one character.
fn literal_length(rest: &str, form: Form) -> usize {
    let bytes = rest.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'$' | b'%'
                if bytes.get(i + 1) == Some(&bytes[i]) && bytes.get(i + 2) == Some(&b'{') =>
            {
                i += 3;
            }
            b'$' | b'%' if bytes.get(i + 1) == Some(&b'{') => break,
            b'"' | b'\n' if form == Form::Quoted => break,
            b'\r' if form == Form::Quoted && bytes.get(i + 1) == Some(&b'\n') => break,
            b'\\' if form == Form::Quoted && !matches!(bytes.get(i + 1), Some(b'\n' | b'\r')) => {
                // The escaped character may have several bytes; they continue the literal.
                i += 2;
            }
            b'\n' => return i + 1,
            _ => i += 1,
        }
    }
    let mut i = i.min(bytes.len());
    while !rest.is_char_boundary(i) {
        i += 1;
    }
    i.max(rest.chars().next().map_or(0, char::len_utf8))
}

fn number_length(rest: &str) -> usize {
    let digits = |from: usize| rest[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut length = digits(0);
    if rest[length..].starts_with('.') && digits(length + 1) > 0 {
        length += 1 + digits(length + 1);
    }
    if rest[length..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[length + 1..].starts_with(['+', '-']));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}

fn operator_length(rest: &str) -> usize {
    const LONG: [&str; 9] = ["...", "::", "==", "=>", "!=", "<=", ">=", "&&", "||"];
    if let Some(operator) = LONG.iter().find(|operator| rest.starts_with(*operator)) {
        return operator.len();
    }
    usize::from(rest.starts_with(['=', '!', '<', '>', '+', '-', '*', '/', '%', '?', ':', '.', ',']))
}

/// Returns how much of a text continues an identifier.
fn identifier_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    let length = bytes.iter().position(|b| !plain(b)).unwrap_or(bytes.len());
    if bytes.get(length).is_none_or(u8::is_ascii) {
        return length;
    }
    text.find(|c| !is_identifier_continue(c)).unwrap_or(text.len())
}

fn is_identifier_start(c: char) -> bool {
    c == '_' || unicode_ident::is_xid_start(c)
}

pub(super) fn is_identifier_continue(c: char) -> bool {
    c == '-' || unicode_ident::is_xid_continue(c)
}
