#!/usr/bin/env python3
"""Checks that the documentation tells the truth.

check_docs.py names [ROOT]              paths, links and symbols named in the docs exist
check_docs.py commands PROGRAM [ROOT]   the `$ fastpath ...` lines of console blocks run and print
                                        what the block shows
check_docs.py approve PROGRAM [ROOT]    writes what they print now into the blocks that show all of
                                        it (no `...`); read it with git diff

In a console block each `$ ` line is a command; a line that ends in a backslash goes on in the next
one. What follows, up to the next command, is its exact output (stdout and stderr); none stated, none
is compared. A command must exit 0 unless it ends in `# exit N`. ```console no-compare``` runs the
commands and compares nothing; `...` alone on a line stands for any lines. Commands other than
fastpath's are not run. A document's commands share a scratch folder that has the project's own
folders in it.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

FENCE = re.compile(r'^```(\S*)[ \t]*([^\n]*)\n(.*?)^```[ \t]*$', re.MULTILINE | re.DOTALL)
NOT_DOCS = {'build', 'out', '.git', 'node_modules'}
MADE = ('build/', 'out/')  # named in the docs, made by the commands that they tell
PLACEHOLDER = re.compile(r'NAME|NNNN|\.\.\.')
CALL = re.compile(r'^(?:[A-Za-z_]\w*(?:::|\.))*[A-Za-z_]\w*\(\)$|^fastpath(?:::\w+)+$')


def documents(root):
    found = [*root.glob('*.md'), *(root / 'docs').rglob('*.md')]
    return sorted(file for file in found if not NOT_DOCS & set(file.relative_to(root).parts))


def line_of(text, position):
    return text.count('\n', 0, position) + 1


def is_path(root, word):
    """Whether a word in backticks names a file or folder of the project."""
    if not re.fullmatch(r'\.?[\w./+-]+', word) or word.startswith(MADE) or PLACEHOLDER.search(word):
        return False
    first = word.split('/')[0]
    return ('/' in word and (first == '.' or (root / first).is_dir())) or (
        '/' not in word and word.endswith(('.md', '.txt', '.py', '.sh', '.cmake')))


def words_of_code(root):
    words = set()
    for folder in ('include', 'src', 'tests', 'tools'):
        for file in (root / folder).rglob('*'):
            if file.suffix in ('.h', '.cc', '.py'):
                words.update(re.findall(r'\w+', file.read_text(errors='replace')))
    return words


def check_document_names(root, file, known):
    text = file.read_text()
    name = file.relative_to(root)
    prose = FENCE.sub(lambda match: '\n' * match.group().count('\n'), text)
    for match in re.finditer(r'`([^`\n]+)`', prose):
        word = match.group(1).split(':')[0] if ' ' not in match.group(1) else ''
        if is_path(root, word) and not any((base / word).exists() for base in (root, file.parent)):
            yield f'{name}:{line_of(prose, match.start())}: there is no {word}'
        if CALL.match(match.group(1)):
            for symbol in re.findall(r'\w+', match.group(1)):
                if symbol not in known:
                    yield f'{name}:{line_of(prose, match.start())}: nothing is called {symbol!r}'
    for match in re.finditer(r'\]\(([^)#\s]+)[^)]*\)', prose):
        link = match.group(1)
        if '://' not in link and not link.startswith('mailto:') and not (file.parent / link).exists():
            yield f'{name}:{line_of(prose, match.start())}: the link {link} leads nowhere'


def check_names(root):
    known = words_of_code(root)
    return [error for file in documents(root) for error in check_document_names(root, file, known)]


def commands_of(block):
    """[(line in the block, command, expected exit code, shown output)]"""
    found, lines = [], block.splitlines()
    while lines and not lines[0].startswith('$ '):
        lines.pop(0)
    start = len(block.splitlines()) - len(lines)
    for number, line in enumerate(lines, start):
        if found and found[-1][1].endswith('\\'):
            found[-1][1] = found[-1][1][:-1] + line.strip()
        elif line.startswith('$ '):
            found.append([number, line[2:], 0, []])
        else:
            found[-1][3].append(line)
    for command in found:
        match = re.search(r'\s+# exit (\d+)$', command[1])
        if match:
            command[1], command[2] = command[1][:match.start()], int(match.group(1))
    return found


def agrees(shown, given):
    """Whether the output is what is shown, where a line `...` stands for any lines."""
    pattern = '\n'.join('(?:.*\n)*?.*' if line.strip() == '...' else re.escape(line.rstrip())
                        for line in shown)
    given = '\n'.join(line.rstrip() for line in given.rstrip('\n').split('\n'))
    return re.fullmatch(pattern, given) is not None


def give(command, scratch, program):
    environment = {**os.environ, 'LC_ALL': 'C.UTF-8',
                   'PATH': f'{program.parent}{os.pathsep}{os.environ["PATH"]}'}
    command = command.replace('build/release/fastpath', 'fastpath', 1)
    return subprocess.run(['sh', '-c', command], cwd=scratch, env=environment, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)


def run_block(name, line, options, block, scratch, program):
    """Yields (error, what the block shows, what it should show) for each command that is wrong."""
    for offset, command, code, shown in commands_of(block):
        if command.split()[0] not in ('fastpath', 'build/release/fastpath'):
            continue
        done = give(command, scratch, program)
        place = f'{name}:{line + 1 + offset}'
        while shown and not shown[-1].strip():
            shown.pop()
        if done.returncode != code:
            yield f'{place}: {command}\n  exits {done.returncode}, not {code}:\n{done.stdout}', '', ''
        elif shown and 'no-compare' not in options and not agrees(shown, done.stdout):
            yield (f'{place}: {command}\n  prints something else than the document shows:\n'
                   f'{done.stdout}', '\n'.join(shown), done.stdout.rstrip('\n'))


def check_commands(root, program, approve=False):
    """Returns (errors, how many blocks there were)."""
    errors, blocks = [], 0
    for file in documents(root):
        text = file.read_text()
        with tempfile.TemporaryDirectory(prefix='fastpath-docs-') as scratch:
            for entry in root.iterdir():
                if entry.name not in NOT_DOCS:
                    (pathlib.Path(scratch) / entry.name).symlink_to(entry.resolve())
            (pathlib.Path(scratch) / 'out').mkdir()
            for match in FENCE.finditer(text):
                if match.group(1) == 'console':
                    blocks += 1
                    for error, shown, given in run_block(
                            file.relative_to(root), line_of(text, match.start()), match.group(2),
                            match.group(3), scratch, program):
                        if approve and shown and '...' not in shown.split('\n'):
                            file.write_text(file.read_text().replace(shown, given))
                        else:
                            errors.append(error)
    return errors, blocks


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ['names']:
        root = pathlib.Path(arguments[1] if len(arguments) > 1 else '.').resolve()
        errors = check_names(root)
        print('\n'.join(errors) or f'docs ok: {len(documents(root))} documents')
    elif arguments[:1] in (['commands'], ['approve']) and len(arguments) > 1:
        root = pathlib.Path(arguments[2] if len(arguments) > 2 else '.').resolve()
        errors, blocks = check_commands(root, pathlib.Path(arguments[1]).resolve(),
                                        approve=arguments[0] == 'approve')
        print('\n'.join(errors) or f'docs ok: the commands of {blocks} console blocks')
    else:
        sys.exit(__doc__)
    return 1 if errors else 0


if __name__ == '__main__':
    sys.exit(main())
