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


def error(row, key='predicted_s'):
    return abs(row[key] / row['measured_s'] - 1)


def deepbench(row):
    return row['id'].startswith('DB')


def percent(value):
    return f'{100 * value:.1f} %'


def coverage_limits(n, share=0.9):
    """Between which 95 % of all experiments fall, at most 2.5 % in either tail."""
    total, low, term = 0.0, None, (1 - share) ** n
    terms = []
    for k in range(n + 1):
        terms.append(term)
        term *= (n - k) / (k + 1) * share / (1 - share)
    if not terms[0] > 0:  # too small to represent: the normal approximation
        spread = 1.96 * (share * (1 - share) / n) ** 0.5
        return share - spread, share + spread
    for k, probability in enumerate(terms):
        total += probability
        if low is None and total > 0.025:
            low = k / n
        if total >= 0.975:
            return low, k / n
    return low, 1.0


def line(what, rows, bar):
    if not rows:
        return f'| {what} | {bar} | 0 | | | | | |'
    errors = [error(row) for row in rows]
    physics = [error(row, 'without_correction_s') for row in rows]
    naive = [error(row, 'roofline_s') for row in rows]
    return (f'| {what} | {bar} | {len(rows)} | {percent(statistics.median(errors))} | '
            f'{percent(statistics.mean(errors))} | {percent(statistics.mean(physics))} | '
            f'{percent(statistics.median(naive))} | {percent(statistics.mean(naive))} |')


def bars(rows):
    def pick(folds, test):
        return [row for row in rows if row['folds'] == folds and test(row)]

    def gemm(row):
        return row['kind'] == 'gemm' and not deepbench(row)

    yield '| what | bar | rows | median | mean | mean, physics alone | roofline median | roofline mean |'
    yield '|---|---|---|---|---|---|---|---|'
    yield line('GEMM 16 bit, (n, k) folds', pick('shapes', lambda r: gemm(r) and r['format'] in WIDE),
               'median 6 %, mean 10 %')
    yield line('GEMM 16 bit, m folds', pick('rows', lambda r: gemm(r) and r['format'] in WIDE),
               'mean 8 %')
    yield line('GEMM narrow formats, (n, k) folds',
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


def coverage(rows):
    yield '| folds | kind, size class | rows | coverage | limits | inside |'
    yield '|---|---|---|---|---|---|'
    groups = {}
    for row in rows:
        time = row['predicted_s']
        size = ('below 10 us' if time < 1e-5 else 'below 100 us' if time < 1e-4
                else 'below 1 ms' if time < 1e-3 else 'above')
        groups.setdefault((row['folds'], f"{row['kind']}, {size}"), []).append(row)
    for (folds, name), members in sorted(groups.items()):
        if len(members) < 50:
            continue
        share = statistics.mean(r['low_s'] <= r['measured_s'] <= r['high_s'] for r in members)
        low, high = coverage_limits(len(members))
        inside = 'yes' if low <= share <= high else 'no'
        yield (f'| {folds} | {name} | {len(members)} | {percent(share)} | '
               f'{percent(low)} to {percent(high)} | {inside} |')


def main():
    findings = json.load(sys.stdin)
    rows = findings.get('tables', findings)['rows']
    print('\n'.join(bars(rows)))
    print()
    print('\n'.join(coverage(rows)))


if __name__ == '__main__':
    main()
