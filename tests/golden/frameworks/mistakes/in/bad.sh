torchrun --nproc-per-node 8 pretrain_gpt.py \
    --tensor-model-parallel-size three \
    --pipeline-model-parallel-size $PP --recompute-granularity ful
