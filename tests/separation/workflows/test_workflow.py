"""Workflows without a terminal: what is read, what is refused and where, and the words each step comes to."""

from __future__ import annotations

import pytest

from separation.errors import PromptError, SettingsError
from separation.workflows import workflow
from separation.workflows.workflow import Parameter


class Kitchen:
    """Two commands: `fry` makes a file out of files, and `taste` looks at one."""

    refuses: str = ""

    def names(self):
        return ("fry", "taste")

    def parameters(self, command):
        taste = {"what": Parameter(reads=True, any_text=True), "spoons": Parameter(option="--spoons")}
        return taste if command == "taste" else {
            "what": Parameter(many=True, reads=True, any_text=True),
            "with": Parameter(option="--with", many=True, any_text=True),
            "out": Parameter(option="--out", writes=True, any_text=True),
            "minutes": Parameter(option="--minutes"),
            "hot": Parameter(option="--hot", off="--cold", switch=True),
            "fast": Parameter(option="--fast", switch=True),
            "pan": Parameter(option="--pan", trusted=True, any_text=True),
        }  # fmt: skip

    def check(self, command, words):
        self.checked = [*getattr(self, "checked", []), (command, tuple(words))]
        if self.refuses and self.refuses in words:
            raise PromptError("No.", f"{self.refuses} is not eaten.")
        if "--minutes" in words and not words[words.index("--minutes") + 1].isdigit():
            raise SettingsError("That is no number.", place=("time", "minutes"))

    def outputs(self, command, words):
        return {"file": (), "pieces": (), "parts": ("white", "yolk")}


KITCHEN = Kitchen()
RESULTS = {"a": {"file": "egg.fried", "pieces": ["1", "-2"], "parts": {"white": "w", "yolk": "y"}}}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "egg").touch()
    return tmp_path


def read(folder, text, commands=None, **given):
    (folder / "w.yaml").write_text(text, "utf-8")
    return workflow.read(folder / "w.yaml", commands or Kitchen(), given)


def words(folder, text, results=RESULTS, **given):
    """The words of every step."""
    return [step.words(KITCHEN.parameters(step.command), results) for step in read(folder, text, **given).steps]


def refusal(folder, text, commands=None, kind=SettingsError, **given):
    with pytest.raises(kind) as caught:
        read(folder, text, commands, **given)
    return str(caught.value).replace(f"{folder}/", "")


def one(*options):
    """A workflow of one step that fries; its first option is in line 5."""
    return "\n".join(["steps:", "- name: a", "  command: fry", "  with:", *(f"    {option}" for option in options)])


# What is read


@pytest.mark.parametrize(
    ("options", "typed"),
    [
        (["what: egg"], ["egg"]),
        (["out: dish", "what: [egg, egg]"], ["egg", "egg", "--out", "dish"]),
        (["what: egg", "with: [salt, no pepper]"], ["egg", "--with", "salt", "--with", "no pepper"]),
        (["what: egg", "with: no"], ["egg", "--with", "no"]),
        (["what: egg", "minutes: 010"], ["egg", "--minutes", "010"]),
        (["what: egg", "hot: true", "fast: yes"], ["egg", "--hot", "--fast"]),
        (["what: egg", "hot: false", "fast: false"], ["egg", "--cold"]),
        (["what: egg", "with: $${HOME}"], ["egg", "--with", "${HOME}"]),
        (["with: '--help; rm -rf $(pwd)'", "what: egg"], ["egg", "--with", "--help; rm -rf $(pwd)"]),
    ],
)
def test_options_become_words_as_they_are_written(folder, options, typed):
    assert words(folder, one(*options)) == [typed]


def test_a_value_that_begins_with_a_dash_is_never_an_option(folder):
    (folder / "--out").touch()
    assert words(folder, one("what: --out", "fast: true")) == [["--fast", "--", "--out"]]


def test_variables_are_filled_in_and_may_use_those_before_them(folder):
    text = """
variables: {what: egg, dish: "${what}-dish", herbs: [dill, "${dish}"], none: []}
steps:
- {name: a, command: fry, with: {what: "${what}", with: ["${herbs}", "${none}", salt], out: "${here}/${herbs[0]}"}}
"""
    assert words(folder, text) == [
        ["egg", *("--with", "dill", "--with", "egg-dish", "--with", "salt"), "--out", f"{folder}/dill"]
    ]
    (folder / "leek").touch()
    typed = words(folder, text, what=["leek"], herbs=["a", "b"])
    assert typed == [["leek", "--with", "a", "--with", "b", "--with", "salt", "--out", f"{folder}/a"]]


def test_results_of_earlier_steps_are_filled_in_when_they_are_there(folder):
    text = """
steps:
- {name: a, command: fry, with: {what: egg, out: dish}}
- {name: b, command: fry, with: {what: ["${a.file}", "${a.pieces}"], with: "${a.parts.yolk}!", minutes: "${a.file}"}}
"""
    plan = read(folder, text)
    known = KITCHEN.parameters("fry")
    assert plan.steps[1].words(known, {}) == [
        "${a.file}", "${a.pieces}", "--with", "${a.parts.yolk}!", "--minutes", "${a.file}"
    ]  # fmt: skip
    assert plan.steps[1].words(known, RESULTS) == [
        "--with", "y!", "--minutes", "egg.fried", "--", "egg.fried", "1", "-2"
    ]  # fmt: skip
    with pytest.raises(SettingsError, match=r"line 4, step b: \$\{a.file\} leads nowhere. a has: nothing"):
        plan.steps[1].words(known, {"a": {}})


def test_a_value_that_a_text_stands_for_is_not_read_as_a_reference_again(folder):
    text = "variables: {x: '$${a.file}'}\n" + one("what: egg", "with: ${x}")
    assert words(folder, text) == [["egg", "--with", "${a.file}"]]


def test_anchors_and_merge_keys_share_options(folder):
    text = """
steps:
- name: a
  command: fry
  with: &usual {what: egg, with: salt, minutes: 3}
- name: b
  command: fry
  with: {<<: *usual, minutes: 5}
"""
    assert words(folder, text)[1] == ["egg", "--with", "salt", "--minutes", "5"]


def test_a_file_that_an_earlier_step_makes_need_not_be_there(folder):
    text = """
steps:
- {name: a, command: fry, with: {what: egg, out: dishes/first}}
- {name: b, command: fry, with: {what: [dishes/first, ./dishes/first/piece]}}
"""
    assert words(folder, text)[1] == ["dishes/first", "./dishes/first/piece"]


def test_the_command_is_asked_with_what_is_known_beforehand(folder):
    commands = Kitchen()
    text = """
steps:
- {name: a, command: fry, with: {what: egg, minutes: 3}}
- {name: b, command: fry, with: {what: "${a.file}", minutes: "${a.file}"}}
"""
    read(folder, text, commands)
    assert commands.checked == [("fry", ("egg", "--minutes", "3")), ("fry", ("${a.file}",))]


# What is refused


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("just words", "line 1: A workflow is not a table."),
        ("variables: {}", "line 1: A workflow lacks “steps”."),
        ("steps: []\n", "line 1: “steps” is not a list of steps."),
        ("a: 1\nsteps: []\n", "line 1: A workflow has no “a”. Choose one of: steps, variables."),
        ("steps:\n- fry\n", "line 2: A step is not a table."),
        ("steps:\n- name: a\n  run: fry\n", "line 3: A step has no “run”. Choose one of: name, command, with."),
        ("steps:\n- name: a\n", "line 2: A step lacks “command”."),
        ("steps:\n- name: a\n  command: [fry]\n", "line 3: “command” is not a word."),
        ("steps:\n- name: a\n  command: burn\n", "line 3: There is no command “burn” for workflows. Choose one of"),
        ("steps:\n- name: a\n  command: fry; ls\n", "line 3: There is no command “fry; ls” for workflows."),
        ("steps:\n- name: a b\n  command: fry\n", "line 2: “a b” cannot be the name of a step."),
        ("steps:\n- name: here\n  command: fry\n", "line 2: The name “here” is taken."),
        ("steps:\n- {name: a, command: fry}\n- {name: a, command: fry}\n", "line 3: The name “a” is taken."),
        ("variables: {a: 1}\nsteps:\n- {name: a, command: fry}\n", "line 3: The name “a” is taken."),
        ("steps:\n- name: a\n  command: fry\n  with: egg\n", "line 4: “with” is not a table."),
        ("variables:\n  x:\nsteps: [x]\n", "line 2: “x” has no value. It is to be given with the command."),
        ("variables:\n  x: {y: 1}\nsteps: [x]\n", "line 2: Here is a table where a text or a number belongs."),
        ("variables:\n  x:\n  - [y]\nsteps: [x]\n", "line 3: Here is a list where a text or a number belongs."),
        ("variables:\n  x: ${y}\n  y: 1\nsteps: [x]\n", "line 2: There is no variable “y” before this one."),
        ("variables:\n  'x y': 1\nsteps: [x]\n", "line 2: “x y” cannot be the name of a variable."),
        ("variables:\n  here: 1\nsteps: [x]\n", "line 2: The name “here” is taken."),
        ("variables: [x]\nsteps: [x]\n", "line 1: “variables” is not a table."),
        (one("waht: egg"), "line 5: “fry” has no option “waht”. Choose one of: what, with, out"),
        (one("what: egg", "out: [a, b]"), "line 6: “out” has 2 values. The command takes one."),
        (one("what: egg", "out: []"), "line 6: “out” has 0 values."),
        (one("what: egg", "out:"), "line 6: Here is nothing where a text or a number belongs."),
        (one("what: egg", "hot: maybe"), "line 6: “hot” is 'maybe'. It is on or off."),
        (one("what: egg", "minutes: ten"), "line 6: That is no number."),
        (one("minutes: 3", "what:", "- egg", "- ogg"), "line 8: There is no 'ogg'"),
        (one('what: "e\\0g"'), "line 5: There is no "),
        (one("what: " + "e" * 300), "line 5: There is no 'eee"),
        (one("what: " + "e" * 300), "line 5: There is no 'eee"),
        (one("what: egg", "with: ${salt}"), "line 6: ${salt} refers to nothing. Variables and earlier"),
        (one("what: egg", "with: ${HOME}"), "line 6: ${HOME} refers to nothing."),
        (one("what: egg", "with: ${a.file}"), "line 6: ${a.file} refers to a step that has not run by then."),
        (one("what: egg", "with: ${a b}"), "line 6: ${a b} is no reference."),
        (one("what: egg", "with: ${here[0]}"), "line 6: ${here[0]} leads nowhere."),
        (one("what: egg", "pan: iron"), "line 6: “pan” cannot be set by a workflow."),
        ("variables: {p: x}\n" + one("what: egg", "pan: ${p}"), "line 7: “pan” cannot be set by a workflow."),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_with_its_line_before_anything_runs(folder, text, said):
    assert f"w.yaml, {said}" in refusal(folder, text)


TWO = """
steps:
- {name: a, command: fry, with: {what: egg, out: dish}}
- name: b
  command: taste
  with:
    what: REFERENCE
- {name: c, command: fry, with: {what: egg}}
"""


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("${c.file}", "refers to a step that has not run by then. Before this step there are: here, a."),
        ("${a}", "is no result of the step “a”. It has: file, pieces, parts. Write ${a.file}, for example."),
        ("${a.flie}", "is no result of the step “a”. It has: file, pieces, parts."),
        ("${a[0]}", "is no result of the step “a”."),
        ("${a.parts.shell}", "leads nowhere. Possible in a.parts: white, yolk."),
        ("[dish, dish]", "“what” has 2 values."),
        ("dash", "There is no 'dash', and no step before this one makes it."),
    ],
)
def test_a_reference_to_what_no_earlier_step_makes_is_refused_with_its_line(folder, reference, said):
    message = refusal(folder, TWO.replace("REFERENCE", reference))
    assert message.startswith("w.yaml, line 7: ") and said in message


def test_what_the_command_itself_refuses_keeps_its_kind_and_gets_the_steps_line(folder):
    commands = Kitchen()
    commands.refuses = "salt"
    message = refusal(folder, one("what: egg", "with: salt"), commands, kind=PromptError)
    assert message == "w.yaml, line 2: No. salt is not eaten."


def test_variables_given_to_the_run_have_to_be_those_of_the_file(folder):
    message = refusal(folder, "variables: {x: 1}\n" + one("what: egg"), z=["2"])
    assert message == "w.yaml has no variable “z”. It has: x. Check the name in --set."


def test_what_can_run_code_is_taken_from_who_runs_the_workflow_only(folder):
    text = "variables: {p: iron}\n" + one("what: egg", "pan: ${p}")
    assert words(folder, text, p=["steel"]) == [["egg", "--pan", "steel"]]
    refusal(folder, text.replace("${p}", "./${p}"), p=["steel"])


def test_what_yaml_itself_refuses_is_said_with_its_line(folder):
    assert "w.yaml, line 7: “what” is here twice." in refusal(folder, one("out: x", "what: egg", "what: egg"))
