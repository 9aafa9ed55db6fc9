//! The `natform` block: which versions may read the configuration, and where the state is.

use super::Builder;
use crate::configuration::shape::{self, Nested, Shape, bare, literal_text};
use crate::configuration::{Constraints, Version};
use crate::diagnostic::{Diagnostic, Span};
use crate::syntax::ast::{Block, ExpressionKind, Identifier};

const NATFORM: Shape<'_> = Shape {
    what: "the `natform` block",
    arguments: &["required_version"],
    required: &[],
    blocks: &[Nested { name: "backend", labels: &["sqlite"], many: false }],
};

const SQLITE: Shape<'_> =
    Shape { what: "`backend \"sqlite\"`", arguments: &["path"], required: &[], blocks: &[] };

impl Builder<'_> {
    pub(super) fn natform(&mut self, block: &Block) {
        shape::check(&block.body, block.header, NATFORM, self.diagnostics);
        let version = literal_text(&block.body, "required_version", self.diagnostics);
        if let Some(version) = version
            && self.set_once("required_version", version.span)
        {
            self.check_version(&version);
            self.module.settings.required_version = Some((version.text.to_string(), version.span));
        }
        for backend in block.body.blocks.iter().filter(|b| &*b.kind.text == "backend") {
            self.backend(backend);
        }
    }

    /// Reports a setting that another `natform` block has given already.
    fn set_once(&mut self, what: &'static str, span: Span) -> bool {
        let Some(first) = self.settings.get(what) else {
            self.settings.insert(what, span);
            return true;
        };
        self.diagnostics.push(
            Diagnostic::error("duplicate-block", format!("`{what}` is given twice"))
                .at(span)
                .see(*first, "the first one is here"),
        );
        false
    }

    fn check_version(&mut self, required: &Identifier) {
        let constraints = match required.text.parse::<Constraints>() {
            Ok(constraints) => constraints,
            Err(why) => {
                self.diagnostics.push(
                    Diagnostic::error("invalid-version", "`required_version` cannot be read")
                        .detail(format!("{why}."))
                        .at(required.span)
                        .help("write constraints separated by commas, such as `>= 0.1, < 2`"),
                );
                return;
            }
        };
        let ours = Version::of_natform();
        if !constraints.allow(&ours) {
            self.diagnostics.push(
                Diagnostic::error(
                    "version-not-allowed",
                    format!("this configuration is not for natform {ours}"),
                )
                .detail(format!("It requires `{}`.", required.text))
                .at(required.span)
                .help("run a version of natform that it allows, or change the constraint"),
            );
        }
    }

    fn backend(&mut self, block: &Block) {
        let Some(kind) = block.labels.first() else { return };
        if !self.is_root {
            self.diagnostics.push(
                Diagnostic::warning("backend-in-module", "`backend` in a module has no effect")
                    .detail("Only the root module says where the state is.")
                    .at(block.header)
                    .help("remove it"),
            );
            return;
        }
        if &*kind.text != "sqlite" {
            self.diagnostics.push(
                Diagnostic::error(
                    "unknown-backend",
                    format!("there is no backend `{}`", kind.text),
                )
                .at(kind.span)
                .help("write `backend \"sqlite\" { path = \"natform.db\" }`"),
            );
            return;
        }
        shape::check(&block.body, block.header, SQLITE, self.diagnostics);
        if !self.set_once("backend", block.header) {
            return;
        }
        let path = literal_text(&block.body, "path", self.diagnostics);
        if let Some(path) = path {
            if path.text.trim().is_empty() {
                self.diagnostics
                    .push(Diagnostic::error("invalid-argument", "`path` is empty").at(path.span));
                return;
            }
            self.module.settings.state_path = Some((path.text.to_string(), path.span));
        }
    }
}

/// Reads a reference of two words such as `alicloud.other`, or one.
pub(super) fn words(
    expression: &crate::syntax::ast::Expression,
) -> Option<(Identifier, Option<Identifier>)> {
    let expression = bare(expression);
    match &*expression.kind {
        ExpressionKind::Variable(name) => {
            Some((Identifier { text: name.clone(), span: expression.span }, None))
        }
        ExpressionKind::Attribute(source, name) => match &*source.kind {
            ExpressionKind::Variable(first) => {
                let first = Identifier { text: first.clone(), span: source.span };
                Some((first, Some(name.clone())))
            }
            _ => None,
        },
        _ => None,
    }
}
