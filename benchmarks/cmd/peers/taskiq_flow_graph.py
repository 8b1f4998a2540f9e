"""Runs a graph with Taskiq-Flow on its in-memory broker, and prints what it took.

Reads a job from standard input and writes a JSON object to standard output; see
protocol.go.
"""

import asyncio
import json
import logging
import sys
import time
from importlib.metadata import PackageNotFoundError, version


async def run(job, broker, DataflowPipeline, pipeline_task):
    def task(number):
        async def node(**values):
            return (1 + number + sum(values.values())) % job["modulus"]

        return node

    began = time.perf_counter_ns()
    tasks = []
    for i, deps in enumerate(job["deps"]):
        declared = pipeline_task(output=f"n{i}", inputs=[f"n{d}" for d in deps])(task(i))
        tasks.append(broker.task(task_name=f"n{i}")(declared))
    pipeline = DataflowPipeline.from_tasks(broker, tasks)
    build = time.perf_counter_ns() - began

    await broker.startup()
    runs = []
    for _ in range(job["rounds"] + 1):
        began = time.perf_counter_ns()
        values = await pipeline.kiq_dataflow()
        runs.append(time.perf_counter_ns() - began)
    await broker.shutdown()
    total = sum(values[f"n{i}"] for i in job["sinks"])
    return {"build": build, "runs": runs[1:], "sum": total % job["modulus"]}


def main():
    job = json.load(sys.stdin)
    try:
        from taskiq import InMemoryBroker
        from taskiq_flow import DataflowPipeline, pipeline_task
    except ImportError as e:
        print(json.dumps({"missing": str(e)}))
        return
    logging.disable(logging.CRITICAL)  # it logs every step of every task
    result = asyncio.run(run(job, InMemoryBroker(), DataflowPipeline, pipeline_task))
    try:
        result["version"] = version("taskiq-flow")
    except PackageNotFoundError:
        result["version"] = "of unknown version"
    print(json.dumps(result))


main()
