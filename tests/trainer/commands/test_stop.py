"""Ctrl-C and SIGTERM during a training, and after it."""

import signal

import pytest

from gristmill.trainer.commands.training.stop import stopped_by_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop__a_signal_is_heard_while_it_trains(number):
    with stopped_by_signals() as stop:
        assert not stop()
        signal.raise_signal(number)
        assert stop()


def test_stop__a_second_ctrl_c_ends_at_once():
    with stopped_by_signals():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_stop__afterwards_ctrl_c_is_what_it_was():
    """A notebook goes on after a training, and so does another test."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(ValueError, match="on its way"), stopped_by_signals():
        raise ValueError("on its way")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
