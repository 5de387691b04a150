"""The administrator's page, which lists all runs, each with a button to cancel it."""

import html
import time
from collections.abc import Iterable

from nst_tf.callbacks.pace import duration
from nst_tf.page.queue import RunQueue
from nst_tf.page.render import status
from nst_tf.page.runs import Run
from nst_tf.page.visitor import Visitor

PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>nst_tf: runs</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="5">
<style>
:root {{ color-scheme: light dark; font: 16px system-ui, sans-serif; }}
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
td, th {{ padding: .25rem .75rem .25rem 0; text-align: left; }}
form {{ display: inline; }}
</style></head>
<body><h1>Runs</h1>
<p>{visitors} known, {waiting} waiting. This page shows neither pictures nor file names.</p>
<table><thead><tr><th>Run</th><th>Visitor</th><th>Login</th><th>Recipe</th><th>Status</th>
<th>Time</th><th></th></tr></thead>
<tbody>{rows}</tbody></table>
<form method="post" action="{root}/logout"><button>Log out</button></form>
</body></html>
"""


def admin_page(visitors: Iterable[Visitor], queue: RunQueue, root: str) -> str:
    """Return the page.

    Args:
        visitors: the visitors whose runs are listed, running ones first.
        queue: the queue of the runs.
        root: prefix of all paths.
    """
    visitors = list(visitors)
    runs = [(visitor, run) for visitor in visitors for run in visitor.runs]
    runs.sort(key=lambda row: (row[1].status != "running", row[1].status != "waiting"))
    rows = "".join(_row(visitor, run, queue.position(run), root) for visitor, run in runs)
    count = len(visitors)
    known = f"{count} visitor is" if count == 1 else f"{count} visitors are"
    return PAGE.format(visitors=known, waiting=queue.waiting, rows=rows, root=html.escape(root))


def _row(visitor: Visitor, run: Run, position: int, root: str) -> str:
    running = run.status == "running" and run.started is not None
    spent = duration(time.monotonic() - (run.started or 0.0)) if running else ""
    # The message of a failed run may name files.
    state = status(run, position) if run.active else run.status
    cells = [run.name[:8], visitor.name[:8], visitor.user, run.order.recipe, state, spent]
    button = (
        f'<form method="post" action="{html.escape(root)}/admin/cancel">'
        f'<input type="hidden" name="run" value="{run.name}"><button>Cancel</button></form>'
    )
    row = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
    return f"<tr>{row}<td>{button if run.active else ''}</td></tr>"
