import io

from nst_tf.video.bar import VideoBar


def clock(*seconds):
    """Return a clock that shows 0 and then each of some seconds."""
    return iter([0.0, *seconds]).__next__


def lines_of(seconds, total, done=0, span=1):
    """Return what a bar writes that is shown after each of some seconds."""
    stream = io.StringIO()
    bar = VideoBar(stream, total, done, clock(*seconds), span)
    for number in range(len(seconds)):
        bar.show(done + number + 1)
    bar.close()
    return stream.getvalue().splitlines()


def test_the_pace_is_that_of_most_frames_and_lines_are_rare():
    lines = lines_of([30, 32, 34, 36, 38, 41], 100)
    assert lines == [
        "Frame 1 of 100 - 30.00 s/frame - 0:49:30 left",
        "Frame 6 of 100 - 2.00 s/frame - 0:03:08 left",
    ]


def test_the_time_left_counts_keys_and_frames_between():
    # A scene's first frame, then twice a key and three frames between.
    lines = lines_of([40, 50, 50, 51, 52, 62, 62, 63, 64], 101, span=4)
    assert lines == [
        "Frame 1 of 101 - 40.00 s/frame - 1:06:40 left",
        "Frame 2 of 101 - 40.00 s/frame - 1:06:00 left",
        "Frame 6 of 101 - 3.00 s/frame - 0:04:45 left",
    ]


def test_a_film_goes_on_where_it_was_and_ends_with_a_line():
    assert lines_of([1, 2], 8, done=6) == ["Frame 8 of 8 - 1.00 s/frame - 0:00:00 left"]


def test_a_film_of_unknown_length_has_no_time_left():
    assert lines_of([20], 0) == ["Frame 1 - 20.00 s/frame"]


def test_frames_that_end_together_share_the_time_and_none_takes_none():
    stream = io.StringIO()
    bar = VideoBar(stream, 10, clock=clock(12.0))
    for done in (0, 3, 3):
        bar.show(done)
    assert stream.getvalue() == "Frame 3 of 10 - 4.00 s/frame - 0:00:28 left\n"
