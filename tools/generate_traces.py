#!/usr/bin/env python3
"""Writes the traces of a made-up training job, one file a rank, in the form of PyTorch's profiler.

    tools/generate_traces.py FOLDER --ranks 32 --bytes 5e9

The job is data parallel: layers of operators with shapes inside modules, their kernels, and an
all-reduce a layer on a stream of its own. The same arguments give the same bytes. Clocks of ranks
differ by up to 5 ms, and every seventh rank is slower. It serves to measure `fastpath analyze` on
more than anybody wants to publish.
"""

import argparse
import contextlib
import pathlib

LAYERS = 48
# Operator, shapes, kernel, nanoseconds of the kernel.
OPERATORS = (
    ("aten::native_layer_norm", "[[2, 4096, 4096], [], [4096], [4096], []]", "layer_norm_kernel", 41_000),
    ("aten::mm", "[[8192, 4096], [4096, 6144]]", "sm90_xmma_gemm_bf16bf16_bf16f32_tn", 612_000),
    (
        "aten::_flash_attention_forward",
        "[[2, 4096, 32, 128], [2, 4096, 8, 128], [2, 4096, 8, 128], [], [], [], [], [], [], []]",
        "void flash_fwd_kernel<Flash_fwd_kernel_traits<128>>",
        388_000,
    ),
    ("aten::mm", "[[8192, 4096], [4096, 4096]]", "sm90_xmma_gemm_bf16bf16_bf16f32_nn", 402_000),
    ("aten::add", "[[2, 4096, 4096], [2, 4096, 4096], []]", "void at::native::vectorized_elementwise_kernel<4>", 49_000),
    ("aten::mm", "[[8192, 4096], [4096, 14336]]", "sm90_xmma_gemm_bf16bf16_bf16f32_tt", 1_391_000),
    ("aten::silu", "[[2, 4096, 14336]]", "void at::native::vectorized_elementwise_kernel<8>", 83_000),
    ("aten::mm", "[[8192, 14336], [14336, 4096]]", "sm90_xmma_gemm_bf16bf16_bf16f32_nt", 1_402_000),
)
MODULES = ("RMSNorm_{0}", "Linear_{0}", "Attention_{0}", "Linear_{1}", "Residual_{0}", "Linear_{2}", "SiLU_{0}", "Linear_{3}")


def draw(*key):
    """A whole number below 2^16 that looks random and depends on the key alone."""
    state = 0x9E3779B97F4A7C15
    for part in key:
        state = (state ^ part) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 29
    return state & 0xFFFF


def micros(nanoseconds):
    return f"{nanoseconds // 1000}.{nanoseconds % 1000:03d}"


class Rank:
    def __init__(self, rank, ranks, out):
        self.rank, self.ranks, self.out = rank, ranks, out
        self.clock = (draw(rank, 1) - 0x8000) * 150  # ahead by up to +-4.9 ms
        self.host = self.device = self.network = 1_790_000_000_001_000_000
        self.correlation = 0
        self.slow = 112 if rank % 7 == 3 else 100  # per cent

    def event(self, category, name, thread, start, duration, arguments=""):
        self.out.write(
            f'  {{"ph": "X", "cat": "{category}", "name": "{name}", "pid": {1000 + self.rank}, "tid": {thread},\n'
            f'    "ts": {micros(start + self.clock)}, "dur": {micros(duration)}, "args": {{{arguments}}}\n  }},\n'
        )

    def launch(self, kernel, start, duration, stream, extra=""):
        """A call of the runtime at `start`, the work, and the arrow between them."""
        self.correlation += 1
        number = self.correlation
        ids = f'"External id": {number}, "correlation": {number}'
        self.event("cuda_runtime", "cudaLaunchKernel", 1000 + self.rank, start, 4_000, f'"cbid": 211, {ids}')
        begin = max(start + 6_000, self.network if stream == 20 else self.device)
        self.out.write(
            f'  {{"ph": "X", "cat": "kernel", "name": "{kernel}", "pid": 0, "tid": {stream},\n'
            f'    "ts": {micros(begin + self.clock)}, "dur": {micros(duration)}, "args": {{"queued": 0, "device": 0, "context": 1, '
            f'"stream": {stream}, {ids}, "registers per thread": 128, "shared memory": 98304, "blocks per SM": 3.9, '
            f'"warps per SM": 15.5, "grid": [512, 1, 1], "block": [128, 1, 1], "est. achieved occupancy %": 24{extra}}}\n'
            f'  }},\n  {{"ph": "s", "id": {number}, "pid": {1000 + self.rank}, "tid": {1000 + self.rank}, '
            f'"ts": {micros(start + self.clock)}, "cat": "ac2g", "name": "ac2g"}},\n  {{"ph": "f", "id": {number}, "pid": 0, '
            f'"tid": {stream}, "ts": {micros(begin + self.clock)}, "cat": "ac2g", "name": "ac2g", "bp": "e"}},\n'
        )
        return begin + duration

    def layer(self, step, layer):
        start = self.host
        for place, (operator, shapes, kernel, nominal) in enumerate(OPERATORS):
            at = self.host
            module = MODULES[place].format(layer, layer + LAYERS, layer + 2 * LAYERS, layer + 3 * LAYERS)
            count = shapes.count("[") - 1
            types = ", ".join(['"c10::BFloat16"'] * count)
            self.event("python_function", f"nn.Module: {module}", 1000 + self.rank, at, 21_000, f'"Python id": {layer}')
            self.event(
                "cpu_op", operator, 1000 + self.rank, at + 2_000, 16_000,
                f'"External id": {self.correlation + 1}, "Record function id": 0, "Sequence number": {self.correlation}, '
                f'"Fwd thread id": 0, "Input Dims": {shapes}, "Input type": [{types}]',
            )
            time = nominal * self.slow // 100 + draw(self.rank, step, layer, place) // 8
            self.device = self.launch(kernel, at + 6_000, time, 7)
            self.host = at + 24_000 + draw(self.rank, layer, place) % 3_000
        self.event("python_function", f"nn.Module: Block_{layer}", 1000 + self.rank, start, self.host - start, '"Python id": 1')
        self.network = max(self.network, self.device, self.host + 6_000)

    def reduce(self, end):
        """All ranks leave together, give or take 2 us."""
        extra = (
            f', "Collective name": "allreduce", "In msg nelems": 218103808, "Out msg nelems": 218103808, '
            f'"Group size": {self.ranks}, "dtype": "BFloat16", "Process Group Name": "0"'
        )
        time = end - self.network + draw(self.rank, self.correlation) % 2_000
        self.network = self.launch("ncclDevKernel_AllReduce_Sum_bf16_RING_LL", self.host, time, 20, extra)
        self.host += 9_000

    def begin(self):
        self.out.write(
            '{\n  "schemaVersion": 1,\n  "deviceProperties": [{"id": 0, "name": "NVIDIA H100 80GB HBM3"}],\n'
            f'  "distributedInfo": {{"backend": "nccl", "rank": {self.rank}, "world_size": {self.ranks}}},\n'
            '  "traceEvents": [\n'
        )

    def end_step(self, step, start):
        self.event("user_annotation", f"ProfilerStep#{step}", 1000 + self.rank, start, self.host - start)
        self.host = max(self.host, self.device - 40_000_000)

    def end(self):
        self.out.write('  {"ph": "M", "name": "process_name", "pid": 0, "tid": 0, "args": {"name": "python"}}\n  ]\n}\n')


def write_job(ranks, most):
    """Steps until each file has `most` bytes. A layer's all-reduce starts when the last rank has come."""
    for rank in ranks:
        rank.begin()
    step = 0
    while ranks[0].out.tell() < most:
        starts = [rank.host for rank in ranks]
        for layer in range(LAYERS):
            for rank in ranks:
                rank.layer(step, layer)
            end = max(rank.network for rank in ranks) + 2_900_000
            for rank in ranks:
                rank.reduce(end)
        for rank, start in zip(ranks, starts):
            rank.end_step(step, start)
        step += 1
    for rank in ranks:
        rank.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--ranks", type=int, default=32)
    parser.add_argument("--bytes", type=float, default=5e9, help="of all files together")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        files = [
            stack.enter_context(open(options.folder / f"rank{rank}.json", "w", encoding="utf-8", newline="\n"))
            for rank in range(options.ranks)
        ]
        write_job([Rank(rank, options.ranks, out) for rank, out in enumerate(files)], options.bytes / options.ranks)


if __name__ == "__main__":
    main()
