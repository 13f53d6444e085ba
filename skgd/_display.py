"""What ``verbose`` prints."""

import shutil
import sys
import time

from ._run import Run
from ._training import Watcher

PATIENCE = 2.0
"""Seconds before ``verbose=1`` shows a fit under way."""

_INTERVALS = {True: 0.2, False: 10.0}
"""Seconds between two states shown: in a terminal, and elsewhere."""


def print_pass(progress, loss, score) -> None:
    """Print the line of a call of ``partial_fit``; the score is None without one."""
    scores = _values(loss, [] if score is None else [score])
    print(f"epoch {progress.epoch}: step {progress.t}, {scores}")


def _values(loss, validation_curve):
    line = f"loss {loss:.6g}"
    if validation_curve:
        line += f", validation score {validation_curve[-1]:.6g}"
    return line


class Display(Watcher):
    """Lines about a fit: none, about a long one, or about every epoch.

    To be used in a ``with`` statement, which ends a line that is being rewritten.

    Parameters
    ----------
    verbose : int
        0 prints nothing. 1 shows a fit that lasts, in a terminal on one line that is
        rewritten, and says how it ended. 2 prints a line for each epoch.
    max_iter : int
    stream : file, default=sys.stdout
    clock : callable, default=time.monotonic
    """

    def __init__(self, verbose, max_iter, stream=None, clock=time.monotonic):
        self._verbose, self._max_iter = verbose, max_iter
        self._stream, self._clock = stream or sys.stdout, clock
        self._start = clock()
        self._due = self._start + PATIENCE
        self._n_before = None
        self._width = 0

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self._width:
            self._write("\n")

    def epoch_begins(self, run: Run) -> None:
        """Count the epochs of this call from here: there may be earlier ones."""
        if self._n_before is None or run.n_epochs < self._n_before:
            self._n_before = run.n_epochs

    def epoch_ends(self, run: Run) -> None:
        """Print what is due."""
        if not self._verbose:
            return
        if self._verbose > 1:
            self._write(self._state(run) + "\n")
        elif (now := self._clock()) >= self._due:
            is_terminal = self._stream.isatty()
            self._due = now + _INTERVALS[is_terminal]
            state = f"{self._state(run)}, {self._times(run, now)}"
            if is_terminal:
                self._rewrite(state)
            else:
                self._write(state + "\n")

    def end(self, run: Run) -> None:
        """Say why training ended."""
        if not self._verbose:
            return
        history = run.history
        text = (
            f"ended after epoch {run.n_epochs}/{self._max_iter}, "
            f"{duration(self._clock() - self._start)}: {run.stop_reason}, "
            f"{_values(history.loss_curve[-1], history.validation_curve)}"
        )
        self._rewrite(text) if self._width else self._write(text)
        self._write("\n")
        self._width = 0

    def _state(self, run):
        history = run.history
        return (
            f"epoch {run.n_epochs}/{self._max_iter}: step {run.progress.t}, "
            f"{_values(history.loss_curve[-1], history.validation_curve)}, "
            f"rate {history.learning_rate_curve[-1]:.3g}"
        )

    def _times(self, run, now):
        elapsed = now - self._start
        per_epoch = elapsed / (run.n_epochs - self._n_before)
        left = per_epoch * (self._max_iter - run.n_epochs)
        return f"{duration(elapsed)}, at most {duration(left)} to go"

    def _rewrite(self, text):
        """Write over the line; what is longer than the terminal is wide is cut."""
        text = text[: shutil.get_terminal_size().columns - 1]
        self._write("\r" + text.ljust(self._width))
        self._width = len(text)

    def _write(self, text):
        self._stream.write(text)
        self._stream.flush()


def duration(seconds) -> str:
    """Return a time in words.

    >>> duration(1.25), duration(75), duration(7500)
    ('1.2 s', '1 min 15 s', '2 h 5 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"
