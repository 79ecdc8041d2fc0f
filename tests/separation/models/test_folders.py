"""Which folders of models a request may use: those that the person at this computer has named, and no others."""

from __future__ import annotations

import os

import click
import pytest
from click.testing import CliRunner

from separation.cli.options import model_folder_option
from separation.errors import SettingsError
from separation.models import folders


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch):
    monkeypatch.delenv(folders.VARIABLE, raising=False)


def test_a_folder_is_found_by_its_name_and_by_its_path_and_what_lies_in_it_is_not(tmp_path):
    folders.name_folder(tmp_path, "mine")
    assert folders.find_folder("mine") == folders.find_folder(str(tmp_path)) == tmp_path
    assert (
        folders.find_folder(str(tmp_path / "within")) is folders.find_folder("other") is folders.find_folder("") is None
    )
    assert folders.names() == ("mine",)


def test_the_environment_names_several_as_a_path_does_and_a_path_may_hold_the_sign_between(tmp_path, monkeypatch):
    odd = tmp_path / f"a{os.pathsep}b"
    monkeypatch.setenv(folders.VARIABLE, f"one={odd}{os.pathsep}two={tmp_path}")
    assert (folders.find_folder("one"), folders.find_folder("two")) == (odd, tmp_path)


def test_the_refusal_is_the_same_whether_the_folder_exists_or_not(tmp_path):
    here, nowhere = str(tmp_path), str(tmp_path) + "x"
    said = []
    for asked in (here, nowhere):
        with pytest.raises(SettingsError) as refused:
            folders.require_folder(asked)
        said.append(str(refused.value).replace(asked, ""))
    assert said[0] == said[1]


@pytest.mark.parametrize(("text", "status"), [("mine={here}", 0), ("mine", 2), ("={here}", 2), ("mine=/nowhere", 2)])
def test_the_option_takes_a_name_and_a_folder_that_is_there(tmp_path, text, status):
    @click.command()
    @model_folder_option
    def command() -> None:
        print(folders.names())

    result = CliRunner().invoke(command, ["--model-folder", text.format(here=tmp_path)])
    assert result.exit_code == status and (status or "mine" in result.output)
