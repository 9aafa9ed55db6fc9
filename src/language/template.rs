//! Templates: interpolation and directives.

use super::evaluate::{Evaluator, Failed, Outcome, with_article};
use crate::diagnostic::{Diagnostic, Span};
use crate::syntax::ast::{Expression, TemplatePart};
use crate::value::{Data, Type, Value, convert};

/// Longest text that a template may make, in bytes.
const MAX_TEXT: usize = 64 * 1024 * 1024;

/// The text made so far.
#[derive(Default)]
struct Text {
    known: String,
    unknown: bool,
    sensitive: bool,
}

impl Evaluator<'_> {
    /// Evaluates a template. A lone interpolation keeps its type.
    pub(super) fn template_expression(&mut self, parts: &[TemplatePart], span: Span) -> Outcome {
        if let [TemplatePart::Interpolation(inner)] = parts {
            return self.expression(inner);
        }
        let mut text = Text::default();
        self.template_parts(parts, &mut text, span)?;
        let value = if text.unknown {
            Value::unknown(Type::String).never_null()
        } else {
            Value::text(&text.known)
        };
        self.made(&value);
        Ok(value.with_sensitive(text.sensitive))
    }

    fn template_parts(
        &mut self,
        parts: &[TemplatePart],
        text: &mut Text,
        span: Span,
    ) -> Outcome<()> {
        let mut failed = false;
        for part in parts {
            let outcome = match part {
                TemplatePart::Literal(literal) => {
                    text.known.push_str(literal);
                    Ok(())
                }
                TemplatePart::Interpolation(inner) => self.interpolation(inner, text),
                TemplatePart::If { condition, then, otherwise, span } => {
                    self.if_directive(condition, (then, otherwise), text, *span)
                }
                TemplatePart::For { .. } => self.for_directive(part, text),
            };
            failed |= outcome.is_err();
            if text.known.len() > MAX_TEXT {
                self.diagnostics.push(
                    Diagnostic::error("value-too-large", "template makes too long a text")
                        .detail("At most 64 MiB are made.")
                        .at(span),
                );
                return Err(Failed);
            }
            if self.exhausted() {
                return Err(self.give_up(span));
            }
        }
        if failed { Err(Failed) } else { Ok(()) }
    }

    fn interpolation(&mut self, inner: &Expression, text: &mut Text) -> Outcome<()> {
        let value = self.expression(inner)?;
        text.sensitive |= value.is_sensitive();
        match value.data() {
            Data::String(piece) => {
                text.known.push_str(piece);
                return Ok(());
            }
            Data::Null => {
                let diagnostic = Diagnostic::error("null-value", "cannot put null into a text")
                    .at(inner.span)
                    .help("give it a default, as with `coalesce(…, \"\")`");
                return Err(self.fail(diagnostic, inner));
            }
            _ => {}
        }
        let Ok(converted) = convert(&value, &Type::String) else {
            let ty = value.type_of();
            let diagnostic = Diagnostic::error(
                "invalid-template-value",
                format!("cannot put {} into a text", with_article(&ty)),
            )
            .at(inner.span)
            .help("turn it into a text with `join(…)` or `jsonencode(…)`");
            return Err(self.fail(diagnostic, inner));
        };
        match converted.as_str() {
            Some(piece) => text.known.push_str(piece),
            None => text.unknown = true,
        }
        Ok(())
    }

    fn if_directive(
        &mut self,
        condition: &Expression,
        (then, otherwise): (&[TemplatePart], &[TemplatePart]),
        text: &mut Text,
        span: Span,
    ) -> Outcome<()> {
        let condition = self.condition(condition, "condition of the `if`")?;
        text.sensitive |= condition.is_sensitive();
        match condition.as_bool() {
            Some(true) => self.template_parts(then, text, span),
            Some(false) => self.template_parts(otherwise, text, span),
            None => {
                text.unknown = true;
                Ok(())
            }
        }
    }

    fn for_directive(&mut self, part: &TemplatePart, text: &mut Text) -> Outcome<()> {
        let TemplatePart::For { key, value, collection, body, span } = part else {
            return Ok(());
        };
        let values = self.expression(collection)?;
        text.sensitive |= values.is_sensitive();
        let Some(items) = self.items(&values, collection)? else {
            text.unknown = true;
            return Ok(());
        };
        for (item_key, item) in items {
            let key = key.as_ref().map(|name| (name, item_key));
            self.bound(key, (value, item), |evaluator| {
                evaluator.work += 1;
                evaluator.template_parts(body, text, *span)
            })?;
        }
        Ok(())
    }
}
