use super::*;
use std::time::Instant;
#[test]
#[ignore]
#[expect(clippy::disallowed_methods, reason = "x")]
fn scale() {
    let n: usize = std::env::var("SCALE").unwrap().parse().unwrap();
    let main = format!("module \"m\" {{\n source = \"./m\"\n count = {n}\n index = count.index\n}}\n");
    let module = format!("variable \"index\" {{ type = number }}\n{}\nresource \"forward_entry\" \"e\" {{\n count = 98\n forward_table_id = nat_gateway.g.forward_table_id\n external_ip = bandwidth_package.p.public_ip_addresses[0]\n external_port = 1000 + count.index\n internal_ip = \"192.168.1.10\"\n internal_port = 1000 + count.index\n ip_protocol = \"tcp\"\n}}\n", GATEWAY.replace("\"vpc-1\"", "\"vpc-${var.index}\""));
    let files = [("cfg/main.nat.hcl", main.as_str()), ("cfg/m/main.nat.hcl", module.as_str())];
    let environment = environment(&files);
    let t = Instant::now();
    let (configuration, found) = crate::configuration::load(&environment, Path::new("cfg"));
    assert!(!found.has_errors(), "{}", write(&found, &configuration.sources));
    let (program, found) = Program::new(Arc::new(configuration), BTreeMap::new(), &environment);
    assert!(!found.has_errors());
    println!("load {:?}", t.elapsed());
    let bench = Bench::new("");
    let mut snapshot = Snapshot::default();
    fn input<'a>(program: &'a Program, bench: &'a Bench, snapshot: &'a Snapshot) -> PlanInput<'a> { PlanInput { program, snapshot, options: &bench.options, providers: &bench.providers, directives: &bench.directives } }
    let t = Instant::now();
    let (p, d) = plan(input(&program, &bench, &snapshot), &bench.cloud);
    assert!(!d.has_errors(), "{}", write(&d, &program.configuration().sources));
    println!("plan {:?} changes {} ops {}", t.elapsed(), p.changes.len(), p.operations.len());
    let rss = std::fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", rss.lines().filter(|l| l.starts_with("VmHWM")).collect::<String>());
    if n > 500 { return; }
    let t = Instant::now();
    let d = document::PlanDocument::new(&p, &d, &program.configuration().sources, false);
    println!("document {:?} {}", t.elapsed(), d.changes.len());
    // pretend applied
    for c in &p.changes {
        let mut object = c.after.clone().unwrap();
        let names: Vec<_> = object.iter().filter(|(_, v)| v.deep_unknown()).map(|(n, _)| n.clone()).collect();
        for name in names { let v = format!("{}-{}", name, c.address); object.set(name, crate::value::Value::from(v.as_str())); }
        let id = object.text("id").unwrap().to_owned();
        snapshot.instances.insert((c.address.clone(), None), Instance { address: c.address.clone(), deposed: None, id, status: Status::Ready, object, dependencies: c.dependencies.to_vec(), provider: c.provider.clone(), region: c.region.to_string(), service: c.service.clone(), schema_version: 1, create_before_destroy: false, prevent_destroy: false });
    }
    let mut options = PlanOptions { refresh: false, ..PlanOptions::default() };
    drop(p); drop(d);
    let t = Instant::now();
    let (p, _) = plan(PlanInput { options: &options, ..input(&program, &bench, &snapshot) }, &bench.cloud);
    println!("replan {:?} ops {}", t.elapsed(), p.operations.len());
    options.mode = PlanMode::Destroy;
    let t = Instant::now();
    let (p, _) = plan(PlanInput { options: &options, ..input(&program, &bench, &snapshot) }, &bench.cloud);
    println!("destroy {:?} ops {}", t.elapsed(), p.operations.len());
}
