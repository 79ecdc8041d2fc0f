"""Listening tests on a web server: configurations that webMUSHRA reads, and the results that it writes.

webMUSHRA (https://github.com/audiolabs/webMUSHRA) describes its configurations in doc/experimenter.md; the
columns of the results are those of its service/write.php.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from separation.errors import SettingsError
from separation.formatted import counted
from separation.listening.abx import AbxResult
from separation.listening.rating import HIDDEN_REFERENCE, LOW_ANCHOR, MID_ANCHOR, Rating

MOST_STIMULI = 9  # with both anchors and the reference the twelve that BS.1534-3 allows
MOST_TRIALS = 100  # of one item; each is a page
TAKEN = ("", HIDDEN_REFERENCE, LOW_ANCHOR, MID_ANCHOR, "__proto__")  # what the results or its reader use otherwise
LISTENER = "listener"  # what the last page asks for, and the column in which the answer is found
RATING_COLUMNS = ["trial_id", "rating_stimulus", "rating_score", "rating_time", "rating_comment"]
CHOICE_COLUMNS = [
    "trial_id",
    "choice_reference",
    "choice_non_reference",
    "choice_answer",
    "choice_time",
    "choice_comment",
]
FIRST_COLUMN, SESSION_COLUMN = "session_test_id", "session_uuid"
UNREADABLE = re.compile(r"[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
Answer = Literal["correct", "incorrect", "undecided", "unknown"]


@dataclass(frozen=True, kw_only=True, slots=True)
class WebItem:
    """One item of a test: a reference, and what is compared with it.

    Args:
        name: the page's name, and its identifier in the results.
        reference: path of the reference's WAV file on the server, from webMUSHRA's folder on.
        stimuli: 1 to 9 such paths by what they are called in the results. All files of an item have to have the same
            length, channels, and the sample rate of the listener's device.

    Raises:
        SettingsError: a name or a path cannot be used, or the number of stimuli is another.
    """

    name: str
    reference: str
    stimuli: Mapping[str, str]

    def __post_init__(self) -> None:
        _check_readable(self.name, self.reference, *self.stimuli, *self.stimuli.values())
        # webMUSHRA's reader of YAML takes the rest of a quoted key for a comment after “ #”.
        unusable = [name for name in self.stimuli if name in TAKEN or " #" in name]
        if not self.name or unusable or not 1 <= len(self.stimuli) <= MOST_STIMULI:
            raise SettingsError(
                f"“{self.name}” is no item for webMUSHRA.",
                f"It has {len(self.stimuli)} stimuli: {', '.join(f'“{name}”' for name in self.stimuli)}.",
                f"Give it a name, and 1 to {MOST_STIMULI} stimuli, whose names have no “ #”, and are not "
                f"{', '.join(f'“{name}”' for name in TAKEN if name)}.",
            )


@dataclass(frozen=True, slots=True)
class PairedChoice:
    """One answer of a paired comparison: whether a listener told the reference from a stimulus.

    Args:
        listener, item, stimulus: their names.
        answer: “correct” is the hidden reference; “undecided” and “unknown” are none.
    """

    listener: str
    item: str
    stimulus: str
    answer: Answer


@dataclass(frozen=True, kw_only=True, slots=True)
class WebTest:
    """A test on a web server.

    Args:
        test_id: the folder of the results; letters, digits, “-” and “_”.
        title: what the test is called.
        items: one or more, with different names; they are asked for in random order.
        instructions: plain text, shown first and on each page.

    Raises:
        SettingsError: a text cannot be used, there are no items, or two of one name.
    """

    test_id: str
    title: str
    items: Sequence[WebItem]
    instructions: str = ""

    def __post_init__(self) -> None:
        _check_readable(self.title, self.instructions)
        names = [item.name for item in self.items]
        if not re.fullmatch(r"[A-Za-z0-9_-]+", self.test_id) or not names or len(set(names)) < len(names):
            raise SettingsError(
                f"“{self.test_id}” with {counted(len(names), 'item')} is no test for webMUSHRA.",
                f"The items are {', '.join(f'“{name}”' for name in names) or 'missing'}.",
                "Use letters, digits, “-” and “_” for the test, and different names for one item or more.",
            )


def mushra_config(test: WebTest, *, anchors: bool = True) -> str:
    """Return the configuration (YAML) of a MUSHRA test: one page for each item.

    Args:
        test: what is rated.
        anchors: whether webMUSHRA makes the two low-passed anchors of the standard.
    """
    kind = {"type": "mushra", "createAnchor35": anchors, "createAnchor70": anchors, "randomize": True}
    return _config(test, [{**kind, **_page(test, item), "stimuli": dict(item.stimuli)} for item in test.items])


def abx_config(test: WebTest, *, n_trials: int = 16) -> str:
    """Return the configuration (YAML) of forced choices: which of two sounds is the reference, which is there to hear.

    Args:
        test: what is compared.
        n_trials: of each stimulus, 1 to 100.

    Raises:
        SettingsError: another number of trials.
    """
    if not 1 <= n_trials <= MOST_TRIALS:
        raise SettingsError(f"{n_trials} trials are no test.", "", f"Choose between 1 and {MOST_TRIALS}.")
    trials = range(1, n_trials + 1)
    pages = []
    for item in test.items:
        # webMUSHRA asks once for each stimulus, so that a trial is one more name of the same file.
        stimuli = {f"{name} ({trial})": path for name, path in item.stimuli.items() for trial in trials}
        pages.append({"type": "paired_comparison", **_page(test, item), "stimuli": stimuli})
    return _config(test, pages)


def is_mushra(text: str) -> bool:
    """Return whether a results file is a mushra.csv, by its first line."""
    return "rating_stimulus" in text.partition("\n")[0]


def read_mushra(text: str) -> list[Rating]:
    """Return the ratings in a results file mushra.csv.

    A listener is called what was filled in as such, and otherwise after the session.

    Raises:
        SettingsError: it is no such file, or a score is not from 0 to 100; names the line.
    """
    ratings = []
    for line, listener, (item, condition, score, *_) in _rows(text, RATING_COLUMNS):
        try:
            ratings.append(Rating(listener, item, condition, float(score)))
        except ValueError as error:
            raise _refused(line, f"“{score}” is no score from 0 to 100.") from error
    return ratings


def read_paired(text: str) -> list[PairedChoice]:
    """Return the answers in a results file paired_comparison.csv.

    webMUSHRA writes no session there: listeners who fill in nothing are one.

    Raises:
        SettingsError: it is no such file; names the line.
    """
    choices = []
    for line, listener, (item, _, stimulus, answer, *_) in _rows(text, CHOICE_COLUMNS):
        known = next((each for each in get_args(Answer) if each == answer), None)
        if known is None:
            raise _refused(line, f"“{answer}” is no answer of a paired comparison.")
        choices.append(PairedChoice(listener, item, re.sub(r" \(\d+\)$", "", stimulus), known))
    return choices


def abx_results(choices: Iterable[PairedChoice]) -> dict[str, AbxResult]:
    """Return each listener's result, in the order in which they appear; what they did not decide is dropped."""
    right = defaultdict[str, list[bool]](list)
    for each in choices:
        if each.answer in ("correct", "incorrect"):
            right[each.listener].append(each.answer == "correct")
    return {listener: AbxResult(len(answers), sum(answers)) for listener, answers in right.items()}


def _page(test: WebTest, item: WebItem) -> dict[str, Any]:
    return {
        "id": item.name,
        "name": html.escape(item.name),
        "content": html.escape(test.instructions),
        "showWaveform": True,
        "enableLooping": True,
        "reference": item.reference,
    }


def _config(test: WebTest, pages: Sequence[Mapping[str, Any]]) -> str:
    welcome = {
        "type": "generic",
        "id": "welcome",
        "name": html.escape(test.title),
        "content": html.escape(test.instructions),
    }
    finish = {
        "type": "finish",
        "name": "Thank you",
        "content": "Your answers are sent with the button.",
        "popupContent": "Your answers were sent.",
        "showResults": False,
        "writeResults": True,
        "questionnaire": [{"type": "text", "label": "Your name", "name": LISTENER}],
    }
    config = {
        "testname": test.title,
        "testId": test.test_id,
        "bufferSize": 2048,
        "stopOnErrors": True,
        "showButtonPreviousPage": False,  # a pair that is shown again is answered twice
        "remoteService": "service/write.php",
        "pages": [welcome, ["random", *pages], finish],
    }
    return "\n".join(_yaml_lines(config)) + "\n"


def _yaml_lines(value: Mapping[str, Any] | Sequence[Any]) -> Iterator[str]:
    """The lines of a value in the plainest YAML: webMUSHRA's own reader knows but a part of the language."""
    entries = [(f"{_scalar(key)}:", item) for key, item in value.items()] if isinstance(value, Mapping) else None
    for start, item in entries or [("-", item) for item in value]:
        if isinstance(item, (Mapping, list)):
            yield start
            yield from (f"    {line}" for line in _yaml_lines(item))
        else:
            yield f"{start} {_scalar(item)}"


def _scalar(value: str | int) -> str:
    """A value as JSON writes it, which is YAML as well."""
    return json.dumps(value, ensure_ascii=False)


def _check_readable(*texts: str) -> None:
    for text in texts:
        if found := UNREADABLE.search(text):
            raise SettingsError(
                f"“{text}” has the character U+{ord(found[0]):04X}.",
                "It cannot be written so that every reader of YAML takes it.",
                "Leave it out.",
            )


def _rows(text: str, columns: Sequence[str]) -> Iterator[tuple[int, str, Sequence[str]]]:
    """Yield line number, listener, and the values of `columns`, the last ones, of each row."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    try:
        header = next(reader, [])
        if header[:1] != [FIRST_COLUMN] or header[-len(columns) :] != columns:
            raise _refused(1, f"A results file begins with {FIRST_COLUMN}, and ends with {', '.join(columns)}.")
        about = header[1 : -len(columns)]
        for row in reader:
            if len(row) != len(header):
                raise _refused(reader.line_num, f"It has {len(row)} columns, and the first line has {len(header)}.")
            known = dict(zip(about, row[1 : -len(columns)], strict=True))
            listener = (
                known.get(LISTENER, "").strip() or known.get(SESSION_COLUMN) or ", ".join(filter(None, known.values()))
            )
            yield reader.line_num, listener, row[-len(columns) :]
    except csv.Error as error:
        raise _refused(reader.line_num, f"It says: {error}.") from error


def _refused(line: int, why: str) -> SettingsError:
    return SettingsError(f"Line {line} is not of a results file.", why, "Choose a file that webMUSHRA has written.")
