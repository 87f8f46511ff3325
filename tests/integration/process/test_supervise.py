"""The supervisor, with small programs as its services."""

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.integration.process.conftest import Start, Started, is_gone

SUPERVISE = """
import signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup, under which the tests may run, has it ignored
from tidegate.cli.supervise import Patience, Service, Supervisor
patience = Patience(first_restart=0.05, longest_restart=0.2, stop=0.5)
def python(name, code, once=False):
    return Service(name, (sys.executable, "-c", code), once=once)
{body}
"""
LIVES = "import os, time; print('alive', os.getpid(), flush=True); time.sleep(600)"


@pytest.fixture
def supervise(start: Start) -> Start:
    return lambda body: start(sys.executable, "-c", SUPERVISE.format(body=body))


def pid_in(line: str) -> int:
    return int(line.split()[-1])


def one_service(supervise: Start, code: str = LIVES) -> Started:
    return supervise(f"sys.exit(Supervisor(patience=patience).run([], [python('web', {code!r})]))")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_signal_ends_everything_in_good_order(supervise: Start, number: signal.Signals) -> None:
    supervisor = one_service(supervise)
    child = pid_in(supervisor.wait_for("alive"))
    supervisor.send(number)
    assert supervisor.ended() == 0
    assert is_gone(child)


def test_lines_carry_the_name_of_who_wrote_them(supervise: Start) -> None:
    supervisor = one_service(supervise, "import sys, time; sys.stdout.write('one\\ntwo'); sys.stdout.flush()")
    assert supervisor.wait_for("one") == "web      | one"
    assert supervisor.wait_for("two") == "web      | two"


def test_a_crashed_service_starts_again(supervise: Start) -> None:
    supervisor = one_service(supervise)
    first = pid_in(supervisor.wait_for("alive"))
    os.kill(first, signal.SIGKILL)
    supervisor.wait_for("ended unexpectedly (SIGKILL)")
    second = pid_in(supervisor.wait_for("alive", times=2))
    assert second != first
    supervisor.send(signal.SIGINT)
    assert supervisor.ended() == 0
    assert is_gone(second)


def test_a_service_that_goes_on_crashing_is_started_less_and_less_often(supervise: Start) -> None:
    supervisor = one_service(supervise, "raise SystemExit(3)")
    for delay in ("0.05", "0.1", "0.2"):
        supervisor.wait_for(f"(exit code 3); it starts again in {delay} s.")


def test_a_service_that_does_not_end_is_killed(supervise: Start) -> None:
    stubborn = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {LIVES}"
    supervisor = one_service(supervise, stubborn)
    child = pid_in(supervisor.wait_for("alive"))
    supervisor.send(signal.SIGINT)
    supervisor.wait_for("web did not end in time and is killed.")
    assert supervisor.ended() == 0
    assert is_gone(child)


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux ends children with their parent.")
def test_nothing_is_left_when_the_supervisor_itself_is_killed(supervise: Start) -> None:
    supervisor = one_service(supervise)
    child = pid_in(supervisor.wait_for("alive"))
    supervisor.send(signal.SIGKILL)
    supervisor.ended()
    assert is_gone(child)


def test_steps_come_one_after_the_other_and_before_the_services(supervise: Start) -> None:
    steps = "[python('a', 'print(1)', once=True), python('b', 'print(2)', once=True)]"
    supervisor = supervise(
        f"sys.exit(Supervisor(patience=patience).run({steps}, [python('web', {LIVES!r})]))"
    )
    supervisor.wait_for("alive")
    assert [line.split("| ")[1] for line in supervisor.lines[:2]] == ["1", "2"]


def test_a_failed_step_ends_everything_with_its_exit_code(supervise: Start) -> None:
    steps = "[python('a', 'raise SystemExit(5)', once=True)]"
    supervisor = supervise(
        f"sys.exit(Supervisor(patience=patience).run({steps}, [python('web', {LIVES!r})]))"
    )
    assert supervisor.ended() == 5
    assert not any("alive" in line for line in supervisor.lines)


def test_a_service_with_wrong_settings_ends_everything(supervise: Start) -> None:
    services = f"[python('web', {LIVES!r}), python('worker', 'raise SystemExit(2)')]"
    supervisor = supervise(f"sys.exit(Supervisor(patience=patience).run([], {services}))")
    assert supervisor.ended() == 2


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("make"), reason="needs Linux and make")
def test_an_interrupt_to_make_alone_reaches_us(start: Start, tmp_path: Path) -> None:
    body = f"sys.exit(Supervisor(patience=patience).run([], [python('web', {LIVES!r})]))"
    (tmp_path / "supervise.py").write_text(SUPERVISE.format(body=body))
    (tmp_path / "Makefile").write_text(f"run:\n\t@exec {sys.executable} {tmp_path}/supervise.py\n")
    make = start("make", "-C", str(tmp_path), "run")
    child = pid_in(make.wait_for("alive"))
    make.send(signal.SIGINT)
    make.ended()
    assert is_gone(child)
