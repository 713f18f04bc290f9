"""Data sets: what they are called, how they are made, and that they are in the page cache."""
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

BENCHES = Path(__file__).resolve().parent.parent


def say(text):
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class DataSet:
    """The arguments of generate_extracts.py, or an own place of one made before. With a `generator`, the program's own
    `generate` makes it, which needs no more memory for more messages."""

    messages: float
    deliveries: int
    days: int
    histories: str = "short"
    dirty: bool = False
    files: str = "hourly"
    order: str = "time"
    ids: str = "integer"
    place: Path | None = None
    generator: Path | None = None

    @property
    def world(self):
        """What the KPIs depend on: data sets of one world give one table."""
        words = [f"{self.messages:.0f}", str(self.deliveries), str(self.days), self.histories]
        return "-".join(words + ["dirty"] * self.dirty)

    @property
    def name(self):
        made_by = "-generated" if self.generator else ""
        return f"{self.world}-{self.files}-{self.order}-{self.ids}{made_by}"

    def path(self, root):
        return self.place or root / self.name

    def provide(self, root):
        """Makes the data set unless it is whole (its last file is there), reads it once; returns whether it was made."""
        path = self.path(root)
        made = not (path / "deliveries.parquet").is_file()
        if made:
            say(f"generating {path}")
            if not self.place:
                shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True, exist_ok=True)
            subprocess.run(self.command(path), check=True, stdout=sys.stderr)
        say(f"{path}: {read_once(path) / 1e6:.0f} MB, read once")
        return made

    def command(self, path):
        if self.generator:
            dirty = ["--dirty", "2"] * self.dirty
            return [self.generator.resolve(), "generate", path, "--messages", f"{self.messages:.0f}",
                    "--deliveries", str(self.deliveries), "--days", str(self.days), *dirty]
        return [sys.executable, BENCHES / "generate_extracts.py", path, str(self.messages), str(self.deliveries),
                str(self.days), "--histories", self.histories, "--files", self.files, "--order", self.order,
                "--ids", self.ids, *["--dirty"] * self.dirty]

    def remove(self, root):
        shutil.rmtree(self.path(root))


def read_once(path):
    size = 0
    for file in sorted(path.rglob("*.parquet")):
        with file.open("rb") as f:
            while chunk := f.read(1 << 22):
                size += len(chunk)
    return size
