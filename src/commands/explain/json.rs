//! The history for machines.

use super::Subject;
use super::story::{Line, Place, Story, reason_text};
use crate::history::{MachineSign, Standing};
use crate::model::{DeliveryId, Value};
use serde_json::{Value as Json, json};

/// One object on one line.
pub fn json(subject: &Subject, story: &Story) -> String {
    let life = &story.life;
    let object = json!({
        "delivery_id": match &subject.delivery {
            DeliveryId::Number(id) => json!(id),
            DeliveryId::Text(id) => json!(id),
        },
        "message_id": value(&subject.message),
        "label": subject.attributes.label,
        "channel": subject.attributes.channel,
        "efs": subject.policy.efs,
        "as_of": subject.as_of.to_string(),
        "standing": life.status.map(|status| match status.standing() {
            Standing::Pending => "Pending",
            Standing::Sent => "Sent",
            Standing::Failed => "Failed",
        }),
        "status": life.status.map(|status| status.name()),
        "retrying": life.status.is_some_and(|status| status.is_retrying()),
        "failure_reason": story.reason.as_ref().map(reason),
        "entered_at": life.entered_at.map(|at| at.to_string()),
        "deadline": life.deadline.map(|at| at.to_string()),
        "first_event_at": life.first_event_at.map(|at| at.to_string()),
        "last_event_at": life.last_event_at.map(|at| at.to_string()),
        "history": story.lines.iter().map(line).collect::<Vec<_>>(),
        "row_groups_read": subject.row_groups.0,
        "row_groups": subject.row_groups.1,
    });
    format!("{object}\n")
}

fn line(line: &Line) -> Json {
    let content = line.content.as_ref();
    let log_id = content.and_then(|content| content.log_id);
    json!({
        "at": line.at.map(|at| at.to_string()),
        "what": content.map(|content| &content.what),
        "rule": line.rule,
        "meaning": line.meaning,
        "status": line.status.map(|status| status.name()),
        "changed_status": line.moved,
        "counts": line.counts.as_ref().map(|(hour, counts)| json!({
            "hour": hour.start().to_string(),
            "counters": counts.iter().map(|(name, by)| ((*name).to_owned(), json!(by)))
                .collect::<serde_json::Map<_, _>>(),
        })),
        "orphan": line.is_orphan,
        "machine": line.machine.map(MachineSign::name),
        "row": line.place.as_ref().map(place),
        "log_id": log_id.map(|(log_id, _)| log_id),
        "revision": log_id.map(|(_, revision)| revision),
        "failure_reason": content.and_then(|content| content.reason.as_ref()).map(reason),
        "instead": line.instead.as_ref().map(|(row, _)| place(row)),
    })
}

fn reason(reason: &Value) -> Json {
    json!({"value": value(reason), "text": reason_text(reason)})
}

fn value(value: &Value) -> Json {
    match value {
        Value::Number(number) => json!(number),
        Value::Text(text) => json!(text),
        Value::Hidden(_) => Json::Null,
    }
}

fn place(place: &Place) -> Json {
    json!({"log": place.log, "file": place.file, "row_group": place.row_group, "row": place.row})
}
