"""What processes measure is added up, and no counter falls when one of them is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from service.measures import REQUEST_BUCKETS, Measures, clear, folder

COUNTING = """
import sys, time
from pathlib import Path
from service.measures import Measures
measures = Measures(Path(sys.argv[1]), sys.argv[2])
measures.cell("/livez", "GET", 200).add(0.002)
measures.predicted("fitd", 7, 0.5)
measures.attempts.labels("training", "succeeded").inc()
measures.flush()
print("ready", flush=True)
time.sleep(60)
"""
SHOWING = """
import sys
from pathlib import Path
from service.measures import Measures
sys.stdout.write(Measures(Path(sys.argv[1]), "shows").shown("")[0].decode())
"""


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def count_and_die(directory: Path, place: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", COUNTING, str(directory), place], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def test_counters_outlast_the_processes_that_are_killed_and_files_stay_few(tmp_path: Path) -> None:
    directory = folder(tmp_path)
    seen = []
    for _ in range(3):
        for place in ("api-1", "api-2"):
            count_and_die(directory, place)
            shown = subprocess.run(
                [sys.executable, "-c", SHOWING, str(directory)], capture_output=True, check=True, text=True
            )
            found = samples(shown.stdout)
            labels = (("method", "GET"), ("route", "/livez"), ("status", "200"))
            seen.append(found["fitd_http_request_duration_seconds_count", labels])
            assert found["fitd_prediction_rows_total", (("protocol", "fitd"),)] == 7 * seen[-1]
    assert seen == [1, 2, 3, 4, 5, 6]
    assert len(list(directory.iterdir())) == 6  # counters and histograms of two places and of the one that shows
    clear(tmp_path)
    assert not directory.exists()


def test_durations_fall_into_the_buckets_of_prometheus() -> None:
    measures = Measures()
    cell = measures.cell("/v1/models/{name}:predict", "POST", 200)
    for seconds in (0.0005, 0.0006, 100.0):
        cell.add(seconds)
    labels = (("method", "POST"), ("route", "/v1/models/{name}:predict"), ("status", "200"))
    for _ in range(2):  # what is shown once is not counted again
        found = samples(measures.shown("")[0].decode())
        buckets = {
            dict(key[1])["le"]: value
            for key, value in found.items()
            if key[0] == "fitd_http_request_duration_seconds_bucket"
        }
        assert (buckets["0.0005"], buckets["0.001"], buckets["60.0"], buckets["+Inf"]) == (1, 2, 2, 3)
        assert found["fitd_http_request_duration_seconds_count", labels] == 3
    assert len(buckets) == len(REQUEST_BUCKETS) + 1
