//! The transport over the network: HTTP/1.1 by reqwest, with TLS by rustls and ring.
//!
//! It never follows a redirect, never asks a proxy for loopback, stops reading an answer that is
//! too long, and tells what certainly was not sent from what may have been.

use std::error::Error as _;
use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use reqwest::{Certificate, Method, NoProxy, Proxy, redirect};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::environment::Environment;

use super::decode::LONGEST_ANSWER;
use super::endpoint::Site;
use super::http::{BoxFuture, HttpRequest, HttpResponse, Transport, TransportError};
use super::redact::printable;

/// The variables that name files of certificate authorities, which are trusted beside the
/// system's.
pub const AUTHORITY_VARIABLES: [&str; 2] = ["NATFORM_CA_FILE", "SSL_CERT_FILE"];

/// Connections that were idle for longer are not used again: the service closes them about then,
/// and a request sent into a closing one is lost without anyone knowing.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);

/// Limits of the network.
#[derive(Debug, Clone, Copy)]
pub struct NetworkSettings {
    /// How long a connection may take, with its TLS handshake.
    pub connect_timeout: Duration,
    /// An answer may be this long, in bytes.
    pub longest_answer: usize,
}

impl Default for NetworkSettings {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(10), longest_answer: LONGEST_ANSWER }
    }
}

/// Why the network cannot be used at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// A file of certificate authorities is not usable.
    #[error("cannot use `{path}`, which `{variable}` names: {why}")]
    Authorities {
        /// The variable.
        variable: &'static str,
        /// The file.
        path: String,
        /// Reason.
        why: String,
    },
    /// The proxy is not usable. Its text is not repeated: it may hold a password.
    #[error("`{variable}` does not name a proxy: {why}")]
    Proxy {
        /// The variable.
        variable: &'static str,
        /// Reason.
        why: String,
    },
    /// TLS cannot be set up, as without any certificate authority.
    #[error("cannot set up TLS: {why}")]
    Tls {
        /// Reason.
        why: String,
    },
}

impl NetworkError {
    /// Returns how to mend it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Authorities { .. } => "name a readable file of certificates in the PEM format",
            Self::Proxy { .. } => "write it as `http://host:port`, or unset the variable",
            Self::Tls { .. } => {
                "install the system's certificate authorities, or name a file of them by \
                 `NATFORM_CA_FILE`"
            }
        }
    }
}

/// A transport to one service.
#[derive(Debug, Clone)]
pub struct Network {
    client: reqwest::Client,
    base: String,
    authority: String,
    longest_answer: usize,
}

impl Network {
    /// Creates a transport to `site`; connections are made when they are needed.
    pub fn new(
        site: &Site,
        settings: NetworkSettings,
        environment: &Environment,
    ) -> Result<Self, NetworkError> {
        install_provider();
        let mut builder = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .referer(false)
            .http1_only()
            .no_proxy()
            .connect_timeout(settings.connect_timeout)
            .pool_idle_timeout(IDLE_CONNECTION)
            .tcp_nodelay(true);
        if let Some(proxy) = proxy(site, environment)? {
            builder = builder.proxy(proxy);
        }
        builder = if site.secure {
            builder.tls_certs_merge(authorities(environment)?)
        } else {
            // Nothing is trusted where nothing is needed: the system's list is slow to read.
            builder.tls_certs_only([])
        };
        let client = builder.build().map_err(|error| NetworkError::Tls { why: causes(&error) })?;
        Ok(Self {
            client,
            base: site.to_string(),
            authority: site.authority(),
            longest_answer: settings.longest_answer,
        })
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| self.not_sent("the method is not one of HTTP"))?;
        let url = format!("{}{}", self.base, request.target);
        let mut outgoing = self.client.request(method, url);
        for (name, value) in &request.headers {
            outgoing = outgoing.header(name, value);
        }
        if !request.body.is_empty() {
            outgoing = outgoing.body(request.body);
        }
        let mut incoming = outgoing.send().await.map_err(|error| self.failure(&error))?;
        let status = incoming.status().as_u16();
        let headers = incoming
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let mut body = Vec::new();
        while let Some(part) = incoming.chunk().await.map_err(|error| self.failure(&error))? {
            if body.len() + part.len() > self.longest_answer {
                let why = format!("the answer is longer than {} bytes", self.longest_answer);
                return Err(self.no_answer(why));
            }
            body.extend_from_slice(&part);
        }
        Ok(HttpResponse { status, headers, body })
    }

    /// Judges a failure: all that happens before there is a connection (name, connection, TLS,
    /// the proxy's tunnel) means that nothing was sent.
    fn failure(&self, error: &reqwest::Error) -> TransportError {
        if error.is_connect() || error.is_builder() {
            self.not_sent(&causes(error))
        } else {
            self.no_answer(causes(error))
        }
    }

    fn not_sent(&self, why: &str) -> TransportError {
        TransportError::NotSent { host: self.authority.clone(), why: why.to_owned() }
    }

    fn no_answer(&self, why: String) -> TransportError {
        TransportError::NoAnswer { host: self.authority.clone(), why }
    }
}

impl Transport for Network {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        Box::pin(self.exchange(request))
    }
}

/// Makes ring the process's provider of cryptography, once; another that is there already stays.
fn install_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if rustls::crypto::ring::default_provider().install_default().is_err() {
            // Someone installed one before, which serves as well.
        }
    });
}

/// Returns the innermost causes of an error, never its URL, which has the signature.
fn causes(error: &reqwest::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = printable(&cause.to_string(), 200);
        if !text.is_empty() && !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = cause.source();
    }
    if parts.is_empty() {
        parts.push(if error.is_timeout() { "timed out" } else { "the exchange failed" }.to_owned());
    }
    parts.join(": ")
}

/// Returns the proxy for a site, if the environment names one that it does not except.
fn proxy(site: &Site, environment: &Environment) -> Result<Option<Proxy>, NetworkError> {
    if site.is_loopback() {
        return Ok(None);
    }
    // HTTP_PROXY in upper case can be set by whoever sends a request to a CGI program.
    let names: [&'static str; 4] = if site.secure {
        ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
    } else {
        ["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"]
    };
    let named = names.into_iter().find_map(|name| Some((name, environment.variable(name)?)));
    let Some((variable, text)) = named else { return Ok(None) };
    let proxy =
        Proxy::all(text).map_err(|error| NetworkError::Proxy { variable, why: causes(&error) })?;
    let except = environment.variable("NO_PROXY").or_else(|| environment.variable("no_proxy"));
    Ok(Some(proxy.no_proxy(except.and_then(NoProxy::from_string))))
}

/// Reads the certificate authorities that the environment names beside the system's.
fn authorities(environment: &Environment) -> Result<Vec<Certificate>, NetworkError> {
    let mut all = Vec::new();
    for variable in AUTHORITY_VARIABLES {
        let Some(path) = environment.variable(variable) else { continue };
        let failed =
            |why: String| NetworkError::Authorities { variable, path: path.to_owned(), why };
        let place = environment.working_directory.join(Path::new(path));
        let bytes = environment.files.read(&place).map_err(|error| failed(error.to_string()))?;
        let before = all.len();
        for certificate in CertificateDer::pem_slice_iter(&bytes).flatten() {
            // Bundles hold old certificates that cannot be used; as elsewhere they are passed over.
            if RootCertStore::empty().add(certificate.clone()).is_ok()
                && let Ok(certificate) = Certificate::from_der(&certificate)
            {
                all.push(certificate);
            }
        }
        if all.len() == before {
            return Err(failed("it holds no usable certificate".to_owned()));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
