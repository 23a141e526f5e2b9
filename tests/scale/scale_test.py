#!/usr/bin/env python3
"""A search answers with the same bytes on any number of threads, shards and ranks, and after being
killed: scale_test.py --program FASTPATH [--mpi FASTPATH_MPI]"""
import argparse
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / 'tools'
PROGRAM = MPI = None
QUESTION = ['llama-3.1-8b', '--on', 'dgx-h100', '--devices', '32', '--train', '--seq', '4096',
            '--global-batch', '256', '--json', '--against', 'tp=8 pp=4 sp recompute=full',
            '--space', 'tp=1..8*2 pp=1..8*2 micro_batch=1..8*2 sp=false,true zero=0..3 '
            'recompute=none,selective,full schedule=1f1b,interleaved:2,interleaved:4 '
            'overlap=true,false order=tp,cp,ep,dp,pp|dp,tp,cp,ep,pp']

# The same with so many points that a run can be caught in its middle.
LONG = [*QUESTION[:-1], QUESTION[-1] + '|pp,tp,cp,ep,dp optimizer=adam,sgd gradients=fp32,bf16']


class Scale(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='fastpath-scale-')
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def run_program(self, *words, code=0, program=None):
        done = subprocess.run([*(program or [PROGRAM]), *words], cwd=self.folder,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, code, done.stderr.decode())
        return done.stdout

    def search(self, *words, **more):
        return self.run_program('search', *QUESTION, *words, **more)

    def test_threads_shards_and_a_plain_run_give_the_same_bytes(self):
        one = self.search('--threads', '1')
        self.assertIn(b'"best"', one)
        self.assertEqual(one, self.search('--threads', '2'))
        self.assertEqual(one, self.search('--threads', '1', '--journal', 'whole.db'))
        self.assertEqual(one, self.search('--journal', 'whole.db'))  # all of it from the journal
        journals = [f'{i}.db' for i in range(1, 8)]
        for i, journal in enumerate(journals, 1):
            self.search('--shard', f'{i}/7', '--journal', journal)
        self.assertEqual(one, self.run_program('merge', *reversed(journals), '--json'))
        self.run_program('merge', *journals, '--into', 'all.db')
        self.assertEqual(one, self.run_program('merge', 'all.db', '--json'))

    def test_merge_lists_the_shards_that_are_missing(self):
        for i in (1, 3):
            self.search('--shard', f'{i}/3', '--journal', f'{i}.db')
        told = self.run_program('merge', '1.db', '3.db', code=1).decode()
        self.assertIn('2/3', told)
        self.assertNotIn('1/3 ', told)

    def test_journals_of_different_questions_do_not_merge(self):
        self.search('--shard', '1/2', '--journal', '1.db')
        self.search('--shard', '2/2', '--journal', '2.db', '--max-devices', '16', code=1)
        self.run_program('merge', '1.db', '2.db', code=2)

    def chunks_in(self, journal):
        try:
            with sqlite3.connect(f'file:{self.folder / journal}?mode=ro', uri=True) as database:
                return database.execute('SELECT count(*) FROM record').fetchone()[0]
        except sqlite3.Error:
            return 0

    def interrupted(self, journal, after, with_signal):
        """Runs until so many chunks are in the journal, then interrupts: the code and the answer."""
        running = subprocess.Popen([PROGRAM, 'search', *LONG, '--threads', '1', '--journal', journal],
                                   cwd=self.folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        while running.poll() is None and self.chunks_in(journal) < after:
            time.sleep(0.0005)
        running.send_signal(with_signal)
        out, _ = running.communicate()
        return running.returncode, out

    def killed(self, journal, after):
        """Kills when so many chunks are in the journal; how many are there then."""
        code, _ = self.interrupted(journal, after, signal.SIGKILL)
        self.assertEqual(code, -signal.SIGKILL)  # else it had come to its end
        return self.chunks_in(journal)

    def test_what_is_finished_survives_a_kill(self):
        whole = self.run_program('search', *LONG)
        seen = [self.killed('killed.db', after) for after in (1, 5, 20)]
        self.assertEqual(seen, sorted(seen))  # no chunk was lost
        self.assertGreater(seen[0], 0)
        self.assertEqual(whole, self.run_program('search', *LONG, '--journal', 'killed.db'))

    def test_an_interrupted_search_answers_with_what_it_has(self):
        code, out = self.interrupted('stopped.db', 1, signal.SIGINT)
        self.assertIn(code, (0, 1))
        self.assertIn(b'NOT FINISHED', out)
        whole = self.run_program('search', *LONG)
        self.assertEqual(whole, self.run_program('search', *LONG, '--journal', 'stopped.db'))

    def test_another_question_does_not_take_up_a_journal(self):
        self.search('--journal', 'a.db')
        self.search('--journal', 'a.db', '--top', '3', code=2)

    def mpirun(self, ranks, *words, code=0):
        if MPI is None:
            self.skipTest('fastpath-mpi is not built: install libopenmpi-dev')
        if shutil.which('mpirun') is None:
            self.skipTest('mpirun is not here: install openmpi-bin')
        launch = ['mpirun', '--oversubscribe', '-n', str(ranks)]
        if os.geteuid() == 0:
            launch.insert(1, '--allow-run-as-root')
        return self.run_program(*words, code=code, program=[*launch, MPI])

    def test_ranks_give_the_same_bytes(self):
        one = self.search('--threads', '1')
        self.assertEqual(one, self.mpirun(4, 'search', *QUESTION))
        self.assertEqual(one, self.mpirun(4, 'search', *QUESTION, '--journal', 'ranks.db'))
        self.assertEqual(one, self.search('--journal', 'ranks.db'))

    def test_ranks_all_end_when_the_first_cannot_begin(self):
        self.mpirun(3, 'search', *QUESTION, '--journal', 'no/such/folder.db', code=2)

    def test_the_slurm_script_makes_journals_that_merge(self):
        whole = self.search('--threads', '1')
        path = f'{pathlib.Path(PROGRAM).parent}{os.pathsep}{os.environ["PATH"]}'
        for task in (1, 2, 3):
            environment = {**os.environ, 'PATH': path, 'SLURM_ARRAY_TASK_ID': str(task),
                           'SLURM_ARRAY_TASK_COUNT': '3', 'SLURM_ARRAY_TASK_MIN': '1'}
            subprocess.run(['bash', str(TOOLS / 'search.sbatch'), 'journals', *QUESTION],
                           cwd=self.folder, env=environment, check=True, capture_output=True)
        journals = sorted(str(p) for p in (self.folder / 'journals').glob('*.db'))
        self.assertEqual(len(journals), 3)
        self.assertEqual(whole, self.run_program('merge', *journals, '--json'))


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('--program', required=True)
    parser.add_argument('--mpi')
    known, rest = parser.parse_known_args()
    PROGRAM, MPI = known.program, known.mpi
    if MPI and not pathlib.Path(MPI).exists():
        MPI = None  # a preset may build the program alone
    unittest.main(argv=[sys.argv[0], *rest])
