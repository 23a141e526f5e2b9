#!/usr/bin/env python3
"""Runs golden tests: a command, and exactly what it must print.

A case is a folder tests/golden/NAME with
  cmd      the command line, run by sh in a fresh folder; `fastpath` is the program under test
  in/      the files it reads, if any, as in/...
  out.txt  what it must write to stdout; nothing when there is no such file
  err.txt  the same for stderr
  code     the exit code it must give; 0 when there is no such file
  files/   files it must write, if any, compared by their path in the fresh folder

  tests/golden/run.py [NAME...]             runs these cases, or all
  tests/golden/run.py --approve [NAME...]   writes what the commands give now; read it with git diff
"""
import argparse
import difflib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
STREAMS = ('out.txt', 'err.txt', 'code')


def environment(program):
    """The environment of every case: the same on every machine."""
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith('FASTPATH_') and k not in ('NO_COLOR', 'COLUMNS', 'CLICOLOR_FORCE')}
    kept['PATH'] = f"{program.parent}{os.pathsep}{kept.get('PATH', '')}"
    return {**kept, 'LC_ALL': 'C.UTF-8', 'TZ': 'UTC'}


def give(case, program):
    """Runs the case and returns {name of the expected file: bytes given}."""
    with tempfile.TemporaryDirectory(prefix='fastpath-golden-') as scratch:
        if (case / 'in').is_dir():
            shutil.copytree(case / 'in', pathlib.Path(scratch) / 'in')
        done = subprocess.run(['sh', '-c', (case / 'cmd').read_text()], cwd=scratch,
                              env=environment(program), stdin=subprocess.DEVNULL,
                              capture_output=True, check=False)
        given = {'out.txt': done.stdout, 'err.txt': done.stderr,
                 'code': f'{done.returncode}\n'.encode()}
        expected = case / 'files'
        for file in sorted(p for p in expected.rglob('*') if p.is_file()):
            written = pathlib.Path(scratch) / file.relative_to(expected)
            given[str(file.relative_to(case))] = written.read_bytes() if written.is_file() else b''
        return given


def want(case, name):
    file = case / name
    return file.read_bytes() if file.is_file() else (b'0\n' if name == 'code' else b'')


def difference(case, name, wanted, given):
    lines = difflib.unified_diff(wanted.decode(errors='replace').splitlines(),
                                 given.decode(errors='replace').splitlines(),
                                 f'{case.name}/{name} (expected)', f'{case.name}/{name} (given)',
                                 lineterm='')
    return '\n'.join(lines) or f'{case.name}/{name}: differs in its line ends'


def check(case, program):
    """The differences of a case, as text; none when it passes."""
    given = give(case, program)
    return [difference(case, name, want(case, name), text) for name, text in given.items()
            if want(case, name) != text]


def approve(case, program):
    for name, text in give(case, program).items():
        usual = text == (b'0\n' if name == 'code' else b'')
        if usual and name in STREAMS:
            (case / name).unlink(missing_ok=True)
        else:
            (case / name).write_bytes(text)


def self_test():
    """A runner that cannot fail tests nothing: one case that passes and one for each difference."""
    with tempfile.TemporaryDirectory(prefix='fastpath-golden-') as scratch:
        case = pathlib.Path(scratch) / 'case'
        (case / 'in').mkdir(parents=True)
        (case / 'in' / 'a').write_text('hello\n')
        (case / 'cmd').write_text('cat in/a; echo talk >&2; echo made > made; exit 3\n')
        program = pathlib.Path(sys.executable)
        failures = len(check(case, program))
        (case / 'files').mkdir()
        (case / 'files' / 'made').write_text('')
        approve(case, program)
        assert failures == 3, f'out, err and code must differ, not {failures}'
        assert check(case, program) == [], 'an approved case must pass'
        for name in (*STREAMS, 'files/made'):
            kept = (case / name).read_bytes()
            (case / name).write_text('other\n')
            assert len(check(case, program)) == 1, f'a changed {name} must fail'
            (case / name).write_bytes(kept)
    print('the runner passes what is equal and fails what differs')


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*', metavar='NAME')
    parser.add_argument('--approve', action='store_true')
    parser.add_argument('--self-test', action='store_true')
    parser.add_argument('--program', type=pathlib.Path, default=ROOT / 'build/dev/fastpath')
    args = parser.parse_args()
    if args.self_test:
        self_test()
        return 0
    program = args.program.resolve()
    if not program.is_file():
        sys.exit(f'{program} is not built')
    cases = ([HERE / name for name in args.names]
             or sorted(file.parent for file in HERE.rglob('cmd')))
    failed = 0
    for case in cases:
        if args.approve:
            approve(case, program)
            continue
        differences = check(case, program)
        print('\n'.join(differences) if differences else f'ok {case.relative_to(HERE)}')
        failed += bool(differences)
    if failed:
        print(f'\nIf the new output is right: tests/golden/run.py --approve '
              f"{' '.join(args.names)}")
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
