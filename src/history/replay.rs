//! What the counted rows of a message do: transitions of its status, and what the counters count.

use super::machine::{MachineSign, Signs};
use super::{Row, Rule, Sink, Status};
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
        let before = life.status;
        if before.is_none() {
            life.entered_at = Some(at);
            life.deadline = policy.deadline(at);
        }
        let late = life.deadline.is_some_and(|deadline| deadline <= at);
        sink.follows(Some(row.source), Rule::of_report(report, life.status, late));
        if report == Report::SoftBounce {
            sink.occurs(at, Occurrence::SoftBounce);
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
        life.status = Some(after);
    }
}

fn replay_tracking(rows: &[Row], life: &Life, signs: &Signs<'_>, sink: &mut impl Sink) {
    let mut opted_out = false;
    let mut firsts = [Seen::default(); 3];
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
        let first = match tracked {
            Tracked::Open => {
                counts(Occurrence::Open, Occurrence::MachineOpen);
                Some((First::Open, Occurrence::FirstOpen))
            }
            Tracked::Click | Tracked::OfferClick | Tracked::OfferClick2 => {
                counts(Occurrence::Click, Occurrence::MachineClick);
                Some((First::Click, Occurrence::FirstClick))
            }
            Tracked::OptOut => {
                counts(Occurrence::OptOut, Occurrence::MachineOptOut);
                if !std::mem::replace(&mut opted_out, true) {
                    sink.occurs(at, Occurrence::FirstOptOut);
                }
                None
            }
            Tracked::MirrorPage => {
                sink.occurs(at, Occurrence::MirrorPage);
                None
            }
            Tracked::Unknown => None,
        };
        let any = (First::Sign, Occurrence::FirstSign);
        for (first, what) in first.into_iter().chain([any]) {
            let seen = &mut firsts[first as usize];
            if *seen == Seen::Nothing {
                sink.occurs(at, what);
            }
            match (sign.is_some(), *seen) {
                (true, Seen::Nothing) => {
                    sink.occurs(at, Occurrence::MachineFirst(first));
                    *seen = Seen::Machine;
                }
                (false, Seen::Machine) => {
                    sink.occurs(at, Occurrence::HumanFirst(first));
                    *seen = Seen::Human;
                }
                (false, Seen::Nothing) => *seen = Seen::Human,
                (_, Seen::Human) | (true, Seen::Machine) => {}
            }
        }
    }
}

/// Whose rows of one kind a message has.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Seen {
    /// None yet.
    #[default]
    Nothing,
    /// Only a machine's.
    Machine,
    /// A person's.
    Human,
}

#[cfg(test)]
mod tests {
    use super::super::{Meaning, live};
    use super::*;
    use crate::model::{
        Attributes, Codes, DeadlineMode, Fate, HOUR, Logged, MachineRules, Report::*, Stamp, Value,
    };

    struct Deaf;

    impl Sink for Deaf {
        fn meets(&mut self, _: u32, _: Fate) {}
        fn mark(&mut self, _: u32, _: Mark) {}
        fn moves(&mut self, _: Instant, _: Option<Status>, _: Status) {}
        fn occurs(&mut self, _: Instant, _: Occurrence) {}
    }

    /// The failure reason of a message after these reports: hour, report, reason.
    fn reason(efs: bool, reports: &[(i64, Report, Option<i64>)]) -> Option<i64> {
        let codes = Codes::default();
        let at = |hour: i64| Instant::FIRST.plus(hour * HOUR);
        let mut rows: Vec<Row> = (0u32..)
            .zip(reports)
            .map(|(source, (hour, report, reason))| Row {
                stamp: Stamp::sending(Some(at(*hour)), Some(Logged::Event(*report))),
                code: codes.intern(reason.map(Value::Number)),
                source,
                tail: Row::SOLE,
            })
            .collect();
        let attributes = Attributes {
            efs: Some(efs),
            ..Attributes::default()
        };
        let policy = Policy::new(&attributes, DeadlineMode::Infer);
        let meaning = Meaning {
            as_of: at(1000),
            codes: &codes,
            machines: &MachineRules::default(),
        };
        let life = live(&mut rows, &[], &policy, meaning, &mut Deaf);
        codes.value(life.reason).map(|value| match value {
            Value::Number(number) => number,
            other => panic!("{other:?} is no number"),
        })
    }

    #[test]
    fn the_last_reason_given_stays() {
        assert_eq!(reason(true, &[(0, SoftBounce, None)]), None);
        let last = [(0, SoftBounce, Some(5)), (1, SoftBounce, Some(3))];
        assert_eq!(reason(true, &last), Some(3));
        let null_says_nothing = [(0, SoftBounce, Some(5)), (1, Expired, None)];
        assert_eq!(reason(true, &null_says_nothing), Some(5));
        let by_the_deadline = [(0, Relayed, None), (1, SoftBounce, Some(5))];
        assert_eq!(reason(false, &by_the_deadline), Some(5));
    }

    #[test]
    fn a_success_takes_the_reason_away_unless_it_is_too_late() {
        let success = [
            (0, SoftBounce, Some(5)),
            (1, Delivered, None),
            (2, SoftBounce, None),
        ];
        assert_eq!(reason(true, &success), None);
        let too_late = [(0, HardBounce, Some(1)), (1, Delivered, None)];
        assert_eq!(reason(true, &too_late), Some(1));
    }

    #[test]
    fn a_report_that_is_stopped_gives_no_reason() {
        let after_soft = [(0, Expired, Some(5)), (1, SoftBounce, Some(3))];
        assert_eq!(reason(true, &after_soft), Some(5));
        let hard_after_soft = [(0, Expired, Some(5)), (1, HardBounce, Some(1))];
        assert_eq!(reason(true, &hard_after_soft), Some(1));
        let after_hard = [(0, HardBounce, Some(1)), (1, HardBounce, Some(2))];
        assert_eq!(reason(true, &after_hard), Some(1));
        let after_the_deadline = [(0, SoftBounce, Some(5)), (100, SoftBounce, Some(3))];
        for efs in [true, false] {
            assert_eq!(reason(efs, &after_the_deadline), Some(5));
        }
    }

    #[test]
    fn of_identical_reports_the_smallest_reason_counts() {
        for (reasons, smallest) in [
            ([Some(7), Some(3)], 3),
            ([None, Some(3)], 3),
            ([Some(3), Some(-1)], -1),
            ([Some(i64::MAX), Some(3)], 3),
        ] {
            let [a, b] = reasons;
            for (a, b) in [(a, b), (b, a)] {
                let reports = [(0, HardBounce, a), (0, HardBounce, b)];
                assert_eq!(reason(true, &reports), Some(smallest), "{reasons:?}");
            }
        }
    }
}
