//! The power goes off after each operation of three runs in a row.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use delivery_kpi::disk::Disk;
use rayon::prelude::*;

use super::super::incremental::{add_sending, late_rows};
use super::forgetful::{Forgetful, Image, Lie, Loss};
use super::{Scene, Seen, code, go, is_whole, seen, text};

const RUNS: i64 = 3;

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
        let end = go(&scene.job_as_of(&output, RUNS, &[]), Disk::default());
        if code(&end) != 0 {
            return Some(format!("{context}: the next run: {}", text(&end)));
        }
        if tables(&seen(&output)) != tables(&story.seen[RUNS as usize]) {
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
    let images = story.images.par_iter().enumerate();
    let each = |(place, (loss, image)): (usize, &(Loss, Image))| {
        wrong(story, place, image, &format!("power-{place}-{loss:?}"))
    };
    images.filter_map(each).collect()
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
