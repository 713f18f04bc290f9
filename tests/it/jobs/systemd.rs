//! The units: `systemd-analyze verify`, and the command of the service.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use super::super::run::Outcome;
use super::super::site::Site;
use super::super::world::World;
use super::{AGAIN, NEVER_AGAIN, assert_computed, ended, installed, moved_to, program, read};

const UNITS: [&str; 3] = [
    "delivery-kpi.service",
    "delivery-kpi.timer",
    "delivery-kpi-alert@.service",
];

fn systemd_analyze() -> Command {
    let mut version = Command::new("systemd-analyze");
    assert!(
        version.arg("--version").output().is_ok(),
        "systemd-analyze is needed to verify the units in jobs/: install systemd"
    );
    Command::new("systemd-analyze")
}

/// Verifies units as a machine would have them, with its own units beside them.
fn verified(units: &[(&str, String)]) -> Outcome {
    let site = Site::new(&World::default());
    for (name, text) in units {
        site.write(&format!("root/etc/systemd/system/{name}"), text);
    }
    for name in ["usr/local/bin/delivery-kpi", "usr/bin/logger"] {
        program(&site, &format!("root/{name}"), "#!/bin/sh\n");
    }
    let system = ["/usr/lib/systemd/system", "/lib/systemd/system"]
        .into_iter()
        .find(|path| fs::exists(path).is_ok_and(|is_there| is_there))
        .expect("the units of systemd itself");
    let place = site.path("root/usr/lib/systemd");
    fs::create_dir_all(&place).expect("a folder");
    ended(Command::new("cp").arg("-r").arg(system).arg(place)).expect_status(0);
    let mut verify = systemd_analyze();
    verify.args(["verify", "--man=no", "--root", &site.arg("root")]);
    // A template is verified as one of its instances.
    let names = units.iter().map(|(name, _)| name.replace("@.", "@some."));
    ended(verify.args(names))
}

#[test]
fn systemd_has_nothing_to_say_about_the_units() {
    let units = UNITS.map(|name| (name, read(name)));
    let outcome = verified(&units);
    assert_eq!(outcome.text(), "exit code Some(0)\n");
    // It would say something.
    for (right, wrong, said) in [
        ("MemoryMax=4G", "MemoryMx=4G", "Unknown key"),
        ("MemoryMax=4G", "MemoryMax=4 apples", "memory limit"),
        ("TimeoutStartSec=15min", "TimeoutStartSec=soon", "soon"),
        ("Restart=on-failure", "Restart=always", "oneshot"),
        ("bin/delivery-kpi", "bin/kpi", "not executable"),
        ("*:07:00 UTC", "*:61:00 UTC", "61"),
    ] {
        let changed = units
            .clone()
            .map(|(name, text)| (name, text.replace(right, wrong)));
        assert_ne!(changed, units, "{right}");
        let outcome = verified(&changed);
        assert!(outcome.stderr.contains(said), "{wrong}: {}", outcome.text());
    }
}

/// By the judgement of systemd, in tenths: 0 can do no harm to the system, 100 all of it.
#[test]
fn the_service_is_shut_in() {
    let site = Site::new(&World::default());
    let exposed = |name: &str, text: &str| {
        let unit = site.write(name, text);
        let mut command = systemd_analyze();
        command.args(["security", "--offline=yes", "--threshold=20"]);
        ended(command.arg(unit))
    };
    let outcome = exposed("shut.service", &read("delivery-kpi.service"));
    assert_eq!(outcome.status, Some(0), "{}", outcome.text());
    let open = "[Service]\nType=oneshot\nExecStart=/bin/true\n";
    assert_ne!(exposed("open.service", open).status, Some(0));
}

/// The values of a unit's keys; of lines with one key the last.
fn values(unit: &str) -> BTreeMap<&str, &str> {
    let lines = unit.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('=')).collect()
}

#[test]
fn only_exit_code_1_starts_the_service_again() {
    let text = read("delivery-kpi.service");
    let values = values(&text);
    assert_eq!(values["Restart"], "on-failure");
    let prevented: Vec<&str> = values["RestartPreventExitStatus"].split(' ').collect();
    for code in NEVER_AGAIN {
        // Here a signal is known by its name; 124 is what `timeout` says.
        let name = match code {
            124 => continue,
            134 => "SIGABRT".to_owned(),
            137 => "SIGKILL".to_owned(),
            143 => "SIGTERM".to_owned(),
            code => code.to_string(),
        };
        assert!(prevented.contains(&name.as_str()), "{name}");
    }
    for code in AGAIN {
        assert!(!prevented.contains(&code.to_string().as_str()), "{code}");
    }
    assert_eq!(values["SuccessExitStatus"], "4");
    assert_eq!(values["StartLimitBurst"], "3");
    assert_eq!(values["OnFailure"], "delivery-kpi-alert@%n.service");
}

#[test]
fn the_command_of_the_service_runs() {
    let site = installed();
    let text = moved_to(&site, &read("delivery-kpi.service"));
    let mut words = values(&text)["ExecStart"].split(' ');
    let mut command = Command::new(words.next().expect("a program"));
    ended(command.args(words).current_dir("/")).expect_status(0);
    assert_computed(&site);
}
