//! Which credentials: the embedded emulator's own account, the real service's chain, or those
//! meant for another host. Ambient keys never go to a host that is not Alibaba's unless the user
//! says so.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

use crate::environment::Environment;

use super::endpoint::Endpoint;

/// A text that must not be shown: neither `Debug` nor anything else but [`Secret::reveal`] has it.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the secret itself, for signing and for masking.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(secret)")
    }
}

/// Where credentials come from, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialSource {
    /// The emulator's own test account.
    TestAccount,
    /// The provider block.
    Provider,
    /// Environment variables.
    Variables,
    /// A profile of `~/.aliyun/config.json`, by its name.
    Profile(String),
}

impl fmt::Display for CredentialSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TestAccount => formatter.write_str("the test account"),
            Self::Provider => formatter.write_str("the provider block"),
            Self::Variables => formatter.write_str("the environment"),
            Self::Profile(name) => write!(formatter, "the profile `{name}`"),
        }
    }
}

/// An access key with its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Id of the access key.
    pub access_key_id: String,
    /// Its secret.
    pub access_key_secret: Secret,
    /// The token of temporary credentials.
    pub security_token: Option<Secret>,
    /// Where they come from.
    pub source: CredentialSource,
}

impl Credentials {
    /// Returns the test account that every emulator has: the one of the reference's examples.
    pub fn test_account() -> Self {
        Self {
            access_key_id: "testid".to_owned(),
            access_key_secret: Secret::new("testsecret"),
            security_token: None,
            source: CredentialSource::TestAccount,
        }
    }
}

/// What the provider block says of credentials.
#[derive(Debug, Clone, Default)]
pub struct ProviderKeys {
    /// `access_key`
    pub access_key_id: Option<String>,
    /// `secret_key`
    pub access_key_secret: Option<Secret>,
    /// `security_token`
    pub security_token: Option<Secret>,
    /// `profile`
    pub profile: Option<String>,
}

/// Why there are no credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// One half of a pair is set without the other.
    #[error("{given} is set without {missing}")]
    Incomplete {
        /// What is set.
        given: &'static str,
        /// What is not.
        missing: &'static str,
    },
    /// No place has any.
    #[error("there are no credentials for `{host}`")]
    None {
        /// The endpoint.
        host: String,
    },
    /// A host that is not Alibaba's, and no credentials meant for it.
    #[error("there are no credentials for `{host}`, which is not a host of Alibaba Cloud")]
    NoneForServer {
        /// The endpoint.
        host: String,
    },
    /// The profile file cannot be used.
    #[error("cannot use `{path}`: {why}")]
    File {
        /// Path.
        path: String,
        /// Reason.
        why: String,
    },
    /// There is no such profile.
    #[error("`{path}` has no profile `{name}`, only {known}")]
    NoProfile {
        /// Path.
        path: String,
        /// Name of the profile.
        name: String,
        /// Names of those there are.
        known: String,
    },
    /// A profile of a mode that is not supported.
    #[error("the profile `{name}` has the mode `{mode}`, which is not supported")]
    Mode {
        /// Name of the profile.
        name: String,
        /// Its mode.
        mode: String,
    },
}

impl CredentialError {
    /// Returns how to mend it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Incomplete { .. } => "set both, or neither",
            Self::None { .. } => {
                "set `ALIBABA_CLOUD_ACCESS_KEY_ID` and `ALIBABA_CLOUD_ACCESS_KEY_SECRET`, or run \
                 `aliyun configure`; `endpoint = \"emulator\"` needs none"
            }
            Self::NoneForServer { .. } => {
                "set `NATFORM_ACCESS_KEY_ID` and `NATFORM_ACCESS_KEY_SECRET` for it, or trust it \
                 with your own keys by `-trust-endpoint`"
            }
            Self::File { .. } => "correct the file, or set the credentials in the environment",
            Self::NoProfile { .. } => {
                "name one of them by `profile` in the provider block or `ALIBABA_CLOUD_PROFILE`"
            }
            Self::Mode { .. } => {
                "use a profile of the mode `AK` or `StsToken`, or set temporary credentials in \
                 the environment"
            }
        }
    }
}

const PROVIDER_NAMES: [&str; 2] =
    ["`access_key` in the provider block", "`secret_key` in the provider block"];
const REAL_NAMES: [&str; 3] = [
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABA_CLOUD_SECURITY_TOKEN",
];
const SERVER_NAMES: [&str; 3] =
    ["NATFORM_ACCESS_KEY_ID", "NATFORM_ACCESS_KEY_SECRET", "NATFORM_SECURITY_TOKEN"];

/// Resolves the credentials for an endpoint. With `trust_endpoint` a server that is not Alibaba's
/// may be given the credentials meant for the real service.
pub fn resolve(
    endpoint: &Endpoint,
    provider: &ProviderKeys,
    trust_endpoint: bool,
    environment: &Environment,
) -> Result<Credentials, CredentialError> {
    match endpoint {
        Endpoint::Embedded => Ok(Credentials::test_account()),
        Endpoint::Real(site) => for_real_service(provider, environment)?
            .ok_or_else(|| CredentialError::None { host: site.authority() }),
        Endpoint::Server(site) => {
            if let Some(credentials) = from_variables(SERVER_NAMES, environment)? {
                return Ok(credentials);
            }
            if trust_endpoint && let Some(credentials) = for_real_service(provider, environment)? {
                return Ok(credentials);
            }
            if site.is_loopback() {
                return Ok(Credentials::test_account());
            }
            Err(CredentialError::NoneForServer { host: site.authority() })
        }
    }
}

fn for_real_service(
    provider: &ProviderKeys,
    environment: &Environment,
) -> Result<Option<Credentials>, CredentialError> {
    let secret = provider.access_key_secret.as_ref().map(Secret::reveal);
    if let Some((id, secret)) = pair(provider.access_key_id.as_deref(), secret, PROVIDER_NAMES)? {
        return Ok(Some(Credentials {
            access_key_id: id.to_owned(),
            access_key_secret: Secret::new(secret),
            security_token: provider.security_token.clone().filter(|t| !t.reveal().is_empty()),
            source: CredentialSource::Provider,
        }));
    }
    if let Some(name) = provider.profile.as_deref().filter(|name| !name.is_empty()) {
        return from_profile(Some(name), environment);
    }
    if let Some(credentials) = from_variables(REAL_NAMES, environment)? {
        return Ok(Some(credentials));
    }
    from_profile(environment.variable("ALIBABA_CLOUD_PROFILE"), environment)
}

fn from_variables(
    names: [&'static str; 3],
    environment: &Environment,
) -> Result<Option<Credentials>, CredentialError> {
    let [id, secret, token] = names.map(|name| environment.variable(name).map(str::trim));
    let Some((id, secret)) = pair(id, secret, [names[0], names[1]])? else { return Ok(None) };
    Ok(Some(Credentials {
        access_key_id: id.to_owned(),
        access_key_secret: Secret::new(secret),
        security_token: token.filter(|token| !token.is_empty()).map(Secret::new),
        source: CredentialSource::Variables,
    }))
}

/// Returns both halves, nothing if neither is there, and an error if only one is.
fn pair<'a>(
    id: Option<&'a str>,
    secret: Option<&'a str>,
    names: [&'static str; 2],
) -> Result<Option<(&'a str, &'a str)>, CredentialError> {
    match (id.filter(|text| !text.is_empty()), secret.filter(|text| !text.is_empty())) {
        (Some(id), Some(secret)) => Ok(Some((id, secret))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(CredentialError::Incomplete { given: names[0], missing: names[1] }),
        (None, Some(_)) => Err(CredentialError::Incomplete { given: names[1], missing: names[0] }),
    }
}

#[derive(Deserialize)]
struct ProfileFile {
    #[serde(default)]
    current: String,
    #[serde(default)]
    profiles: Vec<Profile>,
}

#[derive(Deserialize)]
struct Profile {
    #[serde(default)]
    name: String,
    #[serde(default)]
    mode: String,
    #[serde(default)]
    access_key_id: String,
    #[serde(default)]
    access_key_secret: Secret,
    #[serde(default)]
    sts_token: Secret,
}

/// Reads a profile, by default the current one. A missing file is an error only if a profile was
/// asked for by name.
fn from_profile(
    wanted: Option<&str>,
    environment: &Environment,
) -> Result<Option<Credentials>, CredentialError> {
    let home = environment.variable("HOME").or_else(|| environment.variable("USERPROFILE"));
    let Some(home) = home else { return Ok(None) };
    let path = PathBuf::from(home).join(".aliyun").join("config.json");
    let shown = path.display().to_string();
    let failed = |why: String| CredentialError::File { path: shown.clone(), why };
    let bytes = match environment.files.read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && wanted.is_none() => {
            return Ok(None);
        }
        Err(error) => return Err(failed(error.to_string())),
    };
    let file: ProfileFile = serde_json::from_slice(&bytes).map_err(|error| {
        // The parser's own message may quote the file, and with it a secret.
        failed(format!("malformed JSON in line {}, column {}", error.line(), error.column()))
    })?;
    let name = wanted.unwrap_or(if file.current.is_empty() { "default" } else { &file.current });
    let Some(profile) = file.profiles.iter().find(|profile| profile.name == name) else {
        if wanted.is_none() && file.profiles.is_empty() {
            return Ok(None);
        }
        let known: Vec<String> =
            file.profiles.iter().map(|profile| format!("`{}`", profile.name)).collect();
        return Err(CredentialError::NoProfile {
            path: shown,
            name: name.to_owned(),
            known: if known.is_empty() { "none".to_owned() } else { known.join(", ") },
        });
    };
    let temporary = match profile.mode.as_str() {
        "AK" | "" => false,
        "StsToken" => true,
        mode => {
            return Err(CredentialError::Mode { name: name.to_owned(), mode: mode.to_owned() });
        }
    };
    let missing = |what: &str| failed(format!("the profile `{name}` has no `{what}`"));
    if profile.access_key_id.is_empty() {
        // What the CLI writes before it is configured.
        return if wanted.is_none() { Ok(None) } else { Err(missing("access_key_id")) };
    }
    if profile.access_key_secret.reveal().is_empty() {
        return Err(missing("access_key_secret"));
    }
    if temporary && profile.sts_token.reveal().is_empty() {
        return Err(missing("sts_token"));
    }
    Ok(Some(Credentials {
        access_key_id: profile.access_key_id.clone(),
        access_key_secret: profile.access_key_secret.clone(),
        security_token: temporary.then(|| profile.sts_token.clone()),
        source: CredentialSource::Profile(name.to_owned()),
    }))
}

#[cfg(test)]
mod tests;
