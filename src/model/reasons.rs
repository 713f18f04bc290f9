//! The failure reasons that the platform names (kpi-semantics, section 5).

/// The failure reasons that have a name.
pub(super) const REASONS: [(&str, i64); 8] = [
    ("user unknown", 1),
    ("invalid domain", 2),
    ("unreachable", 3),
    ("account disabled", 4),
    ("mailbox full", 5),
    ("not connected", 6),
    ("on denylist", 8),
    ("refused", 20),
];

/// The name of a failure reason, if it has one.
pub fn failure_reason_name(code: i64) -> Option<&'static str> {
    let named = REASONS.iter().find(|(_, reason)| *reason == code);
    named.map(|(name, _)| *name)
}
