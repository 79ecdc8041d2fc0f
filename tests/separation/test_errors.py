"""All errors that are raised on purpose have one root, one shape, and the exit status their class stands for."""

from __future__ import annotations

import pickle
import re

import pytest

from separation.cli.common import EXIT_STATUS
from separation.errors import (
    AudioError,
    BackendUnavailable,
    FileError,
    OutOfMemory,
    PlaygroundError,
    PromptError,
    SeparationError,
    SettingsError,
    WeightsMissing,
    fault_name,
    unforeseen,
)
from storage import StorageError

STATUS = {
    SettingsError: 2,
    AudioError: 3,
    FileError: 3,
    BackendUnavailable: 4,
    WeightsMissing: 4,
    PromptError: 5,
    SeparationError: 6,
    OutOfMemory: 6,
    StorageError: 6,
    PlaygroundError: 6,
}


@pytest.mark.parametrize("kind", STATUS)
def test_every_error_is_three_sentences_also_after_a_trip_between_processes(kind):
    error = pickle.loads(pickle.dumps(kind("It broke.", "It was glass.", "Buy a cup.")))
    assert type(error) is kind and isinstance(error, PlaygroundError)
    assert str(error) == "It broke. It was glass. Buy a cup."
    assert (error.what, error.why, error.todo) == ("It broke.", "It was glass.", "Buy a cup.")
    assert str(kind("It broke.")) == "It broke."


@pytest.mark.parametrize(("kind", "status"), STATUS.items())
def test_the_exit_status_tells_the_class(kind, status):
    assert next(number for known, number in EXIT_STATUS if issubclass(kind, known)) == status


def test_a_file_that_cannot_be_written_is_no_fault_of_the_audio():
    assert not issubclass(FileError, AudioError)


@pytest.mark.parametrize(
    ("error", "advice", "sentences"),
    [
        (KeyError("a"), "Try again", ("KeyError: 'a'.", "Try again, and please report it.")),
        (ZeroDivisionError(), "", ("ZeroDivisionError.", "Please report it.")),
    ],
)
def test_a_defect_of_this_program_is_named_as_one_with_its_cause_and_what_to_try(error, advice, sentences):
    shown = unforeseen("download", error, advice)
    why, todo = sentences
    assert re.fullmatch("[0-9a-f]{6}", fault_name(error))
    assert type(shown) is SeparationError
    assert (shown.what, shown.why, shown.todo) == (
        "The download stopped because of an error in this program.",
        why,
        f"The log tells more of it as fault {fault_name(error)}. {todo}",
    )
