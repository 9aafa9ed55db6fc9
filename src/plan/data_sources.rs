//! Data sources: read while planning when their arguments are known and nothing that they depend on
//! changes, otherwise during apply.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::pass::{Basis, Pass, Site, configured, context, resources_of};
use super::planner::ProviderContext;
use super::program::{Configured, unknown_attribute};
use super::{Change, ChangeKind, Reason};
use crate::address::Address;
use crate::diagnostic::Diagnostic;
use crate::refresh::DataRead;
use crate::resources::{self, Object};

/// Results of data sources by what was asked: type, provider, parameters.
pub(crate) type DataCache =
    BTreeMap<(String, String, BTreeMap<String, String>), Result<Object, String>>;

/// Evaluates a data source and reads it, or leaves that to apply.
pub(super) fn data(
    basis: &Basis<'_>,
    site: &Site<'_>,
    address: &Address,
    cache: &mut DataCache,
    pass: &mut Pass,
) {
    let Some(configured) = configured(site, basis, address, pass) else { return };
    let Some(context) = context(site, address, None, pass) else { return };
    let schema = site.block.schema;
    let mut filters = configured.object.clone();
    resources::data::normalise(&mut filters);
    for fault in resources::data::validate(schema, &filters) {
        pass.diagnostics.push(
            Diagnostic::error(fault.code, fault.message)
                .address(address)
                .at_opt(configured.spans.get(&*fault.attribute).copied().or(configured.span))
                .help(fault.help),
        );
    }
    let unknown = filters.iter().any(|(_, value)| value.deep_unknown());
    let pending = configured.dependencies.iter().any(|dependency| {
        pass.changes_of(&dependency.on).iter().any(|c| c.kind != ChangeKind::NoOp)
    });
    if unknown || pending {
        let reason = if unknown { Reason::ConfigurationUnknown } else { Reason::DependencyPending };
        let change = deferred(site, context, &configured, address, filters, reason);
        if let Some(after) = &change.after {
            pass.objects.set(address, after.clone());
        }
        pass.push(change);
        return;
    }
    let parameters = resources::data::parameters(schema, &filters);
    let key = (schema.kind.to_owned(), site.provider.to_string(), parameters);
    let result = cache.entry(key).or_insert_with_key(|(kind, provider, parameters)| {
        basis.reader.data(&DataRead {
            kind: kind.clone(),
            provider: provider.clone(),
            region: context.region.clone(),
            parameters: parameters.clone(),
        })
    });
    match result {
        Ok(object) => {
            let found = basis.input.program.postconditions(address, object, &pass.objects);
            pass.objects.set(address, object.clone());
            pass.data.insert(address.clone(), object.clone());
            pass.diagnostics.extend(found);
        }
        Err(why) => pass.diagnostics.push(
            Diagnostic::error("cannot-read", format!("cannot read `{address}`"))
                .detail(why.clone())
                .address(address)
                .at(site.block.span),
        ),
    }
}

/// Makes the change of a data source that apply reads.
fn deferred(
    site: &Site<'_>,
    context: &ProviderContext,
    configured: &Configured,
    address: &Address,
    filters: Object,
    reason: Reason,
) -> Change {
    let mut after = filters;
    for attribute in site.block.schema.attributes.iter().filter(|a| !a.is_input()) {
        after.set(attribute.name, unknown_attribute(address, attribute));
    }
    Change {
        address: address.clone(),
        deposed: None,
        previous_address: None,
        kind: ChangeKind::Read,
        reasons: vec![reason],
        id: None,
        before: None,
        after: Some(after),
        replace_paths: Vec::new(),
        kept: Vec::new(),
        impacts: Vec::new(),
        remarks: Vec::new(),
        provider: Arc::clone(&site.provider),
        region: context.region.clone(),
        service: context.service.clone(),
        dependencies: resources_of(&configured.dependencies),
        create_before_destroy: false,
        prevent_destroy: false,
        timeouts: BTreeMap::new(),
        location: site.location.clone(),
    }
}
