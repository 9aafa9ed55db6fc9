//! The arguments of provider blocks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::scope::Place;
use super::session::Session;
use crate::configuration::sentence;
use crate::diagnostic::{Diagnostic, Span};
use crate::syntax::ast::Attribute;
use crate::value::{Name, Number, Type, Value, convert};

/// What a provider block says. What it leaves open is decided by the environment and by defaults.
#[derive(Debug, Clone, Default)]
pub struct ProviderSettings {
    /// Region id, such as `cn-hangzhou`.
    pub region: Option<String>,
    /// `emulator`, or the URL of a server.
    pub endpoint: Option<String>,
    /// Edition of the API's reference, such as `2020-09-25`.
    pub edition: Option<String>,
    /// Id of the access key.
    pub access_key_id: Option<String>,
    /// Secret of the access key.
    pub access_key_secret: Option<String>,
    /// Token of a temporary access key.
    pub security_token: Option<String>,
    /// Profile of `~/.aliyun/config.json`.
    pub profile: Option<String>,
    /// Upper bound of the rate of requests, a second.
    pub max_requests_per_second: Option<f64>,
    /// File of certificate authorities, relative to the configuration's directory.
    pub ca_file: Option<PathBuf>,
    /// Quotas that were raised, by the names that the resource types' rules give them.
    pub quotas: BTreeMap<String, u64>,
    /// Places of the arguments.
    pub spans: BTreeMap<Name, Span>,
    /// Place of the block; `None` where there is none.
    pub span: Option<Span>,
}

/// Evaluates the provider block of an alias.
pub(super) fn settings(session: &Session<'_>, alias: &str) -> ProviderSettings {
    let mut settings = ProviderSettings::default();
    let Some(block) = session.inner.configuration.root.providers.get(alias) else {
        return settings;
    };
    settings.span = Some(block.span);
    for attribute in &block.body.attributes {
        settings.spans.insert(attribute.name.text.clone(), attribute.value.span);
        argument(session, attribute, &mut settings);
    }
    for quotas in block.body.blocks.iter().filter(|b| &*b.kind.text == "quotas") {
        for attribute in &quotas.body.attributes {
            let value = number(session, attribute);
            if let Some(limit) = value.and_then(|number| whole(session, attribute, &number)) {
                settings.quotas.insert(attribute.name.text.to_string(), limit);
            }
        }
    }
    settings
}

fn argument(session: &Session<'_>, attribute: &Attribute, settings: &mut ProviderSettings) {
    let slot = match &*attribute.name.text {
        "region" => &mut settings.region,
        "endpoint" => &mut settings.endpoint,
        "edition" => &mut settings.edition,
        "access_key_id" => &mut settings.access_key_id,
        "access_key_secret" => &mut settings.access_key_secret,
        "security_token" => &mut settings.security_token,
        "profile" => &mut settings.profile,
        "ca_file" => {
            settings.ca_file = text(session, attribute).map(PathBuf::from);
            return;
        }
        "max_requests_per_second" => {
            settings.max_requests_per_second = rate(session, attribute);
            return;
        }
        _ => return,
    };
    *slot = text(session, attribute);
}

/// Evaluates an argument; null counts as left out.
fn evaluate(session: &Session<'_>, attribute: &Attribute, ty: &Type) -> Option<Value> {
    let value = session.evaluate(&attribute.value, &Place::new(session, 0))?;
    if value.is_null() {
        return None;
    }
    if value.is_unknown() {
        session.report([Diagnostic::error(
            "unknown-provider-argument",
            format!("`{}` of the provider is known only after apply", attribute.name.text),
        )
        .detail("The provider must be known before anything can be read.")
        .at(attribute.value.span)
        .help("use variables and local values that come from variables")]);
        session.fail();
        return None;
    }
    match convert(&value, ty) {
        Ok(value) => Some(value),
        Err(error) => {
            invalid(session, attribute, &sentence(&error));
            None
        }
    }
}

fn invalid(session: &Session<'_>, attribute: &Attribute, why: &str) {
    session.report([Diagnostic::error(
        "invalid-value",
        format!("`{}` of the provider is not valid", attribute.name.text),
    )
    .detail(why)
    .at(attribute.value.span)]);
    session.fail();
}

fn text(session: &Session<'_>, attribute: &Attribute) -> Option<String> {
    let value = evaluate(session, attribute, &Type::String)?;
    let text = value.as_str()?.trim();
    // An empty text is what a variable that is not set often gives.
    (!text.is_empty()).then(|| text.to_owned())
}

fn number(session: &Session<'_>, attribute: &Attribute) -> Option<Number> {
    evaluate(session, attribute, &Type::Number)?.as_number().cloned()
}

fn whole(session: &Session<'_>, attribute: &Attribute, number: &Number) -> Option<u64> {
    let whole = number.to_u64();
    if whole.is_none() {
        invalid(session, attribute, "It must be a whole number from 0.");
    }
    whole
}

fn rate(session: &Session<'_>, attribute: &Attribute) -> Option<f64> {
    let rate = number(session, attribute)?.to_f64();
    if rate > 0.0 && rate.is_finite() {
        return Some(rate);
    }
    invalid(session, attribute, "It must be a number above 0.");
    None
}
