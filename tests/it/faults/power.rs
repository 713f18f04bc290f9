//! The power goes off after each operation of three runs in a row, and of one that finds what a dead one has left.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use delivery_kpi::disk::{Around, Disk, Operation};

use super::super::incremental::{add_sending, late_rows};
use super::forgetful::{Forgetful, Image, Lie, Loss};
use super::{Scene, Seen, all, code, go, is_whole, seen, text};

const RUNS: i64 = 3;
const FIRST_COMMIT: &str = "00000000000000000000.json";

/// What there is to know of the runs.
struct Story {
    scene: Scene,
    /// The directory that the output is in.
    top: PathBuf,
    /// What readers saw after so many runs.
    seen: Vec<Seen>,
    images: Vec<(Loss, Image)>,
}

fn story(lie: Lie) -> Story {
    let scene = Scene::first();
    let top = scene.site.path("powered");
    fs::create_dir(&top).expect("a directory");
    let output = top.join("out");
    let disk = Forgetful::new(&top, lie);
    let mut all = vec![None];
    for run in 1..=RUNS {
        if run > 1 {
            scene.add(run);
        }
        if run == RUNS {
            add_sending(&scene.site, "later", &late_rows());
        }
        let end = go(&scene.job_as_of(&output, run, &[]), disk.disk());
        assert_eq!(code(&end), 0, "{}", text(&end));
        disk.acknowledges();
        all.push(seen(&output));
        assert!(all[run as usize] != all[run as usize - 1]);
    }
    Story {
        scene,
        top,
        seen: all,
        images: disk.images(),
    }
}

/// The same disk, for a run that dies when it would make the name of the first commit to a table last.
struct Dying {
    disk: Arc<Forgetful>,
    log: PathBuf,
    is_dead: AtomicBool,
}

impl Around for Dying {
    fn perform(
        &self,
        operation: Operation<'_>,
        act: &mut dyn FnMut() -> io::Result<()>,
    ) -> io::Result<()> {
        let is_it = |path: &Path| path == self.log && path.join(FIRST_COMMIT).exists();
        if matches!(operation, Operation::SyncDirectory(path) if is_it(path)) {
            self.is_dead.store(true, Ordering::SeqCst);
        }
        match self.is_dead.load(Ordering::SeqCst) {
            true => Err(io::Error::other("the run is dead")),
            false => self.disk.perform(operation, act),
        }
    }
}

/// A first run that has made a table and died before its commit was there to stay, and one that has found it.
fn story_after_a_death(table: &str) -> Story {
    let scene = Scene::first();
    let top = scene.site.path("powered");
    fs::create_dir(&top).expect("a directory");
    let output = top.join("out");
    let disk = Forgetful::new(&top, Lie::Nothing);
    let job = scene.job_as_of(&output, 1, &[]);
    let dying = Arc::new(Dying {
        disk: disk.clone(),
        log: output.join(table).join("_delta_log"),
        is_dead: AtomicBool::new(false),
    });
    let dead = go(&job, Disk::with(dying.clone()));
    assert!(dying.is_dead.load(Ordering::SeqCst), "{}", text(&dead));
    assert_eq!(seen(&output), None, "{table}");
    let end = go(&job, disk.disk());
    assert_eq!(code(&end), 0, "{table}: {}", text(&end));
    disk.acknowledges();
    Story {
        scene,
        seen: vec![None, seen(&output)],
        top,
        images: disk.images(),
    }
}

/// What is wrong after a power loss at this moment.
fn wrong(story: &Story, place: usize, image: &Image, name: &str) -> Option<String> {
    let scene = &story.scene;
    let top = scene.site.path(name);
    image.restore(&story.top, &top);
    let output = top.join("out");
    let context = format!("{name}, after {} runs", image.acknowledged);
    let looked = catch_unwind(AssertUnwindSafe(|| seen(&output)));
    let Ok(found) = looked else {
        return Some(format!("{context}: the tables cannot be read"));
    };
    // The next run may have been published as well.
    let (acknowledged, next) = (image.acknowledged, image.acknowledged + 1);
    let allowed = [story.seen.get(acknowledged), story.seen.get(next)];
    if !allowed.contains(&Some(&found)) {
        return Some(format!("{context}: an acknowledged run is lost"));
    }
    if is_whole() || place.is_multiple_of(7) {
        let last = story.seen.len() - 1;
        let job = scene.job_as_of(&output, last as i64, &[]);
        let end = go(&job, Disk::default());
        if code(&end) != 0 {
            return Some(format!("{context}: the next run: {}", text(&end)));
        }
        if tables(&seen(&output)) != tables(&story.seen[last]) {
            return Some(format!("{context}: the next run comes to something else"));
        }
    }
    remove(&top);
    None
}

/// The tables. Which hours are restated depends on the run that one builds on.
fn tables(seen: &Seen) -> Option<[&Vec<String>; 2]> {
    let seen = seen.as_ref()?;
    Some(["delivery_kpi_hourly", "delivery_kpi"].map(|table| &seen[table]))
}

fn remove(path: &Path) {
    fs::remove_dir_all(path).expect("a directory");
}

fn all_wrong(story: &Story) -> Vec<String> {
    let images: Vec<_> = story.images.iter().enumerate().collect();
    let each = |(place, (loss, image)): &(usize, &(Loss, Image))| {
        wrong(story, *place, image, &format!("power-{place}-{loss:?}"))
    };
    all(&images, each).into_iter().flatten().collect()
}

#[test]
fn acknowledged_runs_survive_a_power_loss() {
    let story = story(Lie::Nothing);
    assert!(story.images.len() > 100, "{}", story.images.len());
    let (_, last) = story.images.last().expect("an image");
    assert_eq!(last.acknowledged, RUNS as usize);
    assert_eq!(all_wrong(&story), [""; 0]);
    println!("{} images of a disk after a power loss", story.images.len());
}

/// A disk that says that it has synced, and has not, is found out: the test above can fail.
#[test]
fn without_syncing_they_do_not() {
    for lie in [Lie::Files, Lie::Directories] {
        let story = story(lie);
        // All runs are acknowledged.
        let end = story.images.len() - 2..story.images.len();
        let wrong = |place: usize| {
            wrong(
                &story,
                place,
                &story.images[place].1,
                &format!("{lie:?}-{place}"),
            )
        };
        let found: Vec<String> = end.filter_map(wrong).collect();
        let is_lost = |text: &String| text.contains("lost") || text.contains("cannot be read");
        assert!(found.iter().any(is_lost), "{lie:?}: {found:?}");
    }
}

/// A run that builds on a table which one has left that died makes it last, also where it commits nothing to it.
#[test]
fn a_run_makes_last_what_it_finds() {
    for table in ["delivery_kpi", "kpi_restatement"] {
        let story = story_after_a_death(table);
        let (_, last) = story.images.last().expect("an image");
        assert_eq!(last.acknowledged, 1);
        assert_eq!(all_wrong(&story), [""; 0], "{table}");
    }
}
