//! Numbers beyond the thresholds of a job.

use super::frames::Delivery;
use super::{EarlierHour, Frames};
use crate::model::{DeliveryId, HOUR, Hour, Instant, Thresholds};
use crate::rollup::{Change, Counter, Given};
use std::collections::{BTreeSet, HashMap};

/// A number beyond its threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// The key of the threshold.
    pub rule: &'static str,
    /// The delivery.
    pub delivery: DeliveryId,
    /// The number: a rate, messages that have been pending too long, or messages processed in an hour.
    pub value: f64,
    /// The threshold.
    pub threshold: f64,
}

/// Published hours that a run does not compute, and that it needs to tell how fast messages go.
#[derive(Debug)]
pub struct Wanted {
    /// The deliveries.
    pub deliveries: BTreeSet<DeliveryId>,
    /// The first hour.
    pub from: Hour,
}

/// What an alert says, for people.
pub fn told(rule: &str, value: Option<f64>, threshold: f64) -> String {
    let Some(value) = value else {
        return "no row at all".to_owned();
    };
    match rule {
        "pending_hours" => {
            let messages = if value == 1.0 { "message" } else { "messages" };
            format!("at least {value} {messages} pending for over {threshold} h")
        }
        "processed_per_hour" => format!(
            "{} messages processed in the last hour, less than {threshold}, and not all are",
            apart(value, threshold, 0)
        ),
        "input_hours" => format!(
            "the newest row is {} h older than as-of, over {threshold} h",
            apart(value, threshold, 1)
        ),
        rate => {
            // 0.07 times 100 is a little more than 7.
            let [value, threshold] = [value, threshold].map(|of| (of * 1e10).round() / 1e8);
            format!(
                "{rate} {} %, over {threshold} %",
                apart(value, threshold, 2)
            )
        }
    }
}

/// A number with so many digits, or as many as tell it from its threshold.
fn apart(value: f64, threshold: f64, digits: usize) -> String {
    let text = |digits: usize| format!("{value:.digits$}");
    let is_apart = |digits: &usize| text(*digits).parse() != Ok(threshold);
    (digits..=8).find(is_apart).map_or(text(8), text)
}

impl Frames<'_> {
    /// The published hours that alerts need.
    pub fn wanted_for_alerts(&self, thresholds: &Thresholds) -> Option<Wanted> {
        let longest = [
            thresholds.pending_hours,
            thresholds.processed_per_hour.map(|_| 1),
        ];
        let from = self.hour_before(longest.into_iter().flatten().max()?);
        let is_wanted = |delivery: &&Delivery<'_>| {
            let is_given = match delivery.kpis.given {
                Given::All => true,
                Given::From(day) => day <= from.day(),
                Given::Nothing => false,
            };
            !is_given && self.is_recent(delivery, thresholds) && is_under_way(delivery)
        };
        let wanted = self.run.iter().filter(is_wanted);
        let deliveries: BTreeSet<_> = wanted.map(|delivery| delivery.kpis.id.clone()).collect();
        (!deliveries.is_empty()).then_some(Wanted { deliveries, from })
    }

    /// The alerts of the deliveries of the run, in their order; `earlier` are the hours that were wanted.
    pub fn alerts(&self, thresholds: &Thresholds, earlier: &[EarlierHour]) -> Vec<Alert> {
        let mut hours: HashMap<&DeliveryId, Vec<&EarlierHour>> = HashMap::new();
        for hour in earlier {
            hours.entry(&hour.delivery).or_default().push(hour);
        }
        let mut alerts = Vec::new();
        let recent = |delivery: &&Delivery<'_>| self.is_recent(delivery, thresholds);
        for delivery in self.run.iter().filter(recent) {
            let earlier = hours.get(&delivery.kpis.id);
            let earlier = earlier.map_or(&[][..], Vec::as_slice);
            rates(delivery, thresholds, &mut alerts);
            self.paces(delivery, thresholds, earlier, &mut alerts);
        }
        alerts
    }

    /// Whether its messages may still come and go: opens, which come for years, do not make it so.
    fn is_recent(&self, delivery: &Delivery<'_>, thresholds: &Thresholds) -> bool {
        let facts = &delivery.kpis.facts;
        let last = delivery.attributes.started_at.max(facts.last_event_at);
        let last = facts.final_at.or(last);
        let until = last.map(|at| at.plus(thresholds.recent_hours.saturating_mul(HOUR)));
        until.is_some_and(|until| until >= self.marks.as_of)
    }

    /// The hour that as-of lies so many hours behind.
    fn hour_before(&self, hours: i64) -> Hour {
        let at = self.marks.as_of.plus(hours.saturating_mul(-HOUR));
        at.max(Instant::FIRST).hour()
    }

    /// How fast the messages of a delivery go.
    fn paces(
        &self,
        delivery: &Delivery<'_>,
        thresholds: &Thresholds,
        earlier: &[&EarlierHour],
        alerts: &mut Vec<Alert>,
    ) {
        let total = delivery.kpis.total();
        let pending = total.get(Counter::Pending);
        if let Some(hours) = thresholds.pending_hours {
            // Whoever entered the log since may be pending; all others have been for longer.
            let since = processed_since(delivery, self.hour_before(hours), earlier);
            let too_long = pending - since;
            if too_long > 0 {
                alerts.push(alert(
                    "pending_hours",
                    delivery,
                    too_long as f64,
                    hours as f64,
                ));
            }
        }
        let is_whole = delivery
            .attributes
            .to_deliver
            .is_none_or(|all| total.get(Counter::Processed) >= all);
        let Some(least) = thresholds.processed_per_hour.filter(|_| !is_whole) else {
            return;
        };
        // A proof that went out before does not begin it.
        let first = delivery.kpis.facts.first_event_at;
        let first = first.filter(|_| total.get(Counter::Processed) > 0);
        let Some(begin) = delivery.attributes.started_at.or(first) else {
            return;
        };
        if begin.plus(HOUR) > self.marks.as_of {
            return;
        }
        let from = self.hour_before(1);
        // Where as-of is in the middle of an hour, from the start of the one before.
        let span = self.marks.as_of.micros() - from.start().max(begin).micros();
        let processed = processed_since(delivery, from, earlier);
        let pace = processed as f64 / (span as f64 / HOUR as f64);
        if pace < least as f64 {
            alerts.push(alert("processed_per_hour", delivery, pace, least as f64));
        }
    }
}

fn rates(delivery: &Delivery<'_>, thresholds: &Thresholds, alerts: &mut Vec<Alert>) {
    let total = delivery.kpis.total();
    let [hard, soft, delivered, complaints] = [
        Counter::HardBounces,
        Counter::SoftBounces,
        Counter::Delivered,
        Counter::Complaints,
    ]
    .map(|counter| total.get(counter));
    let sent = delivered + hard + soft;
    for (rule, most, counted, of) in [
        ("hard_bounce_rate", thresholds.hard_bounce_rate, hard, sent),
        ("soft_bounce_rate", thresholds.soft_bounce_rate, soft, sent),
        (
            "complaint_rate",
            thresholds.complaint_rate,
            complaints,
            delivered,
        ),
    ] {
        let rate = counted as f64 / of as f64;
        if let Some(most) = most
            && of >= thresholds.min_messages.max(1)
            && rate > most
        {
            alerts.push(alert(rule, delivery, rate, most));
        }
    }
}

fn alert(rule: &'static str, delivery: &Delivery<'_>, value: f64, threshold: f64) -> Alert {
    Alert {
        rule,
        delivery: delivery.kpis.id.clone(),
        value,
        threshold,
    }
}

/// Whether its pace matters: messages are pending, or are still to come.
fn is_under_way(delivery: &Delivery<'_>) -> bool {
    let total = delivery.kpis.total();
    let to_deliver = delivery.attributes.to_deliver;
    total.get(Counter::Pending) > 0
        || to_deliver.is_some_and(|all| total.get(Counter::Processed) < all)
}

/// How many messages have entered the log since the start of an hour.
fn processed_since(delivery: &Delivery<'_>, from: Hour, earlier: &[&EarlierHour]) -> i64 {
    let kpis = delivery.kpis;
    let processed = |total: &Change| total.get(Counter::Processed);
    let before = kpis.hours.iter().rev().find(|row| row.hour < from);
    let before = before.map_or(&kpis.base, |row| &row.total);
    let is_not_given = |row: &&&EarlierHour| match kpis.given {
        Given::All => false,
        Given::From(day) => row.hour.day() < day,
        Given::Nothing => true,
    };
    let published = earlier.iter().filter(|row| row.hour >= from);
    let published = published.filter(is_not_given);
    let published: i64 = published.map(|row| processed(&row.change)).sum();
    processed(&kpis.total()) - processed(before) + published
}
