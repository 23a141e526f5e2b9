#!/usr/bin/env python3
"""Input pipelines predicted and run on this machine: tools/replay_table.py FOLDER [--rounds N]

Twelve settings: three layouts, one and two workers, JPEG and raw samples, all from a cold page
cache. In each round a data set is first measured by `fastpath io --fetch --pipeline` (its reads
alone, decoding by one worker, what all cores are worth), which writes the pipeline that is
predicted; then that pipeline runs. Nothing is fitted to the runs. The data sets are written into
FOLDER once and left there. Prints a table in Markdown: medians over the rounds, and half the range
of measured and predicted.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / 'build/release/fastpath'
LAYOUTS = ('files', 'shards', 'packed')
# Pixels a side and samples: about 60 kB of JPEG and 150 kB raw, as of ImageNet.
ENCODINGS = {'jpeg': (500, 600), 'raw': (224, 1500)}
WORKERS = (1, 2)


def fastpath(*words):
    done = subprocess.run([str(PROGRAM), *map(str, words)], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def tables(*words):
    return json.loads(fastpath(*words, '--json'))['tables']


def run_set(folder, rows):
    """One round of a data set: measured, then run with each number of workers."""
    pipeline = folder.with_suffix('.yaml')
    fetched = tables('io', folder, '--fetch', '--quick', '--pipeline', pipeline)['fetching'][0]
    text = pipeline.read_text()
    for workers in WORKERS:
        pipeline.write_text(re.sub(r'^workers: .*$', f'workers: {workers}', text, flags=re.M))
        answer = tables('io', folder, '--replay', pipeline, '--epochs', '3')
        row = {**answer['replay'][0], **answer['work'][0]}
        row['fetch_spread'] = fetched['spread']
        rows.setdefault((folder.name, workers), []).append(row)


def middle(rows, key):
    return statistics.median(float(row[key]) for row in rows)


def half_range(rows, key):
    values = [float(row[key]) for row in rows]
    return (max(values) - min(values)) / 2 / statistics.median(values)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument('folder', type=pathlib.Path)
    arguments.add_argument('--rounds', type=int, default=3)
    asked = arguments.parse_args()
    folders = [asked.folder / f'{layout}-{encoding}' for layout in LAYOUTS for encoding in ENCODINGS]
    for folder in folders:
        layout, encoding = folder.name.split('-')
        if not folder.exists():
            side, samples = ENCODINGS[encoding]
            fastpath('io', folder, '--make', layout, '--encoding', encoding, '--image', side,
                     '--samples', samples)
    rows = {}
    loads = []
    for _ in range(asked.rounds):
        for folder in folders:
            loads.append(os.getloadavg()[0])
            run_set(folder, rows)
    print(f'{asked.rounds} rounds; load average {min(loads):.1f} to {max(loads):.1f}.\n')
    print('| layout, encoding | workers | predicted 1/s | +- | measured 1/s | +- | error | '
          'limit predicted | measured | others\' cores |')
    print('|---|---|---|---|---|---|---|---|---|---|')
    errors = []
    for (name, workers), runs in sorted(rows.items()):
        predicted, measured = middle(runs, 'predicted_per_s'), middle(runs, 'measured_per_s')
        errors.append(predicted / measured - 1)
        last = runs[-1]
        print(f'| {name.replace("-", ", ")} | {workers} | {predicted:,.0f} | '
              f'{100 * half_range(runs, "predicted_per_s"):.0f} % | {measured:,.0f} | '
              f'{100 * half_range(runs, "measured_per_s"):.0f} % | {100 * errors[-1]:+.1f} % | '
              f'{last["predicted_limit"]} | {last["limit"]} | {middle(runs, "others"):.2f} |')
    print(f'\nMean error {100 * statistics.fmean(map(abs, errors)):.1f} % (largest '
          f'{100 * max(map(abs, errors)):.1f} %).')


if __name__ == '__main__':
    main()
