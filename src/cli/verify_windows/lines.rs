//! A verification in lines: before, during and after.

use crate::backend::windows::verify::{Answer, NOT_TRIED, Report, ServerLine, Step, Verdict, Walk};
use crate::engine::verification::{Left, Subject};
use crate::show::{Line, Role, local_time, wrap};

/// Texts are made to fit this.
const COLUMNS: usize = 78;
/// Columns of a verdict, with the gap behind it.
const VERDICT: usize = 12;

/// What it is about, and what to think of before.
pub(super) fn intro(walk: &Walk<'_>, subject: &Subject) -> Vec<Line> {
    let [source, target] = subject.sides.each_ref().map(|side| side.server.name());
    let title = Line::of(0, Role::Title, format!("{}  ", subject.relationship));
    let clients = match walk.clients {
        Some(0) => Line::of(2, Role::Plain, "no client has an address of the scope"),
        Some(clients) => {
            let text = format!("addresses of the scope in use: {clients}; better take one without clients");
            Line::of(2, Role::Warning, text)
        }
        None => Line::of(2, Role::Warning, "whether clients have addresses of the scope is not known"),
    };
    let what = "Each step changes a little, has it replicated, reads both sides, and puts the scope back. Take a scope \
                without clients that nobody works on meanwhile.";
    let mut lines = vec![title.with(Role::Plain, format!("scope {}, {source} → {target}", subject.id)), clients];
    lines.extend(wrapped(2, Role::Plain, what));
    let unfit: Vec<&str> =
        Step::ALL.into_iter().filter(|step| walk.unfit(*step).is_some()).map(Step::question).collect();
    if !unfit.is_empty() {
        let text = format!("This scope, as it is now, leaves open: {}.", unfit.join("; "));
        lines.extend(wrapped(2, Role::Warning, &text));
    }
    lines
}

/// What a step does, and what this scope has against it.
pub(super) fn step(walk: &Walk<'_>, step: Step, n: usize) -> Vec<Line> {
    let line = Line::of(2, Role::Muted, format!("{n:2}. ")).with(Role::Plain, walk.does(step));
    let unfit = walk.unfit(step).map(|why| Line::of(6, Role::Warning, format!("not on this scope: {why}")));
    std::iter::once(line).chain(unfit).collect()
}

/// The question at the beginning.
pub(super) fn question(subject: &Subject) -> String {
    let [source, target] = subject.sides.each_ref().map(|side| side.server.name());
    format!(
        "Verify on scope {} how {source} replicates to {target}, changing it on both and putting it back?",
        subject.id
    )
}

/// What a step found.
pub(super) fn answer(answer: &Answer) -> Vec<Line> {
    let role = match answer.verdict {
        Verdict::Expected => Role::Good,
        Verdict::LeftOut => Role::Muted,
        Verdict::Otherwise | Verdict::Unanswered => Role::Warning,
        Verdict::Unexpected => Role::Critical,
    };
    let took = format!("  {:.2} s", answer.took.as_secs_f64());
    let head = Line::of(2, role, format!("{:VERDICT$}", answer.verdict.word()))
        .with(Role::Plain, format!("{}?", answer.step.question()))
        .with(Role::Muted, if answer.took.is_zero() { String::new() } else { took });
    let mut lines = vec![head];
    lines.extend(wrapped(2 + VERDICT, Role::Plain, &answer.found));
    if let (Verdict::Otherwise, Some(otherwise)) = (answer.verdict, answer.step.otherwise()) {
        lines.extend(wrapped(2 + VERDICT, Role::Muted, otherwise));
    }
    lines
}

/// The report to send in.
pub(super) fn report(report: &Report<'_>) -> Vec<Line> {
    let title = format!("scopesync {}: verification of Windows replication", env!("CARGO_PKG_VERSION"));
    let mut lines = vec![
        Line::of(0, Role::Title, title),
        Line::of(0, Role::Plain, format!("run {}, {}", report.run, local_time(report.started))),
        Line::of(0, Role::Plain, format!("relationship {}, scope {}", report.subject.relationship, report.subject.id)),
    ];
    lines.extend(report.servers.iter().flat_map(server));
    lines.extend(report.clients.map(|clients| Line::of(2, Role::Plain, format!("addresses in use: {clients}"))));
    lines.push(Line::new(0));
    for one in &report.answers {
        lines.extend(answer(one));
        for call in &one.calls {
            let end = call.code.clone().or_else(|| call.failure.as_ref().map(|_| "failed".to_owned()));
            let facts = [Some(format!("{:.2} s", call.seconds)), end, call.output.clone()];
            let facts: Vec<String> = facts.into_iter().flatten().collect();
            let text = format!("{}: {}  {}", call.server, call.call, facts.join(", "));
            // whole, for a search
            lines.push(Line::of(2 + VERDICT, Role::Muted, text));
        }
    }
    lines.push(Line::new(0));
    lines.extend(wrapped(0, Role::Plain, &format!("Not tried, for it would do harm: {}.", NOT_TRIED.join("; "))));
    lines.extend(left(report));
    lines.extend(advice(report));
    let holds = "This report holds names of servers, what they said, the relationship's name and addresses of the scope: \
                 no password, and nothing of clients. Please send it in.";
    lines.extend(wrapped(0, Role::Muted, holds));
    lines
}

fn server(server: &ServerLine) -> Vec<Line> {
    let ServerLine { server, role, dhcp_version, system, scheme, partner } = server;
    let facts = [
        dhcp_version.clone(),
        system.clone(),
        scheme.as_ref().map(|scheme| format!("reached by {scheme}")),
        partner.as_ref().map(|partner| format!("calls its partner {partner}")),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    wrapped(2, Role::Plain, &format!("{role} {server}: {}", facts.join(", ")))
}

fn left(report: &Report<'_>) -> Vec<Line> {
    let pending = report.pending();
    let unsure = format!(
        "No answer came to {}: it may still be carried out. Look again later, and take no new step on this scope before.",
        pending.join(", ")
    );
    if report.is_as_before() {
        let text = "Both sides are as they were before";
        return match pending.is_empty() {
            true => vec![Line::of(0, Role::Good, format!("{text}."))],
            false => {
                let mut lines =
                    wrapped(0, Role::Warning, &format!("{text}, by the last look, which is NOT SURE. {unsure}"));
                lines.extend(mending(report));
                lines
            }
        };
    }
    let mut lines = vec![Line::of(0, Role::Critical, "THE SCOPE IS NOT AS IT WAS BEFORE:")];
    for (line, left) in report.servers.iter().zip(&report.left) {
        let found = match left {
            Left::Ok(left) if left.is_empty() => "as it was".to_owned(),
            Left::Ok(left) => left.iter().map(|change| change.title()).collect::<Vec<_>>().join(", "),
            Left::Err(error) => error.with_hint(),
        };
        lines.extend(wrapped(2, Role::Critical, &format!("{}: {found}", line.server)));
    }
    if !pending.is_empty() {
        lines.extend(wrapped(2, Role::Warning, &unsure));
    }
    lines.extend(mending(report));
    lines
}

fn mending(report: &Report<'_>) -> impl Iterator<Item = Line> {
    report.mending().into_iter().map(|text| Line::of(2, Role::Plain, text))
}

fn advice(report: &Report<'_>) -> Vec<Line> {
    let advice = report.advice();
    let [source, target] = report.subject.sides.each_ref().map(|side| side.server.name());
    let setting = match advice.replication {
        Some(word) => format!("Advised: replication = {word:?} in the entry of {target}, for {}.", advice.reason),
        None => format!("No setting is advised: {}.", advice.reason),
    };
    let (role, verified) = match advice.verified {
        true => (
            Role::Good,
            format!(
                "Every answer is one that scopesync expects: set verified = true in the entry of {target}. For {source} \
                 the other direction tells, with --computer-name {target}."
            ),
        ),
        false => {
            (Role::Warning, "Leave verified as it is: not every answer is there, or as scopesync expects.".to_owned())
        }
    };
    [wrapped(0, Role::Plain, &setting), wrapped(0, role, &verified)].concat()
}

fn wrapped(indent: usize, role: Role, text: &str) -> Vec<Line> {
    wrap(text, COLUMNS - indent).into_iter().map(|text| Line::of(indent, role, text)).collect()
}
