#!/usr/bin/env python3
"""Do two measurements of this machine agree? tools/measure_twice.py [--busy]

Runs `fastpath measure --quick` twice and compares every bandwidth, kernel and copy: two figures agree
when they differ by no more than both of their spreads together. --busy keeps a core busy during a
third run, which must say that the machine was.
"""
import argparse
import json
import pathlib
import subprocess
import sys

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / 'build/release/fastpath'


def measure():
    done = subprocess.run([str(PROGRAM), 'measure', '--quick', '--json'], check=True, text=True,
                          stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def figures(answer):
    """{name: (median, spread)}"""
    tables = answer['tables']
    found = {}
    for row in tables['memory']:
        for stream in ('read', 'write', 'triad'):
            found[f'{stream} of {row["level"]}'] = (row[f'{stream}_B_per_s'],
                                                    row[f'{stream}_spread'])
    for kind in ('matmuls', 'convolutions'):
        for row in tables[kind]:
            name = f'{kind} {row["format"]} {row["size"]} by {row["threads"]} threads'
            found[name] = (row['rate_FLOP_per_s'], row['spread'])
    for row in tables.get('copies', []):
        name = f'{row["size_B"]:g} B {row["memory"]} {row["direction"]} of {row["device"]}, {row["bus"]}'
        found[name] = (row['rate_B_per_s'], row['spread'])
    return found


def says_busy(answer):
    return any('busy machine' in note for note in answer['notes'])


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument('--busy', action='store_true')
    asked = arguments.parse_args()
    answers = [measure(), measure()]
    first, second = map(figures, answers)
    agreeing, largest = 0, 0.0
    shared = first.keys() & second.keys()
    for name in sorted(shared):
        (a, a_spread), (b, b_spread) = first[name], second[name]
        agree = abs(a - b) <= a_spread * a + b_spread * b
        agreeing += agree
        largest = max(largest, abs(a / b - 1))
        if not agree:
            print(f'{name}: {a:.4g} +- {100 * a_spread:.1f} % and {b:.4g} +- {100 * b_spread:.1f} %')
    loads = ', '.join(answer['tables']['summary'][0]['load_average'] for answer in answers)
    print(f'{agreeing} of {len(shared)} figures agree; the largest difference is '
          f'{100 * largest:.0f} %. Load averages {loads}. Said to be busy: '
          f'{", ".join("yes" if says_busy(a) else "no" for a in answers)}.')
    if not asked.busy:
        return 0
    with subprocess.Popen([sys.executable, '-c', 'while True: pass']) as busy:
        noticed = says_busy(measure())
        busy.kill()
    print(f'Beside a busy core: {"said" if noticed else "not said"}.')
    return 0 if noticed else 1


if __name__ == '__main__':
    sys.exit(main())
