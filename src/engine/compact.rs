//! Making one volume of several: fewer files, fewer and longer runs, and no rows that count no longer.

use super::packed::{Extra, Number, from_order};
use super::partition::Partitions;
use super::run::Piece;
use super::sheaf::Sheaf;
use super::shelf::{SpillError, failed};
use super::slab::Slab;
use super::volume::{Volume, Volumes};
use crate::model::{Code, DeliveryIndex, Event, MessageKey, Stamp, Tail};

/// Rows of a run.
const MOST_ROWS: usize = 1 << 19;

/// Writes the rows of some volumes whose sources count to a new one.
pub fn merge<M: MessageKey>(
    volumes: &[&Volume],
    into: &Volumes,
    partitions: Partitions,
    counts: impl Fn(u32) -> bool,
) -> Result<Volume, SpillError> {
    let mut merger = Merger::<M> {
        partitions,
        counts: &counts,
        with_tails: Sheaf::default(),
        with_row_ids: Sheaf::keeping(true),
        slab: Slab::default(),
        full: Vec::new(),
    };
    let mut buffer = Vec::new();
    for partition in 0..partitions.count() {
        for volume in volumes {
            let read = volume.read(partition, &mut buffer);
            read.map_err(failed(volume.directory()))?;
            volume.pieces(&buffer, |piece| merger.add(piece));
        }
        merger.shelve(MOST_ROWS);
    }
    merger.shelve(1);
    let Merger { slab, mut full, .. } = merger;
    full.push(slab);
    let merged = into.write(&full, partitions.count());
    merged.map_err(failed(into.directory()))
}

struct Merger<'a, M> {
    partitions: Partitions,
    counts: &'a dyn Fn(u32) -> bool,
    with_tails: Sheaf<M>,
    with_row_ids: Sheaf<M>,
    slab: Slab,
    full: Vec<Slab>,
}

impl<M: MessageKey> Merger<'_, M> {
    fn add(&mut self, piece: Piece<'_>) {
        let sheaf = match piece.extra() {
            Extra::Tails => &mut self.with_tails,
            Extra::RowIds | Extra::None => &mut self.with_row_ids,
        };
        for row in 0..piece.rows() {
            let source = piece.sources()[piece.get(Number::Source, row) as usize];
            if !(self.counts)(source) {
                continue;
            }
            sheaf.decoded.events.push(event(&piece, row));
            let domain = piece.get(Number::Domain, row) as u32;
            sheaf.decoded.domains.push(Code::from_bits(domain));
            let recipient = [Number::RecipientHigh, Number::RecipientLow];
            let recipient = recipient.map(|number| piece.get(number, row));
            sheaf.decoded.recipients.push(recipient);
            let log_id = || from_order(piece.get(Number::LogId, row));
            match piece.extra() {
                Extra::Tails => sheaf.decoded.tails.push(Tail {
                    log_id: log_id(),
                    revision: from_order(piece.get(Number::Revision, row)),
                    rest: piece.get(Number::Rest, row),
                }),
                Extra::RowIds => sheaf.decoded.row_ids.push(log_id()),
                Extra::None => sheaf.decoded.row_ids.push(0),
            }
            sheaf.end(source);
        }
    }

    /// Puts the rows away where there are at least so many.
    fn shelve(&mut self, least: usize) {
        for sheaf in [&mut self.with_tails, &mut self.with_row_ids] {
            if sheaf.rows() >= least {
                let full = self.slab.add(sheaf, self.partitions, Slab::USUAL);
                self.full.extend(full);
            }
        }
    }
}

fn event<M: MessageKey>(piece: &Piece<'_>, row: usize) -> Event<M> {
    let high = match M::WIDE {
        true => piece.get(Number::High, row),
        false => 0,
    };
    Event {
        message: M::from_wide([high, piece.get(Number::Low, row)]),
        stamp: Stamp::from_bits(piece.get(Number::Stamp, row)),
        delivery: DeliveryIndex(piece.get(Number::Delivery, row) as u32),
        code: Code::from_bits(piece.get(Number::Code, row) as u32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Disk;
    use crate::model::{Instant, Logged, Report};
    use std::collections::BTreeSet;

    type Row = (u64, u32, u32, Option<(i64, i64, u64)>);

    fn volume(volumes: &Volumes, rows: &[Row], partitions: Partitions) -> Volume {
        let with_tails = rows.iter().any(|row| row.3.is_some());
        let mut sheaf = Sheaf::keeping(!with_tails);
        for (message, delivery, source, tail) in rows {
            let report = Some(Logged::Event(Report::Relayed));
            sheaf.decoded.events.push(Event {
                message: *message,
                stamp: Stamp::sending(Some(Instant::FIRST.plus(*message as i64)), report),
                delivery: DeliveryIndex(*delivery),
                code: Code::small(*message as i64).expect("small"),
            });
            match tail {
                Some((log_id, revision, rest)) => sheaf.decoded.tails.push(Tail {
                    log_id: *log_id,
                    revision: *revision,
                    rest: *rest,
                }),
                None => sheaf.decoded.row_ids.push(-(*message as i64)),
            }
            sheaf.end(*source);
        }
        let slab = Slab::of(&mut sheaf, partitions);
        volumes.write(&[slab], partitions.count()).expect("room")
    }

    fn rows(volume: &Volume, partitions: Partitions) -> BTreeSet<(Row, i64, u64)> {
        let (mut found, mut buffer) = (BTreeSet::new(), Vec::new());
        for partition in 0..partitions.count() {
            volume.read(partition, &mut buffer).expect("as written");
            volume.pieces(&buffer, |piece| {
                for row in 0..piece.rows() {
                    let event: Event<u64> = event(&piece, row);
                    assert_eq!(
                        usize::from(partitions.place(event.message, event.delivery)),
                        partition
                    );
                    let source = piece.sources()[piece.get(Number::Source, row) as usize];
                    let log_id = from_order(piece.get(Number::LogId, row));
                    let tail = (piece.extra() == Extra::Tails).then(|| {
                        let revision = from_order(piece.get(Number::Revision, row));
                        (log_id, revision, piece.get(Number::Rest, row))
                    });
                    let row = (event.message, event.delivery.0, source, tail);
                    let is_new = found.insert((row, log_id, event.stamp.bits()));
                    assert!(is_new, "{row:?} comes once");
                }
            });
        }
        found
    }

    #[test]
    fn all_rows_that_count_are_in_the_new_volume() {
        let directory = tempfile::tempdir().expect("a directory");
        let partitions = Partitions::of(8);
        let volumes = Volumes::new(&Disk::default(), directory.path(), "run");
        let plain: Vec<Row> = (0..500)
            .map(|m| (m, m as u32 % 3, m as u32 / 100, None))
            .collect();
        let tailed: Vec<Row> = (0..300)
            .map(|m| {
                (
                    m,
                    1,
                    7 + m as u32 % 2,
                    Some((m as i64, m as i64 % 4, m * 7)),
                )
            })
            .collect();
        let some = [
            volume(&volumes, &plain, partitions),
            volume(&volumes, &tailed, partitions),
        ];
        let some: Vec<&Volume> = some.iter().collect();
        let into = Volumes::new(&Disk::default(), directory.path(), "merged");
        let merged = merge::<u64>(&some, &into, partitions, |source| {
            source != 8 && source != 2
        });
        let merged = merged.expect("room");
        let mut expected = BTreeSet::new();
        for volume in some {
            expected.extend(rows(volume, partitions));
        }
        expected.retain(|(row, _, _)| row.2 != 8 && row.2 != 2);
        assert_eq!(merged.rows(), 400 + 150);
        assert_eq!(rows(&merged, partitions), expected);
        let name = merged.name().expect("a name");
        let opened = Volume::open(directory.path(), name, 8).expect("as written");
        assert_eq!(rows(&opened, partitions), expected);
        assert!(Volume::open(directory.path(), name, 4).is_err());
        // One flipped bit anywhere is noticed, at once or when it is read.
        let path = directory.path().join(name);
        let whole = std::fs::read(&path).expect("a file");
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 8);
            std::fs::write(&path, damaged).expect("a file");
            let Ok(volume) = Volume::open(directory.path(), name, 8) else {
                continue;
            };
            let mut buffer = Vec::new();
            let reads = (0..8).map(|partition| volume.read(partition, &mut buffer).is_err());
            assert!(reads.fold(false, |any, one| any | one), "byte {at}");
        }
    }

    /// Somebody clears the directory away while a run goes on.
    #[test]
    fn a_volume_that_is_cut_short_while_it_is_open_is_damaged() {
        let directory = tempfile::tempdir().expect("a directory");
        let partitions = Partitions::of(8);
        let volumes = Volumes::new(&Disk::default(), directory.path(), "run");
        let open = volume(&volumes, &[(1, 1, 1, None), (9, 1, 1, None)], partitions);
        let path = directory.path().join(open.name().expect("a name"));
        let file = std::fs::File::options().write(true).open(path);
        file.expect("a file").set_len(3).expect("a short file");
        let merged = merge::<u64>(&[&open], &volumes, partitions, |_| true);
        assert!(merged.is_err_and(|error| error.is_damage()));
    }
}
