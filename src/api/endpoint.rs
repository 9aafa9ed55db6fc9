//! Which service: the embedded emulator, a server by its URL, or the real one, and the order in
//! which the places that may name it are asked.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use crate::environment::Environment;

/// The word that names the embedded emulator.
pub const EMULATOR: &str = "emulator";

/// The variable that names the endpoint.
pub const ENDPOINT_VARIABLE: &str = "NATFORM_ENDPOINT";

/// The regions that the service's central host serves; every other region has a host of its own.
const CENTRAL_REGIONS: [&str; 9] = [
    "cn-qingdao",
    "cn-beijing",
    "cn-hangzhou",
    "cn-shanghai",
    "cn-shenzhen",
    "cn-hongkong",
    "ap-southeast-1",
    "us-east-1",
    "us-west-1",
];

/// The service that calls go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// The emulator within this process.
    Embedded,
    /// Someone's server.
    Server(Site),
    /// Alibaba Cloud.
    Real(Site),
}

impl Endpoint {
    /// Returns where the service is on the network; none for the embedded emulator.
    pub fn site(&self) -> Option<&Site> {
        match self {
            Self::Embedded => None,
            Self::Server(site) | Self::Real(site) => Some(site),
        }
    }

    /// Returns the real service's endpoint for a region.
    pub fn real(region: &str) -> Result<Self, EndpointError> {
        if region.is_empty() {
            return Err(EndpointError::NoRegion);
        }
        let plain = region.len() <= 40
            && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !plain || region.starts_with('-') || region.ends_with('-') {
            return Err(EndpointError::Region { region: region.to_owned() });
        }
        let central = CENTRAL_REGIONS.contains(&region)
            || region.contains("-finance")
            || region.contains("-gov-");
        let host = if central {
            "vpc.aliyuncs.com".to_owned()
        } else {
            format!("vpc.{region}.aliyuncs.com")
        };
        Ok(Self::Real(Site { secure: true, host, port: 443, path: String::new() }))
    }

    /// Parses an endpoint as users write it: `emulator`, a URL, or a host with or without a port.
    /// Without a scheme it is HTTPS, or HTTP on loopback.
    ///
    /// Plain HTTP leaves this machine only with `allow_http`.
    pub fn parse(text: &str, allow_http: bool) -> Result<Self, EndpointError> {
        let trimmed = text.trim();
        if trimmed == EMULATOR {
            return Ok(Self::Embedded);
        }
        let malformed = |why: &str| EndpointError::Malformed {
            text: without_user(trimmed),
            why: why.to_owned(),
        };
        if trimmed.is_empty() {
            return Err(malformed("it is empty"));
        }
        let read = |full: &str| {
            let url = Url::parse(full).map_err(|error| malformed(&error.to_string()))?;
            Site::of(&url).map_err(malformed)
        };
        let site = if trimmed.contains("://") {
            read(trimmed)?
        } else {
            let guessed = read(&format!("https://{trimmed}"))?;
            if guessed.is_loopback() { read(&format!("http://{trimmed}"))? } else { guessed }
        };
        if !site.secure && !site.is_loopback() && !allow_http {
            return Err(EndpointError::PlainHttp { host: site.host });
        }
        Ok(if site.is_alibaba() { Self::Real(site) } else { Self::Server(site) })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.site() {
            None => formatter.write_str(EMULATOR),
            Some(site) => site.fmt(formatter),
        }
    }
}

/// A place on the network; prints as its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Whether it is reached by HTTPS.
    pub secure: bool,
    /// Name or address; an IPv6 address stands in brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path before the service's own `/`, without a slash at its end; usually empty.
    pub path: String,
}

impl Site {
    fn of(url: &Url) -> Result<Self, &'static str> {
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err("its scheme is neither `https` nor `http`"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it holds credentials, which do not belong there");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("it has a query or a fragment");
        }
        Ok(Self {
            secure,
            host: url.host_str().ok_or("it has no host")?.trim_end_matches('.').to_owned(),
            port: url.port_or_known_default().ok_or("it has no port")?,
            path: url.path().trim_end_matches('/').to_owned(),
        })
    }

    /// Returns whether this machine itself is meant.
    pub fn is_loopback(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        match host.parse::<IpAddr>() {
            Ok(address) => {
                let address = address.to_canonical();
                // An unspecified address reaches this machine when it is connected to.
                address.is_loopback() || address.is_unspecified()
            }
            Err(_) => host.eq_ignore_ascii_case("localhost"),
        }
    }

    /// Returns whether the host is Alibaba Cloud's.
    pub fn is_alibaba(&self) -> bool {
        self.host == "aliyuncs.com" || self.host.ends_with(".aliyuncs.com")
    }

    /// Returns host and port for messages; the port only if it is not the scheme's own.
    pub fn authority(&self) -> String {
        if self.port == if self.secure { 443 } else { 80 } {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(formatter, "{scheme}://{}{}", self.authority(), self.path)
    }
}

/// Which place named the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointSource {
    /// The flag `-endpoint`.
    Flag,
    /// The variable `NATFORM_ENDPOINT`.
    Variable,
    /// The provider block.
    Provider,
    /// Nothing: the real service of the region.
    Region,
}

/// What the places that may name the endpoint say, but for the environment.
#[derive(Debug, Clone, Copy, Default)]
pub struct EndpointChoice<'a> {
    /// The flag `-endpoint`.
    pub flag: Option<&'a str>,
    /// `endpoint` of the provider block.
    pub provider: Option<&'a str>,
    /// `region` of the provider block, or empty.
    pub region: &'a str,
    /// Whether plain HTTP may leave this machine.
    pub allow_http: bool,
}

/// Resolves the endpoint: the flag, then the variable, then the provider block, then the real
/// service of the region.
pub fn resolve(
    choice: EndpointChoice<'_>,
    environment: &Environment,
) -> Result<(Endpoint, EndpointSource), EndpointError> {
    let named = [
        (choice.flag, EndpointSource::Flag),
        (environment.variable(ENDPOINT_VARIABLE), EndpointSource::Variable),
        (choice.provider, EndpointSource::Provider),
    ];
    match named.into_iter().find_map(|(text, source)| Some((text?, source))) {
        Some((text, source)) => Ok((Endpoint::parse(text, choice.allow_http)?, source)),
        None => Ok((Endpoint::real(choice.region)?, EndpointSource::Region)),
    }
}

/// Why there is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The text is no endpoint.
    #[error("`{text}` is not an endpoint: {why}")]
    Malformed {
        /// The text, without credentials.
        text: String,
        /// Reason.
        why: String,
    },
    /// Plain HTTP to another machine.
    #[error("plain HTTP to `{host}` would show every request to the network between")]
    PlainHttp {
        /// Host.
        host: String,
    },
    /// No region, where one names the host.
    #[error("no region is set, and no endpoint")]
    NoRegion,
    /// A text that cannot be a region.
    #[error("`{region}` is not a region")]
    Region {
        /// The text.
        region: String,
    },
}

impl EndpointError {
    /// Returns how to mend it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => {
                "write `emulator` for the built-in one, or a URL such as `https://host:8900`"
            }
            Self::PlainHttp { .. } => {
                "use `https://`, or allow plain HTTP for this host by `-allow-http`"
            }
            Self::NoRegion | Self::Region { .. } => {
                "set `region` in the provider block, such as `cn-hangzhou`"
            }
        }
    }
}

/// Returns a text without what stands before an `@`, which may be a password.
fn without_user(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let variables: BTreeMap<String, String> =
            variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Environment { variables: Arc::new(variables), ..Environment::real() }
    }

    fn shown(text: &str) -> String {
        match Endpoint::parse(text, false) {
            Ok(Endpoint::Embedded) => "embedded".to_owned(),
            Ok(Endpoint::Server(site)) => format!("server {site}"),
            Ok(Endpoint::Real(site)) => format!("real {site}"),
            Err(error) => format!("{error}"),
        }
    }

    #[test]
    fn endpoints_are_read_as_users_write_them() {
        for (text, expected) in [
            ("emulator", "embedded"),
            ("http://127.0.0.1:8900", "server http://127.0.0.1:8900"),
            ("http://127.0.0.1:8900/", "server http://127.0.0.1:8900"),
            ("127.0.0.1:8900", "server http://127.0.0.1:8900"),
            ("localhost:443", "server http://localhost:443"),
            ("localhost", "server http://localhost"),
            ("http://[::1]:8900", "server http://[::1]:8900"),
            ("http://0.0.0.0:8900", "server http://0.0.0.0:8900"),
            ("nat.example.com", "server https://nat.example.com"),
            ("nat.example.com:8443/nat/", "server https://nat.example.com:8443/nat"),
            ("https://VPC.aliyuncs.com", "real https://vpc.aliyuncs.com"),
            ("https://vpc.cn-chengdu.aliyuncs.com/", "real https://vpc.cn-chengdu.aliyuncs.com"),
            ("https://aliyuncs.com.example", "server https://aliyuncs.com.example"),
            ("https://evil-aliyuncs.com", "server https://evil-aliyuncs.com"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for text in [
            "",
            " ",
            "ftp://example.com",
            "https://",
            "https://user:hunter2@example.com",
            "https://example.com/?a=b",
            "https://example.com/#a",
            "https://example.com:99999",
        ] {
            let error = Endpoint::parse(text, true).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
            assert!(!error.advice().is_empty());
        }
    }

    #[test]
    fn plain_http_stays_on_this_machine_unless_allowed() {
        for text in ["http://nat.example.com", "http://vpc.aliyuncs.com", "http://127.0.0.1.nip.io"]
        {
            let refused = Endpoint::parse(text, false);
            assert!(matches!(refused, Err(EndpointError::PlainHttp { .. })), "{text}");
            assert!(Endpoint::parse(text, true).is_ok());
        }
    }

    #[test]
    fn regions_lead_to_the_real_service_and_nowhere_else() {
        for (region, host) in [
            ("cn-hangzhou", "https://vpc.aliyuncs.com"),
            ("cn-chengdu", "https://vpc.cn-chengdu.aliyuncs.com"),
            ("ap-south-1", "https://vpc.ap-south-1.aliyuncs.com"),
            ("cn-beijing-gov-1", "https://vpc.aliyuncs.com"),
        ] {
            assert_eq!(Endpoint::real(region).unwrap().to_string(), host);
        }
        for region in ["", "evil.example/", "a.b", "cn_hangzhou", "-a", "CN", "a@b"] {
            assert!(Endpoint::real(region).is_err(), "{region}");
        }
    }

    #[test]
    fn the_nearest_place_names_the_endpoint() {
        let variable = environment(&[(ENDPOINT_VARIABLE, "https://variable.example")]);
        let bare = environment(&[(ENDPOINT_VARIABLE, "")]);
        let all = EndpointChoice {
            flag: Some("https://flag.example"),
            provider: Some(EMULATOR),
            region: "cn-hangzhou",
            allow_http: false,
        };
        let without_flag = EndpointChoice { flag: None, ..all };
        let region_only = EndpointChoice { provider: None, ..without_flag };
        for (choice, environment, expected, source) in [
            (all, &variable, "https://flag.example", EndpointSource::Flag),
            (without_flag, &variable, "https://variable.example", EndpointSource::Variable),
            (without_flag, &bare, "emulator", EndpointSource::Provider),
            (region_only, &bare, "https://vpc.aliyuncs.com", EndpointSource::Region),
        ] {
            let (endpoint, from) = resolve(choice, environment).unwrap();
            assert_eq!((endpoint.to_string().as_str(), from), (expected, source));
        }
        assert_eq!(resolve(EndpointChoice::default(), &bare), Err(EndpointError::NoRegion));
    }
}
