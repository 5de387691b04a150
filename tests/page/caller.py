"""A visitor without a browser, who calls the page's events as no browser would."""

import io
import json
import re
import secrets

import httpx
import numpy as np
from PIL import Image

OUTSIDE = (200, 30, 220)  # colour of a picture that is not the visitor's


class Caller:
    """A visitor who knows only what the page's own text says of its events."""

    def __init__(self, address, **options):
        self.http = httpx.Client(base_url=address, timeout=60, **options)
        page = self.http.get("/").text
        self.config = json.loads(
            re.search(r"window\.gradio_config = (\{.*?\});\s*<", page, re.S)[1]
        )
        self.session = secrets.token_hex(6)
        self.components = {one["id"]: one for one in self.config["components"]}

    def events(self):
        """Return all events that the server runs."""
        return [one for one in self.config["dependencies"] if one["backend_fn"]]

    def event(self, part, name="click"):
        """Return the event of a part of the page."""
        (number,) = (
            one["id"] for one in self.components.values() if one["props"].get("elem_id") == part
        )
        return next(one for one in self.events() if [number, name] in one["targets"])

    def usual(self, event):
        """Return the values that an untouched page sends with an event."""
        return [self.components[number]["props"].get("value") for number in event["inputs"]]

    def place(self, event, part):
        """Return which of an event's inputs a part of the page is."""
        names = [self.components[number]["props"].get("elem_id") for number in event["inputs"]]
        return names.index(part)

    def call(self, event, data, click=None, **more):
        """Call an event, and return the answer."""
        body = {
            "fn_index": event["id"], "data": data, "session_hash": self.session,
            "event_data": click, **more,
        }  # fmt: skip
        return self.http.post("/gradio_api/run/predict", json=body)

    def fill(self, event, **values):
        """Return what a page sends with an event after some of its parts have been filled in."""
        data = self.usual(event)
        for part, value in values.items():
            data[self.place(event, part)] = value
        return data

    def upload(self, *files):
        """Upload pictures, and return them as the page sends them on."""
        parts = [("files", (name, content)) for name, content in files]
        answer = self.http.post("/gradio_api/upload", files=parts)
        answer.raise_for_status()
        return [as_file(path) for path in answer.json()]

    def paint(self, photo, paintings, **fields):
        """Press Paint, and return what the page says."""
        event = self.event("paint")
        if "max_dim" in fields:
            fields = {"size": "own", **fields}
        gallery = [{"image": one, "caption": None} for one in paintings]
        return self.call(event, self.fill(event, photo=photo, paintings=gallery, **fields))

    def served(self, answer):
        """Return the bytes of all files that an answer names."""
        found = []
        if not answer.headers["content-type"].startswith("application/json"):
            return []
        for path in paths_in(answer.json()):
            reply = self.http.get(f"/gradio_api/file={path}")
            if reply.status_code == 200:
                found.append(reply.content)
        return found


def as_file(path):
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def paths_in(value):
    """Return all paths of files in decoded JSON."""
    found, rest = [], [value]
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            found += [value["path"]] if isinstance(value.get("path"), str) else []
            rest += value.values()
        elif isinstance(value, list):
            rest += value
    return found


def picture(color=OUTSIDE, size=(40, 30)):
    """Return a picture of a single colour as a PNG file."""
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "PNG")
    return file.getvalue()


def shows(content, color=OUTSIDE):
    """Return whether a file is a picture of a colour."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            mean = np.asarray(image.convert("RGB"), float).mean(axis=(0, 1))
    except OSError:
        return False
    return np.abs(mean - color).max() < 12
