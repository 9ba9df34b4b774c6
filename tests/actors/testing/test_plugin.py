"""The pytest plugin, in runs of its own: what passes, what fails, and what the failure says."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

ALL_ASYNC = """
[pytest]
callboard_async = true
addopts = -p no:cacheprovider
"""


def run(pytester: pytest.Pytester, source: str, *options: str) -> pytest.RunResult:
    pytester.makepyfile(source)
    return pytester.runpytest_inprocess(*options)


def test_an_hour_of_sleep_takes_no_time(pytester: pytest.Pytester) -> None:
    pytester.makeini(ALL_ASYNC)
    result = run(
        pytester,
        """
        import asyncio
        import time

        async def test_an_hour():
            loop = asyncio.get_running_loop()
            virtual, real = loop.time(), time.monotonic()
            await asyncio.sleep(3600)
            assert loop.time() - virtual == 3600
            assert time.monotonic() - real < 30
        """,
    )
    result.assert_outcomes(passed=1)


def test_the_real_clock_is_used_when_marked(pytester: pytest.Pytester) -> None:
    pytester.makeini(ALL_ASYNC)
    result = run(
        pytester,
        """
        import asyncio
        import time
        import pytest

        @pytest.mark.realtime
        async def test_a_moment():
            began = time.monotonic()
            await asyncio.sleep(0.05)
            assert time.monotonic() - began >= 0.04
            assert not hasattr(asyncio.get_running_loop(), "advance")
        """,
    )
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("leak", "named"),
    [
        ("kept.append(asyncio.get_running_loop().create_task(asyncio.sleep(9)))", "*task*sleep*"),
        ("asyncio.get_running_loop().call_later(9, print)", "*timer*print*"),
        (
            "threading.Thread(target=gate.wait, name='lazy', daemon=True).start()",
            "*left behind: thread 'lazy'*",
        ),
        (
            "kept.extend(socket.socketpair())\n"
            "    asyncio.get_running_loop().add_reader(kept[0], print)",
            "*left behind: socket*",
        ),
    ],
)
def test_a_leaking_test_fails_and_says_what_it_left(
    pytester: pytest.Pytester, leak: str, named: str
) -> None:
    pytester.makeini(ALL_ASYNC)
    result = run(
        pytester,
        f"""
import asyncio
import socket
import threading
import pytest

kept, gate = [], threading.Event()

@pytest.fixture(autouse=True)
def tidy():
    yield
    gate.set()
    for each in kept:
        getattr(each, "close", str)()

async def test_leaks():
    {leak}
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([named])


def test_a_test_that_fails_by_itself_is_not_charged_with_leaks_too(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeini(ALL_ASYNC)
    result = run(
        pytester,
        """
        import asyncio

        async def test_fails():
            asyncio.get_running_loop().call_later(9, print)
            assert 1 == 2
        """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*assert 1 == 2*"])
    result.stdout.no_fnmatch_line("*left behind*")


def test_a_stuck_test_is_reported_with_the_place_where_it_waits(pytester: pytest.Pytester) -> None:
    pytester.makeini(ALL_ASYNC)
    result = run(
        pytester,
        """
        import asyncio

        async def waits_for_nothing():
            await asyncio.Event().wait()

        async def test_hangs():
            await waits_for_nothing()
        """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*StuckError: everything waits, and no timer is set*"])
    result.stdout.fnmatch_lines(["* waits in Event.wait at *_place_where_it_waits.py:4*"])


def test_a_test_that_never_comes_to_rest_is_reported_after_its_patience(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeini(ALL_ASYNC + "callboard_patience = 0.2\n")
    result = run(
        pytester,
        """
        import asyncio
        import pytest

        async def heartbeat():
            while True:
                await asyncio.sleep(2)

        async def test_hangs_beside_a_heartbeat():
            beat = asyncio.get_running_loop().create_task(heartbeat())
            await asyncio.Event().wait()

        @pytest.mark.realtime
        async def test_hangs_on_the_real_clock():
            await asyncio.Event().wait()

        @pytest.mark.realtime(patience=30)
        async def test_has_more_patience():
            await asyncio.sleep(0.3)
        """,
    )
    result.assert_outcomes(failed=2, passed=1)
    result.stdout.fnmatch_lines(["*the test has not ended within 0.2 real seconds*"] * 2)


def test_only_marked_tests_are_run_unless_all_are_asked_for(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        def pytest_pyfunc_call(pyfuncitem):
            pyfuncitem.config.others.append(pyfuncitem.name)
            return True

        def pytest_configure(config):
            config.others = []
            config.addinivalue_line("markers", "asyncio: of another plugin")

        def pytest_terminal_summary(terminalreporter, config):
            terminalreporter.write_line("others: " + " ".join(config.others))
        """
    )
    source = """
        import asyncio
        import pytest

        @pytest.mark.company
        async def test_marked():
            await asyncio.sleep(3600)

        async def test_unmarked():
            await asyncio.sleep(3600)

        @pytest.mark.asyncio
        async def test_of_another_plugin():
            await asyncio.sleep(3600)
        """
    result = run(pytester, source)
    result.stdout.fnmatch_lines(["others: test_unmarked test_of_another_plugin"])
    pytester.makeini(ALL_ASYNC)
    result = run(pytester, source)
    result.stdout.fnmatch_lines(["others: test_of_another_plugin"])


def test_the_fixtures_give_probe_driver_stepper_and_leak_check(pytester: pytest.Pytester) -> None:
    pytester.makeini(ALL_ASYNC)
    result = run(
        pytester,
        """
        import asyncio
        from callboard import Child, Node, Supervisor, Worker, on

        class Echo(Worker):
            @on(str)
            def echo(self, text):
                self.tell("listener", text)
                return text

        async def test_probe_and_drive(drive, probe):
            async with drive(Echo, others={"listener": probe}) as w:
                assert await w.ask("hello") == "hello"
                assert await probe.expect(str) == "hello"

        def test_stepper(stepper):
            began = stepper.now
            stepper.run(asyncio.sleep(5))
            assert stepper.now == began + 5

        async def test_leak_check(leak_check):
            node = Node(Supervisor)
            leak_check.add(node)
            async with node:
                pass

        async def test_leak_check_of_a_node_that_is_left_running(leak_check):
            node = Node(lambda: Supervisor([Child("echo", Echo)]), name="stage")
            leak_check.add(node)
            await node.start()
        """,
    )
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*left behind: *name 'echo' in the registry of 'stage'*"])


def test_each_example_of_a_hypothesis_test_has_a_loop_of_its_own(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeini(ALL_ASYNC)
    result = run(
        pytester,
        """
        import asyncio
        from hypothesis import given, settings, strategies as st

        loops = set()

        @settings(database=None, deadline=None, max_examples=20)
        @given(seconds=st.floats(0, 1e6))
        async def test_sleeps(seconds):
            loop = asyncio.get_running_loop()
            loops.add(loop)
            began = loop.time()
            await asyncio.sleep(seconds)
            assert loop.time() >= began + seconds - 1e-6

        @settings(database=None, deadline=None, max_examples=20)
        @given(leaks=st.booleans())
        async def test_leaks_in_one_example(leaks):
            if leaks:
                asyncio.get_running_loop().call_later(9, print)

        def test_there_were_many_loops():
            assert len(loops) > 1
        """,
    )
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*left behind: timer*"])
