//! A DHCP server that is made of what it answers.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use crate::backend::exchange::{Broken, Effect, Limits};
use crate::backend::windows::cim::Dhcp;
use crate::backend::windows::wire::{Answer, Wire};
use crate::backend::windows::wsman::Client;
use crate::backend::windows::wsman::fake::{answer, enveloped};
use crate::engine::{Error, ErrorKind};

/// What a call is answered by.
pub(super) enum Reply {
    /// One instance with these properties.
    Rows(String),
    /// All of the output.
    Raw(String),
    Fault(String),
    /// Nobody answers.
    Gone,
}

impl Reply {
    pub(super) fn nothing() -> Self {
        Reply::Raw(String::new())
    }

    /// A failure of the DHCP provider, such as `DHCP 20005`.
    pub(super) fn error(code: &str) -> Self {
        Reply::Fault(format!(
            "<MSFT_WmiError><CIMStatusCode>1</CIMStatusCode><MessageID>{code}</MessageID><Message>no</Message></MSFT_WmiError>"
        ))
    }

    /// A failure of WinRM.
    pub(super) fn fault(code: u32) -> Self {
        Reply::Fault(format!("<f:WSManFault Code='{code}'><f:Message>no</f:Message></f:WSManFault>"))
    }
}

type On = Box<dyn Fn(&str, usize) -> Option<Reply> + Send + Sync>;

/// A server with scopes 10.0.1.0, 10.0.2.0 and so on in one relationship.
pub(super) struct Service {
    scopes: u8,
    reservations: BTreeMap<u8, u8>,
    policies: Vec<u8>,
    delay: Duration,
    on: On,
    asked: Mutex<Vec<String>>,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Service {
    pub(super) fn with_scopes(scopes: u8) -> Self {
        Service {
            scopes,
            reservations: BTreeMap::new(),
            policies: Vec::new(),
            delay: Duration::ZERO,
            on: Box::new(|_, _| None),
            asked: Mutex::default(),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        }
    }

    /// So many in this scope.
    pub(super) fn with_reservations(mut self, scope: u8, count: u8) -> Self {
        self.reservations.insert(scope, count);
        self
    }

    pub(super) fn with_policies(mut self, scope: u8) -> Self {
        self.policies.push(scope);
        self
    }

    pub(super) fn slow(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Answers some calls otherwise: by `CLASS.METHOD PARAMETER=VALUE ...`, and how often it was asked before.
    pub(super) fn on(mut self, on: impl Fn(&str, usize) -> Option<Reply> + Send + Sync + 'static) -> Self {
        self.on = Box::new(on);
        self
    }

    pub(super) fn dhcp(self: &Arc<Self>) -> Dhcp {
        Dhcp::new(Client::new(self.clone(), 512_000, Limits::default()), None)
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn most_at_once(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    fn reply(&self, call: &str) -> Reply {
        let (method, parameters) = call.split_once(' ').unwrap_or((call, ""));
        let ids: Vec<u8> = parameters
            .split(' ')
            .filter_map(|parameter| parameter.strip_prefix("ScopeId=")?.parse().ok())
            .map(|address: Ipv4Addr| address.octets()[2])
            .collect();
        let all: Vec<u8> = (1..=self.scopes).collect();
        Reply::Raw(match (method, ids.as_slice()) {
            ("Failover.GetByName", _) => {
                let members: String = all.iter().map(|scope| format!("<ScopeId>10.0.{scope}.0</ScopeId>")).collect();
                row(&format!(
                    "<Name>a-b</Name><PartnerServer>b</PartnerServer><Mode>LoadBalance</Mode><State>Normal</State>\
                     <ServerType>PrimaryServer</ServerType>{members}"
                ))
            }
            ("Scope.Get", []) => all.iter().map(|id| scope(*id)).collect(),
            ("Scope.Get", [only]) if !all.contains(only) => return Reply::error("DHCP 20005"),
            ("Scope.Get", ids) => ids.iter().map(|id| scope(*id)).collect(),
            ("ScopeStatistics.Get", _) => {
                all.iter().map(|id| row(&format!("<ScopeId>10.0.{id}.0</ScopeId>"))).collect()
            }
            ("DnsSetting.Get", _) => row("<DynamicUpdates>Always</DynamicUpdates>"),
            ("DhcpServerVersion.Get", _) => row("<MajorVersion>10</MajorVersion><MinorVersion>0</MinorVersion>"),
            ("FilterList.Get", _) => row("<Allow>false</Allow>"),
            ("OptionDefinition.Get", _) => row("<OptionId>3</OptionId><Type>IPv4Address</Type>"),
            ("Class.Get", _) => row("<Name>Kiosks</Name><Type>User</Type>"),
            ("Reservation.GetByScopeId", [id]) => {
                let count = self.reservations.get(id).copied().unwrap_or(0);
                let reserved = |nth: u8| {
                    row(&format!(
                        "<IPAddress>10.0.{id}.{}</IPAddress><ScopeId>10.0.{id}.0</ScopeId><ClientId>aa-bb-{id:02x}-{nth:02x}</ClientId>",
                        10 + nth
                    ))
                };
                (0..count).map(reserved).collect()
            }
            ("Policy.Get", [id]) if self.policies.contains(id) => {
                row("<Name>P</Name><ProcessingOrder>1</ProcessingOrder>")
            }
            _ => String::new(),
        })
    }
}

fn row(properties: &str) -> String {
    format!("<cmdletOutput i:type='C_Type'>{properties}</cmdletOutput>")
}

/// A scope with everything that it must have.
pub(super) fn scope(id: u8) -> String {
    row(&format!(
        "<ScopeId>10.0.{id}.0</ScopeId><SubnetMask>255.255.255.0</SubnetMask><StartRange>10.0.{id}.1</StartRange>\
         <EndRange>10.0.{id}.99</EndRange><Name>Floor {id}</Name>"
    ))
}

/// `CLASS.METHOD PARAMETER=VALUE ...` of an envelope.
fn call(envelope: &str) -> String {
    let body = envelope.split("<s:Body><m:").nth(1).unwrap();
    let (method, rest) = body.split_once("_INPUT").unwrap();
    let (class, rest) = rest.split_once('>').unwrap();
    let class = class.split('\'').nth(1).unwrap().rsplit('/').next().unwrap();
    let class = class.trim_start_matches("PS_").trim_start_matches("DhcpServerv4");
    let parameters = rest.split("<m:").skip(1).map(|parameter| {
        let (name, rest) = parameter.split_once('>').unwrap();
        format!(" {name}={}", rest.split('<').next().unwrap())
    });
    format!("{class}.{method}{}", parameters.collect::<String>())
}

#[async_trait]
impl Wire for Service {
    async fn exchange(&self, envelope: &str, effect: Effect) -> Result<Answer, Broken> {
        assert_eq!(effect, Effect::Reads);
        let call = call(envelope);
        let nth = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(call.clone());
            asked.iter().filter(|before| **before == call).count() - 1
        };
        self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::time::sleep(self.delay).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        let output = |rows: &str| enveloped("", &format!("<O>{rows}<ReturnValue>0</ReturnValue></O>"));
        match (self.on)(&call, nth).unwrap_or_else(|| self.reply(&call)) {
            Reply::Rows(properties) => Ok(answer(200, &output(&row(&properties)))),
            Reply::Raw(rows) => Ok(answer(200, &output(&rows))),
            Reply::Fault(detail) => {
                let fault = format!(
                    "<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code><s:Reason><s:Text>no</s:Text></s:Reason>\
                     <s:Detail>{detail}</s:Detail></s:Fault>"
                );
                Ok(answer(500, &enveloped("", &fault)))
            }
            Reply::Gone => Err(Broken::unsent(Error::new(ErrorKind::Unreachable, "nobody listens"))),
        }
    }

    fn scheme_used(&self) -> Option<String> {
        None
    }
}
