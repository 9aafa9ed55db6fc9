//! A plan → its public model.

use serde_json::Value as Json;

use super::shape;
use super::{
    ActionWord, ChangeDocument, DriftDocument, FORMAT_VERSION, LaneDocument, OperationDocument,
    OutputDocument, PlanChanges, PlanDocument, PlanOperations, ReasonDocument, StreamedPlan,
    Summary, UnfinishedDocument,
};
use crate::address::{Address, Key, Mode};
use crate::diagnostic::{Diagnostics, SourceMap};
use crate::plan::{Change, ChangeKind, Drift, Operation, OutputChange, Plan, Reason};
use crate::state::{JournalEntry, Phase};
use crate::value::{Value, same};

impl PlanDocument {
    /// Makes the public model of a plan, whole. `diagnostics` are those of planning, `sources` what
    /// their places refer to. Sensitive values are masked unless `show_sensitive`.
    pub fn new(
        plan: &Plan,
        diagnostics: &Diagnostics,
        sources: &SourceMap,
        show_sensitive: bool,
    ) -> Self {
        let changes = plan.changes.iter().map(|c| ChangeDocument::new(c, show_sensitive)).collect();
        let operations = plan.operations.iter().enumerate();
        let operations =
            operations.map(|(i, o)| OperationDocument::new(i, o, show_sensitive)).collect();
        document(plan, diagnostics, sources, show_sensitive, (changes, operations))
    }
}

impl<'p> StreamedPlan<'p> {
    /// Makes the same model whose changes and operations are made as they are asked for.
    pub fn streamed(
        plan: &'p Plan,
        diagnostics: &Diagnostics,
        sources: &SourceMap,
        show_sensitive: bool,
    ) -> Self {
        let changes = PlanChanges { plan, show_sensitive };
        let operations = PlanOperations { plan, show_sensitive };
        document(plan, diagnostics, sources, show_sensitive, (changes, operations))
    }
}

fn document<C, O>(
    plan: &Plan,
    diagnostics: &Diagnostics,
    sources: &SourceMap,
    show_sensitive: bool,
    (changes, operations): (C, O),
) -> PlanDocument<C, O> {
    let output = |o: &OutputChange| (o.name.to_string(), output(o, show_sensitive));
    PlanDocument {
        format_version: FORMAT_VERSION.to_owned(),
        natform_version: env!("CARGO_PKG_VERSION").to_owned(),
        mode: plan.mode,
        applicable: plan.has_changes() && !plan.errored,
        errored: plan.errored,
        partial: plan.partial,
        lineage: plan.lineage.clone(),
        serial: plan.serial,
        digest: None,
        summary: summary(plan),
        forecast: None,
        changes,
        drift: plan.drift.iter().map(|d| drift(d, show_sensitive)).collect(),
        outputs: plan.outputs.iter().map(output).collect(),
        operations,
        groups: plan.groups.clone(),
        unfinished: plan.unfinished.iter().map(unfinished).collect(),
        diagnostics: crate::diagnostic::json::to_json(diagnostics, sources),
    }
}

/// Counts what happens with how many instances.
pub fn summary(plan: &Plan) -> Summary {
    let mut summary = Summary {
        drift: plan.drift.len(),
        outputs: plan.outputs.iter().filter(|o| o.is_change()).count(),
        operations: plan.operations.len(),
        ..Summary::default()
    };
    for change in &plan.changes {
        match change.kind {
            ChangeKind::NoOp => summary.no_op += 1,
            ChangeKind::Read => summary.read += 1,
            ChangeKind::Create => summary.create += 1,
            ChangeKind::Update => summary.update += 1,
            ChangeKind::Replace { .. } => summary.replace += 1,
            ChangeKind::Delete => summary.delete += 1,
            ChangeKind::Forget => summary.forget += 1,
        }
        change.impacts.iter().for_each(|impact| summary.impacts.add(*impact));
        summary.moved += usize::from(change.previous_address.is_some());
        let imported = |r: &Reason| matches!(r, Reason::Imported { .. });
        summary.import += usize::from(change.reasons.iter().any(imported));
    }
    summary
}

impl ChangeDocument {
    /// Makes the model of one change. Sensitive values are masked unless `show_sensitive`.
    pub fn new(change: &Change, show_sensitive: bool) -> Self {
        let resource = &change.address.resource;
        Self {
            address: change.address.to_string(),
            previous_address: change.previous_address.as_ref().map(ToString::to_string),
            deposed: change.deposed.clone(),
            module_address: (!resource.module.is_root()).then(|| resource.module.to_string()),
            mode: match resource.mode {
                Mode::Managed => "managed",
                Mode::Data => "data",
            }
            .to_owned(),
            kind: resource.kind.to_string(),
            name: resource.name.to_string(),
            index: index(&change.address),
            provider: change.provider.to_string(),
            region: change.region.to_string(),
            id: change.id.clone(),
            actions: actions(change.kind).to_vec(),
            reasons: change.reasons.iter().map(reason).collect(),
            importing: change.reasons.iter().find_map(|r| match r {
                Reason::Imported { id } => Some(id.clone()),
                _ => None,
            }),
            before: shape::object(change.before.as_ref(), show_sensitive),
            after: shape::object(change.after.as_ref(), show_sensitive),
            after_unknown: shape::shape(change.after.as_ref(), Value::is_unknown),
            before_sensitive: shape::shape(change.before.as_ref(), Value::is_sensitive),
            after_sensitive: shape::shape(change.after.as_ref(), Value::is_sensitive),
            sensitivity_only: sensitivity_only(change),
            replace_paths: change.replace_paths.clone(),
            kept: change.kept.clone(),
            impacts: change.impacts.clone(),
            remarks: change.remarks.clone(),
            location: change.location.as_deref().map(str::to_owned),
        }
    }
}

fn index(address: &Address) -> Json {
    match &address.key {
        None => Json::Null,
        Some(Key::Number(number)) => Json::from(*number),
        Some(Key::Text(text)) => Json::from(&**text),
    }
}

pub(super) const fn actions(kind: ChangeKind) -> &'static [ActionWord] {
    use ActionWord::{Create, Delete, Forget, NoOp, Read, Update};
    match kind {
        ChangeKind::NoOp => &[NoOp],
        ChangeKind::Read => &[Read],
        ChangeKind::Create => &[Create],
        ChangeKind::Update => &[Update],
        ChangeKind::Replace { create_first: false } => &[Delete, Create],
        ChangeKind::Replace { create_first: true } => &[Create, Delete],
        ChangeKind::Delete => &[Delete],
        ChangeKind::Forget => &[Forget],
    }
}

fn sensitivity_only(change: &Change) -> bool {
    let (ChangeKind::Update, Some(before), Some(after)) =
        (change.kind, &change.before, &change.after)
    else {
        return false;
    };
    let null = Value::null();
    after.iter().all(|(name, value)| same(before.get(name).unwrap_or(&null), value) == Some(true))
}

/// Says why something is planned.
pub fn reason(reason: &Reason) -> ReasonDocument {
    let (code, sentence, subjects) = match reason {
        Reason::Tainted => ("tainted", "its create did not finish".to_owned(), vec![]),
        Reason::Requested => ("requested", "it was asked for with `-replace`".to_owned(), vec![]),
        Reason::CannotUpdate { attributes } => (
            "cannot_update",
            format!("the service cannot change {} in place", quoted(attributes)),
            attributes.clone(),
        ),
        Reason::DependencyReplaced { of } => (
            "dependency_replaced",
            format!("`{of}`, which it stands on, is made anew"),
            vec![of.clone()],
        ),
        Reason::Triggered { by } => {
            ("triggered", format!("`{by}` changes (`replace_triggered_by`)"), vec![by.clone()])
        }
        Reason::KeyCycle { with } => (
            "key_cycle",
            format!(
                "it and {} hand their unique keys to each other in a circle: one of them is deleted \
                 first and made again at the end",
                quoted(with)
            ),
            with.clone(),
        ),
        Reason::PlaceCycle { with } => (
            "place_cycle",
            format!(
                "there is no place for {} until what it uses is gone: it is deleted first and made \
                 again at the end",
                quoted(with)
            ),
            with.clone(),
        ),
        Reason::NoConfiguration => {
            ("no_configuration", "there is no block for it".to_owned(), vec![])
        }
        Reason::NoModule => ("no_module", "its module is no longer called".to_owned(), vec![]),
        Reason::CountIndex => ("count_index", "its index is not below `count`".to_owned(), vec![]),
        Reason::EachKey => ("each_key", "its key is not in `for_each`".to_owned(), vec![]),
        Reason::WrongRepetition => (
            "wrong_repetition",
            "the block uses another kind of repetition (`count`, `for_each` or none)".to_owned(),
            vec![],
        ),
        Reason::Deposed => {
            ("deposed", "it was set aside by a replacement that did not finish".to_owned(), vec![])
        }
        Reason::Vanished => ("vanished", "it no longer exists in the service".to_owned(), vec![]),
        Reason::ConfigurationUnknown => (
            "configuration_unknown",
            "its arguments are known only during apply".to_owned(),
            vec![],
        ),
        Reason::DependencyPending => {
            ("dependency_pending", "something that it depends on changes first".to_owned(), vec![])
        }
        Reason::Destroy => ("destroy", "everything is to be destroyed".to_owned(), vec![]),
        Reason::Moved { from } => ("moved", format!("it was `{from}` before"), vec![from.clone()]),
        Reason::Imported { id } => {
            ("imported", format!("it is imported from `{id}`"), vec![id.clone()])
        }
        Reason::OneWay { attributes } => (
            "one_way",
            format!("the service has no way back for {}", quoted(attributes)),
            attributes.clone(),
        ),
    };
    ReasonDocument { code: code.to_owned(), sentence, subjects }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}

fn drift(drift: &Drift, show_sensitive: bool) -> DriftDocument {
    DriftDocument {
        address: drift.address.to_string(),
        kind: drift.address.kind().to_owned(),
        id: drift.recorded.text("id").unwrap_or_default().to_owned(),
        status: if drift.live.is_some() { "changed" } else { "missing" }.to_owned(),
        attributes: drift.attributes.clone(),
        before: shape::object(Some(&drift.recorded), show_sensitive),
        after: shape::object(drift.live.as_ref(), show_sensitive),
        before_sensitive: shape::shape(Some(&drift.recorded), Value::is_sensitive),
        after_sensitive: shape::shape(drift.live.as_ref(), Value::is_sensitive),
    }
}

fn output(output: &OutputChange, show_sensitive: bool) -> OutputDocument {
    let value = |value: &Option<Value>| match value {
        None => Json::Null,
        Some(value) if output.sensitive => {
            shape::plain(&value.clone().with_sensitive(true), show_sensitive)
        }
        Some(value) => shape::plain(value, show_sensitive),
    };
    let action = match (&output.before, &output.after) {
        _ if !output.is_change() => ActionWord::NoOp,
        (None, _) => ActionWord::Create,
        (Some(_), None) => ActionWord::Delete,
        (Some(_), Some(_)) => ActionWord::Update,
    };
    OutputDocument {
        actions: vec![action],
        before: value(&output.before),
        after: value(&output.after),
        after_unknown: output
            .after
            .as_ref()
            .and_then(|v| shape::part(v, Value::is_unknown))
            .unwrap_or(Json::Bool(false)),
        sensitive: output.sensitive,
    }
}

impl OperationDocument {
    /// Makes the model of one operation, which has the number `index`. Sensitive values are masked
    /// unless `show_sensitive`.
    pub fn new(index: usize, operation: &Operation, show_sensitive: bool) -> Self {
        let parameters = &operation.parameters;
        Self {
            index,
            address: operation.address.to_string(),
            deposed: operation.deposed.clone(),
            purpose: operation.purpose,
            action: operation.action.name().to_owned(),
            parameters: parameters
                .iter()
                .map(|p| (p.name.to_string(), shape::plain(&p.value, show_sensitive)))
                .collect(),
            unknown: parameters
                .iter()
                .filter(|p| p.value.deep_unknown())
                .map(|p| p.name.to_string())
                .collect(),
            lane: LaneDocument {
                gateway: operation.lane.gateway.as_deref().map(str::to_owned),
                scope: operation.lane.scope.as_deref().map(str::to_owned),
                whole_gateway: operation.lane.whole_gateway,
                needs_quiet: operation.lane.hold.needs_quiet,
                makes_busy: operation.lane.hold.makes_busy,
            },
            after: operation.after.clone(),
            groups: operation.groups.clone(),
            timeout: operation.timeout,
        }
    }
}

fn unfinished(entry: &JournalEntry) -> UnfinishedDocument {
    UnfinishedDocument {
        address: entry.address.to_string(),
        action: entry.action.name().to_owned(),
        phase: entry.phase,
        run: entry.run.clone(),
        intended_at: entry.intended_at.iso8601(),
        id: entry.object_id.clone(),
        recovery: recovery(entry).to_owned(),
    }
}

/// Says what recovery will do with an operation of an earlier run.
fn recovery(entry: &JournalEntry) -> &'static str {
    match entry.phase {
        Phase::Intended if entry.ambiguous => {
            "it may have been sent: natform looks whether it had its effect, and sends it again with \
             the same token where that is safe"
        }
        Phase::Intended => {
            "it is sent again with the same token while that is young; otherwise natform looks \
             whether it had its effect"
        }
        Phase::Acknowledged => "the service accepted it: natform waits until it is done",
        Phase::Stuck => {
            "several objects may be its result: decide with `natform recover -adopt ADDRESS=ID`, \
             `-abandon ADDRESS` or `-retry ADDRESS`"
        }
        Phase::Settled | Phase::Rejected | Phase::Abandoned => "it is closed",
    }
}
