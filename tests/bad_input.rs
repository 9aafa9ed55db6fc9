//! Whatever is written: no panic, no endless work, no memory without bound. Configurations and
//! expressions that are nearly right are read, checked, evaluated and reported on. More cases:
//! `PROPTEST_CASES=20000 cargo test --release --test bad_input`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use natform::configuration::{load, variables};
use natform::diagnostic::{Diagnostics, FileId, SourceMap, json, render};
use natform::environment::{Environment, ManualClock, MemoryFiles, SeededIds};
use natform::plan::program::{ObjectMap, Program, check, check_loaded};
use natform::syntax;
use proptest::prelude::*;

const QUICKSTART: &str = include_str!("../examples/quickstart/main.nat.hcl");
const EVERYTHING: &str = include_str!("bad_input/everything.nat.hcl");
const MODULE: &str = include_str!("bad_input/module.nat.hcl");
/// The value of a sensitive variable of the corpus.
const SECRET: &str = "hunter2-and-more";
/// Values of variables, and the same as JSON.
const VALUES: &str = "ports = { web = 80, dns = 53 }\nsecret = \"hunter2-and-more\"\nnames = [\"a\", <<EOT\nb\nEOT\n]\n";
const JSON_VALUES: &str =
    r#"{"ports": {"web": 80.5e1}, "names": ["a", null, true], "secret": "\u00e9"}"#;
/// A template file.
const TEMPLATE: &str = "%{ for x in a ~}\n- ${upper(x)} %{ if x == \"b\" }yes%{ else }no%{ endif }\n%{ endfor ~}\n$${literal} %%{literal}\n";
const VECTORS: &str = include_str!("cli/console_vectors.txt");

/// Pieces that are put between and in place of others.
const PIECES: &[&str] = &[
    "each.value",
    "each.key",
    "count.index",
    "self.id",
    "var.ports",
    "var.secret",
    "local.names",
    "local.loop",
    "module.m",
    "module.m[\"a\"].ids",
    "nat_gateway.edge",
    "nat_gateway.edge.id",
    "nat_gateway.many",
    "nat_gateway.many[*].id",
    "nat_gateway.many[0]",
    "forward_entry.web",
    "data.nat_gateways.all.nat_gateways",
    "null",
    "true",
    "\"\"",
    "-1",
    "1e99",
    "0.1",
    "[]",
    "{}",
    "for_each = ",
    "count = ",
    "dynamic \"timeouts\" {\n",
    "content {\n",
    "lifecycle {\n",
    "}\n",
    "\n",
    " ? ",
    " : ",
    " + ",
    " && ",
    " == ",
    "...",
    "[*]",
    ".*",
    "[0]",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "${",
    "%{ for x in ",
    "%{ endfor }",
    "%{ if ",
    "%{ endif }",
    "for x in ",
    " => ",
    " if ",
    "range(1e9)",
    "range(1e5)",
    "toset(",
    "tomap(",
    "flatten(",
    "merge(",
    "try(",
    "can(",
    "jsonencode(",
    "templatestring(\"$${a}\", {a = 1})",
    "sensitive(",
    "nonsensitive(",
    "convert(",
    "format(\"%999999999d\", 1)",
    "regex(\"(a*)*b\", ",
    "setproduct(range(5000), range(5000))",
    "<<EOT\n",
    "EOT\n",
    "alicloud.other",
    "provider = ",
    "depends_on = [",
    "prevent_destroy = ",
    "ignore_changes = all\n",
    "replace_triggered_by = [",
    "sensitive = true\n",
    "optional(string, 1)",
    "any",
    "object({a = any})",
    "é",
    "\0",
    "\u{feff}",
];

/// A change of a text.
#[derive(Debug, Clone)]
enum Edit {
    Cut(f64, u8),
    Insert(f64, &'static str),
    Replace(f64, u8, &'static str),
    Copy(f64, f64, u8),
    /// A word takes the place of another.
    Word(f64, f64),
    /// A line is taken out, or put in elsewhere once more.
    Line(f64, Option<f64>),
    /// What stands between two brackets takes the place of what stands between two others.
    Group(f64, f64),
    /// Two neighbouring words change places.
    Swap(f64),
}

fn edit() -> impl Strategy<Value = Edit> {
    let place = 0.0..1.0f64;
    let piece = prop::sample::select(PIECES);
    prop_oneof![
        (place.clone(), 1..40u8).prop_map(|(at, length)| Edit::Cut(at, length)),
        (place.clone(), piece.clone()).prop_map(|(at, piece)| Edit::Insert(at, piece)),
        (place.clone(), 1..20u8, piece).prop_map(|(at, n, piece)| Edit::Replace(at, n, piece)),
        (place.clone(), place.clone(), 1..80u8).prop_map(|(from, to, n)| Edit::Copy(from, to, n)),
        (place.clone(), place.clone()).prop_map(|(from, to)| Edit::Word(from, to)),
        (place.clone(), prop::option::of(place.clone())).prop_map(|(at, to)| Edit::Line(at, to)),
        (place.clone(), place.clone()).prop_map(|(from, to)| Edit::Group(from, to)),
        place.prop_map(Edit::Swap),
    ]
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a place in a short text"
)]
fn place(text: &str, at: f64) -> usize {
    let mut at = (text.len() as f64 * at) as usize;
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn end(text: &str, start: usize, length: u8) -> usize {
    let mut end = (start + usize::from(length)).min(text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    end
}

fn changed(text: &str, edits: &[Edit]) -> String {
    let mut text = text.to_owned();
    for edit in edits {
        match edit {
            Edit::Cut(at, length) => {
                let start = place(&text, *at);
                text.replace_range(start..end(&text, start, *length), "");
            }
            Edit::Insert(at, piece) => text.insert_str(place(&text, *at), piece),
            Edit::Replace(at, length, piece) => {
                let start = place(&text, *at);
                text.replace_range(start..end(&text, start, *length), piece);
            }
            Edit::Copy(from, to, length) => {
                let start = place(&text, *from);
                let piece = text[start..end(&text, start, *length)].to_owned();
                text.insert_str(place(&text, *to), &piece);
            }
            Edit::Word(from, to) => {
                let piece = text[word(&text, *from)].to_owned();
                let to = word(&text, *to);
                text.replace_range(to, &piece);
            }
            Edit::Line(at, to) => {
                let lines: Vec<&str> = text.split_inclusive('\n').collect();
                if lines.is_empty() {
                    continue;
                }
                let line = lines[pick(lines.len(), *at)].to_owned();
                match to {
                    Some(to) => {
                        let start: usize =
                            lines[..pick(lines.len(), *to)].iter().map(|l| l.len()).sum();
                        text.insert_str(start, &line);
                    }
                    None => text = text.replacen(&line, "", 1),
                }
            }
            Edit::Group(from, to) => {
                let groups = groups(&text);
                if !groups.is_empty() {
                    let piece = text[groups[pick(groups.len(), *from)].clone()].to_owned();
                    text.replace_range(groups[pick(groups.len(), *to)].clone(), &piece);
                }
            }
            Edit::Swap(at) => {
                let first = word(&text, *at);
                let rest = &text[first.end..];
                let gap = rest.find(is_of_word).unwrap_or(rest.len());
                let length = rest[gap..].find(|c| !is_of_word(c)).unwrap_or(rest.len() - gap);
                let second = first.end + gap..first.end + gap + length;
                let (a, b) = (text[first.clone()].to_owned(), text[second.clone()].to_owned());
                text.replace_range(second, &a);
                text.replace_range(first, &b);
            }
        }
    }
    text
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.'
}

/// Picks one of `count`; none are none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a place in a short list"
)]
fn pick(count: usize, at: f64) -> usize {
    ((count as f64 * at) as usize).min(count.saturating_sub(1))
}

/// Finds the word at or behind a place.
fn word(text: &str, at: f64) -> std::ops::Range<usize> {
    let at = place(text, at);
    let start = text[at..].find(is_of_word).map_or(text.len(), |found| at + found);
    let length = text[start..].find(|c| !is_of_word(c)).unwrap_or(text.len() - start);
    start..start + length
}

/// Finds what stands between brackets.
fn groups(text: &str) -> Vec<std::ops::Range<usize>> {
    let (mut open, mut found) = (Vec::new(), Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => open.push(at + 1),
            ')' | ']' | '}' => found.extend(open.pop().map(|start| start..at)),
            _ => {}
        }
    }
    found
}

fn environment(files: &[(&str, &str)]) -> Environment {
    let files: BTreeMap<PathBuf, Vec<u8>> = files
        .iter()
        .map(|(name, text)| (Path::new("/work").join(name), text.as_bytes().to_vec()))
        .collect();
    Environment {
        clock: Arc::new(ManualClock::default()),
        ids: Arc::new(SeededIds::new(1)),
        files: Arc::new(MemoryFiles(files)),
        variables: Arc::new([("NATFORM_VAR_secret".into(), SECRET.into())].into()),
        working_directory: "/work".into(),
    }
}

/// Renders diagnostics in every way and returns them as text.
fn report(diagnostics: &Diagnostics, sources: &SourceMap) -> String {
    let text = render::render(diagnostics, sources, render::Style::default());
    json::to_json(diagnostics, sources);
    for diagnostic in diagnostics {
        assert!(!diagnostic.summary.is_empty(), "{diagnostic:?}");
    }
    text
}

/// Does all that can be done without a service.
fn go_through(text: &str, module: &str) {
    let files = [("main.nat.hcl", text), ("m/main.nat.hcl", module), ("t.tpl", "${a}")];
    let environment = environment(&files);
    let (mut configuration, found) = load(&environment, Path::new("/work"));
    report(&found, &configuration.sources);
    if found.has_errors() {
        let (configuration, mut found) = (Arc::new(configuration), found);
        check_loaded(&configuration, &mut found, &environment);
        report(&found, &configuration.sources);
    } else {
        let (values, found) = variables(&mut configuration, &environment, &[]);
        report(&found, &configuration.sources);
        let configuration = Arc::new(configuration);
        report(&check(Arc::clone(&configuration), &environment), &configuration.sources);
        let (program, found) =
            Program::new(Arc::clone(&configuration), values.values, &environment);
        report(&found, &configuration.sources);
        let mut objects = ObjectMap::new();
        let mut found = Diagnostics::new();
        for resource in program.order().unwrap_or_default() {
            let keys = program.expand_resource(&resource, &objects);
            for key in keys.iter().flat_map(|keys| keys.iter()).take(5) {
                let address = resource.instance(key.clone());
                let (configured, said) = program.instance(&address, &objects);
                found.extend(said);
                found.extend(program.prevent_destroy(&address).1);
                found.extend(program.triggers(&address, &objects).1);
                found.extend(program.postconditions(&address, &configured.object, &objects));
                objects.set(&address, configured.object);
            }
        }
        found.extend(program.remaining(&objects));
        found.extend(program.checks(&objects));
        found.extend(program.imports(&objects).1);
        found.extend(program.outputs(&objects).1);
        report(&found, &configuration.sources);
    }
}

fn evaluate(text: &str) {
    let environment = environment(&[("main.nat.hcl", EVERYTHING), ("m/main.nat.hcl", MODULE)]);
    let (mut configuration, _) = load(&environment, Path::new("/work"));
    let (values, _) = variables(&mut configuration, &environment, &[]);
    let configuration = Arc::new(configuration);
    let (program, _) = Program::new(Arc::clone(&configuration), values.values, &environment);
    let mut sources = configuration.sources.clone();
    let file = sources.add("<expression>", text);
    let (expression, found) = syntax::parse_expression(file, text);
    report(&found, &sources);
    if let Err(found) = program.evaluate(&expression, &ObjectMap::new()) {
        let shown = report(&found, &sources);
        assert!(text.contains("nonsensitive") || !shown.contains(SECRET), "{text}\n{shown}");
    }
}

fn expressions() -> Vec<&'static str> {
    VECTORS.lines().filter_map(|line| line.strip_prefix("> ")).collect()
}

/// Few cases where `PROPTEST_CASES` does not say how many.
fn cases() -> ProptestConfig {
    /// What proptest takes when nobody says anything.
    const UNSAID: u32 = 256;
    let given = ProptestConfig { max_shrink_iters: 400, ..ProptestConfig::default() };
    if given.cases == UNSAID { ProptestConfig { cases: 32, ..given } } else { given }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn configurations_that_are_nearly_right(
        text in prop::sample::select(vec![QUICKSTART, EVERYTHING]),
        edits in prop::collection::vec(edit(), 0..5),
        inside in prop::collection::vec(edit(), 0..2),
    ) {
        go_through(&changed(text, &edits), &changed(MODULE, &inside));
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes);
        go_through(&text, &text);
        evaluate(&text);
        let files = BTreeMap::from([(PathBuf::from("/work/main.nat.hcl"), bytes)]);
        let environment = Environment { files: Arc::new(MemoryFiles(files)), ..environment(&[]) };
        let (configuration, found) = load(&environment, Path::new("/work"));
        report(&found, &configuration.sources);
    }

    #[test]
    fn any_tokens_are_read(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        let text = pieces.concat();
        go_through(&text, MODULE);
        evaluate(&text);
    }

    #[test]
    fn values_that_are_nearly_right(
        (name, text) in prop::sample::select(vec![
            ("natform.natvars", VALUES),
            ("a.auto.natvars.json", JSON_VALUES),
        ]),
        edits in prop::collection::vec(edit(), 0..4),
    ) {
        let text = changed(text, &edits);
        let files = [("main.nat.hcl", EVERYTHING), ("m/main.nat.hcl", MODULE), (name, &*text)];
        let environment = environment(&files);
        let (mut configuration, _) = load(&environment, Path::new("/work"));
        let (_, found) = variables(&mut configuration, &environment, &[]);
        report(&found, &configuration.sources);
    }

    #[test]
    fn templates_that_are_nearly_right(edits in prop::collection::vec(edit(), 0..4)) {
        let template = changed(TEMPLATE, &edits);
        let text = "output \"o\" { value = templatefile(\"t.tpl\", { a = [\"a\", \"b\"] }) }";
        let environment = environment(&[("main.nat.hcl", text), ("t.tpl", &template)]);
        let (configuration, _) = load(&environment, Path::new("/work"));
        let configuration = Arc::new(configuration);
        let (program, _) = Program::new(Arc::clone(&configuration), BTreeMap::new(), &environment);
        report(&program.outputs(&ObjectMap::new()).1, &configuration.sources);
    }

    #[test]
    fn what_is_laid_out_says_the_same(
        text in prop::sample::select(vec![QUICKSTART, EVERYTHING, MODULE, VALUES]),
        edits in prop::collection::vec(edit(), 0..4),
    ) {
        let text = changed(text, &edits);
        if !syntax::parse(FileId(0), &text).1.has_errors() {
            let once = syntax::format(FileId(0), &text).map_err(|e| TestCaseError::fail(format!("{e:?}\n{text}")))?;
            prop_assert!(!syntax::parse(FileId(0), &once).1.has_errors(), "{once}");
            let again = syntax::format(FileId(0), &once).map_err(|e| TestCaseError::fail(format!("{e:?}")))?;
            prop_assert_eq!(&again, &once);
        }
    }

    #[test]
    fn expressions_that_are_nearly_right(
        text in prop::sample::select(expressions()),
        edits in prop::collection::vec(edit(), 0..4),
    ) {
        evaluate(&changed(text, &edits));
    }
}

#[test]
fn the_corpus_itself_is_right() {
    let environment = environment(&[("main.nat.hcl", EVERYTHING), ("m/main.nat.hcl", MODULE)]);
    let (configuration, found) = load(&environment, Path::new("/work"));
    let text = render::render(&found, &configuration.sources, render::Style::default());
    assert!(!found.has_errors(), "{text}");
    let configuration = Arc::new(configuration);
    let found = check(Arc::clone(&configuration), &environment);
    let text = render::render(&found, &configuration.sources, render::Style::default());
    assert!(!found.has_errors(), "{text}");
    assert!(!syntax::parse(FileId(0), QUICKSTART).1.has_errors());
}

/// Values that double with every line, up to what no machine holds, and mistakes in them.
#[test]
fn values_that_double_are_refused_once() {
    for (first, next) in
        [("\"x\"", "\"${A}${A}\""), ("\"x\"", "join(\"\", [A, A])"), ("upper(1, 2)", "[A, A]")]
    {
        let mut text = format!("locals {{\n  a0 = {first}\n");
        for i in 1..80 {
            let line = next.replace('A', &format!("local.a{}", i - 1));
            text.push_str(&format!("  a{i} = {line}\n"));
        }
        text.push_str("}\noutput \"o\" { value = length(local.a79) }\n");
        let environment = environment(&[("main.nat.hcl", &text)]);
        let (configuration, _) = load(&environment, Path::new("/work"));
        let (program, _) = Program::new(Arc::new(configuration), BTreeMap::new(), &environment);
        let objects = ObjectMap::new();
        let mut found = program.remaining(&objects);
        found.extend(program.outputs(&objects).1);
        found.sort();
        assert_eq!(found.len(), 1, "{next}: {found:?}");
    }
}

#[test]
fn very_many_mistakes_are_told_in_time() {
    let mut text = String::from("locals {\n");
    for i in 0..1000 {
        text.push_str(&format!("  name_{i} = local.nmae_{}\n", i + 1));
    }
    text.push_str("}\n");
    let environment = environment(&[("main.nat.hcl", &text)]);
    let (configuration, found) = load(&environment, Path::new("/work"));
    assert_eq!(found.len(), 1000);
    let text = render::render(&found, &configuration.sources, render::Style::default());
    assert!(text.ends_with("(and 500 more errors; -json shows all)\n\n"), "{}", text.len());
}
