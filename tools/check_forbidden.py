#!/usr/bin/env python3
"""Finds calls and includes in folders where they do not belong: check_forbidden.py [ROOT]

Comments and strings do not count, and tests may do as they like.
"""
import pathlib
import re
import sys

# What is forbidden, where it is allowed all the same (path prefixes), and what to do instead.
RULES = [
    (r'(?<![\w.>])(?:_Exit|exit|quick_exit|abort|terminate)\s*\(', ('src/cli/', 'src/base/check.cc'),
     'only cli ends the program: return a Result, or FP_CHECK for our own bug'),
    (r'\bstd::(?:cout|cerr|clog)\b', ('src/cli/',), 'only cli prints: return the text'),
    (r'(?<![\w.>])(?:v?printf|puts|putchar)\s*\(|\bfmt::print(?:ln)?\s*\(', ('src/cli/',),
     'only cli prints: return the text'),
    (r'\bfprintf\s*\(\s*(?:stdout|stderr)\b', ('src/cli/', 'src/base/check.cc'),
     'only cli prints: return the text'),
    (r'\b(?:secure_)?getenv\b', ('src/cli/', 'src/measure/'),
     'the environment is read in cli: pass the value'),
    (r'(?<![\w.>])s?rand\s*\(|\brandom_device\b', ('src/cli/', 'src/measure/'),
     'a seed is an argument'),
    (r'\b(?:system|steady|high_resolution)_clock\b|\bclock_gettime\b'
     r'|(?<![\w.>])time\s*\(\s*(?:nullptr|NULL|0)\s*\)', ('src/cli/', 'src/measure/'),
     'the clock is read in cli or measure: pass the time'),
    (r'\bthrow\b', (), 'failing is a Result; there are no exceptions of our own'),
]
# Dimensional values in public headers are quantities; plain shares and factors are not dimensional.
RAW_DOUBLE = re.compile(r'\bdouble\s+(?!\w*(?:_fraction|_share|_efficiency|_factor|_ratio)\b)'
                        r'(\w*(?:bandwidth|latency|time|bytes)\w*)', re.IGNORECASE)
# Which layers may include which library (the same table as cmake/Libraries.cmake).
LIBRARIES = [
    (r'yaml-cpp/|toml\.hpp|onnx/|google/protobuf/|simdjson', ('import',)),
    (r'zlib|zstd', ('import', 'measure')),
    (r'nlohmann/', ('ir', 'import', 'report')),
    (r'CLI/', ('cli',)),
    (r'sqlite3', ('store',)),
    (r'liburing|dnnl|turbojpeg|png\.h', ('measure',)),
]
SKIPPED = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
                     r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.DOTALL)


def code_of(text):
    """The text with comments and literals blanked; its lines stay where they are."""
    return SKIPPED.sub(lambda match: '""' + '\n' * match.group().count('\n'), text)


def check_calls(name, lines):
    for pattern, allowed, instead in RULES:
        if not name.startswith(allowed):
            for number, line in enumerate(lines, 1):
                match = re.search(pattern, line)
                if match:
                    yield f'{name}:{number}: {match.group().strip()!r} is not allowed: {instead}'


def check_raw_doubles(name, lines):
    if name.startswith('include/fastpath/'):
        for number, line in enumerate(lines, 1):
            match = RAW_DOUBLE.search(line)
            if match:
                yield (f'{name}:{number}: {match.group(1)!r} is a plain double: '
                       'use a type of fastpath/quantity.h')


def check_libraries(name, text):
    layer = name.split('/')[1]
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+["<]([^">]+)', line)
        for pattern, layers in LIBRARIES if match else ():
            if re.match(pattern, match.group(1)) and layer not in layers:
                yield f'{name}:{number}: <{match.group(1)}> belongs in {" ".join(layers)}'


def check(root):
    errors = []
    for folder in ('src', 'include'):
        for file in sorted((root / folder).rglob('*')):
            if file.suffix in ('.h', '.cc') and not file.stem.endswith(('_test', '_fuzz')):
                name = file.relative_to(root).as_posix()
                text = file.read_text(errors='replace')
                lines = code_of(text).splitlines()
                errors += [*check_calls(name, lines), *check_raw_doubles(name, lines),
                           *check_libraries(name, text)]
    return errors


def main():
    errors = check(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else '.'))
    print('\n'.join(errors) or 'nothing forbidden')
    return 1 if errors else 0


if __name__ == '__main__':
    sys.exit(main())
