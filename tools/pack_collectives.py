#!/usr/bin/env python3
"""Packs published collective measurements, one row each, into runs: one line per configuration.

usage: pack_collectives.py collectives.csv 2026-11-24 > catalog/measurements/collectives.csv

Input columns: id, device, source, location, hardware, n_devices, gpus_per_node, interconnect_intra,
interconnect_inter, collective, bytes, time_us, notes (others are ignored: bandwidths follow from
bytes and time). A point is `id+:bytes:time`, the id as a number added to `first_id`, bytes in B, time
in us; the second argument is the date of reading. The element count in the notes follows from bytes and type and is dropped.
"""
import csv
import re
import sys

RUN = ["device", "source", "location", "hardware", "n_devices", "gpus_per_node",
       "interconnect_intra", "interconnect_inter", "collective"]


def number(text):
    return repr(float(text)).removesuffix(".0") if "e" not in text else text


def main():
    runs = {}
    with open(sys.argv[1], encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            notes = re.sub(r";? *msg_elements=\d+", "", row["notes"])
            key = tuple(row[c] for c in RUN) + (notes,)
            runs.setdefault(key, []).append(row)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(RUN + ["notes", "date", "first_id", "points [id B us]"])
    for key, rows in runs.items():
        prefix, first = rows[0]["id"].rsplit("-", 1)
        points = []
        for row in rows:
            delta = int(row["id"].rsplit("-", 1)[1]) - int(first)
            points.append(f"{delta}:{number(row['bytes'])}:{number(row['time_us'])}")
        out.writerow(list(key) + [sys.argv[2], f"{prefix}-{first}", " ".join(points)])


if __name__ == "__main__":
    main()
