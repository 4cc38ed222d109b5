//! CredSSP (MS-CSSP): inside TLS of its own, which the tokens carry, both sides prove by NTLM that they
//! know the password and that nobody stands between; then the server is given the password, and can go
//! on to its partner with it.
//!
//! It goes over HTTPS alone. Any member of a domain can have NTLM answers looked at, so that without a
//! certificate that is verified the password might be handed to a wrong one.

use std::io::{self, Read, Write};
use std::sync::Arc;

use async_trait::async_trait;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use secrecy::{ExposeSecret, SecretString};
use sspi::credssp::{ClientMode, ClientState, CredSspClient, CredSspMode, TsRequest};
use sspi::generator::GeneratorState;
use sspi::ntlm::NtlmConfig;
use sspi::{AuthIdentity, Credentials, Username};

use super::{About, Failure, HttpScheme, SecurityContext, Step, native};
use crate::backend::http;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::Foreign;

/// More than all that a server says in a step.
const LONGEST: u64 = 256 * 1024;

/// A context that ends in the server's having the password.
pub(super) struct CredSsp {
    tls: ClientConnection,
    identity: AuthIdentity,
    target: String,
    /// Whom a refusal is about.
    who: String,
    stage: Stage,
    has_shown_password: bool,
}

enum Stage {
    /// TLS is not yet agreed upon.
    Handshake,
    /// Requests and answers of CredSSP inside TLS.
    Proof(Box<CredSspClient>),
    /// The server has the password.
    Done,
}

impl CredSsp {
    pub(super) fn new(username: Username, password: &SecretString, setting: native::Setting) -> Result<Self> {
        let provider = Arc::new(ring::default_provider());
        // one of 1.3 may end its handshake without a word, and the server is to have the last one
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS12])
            .map_err(|error| local(&error))?
            .dangerous()
            // what follows is bound to the key of the certificate, and the way there has TLS of its own
            .with_custom_certificate_verifier(http::any_owner(provider))
            .with_no_client_auth();
        let name = ServerName::try_from("server").map_err(|error| local(&error))?;
        let tls = ClientConnection::new(Arc::new(config), name).map_err(|error| local(&error))?;
        let identity = AuthIdentity { username, password: password.expose_secret().to_owned().into() };
        let native::Setting { target, who, .. } = setting;
        Ok(CredSsp { tls, identity, target, who, stage: Stage::Handshake, has_shown_password: false })
    }

    /// What the server said inside TLS.
    fn read(&mut self, mut token: &[u8]) -> Result<Vec<u8>> {
        while !token.is_empty() {
            self.tls.read_tls(&mut token).map_err(|error| garbled(&error))?;
            self.tls.process_new_packets().map_err(|error| garbled(&error))?;
        }
        let mut plain = Vec::new();
        match self.tls.reader().take(LONGEST).read_to_end(&mut plain) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(garbled(&error)),
            _ => Ok(plain),
        }
    }

    /// What TLS has for the server.
    fn pending(&mut self) -> Result<Vec<u8>> {
        let mut token = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut token).map_err(|error| garbled(&error))?;
        }
        Ok(token)
    }

    /// A request of CredSSP as it travels inside TLS.
    fn write(&mut self, request: &TsRequest) -> Result<()> {
        let mut bytes = Vec::new();
        request.encode_ts_request(&mut bytes).map_err(|error| local(&error))?;
        self.tls.writer().write_all(&bytes).map_err(|error| local(&error))
    }

    fn begin(&self) -> Result<Box<CredSspClient>> {
        let certificate = self.tls.peer_certificates().and_then(<[_]>::first);
        let key = certificate.and_then(|certificate| http::public_key(certificate));
        let key = key.ok_or_else(|| garbled(&"its certificate has no key"))?;
        let client = CredSspClient::new(
            key,
            Credentials::AuthIdentity(self.identity.clone()),
            CredSspMode::WithCredentials,
            ClientMode::Ntlm(NtlmConfig::new(native::MACHINE.to_owned())),
            self.target.clone(),
        );
        client.map(Box::new).map_err(|error| local(&error))
    }
}

#[async_trait]
impl SecurityContext for CredSsp {
    async fn step(&mut self, token: &[u8]) -> std::result::Result<Step, Failure> {
        let said = self.read(token)?;
        if self.tls.is_handshaking() {
            return Ok(Step { token: Some(self.pending()?), is_complete: false });
        }
        let (mut client, answer, is_first) = match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Handshake => (self.begin()?, TsRequest::default(), true),
            Stage::Proof(client) => {
                native::strong_enough(&said)?;
                (client, TsRequest::from_buffer(&said).map_err(|error| garbled(&error))?, false)
            }
            Stage::Done => return Ok(Step { token: None, is_complete: true }),
        };
        let state = match client.process(answer).start() {
            GeneratorState::Completed(state) => state,
            GeneratorState::Suspended(_) => return Err(garbled(&"it leads to a third machine").into()),
        };
        let state = state.map_err(|error| Failure {
            // it says so after it has looked at the password
            about: if !is_first && error.nstatus.is_some() { About::Password } else { About::Proof },
            ..native::explain(&error, &self.who)
        })?;
        let (request, is_complete) = match state {
            ClientState::ReplyNeeded(request) => {
                self.stage = Stage::Proof(client);
                (request, false)
            }
            ClientState::FinalMessage(request) => (request, true),
        };
        self.write(&request)?;
        self.has_shown_password |= !is_first;
        Ok(Step { token: Some(self.pending()?), is_complete })
    }

    fn wrap(&mut self, _plain: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
        Err(Error::new(ErrorKind::Unsupported, "CredSSP goes over https, where nothing is sealed"))
    }

    fn unwrap(&mut self, _header: &[u8], _data: &[u8]) -> Result<Vec<u8>> {
        Err(Error::new(ErrorKind::Garbled, "what the server says is sealed, and nothing was agreed upon"))
    }

    fn has_shown_password(&self) -> bool {
        self.has_shown_password
    }

    fn scheme(&self) -> HttpScheme {
        HttpScheme::CredSsp
    }

    fn mechanism(&self) -> String {
        "CredSSP (NTLM)".to_owned()
    }
}

fn local(error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Local, format!("CredSSP could not be set up: {error}"))
}

fn garbled(error: &dyn std::fmt::Display) -> Error {
    let said = Foreign::from(error.to_string());
    Error::new(ErrorKind::Garbled, format!("what the server says is no CredSSP: {said}"))
        .hint("its event log may say more; CredSSP has to be allowed there (Enable-WSManCredSSP -Role Server)")
}
