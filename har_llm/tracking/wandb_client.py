"""Uses W&B's client; the only module that imports wandb. Only the tracker's own process uses it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from har_llm.common.digest import digest
from har_llm.common.provenance import recorded
from har_llm.config.tracker import OFFLINE_MODES, WandbTracker
from har_llm.distill.training_messages import TrainingStep
from har_llm.tracking.content import Content, RunContent
from har_llm.tracking.live import GeneratingStep, LiveContent
from har_llm.tracking.outcomes import Offline, Online
from har_llm.tracking.secrets import file_without_secrets, without_secrets
from har_llm.tracking.tables import Rows

KEPT_VARIABLES = re.compile(
    r"WANDB_(API_KEY|BASE_URL|ENTITY|CONFIG_DIR|IDENTITY_TOKEN_FILE|CREDENTIALS_FILE|CACHE_DIR|MODE|INSECURE_DISABLE_SSL"
    r"|HTTP_TIMEOUT|X_EXTRA_HTTP_HEADERS|ERROR_REPORTING|SWEEP_ID)"
)
"""The variables that stay set. Others are settings of tracker=wandb (WANDB_RUN_ID), or for a single run (WANDB_NOTES)."""
CONFUSION_CHART = "wandb/confusion_matrix/v1"
TROUBLE = re.compile(r"giving up|fatal|failed|returned error|unexpected HTTP status|denied|unauthorized", re.I)
LONGEST_NAME = 128
"""Most characters of a name in W&B."""
RETRIES = 3
LONGEST_PAUSE_S = 4.0


class NotPublished(Exception):
    """Something was not published to W&B; the message says why, in one sentence."""


def prepare_environment(folder: Path) -> None:
    """Set the environment before wandb is imported: all files in `folder`, no settings of another run, no crash reports."""
    for name in [name for name in os.environ if name.startswith("WANDB_") and not KEPT_VARIABLES.fullmatch(name)]:
        del os.environ[name]
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    os.environ.setdefault("WANDB_CACHE_DIR", str(folder / "cache"))
    os.environ |= {"WANDB_DATA_DIR": str(folder / "staging"), "WANDB_SILENT": "true"}


def warm_up() -> None:
    """Import what publishing needs, while the models are working."""
    import wandb
    import wandb.plot

    wandb.setup()
    wandb.Table(columns=["a"], data=[["b"]])
    wandb.Artifact("a", "b")


class Live(NamedTuple):
    """An open W&B run with curves."""

    run: Any
    content: LiveContent


class Client:
    """Writes W&B runs, online or offline, one at a time."""

    def __init__(self, tracker: WandbTracker, folder: Path):
        self._tracker, self._folder = tracker, folder
        self._mode, self._asked_mode = "", os.environ.pop("WANDB_MODE", "")
        self._sweep = os.environ.pop("WANDB_SWEEP_ID", None)
        """The W&B sweep to which the run belongs that its agent has given an id."""

    @property
    def mode(self) -> str:
        """online or offline; decided on first use."""
        self._mode = self._mode or self._decide()
        return self._mode

    def _decide(self) -> str:
        if self._tracker.mode != "auto":
            return self._tracker.mode
        if self._asked_mode in OFFLINE_MODES:
            return "offline"
        if self._asked_mode == "disabled":
            raise NotPublished("WANDB_MODE is disabled in the environment")
        return "online" if logged_in() else "offline"

    def publish(self, content: RunContent) -> Online | Offline:
        """Publish a whole run. Raises NotPublished."""
        import wandb

        run = self._open(content)
        with _filling(run):
            tables = {name: _table(wandb, rows) for name, rows in content.tables.items()}
            chart = wandb.plot_table(
                vega_spec_name=CONFUSION_CHART,
                data_table=_table(wandb, content.confusion),
                fields={column: column for column in content.confusion[0]},
                string_fields={"title": f"Confusion matrix ({content.notes})" if content.notes else "Confusion matrix"},
            )
            run.log({**tables, "confusion": chart})
            run.summary.update(dict(content.summary))
            if self._tracker.artifacts:
                if content.adapter is not None:
                    _use(run, _adapter(wandb, content.adapter))
                about = {"run": content.name, "notes": content.notes}
                for kind, files in content.files.items():
                    run.log_artifact(_with_files(_artifact(wandb, f"{kind}-{content.id}", kind, about), files))
        return self._finish(run)

    def begin(self, live: LiveContent) -> Live:
        """Open a W&B run with curves, and log the steps so far. Raises NotPublished."""
        run = self._open(live)
        opened = Live(run, live)
        with _filling(run):
            run.define_metric(live.axis)
            for name in live.curves:
                run.define_metric(name, step_metric=live.axis)
            for step in live.steps:
                self.log_step(opened, step)
            run.summary.update(dict(live.summary))
        return opened

    def log_step(self, live: Live, step: TrainingStep | GeneratingStep) -> None:
        """Log what is known of a step. Raises NotPublished, and then closes the run."""
        values = {name: value for name in live.content.curves if (value := getattr(step, name)) is not None}
        with _filling(live.run):
            live.run.log({live.content.axis: step.number, **values})

    def end_training(self, live: Live, folder: Path, training: LiveContent, teacher: Sequence[Any]) -> Online | Offline:
        """Close a training's run, with what it was made of, the teacher's generations, and its adapter. Raises
        NotPublished."""
        import wandb

        with _filling(live.run):
            live.run.config.update(dict(training.config), allow_val_change=True)
            live.run.summary.update(dict(training.summary))
            if self._tracker.artifacts:
                if teacher:
                    _use(live.run, _teacher(wandb, teacher))
                live.run.log_artifact(_adapter(wandb, folder))
        return self.end(live)

    def end(self, live: Live, exit_code: int = 0) -> Online | Offline:
        """Close a run with curves. Raises NotPublished."""
        return self._finish(live.run, exit_code)

    def _open(self, content: Content) -> Any:
        import wandb

        with _translated():
            return wandb.init(
                project=self._tracker.project,
                entity=self._tracker.entity,
                id=content.id,
                name=content.name[:LONGEST_NAME],
                group=content.group[:LONGEST_NAME],
                job_type=content.job_type,
                tags=list(content.tags),
                notes=content.notes or None,
                config=dict(content.config),
                settings=self._settings(wandb, self._sweep if content.id == self._tracker.run_id else None),
            )

    def _settings(self, wandb: Any, sweep: str | None) -> Any:
        """Settings that collect only what we log: no console, code, git state, machine, packages or statistics."""
        channels = ("graphql", "file_stream", "file_transfer")
        retries: dict[str, Any] = {f"x_{channel}_retry_max": RETRIES for channel in channels}
        retries |= {f"x_{channel}_retry_wait_max_seconds": LONGEST_PAUSE_S for channel in channels}
        return wandb.Settings(
            mode=self.mode,
            sweep_id=sweep,
            root_dir=str(self._folder.parent),  # wandb adds the folder "wandb"
            silent=True,
            console="off",
            host="",
            program="har_llm",
            disable_git=True,
            disable_code=True,
            disable_job_creation=True,
            save_code=False,
            x_disable_meta=True,
            x_disable_stats=True,
            x_disable_machine_info=True,
            x_save_requirements=False,
            init_timeout=self._tracker.init_timeout,
            finish_timeout=self._tracker.finish_timeout,
            finish_timeout_raises=True,
            **retries,
        )

    def _finish(self, run: Any, exit_code: int = 0) -> Online | Offline:
        """Finish a run. Raises NotPublished, also for failures that the client only writes into its log."""
        folder, url = Path(run.settings.sync_dir), run.url
        with _translated():
            run.finish(exit_code)
        if self.mode == "offline":
            return Offline(folder.name)
        if trouble := _logged_trouble(folder):
            raise NotPublished(trouble)
        return Online(str(url))


def _adapter(wandb: Any, folder: Path) -> Any:
    """The artifact of an adapter: the same wherever it is made, as W&B knows it by its files."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return _with_files(_artifact(wandb, f"adapter-{folder.name}", "model", {"notes": recorded(folder).label}), files)


def _teacher(wandb: Any, generations: Sequence[Any]) -> Any:
    """The artifact of a teacher's generations, by their keys."""
    keys = digest([one["key"] for one in generations])
    artifact = _artifact(wandb, f"teacher-{keys[:16]}", "generations", {"generations": len(generations)})
    with artifact.new_file("generations.jsonl", encoding="utf-8") as stream:
        stream.writelines(f"{json.dumps(one)}\n" for one in generations)
    return artifact


def _artifact(wandb: Any, name: str, kind: str, about: Mapping[str, Any]) -> Any:
    return wandb.Artifact(re.sub(r"[^\w.-]", "-", name, flags=re.ASCII)[:LONGEST_NAME], kind, metadata=dict(about))


def _with_files(artifact: Any, files: Sequence[Path]) -> Any:
    for file in files:
        if (clean := file_without_secrets(file)) is None:
            # Not copied, because files in a run directory or an adapter's folder never change.
            artifact.add_file(str(file.resolve()), name=file.name, policy="immutable")
        else:
            with artifact.new_file(file.name, encoding="utf-8") as stream:
                stream.writelines(clean)
    return artifact


def _use(run: Any, artifact: Any) -> None:
    """Say that a run was made of an artifact, which need not be logged yet.

    As `run.use_artifact` does, which refuses to write the same record when there is no server: `wandb sync` sends it later.
    """
    run._log_artifact(artifact, is_user_created=True, use_after_commit=True)


def _table(wandb: Any, rows: Rows) -> Any:
    """A W&B table of plain strings and numbers: W&B shows a string as it is, never as HTML."""
    return wandb.Table(columns=list(rows[0]), data=[list(row.values()) for row in rows], allow_mixed_types=True)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn errors of the client, which come from many libraries, into NotPublished."""
    try:
        yield
    except NotPublished:
        raise
    except Exception as error:
        raise NotPublished(reason(error)) from error


@contextmanager
def _filling(run: Any) -> Iterator[None]:
    """Close the run if the block fails, so that the next run does not continue it."""
    try:
        with _translated():
            yield
    except NotPublished:
        with suppress(Exception):
            run.finish(1)
        raise


def reason(error: Exception) -> str:
    """The line of an error that says what went wrong, without secrets."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    last = next((line for line in lines[1:] if line.startswith("while retrying: ")), "")
    text = lines[0] + (f" ({last.removeprefix('while retrying: ')})" if last else "")
    return str(without_secrets(text))[:300].rstrip(".")


def _logged_trouble(folder: Path) -> str:
    """What the client has logged about data that did not arrive; empty if all arrived."""
    with suppress(OSError):
        for line in (folder / "logs" / "debug-internal.log").read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError, AttributeError):
                entry = json.loads(line)
                if str(entry.get("level", "")).startswith("ERROR") and TROUBLE.search(str(entry.get("msg"))):
                    return reason(Exception(entry["msg"]))
    return ""


def logged_in() -> bool:
    """Whether the client finds an API key; whether the key is valid is not checked."""
    import wandb

    with _translated():
        return bool(wandb.login(prompt=False, verify=False))
