"""README, docs and the code say the same."""

import ast
import dataclasses
import importlib
import json
import re
import shlex
import string
from pathlib import Path

import pytest

from nst_tf import RECIPES, Settings
from nst_tf.batch.flags import BATCH_FLAGS, parse_batch
from nst_tf.batch.source import Jobs
from nst_tf.cli.flags import OTHER_FLAGS, parse
from nst_tf.cli.help import PURPOSES
from nst_tf.cli.measure import MEASURE_FLAGS
from nst_tf.cli.program import main
from nst_tf.extending import entry_points
from nst_tf.images.metadata import read_metadata
from nst_tf.inputs.prepare import KEEP
from nst_tf.page.flags import define_flags as define_page_flags
from nst_tf.video.flags import VIDEO_FLAGS
from tests.conftest import ROOT, shrunk

README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [README, *DOCS, *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md"))]
GENERATED = ("flags.md", "messages.md")  # from texts that have their own tests

PATTERNS = {
    r"go(?:es|ing)? on|went on": "continue or resume",
    r"whatever|whoever|nobody|somebody": "of any kind, unknown, or the passive",
    r"(?<!there )is no (?!longer|more|less)\w+": "is not a",
    r"\w+, at (?:least|most)(?! \d)": "minimum or maximum, before the noun",
    r"alone": "only, before the noun",
    r"so that": "a second sentence, or so",
    r"(?:the ones?|that|those) (?:before|after|behind)": "repeat the noun",
    r"tells?|told|says?|said": "report, print, name, show or contain",
    r"by (?:blocks|tiles|averages)": "in or with",
    r"so many|likewise|anew|pays|held to|mend": "a common word",
}
"""Habits that make the prose hard to read, and their cures."""

TITLES = ("What", "How", "When", "Where", "Whether", "Which", "Who")
"""Words that begin a clause where a noun phrase is expected."""
ROWS = (*OTHER_FLAGS, *BATCH_FLAGS)
FLAGS = {knob.name for knob in dataclasses.fields(Settings)} | {flag.name for flag in ROWS}
FILMS = {flag.name for flag in VIDEO_FLAGS}
PAGES_OWN = {*define_page_flags()}
MEASURES = {flag.name for flag in MEASURE_FLAGS}
FOREIGN = {
    "logdir", "head", "port", "address", "generate", "app", "concurrency", "preload", "extra",
    "from", "wasserstein_weight",
}  # fmt: skip
"""Flags of TensorBoard, Ray, Celery, gunicorn and uv, and of the example of a term."""

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def text(page):
    return page.read_text(encoding="utf-8")


def test_readme_is_short_and_its_test_command_can_be_found():
    lines = text(README).splitlines()
    assert len(lines) < 150
    assert sum(bool(re.search(r"^python3 -m venv .* -m pytest$", line)) for line in lines) == 1


def test_the_page_of_flags_is_what_its_script_makes(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    generated = importlib.import_module("flags_page")
    assert text(generated.PAGE) == "\n".join(generated.page())  # python scripts/flags_page.py
    rows = re.findall(r"^\| `--([a-z_0-9]+)` \|", text(generated.PAGE), re.MULTILINE)
    assert sorted(rows) == sorted(FLAGS)


def test_the_page_of_messages_is_what_its_script_makes(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    generated = importlib.import_module("messages_page")
    assert text(generated.PAGE) == generated.page()  # python scripts/messages_page.py


def test_messages_are_collected_from_the_source(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli" / "run.py").write_text(
        "NOTHING = 'nothing to save'\n"
        "class RunError(OSError): ...\n"
        "def run(path, sizes):\n"
        "    raise RunError(f'{path.name} has {len(sizes)} sizes' + ': use one' * bool(sizes))\n"
        "def main():\n"
        "    hint = 'add --resume' if resumable else f'repeat {other}'\n"
        "    warnings.warn(f'the run ended: {NOTHING}')\n"
        "    print_error('warning: ' + hint, 1)\n"
        "    print_out(ending(1))\n"
        "    raise ValueError('a fault')\n"
        "def ending(count):\n"
        "    return f'after {counted(count, \"step\")}'\n"
    )
    source = importlib.import_module("messages_page").Source(tmp_path)
    assert set(source.messages()) == {
        ("cli", "error", "{name} has {sizes} sizes[: use one]"),
        ("cli", "warning", "the run ended: nothing to save"),
        ("cli", "warning", "add --resume"),
        ("cli", "warning", "repeat {other}"),
        ("cli", "output", "after {count} steps"),
    }


def test_the_picture_of_the_packages_shows_the_imports(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    packages = importlib.import_module("draw_packages")
    assert packages.drawn() == packages.described(packages.package_edges())


def test_the_page_of_films_has_their_flags(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    generated = importlib.import_module("flags_page")
    assert text(generated.FILMS) == generated.film_page()  # python scripts/flags_page.py
    assert set(generated.video_rows()) <= set(text(generated.FILMS).splitlines())


@pytest.mark.parametrize("page", [README, *DOCS], ids=lambda page: page.name)
def test_every_flag_that_is_named_exists(page):
    named = re.findall(r"(?<![\w-])--(?:no[-_])?([a-z][a-z_0-9-]*)", text(page))
    films = FILMS if page.name in ("video.md", "messages.md") else set()
    known = FLAGS | PAGES_OWN | MEASURES | FOREIGN | films
    assert {name.replace("-", "_") for name in named} <= known


@pytest.mark.parametrize("page", [README, ROOT / "docs" / "recipes.md"], ids=lambda page: page.name)
def test_every_recipe_is_named(page):
    for name in RECIPES:
        assert re.search(rf"^\|.*`{name}`.*\|", text(page), re.MULTILINE), name


def test_readme_and_help_say_the_same_of_the_recipes():
    table = re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \|$", text(README), re.MULTILINE)
    assert dict(table) == PURPOSES


def test_readmes_everyday_flags_are_accepted():
    section = text(README).split("## Everyday uses")[1].split("\n## ")[0]
    rows = re.findall(r"^\| .+? \| (.+) \|$", section, re.MULTILINE)[1:]
    spans = [span for row in rows for span in re.findall(r"`(--[^`]+)`", row)]
    assert len(spans) > 15
    for span in spans:
        words = shlex.split(span)
        if "--style" not in words:
            words = ["photo.jpg", "painting.jpg", *words]
        if words.count("--content_mask") == 2 or "--style_blend" in words:
            words.insert(2, "other.jpg")
        parse(["nst-tf", *words])


def test_the_commands_and_manifests_of_the_page_of_batches_are_valid(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = text(ROOT / "docs" / "batch.md")
    commands = re.findall(r"^nst-tf-batch (.+)$", page, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        parse_batch(["nst-tf-batch", *shlex.split(command)])
    for ending, start in (("csv", "content,"), ("jsonl", '{"content"')):
        Path(f"jobs.{ending}").write_text(re.search(rf"```\n({start}.*?)```", page, re.DOTALL)[1])
        flags = [f"--manifest=jobs.{ending}", "--output_dir=out"]
        assert Jobs(parse_batch(["nst-tf-batch", *flags])).check() == (2 if ending == "csv" else 1)


@pytest.mark.parametrize("page", [README, ROOT / "docs" / "about.md"], ids=lambda page: page.name)
def test_commands_make_pictures(page, tmp_path, monkeypatch):
    for name, asset in (("photo", "cat.jpg"), ("painting", "great_wave.jpg")):
        shrunk(asset, (64, 48), tmp_path / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^(?:.*&& \S*/)?nst-tf (.+)$", text(page), re.MULTILINE)
    assert commands
    for number, command in enumerate(commands):
        words = ["photo.png", "painting.png", *shlex.split(command)[2:]]
        output = f"{number}.png"
        assert main(["nst-tf", *words, "--max_dim=48", "--steps=1", "-o", output, "--quiet"]) == 0
        assert (tmp_path / output).exists()


@each_page
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)]+)\)", text(page)) + re.findall(r'src="([^"]+)"', text(page))
    for target in targets:
        path, _, anchor = target.partition("#")
        if path.startswith("https://"):
            continue
        linked = page.parent / path if path else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target
    assert not re.search(r"@[A-Z]+@", text(page))


@pytest.mark.parametrize("page", [README, *DOCS, ROOT / "CONTRIBUTING.md"], ids=lambda p: p.name)
def test_every_module_and_file_that_is_named_exists(page):
    words = text(page)
    for path in re.findall(r"(?<![\w./])(?:nst_tf|scripts|tests|assets|docs)/[\w./-]*\w", words):
        assert (ROOT / path).exists(), path
    for name in re.findall(r"(?<![\w/.-])nst_tf(?:\.[A-Za-z_]\w*)+", words):
        if name in (entry_points.TERMS, entry_points.RECIPES):  # groups of entry points
            continue
        parts = name.split(".")
        known = next(n for n in range(len(parts), 0, -1) if is_module(parts[:n]))
        found = importlib.import_module(".".join(parts[:known]))
        for attribute in parts[known:]:
            found = getattr(found, attribute)
    for module, names in re.findall(r"^from (nst_tf[\w.]*) import ([\w, ]+)$", words, re.MULTILINE):
        for name in names.split(", "):
            assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


def is_module(parts):
    path = ROOT.joinpath(*parts)
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def test_links_lead_from_readme_to_every_page_of_docs():
    found, new = set(), {README}
    while new:
        page = new.pop()
        found.add(page)
        targets = re.findall(r"\]\(([^)#]+\.md)[^)]*\)", text(page))
        new |= {(page.parent / target).resolve() for target in targets} - found
    assert set(DOCS) <= found


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name not in (*GENERATED, "CHANGELOG.md")],
    ids=lambda page: page.name,
)  # fmt: skip
def test_the_prose_is_plain(page):
    prose = re.sub(
        r"^```.*?^```|^\| `--.*?$|`[^`\n]*`", "", text(page), flags=re.DOTALL | re.MULTILINE
    )
    assert habits(prose) == []


MODULES = sorted((ROOT / "nst_tf").rglob("*.py")) + sorted((ROOT / "scripts").glob("*.py"))


@pytest.mark.parametrize("package", sorted({path.parent for path in MODULES}), ids=lambda p: p.name)
def test_titles_of_modules_are_plain_noun_phrases(package):
    found = {}
    for path in MODULES:
        title = ast.get_docstring(ast.parse(text(path))) or ""
        if path.parent == package:
            clause = [title.split()[0]] if title.startswith(TITLES) else []
            found[path.name] = clause + habits(title.split("\n\n")[0])
    assert {name: words for name, words in found.items() if words} == {}


def habits(prose):
    """Return the passages of a text that follow one of the patterns, with the cures."""
    words = " ".join(prose.split())
    return [
        f"{words[max(0, match.start() - 20) : match.end() + 20]!r}: write {cure}"
        for pattern, cure in PATTERNS.items()
        for match in re.finditer(rf"\b(?:{pattern})\b", words, re.IGNORECASE)
    ]


@pytest.mark.parametrize(
    "prose",
    ["The run goes on.", "a mask of whatever size", "This is no picture.", "sizes, at most",
     "the photo alone", "so that it fits", "larger than the one before", "a line tells the size",
     "painted by blocks"],
)  # fmt: skip
def test_habits_are_found(prose):
    assert len(habits(prose)) == 1


def test_plain_prose_has_no_habits():
    assert (
        habits("A run of any size continues in tiles of at most 512 pixels; it is no longer.") == []
    )


def test_the_gallery_is_what_its_script_makes(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    gallery = importlib.import_module("gallery")
    page = text(ROOT / "assets" / "gallery.md")
    assert page == "\n".join(gallery.page())
    for path in re.findall(r'src="([^"]+)"', page):
        assert (ROOT / "assets" / path).exists(), path
    for section in gallery.SECTIONS:
        for entry in section.entries:
            argv = shlex.split(gallery.command(entry))[2:]
            request = parse(argv)
            settings = request.settings
            made = read_metadata(ROOT / gallery.output(entry))
            if settings.keep_faces and made["content"] == "astronaut.jpg":
                keep_weight = KEEP[settings.loss] * settings.content_weight  # the default
                settings = dataclasses.replace(settings, keep_weight=keep_weight)
            assert_made_by(made["settings"], settings)
            assert made["content"] == Path(request.content).name
            for key, paths in (
                ("styles", request.style),
                ("content_mask", request.content_mask),
                ("style_mask", request.style_mask),
            ):
                assert made[key] == [Path(path).name for path in paths]


def assert_made_by(recorded, settings):
    """Check that a picture was made by some settings, perhaps by a version that knew fewer."""
    ours, defaults = (as_recorded(some) for some in (settings, Settings()))
    # The record holds the precision that `auto` led to, and names of files without their paths.
    for name in (ours.keys() & recorded.keys()) - {"precision", "init", "weights"}:
        assert recorded[name] == ours[name], name
    for name in ours.keys() - recorded.keys():
        assert ours[name] == defaults[name], name
    assert recorded.keys() - ours.keys() <= {"jit_compile"}  # of version 1.3


def as_recorded(settings):
    return json.loads(json.dumps(dataclasses.asdict(settings)))


def anchors(page):
    """Return the anchors that a renderer gives the headings of a page."""
    kept = string.ascii_lowercase + string.digits + "-_ "
    headings = re.findall(r"^#+ (.+)$", text(page), re.MULTILINE)
    return {"".join(c for c in h.lower() if c in kept).replace(" ", "-") for h in headings}
