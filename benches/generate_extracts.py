"""Synthetic extracts: hourly Parquet files of a sending log and a tracking log + a deliveries table.

generate_extracts.py OUT MESSAGES DELIVERIES DAYS
"""
import sys, os, numpy as np, pyarrow as pa, pyarrow.parquet as pq
out, n_msgs, n_del, days = sys.argv[1], int(float(sys.argv[2])), int(sys.argv[3]), int(sys.argv[4])
rng = np.random.default_rng(7)
H = 3_600_000_000
T0 = 1_767_225_600_000_000  # 2026-01-01T00:00Z in us
w = rng.lognormal(0, 1.6, n_del); w = np.maximum(1, (w / w.sum() * n_msgs)).astype(np.int64)
n = int(w.sum())
start = T0 + rng.integers(0, days * 24 * 3600, n_del) * 1_000_000
efs = rng.random(n_del) < 0.5
valid_h = rng.choice([24, 48, 72, 84, 120], n_del, p=[.2, .2, .2, .2, .2])
did = np.repeat(np.arange(n_del), w)
relay = start[did] + (rng.random(n) * np.minimum(6 * H, w[did] * 20_000)).astype(np.int64)
relay = relay // 1000 * 1000
order = np.argsort(relay, kind="stable"); did, relay = did[order], relay[order]
mid = 50_000_000_000 + np.arange(n, dtype=np.int64) * 3
E = ["relayed", "delivered", "soft_bounce", "hard_bounce", "expired"]
u = rng.random(n)
hard = u < 0.012; soft = (u >= 0.012) & (u < 0.045); ok = ~(hard | soft)
parts = [(np.arange(n), relay, np.zeros(n, np.int8), np.zeros(n, np.int8))]
k = np.flatnonzero(ok); parts.append((k, relay[k] + (rng.exponential(4e6, k.size)).astype(np.int64), np.full(k.size, 1, np.int8), np.zeros(k.size, np.int8)))
k = np.flatnonzero(hard); parts.append((k, relay[k] + (rng.exponential(60e6, k.size)).astype(np.int64), np.full(k.size, 3, np.int8), rng.choice([1, 4, 20, 8], k.size, p=[.7, .1, .15, .05]).astype(np.int8)))
k = np.flatnonzero(soft); t = relay[k] + rng.exponential(30e6, k.size).astype(np.int64)
alive = np.ones(k.size, bool); reason = rng.choice([5, 3, 2], k.size, p=[.5, .4, .1]).astype(np.int8)
dl = np.minimum(np.where(valid_h[did[k]] <= 84, start[did[k]] + valid_h[did[k]] * H, 2**62), relay[k] + 84 * H)
for attempt in range(8):
    parts.append((k[alive], t[alive], np.full(alive.sum(), 2, np.int8), reason[alive]))
    t = t + (rng.exponential(H * (1 + attempt), k.size)).astype(np.int64) + 600_000_000
    succ = alive & (rng.random(k.size) < 0.25) & (t < dl)
    parts.append((k[succ], t[succ], np.full(succ.sum(), 1, np.int8), np.zeros(succ.sum(), np.int8)))
    alive &= ~succ & (t < dl)
m = np.concatenate([p[0] for p in parts]); et = np.concatenate([p[1] for p in parts]); ev = np.concatenate([p[2] for p in parts]); rs = np.concatenate([p[3] for p in parts])
del parts
def write(kind, ts, cols):
    os.makedirs(f"{out}/{kind}", exist_ok=True)
    hour = (ts - T0) // H
    b = np.searchsorted(hour, np.arange(hour.max() + 2))
    for h in range(int(hour.max()) + 1):
        lo, hi = b[h], b[h + 1]
        if lo == hi: continue
        day, hh = divmod(h, 24)
        d = np.datetime64("2026-01-01") + day
        t = pa.table({c: (f(lo, hi)) for c, f in cols.items()})
        pq.write_table(t, f"{out}/{kind}/{kind}-{d}T{hh:02d}.parquet", compression="zstd", row_group_size=1_000_000)
o = np.argsort(et, kind="stable"); m, et, ev, rs = m[o], et[o], ev[o], rs[o]
ED = pa.array(E)
write("sending_log", et, {
    "delivery_id": lambda a, b: pa.array(1_000_000 + did[m[a:b]].astype(np.int64)),
    "message_id": lambda a, b: pa.array(mid[m[a:b]]),
    "recipient_id": lambda a, b: pa.array((mid[m[a:b]] * 2654435761 % 30_000_019).astype(np.int64)),
    "event": lambda a, b: pa.DictionaryArray.from_arrays(pa.array(ev[a:b]), ED),
    "event_at": lambda a, b: pa.array(et[a:b], pa.timestamp("us", "UTC")),
    "failure_reason": lambda a, b: pa.array(rs[a:b].astype(np.int32), mask=rs[a:b] == 0),
    "log_id": lambda a, b: pa.array(np.arange(a, b, dtype=np.int64)),
})
print("sending rows", et.size); del m, et, ev, rs
# tracking
op = np.flatnonzero(rng.random(n) < 0.28); cnt = rng.geometric(0.55, op.size)
mm = np.repeat(op, cnt); tt = relay[mm] + rng.lognormal(np.log(4 * H), 1.7, mm.size).astype(np.int64); ty = np.full(mm.size, 2, np.int8)
ck = np.flatnonzero(rng.random(n) < 0.04); cc = rng.geometric(0.6, ck.size)
m2 = np.repeat(ck, cc); t2 = relay[m2] + rng.lognormal(np.log(5 * H), 1.6, m2.size).astype(np.int64); ty2 = rng.choice([1, 3, 6, 10, 11], m2.size, p=[.85, .05, .04, .03, .03]).astype(np.int8)
mm = np.concatenate([mm, m2]); tt = np.concatenate([tt, t2]) // 1_000_000 * 1_000_000; ty = np.concatenate([ty, ty2])
keep = tt < T0 + (days + 10) * 24 * H; mm, tt, ty = mm[keep], tt[keep], ty[keep]
o = np.argsort(tt, kind="stable"); mm, tt, ty = mm[o], tt[o], ty[o]
write("tracking_log", tt, {
    "delivery_id": lambda a, b: pa.array(1_000_000 + did[mm[a:b]].astype(np.int64)),
    "message_id": lambda a, b: pa.array(mid[mm[a:b]]),
    "type": lambda a, b: pa.array(ty[a:b].astype(np.int32)),
    "event_at": lambda a, b: pa.array(tt[a:b], pa.timestamp("us", "UTC")),
    "url_id": lambda a, b: pa.array((mm[a:b] % 17).astype(np.int32)),
    "log_id": lambda a, b: pa.array(np.arange(a, b, dtype=np.int64)),
})
print("tracking rows", tt.size)
pq.write_table(pa.table({
    "delivery_id": pa.array(1_000_000 + np.arange(n_del, dtype=np.int64)),
    "label": [f"delivery {i}" for i in range(n_del)],
    "started_at": pa.array(start, pa.timestamp("us", "UTC")),
    "validity_end": pa.array(start + valid_h * H, pa.timestamp("us", "UTC")),
    "to_deliver": pa.array(w), "efs": pa.array(efs)}), f"{out}/deliveries.parquet")
