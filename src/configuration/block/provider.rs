//! `provider "alicloud"` blocks. Their arguments may refer to variables, so they are evaluated later.

use super::{Builder, label};
use crate::configuration::model::Provider;
use crate::configuration::shape::{self, Shape, is_name, literal_text, one};
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::Block;
use crate::value::Name;

/// Arguments of a provider block beside `alias`, with what they are.
pub(in crate::configuration) const ARGUMENTS: [(&str, &str); 9] = [
    ("region", "region id such as `cn-hangzhou`"),
    ("endpoint", "`emulator`, or the URL of a server; absent: the real service"),
    ("edition", "edition of the API's reference to speak: `2019-07-19` or `2020-09-25`"),
    ("access_key_id", "id of the access key"),
    ("access_key_secret", "secret of the access key"),
    ("security_token", "token of a temporary access key"),
    ("profile", "profile of `~/.aliyun/config.json`"),
    ("max_requests_per_second", "upper bound of the rate of requests"),
    ("ca_file", "file of certificate authorities to trust, in PEM"),
];

impl Builder<'_> {
    pub(super) fn provider(&mut self, block: &Block) {
        let kind = label(block, 0);
        if &*kind.text != "alicloud" {
            self.diagnostics.push(
                Diagnostic::error(
                    "unknown-provider",
                    format!("there is no provider `{}`", kind.text),
                )
                .at(kind.span)
                .help("natform has one provider: `alicloud`"),
            );
            return;
        }
        if !self.is_root {
            self.diagnostics.push(
                Diagnostic::error("provider-in-module", "modules take their providers from outside")
                    .at(block.header)
                    .help(
                        "move the block to the root module; pass aliases with `providers = { alicloud.a = alicloud.b }` in the `module` block",
                    ),
            );
            return;
        }
        let mut arguments = vec!["alias"];
        arguments.extend(ARGUMENTS.map(|(name, _)| name));
        let shape = Shape {
            what: "`provider \"alicloud\"`",
            arguments: &arguments,
            required: &[],
            blocks: &[one("quotas")],
        };
        shape::check(&block.body, block.header, shape, self.diagnostics);
        self.quotas(block);
        let alias = literal_text(&block.body, "alias", self.diagnostics);
        if let Some(alias) = &alias
            && !is_name(&alias.text)
        {
            self.diagnostics.push(
                Diagnostic::error("invalid-name", format!("`{}` is not a name", alias.text))
                    .at(alias.span)
                    .help(
                        "a name starts with a letter or `_` and holds letters, digits, `_` and `-`",
                    ),
            );
        }
        let alias: Name = alias.map_or_else(|| Name::from(""), |alias| alias.text);
        let what = if alias.is_empty() {
            String::from("the provider without alias")
        } else {
            format!("the provider alias `{alias}`")
        };
        if self.declare(&format!("alicloud.{alias}"), &what, block.header) {
            let mut body = block.body.clone();
            body.attributes.retain(|a| &*a.name.text != "alias");
            self.module.providers.insert(alias, Provider { body, span: block.header });
        }
    }

    fn quotas(&mut self, block: &Block) {
        for quotas in block.body.blocks.iter().filter(|b| &*b.kind.text == "quotas") {
            let shape = Shape {
                what: "the `quotas` block",
                arguments: &self.catalogue.quotas,
                required: &[],
                blocks: &[],
            };
            shape::check(&quotas.body, quotas.header, shape, self.diagnostics);
        }
    }
}
