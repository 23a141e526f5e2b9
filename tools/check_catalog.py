#!/usr/bin/env python3
"""Checks that every figure of the catalog has a unit, a source and a date: check_catalog.py [ROOT]

CSV (catalog/**/*.csv): the header has the columns `source` and `date`, filled in every row; a column
of numbers names its unit at the end of its name (time_ms, hbm_gb_per_s, "peak [TFLOP/s]"), unless the
table has a column `unit` or the name says that it is a plain number (count, batch, tp, ...). Comments
may say so for a whole table: `# source: WHO`, `# date: YYYY-MM-DD`, `# plain numbers: COLUMN ...`.

YAML (catalog/**/*.yaml): a figure is written with its unit ("3.35 TB/s"), unless its key is that of a
plain number; and the mapping that holds the figure, or one around it, has `source` and `date`.
"""
import csv
import pathlib
import re
import sys

NUMBER = r'[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?'
FIGURE = re.compile(rf'(?:~|>|<)?\s*{NUMBER}\s*[A-Za-z%µ$][\w/%µ^*.-]*$')
PLAIN = re.compile(rf'{NUMBER}$')
UNITS = ('s ms us ns ps min h b kb mb gb tb kib mib gib tib bytes bits flop flops gflop tflop pflop op '
         'ops gop top tops tflops gflops w kw mw j kj mj pj hz mhz ghz usd eur percent pct x fps '
         'tokens samples images sequences gbps mbps tbps mpps iops lanes nm mm2 years days mtps '
         'watts seconds').split()
# Keys and columns of plain numbers: counts, ratios, identifiers and the words of a plan.
PLAIN_KEYS = re.compile(
    r'(^|_)(count|counts|number|n|num|units?|per|devices?|nodes?|gpus?|chips?|ranks?|cores?|threads?|sms?|'
    r'engines?|channels?|lanes|links?|ports?|sockets?|rails?|hops|levels?|factor|ratio|fraction|'
    r'efficiency|share|utili[sz]ation|mfu|hfu|width|height|depth|size|dims?|shape|rows|cols|columns|'
    r'batch|seq|seqlen|isl|osl|tp|pp|dp|cp|ep|vpp|sp|zero|layers?|heads?|kv|hidden|ffn|vocab|experts?|'
    r'top|k|m|n|h|w|c|r|s|p|q|order|version|year|generation|id|repeat|micro|gen|rank|stride|'
    r'oversubscription|radix|degree|arity|banks?|ways|slots?|spares?|quantum|tile|warps?|blocks?|'
    r'capability|params|parameters|line|page|requests|concurrency|tokens|samples|images|steps|timesteps|'
    r'confidence|low|high|sigma|spread)(_|$)', re.IGNORECASE)


def unit_in(header):
    words = re.split(r'[^a-z0-9$%]+', header.lower())
    return bool(re.search(r'[\[(].+[\])]', header)) or any(word in UNITS for word in words[1:])


def check_csv(name, text):
    reader = csv.reader('' if line.startswith('#') else line for line in text.splitlines())
    table = [(reader.line_num, row) for row in reader if row]
    if not table:
        yield f'{name}:1: no header'
        return
    header = [column.strip() for column in table[0][1]]
    said = dict(re.findall(r'^# (source|date|plain numbers): (\S.*)$', text, re.MULTILINE))
    plain = said.get('plain numbers', '').split()
    for wanted in ('source', 'date'):
        if wanted not in header and wanted not in said:
            yield f'{name}:1: no column {wanted!r}'
    for number, row in table[1:]:
        if len(row) != len(header):
            yield f'{name}:{number}: {len(row)} fields, the header has {len(header)}'
        for wanted in ('source', 'date'):
            if wanted in header and not ''.join(row[header.index(wanted):][:1]).strip():
                yield f'{name}:{number}: no {wanted}'
    if 'unit' in header:
        return
    for index, column in enumerate(header):
        if column in ('source', 'date') or column in plain:
            continue
        values = [row[index].strip() for _, row in table[1:] if ''.join(row[index:index + 1]).strip()]
        numeric = bool(values) and all(PLAIN.match(value) for value in values)
        if numeric and not unit_in(column) and not PLAIN_KEYS.search(column):
            yield f'{name}:1: column {column!r} holds numbers, and names no unit'


class Node:
    """A mapping of a YAML file: its keys, and the mapping around it."""

    def __init__(self, indent, around):
        self.indent, self.around, self.keys = indent, around, set()

    def has(self, key):
        return key in self.keys or (self.around is not None and self.around.has(key))


def without_comment(line):
    return re.sub(r'(^|\s)#.*$', '', line).rstrip()


def read_yaml(text):
    """Yields (line, key, value, mapping) for each scalar of the plain YAML that the catalog uses:
    block mappings, lists of them, and flow mappings on a line."""
    around = Node(-1, None)
    block_indent = None
    for number, line in enumerate(text.splitlines(), 1):
        indent = len(line) - len(line.lstrip())
        if block_indent is not None and (not line.strip() or indent > block_indent):
            continue  # inside a block of text (| or >)
        block_indent = None
        line = without_comment(line)
        if not line.strip() or line.strip() in ('---', '...'):
            continue
        body = line.lstrip()
        if body.startswith('- '):
            indent_of_item = indent
            body = body[1:].lstrip()
            indent = len(line) - len(body)
            while around.indent > indent_of_item:
                around = around.around
            around = Node(indent, around)
        while around.indent > indent:
            around = around.around
        if around.indent < indent:
            around = Node(indent, around)
        match = re.match(r'(?:"([^"]+)"|([^\s:{}\[\],"][^:{}\[\],]*)):(?:\s+(.*))?$', body)
        if match:
            key, value = (match.group(1) or match.group(2)).strip(), (match.group(3) or '').strip()
            around.keys.add(key)
            if value[:1] in ('|', '>'):
                block_indent = indent
                continue
        else:
            key, value = '', body
        yield from read_value(number, key, value, around)


def read_value(number, key, value, around):
    """The scalars of a value; those of a flow mapping belong to a mapping of its own."""
    if not value.startswith('{'):
        yield number, key, value.strip('"\''), around
        return
    inner = Node(around.indent + 1, around)
    pairs = re.findall(r'[{,]\s*"?([\w .+-]+?)"?\s*:\s*("[^"]*"|\'[^\']*\'|\{|\[|[^,{}]*)', value)
    inner.keys.update(name for name, _ in pairs)
    for name, text in pairs:
        yield number, name, text.strip().strip('"\''), inner


def check_yaml(name, text):
    for number, key, value, mapping in list(read_yaml(text)):
        if FIGURE.match(value) or (PLAIN.match(value) and not PLAIN_KEYS.search(key)):
            if PLAIN.match(value) and key not in ('date', 'source', ''):
                yield f'{name}:{number}: {key}: {value} has no unit'
            for wanted in ('source', 'date'):
                if not mapping.has(wanted) and key not in ('date', 'source'):
                    yield f'{name}:{number}: {key}: {value} has no {wanted}'


def check(root):
    errors, files = [], 0
    catalog = root / 'catalog'
    for file in sorted(catalog.rglob('*')):
        name = file.relative_to(root).as_posix()
        # Workloads (catalog/models) are shapes, not figures.
        if file.suffix == '.csv':
            errors += check_csv(name, file.read_text())
        elif file.suffix in ('.yaml', '.yml') and not name.startswith('catalog/models/'):
            errors += check_yaml(name, file.read_text())
        files += file.is_file()
    return errors, files


def main():
    errors, files = check(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else '.'))
    print('\n'.join(errors) or f'catalog ok: {files} files')
    return 1 if errors else 0


if __name__ == '__main__':
    sys.exit(main())
