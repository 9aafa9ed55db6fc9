//! How fast configurations are read, expanded and evaluated: `cargo bench --bench language`. Each line
//! has the time that passed and the processor's time, which on a busy machine is what counts.

#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use natform::configuration::load;
use natform::diagnostic::FileId;
use natform::environment::{Environment, ManualClock, MemoryFiles, SeededIds};
use natform::plan::program::{ObjectMap, Program};
use natform::syntax;

const GATEWAY: &str = "resource \"nat_gateway\" \"edge\" {\n  vpc_id = \"vpc-emulator\"\n}\n";

fn main() -> io::Result<()> {
    let mut report = Report { out: io::stdout() };
    report.parse()?;
    report.deep()?;
    let text = format!(
        "{GATEWAY}{}",
        entries("web", "{ for i in range(100000) : \"k${i}\" => i % 60000 + 1 }", "each.value")
    );
    report.evaluation("100,000 instances of one for_each", &[("main.nat.hcl", &text)])?;
    let keys = "{ for i in range(10000) : \"k${i}\" => i + 1 }";
    let first = entries("first", keys, "each.value");
    let alone = entries("second", keys, "each.value");
    let twin = entries("second", keys, "forward_entry.first[each.key].internal_port");
    let independent = format!("{GATEWAY}{first}{alone}");
    let twins = format!("{GATEWAY}{first}{twin}");
    report.evaluation("20,000 independent instances", &[("main.nat.hcl", &independent)])?;
    report.evaluation("10,000 instances and their twins", &[("main.nat.hcl", &twins)])?;
    let modules = format!(
        "module \"a\" {{\n  source = \"./m\"\n  for_each = {keys}\n  port = each.value\n}}\n\
         module \"b\" {{\n  source = \"./m\"\n  for_each = {keys}\n  port = module.a[each.key].port\n}}\n"
    );
    let module = "variable \"port\" {}\noutput \"port\" { value = var.port }\n\
        resource \"snat_entry\" \"e\" {\n  snat_table_id = \"stb-1\"\n  source_cidr = \"10.0.0.0/24\"\n  \
        snat_ip = \"198.51.100.${var.port % 200}\"\n}\n";
    let files = [("main.nat.hcl", &*modules), ("m/main.nat.hcl", module)];
    report.evaluation("10,000 modules and their twins", &files)?;
    let chained = format!(
        "module \"a\" {{\n  source = \"./m\"\n  for_each = {keys}\n  port = each.value\n}}\n\
         module \"b\" {{\n  source = \"./m\"\n  for_each = module.a\n  port = each.value.port\n}}\n"
    );
    let files = [("main.nat.hcl", &*chained), ("m/main.nat.hcl", module)];
    report.evaluation("10,000 modules over 10,000 modules", &files)
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

struct Report {
    out: io::Stdout,
}

impl Report {
    fn line(&mut self, what: &str, work: impl FnOnce() -> String) -> io::Result<()> {
        let (start, before) = (Instant::now(), processor_seconds());
        let found = work();
        let (passed, used) = (start.elapsed().as_secs_f64(), processor_seconds() - before);
        writeln!(self.out, "{what:<46} {passed:>7.2} s passed, {used:>5.2} s of processor  {found}")
    }

    fn parse(&mut self) -> io::Result<()> {
        let mut text = String::new();
        while text.len() < 5_000_000 {
            let number = text.len();
            let block = entries("web", "{ for i in range(3) : \"k${i}\" => i }", "each.value");
            text.push_str(&block.replacen("web", &format!("web{number}"), 1));
        }
        self.line("a file of 5 MB is parsed", || {
            let (body, diagnostics) = syntax::parse(FileId(0), &text);
            format!("{} blocks, {} diagnostics", body.blocks.len(), diagnostics.len())
        })
    }

    fn deep(&mut self) -> io::Result<()> {
        let text = format!("locals {{\n  a = {}1{}\n}}\n", "(".repeat(10_000), ")".repeat(10_000));
        self.line("10,000 parentheses are refused", || {
            let codes = syntax::parse(FileId(0), &text).1;
            codes.iter().map(|d| d.code).collect::<Vec<_>>().join(" ")
        })
    }

    /// Loads, expands and evaluates all instances in their order.
    fn evaluation(&mut self, what: &str, files: &[(&str, &str)]) -> io::Result<()> {
        let files: BTreeMap<PathBuf, Vec<u8>> = files
            .iter()
            .map(|(name, text)| (Path::new("/work").join(name), text.as_bytes().to_vec()))
            .collect();
        let environment = Environment {
            clock: Arc::new(ManualClock::default()),
            ids: Arc::new(SeededIds::new(1)),
            files: Arc::new(MemoryFiles(files)),
            variables: Arc::default(),
            working_directory: "/work".into(),
        };
        let (configuration, said) = load(&environment, Path::new("/work"));
        if said.has_errors() {
            return writeln!(self.out, "{what}: {said:?}");
        }
        self.line(what, || {
            let (program, mut said) =
                Program::new(Arc::new(configuration), BTreeMap::new(), &environment);
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
                let mut made = Vec::with_capacity(keys.len());
                for key in keys.iter() {
                    let address = resource.instance(key.clone());
                    let (configured, diagnostics) = program.instance(&address, &objects);
                    said.extend(diagnostics);
                    made.push((address, configured.object));
                }
                count += made.len();
                for (address, object) in made {
                    objects.set(&address, object);
                }
            }
            format!("{count} instances, {} diagnostics", said.len())
        })
    }
}

/// Returns the processor time of this process so far, where the system tells it; else nothing.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u32 = fields.skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
    f64::from(ticks) / 100.0
}
