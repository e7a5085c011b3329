"""A job is known to the command line before anything heavy is."""

from __future__ import annotations

import subprocess
import sys

from har_llm.sweep.job import Job
from tests.helpers import ROOT


def test_a_job_begins_with_nothing_but_its_title() -> None:
    job = Job("seed=1")
    assert (job.experiment, job.run, job.result, job.folder, job.error) == (None,) * 5
    assert not job.fresh and not job.reported


def test_it_imports_nothing_of_what_it_holds() -> None:
    code = (
        "import sys, har_llm.sweep.job\n"
        "print([name for name in sys.modules if name.startswith(('har_llm.', 'hydra', 'omega'))])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert shown.strip() == "['har_llm.sweep', 'har_llm.sweep.job']"
