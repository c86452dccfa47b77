"""Prints each test's result as a line of TAP, for a harness that counts: pytest -p tests.tap

A skipped test counts as failed, because nobody looks at it.
"""
import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    results = [
        ("ok" if outcome == "passed" else "not ok", report.nodeid)
        for outcome in ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
        for report in reporter.stats.get(outcome, [])
    ]
    reporter.ensure_newline()
    for number, (result, name) in enumerate(results, start=1):
        reporter.write_line(f"{result} {number} - {name}")
