#!/usr/bin/env python3
"""Runs clang-tidy 14 over our sources: tidy.py [--analyze] BUILD_FOLDER [PATH_PART...]

BUILD_FOLDER holds compile_commands.json. With path parts only the matching files are checked (of a batch,
see cmake/Batches.cmake: the whole batch). A file that was clean is not checked again until it, a header of ours that it includes, its command or
.clang-tidy changes; that memory is in $XDG_CACHE_HOME/fastpath-tidy, so it serves every checkout.
Without --analyze the path-sensitive analyser (clang-analyzer-*) is left out: it takes two thirds of the time.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache')
CACHE = CACHE / 'fastpath-tidy'
INCLUDE = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
MEMORY_DAYS = 30
# Findings that were there when the linter came, one "path check name" a line: none may be added.
KNOWN = ROOT / 'tools' / 'tidy_known.txt'
FINDING = re.compile(r'^(\S+?):\d+:\d+: error: (.*) \[([\w.-]+)')


def included(file, seen):
    """Adds `file` and the headers of ours that it includes, directly or not, to `seen`."""
    if file in seen:
        return
    seen.add(file)
    for name in INCLUDE.findall(file.read_bytes()):
        for base in (ROOT / 'src', ROOT / 'include', file.parent, ROOT):
            header = base / name.decode()
            if header.is_file():
                included(header.resolve(), seen)
                break


def fingerprint(entry, version, options):
    """A name for all that decides what clang-tidy says about this file, on any checkout's path."""
    digest = hashlib.sha256(version + (ROOT / '.clang-tidy').read_bytes())
    digest.update(' '.join(options).encode() + KNOWN.read_bytes())
    command = entry.get('command') or ' '.join(entry['arguments'])
    digest.update(command.replace(str(ROOT), '.').encode())
    files = set()
    included(pathlib.Path(entry['file']).resolve(), files)
    for file in sorted(files):
        name = file.name if 'batches' in file.parts else str(file.relative_to(ROOT))
        digest.update(name.encode() + b'\0' + file.read_bytes())
    return digest.hexdigest()


def sources(build, parts):
    """Our own entries of the compilation database; generated files and tests are not linted."""
    for entry in json.loads((build / 'compile_commands.json').read_text()):
        file = pathlib.Path(entry['file']).resolve()
        files = [file]
        if file.is_relative_to(build / 'batches'):
            files = [ROOT / 'src' / name.decode() for name in INCLUDE.findall(file.read_bytes())]
        ours = all(file.is_relative_to(ROOT / 'src') and not file.stem.endswith(('_test', '_fuzz'))
                   and '..' not in file.parts for file in files)
        if ours and (not parts or any(part in str(file) for part in parts for file in files)):
            yield entry


def key_of(line):
    """What a finding is known by: its file, check and the first name that it quotes."""
    match = FINDING.match(line)
    if not match:
        return None
    path, text, check = match.groups()
    name = re.search(r"'([^']*)'", text)
    file = os.path.relpath(pathlib.Path(path).resolve(), ROOT)
    return f'{file} {check} {name.group(1) if name else ""}'.strip()


def all_known(output, known):
    keys = [key for key in map(key_of, output.splitlines()) if key]
    return bool(keys) and all(key in known for key in keys)


def lint(tidy, options, entry, memory, known):
    """What clang-tidy says about a file; empty when it is clean."""
    start = time.monotonic()
    # The database is for g++: clang need not know all of its warnings.
    done = subprocess.run([tidy, '-quiet', *options, '-extra-arg=-Wno-unknown-warning-option',
                           entry['file']], capture_output=True, text=True, check=False)
    if done.returncode == 0 or all_known(done.stdout, known):
        memory.touch()
        return '', time.monotonic() - start
    noise = re.compile(r'^\d+ warnings? .*|^Suppressed .*|^Use -header-filter.*', re.MULTILINE)
    return (done.stdout + noise.sub('', done.stderr)).strip(), time.monotonic() - start


def forget_old():
    for file in CACHE.iterdir():
        if time.time() - file.stat().st_mtime > MEMORY_DAYS * 86400:
            file.unlink(missing_ok=True)


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != '--analyze']
    if not arguments:
        sys.exit(__doc__)
    build = pathlib.Path(arguments[0]).resolve()
    # A batch includes sources on purpose.
    checks = ['-checks=-bugprone-suspicious-include'
              + ('' if '--analyze' in sys.argv else ',-clang-analyzer-*')]
    tidy = shutil.which('clang-tidy-14') or sys.exit('clang-tidy-14 is not installed')
    version = subprocess.run([tidy, '--version'], capture_output=True, check=True).stdout
    CACHE.mkdir(parents=True, exist_ok=True)
    forget_old()

    todo, clean = {}, 0
    for entry in sources(build, arguments[1:]):
        memory = CACHE / fingerprint(entry, version, checks)
        if memory.exists():
            memory.touch()
            clean += 1
        else:
            todo[entry['file']] = (entry, memory)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        options = ['-p', str(build), *checks]
        known = set(KNOWN.read_text().splitlines())
        jobs = {pool.submit(lint, tidy, options, *job, known): file for file, job in todo.items()}
        for count, job in enumerate(concurrent.futures.as_completed(jobs), 1):
            text, seconds = job.result()
            print(f'[{count}/{len(jobs)}] {os.path.relpath(jobs[job], ROOT)}  {seconds:.1f} s',
                  flush=True)
            if text:
                failed += 1
                print(text, flush=True)
    print(f'clang-tidy: {len(todo)} files checked, {clean} unchanged and clean, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
