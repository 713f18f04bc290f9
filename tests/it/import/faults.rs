//! Each change to the disk is refused in turn: nothing half-written has its name, and running again is safe.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Parser;
use delivery_kpi::cli::{Cli, Command};
use delivery_kpi::disk::{Around, Disk, Operation};
use delivery_kpi::engine::{Silent, pool};
use delivery_kpi::job::Import;

use super::super::site::{deliveries, without_run};
use super::*;

/// Refuses one change, and counts them.
struct Refusing {
    number: usize,
    seen: AtomicUsize,
}

impl Around for Refusing {
    fn perform(&self, _: Operation<'_>, act: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
        match self.seen.fetch_add(1, Ordering::Relaxed) == self.number {
            true => Err(io::Error::other("refused")),
            false => act(),
        }
    }
}

fn order(site: &Site) -> Import {
    let (to, file) = (site.arg("lake"), sample("ses/events.jsonl"));
    let words = [
        "delivery-kpi",
        "import",
        "--source",
        "ses",
        "--to",
        &to,
        &file,
    ];
    let Command::Import(flags) = Cli::parse_from(words).command else {
        panic!("another command");
    };
    Import::resolve(&flags).expect("flags").expect("files")
}

#[test]
fn a_change_that_is_refused_leaves_nothing_half_written() {
    let expected = {
        let site = site();
        import(
            &site,
            "ses",
            &["--max-rejected", "9", &sample("ses/events.jsonl")],
        )
        .expect_status(0);
        recompute(&site, "2026-03-02T12:00:00Z").expect_status(0);
        without_run(&deliveries(&site.path("lake/kpi")))
    };
    let mut number = 0;
    loop {
        let site = site();
        let import_on = |disk: &Disk| {
            let order = order(&site).order;
            delivery_kpi::import::import(&order, disk, &pool(1).expect("a thread"), &Silent)
        };
        let refusing = Arc::new(Refusing {
            number,
            seen: AtomicUsize::new(0),
        });
        let done = import_on(&Disk::with(refusing.clone()));
        let was_refused = refusing.seen.load(Ordering::Relaxed) > number;
        let left = names(&site);
        // What has its name is whole.
        for name in left
            .iter()
            .filter(|name| name.extension().is_some_and(|e| e == "parquet"))
        {
            let hidden = name
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'));
            assert!(!hidden, "{number}: {name:?}");
            assert!(!read_parquet(&site.path("lake").join(name)).is_empty());
        }
        assert!(
            !left
                .iter()
                .any(|name| name.to_string_lossy().contains("/.")),
            "{number}: {left:?}"
        );
        assert_eq!(done.is_err(), was_refused, "{number}");
        if !was_refused {
            break;
        }
        import_on(&Disk::default()).expect("the second time");
        if number % 5 == 0 {
            recompute(&site, "2026-03-02T12:00:00Z").expect_status(0);
            assert_eq!(
                without_run(&deliveries(&site.path("lake/kpi"))),
                expected,
                "{number}"
            );
        }
        number += 1;
    }
    assert!(number > 15, "{number} changes");
}
