#!/usr/bin/env python3
"""Writes catalog/measurements/*.csv from the project's folder of published
measurements: only the rows and columns that `fastpath validate` reads.

  tools/compact_measurements.py FOLDER
"""
import csv
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATE = '2026-11-24'
OPERATORS = ('gemm', 'attention_prefill', 'attention_decode', 'attention_mixed', 'moe_ffn', 'softmax',
             'layernorm', 'silu_mul', 'add', 'gelu', 'rope')
COLUMNS = {
    'operators': ('id device source date op m n k batch seq heads kv_heads head_dim dtype time_us '
                  'library notes').split(),
    'deepbench': ('id device source date op precision m n k trans w h c filt_w filt_h pad_w pad_h stride_w '
                  'stride_h hidden timesteps algo time_ms').split(),
    'mlperf_storage': ('id source date org system_storage workload emulated_accelerator num_accelerators '
                       'samples_per_file batch_size record_bytes_mean compute_time_s_per_batch '
                       'reader_threads access_pattern samples_per_s au_pct_mean local_drive_peak_read_MB_s '
                       'local_drive_peak_read_iops_4k').split(),
    'image_decode': ('id source date device decoder mode num_workers images_per_s_mean').split(),
    'edge_cnn': ('id source date device entry num_threads powersave model min_ms max_ms recorded clock_ghz '
                 'built_for').split(),
    'edge_cnn_layers': ('model type in_c k_h stride groups out_c out_h out_w macs params').split(),
    'edge_cnn_models': ('model n_layers macs params activation_elems_out').split(),
}
FOLDERS = {'mlperf_storage': 'storage', 'image_decode': 'storage'}
BY_HAND = ('entry', 'recorded', 'clock_ghz', 'built_for')
# What the reader takes from notes.
NOTES = re.compile(r'(TRTLLM \S+|topk=\S+|experts=\S+|moe_tp=\S+|moe_ep=\S+|dist=\S+|'
                   r'prefill \d+ \+ \d+ decodes at kv \d+|cache-resident)')


def library(row):
    """The library whose kernels ran, as far as the source tells it."""
    if row.get('notes', '').startswith('TRTLLM'):
        return 'trtllm'
    for owner, name in (('microsoft/vidur', 'torch-graph'),
                        ('PrincetonUniversity/LLMCompass', 'torch-eager'),
                        ('casys-kaist/LLMServingSim', 'vllm')):
        if row['source'].startswith(owner):
            if name != 'vllm' or 'v0' not in row['dtype']:
                return name
            # Its norms run kernel by kernel: 15 times the roofline at 2048 x 4096.
            return 'vllm-v0-eager' if row['op'] == 'layernorm' else 'vllm-v0'
    return ''


def read_by_hand(path):
    """By id, what edge_cnn.csv has from its source's headings and history, which FOLDER does not hold."""
    with open(path, encoding='utf-8') as file:
        rows = csv.DictReader(line for line in file if not line.startswith('#'))
        return {row['id']: {key: row.get(key, '') for key in BY_HAND} for row in rows}


def keep(name, row):
    if name == 'operators':
        return row['op'] in OPERATORS
    if name == 'edge_cnn':  # GPUs are not modelled; a time of 0 is not one
        return row['gpu_device'] == '-1' and float(row['min_ms'] or 0) > 0
    if name != 'deepbench':
        return True
    return row['op'] not in ('sparse_gemm', 'allreduce_fp32')


def main():
    folder = pathlib.Path(sys.argv[1])
    for name, columns in COLUMNS.items():
        entries = {}
        with open(folder / FOLDERS.get(name, '') / f'{name}.csv', encoding='utf-8') as file:
            rows = [row for row in csv.DictReader(file) if keep(name, row)]
        path = ROOT / 'catalog' / 'measurements' / f'{name}.csv'
        by_hand = read_by_hand(path) if name == 'edge_cnn' else {}
        with open(path, 'w', encoding='utf-8', newline='') as file:
            file.write('# From the sources named in each row, read on `date`; see README.md\n')
            writer = csv.writer(file, lineterminator='\n')
            writer.writerow(columns)
            for row in rows:
                row['source'] = re.sub(r'@(.{8}).*', r'@\1', row.get('source', ''))
                # One number for each heading of the source: what was measured together.
                row['entry'] = entries.setdefault(row.get('hardware'), len(entries) + 1)
                row.update(by_hand.get(row.get('id'), {}))
                row['library'] = library(row)
                row['date'] = DATE
                row['notes'] = ' '.join(NOTES.findall(row.get('notes', '')))
                writer.writerow([row.get(column, '') for column in columns])
        print(path, len(rows))


if __name__ == '__main__':
    main()
