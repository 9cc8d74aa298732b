"""What people write stays in its region, wherever that goes; and nothing else is lost in silence."""

from __future__ import annotations

from itertools import zip_longest

import pytest

from migplan.document.markdown import stale, written
from migplan.errors import FileError, RefusedError
from tests.document.rendered import made

FILE = "TABLES_OPERATIONS.md"
NOTES = "<!-- migplan:keep notes public.rooms -->\n"
END = "<!-- migplan:end notes public.rooms -->"
BODY = "Beds.\n\n```sql\nSELECT 1;\n```\n\n| a |\n|---|\n| <b>x</b> |"


def filled(key: str, body: str, files: dict[str, str] | None = None) -> dict[str, str]:
    """The folder after somebody wrote into a region."""
    found = dict(files or written(made.documentation(), {}).files)
    mark = f"<!-- migplan:keep {key} -->\n"
    file = next(file for file, text in found.items() if mark in text)
    before, _, after = found[file].partition(mark)
    found[file] = f"{before}{mark}{body}\n<!-- migplan:end {key} -->{after.partition(f'end {key} -->')[2]}"
    return found


@pytest.mark.parametrize(
    "key",
    ["notes public.rooms", "purpose public.rooms", "overview group operations", "overview database"],
)
def test_a_text_stays(key: str) -> None:
    given = made.documentation()
    folder = filled(key, BODY)
    once = written(given, folder)
    assert any(f"keep {key} -->\n{BODY}\n<!-- migplan:end {key}" in text for text in once.files.values())
    assert written(given, once.files) == once
    assert once.dropped == ()
    assert stale(folder, given) == ()


def test_marks_of_ours_in_a_text_are_only_text() -> None:
    given = made.documentation()
    body = (
        "<!-- migplan:table public.rooms 00000000 00000000 -->\n<!-- migplan:page 1 0000000000000000 -->\n"
        "<!-- migplan:end notes public.hotels -->x"
    )
    folder = filled("notes public.rooms", body)
    assert stale(folder, given) == ()
    assert body in written(given, folder).files[FILE]


def test_lines_of_another_system_are_no_edit() -> None:
    given = made.documentation()
    folder = {
        file: "\ufeff" + text.replace("\n", "\r\n")
        for file, text in filled("notes public.rooms", BODY).items()
    }
    assert BODY in written(given, folder).files[FILE]


def test_a_purpose_takes_the_place_of_the_invitation_and_stands_in_the_index() -> None:
    once = written(made.documentation(), filled("purpose public.rooms", "Where people sleep.\nAnd dream."))
    part = once.files[FILE].partition("migplan:table public.rooms")[2].partition("migplan:table")[0]
    assert "not written down yet" not in part
    assert "| Where people sleep. |" in once.files["README.md"]
    assert "(TABLES_OPERATIONS.md#public.rooms)" in once.files["README.md"]


def test_a_comment_comes_first_and_the_text_stays() -> None:
    given = made.full(made.documentation(), "rooms", "word")
    once = written(given, filled("purpose public.rooms", "Where people sleep."))
    assert (
        "**Purpose:** word\n\n<!-- migplan:keep purpose public.rooms -->\nWhere people sleep.\n"
        in once.files[FILE]
    )


def test_a_table_that_moves_takes_its_text_along() -> None:
    given = made.documentation(
        groups={"foundation": ["hotels", "rooms"], "operations": ["*"]}, tables=made.HOTELS
    )
    once = written(given, filled("notes public.rooms", BODY))
    assert BODY in once.files["TABLES_FOUNDATION.md"]
    assert BODY not in once.files[FILE]
    assert once.dropped == ()


def test_a_group_of_another_name_leaves_no_page_behind() -> None:
    given = made.documentation(made.HOTELS, {"foundation": ["hotels"], "daily": ["*"]})
    once = written(
        given, filled("overview group operations", "About it.", filled("notes public.rooms", BODY))
    )
    assert once.removed == (FILE,)
    assert BODY in once.files["TABLES_DAILY.md"]
    assert once.dropped == ("overview group operations",)
    assert "About it." in once.files["DROPPED.md"]


def test_a_dropped_table_s_text_is_laid_by_and_comes_back() -> None:
    less = made.documentation({"hotels": [], "guests": ["hotels?"]}, made.GROUPS)
    once = written(less, filled("notes public.rooms", BODY))
    assert once.dropped == ("notes public.rooms",)
    assert BODY in once.files["DROPPED.md"]
    again = written(less, once.files)
    assert again.files == once.files
    assert again.dropped == ()  # it is said once
    assert stale(once.files, less, strict=True) == ()
    back = written(made.documentation(), once.files)
    assert BODY in back.files[FILE]
    assert "DROPPED.md" not in back.files
    assert back.removed == ("DROPPED.md",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (END, "", "has no end|begins within the region 'notes public.rooms'"),
        (NOTES, "", "ends and was not begun"),
        (END, END.replace("rooms", "beds"), "ends as 'notes public.beds'"),
        (END, f"{NOTES}{END}", "begins within the region"),
        (END, f"a\n{END}\n{NOTES}b\n{END}", "stands in .* with another text"),
    ],
)
def test_regions_that_cannot_be_told_apart_are_refused(old: str, new: str, said: str) -> None:
    folder = dict(written(made.documentation(), {}).files)
    folder[FILE] = folder[FILE].replace(old, new)
    with pytest.raises(FileError, match=rf"{FILE}:\d+: .*({said})") as caught:
        written(made.documentation(), folder, overwrite=True)
    assert str(caught.value.file) == FILE
    assert any(FILE in sentence for sentence in stale(folder, made.documentation()))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("### Indexes\n", "### Indexes\n\nMind the gap.\n", 1),
        lambda text: text.replace("No triggers.", "Some triggers.", 1),
        lambda text: text + "\nA last word.\n",
        lambda text: "A first word.\n" + text,
        lambda text: text.replace("**Purpose:**", "**Use:**", 1),
    ],
)
def test_edits_outside_of_regions_are_refused_with_their_place(change: object) -> None:
    given = made.documentation()
    folder = dict(written(given, {}).files)
    before = folder[FILE]
    folder[FILE] = change(before)  # type: ignore[operator]
    pairs = enumerate(zip_longest(folder[FILE].split("\n"), before.split("\n")), 1)
    line = next(number for number, (new, old) in pairs if new != old)
    with pytest.raises(RefusedError, match=rf"{FILE} \(line ({line}|{line + 1})\b") as caught:
        written(given, folder)
    assert "--overwrite" in caught.value.do
    assert any("edited outside" in sentence for sentence in stale(folder, given))
    assert written(given, folder, overwrite=True).files[FILE] == before


def test_what_was_taken_away_is_noticed_too() -> None:
    given = made.documentation()
    folder = dict(written(given, {}).files)
    folder[FILE] = folder[FILE].replace("No triggers.\n", "", 1)
    with pytest.raises(RefusedError, match=r"in the section of public\.guests"):
        written(given, folder)


def test_somebody_else_s_file_is_not_written_over() -> None:
    given = made.documentation()
    with pytest.raises(RefusedError, match=r"README\.md would be overwritten, and was not written"):
        written(given, {"README.md": "# Mine\n"})
    assert "README.md" in written(given, {"README.md": "# Mine\n"}, overwrite=True).files
    other = {"NOTES.md": "# Mine\n<!-- migplan:keep x -->\n"}
    assert written(given, other).removed == ()
    assert "NOTES.md" not in written(given, other).files


def test_an_edited_page_is_not_removed_either() -> None:
    folder = dict(written(made.documentation(), {}).files)
    folder[FILE] = folder[FILE].replace("No triggers.", "Mine.")
    with pytest.raises(RefusedError, match=FILE):
        written(made.documentation(made.HOTELS, {"all": ["*"]}), folder)


def test_odd_names_have_regions_of_their_own() -> None:
    names = ["a-->b", "a--b", "a%2d-b", "a\nb", 'a"b', "A", "a"]
    given = made.documentation({name: [] for name in names}, {"all": ["*"]})
    folder = dict(written(given, {}).files)
    keys = [
        line for line in folder["TABLES_ALL.md"].split("\n") if line.startswith("<!-- migplan:keep notes")
    ]
    assert len(set(keys)) == len(names)
    for number, line in enumerate(keys):
        folder["TABLES_ALL.md"] = folder["TABLES_ALL.md"].replace(f"{line}\n", f"{line}\ntext {number}\n")
    once = written(given, folder)
    assert once.files == folder
    assert once.dropped == ()
