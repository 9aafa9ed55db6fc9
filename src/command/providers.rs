//! Provider blocks → clients: which service, which credentials, which transport, which log.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;

use super::Session;
use super::arguments::Service as Flags;
use super::failure::Failure;
use super::waiting::{Trouble, TroubleLog};
use crate::api::catalogue::Edition;
use crate::api::client::{Client, ClientSettings};
use crate::api::credentials::{self, Credentials, ProviderKeys, Secret};
use crate::api::endpoint::{self, Endpoint, EndpointChoice, EndpointSource};
use crate::api::http::Transport;
use crate::api::log::{LOG_VARIABLE, Level, LineLog, NoLog, RequestLog};
use crate::api::network::{Network, NetworkSettings};
use crate::api::redact::Redactor;
use crate::api::sleep::TokioSleep;
use crate::diagnostic::{Diagnostic, Diagnostics, SourceMap};
use crate::emulator::{Emulator, InProcess, Settings, Timings};
use crate::plan::program::{Program, ProviderSettings};
use crate::state::Service;
use crate::value::Name;

/// The region of the embedded service when nothing names one.
const EMULATOR_REGION: &str = "cn-hangzhou";

/// One provider block, ready to be used.
#[derive(Clone)]
pub struct Provider {
    /// Sends its calls.
    pub client: Client,
    /// The service, as the state records it.
    pub service: Service,
    /// Its region.
    pub region: String,
    /// The edition of the reference that the service follows.
    pub edition: Edition,
    /// Quotas that were raised.
    pub quotas: BTreeMap<String, u64>,
}

/// All provider blocks that a run uses, by alias.
pub type Providers = BTreeMap<Name, Provider>;

/// Makes the clients of all aliases. Values of the redactor never appear in logs and errors; the last
/// error is noted as trouble.
pub fn connect(
    session: &Session,
    program: &Program,
    aliases: &BTreeSet<Name>,
    flags: &Flags,
    (redactor, trouble): (&Redactor, &Trouble),
) -> Result<Providers, Failure> {
    let log = Arc::new(TroubleLog { trouble: trouble.clone(), next: log(session, flags)? });
    let mut connector = Connector {
        session,
        program,
        flags,
        redactor,
        log,
        embedded: None,
        clients: BTreeMap::new(),
    };
    let mut providers = Providers::new();
    let mut diagnostics = Diagnostics::new();
    for alias in aliases {
        match connector.provider(alias) {
            Ok(provider) => {
                providers.insert(alias.clone(), provider);
            }
            Err(found) => diagnostics.extend(found),
        }
    }
    if diagnostics.has_errors() {
        return Err(Failure::Diagnostics(diagnostics, sources(program)));
    }
    Ok(providers)
}

fn sources(program: &Program) -> SourceMap {
    program.configuration().sources.clone()
}

struct Connector<'a> {
    session: &'a Session,
    program: &'a Program,
    flags: &'a Flags,
    redactor: &'a Redactor,
    log: Arc<dyn RequestLog>,
    /// The embedded service, shared by all aliases that use it.
    embedded: Option<Arc<Emulator>>,
    /// The first client of each service and access key: others share its limits.
    clients: BTreeMap<(String, String), Client>,
}

impl Connector<'_> {
    fn provider(&mut self, alias: &str) -> Result<Provider, Diagnostics> {
        let (settings, diagnostics) = self.program.provider(alias);
        if diagnostics.has_errors() {
            return Err(diagnostics);
        }
        let place = |name: &str| settings.spans.get(name).copied().or(settings.span);
        let region = self.region(&settings);
        let choice = EndpointChoice {
            flag: self.flags.endpoint.as_deref(),
            provider: settings.endpoint.as_deref(),
            region: region.as_deref().unwrap_or(""),
            allow_http: self.flags.allow_http,
        };
        let environment = &self.session.environment;
        let (endpoint, source) = endpoint::resolve(choice, environment).map_err(|error| {
            Diagnostic::error("endpoint", error.to_string())
                .at_opt(place("endpoint"))
                .help(error.advice())
        })?;
        let region = match (region, &endpoint) {
            (Some(region), _) => region,
            (None, Endpoint::Embedded) => EMULATOR_REGION.to_owned(),
            (None, _) => return Err(no_region(alias, &settings).into()),
        };
        let edition = edition(&settings)?;
        let credentials = self.credentials(&endpoint, source, &settings)?;
        for secret in [&Some(credentials.access_key_secret.clone()), &credentials.security_token] {
            self.redactor.add(secret.as_ref().map_or("", Secret::reveal));
        }
        let (transport, service) = self.transport(&endpoint, edition, &settings)?;
        let account = (endpoint.to_string(), credentials.access_key_id.clone());
        let mut of_client = ClientSettings::new(endpoint, credentials, region.clone());
        of_client.max_requests_per_second = settings.max_requests_per_second;
        of_client.parallelism = usize::from(self.flags.parallelism);
        of_client.redactor = self.redactor.clone();
        let client =
            Client::new(of_client, transport, environment, Arc::new(TokioSleep), self.log.clone());
        let first = self.clients.entry(account).or_insert_with(|| client.clone());
        let client = client.sharing_limits_with(first);
        Ok(Provider { client, service, region, edition, quotas: settings.quotas })
    }

    fn region(&self, settings: &ProviderSettings) -> Option<String> {
        let variable = self.session.environment.variable("ALIBABA_CLOUD_REGION_ID");
        settings.region.clone().or_else(|| variable.map(str::to_owned))
    }

    /// Finds the credentials. Keys of the same block that names the server are meant for it.
    fn credentials(
        &self,
        endpoint: &Endpoint,
        source: EndpointSource,
        settings: &ProviderSettings,
    ) -> Result<Credentials, Diagnostic> {
        let keys = ProviderKeys {
            access_key_id: settings.access_key_id.clone(),
            access_key_secret: settings.access_key_secret.clone().map(Secret::new),
            security_token: settings.security_token.clone().map(Secret::new),
            profile: settings.profile.clone(),
        };
        let meant = keys.access_key_id.is_some() && source == EndpointSource::Provider;
        let trust = self.flags.trust_endpoint || meant;
        credentials::resolve(endpoint, &keys, trust, &self.session.environment).map_err(|error| {
            Diagnostic::error("credentials", error.to_string())
                .at_opt(settings.spans.get("access_key_id").copied().or(settings.span))
                .help(error.advice())
        })
    }

    fn transport(
        &mut self,
        endpoint: &Endpoint,
        edition: Edition,
        settings: &ProviderSettings,
    ) -> Result<(Arc<dyn Transport>, Service), Diagnostics> {
        let Some(site) = endpoint.site() else {
            let emulator = self.emulator(edition)?;
            let service = Service::Embedded(emulator.world_id().into());
            return Ok((Arc::new(InProcess::new(emulator)), service));
        };
        let mut environment = self.session.environment.clone();
        if let Some(file) = &settings.ca_file {
            let path = self.program.configuration().directory.join(file);
            let mut variables = (*environment.variables).clone();
            variables.insert("NATFORM_CA_FILE".into(), path.to_string_lossy().into_owned());
            environment.variables = Arc::new(variables);
        }
        let network =
            Network::new(site, NetworkSettings::default(), &environment).map_err(|error| {
                Diagnostic::error("network", error.to_string())
                    .at_opt(settings.spans.get("ca_file").copied())
                    .help(error.advice())
            })?;
        let service = match endpoint {
            Endpoint::Real(_) => Service::Real,
            _ => Service::Server(site.to_string().into()),
        };
        Ok((Arc::new(network), service))
    }

    /// Opens the embedded service beside the configuration, once.
    fn emulator(&mut self, edition: Edition) -> Result<Arc<Emulator>, Diagnostics> {
        if let Some(emulator) = &self.embedded {
            return Ok(Arc::clone(emulator));
        }
        let environment = &self.session.environment;
        let data = environment.variable("NATFORM_EMULATOR_DATA").map_or_else(
            || environment.working_directory.join(".natform").join("emulator.db"),
            |path| environment.working_directory.join(path),
        );
        if let Some(directory) = data.parent() {
            create_private(directory)?;
        }
        let timing = environment.variable("NATFORM_EMULATOR_TIMING").unwrap_or("default");
        let settings = Settings {
            edition,
            timings: Timings::named(timing, &*environment.files)?,
            data: Some(data),
            ..Settings::default()
        };
        let emulator = Arc::new(Emulator::open(settings, Arc::clone(&environment.clock))?);
        self.embedded = Some(Arc::clone(&emulator));
        Ok(emulator)
    }
}

fn edition(settings: &ProviderSettings) -> Result<Edition, Diagnostic> {
    let Some(text) = &settings.edition else { return Ok(Edition::default()) };
    text.parse().map_err(|_| {
        let names = Edition::ALL.map(|e| format!("`{e}`")).join(" and ");
        Diagnostic::error("edition", format!("there is no edition `{text}` of the reference"))
            .at_opt(settings.spans.get("edition").copied())
            .help(format!("the editions are {names}"))
    })
}

fn no_region(alias: &str, settings: &ProviderSettings) -> Diagnostic {
    let which = if alias.is_empty() { String::new() } else { format!(" `{alias}`") };
    Diagnostic::error("no-region", format!("the provider{which} has no region"))
        .at_opt(settings.span)
        .help("set `region = \"cn-hangzhou\"` in the provider block, or ALIBABA_CLOUD_REGION_ID")
}

/// Makes a directory for its owner alone, unless it is there.
fn create_private(directory: &Path) -> Result<(), Diagnostic> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(|error| {
        let what = format!("cannot make the directory `{}`: {error}", directory.display());
        Diagnostic::error("emulator-data", what)
            .help("make the configuration's directory writable, or name a file for the emulator's world by NATFORM_EMULATOR_DATA")
    })
}

/// Opens the log of requests.
fn log(session: &Session, flags: &Flags) -> Result<Arc<dyn RequestLog>, Failure> {
    let variable = session.environment.variable(LOG_VARIABLE);
    let level = match variable.map(str::parse::<Level>) {
        Some(Ok(level)) => level,
        Some(Err(unknown)) => {
            let what = format!("{LOG_VARIABLE} is `{}`, which is no level", unknown.0);
            return Err(Diagnostic::error("log-level", what).help("use `info` or `debug`").into());
        }
        None if flags.log_file.is_some() => Level::Info,
        None => Level::Off,
    };
    if level == Level::Off {
        return Ok(Arc::new(NoLog));
    }
    let Some(file) = &flags.log_file else {
        return Ok(Arc::new(LineLog::new(level, Box::new(std::io::stderr()))));
    };
    let path = session.environment.working_directory.join(file);
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let opened = options.open(&path).map_err(|error| {
        Diagnostic::error("log-file", format!("cannot write `{}`: {error}", path.display()))
            .help("name a file that can be written with `-log-file`")
    })?;
    Ok(Arc::new(LineLog::new(level, Box::new(opened))))
}
