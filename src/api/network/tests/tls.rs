//! Tests over TLS on loopback, with an authority of the tests' own.

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::super::*;
use crate::api::endpoint::Endpoint;
use crate::api::http::HttpRequest;
use crate::environment::MemoryFiles;

/// An authority that signed `CERTIFICATE` and nothing else, valid from 2000 to 2100.
const AUTHORITY: &str = "\
-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIBATAKBggqhkjOPQQDAjAhMR8wHQYDVQQDDBZuYXRmb3Jt
IHRlc3QgYXV0aG9yaXR5MCAXDTAwMDEwMTAwMDAwMFoYDzIxMDAwMTAxMDAwMDAw
WjAhMR8wHQYDVQQDDBZuYXRmb3JtIHRlc3QgYXV0aG9yaXR5MFkwEwYHKoZIzj0C
AQYIKoZIzj0DAQcDQgAE2cf2+R8W1nKdm/slNda+BSXzVRAe1narzxzKu0gndXVW
MYtE2rgvnzOV/oSFE9JZyqy5gfr08Qd/ZVSnU/7Y2aNCMEAwDwYDVR0TAQH/BAUw
AwEB/zAOBgNVHQ8BAf8EBAMCAgQwHQYDVR0OBBYEFKQsbUntw/9pHOdOFnMm+sTS
9GNDMAoGCCqGSM49BAMCA0gAMEUCIQChiEcPlxyFKL2ii6edwSvZH0rPI4BPVsif
+ChLswR45wIgLNB8pVczTd2pE7XZsnOhHgNFoTnxnkRxCSHOXOUqWXA=
-----END CERTIFICATE-----";

/// A certificate for `localhost` and `127.0.0.1`.
const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBpDCCAUqgAwIBAgIBAjAKBggqhkjOPQQDAjAhMR8wHQYDVQQDDBZuYXRmb3Jt
IHRlc3QgYXV0aG9yaXR5MCAXDTAwMDEwMTAwMDAwMFoYDzIxMDAwMTAxMDAwMDAw
WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAQfkuv77tiUyDaYsdfalzbS2QVZW2V7dhbmU06i6JRGWwgmNXozn763ZQADaqjh
5olTeZo8KhdZExc7MYneUF0jo34wfDAJBgNVHRMEAjAAMBoGA1UdEQQTMBGCCWxv
Y2FsaG9zdIcEfwAAATATBgNVHSUEDDAKBggrBgEFBQcDATAdBgNVHQ4EFgQUNamS
WnxcQB/nmQ8wZ0/LMqrogHMwHwYDVR0jBBgwFoAUpCxtSe3D/2kc504Wcyb6xNL0
Y0MwCgYIKoZIzj0EAwIDSAAwRQIhAJmMG93NmW75dqj7L66rCTGuYAXllFHU+T3H
B8jw16DJAiA3aFrHs/3wjN392levGWmFPoZqo3LEbYSRIGha67qgXg==
-----END CERTIFICATE-----";

/// Its key, which guards nothing.
const KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQguc3oKyjtRUJRy0ED
MbPgMALxTwJEQhp5w/5KGdrIdf+hRANCAAQfkuv77tiUyDaYsdfalzbS2QVZW2V7
dhbmU06i6JRGWwgmNXozn763ZQADaqjh5olTeZo8KhdZExc7MYneUF0j
-----END PRIVATE KEY-----";

/// Serves one connection over TLS and returns the address.
fn serve() -> (String, JoinHandle<()>) {
    install_provider();
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let connection = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        super::read_head(&mut stream);
        // A client that does not trust the certificate has gone.
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap_or_default();
    });
    (format!("https://localhost:{port}"), server)
}

async fn exchange(authority: Option<&str>) -> Result<HttpResponse, TransportError> {
    let (url, server) = serve();
    let mut environment = super::environment(&[("NATFORM_CA_FILE", "authority.pem")]);
    let mut files = MemoryFiles::default();
    if let Some(authority) = authority {
        let place = environment.working_directory.join("authority.pem");
        files.0.insert(place, authority.as_bytes().to_vec());
    } else {
        environment.variables = Arc::default();
    }
    environment.files = Arc::new(files);
    let endpoint = Endpoint::parse(&url, false).unwrap();
    let site = endpoint.site().unwrap();
    let network = Network::new(site, NetworkSettings::default(), &environment);
    // A machine without any authority cannot even set up TLS; what is asked here is the same.
    let outcome = match network {
        Err(error) => Err(TransportError::NotSent { host: url, why: error.to_string() }),
        Ok(network) => {
            let request = HttpRequest {
                method: "GET".to_owned(),
                target: "/".to_owned(),
                headers: Vec::new(),
                body: Vec::new(),
            };
            network.send(request).await
        }
    };
    drop(server);
    outcome
}

#[tokio::test]
async fn an_authority_that_the_environment_names_is_trusted() {
    let answer = exchange(Some(AUTHORITY)).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"{}".as_slice()));
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_stops_the_request_before_it_is_sent() {
    let error = exchange(None).await.unwrap_err();
    assert!(matches!(error, TransportError::NotSent { .. }), "{error}");
}
