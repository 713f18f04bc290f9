use super::*;

#[test]
fn values_come_back_and_keep_their_order() {
    let codes = Codes::default();
    let ordered = [
        None,
        Some(Value::Number(i64::MIN)),
        Some(Value::Number(-1)),
        Some(Value::Number(0)),
        Some(Value::Number(7)),
        Some(Value::Number(i64::MAX)),
        Some(Value::Text("10".into())),
        Some(Value::Text("9".into())),
        Some(Value::Text("a".into())),
    ];
    let interned: Vec<Code> = ordered
        .iter()
        .rev()
        .map(|v| codes.intern(v.clone()))
        .collect();
    for (value, code) in ordered.iter().rev().zip(&interned) {
        assert_eq!(codes.value(*code), *value);
        assert_eq!(codes.intern(value.clone()), *code);
    }
    for pair in interned.windows(2) {
        assert_eq!(codes.cmp(pair[0], pair[1]), Ordering::Greater);
    }
}

#[test]
fn an_unknown_type_is_told_apart_by_type_and_link() {
    let codes = Codes::default();
    let a = codes.intern_unknown_type(Value::Number(5), None);
    let b = codes.intern_unknown_type(Value::Number(5), Some(Value::Number(1)));
    assert_ne!(a, b);
    assert_eq!(codes.unknown_type(b), Some(Value::Number(5)));
    assert_eq!(codes.value(b), Some(Value::Number(1)));
    assert_eq!(codes.value(a), None);
}

#[test]
fn hidden_texts_are_known_again_and_their_order_is_in_doubt() {
    let hide = |text: &str| [text.len() as u64, u64::from(text.as_bytes()[0])];
    let text = |text: &str| Some(Value::Text(text.into()));
    let first = Codes::default();
    let (full, long) = (first.intern(text("full")), first.intern(text("mailbox")));
    let unknown = first.intern_unknown_type(Value::Text("tap".into()), text("a-link"));
    let kept = first.hidden(hide);
    assert!(!format!("{kept:?}").contains("full"));
    let next = Codes::with(kept, hide);
    assert_eq!(next.cmp(full, full), Ordering::Equal);
    assert_eq!(next.cmp(Code::NULL, full), Ordering::Less);
    let number = next.intern(Some(Value::Number(-1)));
    assert_eq!(next.cmp(number, full), Ordering::Less);
    assert!(!next.are_in_doubt(), "numbers come before any text");
    assert_eq!(next.intern(text("full")), full);
    assert_eq!(
        next.intern_unknown_type(Value::Text("tap".into()), text("a-link")),
        unknown
    );
    assert_eq!(next.value(full), text("full"));
    assert_eq!(
        next.cmp(long, full),
        Ordering::Greater,
        "their ranks are kept"
    );
    let new = next.intern(text("gone"));
    assert_ne!(new, full);
    assert_eq!(next.cmp(full, new), Ordering::Less);
    assert!(!next.are_in_doubt(), "both are known");
    let later = Codes::with(next.hidden(hide), hide);
    assert_eq!(
        later.cmp(full, long),
        Ordering::Less,
        "through later runs too"
    );
    assert!(!later.are_in_doubt());
    later.cmp(long, new);
    assert!(later.are_in_doubt(), "one of them came later");
    next.cmp(long, new);
    assert!(next.are_in_doubt());
}

#[test]
fn only_links_have_digests_and_keep_them() {
    let digest = |text: &str| -> Box<str> { format!("digest of {}", text.len()).into() };
    let hide = |text: &str| [text.len() as u64, 7];
    let text = |text: &str| Some(Value::Text(text.into()));
    let first = Codes::default().digesting(Some(digest));
    let reason = first.intern(text("full"));
    let both = first.intern(text("both of them"));
    assert_eq!(first.digest(both), None);
    assert_eq!(first.intern_link("both of them"), both);
    let link = first.intern_link("a-link");
    assert_eq!(first.digest(reason), None);
    let next = Codes::with(first.hidden(hide), hide);
    assert_eq!(next.digest(link).as_deref(), Some("digest of 6"));
    assert_eq!(next.digest(both).as_deref(), Some("digest of 12"));
    let name = next.intern_domain("example.com");
    assert_eq!(next.domain(name).as_deref(), Some("example.com"));
    assert_eq!(
        (next.domain(link), next.domain(Code::NULL), next.value(name)),
        (None, None, None)
    );
    let kept = Codes::with(next.hidden(hide), hide);
    assert_eq!(
        kept.domain(name).as_deref(),
        Some("example.com"),
        "no secret"
    );
}
