//! WS-Management as Windows speaks it (DSP0226, MS-WSMV): SOAP envelopes over a [`Wire`].
//!
//! Every call is one envelope and its reply. What a reply says is read with the tolerance that
//! servers need, whatever they call their namespaces; what it does not say is never guessed.

mod bounds;
mod envelope;
mod explain;
#[cfg(test)]
pub(crate) mod fake;
mod fault;
mod interval;
mod reply;
mod value;

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

pub use explain::Refuser;
pub use fault::{Code, Fault, Raised, Stage};
pub use interval::Interval;
pub use value::{Inputs, Instance, Misfit, Property, Scalar, Value, Word};

use super::wire::Wire;
use crate::backend::exchange::{Effect, Limits};
use crate::engine::{Error, ErrorKind};
use crate::model::Foreign;
use envelope::{Ask, Envelope};

/// Why a call brought nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The service answered that it did not do it.
    #[error(transparent)]
    Fault(#[from] Box<Fault>),
    /// There was no answer, or none that can be understood.
    #[error(transparent)]
    Other(#[from] Error),
}

impl Failure {
    /// The number that the service gave for it.
    pub fn code(&self) -> Option<Code> {
        match self {
            Failure::Fault(fault) => fault.raised.code,
            Failure::Other(_) => None,
        }
    }

    /// Whether the service had too much to do: nothing was done, and it can be asked again.
    pub fn is_busy(&self) -> bool {
        matches!(self, Failure::Fault(fault) if fault.is_busy())
    }

    /// Whether the host did not get through to the server to which it had to go on, or not as us.
    pub fn is_stopped_beyond(&self) -> bool {
        matches!(self, Failure::Fault(fault) if fault.is_stopped_beyond())
    }

    /// Whether the call may have changed something all the same.
    pub fn in_doubt(&self) -> bool {
        Error::from(self.clone()).in_doubt
    }

    /// Says that the method does its work in parts, so that it may have done some when it fails.
    pub fn in_parts(mut self) -> Self {
        if let Failure::Fault(fault) = &mut self {
            fault.is_in_parts = true;
        }
        self
    }

    /// Says that the host had to go on to another server for it; `server` must be safe to show.
    pub fn beyond(mut self, server: impl Into<String>) -> Self {
        if let Failure::Fault(fault) = &mut self {
            fault.beyond = Some(server.into());
        }
        self
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Fault(fault) => (*fault).into(),
            Failure::Other(error) => error,
        }
    }
}

/// What a service says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// Such as `Microsoft Corporation`.
    pub vendor: Option<Foreign>,
    /// Such as `OS: 10.0.20348 SP: 0.0 Stack: 3.0`.
    pub version: Option<Foreign>,
}

/// A WS-Management service. Clones share its connections.
#[derive(Clone)]
pub struct Client {
    wire: Arc<dyn Wire>,
    max_envelope: u32,
    limits: Limits,
    clock: Arc<Mutex<Option<SignedDuration>>>,
}

/// The most items that a query may give: queries are for single facts.
const MOST_ITEMS: usize = 10_000;
/// The most times that more of them is asked for: a service may give nothing each time.
const MOST_PULLS: usize = 1_000;

impl Client {
    /// Over this wire, with replies of at most so many bytes. A service is told to give up a little
    /// before we do.
    pub fn new(wire: Arc<dyn Wire>, max_envelope: u32, limits: Limits) -> Self {
        Client { wire, max_envelope, limits, clock: Arc::default() }
    }

    /// How we proved who we are, in words; `None` before there was a call.
    pub fn scheme_used(&self) -> Option<String> {
        self.wire.scheme_used()
    }

    /// The server's clock less this machine's at the last reply, exact to a second.
    pub fn clock(&self) -> Option<SignedDuration> {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the service what it is.
    ///
    /// # Errors
    /// When there is no answer, or it is a fault.
    pub async fn identify(&self) -> Result<Identified, Failure> {
        let told = self.exchange("Identify", Ask::Identify, Effect::Reads).await?;
        let text = |name| <Option<Foreign> as Property>::read(told.get(name)).ok().flatten();
        Ok(Identified { vendor: text("ProductVendor"), version: text("ProductVersion") })
    }

    /// Calls a static method, and gives the values of `cmdletOutput`.
    ///
    /// # Errors
    /// When it did not succeed. In doubt when a call that writes did not say whether it did.
    pub async fn invoke(
        &self,
        namespace: &str,
        class: &str,
        method: &str,
        inputs: &Inputs,
        effect: Effect,
    ) -> Result<Vec<Value>, Failure> {
        let call = format!("{class}.{method}");
        let mut told = self.exchange(&call, Ask::Invoke { namespace, class, method, inputs }, effect).await?;
        let returned = <Option<Foreign> as Property>::read(told.get("ReturnValue")).ok().flatten();
        match returned.as_ref().map(|number| fault::number(number.raw())) {
            Some(Some(0)) => {}
            Some(Some(number)) => {
                let raised = Raised { code: Some(Code::of(number)), stage: Stage::Provider, ..Raised::default() };
                return Err(Box::new(Fault { call, effect, beyond: None, is_in_parts: false, raised }).into());
            }
            // a method without output may say nothing at all
            None if effect == Effect::Reads => {}
            None | Some(None) => {
                let what = format!("{call}: the answer does not say whether it was done (no ReturnValue)");
                let error = Error::new(ErrorKind::Garbled, what).hint("read back what it came to");
                return Err(Error { in_doubt: effect.writes(), ..error }.into());
            }
        }
        Ok(told.take("cmdletOutput").into_iter().flat_map(unwrapped).collect())
    }

    /// The instances that a WQL query finds in a namespace such as `root/cimv2`.
    ///
    /// # Errors
    /// When one of its calls did not succeed, or it finds too many.
    pub async fn query(&self, namespace: &str, wql: &str) -> Result<Vec<Instance>, Failure> {
        const CALL: &str = "Enumerate";
        let mut told = self.exchange(CALL, Ask::Enumerate { namespace, wql }, Effect::Reads).await?;
        let mut found = Vec::new();
        for _ in 0..MOST_PULLS {
            found.extend(told.take("Items").into_iter().flat_map(instances));
            let context = <Option<Foreign> as Property>::read(told.get("EnumerationContext")).ok().flatten();
            let ended = !told.get("EndOfSequence").is_empty();
            let Some(context) = context.filter(|context| !ended && !context.raw().trim().is_empty()) else {
                return Ok(found);
            };
            let context = context.raw();
            if found.len() > MOST_ITEMS {
                // whether it takes note or not: its own timeout ends the enumeration too
                let _ = self.exchange("Release", Ask::Release { namespace, context }, Effect::Reads).await;
                let what = format!("a query of {namespace} finds more than {MOST_ITEMS} instances");
                return Err(Error::new(ErrorKind::TooLarge, what).into());
            }
            told = self.exchange("Pull", Ask::Pull { namespace, context }, Effect::Reads).await?;
        }
        let what = format!("a query of {namespace} has not come to an end after {MOST_PULLS} answers");
        Err(Error::new(ErrorKind::Garbled, what).into())
    }

    async fn exchange(&self, call: &str, ask: Ask<'_>, effect: Effect) -> Result<Instance, Failure> {
        // A pull changes nothing, but sent twice it would skip what the lost reply had.
        let may_be_void = matches!(ask, Ask::Release { .. });
        let repeatable = if matches!(ask, Ask::Pull { .. }) { Effect::Writes } else { effect };
        let patience = self.limits.patience(repeatable);
        let envelope = Envelope::write(ask, self.max_envelope, patience - patience / 10)?;
        let answer = match self.wire.exchange(&envelope.text, repeatable).await {
            Ok(answer) => answer,
            Err(broken) => {
                let in_doubt = broken.sent && effect.writes();
                // a no without an envelope may be somebody's on the way: the service may be at work all the same
                let kind = match broken.error.kind {
                    ErrorKind::Refused if in_doubt => ErrorKind::Unreachable,
                    kind => kind,
                };
                return Err(Error { in_doubt, kind, ..broken.error }.into());
            }
        };
        self.note_clock(answer.date);
        let told = reply::read(&answer.text, &envelope.message).and_then(|told| match told {
            Ok(_) if !(200..300).contains(&answer.status) => Err(Error::new(
                ErrorKind::Garbled,
                format!("the answer has the HTTP status {} and tells of no fault", answer.status),
            )),
            Ok(None) if !may_be_void => Err(Error::new(ErrorKind::Garbled, "the answer's SOAP body is empty")),
            told => Ok(told),
        });
        match told {
            Ok(Ok(told)) => Ok(told.unwrap_or_default()),
            Ok(Err(raised)) => {
                Err(Box::new(Fault { call: call.to_owned(), effect, beyond: None, is_in_parts: false, raised }).into())
            }
            Err(error) => {
                Err(Error { in_doubt: effect.writes(), what: format!("{call}: {}", error.what), ..error }.into())
            }
        }
    }

    fn note_clock(&self, date: Option<Timestamp>) {
        if let Some(date) = date {
            let apart = date.duration_since(Timestamp::now());
            *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = Some(apart);
        }
    }
}

/// The instances of an output: some servers put them into one more element, by their class.
fn unwrapped(value: Value) -> Vec<Value> {
    let is_wrapped = |outer: &Instance| {
        let mut inner = outer.values().peekable();
        inner.peek().is_some() && inner.all(|value| matches!(value, Value::Instance(_)))
    };
    match value {
        Value::Instance(wrapper) if wrapper.is_of("cmdletOutput") && is_wrapped(&wrapper) => {
            wrapper.into_values().collect()
        }
        value => vec![value],
    }
}

/// The instances among the properties of an instance.
fn instances(value: Value) -> Vec<Instance> {
    let Value::Instance(outer) = value else { return Vec::new() };
    let inner = outer.into_values().filter_map(|value| match value {
        Value::Instance(instance) => Some(instance),
        Value::Text(_) => None,
    });
    inner.collect()
}

#[cfg(test)]
mod tests {
    use super::fake::{Fake, answer, enveloped};
    use super::*;
    use crate::backend::exchange::Broken;

    async fn called(fake: &Arc<Fake>, effect: Effect) -> Result<Vec<Value>, Failure> {
        fake.client().invoke("root/x", "PS_C", "Do", &Inputs::default(), effect).await
    }

    async fn returned(body: &str, effect: Effect) -> Result<Vec<Value>, Failure> {
        called(&Fake::of(&[body]), effect).await
    }

    const BOTH: [Effect; 2] = [Effect::Reads, Effect::Writes];

    #[tokio::test]
    async fn outputs_come_in_every_form() {
        let bare = "<c1><A>1</A></c1>".replace("c1", "cmdletOutput");
        let typed =
            "<cmdletOutput i:type='A_Type'><N>1</N></cmdletOutput><cmdletOutput i:type='A'><N>2</N></cmdletOutput>";
        let wrapped = "<cmdletOutput><x:A xmlns:x='u'><N>1</N></x:A><A><N>2</N></A></cmdletOutput>";
        for (form, values) in [
            (format!("<x:Do_OUTPUT xmlns:x='u'>{typed}<ReturnValue>0</ReturnValue></x:Do_OUTPUT>"), 2),
            (format!("<Do><returnvalue> 0 </returnvalue>{wrapped}</Do>"), 2),
            (format!("<Do>{bare}<ReturnValue>0x0</ReturnValue></Do>"), 1),
            ("<Do><cmdletOutput>10.0.0.0</cmdletOutput><ReturnValue>0</ReturnValue></Do>".to_owned(), 1),
            ("<Do><cmdletOutput i:nil='true'/><ReturnValue>0</ReturnValue></Do>".to_owned(), 0),
        ] {
            for effect in BOTH {
                assert_eq!(returned(&form, effect).await.unwrap().len(), values, "{form}");
            }
        }
        let instances = returned(&format!("<Do>{wrapped}</Do>"), Effect::Reads).await.unwrap();
        assert!(instances.iter().all(|value| matches!(value, Value::Instance(one) if one.is_of("A"))), "{instances:?}");
    }

    #[tokio::test]
    async fn what_does_not_say_that_it_was_done_is_in_doubt_when_it_writes() {
        for body in ["<Do_OUTPUT/>", "<Do><ReturnValue i:nil='true'/></Do>"] {
            assert_eq!(returned(body, Effect::Reads).await, Ok(vec![]));
            let failure = returned(body, Effect::Writes).await.unwrap_err();
            assert!(failure.in_doubt() && failure.to_string().contains("no ReturnValue"), "{failure}");
        }
        for body in ["", "<html/>", "<Do><ReturnValue>perhaps</ReturnValue></Do>"] {
            for effect in BOTH {
                let failed = called(
                    &Fake::answering([Ok(answer(200, &enveloped("<a:RelatesTo>uuid:1</a:RelatesTo>", body)))]),
                    effect,
                )
                .await;
                assert_eq!(failed.unwrap_err().in_doubt(), effect == Effect::Writes);
            }
        }
        for status in [202, 500, 503] {
            let told = answer(status, &enveloped("", "<Do><ReturnValue>0</ReturnValue></Do>"));
            assert_eq!(called(&Fake::answering([Ok(told)]), Effect::Reads).await.is_ok(), status == 202);
        }
        for (value, code) in
            [("5", Code::Win32(5)), ("20116", Code::Dhcp(20_116)), ("2147749891", Code::Hresult(0x8004_1003))]
        {
            let failure =
                returned(&format!("<Do><ReturnValue>{value}</ReturnValue></Do>"), Effect::Writes).await.unwrap_err();
            assert!(!failure.in_doubt() && failure.code() == Some(code), "{failure:?}");
        }
    }

    #[tokio::test]
    async fn what_broke_is_in_doubt_when_it_was_sent_and_writes() {
        // a no of somebody on the way is no answer about what was sent
        for (sent, effect, in_doubt, refusal) in [
            (true, Effect::Writes, true, ErrorKind::Unreachable),
            (false, Effect::Writes, false, ErrorKind::Refused),
            (true, Effect::Reads, false, ErrorKind::Refused),
        ] {
            for (kind, told) in [(ErrorKind::Unreachable, ErrorKind::Unreachable), (ErrorKind::Refused, refusal)] {
                let lost = Broken { error: Error::new(kind, "lost"), sent };
                let error = Error::from(called(&Fake::answering([Err(lost)]), effect).await.unwrap_err());
                assert_eq!((error.in_doubt, error.kind), (in_doubt, told));
            }
        }
    }

    #[tokio::test]
    async fn a_query_is_read_to_its_end_with_the_latest_context() {
        let item = "<w:Items><S i:type='S_Type'><N>1</N></S><S><N>2</N></S></w:Items>";
        let fake = Fake::of(&[
            &format!("<EnumerateResponse>{item}<EnumerationContext>one</EnumerationContext></EnumerateResponse>"),
            &format!("<PullResponse><EnumerationContext> two&amp; </EnumerationContext>{item}</PullResponse>"),
            &format!(
                "<PullResponse>{item}<w:Items><w:XmlFragment><N>3</N></w:XmlFragment></w:Items><EnumerationContext/><w:EndOfSequence/></PullResponse>"
            ),
        ]);
        assert_eq!(fake.client().query("root/cimv2", "SELECT * FROM S WHERE N < 3").await.unwrap().len(), 7);
        let asked = fake.asked();
        assert!(asked[0].0.contains("SELECT * FROM S WHERE N &lt; 3") && asked[0].1 == Effect::Reads);
        assert!(asked[1].0.contains(">one<") && asked[2].0.contains("> two&amp; <"), "{asked:?}");
        assert_eq!(asked[2].1, Effect::Writes, "a pull is never sent twice");

        let endless = format!(
            "<E><Items>{}</Items><EnumerationContext>c</EnumerationContext></E>",
            "<S><N/></S>".repeat(MOST_ITEMS + 1)
        );
        let fake = Fake::of(&[&endless, "<ReleaseResponse/>"]);
        let failure = fake.client().query("root/cimv2", "SELECT * FROM S").await.unwrap_err();
        assert!(failure.to_string().contains("more than"), "{failure}");
        assert!(fake.asked()[1].0.contains("<n:Release>"));

        let nothing = "<E><EnumerationContext>c</EnumerationContext></E>";
        let failure = Fake::of(&vec![nothing; MOST_PULLS + 1]).client().query("root/cimv2", "SELECT * FROM S").await;
        assert!(failure.unwrap_err().to_string().contains("not come to an end"));
    }

    #[tokio::test]
    async fn a_service_says_what_it_is_and_when() {
        let mut told = answer(
            200,
            &enveloped("", "<s:IdentifyResponse><x:ProductVendor xmlns:x='u'>V</x:ProductVendor></s:IdentifyResponse>"),
        );
        told.date = Some(Timestamp::now() - SignedDuration::from_secs(100));
        let client = Fake::answering([Ok(told)]).client();
        assert_eq!(client.clock(), None);
        assert_eq!(client.identify().await, Ok(Identified { vendor: Some("V".into()), version: None }));
        assert!((-101..=-100).contains(&client.clock().unwrap().as_secs()));
    }
}
