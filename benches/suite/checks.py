"""Every table of ours is checked: the first one of a world beside the peer's, the others against the first."""
from .cases import PEER, Case
from .data import say


class Checks:
    """`references` has rows and digests of each world's first table, `results` what was found in every table."""

    def __init__(self, bench, references=None):
        self.bench = bench
        self.references = references or {}
        self.results = {}

    def check(self, case):
        world = case.data.world
        if world in self.references:
            result = self.bench.check(case)
            result["wrong"] += differences(result, self.references[world])
            say(f"checked {case.name}: {result['rows']} rows, against {self.references[world]['name']}")
        else:
            result = self.bench.check(case, self.peer_of(case))
            self.references[world] = {"name": case.name, "rows": result["rows"], "digests": result["digests"]}
            say(f"checked {case.name}: {result['rows']} rows, {result['counters_compared']} counters against the peer's"
                f" at {result['hours_compared']} hours of deliveries")
        self.results[case.name] = {key: value for key, value in result.items() if key != "digests"}
        return result["wrong"]

    def peer_of(self, case):
        """The peer's case for the same data; it runs now unless it has been measured."""
        peer = Case(case.name, PEER, case.data, case.threads)
        if not self.bench.output(peer).is_file():
            self.bench.run(peer)
        return peer

    def wrong(self):
        return [f"{name}: {line}" for name, result in self.results.items() for line in result["wrong"]]


def differences(result, reference):
    """Where a table is not the same as the first one of its world."""
    wrong = []
    if result["rows"] != reference["rows"]:
        wrong.append(f"{result['rows']} rows, {reference['rows']} in {reference['name']}")
    columns = result["digests"].keys() | reference["digests"].keys()
    other = sorted(c for c in columns if result["digests"].get(c) != reference["digests"].get(c))
    if other:
        wrong.append(f"other values than in {reference['name']}: {', '.join(other)}")
    return wrong
