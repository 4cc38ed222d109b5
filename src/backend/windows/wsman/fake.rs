//! A service made of what it answers, for tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::Client;
use super::envelope::SOAP;
use crate::backend::exchange::{Broken, Effect, Limits};
use crate::backend::windows::wire::{Answer, Wire};

/// Gives one answer a call, and keeps what it was asked.
#[derive(Default)]
pub(crate) struct Fake {
    answers: Mutex<VecDeque<Result<Answer, Broken>>>,
    asked: Mutex<Vec<(String, Effect)>>,
}

impl Fake {
    /// Answers these bodies of SOAP, one a call.
    pub(crate) fn of(bodies: &[&str]) -> Arc<Self> {
        Fake::answering(bodies.iter().map(|body| Ok(answer(200, &enveloped("", body)))))
    }

    pub(crate) fn answering(answers: impl IntoIterator<Item = Result<Answer, Broken>>) -> Arc<Self> {
        Arc::new(Fake { answers: Mutex::new(answers.into_iter().collect()), ..Fake::default() })
    }

    pub(crate) fn client(self: &Arc<Self>) -> Client {
        Client::new(self.clone(), 512_000, Limits::default())
    }

    /// The bodies that it was asked, without what is the same in all.
    pub(crate) fn asked(&self) -> Vec<(String, Effect)> {
        let body = |text: &String| text.split("<s:Body>").nth(1).unwrap().split("</s:Body>").next().unwrap().to_owned();
        self.asked.lock().unwrap().iter().map(|(text, effect)| (body(text), *effect)).collect()
    }
}

pub(crate) fn answer(status: u16, text: &str) -> Answer {
    Answer { status, text: text.to_owned(), date: None }
}

pub(crate) fn enveloped(header: &str, body: &str) -> String {
    format!(
        "<s:Envelope xmlns:s='{SOAP}' xmlns:i='http://www.w3.org/2001/XMLSchema-instance' \
         xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing' xmlns:w='urn:w' xmlns:f='urn:f' \
         xmlns:c='http://schemas.dmtf.org/wbem/wscim/1/common'>\
         <s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )
}

#[async_trait]
impl Wire for Fake {
    async fn exchange(&self, envelope: &str, effect: Effect) -> Result<Answer, Broken> {
        self.asked.lock().unwrap().push((envelope.to_owned(), effect));
        self.answers.lock().unwrap().pop_front().expect("no more calls than answers")
    }

    fn scheme_used(&self) -> Option<String> {
        None
    }
}
