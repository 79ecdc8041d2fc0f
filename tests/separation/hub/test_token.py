"""The hub's token: kept for its owner alone, found where the hub's own library looks, never repeated."""

from __future__ import annotations

import stat
import traceback

import pytest
from huggingface_hub import get_token

from separation.errors import SettingsError
from separation.hub import token as hub_token
from separation.hub.token import Origin
from tests.support.fake_hub import TOKEN, installed


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    with installed(tmp_path, monkeypatch) as running:
        yield running


def test_a_kept_token_is_what_the_hubs_library_sends_and_only_its_owner_can_read_it():
    assert hub_token.origin() is None
    hub_token.keep(f"  {TOKEN}\n")
    assert hub_token.origin() is Origin.FILE
    assert get_token() == TOKEN
    assert stat.S_IMODE(hub_token.path().stat().st_mode) == 0o600


def test_another_takes_its_place_and_is_as_private_whatever_the_file_was():
    hub_token.path().write_text("hf_old")
    hub_token.path().chmod(0o644)
    hub_token.keep(TOKEN)
    assert get_token() == TOKEN
    assert stat.S_IMODE(hub_token.path().stat().st_mode) == 0o600
    assert [file.name for file in hub_token.path().parent.glob("*tok*")] == [hub_token.path().name]
    assert list(hub_token.path().parent.glob(".*")) == []


def test_a_forgotten_token_is_gone_and_forgetting_twice_is_no_error():
    hub_token.keep(TOKEN)
    hub_token.forget()
    hub_token.forget()
    assert hub_token.origin() is None and get_token() is None


def test_a_token_of_the_environment_comes_first_and_stays(monkeypatch):
    hub_token.keep("hf_kept")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert hub_token.origin() is Origin.ENVIRONMENT
    hub_token.forget()
    assert hub_token.origin() is Origin.ENVIRONMENT


def test_an_empty_file_is_no_token():
    hub_token.path().touch()
    assert hub_token.origin() is None


@pytest.mark.parametrize("mistake", ["", " ", f"{TOKEN} and more", f"{TOKEN}\n{TOKEN}", f"{TOKEN}\u2013"])
def test_what_cannot_be_a_token_is_refused_without_being_repeated(mistake):
    hub_token.keep("hf_kept")
    with pytest.raises(SettingsError, match="not a token") as caught:
        hub_token.keep(mistake)
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert get_token() == "hf_kept"


def test_a_file_that_cannot_be_written_is_explained_without_the_token(tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("a file where a folder should be")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "taken" / "token"))
    for act in (lambda: hub_token.keep(TOKEN), hub_token.forget):
        with pytest.raises(SettingsError, match="cannot be changed") as caught:
            act()
        assert TOKEN not in str(caught.value)


def test_a_write_that_fails_leaves_the_old_token_and_nothing_half_made():
    hub_token.path().mkdir()  # cannot be replaced by a file
    with pytest.raises(SettingsError):
        hub_token.keep(TOKEN)
    assert [file.name for file in hub_token.path().parent.glob("*tok*")] == [hub_token.path().name]
    assert list(hub_token.path().parent.glob(".*")) == []
