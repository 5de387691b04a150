"""The network's picture of a run, from which brushstrokes can start again."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from nst_tf.inputs.identity import Identity, differences, identity
from nst_tf.inputs.pyramid import Scale
from nst_tf.optimizers.lbfgs import lbfgs_start
from nst_tf.settings import Settings
from nst_tf.transfer.divergence import DivergenceMonitor
from nst_tf.transfer.state import RunState, SavedRun
from nst_tf.utils.errors import UserError

SECOND_STAGE = ("max_dim", "patch_size", "repaint_detail")
"""Settings that only the second stage uses, if `max_dim` is not below the network's long side."""

LIMIT = "the network's long side"


def network_identity(inputs: Mapping[str, Any], settings: Settings) -> Identity:
    """Return what determines a network's picture, besides the machine; `check_kept` compares it.

    Args:
        inputs: checksums of the inputs by name, as for `identity`.
    """
    return identity({**inputs, LIMIT: settings.network_limit}, settings)


def check_kept(ours: Identity, theirs: Identity) -> None:
    """Refuse to start from a network's picture that this run's network would not paint.

    Raises:
        UserError: the identities differ by more than the settings of the second stage.
    """
    if ours.get(LIMIT) != (side := theirs.get(LIMIT)):
        raise UserError(
            f"the network's picture is for {side} pixels: max_dim must be at least {side}, and "
            f"network_dim {side}"
        )
    compared = (
        {name: value for name, value in one.items() if name not in (*SECOND_STAGE, "network_dim")}
        for one in (ours, theirs)
    )
    if found := differences(*compared):
        *names, last = SECOND_STAGE
        raise UserError(
            f"the network would paint another picture: {found[0]}; only {', '.join(names)} and "
            f"{last} may change"
        )


def kept_state(state: RunState, scales: Sequence[Scale]) -> RunState:
    """Return the state of a run whose network has ended, without what only steps need.

    Args:
        scales: of the run.
    """
    return dataclasses.replace(
        state,
        scale_step=scales[-1].steps,  # all that the run takes
        image=state.output_image,
        optimizer=lbfgs_start(),  # empty
        average=None,
        window=(),
        seconds=0.0,
        watch=DivergenceMonitor(),
    )


def state_of(saved: SavedRun, ours: Identity, scales: Sequence[Scale]) -> RunState:
    """Return the state from which a run with `scales` starts its brushstrokes.

    Args:
        saved: a run whose state is from `kept_state`, and its identity from `network_identity`.
        ours: identity of the run that is to start.

    Raises:
        UserError: the saved run is another one; the text names the difference.
    """
    check_kept(ours, saved.identity)
    if saved.state.scale != len(scales):
        raise UserError("the network would work at another number of scales")
    return dataclasses.replace(saved.state, scale_step=scales[-1].steps)
