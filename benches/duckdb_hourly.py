"""The hourly KPI table of clean extracts in SQL, a peer to measure against.

duckdb_hourly.py SRC OUT.parquet AS_OF [THREADS, default 2]
"""
import sys, time, duckdb
src, out, as_of = sys.argv[1:4]
threads = int(sys.argv[4]) if len(sys.argv) > 4 else 2
con = duckdb.connect()
con.execute(f"set threads={threads}; set memory_limit='16GB'; set preserve_insertion_order=false; set TimeZone='UTC'")
t = time.time()
con.execute(f"""
create temp view dlv as select delivery_id, efs, case when validity_end - started_at <= interval 84 hour then validity_end end as vend, to_deliver from '{src}/deliveries.parquet';
copy (
with m0 as (
  select delivery_id, message_id, min(event_at) filter (event='relayed') as r, min(event_at) filter (event='delivered') as o, min(event_at) filter (event='hard_bounce') as b,
    min(event_at) as f, bool_or(event in ('soft_bounce','expired')) as hard_case
  from '{src}/sending_log/*.parquet' where event_at < timestamptz '{as_of}' and event in ('relayed','soft_bounce','delivered','expired','hard_bounce') group by all
), easy as (select m0.*, d.efs from m0 join dlv d using (delivery_id) where not hard_case),
e1 as (select *, coalesce(r = f, false) as rf, coalesce(o = f, false) as of_, coalesce(o <= b or b is null, false) and o is not null as ok from easy),
easy_tr as (
  select delivery_id, f as ts, 1 as processed, case when efs then (not rf and of_)::int else (rf or of_)::int end as delivered, (not rf and not of_)::int as failed, (efs and rf)::int as pending from e1
  union all select delivery_id, o, 0, 1, 0, -1 from e1 where efs and rf and ok
  union all select delivery_id, b, 0, case when efs and rf and not ok then 0 else -1 end, 1, case when efs and rf and not ok then -1 else 0 end from e1 where b is not null and (rf or of_)
), ev as (
  select distinct s.delivery_id, s.message_id, s.event, s.event_at,
    case s.event when 'relayed' then 0 when 'soft_bounce' then 1 when 'delivered' then 2 when 'expired' then 3 when 'hard_bounce' then 4 end as ord
  from '{src}/sending_log/*.parquet' s semi join (select delivery_id, message_id from m0 where hard_case) h using (delivery_id, message_id)
  where event_at < timestamptz '{as_of}' and s.event in ('relayed','soft_bounce','delivered','expired','hard_bounce')
), msg as (
  select delivery_id, message_id, coalesce(min(event_at) filter (event='relayed'), min(event_at)) as relayed_at,
    min(event_at) filter (event='hard_bounce') as hard_at
  from ev group by all
), msgd as (
  select m.*, d.efs, least(coalesce(d.vend, timestamptz '2999-01-01'), m.relayed_at + interval 84 hour) as deadline from msg m join dlv d using (delivery_id)
), agg as (
  select e.delivery_id, e.message_id, max(e.event_at) filter (e.event='soft_bounce' and e.event_at < d.deadline) as last_soft,
    max(e.event_at) filter (e.event='delivered' and e.event_at < d.deadline) as last_ok
  from ev e join msgd d using (delivery_id, message_id) where not d.efs and e.event in ('soft_bounce','delivered') group by all
), allev as (
  select e.delivery_id, e.message_id, e.event_at, e.ord, e.event, d.efs, d.hard_at, d.deadline from ev e join msgd d using (delivery_id, message_id)
    where (d.hard_at is null or e.event_at <= d.hard_at)
  union all
  select a.delivery_id, a.message_id, d.deadline, 5, 'give_up', d.efs, d.hard_at, d.deadline from agg a join msgd d using (delivery_id, message_id)
    where a.last_soft is not null and (a.last_ok is null or a.last_ok < a.last_soft) and (d.hard_at is null or d.hard_at > d.deadline) and d.deadline < timestamptz '{as_of}'
), st as (
  select *, case
     when event in ('hard_bounce') then 'H'
     when event in ('expired','give_up') then 'F'
     when efs then case event when 'relayed' then 'P' when 'delivered' then 'S' when 'soft_bounce' then 'F' end
     else case when event='soft_bounce' and event_at >= deadline then 'F' else 'S' end end as s
  from allev
), tr as (
  select delivery_id, date_trunc('hour', event_at) as hour, s, lag(s) over (partition by delivery_id, message_id order by event_at, ord) as p from st
), sh0 as (
  select delivery_id, hour,
    sum((p is null)::int) as processed,
    sum((s='S')::int - (p is not null and p='S')::int) as delivered,
    sum((s in ('F','H'))::int - (p is not null and p in ('F','H'))::int) as failed,
    sum((s='H')::int - (p is not null and p='H')::int) as hard,
    sum((s='P')::int - (p is not null and p='P')::int) as pending
  from tr group by all
  union all
  select delivery_id, date_trunc('hour', ts), sum(processed), sum(delivered), sum(failed), sum(failed), sum(pending) from easy_tr group by all
), sh as (select delivery_id, hour, sum(processed) processed, sum(delivered) delivered, sum(failed) failed, sum(hard) hard, sum(pending) pending from sh0 group by all
), tk as (
  select distinct delivery_id, message_id, type, event_at, url_id, log_id from '{src}/tracking_log/*.parquet' where event_at < timestamptz '{as_of}'
), traw as (
  select delivery_id, date_trunc('hour', event_at) as hour, sum((type=2)::int) as opens, sum((type in (1,10,11))::int) as clicks, sum((type=6)::int) as mirror, sum((type=3)::int) as optout from tk group by all
), tfirst as (
  select delivery_id, message_id, min(event_at) filter (type in (1,2,3,6,10,11)) as o, min(event_at) filter (type = 2) as ot, min(event_at) filter (type in (1,10,11)) as c from tk group by all
), tu as (
  select delivery_id, hour, sum(uo) as uo, sum(uot) as uot, sum(uc) as uc from (
    select delivery_id, date_trunc('hour', o) as hour, 1 as uo, 0 as uot, 0 as uc from tfirst where o is not null
    union all select delivery_id, date_trunc('hour', ot), 0, 1, 0 from tfirst where ot is not null
    union all select delivery_id, date_trunc('hour', c), 0, 0, 1 from tfirst where c is not null) group by all
), h as (
  select coalesce(a.delivery_id,b.delivery_id,c.delivery_id) as delivery_id, coalesce(a.hour,b.hour,c.hour) as hour,
   coalesce(processed,0) processed, coalesce(delivered,0) delivered, coalesce(failed,0) failed, coalesce(hard,0) hard, coalesce(pending,0) pending,
   coalesce(opens,0) opens, coalesce(clicks,0) clicks, coalesce(mirror,0) mirror, coalesce(optout,0) optout, coalesce(uo,0) uo, coalesce(uot,0) uot, coalesce(uc,0) uc
  from sh a full join traw b on a.delivery_id=b.delivery_id and a.hour=b.hour full join tu c on coalesce(a.delivery_id,b.delivery_id)=c.delivery_id and coalesce(a.hour,b.hour)=c.hour
)
select delivery_id, hour, 
  sum(processed) over w processed, sum(delivered) over w delivered, sum(failed) over w failed, sum(hard) over w hard, sum(pending) over w pending,
  sum(opens) over w opens, sum(clicks) over w clicks, sum(mirror) over w mirror, sum(optout) over w optout, sum(uo) over w uo, sum(uot) over w uot, sum(uc) over w uc,
  sum(delivered) over w / nullif(sum(processed) over w,0) as delivered_rate, sum(failed) over w / nullif(sum(processed) over w,0) as bounce_rate,
  sum(uo) over w / nullif(sum(delivered) over w,0) as open_rate, sum(uc) over w / nullif(sum(delivered) over w,0) as ctr
from h window w as (partition by delivery_id order by hour)
) to '{out}' (format parquet, compression zstd)
""")
print("duckdb seconds", round(time.time() - t, 2), con.execute(f"select count(*), sum(delivered) from '{out}'").fetchone())
