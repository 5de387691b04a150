"""Rows of manifests, and pairs of directories."""

import os

import pytest

from nst_tf.batch.manifest import pair_rows, read_manifest


def rows(path, text, encoding="utf-8"):
    path.write_text(text, encoding=encoding)
    found = list(read_manifest(str(path)))
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
    (row,) = read_manifest(str(path))
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
         ["FILE:2: 1 cells, but the header has 2: put quotes around a cell that has a comma",
          "FILE:3: 3 cells, but the header has 2"]),
        ("a.csv", 'content,style\n"a,b\n', ["FILE:2: unexpected end of data"]),
        ("a.jsonl", '{"content": \n{1}\n{"style": {"a": 1}}\n{"quiet": true}\n',
         ["FILE:1: not JSON: ", "FILE:2: not JSON: ",
          "FILE:3: style must be a word or a number or a list of them, not {'a': '1'}",
          "FILE:4: unknown column 'quiet': "]),
        ("a.csv", "photo,painting\n", ["FILE:1: unknown column 'photo': did you mean 'content'?"]),
        ("a.csv", "content,,style\na,x,b\n",
         ["FILE:2: 'x' is in column 2, which has no name in the header"]),
        ("a.csv", "content;strength;max_dim\na;0,8;64\nb;;1,5\n",
         ["FILE:2: strength is '0,8', with a decimal comma: write 0.8",
          "FILE:3: max_dim is '1,5', with a decimal comma: write 1.5"]),
        ("a.jsonl", '{"content": ["c1.jpg", "c2.jpg"]}\n{"style": "a", "style": "b"}\n'
         '{"strength": "0,8"}\n',
         ["FILE:1: content has 2 values: give each its own row",
          "FILE:2: 'style' is there twice: give it one value, or a list",
          "FILE:3: strength is '0,8', with a decimal comma: write 0.8"]),
        ("a.json", '[{"content": "a.jpg"', ["FILE:1: not JSON: "]),
        ("a.json", "[1]", ["FILE:1: a row must be an object such as {}, not '1'"]),
    ],
)  # fmt: skip
def test_errors_name_file_and_line(tmp_path, name, text, problems):
    found = rows(tmp_path / name, text)
    assert len(found) == len(problems)
    for line, problem in zip(found, problems, strict=True):
        assert line.startswith(problem)


def test_files_that_are_no_manifests_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"--manifest none.csv does not exist: check the"):
        list(read_manifest("none.csv"))
    with pytest.raises(IsADirectoryError, match=r"is a directory: name a .csv or .jsonl"):
        list(read_manifest(str(tmp_path)))
    (tmp_path / "latin.csv").write_bytes(b"content\n\xe9.jpg\n")
    with pytest.raises(ValueError, match=r"latin.csv is not text in UTF-8: save it as .csv in UTF"):
        list(read_manifest(str(tmp_path / "latin.csv")))


TWO = [(("content", "a.jpg"), ("style", "b.jpg"), ("max_dim", "50")), (("content", "c.jpg"),)]


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("a.csv", "content,style,max_dim\na.jpg,b.jpg,50.0\nc.jpg,,\n", "utf-8"),
        ("a.csv", "Content;Style;Max Dim\na.jpg;b.jpg;50\nc.jpg;;\n", "utf-8"),
        ("a.csv", "sep=;\ncontent;style;max_dim\na.jpg;b.jpg;50\nc.jpg;;\n", "utf-8"),
        ("a.csv", "content,style,max_dim,,\na.jpg,b.jpg,50,,\nc.jpg,,,,\n", "utf-8"),
        ("a.csv", "content,style,max_dim\na.jpg,b.jpg,50,,\nc.jpg,,\n", "utf-8"),
        ("a.csv", "# mine, and old\ncontent,style,max_dim\n# a, first, 1\na.jpg,b.jpg,50\n"
         "#c\nc.jpg,,\n", "utf-8"),
        ("a.tsv", "content\tstyle\tmax_dim\na.jpg\tb.jpg\t50\nc.jpg\t\t\n", "utf-8"),
        ("a.txt", "content\tstyle\tmax_dim\na.jpg\tb.jpg\t50\nc.jpg\t\t\n", "utf-16"),
        ("a.json", '# mine\n[{"content": "a.jpg", "style": "b.jpg", "max_dim": 50.0},\n'
         '{"content": "c.jpg"}]', "utf-8"),
        ("a.jsonl", '# mine\n{"content": "a.jpg", "style": ["b.jpg"], "max_dim": 50}\n'
         '{"content": "c.jpg"}', "utf-8"),
    ],
)  # fmt: skip
def test_lists_as_people_have_them(tmp_path, name, text, encoding):
    assert rows(tmp_path / name, text, encoding) == TWO


def test_a_name_that_begins_like_a_remark_is_a_name(tmp_path):
    assert rows(tmp_path / "a.csv", "content,style\n#1.jpg,b.jpg\n") == [
        (("content", "#1.jpg"), ("style", "b.jpg"))
    ]


def test_ramps_of_json_are_those_of_flags(tmp_path):
    assert rows(tmp_path / "a.jsonl", '{"content_weight": [100, 1]}') == [
        (("content_weight", "100:1"),)
    ]


def test_a_pipe_is_read():
    read, write = os.pipe()
    os.write(write, b"content,style\na.jpg,b.jpg\n")
    os.close(write)
    (row,) = read_manifest(f"/dev/fd/{read}")
    os.close(read)
    assert row.place == f"/dev/fd/{read}:2"
    assert row.flags == (("content", "a.jpg"), ("style", "b.jpg"))


def test_pairs():
    def pairs(kind, styles="xy"):
        return ["".join(dict(row.flags).values()) for row in pair_rows("ab", styles, kind)]

    assert pairs("product", "xyz") == ["ax", "ay", "az", "bx", "by", "bz"]
    assert pairs("zip") == ["ax", "by"]
    with pytest.raises(ValueError, match="there are 2 photos and 3 paintings"):
        pairs("zip", "xyz")
