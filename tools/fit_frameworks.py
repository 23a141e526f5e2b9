#!/usr/bin/env python3
"""Writes catalog/frameworks/factors.csv: what `fastpath validate --of training` fits to published
training steps, by software stack and generation of devices, and the 90 % interval of steps that a fit
had not seen: configurations left out for a stack with enough of them; for the row of any stack, and
for stacks with fewer, whole sources left out, each source with one weight however many rows it has.

  build/release/fastpath validate --of training --json --quiet | tools/fit_frameworks.py
"""
import collections
import csv
import json
import math
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = 'published training steps (catalog/measurements/training.csv)'
DATE = '2026-11-25'
FACTORS = ('contraction', 'memory', 'network', 'experts', 'quantise')


def interval_of_sources(rows):
    """5 % and 95 % quantile of measured over predicted, sources weighted alike."""
    by_source = collections.defaultdict(list)
    for row in rows:
        source = row['id'].rsplit('-', 1)[0]
        by_source[source].append(math.log(row['measured_s'] / row['predicted_s']))
    weighted = sorted((residual, 1 / len(residuals)) for residuals in by_source.values()
                      for residual in residuals)

    def quantile(share):
        passed = 0
        for residual, weight in weighted:
            passed += weight
            if passed >= share * len(by_source):
                return math.exp(residual)
        return math.exp(weighted[-1][0])

    return quantile(0.05), quantile(0.95)


def main():
    tables = json.load(sys.stdin)['tables']
    table = tables['parameters']
    unseen = interval_of_sources(tables['rows_sources'])
    pooled = next((row['low'], row['high']) for row in table if row['of'] == 'all')
    with open(ROOT / 'catalog' / 'frameworks' / 'factors.csv', 'w', encoding='utf-8',
              newline='') as file:
        file.write(f'# plain numbers: {" ".join(FACTORS)}\n')
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(['stack', 'generation', *FACTORS, 'launch [us]', 'step [ms]', 'spread', 'low',
                         'high', 'rows', 'source', 'date'])
        for row in table:
            stack, _, generation = row['of'].partition('/')
            own = row['low'], row['high']
            low, high = unseen if own == pooled else own
            writer.writerow([
                '' if stack == 'all' else stack, generation,
                *(f'{row[name]:.4g}' for name in FACTORS), f"{row['launch_s'] * 1e6:.4g}",
                f"{row['step_s'] * 1e3:.4g}", f"{row['spread']:.3f}", f'{low:.3f}', f'{high:.3f}',
                int(row['rows']), SOURCE, DATE])


if __name__ == '__main__':
    main()
