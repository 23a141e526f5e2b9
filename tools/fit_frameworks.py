#!/usr/bin/env python3
"""Writes catalog/frameworks/factors.csv: what `fastpath validate --of training` fits to published
training steps, by software stack and generation of devices, and the 90 % interval of steps that a fit
had not seen.

  tools/fit_frameworks.py build/release/fastpath
"""
import csv
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = 'published training steps (catalog/measurements/training.csv)'
DATE = '2026-11-25'
FACTORS = ('contraction', 'memory', 'network', 'experts', 'quantise')


def main():
    text = subprocess.run(
        [sys.argv[1], 'validate', '--of', 'training', '--folds', 'configurations', '--json', '--quiet'],
        check=True, capture_output=True, text=True).stdout
    table = json.loads(text)['tables']['parameters']
    with open(ROOT / 'catalog' / 'frameworks' / 'factors.csv', 'w', encoding='utf-8',
              newline='') as file:
        file.write(f'# plain numbers: {" ".join(FACTORS)}\n')
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(['stack', 'generation', *FACTORS, 'launch [us]', 'step [ms]', 'spread', 'low',
                         'high', 'rows', 'source', 'date'])
        for row in table:
            stack, _, generation = row['of'].partition('/')
            writer.writerow([
                '' if stack == 'all' else stack, generation,
                *(f'{row[name]:.4g}' for name in FACTORS), f"{row['launch_s'] * 1e6:.4g}",
                f"{row['step_s'] * 1e3:.4g}", f"{row['spread']:.3f}", f"{row['low']:.3f}",
                f"{row['high']:.3f}", int(row['rows']), SOURCE, DATE])


if __name__ == '__main__':
    main()
