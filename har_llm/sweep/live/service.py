"""Watches a home: one thread accepts what its sensors report, this one asks the model about each window that closes."""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType

from har_llm.common.errors import EngineError, first_line
from har_llm.common.lock import HeldError, Lock
from har_llm.common.numbers import counted
from har_llm.common.paths import expanded
from har_llm.config.experiment import Experiment
from har_llm.data.datasets.own.times import Instant
from har_llm.data.live.hearing import Hearing
from har_llm.data.live.home import live_home
from har_llm.data.live.mqtt import WatchedMqtt
from har_llm.data.live.told_once import ToldOnce
from har_llm.data.live.windows import LiveWindows, check_windows
from har_llm.runs.prepare import prepare_live
from har_llm.sweep.generate import check_writable
from har_llm.sweep.live.answering import Answered, Answerer
from har_llm.sweep.live.kept import Kept, Waiting
from har_llm.sweep.live.mqtt_results import MqttResults
from har_llm.sweep.live.results import Listener, OutputFile, WatchedWindow, answered, without_answer

QUEUE_FULL = "given up: more windows waited than watch.queue"
FAILED = "given up: the model failed three times"
TOO_SHORT = "in no window (window.min_events)"
TRIES = 3
"""How often a window is asked of a model that fails on it."""
WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
"""Seconds before an engine is started again, at first and at most."""
ROOM_S = 0.05
"""Seconds between two looks whether windows have left."""
OUTPUT = "watch.jsonl"


def live_folder(experiment: Experiment) -> Path:
    """The folder in which a watched home is kept: watch.jsonl, and the journal of what is not in it yet."""
    return expanded(experiment.settings.paths.outputs) / "live" / experiment.dataset.name


def watch(
    experiment: Experiment, listeners: Sequence[Listener], stop: threading.Event, ended_by: Sequence[int] = ()
) -> None:
    """Watch a home until `stop` is set, or a signal of `ended_by` comes. All that was accepted and not answered is kept.

    `stop` is set when this returns.

    Raises HarError for what does not mend itself.
    """
    service = Service(experiment, listeners, stop)
    for one in ended_by:
        if signal.getsignal(one) is not signal.SIG_IGN:  # as of a job in the background
            signal.signal(one, lambda *_: service.end())
    with suppress(KeyboardInterrupt), service:
        service.run()


class Service:
    """What was accepted is answered once, also over the kills of several processes."""

    def __init__(self, experiment: Experiment, listeners: Sequence[Listener], stop: threading.Event):
        self._settings, self._listeners, self._stop = experiment.watch, [*listeners], stop
        self._names = experiment.dataset.name, experiment.model.name
        self._stack = ExitStack()
        self._speaking = threading.RLock()
        """So that listeners are told one thing at a time, and the output has whole windows."""
        self._heard: deque[str] = deque()
        """Sentences about what was accepted last, which are said when it is on disk."""
        self._contact, self._failed = threading.Event(), list[BaseException]()
        self._asking = False
        self._in_time = self._answered = self._given_up = 0
        try:
            self._open(experiment)
        except BaseException:
            self._stack.close()
            raise

    def _open(self, experiment: Experiment) -> None:
        """Raises HarError for what is wrong and known before a model is loaded."""
        check_windows(experiment.window)
        home = live_home(experiment.dataset)
        live = prepare_live(experiment, home.dataset.build_home())
        self._activities = live.run.recordings.home.activities
        check_writable(live.run.outputs)
        folder = live_folder(experiment)
        self._lock(folder)
        self._times, self._once = home.dataset.times(), ToldOnce(self._say)
        self._hearing = Hearing(home, self._settings.most_per_minute, ToldOnce(self._heard.append))
        self._waits = self._settings.when_full == "wait"
        self._windows = LiveWindows(home.dataset.cut, experiment.window, self._settings.quiet_s)
        self._output = OutputFile(folder / OUTPUT)
        queue = None if self._waits else self._settings.queue
        self._kept = Kept(folder, self._hearing, self._windows, queue, self._output.size, self._settings.name)
        self._stack.callback(self._kept.close)
        self._output.cut(self._kept.written)
        self._answerer = Answerer(live, home)
        self._stack.callback(self._answerer.close)
        self._source = self._settings.open(home, self._kept.place, self._say)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._stack.callback(self._end_listening)

    def _lock(self, folder: Path) -> None:
        """Raises HeldError while another process watches this home."""
        try:
            self._stack.enter_context(Lock(folder / "lock").held())
        except HeldError as error:
            rule = "End it first, or set dataset.name to a name of its own, under which this one is kept beside it"
            raise HeldError(f"Another task=watch watches {folder.name} already: {error}. {rule}.") from None

    def run(self) -> None:
        """Raises HarError, KeyboardInterrupt."""
        self._thread.start()
        while not self._contact.wait(0.2) and not self._stop.is_set():
            pass
        self._check()
        self._say("Loading the model.")
        with self._asked():
            self._answerer.ready()
        self._publish()
        waiting = f"; {counted(self._kept.waiting, 'window')} wait already" if self._kept.waiting else ""
        self._say(f"Watching{waiting}; events and their activities are written to {self._output.path}.")
        while not self._stop.is_set():
            self._check()
            one = self._kept.next(timeout=0.5)
            if one is not None:
                self._answer(one)

    def _publish(self) -> None:
        """The sensor is there as soon as windows can be answered, and no sooner."""
        settings = self._settings
        if isinstance(settings, WatchedMqtt) and settings.publish:
            with self._speaking:
                self._listeners.append(MqttResults(settings, *self._names, self._say))

    def end(self) -> None:
        """End as soon as what is being written is complete, without waiting for the model; for a handler of signals."""
        self._stop.set()
        if self._asking:
            raise KeyboardInterrupt

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """The model is asked meanwhile, which may be interrupted."""
        self._asking = True
        try:
            yield
        finally:
            self._asking = False

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End all that was started, and say what was done."""
        self._stop.set()
        try:
            self._stack.close()
            if error is None or self._kept.readings or self._answered or self._given_up:
                self._say(self._summary())
        finally:
            for listener in self._listeners:
                listener.close()

    def _summary(self) -> str:
        kept, answered = self._kept, counted(self._answered, "window")
        done = f"Watched: {counted(kept.readings, 'reading')}, {counted(kept.events, 'event')}, {answered} answered"
        late = f"{self._in_time} of them within {self._settings.delay_s:g} s"
        given_up = f", {counted(self._given_up, 'window')} given up" if self._given_up else ""
        unread = [(f"left out ({reason})", count) for reason, count in self._source.left_out.most_common()]
        counts = [*self._hearing.counts.most_common(), *unread]
        left = "; ".join(["", *(f"{count:,} {reason}" for reason, count in counts)])
        waiting = f"; left for the next start: {counted(kept.waiting, 'window')}" if kept.waiting else ""
        return f"{done} ({late}){given_up}{left}{waiting}."

    def _say(self, sentence: str) -> None:
        with self._speaking:
            for listener in self._listeners:
                listener.said(sentence)

    def _check(self) -> None:
        """Raise what the other thread has failed with."""
        if self._failed:
            raise self._failed[0]

    def _end_listening(self) -> None:
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._source.close()

    def _listen(self) -> None:
        """Accept what comes; in a thread of its own."""
        since, events = time.monotonic(), self._kept.events
        try:
            for batch in self._source.batches(self._stop):
                if batch is None:  # nobody knows what happens meanwhile
                    since = time.monotonic()
                else:
                    given_up = self._kept.accept(batch, self._now())
                    batch.accepted()
                    while self._heard:
                        self._say(self._heard.popleft())
                    if self._kept.events > events:
                        since, events = time.monotonic(), self._kept.events
                    elif time.monotonic() - since >= self._settings.quiet_s:
                        since = time.monotonic()
                        given_up += self._kept.quiet()
                    for one in given_up:
                        self._give_up(one, QUEUE_FULL)
                self._contact.set()
                while self._waits and self._kept.waiting >= self._settings.queue and not self._stop.is_set():
                    self._stop.wait(ROOM_S)
                    since = time.monotonic()  # what comes meanwhile is not known yet
        except BaseException as error:
            self._failed.append(error)
        finally:
            self._contact.set()

    def _now(self) -> Instant:
        try:
            return self._times.of_unix(time.time())
        except ValueError:  # a machine without a clock, that nobody has told the time yet
            return datetime.max, datetime.max

    def _answer(self, one: Waiting) -> None:
        """Ask the model about a window, as long as that may help. Nothing is written if `stop` is set meanwhile."""
        if self._windows.is_left_out(one.window):
            self._write(one, without_answer(one.window, TOO_SHORT, one.delay_s))
            return
        failures, wait = 0, WAIT_S
        while not self._stop.is_set():
            self._check()
            try:
                with self._asked():
                    self._answerer.ready()
            except EngineError as error:
                self._say(f"The model cannot be started ({first_line(error)}); the next try is in {wait:g} s.")
                self._stop.wait(wait)
                wait = min(2 * wait, LONGEST_WAIT_S)
                continue
            try:
                with self._asked():
                    said = self._answerer.answer(one.window)
            except EngineError as error:
                failures += 1
                self._say(f"Window {one.window.id} was not answered ({first_line(error)}); the model is started again.")
                if failures == TRIES:
                    self._give_up(one, FAILED)
                    return
                continue
            self._write_answer(one, said)
            return

    def _write_answer(self, one: Waiting, said: Answered) -> None:
        delay_s = one.delay_s
        self._answered += 1
        self._in_time += delay_s <= self._settings.delay_s
        self._write(one, answered(one.window, said, self._activities, delay_s))

    def _give_up(self, one: Waiting, cause: str) -> None:
        self._given_up += 1
        self._write(one, without_answer(one.window, cause, one.delay_s))
        self._once.once(cause, f"Window {one.window.id} is {cause}; its events are written with that cause.")

    def _write(self, one: Waiting, window: WatchedWindow) -> None:
        with self._speaking:
            self._kept.done(one, self._output.add(window))
            for listener in self._listeners:
                listener.written(window)
