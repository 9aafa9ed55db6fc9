//! Tests over who gets which credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::environment::MemoryFiles;

fn environment(variables: &[(&str, &str)], profiles: Option<&str>) -> Environment {
    let mut all: BTreeMap<String, String> =
        variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    all.insert("HOME".to_owned(), "/home/user".to_owned());
    let mut files = MemoryFiles::default();
    if let Some(profiles) = profiles {
        let path = PathBuf::from("/home/user/.aliyun/config.json");
        files.0.insert(path, profiles.as_bytes().to_vec());
    }
    Environment { variables: Arc::new(all), files: Arc::new(files), ..Environment::real() }
}

const AMBIENT: &[(&str, &str)] = &[
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "real-id"),
    ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "real-secret"),
];

const PROFILES: &str = r#"{"current": "work", "profiles": [
    {"name": "work", "mode": "AK", "access_key_id": "work-id", "access_key_secret": "work-secret"},
    {"name": "short", "mode": "StsToken", "access_key_id": "sts-id",
     "access_key_secret": "sts-secret", "sts_token": "sts-token"},
    {"name": "role", "mode": "RamRoleArn", "access_key_id": "a", "access_key_secret": "b"},
    {"name": "half", "mode": "StsToken", "access_key_id": "a", "access_key_secret": "b"}
]}"#;

fn endpoint(text: &str) -> Endpoint {
    Endpoint::parse(text, false).unwrap()
}

fn keys(text: &str, environment: &Environment) -> Result<String, CredentialError> {
    resolve(&endpoint(text), &ProviderKeys::default(), false, environment).map(|c| c.access_key_id)
}

const REAL: &str = "https://vpc.aliyuncs.com";
const SERVER: &str = "https://nat.example.com";
const LOOPBACK: &str = "http://127.0.0.1:8900";

#[test]
fn the_embedded_emulator_and_loopback_ignore_ambient_keys() {
    let ambient = environment(AMBIENT, Some(PROFILES));
    assert_eq!(keys("emulator", &ambient).as_deref(), Ok("testid"));
    assert_eq!(keys(LOOPBACK, &ambient).as_deref(), Ok("testid"));
    assert_eq!(keys(REAL, &ambient).as_deref(), Ok("real-id"));
    let refused = keys(SERVER, &ambient).unwrap_err();
    assert_eq!(refused, CredentialError::NoneForServer { host: "nat.example.com".to_owned() });
    assert!(refused.advice().contains("NATFORM_ACCESS_KEY_ID"));
}

#[test]
fn a_server_gets_the_keys_meant_for_it_or_those_of_who_trusts_it() {
    let own = [AMBIENT, &[("NATFORM_ACCESS_KEY_ID", "own"), ("NATFORM_ACCESS_KEY_SECRET", "s")]];
    let own = environment(&own.concat(), None);
    for place in [SERVER, LOOPBACK] {
        assert_eq!(keys(place, &own).as_deref(), Ok("own"), "{place}");
    }
    assert_eq!(keys(REAL, &own).as_deref(), Ok("real-id"));
    assert_eq!(keys("emulator", &own).as_deref(), Ok("testid"));
    let ambient = environment(AMBIENT, None);
    let trusted = |place: &str, environment: &Environment| {
        resolve(&endpoint(place), &ProviderKeys::default(), true, environment)
            .map(|credentials| credentials.access_key_id)
    };
    assert_eq!(trusted(SERVER, &ambient).as_deref(), Ok("real-id"));
    assert_eq!(trusted(LOOPBACK, &ambient).as_deref(), Ok("real-id"));
    assert_eq!(trusted(LOOPBACK, &environment(&[], None)).as_deref(), Ok("testid"));
    assert!(trusted(SERVER, &environment(&[], None)).is_err());
}

#[test]
fn keys_of_the_provider_block_do_not_go_to_another_host() {
    let provider = ProviderKeys {
        access_key_id: Some("block-id".to_owned()),
        access_key_secret: Some(Secret::new("block-secret")),
        ..ProviderKeys::default()
    };
    let environment = environment(&[], None);
    assert!(resolve(&endpoint(SERVER), &provider, false, &environment).is_err());
    let loopback = resolve(&endpoint(LOOPBACK), &provider, false, &environment).unwrap();
    assert_eq!(loopback, Credentials::test_account());
    let real = resolve(&endpoint(REAL), &provider, false, &environment).unwrap();
    assert_eq!(
        (real.access_key_id.as_str(), real.source),
        ("block-id", CredentialSource::Provider)
    );
}

#[test]
fn the_real_service_s_chain_has_its_order() {
    let everything = environment(AMBIENT, Some(PROFILES));
    let profile =
        |name: &str| ProviderKeys { profile: Some(name.to_owned()), ..Default::default() };
    let real = endpoint(REAL);
    let found = resolve(&real, &profile("short"), false, &everything).unwrap();
    assert_eq!(found.access_key_id, "sts-id");
    assert_eq!(found.security_token, Some(Secret::new("sts-token")));
    assert_eq!(found.source, CredentialSource::Profile("short".to_owned()));
    assert_eq!(keys(REAL, &environment(&[], Some(PROFILES))).as_deref(), Ok("work-id"));
    let named = environment(&[("ALIBABA_CLOUD_PROFILE", "short")], Some(PROFILES));
    assert_eq!(keys(REAL, &named).as_deref(), Ok("sts-id"));
    let token = [AMBIENT, &[("ALIBABA_CLOUD_SECURITY_TOKEN", "t")]].concat();
    let temporary =
        resolve(&real, &ProviderKeys::default(), false, &environment(&token, None)).unwrap();
    assert_eq!(temporary.security_token, Some(Secret::new("t")));
}

#[test]
fn what_is_wrong_with_credentials_is_said() {
    let named = |name: &str| environment(&[("ALIBABA_CLOUD_PROFILE", name)], Some(PROFILES));
    let broken = |text: &str| environment(&[], Some(text));
    for (environment, says) in [
        (environment(&[], None), "there are no credentials for `vpc.aliyuncs.com`"),
        (broken(r#"{"profiles": []}"#), "there are no credentials"),
        (broken(r#"{"current":"default","profiles":[{"name":"default","mode":"AK"}]}"#), "no cred"),
        (named("role"), "the profile `role` has the mode `RamRoleArn`, which is not supported"),
        (named("half"), "the profile `half` has no `sts_token`"),
        (named("other"), "has no profile `other`, only `work`, `short`, `role`, `half`"),
        (broken("{\"profiles\": [{\"access_key_secret\": \"hunter2\" oops"), "malformed JSON"),
        (broken(r#"{"profiles": "hunter2"}"#), "malformed JSON"),
        (
            environment(&[("ALIBABA_CLOUD_ACCESS_KEY_ID", "id")], Some(PROFILES)),
            "ALIBABA_CLOUD_ACCESS_KEY_ID is set without ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        ),
        (
            environment(&[("ALIBABA_CLOUD_PROFILE", "work")], None),
            "cannot use `/home/user/.aliyun/config.json`",
        ),
    ] {
        let error = keys(REAL, &environment).unwrap_err();
        assert!(error.to_string().contains(says), "{error} ≠ {says}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert!(!error.advice().is_empty());
    }
}

#[test]
fn secrets_do_not_show() {
    let shown = format!("{:?}", Credentials::test_account());
    assert!(shown.contains("testid") && !shown.contains("testsecret"), "{shown}");
}
