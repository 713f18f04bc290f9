"""Opens a report page in a headless Chromium, uses it as a person would, and compares what it shows with the
data it holds. Prints one JSON object: what was checked, figures, and what failed; ends with 1 if anything did.

    report_page.py PAGE.html [--screenshots FOLDER]

CHROMIUM and CHROMEDRIVER name the programs, else those of Debian's packages are taken.
"""

import argparse
import base64
import gzip
import json
import os
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

HOUR = 3_600_000
READY_SECONDS, REACTION_MS = 2.0, 100.0
NONE = "–"
SPACE = "\u00a0"

MEASURES = {
    "to_deliver": [],
    "processed": ["progress"],
    "sent": [],
    "delivered": ["delivered_rate", "delivered_rate_of_sent"],
    "bounces_errors": ["bounce_error_rate", "bounce_error_rate_of_sent"],
    "hard_bounces": ["hard_bounce_rate"],
    "soft_bounces": ["soft_bounce_rate"],
    "pending": [],
    "unique_opens": ["open_rate"],
    "opens": ["open_rate_total"],
    "unique_clicks": ["click_through_rate", "click_to_open_rate"],
    "clicks": [],
    "mirror_page_views": ["mirror_page_rate"],
    "unsubscribes": ["unsubscribe_rate"],
    "complaints": ["complaint_rate"],
    "retrying": [],
    "failed_by_deadline": [],
    "late_successes": [],
}
OF_PEOPLE = {
    "human_unique_opens": ["human_open_rate"],
    "human_opens": ["human_open_rate_total"],
    "human_unique_clicks": ["human_click_through_rate", "human_click_to_open_rate"],
    "human_clicks": [],
    "human_unsubscribes": ["human_unsubscribe_rate"],
}
OF = {
    "progress": "of to deliver",
    "delivered_rate_of_sent": "of sent",
    "bounce_error_rate_of_sent": "of sent",
    "hard_bounce_rate": "of sent",
    "soft_bounce_rate": "of sent",
    "delivered_rate": "of processed",
    "bounce_error_rate": "of processed",
    "click_to_open_rate": "of opened",
    "human_click_to_open_rate": "of opened",
}
SUMMED_RATES = {
    "delivered_rate": ("delivered", "processed"),
    "bounce_error_rate": ("bounces_errors", "processed"),
    "open_rate": ("unique_opens", "delivered"),
    "click_through_rate": ("unique_clicks", "delivered"),
}
OUR_REASONS = {"user unknown", "invalid domain", "unreachable", "account disabled", "mailbox full", "not connected", "on denylist", "refused",
               "none given", "unmapped", "all others", "not broken down"}
MOST_BARS = 12
COURSE = ["delivered", "bounces_errors", "opens", "clicks"]
COURSE_RATES = ["delivered_rate", "bounce_error_rate", "open_rate", "click_through_rate"]

failures: list[str] = []
checked: dict[str, int] = defaultdict(int)
figures: dict[str, object] = {}


def check(what: str, good: bool, detail: object = "") -> bool:
    """Counts a check; keeps what failed."""
    checked[what] += 1
    if not good:
        failures.append(f"{what}: {detail}"[:600])
    return good


def same(what: str, found: object, wanted: object, where: object = "") -> bool:
    return check(what, found == wanted, f"{where} found {found!r}, wanted {wanted!r}")


def number(value: int | None) -> str:
    return NONE if value is None else f"{value:,}".replace(",", SPACE)


def percent(rate: float | None) -> str:
    return NONE if rate is None else f"{rate * 100:.1f}{SPACE}%"


def ratio(above: int | None, below: int | None) -> float | None:
    return above / below if above is not None and below else None


class Data:
    """What the page holds, unpacked without the page's own program."""

    def __init__(self, page: Path):
        text = page.read_text(encoding="utf-8")
        self.html = text
        packed = re.search(r'<script[^>]*\bid="data"[^>]*>([^<]*)</script>', text)
        self.raw = json.loads(gzip.decompress(base64.b64decode(packed[1])))
        self.columns = self.raw["deliveries"]
        self.ids = self.columns["delivery_id"]
        self.size = len(self.ids)
        self.rows = defaultdict(list)
        hours = self.raw["hours"]
        for row, index in enumerate(hours["delivery"]):
            self.rows[index].append(row)

    def get(self, column: str, index: int):
        values = self.columns.get(column)
        return None if values is None else values[index]

    def final(self, index: int) -> str:
        if self.get("is_final", index) is None or self.get("final_at", index) is None:
            return "unknown"
        return "yes" if self.get("is_final", index) else "no"

    def by_reason(self, indices: list[int]) -> list[tuple[str, int, int]]:
        """Bounces + errors by reason, hard and soft, the largest first; what the table by reason lacks is a part of its own."""
        reasons = self.raw["reasons"]
        sums = defaultdict(lambda: [0, 0])
        for kind, column in enumerate(("hard_bounces", "soft_bounces")):
            failed = sum(self.get(column, index) or 0 for index in indices)
            wanted = set(indices)
            for delivery, reason, count in zip(reasons["delivery"], reasons["reason"], reasons[column]):
                if delivery in wanted:
                    sums[reasons["names"][reason]][kind] += count
                    failed -= count
            sums["not broken down"][kind] += failed
        order = reasons["names"] + ["not broken down"]
        found = [(name, *counts) for name, counts in sums.items() if counts != [0, 0]]
        return sorted(found, key=lambda part: (-part[1] - part[2], order.index(part[0])))

    def course(self, index: int) -> tuple[int, dict[str, list[int]], dict[str, list[int]]] | None:
        """The first hour, the changes and the values of every hour, gaps filled."""
        rows = self.rows.get(index)
        if not rows:
            return None
        hours = self.raw["hours"]
        first, last = hours["hour"][rows[0]], hours["hour"][rows[-1]]
        as_of = self.get("as_of", index)
        last = max(last, min(last + 24, -(-as_of // HOUR) - 1))
        delta, value = {}, {}
        for column in [name[:-6] for name in hours if name.endswith("_delta")]:
            changes = [0] * (last - first + 1)
            for row in rows:
                changes[hours["hour"][row] - first] = hours[f"{column}_delta"][row]
            total, values = 0, []
            for change in changes:
                total += change
                values.append(total)
            delta[column], value[column] = changes, values
        return first, delta, value


class Page:
    """A browser with the page open."""

    def __init__(self, page: Path, profile: str, shots: Path | None):
        options = webdriver.ChromeOptions()
        options.binary_location = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        for flag in [
            "headless=new", "no-sandbox", "disable-gpu", "disable-background-networking", "disable-component-update",
            "disable-sync", "no-first-run", "force-prefers-reduced-motion", "disable-dev-shm-usage", "window-size=1300,1000", f"user-data-dir={profile}",
        ]:
            options.add_argument(f"--{flag}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(
            options=options, service=Service(os.environ.get("CHROMEDRIVER", "/usr/bin/chromedriver")))
        self.url = page.resolve().as_uri()
        self.shots = shots
        self.requests: list[str] = []

    def js(self, script: str, *arguments):
        return self.driver.execute_script(script, *arguments)

    def cdp(self, command: str, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def load(self, address: str = "") -> float | None:
        """Opens the page anew; milliseconds from the start of the navigation until it can be used."""
        self.driver.get("about:blank")
        self.driver.get(self.url + address)
        for _ in range(600):
            state = self.js("return document.documentElement?.dataset.ready ? 'ready' : "
                            "document.getElementById('failure')?.textContent ?? ''")
            if state == "ready":
                return self.js("return Number(document.documentElement.dataset.readyAt)")
            if state:
                check("loads", False, state)
                return None
            time.sleep(0.05)
        check("loads", False, "not ready after 30 s")
        return None

    def settle(self) -> None:
        """Until the browser has laid out and drawn twice."""
        self.driver.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 30)));")

    def hash(self, address: str) -> None:
        self.js("location.hash = arguments[0]", address)
        self.settle()

    def find(self, selector: str):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def count(self, selector: str) -> int:
        return self.js("return document.querySelectorAll(arguments[0]).length", selector)

    def text(self, selector: str) -> str:
        return self.js("return document.querySelector(arguments[0])?.textContent ?? null", selector)

    def choose(self, selector: str, value: str) -> None:
        self.js("const field = document.querySelector(arguments[0]); field.value = arguments[1];"
                "field.dispatchEvent(new Event('input', {bubbles: true}));"
                "field.dispatchEvent(new Event('change', {bubbles: true}));", selector, value)

    def table(self, box: str) -> list[dict[str, str]]:
        """The rows of a table that are shown, by column."""
        return self.js("""
            const box = document.querySelector(arguments[0]);
            const keys = [...box.querySelectorAll('thead th')].map((head) => head.dataset.key);
            return [...box.querySelectorAll('tbody tr[data-place]')].map((row) =>
                Object.fromEntries([...row.children].map((cell, at) => [keys[at], cell.textContent])));
        """, box)

    def shot(self, name: str, selector: str | None = None) -> None:
        if not self.shots:
            return
        clip = self.js("""
            const box = arguments[0] ? document.querySelector(arguments[0]).getBoundingClientRect()
                : {x: 0, y: -scrollY, width: innerWidth, height: Math.min(document.documentElement.scrollHeight, 9000)};
            return {x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height, scale: 1};
        """, selector)
        self.settle()
        image = self.cdp("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        (self.shots / f"{name}.png").write_bytes(base64.b64decode(image["data"]))

    def logs(self) -> None:
        """Nothing was said on the console, nothing was asked of the network."""
        for entry in self.driver.get_log("browser"):
            check("console is silent", False, f"{entry['level']} {entry['message']}")
        checked["console is silent"] += 1
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                self.requests.append(message["params"].get("request", message["params"]).get("url", "?"))
        outside = [url for url in self.requests if url.split("#")[0] not in (self.url, "about:blank") and not url.startswith(("data:", "chrome:", "chrome-untrusted:"))]
        same("nothing is fetched", outside, [])
        self.requests.clear()


def check_source(data: Data) -> None:
    """What can be seen without a browser."""
    head = data.html.split("<style>")[0]
    check("content security policy", "default-src 'none'" in head and "connect-src" not in head, head[-400:])
    own = re.sub(r"(?s)<style>.*?</style>|<script.*?</script>", "", data.html)
    same("no address in the markup", re.findall(r'(?:src|href|action)="(?!#|data:)[^"]*"', own), [])


def check_head(page: Page, data: Data) -> None:
    run = data.raw["run"]
    facts = page.text("#facts")
    check("head", number(run["run_number"]) in facts and number(data.size) in facts, facts)
    left = data.raw.get("left") or {}
    missing = left.get("deliveries", 0) + left.get("others", 0)
    check("missing deliveries are told", ("not on this page" in facts) == (missing > 0), facts)
    verdict = page.text("#verdict")
    logs = run.get("logs", [])
    rejected = sum(log["rows_rejected"] for log in logs)
    skipped = sum(log["files_skipped"] for log in logs)
    if rejected:
        check("verdict", re.search(rf"\b{number(rejected)} rows? left out", verdict) is not None, verdict)
    if skipped:
        check("verdict", re.search(rf"\b{number(skipped)} files? left out", verdict) is not None, verdict)
    whole = bool(logs) and not rejected and not skipped and not run.get("frozen") and not data.raw.get("alerts")
    same("verdict", verdict.startswith("Complete."), whole, verdict)
    same("verdict leads to the alerts", verdict.endswith("Alerts"), bool(data.raw.get("alerts")), verdict)


def predicates(data: Data) -> dict[tuple[str, str], object]:
    """The filters with what they let through."""
    get = data.get
    alerted = {alert["delivery_id"] for alert in data.raw.get("alerts") or []}
    restated = set((data.raw.get("restatements") or {"delivery_id": []})["delivery_id"])
    found = {
        ("#f-final", "no"): lambda i: data.final(i) == "no",
        ("#f-final", "yes"): lambda i: data.final(i) == "yes",
        ("#f-final", "unknown"): lambda i: data.final(i) == "unknown",
        ("#f-with", "alerts"): lambda i: data.ids[i] in alerted,
        ("#f-with", "failures"): lambda i: (get("bounces_errors", i) or 0) > 0,
        ("#f-with", "deadline"): lambda i: (get("failed_by_deadline", i) or 0) > 0,
        ("#f-with", "complaints"): lambda i: (get("complaints", i) or 0) > 0,
        ("#f-with", "restated"): lambda i: data.ids[i] in restated,
        ("#f-channel", "unknown"): lambda i: get("channel", i) is None,
        ("#f-efs", "with"): lambda i: get("efs", i) is True,
        ("#f-efs", "without"): lambda i: get("efs", i) is not True,
    }
    for channel in {get("channel", i) for i in range(data.size)} - {None}:
        found["#f-channel", f"={channel}"] = lambda i, channel=channel: get("channel", i) == channel
    return found


def check_totals(page: Page, data: Data, indices: list[int], where: object) -> None:
    cells = page.js("""
        const heads = [...document.querySelectorAll('#list thead th')].map((head) => head.dataset.key);
        const cells = [...document.querySelector('#list .totals tr').children].map((cell) => cell.firstChild?.firstChild?.textContent ?? cell.textContent);
        return Object.fromEntries(heads.map((key, at) => [key, cells[at]]));
    """)

    def total(column: str) -> int | None:
        values = [data.get(column, i) for i in indices if data.get(column, i) is not None]
        return sum(values) if values else None

    for column in ("to_deliver", "sent", "pending"):
        same("totals", cells[column], number(total(column)), (where, column))
    for rate, (above, below) in SUMMED_RATES.items():
        same("totals", cells[rate], percent(ratio(total(above), total(below))), (where, rate))


def check_filters(page: Page, data: Data) -> None:
    everything = list(range(data.size))
    same("all are listed", len(page.table("#list")), min(50, data.size))
    check("count is told", page.text("#count").startswith(number(data.size)), page.text("#count"))
    check_totals(page, data, everything, "all")
    for (selector, value), passes in predicates(data).items():
        page.choose(selector, value)
        wanted = [i for i in everything if passes(i)]
        check("filter", page.text("#count").startswith(f"{number(len(wanted))} "), (selector, value, page.text("#count"), len(wanted)))
        shown = [row["delivery_id"].removesuffix("alert") for row in page.table("#list")]
        check("filter", set(shown) <= {data.ids[i] for i in wanted} and len(shown) == min(50, len(wanted)), (selector, value, shown[:5]))
        check_totals(page, data, wanted, (selector, value))
        page.choose(selector, "")
    starts = sorted(data.get("started_at", i) for i in everything if data.get("started_at", i) is not None)
    if data.raw["timezone"] == "UTC" and starts:
        days = [time.strftime("%Y-%m-%d", time.gmtime(starts[len(starts) * part // 3] / 1000)) for part in (1, 2)]
        page.choose("#f-from", days[0])
        page.choose("#f-to", days[1])
        wanted = [at for at in starts if days[0] <= time.strftime("%Y-%m-%d", time.gmtime(at / 1000)) <= days[1]]
        check("period", page.text("#count").startswith(f"{number(len(wanted))} "), (days, page.text("#count"), len(wanted)))
        page.find("#reset").click()
    check("reset", page.text("#count").startswith(f"{number(data.size)} deliver"), page.text("#count"))


def check_search(page: Page, data: Data) -> None:
    index = data.size // 2
    field = page.find("#search")
    field.send_keys(data.ids[index])
    wanted = [i for i in range(data.size) if data.ids[index].lower() in f"{data.ids[i]}\n{data.get('label', i) or ''}".lower()]
    same("search by identifier", [row["delivery_id"].removesuffix("alert") for row in page.table("#list")][:50].count(data.ids[index]), 1)
    check("search by identifier", page.text("#count").startswith(f"{number(len(wanted))} "), (data.ids[index], page.text("#count"), len(wanted)))
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(Keys.DELETE)
    labels = [(i, label) for i in range(data.size) if (label := data.get("label", i)) and re.fullmatch(r"[ -~]{3,60}", label)]
    if labels:
        text = labels[len(labels) // 2][1].upper()
        field.send_keys(text)
        words = text.lower().split()
        wanted = [i for i in range(data.size) if all(word in f"{data.ids[i]}\n{data.get('label', i) or ''}".lower() for word in words)]
        check("search by label", page.text("#count").startswith(f"{number(len(wanted))} "), (text, page.text("#count"), len(wanted)))
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(Keys.DELETE)
    field.send_keys("\u2603 in no label")
    check("search for nothing", page.text("#count").startswith("0 of") and not page.table("#list"), page.text("#count"))
    page.find("#reset").click()


def check_sort(page: Page, data: Data) -> None:
    """Both ways, by click and by key; deliveries without a value come last both ways."""
    for column, shown in {"sent": number, "delivered_rate": percent, "open_rate": percent, "to_deliver": number, "pending": number}.items():
        values = data.columns[column]
        known = sorted((value for value in values if value is not None), reverse=True)
        nulls = [None] * (len(values) - len(known))
        head = f'#list th[data-key="{column}"]'
        for way, wanted in (("descending", known + nulls), ("ascending", known[::-1] + nulls)):
            button = page.find(f"{head} button")
            if way == "descending":
                page.js("arguments[0].scrollIntoView({block: 'center', inline: 'center'})", button)
                button.click()
            else:
                page.js("arguments[0].focus()", button)
                ActionChains(page.driver).send_keys(Keys.ENTER).perform()
                check("keyboard", page.js("return document.activeElement === arguments[0]", button), "the focus stays on the header")
            same("aria-sort", page.js("return [...document.querySelectorAll('#list th[aria-sort]')].map((th) => [th.dataset.key, th.getAttribute('aria-sort')])"), [[column, way]])
            same("sort", [row[column] for row in page.table("#list")], [shown(value) for value in wanted[:50]], (column, way))
            if data.size > 50:
                page.js("document.querySelector('#list .pager [data-step=Last]').click()")
                size = (data.size - 1) % 50 + 1
                same("sort", [row[column] for row in page.table("#list")], [shown(value) for value in wanted[-size:]], (column, way, "last page"))
    button = page.find('#list th[data-key="delivery_id"] button')
    button.click()
    shown = [row["delivery_id"].removesuffix("alert") for row in page.table("#list")]
    if all(re.fullmatch(r"\d+", one) for one in data.ids):
        same("sort", shown, sorted(data.ids, key=int)[:50], "delivery_id")
    button = page.find('#list th[data-key="started_at"] button')
    page.js("arguments[0].click(); if (arguments[0].closest('th').getAttribute('aria-sort') === 'ascending') arguments[0].click()", button)


def check_columns(page: Page, data: Data) -> None:
    """Every column can be shown."""
    if not data.size:
        return
    page.js("document.querySelector('.columns').open = true")
    before = page.count("#list thead th")
    page.js("for (const box of document.querySelectorAll('#columns input')) if (!box.checked) box.click()")
    everything = page.count("#columns input") + 3
    same("columns", page.count("#list thead th"), everything)
    row = page.table("#list")[0]
    index = data.ids.index(row["delivery_id"].removesuffix("alert"))
    for column in data.columns:
        value = data.get(column, index)
        if column.endswith("_rate") or column in ("open_rate_total", "progress"):
            same("columns", row.get(column), percent(value), column)
        elif isinstance(value, int) and not isinstance(value, bool) and not column.endswith("_at") and column != "as_of":
            same("columns", row.get(column), number(value), column)
    shown = {"started_at", "to_deliver", "sent", "delivered_rate", "bounce_error_rate", "open_rate", "click_through_rate", "pending", "is_final"}
    page.js("for (const box of document.querySelectorAll('#columns input')) if (box.checked !== arguments[0].includes(box.dataset.column)) box.click()", list(shown))
    same("columns", page.count("#list thead th"), before)
    page.js("document.querySelector('.columns').open = false")


def interesting(data: Data) -> list[int]:
    """Deliveries with something that others have not."""
    get = data.get
    tests = [
        lambda i: True,
        lambda i: "<" in (get("label", i) or ""),
        lambda i: get("label", i) is None,
        lambda i: not data.rows.get(i),
        lambda i: (get("open_rate_total", i) or 0) > 1,
        lambda i: get("to_deliver", i) is None,
        lambda i: get("started_at", i) is None,
        lambda i: get("efs", i) is not True and data.final(i) == "yes",
        lambda i: data.final(i) == "no",
        lambda i: data.final(i) == "unknown",
        lambda i: (get("late_successes", i) or 0) > 0,
        lambda i: not get("bounces_errors", i),
        lambda i: data.ids[i] in (data.raw["run"].get("frozen") or []),
        lambda i: (get("hard_bounces", i) or 0) > 0 and (get("soft_bounces", i) or 0) > 0,
    ]
    found = [next((i for i in range(data.size) if test(i)), None) for test in tests]
    return list(dict.fromkeys(index for index in found if index is not None))


def check_detail(page: Page, data: Data) -> None:
    title = page.driver.title
    for index in interesting(data):
        delivery = data.ids[index]
        page.hash(f"delivery={delivery}")
        same("detail is of the delivery", page.text("#delivery-title"), f"Delivery {delivery}")
        label = data.get("label", index)
        same("label is shown as text", page.text("#detail .label-text"), label, delivery)
        head = page.text("#detail .line")
        check("detail head", ("with Email Feedback Service" if data.get("efs", index) is True else "without Email Feedback Service") in head, head)
        check("detail head", f"channel {data.get('channel', index) or 'not known, taken as email'}" in head, head)
        rows = page.js("""
            return Object.fromEntries([...document.querySelectorAll('#block tbody tr')].map((row) => [row.dataset.counter, {
                number: row.querySelector('.number').textContent,
                bar: row.querySelector('.bar-fill')?.style.width ?? null,
                rates: [...row.querySelectorAll('[data-rate]')].map((cell) => [cell.dataset.rate, cell.textContent])}]));
        """)
        of_people = OF_PEOPLE if "human_unique_opens" in data.raw["deliveries"] else {}
        for counter, rates in (MEASURES | of_people).items():
            row = rows.get(counter)
            if not check("block has the line", row is not None, (delivery, counter)):
                continue
            same("block counter", row["number"], number(data.get(counter, index)), (delivery, counter))
            wanted = [[rate, f"{percent(data.get(rate, index))} {OF.get(rate, 'of delivered')}"] for rate in rates]
            same("block rates", row["rates"], wanted, (delivery, counter))
            if rates:
                width = max(0.0, min(1.0, data.get(rates[0], index) or 0)) * 100
                check("block bar", abs(float(row["bar"].removesuffix("%")) - width) < 0.01, (delivery, counter, row["bar"], width))
        final = page.text('#detail [data-fact="final"]')
        check("finality in words", final.startswith({"yes": "yes, since ", "no": "no: ", "unknown": "not known"}[data.final(index)]), (delivery, final))
        pending = data.get("pending", index)
        if data.final(index) == "no":
            same("finality in words", f"{number(pending)} pending" in final, bool(pending), (delivery, final))
        check_course(page, data, index)
        if data.raw["reasons"] is None:
            same("reasons off", page.text("#detail .reasons"), "", delivery)
        else:
            check_reasons_of(page, data, [index], "#detail .reasons", delivery)
    same("a label runs nothing", page.driver.title, title)


def check_course(page: Page, data: Data, index: int) -> None:
    course = data.course(index)
    if course is None:
        check("no course", page.count("#detail .course .chart") == 0 and "No hour" in page.text("#detail .course"), data.ids[index])
        return
    first, delta, value = course
    size = len(value["processed"])
    rates = {
        rate: [ratio(above, below) for above, below in zip(value[SUMMED_RATES[rate][0]], value[SUMMED_RATES[rate][1]])]
        for rate in COURSE_RATES
    }
    views = {"total": [value[c] for c in COURSE], "hour": [delta[c] for c in COURSE], "rate": [rates[r] for r in COURSE_RATES]}
    for view, wanted in views.items():
        button = page.find(f'#detail input[name="course"][value="{view}"]')
        page.js("arguments[0].scrollIntoView({block: 'center'})", button)
        button.click()
        found = page.js("""
            const box = document.querySelector('#detail .course .chart');
            const option = echarts.getInstanceByDom(box).getOption();
            return {series: option.series.map((one) => one.data), hours: option.xAxis[0].data.length,
                paths: box.querySelectorAll('svg path').length, label: box.getAttribute('aria-label'), role: box.getAttribute('role'),
                width: box.querySelector('svg').getBoundingClientRect().width, strokes: new Set([...box.querySelectorAll('svg path')]
                    .filter((path) => path.getAttribute('fill') === 'none').map((path) => getComputedStyle(path).stroke)).size};
        """)
        where = (data.ids[index], view)
        same("course hours", found["hours"], size, where)
        close = len(found["series"]) == 4 and all(
            len(a) == len(b) and all((x is None and y is None) or (x is not None and y is not None and abs(x - y) < 1e-12) for x, y in zip(a, b))
            for a, b in zip(found["series"], wanted))
        check("course values", close, (where, [one[-3:] for one in found["series"]], [one[-3:] for one in wanted]))
        check("course is drawn", found["paths"] >= 8 and found["width"] > 200 and found["strokes"] >= 4, (where, found["paths"], found["width"], found["strokes"]))
        check("chart is described", found["role"] == "img" and data.ids[index] in (found["label"] or ""), where)
    page.js("document.querySelector('#detail .course details').open = true")
    page.settle()
    rows = page.js("return [...document.querySelectorAll('#detail .course details tbody tr')].map((row) => [...row.children].map((cell) => cell.textContent))")
    same("table of the course", len(rows), len(data.rows[index]), data.ids[index])
    same("table of the course", rows[-1][2] if rows else None, number(value["delivered"][-1]), data.ids[index])
    page.find('#detail input[name="course"][value="total"]').click()


def check_reasons_of(page: Page, data: Data, indices: list[int], box: str, where: object) -> None:
    """A chart by reason and its table: what the data says, and all bounces + errors of the deliveries."""
    wanted = data.by_reason(indices)
    failed = sum(data.get("bounces_errors", index) or 0 for index in indices)
    same("reasons come to the whole", sum(hard + soft for _, hard, soft in wanted), failed, where)
    if not wanted:
        check("no reasons", page.count(f"{box} .chart") == 0 and "No message has failed" in page.text(box), (where, page.text(box)))
        return
    found = page.js("""
        const box = document.querySelector(arguments[0]);
        const chart = box.querySelector('.chart');
        const option = echarts.getInstanceByDom(chart).getOption();
        return {names: option.yAxis[0].data, series: option.series.map((one) => one.data.map((bar) => bar.value)), kinds: option.series.map((one) => one.name),
            stacked: new Set(option.series.map((one) => one.stack)).size, label: chart.getAttribute('aria-label'), role: chart.getAttribute('role'),
            texts: [...chart.querySelectorAll('svg text')].filter((text) => getComputedStyle(text).opacity > 0 && getComputedStyle(text).fillOpacity > 0)
                .map((text) => text.textContent),
            rows: [...box.querySelectorAll('tbody tr')].map((row) => [...row.children].map((cell) => cell.textContent)), hint: box.textContent};
    """, box)
    bars = wanted
    if len(wanted) > MOST_BARS:
        rest = wanted[MOST_BARS - 1:]
        bars = wanted[:MOST_BARS - 1] + [(f"{number(len(rest))} other reasons", sum(part[1] for part in rest), sum(part[2] for part in rest))]
    same("chart of reasons", found["names"], [name for name, _, _ in bars], where)
    same("chart of reasons", found["series"], [[hard for _, hard, _ in bars], [soft for _, _, soft in bars]], where)
    same("chart of reasons", (found["kinds"], found["stacked"], found["role"]), (["hard bounces", "soft bounces"], 1, "img"), where)
    check("reasons are described", all(f"{name} {number(hard + soft)}" in found["label"] for name, hard, soft in bars), (where, found["label"]))
    check("bars have their sums", Counter(number(hard + soft) for _, hard, soft in bars) <= Counter(found["texts"]), (where, found["texts"]))
    rows = [[name, number(hard + soft), percent(ratio(hard + soft, failed)), number(hard), number(soft)] for name, hard, soft in wanted]
    hard, soft = (sum(data.get(column, index) or 0 for index in indices) for column in ("hard_bounces", "soft_bounces"))
    rows.append(["all reasons", number(failed), percent(1.0), number(hard), number(soft)])
    same("table of reasons", found["rows"], rows, where)
    check("reasons are our words", all(name in OUR_REASONS or re.fullmatch(r"code -?\d+", name) for name, _, _ in wanted), wanted)
    lacks = any(name == "not broken down" for name, _, _ in wanted)
    same("what is not broken down is told", "were frozen" in found["hint"], lacks, where)


def check_reasons(page: Page, data: Data) -> None:
    """Of all deliveries, and of those that the list is filtered to."""
    page.load()
    if data.raw["reasons"] is None:
        check("reasons off", "[breakdowns] by_reason = true" in page.text("#reasons-body") and page.count("#reasons .chart") == 0, page.text("#reasons-body"))
        return
    everything = list(range(data.size))

    def told(indices: list[int]) -> None:
        page.settle()
        failed = sum(data.get("bounces_errors", index) or 0 for index in indices)
        check("reasons say whose", page.text("#reasons-count").startswith(f"{number(failed)} bounces + errors of {number(len(indices))} deliver"), page.text("#reasons-count"))
        check_reasons_of(page, data, indices, "#reasons-body", len(indices))

    told(everything)
    page.shot("reasons", "#reasons")
    for (selector, value), passes in predicates(data).items():
        page.choose(selector, value)
        told([index for index in everything if passes(index)])
        page.choose(selector, "")
    page.choose("#search", "\u2603 in no label")
    told([])
    page.choose("#search", "")
    told(everything)


def check_history(page: Page, data: Data) -> None:
    if data.size < 2:
        return
    page.load()
    rows = [row["delivery_id"].removesuffix("alert") for row in page.table("#list")]
    first, second = rows[0], rows[1]
    row = page.find('#list tbody tr[data-place="0"] td:nth-child(5)')
    page.js("arguments[0].scrollIntoView({block: 'center'})", row)
    row.click()
    page.settle()
    same("click opens", page.text("#delivery-title"), f"Delivery {first}")
    check("click opens", page.js("return document.activeElement.id") == "delivery-title", "the focus is at the detail")
    link = page.find('#list tbody tr[data-place="1"] a')
    page.js("arguments[0].focus()", link)
    ActionChains(page.driver).send_keys(Keys.ENTER).perform()
    page.settle()
    same("Enter opens", page.text("#delivery-title"), f"Delivery {second}")
    page.driver.back()
    page.settle()
    same("back", page.text("#delivery-title"), f"Delivery {first}")
    page.driver.back()
    page.settle()
    same("back", page.text("#delivery-title"), "One delivery")
    page.driver.forward()
    page.driver.forward()
    page.settle()
    same("forward", page.text("#delivery-title"), f"Delivery {second}")
    page.load(f"#delivery={first}")
    same("a link to a delivery", page.text("#delivery-title"), f"Delivery {first}")
    page.find('nav.sections a[data-go="quality"]').click()
    page.settle()
    check("sections keep the address", page.js("return location.hash").startswith(f"#delivery={first}"), page.js("return location.hash"))
    page.hash("delivery=no-such-delivery")
    same("an unknown delivery", page.text("#delivery-title"), "One delivery")


def check_comparison(page: Page, data: Data) -> None:
    page.load()
    check("comparison says how", "Tick" in page.text("#compare"), page.text("#compare"))
    chosen = [index for index in range(data.size) if data.rows.get(index)][:3]
    if len(chosen) < 2:
        return
    for index in chosen:
        page.choose("#search", data.ids[index])
        page.find(f'#list input[data-compare="{data.ids[index]}"]').click()
    page.choose("#search", "")
    page.settle()
    check("comparison is in the address", all(data.ids[index] in page.js("return location.hash") for index in chosen), page.js("return location.hash"))
    for rate in COURSE_RATES + ["click_to_open_rate", "unsubscribe_rate"]:
        found = page.js("const box = document.querySelector(arguments[0]); return echarts.getInstanceByDom(box).getOption().series[0].data.map((one) => one.value)",
                        f'#compare figure[data-rate="{rate}"] .chart')
        same("comparison of rates", found, [data.get(rate, index) for index in chosen], rate)
    table = page.js("return [...document.querySelectorAll('#compare tbody tr')].map((row) => [...row.children].map((cell) => cell.textContent))")
    sent = next((row[1:] for row in table if row[0] == "sent"), None)
    same("table of the comparison", sent, [number(data.get("sent", index)) for index in chosen])
    for rate, (above, below) in SUMMED_RATES.items():
        page.choose("#compare-rate", rate)
        found = page.js("const boxes = document.querySelectorAll('#compare .chart'); return echarts.getInstanceByDom(boxes[boxes.length - 1]).getOption().series.map((one) => one.data)")
        for place, index in enumerate(chosen):
            first, _, value = data.course(index)
            start = data.get("started_at", index)
            ahead = 0 if start is None else first - start // HOUR
            course = [ratio(a, b) for a, b in zip(value[above], value[below])]
            same("comparison of courses", found[place], [None] * ahead + course if ahead >= 0 else course[-ahead:], (rate, data.ids[index]))
    page.shot("comparison", "#comparison")
    page.load("#compare=" + ",".join(data.ids[index] for index in chosen[:2]))
    same("a link to a comparison", page.count("#compare .key.compared li"), 2)
    many = [data.ids[index] for index in range(min(data.size, 9))]
    if len(many) == 9:
        page.load("#compare=" + ",".join(many[:8]))
        page.choose("#search", many[8])
        page.find(f'#list input[data-compare="{many[8]}"]').click()
        check("at most eight", "At most 8" in page.text("#count") and page.count("#compare .key.compared li") == 8, page.text("#count"))
        page.find("#compare-none").click()
        same("none is compared", page.count("#compare .chart"), 0)


def check_sections(page: Page, data: Data) -> None:
    page.load()
    waiting = sum(data.final(index) == "no" for index in range(data.size))
    if waiting:
        check("not final yet", page.text("#not-final-count").startswith(f"{number(waiting)} deliver"), page.text("#not-final-count"))
        rows = page.table("#pending")
        same("not final yet", len(rows), min(25, waiting))
        ends = sorted(data.get("final_at", index) for index in range(data.size) if data.final(index) == "no")
        found = [data.get("final_at", data.ids.index(row["delivery_id"])) for row in rows]
        same("not final yet", found, ends[: len(rows)], "sorted by when")
        check("not final yet", all(row["why"] for row in rows), rows[:2])
    alerts = data.raw.get("alerts") or []
    same("alerts", len(page.table("#alert-list")) if alerts else page.text("#alert-list").startswith("No alert"), min(25, len(alerts)) or True)
    quality = page.js("return [...document.querySelectorAll('#quality-body tbody tr')].map((row) => [...row.children].map((cell) => cell.textContent))")
    for log, row in zip(data.raw["run"].get("logs", []), quality):
        fates = ["rows_read", "rows_counted", "rows_duplicate", "rows_superseded", "rows_deleted", "rows_future", "rows_frozen", "rows_rejected"]
        same("fates", row[1:9], [number(log[fate]) for fate in fates], log["log"])
        same("fates add up", row[9], "yes" if log["rows_read"] == sum(log[fate] for fate in fates[1:]) else "NO")
    for rejection in data.raw["run"].get("rejections", []):
        check("rejections", any(rejection["reason"] in row and number(rejection["rows"]) in row for row in quality), rejection)
    restatements = data.raw.get("restatements")
    if restatements is None:
        check("restatements off", "restatements = true" in page.text("#restated"), page.text("#restated"))
    elif restatements["delivery_id"]:
        rows = page.table("#restated")
        same("restatements", len(rows), min(25, len(restatements["delivery_id"])))
        same("restatements", rows[0]["before"], number(restatements["before"][0]))
        same("restatements", rows[0]["after"], number(restatements["after"][0]))
        total = len(restatements["delivery_id"])
        check("restatements", page.text("#restated").startswith(f"{number(total)} number"), page.text("#restated")[:80])


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def check_colours(page: Page, theme: str) -> None:
    """Contrasts as WCAG AA asks: 4.5 for text, 3 for what a chart is drawn with."""
    colours = page.js("""
        const probe = document.body.appendChild(document.createElement('i'));
        const found = {};
        for (const name of arguments[0]) { probe.style.color = `var(--${name})`; found[name] = getComputedStyle(probe).color; }
        probe.remove();
        return found;
    """, ["ground", "card", "ink", "soft", "link", "good", "good-wash", "warn", "warn-wash", "bad", "bad-wash", "track", *(f"c{i}" for i in range(1, 9))])
    pairs = [("ink", "ground", 4.5), ("ink", "card", 4.5), ("ink", "track", 4.5), ("soft", "card", 4.5), ("soft", "ground", 4.5), ("link", "card", 4.5),
             ("link", "ground", 4.5), ("good", "good-wash", 4.5), ("warn", "warn-wash", 4.5), ("warn", "card", 4.5), ("bad", "bad-wash", 4.5), ("ink", "warn-wash", 4.5),
             *((f"c{i}", "card", 3) for i in range(1, 9))]
    lowest = {}
    for front, back, least in pairs:
        value = contrast(colours[front], colours[back])
        check("contrast", value >= least, (theme, front, back, round(value, 2)))
        lowest[f"{front} on {back}"] = round(value, 2)
    figures[f"lowest contrast, {theme}"] = min(lowest.values())


def dark(page: Page) -> bool:
    return luminance(page.js("return getComputedStyle(document.body).backgroundColor")) < 0.1


def media(page: Page, **features: str) -> None:
    page.cdp("Emulation.setEmulatedMedia", media=features.pop("media", ""),
             features=[{"name": name.replace("_", "-"), "value": value} for name, value in features.items()])
    page.settle()


def check_themes(page: Page, data: Data, address: str) -> None:
    page.load(address)
    media(page, prefers_color_scheme="light")
    check("light", not dark(page))
    check_colours(page, "light")
    page.shot("light")
    media(page, prefers_color_scheme="dark")
    check("dark", dark(page))
    check_colours(page, "dark")
    if data.size:
        inks = page.js("return [...new Set([...document.querySelectorAll('#detail .course svg text, .reasons svg text, #reasons svg text')].map((text) => getComputedStyle(text).fill))]")
        card = page.js("return getComputedStyle(document.querySelector('#delivery')).backgroundColor")
        for ink in inks:
            check("charts follow the theme", contrast(ink, card) >= 4.5, (ink, card))
    page.shot("dark")
    page.choose("#theme", "light")
    check("theme by hand", not dark(page))
    media(page, prefers_color_scheme="light")
    page.choose("#theme", "dark")
    check("theme by hand", dark(page))
    page.choose("#theme", "")


def check_phone(page: Page, address: str) -> None:
    page.cdp("Emulation.setDeviceMetricsOverride", width=360, height=760, deviceScaleFactor=2, mobile=True)
    page.load(address)
    page.js("for (const details of document.querySelectorAll('details')) details.open = true")
    page.settle()
    width = page.js("return document.scrollingElement.scrollWidth")
    wide = page.js("""
        return [...document.querySelectorAll('main *')].filter((one) => one.getBoundingClientRect().right > 361 && !one.closest('.scroll, svg, .hidden'))
            .slice(0, 5).map((one) => one.tagName + '.' + one.className);
    """)
    check("phone: no sideways scrolling", width <= 360, (width, wide))
    same("phone: nothing is cut off", wide, [])
    page.js("for (const details of document.querySelectorAll('details')) details.open = false; scrollTo(0, 0)")
    page.settle()
    for box, chart in page.js("return [...document.querySelectorAll('.chart')].map((box) => [box.clientWidth, echarts.getInstanceByDom(box).getWidth()])"):
        check("phone: charts fit", 250 < box <= 360 and chart == box, (box, chart))
    page.shot("phone")
    page.cdp("Emulation.clearDeviceMetricsOverride")


def check_print(page: Page, data: Data, address: str) -> None:
    page.load(address)
    media(page, media="print", prefers_color_scheme="dark")
    visible = page.js("return [...document.querySelectorAll('button, input, select, nav')].filter((one) => one.checkVisibility() && !one.closest('th')).map((one) => one.id || one.className || one.textContent)")
    same("print: no controls", visible, [])
    same("print: black on white", page.js("return [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"), ["rgb(255, 255, 255)", "rgb(0, 0, 0)"])
    page.js("""
        window.printed = null;
        window.addEventListener('beforeprint', () => { window.printed = {
            charts: [...document.querySelectorAll('.chart')].map((box) => box.querySelector('svg').getBoundingClientRect().width),
            cut: [...document.querySelectorAll('.chart svg text')].filter((text) => text.getBoundingClientRect().right > text.closest('svg').getBoundingClientRect().right + 2).length,
            rows: document.querySelectorAll('#list tbody tr[data-place]').length, buttons: document.querySelectorAll('th button').length}; });
    """)
    pdf = base64.b64decode(page.cdp("Page.printToPDF", printBackground=False)["data"])
    check("print: PDF", pdf.startswith(b"%PDF") and len(pdf) > 10_000, len(pdf))
    printed = page.js("return window.printed")
    check("print: charts fit the paper", printed is not None and all(100 < width <= 660 for width in printed["charts"]), printed)
    if printed and data.size:
        same("print: all that is listed", printed["rows"], min(data.size, 500))
        same("print: charts fit the paper", printed["cut"], 0)
        same("print: heads are no buttons", printed["buttons"], 0)
    figures["pages printed"] = len(re.findall(rb"/Type\s*/Page\b", pdf))
    if page.shots:
        (page.shots / "print.pdf").write_bytes(pdf)
    media(page)
    if data.size:
        same("print: the list is back", len(page.table("#list")), min(50, data.size))


def check_accessibility(page: Page, address: str) -> None:
    page.load(address)
    found = page.js("""
        const named = (one) => one.getAttribute('aria-label') || one.labels?.length || one.textContent.trim() || one.title;
        const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
        const levels = [...document.querySelectorAll('h1, h2, h3, h4')].map((one) => Number(one.tagName[1]));
        return {
            unnamed: [...document.querySelectorAll('button, input, select, a[href], [role=region], [role=img]')].filter((one) => !named(one)).map((one) => one.outerHTML.slice(0, 99)),
            repeated: ids.filter((id, at) => ids.indexOf(id) !== at),
            skipped: levels.filter((level, at) => at > 0 && level > levels[at - 1] + 1),
            h1: levels.filter((level) => level === 1).length,
            landmarks: ['header', 'nav', 'main', 'footer', '[role=search]', '[role=status]'].filter((one) => !document.querySelector(one)),
            heads: [...document.querySelectorAll('th:not([scope])')].length,
            nocaption: [...document.querySelectorAll('table')].filter((one) => !one.caption).length,
            sections: [...document.querySelectorAll('section')].filter((one) => !document.getElementById(one.getAttribute('aria-labelledby'))).length,
            lang: document.documentElement.lang,
        };
    """)
    same("accessibility", found, {"unnamed": [], "repeated": [], "skipped": [], "h1": 1, "landmarks": [], "heads": 0, "nocaption": 0, "sections": 0, "lang": "en"})
    page.js("document.querySelector('#search').focus()")
    ActionChains(page.driver).send_keys(Keys.TAB).perform()
    outline = page.js("const style = getComputedStyle(document.activeElement); return [style.outlineStyle, parseFloat(style.outlineWidth)]")
    check("focus is seen", outline[0] != "none" and outline[1] >= 1, outline)


def worked(page: Page) -> float:
    """Milliseconds that the page has been at work."""
    metrics = page.cdp("Performance.getMetrics")["metrics"]
    return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration") * 1000


def busy(page: Page, script: str, *arguments) -> tuple[float, float]:
    """Runs a script: milliseconds until it was through, and those that the page itself was at work, which other
    work of the machine does not change."""
    before = worked(page)
    took = page.js(f"const from = performance.now(); {script}; document.body.getBoundingClientRect(); return performance.now() - from", *arguments)
    return took, worked(page) - before


def check_speed(page: Page, data: Data) -> None:
    """Limits are for the time at work; the machine may have other things to do."""
    page.cdp("Performance.enable", timeDomain="threadTicks")
    loads, works = [], []
    for _ in range(3):
        page.driver.get("about:blank")
        before = worked(page)
        loads.append(page.load())
        works.append(worked(page) - before)
    figures["ready, ms"] = loads
    figures["ready, ms at work"] = [round(work) for work in works]
    check("ready in time", None not in loads and 0 < min(works) < READY_SECONDS * 1000, works)
    if not data.size:
        return
    times = 6
    sorts = {
        key: busy(page, f"const button = document.querySelector(arguments[0]); for (let i = 0; i < {times}; i++) {{ button.click(); document.body.getBoundingClientRect(); }}",
                  f'#list th[data-key="{key}"] button')
        for key in page.js("return [...document.querySelectorAll('#list th.sortable')].map((head) => head.dataset.key)")
    }
    text = (next((data.get("label", i) for i in range(data.size) if data.get("label", i)), None) or data.ids[0])[:12]
    types = [
        busy(page, f"const field = document.querySelector('#search'); for (let i = 0; i < {times}; i++) {{ field.value = arguments[0];"
             "field.dispatchEvent(new Event('input', {bubbles: true})); document.body.getBoundingClientRect(); }", text[:size])
        for size in range(1, len(text) + 1)
    ]
    page.choose("#search", "")
    for place, name in ((0, "ms"), (1, "ms at work")):
        figures[f"sorting, {name}"] = {key: round(took[place] / times, 1) for key, took in sorts.items()}
        figures[f"typing, {name}"] = round(max(took[place] for took in types) / times, 1)
    check("sorting in time", all(0 < work / times < REACTION_MS for _, work in sorts.values()), sorts)
    check("typing in time", all(0 < work / times < REACTION_MS for _, work in types), types)
    opened = []
    for index in sorted(data.rows, key=lambda index: -len(data.rows[index]))[:3]:
        opened.append(page.driver.execute_async_script("""
            const [id, done] = arguments;
            const from = performance.now();
            window.addEventListener('hashchange', () => { document.body.getBoundingClientRect(); done(performance.now() - from); }, {once: true});
            location.hash = `delivery=${id}`;
        """, data.ids[index]))
    figures["opening a delivery, ms"] = [round(took) for took in opened]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("page", type=Path)
    parser.add_argument("--screenshots", type=Path)
    arguments = parser.parse_args()
    if arguments.screenshots:
        arguments.screenshots.mkdir(parents=True, exist_ok=True)
    data = Data(arguments.page)
    figures.update({"bytes": arguments.page.stat().st_size, "deliveries": data.size, "rows of hours": len(data.raw["hours"]["delivery"])})
    check_source(data)
    drawn = [i for i in interesting(data)[::-1] if data.rows.get(i)]
    # One with all charts, if there is any.
    shown = next((i for i in drawn if data.get("bounces_errors", i)), drawn[0] if drawn else None)
    compared = [data.ids[i] for i in range(data.size) if data.rows.get(i)][:3]
    address = "" if shown is None else f"#delivery={data.ids[shown]}&compare={','.join(compared)}"
    steps = [
        lambda page: check_head(page, data),
        lambda page: data.size and check_filters(page, data),
        lambda page: data.size and check_search(page, data),
        lambda page: data.size and check_sort(page, data),
        lambda page: check_columns(page, data),
        lambda page: check_detail(page, data),
        lambda page: check_history(page, data),
        lambda page: check_comparison(page, data),
        lambda page: check_reasons(page, data),
        lambda page: check_sections(page, data),
        lambda page: check_themes(page, data, address),
        lambda page: check_phone(page, address),
        lambda page: check_print(page, data, address),
        lambda page: check_accessibility(page, address),
        lambda page: check_speed(page, data),
    ]
    names = ["head", "filters", "search", "sort", "columns", "detail", "history", "comparison", "reasons", "sections", "themes", "phone", "print", "accessibility", "speed"]
    with tempfile.TemporaryDirectory() as profile:
        page = Page(arguments.page, profile, arguments.screenshots)
        try:
            if page.load() is not None:
                for name, step in zip(names, steps):
                    try:
                        step(page)
                    # One broken part must not hide what is wrong with the others.
                    except Exception as error:  # noqa: BLE001
                        check(name, False, f"{type(error).__name__}: {error}")
                    page.logs()
        finally:
            page.driver.quit()
    print(json.dumps({"passed": not failures, "checks": sum(checked.values()), "checked": dict(checked), "figures": figures, "failures": failures}, indent=1, ensure_ascii=False))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
