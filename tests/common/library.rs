//! The program's own library on the servers of a configuration, for what only it can show.

use std::collections::BTreeSet;

use scopesync::backend::connect;
use scopesync::config::{Located, locate};
use scopesync::engine::approval::{Questions, Switches};
use scopesync::engine::fleet::Fleet;
use scopesync::engine::outcome::RunReport;
use scopesync::engine::plan::Plan;
use scopesync::engine::port::Control;
use scopesync::engine::run;
use scopesync::engine::select::{Selection, select};
use scopesync::history::History;
use scopesync::model::ServerName;

use super::program::Home;

/// The servers of the home's configuration.
pub fn fleet(home: &Home) -> Fleet {
    let located = locate(Some(&home.config()), &|_| None).expect("the configuration");
    let Located::Found { config, .. } = located else { panic!("{located:?}") };
    connect::fleet(&config, false).expect("servers")
}

/// All scopes of a server's relationships, replicated from it.
pub async fn plan_from(fleet: &Fleet, source: &str) -> Plan {
    let ctl = Control::free();
    let survey = fleet.survey(&ctl).await;
    let picked = select(&survey, &Selection::All, &[ServerName::from(source)]).expect("all scopes");
    Plan::make(fleet, &survey, &picked, BTreeSet::new(), &ctl).await
}

/// Runs the plan without asking; the history is in the home's state folder.
pub async fn execute(home: &Home, fleet: &Fleet, plan: &Plan, ctl: &Control) -> RunReport {
    let names = plan.relationships.iter().map(|r| r.name.clone()).collect();
    let switches = Switches { force: true, ..Switches::default() };
    let questions = Questions::new(&plan.digest, names, "a test", switches, BTreeSet::new());
    run::run(fleet, plan, questions.into_approved(), &home.history(), ctl).await
}
