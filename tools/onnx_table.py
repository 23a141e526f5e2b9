#!/usr/bin/env python3
"""ONNX models predicted and run on this machine: tools/onnx_table.py FOLDER... [--rounds N]

In each round `fastpath measure --quick --threads N` (1) writes this machine as a system, and each of
seven models runs on as many threads against its prediction there. The models are looked for in the
FOLDERs by name. With --calibrate MODEL.onnx... each runs again against the system that these models'
operators have taught, apart from the shapes of the seven. Prints a table in Markdown: of each model
the round with the middle error, and the errors of all rounds.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / 'build/release/fastpath'


def paddle(*sizes):
    return [f'p2o.DynamicDimension.{i}={size}' for i, size in enumerate(sizes)]


# The file's name, dimensions, other inputs.
MODELS = [
    ('light_squeezenet', [], []),
    ('light_resnet50', [], []),
    ('light_densenet121', [], []),
    ('ch_PP-OCRv4_det_infer', paddle(1, 640, 640), []),
    ('ch_PP-OCRv4_rec_infer', paddle(1, 320), []),
    ('ch_ppocr_mobile_v2.0_cls_infer', paddle(1, 48, 192), []),
    ('silero_vad_v5', ['input.0=1', 'input.1=512', 'state.1=1'], ['sr=16000']),
]


def fastpath(*words):
    done = subprocess.run([str(PROGRAM), *map(str, words), '--json'], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def find(folders, name):
    for folder in folders:
        found = sorted(pathlib.Path(folder).rglob(name + '.onnx'))
        if found:
            return found[0]
    raise SystemExit(f'{name}.onnx is in none of the folders')


def calibrate(system, teachers, models):
    """The system with the teachers' operators, of shapes that none of the models has."""
    better = system.with_name('calibrated.yaml')
    words = ['--on', system, '--output', better]
    for path, dims, _ in models:
        words += ['--apart-from', path]
        for dim in dims:
            words += ['--dim', f'{path.stem}:{dim}']
    fastpath('calibrate', *teachers, *words)
    return better


def run(path, dims, inputs, threads, system):
    words = [word for dim in dims for word in ('--dim', dim)]
    words += [word for value in inputs for word in ('--input', value)]
    answer = fastpath('run', path, '--threads', threads, '--against', system, *words)
    return answer['tables']['against'][0]


def round_of(models, teachers, threads, rows, taught):
    with tempfile.TemporaryDirectory() as folder:
        system = pathlib.Path(folder) / 'machine.yaml'
        answer = fastpath('measure', '--quick', '--threads', threads, '--output', system)
        summary = answer['tables']['summary'][0]
        print(f'measured in {summary["wall_time_s"]:.1f} s at a load average of '
              f'{summary["load_average"]}, others used {summary["others"]} cores')
        better = calibrate(system, teachers, models) if teachers else None
        for path, dims, inputs in models:
            rows.setdefault(path.stem, []).append(run(path, dims, inputs, threads, system))
            if better:
                taught.setdefault(path.stem, []).append(run(path, dims, inputs, threads, better))


def print_table(rows):
    print('| model | predicted | measured | error | errors of all rounds | rank correlation |')
    print('|---|---|---|---|---|---|')
    for name, rounds in rows.items():
        rounds.sort(key=lambda row: row['error'])
        row = rounds[(len(rounds) - 1) // 2]
        errors = ', '.join(f'{100 * one["error"]:+.1f}' for one in rounds)
        ranks = statistics.median_low(float(one['rank_correlation']) for one in rounds)
        print(f'| {name} | {1e3 * row["predicted_s"]:.4g} ms | {1e3 * row["measured_s"]:.4g} ms | '
              f'{100 * row["error"]:+.1f} % | {errors} | {ranks:.3f} |')
    middle = statistics.mean(abs(r[(len(r) - 1) // 2]['error']) for r in rows.values())
    errors = [abs(one['error']) for rounds in rows.values() for one in rounds]
    print(f'Mean of the middle rounds {100 * middle:.1f} %, of all {100 * statistics.mean(errors):.1f} %, '
          f'the largest error {100 * max(errors):.1f} %.')


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument('folders', nargs='+')
    arguments.add_argument('--rounds', type=int, default=3)
    arguments.add_argument('--threads', type=int, default=1)
    arguments.add_argument('--calibrate', nargs='*', default=[])
    asked = arguments.parse_args()
    models = [(find(asked.folders, name), dims, inputs) for name, dims, inputs in MODELS]
    rows, taught = {}, {}
    for _ in range(asked.rounds):
        round_of(models, asked.calibrate, asked.threads, rows, taught)
    print_table(rows)
    if taught:
        print('\nCalibrated:\n')
        print_table(taught)


if __name__ == '__main__':
    main()
