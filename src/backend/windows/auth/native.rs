//! Contexts without the system's libraries, by the crate `sspi`. It does what it is told and little
//! more: what a context must not fall short of is looked at here.

use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use sspi::builders::FilledInitializeSecurityContext;
use sspi::generator::GeneratorState;
use sspi::ntlm::NtlmConfig;
use sspi::{
    AuthIdentity, AuthIdentityBuffers, BufferType, ClientRequestFlags, CredentialsBuffers, DataRepresentation,
    EncryptionFlags, Kerberos, KerberosConfig, Negotiate, NegotiateConfig, Ntlm, SecurityBuffer, SecurityBufferRef,
    SecurityStatus, Sspi, SspiImpl, Username,
};

use super::identity::Client;
use super::{About, Failure, HttpScheme, NoKerberos, SecurityContext, Step, kdc};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::Foreign;

/// The name of this machine in messages: nothing depends on it.
pub(super) const MACHINE: &str = "SCOPESYNC";

/// What every context is told.
pub(super) struct Setting {
    /// The service's principal name.
    pub(super) target: String,
    /// What is said will be sealed.
    pub(super) seals: bool,
    /// The bindings to the TLS channel.
    pub(super) bindings: Option<Vec<u8>>,
    /// For each answer of a key distribution centre.
    pub(super) patience: Duration,
    /// Whom a refusal is about.
    pub(super) who: String,
}

/// A mechanism of the crate.
trait Mechanism: Sspi + SspiImpl<CredentialsHandle: Send> + Send {
    const SCHEME: HttpScheme;

    fn is_kerberos(&self) -> bool;

    fn words(&self) -> String {
        if self.is_kerberos() { "Kerberos" } else { "NTLM" }.to_owned()
    }
}

impl Mechanism for Ntlm {
    const SCHEME: HttpScheme = HttpScheme::Negotiate;

    fn is_kerberos(&self) -> bool {
        false
    }
}

impl Mechanism for Kerberos {
    const SCHEME: HttpScheme = HttpScheme::Kerberos;

    fn is_kerberos(&self) -> bool {
        true
    }
}

impl Mechanism for Negotiate {
    const SCHEME: HttpScheme = HttpScheme::Negotiate;

    fn is_kerberos(&self) -> bool {
        self.negotiated_protocol().is_kerberos()
    }

    fn words(&self) -> String {
        format!("Negotiate ({})", if self.is_kerberos() { "Kerberos" } else { "NTLM" })
    }
}

/// NTLM alone (MS-NLMP).
pub(super) fn ntlm(user: Username, password: &SecretString, setting: Setting) -> Result<Box<dyn SecurityContext>> {
    let mechanism = Ntlm::with_config(NtlmConfig::new(MACHINE.to_owned()));
    Ok(Box::new(Native::new(mechanism, Some(identity(user, password)), setting, None)))
}

/// Kerberos alone (RFC 4121).
pub(super) fn kerberos(client: Client, password: &SecretString, setting: Setting) -> Result<Box<dyn SecurityContext>> {
    let mechanism = Kerberos::new_client_from_config(centre(&client)).map_err(|error| local(&error))?;
    let credentials = CredentialsBuffers::AuthIdentity(identity(client.name, password));
    Ok(Box::new(Native::new(mechanism, Some(credentials), setting, None)))
}

/// SPNEGO (RFC 4178, MS-SPNG): with Kerberos where there is a client of it, and else NTLM, with
/// the reason.
pub(super) fn negotiate(
    who: std::result::Result<(Client, Username), (NoKerberos, Username)>,
    password: &SecretString,
    setting: Setting,
) -> Result<Box<dyn SecurityContext>> {
    let credentials = |user| Some(CredentialsBuffers::AuthIdentity(identity(user, password)));
    let (config, user, as_ntlm, no_kerberos) = match who {
        Ok((client, as_ntlm)) => {
            let packages = Some("kerberos,ntlm".to_owned());
            let config = NegotiateConfig::new(Box::new(centre(&client)), packages, MACHINE.to_owned());
            (config, client.name, Some(credentials(as_ntlm)), None)
        }
        Err((none, user)) => {
            let ntlm = NtlmConfig::new(MACHINE.to_owned());
            let config = NegotiateConfig::new(Box::new(ntlm), Some("ntlm".to_owned()), MACHINE.to_owned());
            (config, user, None, Some(none))
        }
    };
    let mechanism = Negotiate::new_client(config).map_err(|error| local(&error))?;
    Ok(Box::new(Native { as_ntlm, ..Native::new(mechanism, credentials(user), setting, no_kerberos) }))
}

fn identity(username: Username, password: &SecretString) -> AuthIdentityBuffers {
    AuthIdentity { username, password: password.expose_secret().to_owned().into() }.into()
}

fn centre(client: &Client) -> KerberosConfig {
    KerberosConfig::new_with_kdc_url(&format!("tcp://{}", client.kdc), MACHINE.to_owned())
}

/// A context with a mechanism of the crate.
struct Native<M: Mechanism> {
    mechanism: M,
    credentials: M::CredentialsHandle,
    setting: Setting,
    /// Why it is not Kerberos, where that was wanted.
    no_kerberos: Option<NoKerberos>,
    /// The account as NTLM names it, until it takes the place of Kerberos.
    as_ntlm: Option<M::CredentialsHandle>,
    has_shown_password: bool,
    /// The number of the last message that Kerberos opened.
    opened: Option<u64>,
    is_complete: bool,
}

impl<M: Mechanism> Native<M> {
    fn new(mechanism: M, credentials: M::CredentialsHandle, setting: Setting, no_kerberos: Option<NoKerberos>) -> Self {
        Native {
            mechanism,
            credentials,
            setting,
            no_kerberos,
            as_ntlm: None,
            has_shown_password: false,
            opened: None,
            is_complete: false,
        }
    }

    async fn advance(&mut self, token: &[u8], output: &mut [SecurityBuffer]) -> sspi::Result<SecurityStatus> {
        let mut input = vec![SecurityBuffer::new(token.to_vec(), BufferType::Token)];
        // of Kerberos, MIT's acceptors refuse them as the crate puts them, and none are needed by default
        if let Some(bindings) = self.setting.bindings.as_ref().filter(|_| !self.mechanism.is_kerberos()) {
            input.push(SecurityBuffer::new(bindings.clone(), BufferType::ChannelBindings));
        }
        let flags = ClientRequestFlags::INTEGRITY
            | ClientRequestFlags::CONFIDENTIALITY
            | ClientRequestFlags::MUTUAL_AUTH
            | ClientRequestFlags::REPLAY_DETECT
            | ClientRequestFlags::SEQUENCE_DETECT
            | ClientRequestFlags::ALLOCATE_MEMORY;
        let Native { mechanism, credentials, setting, no_kerberos, .. } = self;
        let mut request: FilledInitializeSecurityContext<'_, '_, M::CredentialsHandle> = mechanism
            .initialize_security_context()
            .with_credentials_handle(credentials)
            .with_context_requirements(flags)
            .with_target_data_representation(DataRepresentation::Native)
            .with_target_name(&setting.target)
            .with_input(&mut input)
            .with_output(output);
        let mut work = mechanism.initialize_security_context_impl(&mut request)?;
        let mut state = work.start();
        loop {
            match state {
                GeneratorState::Completed(outcome) => return Ok(outcome?.status),
                GeneratorState::Suspended(question) => {
                    let host = question.url.host_str().unwrap_or_default();
                    // of an address of IPv6
                    let host = host.trim_start_matches('[').trim_end_matches(']');
                    let port = question.url.port().unwrap_or(kdc::PORT);
                    let answer = kdc::ask(host, port, &question.data, setting.patience).await;
                    state = work.resume(answer.map_err(|why| {
                        *no_kerberos = Some(NoKerberos { why: Foreign::cleaned(&why), cure: Some(NO_CENTRE) });
                        sspi::Error::new(sspi::ErrorKind::NoAuthenticatingAuthority, why)
                    }));
                }
            }
        }
    }
}

#[async_trait]
impl<M: Mechanism> SecurityContext for Native<M> {
    async fn step(&mut self, token: &[u8]) -> std::result::Result<Step, Failure> {
        if self.setting.seals {
            strong_enough(token)?;
        }
        let mut output = [SecurityBuffer::new(Vec::new(), BufferType::Token)];
        let status = self.advance(token, &mut output).await;
        let status = status.map_err(|error| explain(&error, &self.setting.who))?;
        self.is_complete = status == SecurityStatus::Ok;
        let is_kerberos = self.mechanism.is_kerberos();
        self.has_shown_password |= !is_kerberos && challenge_in(token).is_some();
        if let Some(as_ntlm) = self.as_ntlm.take_if(|_| !is_kerberos) {
            // before the challenge, of which the answer names the account
            self.credentials = as_ntlm;
            self.no_kerberos.get_or_insert_with(|| match token {
                [] => NoKerberos {
                    why: format!("the key distribution centre gave no ticket for {}", self.setting.target),
                    cure: Some("write the name that the domain knows the server by as host, and see spn_service"),
                },
                _ => NoKerberos {
                    why: "the server chose NTLM".to_owned(),
                    cure: Some("allow Kerberos on the server (winrm get winrm/config/service/auth)"),
                },
            });
        }
        let [SecurityBuffer { buffer, .. }] = output;
        Ok(Step { token: (!buffer.is_empty()).then_some(buffer), is_complete: self.is_complete })
    }

    fn wrap(&mut self, plain: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
        if !self.is_complete {
            return Err(Error::new(ErrorKind::Local, "nothing can be sealed yet"));
        }
        let sizes = self.mechanism.query_context_sizes().map_err(|error| local(&error))?;
        let mut header = vec![0; usize::try_from(sizes.security_trailer).unwrap_or_default()];
        let mut data = plain.to_vec();
        let mut buffers = [SecurityBufferRef::token_buf(&mut header), SecurityBufferRef::data_buf(&mut data)];
        self.mechanism.encrypt_message(EncryptionFlags::empty(), &mut buffers).map_err(|error| local(&error))?;
        let [header_length, data_length] = buffers.map(|buffer| buffer.buf_len());
        header.truncate(header_length);
        data.truncate(data_length);
        Ok((header, data))
    }

    fn unwrap(&mut self, header: &[u8], data: &[u8]) -> Result<Vec<u8>> {
        let sealed = header.len() + data.len();
        let fits = if self.mechanism.is_kerberos() { is_sealed_by_kerberos(header, sealed) } else { sealed >= 16 };
        if !self.is_complete || !fits {
            return Err(Error::new(ErrorKind::Garbled, "what the server says was not sealed as agreed"));
        }
        if self.mechanism.is_kerberos() {
            let number = number_of(header);
            if number <= self.opened {
                return Err(Error::new(ErrorKind::Garbled, "what the server says was said before"));
            }
            self.opened = number;
        }
        let mut header = header.to_vec();
        let mut data = data.to_vec();
        let mut buffers = [SecurityBufferRef::token_buf(&mut header), SecurityBufferRef::data_buf(&mut data)];
        self.mechanism.decrypt_message(&mut buffers).map_err(|error| {
            let why = Foreign::from(error.description);
            Error::new(ErrorKind::Garbled, format!("what the server says was changed on its way: {why}"))
                .hint("somebody may stand between; or a device on the way changes what it carries")
        })?;
        Ok(buffers[1].data().to_vec())
    }

    fn has_shown_password(&self) -> bool {
        self.has_shown_password
    }

    fn scheme(&self) -> HttpScheme {
        M::SCHEME
    }

    fn mechanism(&self) -> String {
        self.mechanism.words()
    }

    fn no_kerberos(&self) -> Option<&NoKerberos> {
        self.no_kerberos.as_ref().filter(|_| !self.mechanism.is_kerberos())
    }
}

/// Refuses a challenge of NTLM (MS-NLMP 2.2.1.2), bare or in SPNEGO, that would seal with less than
/// everything: what the server leaves out, the crate does without.
pub(super) fn strong_enough(token: &[u8]) -> Result<()> {
    const NEEDED: [(u32, &str); 5] = [
        (0x4000_0000, "key exchange"),
        (0x2000_0000, "keys of 128 bits"),
        (0x0008_0000, "extended session security"),
        (0x0000_0020, "sealing"),
        (0x0000_0010, "signing"),
    ];
    let Some(at) = challenge_in(token) else { return Ok(()) };
    let flags = token.get(at + 20..at + 24).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes);
    let missing: Vec<&str> = NEEDED.iter().filter(|(bit, _)| flags & bit == 0).map(|(_, name)| *name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Safety, format!("the server offers NTLM without {}", missing.join(", ")))
        .hint("its policy for NTLM (minimum session security) is too weak; use https or Kerberos"))
}

/// Where a challenge of NTLM begins.
fn challenge_in(token: &[u8]) -> Option<usize> {
    const CHALLENGE: &[u8] = b"NTLMSSP\0\x02\0\0\0";
    token.windows(CHALLENGE.len()).position(|bytes| bytes == CHALLENGE)
}

/// The number of a token of Kerberos in its sequence, which the crate does not look at (RFC 4121, 4.2.6.2).
fn number_of(header: &[u8]) -> Option<u64> {
    header.get(8..16).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes)
}

/// Whether a token of Kerberos (RFC 4121, 4.2.6.2) is encrypted, from the acceptor, and whole: the crate
/// opens one that is merely signed, too, and relies on the lengths.
pub(super) fn is_sealed_by_kerberos(header: &[u8], sealed: usize) -> bool {
    const SENT_BY_ACCEPTOR: u8 = 1;
    const SEALED: u8 = 2;
    let [5, 4, flags, 0xff, extra_high, extra_low, rotation_high, rotation_low, ..] = *header else { return false };
    let extra = usize::from(u16::from_be_bytes([extra_high, extra_low]));
    let rotation = u16::from_be_bytes([rotation_high, rotation_low]);
    // two headers, a confounder, a checksum of 12 bytes, the filler
    flags & (SENT_BY_ACCEPTOR | SEALED) == SENT_BY_ACCEPTOR | SEALED
        && rotation == 28
        && extra <= 16
        && sealed >= 16 + 16 + 16 + 12 + extra
}

/// What to do where no key distribution centre answers.
const NO_CENTRE: &str = "name a domain controller as kdc, and let port 88 of it be reached from here";

/// What the crate says, in our words; `who` is whom a refusal is about.
pub(super) fn explain(error: &sspi::Error, who: &str) -> Failure {
    use sspi::ErrorKind as Kind;
    let status = error.nstatus.map(|status| format!(" ({status})")).unwrap_or_default();
    let said = Foreign::from(format!("{}{status}", error.description));
    let is_wrong_password = error.description.contains("pre-authentication information was invalid");
    let failed = |kind, hint: &str| Error::new(kind, format!("authentication failed: {said}")).hint(hint);
    let refused = |hint| {
        Error::new(ErrorKind::Refused, format!("the user or the password is refused ({who}): {said}")).hint(hint)
    };
    let error = match error.error_type {
        _ if error.nstatus.is_some() => {
            refused("is the password right, the account not locked, and may it log on over the network?")
        }
        _ if is_wrong_password => refused("the password is wrong for this user"),
        Kind::UnknownCredentials | Kind::LogonDenied | Kind::NoCredentials => failed(
            ErrorKind::Refused,
            "is the account right and not locked, and does the server's account hold the service's principal name \
             (its full name, and the service class that is configured)?",
        ),
        Kind::NoAuthenticatingAuthority => failed(ErrorKind::Unreachable, NO_CENTRE),
        Kind::TimeSkew => failed(ErrorKind::Refused, "set the clocks of both machines right"),
        Kind::InvalidToken | Kind::MessageAltered => {
            failed(ErrorKind::Garbled, "what answers may be no Windows server, or somebody stands between")
        }
        _ => failed(ErrorKind::Refused, "see the event log of the server, or of the domain controller"),
    };
    Failure { error, about: if is_wrong_password { About::Password } else { About::Proof } }
}

fn local(error: &sspi::Error) -> Error {
    Error::new(
        ErrorKind::Local,
        format!("authentication could not be set up: {}", Foreign::from(error.description.clone())),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_that_is_too_weak_is_refused() {
        let challenge =
            |flags: u32| [b"\xa1\x30NTLMSSP\0\x02\0\0\0\0\0\0\0\0\0\0\0".as_slice(), &flags.to_le_bytes()].concat();
        assert_eq!(strong_enough(&challenge(0xe288_8235)), Ok(()));
        let weak = strong_enough(&challenge(0xe288_8235 & !0x4000_0020)).unwrap_err();
        assert!(weak.what.ends_with("without key exchange, sealing"), "{weak}");
        let cut = strong_enough(b"NTLMSSP\0\x02\0\0\0").unwrap_err();
        assert!(cut.what.contains("128 bits"), "{cut}");
        assert_eq!(strong_enough(b"no NTLM at all"), Ok(()));
    }

    #[test]
    fn a_token_that_is_merely_signed_is_no_sealed_one() {
        let header =
            |flags, extra, rotation| [[5, 4, flags, 0xff, 0, extra, 0, rotation].as_slice(), &[0; 52]].concat();
        assert!(is_sealed_by_kerberos(&header(7, 0, 28), 60));
        assert!(!is_sealed_by_kerberos(&header(5, 0, 28), 60), "signed only");
        assert!(!is_sealed_by_kerberos(&header(6, 0, 28), 60), "our own, sent back");
        assert!(!is_sealed_by_kerberos(&header(7, 0, 12), 60));
        assert!(!is_sealed_by_kerberos(&header(7, 16, 28), 60), "shorter than it says");
        assert!(!is_sealed_by_kerberos(b"\x05\x04\x07", 60));
    }
}
