#!/usr/bin/env python3
"""Runs a small convolutional network with ONNX Runtime: run_model.py PROGRAM ROOT.

Every operator that the profiler saw is in the answer, a drawn timeline reads back, and a library that
is not there is an error of the user's with a hint. Exits with 77 where ONNX Runtime is not installed.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

NAME = 'libonnxruntime.so'


def call(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def main():
    program, root = sys.argv[1], pathlib.Path(sys.argv[2])
    model = root / 'tests' / 'fuzz' / 'corpus' / 'onnx' / 'cnn.onnx'
    library = next((root / 'build' / 'runtime').rglob(NAME), None)
    if library is None:
        print(f'{NAME} is not installed: tools/setup.sh runtime')
        sys.exit(77)

    absent = call(program, 'run', str(model), '--runtime', 'absent.so')
    assert absent.returncode == 2 and 'hint:' in absent.stderr, absent.stderr

    with tempfile.TemporaryDirectory() as scratch:
        timeline = pathlib.Path(scratch) / 'run.json'
        done = call(program, 'run', str(model), '--dim', 'N=1', '--runtime', str(library), '--threads', '1',
                    '--repeats', '3', '--profiled', '10', '--timeline', str(timeline), '--json',
                    '--quiet')
        assert done.returncode == 0, done.stderr
        tables = json.loads(done.stdout)['tables']
        assert tables['operators'], tables
        assert all(row['time_s'] > 0 for row in tables['operators'])
        again = call(program, 'analyze', str(timeline), '--json', '--quiet')
        assert again.returncode == 0, again.stderr
        assert json.loads(again.stdout)['tables']['traces'], again.stdout


if __name__ == '__main__':
    main()
