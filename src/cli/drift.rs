//! `scopesync drift`

use super::console::Console;
use super::reading::survey;
use super::{Failure, args, select};
use crate::engine::compare::{RelationshipDrift, Summary};
use crate::engine::fleet::Fleet;
use crate::engine::report::DriftReport;
use crate::engine::survey::Survey;
use crate::model::Severity;
use crate::show::{self, Line, ScopeNames};

/// Shows how scopes differ, and returns the exit status: 0, 2 for drift, 3 if something could
/// not be read.
///
/// # Errors
/// Something that the arguments name is not there.
pub async fn run(fleet: &Fleet, asked: &args::Drift, console: &mut Console) -> Result<u8, Failure> {
    let survey = survey(fleet, console).await?;
    let at = jiff::Timestamp::now();
    let source = asked.selection.computer_name.as_deref();
    let picked = select::choose(fleet, &survey, &asked.selection, source.as_slice())?;
    if source.is_none() {
        console.note("without --computer-name the primary of each relationship is the source");
    }
    let unread = select::unread(&survey, &picked, &asked.selection, source.as_slice());
    for reason in &unread {
        console.warning(format_args!("not read: {reason}"));
    }
    let survey = if asked.json { survey } else { told(survey, fleet) };
    let drifts: Vec<_> = picked
        .iter()
        .map(|pick| (pick.relationship, pick.source_member, select::drift(fleet, &survey, pick)))
        .collect();
    let status = status(&drifts, !unread.is_empty());
    if asked.json {
        console.json(&DriftReport::new(&survey, &drifts, at));
    } else {
        show_text(&survey, &drifts, console);
    }
    Ok(status)
}

/// The same, of which why a server was not read was told already: the hub of many relationships is named in each of
/// them, and no more.
fn told(survey: Survey, fleet: &Fleet) -> Survey {
    if survey.servers.iter().all(|server| server.failure().is_none()) {
        return survey;
    }
    let mut servers = survey.servers;
    for server in &mut servers {
        if let Some(Err(error)) = &mut server.outcome {
            (error.server, error.scope, error.what) = (None, None, format!("{} was not read", server.name));
        }
    }
    Survey::new(servers, &fleet.names)
}

fn status(drifts: &[(usize, usize, RelationshipDrift)], unread: bool) -> u8 {
    let sum = sum(drifts);
    let findings = drifts.iter().flat_map(|(_, _, drift)| &drift.findings);
    let critical = findings.into_iter().any(|finding| finding.severity == Severity::Critical);
    match (unread || sum.untold() > 0, sum.has_drift() || critical) {
        (true, _) => 3,
        (false, true) => 2,
        (false, false) => 0,
    }
}

fn sum(drifts: &[(usize, usize, RelationshipDrift)]) -> Summary {
    Summary::of(drifts.iter().flat_map(|(_, _, drift)| &drift.scopes))
}

fn show_text(survey: &Survey, drifts: &[(usize, usize, RelationshipDrift)], console: &mut Console) {
    let names = ScopeNames::of(survey);
    for (relationship, source_member, drift) in drifts {
        console.line(&show::relationship_title(&survey.relationships[*relationship], *source_member));
        for line in show::relationship_drift(drift, &names) {
            console.line(&line.deeper(2));
        }
        console.line(&show::summary(&Summary::of(&drift.scopes)).deeper(2));
        console.line(&Line::new(0));
    }
    if drifts.len() > 1 {
        console.line(&show::summary(&sum(drifts)));
    }
}
