//! Contexts by the tickets that the operator has in the system's Kerberos cache (RFC 2743, RFC 4121): no
//! password is asked for. Where the domain trusts the server with it, the ticket is delegated, so that the server
//! can go on to its partner.

use async_trait::async_trait;
use libgssapi::context::{ClientCtx, CtxFlags, SecurityContext as _};
use libgssapi::name::Name;
use libgssapi::oid::{GSS_MECH_KRB5, GSS_MECH_SPNEGO, GSS_NT_HOSTBASED_SERVICE};
use libgssapi::util::{GssIov, GssIovType};

use super::{Failure, HttpScheme, SecurityContext, Step, native};
use crate::backend::windows::access::Scheme;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::Foreign;

/// What a context must have in the end.
const NEEDED: CtxFlags = CtxFlags::GSS_C_MUTUAL_FLAG
    .union(CtxFlags::GSS_C_CONF_FLAG)
    .union(CtxFlags::GSS_C_INTEG_FLAG)
    .union(CtxFlags::GSS_C_REPLAY_FLAG)
    .union(CtxFlags::GSS_C_SEQUENCE_FLAG);

/// A context by the ticket cache.
pub(super) struct Tickets {
    /// `None` only while a step is under way, and after one that was given up.
    context: Option<ClientCtx>,
    scheme: HttpScheme,
    bindings: Option<Vec<u8>>,
}

impl Tickets {
    pub(super) fn begin(
        scheme: Scheme,
        service: &str,
        host: &str,
        bindings: Option<Vec<u8>>,
    ) -> Result<Box<dyn SecurityContext>> {
        let name = format!("{service}@{host}");
        let target = Name::new(name.as_bytes(), Some(GSS_NT_HOSTBASED_SERVICE)).map_err(|error| failed(&error))?;
        let (scheme, mechanism) = match scheme {
            Scheme::Kerberos => (HttpScheme::Kerberos, GSS_MECH_KRB5),
            _ => (HttpScheme::Negotiate, GSS_MECH_SPNEGO),
        };
        let wanted = NEEDED | CtxFlags::GSS_C_DELEG_POLICY_FLAG;
        let context = Some(ClientCtx::new(None, target, wanted, Some(mechanism)));
        Ok(Box::new(Tickets { context, scheme, bindings }))
    }

    fn context(&mut self) -> Result<&mut ClientCtx> {
        self.context.as_mut().ok_or_else(|| Error::new(ErrorKind::Local, "authentication was given up"))
    }
}

#[async_trait]
impl SecurityContext for Tickets {
    async fn step(&mut self, token: &[u8]) -> std::result::Result<Step, Failure> {
        self.context()?;
        let (context, bindings, token) = (self.context.take(), self.bindings.clone(), token.to_vec());
        // the system's library waits for key distribution centres
        let work = tokio::task::spawn_blocking(move || {
            let mut context = context?;
            let said = (!token.is_empty()).then_some(token.as_slice());
            let outcome = context.step(said, bindings.as_deref()).map(|token| token.map(|token| token.to_vec()));
            Some((context, outcome))
        });
        let worked = work.await.ok().flatten();
        let (context, outcome) = worked.ok_or_else(|| Error::new(ErrorKind::Local, "authentication broke off"))?;
        let token = outcome.map_err(|error| failed(&error))?;
        let is_complete = context.is_complete();
        if is_complete {
            let flags = context.flags().map_err(|error| failed(&error))?;
            if !flags.contains(NEEDED) {
                return Err(Error::new(ErrorKind::Safety, "the server agreed to less than is needed to seal").into());
            }
        }
        self.context = Some(context);
        Ok(Step { token, is_complete })
    }

    fn wrap(&mut self, plain: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
        let mut data = plain.to_vec();
        let mut parts = [
            GssIov::new_alloc(GssIovType::Header),
            GssIov::new(GssIovType::Data, &mut data),
            GssIov::new_alloc(GssIovType::Padding),
        ];
        self.context()?.wrap_iov(true, &mut parts).map_err(|error| failed(&error))?;
        let [header, data, padding] = &parts;
        if !padding.is_empty() {
            return Err(Error::new(ErrorKind::Safety, "the ticket has a kind of encryption that is outdated")
                .hint("allow AES for the accounts of server and operator"));
        }
        Ok((header.to_vec(), data.to_vec()))
    }

    fn unwrap(&mut self, header: &[u8], data: &[u8]) -> Result<Vec<u8>> {
        if !native::is_sealed_by_kerberos(header, header.len() + data.len()) {
            return Err(Error::new(ErrorKind::Garbled, "what the server says was not sealed as agreed"));
        }
        let token = [header, data].concat();
        let plain = self.context()?.unwrap(&token).map_err(|error| {
            let why = Foreign::from(error.to_string());
            Error::new(ErrorKind::Garbled, format!("what the server says was changed on its way: {why}"))
        })?;
        Ok(plain.to_vec())
    }

    fn scheme(&self) -> HttpScheme {
        self.scheme
    }

    fn mechanism(&self) -> String {
        match self.scheme {
            HttpScheme::Kerberos => "Kerberos".to_owned(),
            _ => "Negotiate (Kerberos)".to_owned(),
        }
    }
}

fn failed(error: &libgssapi::error::Error) -> Error {
    let said = Foreign::from(error.to_string());
    Error::new(ErrorKind::Refused, format!("authentication by the ticket cache failed: {said}"))
        .hint("klist shows the tickets, kinit gets them; user and a password in the configuration do without them")
}
