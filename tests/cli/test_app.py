"""The frame: help, exit codes, spellings, verbosity, interruption."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time

import pytest
import rich_click as click

from reguloom._errors import InputError, MissingDependencyError, ResourceError
from reguloom._version import __version__
from reguloom.cli import app as program
from reguloom.cli._common import Command, command, workers_option

PYTHON = [sys.executable, "-m", "reguloom.cli"]


@pytest.fixture
def probe(monkeypatch):
    """A command called ``grn`` that does what the test says."""

    def install(body, *options):
        made = command("grn")(body)
        for option in options:
            made = option(made)
        module = type(sys)("reguloom.cli._probe")
        module.command = made
        monkeypatch.setitem(sys.modules, "reguloom.cli._probe", module)
        monkeypatch.setitem(program._Program.lazy, "grn", ("_probe", "A probe."))

    return install


def test_help_is_quick_and_imports_nothing_heavy():
    code = (
        "import sys, time; start = time.process_time()\n"
        "from reguloom.cli.app import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'numba', 'anndata', 'sklearn', 'matplotlib', 'torch'} & set(sys.modules)\n"
        "print(time.process_time() - start, sorted(heavy), file=sys.stderr)"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(3)]
    seconds = [float(run.stderr.split()[0]) for run in runs]
    assert runs[0].stderr.split(maxsplit=1)[1].strip() == "[]"
    assert min(seconds) < 0.5
    for name in program.COMMANDS:
        assert name in runs[0].stdout


def test_help_answers_the_three_questions(run):
    shown = run("--help")
    assert shown.code == 0
    for panel in ("Regulons:", "Files:", "Machine:"):
        assert panel in shown.out


def test_version(run):
    assert __version__ in run("--version").out


@pytest.mark.parametrize("name", list(program.COMMANDS))
def test_every_command_has_help_and_light_imports(run, name):
    if importlib.util.find_spec(f"reguloom.cli.{program.COMMANDS[name]}") is None:
        pytest.skip(f"{name} is not there yet")
    shown = run(name, "--help")
    assert shown.code == 0
    assert f"Usage: reguloom {name}" in shown.out
    assert run(name.replace("-", "_"), "--help").out == shown.out


def test_nothing_shows_the_help(run):
    outcome = run()
    assert outcome.code == 2
    assert "Usage: reguloom" in outcome.out + outcome.err


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["gnr"], "there is no command 'gnr'; did you mean 'grn'? See 'reguloom --help'."),
        (["xyzzy"], "there is no command 'xyzzy'. See 'reguloom --help'."),
        (["resources", "lst"], "there is no command 'lst'; did you mean 'list'? See 'reguloom resources --help'."),
        (["info"], "Missing argument 'FILE...'. See 'reguloom info --help'."),
        (["--nope"], "No such option '--nope'. See 'reguloom --help'."),
    ],
)
def test_usage_errors_are_one_line(run, args, says):
    outcome = run(*args)
    assert outcome.code == 2
    assert outcome.err == f"error: {says}\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("seen; accepted; mend it."), 3),
        (ResourceError("seen; accepted; mend it."), 4),
        (MissingDependencyError("seen; accepted; mend it."), 5),
        (KeyboardInterrupt(), 130),
        (MemoryError("3 GiB"), 1),
        (OSError(28, "No space left on device", "/x/y"), 3),
    ],
)
def test_errors_become_exit_codes(run, probe, error, code):
    def body() -> None:
        raise error

    probe(body)
    outcome = run("grn")
    assert outcome.code == code
    assert len(outcome.errors) == 1
    assert "Traceback" not in outcome.err
    if isinstance(error, OSError) and error.filename:
        assert "/x/y: No space left on device" in outcome.err


def test_vv_shows_the_traceback_and_the_code_stays(run, probe):
    def body() -> None:
        msg = "seen."
        raise InputError(msg)

    probe(body)
    outcome = run("grn", "-vv")
    assert outcome.code == 3
    assert "Traceback" in outcome.err
    assert outcome.errors == ["error: seen."]


def test_an_unforeseen_error_is_a_traceback_and_code_1():
    code = (
        "import sys; from reguloom.cli import app\n"
        "app._Program.lazy['grn'] = ('_none', 'x'); sys.argv = ['reguloom', 'grn']; app.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "this is a defect of reguloom" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("spelling", ["--num-workers", "--num_workers", "-j", "--threads"])
def test_both_spellings(run, probe, spelling):
    probe(lambda num_workers: click.echo(num_workers), workers_option)
    assert run("grn", spelling, 3).out == "3\n"


def test_no_threads_is_a_usage_error(run, probe):
    probe(lambda num_workers: click.echo(num_workers), workers_option)
    outcome = run("grn", "--num_workers", 0)
    assert outcome.code == 2
    assert "0 is no number of threads" in outcome.err
    assert run("grn", "-j", -1).out == "-1\n"


def test_repeatable_options_take_several_values():
    @click.command(cls=Command, context_settings={"ignore_unknown_options": False})
    @click.argument("rest", nargs=-1)
    @click.option("--rankings", multiple=True)
    @click.option("-x")
    def made(rest, rankings, x):
        click.echo((rest, rankings, x))

    from click.testing import CliRunner

    result = CliRunner().invoke(made, ["IN", "--rankings", "a", "b", "-x", "1", "--rankings", "c"])
    assert result.output == "(('IN',), ('a', 'b', 'c'), '1')\n"


def test_an_argument_file_is_read(run, probe, tmp_path):
    probe(lambda num_workers: click.echo(num_workers), workers_option)
    path = tmp_path / "args"
    path.write_text("--num_workers 5\n\n")
    assert run("grn", f"@{path}").out == "5\n"
    path.write_text("--num_workers\n6\n")
    assert run("grn", f"@{path}").out == "6\n"


@pytest.mark.parametrize(
    ("flags", "heard"),
    [
        ([], ["info", "warning"]),
        (["-q"], ["warning"]),
        (["-v"], ["debug", "info", "warning"]),
        (["-q", "-v"], ["warning"]),
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_verbosity_before_and_after_the_command(run, probe, flags, heard, before):
    def body() -> None:
        from reguloom._errors import warn
        from reguloom._logging import logger

        logger.debug("a debug line")
        logger.info("an info line")
        warn("a warning line")

    probe(body)
    outcome = run(*flags, "grn") if before else run("grn", *flags)
    assert [word for word in ("debug", "info", "warning") if f"{word} line" in outcome.err] == heard
    assert outcome.out == ""
    assert run("grn").err.count("an info line") == 1  # the next run starts afresh


@pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal needs POSIX")
@pytest.mark.parametrize("args", [["--help"], ["grn"], ["doctor", "--no-self-test"]])
@pytest.mark.parametrize("plain", [True, False])
def test_no_color_is_honoured_on_a_terminal(args, plain):
    import pty

    env = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    env |= {"TERM": "xterm-256color", **({"NO_COLOR": "1"} if plain else {})}
    leader, follower = pty.openpty()
    process = subprocess.Popen([*PYTHON, *args], stdout=follower, stderr=follower, env=env)
    os.close(follower)
    shown = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    process.wait()
    assert (b"\x1b[3" in shown) is not plain


def test_ctrl_c_gives_130_and_leaves_no_temporary_file(tmp_path):
    outcome = _signalled(tmp_path, signal.SIGINT)
    assert outcome.returncode == 130
    assert "error: interrupted" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert list(tmp_path.iterdir()) == []


def test_sigterm_gives_143_and_leaves_no_temporary_file(tmp_path):
    outcome = _signalled(tmp_path, signal.SIGTERM)
    assert outcome.returncode == 143
    assert list(tmp_path.iterdir()) == []


def _signalled(folder, number):
    """Signal the program while it writes a file."""
    code = (
        "import signal, sys, time\n"
        # A job in the background is started with SIGINT ignored, and its children inherit that.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from reguloom.cli import app\n"
        "from reguloom.cli._common import command\n"
        "from reguloom._files import atomic_write\n"
        "module = type(sys)('reguloom.cli._probe')\n"
        "@command('grn')\n"
        "def work():\n"
        f"    with atomic_write({str(folder / 'out.csv')!r}) as path:\n"
        "        path.write_text('half')\n"
        "        print('ready', flush=True)\n"
        "        time.sleep(30)\n"
        "module.command = work; sys.modules['reguloom.cli._probe'] = module\n"
        "app._Program.lazy['grn'] = ('_probe', 'x'); sys.argv = ['reguloom', 'grn']; app.main()"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.1)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    return subprocess.CompletedProcess([], process.returncode, out, err)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_stdout_is_an_error(tmp_path):
    (tmp_path / "tfs.txt").write_text("GATA1\n")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*PYTHON, "info", tmp_path / "tfs.txt"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 3
    assert done.stderr == "error: the output: No space left on device; check the name, rights and space.\n"


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {' '.join(PYTHON)} resources list | head -1"],
        capture_output=True, text=True, check=False, env={**os.environ, "REGULOOM_CACHE": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr == ""
