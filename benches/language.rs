//! How fast configurations are read, expanded and evaluated: `cargo bench --bench language`; words
//! behind it choose the lines that hold one of them. Each line has the time that passed and the
//! processor's time, which on a busy machine is what counts. Ends with 1 when anything in it has a
//! diagnostic: then it measures something else than it says.

#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use natform::configuration::load;
use natform::diagnostic::{Diagnostics, FileId};
use natform::environment::{Environment, ManualClock, MemoryFiles, SeededIds};
use natform::plan::program::{self, ObjectMap, Program, unknown_object};
use natform::syntax;

const GATEWAY: &str = "resource \"nat_gateway\" \"edge\" {\n  vpc_id = \"vpc-emulator\"\n}\n";

/// A module with an argument and an output.
const PORT_MODULE: &str = "variable \"port\" {}\noutput \"port\" { value = var.port }\n\
    resource \"snat_entry\" \"e\" {\n  snat_table_id = \"stb-1\"\n  source_cidr = \"10.0.0.0/24\"\n  \
    snat_ip = \"198.51.100.${var.port % 200}\"\n}\n";

/// A module with an output that only apply will know.
const ID_MODULE: &str = "variable \"about\" { default = \"none\" }\n\
    output \"id\" { value = nat_gateway.g.id }\n\
    resource \"nat_gateway\" \"g\" {\n  vpc_id = \"vpc-1\"\n  description = var.about\n}\n";

fn main() -> io::Result<ExitCode> {
    let wanted = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let mut report = Report { out: io::stdout(), wanted, failed: false };
    files(&mut report)?;
    instances(&mut report)?;
    modules(&mut report)?;
    locals(&mut report)?;
    Ok(if report.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Files of 5 MB of several shapes.
fn files(report: &mut Report) -> io::Result<()> {
    let blocks = filled(GATEWAY, "", |number| {
        entries(&format!("web{number}"), "{ for i in range(3) : \"k${i}\" => i + 1 }", "each.value")
    });
    report.file("a file of 5 MB, many blocks", &blocks)?;
    let map = filled("locals {\n  map = {\n", "  }\n}\n", |number| {
        format!("    key-{number} = {{ port = {number}, ips = [\"10.0.0.1\", \"10.0.0.2\"] }}\n")
    });
    report.file("a file of 5 MB, one map", &map)?;
    let list = filled("locals {\n  list = [\n", "  ]\n}\n", |n| format!("    \"element-{n}\",\n"));
    report.file("a file of 5 MB, one list", &list)?;
    let names = filled("locals {\n  l0 = 1\n", "}\n", |number| {
        format!("  l{} = \"text ${{local.l0}} and ${{max(1, {number})}}\"\n", number + 1)
    });
    report.file("a file of 5 MB, templates", &names)?;
    let heredoc = filled("locals {\n  text = <<-EOT\n", "  EOT\n}\n", |number| {
        format!("    line {number} of a text that goes on and on\n")
    });
    report.file("a file of 5 MB, one heredoc", &heredoc)?;
    let deep = format!("locals {{\n  a = {}1{}\n}}\n", "(".repeat(10_000), ")".repeat(10_000));
    report.line("10,000 parentheses are refused", || {
        let codes = syntax::parse(FileId(0), &deep).1;
        (codes.iter().map(|d| d.code).collect::<Vec<_>>().join(" "), codes.len() == 1)
    })
}

/// Repeated blocks.
fn instances(report: &mut Report) -> io::Result<()> {
    for count in ["10000", "100000"] {
        let keys = format!("{{ for i in range({count}) : \"k${{i}}\" => i % 60000 + 1 }}");
        let text = format!("{GATEWAY}{}", entries("web", &keys, "each.value"));
        report.evaluation(&format!("{count} instances of one for_each"), &text)?;
        let rich = format!(
            "locals {{\n  ips = {{ for i in range({count}) : \"k${{i}}\" => {{ n = i, on = i % 2 == 0 }} }}\n  \
             names = {{ for k, v in local.ips : k => \"name-${{v.n}}\" }}\n}}\n\
             resource \"snat_entry\" \"s\" {{\n  for_each = {{ for k, v in local.ips : k => merge(v, {{ key = k }}) }}\n  \
             snat_table_id = \"stb-1\"\n  source_cidr = \"10.${{floor(each.value.n / 256) % 256}}.${{each.value.n % 256}}.0/24\"\n  \
             snat_ip = cidrhost(\"198.51.0.0/16\", each.value.n % 60000)\n  \
             snat_entry_name = each.value.on ? format(\"%s-%05d\", each.value.key, each.value.n) : local.names[each.key]\n}}\n"
        );
        report.evaluation(&format!("{count} instances of rich expressions"), &rich)?;
        let counted = format!(
            "resource \"nat_gateway\" \"a\" {{\n  count = {count}\n  vpc_id = \"vpc-${{count.index}}\"\n}}\n\
             output \"ids\" {{ value = nat_gateway.a[*].id }}\n\
             output \"count\" {{ value = length(nat_gateway.a) }}\n"
        );
        report.evaluation(&format!("{count} counted instances, splat"), &counted)?;
    }
    let keys = "{ for i in range(10000) : \"k${i}\" => i + 1 }";
    let first = entries("first", keys, "each.value");
    let twins = |port: &str| format!("{GATEWAY}{first}{}", entries("second", keys, port));
    report.evaluation("20,000 independent instances", &twins("each.value"))?;
    let port = "forward_entry.first[each.key].internal_port";
    report.evaluation("10,000 instances and their twins", &twins(port))?;
    let ports =
        "locals {\n  ports = { for k, v in forward_entry.first : k => v.internal_port }\n}\n";
    let through = twins("local.ports[each.key]");
    report.evaluation("10,000 and twins through a local value", &format!("{ports}{through}"))?;
    let over = entries("second", "forward_entry.first", "each.value.internal_port");
    let over = over.replace("= each.value\n", "= each.value.internal_port\n");
    let over = over.replace("each.value % 250", "each.value.internal_port % 250");
    report.evaluation("10,000 over 10,000 instances", &format!("{GATEWAY}{first}{over}"))
}

/// Repeated modules.
fn modules(report: &mut Report) -> io::Result<()> {
    let keys = "{ for i in range(10000) : \"k${i}\" => i + 1 }";
    let call = |name: &str, each: &str, argument: &str| {
        format!("module \"{name}\" {{\n  source = \"./m\"\n  for_each = {each}\n  {argument}\n}}\n")
    };
    let first = call("a", keys, "port = each.value");
    let twins = format!("{first}{}", call("b", keys, "port = module.a[each.key].port"));
    report.modules("10,000 modules and their twins", &twins, PORT_MODULE)?;
    let over = format!("{first}{}", call("b", "module.a", "port = each.value.port"));
    report.modules("10,000 modules over 10,000 modules", &over, PORT_MODULE)?;
    let first = call("a", keys, "");
    let over = format!("{first}{}", call("b", "module.a", "about = each.value.id"));
    report.modules("10,000 modules over unknown outputs", &over, ID_MODULE)
}

/// Local values that refer to each other.
fn locals(report: &mut Report) -> io::Result<()> {
    let chain: String = (1..62_000).map(|n| format!("  l{n} = local.l{}\n", n - 1)).collect();
    let text = format!("locals {{\n  l0 = \"vpc-1\"\n{chain}}}\n{}", gateway("local.l61999"));
    report.evaluation("62,000 local values in a chain", &text)?;
    let fan: String = (1..62_000).map(|n| format!("  l{n} = \"${{local.l0}}-{n}\"\n")).collect();
    let all: String = (0..62_000).map(|n| format!("local.l{n}, ")).collect();
    let text = format!(
        "locals {{\n  l0 = \"vpc\"\n{fan}  all = [{all}]\n}}\n{}",
        gateway("local.all[61999]")
    );
    report.evaluation("62,000 local values in a fan", &text)
}

fn gateway(vpc: &str) -> String {
    format!("resource \"nat_gateway\" \"g\" {{\n  vpc_id = {vpc}\n}}\n")
}

/// A block of entries.
fn entries(name: &str, keys: &str, port: &str) -> String {
    format!(
        "resource \"forward_entry\" \"{name}\" {{\n  for_each = {keys}\n  \
         forward_table_id = nat_gateway.edge.forward_table_id\n  external_ip = \"198.51.100.1\"\n  \
         external_port = each.value\n  internal_ip = \"10.0.0.${{each.value % 250}}\"\n  \
         internal_port = {port}\n  ip_protocol = \"tcp\"\n}}\n"
    )
}

/// Makes a text of 5 MB of numbered parts.
fn filled(head: &str, tail: &str, part: impl Fn(usize) -> String) -> String {
    let mut text = head.to_owned();
    let mut number = 0;
    while text.len() < 5_000_000 {
        text.push_str(&part(number));
        number += 1;
    }
    text + tail
}

struct Report {
    out: io::Stdout,
    wanted: Vec<String>,
    failed: bool,
}

impl Report {
    /// Measures some work, which tells what it found and whether that is as it should be.
    fn line(&mut self, what: &str, work: impl FnOnce() -> (String, bool)) -> io::Result<()> {
        if !self.wanted.is_empty() && !self.wanted.iter().any(|word| what.contains(&**word)) {
            return Ok(());
        }
        let (start, before) = (Instant::now(), processor_seconds());
        let (found, good) = work();
        self.failed |= !good;
        let (passed, used) = (start.elapsed().as_secs_f64(), processor_seconds() - before);
        writeln!(self.out, "{what:<46} {passed:>7.2} s passed, {used:>5.2} s of processor  {found}")
    }

    /// Parses a file, then does all that `validate` does with it.
    fn file(&mut self, what: &str, text: &str) -> io::Result<()> {
        self.line(&format!("{what}: parsed"), || {
            let (body, diagnostics) = syntax::parse(FileId(0), text);
            let count = body.blocks.len();
            std::mem::forget(body);
            (format!("{count} blocks, {}", told(&diagnostics)), diagnostics.is_empty())
        })?;
        let environment = environment(&[("main.nat.hcl", text)]);
        self.line(&format!("{what}: validated"), || {
            let (configuration, mut diagnostics) = load(&environment, Path::new("/work"));
            let configuration = Arc::new(configuration);
            diagnostics.extend(program::check(Arc::clone(&configuration), &environment));
            std::mem::forget(configuration);
            (told(&diagnostics), diagnostics.is_empty())
        })
    }

    fn evaluation(&mut self, what: &str, text: &str) -> io::Result<()> {
        self.evaluated(what, &[("main.nat.hcl", text)])
    }

    fn modules(&mut self, what: &str, text: &str, module: &str) -> io::Result<()> {
        self.evaluated(what, &[("main.nat.hcl", text), ("m/main.nat.hcl", module)])
    }

    /// Expands and evaluates all instances in their order, then the outputs.
    fn evaluated(&mut self, what: &str, files: &[(&str, &str)]) -> io::Result<()> {
        let environment = environment(files);
        let (configuration, mut said) = load(&environment, Path::new("/work"));
        self.line(what, || {
            let (program, found) =
                Program::new(Arc::new(configuration), BTreeMap::new(), &environment);
            said.extend(found);
            let mut objects = ObjectMap::new();
            let mut count = 0;
            for resource in program.order().unwrap_or_default() {
                let keys = match program.expand_resource(&resource, &objects) {
                    Ok(keys) => keys,
                    Err(diagnostics) => {
                        said.extend(diagnostics);
                        continue;
                    }
                };
                let Some(schema) = program.block(&resource).map(|block| block.schema) else {
                    continue;
                };
                for key in keys.iter() {
                    let address = resource.instance(key.clone());
                    let (configured, diagnostics) = program.instance(&address, &objects);
                    said.extend(diagnostics);
                    // What is not configured is known only after apply.
                    let mut object = unknown_object(&address, schema);
                    for (name, value) in configured.object.iter() {
                        object.set(name.clone(), value.clone());
                    }
                    objects.set(&address, object);
                    count += 1;
                }
            }
            let (outputs, diagnostics) = program.outputs(&objects);
            said.extend(diagnostics);
            let found = format!("{count} instances, {} outputs, {}", outputs.len(), told(&said));
            (found, said.is_empty())
        })
    }
}

fn told(diagnostics: &Diagnostics) -> String {
    match diagnostics.iter().next() {
        None => String::from("0 diagnostics"),
        Some(first) => {
            format!("{} diagnostics, such as: {} {}", diagnostics.len(), first.code, first.summary)
        }
    }
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
        variables: Arc::default(),
        working_directory: "/work".into(),
    }
}

/// Returns the processor time of this process so far, where the system tells it; else nothing.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u32 = fields.skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
    f64::from(ticks) / 100.0
}
