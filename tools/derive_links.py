#!/usr/bin/env python3
"""Prints what collectives reach of a link's data sheet: the fitted columns of catalog/links/links.csv.

    tools/derive_links.py SHARED

SHARED holds measurements/collectives.csv. The selection is described in catalog/links/README.md.
`achieved` = median bus bandwidth of all_gather, reduce_scatter and all_reduce of at least 256 MB
over the link's bandwidth per direction. `latency` and `setup` = slope and intercept of the time of
all_gathers of at most 1 KB a rank against the steps of a ring (ranks - 1).
"""
import collections
import csv
import statistics
import sys

# link: bandwidth per direction and device in GB/s, text in interconnect_intra, devices
LINKS = {
    "nvlink3": (300, "NVLink3", ("nvidia-a100-sxm-80gb", "nvidia-a100-sxm-40gb")),
    "nvlink4": (450, "NVLink4", ("nvidia-h100-sxm-80gb", "nvidia-h200-sxm-141gb")),
    "nvlink5": (900, "NVLink5", ("nvidia-b200-sxm", "nvidia-gb200", "nvidia-gb300")),
    "nvlink-bridge": (300, "pairwise", ("nvidia-a100-pcie-80gb", "nvidia-h100-pcie-80gb")),
    "pcie5-x16": (63, "PCIe5 x16", ("nvidia-rtx-pro-6000-blackwell-server",)),
    "pcie5-x8": (31.5, "PCIe5 x8", ("intel-arc-pro-b60",)),
    "xgmi-mi300x": (448, "xGMI", ("amd-mi300x",)),
}


def in_one_domain(row):
    return row["interconnect_inter"] in ("", "-")


def fit(points):
    """Least squares of times over steps -> (slope, intercept)."""
    mean_x, mean_y = (statistics.fmean(v) for v in zip(*points))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    return slope, mean_y - slope * mean_x


def shares(rows, bandwidth, pair):
    found = []
    for row in rows:
        large = float(row["bytes"]) >= 2**28 and row["busbw_GBps"]
        ranks = int(row["n_devices"])
        if large and row["collective"] in ("all_gather", "reduce_scatter", "all_reduce") \
                and "int8" not in row["notes"] and "custom" not in row["notes"] \
                and (ranks == 2 if pair else ranks >= 4):
            found.append(float(row["busbw_GBps"]) / bandwidth)
    return found


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    rows = list(csv.DictReader(open(f"{sys.argv[1]}/measurements/collectives.csv", encoding="utf-8")))
    print("link,achieved,spread,rows,latency [us],setup [us],rows of the latency")
    for name, (bandwidth, text, devices) in LINKS.items():
        mine = [r for r in rows if r["device"] in devices and text in r["interconnect_intra"] and in_one_domain(r)]
        share = shares(mine, bandwidth, name == "nvlink-bridge")
        quartile = statistics.quantiles(share, n=4, method="inclusive") if len(share) > 1 else [0, 0, 0]
        small = collections.defaultdict(list)
        for r in mine:
            if r["collective"] == "all_gather" and float(r["bytes"]) <= 1024 * int(r["n_devices"]) and "CCL" in r["notes"]:
                small[int(r["n_devices"]) - 1].append(float(r["time_us"]))
        points = [(steps, statistics.median(times)) for steps, times in small.items()]
        slope, intercept = fit(points) if len(points) > 1 else (float("nan"), float("nan"))
        middle = statistics.median(share) if share else float("nan")
        print(f"{name},{middle:.3f},{(quartile[2] - quartile[0]) / 2 / middle:.2f},{len(share)},"
              f"{slope:.2f},{intercept:.2f},{sum(map(len, small.values()))}")


if __name__ == "__main__":
    main()
