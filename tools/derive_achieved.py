#!/usr/bin/env python3
"""Derives catalog/devices/achieved.csv: the share of its data sheet that a device's kernels reach.

    tools/derive_achieved.py SHARED > catalog/devices/achieved.csv

SHARED holds measurements/{operators,deepbench,edge_cnn,edge_cnn_models}.csv and traces/. The
selection of rows and the formulas are described in catalog/devices/README.md; change both together.
Every value is a median over rows; the spread is half their interquartile range over the median. Rows of a
family or a kind are medians over the devices that were measured, so that one device with many rows
does not outweigh the others.
"""
import collections
import csv
import glob
import gzip
import json
import os
import re
import statistics
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "catalog", "devices")
DATE = "2026-11-24"
BYTES = {"fp16": 2, "bf16": 2, "fp8": 1, "nvfp4": 0.5625}
FORMATS = {"fp16": "fp16", "bf16": "bf16", "bfloat16": "bf16", "16-bit (v0 profiler)": "bf16",
           "fp8": "fp8", "fp8_block": "fp8", "nvfp4": "nvfp4"}
MIN_ROWS = 3  # fewer rows than this say nothing about a device
# Achieved bf16 matmul rates in TFLOP/s over nominal, as published by stas00/ml-engineering@744d01e1
# (maximum achievable matmul), for devices without GEMM rows.
PUBLISHED_MATMUL = {"amd-mi300x": (668, 1307), "amd-mi325x": (785, 1307),
                    "intel-gaudi2": (419, 432), "intel-gaudi3": (1243, 1677)}


def first(cell):
    """The preferred figure of `a`, `a|b` or `a~b` (geometric middle), or None."""
    if not cell:
        return None
    if "~" in cell:
        low, high = map(float, cell.split("~"))
        return (low * high) ** 0.5
    return float(cell.split("|")[0])


def read_devices():
    devices = {}
    for path in sorted(glob.glob(os.path.join(ROOT, "*.csv"))):
        if os.path.basename(path) in ("achieved.csv", "aliases.csv"):
            continue
        for row in csv.DictReader(open(path, encoding="utf-8")):
            devices[row["id"]] = row
    return devices


def peak(device, fmt):
    """FLOP/s. FP32 accumulation runs at the bf16 rate where data sheets print fp16 faster."""
    if fmt == "fp16" and device.get("bf16 [TFLOP/s]"):
        fmt = "bf16"
    value = first(device.get(f"{fmt} [TFLOP/s]")) or first(device.get("fp16 [TFLOP/s]"))
    return value * 1e12 if value else None


def bandwidth(device):
    value = first(device.get("bandwidth [GB/s]"))
    return value * 1e9 if value else None


def cache_bytes(device):
    return max(first(device.get(c)) or 0 for c in ("llc [MB]", "l2 [MB]")) * 1e6 or 50e6


def number(row, key):
    return float(row[key]) if row.get(key) else 0.0


def floors(rows):
    """Launch floor of a device in a captured graph: 10th percentile of its smallest operators."""
    small = collections.defaultdict(list)
    for row in rows:
        if row["op"] in ("silu_mul", "rope", "add", "layernorm") and number(row, "m") <= 16 \
                and "published Gelements" not in row["notes"]:
            small[row["device"]].append(float(row["time_us"]) * 1e-6)
    return {d: sorted(t)[len(t) // 10] for d, t in small.items() if len(t) >= MIN_ROWS}, small


def gemm_sample(row, device, launch):
    fmt = FORMATS.get(row["dtype"])
    top, rate = peak(device, fmt) if fmt else None, bandwidth(device)
    if not top or not rate:
        return None
    m, n, k, time = number(row, "m"), number(row, "n"), number(row, "k"), float(row["time_us"]) * 1e-6
    work, size = 2 * m * n * k, (m * k + n * k) * BYTES[fmt] + 2 * m * n
    if work / top >= max(10 * launch, 2 * size / rate) and min(m, n, k) >= 1024:
        narrow = {"fp8": "matmul:fp8", "nvfp4": "matmul:fp4"}
        return narrow.get(fmt, "matmul"), work / top / (time - launch)
    if m <= 32 and n * k * BYTES[fmt] >= 2 * cache_bytes(device) and size / rate >= 5 * launch:
        return "memory", size / rate / (time - launch)
    return None


def streamed_bytes(row):
    if "published Gelements" in row["notes"]:
        return 0  # unfused kernels of an eager framework: not what streams well
    m, n = number(row, "m"), number(row, "n")
    per_element = {"silu_mul": 6, "add": 6, "layernorm": 4, "softmax": 4, "gelu": 4}
    return per_element.get(row["op"], 0) * m * (n if row["op"] != "gelu" else 1)


def stream_sample(row, device, launch):
    rate, size, time = bandwidth(device), streamed_bytes(row), float(row["time_us"]) * 1e-6
    if not rate or size < 4 * cache_bytes(device) or size / rate < 5 * launch:
        return None
    return "memory", size / rate / (time - launch)


def attention_sample(row, device, launch):
    fmt = FORMATS.get(row["dtype"])
    top, time = peak(device, fmt) if fmt else None, float(row["time_us"]) * 1e-6
    batch, seq, heads, width = (number(row, c) for c in ("batch", "seq", "heads", "head_dim"))
    work = 2 * batch * heads * seq * seq * width  # causal: half of 4 b h s^2 d
    if not top or work / top < 10 * launch or seq < 1024:
        return None
    return "attention", work / top / (time - launch)


def operator_samples(rows, devices, launch):
    samples = collections.defaultdict(list)
    pick = {"gemm": gemm_sample, "attention_prefill": attention_sample}
    for row in rows:
        device = devices.get(row["device"])
        if device is None or row.get("n_devices") != "1" or "cache-resident" in row["notes"]:
            continue
        found = pick.get(row["op"], stream_sample)(row, device, launch.get(row["device"], 3e-6))
        if found and 0 < found[1] <= 1:  # above 1: not from memory, or another format
            samples[row["device"], found[0]].append(found[1])
    return samples


DEEPBENCH = {"Float": ("fp32", "matmul"), "GEMM, Conv: Int8 multiplication, 32 bit accumulation":
             ("int8", "matmul:int8"), "16 bit inputs, 16 bit multiplication, 32 bit addition":
             ("fp16", "matmul"), "16 bit inputs, 32 bit multiplication, 32 bit addition":
             ("fp32", "matmul")}


def deepbench_samples(shared, devices):
    samples = collections.defaultdict(list)
    for row in csv.DictReader(open(f"{shared}/measurements/deepbench.csv", encoding="utf-8")):
        fmt, parameter = DEEPBENCH.get(row["precision"], ("", ""))
        device = devices.get(row["device"], {})
        unit = "TOP/s" if fmt == "int8" else "TFLOP/s"
        top = first(device.get(f"{fmt} [{unit}]"))
        if row["op"] != "gemm" or not top or device["kind"] != "gpu" or "sparse" in row["trans"]:
            continue
        m, n, k, time = number(row, "m"), number(row, "n"), number(row, "k"), float(row["time_ms"]) * 1e-3
        share = 2 * m * n * k / (top * 1e12) / time
        if min(m, n, k) >= 1024 and 2 * m * n * k / (top * 1e12) >= 100e-6 and 0 < share <= 1:
            samples[row["device"], parameter].append(share)
    return samples


MOBILE = ("mali", "adreno", "powervr", "apple", "intel-gen")


def cnn_samples(shared, devices):
    """CPUs, phone chips and their GPUs: networks of wide convolutions, best thread setting."""
    macs = {r["model"]: float(r["macs"]) for r in
            csv.DictReader(open(f"{shared}/measurements/edge_cnn_models.csv")) if r["macs"]}
    best = {}
    for row in csv.DictReader(open(f"{shared}/measurements/edge_cnn.csv")):
        device = devices.get(row["device"], {"kind": ""})
        fits = device["kind"] in ("cpu", "soc") or device.get("family") in MOBILE
        if fits and row["model"] in ("resnet18", "resnet50", "alexnet", "googlenet"):
            key = row["device"], row["model"]
            best[key] = min(best.get(key, 1e9), float(row["min_ms"]) * 1e-3)
    samples = collections.defaultdict(list)
    for (device, model), time in best.items():
        top = first(devices[device].get("fp32 [TFLOP/s]"))
        share = 2 * macs.get(model, 0) / time / (top * 1e12) if top else 0
        if 0 < share <= 1:
            samples[device, "matmul"].append(share)
    return samples


TRACE_DEVICES = {"NVIDIA H100 80GB HBM3": "nvidia-h100-sxm-80gb", "NVIDIA B200": "nvidia-b200-sxm",
                 "NVIDIA A100-PG509-200": "nvidia-a100-sxm-40gb", "AMD Instinct MI300X": "amd-mi300x",
                 "AMD Instinct MI300X VF": "amd-mi300x", "AMD Instinct MI210": "amd-mi210",
                 "Tesla V100-SXM2-32GB": "nvidia-v100-sxm-32gb",
                 "Tesla V100-SXM2-16GB": "nvidia-v100-sxm-16gb",
                 "Tesla V100-DGXS-32GB": "nvidia-v100-dgxs-32gb",
                 "NVIDIA GeForce RTX 2080 Ti": "nvidia-rtx-2080-ti", "Quadro GP100": "nvidia-quadro-gp100"}


def launch_samples(shared):
    """Median duration of the host's launch call, one value a trace."""
    samples = collections.defaultdict(list)
    for path in sorted(glob.glob(f"{shared}/traces/*.json.gz")):
        if os.path.getsize(path) > 12e6 or "cupti_profiler" in path:
            continue  # counters serialise the kernels of the second
        trace = json.load(gzip.open(path))
        if not isinstance(trace, dict):
            continue
        device = TRACE_DEVICES.get(str((trace.get("deviceProperties") or [{}])[0].get("name")))
        calls = [float(e["dur"]) * 1e-6 for e in trace["traceEvents"]
                 if e.get("ph") == "X" and re.search("Launch(Cooperative)?Kernel", str(e.get("name")))]
        if device and len(calls) >= 50:
            samples[device, "launch"].append(statistics.median(calls))
    return samples


def spread(values):
    if len(values) < 2:
        return 0.3
    quartile = statistics.quantiles(values, n=4, method="inclusive")
    return max((quartile[2] - quartile[0]) / 2 / statistics.median(values), 0.02)


def is_edge(device):
    return device["kind"] in ("cpu", "soc") or device.get("family") in MOBILE


def write(out, scope, parameter, values, source, method):
    value = statistics.median(values)
    text = f"{value * 1e6:.2f} us" if parameter.endswith("launch") else f"{value:.3f}"
    out.writerow([scope, parameter, text, f"{spread(values):.2f}", len(values), source, method, DATE])


def report(samples, devices, sources):
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["scope", "parameter", "value", "spread", "rows", "source", "method", "date"])
    groups = collections.defaultdict(list)
    for (device, parameter), values in sorted(samples.items()):
        if len(values) < MIN_ROWS and parameter != "launch" and device not in PUBLISHED_MATMUL:
            continue
        source, method = sources[parameter, is_edge(devices[device])]
        if device in PUBLISHED_MATMUL and parameter == "matmul":
            source, method = "stas00/ml-engineering@744d01e1", "published achieved over nominal rate"
        write(out, device, parameter, values, source, method)
        row = devices[device]
        mobile = row.get("family") in MOBILE
        for scope in {f"family:{row['family']}" if row.get("family") else "",
                      "" if mobile else f"kind:{row['kind']}"} - {""}:
            groups[scope, parameter].append(statistics.median(values))
    for (scope, parameter), values in sorted(groups.items()):
        write(out, scope, parameter, values, "devices of the group above", "median over devices")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    shared = sys.argv[1]
    devices = read_devices()
    rows = list(csv.DictReader(open(f"{shared}/measurements/operators.csv", encoding="utf-8")))
    launch, small = floors(rows)
    samples = operator_samples(rows, devices, launch)
    for more in (cnn_samples, deepbench_samples):
        for key, values in more(shared, devices).items():
            samples[key] += values
    for key, values in launch_samples(shared).items():
        samples[key] += values
    for device, share in PUBLISHED_MATMUL.items():
        samples[device, "matmul"] = [share[0] / share[1]]
    for device, times in small.items():
        if device in launch:
            tenth = sorted(times)[:max(len(times) // 5, 2)]
            samples[device, "graph_launch"] += tenth if len(tenth) >= MIN_ROWS else [launch[device]] * MIN_ROWS
    operators = "measurements/operators.csv"
    sources = {(p, False): (operators, m) for p, m in
               (("matmul", "large GEMMs"), ("memory", "streaming operators and few-row GEMMs"),
                ("attention", "causal prefill"), ("graph_launch", "fastest fifth of the smallest operators"))}
    sources |= {(p, False): (operators + ", deepbench.csv", m) for p, m in
                (("matmul", "large GEMMs, 16 and 32 bit"), ("matmul:fp8", "large GEMMs, 8-bit float"),
                 ("matmul:fp4", "large GEMMs, NVFP4"), ("matmul:int8", "large GEMMs, int8"))}
    sources |= {("matmul", True): ("Tencent/ncnn@a4d2ea1d", "ResNet, AlexNet, GoogLeNet, best threads"),
                ("launch", False): ("traces/", "median launch call, one value a trace")}
    report(samples, devices, sources)


if __name__ == "__main__":
    main()
