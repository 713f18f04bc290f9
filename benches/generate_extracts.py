"""Synthetic extracts: Parquet files of a sending log and a tracking log, and a deliveries table.

A world (who was sent what, what came of it) depends on the sizes, --histories and --dirty alone; --files, --order and
--ids only lay its rows out in another way. The same arguments give the same data.
"""
import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

# Instants are microseconds since 1970.
SECOND = 1_000_000
HOUR = 3600 * SECOND
T0 = 1_767_225_600 * SECOND  # 2026-01-01T00:00Z
QUEUE = 84 * HOUR  # how long the MTA retries

EVENTS = ["relayed", "delivered", "soft_bounce", "hard_bounce", "expired"]
RELAYED, DELIVERED, SOFT, HARD, EXPIRED = range(5)
# What a correction may say instead: event with failure reason, tracking type.
OTHER_EVENTS = {"code": [RELAYED, DELIVERED, SOFT, HARD, EXPIRED], "reason": [0, 0, 5, 1, 0]}
OTHER_TYPES = {"code": [1, 2, 3, 6, 10, 11]}

FIRST_DELIVERY = 1_000_000
FIRST_MESSAGE = 50_000_000_000
ROW_GROUP = 1_000_000
HEX = np.frombuffer(b"0123456789abcdef", np.uint8)


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out", type=Path)
    p.add_argument("messages", type=float, help="about as many; deliveries of less than one message get one")
    p.add_argument("deliveries", type=int)
    p.add_argument("days", type=int, help="in which the deliveries start")
    p.add_argument("--histories", choices=["short", "long"], default="short", help="2 or 14 reports a message")
    p.add_argument("--dirty", action="store_true", help="add corrections, overlapping extracts and late rows")
    p.add_argument("--files", default="hourly", help="hourly, one (of each log), or how many (of both logs)")
    p.add_argument("--order", choices=["time", "message", "shuffled"], default="time",
                   help="of the rows of a log; of each file where files are hourly")
    p.add_argument("--ids", choices=["integer", "string"], default="integer", help="what message_id is")
    args = p.parse_args()
    if args.files not in ("hourly", "one") and not (args.files.isdigit() and int(args.files) >= 2):
        p.error("--files must be hourly, one, or a number of at least 2")
    return args


# --- The world -------------------------------------------------------------------------------------------------------
# A log is a dictionary of arrays of one length: message (its number), at, code (event or type) and so on.


@dataclass
class Campaigns:
    """Arrays by delivery, and by message in the order of relays."""

    start: np.ndarray
    efs: np.ndarray
    validity_hours: np.ndarray
    size: np.ndarray
    delivery: np.ndarray
    relayed: np.ndarray


def take(log, index):
    return {name: column[index] for name, column in log.items()}


def joined(logs):
    return {name: np.concatenate([log[name] for log in logs]) for name in logs[0]}


def draw_campaigns(rng, messages, deliveries, days):
    weight = rng.lognormal(0, 1.6, deliveries)
    size = np.maximum(1, weight / weight.sum() * messages).astype(np.int64)
    start = T0 + rng.integers(0, days * 24 * 3600, deliveries) * SECOND
    efs = rng.random(deliveries) < 0.5
    validity_hours = rng.choice([24, 48, 72, 84, 120], deliveries, p=[.2, .2, .2, .2, .2])
    delivery = np.repeat(np.arange(deliveries), size)
    span = np.minimum(6 * HOUR, size[delivery] * 20_000)
    relayed = start[delivery] + (rng.random(delivery.size) * span).astype(np.int64)
    relayed = relayed // 1000 * 1000
    order = np.argsort(relayed, kind="stable")
    return Campaigns(start, efs, validity_hours, size, delivery[order], relayed[order])


def reports(message, at, code, reason=0):
    """Some rows of a sending log; `code` and `reason` for all of them or one by one."""
    spread = {name: np.broadcast_to(np.asarray(value, np.int8), message.shape)
              for name, value in (("code", code), ("reason", reason))}
    return {"message": message, "at": at, **spread}


def after(rng, at, mean):
    return at + rng.exponential(mean, at.size).astype(np.int64)


def short_histories(rng, world):
    """Most messages are delivered at once, few bounce for good, few are retried until they succeed or time is up."""
    relayed = world.relayed
    parts = [reports(np.arange(relayed.size), relayed, RELAYED)]
    fate = rng.random(relayed.size)
    hard = fate < 0.012
    soft = (fate >= 0.012) & (fate < 0.045)

    k = np.flatnonzero(~(hard | soft))
    parts.append(reports(k, after(rng, relayed[k], 4e6), DELIVERED))
    k = np.flatnonzero(hard)
    at = after(rng, relayed[k], 60e6)
    parts.append(reports(k, at, HARD, rng.choice([1, 4, 20, 8], k.size, p=[.7, .1, .15, .05])))
    k = np.flatnonzero(soft)
    parts += retries(rng, world, k)
    return joined(parts)


def retries(rng, world, k):
    """Up to eight soft bounces of each of the messages `k`, a quarter of the attempts after them being successful."""
    parts = []
    at = after(rng, world.relayed[k], 30e6)
    alive = np.ones(k.size, bool)
    reason = rng.choice([5, 3, 2], k.size, p=[.5, .4, .1])
    start, validity = world.start[world.delivery[k]], world.validity_hours[world.delivery[k]]
    deadline = np.minimum(np.where(validity <= 84, start + validity * HOUR, 2**62), world.relayed[k] + QUEUE)
    for attempt in range(8):
        parts.append(reports(k[alive], at[alive], SOFT, reason[alive]))
        at = after(rng, at, HOUR * (1 + attempt)) + 600 * SECOND
        success = alive & (rng.random(k.size) < 0.25) & (at < deadline)
        parts.append(reports(k[success], at[success], DELIVERED))
        alive &= ~success & (at < deadline)
    return parts


def long_histories(rng, world):
    """Every message is retried ten to fourteen times, at its own pace; some attempts succeed in between."""
    n = world.relayed.size
    attempts = rng.integers(10, 15, n)
    pace = np.minimum(rng.exponential(24 * HOUR, n) + HOUR, 110 * HOUR) / attempts
    k = np.repeat(np.arange(n), attempts)
    number = np.arange(k.size) - np.repeat(np.cumsum(attempts) - attempts, attempts)
    at = world.relayed[k] + ((number + rng.random(k.size)) * pace[k]).astype(np.int64)
    success = rng.random(k.size) < 0.1
    reason = rng.choice([5, 3, 2], n, p=[.5, .4, .1])[k]
    middle = reports(k, at, np.where(success, DELIVERED, SOFT), np.where(success, 0, reason))

    end = rng.choice([-1, DELIVERED, HARD, EXPIRED], n, p=[.1, .8, .05, .05])
    at = world.relayed + ((attempts + rng.random(n)) * pace).astype(np.int64)
    k = np.flatnonzero(end >= 0)
    last = reports(k, at[k], end[k], np.where(end[k] == HARD, 1, 0))
    return joined([reports(np.arange(n), world.relayed, RELAYED), middle, last])


def draw_tracking(rng, world, days):
    """Opens of a part of the messages, and fewer clicks and so on, with long tails, in whole seconds."""
    def happenings(share, repeat, median, tail):
        some = np.flatnonzero(rng.random(world.relayed.size) < share)
        message = np.repeat(some, rng.geometric(repeat, some.size))
        return message, world.relayed[message] + rng.lognormal(np.log(median), tail, message.size).astype(np.int64)

    message, at = happenings(0.28, 0.55, 4 * HOUR, 1.7)
    opens = {"message": message, "at": at, "code": np.full(message.size, 2, np.int8)}
    message, at = happenings(0.04, 0.6, 5 * HOUR, 1.6)
    types = rng.choice([1, 3, 6, 10, 11], message.size, p=[.85, .05, .04, .03, .03]).astype(np.int8)
    log = joined([opens, {"message": message, "at": at, "code": types}])
    log["at"] = log["at"] // SECOND * SECOND
    return take(log, log["at"] < T0 + (days + 10) * 24 * HOUR)


def numbered(log):
    """In the order of time, with log ids, and with the instant that decides which extract has the row."""
    log = take(log, np.argsort(log["at"], kind="stable"))
    return log | {"log_id": np.arange(log["at"].size), "filed": log["at"]}


# --- What goes wrong on the way --------------------------------------------------------------------------------------


def dirtied(rng, log, other):
    """1 % late rows, 2 % corrected ones (a tenth of them twice) and 2 % copies in the next extract."""
    n = log["at"].size
    log = log | {"revision": np.zeros(n, np.int32), "deleted": np.zeros(n, bool)}
    late = rng.random(n) < 0.01
    log["filed"] = np.where(late, later(rng, log["filed"]), log["filed"])
    first = corrections(rng, some(rng, log, 0.02), other)
    second = corrections(rng, some(rng, first, 0.1), other)
    log = joined([log, first, second])
    copies = some(rng, log, 0.02)
    return joined([log, copies | {"filed": copies["filed"] + HOUR}])


def some(rng, log, share):
    return take(log, rng.random(log["at"].size) < share)


def later(rng, filed):
    """One hour to three days."""
    return filed + rng.integers(HOUR, 72 * HOUR, filed.size)


def corrections(rng, rows, other):
    """The next revision of each row: 40 % deletions, 30 % of what happened, 30 % of when."""
    n = rows["at"].size
    kind = rng.random(n)
    changed = (kind >= 0.4) & (kind < 0.7)
    choice = rng.integers(0, len(other["code"]), n)
    shift = rng.integers(-600, 600, n) * SECOND
    better = {name: np.where(changed, np.asarray(values, np.int8)[choice], rows[name]) for name, values in other.items()}
    return rows | better | {
        "at": np.where(kind >= 0.7, rows["at"] + shift, rows["at"]),
        "revision": rows["revision"] + np.int32(1),
        "deleted": kind < 0.4,
        "filed": later(rng, rows["filed"]),
    }


# --- Files -----------------------------------------------------------------------------------------------------------


def uuids(ids):
    """Each integer as a text like a UUID; multiplying by an odd number modulo 2^64 keeps them distinct."""
    ids = ids.astype(np.uint64)
    halves = np.stack([ids * np.uint64(0x9E3779B97F4A7C15), ids * np.uint64(0xC2B2AE3D27D4EB4F)], axis=1)
    octets = halves.view(np.uint8).reshape(ids.size, 16)
    text = np.full((ids.size, 36), ord("-"), np.uint8)
    places = [i for i in range(36) if i not in (8, 13, 18, 23)]
    text[:, places[::2]] = HEX[octets >> 4]
    text[:, places[1::2]] = HEX[octets & 15]
    offsets = np.arange(ids.size + 1, dtype=np.int32) * 36
    return pa.StringArray.from_buffers(ids.size, pa.py_buffer(offsets), pa.py_buffer(text))


def instants(values):
    return pa.array(values, pa.timestamp("us", "UTC"))


def keys(world, rows, ids):
    message = FIRST_MESSAGE + rows["message"] * 3
    return {
        "delivery_id": pa.array(FIRST_DELIVERY + world.delivery[rows["message"]]),
        "message_id": uuids(message) if ids == "string" else pa.array(message),
    }


def marks(rows):
    columns = {"log_id": pa.array(rows["log_id"])}
    if "revision" in rows:
        columns |= {"revision": pa.array(rows["revision"]), "deleted": pa.array(rows["deleted"])}
    return columns


def sending_table(world, rows, ids):
    recipient = (FIRST_MESSAGE + rows["message"] * 3) * 2654435761 % 30_000_019
    return pa.table(keys(world, rows, ids) | {
        "recipient_id": pa.array(recipient),
        "event": pa.DictionaryArray.from_arrays(pa.array(rows["code"]), pa.array(EVENTS)),
        "event_at": instants(rows["at"]),
        "failure_reason": pa.array(rows["reason"].astype(np.int32), mask=rows["reason"] == 0),
    } | marks(rows))


def tracking_table(world, rows, ids):
    return pa.table(keys(world, rows, ids) | {
        "type": pa.array(rows["code"].astype(np.int32)),
        "event_at": instants(rows["at"]),
        "url_id": pa.array((rows["message"] % 17).astype(np.int32)),
    } | marks(rows))


def deliveries_table(world):
    number = np.arange(world.size.size)
    return pa.table({
        "delivery_id": pa.array(FIRST_DELIVERY + number),
        "label": [f"delivery {i}" for i in number],
        "started_at": instants(world.start),
        "validity_end": instants(world.start + world.validity_hours * HOUR),
        "to_deliver": pa.array(world.size),
        "efs": pa.array(world.efs),
    })


def arranged(log, order, hourly):
    """The rows' indices in the order in which they are written."""
    if order == "shuffled":
        key = np.random.default_rng(11).permutation(log["at"].size)
    else:
        key = log["message" if order == "message" else "filed"]
    if hourly and order != "time":
        return np.lexsort((log["filed"], key, log["filed"] // HOUR))
    return np.lexsort((log["filed"], key))


def pieces(name, filed, files):
    """(file name, first row, end) of every file; `files` is "hourly" or how many."""
    if files == "hourly":
        hour = (filed - T0) // HOUR
        ends = np.flatnonzero(np.diff(hour, append=hour[-1:] + 1)) + 1
        names = [np.datetime_as_string(np.datetime64(T0, "us") + np.timedelta64(h, "h"), "h") for h in hour[ends - 1]]
    else:
        ends = np.linspace(0, filed.size, files + 1).astype(int)[1:]
        names = [f"{number:05}" for number in range(files)]
    begins = np.concatenate([[0], ends[:-1]])
    return [(f"{name}-{n}.parquet", a, b) for n, a, b in zip(names, begins, ends) if a < b]


def write(folder, log, table, order, files):
    folder.mkdir(parents=True, exist_ok=True)
    order = arranged(log, order, files == "hourly")
    for name, begin, end in pieces(folder.name, log["filed"][order], files):
        groups = (table(take(log, order[a:min(a + ROW_GROUP, end)])) for a in range(begin, end, ROW_GROUP))
        first = next(groups)
        with pq.ParquetWriter(folder / name, first.schema, compression="zstd") as writer:
            writer.write_table(first)
            for group in groups:
                writer.write_table(group)
    print(folder.name, "rows", log["at"].size, flush=True)


def shared(files, logs):
    """How many files each log gets, by its rows, when both together get a number of them."""
    if files == "hourly":
        return [files for _ in logs]
    if files == "one":
        return [1 for _ in logs]
    rows = [log["at"].size for log in logs]
    return [max(1, round(int(files) * n / sum(rows))) for n in rows]


def main():
    args = arguments()
    rng = np.random.default_rng(7)
    world = draw_campaigns(rng, int(args.messages), args.deliveries, args.days)
    histories = short_histories if args.histories == "short" else long_histories
    sending = numbered(histories(rng, world))
    tracking = numbered(draw_tracking(rng, world, args.days))
    if args.dirty:
        rng = np.random.default_rng(8)
        sending = dirtied(rng, sending, OTHER_EVENTS)
        tracking = dirtied(rng, tracking, OTHER_TYPES)
    logs = {"sending_log": (sending, sending_table), "tracking_log": (tracking, tracking_table)}
    for (name, (log, table)), files in zip(logs.items(), shared(args.files, [sending, tracking])):
        write(args.out / name, log, lambda rows: table(world, rows, args.ids), args.order, files)
    # The last file: where it is, the data set is whole.
    pq.write_table(deliveries_table(world), args.out / "deliveries.parquet")


if __name__ == "__main__":
    main()
