//! What an apply needs, over the clients and the configuration of a run.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::providers::Providers;
use crate::address::{Address, Mode};
use crate::apply::{Clients, Evaluate};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::environment::Clock;
use crate::plan::program::{ObjectMap, Objects, Program, warnings};
use crate::plan::{self, Change, ChangeKind, Plan, ProviderContext, Purpose};
use crate::refresh::{DataRead, Reader};
use crate::resources::{self, Listings, Object, ReadScope, Sought};
use crate::state::JournalEntry;
use crate::state::codec::{Names, decode_object};
use crate::value::{Name, Value, same};

/// How long a single read may be repeated while it fails.
const READ_LIMIT: Duration = Duration::from_secs(120);

/// Returns the service as an apply sees it, through the clients of a run.
pub fn service(providers: &Providers, clock: &Arc<dyn Clock>) -> Clients {
    let mut clients = Clients::new(Arc::clone(clock), READ_LIMIT);
    for (alias, provider) in providers {
        clients.add(alias.clone(), provider.client.clone(), provider.edition);
    }
    clients
}

/// Reads through another reader and keeps the lists, so that the apply that follows need not read
/// them again.
pub struct KeepingReader<'a> {
    inner: &'a dyn Reader,
    kept: RefCell<BTreeMap<String, Listings>>,
}

impl<'a> KeepingReader<'a> {
    /// Reads through `inner`.
    pub fn new(inner: &'a dyn Reader) -> Self {
        Self { inner, kept: RefCell::default() }
    }

    /// Returns the lists that were read, by provider.
    pub fn into_lists(self) -> BTreeMap<String, Listings> {
        self.kept.into_inner()
    }
}

impl Reader for KeepingReader<'_> {
    fn lists(&self, provider: &str, scopes: &[ReadScope]) -> Listings {
        let lists = self.inner.lists(provider, scopes);
        self.kept.borrow_mut().entry(provider.to_owned()).or_default().extend(lists.clone());
        lists
    }

    fn sought(&self, provider: &str, sought: &[Sought]) -> Listings {
        let lists = self.inner.sought(provider, sought);
        self.kept.borrow_mut().entry(provider.to_owned()).or_default().extend(lists.clone());
        lists
    }

    fn data(&self, read: &DataRead) -> Result<Object, String> {
        self.inner.data(read)
    }
}

/// Evaluates the configuration of a plan while it is applied; reads the data sources that had to
/// wait for the apply when they are first needed.
pub struct Evaluator<'a> {
    program: &'a Program,
    plan: &'a Plan,
    reader: &'a dyn Reader,
    known: Mutex<ObjectMap>,
    /// Data sources that are still to be read, as indices of the plan's changes.
    waiting: Mutex<Vec<usize>>,
    /// What is known of the providers.
    contexts: BTreeMap<Name, ProviderContext>,
}

impl<'a> Evaluator<'a> {
    /// Creates an evaluator that knows what was read while planning.
    pub fn new(program: &'a Program, plan: &'a Plan, reader: &'a dyn Reader) -> Self {
        let mut known = ObjectMap::new();
        for (address, object) in &plan.data {
            known.set(address, object.clone());
        }
        let changes = plan.changes.iter().enumerate();
        let of_check = |change: &Change| {
            program.block(&change.address.resource).is_some_and(|block| block.check.is_some())
        };
        // Those of checks are read at the end in any case.
        let waiting = changes.filter(|(_, c)| c.kind == ChangeKind::Read && !of_check(c));
        let waiting = Mutex::new(waiting.map(|(index, _)| index).collect());
        Self { program, plan, reader, known: Mutex::new(known), waiting, contexts: BTreeMap::new() }
    }

    /// Says what is known of the providers, through which the data sources of checks are read.
    #[must_use]
    pub fn with_providers(mut self, contexts: BTreeMap<Name, ProviderContext>) -> Self {
        self.contexts = contexts;
        self
    }

    fn known(&self) -> MutexGuard<'_, ObjectMap> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the data sources that are still to be read and whose arguments are known by now, and
    /// returns what went wrong.
    fn read_data(&self) -> Diagnostics {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut failed = Diagnostics::new();
        waiting.retain(|index| {
            let change = &self.plan.changes[*index];
            match self.read_one(change) {
                Ok(Some(object)) => {
                    self.known().set(&change.address, object);
                    false
                }
                Ok(None) => true,
                Err(diagnostics) => {
                    failed.extend(diagnostics);
                    true
                }
            }
        });
        failed
    }

    /// Reads a data source; none while its arguments are unknown.
    fn read_one(&self, change: &Change) -> Result<Option<Object>, Diagnostics> {
        let (configured, diagnostics) = self.program.instance(&change.address, &*self.known());
        if diagnostics.has_errors() {
            return Err(diagnostics);
        }
        let unknown = configured.object.iter().any(|(_, value)| value.deep_unknown());
        let schema = resources::data_source(change.address.kind());
        let Some(schema) = schema.filter(|_| !unknown) else { return Ok(None) };
        let mut filters = configured.object;
        resources::data::normalise(&mut filters);
        let read = DataRead {
            kind: schema.kind.to_owned(),
            provider: change.provider.to_string(),
            region: change.region.to_string(),
            parameters: resources::data::parameters(schema, &filters),
        };
        let object = tokio::task::block_in_place(|| self.reader.data(&read)).map_err(|why| {
            Diagnostic::error("cannot-read", format!("cannot read `{}`", change.address))
                .detail(why)
                .address(&change.address)
                .at_opt(self.program.written(&change.address.resource, ""))
        })?;
        Ok(Some(object))
    }
}

impl Evaluate for Evaluator<'_> {
    fn learn(&self, address: &Address, object: Option<&Object>) {
        match object {
            Some(object) => self.known().set(address, object.clone()),
            None => self.known().remove(address),
        }
    }

    fn object(&self, address: &Address, purpose: Purpose) -> Result<Object, Diagnostics> {
        let unread = self.read_data();
        let (configured, diagnostics) = self.program.instance(address, &*self.known());
        if diagnostics.has_errors() {
            return Err(diagnostics);
        }
        let mut object = configured.object;
        if unread.has_errors() && object.iter().any(|(_, value)| value.deep_unknown()) {
            return Err(unread);
        }
        if let Some(kind) = resources::lookup(address.kind()) {
            kind.normalise(&mut object);
        }
        let block = self.program.block(&address.resource).filter(|_| purpose == Purpose::Update);
        let Some(lifecycle) = block.map(|block| &block.lifecycle) else { return Ok(object) };
        if lifecycle.ignore_all {
            return Ok(Object::new());
        }
        for ignored in &lifecycle.ignore_changes {
            object.remove(&ignored.text);
        }
        Ok(object)
    }

    fn ignores(&self, address: &Address, attribute: &str) -> bool {
        let block = self.program.block(&address.resource);
        block.is_some_and(|block| {
            let lifecycle = &block.lifecycle;
            lifecycle.ignore_all || lifecycle.ignore_changes.iter().any(|i| *i.text == *attribute)
        })
    }

    fn postconditions(&self, address: &Address, object: &Object) -> Diagnostics {
        self.program.postconditions(address, object, &*self.known())
    }

    fn outputs(&self) -> (BTreeMap<Name, Value>, Diagnostics) {
        let mut diagnostics = self.read_data();
        let (values, found) = self.program.outputs(&*self.known());
        diagnostics.extend(found);
        (values, diagnostics)
    }

    fn checks(&self) -> Diagnostics {
        let mut objects = self.known().clone();
        let mut diagnostics = Diagnostics::new();
        for resource in self.program.data_of_checks() {
            let read = || {
                let (program, contexts) = (self.program, &self.contexts);
                plan::read_data_source(program, &resource, contexts, self.reader, &mut objects)
            };
            diagnostics.extend(warnings(tokio::task::block_in_place(read)));
        }
        diagnostics.extend(self.program.checks(&objects));
        diagnostics
    }
}

/// Tells whether configuration still wants what a journaled operation was to do, value for value.
pub fn still_wanted(program: &Program, objects: &dyn Objects, entry: &JournalEntry) -> bool {
    let Some(planned) =
        entry.planned.as_ref().and_then(|text| decode_object(text, &mut Names::default()).ok())
    else {
        return false;
    };
    let address = &entry.address;
    let expanded = address.resource.mode == Mode::Managed
        && program.block(&address.resource).is_some()
        && program
            .expand_resource(&address.resource, objects)
            .is_ok_and(|keys| keys.contains(&address.key));
    if !expanded {
        return false;
    }
    let (configured, diagnostics) = program.instance(address, objects);
    let Some(kind) = resources::lookup(address.kind()) else { return false };
    let mut wanted = configured.object;
    kind.normalise(&mut wanted);
    let null = Value::null();
    let inputs = kind.schema().attributes.iter().filter(|a| a.is_input());
    !diagnostics.has_errors()
        && inputs.filter(|a| wanted.has(a.name)).all(|attribute| {
            let name = attribute.name;
            same(wanted.get(name).unwrap_or(&null), planned.get(name).unwrap_or(&null))
                == Some(true)
        })
}
