"""A run on the screen, as HTML: its picture, its status, and the buttons about it."""

import html

from nst_tf.images.decode import upright_size
from nst_tf.page.pictures import source
from nst_tf.page.runs import Run


def figure(run: Run, name: str, line: str, chosen: bool | None) -> str:
    """Return a run as HTML.

    Args:
        run: the run.
        name: the run in a few words.
        line: the run's status.
        chosen: whether buttons and tabs of the page are about the run; None: it is the only one.
    """
    line, name = html.escape(line), html.escape(name)
    pictured = not run.active and run.picture is not None
    zoom = f' data-zoom="{run.name}"' if pictured else ""
    height, width = upright_size(run.folder / run.order.photo)
    shown = f'<img src="{source(run)}" alt="{name}: {line}"{zoom}>'
    device = html.escape(run.preview.headline) if run.preview and run.status == "running" else ""
    bar = f'<progress {done(run)} aria-label="progress of {name}"></progress>' if run.active else ""
    kinds = {
        "failed": run.status == "failed",
        "chosen": bool(chosen),
        "preparing": run.active and run.preview is None,
    }
    return (
        f'<figure class="{" ".join(kind for kind, is_one in kinds.items() if is_one)}" '
        f'data-run="{run.name}" style="--shape: {width / height:.4f}">{shown}<figcaption>{bar}'
        f'<b>{name}</b><span role="status">{line}</span>{_buttons(run, chosen, pictured)}'
        f"<small>{device}</small></figcaption></figure>"
    )


def done(run: Run) -> str:
    """Return the attributes of a progress bar; without a value, it moves to and fro."""
    preview = run.preview
    if run.status != "running" or preview is None:
        return 'max="1"'
    return f'max="1" value="{preview.step / preview.steps:.3f}"'


def _buttons(run: Run, chosen: bool | None, pictured: bool) -> str:
    """Return the buttons about a run; an only one has Download and Compare elsewhere."""
    buttons = []
    if chosen is not None:
        buttons.append(_switch("choose", chosen, "Chosen" if chosen else "Choose"))
    if pictured:
        buttons.append(f'<button type="button" data-zoom="{run.name}">Zoom</button>')
    if pictured and chosen is not None:
        output = html.escape(run.order.output)
        buttons += [
            '<button type="button" data-act="choose" data-tab="Compare">Compare</button>',
            f'<a href="pictures/{run.name}" download="{output}">Download</a>',
        ]
    if pictured:
        buttons += [
            '<button type="button" data-act="more">More like this</button>',
            _switch("favour", run.favourite, f"{'★' if run.favourite else '☆'} Favourite"),
        ]
    return "".join(buttons)


def _switch(action: str, on: bool, words: str) -> str:
    pressed = str(on).lower()
    return f'<button type="button" data-act="{action}" aria-pressed="{pressed}">{words}</button>'
