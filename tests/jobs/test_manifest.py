"""Rows of manifests, and pairs of directories."""

import pytest

from nst_tf.jobs.manifest import pair_rows, read_rows


def rows(path, text):
    path.write_text(text, encoding="utf-8")
    found = list(read_rows(str(path)))
    return [str(row).replace(str(path), "FILE") if isinstance(row, ValueError) else row.flags
            for row in found]  # fmt: skip


def test_a_row_of_csv_is_a_set_of_flags(tmp_path):
    text = (
        "\ufeffcontent,style,style,max-dim,style_blend,keep_faces\n"
        'a.jpg,"b, c.jpg",d.jpg,64,"1,2",\n'
        "\n"
        "a.jpg,b.jpg,,,,true\n"
    )
    assert rows(tmp_path / "jobs.csv", text) == [
        (("content", "a.jpg"), ("style", "b, c.jpg"), ("style", "d.jpg"), ("max_dim", "64"),
         ("style_blend", "1,2")),
        (("content", "a.jpg"), ("style", "b.jpg"), ("keep_faces", "true")),
    ]  # fmt: skip


def test_a_row_of_json_is_a_set_of_flags(tmp_path):
    text = (
        '{"content": "a.jpg", "style": ["b.jpg", "c.jpg"], "style_blend": [0.7, 0.30], '
        '"keep_faces": true, "seed": null, "content_weight": 1e4}\n\n'
    )
    assert rows(tmp_path / "jobs.jsonl", text) == [
        (("content", "a.jpg"), ("style", "b.jpg"), ("style", "c.jpg"), ("style_blend", "0.7,0.30"),
         ("keep_faces", "true"), ("content_weight", "1e4")),
    ]  # fmt: skip


def test_the_output_of_a_row_is_no_flag(tmp_path):
    path = tmp_path / "jobs.csv"
    path.write_text("content,output\na.jpg,b.png\n")
    (row,) = read_rows(str(path))
    assert (row.output, row.flags) == ("b.png", (("content", "a.jpg"),))
    assert row.place == f"{path}:2"


@pytest.mark.parametrize(
    ("name", "text", "problems"),
    [
        ("a.csv", "content,styel\na,b\n",
         ["FILE:1: unknown column 'styel': did you mean 'style'?"]),
        ("a.csv", "content,content\n", ["FILE:1: column 'content' is there twice"]),
        ("a.csv", "content,quiet\n", ["FILE:1: unknown column 'quiet': "]),
        ("a.csv", "content,style\na\nb,c,d\n",
         ["FILE:2: 1 cells, but the header has 2", "FILE:3: 3 cells, but the header has 2"]),
        ("a.csv", 'content,style\n"a,b\n', ["FILE:2: unexpected end of data"]),
        ("a.jsonl", '{"content": \n[1]\n{"style": {"a": 1}}\n{"quiet": true}\n',
         ["FILE:1: no JSON: ", "FILE:2: a row must be an object such as {}, not ['1']",
          "FILE:3: style must be a word, a number or a list of them, not {'a': '1'}",
          "FILE:4: unknown column 'quiet': "]),
    ],
)  # fmt: skip
def test_errors_name_file_and_line(tmp_path, name, text, problems):
    found = rows(tmp_path / name, text)
    assert len(found) == len(problems)
    for line, problem in zip(found, problems, strict=True):
        assert line.startswith(problem)


def test_files_that_are_no_manifests_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"jobs.txt must end in .csv or .jsonl"):
        next(read_rows("jobs.txt"))
    with pytest.raises(OSError, match=r"none.csv cannot be read: No such file"):
        next(read_rows(str(tmp_path / "none.csv")))
    (tmp_path / "latin.csv").write_bytes(b"content\n\xe9.jpg\n")
    with pytest.raises(ValueError, match="no text in UTF-8"):
        list(read_rows(str(tmp_path / "latin.csv")))


def test_pairs():
    def pairs(kind, styles="xy"):
        return ["".join(dict(row.flags).values()) for row in pair_rows("ab", styles, kind)]

    assert pairs("product", "xyz") == ["ax", "ay", "az", "bx", "by", "bz"]
    assert pairs("zip") == ["ax", "by"]
    with pytest.raises(ValueError, match="there are 2 photos and 3 paintings"):
        pairs("zip", "xyz")
