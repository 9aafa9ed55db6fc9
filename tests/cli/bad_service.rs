//! Services that cannot be used: one error that says why and what to do, and no state.

use crate::servers::{Manner, answer, stranger};
use crate::support::Workspace;

const DATA: &str = "provider \"alicloud\" {\n  region = \"cn-hangzhou\"\n}\ndata \"nat_gateways\" \"all\" {}\noutput \"all\" { value = data.nat_gateways.all.ids }\n";

fn impatient() -> Workspace {
    let mut workspace = Workspace::with(DATA);
    workspace.set("NATFORM_PATIENCE", "1s");
    workspace
}

#[test]
fn what_is_not_the_service_is_said_to_be_none() {
    let workspace = impatient();
    let rows = "{\"RequestId\":\"A\",\"TotalCount\":\"many\",\"NatGateways\":{\"NatGateway\":[7]}}";
    let strangers = [
        ("HTML", answer("200 OK", "content-type: text/html\r\n", "<html>Sign in</html>")),
        ("ends early", answer("200 OK", "", "{\"NatGateways\":{\"NatGateway\":[{\"NatG")),
        ("not an object", answer("200 OK", "", "[]")),
        ("redirect", answer("302 Found", "location: https://portal.example/\r\n", "")),
        ("Forbidden", answer("403 Forbidden", "", "Forbidden")),
        ("HTTP 502", answer("502 Bad Gateway", "", "<html>Bad gateway</html>")),
        ("longer than", Manner::Endless),
        ("no answer", Manner::Silent),
        ("no answer", Manner::Answer(Vec::new())),
        ("DescribeNatGateways", answer("200 OK", "", rows)),
    ];
    std::thread::scope(|scope| {
        for (why, manner) in strangers {
            let workspace = &workspace;
            scope.spawn(move || {
                let run = workspace.run(&["plan", "-endpoint", &stranger(manner)]);
                run.one_error("cannot-read");
                run.says(&["data.nat_gateways.all", "main.nat.hcl:4", why]);
            });
        }
    });
    assert!(!workspace.path("natform.db").exists());
}

#[test]
fn nobody_listens() {
    let run = impatient().run(&["plan", "-endpoint", "http://127.0.0.1:1"]);
    run.one_error("cannot-read");
    run.says(&["Connection refused", "check the endpoint"]);
}

#[test]
fn credentials_that_are_missing_or_unsupported() {
    let mut workspace = Workspace::with(DATA);
    let run = workspace.run(&["plan"]);
    run.one_error("credentials");
    run.says(&["ALIBABA_CLOUD_ACCESS_KEY_ID", "aliyun"]);
    let profile = |mode: &str| {
        format!("{{\"current\":\"p\",\"profiles\":[{{\"name\":\"p\",\"mode\":\"{mode}\"}}]}}")
    };
    workspace.write(".aliyun/config.json", &profile("EcsRamRole"));
    let run = workspace.run(&["plan"]);
    run.one_error("credentials");
    run.says(&["`EcsRamRole`", "not supported"]);
    workspace.write(".aliyun/config.json", "{\"current\":");
    workspace.run(&["plan"]).one_error("credentials");
    workspace.set("ALIBABA_CLOUD_ACCESS_KEY_ID", "only-half");
    let run = workspace.run(&["plan"]);
    run.one_error("credentials");
    run.says(&["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]);
}

#[test]
fn keys_for_the_real_service_go_to_no_other_host() {
    let mut workspace = Workspace::with(DATA);
    workspace.set("ALIBABA_CLOUD_ACCESS_KEY_ID", "me");
    workspace.set("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "mine");
    let run = workspace.run(&["plan", "-endpoint", "https://nat.example.com"]);
    run.one_error("credentials");
    run.says(&["not a host of Alibaba Cloud", "-trust-endpoint"]);
    let run = workspace.run(&["plan", "-endpoint", "http://nat.example.com"]);
    run.one_error("endpoint");
    run.says(&["plain HTTP", "-allow-http"]);
}

#[test]
fn settings_that_are_none() {
    let mut workspace = Workspace::with(DATA);
    workspace.set("NATFORM_LOG", "loud");
    workspace.run(&["plan"]).one_error("log-level");
    workspace.set("NATFORM_LOG", "info");
    workspace.run(&["plan", "-log-file=no/such/log"]).one_error("log-file");
    let workspace = Workspace::with(
        &DATA.replace("region = \"cn-hangzhou\"", "edition = \"2001\"\n  endpoint = \"emulator\""),
    );
    workspace.run(&["plan"]).one_error("edition");
    let workspace = Workspace::with(&DATA.replace("  region = \"cn-hangzhou\"\n", ""));
    workspace.run(&["plan", "-endpoint", "http://127.0.0.1:1"]).one_error("no-region");
}

#[test]
fn an_emulator_that_cannot_serve() {
    let workspace = Workspace::new();
    workspace.run(&["emulator", "-listen", "nonsense"]).one_error("listen");
    workspace.run(&["emulator", "-listen", "0.0.0.0:0"]).one_error("listen");
    workspace
        .run(&["emulator", "-listen", "127.0.0.1:0", "-access-key", "half"])
        .one_error("access-key");
    workspace.write("faults.json", "{\"faults\": [{\"matches\": {}}]}");
    let run = workspace.run(&["emulator", "-listen", "127.0.0.1:0", "-faults", "faults.json"]);
    run.one_error("faults");
    run.says(&["faults.json"]);
    workspace
        .run(&["emulator", "-listen", "127.0.0.1:0", "-faults", "none.json"])
        .one_error("faults");
    workspace.write("world.db", "not a world");
    let run = workspace.run(&["emulator", "-listen", "127.0.0.1:0", "-data", "world.db"]).exits(1);
    run.is_clean();
    run.says(&["world.db"]);
}
