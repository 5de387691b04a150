"""The history of the form's settings."""

from nst_tf.page.undo import MOST, TOGETHER, Filled, History

ONE, TWO, THREE = (Filled("fast", "screen", {"strength": text}) for text in ("1", "2", "3"))


def recorded(*forms, pause=TOGETHER):
    """Return a history of forms, each some seconds after the one before."""
    history = History()
    for number, form in enumerate(forms):
        history = history.record(form, 100 + number * pause)
    return history


def test_changes_are_undone_and_redone_one_by_one():
    history = recorded(ONE, TWO, THREE)
    back = history.undo(200)
    assert (back.now, back.undo(200).now, back.undo(200).undo(200).now) == (TWO, ONE, ONE)
    assert back.redo(200).now == THREE
    assert history.redo(200) is history


def test_a_new_change_forgets_what_was_undone():
    history = recorded(ONE, TWO).undo(200).record(THREE, 200 + TOGETHER)
    assert (history.past, history.now, history.future) == ((ONE,), THREE, ())


def test_changes_in_quick_succession_are_one():
    """Change a recipe, which changes other fields; an undo fills fields in two steps, too."""
    history = recorded(ONE, TWO).record(THREE, 100.1 + TOGETHER)
    assert (history.past, history.now) == ((ONE,), THREE)
    back = history.undo(200).record(TWO, 200.1)
    assert (back.past, back.now, back.future) == ((), TWO, (THREE,))


def test_the_first_form_and_the_same_form_are_no_changes():
    assert recorded(ONE, ONE).past == ()
    assert recorded(ONE, TWO, pause=TOGETHER / 2).past == ()


def test_a_history_is_short():
    assert len(recorded(*[ONE, TWO] * MOST).past) == MOST
