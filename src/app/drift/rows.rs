//! Which lines the pane has.

use crate::engine::compare::ScopeDrift;
use crate::model::{ChangeKind, DriftState, Section};

use super::concerns::{concerns, of_section};
use super::{DriftPane, DriftRow, ItemAt, Opened, SectionHead, Subject};

impl DriftPane {
    /// The lines of what is shown now.
    pub(super) fn build(&self) -> Vec<DriftRow> {
        let Some(subject) = &self.subject else { return Vec::new() };
        match subject.scope() {
            Some(scope) => self.of_scope(subject, scope),
            None if subject.scope.is_some() => Vec::new(),
            None => of_relationship(subject),
        }
    }

    fn of_scope(&self, subject: &Subject, scope: &ScopeDrift) -> Vec<DriftRow> {
        let findings = &subject.compared.drift.findings;
        let mut is_told = vec![false; findings.len()];
        let mut below = Vec::new();
        for section in Section::ALL {
            let from = below.len();
            let head = self.of_section(subject, section, &mut below, &mut is_told);
            let Some(mut head) = head else { continue };
            if self.folded.contains(&section) && !self.opened.contains(&section) {
                head.folded = Some(below.len() - from);
                below.truncate(from);
            }
            below.insert(from, DriftRow::Section(head));
        }
        let mut rows = vec![DriftRow::State];
        rows.extend(scope.reason.iter().map(|_| DriftRow::Reason));
        rows.extend(subject.refusal.iter().filter(|_| scope.can_replicate()).map(|_| DriftRow::Refused));
        let of_all = findings.iter().enumerate().filter(|(at, finding)| {
            finding.scopes.contains(&scope.id) && !is_told.get(*at).copied().unwrap_or_default()
        });
        rows.extend(of_all.map(|(at, _)| DriftRow::Finding(at)));
        let is_unopened = self.everything && !matches!(self.whole, Opened::Left(_));
        rows.extend(is_unopened.then_some(DriftRow::Unopened));
        rows.extend(below);
        rows
    }

    /// The items of a section; `None` where there are none.
    fn of_section(
        &self,
        subject: &Subject,
        section: Section,
        rows: &mut Vec<DriftRow>,
        is_told: &mut [bool],
    ) -> Option<SectionHead> {
        let scope = subject.scope()?;
        let findings = &subject.compared.drift.findings;
        let changes = scope.changes.iter().enumerate().filter(|(_, change)| change.section() == section);
        let mut items: Vec<ItemAt> = changes.map(|(at, _)| ItemAt::Change(at)).collect();
        let of = |kind| scope.changes.iter().filter(|c| c.section() == section && c.change == kind).count();
        let counts = match scope.state {
            // what only the target has is listed as if it were deleted, and is not
            DriftState::OnlyOnTarget => [0; 3],
            _ => [of(ChangeKind::Create), of(ChangeKind::Update), of(ChangeKind::Delete)],
        };
        let left = self.left().iter().enumerate().filter(|(_, left)| left.key.section() == section);
        items.extend(left.map(|(at, _)| ItemAt::Left(at)));
        items.sort_by_key(|at| self.item(*at).map(|item| item.key()));
        if items.is_empty() {
            return None;
        }
        let beside = findings.iter().enumerate().filter(|(_, finding)| of_section(finding, section));
        rows.extend(beside.map(|(at, _)| DriftRow::Beside(at)));
        for at in &items {
            let Some(item) = self.item(*at) else { continue };
            rows.push(DriftRow::Item(*at));
            rows.extend((0..item.fields().len()).map(|field| DriftRow::Field(*at, field)));
            for (number, finding) in findings.iter().enumerate() {
                if concerns(finding, scope.id, &item) {
                    rows.push(DriftRow::Beside(number));
                    is_told[number] = true;
                }
            }
        }
        let changed = items.iter().filter(|at| matches!(at, ItemAt::Change(_))).count();
        Some(SectionHead { section, counts, left: items.len() - changed, folded: None })
    }
}

fn of_relationship(subject: &Subject) -> Vec<DriftRow> {
    let mut rows = vec![DriftRow::Summary];
    rows.extend((0..subject.compared.left_out.len()).map(DriftRow::LeftOut));
    rows.extend([DriftRow::Member(0), DriftRow::Member(1)]);
    rows.extend((0..subject.compared.unpaired.len()).map(DriftRow::Unpaired));
    rows.extend((0..subject.compared.drift.findings.len()).map(DriftRow::Finding));
    rows
}
