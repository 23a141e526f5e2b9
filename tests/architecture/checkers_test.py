#!/usr/bin/env python3
"""A check that cannot fail is a defect: each checker meets one small project that is right and then
each mistake that it is there to find."""
import os
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tools'))
sys.dont_write_bytecode = True
import check_catalog  # noqa: E402
import check_docs  # noqa: E402
import check_forbidden  # noqa: E402
import check_layers  # noqa: E402


class Project(unittest.TestCase):
    """Writes files into a scratch project."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='fastpath-checkers-')
        self.addCleanup(scratch.cleanup)
        self.root = pathlib.Path(scratch.name)

    def put(self, name, text):
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def assert_finds(self, errors, *expected):
        """One error for each expected text, in any order."""
        errors = list(errors)
        for text in expected:
            self.assertTrue(any(text in error for error in errors), f'{text!r} not in {errors}')
        self.assertEqual(len(errors), len(expected), errors)


class Layers(Project):
    def setUp(self):
        super().setUp()
        self.put('layers.txt', '# comment\nbase:\nir: base\n')
        self.put('include/fastpath/a.h', '#include <vector>\n')
        self.put('src/base/a.h', '#include "fastpath/a.h"\n')
        self.put('src/base/a.cc', '#include "base/a.h"\n#include <vector>\n')
        self.put('src/ir/b.cc', '#include "base/a.h"\n')

    def errors(self):
        return check_layers.check(self.root)

    def test_a_right_project_passes(self):
        self.assert_finds(self.errors())

    def test_an_include_upwards_is_found(self):
        self.put('src/base/c.cc', '#include "ir/b.h"\n')
        self.assert_finds(self.errors(), 'src/base/c.cc:1: base must not include ir')

    def test_an_unknown_folder_is_found(self):
        self.put('src/misc/c.cc', '')
        self.assert_finds(self.errors(), "'misc' is not in layers.txt")

    def test_a_public_header_that_includes_src_is_found(self):
        self.put('include/fastpath/b.h', '#include "base/a.h"\n')
        self.assert_finds(self.errors(), 'a public header must not include base/a.h')

    def test_two_types_of_one_name_are_found(self):
        self.put('src/base/one.h', 'namespace fastpath {\nstruct Replay {\n};\n}\n')
        self.put('src/base/other.h', 'namespace fastpath::hf {\nclass Replay {\n};\n}\n')
        self.put('src/ir/two.h', 'namespace fastpath {\nclass Replay final : public Base {\n};\n}\n')
        self.assert_finds(self.errors(), 'src/ir/two.h:2: fastpath::Replay is defined in src/base/one.h')

    def test_a_type_that_hides_one_of_a_header_is_found(self):
        self.put('src/base/one.h', 'namespace fastpath {\nstruct Replay {\n};\n}\n')
        self.put('src/ir/two.cc', 'namespace fastpath::hf {\nstruct Replay {\n};\n}\n')
        self.put('src/ir/three.cc', 'namespace other {\nstruct Replay {\n};\n}\n')
        self.assert_finds(self.errors(), 'src/ir/two.cc:2: Replay hides fastpath::Replay of src/base/one.h')

    def test_too_many_public_headers_are_found(self):
        for i in range(check_layers.PUBLIC_HEADERS):
            self.put(f'include/fastpath/h{i}.h', '')
        self.assert_finds(self.errors(), '17 public headers; 16 are allowed')

    def test_a_cycle_of_headers_is_found(self):
        self.put('src/ir/x.h', '#include "ir/y.h"\n')
        self.put('src/ir/y.h', '#include "ir/x.h"\n')
        self.assert_finds(self.errors(), 'these components include each other: ir/x ir/y')

    def test_a_cycle_through_a_source_is_found(self):
        self.put('src/ir/x.h', '')
        self.put('src/ir/x.cc', '#include "ir/x.h"\n#include "ir/y.h"\n')
        self.put('src/ir/y.h', '#include "ir/x.h"\n')
        self.assert_finds(self.errors(), 'these components include each other: ir/x ir/y')

    def test_a_header_that_is_not_included_first_is_found(self):
        self.put('src/base/a.cc', '#include <vector>\n#include "base/a.h"\n')
        self.assert_finds(self.errors(), 'the first include must be "base/a.h"')


class Forbidden(Project):
    def errors(self, name, text):
        self.put(name, text)
        return check_forbidden.check(self.root)

    def test_comments_strings_tests_and_members_pass(self):
        text = ('// exit(1)\n/* abort()\n rand() */\nconst char* s = "throw \\" exit(1)";\n'
                'auto r = R"(std::cout)"; int n = 200\'000; char c = \'"\';\n'
                'task.exit(); queue->abort(); time(2); std::snprintf(b, 1, "x");\n')
        self.assert_finds(self.errors('src/ir/a.cc', text))
        self.assert_finds(self.errors('src/ir/a_test.cc', 'exit(1); throw 1;'))

    def test_calls_are_found_below_cli(self):
        for call in ('std::exit(1)', 'abort()', 'std::cout << 1', 'std::cerr << 1', 'printf("x")',
                     'fmt::print("x")', 'std::fprintf(stderr, "x")', 'std::getenv("HOME")', 'rand()',
                     'std::random_device d', 'std::chrono::system_clock::now()', 'time(nullptr)'):
            with self.subTest(call):
                self.assert_finds(self.errors('src/ir/a.cc', f'\nvoid f() {{ {call}; }}'),
                                  'src/ir/a.cc:2:')
        self.put('src/ir/a.cc', '')
        self.assert_finds(self.errors('src/cli/a.cc', 'std::exit(1); std::cout << getenv("A");'))

    def test_throw_is_found_everywhere(self):
        self.assert_finds(self.errors('src/cli/a.cc', 'throw 1;'), "'throw'")

    def test_a_call_after_a_string_is_found(self):
        self.assert_finds(self.errors('src/ir/a.cc', 'f("//"); abort();'), 'abort')

    def test_plain_doubles_in_public_headers_are_found(self):
        text = 'double bandwidth_share = 0;\ndouble step_time = 0;\nconst double peak_Bytes;\n'
        self.assert_finds(self.errors('include/fastpath/a.h', text), "'step_time'", "'peak_Bytes'")

    def test_a_library_in_the_wrong_layer_is_found(self):
        self.assert_finds(self.errors('src/ir/a.cc', '#include <yaml-cpp/yaml.h>\n'),
                          'belongs in import')
        self.assert_finds(self.errors('src/ir/a.cc', '#include <nlohmann/json.hpp>\n'))


class Catalog(Project):
    def errors(self, name, text):
        self.put(f'catalog/{name}', text)
        return check_catalog.check(self.root)[0]

    def test_right_files_pass(self):
        self.assert_finds(self.errors('a.csv', 'device,time_ms,batch,source,date\nx,1.5,2,paper,2024\n'))
        self.assert_finds(self.errors('b.csv', 'value,unit,source,date\n1.5,ms,paper,2024\n'))
        self.assert_finds(self.errors('c.yaml', (
            'name: c\nsource: a page\ndate: 2024-01-01\ncount: 8\nmemory:\n  bandwidth: 3.35 TB/s\n'
            'list:\n  - {peak: 989 TFLOP/s, per: 2}\n  - kind: x\n    peak: 1 GFLOP/s\n')))

    def test_rows_without_source_or_date_are_found(self):
        self.assert_finds(self.errors('a.csv', 'device,source,date\nx,,2024\ny,p,\n'),
                          'a.csv:2: no source', 'a.csv:3: no date')
        self.assert_finds(self.errors('a.csv', 'device\nx\n'), "no column 'source'", "no column 'date'")

    def test_a_short_row_is_found(self):
        self.assert_finds(self.errors('a.csv', 'source,date,note\na,b\n'), '2 fields')

    def test_a_column_without_unit_is_found(self):
        self.assert_finds(self.errors('a.csv', 'bandwidth,source,date\n1.5,p,2024\n'),
                          "'bandwidth' holds numbers")

    def test_a_yaml_figure_without_unit_is_found(self):
        self.assert_finds(self.errors('a.yaml', 'source: p\ndate: 2024\nbandwidth: 3.35\n'),
                          'bandwidth: 3.35 has no unit')

    def test_a_yaml_figure_without_source_or_date_is_found(self):
        self.assert_finds(
            self.errors('a.yaml', 'a:\n  source: p\n  date: 2024\nb:\n  bandwidth: 3 GB/s\n'),
            'a.yaml:5: bandwidth: 3 GB/s has no source', 'a.yaml:5: bandwidth: 3 GB/s has no date')
        self.assert_finds(self.errors('a.yaml', 'a: {peak: 3 GB/s, source: p}\n'), 'has no date')


class Docs(Project):
    def setUp(self):
        super().setUp()
        self.put('src/a.h', 'int known_function();')
        self.put('bin/fastpath', '#!/bin/sh\necho "answer $1"\nexit "$2"\n')
        os.chmod(self.root / 'bin/fastpath', 0o755)

    def names(self, text):
        self.put('README.md', text)
        return check_docs.check_names(self.root)

    def commands(self, block):
        self.put('README.md', f'text\n\n```console\n{block}\n```\n')
        return check_docs.check_commands(self.root, self.root / 'bin/fastpath')[0]

    def test_names(self):
        self.assert_finds(self.names('`src/a.h` `known_function()` [a](src/a.h) [b](https://x.y/z)'))
        self.assert_finds(self.names('\n`src/b.h`'), 'README.md:2: there is no src/b.h')
        self.assert_finds(self.names('`lost_function()`'), "'lost_function'")
        self.assert_finds(self.names('[a](nowhere.md)'), 'leads nowhere')

    def test_commands(self):
        self.assert_finds(self.commands('$ fastpath 1 0\nanswer 1\n\n$ ls\n$ fastpath 2 \\\n  0\nanswer 2'))
        self.assert_finds(self.commands('$ fastpath 1 1  # exit 1\n...'))
        self.assert_finds(self.commands('$ fastpath 1 1'), 'README.md:4: fastpath 1 1\n  exits 1, not 0')
        self.assert_finds(self.commands('$ fastpath 1 0\nanswer 2'), 'prints something else')


if __name__ == '__main__':
    unittest.main()
