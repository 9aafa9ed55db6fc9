//! Data sources: read while planning when their arguments are known and nothing that they depend on
//! changes, otherwise during apply.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::pass::{Basis, Pass, Site, configured, context};
use super::planner::ProviderContext;
use super::program::{Configured, ObjectMap, Program, unknown_attribute, warnings, written};
use super::refresh_scopes::Lists;
use super::{Change, ChangeKind, Reason};
use crate::address::{Address, ResourceAddress};
use crate::configuration::Resource;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::refresh::{DataRead, Reader};
use crate::resources::{self, Listing, LiveRow, Object};
use crate::value::Name;

/// Results of data sources by what was asked: type, provider, parameters.
pub(crate) type DataCache =
    BTreeMap<(String, String, BTreeMap<String, String>), Result<Object, String>>;

/// What data sources are read from: what was asked before, the lists of the plan, the service.
pub(crate) struct DataSource<'a> {
    pub(crate) cache: &'a mut DataCache,
    pub(crate) lists: &'a mut Lists,
    pub(crate) reader: &'a dyn Reader,
}

impl DataSource<'_> {
    fn read(&mut self, read: DataRead) -> &Result<Object, String> {
        let Self { cache, lists, reader } = self;
        let key = (read.kind.clone(), read.provider.clone(), read.parameters.clone());
        cache.entry(key).or_insert_with(|| {
            from_lists(lists, *reader, &read).unwrap_or_else(|| reader.data(&read))
        })
    }
}

/// Takes the result of a data source from the lists of the plan: one that wants a whole list shares
/// it, one with filters uses a list that was read anyway and tells of all that they are about.
fn from_lists(
    lists: &mut Lists,
    reader: &dyn Reader,
    read: &DataRead,
) -> Option<Result<Object, String>> {
    let schema = resources::data_source(&read.kind)?;
    let (scope, whole) = resources::data::list_of(&read.kind, &read.region, &read.parameters)?;
    let provider: Name = read.provider.as_str().into();
    if whole {
        lists.read(reader, &[(provider.clone(), [scope.clone()].into())].into());
    }
    match lists.of(&provider)?.get(&scope)? {
        Listing::Rows(rows) if whole || resources::data::tells(schema, &read.parameters, rows) => {
            let rows =
                rows.iter().map(|(id, object)| LiveRow { id: id.clone(), object: object.clone() });
            Some(Ok(resources::data::object(schema, &read.parameters, rows.collect())))
        }
        Listing::ParentGone => Some(Err(read.nothing_there())),
        Listing::Failed(why) if whole => Some(Err(why.clone())),
        _ => None,
    }
}

/// Evaluates a data source and reads it, or leaves that to apply. What goes wrong with that of a check is
/// a warning; then it stays unknown, and so do the check's assertions.
pub(super) fn data(
    basis: &Basis<'_>,
    site: &Site<'_>,
    address: &Address,
    source: &mut DataSource<'_>,
    pass: &mut Pass,
) {
    if site.block.check.is_none() {
        return outright(basis, site, address, source, pass);
    }
    let others = std::mem::take(&mut pass.diagnostics);
    outright(basis, site, address, source, pass);
    let own = std::mem::replace(&mut pass.diagnostics, others);
    pass.diagnostics.extend(warnings(own));
}

fn outright(
    basis: &Basis<'_>,
    site: &Site<'_>,
    address: &Address,
    source: &mut DataSource<'_>,
    pass: &mut Pass,
) {
    let Some(configured) = configured(basis, address, pass) else { return };
    let Some(context) = context(site, address, None, pass) else { return };
    let schema = site.block.schema;
    let (filters, faults) = filters(&configured, site.block, address);
    pass.diagnostics.extend(faults);
    let unknown = filters.iter().any(|(_, value)| value.deep_unknown());
    let pending = configured.dependencies.iter().any(|dependency| {
        pass.changes_of(&dependency.on).iter().any(|c| c.kind != ChangeKind::NoOp)
    });
    if unknown || pending {
        let reason = if unknown { Reason::ConfigurationUnknown } else { Reason::DependencyPending };
        let dependencies = pass.resources_of(&configured.dependencies);
        let change = deferred(site, context, dependencies, address, filters, reason);
        if let Some(after) = &change.after {
            pass.objects.set(address, after.clone());
        }
        pass.push(change);
        return;
    }
    let parameters = resources::data::parameters(schema, &filters);
    let result = source.read(DataRead {
        kind: schema.kind.to_owned(),
        provider: site.provider.to_string(),
        region: context.region.clone(),
        parameters,
    });
    match result {
        Ok(object) => {
            let found = basis.input.program.postconditions(address, object, &pass.objects);
            pass.objects.set(address, object.clone());
            pass.data.insert(address.clone(), object.clone());
            pass.diagnostics.extend(found);
        }
        Err(why) => pass.diagnostics.push(cannot_read(address, why, site.block)),
    }
}

/// Reads the instances of a data source and sets their objects; where arguments are not known, it stays
/// unknown. For what looks at values without planning.
pub fn read_data_source(
    program: &Program,
    resource: &ResourceAddress,
    providers: &BTreeMap<Name, ProviderContext>,
    reader: &dyn Reader,
    objects: &mut ObjectMap,
) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    let Some(block) = program.block(resource) else { return diagnostics };
    let provider = program.provider_of(resource);
    let keys = match program.expand_resource(resource, objects) {
        Ok(keys) => keys,
        Err(found) => return found,
    };
    for key in keys.iter() {
        let address = resource.instance(key.clone());
        let (configured, mut found) = program.instance(&address, objects);
        let (filters, faults) = filters(&configured, block, &address);
        found.extend(faults);
        let complete = configured.complete && !found.has_errors();
        diagnostics.extend(found);
        let Some(context) = providers.get(&provider).filter(|_| complete) else { continue };
        if filters.iter().any(|(_, value)| value.deep_unknown()) {
            continue;
        }
        let read = DataRead {
            kind: block.schema.kind.to_owned(),
            provider: provider.to_string(),
            region: context.region.clone(),
            parameters: resources::data::parameters(block.schema, &filters),
        };
        match reader.data(&read) {
            Ok(object) => objects.set(&address, object),
            Err(why) => diagnostics.push(cannot_read(&address, &why, block)),
        }
    }
    diagnostics
}

/// Returns the filters of a data source as the service takes them, and what is wrong with them.
fn filters(
    configured: &Configured,
    block: &Resource,
    address: &Address,
) -> (Object, Vec<Diagnostic>) {
    let mut filters = configured.object.clone();
    resources::data::normalise(&mut filters);
    let faults = resources::data::validate(block.schema, &filters).into_iter().map(|fault| {
        Diagnostic::error(fault.code, fault.message)
            .address(address)
            .at(written(block, &fault.attribute).unwrap_or(block.span))
            .help(fault.help)
    });
    let faults = faults.collect();
    (filters, faults)
}

fn cannot_read(address: &Address, why: &str, block: &Resource) -> Diagnostic {
    Diagnostic::error("cannot-read", format!("cannot read `{address}`"))
        .detail(why)
        .address(address)
        .at(block.span)
}

/// Makes the change of a data source that apply reads.
fn deferred(
    site: &Site<'_>,
    context: &ProviderContext,
    dependencies: Arc<[ResourceAddress]>,
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
        region: Arc::clone(&site.region),
        service: context.service.clone(),
        dependencies,
        create_before_destroy: false,
        prevent_destroy: false,
        timeouts: Arc::default(),
        location: site.location.clone(),
    }
}
