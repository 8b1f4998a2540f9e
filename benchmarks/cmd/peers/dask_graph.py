"""Runs a graph with Dask's threaded scheduler, and prints what it took.

Reads a job from standard input and writes a JSON object to standard output; see
protocol.go.
"""

import json
import sys
import time


def main():
    job = json.load(sys.stdin)
    try:
        import dask
        from dask.threaded import get
    except ImportError as e:
        print(json.dumps({"missing": str(e)}))
        return

    def task(number):
        return lambda *values: (1 + number + sum(values)) % job["modulus"]

    began = time.perf_counter_ns()
    graph = {}
    try:  # the form of a task since 2024.12
        from dask._task_spec import Task, TaskRef

        for i, deps in enumerate(job["deps"]):
            graph[f"n{i}"] = Task(f"n{i}", task(i), *(TaskRef(f"n{d}") for d in deps))
    except ImportError:
        for i, deps in enumerate(job["deps"]):
            graph[f"n{i}"] = (task(i), *(f"n{d}" for d in deps))
    build = time.perf_counter_ns() - began

    sinks = [f"n{i}" for i in job["sinks"]]
    runs = []
    for _ in range(job["rounds"] + 1):
        began = time.perf_counter_ns()
        values = get(graph, sinks, num_workers=job["procs"])
        runs.append(time.perf_counter_ns() - began)
    print(
        json.dumps(
            {
                "version": dask.__version__,
                "build": build,
                "runs": runs[1:],  # the first one warms up
                "sum": sum(values) % job["modulus"],
            }
        )
    )


main()
