//! `airflow_dag.py`, read by Airflow's own loader.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::super::python::airflow;
use super::super::site::Site;
use super::super::world::World;
use super::{AGAIN, NEVER_AGAIN, assert_computed, ended, installed, moved_to, program, read};

/// What Airflow finds in `airflow_dag.py` as it is, and in a wrong one.
fn loaded() -> [Value; 2] {
    let site = Site::new(&World::default());
    let text = read("airflow_dag.py");
    let wrong = text.replace("max_active_runs=", "one_run=");
    assert_ne!(wrong, text);
    site.write("dags/airflow_dag.py", text);
    site.write("wrong/airflow_dag.py", wrong);
    let fake = "#!/bin/sh\nexit \"$FAKE_EXIT\"\n";
    program(&site, "commands/delivery-kpi", fake);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check_dag.py");
    let mut command = Command::new(airflow());
    command.arg(script);
    command.args(["commands", "dags", "wrong"].map(|name| site.path(name)));
    let outcome = ended(&mut command);
    assert_eq!(outcome.status, Some(0), "{}", outcome.text());
    let mut lines = outcome.stdout.lines();
    [(); 2].map(|()| {
        let line = lines.next().expect("a line for each folder");
        serde_json::from_str(line).expect("JSON")
    })
}

#[test]
fn airflow_loads_the_dag_and_refuses_a_wrong_one() {
    let [found, wrong] = loaded();
    assert_eq!(found["import_errors"], json!([]));
    let dag = &found["dags"]["delivery_kpi"];
    for (what, expected) in [
        ("schedule", json!("7 * * * *")),
        ("catchup", json!(false)),
        ("max_active_runs", json!(1)),
        ("dagrun_timeout", json!(3000.0)),
        ("alerts", json!("alert")),
        ("retries", json!(2)),
        ("retry_delay", json!(120.0)),
        ("execution_timeout", json!(960.0)),
        ("pool", json!("delivery_kpi")),
    ] {
        assert_eq!(dag[what], expected, "{what}");
    }
    assert_eq!(wrong["dags"], json!({}));
    let error = wrong["import_errors"][0].as_str();
    assert!(error.is_some_and(|error| error.contains("one_run")));

    // Airflow tries again after any exception but AirflowFailException and AirflowSkipException.
    let outcomes = &found["outcomes"];
    assert_eq!(outcomes["0"], Value::Null);
    for code in AGAIN {
        assert_eq!(outcomes[code.to_string()], "AirflowException", "{code}");
    }
    for code in NEVER_AGAIN {
        let expected = match code {
            4 => "AirflowSkipException",
            _ => "AirflowFailException",
        };
        assert_eq!(outcomes[code.to_string()], expected, "{code}");
    }

    // The command is one that runs.
    let site = installed();
    let words = dag["command"].as_array().expect("a list").iter();
    let mut words = words.map(|word| moved_to(&site, word.as_str().expect("a text")));
    let mut command = Command::new(words.next().expect("a program"));
    let path = std::env::var("PATH").expect("a PATH");
    command.env("PATH", format!("{}:{path}", site.arg("bin")));
    ended(command.args(words)).expect_status(0);
    assert_computed(&site);
}
