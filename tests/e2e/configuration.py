# SPDX-License-Identifier: Apache-2.0
"""The configuration from outside: `sluice check` and `sluice manual`, their exit codes and where they write."""
import json
import os
import pathlib
import subprocess
import tempfile

import harness

CONTRACT = harness.ROOT / "tests" / "data" / "contract.yaml"
VARIABLES = {name: name.lower() + "-secret-value"
             for name in ("SLUICE_ADMIN_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "CI_KEY")}


def sluice(*args, variables=None, text=None):
    """Runs the program in an empty folder that holds `text` as c.yaml, with these variables and no others."""
    with tempfile.TemporaryDirectory() as folder:
        if text is not None:
            pathlib.Path(folder, "c.yaml").write_text(text)
        env = {"PATH": os.environ["PATH"], **(variables or {})}
        return subprocess.run([str(harness.PROGRAM), *args], cwd=folder, env=env, capture_output=True, text=True,
                              timeout=20 * harness.SLOW)


def test_check_accepts_the_contract_once_its_variables_are_set():
    done = sluice("check", "-c", str(CONTRACT), variables=VARIABLES)
    assert done.returncode == 0, done.stderr
    assert "good" in done.stdout and "guardrails" in done.stderr, done
    assert "secret-value" not in done.stdout + done.stderr


def test_check_names_each_variable_that_is_missing_and_its_place():
    done = sluice("check", "-c", str(CONTRACT))
    assert done.returncode == 1 and done.stdout == "", done
    lines = done.stderr.splitlines()
    assert len(lines) == len(VARIABLES), lines
    for line, name in zip(lines, VARIABLES):
        assert line.startswith(f"{CONTRACT}:") and name in line, line


def test_check_says_file_line_column_and_the_nearest_setting():
    done = sluice("check", "-c", "c.yaml", text="routing:\n  retires: {attempts: 1}\n")
    assert done.returncode == 1, done
    assert done.stderr == 'c.yaml:2:3: unknown setting "retires" in routing; did you mean "retries"?\n', done.stderr


def test_check_as_json():
    done = sluice("check", "--json", "-c", "c.yaml", text="workers: many\n")
    answer = json.loads(done.stdout)
    assert done.returncode == 1 and answer["valid"] is False and done.stderr == "", done
    assert [(p["line"], p["column"]) for p in answer["problems"]] == [(1, 10)], answer


def test_check_without_a_file_reads_sluice_yaml_or_else_the_variables():
    done = sluice("check", variables={"OPENAI_API_KEY": "k"})
    assert done.returncode == 0 and "1 providers" in done.stdout, done


def test_check_of_a_missing_file_and_wrong_usage():
    assert sluice("check", "-c", "none.yaml").returncode == 1
    assert sluice("check", "-c").returncode == 2
    assert sluice("check", "--jsno").returncode == 2


def test_the_manual_in_docs_is_what_the_program_says():
    done = sluice("manual")
    assert done.returncode == 0
    assert done.stdout == (harness.ROOT / "docs" / "configuration.md").read_text(), "docs/configuration.md is old: make docs"
