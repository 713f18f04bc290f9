//! What the counted rows of a message do: transitions of its status, and what the counters count.

use super::firsts::Firsts;
use super::machine::{MachineSign, Signs};
use super::{Row, Rule, Sink, Standing, Status};
use crate::model::{Code, Instant, Log, MachineRules, Mark, Policy, Report, Tracked};

/// Something that some counter counts, besides the status of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Occurrence {
    /// A soft-bounce report, whatever its effect.
    SoftBounce,
    /// A delivered report without effect because the message had failed for good.
    LateSuccess,
    /// The first complaint.
    FirstComplaint,
    /// An open row.
    Open,
    /// The first open row.
    FirstOpen,
    /// The first row that implies an open: an open, a click, a mirror-page view or an opt-out.
    FirstSign,
    /// A click row.
    Click,
    /// The first click row.
    FirstClick,
    /// A mirror-page view.
    MirrorPage,
    /// An opt-out row.
    OptOut,
    /// The first opt-out row.
    FirstOptOut,
    /// A row that a machine has made, of a type that some counter counts.
    ByMachine(MachineSign),
    /// The same, an open row.
    MachineOpen,
    /// The same, a click row.
    MachineClick,
    /// The same, an opt-out row.
    MachineOptOut,
    /// The first open row, click row or row that implies an open is a machine's.
    MachineFirst(First),
    /// After one that was, the first that is not.
    HumanFirst(First),
}

/// What the first row of a message is the first of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum First {
    /// Open rows.
    Open,
    /// Rows that imply an open.
    Sign,
    /// Click rows.
    Click,
}

/// What is known of a message after its replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// The status at as-of; none if the message has not entered the log.
    pub status: Option<Status>,
    /// The last failure reason that counts, for a failed message.
    pub reason: Code,
    /// When it entered the log.
    pub entered_at: Option<Instant>,
    /// The end of its retries, if it entered the log and has one.
    pub deadline: Option<Instant>,
    /// The earliest counted row of both logs, test rows included.
    pub first_event_at: Option<Instant>,
    /// The latest one.
    pub last_event_at: Option<Instant>,
}

/// How a message has failed, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whether permanently.
    pub is_hard: bool,
    /// The last reason given that counts.
    pub reason: Code,
}

impl Life {
    fn failure(&self) -> Option<Failure> {
        let failed = |status: &Status| status.standing() == Standing::Failed;
        self.status.filter(failed).map(|status| Failure {
            is_hard: status == Status::FailedHard,
            reason: self.reason,
        })
    }
}

/// Replays the counted rows of a message, sorted by stamp.
pub fn replay(
    rows: &[Row],
    policy: &Policy,
    as_of: Instant,
    machines: &MachineRules,
    sink: &mut impl Sink,
) -> Life {
    let mut life = Life::default();
    let is_tracked = |row: &Row| row.stamp.log() == Log::Tracking;
    let (reports, tracking) = rows.split_at(rows.partition_point(|row| !is_tracked(row)));
    let reports = real(reports, &mut life, sink);
    let tracking = real(tracking, &mut life, sink);
    replay_reports(reports, policy, as_of, &mut life, sink);
    if !tracking.is_empty() {
        let signs = Signs::of(tracking, life.entered_at, machines);
        replay_tracking(tracking, &life, &signs, sink);
    }
    life
}

/// Takes note of when the rows of one log, sorted by stamp, came, and gives those that are no test rows.
fn real<'a>(rows: &'a [Row], life: &mut Life, sink: &mut impl Sink) -> &'a [Row] {
    let real = match rows.last() {
        Some(last) if last.stamp.is_test() => rows.partition_point(|row| !row.stamp.is_test()),
        _ => rows.len(),
    };
    let (real, tests) = rows.split_at(real);
    for rows in [real, tests] {
        if let [first, ..] = rows {
            life.first_event_at = earlier(life.first_event_at, first.stamp.at());
        }
        if let [.., last] = rows {
            life.last_event_at = life.last_event_at.max(last.stamp.at());
        }
    }
    for row in tests {
        sink.follows(Some(row.source), Rule::Test);
        sink.mark(row.source, Mark::Test);
    }
    real
}

fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn replay_reports(
    rows: &[Row],
    policy: &Policy,
    as_of: Instant,
    life: &mut Life,
    sink: &mut impl Sink,
) {
    let mut complained = false;
    for row in rows {
        let (Some(at), Some(report)) = (row.stamp.at(), row.stamp.report()) else {
            continue;
        };
        // The deadline comes before the reports of its own instant.
        if life.deadline.is_some_and(|deadline| deadline <= at) {
            pass_deadline(life, sink);
        }
        sink.counts(row, false);
        if report == Report::Ignored {
            sink.follows(Some(row.source), Rule::Ignored);
            continue;
        }
        if report == Report::Complaint {
            if std::mem::replace(&mut complained, true) {
                sink.follows(Some(row.source), Rule::ComplaintAgain);
            } else {
                sink.follows(Some(row.source), Rule::Complaint);
                sink.occurs(at, Occurrence::FirstComplaint);
            }
            continue;
        }
        let (before, failure) = (life.status, life.failure());
        if before.is_none() {
            life.entered_at = Some(at);
            life.deadline = policy.deadline(at);
        }
        let late = life.deadline.is_some_and(|deadline| deadline <= at);
        sink.follows(Some(row.source), Rule::of_report(report, life.status, late));
        if report == Report::SoftBounce {
            sink.occurs(at, Occurrence::SoftBounce);
            sink.bounces_softly(at, row.code);
        }
        let now = life.status.unwrap_or(Status::relayed(policy.efs));
        let after = now.after(report, policy.efs, late);
        if report == Report::Delivered && now.is_failed_for_good() {
            sink.occurs(at, Occurrence::LateSuccess);
        }
        if before.is_none() || after.is_some() {
            let to = after.unwrap_or(now);
            sink.moves(at, life.status, to);
            life.status = Some(to);
        }
        match report {
            Report::Delivered if after.is_some() => life.reason = Code::NULL,
            Report::SoftBounce | Report::Expired | Report::HardBounce
                if !stopped(now, report) && !row.code.is_null() =>
            {
                life.reason = row.code;
            }
            _ => {}
        }
        let failed = life.failure();
        if failed != failure {
            sink.fails(at, failure, failed);
        }
    }
    if life.deadline.is_some_and(|deadline| deadline < as_of) {
        pass_deadline(life, sink);
    }
}

/// Whether rule 1 of section 2 keeps the report from changing anything.
fn stopped(now: Status, report: Report) -> bool {
    now == Status::FailedHard || (now.is_failed_for_good() && report != Report::HardBounce)
}

fn pass_deadline(life: &mut Life, sink: &mut impl Sink) {
    let (Some(now), Some(deadline)) = (life.status, life.deadline) else {
        return;
    };
    if let Some(after) = now.after_deadline() {
        sink.follows(None, Rule::Deadline);
        sink.moves(deadline, Some(now), after);
        let failure = life.failure();
        life.status = Some(after);
        let failed = life.failure();
        if failed != failure {
            sink.fails(deadline, failure, failed);
        }
    }
}

fn replay_tracking(rows: &[Row], life: &Life, signs: &Signs<'_>, sink: &mut impl Sink) {
    let mut firsts = Firsts::default();
    for (place, row) in rows.iter().enumerate() {
        let (Some(at), Some(tracked)) = (row.stamp.at(), row.stamp.tracked()) else {
            continue;
        };
        sink.follows(Some(row.source), Rule::of_tracking(tracked));
        if life.status.is_none() {
            sink.mark(row.source, Mark::Orphan);
        }
        if tracked == Tracked::Unknown {
            sink.mark(row.source, Mark::UnknownType);
            continue;
        }
        let sign = signs.sign(place, row);
        sink.counts(row, sign.is_some());
        if let Some(sign) = sign {
            sink.is_made_by_machine(sign);
            sink.occurs(at, Occurrence::ByMachine(sign));
        }
        let mut counts = |what, by_machine| {
            sink.occurs(at, what);
            if sign.is_some() {
                sink.occurs(at, by_machine);
            }
        };
        match tracked {
            Tracked::Open => counts(Occurrence::Open, Occurrence::MachineOpen),
            Tracked::Click | Tracked::OfferClick | Tracked::OfferClick2 => {
                counts(Occurrence::Click, Occurrence::MachineClick);
                sink.clicks(at, row.code, sign.is_some());
            }
            Tracked::OptOut => counts(Occurrence::OptOut, Occurrence::MachineOptOut),
            Tracked::MirrorPage => sink.occurs(at, Occurrence::MirrorPage),
            Tracked::Unknown => {}
        }
        firsts.meet(at, tracked, sign.is_some(), sink);
    }
}

#[cfg(test)]
mod tests;
