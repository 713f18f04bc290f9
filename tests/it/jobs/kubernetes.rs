//! `cronjob.yaml`: the published schemas, and what its rules make of each exit code.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::super::python::job_checkers;
use super::super::run::Outcome;
use super::super::site::Site;
use super::super::world::World;
use super::{AGAIN, NEVER_AGAIN, assert_computed, ended, installed, moved_to, read};

/// From the first version that the file is written for to the newest that has a schema.
const VERSIONS: [&str; 7] = ["1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37"];

fn validated(text: &str) -> Outcome {
    let site = Site::new(&World::default());
    let file = site.write("cronjob.yaml", text);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check_cronjob.py");
    let mut command = Command::new(job_checkers());
    ended(command.arg(script).arg(file).args(VERSIONS))
}

fn cronjob() -> Value {
    let outcome = validated(&read("cronjob.yaml"));
    assert_eq!(outcome.status, Some(0), "{}", outcome.text());
    serde_json::from_str(&outcome.stdout).expect("JSON")
}

#[test]
fn the_published_schemas_accept_the_cron_job_and_refuse_a_wrong_one() {
    let found = cronjob();
    assert_eq!(found["apiVersion"], "batch/v1");
    assert_eq!(found["kind"], "CronJob");
    for (right, wrong) in [
        ("backoffLimit: 2", "backofLimit: 2"),
        ("backoffLimit: 2", "backoffLimit: two"),
        ("concurrencyPolicy: Forbid", "overlap: Forbid"),
        ("values: [1]", "values: [one]"),
        ("onExitCodes:", "exitCodes:"),
        ("activeDeadlineSeconds: 900", "activeDeadlineSeconds: 15m"),
        ("runAsNonRoot: true", "runAsNonRoot: maybe"),
        ("schedule: ", "# schedule: "),
    ] {
        let text = read("cronjob.yaml");
        assert!(text.contains(right), "{right}");
        let outcome = validated(&text.replace(right, wrong));
        assert_eq!(outcome.status, Some(1), "{wrong}: {}", outcome.text());
        let first = "Kubernetes 1.31: ";
        assert!(outcome.stderr.starts_with(first), "{}", outcome.text());
    }
}

/// What the first rule that fits does with a container that ended so, by the definition of
/// `podFailurePolicy`; without one the attempt counts, and another one follows.
fn action(policy: &Value, code: i32, is_disrupted: bool) -> &str {
    for rule in policy["rules"].as_array().expect("rules") {
        let fits = match (&rule["onExitCodes"], &rule["onPodConditions"]) {
            (codes, Value::Null) => {
                assert_eq!(codes["containerName"], "delivery-kpi");
                let values = codes["values"].as_array().expect("values");
                let is_listed = values.contains(&code.into());
                match codes["operator"].as_str() {
                    Some("In") => is_listed,
                    Some("NotIn") => !is_listed,
                    other => panic!("{other:?} is no operator"),
                }
            }
            (Value::Null, conditions) => {
                assert_eq!(conditions[0]["type"], "DisruptionTarget");
                assert_eq!(conditions[0]["status"], "True");
                is_disrupted
            }
            both => panic!("{both:?}"),
        };
        if fits {
            return rule["action"].as_str().expect("an action");
        }
    }
    "Count"
}

#[test]
fn only_exit_code_1_is_tried_again() {
    let found = cronjob();
    let job = &found["spec"]["jobTemplate"]["spec"];
    let policy = &job["podFailurePolicy"];
    for code in AGAIN {
        assert_eq!(action(policy, code, false), "Count", "{code}");
    }
    for code in NEVER_AGAIN {
        assert_eq!(action(policy, code, false), "FailJob", "{code}");
    }
    assert_eq!(action(policy, 143, true), "Ignore", "a drained node");
    assert_eq!(job["backoffLimit"], 2);
    // The API server refuses a podFailurePolicy with another one.
    assert_eq!(job["template"]["spec"]["restartPolicy"], "Never");
}

#[test]
fn limits_and_overlap_are_set() {
    let found = cronjob();
    let spec = &found["spec"];
    assert_eq!(spec["schedule"], "7 * * * *");
    assert_eq!(spec["timeZone"], "Etc/UTC");
    assert_eq!(spec["concurrencyPolicy"], "Forbid");
    assert_eq!(spec["jobTemplate"]["spec"]["activeDeadlineSeconds"], 3000);
    let pod = &spec["jobTemplate"]["spec"]["template"]["spec"];
    assert_eq!(pod["activeDeadlineSeconds"], 900);
    let container = &pod["containers"][0];
    for kind in ["requests", "limits"] {
        let resources = &container["resources"][kind];
        assert_eq!(resources["memory"], "4Gi", "{kind}");
        assert!(resources["cpu"].is_string(), "{kind}");
    }
    let mounts = container["volumeMounts"].as_array().expect("a list");
    let volumes = pod["volumes"].as_array().expect("a list");
    let names = |list: &[Value]| -> BTreeSet<String> {
        let names = list.iter().map(|entry| entry["name"].as_str());
        names.map(|name| name.expect("a name").to_owned()).collect()
    };
    assert_eq!(names(mounts), names(volumes));
    // The paths of hourly.toml are mounted, the extracts to be read only.
    let mount = |path: &str| {
        let found = mounts.iter().find(|mount| mount["mountPath"] == path);
        found.unwrap_or_else(|| panic!("{path} is not mounted"))
    };
    assert_eq!(mount("/etc/delivery-kpi")["readOnly"], true);
    assert_eq!(mount("/srv/campaign/extracts")["readOnly"], true);
    assert!(mount("/var/lib/delivery-kpi")["readOnly"].is_null());
}

#[test]
fn the_arguments_of_the_container_run() {
    let site = installed();
    let found = cronjob();
    let pod = &found["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    let args = pod["containers"][0]["args"].as_array().expect("a list");
    let args = args.iter().map(|arg| arg.as_str().expect("a text"));
    let mut command = site.program();
    ended(command.args(args.map(|arg| moved_to(&site, arg)))).expect_status(0);
    assert_computed(&site);
}
