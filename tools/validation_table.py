#!/usr/bin/env python3
"""The bars of docs/validation.md for operators, from the program's own cross-validation.

  fastpath validate --json --quiet | tools/validation_table.py
"""
import json
import statistics
import sys

WIDE = ('16', '16 as fp32', 'fp32', 'tf32', 'fp64')
CONVOLUTIONS = ('conv_fwd', 'conv_bwd_inputs', 'conv_bwd_params')
ATTENTION = ('attention_prefill', 'attention_decode', 'attention_mixed')
STREAMS = ('layernorm', 'softmax', 'add', 'silu_mul', 'gelu', 'rope', 'moe_ffn')


def error(row, key='predicted'):
    return abs(row[key] / row['measured'] - 1)


def deepbench(row):
    return row['id'].startswith('DB')


def percent(value):
    return f'{100 * value:.1f} %'


def line(what, rows, bar):
    if not rows:
        return f'| {what} | {bar} | 0 | | | | |'

    def figures(key):
        errors = [error(row, key) for row in rows]
        return f'{percent(statistics.median(errors))} / {percent(statistics.mean(errors))}'
    cells = ' | '.join(figures(key) for key in ('predicted', 'without_correction', 'pooled', 'roofline'))
    return f'| {what} | {bar} | {len(rows)} | {cells} |'


def bars(rows):
    def pick(folds, test):
        return [row for row in rows if row['folds'] == folds and test(row)]

    def gemm(row):
        return row['kind'] == 'gemm' and not deepbench(row)

    yield '| what | bar | rows | median / mean | physics alone | launch + efficiency | roofline |'
    yield '|---|---|---|---|---|---|---|'
    yield line('all but DeepBench', pick('shapes', lambda r: not deepbench(r)), '')
    yield line('GEMM 16 bit, (n, k) left out', pick('shapes', lambda r: gemm(r) and r['format'] in WIDE),
               'median 6 %, mean 10 %')
    yield line('GEMM 16 bit, m left out', pick('rows', lambda r: gemm(r) and r['format'] in WIDE),
               'mean 8 %')
    yield line('GEMM narrow formats, (n, k) left out',
               pick('shapes', lambda r: gemm(r) and r['format'] not in WIDE), 'median 10 %, mean 16 %')
    for name in sorted({r['format'] for r in rows if gemm(r) and r['format'] not in WIDE}):
        yield line(f'... {name}', pick('shapes', lambda r, n=name: gemm(r) and r['format'] == n), '')
    unseen = pick('devices', gemm)
    yield line('GEMM, device never seen', unseen, 'mean 20 %')
    devices = sorted({r['device'] for r in unseen},
                     key=lambda d: -statistics.mean(error(r) for r in unseen if r['device'] == d))
    for device in devices[:1]:
        yield line(f'... worst: {device}', [r for r in unseen if r['device'] == device], 'mean 35 %')
    for folds, bar in (('shapes', 'mean 12 %'), ('devices', 'mean 25 %')):
        seen = 'seen' if folds == 'shapes' else 'never seen'
        yield line(f'attention, device {seen}', pick(folds, lambda r: r['kind'] in ATTENTION), bar)
        for kind in ATTENTION:
            yield line(f'... {kind}', pick(folds, lambda r, k=kind: r['kind'] == k), '')
    yield line('norm, maps, softmax, experts, seen', pick('shapes', lambda r: r['kind'] in STREAMS),
               'mean 15 %')
    for kind in STREAMS:
        yield line(f'... {kind}', pick('shapes', lambda r, k=kind: r['kind'] == k), '')
    yield line('DeepBench GEMM', pick('shapes', lambda r: deepbench(r) and r['kind'] == 'gemm'),
               'mean 20 %')
    yield line('DeepBench convolutions', pick('shapes', lambda r: r['kind'] in CONVOLUTIONS),
               'median 20 %, mean 30 %')
    yield line('DeepBench recurrent', pick('shapes', lambda r: r['kind'].startswith('rnn_')), '')
    yield line('DeepBench GEMM, device never seen',
               pick('devices', lambda r: deepbench(r) and r['kind'] == 'gemm'), 'reported')
    yield line('DeepBench convolutions, device never seen',
               pick('devices', lambda r: r['kind'] in CONVOLUTIONS), 'reported')


def peers(tables):
    for row in tables.get('peers', []):
        yield f"| {row['kind']}: {row['peer']}, {row['figure']} | | | {percent(row['value'])} | | | |"


def coverage(tables):
    """Of the program's own tables: classes inside their limits, and those that are not."""
    yield '| folds | classes of 50 rows and more | inside the limits | median width, global | score, global |'
    yield '|---|---|---|---|---|'
    outside = []
    for folds in ('shapes', 'rows', 'devices'):
        everything, *classes = tables.get(f'coverage_{folds}') or [None]
        if not classes:
            continue
        inside = sum(c['inside'] == 'yes' for c in classes)
        yield (f'| {folds} | {len(classes)} | {inside} | '
               f"{everything['width']:.2f}, {everything['global_width']:.2f} | "
               f"{everything['winkler']:.2f}, {everything['global_winkler']:.2f} |")
        outside += [(folds, c) for c in classes if c['inside'] != 'yes']
    if outside:
        yield ''
        yield '| outside: folds | class | rows | coverage | limits |'
        yield '|---|---|---|---|---|'
    for folds, c in outside:
        limits = f"{percent(c['coverage_from'])} to {percent(c['coverage_to'])}"
        yield f"| {folds} | {c['of']} | {c['rows']:.0f} | {percent(c['coverage'])} | {limits} |"


def by_device(rows):
    yield '| device | rows | shapes left out: median / mean | device left out: median / mean | roofline |'
    yield '|---|---|---|---|---|'
    for device in sorted({row['device'] for row in rows}):
        seen = [r for r in rows if r['device'] == device and r['folds'] == 'shapes']
        unseen = [r for r in rows if r['device'] == device and r['folds'] == 'devices']
        cells = []
        for members, key in ((seen, 'predicted'), (unseen, 'predicted'), (seen, 'roofline')):
            errors = [error(row, key) for row in members] or [0]
            cells.append(f'{percent(statistics.median(errors))} / {percent(statistics.mean(errors))}')
        yield f'| {device} | {len(seen)} | ' + ' | '.join(cells) + ' |'


def main():
    findings = json.load(sys.stdin)
    tables = findings.get('tables', findings)
    rows = tables['rows']
    for section in ((*bars(rows), *peers(tables)), coverage(tables), by_device(rows)):
        print('\n'.join(section))
        print()


if __name__ == '__main__':
    main()
