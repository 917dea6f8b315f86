"""A plugin of pytest: a failure is told when it happens, since the guest may be at its end before the summary."""
import pytest


class Told:
    def __init__(self, terminal):
        self.terminal = terminal

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.terminal.write_line("")
            for line in report.longreprtext.splitlines()[-12:]:
                self.terminal.write_line("told %s: %s" % (report.nodeid.rpartition("::")[2], line))


@pytest.hookimpl(trylast=True)  # its own terminal is there by then
def pytest_configure(config):
    config.pluginmanager.register(Told(config.pluginmanager.getplugin("terminalreporter")))
