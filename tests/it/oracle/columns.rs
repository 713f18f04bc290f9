//! The columns that counters and rates have.

/// How many counters tell of messages; what people and machines do comes after them.
pub const OF_MESSAGES: usize = 22;

/// The counter that is null where a job has no rules for it.
pub const NEW_QUARANTINES: &str = "new_quarantines";

/// The counters of section 3, the persons that go into quarantine, and what people and machines do, each with the
/// name of its change in the hour.
pub const COUNTERS: [(&str, &str); 33] = [
    ("processed", "processed_delta"),
    ("pending", "pending_delta"),
    ("delivered", "delivered_delta"),
    ("bounces_errors", "bounces_errors_delta"),
    ("sent", "sent_delta"),
    ("hard_bounces", "hard_bounces_delta"),
    ("soft_bounces", "soft_bounces_delta"),
    ("failed_by_deadline", "failed_by_deadline_delta"),
    ("retrying", "retrying_delta"),
    ("soft_bounce_events", "soft_bounce_events_delta"),
    ("late_successes", "late_successes_delta"),
    ("complaints", "complaints_delta"),
    ("new_quarantines", "new_quarantines_delta"),
    ("opens_tracked", "opens_tracked_delta"),
    ("unique_opens_tracked", "unique_opens_tracked_delta"),
    ("unique_opens", "unique_opens_delta"),
    ("opens", "opens_delta"),
    ("clicks", "clicks_delta"),
    ("unique_clicks", "unique_clicks_delta"),
    ("mirror_page_views", "mirror_page_views_delta"),
    ("unsubscribes", "unsubscribes_delta"),
    ("unique_unsubscribes", "unique_unsubscribes_delta"),
    ("human_opens_tracked", "human_opens_tracked_delta"),
    (
        "human_unique_opens_tracked",
        "human_unique_opens_tracked_delta",
    ),
    ("human_unique_opens", "human_unique_opens_delta"),
    ("human_opens", "human_opens_delta"),
    ("human_clicks", "human_clicks_delta"),
    ("human_unique_clicks", "human_unique_clicks_delta"),
    ("human_unsubscribes", "human_unsubscribes_delta"),
    ("machine_marked", "machine_marked_delta"),
    ("machine_honeypot", "machine_honeypot_delta"),
    ("machine_many_links", "machine_many_links_delta"),
    ("machine_early_open", "machine_early_open_delta"),
];

/// The rates of section 4: name, numerator, denominator (counters, or `to_deliver`).
pub const RATES: [(&str, &str, &str); 19] = [
    ("delivered_rate", "delivered", "processed"),
    ("bounce_error_rate", "bounces_errors", "processed"),
    ("delivered_rate_of_sent", "delivered", "sent"),
    ("bounce_error_rate_of_sent", "bounces_errors", "sent"),
    ("hard_bounce_rate", "hard_bounces", "sent"),
    ("soft_bounce_rate", "soft_bounces", "sent"),
    ("open_rate", "unique_opens", "delivered"),
    ("open_rate_total", "opens", "delivered"),
    ("click_through_rate", "unique_clicks", "delivered"),
    ("click_to_open_rate", "unique_clicks", "unique_opens"),
    ("unsubscribe_rate", "unsubscribes", "delivered"),
    ("complaint_rate", "complaints", "delivered"),
    ("mirror_page_rate", "mirror_page_views", "delivered"),
    ("progress", "processed", "to_deliver"),
    ("human_open_rate", "human_unique_opens", "delivered"),
    ("human_open_rate_total", "human_opens", "delivered"),
    (
        "human_click_through_rate",
        "human_unique_clicks",
        "delivered",
    ),
    (
        "human_click_to_open_rate",
        "human_unique_clicks",
        "human_unique_opens",
    ),
    ("human_unsubscribe_rate", "human_unsubscribes", "delivered"),
];
