/// Small workloads and systems for tests, written out by hand so that they depend on no importer.
#pragma once

#include <string>
#include <vector>

#include "fastpath/system.h"
#include "fastpath/workload.h"

namespace fastpath::testing {

/// Sizes of a decoder with grouped-query attention and a gated MLP, dense or of experts.
struct DecoderSizes {
  std::int64_t batch = 16;
  std::int64_t seq = 256;
  std::int64_t hidden = 512;
  std::int64_t heads = 8;
  std::int64_t kv_heads = 4;
  std::int64_t head_dim = 64;
  std::int64_t ffn = 1024;
  std::int64_t vocab = 4096;
  std::int64_t layers = 8;
  std::int64_t experts = 0;  ///< 0 = dense
  std::int64_t top_k = 2;
  Phase phase = Phase::training;
};

/// Adds tensors and operators by name: "x[batch seq hidden]" with dims by name.
class BlockBuilder {
 public:
  BlockBuilder(Workload& workload, std::string name) : workload_(workload) {
    block_.name = std::move(name);
  }

  TensorId tensor(const std::string& name, const std::vector<std::string>& dims,
                  TensorRole role = TensorRole::activation);
  Op& op(const std::string& name, OpKind kind, std::vector<TensorId> inputs,
         std::vector<TensorId> outputs);
  /// Appends the block to the workload with a segment of `repeat`.
  void finish(std::int64_t repeat);

 private:
  DimId dim(const std::string& name) const;

  Workload& workload_;
  Block block_;
};

Workload decoder(const DecoderSizes& sizes = {});

/// Two convolutions with a marked channel between them, a pool and a classifier.
Workload small_cnn(std::int64_t batch);

/// Four tables of 1,000 to 4,000 rows and 32 columns, and a product with their vectors.
Workload small_recommender(std::int64_t batch);

/// A device of round numbers: 100 TFLOP/s in 16 bit, 10 TFLOP/s in fp32, 1 TB/s, 80 GB.
Device round_device();

/// `nodes` nodes of `devices` round devices: 100 GB/s inside, 10 GB/s across.
System round_system(std::int64_t devices, std::int64_t nodes = 1);

}  // namespace fastpath::testing
