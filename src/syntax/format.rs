//! The formatter: one way to lay out a file, the one that Terraform users know. It works on tokens,
//! so that comments and blank lines stay, and changes white space only, except that labels get
//! quotes and `"${x}"` as a whole value becomes `x`.

use unicode_segmentation::UnicodeSegmentation;

use super::lexer::{Lexer, Token, TokenKind, line_end};
use super::parse::parse;
use crate::diagnostic::{Diagnostic, Diagnostics, FileId};

/// Formats the text of a configuration or variable file. Formatting twice gives the same as once.
/// Returns the mistakes of a text that cannot be parsed.
pub fn format(file: FileId, text: &str) -> Result<String, Diagnostics> {
    let (_, diagnostics) = parse(file, text);
    if diagnostics.has_errors() {
        return Err(diagnostics);
    }
    // A byte order mark is left out, as `terraform fmt` does.
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lexer = Lexer::new(body, 0);
    let tokens: Vec<Token> = std::iter::from_fn(|| lexer.next()).collect();
    lexer.cut();
    let mut editor = Editor { text: body, tokens: &tokens, next: 0, pieces: Vec::new() };
    editor.body(false);
    let whole = editor.next == tokens.len();
    let pieces = editor.pieces;
    let formatted = lay_out(pieces.clone());
    if !whole || !lexer.problems.is_empty() || !same_tokens(&pieces, &formatted) {
        return Err(Diagnostic::error(
            "internal",
            "the formatter would change this file's meaning",
        )
        .detail("The file was left as it is.")
        .into());
    }
    let comment =
        |piece: &Piece<'_>| matches!(piece.kind, TokenKind::LineComment | TokenKind::BlockComment);
    let end = if pieces.last().is_some_and(comment) { "\n" } else { "" };
    Ok(formatted + end)
}

/// A token of the result with the spaces before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece<'t> {
    kind: TokenKind,
    text: &'t str,
    spaces: usize,
}

impl Piece<'_> {
    fn is(&self, operator: &str) -> bool {
        self.kind == TokenKind::Operator && self.text == operator
    }

    /// Returns how the token changes the number of open brackets.
    fn brackets(&self) -> isize {
        match self.kind {
            TokenKind::Open(_) | TokenKind::InterpolationOpen | TokenKind::DirectiveOpen => 1,
            TokenKind::Close(_) | TokenKind::TemplateClose => -1,
            _ => 0,
        }
    }
}

/// Copies tokens, with quotes around labels and without needless interpolations.
struct Editor<'t> {
    text: &'t str,
    tokens: &'t [Token],
    next: usize,
    pieces: Vec<Piece<'t>>,
}

impl<'t> Editor<'t> {
    fn piece(&self, token: Token) -> Piece<'t> {
        let crlf = token.kind == TokenKind::Newline && self.text[..token.start].ends_with('\r');
        let start = if crlf { token.start - 1 } else { token.start };
        Piece { kind: token.kind, text: &self.text[start..token.end], spaces: 0 }
    }

    fn kind(&self) -> Option<TokenKind> {
        self.tokens.get(self.next).map(|token| token.kind)
    }

    fn copy(&mut self) {
        if let Some(token) = self.tokens.get(self.next) {
            self.pieces.push(self.piece(*token));
            self.next += 1;
        }
    }

    fn insert(&mut self, kind: TokenKind, text: &'static str) {
        self.pieces.push(Piece { kind, text, spaces: 0 });
    }

    /// Copies the items of a body, perhaps that of a variable, up to its closing brace or the end.
    fn body(&mut self, of_variable: bool) {
        let is_file = self.next == 0;
        while let Some(kind) = self.kind() {
            match kind {
                TokenKind::Close(_) => return,
                TokenKind::Identifier => self.item(is_file, of_variable),
                _ => self.copy(),
            }
        }
    }

    fn item(&mut self, is_file: bool, of_variable: bool) {
        let name =
            self.tokens.get(self.next).map_or("", |token| &self.text[token.start..token.end]);
        self.copy();
        loop {
            match self.kind() {
                Some(TokenKind::BlockComment) => self.copy(),
                Some(TokenKind::Operator) => {
                    self.copy();
                    if !(of_variable && name == "type" && self.type_of_variable()) {
                        self.value();
                    }
                    return;
                }
                Some(TokenKind::Identifier) => {
                    self.insert(TokenKind::QuoteOpen, "\"");
                    if let Some(token) = self.tokens.get(self.next) {
                        let label = Piece { kind: TokenKind::Literal, ..self.piece(*token) };
                        self.pieces.push(label);
                    }
                    self.next += 1;
                    self.insert(TokenKind::QuoteClose, "\"");
                }
                Some(TokenKind::QuoteOpen | TokenKind::Literal | TokenKind::QuoteClose) => {
                    self.copy();
                }
                Some(TokenKind::Open(b'{')) => {
                    self.copy();
                    self.body(is_file && name == "variable");
                    self.copy();
                    return;
                }
                _ => return,
            }
        }
    }

    /// Writes a type that is written as it was once; returns whether it is such a one.
    fn type_of_variable(&mut self) -> bool {
        let end = line_end(self.tokens, self.next);
        let tokens = &self.tokens[self.next..end];
        let word = |token: &Token| &self.text[token.start..token.end];
        let today: &[&'static str] = match tokens {
            [open, name, _] if open.kind == TokenKind::QuoteOpen => match word(name) {
                "string" => &["string"],
                "list" => &["list", "(", "string", ")"],
                "map" => &["map", "(", "string", ")"],
                _ => return false,
            },
            [name] if name.kind == TokenKind::Identifier => match word(name) {
                "list" => &["list", "(", "any", ")"],
                "map" => &["map", "(", "any", ")"],
                "set" => &["set", "(", "any", ")"],
                _ => return false,
            },
            _ => return false,
        };
        for part in today {
            self.insert(
                match *part {
                    "(" => TokenKind::Open(b'('),
                    ")" => TokenKind::Close(b')'),
                    _ => TokenKind::Identifier,
                },
                part,
            );
        }
        self.next = end;
        true
    }

    /// Copies the value of an attribute up to the end of its line.
    fn value(&mut self) {
        let first = self.next;
        self.next = line_end(self.tokens, first);
        let tokens = &self.tokens[first..self.next];
        let is_comment = |token: &&Token| token.kind == TokenKind::BlockComment;
        let comments = tokens.iter().rev().take_while(is_comment).count();
        let (tokens, comments) = tokens.split_at(tokens.len() - comments);
        let behind: Vec<_> = comments.iter().map(|token| self.piece(*token)).collect();
        self.value_of(tokens);
        self.pieces.extend(behind);
    }

    fn value_of(&mut self, tokens: &'t [Token]) {
        let Some(inner) = unwrapped(tokens) else {
            let pieces: Vec<_> = tokens.iter().map(|token| self.piece(*token)).collect();
            self.pieces.extend(pieces);
            return;
        };
        // What is in it may be such a one again.
        let mut inner = inner;
        while let Some(deeper) = unwrapped(inner) {
            inner = deeper;
        }
        let pieces: Vec<_> = inner.iter().map(|token| self.piece(*token)).collect();
        let is_end = |pair: &[Token]| pair[1].kind == TokenKind::Newline;
        let after_comment = |pair: &[Token]| pair[0].kind == TokenKind::LineComment;
        let several_lines = if in_brackets(inner) {
            inner.windows(2).any(|pair| is_end(pair) && !after_comment(pair))
        } else {
            inner.windows(2).any(is_end)
        };
        let parenthesised = in_brackets(inner)
            && inner.first().is_some_and(|token| token.kind == TokenKind::Open(b'('));
        if several_lines && !parenthesised {
            self.insert(TokenKind::Open(b'('), "(");
            self.pieces.extend(pieces);
            self.insert(TokenKind::Close(b')'), ")");
        } else {
            self.pieces.extend(pieces);
        }
    }
}

/// Returns whether one pair of brackets holds everything.
fn in_brackets(tokens: &[Token]) -> bool {
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Open(_) => depth += 1,
            TokenKind::Close(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return i + 1 == tokens.len() && token.kind != TokenKind::Identifier && i > 0;
        }
    }
    false
}

/// Returns what is inside `"${…}"`, if that is the whole value.
fn unwrapped(tokens: &[Token]) -> Option<&[Token]> {
    let [open, interpolation, inner @ .., end, close] = tokens else { return None };
    let whole = open.kind == TokenKind::QuoteOpen
        && interpolation.kind == TokenKind::InterpolationOpen
        && end.kind == TokenKind::TemplateClose
        && close.kind == TokenKind::QuoteClose;
    if !whole {
        return None;
    }
    let mut quotes = 0usize;
    for token in inner {
        match token.kind {
            TokenKind::QuoteOpen => quotes += 1,
            TokenKind::QuoteClose => quotes = quotes.checked_sub(1)?,
            TokenKind::InterpolationOpen | TokenKind::TemplateClose | TokenKind::Literal
                if quotes == 0 =>
            {
                return None;
            }
            TokenKind::HeredocOpen => return None,
            _ => {}
        }
    }
    let mut inner = inner;
    while let [Token { kind: TokenKind::Newline, .. }, rest @ ..] = inner {
        inner = rest;
    }
    while let [rest @ .., Token { kind: TokenKind::Newline, .. }] = inner {
        inner = rest;
    }
    // A comment at the end would swallow what follows.
    let open_end = inner.last().is_none_or(|token| token.kind == TokenKind::LineComment);
    (!open_end).then_some(inner)
}

/// Returns whether a formatted text has these tokens.
fn same_tokens(pieces: &[Piece<'_>], formatted: &str) -> bool {
    let mut lexer = Lexer::new(formatted, 0);
    let again = std::iter::from_fn(|| lexer.next()).map(|token| {
        (token.kind, formatted[token.start..token.end].trim_end_matches(['\r', '\n']))
    });
    let before = pieces.iter().map(|piece| (piece.kind, piece.text.trim_end_matches(['\r', '\n'])));
    before.eq(again)
}

/// A line in its cells. A heredoc belongs to the line that opens it.
#[derive(Default)]
struct Line<'t> {
    lead: Vec<Piece<'t>>,
    /// From `=` on, where what follows is complete on the line.
    assign: Vec<Piece<'t>>,
    /// A comment behind something else.
    comment: Option<Piece<'t>>,
    /// How the line ends; empty at the end of the text.
    end: &'t str,
    /// Whether it lies inside a heredoc that an earlier line opened.
    in_heredoc: bool,
}

fn lay_out(pieces: Vec<Piece<'_>>) -> String {
    let mut lines = lines(pieces);
    indent(&mut lines);
    for line in &mut lines {
        if !line.in_heredoc {
            space(&mut line.lead, None);
            space(&mut line.assign, Some(1));
        }
    }
    align_assignments(&mut lines);
    align_comments(&mut lines);
    let mut text = String::new();
    for line in &lines {
        for piece in line.lead.iter().chain(&line.assign).chain(&line.comment) {
            text.extend(std::iter::repeat_n(' ', piece.spaces));
            text.push_str(piece.text);
        }
        text.push_str(line.end);
    }
    text
}

fn lines(pieces: Vec<Piece<'_>>) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut line = Line::default();
    let mut heredocs = 0usize;
    for piece in pieces {
        match piece.kind {
            TokenKind::Newline => {
                line.end = piece.text;
                lines.push(line);
                line = Line { in_heredoc: heredocs > 0, ..Line::default() };
                continue;
            }
            TokenKind::HeredocOpen => heredocs += 1,
            TokenKind::HeredocClose => heredocs = heredocs.saturating_sub(1),
            _ => {}
        }
        line.lead.push(piece);
    }
    lines.push(line);
    for line in lines.iter_mut().filter(|line| !line.in_heredoc) {
        if line.lead.len() > 1 {
            line.comment = line.lead.pop_if(|piece| piece.kind == TokenKind::LineComment);
        }
        let equals = line.lead.iter().skip(1).position(|piece| piece.is("="));
        if let Some(at) = equals
            && line.lead[at + 1..].iter().map(Piece::brackets).sum::<isize>() == 0
        {
            line.assign = line.lead.split_off(at + 1);
        }
    }
    lines
}

/// Sets the indentation of each line by the brackets that are open before it; several brackets that
/// open on one line indent once.
fn indent(lines: &mut [Line<'_>]) {
    let mut levels: Vec<isize> = Vec::new();
    for line in lines.iter_mut().filter(|line| !line.in_heredoc) {
        let brackets: isize = [&line.lead, &line.assign]
            .into_iter()
            .map(|cell| {
                let until = cell.iter().position(|piece| piece.kind == TokenKind::HeredocOpen);
                cell[..until.unwrap_or(cell.len())].iter().map(Piece::brackets).sum::<isize>()
            })
            .sum();
        let mut closed = -brackets;
        while closed > 0
            && let Some(level) = levels.last_mut()
        {
            if closed < *level {
                *level -= closed;
                break;
            }
            closed -= *level;
            levels.pop();
        }
        if let Some(first) = line.lead.first_mut() {
            first.spaces = 2 * levels.len();
        }
        if brackets > 0 {
            levels.push(brackets);
        }
    }
}

/// Sets the spaces between the tokens of a cell.
fn space(cell: &mut [Piece<'_>], first: Option<usize>) {
    if let (Some(spaces), Some(piece)) = (first, cell.first_mut()) {
        piece.spaces = spaces;
    }
    for i in 1..cell.len() {
        let before = i.checked_sub(2).map(|i| cell[i]);
        cell[i].spaces = usize::from(is_spaced(before, cell[i - 1], cell[i]));
    }
}

/// Returns whether a space stands between two tokens; `before` stands before them.
fn is_spaced(before: Option<Piece<'_>>, subject: Piece<'_>, after: Piece<'_>) -> bool {
    use TokenKind::{
        Close, DirectiveOpen, HeredocClose, HeredocOpen, Identifier, InterpolationOpen, Literal,
        Number, Open, QuoteClose, QuoteOpen, TemplateClose,
    };
    let opens_template = |piece: Piece<'_>| matches!(piece.kind, InterpolationOpen | DirectiveOpen);
    let kinds = (subject.kind, after.kind);
    let joined = matches!(kinds, (Identifier, Open(b'(')))
        || subject.is("::") && after.kind == Identifier
        || subject.kind == Identifier && after.is("::")
        || subject.is(".")
        || after.is(".")
        || after.is(",")
        || after.is("...");
    if joined {
        return false;
    }
    if subject.is(",") {
        return true;
    }
    if matches!(
        kinds,
        (Literal | QuoteOpen | HeredocOpen, _) | (_, Literal | QuoteClose | HeredocClose)
    ) {
        return false;
    }
    let previous_is_name = before.is_some_and(|piece| piece.kind == Identifier);
    if subject.kind == Identifier && subject.text == "in" && previous_is_name {
        return true;
    }
    if subject.is("!") {
        return false;
    }
    if subject.is("-") {
        return !is_negation(before);
    }
    match kinds {
        (Identifier | Number | Close(_) | TemplateClose, Open(b'['))
        | (Open(b'{'), Close(b'}')) => false,
        (Open(b'{'), _) | (_, Close(b'}')) | (Close(b'}'), TemplateClose) => true,
        (_, Open(b'{')) if opens_template(subject) => true,
        (TemplateClose, _) if opens_template(after) => false,
        _ => subject.brackets() <= 0 && after.brackets() >= 0,
    }
}

/// Returns whether a minus behind `before` is a sign.
fn is_negation(before: Option<Piece<'_>>) -> bool {
    const OPERATORS: [&str; 18] = [
        "=", ":", ",", "?", "+", "*", "/", "%", "-", "==", "!=", ">", ">=", "<", "<=", "&&", "||",
        "!",
    ];
    before.is_none_or(|piece| match piece.kind {
        TokenKind::Open(_) => true,
        TokenKind::Operator => OPERATORS.contains(&piece.text),
        _ => false,
    })
}

fn columns<'p>(pieces: impl IntoIterator<Item = &'p Piece<'p>>) -> usize {
    pieces.into_iter().map(|piece| piece.spaces + piece.text.graphemes(true).count()).sum()
}

/// Aligns the `=` of consecutive lines that have one.
fn align_assignments(lines: &mut [Line<'_>]) {
    for chain in lines.chunk_by_mut(|a, b| a.assign.is_empty() == b.assign.is_empty()) {
        let widest = chain.iter().map(|line| columns(&line.lead)).max().unwrap_or(0);
        for line in chain {
            let spaces = widest - columns(&line.lead) + 1;
            if let Some(equals) = line.assign.first_mut() {
                equals.spaces = spaces;
            }
        }
    }
}

/// Aligns the trailing comments of consecutive lines that have one.
fn align_comments(lines: &mut [Line<'_>]) {
    let width = |line: &Line<'_>| columns(&line.lead) + columns(&line.assign);
    for chain in lines.chunk_by_mut(|a, b| a.comment.is_some() == b.comment.is_some()) {
        let widest = chain.iter().map(width).max().unwrap_or(0);
        for line in chain {
            let spaces = widest - width(line) + 1;
            if let Some(comment) = &mut line.comment {
                comment.spaces = spaces;
            }
        }
    }
}
