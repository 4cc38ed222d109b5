//! TLS: which certificates are taken for the server's own, and the one that we show.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};

use super::certificate::Certificate;
use crate::backend::web::{Identity, Pin, Trust};
use crate::engine::{Error, ErrorKind, Result};

/// Why a certificate was not taken, and which one it is.
#[derive(Debug)]
pub(super) struct Distrusted {
    pub(super) pin: Pin,
    pub(super) why: Why,
}

#[derive(Debug)]
pub(super) enum Why {
    /// It is not the pinned one.
    NotPinned(Pin),
    /// The usual checks failed.
    Invalid(CertificateError),
}

impl fmt::Display for Distrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "certificate {} was not taken", self.pin)
    }
}

impl std::error::Error for Distrusted {}

/// A certificate that a server showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) pin: Pin,
    /// What it says of itself.
    pub(super) certificate: Option<Certificate>,
    /// It was taken for the server's own.
    pub(super) taken: bool,
}

/// The certificate that was shown last.
#[derive(Debug, Default)]
pub(super) struct LastSeen(Mutex<Option<Seen>>);

impl LastSeen {
    pub(super) fn last(&self) -> Option<Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, seen: Seen) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
    }
}

/// Reads what is needed and puts it together. What the server shows is kept in `seen`.
///
/// # Errors
/// [`ErrorKind::Local`]: a file cannot be read or holds something else.
pub(super) async fn config(
    trust: &Trust,
    identity: Option<&Identity>,
    seen: &Arc<LastSeen>,
) -> Result<Arc<ClientConfig>> {
    let (trust, identity, seen) = (trust.clone(), identity.cloned(), seen.clone());
    let built = tokio::task::spawn_blocking(move || build(&trust, identity.as_ref(), seen));
    built.await.unwrap_or_else(|broken| Err(local(format!("TLS could not be set up: {broken}"))))
}

fn build(trust: &Trust, identity: Option<&Identity>, seen: Arc<LastSeen>) -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(ring::default_provider());
    let rule = match trust {
        Trust::System => Rule::Authorities(verifier(system_roots()?, &provider)?),
        Trust::Authority(path) => Rule::Authorities(verifier(roots(path)?, &provider)?),
        Trust::Pin(pin) => Rule::Pin(*pin),
        Trust::Anything => Rule::Anything,
    };
    let judge = Arc::new(Judge { rule, provider: provider.clone(), seen });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| local(format!("TLS could not be set up: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(judge);
    let config = match identity {
        None => config.with_no_client_auth(),
        Some(Identity { certificate, key }) => {
            let chain = certificates(certificate, "tls_cert")?;
            let secret = private_key(key)?;
            config.with_client_auth_cert(chain, secret).map_err(|error| {
                let (certificate, key) = (certificate.display(), key.display());
                local(format!("the certificate {certificate} cannot be used with the key {key}: {error}"))
                    .hint("tls_key must be the private key of tls_cert")
            })?
        }
    };
    Ok(Arc::new(config))
}

fn verifier(roots: RootCertStore, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| local(format!("TLS could not be set up: {error}")))
}

fn system_roots() -> Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (taken, _) = roots.add_parsable_certificates(found.certs);
    if taken == 0 {
        return Err(local("this machine trusts no certificate authority".to_owned())
            .hint("install the package ca-certificates, or give the server's authority in tls_ca"));
    }
    Ok(roots)
}

fn roots(path: &Path) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, "tls_ca")? {
        roots.add(certificate).map_err(|error| {
            local(format!("a certificate in {} cannot be used as an authority: {error}", path.display()))
                .hint("tls_ca is a PEM file with the certificate of the authority")
        })?;
    }
    Ok(roots)
}

fn certificates(path: &Path, key: &str) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| {
        local(format!("the certificates in {} cannot be read: {error}", path.display()))
            .hint(format!("{key} in the configuration names the file; it must be PEM text"))
    })?;
    if certificates.is_empty() {
        return Err(local(format!("there is no certificate in {}", path.display()))
            .hint(format!("{key} needs PEM text: -----BEGIN CERTIFICATE-----")));
    }
    Ok(certificates)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| {
        let what = match error {
            rustls::pki_types::pem::Error::Io(error) => format!("the key {} cannot be read: {error}", path.display()),
            // what stands in the file is not repeated
            _ => format!("there is no private key that can be read in {}", path.display()),
        };
        local(what).hint("tls_key is a PEM file with a private key that is not encrypted")
    })
}

fn local(what: String) -> Error {
    Error::new(ErrorKind::Local, what)
}

/// Takes any certificate, of which the server proves to have the key.
pub fn any_owner(provider: Arc<CryptoProvider>) -> Arc<dyn ServerCertVerifier> {
    Arc::new(Judge { rule: Rule::Anything, provider, seen: Arc::default() })
}

/// Judges the server's certificate, whose key it has to prove under every rule: authentication may be bound to it.
#[derive(Debug)]
struct Judge {
    rule: Rule,
    provider: Arc<CryptoProvider>,
    seen: Arc<LastSeen>,
}

#[derive(Debug)]
enum Rule {
    Authorities(Arc<WebPkiServerVerifier>),
    Pin(Pin),
    Anything,
}

impl Judge {
    fn judge(
        &self,
        pin: Pin,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let why = match &self.rule {
            Rule::Anything => return Ok(ServerCertVerified::assertion()),
            Rule::Pin(wanted) if *wanted == pin => return Ok(ServerCertVerified::assertion()),
            Rule::Pin(wanted) => Why::NotPinned(*wanted),
            Rule::Authorities(usual) => {
                match usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
                    Err(rustls::Error::InvalidCertificate(why)) => Why::Invalid(why),
                    other => return other,
                }
            }
        };
        let distrusted = OtherError(Arc::new(Distrusted { pin, why }));
        Err(rustls::Error::InvalidCertificate(CertificateError::Other(distrusted)))
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let pin = Pin(Sha256::digest(end_entity).into());
        let verdict = self.judge(pin, end_entity, intermediates, server_name, ocsp_response, now);
        let certificate = Certificate::read(end_entity);
        self.seen.remember(Seen { pin, certificate, taken: verdict.is_ok() });
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
